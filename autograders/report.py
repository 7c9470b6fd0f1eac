"""What a learner reads: a verdict as plain text and as a card in the notebook.

A report is only data (strings and numbers), already judged; this file lays it out. The card uses no script, no
outside resource and no colour that carries meaning alone, and stays readable where styles are stripped.
"""

import textwrap
from dataclasses import dataclass
from html import escape

WIDTH = 80


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

    def evidence(self) -> list[tuple[str, str]]:
        """Labels and texts that belong below the sentence, in reading order; empty ones left out."""
        inputs = [(f"Input {name}", text) for name, text in self.inputs]
        rows = [("Yours", self.yours), ("Expected", self.expected), ("Yours - expected", self.difference)]
        return [(label, text) for label, text in (*inputs, *rows) if text]


@dataclass(frozen=True)
class Report:
    """The verdict on one answer. Prints as plain words, shows as a card when it is a notebook cell's last value.

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
    saved: str = ""

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        verdict = "passed" if self.passed else "not yet"
        return f"{self.spec_name}: {verdict}, {self.points:g} of {self.max_points:g} points"

    def text(self) -> str:
        """The report in plain words, wrapped to 80 columns."""
        lines = [self.headline, *(f"  {_stage_line(stage)}".rstrip() for stage in self.stages)]
        if self.failure is not None:
            lines += ["", *_failure_lines(self.failure), *self._hint_lines()]
        if self.saved:
            lines += ["", *_wrapped(self.saved)]
        return "\n".join(lines)

    def html(self) -> str:
        """The report as one HTML element; whatever came from the learner is escaped."""
        symbol = "✓" if self.passed else "✗"
        parts = [f"<p><strong>{symbol} {escape(self.headline)}</strong></p>", _bar(self.stages)]
        if self.failure is not None:
            parts += [_failure_html(self.failure), _hints_html(self.hints, self.hints_shown)]
        if self.saved:
            parts.append(f"<p>{prose(self.saved)}</p>")
        edge = _PASSED_COLOUR if self.passed else _FAILED_COLOUR
        style = f"border: 1px solid; border-left: 6px solid {edge}; padding: 4px 14px; max-width: 60em"
        return f'<div style="{style}">{"".join(parts)}</div>'

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def _hint_lines(self) -> list[str]:
        lines = []
        for number, hint in enumerate(self.hints[: self.hints_shown], start=1):
            lines += ["", *_wrapped(f"Hint {number} of {len(self.hints)}: {hint}")]
        if self.hints_shown < len(self.hints):
            following = self.hints_shown + 1
            lines += ["", f"For hint {following} of {len(self.hints)}: check(..., hint={following})"]
        return lines


# plain text

def _stage_line(stage: Stage) -> str:
    points = f"{stage.weight * stage.credit:.3g} of {stage.weight:g}" if stage.weight else ""
    note = f"({stage.note})" if stage.note else ""
    return f"{stage.mark} {stage.name:<17} {points:<12} {note}"


def _failure_lines(failure: Failure) -> list[str]:
    about = f"{failure.stage} ({failure.group})" if failure.group else failure.stage
    lines = _wrapped(f"{about}: {failure.sentence}")
    if failure.misconception:
        lines += ["", *_wrapped(failure.misconception)]
    for label, text in failure.evidence():
        lines += ["", f"{label}:", textwrap.indent(text, "  ")]
    if failure.reproduce:
        lines += ["", "To try this input yourself:", "  from autograders import inputs", f"  {failure.reproduce}"]
    return lines


def _wrapped(text: str) -> list[str]:
    return [line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, WIDTH)]


# the card

_PASSED_COLOUR, _FAILED_COLOUR = "#0072b2", "#d55e00"  # blue and vermilion: told apart by colour-blind readers too


def _bar(stages: tuple[Stage, ...]) -> str:
    return "<p>" + " ".join(_bar_step(stage) for stage in stages) + "</p>"


def _bar_step(stage: Stage) -> str:
    colour = _PASSED_COLOUR if stage.credit == 1 else _FAILED_COLOUR
    points = f" {stage.weight * stage.credit:.3g}/{stage.weight:g}" if stage.weight else ""
    style = f"display: inline-block; border-bottom: 3px solid {colour}; margin: 0 8px 4px 0; padding: 0 2px"
    return f'<span style="{style}" title="{escape(stage.note)}">{stage.mark} {escape(stage.name)}{points}</span>'


def _failure_html(failure: Failure) -> str:
    about = f"{failure.stage} ({failure.group})" if failure.group else failure.stage
    parts = [f"<p><strong>{escape(about)}:</strong> {prose(failure.sentence)}</p>"]
    if failure.misconception:
        parts.append(f"<p>{prose(failure.misconception)}</p>")
    if failure.evidence():
        rows = "".join(_row(label, text) for label, text in failure.evidence())
        parts.append(f'<table style="margin: 0">{rows}</table>')
    if failure.reproduce:
        lines = escape(f"from autograders import inputs\n{failure.reproduce}")
        parts.append(f"<p>To try this input yourself:</p><pre>{lines}</pre>")
    return "".join(parts)


def _row(label: str, text: str) -> str:
    cell = "text-align: left; vertical-align: top; background: transparent; font-size: inherit"
    return f'<tr><th style="{cell}">{escape(label)}</th><td style="{cell}"><pre style="margin: 0">{escape(text)}</pre></td></tr>'


def prose(text: str) -> str:
    """Escaped text, with what stands between backticks set as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:  # a backtick without its partner: leave them all as they are
        return escape(text)
    return "".join(f"<code>{piece}</code>" if order % 2 else piece for order, piece in enumerate(pieces))


def _hints_html(hints: tuple[str, ...], shown: int) -> str:
    """Each hint folded inside the one before it, so that they open one at a time."""
    folded = ""
    for number, hint in reversed(list(enumerate(hints, start=1))):
        tag = "details open" if number <= shown else "details"
        folded = f"<{tag}><summary>Hint {number} of {len(hints)}</summary><p>{prose(hint)}</p>{folded}</details>"
    return folded
