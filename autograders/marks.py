"""What a learner's workspace remembers of each exercise: that its solution was seen, that an answer passed.

A mark only ever gets added, with the date of its first time. The marks are kept in `.chainrule/seen.json` and
`.chainrule/passed.json`, and last for the session where there is no workspace.
"""

import contextlib
import datetime
import json
import os
from pathlib import Path

from autograders.workspace import KEPT, workspace


class Marks:
    """One kind of mark. `file`: the name of the file that keeps it; `called`: what a sentence calls it."""

    def __init__(self, file: str, called: str = "The mark"):
        self.file, self.called = file, called
        self._this_session: dict[str, str] = {}

    def mark(self, name: str) -> str:
        """Mark the exercise `name`; returns why that lasts for this session only, or "".

        The date of the first time stays.
        """
        self._this_session.setdefault(name, datetime.date.today().isoformat())
        path = self._path(workspace())
        if path is None:
            return ""
        try:
            if name not in _read(path):
                with _alone(path.with_suffix(".lock")):  # the kernels of two notebooks may both have something to add
                    _write(path, {name: self._this_session[name]} | _read(path))
        except (OSError, ValueError) as error:
            return f"{self.called} lasts for this session only: {path} could not be kept ({error})."
        return ""

    def when(self, name: str) -> str | None:
        """The date, such as 2026-11-29, on which the exercise `name` was first marked; None if it wasn't."""
        path = self._path(workspace())
        try:
            known = _read(path) if path is not None else {}
        except (OSError, ValueError):  # `mark` says so when it matters
            known = {}
        return known.get(name) or self._this_session.get(name)

    def kept(self, root: Path | None) -> dict[str, str]:
        """{exercise: date} of the marks that the workspace `root` keeps, none where that is None.

        Raises ValueError if their file is damaged, OSError if it cannot be read.
        """
        path = self._path(root)
        return _read(path) if path is not None else {}

    def _path(self, root: Path | None) -> Path | None:
        return root and root / KEPT / self.file


seen = Marks("seen.json")  # the solution was looked at before an answer had passed
passed = Marks("passed.json", "The mark that it passed")  # an answer of the learner's own did


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


@contextlib.contextmanager
def _alone(path: Path):
    """A block that one process at a time may be in; the lock goes with the process, however it ends."""
    with open(path, "ab") as file:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
