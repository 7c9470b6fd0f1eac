"""How a learner's progress looks: as HTML for the index notebook, and as plain text.

The HTML holds only what JupyterLab shows in a notebook that it does not trust, too: no script, and the map as an image.
All that the map shows stands below it as a table. Links lead from the root of the workspace to a notebook's cell.
"""

import base64
from html import escape

from autograders.card import prose
from autograders.own_engine import PACKAGE
from course.map_picture import describe, svg
from course.progress import PASSED

HEADS = ("Chapter", "Needs", "Time", "In the end you have", "Progress")
LEFT = ' style="text-align: left"'
AFTER_ALL = "`torch.use(mine())` runs the engine on your own answers, in every chapter and in programs of your own."


def html(progress):
    """The whole of it as one <div>."""
    problems = "".join(f"<p><strong>{prose(problem)}</strong></p>" for problem in progress.problems)
    parts = [problems, _next(progress), _map(progress), _table(progress), _exercises(progress), _own_engine(progress)]
    return f'<div style="max-width: 62em; line-height: 1.5">{"".join(parts)}</div>'


def text(progress):
    """The same in plain words, without the map."""
    lines = [*progress.problems, _next_words(progress), _after_that(progress)]
    for chapter in progress.chapters:
        lines += ["", f"{chapter.number} · {chapter.title}: {progress.states[chapter.number].words}"]
        lines += [f"  {_mark(progress, each)} {each.title}: {_how_far(progress, each)}" for each in
                  progress.exercises[chapter.number]]  # fmt: skip
    return "\n".join([*lines, "", *_own_words(progress)]).replace("`", "")


def link_to(chapter, exercise=None):
    """The way to a chapter's notebook, or in it to the cell with an exercise's title."""
    return f"{chapter.notebook}#cell-id={exercise.grade_id}-header" if exercise else chapter.notebook


# The next step


def _next(progress):
    first, second = prose(_next_words(progress)), prose(_after_that(progress))
    if progress.next is not None:
        first = _anchor(progress.next, _next_words(progress))
    if progress.left_out:
        left = "; ".join(_anchor(each, f"{each.exercise.title} (chapter {each.chapter.number})") for each in
                         progress.left_out)  # fmt: skip
        second += f" Left out so far: {left}."
    style = "font-size: 1.2em; padding: 4px 12px; border-left: 5px solid #b35500"
    return f'<p style="{style}"><strong>{first}</strong></p><p>{second}</p>'


def _next_words(progress):
    """The next step in one line."""
    step = progress.next
    if step is None:
        return "You have passed every exercise of the course."
    if step.begins:
        return f"Next: begin chapter {step.chapter.number}, {step.chapter.title}"
    return f"Next: go on with chapter {step.chapter.number}: {step.exercise.title}"


def _after_that(progress):
    """What there is to say below the next step."""
    (done, of), step = progress.count, progress.next
    if step is None:
        return f"{done} of {of} exercises passed. {AFTER_ALL}"
    minutes = step.chapter.minutes if step.begins else step.exercise.minutes
    return f"About {minutes:g} minutes. {done} of {of} exercises passed."


def _anchor(step, words):
    return f'<a href="{escape(link_to(step.chapter, None if step.begins else step.exercise))}">{prose(words)}</a>'


# The chapters


def _map(progress):
    states = progress.states
    data = base64.b64encode(svg(progress.chapters, states).encode()).decode("ascii")
    alt = escape(describe(progress.chapters, states))
    return f'<p><img alt="{alt}" src="data:image/svg+xml;base64,{data}" style="max-width: 100%"></p>'


def _table(progress):
    states = progress.states
    head = "".join(f"<th{LEFT}>{head}</th>" for head in HEADS)
    rows = "".join(_row(chapter, states[chapter.number]) for chapter in progress.chapters)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(chapter, state):
    name = f'<a href="{escape(link_to(chapter))}">{chapter.number} · {prose(chapter.title)}</a>'
    cells = (name, prose(chapter.needs_in_words), f"{chapter.minutes}&nbsp;min", prose(chapter.result), _marked(state))
    return f"<tr>{''.join(f'<td{LEFT}>{cell}</td>' for cell in cells)}</tr>"


def _marked(state):
    return f"✓ {state.words}" if state.kind == PASSED else state.words


def _exercises(progress):
    """The exercises of each chapter, folded; those of the next step's chapter are seen at once."""
    parts = ["<h3>Exercises</h3>"]
    for chapter in progress.chapters:
        state = progress.states[chapter.number]
        items = "".join(f"<li>{_exercise(progress, chapter, each)}</li>" for each in progress.exercises[chapter.number])
        summary = f"{chapter.number} · {prose(chapter.title)}: {_marked(state)}"
        parts.append(
            f'<details{" open" if state.next else ""} style="margin: 4px 0">'
            f'<summary style="display: list-item; cursor: pointer">{summary}</summary>'
            f'<ul style="list-style: none; margin: 4px 0; padding-left: 1.6em">{items}</ul></details>'
        )
    return "".join(parts)


def _exercise(progress, chapter, spec):
    link = f'<a href="{escape(link_to(chapter, spec))}">{prose(spec.title)}</a>'
    return f"{_mark(progress, spec)} {link}: {_how_far(progress, spec)}"


def _mark(progress, spec):
    return "✓" if spec.name in progress.passed else "○"


def _how_far(progress, spec):
    """How far one exercise is, in words."""
    on = progress.passed.get(spec.name)
    words = [f"passed on {on}" if on else f"open, about {spec.minutes:g} minutes"]
    if spec.name in progress.seen:
        words.append(f"its solution was seen on {progress.seen[spec.name]}")
    if spec.name in progress.own:
        words.append("in your own engine" if progress.own[spec.name] else "in your own engine, changed by hand")
    return escape(", ".join(words))


# The learner's own engine


def _own_engine(progress):
    return "<h3>Your own engine</h3>" + "".join(f"<p>{prose(line)}</p>" for line in _own_words(progress))


def _own_words(progress):
    """What is the learner's own, in sentences."""
    if progress.own:
        count = "One answer of yours is" if len(progress.own) == 1 else f"{len(progress.own)} answers of yours are"
        lines = [f"{count} saved in `{PACKAGE}/`."]
    else:
        lines = [f"Nothing is in it yet: an answer that passes its check is saved in `{PACKAGE}/` and can run there."]
    exercises = [spec for each in progress.exercises.values() for spec in each]
    parts = {spec.part: spec.name in progress.own for spec in exercises if spec.part}
    yours, others = [[f"`{part}`" for part in parts if parts[part] == own] for own in (True, False)]
    if yours:
        lines.append(f"Parts that are yours, once you say `torch.use(mine())`: {', '.join(yours)}.")
    if others:
        lines.append(f"Still the engine's: {', '.join(others)}.")
    return lines
