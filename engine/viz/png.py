"""Paint a drawing as a PNG file, with matplotlib (which is imported here, when a PNG is wanted)."""

import io
import warnings

from .shapes import Rectangle, Text, outline
from .words import printable

MOST_DOTS = 2**16 - 1  # along a side; matplotlib paints no more
INCH = 72  # of matplotlib's points; at as many dots to the inch a point is a pixel of the drawing
FITTED = 0.93  # DejaVu Sans is wider than the other fonts that pictures are shown in; so much smaller it is as wide


def paint(drawing, scale=2):
    """The bytes of the PNG file.

    scale: dots for each pixel of the drawing, along either side. 2 is sharp on most screens, 4 in print.

    Letters that matplotlib's own font (DejaVu Sans) does not hold are shown as boxes.
    Raises ModuleNotFoundError without matplotlib, ValueError for a scale that is no positive number, or that would make
    a side longer than 65,535 dots.
    """
    _require_scale(scale, max(drawing.width, drawing.height))
    figure_type, canvas_type, *artists = _matplotlib()
    figure = figure_type(figsize=(drawing.width / INCH, drawing.height / INCH), dpi=INCH * scale, facecolor="none")
    axes = figure.add_axes((0, 0, 1, 1), frameon=False, xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.set_axis_off()
    for order, shape in enumerate(drawing.shapes()):
        _add(axes, shape, order, *artists)
    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")  # the docstring says what is shown instead
        canvas_type(figure).print_png(content, metadata={"Software": None, "Title": None})
    return content.getvalue()


def _require_scale(scale, longest):
    if isinstance(scale, bool) or not isinstance(scale, (int, float)) or not 0 < scale < float("inf"):
        raise ValueError(f"png(scale): expected a positive number, got {scale!r}")
    if longest * scale > MOST_DOTS:
        raise ValueError(
            f"png(scale): got {scale!r}, expected at most {MOST_DOTS / longest:.3g}, because the picture is "
            f"{longest:,.0f} pixels long and a PNG's side is painted with at most {MOST_DOTS:,} dots; "
            "an .svg or .pdf has no such limit"
        )


def _matplotlib():
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "a PNG is painted with matplotlib, which is not installed: pip install matplotlib, "
            "or save the graph as .svg or .pdf, which need nothing"
        ) from error
    return Figure, FigureCanvasAgg, PathPatch, Path


def _add(axes, shape, order, patch_type, path_type):
    if isinstance(shape, Text):
        align = {"start": "left", "middle": "center", "end": "right"}[shape.anchor]
        weight = "bold" if shape.bold else "normal"
        font = {"family": "DejaVu Sans", "size": shape.size * FITTED, "weight": weight}
        axes.text(shape.x, shape.y, printable(shape.text), color=shape.color, ha=align, va="baseline", zorder=order,
                  parse_math=False, **font)  # fmt: skip
        return
    pieces = outline(shape) if isinstance(shape, Rectangle) else shape.pieces
    dashes = (0, (5 / shape.thickness, 4 / shape.thickness)) if shape.dashed else "solid"
    axes.add_patch(
        patch_type(
            _path(pieces, path_type), facecolor=shape.fill or "none", edgecolor=shape.stroke or "none",
            linewidth=shape.thickness if shape.stroke else 0, linestyle=dashes, capstyle="butt", joinstyle="round",
            zorder=order,
        )
    )  # fmt: skip


def _path(pieces, path_type):
    codes = {"M": [path_type.MOVETO], "L": [path_type.LINETO], "C": [path_type.CURVE4] * 3, "Z": [path_type.CLOSEPOLY]}
    points, letters = [], []
    for letter, *numbers in pieces:
        points += zip(numbers[::2], numbers[1::2]) if numbers else [(0, 0)]
        letters += codes[letter]
    return path_type(points, letters)
