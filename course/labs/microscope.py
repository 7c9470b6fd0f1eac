"""Lab: a microscope for networks: what numbers flow forward through each layer, and what gradients come back.

A copy of each network learns one batch by heart, with hooks on its layers, and at every step the outputs of all layers
and the gradients that reach them are counted into histograms. Above: a row a layer; below: the chosen layer alone.
"""

import copy
import html

import numpy as np

import engine as torch
from course.labs.pictures import GREY, ORANGE, PALE_GREY, PURPLE, Ground, figure
from engine.nn import functional as F

WIDTH, HEIGHT = 9.6, 5.8  # inches
BLUE = "#0072b2"  # no colour of the heat maps
BINS = 60
REACH = 4.0  # outputs are drawn from -REACH to REACH; what lies beyond is counted in the last bin
FAINTEST, STRONGEST = -12, 0  # gradients are drawn by the power of ten of their size


def microscope(models, x, y, steps=20, lr=0.002):
    """Show the lab.

    models: {name: network}, each an nn.Sequential that gives logits (N, classes), all of as many layers; what has no
    parameters is not watched. x, y: the batch, a tensor of images and one of their classes. steps, lr: how often, and
    at which rate of AdamW, a copy of each is trained on it. Returns the `Microscope`, whose `name`, `layer` and `step`
    can be set from code.
    """
    lab = Microscope(models, x, y, steps, lr)
    lab.show()
    return lab


class Watch:
    """What the hooks saw of one pass forward and back: lists with an entry for each layer that has parameters."""

    def __init__(self, model):
        self.layers = [layer for layer in model if any(True for _ in layer.parameters())]
        self.outputs, self.gradients = [None] * len(self.layers), [None] * len(self.layers)

    def __enter__(self):
        self.handles = [
            layer.register_forward_hook(lambda layer, inputs, output, number=number: self._saw(number, output))
            for number, layer in enumerate(self.layers)]
        return self

    def __exit__(self, *exception):
        for handle in self.handles:
            handle.remove()

    def _saw(self, number, output):
        self.outputs[number] = output.detach().numpy()
        if output.requires_grad:
            output.register_hook(lambda gradient: self._came_back(number, gradient))

    def _came_back(self, number, gradient):
        self.gradients[number] = gradient.numpy()


class Microscope:
    """The lab's state: which network, layer and step are looked at."""

    def __init__(self, models, x, y, steps=20, lr=0.002):
        if not models:
            raise ValueError("microscope: expected at least one network, got none")
        for name, model in models.items():
            if not isinstance(model, torch.nn.Sequential):
                raise TypeError(f"microscope: {name} should be an nn.Sequential, got {type(model).__name__}")
        if steps < 1:
            raise ValueError(f"microscope: steps must be at least 1, got {steps}")
        self.recorded = {name: _recorded(model, x, y, steps, lr) for name, model in models.items()}
        counts = {name: len(record["spread"][0]) for name, record in self.recorded.items()}
        if len(set(counts.values())) > 1:
            raise ValueError(f"microscope: the networks should have as many layers, got {counts}")
        self.layers, self.steps = next(iter(counts.values())), steps
        self.name, self.layer, self.step = next(iter(models)), 0, 0
        self._picture = Picture(self.layers, steps)

    def look(self):
        """All numbers of the picture: of each layer at this step, (layers,) and (layers, bins); the losses (steps,)."""
        self.layer = min(max(self.layer, 0), self.layers - 1)
        self.step = min(max(self.step, 0), self.steps - 1)
        record = self.recorded[self.name]
        return {"losses": record["losses"]} | {
            key: values[self.step] for key, values in record.items() if key != "losses"}

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = seen or self.look()
        return (
            f"network {self.name}, step {self.step}, loss {seen['losses'][self.step]:.3f}; layer {self.layer}: "
            f"outputs {seen['mean'][self.layer]:.3g} ± {seen['spread'][self.layer]:.3g}, "
            f"{seen['zeros'][self.layer]:.0%} of them 0, {seen['negative'][self.layer]:.0%} below 0; "
            f"gradient {_size(seen['gradient'][self.layer])}.")

    def to_html(self, seen=None):
        """The picture of what is chosen, with its line of text as the alternative."""
        seen = seen or self.look()
        return self._picture.draw(seen, self.layer, self.step, self.describe(seen))

    def show(self):
        """A still picture, folded away, and the controls (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        seen = self.look()
        said = html.escape(self.describe(seen))
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(seen)}</details>"))
        display(self.widget())

    def widget(self):
        """The sliders, and the picture below them."""
        import ipywidgets

        wide, names = ipywidgets.Layout(width="20em"), list(self.recorded)
        name = ipywidgets.SelectionSlider(options=names, value=self.name, description="network", layout=wide)
        layer = ipywidgets.IntSlider(self.layer, 0, self.layers - 1, description="layer", layout=wide)
        step = ipywidgets.IntSlider(self.step, 0, self.steps - 1, description="step", layout=wide)
        said, picture = ipywidgets.HTML(), ipywidgets.HTML()

        def redraw(_=None):
            self.name, self.layer, self.step = name.value, layer.value, step.value
            seen = self.look()
            said.value = f"<code>{html.escape(self.describe(seen))}</code>"
            picture.value = self.to_html(seen)

        for each in (name, layer, step):
            each.observe(redraw, "value")
        redraw()
        return ipywidgets.VBox([ipywidgets.HBox([name, layer, step]), said, picture])


def _recorded(model, x, y, steps, lr):
    """Train a copy on the batch; {what: an array with a row for each step}."""
    model = copy.deepcopy(model).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    record = []
    for _ in range(steps):
        optimizer.zero_grad()
        with Watch(model) as watch:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
        optimizer.step()
        record.append({"losses": loss.item()} | _counted(watch))
    return {key: np.array([each[key] for each in record]) for key in record[0]}


def _counted(watch):
    """Numbers and histograms of all layers: {what: a list with an entry for each}."""
    counted = {key: [] for key in ("mean", "spread", "zeros", "negative", "gradient", "outputs", "gradients")}
    for output, gradient in zip(watch.outputs, watch.gradients):
        gradient = np.zeros_like(output) if gradient is None else gradient
        counted["mean"].append(output.mean())
        counted["spread"].append(output.std())
        counted["zeros"].append((output == 0).mean())
        counted["negative"].append((output < 0).mean())
        counted["gradient"].append(np.sqrt(np.square(gradient, dtype=np.float64).mean()))
        counted["outputs"].append(_histogram(output[output != 0], -REACH, REACH) / output.size)
        powers = np.log10(np.abs(gradient[gradient != 0], dtype=np.float64))
        counted["gradients"].append(_histogram(powers, FAINTEST, STRONGEST) / gradient.size)
    return counted


def _histogram(values, low, high):
    """How many values fall into each of BINS; what lies outside is counted at the ends."""
    places = ((values - low) * (BINS / (high - low))).astype(np.int64)
    return np.bincount(np.clip(places, 0, BINS - 1).ravel(), minlength=BINS)


def _size(gradient):
    return f"{gradient:.1e} in size" if gradient else "0: nothing comes back"


class Picture:
    """The figure: axes and words are drawn once, and what moves above them (see Ground)."""

    def __init__(self, layers, steps):
        self.layers, self.steps = layers, steps
        self.figure = figure(WIDTH, HEIGHT)
        ranges = (-REACH, REACH), (FAINTEST, STRONGEST)
        places, colours = ((0.07, 0.38), (0.60, 0.38)), ("Oranges", "Purples")
        self.sheets = [
            self._sheet(left, width, extent, colour) for (left, width), extent, colour in zip(places, ranges, colours)]
        self.sheets[0].axes.set_title("outputs of each layer that are not 0", fontsize=9, loc="left")
        self.sheets[1].axes.set_title("gradients that reach them: size", fontsize=9, loc="left")
        self.sheets[0].axes.set_ylabel("layer", fontsize=9)
        self.zeros = self._zeros()
        self.frames = [self._frame(sheet) for sheet in self.sheets]
        self.stairs = [
            self._histogram(*place, extent, colour, what)
            for place, extent, colour, what in zip(
                ((0.07, 0.27), (0.71, 0.27)), ranges, (ORANGE, PURPLE), ("outputs", "gradients"))]
        self.curve, self.cursor = self._losses()
        moving = [*self.sheets, *self.zeros, *self.stairs, self.curve, self.cursor]
        spines = [spine for axes in self.figure.axes for spine in axes.spines.values()]
        self.ground = Ground(self.figure, [*moving, *spines, *self.frames])

    def _sheet(self, left, width, extent, colours):
        axes = self.figure.add_axes((left, 0.47, width, 0.46))
        axes.set_yticks(range(self.layers))
        axes.tick_params(labelsize=8)
        self._label(axes, extent)
        return axes.imshow(
            np.zeros((self.layers, BINS)), cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest",
            extent=(*extent, self.layers - 0.5, -0.5))

    def _label(self, axes, extent):
        if extent[1] == STRONGEST:
            axes.set_xticks([-12, -9, -6, -3, 0], ["≤ 10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "≥ 1"])
        else:
            axes.set_xticks([-4, -2, 0, 2, 4], ["≤ −4", "−2", "0", "2", "≥ 4"])

    def _zeros(self):
        axes = self.figure.add_axes((0.49, 0.47, 0.06, 0.46))
        axes.set(xlim=(0, 1), ylim=(self.layers - 0.5, -0.5), yticks=[])
        axes.set_xticks([0, 1], ["0", "all"])
        axes.set_title("are 0", fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        return list(axes.barh(range(self.layers), np.zeros(self.layers), height=0.7, color=GREY))

    def _frame(self, sheet):
        from matplotlib.patches import Rectangle

        left, right, *_ = sheet.get_extent()
        looks = {"fill": False, "edgecolor": BLUE, "linewidth": 2.5, "clip_on": False, "zorder": 6}
        return sheet.axes.add_patch(Rectangle((left, -0.5), right - left, 1, **looks))

    def _histogram(self, left, width, extent, colour, what):
        axes = self.figure.add_axes((left, 0.10, width, 0.27))
        axes.set(xlim=extent, ylim=(0, 1.05), yticks=[])
        axes.set_title(f"{what} of the framed layer", fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right", "left"]].set_visible(False)
        self._label(axes, extent)
        return axes.stairs(np.zeros(BINS), np.linspace(*extent, BINS + 1), fill=True, color=colour)

    def _losses(self):
        axes = self.figure.add_axes((0.43, 0.10, 0.20, 0.27))
        axes.set(xlim=(-0.5, self.steps - 0.5), ylim=(0, 3))
        axes.set_xlabel("step", fontsize=9)
        axes.set_title("loss on this batch", fontsize=9, loc="left")
        axes.tick_params(labelsize=8)
        axes.grid(color=PALE_GREY, linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        return axes.plot([], [], color=GREY, linewidth=2)[0], axes.plot([], [], "o", color=BLUE, markersize=7)[0]

    def draw(self, seen, layer, step, alt):
        """The <img> for these numbers, with this layer framed."""
        for sheet, stairs, key in zip(self.sheets, self.stairs, ("outputs", "gradients")):
            most = seen[key].max(axis=1, keepdims=True)
            shares = seen[key] / np.where(most > 0, most, 1)
            sheet.set_data(shares**0.5)  # so that the rare ones show
            stairs.set_data(shares[layer])
        for bar, share in zip(self.zeros, seen["zeros"]):
            bar.set_width(share)
        for frame in self.frames:
            frame.set_y(layer - 0.5)
        self.curve.set_data(range(self.steps), np.minimum(seen["losses"], 3))
        self.cursor.set_data([step], [min(seen["losses"][step], 3)])
        return self.ground.draw(alt)
