"""The judge: gives an answer its cases, compares with the reference in float64, and words what it found.

A *question* is one group of cases about one of the returned arrays. It is right when all its cases are. Credit is
counted in questions, so an answer that gets `grad_a` right and `grad_b` wrong earns half of what depends on them.

- values, edge cases: the fraction of questions that are right (no edge case counts before one ordinary question does)
- dtype, inputs unmutated: the fraction of ordinary questions that are right *and* mannered, so `np.zeros` earns 0
- shape: the fraction of ordinary questions for which an array of the right shape came back; it carries no points
"""

from dataclasses import dataclass

import numpy as np

from autograders.compare import Expected, as_array, close, difference, kind_of, show
from autograders.report import Failure, Report, Stage
from autograders.session import LocalSession, Missing, Outcome, Raised, Returned, Stopped
from autograders.spec import EDGE, GATES, ORDINARY, STAGES, Case, Spec

WRONG = ("shape", ORDINARY, EDGE)  # a problem at one of these stages makes its question wrong
LONGEST_TEXT = 600


@dataclass(frozen=True)
class Trial:
    """One case that was put to the answer: what should come back, array by array, and what did."""

    number: int
    case: Case
    expected: tuple[Expected, ...]
    outcome: Outcome


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


def judge(spec: Spec, session, seed: int) -> Report:
    """Put the cases that `seed` draws to the answer in `session`, and report."""
    refusal = _refusal(spec, session.describe())
    if refusal is not None:
        return _refused(spec, *refusal)
    trials = _put_to(spec, session, seed)
    if all(isinstance(trial.outcome, Raised) and trial.outcome.kind == "NotImplementedError" for trial in trials):
        return _refused(spec, "attempted", _NOT_ATTEMPTED)
    problems = [problem for trial in trials for problem in _problems(spec, trial)]
    problems.sort(key=lambda problem: STAGES.index(problem.stage))  # stable: the smallest case of a stage stays first
    stages = _stages(spec, trials, problems)
    failure = _failure(spec, trials, problems, seed) if problems else None
    return _report(spec, stages, failure)


# the gates: is there an answer, and can it be called?

_NOT_ATTEMPTED = "Not attempted yet: the function is still the empty one that the exercise began with."


def _refusal(spec: Spec, described) -> tuple[str, str] | None:
    """The gate that the answer fails and why, or None."""
    if isinstance(described, Missing) and described.found is None:
        return "attempted", f"There is no function named `{spec.function}`. Was its cell run, or renamed?"
    if isinstance(described, Missing):
        return "signature", f"A function `{spec.call}` was expected, this is something of type `{described.found}`."
    if isinstance(described, Raised):
        return "signature", f"Your code could not be run. {_exception(described)}"
    if isinstance(described, Stopped):
        return "signature", f"Your code could not be run: it {described.reason}."
    if described.blank:
        return "attempted", _NOT_ATTEMPTED
    if described.parameters != spec.parameters:
        yours = f"{spec.function}({', '.join(described.parameters)})"
        return "signature", f"The function should be called as `{spec.call}`, yours is `{yours}`."
    return None


def _refused(spec: Spec, gate: str, sentence: str) -> Report:
    reached = STAGES.index(gate)
    stages = tuple(
        Stage(name, spec.weights.get(name, 0.0), 1.0 if order < reached else 0.0, "not reached" if order > reached else "")
        for order, name in enumerate(STAGES)
    )
    return _report(spec, stages, Failure(stage=gate, sentence=plain(sentence)))


# the cases: what should come back, and what did

def _put_to(spec: Spec, session, seed: int) -> list[Trial]:
    trials, stopped = [], None
    for number, case in enumerate(spec.cases_for(seed)):
        outcome = stopped or session.call(*case.arguments)
        stopped = outcome if isinstance(outcome, Stopped) else None  # what was stopped once isn't run again
        trials.append(Trial(number, case, _expected(spec, case), outcome))
    return trials


def _expected(spec: Spec, case: Case) -> tuple[Expected, ...]:
    dtype = next(argument.dtype for argument in case.arguments if _is_float_array(argument))
    exact = [argument.astype(np.float64) if _is_float_array(argument) else argument for argument in case.arguments]
    results, roundings = spec.reference(*exact), spec.rounding(*exact)
    if len(spec.returns) == 1:
        results, roundings = (results,), (roundings,)
    return tuple(Expected(np.asarray(result), dtype, rounding) for result, rounding in zip(results, roundings, strict=True))


def _is_float_array(argument) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


def _parts(spec: Spec, outcome: Outcome) -> list | None:
    """The returned values, one for each name in `spec.returns`; None if they aren't so many."""
    if not isinstance(outcome, Returned):
        return None
    if len(spec.returns) == 1:
        return [outcome.value]
    if isinstance(outcome.value, (tuple, list)) and len(outcome.value) == len(spec.returns):
        return list(outcome.value)
    return None


# the problems of one trial

def _problems(spec: Spec, trial: Trial) -> list[Problem]:
    values = _parts(spec, trial.outcome)
    if values is None:
        sentence = _nothing_usable(spec, trial.outcome)
        return [_missing(trial, part, sentence) for part in range(len(spec.returns))]
    problems = []
    for part, value in enumerate(values):
        problems += _problems_of_part(spec, trial, part, value)
    if trial.case.stage == ORDINARY:
        problems += _mutations(spec, trial)
    return problems


def _nothing_usable(spec: Spec, outcome: Outcome) -> str:
    if isinstance(outcome, Raised):
        return _exception(outcome)
    if isinstance(outcome, Stopped):
        return f"Your function was stopped: it {outcome.reason}."
    if outcome.value is None:
        return _RETURNED_NONE
    results = ", ".join(spec.returns)
    return f"Your function returned {kind_of(outcome.value)}; {len(spec.returns)} arrays were expected: ({results})."


_RETURNED_NONE = "Your function returned None. Did you forget a `return`?"


def _exception(raised: Raised) -> str:
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
    if value is None and len(spec.returns) == 1:
        return [_missing(trial, part, _RETURNED_NONE)]
    if yours is None:
        return [_missing(trial, part, f"{name} is {kind_of(value)}; a numpy array of real numbers was expected.")]
    texts = {"yours": show(yours), "expected": show(expected.array.astype(expected.dtype))}
    problems = []
    if yours.shape != expected.array.shape:
        sentence = f"{name} has shape {yours.shape}, expected {expected.array.shape}."
        problems.append(Problem(_stage_of_shape(trial), trial, part, sentence, **texts))
    elif not close(yours, expected.array, expected.allowed(yours.dtype)):
        texts["difference"] = difference(yours, expected.array, expected.allowed(yours.dtype))
        problems.append(Problem(trial.case.stage, trial, part, _wrong_numbers(name, yours), **texts))
    if trial.case.stage == ORDINARY and yours.dtype != expected.dtype:
        sentence = f"{name} is {yours.dtype}, expected {expected.dtype}: results keep the dtype of the inputs."
        problems.append(Problem("dtype", trial, part, sentence, **texts))
    return problems


def _name_of(spec: Spec, part: int) -> str:
    return "The result" if len(spec.returns) == 1 else f"`{spec.returns[part]}`"


def _wrong_numbers(name: str, yours: np.ndarray) -> str:
    if yours.dtype.kind == "f" and not np.all(np.isfinite(yours)):
        found = "nan (not a number)" if np.any(np.isnan(yours)) else "inf (infinity)"
        return f"{name} holds {found} where the right answer is finite."
    return f"{name} has the right shape, but not the right numbers."


def _mutations(spec: Spec, trial: Trial) -> list[Problem]:
    for name, before, after in zip(spec.parameters, trial.case.arguments, trial.outcome.inputs):
        if isinstance(before, np.ndarray) and not _unchanged(before, after):
            sentence = f"Your function changed `{name}`, which belongs to its caller. Work on a copy instead."
            texts = {"yours": f"`{name}` after the call: {show(after)}", "expected": f"`{name}` as it was: {show(before)}"}
            return [Problem("inputs unmutated", trial, part, sentence, **texts) for part in range(len(spec.returns))]
    return []


def _unchanged(before: np.ndarray, after) -> bool:
    is_alike = type(after) is np.ndarray and after.dtype == before.dtype
    return is_alike and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")


# credit

def _stages(spec: Spec, trials: list[Trial], problems: list[Problem]) -> tuple[Stage, ...]:
    def without(stage: str, *troubles: str) -> float:
        """The fraction of a stage's questions that have none of these troubles."""
        questions = {(trial.case.stage, trial.case.group, part) for trial in trials for part in range(len(spec.returns))}
        questions = {question for question in questions if question[0] == stage}
        troubled = {problem.question for problem in problems if problem.stage in troubles}
        return len(questions - troubled) / len(questions)

    values = without(ORDINARY, *WRONG)
    credit = {
        "shape": without(ORDINARY, "shape"),
        "dtype": without(ORDINARY, *WRONG, "dtype"),
        "inputs unmutated": without(ORDINARY, *WRONG, "inputs unmutated"),
        ORDINARY: values,
        EDGE: without(EDGE, *WRONG) if values > 0 else 0.0,
    }
    own_troubles = {problem.stage for problem in problems}
    stages = []
    for name in STAGES:
        earned = 1.0 if name in GATES else credit[name]
        note = _BORROWED.get(name, "") if earned < 1 and name not in own_troubles else ""
        stages.append(Stage(name, spec.weights.get(name, 0.0), earned, note))
    return tuple(stages)


# why a stage without a problem of its own earns less than all
_BORROWED = {
    "dtype": "counts only with right values",
    "inputs unmutated": "counts only with right values",
    ORDINARY: "counts only with the right shape",
    EDGE: "counts only once an ordinary case is right",
}


def _report(spec: Spec, stages: tuple[Stage, ...], failure: Failure | None) -> Report:
    points = round(sum(stage.weight * stage.credit for stage in stages), 2)
    return Report(spec.name, stages, points, spec.points, passed=failure is None, failure=failure, hints=spec.hints)


# the words

def _failure(spec: Spec, trials: list[Trial], problems: list[Problem], seed: int) -> Failure:
    first = problems[0]
    wrong = next((problem for problem in problems if problem.stage in WRONG), None)
    arguments = zip(spec.parameters, first.trial.case.arguments)
    return Failure(
        stage=first.stage,
        sentence=plain(first.sentence),
        group=first.trial.case.group,
        inputs=tuple((name, show(argument)) for name, argument in arguments),
        yours=first.yours,
        expected=first.expected,
        difference=first.difference,
        misconception=_misconception(spec, trials, wrong) if wrong else "",
        seed=seed,
        reproduce=f'{", ".join(spec.parameters)} = inputs("{spec.name}", seed={seed}, case={first.trial.number})',
    )


def _misconception(spec: Spec, trials: list[Trial], wrong: Problem) -> str:
    """The sentence of the misconception that the answer agrees with on all ordinary cases and on the wrong one."""
    telling = [wrong.trial, *(trial for trial in trials if trial.case.stage == ORDINARY)]
    for misconception in spec.misconceptions:
        session = LocalSession(misconception.function)
        if all(_agree(spec, trial, session.call(*trial.case.arguments), wrong.part) for trial in telling):
            return misconception.sentence
    return ""


def _agree(spec: Spec, trial: Trial, theirs: Outcome, part: int) -> bool:
    """Whether the answer's outcome is the misconception's: the same array, or the same kind of exception."""
    if isinstance(trial.outcome, Raised) and isinstance(theirs, Raised):
        return trial.outcome.kind == theirs.kind
    values, their_values = _parts(spec, trial.outcome), _parts(spec, theirs)
    if values is None or their_values is None:
        return False
    yours, other = as_array(values[part]), as_array(their_values[part])
    if yours is None or other is None:
        return False
    rounding = trial.expected[part].allowed(yours.dtype)
    slack = rounding.max(initial=0.0) * trial.case.size  # a wrong answer may well add up more than the right one
    return close(yours, other.astype(np.float64), np.float64(slack))


def plain(text: str) -> str:
    """Text from a learner's code made fit to print: no control characters, no end in itself."""
    readable = "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return readable if len(readable) <= LONGEST_TEXT else readable[:LONGEST_TEXT] + " ..."
