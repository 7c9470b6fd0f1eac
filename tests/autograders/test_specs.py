"""The grader is itself graded: what every exercise owes its learners. A new spec is covered by being there."""

import inspect

import numpy as np
import pytest

from answers import answer, changed
from autograders import check
from autograders.compare import as_array, show
from autograders.judge import expected_of, judge
from autograders.session import LocalSession
from autograders.spec import EDGE, ORDINARY, load, names

SPECS = [load(name) for name in names()]
MISCONCEPTIONS = [(spec, misconception) for spec in SPECS for misconception in spec.misconceptions]
HONEST = [(spec, function) for spec in SPECS for function in spec.honest]
HALF_RIGHT = [(spec, function) for spec in SPECS for function in spec.half_right]

each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


def named(value):
    return getattr(value, "name", None) or getattr(value, "__name__", None)


def judged(spec, function, seed=1):
    return judge(spec, LocalSession(function), seed)


@each_spec
def test_a_spec_is_complete(spec):
    assert tuple(inspect.signature(spec.reference).parameters) == spec.parameters
    assert spec.reference.__name__ == spec.function
    assert len(spec.hints) == 3 and len(spec.misconceptions) >= 3 and len(spec.honest) >= 3 and spec.half_right
    assert {case.stage for case in spec.cases_for(1)} == {ORDINARY, EDGE}


@each_spec
def test_the_engines_own_answer_earns_all_and_the_same_whatever_the_seed(spec):
    for seed in (0, 1, 2, 2**127):
        report = judged(spec, spec.reference, seed)
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
    report = judged(spec, misconception.function, seed)
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
    assert judged(spec, changed(spec, np.zeros_like)).points == 0


@each_spec
def test_a_wrong_dtype_costs_its_own_points_only(spec):
    report = judged(spec, changed(spec, lambda array: array.astype(np.float32)))
    assert report.points == spec.points - spec.weights["dtype"] and report.failure.stage == "dtype"


@each_spec
def test_changing_an_input_costs_its_own_points_only(spec):
    right = changed(spec, np.copy)

    def spoils(*arguments):
        result = right(*arguments)
        next(argument for argument in arguments if isinstance(argument, np.ndarray))[...] = 7
        return result

    spoils.__signature__ = inspect.signature(right)
    report = judged(spec, spoils)
    assert report.points == spec.points - spec.weights["inputs unmutated"]
    assert report.failure.stage == "inputs unmutated" and spec.parameters[0] in report.failure.sentence


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
    report = judged(spec, changed(spec, LIES[lie]))
    assert report.points == 0 and not report.passed


@each_spec
@pytest.mark.parametrize("seed", [1, 2])
def test_tolerance_never_swallows_an_error_of_five_percent(spec, seed):
    for case in spec.cases_for(seed):
        for expected in expected_of(spec, case):
            largest = np.abs(expected.array).max(initial=0.0)
            assert np.all(expected.allowed(expected.dtype) <= 0.05 * largest) or largest == 0


@each_spec
def test_the_same_seed_draws_the_same_cases_and_gives_the_same_report(spec):
    wrong = spec.misconceptions[0].function
    assert judged(spec, wrong, 5) == judged(spec, wrong, 5)
    assert judged(spec, wrong, 5) != judged(spec, wrong, 6)


@each_spec
def test_the_smallest_failing_input_is_shown_and_can_be_rebuilt(spec):
    report = check(spec.name, spec.misconceptions[0].function)
    namespace = {}
    exec(f"from autograders import inputs\n{report.failure.reproduce}", namespace)
    assert report.failure.inputs == tuple((name, show(namespace[name])) for name in spec.parameters)
    cases = [case for case in spec.cases_for(1) if case.stage == ORDINARY]
    assert [case.size for case in cases] == sorted(case.size for case in cases)


@each_spec
def test_the_reference_returns_plain_arrays_in_the_dtype_it_was_given(spec):
    for case in spec.cases_for(1):
        results = spec.reference(*case.arguments)
        for result in results if isinstance(results, tuple) else (results,):
            assert as_array(result).dtype == case.arguments[0].dtype
