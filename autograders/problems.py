"""What is not as it should be with one outcome of an answer, in a learner's words."""

from dataclasses import dataclass

import numpy as np

from autograders.compare import Expected, as_array, close, difference, kind_of, show
from autograders.session import Outcome, Raised, Returned, Stopped
from autograders.spec import EDGE, ORDINARY, Case, Spec

WRONG = ("shape", ORDINARY, EDGE)  # a problem at one of these stages makes its question wrong
LONGEST_TEXT = 600


@dataclass(frozen=True)
class Trial:
    """One case that was put to the answer: what should come back, array by array, what did, and after how long."""

    number: int
    case: Case
    expected: tuple[Expected, ...]
    outcome: Outcome
    seconds: float = 0.0


@dataclass(frozen=True)
class Problem:
    """Something that is not as it should be with one returned array (`part`) of one trial."""

    stage: str
    trial: Trial
    part: int
    sentence: str
    yours: str = ""
    expected: str = ""
    difference: str = ""

    @property
    def question(self) -> tuple[str, str, int]:
        return self.trial.case.stage, self.trial.case.group, self.part


def problems_of(spec: Spec, trial: Trial) -> list[Problem]:
    """All that is wrong with one trial: with each returned array, and with what was left of the inputs."""
    values = parts_of(spec, trial.outcome)
    if values is None:
        sentence = _nothing_usable(spec, trial.outcome)
        return [_missing(trial, part, sentence) for part in range(len(spec.compared))]
    problems = []
    for part, value in enumerate(values):
        problems += _problems_of_part(spec, trial, part, value)
    if trial.case.stage == ORDINARY:
        problems += _mutations(spec, trial)
    return problems


def _nothing_usable(spec: Spec, outcome: Outcome) -> str:
    if isinstance(outcome, Raised):
        return exception_in_words(outcome)
    if isinstance(outcome, Stopped):
        return f"Your {spec.use.kind} was stopped: it {outcome.reason}."
    if outcome.value is None:
        return _returned_none(spec)
    results = ", ".join(spec.returns)
    return f"{_came_back(spec)} {kind_of(outcome.value)}; {len(spec.returns)} arrays were expected: ({results})."


def _came_back(spec: Spec) -> str:
    return "Your function returned" if spec.use.kind == "function" else f"Your {spec.function} gave"


def _returned_none(spec: Spec) -> str:
    return f"{_came_back(spec)} None. Did you forget a `return`?"


def exception_in_words(raised: Raised) -> str:
    """The exception, and the learner's line that it came from where that is known."""
    if raised.kind == "Unusable":  # a probe's own words
        return raised.message
    what = f"{raised.kind}: {raised.message}" if raised.message else raised.kind
    where = f" (line {raised.line}{f': `{raised.source}`' if raised.source else ''})" if raised.line else ""
    return f"Your code raised {what}{where}"


def _missing(trial: Trial, part: int, sentence: str) -> Problem:
    return Problem(_stage_of_shape(trial), trial, part, sentence)


def _stage_of_shape(trial: Trial) -> str:
    return "shape" if trial.case.stage == ORDINARY else trial.case.stage


def _problems_of_part(spec: Spec, trial: Trial, part: int, value) -> list[Problem]:
    expected, name = trial.expected[part], _name_of(spec, part)
    yours = as_array(value)
    if value is None and len(spec.compared) == 1:
        return [_missing(trial, part, _returned_none(spec))]
    if yours is None:
        wanted = "a tensor or an array" if "engine" in spec.packages else "a numpy array"
        return [_missing(trial, part, f"{name} is {kind_of(value)}; {wanted} of real numbers was expected.")]
    right_type = trial.case.stage != ORDINARY or _is_same_type(yours.dtype, expected.dtype)
    if right_type and close(yours, expected.array, expected.allowed(yours.dtype)):
        return []
    texts = {"yours": show(yours), "expected": show(expected.array.astype(expected.dtype))}
    problems = []
    if yours.shape != expected.array.shape:
        sentence = _wrong_shape(name, yours, expected.array)
        problems.append(Problem(_stage_of_shape(trial), trial, part, sentence, **texts))
    elif not close(yours, expected.array, expected.allowed(yours.dtype)):
        texts["difference"] = difference(yours, expected.array, expected.allowed(yours.dtype))
        problems.append(Problem(trial.case.stage, trial, part, _wrong_numbers(name, yours), **texts))
    if not right_type:
        reason = ": results keep the dtype of the inputs" if expected.dtype.kind == "f" else ""
        sentence = f"{name} is {yours.dtype}, expected {expected.dtype}{reason}."
        problems.append(Problem("dtype", trial, part, sentence, **texts))
    return problems


def _wrong_shape(name: str, yours: np.ndarray, right: np.ndarray) -> str:
    if yours.ndim == right.ndim == 1:  # said so that a shape, whose sizes come as an array, reads well too
        return f"{name} has {yours.size} number{'' if yours.size == 1 else 's'}, expected {right.size}."
    return f"{name} has shape {yours.shape}, expected {right.shape}."


def _is_same_type(yours: np.dtype, expected: np.dtype) -> bool:
    """Integers of any size are as good as another."""
    return yours == expected or (yours.kind in "iu" and expected.kind in "iu")


def _name_of(spec: Spec, part: int) -> str:
    only = len(spec.compared) == 1 and spec.compared[0] == "result"
    return "The result" if only else f"`{spec.compared[part]}`"


def _wrong_numbers(name: str, yours: np.ndarray) -> str:
    if yours.dtype.kind == "f" and not np.all(np.isfinite(yours)):
        found = "nan (not a number)" if np.any(np.isnan(yours)) else "inf (infinity)"
        return f"{name} holds {found} where the right answer is finite."
    if yours.ndim == 0:
        return f"{name} is one number, as it should be, but not the right one."
    if yours.ndim == 1:  # said so that a shape, whose sizes come as an array, reads well too
        return f"{name} has as many numbers as it should, but not the right ones."
    return f"{name} has the right shape, but not the right numbers."


def _mutations(spec: Spec, trial: Trial) -> list[Problem]:
    for name, before, after in zip(spec.input_names, trial.case.arguments, trial.outcome.inputs):
        if isinstance(before, np.ndarray) and not _unchanged(before, after):
            sentence = f"Your {spec.use.kind} changed `{name}`, which belongs to its caller. Work on a copy instead."
            left = show(after) if isinstance(after, np.ndarray) else plain(kind_of(after))
            texts = {"yours": f"{name} after the call:\n{left}", "expected": f"{name} as it was:\n{show(before)}"}
            return [Problem("inputs unmutated", trial, part, sentence, **texts) for part in range(len(spec.compared))]
    return []


def _unchanged(before: np.ndarray, after) -> bool:
    is_alike = type(after) is np.ndarray and after.dtype == before.dtype
    return is_alike and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")


def parts_of(spec: Spec, outcome: Outcome) -> list | None:
    """The values to compare, one for each name in `spec.compared`; None if they aren't so many."""
    if not isinstance(outcome, Returned):
        return None
    if len(spec.compared) == 1:
        return [outcome.value]
    if isinstance(outcome.value, (tuple, list)) and len(outcome.value) == len(spec.compared):
        return list(outcome.value)
    return None


def plain(text: str) -> str:
    """Text from a learner's code made fit to print: no control characters, no end in itself."""
    unknown = "\N{REPLACEMENT CHARACTER}"
    readable = "".join(letter if letter.isprintable() or letter == "\n" else unknown for letter in text)
    return readable if len(readable) <= LONGEST_TEXT else readable[:LONGEST_TEXT] + " ..."
