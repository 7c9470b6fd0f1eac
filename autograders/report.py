"""What a learner reads: a verdict as data and as plain text. `card` has it as HTML.

A report is only strings, numbers and perhaps one picture, already judged.
"""

import textwrap
from dataclasses import dataclass

from autograders.pictures import Picture

WIDTH = 80
DIFFERENCE = "Yours - expected"


@dataclass(frozen=True)
class Stage:
    """One step of judging: the points it carries and the fraction (0 to 1) of them that was earned."""

    name: str
    weight: float
    credit: float
    note: str = ""

    @property
    def mark(self) -> str:
        """✓ earned, ✗ not, ◐ in part."""
        return {1.0: "✓", 0.0: "✗"}.get(self.credit, "◐")

    @property
    def earned(self) -> str:
        """The points earned, as text."""
        return f"{self.weight * self.credit:.3g}"


@dataclass(frozen=True)
class Failure:
    """The first thing that went wrong, on the smallest input that shows it."""

    stage: str
    sentence: str
    group: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    yours: str = ""
    expected: str = ""
    difference: str = ""
    misconception: str = ""
    seed: int | None = None
    reproduce: str = ""
    picture: Picture | None = None

    @property
    def about(self) -> str:
        """The stage, and what its input was about."""
        return f"{self.stage} ({self.group})" if self.group else self.stage

    def evidence(self) -> list[tuple[str, str]]:
        """Labels and texts that belong below the sentence, in reading order; empty ones left out."""
        return self.shown_inputs() + self.results()

    def shown_inputs(self) -> list[tuple[str, str]]:
        """The arguments, each with its label."""
        return [(f"Input {name}", text) for name, text in self.inputs if text]

    def results(self) -> list[tuple[str, str]]:
        """What came back, what should have, and how they differ, as far as there is something to show."""
        rows = [("Yours", self.yours), ("Expected", self.expected), (DIFFERENCE, self.difference)]
        return [(label, text) for label, text in rows if text]


@dataclass(frozen=True)
class Report:
    """The verdict on one answer. Prints as plain words, shows as a card when it is a notebook cell's last value.

    `function` is what the exercise has the learner write. `solution` is there if it was asked for, `seen` the date on
    which it first was (before the answer passed), `note` what else there is to say about that.
    `saved` says in a sentence whether the answer went into the learner's own engine; "" where nothing was tried.
    """

    spec_name: str
    stages: tuple[Stage, ...]
    points: float
    max_points: float
    passed: bool
    failure: Failure | None = None
    hints: tuple[str, ...] = ()
    hints_shown: int = 0
    function: str = ""
    solution: str = ""
    seen: str = ""
    note: str = ""
    saved: str = ""

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        verdict = "passed" if self.passed else "not yet"
        after = ", after the solution was seen" if self.passed and self.seen else ""
        return f"{self.spec_name}: {verdict}, {self.points:g} of {self.max_points:g} points{after}"

    @property
    def about_solution(self) -> str:
        """That the solution was seen, or will be marked so; empty on a pass without it."""
        if not self.seen:
            return self.note
        return f"The solution was seen on {self.seen}. That costs no points; reports say so. {self.note}".rstrip()

    @property
    def next_step(self) -> tuple[str, str] | None:
        """What helps from here, in words and as a line to run; None if the answer passed or all has been shown."""
        following = self.hints_shown + 1
        if self.passed or self.solution:
            return None
        if following <= len(self.hints):
            return f"For hint {following} of {len(self.hints)}", self._call(f"hint={following}")
        return self.ask_for_solution

    @property
    def ask_for_solution(self) -> tuple[str, str]:
        """How to see a solution, in words and as a line to run."""
        return "For a solution (it costs no points; reports will say that it was seen)", self._call("solution=True")

    def _call(self, argument: str) -> str:
        return f'check("{self.spec_name}", {self.function or "..."}, {argument})'

    def text(self) -> str:
        """The report in plain words, wrapped to 80 columns."""
        lines = [self.headline, *(_stage_line(stage) for stage in self.stages)]
        if self.failure is not None:
            lines += ["", *_failure_lines(self.failure), *self._hint_lines()]
        if self.solution:
            lines += ["", "A solution:", "", textwrap.indent(self.solution, "  ")]
        if self.about_solution:
            lines += ["", *_wrapped(self.about_solution)]
        if self.next_step is not None:
            words, line = self.next_step
            lines += ["", f"{words}:", f"  {line}"]
        if self.saved:
            lines += ["", *_wrapped(self.saved)]
        return "\n".join(lines)

    def html(self) -> str:
        """The report as one HTML element; whatever came from the learner is escaped."""
        from autograders.card import card  # here, because it reads what this file defines

        return card(self)

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def _hint_lines(self) -> list[str]:
        lines = []
        for number, hint in enumerate(self.hints[: self.hints_shown], start=1):
            lines += ["", *_wrapped(f"Hint {number} of {len(self.hints)}: {hint}")]
        return lines


# plain text


def _stage_line(stage: Stage) -> str:
    points = f"{stage.earned} of {stage.weight:g}" if stage.weight else ""
    note = f"({stage.note})" if stage.note else ""
    return f"  {stage.mark} {stage.name:<17} {points:<12} {note}".rstrip()


def _failure_lines(failure: Failure) -> list[str]:
    lines = _wrapped(f"{failure.about}: {failure.sentence}")
    if failure.misconception:
        lines += ["", *_wrapped(failure.misconception)]
    for label, text in failure.evidence():
        lines += ["", f"{label}:", textwrap.indent(text, "  ")]
    if failure.picture is not None:
        lines += _picture_lines(failure.picture)
    if failure.reproduce:
        lines += ["", "To try this input yourself:", "  from autograders import inputs", f"  {failure.reproduce}"]
    return lines


def _picture_lines(picture: Picture) -> list[str]:
    lines = ["", *_wrapped(f"{picture.ranges} {picture.relation}")]
    if picture.sketch:
        lines += ["", f"Where they differ, {picture.sketched}:", textwrap.indent(picture.sketch, "  ")]
    return lines


def _wrapped(text: str) -> list[str]:
    return [line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, WIDTH)]
