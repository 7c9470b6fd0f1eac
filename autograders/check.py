"""What a learner calls in the notebook: `check` an answer, rebuild an input that failed, go on with a right function.

The seeds here are public and the verdict is advice. Grades are given elsewhere, with seeds of their own.
"""

import os
from collections.abc import Callable
from dataclasses import replace

from autograders.judge import judge
from autograders.report import Report
from autograders.session import LocalSession
from autograders.spec import load

PUBLIC_SEED = 1


class NotPassed(Exception):
    """Raised by `check` under nbgrader's Validate, which shows a cell's exception; its traceback is the report."""

    def __init__(self, report: Report):
        super().__init__(report.text())
        self.report = report

    def _render_traceback_(self) -> list[str]:  # IPython's own hook for how an exception is shown
        return self.report.text().split("\n")


def check(name: str, answer: Callable, *, hint: int = 0, seed: int = PUBLIC_SEED) -> Report:
    """Check `answer`, the function or class that solves the exercise `name`, and report in plain words.

    `hint` is how many of the exercise's hints to show. `seed` chooses the inputs. Raises UnknownExercise for a name
    that isn't one, ValueError for a hint that isn't there, and NotPassed where nbgrader runs the notebook.
    """
    spec = load(name)
    if not 0 <= hint <= len(spec.hints):
        raise ValueError(f"hint must be 0 to {len(spec.hints)}, got {hint!r}")
    report = replace(_judge_here(spec, answer, seed), hints_shown=hint)
    if os.environ.get("NBGRADER_EXECUTION") and not report.passed:
        raise NotPassed(report)
    return report


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


def _judge_here(spec, answer, seed: int) -> Report:
    with LocalSession(answer, spec.use) as session:
        return judge(spec, session, seed)
