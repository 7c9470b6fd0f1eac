"""Lab: where a backward pass sends its gradients, drawn on the linear digits classifier.

Two sliders choose how far the training has come and which image is looked at. The upper row of the
picture is the forward pass (image, weights, logits, probabilities, loss); the lower row shows the gradient
that arrives at each of them, and how many bytes were saved for it.
"""

import html

import numpy as np

import engine as torch
from course.labs.pictures import DIVERGING, GREY, ORANGE, PURPLE, Ground, figure, mosaic
from engine.nn import functional as F

STEPS = 60
RATE = 1.0
COLUMNS = {"image": 0.02, "weights": 0.185, "logits": 0.56, "probabilities": 0.80}


def gradient_flow(images, labels):
    """Show the lab for images (N, 64) with grey levels from 0 to 1 and their labels (N,), numpy arrays or tensors.

    A linear classifier is trained on them with the engine for 60 steps first (well under a second).
    Returns the `GradientFlow`, whose `step` and `image` can also be set from code.
    """
    lab = GradientFlow(_array(images), _array(labels))
    lab.show()
    return lab


def _array(values):
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


class GradientFlow:
    """The lab's state: the parameters at each step, and which step and image are shown."""

    def __init__(self, images, labels):
        if images.ndim != 2 or images.shape[1] != 64 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"gradient_flow: expected images (N, 64) and labels (N,), got {images.shape} and {labels.shape}"
            )
        self.images, self.labels = torch.tensor(images, dtype=torch.float32), torch.tensor(labels)
        self.history = self._train()
        self.step, self.image = 0, 0
        self._picture = Picture()

    def _train(self):
        """The parameters before each step of gradient descent on all images."""
        weights = torch.zeros(64, 10, requires_grad=True)
        bias = torch.zeros(10, requires_grad=True)
        history = []
        for _ in range(STEPS + 1):
            history.append((weights.detach().clone(), bias.detach().clone()))
            F.cross_entropy(self.images @ weights + bias, self.labels).backward()
            with torch.no_grad():
                for parameter in (weights, bias):
                    parameter -= RATE * parameter.grad
                    parameter.grad = None
        return history

    def look(self):
        """One forward and backward pass of the chosen image at the chosen step: all the numbers of the picture."""
        weights, bias = (parameter.clone().requires_grad_() for parameter in self.history[self.step])
        image, label = self.images[self.image : self.image + 1], self.labels[self.image : self.image + 1]
        product = image @ weights
        logits = product + bias
        logits.retain_grad()
        logs = F.log_softmax(logits, 1)
        loss = F.nll_loss(logs, label)
        saved = {node.name(): _saved_bytes(node) for node in (product.grad_fn, logits.grad_fn, logs.grad_fn)}
        loss.backward()
        return {
            "image": image.numpy()[0].reshape(8, 8),
            "label": int(label),
            "loss": loss.item(),
            "saved": saved,
            "weights": weights.detach().numpy(),
            "weights gradient": weights.grad.numpy(),
            "logits": logits.detach().numpy()[0],
            "logits gradient": logits.grad.numpy()[0],
            "probabilities": logs.detach().exp().numpy()[0],
        }

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = self.look() if seen is None else seen
        return (
            f"Step {self.step} of {STEPS}, image {self.image}, a {seen['label']}: "
            f"probability {seen['probabilities'][seen['label']]:.3f}, loss {seen['loss']:.4f}, "
            f"largest weight gradient {np.abs(seen['weights gradient']).max():.4f}."
        )

    def to_html(self, seen=None):
        """The picture for the chosen step and image, with its line of text as the alternative."""
        seen = self.look() if seen is None else seen
        return self._picture.draw(seen, self.describe(seen))

    def show(self):
        """A still picture, folded away, and the sliders (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        summary = f"<summary>The lab as a still picture. {html.escape(self.describe())}</summary>"
        display(HTML(f"<details>{summary}{self.to_html()}</details>"))
        display(self.widget())

    def widget(self):
        """The sliders with the picture below, as an ipywidget."""
        import ipywidgets

        wide = ipywidgets.Layout(width="24em")
        step = ipywidgets.IntSlider(
            0, 0, STEPS, description="training step", style={"description_width": "7em"}, layout=wide
        )
        image = ipywidgets.IntSlider(0, 0, min(len(self.labels), 20) - 1, description="image", layout=wide)
        picture = ipywidgets.HTML()

        def redraw(_=None):
            self.step, self.image = step.value, image.value
            seen = self.look()
            picture.value = f"<code>{html.escape(self.describe(seen))}</code><br>{self.to_html(seen)}"

        step.observe(redraw, "value")
        image.observe(redraw, "value")
        redraw()
        return ipywidgets.VBox([ipywidgets.HBox([step, image]), picture])


def _saved_bytes(node):
    return sum(value.nbytes for value in node.saved if hasattr(value, "nbytes"))


class Picture:
    """The figure: laid out once; titles, sheets, bars, their scales and the texts are drawn anew each time."""

    def __init__(self):
        self.figure = figure(9.2, 4.3)
        self.image = self._sheet("image", 0.5, 0.15, 0.40, "image", "gray_r")
        self.weights = self._sheet("weights", 0.5, 0.30, 0.40, "weights", DIVERGING)
        self.weights_gradient = self._sheet("weights", 0.02, 0.30, 0.40, "∂ loss / ∂ weights", DIVERGING)
        self.logits = self._bars("logits", 0.56, "logits (orange: the right digit)")
        self.logits_gradient = self._bars("logits", 0.08, "∂ loss / ∂ logits")
        self.probabilities = self._bars("probabilities", 0.56, "softmax of the logits")
        self.probabilities[0].axes.set_ylim(0, 1)
        self.loss = self.figure.text(
            COLUMNS["probabilities"] + 0.095, 0.16, "", ha="center", fontsize=12, linespacing=1.5
        )
        self.saved = self.figure.text(COLUMNS["image"], 0.10, "", fontsize=8.5, color=GREY, linespacing=1.6)
        self.ground = Ground(self.figure, self._moving())

    def _moving(self):
        sheets, bars = (self.weights, self.weights_gradient), (self.logits, self.logits_gradient)
        moving = [self.image, *sheets, *(sheet.axes.title for sheet in sheets), self.loss, self.saved]
        for each in (*bars, self.probabilities):
            axes = each[0].axes
            scale = [axes.yaxis] if each in bars else []
            moving += [*each, *scale, *axes.lines, *axes.spines.values()]
        return moving

    def _axes(self, column, bottom, width, height, title):
        axes = self.figure.add_axes((COLUMNS[column], bottom, width, height))
        axes.set_title(title, fontsize=10)
        return axes

    def _sheet(self, column, bottom, width, height, title, colours):
        axes = self._axes(column, bottom, width, height, title)
        axes.set_axis_off()
        shape = (8, 8) if column == "image" else (17, 44)
        return axes.imshow(np.zeros(shape), cmap=colours, vmin=0 if column == "image" else -1, vmax=1)

    def _bars(self, column, bottom, title):
        axes = self._axes(column, bottom, 0.18, 0.34, title)
        axes.set_xticks(range(10))
        axes.tick_params(labelsize=8)
        axes.axhline(0, color=GREY, linewidth=0.8)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        return axes.bar(range(10), np.zeros(10), color=PURPLE)

    def draw(self, seen, alt):
        """The <img> for these numbers."""
        self.image.set_data(seen["image"])
        for sheet, name, title in (
            (self.weights, "weights", "weights"),
            (self.weights_gradient, "weights gradient", "∂ loss / ∂ weights"),
        ):
            limit = float(np.abs(seen[name]).max()) or 1.0
            sheet.set_data(mosaic(seen[name]))
            sheet.set_clim(-limit, limit)
            sheet.axes.title.set_text(f"{title} (up to ±{np.abs(seen[name]).max():.3f})")
        for bars, name in (
            (self.logits, "logits"),
            (self.logits_gradient, "logits gradient"),
            (self.probabilities, "probabilities"),
        ):
            _set_bars(bars, seen[name], seen["label"])
            if bars is not self.probabilities:
                reach = max(float(np.abs(seen[name]).max()), 1e-3) * 1.1
                bars[0].axes.set_ylim(-reach, reach)
        self.loss.set_text(
            f"loss {seen['loss']:.4f}\n= −log {seen['probabilities'][seen['label']]:.4f}\n∂ loss / ∂ loss = 1"
        )
        product, total, logs = seen["saved"].values()
        self.saved.set_text(f"saved for backward:\n@  {product} bytes\n+  {total} bytes\nlog softmax  {logs} bytes")
        return self.ground.draw(alt)


def _set_bars(bars, heights, label):
    for digit, (bar, height) in enumerate(zip(bars, heights)):
        bar.set_height(height)
        bar.set_color(ORANGE if digit == label else PURPLE)
