"""Lab: a ball with momentum beside a walker without, on a surface, at a rate and with a friction that one chooses.

The walker is the same optimizer with momentum 0, so the learner's own class makes both ways.
"""

import html

import numpy as np

import engine as torch
from course.labs.pictures import ORANGE, PURPLE, Ground, figure
from course.labs.surfaces import SURFACES, draw_heights, walk

STEPS = 80
RATES = [round(float(rate), 4) for rate in np.logspace(-3, 0, 31)]
NOISE = np.random.default_rng(6).standard_normal((STEPS, 2))
FAR = 1e9  # what is further away is drawn there, out of sight
NEAR = 0.01  # arrived: the loss is this share of what it was above the lowest


def momentum(optimizer):
    """Show the momentum lab in a notebook.

    optimizer: a class called as optimizer(params, lr, momentum), such as the learner's own.
    Returns the `MomentumLab`, whose `surface`, `rate`, `momentum` and `noise` can also be set from code.
    """
    lab = MomentumLab(optimizer)
    lab.show()
    return lab


class MomentumLab:
    """The lab's state: which surface, learning rate, momentum and noise are chosen."""

    def __init__(self, optimizer):
        if not callable(optimizer):
            raise TypeError(f"momentum: expected an optimizer's class, got {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.surface, self.rate, self.momentum, self.noise = "ravine", RATES[12], 0.8, 0.0
        self._pictures = {}

    def look(self):
        """Both ways from start to end: all the numbers of the picture."""
        surface = SURFACES[self.surface]
        noise = self.noise * NOISE if self.noise else None
        ways = {}
        for name, friction in ("without", 0.0), ("with", self.momentum):
            points, losses = walk(
                lambda params: self.optimizer(params, self.rate, friction), STEPS, surface, noise=noise
            )
            ways[name] = {"points": points, "losses": losses, "arrived": _arrived(losses, surface.lowest)}
        return ways

    def describe(self, ways=None):
        """The picture in one line of text."""
        ways = ways or self.look()
        told = "; ".join(f"{name} momentum {_told(way)}" for name, way in ways.items())
        noise = f", noise {self.noise:g}" if self.noise else ""
        return f"{self.surface.capitalize()}, learning rate {self.rate:g}, momentum {self.momentum:.2f}{noise}: {told}."

    def to_html(self, ways=None):
        """The picture of what is chosen, with its line of text as the alternative."""
        ways = ways or self.look()
        return self._picture(self.surface).draw(ways, self.describe(ways))

    def _picture(self, surface):
        if surface not in self._pictures:
            self._pictures[surface] = Picture(SURFACES[surface])
        return self._pictures[surface]

    def show(self):
        """A still picture, folded away, and the sliders (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        ways = self.look()
        said = html.escape(self.describe(ways))
        still = f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(ways)}</details>"
        display(HTML(still))
        display(self.widget())

    def widget(self):
        """The four sliders with the picture below, as an ipywidget."""
        import ipywidgets

        style, wide = {"description_width": "7em"}, ipywidgets.Layout(width="26em")
        # no menu for the surfaces: JupyterLab takes its up and down arrows, to move between cells
        surface = ipywidgets.SelectionSlider(
            options=list(SURFACES), value=self.surface, description="surface", style=style, layout=wide
        )
        rate = ipywidgets.SelectionSlider(
            options=RATES, value=self.rate, description="learning rate", style=style, layout=wide
        )
        friction = ipywidgets.FloatSlider(
            self.momentum, min=0, max=0.99, step=0.01, description="momentum", style=style, layout=wide
        )
        noise = ipywidgets.FloatSlider(
            self.noise, min=0, max=3, step=0.25, description="noise", style=style, layout=wide
        )
        picture = ipywidgets.HTML()

        def redraw(_=None):
            self.surface, self.rate, self.momentum, self.noise = (
                each.value for each in (surface, rate, friction, noise)
            )
            ways = self.look()
            picture.value = f"<code>{html.escape(self.describe(ways))}</code><br>{self.to_html(ways)}"

        for name in SURFACES:
            self._picture(name)  # its ground takes long to draw, so before anyone moves the slider
        for each in (surface, rate, friction, noise):
            each.observe(redraw, "value")
        redraw()
        columns = [ipywidgets.VBox([surface, rate]), ipywidgets.VBox([friction, noise])]
        return ipywidgets.VBox([ipywidgets.HBox(columns), picture])


def _arrived(losses, lowest):
    """The first step from which on the loss stays near the lowest, five steps at least; None if it does not."""
    away = np.flatnonzero(~(losses - lowest <= NEAR * (losses[0] - lowest)))
    first = int(away[-1]) + 1 if len(away) else 0
    return first if first <= len(losses) - 5 else None


def _told(way):
    if not np.isfinite(way["losses"]).all() or way["losses"][-1] > way["losses"][0]:
        return "it runs away"
    if way["arrived"] is None:
        return f"the loss is {way['losses'][-1]:.4g} after {STEPS} steps"
    return f"it arrives at step {way['arrived']}"


class Picture:
    """The figure for one surface: only the ways over it are drawn anew each time."""

    def __init__(self, surface):
        fig = figure(9.2, 3.6)
        self.lowest = surface.lowest
        ground = fig.add_axes((0.06, 0.11, 0.54, 0.79))
        draw_heights(ground, surface)
        ground.set_title("the surface from above; darker is higher", fontsize=10)
        ground.plot(*surface.start, "x", color="black", markersize=9, markeredgewidth=2)
        curves = fig.add_axes((0.69, 0.11, 0.30, 0.79))
        curves.set_title("loss above the lowest, by step", fontsize=10)
        curves.set_yscale("log")
        curves.set_xlim(0, STEPS)
        with torch.no_grad():
            curves.set_ylim(1e-6, 30 * (surface.loss(torch.tensor(surface.start)).item() - self.lowest))
        for side in ("top", "right"):
            curves.spines[side].set_visible(False)
        self.lines = {}
        for name, colour, dashes, mark in ("without", PURPLE, "--", "s"), ("with", ORANGE, "-", "o"):
            (way,) = ground.plot([], [], dashes, color=colour, marker=mark, markersize=3, linewidth=1.2)
            (curve,) = curves.plot([], [], dashes, color=colour, linewidth=1.6, label=f"{name} momentum")
            self.lines[name] = way, curve
        legend = curves.legend(frameon=False, fontsize=9, loc="upper right")
        ways, losses = zip(*self.lines.values())
        frames = *ground.spines.values(), *curves.spines.values()
        self.ground = Ground(fig, [*ways, *losses, *frames, legend])

    def draw(self, ways, alt):
        """The <img> for these ways."""
        for name, way in ways.items():
            on_ground, curve = self.lines[name]
            on_ground.set_data(*np.clip(way["points"], -FAR, FAR).T)
            curve.set_data(np.arange(STEPS + 1), np.clip(way["losses"] - self.lowest, 1 / FAR, FAR))
        return self.ground.draw(alt)
