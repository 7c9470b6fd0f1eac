"""Storing a grade is cut short at each of its steps: the next run finds out, and mends it."""

import pytest

for library in ("distributed", "nbgrader", "jupytext"):
    pytest.importorskip(library, reason=f"grading many needs {library}")

from classrooms import NAME, RIGHT  # noqa: E402
from sqlalchemy.exc import OperationalError  # noqa: E402

from autograders import ledger, marking  # noqa: E402
from autograders.batch import gradebook, writer  # noqa: E402
from autograders.batch.command import Refused  # noqa: E402
from autograders.batch.room import Room  # noqa: E402
from autograders.batch.writer import Writer  # noqa: E402

pytestmark = pytest.mark.slow


class PowerCut(BaseException):
    """Nothing in the code may take this for something to handle."""


@pytest.fixture
def room(classroom, monkeypatch):
    for name, value in classroom.environment.items():
        monkeypatch.setenv(name, value)
    classroom.submit("ada", RIGHT, [("notes.txt", b"mine")])
    return Room(classroom.folder, NAME)


def verdicts(submission, points=4.0):
    """Verdicts as workers would give them: no sandbox is needed to see what is stored."""
    return {
        name: [
            {
                "exercise": task["exercise"],
                "seed": task["seed"],
                "points": points,
                "max_points": 4.0,
                "stages": [{"name": "values", "weight": 4.0, "credit": points / 4}],
                "failed_at": None,
                "misconception": "",
                "text": "the words",
                "html": "<p>the words</p>",
                "sandbox": "bubblewrap",
                "limits": {},
                **{package: marking.package_digest(package) for package in ("autograders", "engine")},
            }
            for task in tasks
        ]
        for name, tasks in submission.tasks.items()
    }


def cut(monkeypatch, target, name):
    def power_cut(*_, **__):
        raise PowerCut

    monkeypatch.setattr(target, name, power_cut)


@pytest.mark.parametrize(
    "target, name",
    [
        (gradebook.SaveAutoGrades, "_add_score"),
        (gradebook.AssignLatePenalties, "init_plugin"),
        (writer, "write_atomically"),
        (ledger.os, "write"),
    ],
    ids=["first grade", "last of the gradebook", "files", "ledger"],
)
def test_what_was_cut_short_is_done_again(classroom, room, monkeypatch, target, name):
    """In the gradebook there is all or nothing; once more, and everything is there, once."""
    submission = room.submission("ada")
    with monkeypatch.context() as patch:
        cut(patch, target, name)
        with pytest.raises(PowerCut), Writer(room) as writing:
            writing.store(submission, verdicts(submission))
    found = classroom.scores()
    assert found == {} or found["ada"]["scores"] == {"autograd-unbroadcast-check": (4.0, False)}
    for _ in range(2):
        with Writer(room) as writing:
            if not writing.is_done(submission):
                writing.store(submission, verdicts(submission))
            assert writing.is_done(submission)
    assert classroom.scores()["ada"]["scores"] == {"autograd-unbroadcast-check": (4.0, False)}
    assert len(classroom.ledger()) == 1
    assert sorted(path.rpartition("/")[2] for path in classroom.graded()) == [f"{NAME}.ipynb", "notes.txt"]


def test_a_line_cut_short_is_passed_over(classroom, room):
    """Half a line in the ledger is as if it were not there, and does not spoil the next one."""
    submission = room.submission("ada")
    with Writer(room) as writing:
        writing.store(submission, verdicts(submission))
    whole = room.ledger.read_bytes()
    room.ledger.write_bytes(whole[: len(whole) // 2])
    with Writer(room) as writing:
        assert not writing.is_done(submission)
        writing.store(submission, verdicts(submission))
    assert len(ledger.read(room.ledger)) == 1
    with Writer(room) as writing:
        assert writing.is_done(submission)


def test_a_database_that_is_locked_is_asked_again(classroom, room, monkeypatch):
    """Three times; then grading stops, saying so, and stored nothing of that submission."""
    monkeypatch.setattr(gradebook, "SECONDS_BETWEEN", 0.0)
    submission, original, tried = room.submission("ada"), gradebook.Book._store, []

    def locked(book, *arguments):
        tried.append(1)
        if len(tried) <= failures:
            raise OperationalError("", {}, Exception("database is locked"))
        original(book, *arguments)

    monkeypatch.setattr(gradebook.Book, "_store", locked)
    failures = 3
    with Writer(room) as writing:
        writing.store(submission, verdicts(submission))
    assert len(tried) == 4
    failures = 99
    with Writer(room) as writing, pytest.raises(Refused, match="the gradebook does not answer .*database is locked"):
        writing.store(submission, verdicts(submission, points=1.0))
    assert len(classroom.ledger()) == 1
    assert classroom.scores()["ada"]["scores"]["autograd-unbroadcast-check"] == (4.0, False)
