"""Figures as HTML images with a text that says what they show, and the colours all pictures share."""

import base64
import html
import io

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DIVERGING = "PuOr_r"  # orange for positive, purple for negative: told apart by every kind of colour vision
ORANGE, PURPLE, GREY = "#b35806", "#542788", "#666666"
PALE_ORANGE, PALE_PURPLE, PALE_GREY = "#fdb863", "#e5dff0", "#dddddd"  # for areas, with the strong ones around them


def figure(width, height):
    """An empty figure of that many inches on a white ground, so that it reads on dark pages too."""
    return Figure(figsize=(width, height), dpi=100, facecolor="white", layout=None)


def as_html(fig, alt):
    """The figure as an <img> with its picture inside and `alt` as its text."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"savefig.facecolor": "white"}):
        fig.savefig(buffer, format="png", pil_kwargs={"compress_level": 1})  # speed before size
    return _img(buffer, alt)


def image(pixels, alt):
    """An array (height, width, 4) of bytes, red, green, blue and opacity, as an <img> with `alt` as its text."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(buffer, format="png", compress_level=1)
    return _img(buffer, alt)


class Ground:
    """What stays the same in a figure, drawn once and kept, so that a redraw draws only what moves.

    moving: the artists that change, in the order in which they are drawn, above all others.
    """

    def __init__(self, fig, moving):
        self.canvas, self.moving = FigureCanvasAgg(fig), tuple(moving)
        for artist in self.moving:
            artist.set_animated(True)  # so the canvas leaves it out
        self.canvas.draw()
        self.kept = self.canvas.copy_from_bbox(fig.bbox)

    def draw(self, alt):
        """The figure as it is now, as an <img> with `alt` as its text."""
        self.canvas.restore_region(self.kept)
        for artist in self.moving:
            artist.draw(self.canvas.get_renderer())
        return image(np.asarray(self.canvas.buffer_rgba()), alt)


def _img(buffer, alt):
    picture = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}" style="max-width: 100%">'


def show(fig, alt):
    """Show a matplotlib figure in the notebook with `alt`, a sentence for those who cannot see it."""
    from IPython.display import HTML, display
    from matplotlib import pyplot

    pyplot.close(fig)  # or the notebook would show it once more, without the sentence
    display(HTML(as_html(fig, alt)))


def mosaic(weights, rows=2, gap=1):
    """Weights (64, 10) as one array: ten 8 x 8 pictures in `rows` rows, NaN between them."""
    side, count = 8, weights.shape[1]
    columns = count // rows
    step = side + gap
    sheet = np.full((rows * step - gap, columns * step - gap), np.nan)
    for index in range(count):
        top, left = divmod(index, columns)
        sheet[top * step : top * step + side, left * step : left * step + side] = weights[:, index].reshape(side, side)
    return sheet


def show_weights(weights):
    """Show the weights (64, 10) of a digits classifier: for each digit, which pixels speak for it and which against."""
    array = np.asarray(weights.detach().cpu().numpy() if hasattr(weights, "detach") else weights)
    if array.shape != (64, 10):
        raise ValueError(
            f"show_weights: expected weights of shape (64, 10), one column of 8 x 8 pixels a digit, got {array.shape}"
        )
    limit = float(np.abs(array).max()) or 1.0
    fig = figure(8.6, 3.9)
    axes = fig.add_axes((0.02, 0.02, 0.86, 0.96))
    shown = axes.imshow(mosaic(array), cmap=DIVERGING, vmin=-limit, vmax=limit)
    axes.set_axis_off()
    for digit in range(10):
        row, column = divmod(digit, 5)
        axes.text(column * 9 - 0.2, row * 9 + 0.1, str(digit), fontsize=11, fontweight="bold", va="top", color="black")
    bar = fig.colorbar(shown, cax=fig.add_axes((0.90, 0.06, 0.02, 0.88)))
    bar.set_label("against the digit            for the digit")
    show(
        fig,
        "Ten pictures of 8 by 8 weights, one for each digit: orange pixels speak for the digit, purple ones against it.",
    )
