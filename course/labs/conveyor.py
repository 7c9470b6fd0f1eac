"""Lab: batches on their way from the workers to the trainer, and when the trainer has to wait for one.

Sliders choose what a sample and a training step cost, and how the `DataLoader` works. The upper picture is the plan
that follows from them; a button lets the engine's `DataLoader` do it, and the lower picture is what happened.
"""

import html

import numpy as np

from course.labs import svg
from course.labs.epochs import measured, planned
from course.labs.pictures import GREY, ORANGE, PALE_GREY, PALE_ORANGE, PALE_PURPLE, PURPLE

SAMPLES = 64
STRETCH = slice(32, 40)  # the samples that are perhaps slower than the others

CHOICES = {
    "num_workers": (0, 1, 2, 3, 4),
    "batch_size": (2, 4, 8, 16),
    "prefetch_factor": (1, 2, 4),
    "sample": (1, 2, 4, 8),  # milliseconds
    "step": (5, 10, 20, 40),  # milliseconds
    "stretch": (1, 2, 4, 8),  # how many times as long as the others its samples take
}
TOLD = {"sample": "sample (ms)", "step": "step (ms)", "stretch": "slow stretch ×"}


def conveyor():
    """Show the lab. Returns the `Conveyor`, whose `settings` can also be set, and `run` called, from code."""
    lab = Conveyor()
    lab.show()
    return lab


class Conveyor:
    """The lab's state: its settings, and what was measured with which."""

    def __init__(self):
        self.settings = {
            "num_workers": 0, "batch_size": 8, "prefetch_factor": 2, "sample": 4, "step": 20, "stretch": 1}
        self.runs = {}  # tuple of settings: what `measured` returned

    def run(self):
        """Let the engine's `DataLoader` do it, which takes about as long as the picture says."""
        _require_known(self.settings)
        self.runs[tuple(self.settings.values())] = measured(**self._work())

    def look(self):
        """All the numbers of the picture; `run` and `start` are None before there was a run with these settings."""
        _require_known(self.settings)
        run, start = self.runs.get(tuple(self.settings.values()), (None, None))
        work = self._work()
        alone = planned(work["costs"], work["step"], work["batch_size"])
        return {"plan": planned(**work), "run": run, "start": start, "without workers": alone.duration}

    def _work(self):
        costs = np.full(SAMPLES, float(self.settings["sample"]))
        costs[STRETCH] *= self.settings["stretch"]
        names = "step", "batch_size", "num_workers", "prefetch_factor"
        return {"costs": costs} | {name: self.settings[name] for name in names}

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = self.look() if seen is None else seen
        chosen, workers = self.settings, self.settings["num_workers"]
        slow = f", {STRETCH.stop - STRETCH.start} of them {chosen['stretch']} times as long" * (chosen["stretch"] > 1)
        who = f"{workers or 'no'} worker{'' if workers == 1 else 's'}"
        ahead = f", prefetch factor {chosen['prefetch_factor']}" * bool(workers)
        said = (
            f"{SAMPLES} samples of {chosen['sample']} ms{slow}, in batches of {chosen['batch_size']}; "
            f"a step takes {chosen['step']} ms; {who}{ahead}. Plan: {told(seen['plan'])}."
        )
        if seen["run"] is None:
            return said
        started = f"; its workers had been started before, in {seen['start']:.0f} ms" * bool(workers)
        return f"{said} Run: {told(seen['run'])}{started}."

    def to_html(self, seen=None):
        """The picture for the chosen settings, with its line of text as the alternative."""
        seen = self.look() if seen is None else seen
        return svg.image(draw(seen), self.describe(seen))

    def show(self):
        """A still picture with two workers, folded away, then the controls; without a kernel it stands alone."""
        from IPython.display import HTML, display

        first, self.settings = self.settings, self.settings | {"num_workers": 2}
        self.run()
        summary = f"<summary>The lab as a still picture. {html.escape(self.describe())}</summary>"
        display(HTML(f"<details>{summary}{self.to_html()}</details>"))
        self.settings = first
        display(self.widget())

    def widget(self):
        """The controls with the picture below, as an ipywidget."""
        import ipywidgets

        style, wide = {"description_width": "8em"}, ipywidgets.Layout(width="21em")
        chosen = {
            name: ipywidgets.SelectionSlider(
                options=options, value=self.settings[name], description=TOLD.get(name, name), style=style, layout=wide
            )
            for name, options in CHOICES.items()
        }
        start = ipywidgets.Button(description="Run it", tooltip="let the engine's DataLoader do it")
        picture = ipywidgets.HTML()

        def redraw(_=None):
            self.settings = {name: slider.value for name, slider in chosen.items()}
            seen = self.look()
            picture.value = f"<code>{html.escape(self.describe(seen))}</code><br>{self.to_html(seen)}"

        def run(_):
            start.description = "running…"
            try:
                self.run()
            finally:
                start.description = "Run it"
            redraw()

        for slider in chosen.values():
            slider.observe(redraw, "value")
        start.on_click(run)
        redraw()
        rows = [ipywidgets.HBox(list(chosen.values())[first : first + 3]) for first in (0, 3)]
        return ipywidgets.VBox([*rows, start, picture])


def _require_known(settings):
    for name, options in CHOICES.items():
        if settings.get(name) not in options:
            raise ValueError(f"conveyor: {name} must be one of {options}, got {settings.get(name)!r}")


def told(epoch):
    """An epoch's numbers in words."""
    most = epoch.most_ready
    ready = f", at most {most} batch{'es' * (most > 1)} ready" if most else ""
    speed = f"{epoch.per_second:.0f} samples a second"
    return f"{epoch.duration:.0f} ms, the trainer waits {epoch.waiting:.0%}, {speed}{ready}"


# ---- the picture ----------------------------------------------------------------------------------------


WIDTH, LEFT, RIGHT = 920, 130, 900  # pixels; the time is between the last two
ROW, GAP, STOCK = 24, 6, 34  # heights
NOTCHES = (10, 20, 50, 100, 200, 500)  # milliseconds from one mark to the next
HATCH = (
    '<defs><pattern id="waits" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="white"/><rect width="1.5" height="6" fill="#999999"/></pattern></defs>'
)
KEYS = (
    (PALE_PURPLE, PURPLE, "a batch is read, sample by sample"),
    (PALE_GREY, GREY, "batches lie ready"),
    (PALE_ORANGE, ORANGE, "a training step"),
    ("url(#waits)", GREY, "the trainer waits"),
)


def draw(seen):
    """The picture, as SVG text, for what `Conveyor.look` returned."""
    epochs = [epoch for epoch in (seen["plan"], seen["run"]) if epoch]
    reach = max(seen["without workers"], *(epoch.duration for epoch in epochs))
    most = max(1, *(epoch.most_ready for epoch in epochs))
    parts, top = [HATCH], 0
    for name, title in ("plan", "The plan"), ("run", "The run"):
        if seen[name]:
            panel, top = _Panel(seen[name], reach, most).parts(top, title, seen["without workers"])
            parts += panel
        else:
            advice = "not yet with these settings: press Run it"
            parts += [_title(top, title), svg.text(LEFT, top + 22, advice, 13, GREY)]
            top += 36
    parts += _keys(top + 8)
    return svg.drawing(WIDTH, top + 36, parts)


def _title(top, title):
    return svg.text(12, top + 22, title, 15, bold=True)


def _keys(top):
    parts, left = [], 12
    for fill, stroke, words in KEYS:
        parts += [svg.box(left, top, 18, 14, fill, stroke), svg.text(left + 26, top + 12, words, 12)]
        left += 60 + 7 * len(words)
    return parts


class _Panel:
    """One epoch: a row for each worker, one for what lies ready, one for the trainer, and the time below."""

    def __init__(self, epoch, reach, most):
        self.epoch, self.reach, self.most = epoch, reach, most  # where the scales of time and of ready batches end

    def _x(self, time):
        return LEFT + (RIGHT - LEFT) * time / self.reach

    def parts(self, top, title, without_workers):
        """(its boxes and texts, where it ends)."""
        parts, y = [_title(top, title), svg.text(LEFT, top + 22, told(self.epoch))], top + 38
        first, rows = y, []
        for worker in range(self.epoch.num_workers or 1):
            rows += self._row(y, f"worker {worker}" if self.epoch.num_workers else "reading", self._reading(y, worker))
            y += ROW + GAP
        if self.epoch.num_workers:
            rows += self._row(y + 6, "ready", self._ready(y))
            y += STOCK + GAP
        rows += self._row(y, "trainer", self._training(y))
        y += ROW
        if self.epoch.num_workers:
            parts += self._end_without_workers(top, y, without_workers)
        return [*parts, *self._time(first, y), *rows], y + 36

    def _row(self, y, name, parts):
        return [svg.text(LEFT - 12, y + 17, name, 13, "black", "end"), *parts]

    def _named_box(self, y, since, until, name, fill, stroke):
        """A box from one time to another, with its name where there is room for it."""
        left, width = self._x(since), self._x(until) - self._x(since)
        parts = [svg.box(left, y, width, ROW, fill, stroke)]
        if width > 9 * len(str(name)):
            parts.append(svg.text(left + width / 2, y + 17, name, 12, anchor="middle"))
        return parts

    def _reading(self, y, worker):
        parts = []
        for number, batch in enumerate(self.epoch.batches):
            if batch.worker == worker:
                parts += self._named_box(y, batch.begins[0], batch.ready, number, PALE_PURPLE, PURPLE)
                between = "".join(f"M{self._x(time):.1f} {y}v5m0 {ROW - 10}v5" for time in batch.begins[1:])
                parts.append(f'<path d="{between}" stroke="{PURPLE}" stroke-width="0.7"/>')
        return parts

    def _ready(self, y):
        times, counts = self.epoch.stock
        bottom = y + STOCK
        stairs = "".join(
            f"H{self._x(time):.1f}V{bottom - STOCK * count / self.most:.1f}" for time, count in zip(times, counts))
        around = f"M{LEFT} {bottom}{stairs}H{self._x(self.epoch.duration):.1f}V{bottom}Z"
        return [f'<path d="{around}" fill="{PALE_GREY}" stroke="{GREY}"/>']

    def _training(self, y):
        parts = []
        for number, (batch, (since, until)) in enumerate(zip(self.epoch.batches, self.epoch.waits)):
            if until > since:
                parts += self._named_box(y, since, until, "", "url(#waits)", GREY)
            parts += self._named_box(y, batch.taken, batch.done, number, PALE_ORANGE, ORANGE)
        return parts

    def _time(self, top, bottom):
        """The marks of the time."""
        notch = next((each for each in NOTCHES if self.reach / each <= 12), NOTCHES[-1])
        parts = []
        for time in np.arange(0, self.reach + 1e-9, notch):
            x = self._x(time)
            parts.append(f'<path d="M{x:.1f} {top - 4}V{bottom + 5}" stroke="#e3e3e3"/>')
            parts.append(svg.text(x, bottom + 19, f"{time:g} ms" if time == 0 else f"{time:g}", 11, GREY, "middle"))
        return parts

    def _end_without_workers(self, top, bottom, time):
        x, name = self._x(time), f"without workers {time:.0f} ms"
        parts = [f'<path d="M{x:.1f} {top + 10}V{bottom}" stroke="{GREY}" stroke-dasharray="4 3"/>']
        if x > RIGHT - 60:  # or it would stand in the numbers of the epoch
            parts.append(svg.text(x - 8, top + 22, name, 12, GREY, "end"))
        return parts
