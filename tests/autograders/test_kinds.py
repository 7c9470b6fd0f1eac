"""Exercises of other kinds than a function on arrays: measured results, classes, what must be fast."""

import dataclasses
import re

import numpy as np
import pytest

import engine as torch
from answers import Giving, answer
from autograders.judge import judge
from autograders.session import LocalSession, Use
from autograders.spec import EDGE, Absolute, Case, Spec, Speed, exact, load
from sandboxed import session as sandboxed

LINEAR = load("modules/linear")


def blank_spec(**fields):
    """A spec with what each test leaves to chance."""
    given = {
        "name": "room/one", "function": "one", "parameters": ("x",), "returns": ("result",), "title": "", "why": "",
        "minutes": 1, "difficulty": 1, "weights": {"values": 3.0, "edge cases": 1.0}, "misconceptions": (),
        "half_right": (), "honest": (), "hints": ("a",), **fields}
    return Spec(**given)


def judged(spec, function, seed=1):
    return judge(spec, LocalSession(function, spec.use), seed)


# coins(p, count, seed): what is measured is how often there is a head


def coins(p, count, seed):
    return (np.random.default_rng(seed).random(count) < p).astype(np.float64)


def heads(case, tosses):
    """The fraction of ones, and how many tosses are neither one nor zero."""
    return np.mean(tosses == 1), np.sum((tosses != 1) & (tosses != 0))


def coin_rounding(p, count, seed):
    return Absolute(6 * np.sqrt(p * (1 - p) / count)), 0.0


COINS = blank_spec(
    function="coins", parameters=("p", "count", "seed"), returns=("tosses",), measure=heads,
    measured=("fraction of heads", "tosses that are neither"), reference=coins, rounding=coin_rounding,
    cases=lambda rng: [
        Case((0.3, 4000, int(rng.integers(1000))), "a bent coin"), Case((0.0, 10, 1), "never a head", EDGE)],
)


def test_samples_are_judged_by_what_is_measured_of_them():
    assert all(judged(COINS, lambda p, count, seed: coins(p, count, seed + 1), seed).passed for seed in range(20))
    wrong = judged(COINS, lambda p, count, seed: coins(1 - p, count, seed))
    assert wrong.points == 2, "no toss is neither"
    assert "`fraction of heads`" in wrong.failure.sentence


@pytest.mark.parametrize("claim", [
    lambda *_: (0.3, 0.0), lambda *_: np.array(0.3), lambda *_: [0.3, 0.0], lambda *_: None, lambda *_: "heads",
    lambda *_: np.array(["a"]), lambda *_: (np.ones(3), np.ones(2), np.ones(1))])
def test_a_claimed_measurement_is_not_believed(claim):
    """The judge measures; what comes back is never taken for the measurement itself."""
    assert judged(COINS, claim).points <= 2 and not judged(COINS, claim).passed


def test_a_misconception_about_samples_is_recognised_though_its_samples_differ():
    from autograders.spec import Misconception

    spec = dataclasses.replace(
        COINS, misconceptions=(Misconception("turned", "Tails!", lambda p, count, seed: coins(1 - p, count, seed)),))
    assert judged(spec, lambda p, count, seed: coins(1 - p, count, seed + 7)).failure.misconception == "Tails!"
    assert judged(spec, lambda p, count, seed: coins(p / 2, count, seed)).failure.misconception == ""


# squares(x): a loop is right, and too slow


def slow_squares(x):
    result = np.zeros_like(x)
    for place in range(len(x)):
        result[place] = x[place] * x[place]
    return result


SQUARES = blank_spec(
    function="squares", weights={"values": 2.0, "edge cases": 1.0, "speed": 1.0},
    reference=lambda x: x * x, rounding=lambda x: 2 * x * x,
    cases=lambda rng: [Case((rng.standard_normal(3),), "a few"), Case((np.zeros(0),), "none", EDGE)],
    speed=Speed(lambda rng: Case((rng.standard_normal(200_000),), "many"), slow_squares),
)


def test_a_loop_earns_all_but_the_points_for_speed():
    assert judged(SQUARES, lambda x: x**2).passed
    slow = judged(SQUARES, lambda x: slow_squares(x))
    assert slow.points == 3 and slow.failure.stage == "speed" and "5 times as fast" in slow.failure.sentence


def test_speed_counts_only_when_what_was_timed_is_right():
    """An answer that is quick to give something else on big inputs, or on every call but the first, earns none."""
    def lazy(x):
        return x * x if len(x) < 100 else x

    asked = []

    def forgetful(x):
        asked.append(len(x))
        return x * x if len(asked) < 4 else np.zeros_like(x)

    for function in (lazy, forgetful):
        report = judged(SQUARES, function)
        assert report.points == 3 and not report.passed, report


# integers


def test_integers_of_any_size_are_right_or_wrong():
    spec = blank_spec(
        function="places", reference=lambda x: np.argsort(x), rounding=exact(np.argsort), weights={
            "dtype": 1.0, "values": 2.0, "edge cases": 1.0},
        cases=lambda rng: [Case((rng.standard_normal(4),), "four"), Case((np.zeros(1),), "one", EDGE)])
    assert judged(spec, lambda x: np.argsort(x).astype(np.int32)).passed
    assert judged(spec, lambda x: np.argsort(x).astype(float)).points == 3
    assert judged(spec, lambda x: np.argsort(-x)).points == 0


# classes


def test_a_class_needs_the_parameters_that_were_asked_for_and_may_have_more():
    for parameters, passes in {
        ("in_features", "out_features"): True, ("in_features", "out_features", "bias=True", "**options"): True,
        ("inputs", "out_features"): False, ("in_features", "out_features", "bias"): False, ("*sizes",): False,
    }.items():
        names = ", ".join(parameters)
        source = LAYER.replace("in_features, out_features):", f"{names}):")
        namespace = {}
        exec(source, namespace)
        report = judged(LINEAR, namespace["Linear"])
        assert report.passed == passes, (parameters, report)
        assert passes or report.failure.stage == "signature"


LAYER = """
import engine as torch
class Linear(torch.nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(out_features, in_features))
        self.bias = torch.nn.Parameter(torch.zeros(out_features))
    def forward(self, x):
        return x @ self.weight.T + self.bias
"""


def test_what_is_not_a_class_is_named():
    report = judged(LINEAR, lambda in_features, out_features: None)
    assert report.points == 0 and "A class `Linear(in_features, out_features)` was expected" in report.text()
    assert "`function`" in report.text()


@pytest.mark.parametrize("source, sentence", {
    "class Linear:\n    def __init__(self, in_features, out_features):\n        self.weight = 1": "should be a module",
    LAYER.replace("weight", "weights"): "should be called `weight`, `bias`; yours are: `weights`, `bias`",
    LAYER.replace("out_features, in_features", "in_features, out_features"): "has shape",
    LAYER.replace("return", "return 3 #"): "of type `int`",
    LAYER.replace("return x", "return y"): "NameError: name 'y' is not defined",
    LAYER.replace("super().__init__()", "pass"): "cannot assign",
}.items())
def test_a_class_that_cannot_be_used_is_told_why(source, sentence):
    namespace = {}
    exec(source, namespace)
    report = judged(LINEAR, namespace["Linear"])
    assert report.points < 2 and sentence in words(report), report.text()


HALVES = """
class Autoencoder(torch.nn.Module):
    def __init__(self, pixels, hidden, code):
        super().__init__()
        self.encoder = {encoder}
        self.decoder = torch.nn.Sequential(torch.nn.Linear(code, pixels))
"""


@pytest.mark.parametrize("encoder, sentence", {
    "None": "There is no `self.encoder`",
    "[torch.nn.Linear(pixels, code)]": "found and trained; yours is of type `list`",
    "torch.nn.ModuleList([torch.nn.Linear(pixels, code)])": "keeps modules and calls none",
}.items(), ids=["none", "list", "ModuleList"])
def test_a_half_that_cannot_be_used_is_told_why_and_is_not_taken_for_an_empty_answer(encoder, sentence):
    namespace = {"torch": torch}
    exec(HALVES.format(encoder=encoder), namespace)
    report = judged(load("autoencoders/autoencoder"), namespace["Autoencoder"])
    assert report.points == 0 and sentence in words(report), report.text()


@pytest.mark.parametrize("changed, sentence", {
    "another shape": (lambda mean: mean.sum(1), "it should have the mean's, (8000, 1)"),
    "another dtype": (lambda mean: mean.double(), "The sample is float64, the mean float32"),
    "not a tensor": (lambda mean: None, "What comes back should be a tensor; yours is of type `NoneType`"),
}.values(), ids=["shape", "dtype", "none"])
def test_a_sample_that_no_decoder_could_take_is_told_why(changed, sentence):
    spec = load("autoencoders/reparameterise")
    report = judged(spec, lambda mean, log_variance: changed(spec.ours(mean, log_variance)))
    assert report.points == 0 and sentence in words(report), report.text()


def words(report):
    """A report's words in a row, without the line that an exception came from, whose text this process has not."""
    return re.sub(r" \(line \d+(: `[^`]*`)?\)", "", " ".join(report.text().split()))


def test_a_class_in_the_sandbox_is_judged_as_here():
    """The same points and the same words, whether right, wrong or blank."""
    blank = "class Linear:\n    def __init__(self, in_features, out_features): ...\n    def forward(self, x): pass\n"
    for source in (LAYER, LAYER.replace(".T", ""), LAYER.replace("weight", "weights"), blank):
        namespace = {}
        exec(source, namespace)
        here = judged(LINEAR, namespace["Linear"])
        options = {"use": LINEAR.use, "packages": LINEAR.packages, "withheld": LINEAR.withheld}
        with sandboxed([("a", source)], "Linear", **options) as session:
            there = judge(LINEAR, session, 1)
        if source != blank:  # whose text is out of reach here, where no file has it
            assert words(there) == words(here)
        else:
            assert "Not attempted" in there.text()


def test_a_blank_class_is_told_apart_in_a_notebook():
    assert "Not attempted" in judged(LINEAR, answer(LINEAR, "...")).text()
    assert judged(LINEAR, answer(LINEAR, "raise NotImplementedError()")).failure.stage == "attempted"


def test_the_parameters_of_a_method_can_be_what_counts():
    spec = blank_spec(
        function="Double", use=Use("class", method="forward", probe="linear"), parameters=("ctx", "x"),
        reference=lambda x: x, rounding=exact(lambda x: x), cases=lambda rng: [
            Case((np.ones(2),), "two"), Case((np.ones(1),), "one", EDGE)])
    report = judged(spec, type("Double", (), {"forward": staticmethod(lambda context, x: x)}))
    assert "`Double.forward(ctx, x)`, yours is `Double.forward(context, x)`" in words(report)
    assert "has no attribute 'forward'" in words(judged(spec, type("Double", (), {})))


# specs that make no sense


@pytest.mark.parametrize("fields, message", [
    ({}, "reference or ours"),
    ({"reference": coins, "speed": SQUARES.speed}, "speed and its weight"),
    ({"reference": coins, "weights": {"speed": 1.0}}, "speed and its weight"),
    ({"reference": coins, "measure": heads}, "measure and measured"),
])
def test_a_spec_that_contradicts_itself_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        blank_spec(rounding=None, cases=None, **fields)


def test_giving_is_a_session_like_any_other():
    assert judge(LINEAR, Giving(LINEAR, LINEAR.results), 1).passed
