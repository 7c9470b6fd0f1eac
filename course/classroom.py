"""The instructor's folder: nbgrader's course directory with the chapters, the exchange and the settings."""

import json
import shutil
from pathlib import Path

from course import builder
from course.files import write_atomically
from course.nbgrader_config import CLASSROOM_CONFIG, ensure_exchange
from course.workspace import JUPYTER_CONFIG, NO_NEWS, Message

CHAPTERS = Path(__file__).parent / "chapters"


def prepare(classroom, chapters=CHAPTERS):
    """Make or refresh nbgrader's course directory in the folder `classroom`; returns a list of Message.

    Submissions, grades and the instructor's own settings are left alone. A source notebook that was
    changed by hand is kept in `set-aside/` when it is replaced. A grading that was cut short is cleared
    away, so that nbgrader does it again; don't call this while one is running.
    Raises builder.BuildError, OSError.
    """
    classroom = Path(classroom).absolute()
    kept = set(classroom.glob("set-aside/*"))
    builder.build(chapters, classroom)
    messages = [
        Message("set-aside", f"A source notebook had been changed by hand; that version is now {path}.")
        for path in sorted(set(classroom.glob("set-aside/*")) - kept)
    ]
    ensure_exchange(classroom)
    write_atomically(classroom / JUPYTER_CONFIG / "labconfig" / "default_setting_overrides.json", NO_NEWS.encode())
    config = classroom / "nbgrader_config.py"
    if not config.exists():
        write_atomically(config, CLASSROOM_CONFIG.encode())
    return messages + _clear_unfinished(classroom)


def _clear_unfinished(classroom):
    """Remove gradings that a crash cut short: nbgrader would take their folder for a finished one and skip it."""
    messages = []
    for folder in sorted(classroom.glob("autograded/*/*")):
        notebooks = list(folder.glob("*.ipynb"))
        if not notebooks or not all(_is_graded(notebook) for notebook in notebooks):
            shutil.rmtree(folder)
            student, chapter = folder.parent.name, folder.name
            text = f"The grading of {chapter} for {student} was cut short; autograde will do it again."
            messages.append(Message("regrade", text))
    return messages


def _is_graded(notebook):
    try:
        return json.loads(notebook.read_bytes())["metadata"].get("chainrule", {}).get("graded", True)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
