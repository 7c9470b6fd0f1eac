"""The grader is itself graded: what every exercise owes its learners. A new spec is covered by being there."""

import inspect

import numpy as np
import pytest

from answers import Giving, answer, changed
from autograders import check, sandbox
from autograders.compare import as_array, show
from autograders.judge import expected_of, judge
from autograders.marking import mark
from autograders.session import LocalSession
from autograders.spec import EDGE, ORDINARY, SPEED, load, names

SPECS = [load(name) for name in names()]
MISCONCEPTIONS = [(spec, misconception) for spec in SPECS for misconception in spec.misconceptions]
HONEST = [(spec, function) for spec in SPECS for function in spec.honest]
HALF_RIGHT = [(spec, function) for spec in SPECS for function in spec.half_right]

each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


def named(value):
    return getattr(value, "name", None) or getattr(value, "__name__", None)


def judged(spec, function, seed=1):
    return judge(spec, LocalSession(function, spec.use), seed)


def judged_results(spec, function, seed=1):
    return judge(spec, Giving(spec, function), seed)


@each_spec
def test_a_spec_is_complete(spec):
    if spec.reference is not None:
        assert tuple(inspect.signature(spec.reference).parameters) == spec.input_names
    assert spec.right_answer.__name__ == spec.function or spec.use.probe
    assert len(spec.hints) == 3 and len(spec.misconceptions) >= 3 and len(spec.honest) >= 3 and spec.half_right
    assert {case.stage for case in spec.cases_for(1)} == {ORDINARY, EDGE} | ({SPEED} if spec.speed else set())
    for case in spec.cases_for(1):
        assert len(case.arguments) == len(spec.input_names), "each has its name"


@each_spec
def test_the_engines_own_answer_earns_all_and_the_same_whatever_the_seed(spec):
    for seed in (0, 1, 2, 2**127):
        report = judged(spec, spec.right_answer, seed)
        assert report.passed and report.points == report.max_points == spec.points, report


@each_spec
@pytest.mark.parametrize("body", ["raise NotImplementedError()", "pass", "...", '"""Only words."""'])
def test_a_blank_answer_earns_nothing_and_is_called_not_attempted(spec, body):
    report = judged(spec, answer(spec, body))
    assert report.points == 0 and report.failure.stage == "attempted"
    assert "Not attempted" in report.text()


@pytest.mark.parametrize("spec, misconception", MISCONCEPTIONS, ids=named)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_misconception_loses_points_and_is_told_its_own_sentence(spec, misconception, seed):
    report = judged(spec, misconception.answer, seed)
    assert report.points < spec.points and not report.passed
    assert report.failure.misconception == misconception.sentence


@pytest.mark.parametrize("spec, function", HONEST, ids=named)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_answer_in_another_style_earns_all(spec, function, seed, capsys):
    report = judged(spec, function, seed)
    assert report.passed and report.points == spec.points, report
    assert capsys.readouterr() == ("", ""), "what an answer prints would count against it in nbgrader"


@pytest.mark.parametrize("spec, function", HALF_RIGHT, ids=named)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_half_right_answer_earns_about_half(spec, function, seed):
    assert 0.4 <= judged(spec, function, seed).points / spec.points <= 0.6


@each_spec
def test_the_right_shape_and_dtype_alone_earn_nothing(spec):
    assert judged_results(spec, changed(spec, np.zeros_like)).points == 0


@each_spec
def test_a_wrong_dtype_costs_its_own_points_only(spec):
    if spec.measure is not None or "dtype" not in spec.weights:
        pytest.skip("what comes back is measured, whatever its type")
    report = judged_results(spec, changed(spec, lambda array: array.astype(np.float32)))
    assert report.points == spec.points - spec.weights["dtype"] and report.failure.stage == "dtype"


@each_spec
def test_changing_an_input_costs_its_own_points_only(spec):
    if "inputs unmutated" not in spec.weights:
        pytest.skip("the exercise gives no points for it")
    right = changed(spec, np.copy)

    def spoils(*arguments):
        result = right(*arguments)
        next(argument for argument in arguments if isinstance(argument, np.ndarray))[...] = 7
        return result

    report = judged_results(spec, spoils)
    assert report.points == spec.points - spec.weights["inputs unmutated"]
    assert report.failure.stage == "inputs unmutated" and "changed" in report.failure.sentence


class Liar:
    """Equal to everything, and the right array to whoever asks."""

    def __init__(self, array):
        self.array = array

    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return self.array


class Subclass(np.ndarray):
    """An array whose comparisons could be anything."""


LIES = {
    "lying object": Liar,
    "ndarray subclass": lambda array: array.view(Subclass),
    "masked array": np.ma.masked_array,
    "array of objects": lambda array: array.astype(object),
    "list": lambda array: array.tolist() if array.ndim else [array.item()],
    "nan": lambda array: np.full_like(array, np.nan),
    "inf": lambda array: np.full_like(array, np.inf),
    "complex": lambda array: array.astype(complex),
    "text": repr,
}


@each_spec
@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_a_plain_right_array_earns_nothing(spec, lie):
    report = judged_results(spec, changed(spec, LIES[lie]))
    assert report.points == 0 and not report.passed


@each_spec
@pytest.mark.parametrize("seed", [1, 2])
def test_tolerance_never_swallows_an_error_of_five_percent(spec, seed):
    for case in spec.cases_for(seed):
        for expected in expected_of(spec, case):
            if expected.is_absolute:
                continue  # a statistic: that each misconception is seen says that the allowance is not too wide
            largest = np.abs(expected.array).max(initial=0.0)
            assert np.all(expected.allowed(expected.dtype) <= 0.05 * largest) or largest == 0


@each_spec
def test_the_same_seed_draws_the_same_cases_and_gives_the_same_report(spec):
    wrong = spec.misconceptions[0].answer
    assert judged(spec, wrong, 5) == judged(spec, wrong, 5)
    assert judged(spec, wrong, 5) != judged(spec, wrong, 6)


@each_spec
def test_the_smallest_failing_input_is_shown_and_can_be_rebuilt(spec):
    report = check(spec.name, spec.misconceptions[0].answer)
    namespace = {}
    exec(f"from autograders import inputs\n{report.failure.reproduce}", namespace)
    assert report.failure.inputs == tuple((name, show(namespace[name])) for name in spec.input_names)
    cases = [case for case in spec.cases_for(1) if case.stage == ORDINARY]
    assert [case.size for case in cases] == sorted(case.size for case in cases)


@each_spec
def test_the_reference_returns_plain_arrays_in_the_dtype_it_was_given(spec):
    for case in spec.cases_for(1):
        floating = [each.dtype for each in case.arguments if isinstance(each, np.ndarray) and each.dtype.kind == "f"]
        results = spec.results(*case.arguments)
        for result in results if isinstance(results, tuple) else (results,):
            array = as_array(result)
            assert array.dtype.kind != "f" or not floating or array.dtype == floating[0]


@pytest.mark.parametrize("spec", [spec for spec in SPECS if spec.speed], ids=lambda spec: spec.name)
def test_a_right_loop_loses_the_points_for_speed_alone(spec):
    report = judged_results(spec, spec.speed.slow)
    assert report.points == spec.points - spec.weights[SPEED] and report.failure.stage == SPEED


SHORTCUTS = [(spec, number) for spec in SPECS for number in range(len(spec.shortcuts))]
works, reason = sandbox.available()


@pytest.mark.skipif(not works, reason=f"no sandbox here: {reason}")
@pytest.mark.parametrize("spec, number", SHORTCUTS, ids=named)
def test_a_shortcut_earns_nothing(spec, number):
    """Taking the engine's own part, or a library's, where the exercise asks to write one."""
    verdict = mark({"exercise": spec.name, "sources": [["answer", spec.shortcuts[number]]], "seed": 1})
    assert verdict["points"] == 0, verdict["text"]
    reasons = ("withheld", "not here while answers are graded", "Not attempted")
    assert any(reason in " ".join(verdict["text"].split()) for reason in reasons), verdict["text"]
