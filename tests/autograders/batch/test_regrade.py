"""Grading again with the recorded seeds: the same bytes, or the difference before anything is written."""

import json

import pytest

for library in ("distributed", "nbgrader", "jupytext"):
    pytest.importorskip(library, reason=f"grading many needs {library}")

from classrooms import ANSWERS, NAME, RIGHT  # noqa: E402

from autograders import sandbox  # noqa: E402

available, reason = sandbox.available()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not available, reason=f"no sandbox here: {reason}")]


def test_a_grade_is_reproduced_and_a_difference_shown(classroom):
    """The seeds come from the ledger: with another secret key, grades are still the same to the byte."""
    for number, answer in enumerate(ANSWERS[:3]):
        classroom.submit(f"learner-{number}", answer)
    classroom.run("grade", NAME)
    (classroom.folder / ".secret").write_bytes(b"x" * 32)
    before = classroom.graded(), classroom.ledger(), classroom.scores()
    said = classroom.run("regrade", NAME)
    assert "3 graded again: 3 the same to the byte, 0 with other points" in said

    spoil(classroom.folder / "ledger.jsonl", "learner-0")
    classroom.submit("learner-1", RIGHT)  # after it was graded
    classroom.submit("new", RIGHT)
    spoilt = classroom.ledger()
    said = classroom.run("regrade", NAME, fails=True)
    assert "learner-0  autograd/unbroadcast  1 -> 4 points  (values 0 -> 1)" in said
    assert "2 graded again: 1 the same to the byte, 1 with other points" in said
    assert "Left out: learner-1: has other answers than those that were graded" in said
    assert "Left out: new: is not in the ledger" in said
    assert "Nothing was written" in said
    assert (classroom.graded(), classroom.ledger(), classroom.scores()) == (before[0], spoilt, before[2])

    assert "1 written." in classroom.run("regrade", NAME, "--write", fails=True)
    assert [line["points"] for line in classroom.ledger() if line["student"] == "learner-0"] == [1.0, 4.0]
    assert classroom.graded() == before[0]
    assert classroom.scores() == before[2]


def spoil(path, student):
    """As if another version of the grader had given 1 point."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        if line["student"] == student:
            line["points"] = 1.0
            next(stage for stage in line["stages"] if stage["name"] == "values")["credit"] = 0.0
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
