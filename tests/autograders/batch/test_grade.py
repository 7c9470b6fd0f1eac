"""The command `grade` beside `nbgrader autograde` on the same submissions, and what it does when things go wrong."""

import csv
import datetime
import fcntl
import json
import shutil
import subprocess
import sys
import time

import pytest

for library in ("distributed", "nbgrader", "jupytext"):
    pytest.importorskip(library, reason=f"grading many needs {library}")

from classrooms import ANSWERS, NAME, NOTEBOOK, RIGHT  # noqa: E402

from autograders import sandbox  # noqa: E402
from autograders.__main__ import main  # noqa: E402

available, reason = sandbox.available()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not available, reason=f"no sandbox here: {reason}")]

LATE, IN_TIME = b"2026-02-01 10:00:00 UTC\n", b"2026-01-01 10:00:00 UTC\n"
UNREADABLE = {"deep": b"[" * 100_000, "empty": b"", "half": b'{"cells": [', "bytes": b"\xff\xfe"}


@pytest.fixture(scope="module")
def both(made, tmp_path_factory):
    """Two classrooms with the same submissions, (ours, theirs): graded by the command, and by nbgrader's."""
    from nbgrader.api import Gradebook

    ours = made.copy(tmp_path_factory.mktemp("ours"))
    with Gradebook(f"sqlite:///{ours.folder / 'gradebook.db'}", "chainrule") as book:
        book.update_or_create_assignment(NAME, duedate=datetime.datetime(2026, 1, 15, tzinfo=datetime.UTC))
    for number, answer in enumerate(ANSWERS):
        ours.submit(f"learner-{number}", answer)
    ours.submit("late", RIGHT, [("timestamp.txt", LATE), ("notes.txt", b"mine")])
    ours.submit("in-time", RIGHT, [("timestamp.txt", IN_TIME)])
    theirs = ours.copy(tmp_path_factory.mktemp("theirs"))
    theirs.nbgrader("autograde", NAME)
    for name, content in UNREADABLE.items():  # they would leave a zero behind in nbgrader's
        ours.submit_raw(name, content)
    ours.said = ours.run("grade", NAME, fails=True)
    return ours, theirs


def test_files_and_grades_are_nbgraders(both):
    """Same bytes in autograded/, same scores, comments, timestamps and late penalties in the gradebook."""
    ours, theirs = both
    assert ours.graded() == theirs.graded()
    assert ours.scores() == theirs.scores()
    assert ours.scores()["late"]["penalty"] == 4.0, "the comparison has something to compare"
    assert ours.scores()["learner-1"]["scores"]["autograd-unbroadcast-check"][0] == 1.95


def test_the_ledgers_say_the_same(both):
    """But for what only the command records, and the time."""
    ours, theirs = both
    ours_alone = {"job", "graded"}
    shared = [{name: value for name, value in line.items() if name not in ours_alone} for line in ours.ledger()]
    assert shared == theirs.ledger()


def test_feedback_and_export_follow(both, tmp_path):
    rows = []
    for room in both:
        room.nbgrader("generate_feedback", NAME)
        room.nbgrader("export")
        with open(room.folder / "grades.csv", newline="", encoding="utf-8") as file:
            rows.append(sorted(csv.DictReader(file), key=lambda row: row["student_id"]))
    assert rows[0] == rows[1]
    page = both[0].folder / "feedback" / "learner-1" / NAME / f"{NAME}.html"
    assert "autograd/unbroadcast: not yet" in page.read_text("utf-8")


def test_what_cannot_be_read_is_told_and_stops_nobody(both):
    ours, _ = both
    for name in UNREADABLE:
        assert f"Not graded: {name}: {NOTEBOOK} is not a notebook" in ours.said
        assert name not in ours.scores(), "no silent zero"
    assert "7 graded, 0 unchanged, 4 failed, 0 retried" in ours.said


def test_a_second_run_changes_nothing(both):
    ours, _ = both
    before = (ours.folder / "ledger.jsonl").read_bytes(), ours.graded()
    assert "0 graded, 7 unchanged, 4 failed" in ours.run("grade", NAME, fails=True)
    assert ((ours.folder / "ledger.jsonl").read_bytes(), ours.graded()) == before


def test_only_what_is_new_is_graded(classroom):
    """A new submission takes the place of the old one, whose other files go; a lost notebook is made again."""
    for name in ("ada", "ben", "cy"):
        classroom.submit(name, ANSWERS[1], [("old.txt", b"old")])
    classroom.run("grade", NAME)
    folder = classroom.folder / "submitted" / "ada" / NAME
    (folder / "old.txt").unlink()
    classroom.submit("ada", RIGHT)
    path = classroom.folder / "autograded" / "ben" / NAME / NOTEBOOK
    before = path.read_bytes()
    path.unlink()
    assert "2 graded, 1 unchanged" in classroom.run("grade", NAME)
    assert path.read_bytes() == before
    assert sorted(name for name in classroom.graded() if name.startswith("ada")) == [f"ada/{NAME}/{NOTEBOOK}"]
    assert classroom.scores()["ada"]["scores"]["autograd-unbroadcast-check"] == (4.0, False)
    assert [line["student"] for line in classroom.ledger()] == ["ada", "ada", "ben", "cy"]


def test_a_graders_own_points_are_kept(classroom):
    """As with nbgrader: a manual score stays, and the answer is marked to be looked at again."""
    from nbgrader.api import Gradebook

    classroom.submit("ada", ANSWERS[1])
    classroom.run("grade", NAME)
    with Gradebook(f"sqlite:///{classroom.folder / 'gradebook.db'}", "chainrule") as book:
        book.find_grade("autograd-unbroadcast-check", NAME, NAME, "ada").manual_score = 3.0
        book.db.commit()
    classroom.submit("ada", RIGHT)
    classroom.run("grade", NAME)
    assert classroom.scores()["ada"]["scores"]["autograd-unbroadcast-check"] == (4.0, True)
    with Gradebook(f"sqlite:///{classroom.folder / 'gradebook.db'}", "chainrule") as book:
        assert book.find_submission(NAME, "ada").score == 3.0


def test_a_link_is_not_followed(classroom, tmp_path):
    """A link in a submission could show what only the instructor may read."""
    (tmp_path / "secret").write_text("SECRET")
    classroom.submit("eve", RIGHT)
    (classroom.folder / "submitted" / "eve" / NAME / "picture.png").symlink_to(tmp_path / "secret")
    assert "Not graded: eve: picture.png cannot be read" in classroom.run("grade", NAME, fails=True)
    assert not classroom.graded()


@pytest.fixture
def refused(classroom, monkeypatch, capsys):
    """Runs a command in this process, sees that it left nothing behind, and returns its one line."""
    for name, value in classroom.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(classroom.folder)

    def run(*arguments):
        assert main(arguments) == 1
        said = capsys.readouterr()
        assert not said.out and len(said.err.strip().splitlines()) == 1, said
        assert not (classroom.folder / "ledger.jsonl").exists()
        assert not (classroom.folder / "autograded").exists()
        return said.err

    return run


def test_it_refuses_in_one_line(classroom, refused, tmp_path, monkeypatch):
    """No such assignment, no classroom, a database that is none, another grading at work, nothing to grade, ..."""
    classroom.submit("ada", RIGHT)
    assert "the gradebook knows no assignment '02-none'" in refused("grade", "02-none")
    assert "is not a classroom" in refused("grade", NAME, "--classroom", str(tmp_path))
    assert "--db must be a database's address" in refused("grade", NAME, "--db", "nonsense")
    with open(classroom.folder / ".grading.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another grading is at work in this classroom" in refused("grade", NAME)
    assert "nothing was handed in" in refused("grade", NAME, "--classroom", str(without_submissions(classroom)))
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:1'" in refused(
        "grade", NAME, "--scheduler", "tcp://127.0.0.1:1"
    )
    monkeypatch.setattr(sandbox, "available", lambda: (False, "bubblewrap is not installed"))
    assert refused("grade", NAME) == "nothing was graded: bubblewrap is not installed\n"


def test_nbgrader_without_our_steps_is_refused(classroom, refused):
    """Else two ways to grade would give two grades."""
    classroom.submit("ada", RIGHT)
    (classroom.folder / "nbgrader_config.py").write_text("")
    assert "does not call course.nbgrader_config.configure" in refused("grade", NAME)


def test_a_missing_package_is_named_with_its_extra(classroom, refused, monkeypatch):
    classroom.submit("ada", RIGHT)
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "distributed is not installed here" in (said := refused("grade", NAME))
    assert '".[course,teach]"' in said


def without_submissions(classroom):
    copy = classroom.copy(classroom.folder.parent / "empty")
    shutil.rmtree(copy.folder / "submitted")
    return copy.folder


def test_any_cluster_by_its_address(classroom):
    """A scheduler and a worker as one starts them by hand; the scheduler dies at work, and nothing is lost."""
    for number in range(3):
        classroom.submit(f"learner-{number}", f"{RIGHT}# {number}\n")
    file = classroom.folder.parent / "scheduler.json"
    scheduler = start(classroom, "scheduler", "--port", "0", "--scheduler-file", str(file), "--no-dashboard")
    worker = start(classroom, "worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard")
    try:
        address = wait_for(file)
        assert "3 graded" in classroom.run("grade", NAME, "--scheduler", address)
        for number in range(3, 40):
            classroom.submit(f"learner-{number}", f"{RIGHT}# {number}\n")
        grading = classroom.start("grade", NAME, "--scheduler", address)
        while len(classroom.ledger()) < 6:
            assert grading.poll() is None
            time.sleep(0.1)
        scheduler.kill()
        said = grading.communicate(timeout=120)[0]
        assert grading.returncode == 1
        assert "connection to the Dask scheduler was lost" in said
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
    stored = len(classroom.ledger())
    assert f"{40 - stored} graded, {stored} unchanged" in classroom.run("grade", NAME)
    assert [line["points"] for line in classroom.ledger()] == [4.0] * 40


def start(classroom, kind, *options):
    command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *options, "--host", "127.0.0.1"]
    return subprocess.Popen(command, cwd=classroom.folder, env=classroom.environment, stderr=subprocess.DEVNULL)


def wait_for(file):
    """The address in the scheduler's file, once there is one."""
    for _ in range(600):
        if file.exists() and file.read_text():
            return json.loads(file.read_text())["address"]
        time.sleep(0.1)
    raise AssertionError("the scheduler did not start")
