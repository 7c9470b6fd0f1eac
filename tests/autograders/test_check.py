"""What a learner calls: check, its hints, its behaviour under nbgrader, and the fallback that keeps a chapter going."""

import subprocess
import sys

import numpy as np
import pytest

import autograders
from autograders import NotPassed, check, inputs, yours_or_ours
from autograders.spec import Limits, load, names

NAME = "autograd/unbroadcast"
SPEC = load(NAME)
WRONG = SPEC.misconceptions[0].answer


@pytest.fixture(autouse=True)
def in_a_notebook(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def test_importing_stays_light():
    code = "import sys, autograders; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in loaded
    assert not {"engine", "IPython", "nbgrader", "torch", "matplotlib"} & set(loaded)
    assert set(autograders.__all__) == {"NotPassed", "check", "inputs", "mine", "yours_or_ours"}


def test_the_three_exercises_are_found():
    assert {"autograd/unbroadcast", "autograd/matmul_vjp", "autograd/cross_entropy_vjp"} <= set(names())
    assert (SPEC.grade_id, SPEC.check_id) == ("autograd-unbroadcast", "autograd-unbroadcast-check")
    assert SPEC.limits == Limits(seconds=10.0, megabytes=1024)


def test_an_unknown_exercise_names_the_nearest():
    with pytest.raises(KeyError) as caught:
        check("autograd/unbrodcast", WRONG)
    assert str(caught.value) == "there is no exercise 'autograd/unbrodcast'; the nearest is 'autograd/unbroadcast'"


def test_hints_are_shown_as_asked_for():
    assert "Hint 2 of 3" in check(NAME, WRONG, hint=2).text()
    assert "Hint 3 of 3" not in check(NAME, WRONG, hint=2).text()
    assert check(NAME, WRONG, hint=2).html().count("<details open ") == 2
    with pytest.raises(ValueError, match="hint must be 0 to 3, got 4; after the last hint, solution=True"):
        check(NAME, WRONG, hint=4)


def test_under_nbgrader_a_failure_raises_the_report_in_words(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(NotPassed) as caught:
        check(NAME, WRONG)
    report = caught.value.report
    assert caught.value._render_traceback_() == report.text().split("\n")
    assert str(caught.value) == report.text() and not report.passed


def test_under_nbgrader_a_pass_returns_as_ever(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    assert check(NAME, SPEC.reference).passed


def test_yours_is_used_once_it_passes(capsys):
    assert yours_or_ours(NAME, SPEC.honest[0]) is SPEC.honest[0]
    assert capsys.readouterr().out == ""


def test_ours_is_used_until_then_and_says_so(capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    ours = yours_or_ours(NAME, WRONG)
    assert capsys.readouterr().out == "`unbroadcast`: using the engine's until yours passes its check.\n"
    result = ours(np.ones((2, 3), np.float32), shape=(3,))
    assert type(result) is np.ndarray and result.dtype == np.float32 and result.tolist() == [2, 2, 2]


def test_inputs_refuses_a_case_that_is_not_there():
    with pytest.raises(IndexError, match="cases 0 to"):
        inputs(NAME, seed=1, case=1000)
