"""A report as a card: one HTML element for a notebook, for nbgrader's feedback, for light and dark pages.

No script, no outside resource, no colour that carries meaning alone. Text keeps the page's own colour; the order of
reading is the order of the elements, and where styles are stripped all words are still there.
"""

import base64
import itertools
from html import escape

from autograders.pictures import Panel, Picture
from autograders.report import DIFFERENCE, Failure, Report, Stage

PASSED_COLOUR, FAILED_COLOUR = "#0072b2", "#d55e00"  # blue and vermilion: told apart by colour-blind readers too
SPOKEN = {"✓": "earned", "◐": "earned in part", "✗": "not earned"}


def card(report: Report) -> str:
    """The card, as one <div>; whatever came from the learner is escaped."""
    parts = [_headline(report), _stages(report.stages)]
    if report.failure is not None:
        parts.append(_failure(report.failure))
    parts += [_help(report), _solution(report)]
    if report.saved:
        parts.append(f'<p style="{_BLOCK}">{prose(report.saved)}</p>')
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
    return f'<p style="margin: 0; font-size: 1.1em"><strong>{_silent(symbol)} {escape(report.headline)}</strong></p>'


def _silent(symbol: str) -> str:
    return f'<span aria-hidden="true">{symbol}</span>'


# the stages


def _stages(stages: tuple[Stage, ...]) -> str:
    """First those that open the way and carry no points, then the bar of the others, then notes on them."""
    gates, weighted = [[stage for stage in stages if bool(stage.weight) == carries] for carries in (False, True)]
    return _list(gates) + _bar(weighted) + _list(weighted) + _notes(stages)


def _bar(stages: list[Stage]) -> str:
    """A segment for each stage, as long as its points are many, filled as far as they were earned."""
    segments = "".join(_segment(stage) for stage in stages)
    return f'<div aria-hidden="true" style="display: flex; gap: 4px; height: 1.5em; margin: 4px 0">{segments}</div>'


def _segment(stage: Stage) -> str:
    missing = 1 - stage.credit
    parts = []
    if stage.credit:
        mark = stage.mark if stage.credit >= 0.5 else ""
        parts.append(_part(stage.credit, mark, f"background-color: {PASSED_COLOUR}; color: #ffffff"))
    if missing:
        mark = stage.mark if stage.credit < 0.5 else ""
        parts.append(_part(missing, mark, "border: 1px dashed currentColor; box-sizing: border-box"))
    style = f"flex: {stage.weight:g} 1 0; min-width: 0; display: flex"
    return f'<span style="{style}">{"".join(parts)}</span>'


def _part(share: float, mark: str, look: str) -> str:
    style = f"flex: {share:.4g} 1 0; min-width: 0; overflow: hidden; text-align: center; {look}"
    return f'<span style="{style}">{mark}</span>'


def _list(stages: list[Stage]) -> str:
    items = "".join(f'<li style="margin: 0; padding: 0">{_stage(stage)}</li>' for stage in stages)
    style = "display: flex; flex-wrap: wrap; gap: 0 1.4em; list-style: none; margin: 0; padding: 0"
    return f'<ul style="{style}">{items}</ul>'


def _stage(stage: Stage) -> str:
    points = f" {stage.earned} of {stage.weight:g}" if stage.weight else ""
    mark = f'<span role="img" aria-label="{SPOKEN[stage.mark]}:">{stage.mark}</span>'
    return f"{mark} {escape(stage.name)}{points}"


def _notes(stages: tuple[Stage, ...]) -> str:
    """What there is to say about stages, each thing once."""
    notes = dict.fromkeys(stage.note for stage in stages if stage.note)
    named = {note: ", ".join(stage.name for stage in stages if stage.note == note) for note in notes}
    text = "; ".join(f"{names}: {note}" for note, names in named.items())
    return f'<p style="margin: 0; font-size: 0.92em">{escape(text)}.</p>' if text else ""


# what went wrong


def _failure(failure: Failure) -> str:
    parts = [f'<p style="{_BLOCK}"><strong>{escape(failure.about)}:</strong> {prose(failure.sentence)}</p>']
    if failure.misconception:
        style = f"{_BLOCK}; padding-left: 10px; border-left: 3px solid {_LINE}"
        parts.append(f'<p style="{style}">{prose(failure.misconception)}</p>')
    parts += [_exhibits(failure.shown_inputs()), _exhibits(failure.results())]
    if failure.picture is not None:
        parts.append(_picture(failure.picture))
    if failure.reproduce:
        lines = f"from autograders import inputs\n{failure.reproduce}"
        parts.append(f'<p style="margin: 8px 0 0">To try this input yourself:</p>{_code(lines, wraps=True)}')
    return "".join(parts)


def _exhibits(rows: list[tuple[str, str]]) -> str:
    """Side by side where there is room."""
    shown = "".join(_exhibit(label, text) for label, text in rows)
    return f'<div style="display: flex; flex-wrap: wrap; gap: 4px 2em; {_BLOCK}">{shown}</div>' if rows else ""


def _exhibit(label: str, text: str) -> str:
    """Rows of numbers keep their places, words between them wrap."""
    lines = text.replace("]  shape", "]\nshape").split("\n")  # after a single row the text goes on
    pieces = itertools.groupby(lines, lambda line: not line.startswith(("[", " ")))
    shown = "".join(_code("\n".join(piece), wraps=is_words) for is_words, piece in pieces)
    style = "min-width: 0; max-width: 100%"
    if label == DIFFERENCE:  # its words are many: they may have what room is left
        style += "; flex: 1 1 18em"
    return f'<div style="{style}"><strong>{escape(label)}</strong>{shown}</div>'


def _code(text: str, wraps: bool = False) -> str:
    style = (
        "margin: 0; padding: 0; border: 0; background: transparent; color: inherit; font-family: monospace; "
        f"font-size: 0.95em; line-height: 1.4; white-space: pre{'-wrap' if wraps else ''}; word-break: normal; "
        "overflow-wrap: normal; overflow-x: auto"
    )
    return f'<pre style="{style}">{escape(text)}</pre>'


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    image = (
        f'<img src="data:image/png;base64,{data}" alt="{escape(picture.alt)}" '
        'style="display: block; width: 100%; height: auto; margin: 4px 0">'
    )
    titles = "".join(_column(f"<strong>{escape(panel.title)}</strong>") for panel in picture.panels)
    ends = "".join(_column(_ends(panel)) for panel in picture.panels)
    words = [text for text in (picture.relation, picture.legend) if text]
    below = "".join(f'<p style="margin: 4px 0 0">{prose(text)}</p>' for text in words)
    row = '<div aria-hidden="true" style="display: flex; align-items: flex-end">'
    style = f"max-width: {picture.width}px; {_BLOCK}"
    return f'<div style="{style}">{row}{titles}</div>{image}{row}{ends}</div>{below}</div>'


def _column(content: str) -> str:
    return f'<div style="flex: 1 1 0; min-width: 0; text-align: center; padding: 0 1.4%">{content}</div>'


def _ends(panel: Panel) -> str:
    """The numbers at the ends of the colour bar; where both ends say nothing, the one in its middle."""
    shown = [panel.low, panel.high] if panel.low else [panel.middle]
    place = "space-between" if panel.low else "center"
    numbers = " ".join(f"<span>{number}</span>" for number in shown)
    style = f"display: flex; justify-content: {place}; font-size: 0.9em; white-space: nowrap"
    return f'<div style="{style}">{numbers}</div>'


# what helps


def _help(report: Report) -> str:
    """The hints, each folded inside the one before it, so that they open one at a time; last the way to a solution."""
    if report.failure is None:
        return ""
    folded = "" if report.solution else _way_to_solution(report)
    for number, hint in reversed(list(enumerate(report.hints, start=1))):
        tag = "details open" if number <= report.hints_shown else "details"
        summary = f'<summary style="display: list-item; cursor: pointer">Hint {number} of {len(report.hints)}</summary>'
        unfolded = f'<p style="margin: 4px 0 4px 1em">{prose(hint)}</p>{folded}'
        folded = f'<{tag} style="margin: 4px 0">{summary}{unfolded}</details>'
    return folded


def _way_to_solution(report: Report) -> str:
    words, line = report.ask_for_solution
    return f'<p style="margin: 8px 0 0">{escape(words)}:</p>{_code(line, wraps=True)}'


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
