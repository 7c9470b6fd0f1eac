"""The judge: gives an answer its cases, compares with the reference in float64, and words what it found.

A *question* is one group of cases about one of the returned arrays. It is right when all its cases are. Credit is
counted in questions, so an answer that gets `grad_a` right and `grad_b` wrong earns half of what depends on them.

- values, edge cases: the fraction of questions that are right (no edge case counts before one ordinary question does)
- dtype, inputs unmutated: the fraction of ordinary questions that are right *and* mannered, so `np.zeros` earns 0
- shape: the fraction of ordinary questions for which an array of the right shape came back; it carries no points
"""

import numpy as np

from autograders.compare import Expected, as_array, close, show
from autograders.pictures import picture_of
from autograders.problems import WRONG, Problem, Trial, exception_in_words, parts_of, plain, problems_of
from autograders.report import Failure, Report, Stage
from autograders.session import LocalSession, Missing, Outcome, Raised, Stopped
from autograders.spec import EDGE, GATES, ORDINARY, STAGES, Case, Spec


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
        return _refused(spec, "attempted", _NOT_ATTEMPTED)
    problems = [problem for trial in trials for problem in problems_of(spec, trial)]
    problems.sort(key=lambda problem: STAGES.index(problem.stage))  # stable: the smallest case of a stage stays first
    stages = _stages(spec, trials, problems)
    failure = _failure(spec, trials, problems, seed) if problems else None
    return _report(spec, stages, failure)


# the gates: is there an answer, and can it be called?


_NOT_ATTEMPTED = "Not attempted yet: the function, or one that it calls, is still as empty as the exercise began."


def _refusal(spec: Spec, described) -> tuple[str, str] | None:
    """The gate that the answer fails and why, or None."""
    if isinstance(described, Missing) and described.found is None:
        return "attempted", f"There is no function named `{spec.function}`. Was its cell run, or renamed?"
    if isinstance(described, Missing):
        return "signature", f"A function `{spec.call}` was expected, this is something of type `{described.found}`."
    if isinstance(described, Raised):
        return "signature", exception_in_words(described)
    if isinstance(described, Stopped):
        return "signature", f"Your code could not be run: it {described.reason}."
    if described.blank:
        return "attempted", _NOT_ATTEMPTED
    if described.parameters != spec.parameters:
        yours = f"{spec.function}({', '.join(described.parameters)})"
        return "signature", f"The function should be called as `{spec.call}`, yours is `{yours}`."
    return None


def _says_not_implemented(outcome: Outcome) -> bool:
    return isinstance(outcome, Raised) and outcome.kind == "NotImplementedError"


def _refused(spec: Spec, gate: str, sentence: str) -> Report:
    stages = []
    for order, name in enumerate(STAGES):
        credit = 1.0 if order < STAGES.index(gate) else 0.0
        note = "not reached" if order > STAGES.index(gate) else ""
        stages.append(Stage(name, spec.weights.get(name, 0.0), credit, note))
    return _report(spec, tuple(stages), Failure(stage=gate, sentence=plain(sentence)))


# the cases: what should come back, and what did


def _put_to(spec: Spec, session, seed: int) -> list[Trial]:
    trials, stopped = [], {}
    for number, case in enumerate(spec.cases_for(seed)):
        outcome = stopped.get(case.group) or session.call(*case.arguments)
        if isinstance(outcome, Stopped):
            stopped[case.group] = outcome  # the group is lost already: spend no more time on it
        trials.append(Trial(number, case, expected_of(spec, case), outcome))
    return trials


def expected_of(spec: Spec, case: Case) -> tuple[Expected, ...]:
    """What should come back for `case`: computed in float64, to be in the dtype of the case's floating arrays."""
    dtype = next(argument.dtype for argument in case.arguments if _is_float_array(argument))
    exact = [argument.astype(np.float64) if _is_float_array(argument) else argument for argument in case.arguments]
    results, roundings = spec.reference(*exact), spec.rounding(*exact)
    if len(spec.returns) == 1:
        results, roundings = (results,), (roundings,)
    pairs = zip(results, roundings, strict=True)
    return tuple(Expected(np.asarray(result), dtype, rounding) for result, rounding in pairs)


def _is_float_array(argument) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


# credit


def _stages(spec: Spec, trials: list[Trial], problems: list[Problem]) -> tuple[Stage, ...]:
    def without(stage: str, *troubles: str) -> float:
        """The fraction of a stage's questions that have none of these troubles."""
        of_stage = [trial.case for trial in trials if trial.case.stage == stage]
        questions = {(stage, case.group, part) for case in of_stage for part in range(len(spec.returns))}
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
    return Report(
        spec.name, stages, points, spec.points,
        passed=failure is None, failure=failure, hints=spec.hints, function=spec.function,
    )  # fmt: skip


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
        picture=picture_of(spec, first),
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
    values, their_values = parts_of(spec, trial.outcome), parts_of(spec, theirs)
    if values is None or their_values is None:
        return False
    yours, other = as_array(values[part]), as_array(their_values[part])
    if yours is None or other is None:
        return False
    rounding = trial.expected[part].allowed(yours.dtype)
    slack = rounding.max(initial=0.0) * trial.case.size  # a wrong answer may well add up more than the right one
    return close(yours, other.astype(np.float64), np.float64(slack))
