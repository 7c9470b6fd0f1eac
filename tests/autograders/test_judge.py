"""The judge's words: each way of going wrong is told apart, on the smallest input, without trusting the answer."""

import numpy as np
import pytest

from answers import answer, changed
from autograders.judge import judge
from autograders.problems import plain
from autograders.session import Described, LocalSession, Missing, Raised, Returned, Stopped
from autograders.spec import load

UNBROADCAST = load("autograd/unbroadcast")
MATMUL = load("autograd/matmul_vjp")


def judged(function, spec=UNBROADCAST):
    return judge(spec, LocalSession(function), seed=1)


def written(body, spec=UNBROADCAST, parameters=None):
    return judged(answer(spec, body, parameters), spec)


def test_none_an_exception_and_no_attempt_are_three_different_messages():
    nothing, raised, blank = written("gradient.sum()"), written("return gradient / missing"), written("pass")
    assert "Did you forget a `return`?" in nothing.failure.sentence
    assert "NameError: name 'missing' is not defined (line 2: `return gradient / missing`)" in raised.failure.sentence
    assert "Not attempted" in blank.failure.sentence
    assert nothing.points == raised.points == blank.points == 0


@pytest.mark.parametrize("parameters", [(), ("gradient",), ("shape", "gradient"), ("gradient", "shape", "axis")])
def test_wrong_parameters_are_refused_saying_what_is_expected(parameters):
    report = written("return 1", parameters=parameters)
    assert report.points == 0 and report.failure.stage == "signature"
    assert "unbroadcast(gradient, shape)" in report.failure.sentence


@pytest.mark.parametrize("thing", [None, 3, "unbroadcast", np.zeros(3)])
def test_what_is_not_a_function_is_named(thing):
    report = judged(thing)
    assert report.points == 0 and type(thing).__name__ in report.failure.sentence


@pytest.mark.parametrize("body", ["raise SystemExit", "return [][0]", "return unbroadcast(gradient, shape)"])
def test_whatever_the_answer_raises_is_a_verdict_and_no_crash(body):
    assert written(body).points == 0


def test_the_learners_interrupt_passes_through():
    with pytest.raises(KeyboardInterrupt):
        written("raise KeyboardInterrupt")


def test_one_group_that_raises_leaves_the_others_their_points():
    report = written("return gradient.sum(axis=0) if len(shape) == gradient.ndim - 1 else 1 / 0")
    assert 0 < report.points < report.max_points


def test_nan_has_its_own_sentence():
    report = judged(changed(UNBROADCAST, lambda array: array * np.nan))
    assert "nan (not a number)" in report.failure.sentence


def test_a_list_is_called_a_list():
    assert "The result is a list; a numpy array" in judged(changed(UNBROADCAST, np.ndarray.tolist)).text()


def test_one_result_where_two_belong_says_so():
    assert "2 arrays were expected: (grad_a, grad_b)" in written("return gradient", MATMUL).text().replace("\n", " ")


def test_each_of_two_results_counts_for_itself():
    only_b = written("return None, np.swapaxes(a, -1, -2) @ gradient", MATMUL)
    values, edge_cases = only_b.stages[-2:]
    assert values.credit == 0.5 and 0 < edge_cases.credit < 0.5, "broadcast batches stay unsummed"
    assert "`grad_a` is None" in only_b.failure.sentence


def test_right_numbers_in_python_types_count_as_values():
    report = written("return gradient.sum().item() if shape == () else 0")
    assert report.stages[-1].name == "edge cases" and report.stages[-1].credit == 0, "no ordinary case is right"

    def python_number(gradient, shape):
        return gradient.sum().item() if shape == () else UNBROADCAST.reference(gradient, shape)

    assert judged(python_number).passed


def test_a_misconception_is_named_even_when_the_dtype_is_what_fails_first():
    spec = load("autograd/cross_entropy_vjp")
    function = spec.misconceptions[0].answer
    report = judged(lambda gradient, logits, target: function(gradient, logits, target).astype(np.float64), spec)
    assert report.failure.stage == "dtype"
    assert report.failure.misconception == spec.misconceptions[0].sentence


def test_a_misconception_is_told_to_a_class_of_the_learner_s_own_name():
    """A probe's words and the engine's errors name the class, which is the learner's, not the spec's."""
    for exercise, name in ("modules/linear", "plain tensors"), ("autograd/checkpoint", "one gradient for two inputs"):
        spec = load(exercise)
        wrong = next(each for each in spec.misconceptions if each.name == name)
        learners = LocalSession(type(spec.function, (wrong.answer,), {}), spec.use)
        assert judge(spec, learners, seed=1).failure.misconception == wrong.sentence


def test_an_answer_that_is_wrong_in_its_own_way_gets_no_misconception():
    assert judged(changed(UNBROADCAST, lambda array: array + 1)).failure.misconception == ""


def test_right_ordinary_cases_alone_do_not_make_a_misconception():
    """Misconceptions that fail at the edges only are right elsewhere: so is an answer with an edge fault of its own."""
    turned = "np.swapaxes({}, -1, -2)".format
    body = f"return gradient @ {turned('b')}, 1 / a.size and {turned('a')} @ gradient"
    report = written(body, MATMUL)
    assert report.failure.stage == "edge cases" and "ZeroDivisionError" in report.failure.sentence
    assert report.failure.misconception == ""


def test_a_misconception_that_is_right_where_the_answer_is_wrong_does_not_explain_it():
    """Powers of 2 in place of e are nearly right. Whoever brings random numbers of their own draws as often as should be."""

    def sample(logits, temperature, rng):
        if temperature == 0:
            return int(logits.argmax())
        powers = 2 ** ((logits - logits.max()) / temperature)
        return int(rng.choice(len(logits), p=powers / powers.sum()))

    spec = load("sequences/sample")
    failure = judge(spec, LocalSession(sample, spec.use), seed=1).failure
    assert "how often each choice is drawn" in failure.sentence and failure.misconception == ""


class Scripted:
    """A session that says what it is told to, as a sandbox would."""

    def __init__(self, description, *outcomes):
        self.description, self.outcomes, self.calls = description, list(outcomes), 0

    def describe(self):
        return self.description

    def call(self, *arguments):
        self.calls += 1
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


@pytest.mark.parametrize(
    "description, words",
    [
        (Missing("unbroadcast"), "There is no function named `unbroadcast`"),
        (Raised("SyntaxError", "invalid syntax", 3), "SyntaxError: invalid syntax (line 3)"),
        (Stopped("took longer than 10 s"), "it took longer than 10 s"),
        (Described(UNBROADCAST.parameters, blank=True), "Not attempted"),
    ],
)
def test_a_session_without_a_function_is_reported(description, words):
    report = judge(UNBROADCAST, Scripted(description), seed=1)
    assert report.points == 0 and words in report.failure.sentence


def test_a_group_that_was_stopped_is_not_run_again():
    session = Scripted(Described(UNBROADCAST.parameters), Returned(None, ()), Stopped("took longer than 10 s"))
    report = judge(UNBROADCAST, session, seed=1)
    groups = {case.group for case in UNBROADCAST.cases_for(1)}
    assert session.calls == 1 + len(groups) and report.points == 0


@pytest.mark.parametrize("value", [10**400, float("nan"), (), [], {}, object(), [[1, 2], [3]], True, np.float64(3)])
def test_any_returned_value_gets_a_verdict(value):
    session = Scripted(Described(MATMUL.parameters), Returned((value, value), ()))
    assert judge(MATMUL, session, seed=1).points == 0


def test_learners_text_is_fit_to_print():
    session = Scripted(Described(UNBROADCAST.parameters), Raised("Error\x1b[2J", "\ud800" + "x" * 10_000))
    text = judge(UNBROADCAST, session, seed=1).text()
    assert text.encode("utf-8") and "\x1b" not in text and len(text) < 3_000
    assert plain("two\nlines") == "two\nlines"
