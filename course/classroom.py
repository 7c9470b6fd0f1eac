"""The instructor's folder: nbgrader's course directory with the chapters, the exchange and the settings."""

from pathlib import Path

from course import builder
from course.files import write_atomically
from course.nbgrader_config import CLASSROOM_CONFIG, ensure_exchange

CHAPTERS = Path(__file__).parent / "chapters"


def prepare(classroom, chapters=CHAPTERS):
    """Make or refresh nbgrader's course directory in the folder `classroom`; returns the source notebooks' paths.

    Submissions, grades and the instructor's own settings are left alone. A source notebook that was
    changed by hand is kept in `set-aside/` when it is replaced. Raises builder.BuildError, OSError.
    """
    classroom = Path(classroom).absolute()
    notebooks = builder.build(chapters, classroom)
    ensure_exchange(classroom)
    config = classroom / "nbgrader_config.py"
    if not config.exists():
        write_atomically(config, CLASSROOM_CONFIG.encode())
    return notebooks
