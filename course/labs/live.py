"""Progress that is a picture: a bar and the curves of what is being measured, redrawn while training runs."""

import html
import time

from course.labs.pictures import GREY, ORANGE, PURPLE, as_html, figure

SECONDS_BETWEEN_PICTURES = 0.25
PICTURES_OF_REST = 4  # after a picture the training has at least as long as that many pictures would take
STYLES = ((PURPLE, "-"), (ORANGE, "--"), (GREY, ":"))


class Live:
    """A progress bar with curves, for a `with` block around a training loop.

    with Live(steps=300, title="Training") as live:
        for step in range(300):
            ...
            live.update(step, loss=loss.item(), accuracy=accuracy)

    Each name given to `update` gets a curve (up to three, each with a scale of its own). The last picture
    stays in the notebook. Outside a notebook nothing is shown, and nor is it if `visible` is False; `measured` is kept.
    """

    def __init__(self, steps, title="", visible=True):
        if steps < 1:
            raise ValueError(f"Live: steps must be at least 1, got {steps}")
        self.steps = steps
        self.title = title
        self.visible = visible
        self.measured = {}  # name -> ([step, ...], [value, ...])
        self._done = 0
        self._handle = None
        self._next_picture = 0.0  # when it may be drawn

    def __enter__(self):
        self._started = time.perf_counter()
        self._show()
        return self

    def __exit__(self, kind, *exception):
        self._show(interrupted=kind is not None)

    def update(self, step, **values):
        """Step number `step` (from 0) is done, with these measurements. A picture is drawn a few times a second at most."""
        self._done = step + 1
        for name, value in values.items():
            if name not in self.measured and len(self.measured) == len(STYLES):
                raise ValueError(f"Live: at most {len(STYLES)} curves, {name!r} would be one more")
            steps, heights = self.measured.setdefault(name, ([], []))
            steps.append(step)
            heights.append(float(value))
        if time.perf_counter() > self._next_picture:
            self._show()

    def text(self, interrupted=False):
        """Where the training is, in one line."""
        seconds = time.perf_counter() - self._started
        parts = [f"{self.title}: " * bool(self.title) + f"step {self._done} of {self.steps}"]
        parts += [f"{name} {heights[-1]:.4g}" for name, (_, heights) in self.measured.items()]
        parts.append(f"{seconds:.1f} s")
        return ", ".join(parts) + (" (interrupted)" if interrupted else "")

    def _show(self, interrupted=False):
        from IPython import get_ipython
        from IPython.display import display

        if get_ipython() is None or not self.visible:
            return
        began = time.perf_counter()
        text = self.text(interrupted)
        bar = f'<progress value="{self._done}" max="{self.steps}" style="width: 24em"></progress> {html.escape(text)}'
        bundle = {"text/html": bar + self._curves(text), "text/plain": text}
        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
        now = time.perf_counter()
        self._next_picture = now + max(SECONDS_BETWEEN_PICTURES, PICTURES_OF_REST * (now - began))

    def _curves(self, text):
        if not self.measured:
            return ""
        fig = figure(7.2, 2.6)
        left = fig.add_axes((0.09, 0.19, 0.74, 0.72))
        left.set_xlim(0, self.steps)
        left.set_xlabel("step")
        for number, (name, (steps, heights)) in enumerate(self.measured.items()):
            colour, dashes = STYLES[number]
            axes = left if number == 0 else left.twinx()
            if number == 2:
                axes.spines["right"].set_position(("axes", 1.1))
            axes.plot(steps, heights, dashes, color=colour, linewidth=1.8)
            axes.set_ylabel(name, color=colour)
            axes.tick_params(axis="y", colors=colour)
            axes.spines["top"].set_visible(False)
            axes.spines["right"].set_visible(number > 0)
        return "<br>" + as_html(fig, f"Curves of {' and '.join(self.measured)} over the steps. {text}")
