"""The judge: gives an answer its cases, compares with the reference in float64, and words what it found.

A *question* is one group of cases about one of the returned arrays. It is right when all its cases are. Credit is
counted in questions, so an answer that gets `grad_a` right and `grad_b` wrong earns half of what depends on them.

- values, edge cases: the fraction of questions that are right (no edge case counts before one ordinary question does)
- dtype, inputs unmutated: the fraction of ordinary questions that are right *and* mannered, so `np.zeros` earns 0
- shape: the fraction of ordinary questions for which an array of the right shape came back; it carries no points
- speed: all or nothing, and only once every ordinary question is right
"""

import time
from dataclasses import replace

import numpy as np

from autograders.compare import Expected, as_array, close, show
from autograders.pictures import picture_of
from autograders.problems import WRONG, Problem, Trial, exception_in_words, parts_of, plain, problems_of
from autograders.report import Failure, Report, Stage
from autograders.session import LocalSession, Missing, Opaque, Outcome, Raised, Returned, Stopped
from autograders.spec import EDGE, GATES, ORDINARY, SPEED, STAGES, Absolute, Case, Misconception, Spec


def judge(spec: Spec, session, seed: int) -> Report:
    """Put the cases that `seed` draws to the answer in `session`, and report.

    `session` is an open one (see `autograders.session`); nothing that the answer does raises here, except the
    KeyboardInterrupt of a `LocalSession`'s own learner.
    """
    refusal = _refusal(spec, session.describe())
    if refusal is not None:
        return _refused(spec, *refusal)
    trials = _put_to(spec, session, seed)
    if all(_says_not_implemented(trial.outcome) for trial in trials):
        return _refused(spec, "attempted", _not_attempted(spec))
    problems = [problem for trial in trials for problem in problems_of(spec, trial)]
    problems += _too_slow(spec, trials, problems)
    problems.sort(key=lambda problem: STAGES.index(problem.stage))  # stable: the smallest case of a stage stays first
    stages = _stages(spec, trials, problems)
    failure = _failure(spec, trials, problems, seed) if problems else None
    return _report(spec, stages, failure)


# the gates: is there an answer, and can it be called?


def _refusal(spec: Spec, described) -> tuple[str, str] | None:
    """The gate that the answer fails and why, or None."""
    if isinstance(described, Missing) and described.found is None:
        return "attempted", f"There is no {spec.use.kind} named `{spec.function}`. Was its cell run, or renamed?"
    if isinstance(described, Missing):
        expected = f"A {spec.use.kind} `{spec.call}` was expected"
        return "signature", f"{expected}, this is something of type `{described.found}`."
    if isinstance(described, Raised):
        return "signature", exception_in_words(described)
    if isinstance(described, Stopped):
        return "signature", f"Your code could not be run: it {described.reason}."
    if described.blank:
        return "attempted", _not_attempted(spec)
    count = len(spec.parameters)
    if described.parameters[:count] != spec.parameters or described.required > count:
        yours = spec.call_with(described.parameters)
        return "signature", f"The {spec.use.kind} should be called as `{spec.call}`, yours is `{yours}`."
    return None


def _not_attempted(spec: Spec) -> str:
    return (
        f"Not attempted yet: the {spec.use.kind}, or something that it uses, is still as empty as the exercise began."
    )


def _names_of_stages(spec: Spec) -> list[str]:
    return [name for name in STAGES if name != SPEED or spec.speed is not None]


def _says_not_implemented(outcome: Outcome) -> bool:
    return isinstance(outcome, Raised) and outcome.kind == "NotImplementedError"


def _refused(spec: Spec, gate: str, sentence: str) -> Report:
    stages = []
    for order, name in enumerate(_names_of_stages(spec)):
        credit = 1.0 if order < STAGES.index(gate) else 0.0
        note = "not reached" if order > STAGES.index(gate) else ""
        stages.append(Stage(name, spec.weights.get(name, 0.0), credit, note))
    return _report(spec, tuple(stages), Failure(stage=gate, sentence=plain(sentence)))


# the cases: what should come back, and what did


def _put_to(spec: Spec, session, seed: int) -> list[Trial]:
    trials, stopped = [], {}
    for number, case in enumerate(spec.cases_for(seed)):
        begin = time.perf_counter()
        outcome = stopped.get(case.group) or session.call(*case.arguments)
        seconds = time.perf_counter() - begin
        if isinstance(outcome, Stopped):
            stopped[case.group] = outcome  # the group is lost already: spend no more time on it
        trials.append(Trial(number, case, expected_of(spec, case), measured(spec, case, outcome), seconds))
    return trials


def measured(spec: Spec, case: Case, outcome: Outcome) -> Outcome:
    """The outcome with what the spec measures in place of the arrays that came back; what is no arrays stays unread."""
    if spec.measure is None or not isinstance(outcome, Returned) or outcome.value is None:
        return outcome
    parts = outcome.value if len(spec.returns) > 1 else (outcome.value,)
    arrays = [as_array(part) for part in parts] if isinstance(parts, (tuple, list)) else [None]
    if len(arrays) != len(spec.returns) or any(array is None for array in arrays):
        return replace(outcome, value=Opaque(_type_name(outcome.value)))
    return replace(outcome, value=_measure(spec, case, arrays))


def _measure(spec: Spec, case: Case, arrays):
    results = tuple(np.asarray(each, np.float64) for each in _tuple(spec.measure(case, *arrays), spec.measured))
    return results if len(results) > 1 else results[0]


def _type_name(value) -> str:
    return value.type_name if isinstance(value, Opaque) else type(value).__name__


def _tuple(results, names: tuple[str, ...]) -> tuple:
    return results if len(names) > 1 else (results,)


def expected_of(spec: Spec, case: Case) -> tuple[Expected, ...]:
    """What should come back for `case`: computed in float64, to be in the dtype of the case's floating arrays."""
    floating = next((argument.dtype for argument in case.arguments if _is_float_array(argument)), np.dtype(np.float64))
    exact = [argument.astype(np.float64) if _is_float_array(argument) else argument for argument in case.arguments]
    results, roundings = spec.results(*exact), _tuple(spec.rounding(*exact), spec.compared)
    if spec.measure is not None:
        results, floating = _measure(spec, case, _tuple(results, spec.returns)), np.dtype(np.float64)
    pairs = zip(_tuple(results, spec.compared), roundings, strict=True)
    return tuple(_expected(np.asarray(result), floating, rounding) for result, rounding in pairs)


def _expected(result: np.ndarray, floating: np.dtype, rounding) -> Expected:
    dtype = floating if result.dtype.kind == "f" else result.dtype
    if isinstance(rounding, Absolute):
        return Expected(result, dtype, np.asarray(rounding.allowance), is_absolute=True)
    return Expected(result, dtype, np.asarray(rounding))


def _too_slow(spec: Spec, trials: list[Trial], problems: list[Problem]) -> list[Problem]:
    """The problem of an answer that is right on the timed cases, but not fast there; or none."""
    is_wrong = any(each.stage in (*WRONG, SPEED) and each.trial.case.stage in (ORDINARY, SPEED) for each in problems)
    if spec.speed is None or is_wrong:
        return []
    timed = min((trial for trial in trials if trial.case.stage == SPEED), key=lambda trial: trial.seconds)
    begin = time.perf_counter()
    spec.speed.slow(*timed.case.arguments)
    loop = time.perf_counter() - begin
    if timed.seconds <= loop / spec.speed.times:
        return []
    sentence = (
        f"Your {spec.use.kind} is right, and takes {timed.seconds:.2g} s where the plain loop takes {loop:.2g} s. It "
        f"should be at least {spec.speed.times:g} times as fast: leave the loop over elements to numpy."
    )
    return [Problem(SPEED, timed, part, sentence) for part in range(len(spec.compared))]


def _is_float_array(argument) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


# credit


def _stages(spec: Spec, trials: list[Trial], problems: list[Problem]) -> tuple[Stage, ...]:
    def without(stage: str, *troubles: str) -> float:
        """The fraction of a stage's questions that have none of these troubles."""
        of_stage = [trial.case for trial in trials if trial.case.stage == stage]
        questions = {(stage, case.group, part) for case in of_stage for part in range(len(spec.compared))}
        troubled = {problem.question for problem in problems if problem.stage in troubles}
        return len(questions - troubled) / len(questions) if questions else 0.0

    values = without(ORDINARY, *WRONG)
    credit = {
        "shape": without(ORDINARY, "shape"),
        "dtype": without(ORDINARY, *WRONG, "dtype"),
        "inputs unmutated": without(ORDINARY, *WRONG, "inputs unmutated"),
        ORDINARY: values,
        EDGE: without(EDGE, *WRONG) if values > 0 else 0.0,
        SPEED: without(SPEED, SPEED) if values == 1 else 0.0,
    }
    own_troubles = {problem.stage for problem in problems}
    stages = []
    for name in _names_of_stages(spec):
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
    SPEED: "counts only with right values",
}


def _report(spec: Spec, stages: tuple[Stage, ...], failure: Failure | None) -> Report:
    points = round(sum(stage.weight * stage.credit for stage in stages), 2)
    return Report(
        spec.name, stages, points, spec.points,
        passed=failure is None, failure=failure, hints=spec.hints, function=spec.function,
    )  # fmt: skip


# the words


def _failure(spec: Spec, trials: list[Trial], problems: list[Problem], seed: int) -> Failure:
    first = problems[0]
    wrong = next((problem for problem in problems if problem.stage in WRONG), None)
    arguments = zip(spec.input_names, first.trial.case.arguments)
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
        reproduce=f'{_unpacked(spec.input_names)} = inputs("{spec.name}", seed={seed}, case={first.trial.number})',
        picture=picture_of(spec, first),
    )


def _unpacked(names: tuple[str, ...]) -> str:
    """What stands left of the `=` to take a tuple of these apart: "a, b", or "a,"."""
    return f"{names[0]}," if len(names) == 1 else ", ".join(names)


def _misconception(spec: Spec, trials: list[Trial], wrong: Problem) -> str:
    """The sentence of the misconception that the answer agrees with on all ordinary cases and on the wrong one.

    One that is right where the answer is wrong does not explain it, however near the two are. Of several that do in the
    array that is wrong, one that agrees in all arrays, and in what it raised, comes first.
    """
    telling = [wrong.trial, *(trial for trial in trials if trial.case.stage == ORDINARY)]
    alike = [
        each for each in spec.misconceptions
        if _agree_throughout(spec, telling, each, (wrong.part,)) and _goes_wrong(spec, wrong, each)]
    if len(alike) > 1:
        everything = range(len(spec.compared))
        alike.sort(key=lambda each: not _agree_throughout(spec, telling, each, everything, to_the_word=True))
    return alike[0].sentence if alike else ""


def _goes_wrong(spec: Spec, wrong: Problem, misconception: Misconception) -> bool:
    """Whether the misconception is wrong in the same array of the same case."""
    case = wrong.trial.case
    outcome = measured(spec, case, LocalSession(misconception.answer, spec.use).call(*case.arguments))
    problems = problems_of(spec, replace(wrong.trial, outcome=outcome))
    return any(problem.part == wrong.part and problem.stage in WRONG for problem in problems)


def _agree_throughout(spec: Spec, trials: list[Trial], misconception: Misconception, parts, to_the_word=False) -> bool:
    """Whether the answer's outcomes are the misconception's, in these parts."""
    session = LocalSession(misconception.answer, spec.use)

    def named_alike(outcome):
        """With the learner's name for the class in the place of the misconception's: messages often name it."""
        if not isinstance(outcome, Raised) or spec.use.kind != "class":
            return outcome
        return replace(outcome, message=outcome.message.replace(misconception.answer.__name__, spec.function))

    outcomes = (measured(spec, trial.case, session.call(*trial.case.arguments)) for trial in trials)
    alike = (replace(trial, outcome=named_alike(trial.outcome)) for trial in trials)
    pairs = zip(alike, map(named_alike, outcomes))
    return all(_agree(spec, trial, theirs, part, to_the_word) for trial, theirs in pairs for part in parts)


def _agree(spec: Spec, trial: Trial, theirs: Outcome, part: int, to_the_word: bool) -> bool:
    """Whether the answer's outcome is the misconception's: the same array, or the same kind of exception.

    A probe's words and the engine's RuntimeErrors tell many different faults, so there it is the message that counts.
    """
    if isinstance(trial.outcome, Raised) and isinstance(theirs, Raised):
        to_the_word = to_the_word or theirs.kind in ("Unusable", "RuntimeError")
        return trial.outcome.kind == theirs.kind and (not to_the_word or trial.outcome.message == theirs.message)
    values, their_values = parts_of(spec, trial.outcome), parts_of(spec, theirs)
    if values is None or their_values is None:
        return False
    yours, other = as_array(values[part]), as_array(their_values[part])
    if yours is None or other is None:
        return values[part] is None and their_values[part] is None
    expected = trial.expected[part]
    # a wrong answer may well add up more than the right one, and two samples may part in two directions
    slack = expected.allowed(yours.dtype).max(initial=0.0) * (2 if expected.is_absolute else trial.case.size)
    return close(yours, other.astype(np.float64), np.float64(slack))
