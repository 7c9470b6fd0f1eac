"""Lab: a small network divides the plane, step by step. The network, its loss and its training step are the learner's.

Sliders choose the points, the network's size, dropout and weight decay, and how many steps it has been trained. On the
left stands what it says everywhere in the plane, on the right its loss on the points it learns from and on others.
"""

import contextlib
import html

import numpy as np

import engine as torch
from course.labs.classifiers import MARKERS, RESOLUTION, SHADES, logits_of, surface
from course.labs.pictures import GREY, ORANGE, PURPLE, Ground, figure

STEPS, STRIDE = 300, 10  # how far training goes, and how much of it one notch of the slider is
RATE = 0.02
HELD_OUT = 400
REACH = 1.3  # the plane that is shown goes from -REACH to REACH in both directions
SEED = 3

CHOICES = {
    "points": ("moons", "rings", "spirals"),
    "count": (20, 50, 100, 200),
    "noise": (0.0, 0.05, 0.1, 0.2),
    "width": (1, 2, 4, 8, 16, 32),
    "dropout": (0.0, 0.1, 0.2, 0.5),
    "weight_decay": (0.0, 0.001, 0.01, 0.1),
}


def playground(network, loss_function, train_step):
    """Show the lab for the learner's code.

    network(width, p): makes a module from tensors (N, 2) to logits (N, 2), with `width` hidden units and dropout `p`.
    loss_function(logits, target): a tensor of shape (). train_step(model, loss_function, optimizer, x, y): one step.
    Returns the `Playground`, whose `settings` and `step` can also be set from code.
    """
    lab = Playground(network, loss_function, train_step)
    lab.show()
    return lab


class Playground:
    """The lab's state: its settings, and the parameters and losses after every step so far."""

    def __init__(self, network, loss_function, train_step):
        self.network, self.loss_function, self.train_step = network, loss_function, train_step
        self.settings = {"points": "moons", "count": 100, "noise": 0.1, "width": 8, "dropout": 0.0, "weight_decay": 0.0}
        self.step = 0
        self._begun_with = None
        self._picture = Picture()

    def _begin(self):
        """Draw points and a network anew, if the settings are no longer those that training began with."""
        if self._begun_with == self.settings:
            return
        _require_known(self.settings)
        self._begun_with = dict(self.settings)
        kind, noise = self.settings["points"], self.settings["noise"]
        rng = np.random.default_rng(SEED)
        self.x, self.y = draw(kind, self.settings["count"], noise, rng)
        self.x_held_out, self.y_held_out = draw(kind, HELD_OUT, noise, rng)
        self._luck = torch.Generator().manual_seed(SEED).get_state()
        with self._own_luck():
            self.model, self.shown = (self.network(self.settings["width"], self.settings["dropout"]) for _ in range(2))
        _require_two_logits(self.model, self.x)
        self._optimizer = torch.optim.Adam(
            self.model.parameters(), lr=RATE, weight_decay=self.settings["weight_decay"])
        self.history = []  # after each step: the parameters' arrays, the loss, the held-out loss
        self._remember()

    @contextlib.contextmanager
    def _own_luck(self):
        """The same random numbers whatever else the notebook draws, which goes on as if nothing had been drawn here."""
        theirs = torch.get_rng_state()
        torch.set_rng_state(self._luck)
        try:
            yield
        finally:
            self._luck = torch.get_rng_state()
            torch.set_rng_state(theirs)

    def _remember(self):
        arrays = [parameter.detach().numpy().copy() for parameter in self.model.parameters()]
        losses = [self._loss(x, y) for x, y in ((self.x, self.y), (self.x_held_out, self.y_held_out))]
        self.history.append((arrays, *losses))

    def _loss(self, x, y):
        self.model.eval()
        with torch.no_grad():
            return self.loss_function(self.model(x), y).item()

    def _train(self):
        """Train until the step that is shown, if it was not reached yet."""
        with self._own_luck():
            while len(self.history) <= self.step:
                self.train_step(self.model, self.loss_function, self._optimizer, self.x, self.y)
                self._remember()

    def look(self):
        """All the numbers of the picture: points, surface, and the losses until now."""
        if not 0 <= self.step <= STEPS:
            raise ValueError(f"playground: step must be 0 to {STEPS}, got {self.step}")
        self._begin()
        self._train()
        arrays = self.history[self.step][0]
        with torch.no_grad():
            for parameter, array in zip(self.shown.parameters(), arrays):
                parameter.copy_(torch.from_numpy(array))
        return {
            "x": self.x.numpy(),
            "y": self.y.numpy(),
            "x held out": self.x_held_out.numpy(),
            "y held out": self.y_held_out.numpy(),
            "surface": surface(self.shown, (-REACH, REACH, -REACH, REACH)),
            "losses": np.array([losses for _, *losses in self.history[: self.step + 1]]),
            "accuracy": self._accuracy(self.x, self.y),
            "held-out accuracy": self._accuracy(self.x_held_out, self.y_held_out),
        }

    def _accuracy(self, x, y):
        return float(np.mean(logits_of(self.shown, x).argmax(axis=1) == y.numpy()))

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = self.look() if seen is None else seen
        loss, held_out = seen["losses"][-1]
        units = f"{self.settings['width']} hidden unit{'s' if self.settings['width'] > 1 else ''}"
        return (
            f"{self.settings['count']} {self.settings['points']}, {units} a layer, step {self.step} of {STEPS}: "
            f"loss {loss:.3f}, held out {held_out:.3f}; "
            f"right {seen['accuracy']:.0%}, held out {seen['held-out accuracy']:.0%}."
        )

    def to_html(self):
        """The picture as it is now, with its line of text as the alternative."""
        seen = self.look()
        return self._picture.draw(seen, self.describe(seen))

    def show(self):
        """A still picture of a trained network, folded away, then the controls; without a kernel it stands alone."""
        from IPython.display import HTML, display

        self.step = STEPS
        said = html.escape(self.describe())
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html()}</details>"))
        self.step = 0
        display(self.widget())

    def widget(self):
        """The controls with the picture below, as an ipywidget."""
        import ipywidgets

        style, wide = {"description_width": "7em"}, ipywidgets.Layout(width="21em")
        chosen = {
            name: ipywidgets.SelectionSlider(
                options=options, value=self.settings[name], description=name.replace("_", " "), style=style, layout=wide
            )
            for name, options in CHOICES.items()
        }
        step = ipywidgets.IntSlider(
            self.step, 0, STEPS, STRIDE, description="step", style=style, layout=ipywidgets.Layout(width="34em"))
        play = ipywidgets.Play(min=0, max=STEPS, step=STRIDE, interval=150, show_repeat=False)
        ipywidgets.jslink((play, "value"), (step, "value"))
        picture = ipywidgets.HTML()

        def redraw(_=None):
            self.step = step.value
            seen = self.look()
            said = self.describe(seen)
            picture.value = f"<code>{html.escape(said)}</code><br>{self._picture.draw(seen, said)}"

        def begin_anew(_):
            self.settings = {name: slider.value for name, slider in chosen.items()}
            if step.value:
                step.value = 0  # which redraws
            else:
                redraw()

        for slider in chosen.values():
            slider.observe(begin_anew, "value")
        step.observe(redraw, "value")
        redraw()
        rows = [ipywidgets.HBox(list(chosen.values())[first : first + 3]) for first in (0, 3)]
        return ipywidgets.VBox([*rows, ipywidgets.HBox([play, step]), picture])


def draw(kind, count, noise, rng):
    """`count` points of two kinds, within -1.1 to 1.1 but for the noise: tensors (x (count, 2), y (count,))."""
    y = np.arange(count) % 2
    t = rng.random(count)
    if kind == "moons":
        angle = np.pi * (t + y)
        places = np.stack([np.cos(angle) * 0.6 + 0.3 * (2 * y - 1), np.sin(angle) * 0.8 + 0.25 * (2 * y - 1)], axis=1)
    elif kind == "rings":
        places = (np.where(y == 1, 0.95, 0.45) * np.stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])).T
    else:
        angle, radius = 2.9 * np.pi * np.sqrt(t) + np.pi * y, 0.05 + np.sqrt(t)
        places = (radius * np.stack([np.cos(angle), np.sin(angle)])).T
    return torch.tensor(places + noise * rng.standard_normal((count, 2)), dtype=torch.float32), torch.tensor(y)


def _require_known(settings):
    for name, options in CHOICES.items():
        if settings.get(name) not in options:
            raise ValueError(f"playground: {name} must be one of {options}, got {settings.get(name)!r}")


def _require_two_logits(model, x):
    shape = logits_of(model, x).shape
    if shape != (len(x), 2):
        raise ValueError(f"playground: the network should make logits {(len(x), 2)} of {len(x)} points, made {shape}")


class Picture:
    """The figure: laid out once; the surface, the points, the curves and their scale are drawn anew each time."""

    def __init__(self):
        fig = figure(8.6, 3.9)
        plane = fig.add_axes((0.01, 0.02, 0.44, 0.95))
        extent = (-REACH, REACH, -REACH, REACH)
        nothing = np.zeros((RESOLUTION, RESOLUTION))
        self.surface = plane.imshow(nothing, extent=extent, origin="lower", interpolation="bilinear", **SHADES)
        plane.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:])
        self.points, self.held_out = [], []
        for marker, colour in MARKERS:
            self.held_out += plane.plot([], [], marker, color=colour, markersize=2.5, alpha=0.35)
            self.points += plane.plot([], [], marker, color=colour, markersize=6, markeredgecolor="white")
        curves = fig.add_axes((0.53, 0.15, 0.45, 0.78))
        curves.set(xlim=(0, STEPS), xlabel="step", ylabel="loss")
        curves.spines[["top", "right"]].set_visible(False)
        curves.axhline(0, color=GREY, linewidth=0.6)
        self.curves = [
            *curves.plot([], [], "-", color=PURPLE, label="on the large points, which it learns from"),
            *curves.plot([], [], "--", color=ORANGE, label="on the small ones, held out"),
        ]
        legend = curves.legend(frameon=False, fontsize=9, loc="upper right")
        points = [line for pair in zip(self.held_out, self.points) for line in pair]
        in_plane = [self.surface, *points, *plane.spines.values()]
        self.ground = Ground(fig, [*in_plane, curves.yaxis, *curves.lines, *curves.spines.values(), legend])

    def draw(self, seen, alt):
        """The <img> for these numbers."""
        self.surface.set_data(seen["surface"])
        for kind in range(2):
            self.points[kind].set_data(*seen["x"][seen["y"] == kind].T)
            self.held_out[kind].set_data(*seen["x held out"][seen["y held out"] == kind].T)
        for curve, losses in zip(self.curves, seen["losses"].T):
            curve.set_data(np.arange(len(losses)), losses)
        highest = max(0.8, float(np.nanmax(np.nan_to_num(seen["losses"], posinf=10.0))))
        self.curves[0].axes.set_ylim(-0.02, min(highest, 3.0) * 1.25)  # room for the legend
        return self.ground.draw(alt)
