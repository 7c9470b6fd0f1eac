"""Marks that a solution was seen, that an answer passed: kept with the workspace, added once, never in the way."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograders import check
from autograders.marks import Marks, passed, seen
from autograders.spec import load

NAME = "autograd/unbroadcast"
SPEC = load(NAME)
WRONG, RIGHT = SPEC.misconceptions[0].answer, SPEC.honest[0]
TODAY = re.compile(r"\d{4}-\d\d-\d\d")


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """No mark of another test, and a folder that no workspace holds."""
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    for kind in (seen, passed):
        monkeypatch.setattr(kind, "_this_session", {})
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A learner's workspace; the notebook runs in a chapter's folder."""
    (tmp_path / ".chainrule").mkdir()
    (tmp_path / ".chainrule" / "delivered.json").write_text("{}")
    chapter = tmp_path / "03-chapter"
    chapter.mkdir()
    monkeypatch.chdir(chapter)
    return tmp_path


def forget():
    """What a new kernel knows."""
    for kind in (seen, passed):
        kind._this_session.clear()


def test_hints_leave_no_mark(workspace):
    check(NAME, WRONG, hint=3)
    assert not (workspace / ".chainrule" / "seen.json").exists()
    assert check(NAME, RIGHT).seen == ""


def test_a_solution_seen_is_in_every_later_report(workspace):
    report = check(NAME, WRONG, solution=True)
    assert report.solution.startswith("def unbroadcast(gradient, shape):") and TODAY.fullmatch(report.seen)
    assert "A solution:" in report.text() and "That costs no points" in report.text()
    forget()
    later = check(NAME, RIGHT)
    assert later.headline == f"{NAME}: passed, 4 of 4 points, after the solution was seen"
    assert later.points == SPEC.points and later.solution == ""
    for words in (later.text(), later.html()):
        assert f"The solution was seen on {later.seen}" in words
    assert "The solution was seen" in check(NAME, WRONG).text()


def test_a_mark_is_of_one_exercise_and_keeps_its_first_date(workspace):
    kept = workspace / ".chainrule" / "seen.json"
    kept.write_text(json.dumps({"another/exercise": "2020-01-01", NAME: "2020-02-02"}))
    assert check(NAME, WRONG, solution=True).seen == "2020-02-02"
    assert json.loads(kept.read_text()) == {"another/exercise": "2020-01-01", NAME: "2020-02-02"}
    check("autograd/matmul_vjp", WRONG, solution=True)
    assert set(json.loads(kept.read_text())) == {"another/exercise", NAME, "autograd/matmul_vjp"}


def test_who_has_passed_may_compare_without_a_mark(workspace):
    report = check(NAME, RIGHT, solution=True)
    assert report.solution and report.seen == "" and report.headline.endswith("4 of 4 points")
    assert not (workspace / ".chainrule" / "seen.json").exists()


def test_without_a_workspace_the_mark_lasts_for_the_session():
    check(NAME, WRONG, solution=True)
    assert check(NAME, RIGHT).seen
    forget()
    assert check(NAME, RIGHT).seen == ""


@pytest.mark.parametrize("damaged", ["{", "[]", '{"a": 1}', "\udcff"])
def test_a_damaged_file_is_left_alone_and_told(workspace, damaged):
    kept = workspace / ".chainrule" / "seen.json"
    before = damaged.encode("utf-8", "surrogateescape")
    kept.write_bytes(before)
    report = check(NAME, WRONG, solution=True)
    assert kept.read_bytes() == before
    assert "The mark lasts for this session only" in " ".join(report.text().split()) and report.seen
    assert check(NAME, RIGHT).seen


def test_a_file_that_cannot_be_written_is_told(workspace, monkeypatch):
    import engine.files

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(engine.files, "write_atomically", full)
    assert "No space left on device" in check(NAME, WRONG, solution=True).text()


def test_what_is_asked_for_must_make_sense():
    for value in (1, "yes", None):
        with pytest.raises(TypeError, match="solution must be True or False, got"):
            check(NAME, WRONG, solution=value)
    for value in (True, "1", 1.0):
        with pytest.raises(TypeError, match="hint must be a whole number, 0 to 3, got"):
            check(NAME, WRONG, hint=value)
    assert seen.when(NAME) is None


# ---- that an answer passed


def kept(workspace):
    """{exercise: date} as the file has it."""
    return json.loads((workspace / ".chainrule" / "passed.json").read_text())


def test_a_pass_is_marked_and_outlives_the_kernel(workspace):
    check(NAME, WRONG)
    assert not (workspace / ".chainrule" / "passed.json").exists() and passed.when(NAME) is None
    report = check(NAME, RIGHT)
    assert "mark" not in report.saved
    forget()
    assert TODAY.fullmatch(passed.when(NAME)) and set(kept(workspace)) == {NAME}


def test_a_pass_keeps_its_first_date_whatever_comes_later(workspace):
    (workspace / ".chainrule" / "passed.json").write_text(json.dumps({NAME: "2020-02-02"}))
    check(NAME, RIGHT)
    check(NAME, WRONG)
    assert kept(workspace) == {NAME: "2020-02-02"}


def test_what_the_engine_lent_and_what_nbgrader_runs_leave_no_mark(workspace, monkeypatch):
    assert check(NAME, SPEC.right_answer).passed
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert check(NAME, RIGHT).passed
    assert not (workspace / ".chainrule" / "passed.json").exists() and not (workspace / "my_engine").exists()


def test_a_damaged_file_of_passes_is_left_alone_and_told(workspace):
    file = workspace / ".chainrule" / "passed.json"
    file.write_text("{")
    report = check(NAME, RIGHT)
    assert report.passed and file.read_text() == "{"
    assert "The mark that it passed lasts for this session only" in report.saved
    assert "Saved into your own engine" in report.saved
    with pytest.raises(ValueError):
        passed.kept(workspace)


def test_kernels_that_mark_at_the_same_time_lose_nothing(workspace):
    """Two notebooks are run at once; each of their marks has to be in the file."""
    program = """if True:
        import sys
        from autograders.marks import passed
        for number in range(40):
            assert passed.mark(f"{sys.argv[1]}/{number}") == ""
    """
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    kernels = [subprocess.Popen([sys.executable, "-c", program, name], env=environment) for name in "abc"]
    assert [kernel.wait(timeout=60) for kernel in kernels] == [0, 0, 0]
    assert set(kept(workspace)) == {f"{name}/{number}" for name in "abc" for number in range(40)}


def test_marks_of_a_workspace_that_is_not_the_current_one(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (workspace / ".chainrule" / "seen.json").write_text(json.dumps({NAME: "2020-02-02"}))
    assert Marks("seen.json").kept(workspace) == {NAME: "2020-02-02"}
    assert Marks("seen.json").kept(None) == {} and Marks("seen.json").when(NAME) is None
