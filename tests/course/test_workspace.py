"""The learner's folder: what they changed is never touched, and a run can stop anywhere."""

import json
import os
import shutil

import pytest

from course import workspace as workspaces
from course.workspace import update

CHAPTER = "03-small"
NOTEBOOK = f"{CHAPTER}/{CHAPTER}.ipynb"


@pytest.fixture(autouse=True)
def classroom(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CLASSROOM", str(tmp_path / "classroom"))
    monkeypatch.delenv("CHAINRULE_EXCHANGE", raising=False)


@pytest.fixture
def build(tmp_path):
    return tmp_path / "build"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def release(build, *lines, chapter=CHAPTER):
    """A released notebook with one cell for each line; returns its bytes."""
    cells = [{"id": f"cell-{line}", "source": [line], "cell_type": "markdown", "metadata": {}} for line in lines]
    data = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    path = build / "release" / chapter / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return data


def work_in(home, name=NOTEBOOK):
    """The learner writes something into a notebook; returns its bytes."""
    data = (home / name).read_bytes().replace(b'"metadata": {}}]', b'"metadata": {"mine": 1}}]')
    (home / name).write_bytes(data)
    return data


def kinds(messages):
    return [message.kind for message in messages]


def files(home):
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def beside(home):
    return sorted(path.name for path in (home / CHAPTER).iterdir() if "(new" in path.name)


def test_a_new_chapter_arrives_once(build, home):
    data = release(build, "a")
    assert kinds(update(build, home)) == ["new"]
    assert (home / NOTEBOOK).read_bytes() == data
    before = files(home)
    assert update(build, home) == []
    assert files(home) == before


def test_an_untouched_notebook_is_replaced(build, home):
    release(build, "a")
    update(build, home)
    data = release(build, "b")
    assert kinds(update(build, home)) == ["updated"]
    assert (home / NOTEBOOK).read_bytes() == data
    assert not beside(home)


def test_a_learners_work_is_never_touched(build, home):
    release(build, "a")
    update(build, home)
    mine = work_in(home)
    assert update(build, home) == [], "nothing new, nothing to say"
    new = release(build, "a", "b")
    (message,) = update(build, home)
    assert message.kind == "beside"
    assert (home / NOTEBOOK).read_bytes() == mine
    (name,) = beside(home)
    assert (home / CHAPTER / name).read_bytes() == new
    note = (home / CHAPTER / "UPDATED.md").read_text(encoding="utf-8")
    assert name in note and "begins `b`" in note and "begins `a`" not in note


def test_new_versions_do_not_pile_up(build, home):
    release(build, "a")
    update(build, home)
    mine = work_in(home)
    for line in "bcd":
        new = release(build, "a", line)
        for _ in range(3):
            update(build, home)
        (name,) = beside(home)
        assert (home / CHAPTER / name).read_bytes() == new
    assert (home / NOTEBOOK).read_bytes() == mine


def test_a_new_version_that_was_worked_in_stays(build, home):
    release(build, "a")
    update(build, home)
    work_in(home)
    release(build, "b")
    update(build, home)
    (name,) = beside(home)
    mine = work_in(home, f"{CHAPTER}/{name}")
    release(build, "c")
    update(build, home)
    assert (home / CHAPTER / name).read_bytes() == mine
    assert len(beside(home)) == 2


def test_a_new_version_that_was_thrown_away_stays_away(build, home):
    release(build, "a")
    update(build, home)
    work_in(home)
    release(build, "b")
    update(build, home)
    (home / CHAPTER / beside(home)[0]).unlink()
    assert update(build, home) == []
    assert not beside(home)
    assert not (home / CHAPTER / "UPDATED.md").exists(), "a note about nothing goes away"


def test_a_learner_can_move_to_the_new_version(build, home):
    release(build, "a")
    update(build, home)
    work_in(home)
    release(build, "b")
    update(build, home)
    (home / CHAPTER / beside(home)[0]).replace(home / NOTEBOOK)
    mine = work_in(home)
    assert update(build, home) == []
    assert sorted(path.name for path in (home / CHAPTER).iterdir()) == [f"{CHAPTER}.ipynb"]
    assert (home / NOTEBOOK).read_bytes() == mine


def test_a_deleted_notebook_comes_back(build, home):
    data = release(build, "a")
    update(build, home)
    shutil.rmtree(home / CHAPTER)
    assert kinds(update(build, home)) == ["restored"]
    assert (home / NOTEBOOK).read_bytes() == data


def test_the_learners_own_files_stay(build, home):
    release(build, "a")
    update(build, home)
    work_in(home)
    own = {f"{CHAPTER}/UPDATED.md": b"mine", f"{CHAPTER}/data.csv": b"1", f"{CHAPTER}/my (new one).ipynb": b"{}"}
    for name, data in own.items():
        (home / name).write_bytes(data)
    (home / "nbgrader_config.py").write_bytes(b"# mine")
    release(build, "b")
    assert kinds(update(build, home)) == ["problem", "beside"]
    assert own.items() <= files(home).items()
    assert (home / "nbgrader_config.py").read_bytes() == b"# mine"


def test_a_notebook_that_was_there_before_the_course_is_the_learners(build, home):
    (home / CHAPTER).mkdir(parents=True)
    (home / NOTEBOOK).write_bytes(b"mine")
    release(build, "a")
    assert kinds(update(build, home)) == ["beside"]
    assert (home / NOTEBOOK).read_bytes() == b"mine"


@pytest.mark.parametrize("damaged", [b"", b"[]", b'{"files": {"a": 1}, "offers": {}}'])
def test_without_its_record_everything_counts_as_the_learners(build, home, damaged):
    old = release(build, "a")
    update(build, home)
    (home / workspaces.RECORD).write_bytes(damaged)
    release(build, "b")
    assert kinds(update(build, home)) == ["problem", "beside"]
    assert (home / NOTEBOOK).read_bytes() == old
    assert update(build, home) == []


class Killed(BaseException):
    """Stands for a power cut."""


def interrupted(build, home, monkeypatch, step, after):
    """Run update, killed at its `step`-th rename, before or after it; returns whether it got so far."""
    replace, count = os.replace, iter(range(1000))

    def stop(source, target):
        if (number := next(count)) == step and not after:
            raise Killed
        replace(source, target)
        if number == step:
            raise Killed

    monkeypatch.setattr(os, "replace", stop)
    try:
        update(build, home)
        return False
    except Killed:
        return True
    finally:
        monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("worked", [False, True], ids=["untouched", "worked in"])
def test_killed_at_any_step_the_next_run_finishes(tmp_path, monkeypatch, worked, after):
    """Killed before or after each rename, then run again, the folder is as if nothing had happened."""

    def prepare(folder):
        release(folder / "build", "a")
        update(folder / "build", folder / "home")
        mine = work_in(folder / "home") if worked else None
        release(folder / "build", "b")
        release(folder / "build", "x", chapter="04-other")
        return folder / "build", folder / "home", mine

    build, home, _ = prepare(tmp_path / "whole")
    update(build, home)
    expected = files(home)
    for step in range(1000):
        build, home, mine = prepare(tmp_path / str(step))
        if not interrupted(build, home, monkeypatch, step, after):
            break
        if worked:
            assert (home / NOTEBOOK).read_bytes() == mine
        update(build, home)
        assert files(home) == expected, step
    assert step > 3


def test_killed_midway_a_later_version_still_replaces_an_untouched_notebook(build, home, tmp_path, monkeypatch):
    """The record names the version under way, so that a half-finished delivery is not taken for the learner's work."""
    for step in range(1000):
        folder = tmp_path / str(step)
        release(build, "a")
        update(build, folder)
        release(build, "b")
        if not interrupted(build, folder, monkeypatch, step, after=True):
            break
        data = release(build, "c")
        update(build, folder)
        assert (folder / NOTEBOOK).read_bytes() == data, step
        assert not beside(folder)


def test_jupyter_and_nbgrader_are_told_about_the_course(build, home, tmp_path):
    release(build, "a")
    update(build, home)
    assert "configure_learner" in (home / "nbgrader_config.py").read_text(encoding="utf-8")
    panels = json.loads((home / workspaces.JUPYTER_CONFIG / "labconfig" / "page_config.json").read_bytes())
    assert panels["disabledExtensions"]["@jupyter/nbgrader:formgrader"] is True
    assert (tmp_path / "classroom" / "exchange").is_dir()
