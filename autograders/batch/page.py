"""The statistics as one HTML page that needs nothing else: pictures are embedded, all text is escaped, no script."""

import base64
import io
from html import escape
from statistics import fmean, median
from textwrap import shorten

from autograders.batch.command import missing_extra
from autograders.card import prose

BLUE, VERMILION, GREY = "#0072b2", "#d55e00", "#767676"
MOST_BINS = 20
MOST_STAGES = 12
LONGEST_LABEL = 50  # characters
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 52rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.2rem; margin-top: 2.2rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top;
  padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #ddd;
  overflow-wrap: anywhere } td.number, th.number { text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap } img { width: 100%; height: auto }
code { font-size: .92em } .aside { color: #595959 }
"""


def page(statistics):
    """The page's text."""
    scores = list(statistics.scores.values())
    parts = [
        f"<h1>{escape(statistics.assignment)}</h1>",
        f'<p class="aside">{statistics.handed_in} handed in, {len(scores)} graded. Of {statistics.most:g} points: mean '
        f"{fmean(scores):.2f}, median {median(scores):.2f}, lowest {min(scores):g}, highest {max(scores):g}.</p>",
        "<h2>Scores</h2>",
        _image(_histogram(scores, statistics.most), _scores_in_words(scores, statistics.most)),
        _table(
            ("Exercise", "Answers", "Mean points", "All points"),
            [
                (f"<code>{escape(name)}</code>", len(points), f"{fmean(points):.2f}", _share(points))
                for name, points in statistics.exercises.items()
            ],
        ),
        "<h2>Hardest stages</h2>",
        _stages(statistics.stages[:MOST_STAGES]),
        "<h2>Commonest misconceptions</h2>",
        _misconceptions(statistics.misconceptions),
        "<h2>Answers that are alike</h2>",
        _alike(statistics.alike),
    ]
    if statistics.unreadable:
        rows = [(escape(name), escape(words)) for name, words in sorted(statistics.unreadable.items())]
        parts += ["<h2>Not readable</h2>", _table(("Learner", "Why"), rows)]
    title = escape(f"{statistics.assignment}: grades")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        f"style-src 'unsafe-inline'\"><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _share(points):
    return f"{fmean(each == max(points) and each > 0 for each in points):.0%}"


def _stages(stages):
    if not stages:
        return "<p>Every answer has all points.</p>"
    words = "; ".join(f"{stage.exercise}, {stage.name}: {stage.passed:.0%}" for stage in stages)
    return _image(_bars(stages), f"The share of answers with all credit of a stage. {words}.")


def _misconceptions(found):
    if not found:
        return "<p>No answer agrees with a misconception that the exercises know.</p>"
    rows = [(count, f"<code>{escape(exercise)}</code>", prose(words)) for exercise, words, count in found]
    return _table(("Answers", "Exercise", "What its learner reads"), rows)


def _alike(found):
    note = (
        '<p class="aside">The same but for names, constants and docstrings. Very short answers are left out. This is a '
        "reason to look, never a proof: a right answer often has one natural form.</p>"
    )
    if not found:
        return note + "<p>None.</p>"
    rows = [(f"<code>{escape(exercise)}</code>", escape(", ".join(names))) for exercise, names in found]
    return note + _table(("Exercise", "Learners"), rows)


def _table(head, rows):
    """A table; the cells are HTML already, numbers stand to the right."""

    def cell(tag, value, is_number):
        return f"<{tag}{' class=number' if is_number else ''}>{value}</{tag}>"

    numeric = [bool(rows) and _is_number(value) for value in (rows[0] if rows else head)]
    lines = ["".join(cell("th", name, number) for name, number in zip(head, numeric))]
    lines += ["".join(cell("td", value, number) for value, number in zip(row, numeric)) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _is_number(value):
    return str(value).rstrip("%").replace(".", "", 1).isdigit()


def _image(figure, words):
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    data = base64.b64encode(file.getvalue()).decode()
    return f'<p><img src="data:image/svg+xml;base64,{data}" alt="{escape(words)}"></p>'


def _figure(width, height):
    with missing_extra():
        import matplotlib
        from matplotlib.figure import Figure
    matplotlib.rcParams["svg.hashsalt"] = "statistics"  # two pages of the same grades are the same bytes
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _edges(most):
    """The borders of the histogram's bins: a point or a part of one wide, zero and the most inside."""
    step = next(step for step in (0.25, 0.5, 1, 2, 5, 10, 25, 100, most) if most / step <= MOST_BINS)
    count = int(-(-most // step)) + 1
    return [step * (number - 0.5) for number in range(count + 1)]


def _histogram(scores, most):
    figure, axes = _figure(7.5, 2.8)
    axes.hist([min(score, most) for score in scores], bins=_edges(most), color=BLUE, edgecolor="white", linewidth=1)
    axes.axvline(fmean(scores), color=VERMILION, linewidth=1.5)
    axes.annotate(
        f"mean {fmean(scores):.2f}", (fmean(scores), 1), xycoords=("data", "axes fraction"), xytext=(4, -2),
        textcoords="offset points", color=VERMILION, va="top",
    )  # fmt: skip
    axes.set_xlabel(f"points, of {most:g}")
    axes.set_ylabel("learners")
    axes.yaxis.get_major_locator().set_params(integer=True)
    return figure


def _scores_in_words(scores, most):
    return f"A histogram of {len(scores)} scores from {min(scores):g} to {max(scores):g} of {most:g} points."


def _bars(stages):
    figure, axes = _figure(7.5, 0.7 + 0.34 * len(stages))
    names = [shorten(f"{stage.exercise}, {stage.name}", LONGEST_LABEL, placeholder=" ...") for stage in stages]
    places = range(len(stages))
    axes.barh(places, [1] * len(stages), color="#f0f0f0", height=0.62)
    axes.barh(places, [stage.passed for stage in stages], color=BLUE, height=0.62)
    axes.plot([stage.credit for stage in stages], places, "|", color=VERMILION, markersize=13, markeredgewidth=2)
    for place, stage in zip(places, stages):
        axes.text(1.015, place, f"{stage.passed:.0%}", va="center", color="#1a1a1a")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("answers with all credit of the stage (bar), mean credit (mark)")
    axes.tick_params(axis="y", length=0)
    return figure
