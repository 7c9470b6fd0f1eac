"""A report as a card: one HTML element for a notebook, for nbgrader's feedback, for light and dark pages.

No script, no outside resource, no colour that carries meaning alone. Text keeps the page's own colour; the order of
reading is the order of the elements, and where styles are stripped all words are still there.
"""

import base64
from html import escape

from autograders.pictures import Picture
from autograders.report import Failure, Report, Stage

PASSED_COLOUR, FAILED_COLOUR = "#0072b2", "#d55e00"  # blue and vermilion: told apart by colour-blind readers too
SPOKEN = {"✓": "earned", "◐": "earned in part", "✗": "not earned"}


def card(report: Report) -> str:
    """The card, as one <div>; whatever came from the learner is escaped."""
    parts = [_headline(report), _bar(report.stages), _legend(report.stages)]
    if report.failure is not None:
        parts.append(_failure(report.failure))
    parts += [_help(report), _solution(report)]
    edge = PASSED_COLOUR if report.passed else FAILED_COLOUR
    style = (
        f"box-sizing: border-box; max-width: 60em; padding: 8px 16px; line-height: 1.5; overflow-wrap: anywhere; "
        f"border: 1px solid {_LINE}; border-left: 6px solid {edge}; border-radius: 4px"
    )
    return f'<div style="{style}">{"".join(parts)}</div>'


_LINE = "rgba(128, 128, 128, 0.6)"
_BLOCK = "margin: 8px 0"


def _headline(report: Report) -> str:
    symbol = "✓" if report.passed else "✗"
    return f'<p style="margin: 0; font-size: 1.1em"><strong>{symbol} {escape(report.headline)}</strong></p>'


# the stages


def _bar(stages: tuple[Stage, ...]) -> str:
    """A segment for each stage that carries points, as long as these are many, filled as far as they were earned."""
    segments = "".join(_segment(stage) for stage in stages if stage.weight)
    return f'<div aria-hidden="true" style="display: flex; height: 1.5em; margin: 8px 0 4px">{segments}</div>'


def _segment(stage: Stage) -> str:
    missing = 1 - stage.credit
    parts = []
    if stage.credit:
        mark = stage.mark if stage.credit >= 0.5 else ""
        parts.append(_part(stage.credit, mark, f"background-color: {PASSED_COLOUR}; color: #ffffff"))
    if missing:
        mark = stage.mark if stage.credit < 0.5 else ""
        parts.append(_part(missing, mark, "border: 1px dashed currentColor; box-sizing: border-box"))
    style = f"flex: {stage.weight:g} 1 0; min-width: 0; display: flex; margin-right: 3px"
    return f'<span style="{style}">{"".join(parts)}</span>'


def _part(share: float, mark: str, look: str) -> str:
    style = f"flex: {share:.4g} 1 0; min-width: 0; overflow: hidden; text-align: center; {look}"
    return f'<span style="{style}">{mark}</span>'


def _legend(stages: tuple[Stage, ...]) -> str:
    items = "".join(f'<li style="margin: 0; padding: 0">{_stage(stage)}</li>' for stage in stages)
    style = "display: flex; flex-wrap: wrap; gap: 0 1.4em; list-style: none; margin: 0 0 8px; padding: 0"
    return f'<ul style="{style}">{items}</ul>'


def _stage(stage: Stage) -> str:
    points = f" {stage.earned} of {stage.weight:g}" if stage.weight else ""
    note = f" ({escape(stage.note)})" if stage.note else ""
    mark = f'<span role="img" aria-label="{SPOKEN[stage.mark]}:">{stage.mark}</span>'
    return f"{mark} {escape(stage.name)}{points}{note}"


# what went wrong


def _failure(failure: Failure) -> str:
    parts = [f'<p style="{_BLOCK}"><strong>{escape(failure.about)}:</strong> {prose(failure.sentence)}</p>']
    if failure.misconception:
        style = f"{_BLOCK}; padding-left: 10px; border-left: 3px solid {_LINE}"
        parts.append(f'<p style="{style}">{prose(failure.misconception)}</p>')
    if failure.evidence():
        shown = "".join(_exhibit(label, text) for label, text in failure.evidence())
        parts.append(f'<div style="display: flex; flex-wrap: wrap; gap: 4px 2em; {_BLOCK}">{shown}</div>')
    if failure.picture is not None:
        parts.append(_picture(failure.picture))
    if failure.reproduce:
        lines = f"from autograders import inputs\n{failure.reproduce}"
        parts.append(f'<p style="margin: 8px 0 0">To try this input yourself:</p>{_code(lines)}')
    return "".join(parts)


def _exhibit(label: str, text: str) -> str:
    return f'<div style="min-width: 0; max-width: 100%"><strong>{escape(label)}</strong>{_code(text)}</div>'


def _code(text: str) -> str:
    return f'<pre style="margin: 0; padding: 0; overflow-x: auto; background: transparent">{escape(text)}</pre>'


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    image = (
        f'<img src="data:image/png;base64,{data}" alt="{escape(picture.alt)}" '
        'style="display: block; width: 100%; height: auto; margin: 4px 0">'
    )
    titles = "".join(_column(f"<strong>{escape(panel.title)}</strong>") for panel in picture.panels)
    ends = "".join(_column(_ends(panel.low, panel.high)) for panel in picture.panels)
    words = [text for text in (picture.relation, picture.legend) if text]
    below = "".join(f'<p style="margin: 4px 0 0">{prose(text)}</p>' for text in words)
    row = '<div aria-hidden="true" style="display: flex">'
    style = f"max-width: {picture.width}px; {_BLOCK}"
    return f'<div style="{style}">{row}{titles}</div>{image}{row}{ends}</div>{below}</div>'


def _column(content: str) -> str:
    return f'<div style="flex: 1 1 0; min-width: 0; text-align: center; padding: 0 1.4%">{content}</div>'


def _ends(low: str, high: str) -> str:
    return f'<div style="display: flex; justify-content: space-between"><span>{low}</span> <span>{high}</span></div>'


# what helps


def _help(report: Report) -> str:
    """The hints, each folded inside the one before it, so that they open one at a time; last the way to a solution."""
    if report.failure is None:
        return ""
    folded = "" if report.solution else _way_to_solution(report)
    for number, hint in reversed(list(enumerate(report.hints, start=1))):
        tag = "details open" if number <= report.hints_shown else "details"
        summary = f"<summary>Hint {number} of {len(report.hints)}</summary>"
        folded = f'<{tag} style="margin: 4px 0">{summary}<p style="margin: 4px 0 4px 1em">{prose(hint)}</p>{folded}</details>'
    return folded


def _way_to_solution(report: Report) -> str:
    words, line = report.ask_for_solution
    return f'<p style="margin: 8px 0 0">{escape(words)}:</p>{_code(line)}'


def _solution(report: Report) -> str:
    parts = []
    if report.solution:
        parts.append(f'<p style="margin: 8px 0 0"><strong>A solution</strong></p>{_code(report.solution)}')
    if report.about_solution:
        parts.append(f'<p style="{_BLOCK}">{escape(report.about_solution)}</p>')
    return "".join(parts)


def prose(text: str) -> str:
    """Escaped text, with what stands between backticks set as code."""
    pieces = escape(text).split("`")
    if len(pieces) % 2 == 0:  # a backtick without its partner: leave them all as they are
        return escape(text)
    return "".join(f"<code>{piece}</code>" if order % 2 else piece for order, piece in enumerate(pieces))
