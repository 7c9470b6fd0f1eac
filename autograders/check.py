"""What a learner calls in the notebook: `check` an answer, rebuild an input that failed, go on with a right function.

The seeds here are public and the verdict is advice. Grades are given elsewhere, with seeds of their own.
"""

import os
from collections.abc import Callable
from dataclasses import replace

from autograders.judge import judge
from autograders.marks import passed, seen
from autograders.own_engine import save
from autograders.report import Report
from autograders.session import LocalSession
from autograders.solutions import solution_of
from autograders.spec import load

PUBLIC_SEED = 1


class NotPassed(Exception):
    """Raised by `check` under nbgrader's Validate, which shows a cell's exception; its traceback is the report."""

    def __init__(self, report: Report):
        super().__init__(report.text())
        self.report = report

    def _render_traceback_(self) -> list[str]:  # IPython's own hook for how an exception is shown
        return self.report.text().split("\n")


def check(name: str, answer: Callable, *, hint: int = 0, solution: bool = False, seed: int = PUBLIC_SEED) -> Report:
    """Check `answer`, the function or class that solves the exercise `name`, and report in plain words.

    `hint` is how many of the exercise's hints to show. `solution=True` shows a solution; if `answer` doesn't pass yet,
    later reports of the exercise say that it was seen, which costs no points. `seed` chooses the inputs. An answer that
    passes in a learner's workspace is marked as passed there, and saved into their own engine (`mine`). Raises
    UnknownExercise for a name that isn't one, ValueError for a hint that isn't there, TypeError for a `hint` that is no
    whole number or a `solution` that is neither True nor False, and NotPassed where nbgrader runs the notebook.
    """
    spec = load(name)
    _require_hint(hint, len(spec.hints))
    if not isinstance(solution, bool):
        raise TypeError(f"solution must be True or False, got {solution!r}")
    report = replace(_judge_here(spec, answer, seed), hints_shown=hint)
    report = _with_solution(spec, report) if solution else report
    report = replace(report, seen=seen.when(name) or "")
    if os.environ.get("NBGRADER_EXECUTION") and not report.passed:
        raise NotPassed(report)
    return replace(report, saved=_keep(spec, answer)) if report.passed else report


def yours_or_ours(name: str, answer: Callable) -> Callable:
    """`answer` if it passes its check; else the engine's own, saying so in one line."""
    spec = load(name)
    if _judge_here(spec, answer, PUBLIC_SEED).passed:
        return answer
    print(f"`{spec.function}`: using the engine's until yours passes its check.")
    return spec.right_answer


def inputs(name: str, *, seed: int, case: int) -> tuple:
    """The arguments of one case, as a report names it, to try by hand."""
    cases = load(name).cases_for(seed)
    if not 0 <= case < len(cases):
        raise IndexError(f"{name} has cases 0 to {len(cases) - 1}, got case {case}")
    return cases[case].arguments


def _require_hint(hint, count: int) -> None:
    if isinstance(hint, bool) or not isinstance(hint, int):
        raise TypeError(f"hint must be a whole number, 0 to {count}, got {hint!r}")
    if not 0 <= hint <= count:
        more = "; after the last hint, solution=True shows a solution" if hint > count else ""
        raise ValueError(f"hint must be 0 to {count}, got {hint}{more}")


def _with_solution(spec, report: Report) -> Report:
    source = solution_of(spec)
    return replace(report, solution=source, note="" if report.passed else seen.mark(spec.name))


def _keep(spec, answer: Callable) -> str:
    """Mark the exercise as passed and save the answer; the sentences that say so, or why not.

    Nothing is kept under nbgrader, which runs notebooks to look at them, or of a function that the engine lent.
    """
    if os.environ.get("NBGRADER_EXECUTION") or answer is spec.right_answer:
        return ""
    return " ".join(filter(None, [save(spec, answer), passed.mark(spec.name)]))


def _judge_here(spec, answer, seed: int) -> Report:
    import engine

    with engine.use(None), LocalSession(answer, spec.use) as session:  # not measured by itself, where it is in use
        return judge(spec, session, seed)
