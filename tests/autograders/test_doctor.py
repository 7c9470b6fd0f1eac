"""`python -m autograders doctor` says truly whether answers can be graded here, and what to do where they cannot."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograders import doctor
from autograders.__main__ import main
from autograders.sandbox import bubblewrap, levels

GOOD = "c = get_config()\nc.Autograde.sanitize_preprocessors = ['autograders.nbgrader_plugin.Rebuild']\n"
GOOD += "c.Autograde.autograde_preprocessors = ['autograders.nbgrader_plugin.Judge']\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine on which only bubblewrap works, with a classroom in order; `machine(*names)` breaks levels."""
    (tmp_path / doctor.CONFIG).write_text(GOOD)
    monkeypatch.setenv("CHAINRULE_CLASSROOM", str(tmp_path))
    monkeypatch.delenv(levels.FORCE, raising=False)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.2.3")

    def works(*names):
        monkeypatch.setattr(levels, "problem", lambda level: "" if level.NAME in names else "none: install it")

    works(bubblewrap.NAME)
    return works


def report(capsys, *options):
    status = main(["doctor", *options])
    return status, capsys.readouterr().out


def test_a_machine_that_can_grade(machine, capsys):
    status, text = report(capsys)
    assert status == 0
    assert text.startswith("Answers can be graded here, at the level bubblewrap.\n")
    assert "yes  bubblewrap         not promised: memory" in text and "no   landlock           none: install it" in text
    assert "grades with the sandbox and the judge" in " ".join(text.split())


def test_a_machine_without_a_sandbox(machine, capsys):
    machine()
    status, text = report(capsys)
    assert status == 1
    assert text.startswith("Answers cannot be graded here: no sandbox works here (bubblewrap+cgroup: none: install it;")


def test_the_level_that_was_asked_for_decides(machine, capsys, monkeypatch):
    monkeypatch.setenv(levels.FORCE, "landlock")
    status, text = report(capsys)
    assert status == 1 and "CHAINRULE_SANDBOX=landlock does not work here: none: install it" in text


def test_a_missing_package_is_named_with_its_fix(machine, capsys, monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    status, text = report(capsys)
    assert status == 1 and "no   nbgrader  not installed: python -m pip install nbgrader" in text


@pytest.mark.parametrize(
    "settings, status, words",
    [
        (None, 0, "not found in"),
        ("get_config()", 1, "grades without autograders.nbgrader_plugin.Rebuild and"),
        (GOOD.replace("Judge", "Execute"), 1, "grades without autograders.nbgrader_plugin.Judge: call"),
        ("1 / 0", 1, "does not run (ZeroDivisionError"),
    ],
)
def test_the_classrooms_settings(machine, capsys, tmp_path, settings, status, words):
    """A classroom that nbgrader would grade by itself, believing the learner's outputs, is an error; none is not."""
    if settings is None:
        (tmp_path / doctor.CONFIG).unlink()
    else:
        (tmp_path / doctor.CONFIG).write_text(settings)
    found = report(capsys)
    assert found[0] == status and words in " ".join(found[1].split())


def test_json_says_the_same(machine, capsys):
    status, text = report(capsys, "--json")
    found = json.loads(text)
    assert (status, found["can_grade"], found["level"]) == (0, True, "bubblewrap")
    assert [(each["name"], each["works"]) for each in found["sandbox"]][1] == ("bubblewrap", True)


def test_the_command_on_this_machine():
    """For real: what it says of this machine is what grading would do."""
    command = [sys.executable, "-m", "autograders", "doctor", "--json", "--classroom", "/nowhere"]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    found = json.loads(ran.stdout)
    assert ran.returncode == (0 if found["can_grade"] else 1)
    assert [each["works"] for each in found["sandbox"]] == [not levels.problem(level) for level in levels.LEVELS]
