"""The one process that writes. A submission is graded once its lines are in the ledger, which are written last.

The order is: gradebook (one transaction), files (each whole or not at all), ledger (one write). Whenever it is cut
short, the ledger does not know the submission, so the next run grades it again, to the same bytes, over what is there.
"""

import contextlib
import fcntl
import hashlib
import os

import nbformat

from autograders import ledger
from autograders.batch.command import Refused
from autograders.batch.gradebook import Book
from engine.files import write_atomically

LOCK = ".grading.lock"


class Writer:
    """Stores what was graded in a room. Use it in a `with` statement; Refused if another command is at it."""

    def __init__(self, room):
        self._room = room
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(_alone(self._room.folder / LOCK))
            self._book = stack.enter_context(Book(self._room))
            self._recorded = ledger.latest(ledger.read(self._room.ledger), self._room.assignment)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def recorded(self, student):
        """{(notebook, exercise): the ledger's last record}."""
        return self._recorded.get(student, {})

    def is_done(self, submission):
        """Whether the ledger knows just this submission, and the graded notebooks are still as they were recorded."""
        records = self.recorded(submission.student)
        for name, tasks in submission.tasks.items():
            path = self._room.destination(submission.student) / f"{name}.ipynb"
            found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
            for task in tasks:
                record = records.get((name, task["exercise"]), {})
                if record.get("job") != submission.key or record.get("graded") != found:
                    return False
        return all((self._room.destination(submission.student) / name).is_file() for name in submission.files)

    def store(self, submission, verdicts):
        """Store a judged submission: {notebook: its tasks' verdicts}."""
        texts, records = self._room.graded(submission, verdicts)
        notebooks = {name: nbformat.reads(text, as_version=4) for name, text in texts.items()}
        self._book.store(submission, notebooks)
        files = {**submission.files, **{f"{name}.ipynb": text.encode() for name, text in texts.items()}}
        self._write(self._room.destination(submission.student), files)
        known = self.recorded(submission.student)
        places = [(record["notebook"], record["exercise"]) for record in records]
        new = {place: record for place, record in zip(places, records) if not _same(record, known.get(place))}
        ledger.append(self._room.ledger, list(new.values()))
        self._recorded.setdefault(submission.student, {}).update(new)

    def _write(self, folder, files):
        """Make `folder` hold exactly these files, {name: bytes}, with the permissions that nbgrader gives."""
        permissions = int(str(self._room.converter.permissions), 8)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.is_file() or path.read_bytes() != content:
                write_atomically(path, content)
            path.chmod(permissions)
        for path in folder.rglob("*"):
            if path.is_file() and str(path.relative_to(folder)) not in files:
                path.unlink()  # of an earlier submission, or what a crash left of a file


def _same(record, known):
    """Whether two records say the same, but for the time."""
    return known is not None and {**record, "time": ""} == {**known, "time": ""}


@contextlib.contextmanager
def _alone(path):
    """A block that one process at a time may be in; the lock goes with the process, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused("another grading is at work in this classroom; wait until it is done") from error
        yield
    finally:
        os.close(descriptor)
