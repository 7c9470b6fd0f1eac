"""Which solutions a learner has looked at: a mark that only ever gets added, and that costs nothing.

It is kept in `.chainrule/seen.json` of the learner's workspace, and lasts for the session where there is none.
"""

import datetime
import json
from pathlib import Path

from autograders.workspace import KEPT, workspace

FILE = "seen.json"
_this_session: dict[str, str] = {}


def mark(name: str) -> str:
    """Remember that the solution of the exercise `name` was seen; returns why that lasts for this session only, or "".

    The date of the first time stays.
    """
    _this_session.setdefault(name, datetime.date.today().isoformat())
    path = _path()
    if path is None:
        return ""
    try:
        known = _read(path)
        if name not in known:
            _write(path, {**known, name: _this_session[name]})
    except (OSError, ValueError) as error:
        return f"The mark lasts for this session only: {path} could not be kept ({error})."
    return ""


def when(name: str) -> str | None:
    """The date, such as 2026-11-29, on which the solution of the exercise `name` was first seen; None if it wasn't."""
    path = _path()
    try:
        known = _read(path) if path is not None else {}
    except (OSError, ValueError):  # `mark` says so when it matters
        known = {}
    return known.get(name) or _this_session.get(name)


def _path() -> Path | None:
    """The file in the workspace that the current folder belongs to."""
    root = workspace()
    return root and root / KEPT / FILE


def _read(path: Path) -> dict[str, str]:
    """{exercise: date}; raises ValueError for a file that holds anything else."""
    if not path.exists():
        return {}
    known = json.loads(path.read_bytes())
    if not isinstance(known, dict) or not all(isinstance(date, str) for date in known.values()):
        raise ValueError("it should map names of exercises to dates")
    return known


def _write(path: Path, known: dict[str, str]) -> None:
    from engine.files import write_atomically  # here: `import autograders` stays light

    write_atomically(path, (json.dumps(known, indent=1, sort_keys=True) + "\n").encode())
