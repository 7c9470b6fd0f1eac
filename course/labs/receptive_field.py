"""Lab: click a pixel of a convolutional network, and see what it looked at, what it computed, and who it depends on.

Above: the image with the receptive field around what the pixel sees, the channel in which it lies, and the gradient
of the pixel to the image. Below: its own window times its weights, number by number. The layers are the learner's.
"""

import html
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Rectangle

import engine as torch
from course.labs.clickable import clickable
from course.labs.pictures import DIVERGING, GREY, figure, image

WIDTH, HEIGHT = 8.4, 5.0  # inches
SIDE, TOP, BOTTOM = 0.24, 0.53, 0.02  # of a panel: its width, and where the rows of panels stand, as shares
BLUE = "#0072b2"  # no colour of the heat maps
LEFTS = 0.02, 0.36, 0.70


def receptive_field(model, images):
    """Show the lab.

    model: an nn.Sequential whose layers may have `kernel_size`, `stride` and `padding` (an int or a pair; no dilation
    or groups) and, if they multiply, `weight` (out, C, height, width) and `bias` (out) or None. images: a tensor
    (N, C, H, W), of which the first ten are offered. Returns the `ReceptiveField`, whose `image`, `layer`, `channel`,
    `row` and `column` can be set from code. ValueError for other images or layers.
    """
    lab = ReceptiveField(model, images)
    lab.show()
    return lab


class ReceptiveField:
    """The lab's state: which image, layer, channel and place are looked at."""

    def __init__(self, model, images):
        if images.ndim != 4 or len(images) == 0:
            raise ValueError(f"receptive_field: expected images (N, C, H, W), got shape {tuple(images.shape)}")
        self.model, self.images = model.eval(), images[:10]
        self.layers = _named([number for number, layer in enumerate(model) if hasattr(layer, "kernel_size")], model)
        if not self.layers:
            raise ValueError("receptive_field: no layer of the model has a kernel_size")
        for number in self.layers.values():
            _refuse_other_windows(model[number])
        self.image, self.layer, self.channel, self.row, self.column = 0, next(iter(self.layers)), 0, 3, 3
        self._picture = Picture()

    def shape(self):
        """(channels, rows, columns) of what the chosen layer gives."""
        with torch.no_grad():
            return tuple(self._until(self.layers[self.layer] + 1, self.images[:1]).shape[1:])

    def _until(self, count, x):
        for layer in list(self.model)[:count]:
            x = layer(x)
        return x

    def keep_inside(self):
        """Bring the place back into the layer's output after the layer has changed."""
        channels, rows, columns = self.shape()
        self.channel = min(self.channel, channels - 1)
        self.row, self.column = min(max(self.row, 0), rows - 1), min(max(self.column, 0), columns - 1)

    def look(self):
        """The pixel's value, where it comes from and what it depends on: all the numbers of the picture."""
        self.keep_inside()
        number = self.layers[self.layer]
        layer = self.model[number]
        x = self.images[self.image : self.image + 1].detach().clone().requires_grad_()
        before = self._until(number, x)
        after = layer(before)
        pixel = after[0, self.channel, self.row, self.column]
        (gradient,) = torch.autograd.grad(pixel, x)
        seen = {
            "image": x.detach().numpy()[0, 0], "gradient": gradient.numpy()[0].sum(axis=0),
            "channel": after.detach().numpy()[0, self.channel], "value": pixel.item(),
            "field": self.field(number)}
        return seen | self._arithmetic(layer, before.detach().numpy()[0])

    def field(self, number):
        """(top, bottom, left, right) of what the pixel sees of the image; bottom and right are not in it."""
        top, bottom, left, right = self.row, self.row + 1, self.column, self.column + 1
        for layer in reversed(list(self.model)[: number + 1]):
            if hasattr(layer, "kernel_size"):
                down, across = _windows(layer)
                top, bottom = down.seen(top, bottom)
                left, right = across.seen(left, right)
        return top, bottom, left, right

    def _arithmetic(self, layer, before):
        """The window, of the input channel that says most, and what is done with it."""
        down, across = _windows(layer)
        around = np.pad(before, ((0, 0), (down.padding, down.padding), (across.padding, across.padding)))
        top, left = self.row * down.stride, self.column * across.stride
        windows = around[:, top : top + down.size, left : left + across.size]
        if not hasattr(layer, "weight"):
            return {"window": windows[self.channel], "from": self.channel, "weights": None}
        weights = layer.weight.detach().numpy()[self.channel]
        products = windows * weights
        most = int(np.abs(products.sum(axis=(1, 2))).argmax())
        return {
            "window": windows[most], "from": most, "weights": weights[most], "products": products[most],
            "all": float(products.sum()), "inputs": len(products),
            "bias": 0.0 if layer.bias is None else layer.bias[self.channel].item()}

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = seen or self.look()
        top, bottom, left, right = seen["field"]
        where = f"image {self.image}, {self.layer}, channel {self.channel}, row {self.row}, column {self.column}"
        field = f"It sees {bottom - top} by {right - left} pixels, padding included"
        if seen["weights"] is None:
            return f"{where}: {seen['value']:.3f}, the largest of {seen['window'].size} numbers. {field}."
        part = f"the products of input channel {seen['from']} add up to {seen['products'].sum():.3f}"
        whole = f", those of all {seen['inputs']} to {seen['all']:.3f}" if seen["inputs"] > 1 else ""
        return f"{where}: {part}{whole}, plus the bias {seen['bias']:.3f}: {seen['value']:.3f}. {field}."

    def to_html(self, seen=None):
        """The picture of what is chosen, with its line of text as the alternative."""
        seen = seen or self.look()
        return self._picture.draw(seen, (self.row, self.column), self.describe(seen))

    def show(self):
        """A still picture, folded away, and the controls (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        seen = self.look()
        said = html.escape(self.describe(seen))
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(seen)}</details>"))
        display(self.widget())

    def widget(self):
        """The sliders, and below them the picture, in which the pixel is chosen."""
        import ipywidgets

        wide, layers = ipywidgets.Layout(width="20em"), list(self.layers)
        layer = ipywidgets.SelectionSlider(options=layers, value=self.layer, description="layer", layout=wide)
        channel = ipywidgets.IntSlider(self.channel, 0, self.shape()[0] - 1, description="channel", layout=wide)
        number = ipywidgets.IntSlider(self.image, 0, len(self.images) - 1, description="image", layout=wide)
        said = ipywidgets.HTML()

        def point(x, y):
            place = _pixel(x, y, self.shape())
            if place:
                self.row, self.column = place
                redraw()

        def move(down, right):
            self.row, self.column = self.row + down, self.column + right
            redraw()

        def chosen(_):
            self.layer, self.image = layer.value, number.value
            channel.max = self.shape()[0] - 1
            self.channel = channel.value
            redraw()

        def redraw():
            seen = self.look()
            said.value = f"<code>{html.escape(self.describe(seen))}</code>"
            picture.picture = self.to_html(seen)

        picture = clickable("Click a pixel of the channel in the middle, or move with the arrow keys.", point, move)
        for each in (layer, channel, number):
            each.observe(chosen, "value")
        redraw()
        return ipywidgets.VBox([ipywidgets.HBox([layer, channel, number]), said, picture])


def _refuse_other_windows(layer):
    """ValueError for a layer whose output is not made of windows without gaps, of all channels or of one."""
    is_plain = all(getattr(layer, name, 1) in (1, (1, 1)) for name in ("dilation", "groups"))
    if not is_plain or getattr(layer, "transposed", False) or isinstance(getattr(layer, "padding", 0), str):
        raise ValueError(
            f"receptive_field: expected windows without dilation or groups, and padding in numbers, got {layer}")


class Windows(NamedTuple):
    """How a layer's windows lie along one dimension."""

    size: int
    stride: int
    padding: int

    def seen(self, first, end):
        """(first, end) of what the outputs from `first` up to `end` see; the end is not in it."""
        return first * self.stride - self.padding, (end - 1) * self.stride - self.padding + self.size


def _windows(layer):
    """The layer's `Windows` along rows and columns."""
    given = layer.kernel_size, layer.stride, getattr(layer, "padding", 0)
    return [Windows(*each) for each in zip(*(each if isinstance(each, tuple) else (each, each) for each in given))]


def _named(numbers, model):
    """{"convolution 1": number of the layer, ...}"""
    named, counts = {}, {}
    for number in numbers:
        kind = "convolution" if hasattr(model[number], "weight") else "pooling"
        counts[kind] = counts.get(kind, 0) + 1
        named[f"{kind} {counts[kind]}"] = number
    return named


def _pixel(x, y, shape):
    """(row, column) at a place of the picture, given as shares of its width and height; None outside of the channel."""
    _, rows, columns = shape
    width, height = SIDE, SIDE * WIDTH / HEIGHT
    right, down = (x - LEFTS[1]) / width, (1 - y - TOP) / height
    longer = max(rows, columns)
    right, down = (right - 0.5) * longer + columns / 2, (0.5 - down) * longer + rows / 2
    return (int(down), int(right)) if 0 <= down < rows and 0 <= right < columns else None


class Picture:
    """The figure: laid out once, its contents replaced for each redraw, which is several times faster."""

    def __init__(self):
        self.figure = figure(WIDTH, HEIGHT)
        self.canvas = FigureCanvasAgg(self.figure)
        self.image = self._sheet(LEFTS[0], TOP, "gray_r")
        self.channel = self._sheet(LEFTS[1], TOP, DIVERGING)
        self.gradient = self._sheet(LEFTS[2], TOP, DIVERGING)
        self.window = self._sheet(LEFTS[0], BOTTOM, DIVERGING)
        self.weights = self._sheet(LEFTS[1], BOTTOM, DIVERGING)
        self.products = self._sheet(LEFTS[2], BOTTOM, DIVERGING)
        self.field = [self._frame(sheet) for sheet in (self.image, self.gradient)]
        self.pixel = self._frame(self.channel)
        self.signs = [
            self.figure.text((left + LEFTS[n] + SIDE) / 2, BOTTOM + 0.2, "", fontsize=16, ha="center", va="center")
            for n, left in enumerate(LEFTS[1:])]
        self.numbers = {}

    def _sheet(self, left, bottom, colours):
        axes = self.figure.add_axes((left, bottom, SIDE, SIDE * WIDTH / HEIGHT))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(GREY)
        return axes.imshow(np.zeros((1, 1)), cmap=colours)

    def _frame(self, sheet):
        frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor=BLUE, linewidth=3, clip_on=False)
        sheet.axes.add_patch(frame)
        return frame

    def draw(self, seen, place, alt):
        """The <img> for these numbers."""
        self._fill(self.image, seen["image"], "the image", darkest=1.0)
        self._fill(self.channel, seen["channel"], "the channel")
        self._fill(self.gradient, seen["gradient"], "∂ pixel / ∂ image")
        rows, columns = seen["image"].shape
        top, bottom, left, right = np.clip(seen["field"], 0, [rows, rows, columns, columns])  # without the padding
        for frame in self.field:
            frame.set_bounds(left - 0.5, top - 0.5, right - left, bottom - top)
        self.pixel.set_bounds(place[1] - 0.5, place[0] - 0.5, 1, 1)
        multiplies = seen["weights"] is not None
        title = f"its window (input channel {seen['from']})"
        self._fill(self.window, seen["window"], title if multiplies else "its window", numbers=True)
        for sheet, name, sign in zip((self.weights, self.products), ("weights", "products"), "×="):
            sheet.axes.set_visible(multiplies)
            if multiplies:
                self._fill(sheet, seen[name], name, numbers=True)
        for text, sign in zip(self.signs, "×="):
            text.set_text(sign if multiplies else "")
        self.canvas.draw()
        return image(np.asarray(self.canvas.buffer_rgba()), alt)

    def _fill(self, sheet, array, title, darkest=None, numbers=False):
        rows, columns = array.shape
        limit = darkest or float(np.abs(array).max()) or 1.0
        sheet.set_data(array)
        sheet.set_extent((-0.5, columns - 0.5, rows - 0.5, -0.5))
        sheet.set_clim(0 if darkest else -limit, limit)
        longer = max(rows, columns) / 2
        sheet.axes.set_xlim((columns - 1) / 2 - longer, (columns - 1) / 2 + longer)
        sheet.axes.set_ylim((rows - 1) / 2 + longer, (rows - 1) / 2 - longer)
        sheet.axes.set_title(title, fontsize=10)
        for text in self.numbers.pop(sheet, ()):
            text.remove()
        if numbers:
            self.numbers[sheet] = [
                sheet.axes.text(
                    column, row, _number(value), ha="center", va="center", fontsize=9,
                    color="white" if abs(value) > 0.7 * limit else "black")
                for (row, column), value in np.ndenumerate(array)]


def _number(value):
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
