"""Lab: two shapes meet, and each number of the result is followed back to its place in memory.

Two sliders choose the shapes, a third moves through the result. The picture has the two tensors as broadcasting
stretches them, the result, and the memory of both; the marked cells are where the marked result comes from.
"""

import html
import itertools
import math

import engine as torch
from course.labs import svg
from course.labs.pictures import GREY, ORANGE, PALE_ORANGE, PALE_PURPLE, PURPLE

SHAPES = ((), (4,), (1, 4), (3, 1), (3,), (3, 4), (2, 1, 1), (2, 1, 4), (2, 3, 1), (2, 3, 4))
MOST_AXES, LONGEST_AXIS = 3, 4


def broadcasting(a=(3, 1), b=(4,)):
    """Show the lab, beginning with tensors of the shapes `a` and `b` (at most 3 axes, sizes 1 to 4).

    Returns the `Broadcasting`, whose `a`, `b` and `element` can also be set from code.
    """
    lab = Broadcasting(a, b)
    lab.show()
    return lab


class Broadcasting:
    """The lab's state: two shapes, and which element of the result is looked at (counted row by row)."""

    def __init__(self, a=(3, 1), b=(4,)):
        self.a, self.b = _shape("a", a), _shape("b", b)
        self.element = 0

    def look(self):
        """All the numbers of the picture, computed by the engine; `error` in place of a result if they don't fit."""
        tens = 10 if math.prod(self.b) < 10 else 100
        tensors = {
            "a": tens * torch.arange(1, math.prod(self.a) + 1).reshape(self.a),
            "b": torch.arange(1, math.prod(self.b) + 1).reshape(self.b),
        }
        try:
            result = tensors["a"] + tensors["b"]
        except RuntimeError as error:
            return {"tensors": {name: _unstretched(tensor) for name, tensor in tensors.items()}, "error": str(error)}
        index = _index(min(self.element, result.numel() - 1), tuple(result.shape))
        return {
            "tensors": {name: _stretched(tensor, tuple(result.shape), index) for name, tensor in tensors.items()},
            "result": result.tolist(),
            "shape": tuple(result.shape),
            "index": index,
            "value": result[index].item(),
        }

    def describe(self):
        """The picture in one line of text."""
        seen = self.look()
        if "error" in seen:
            return f"Shapes {self.a} and {self.b} do not fit: {seen['error'].splitlines()[0]}."
        parts = [
            f"{name} has strides {of['strides']}, so {of['value']} from place {of['place']} of its memory"
            for name, of in seen["tensors"].items()
        ]
        return (
            f"Shapes {self.a} and {self.b} meet in {seen['shape']}. "
            f"Result {list(seen['index'])} is {seen['value']}: {'; '.join(parts)}."
        )

    def to_html(self):
        """The picture for the chosen shapes and element, with its line of text as the alternative."""
        return svg.image(draw(self.look()), self.describe())

    def show(self):
        """A still picture, folded away, and the sliders (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        summary = f"<summary>The lab as a still picture. {html.escape(self.describe())}</summary>"
        display(HTML(f"<details>{summary}{self.to_html()}</details>"))
        display(self.widget())

    def widget(self):
        """The sliders with the picture below, as an ipywidget."""
        import ipywidgets

        layout, style = ipywidgets.Layout(width="22em", flex="0 0 auto"), {"description_width": "6.5em"}
        shapes = {
            name: ipywidgets.SelectionSlider(
                options=[(str(shape), shape) for shape in _with(SHAPES, chosen)],
                value=chosen,
                description=f"shape of {name}",
                style=style,
                layout=layout,
            )
            for name, chosen in (("a", self.a), ("b", self.b))
        }
        element = ipywidgets.IntSlider(self.element, 0, 1, description="result", style=style, layout=layout)
        picture = ipywidgets.HTML()

        def redraw(_=None):
            self.a, self.b = shapes["a"].value, shapes["b"].value
            element.max = self.last_element()
            self.element = element.value
            picture.value = f"<code>{html.escape(self.describe())}</code><br>{self.to_html()}"

        for slider in (*shapes.values(), element):
            slider.observe(redraw, "value")
        redraw()
        sliders = ipywidgets.HBox([*shapes.values(), element], layout=ipywidgets.Layout(flex_flow="row wrap"))
        return ipywidgets.VBox([sliders, picture])

    def last_element(self):
        """The number of the result's last element; 0 if the shapes do not fit."""
        try:
            return math.prod(torch.broadcast_shapes(self.a, self.b)) - 1
        except RuntimeError:
            return 0


def _shape(name, shape):
    is_shape = isinstance(shape, (tuple, list)) and all(isinstance(size, int) for size in shape)
    if not is_shape or len(shape) > MOST_AXES or not all(1 <= size <= LONGEST_AXIS for size in shape):
        raise ValueError(
            f"broadcasting: {name} should be a shape of at most {MOST_AXES} axes with sizes from 1 to {LONGEST_AXIS}, "
            f"got {shape!r}"
        )
    return tuple(shape)


def _with(shapes, chosen):
    return shapes if chosen in shapes else (chosen, *shapes)


def _index(element, shape):
    """Where the element of this number stands: its place along each axis, the last axis counting fastest."""
    index = []
    for size in reversed(shape):
        element, place = divmod(element, size)
        index.append(place)
    return tuple(reversed(index))


def _stretched(tensor, shape, index):
    """A tensor as broadcasting shows it in `shape`, and where its number for `index` lies in memory."""
    wide = tensor.expand(shape)
    place = sum(position * stride for position, stride in zip(index, wide.stride()))
    memory = tensor.reshape(-1).tolist()
    return {
        "shape": tuple(tensor.shape),
        "wide": wide.tolist(),
        "wide shape": shape,
        "strides": wide.stride(),
        "memory": memory,
        "place": place,
        "value": memory[place],
    }


def _unstretched(tensor):
    return {
        "shape": tuple(tensor.shape),
        "wide": tensor.tolist(),
        "wide shape": tuple(tensor.shape),
        "strides": tensor.stride(),
        "memory": tensor.reshape(-1).tolist(),
        "place": None,
    }


# ---- the picture ----------------------------------------------------------------------------------------


WIDTH, HEIGHT, CELL = 920, 425, 34  # pixels
LEFT = {"a": 20, "b": 345, "result": 670}  # of each column
ROOM = 285  # for a memory's cells
MEMORY, BLOCK, SHEET_GAP = 78, 196, 14  # the tops of the memories and of the blocks


def draw(seen):
    """The picture, as SVG text, for what `Broadcasting.look` returned."""
    parts = []
    for name, of in seen["tensors"].items():
        parts += _memory(name, of, seen.get("index"))
        title = f"{name} as {of['wide shape']}, strides {of['strides']}"
        parts += _block(name, title, of["wide"], of["wide shape"], seen, of)
    parts += _lined_up(seen)
    if "index" in seen:
        parts += _block("result", f"a + b: {seen['shape']}", seen["result"], seen["shape"], seen)
    else:
        parts.append(svg.text(LEFT["result"], BLOCK + 22, "They do not fit.", 15, ORANGE, bold=True))
    for sign, left in ("+", LEFT["b"] - 40), ("=", LEFT["result"] - 40):
        parts.append(svg.text(left, BLOCK + 24, sign, 22, GREY, "middle"))
    return svg.drawing(WIDTH, HEIGHT, parts)


def _box(x, y, width, is_marked, is_own=True):
    colours = (PALE_ORANGE, ORANGE, 2.5) if is_marked else (PALE_PURPLE, PURPLE, 1) if is_own else ("white", GREY, 1)
    dots = "" if is_own or is_marked else ' stroke-dasharray="2 2"'
    return svg.box(x, y, width, CELL - 4, *colours, dots)


def _memory(name, of, index):
    """The line of numbers that a tensor has in memory, and how its strides lead to the marked place."""
    left, memory, width = LEFT[name], of["memory"], min(CELL, ROOM / len(of["memory"]))
    parts = [svg.text(left, 28, f"{name} in memory", 15), svg.text(left, 54, f"shape {of['shape']}", 13, GREY)]
    for place in sorted(range(len(memory)), key=lambda place: place == of["place"]):  # the marked one above the others
        parts.append(_box(left + place * width, MEMORY, width, place == of["place"]))
        if width > 20:
            parts.append(svg.text(left + (place + 0.5) * width, MEMORY + 20, memory[place], 12, anchor="middle"))
    if index is not None:
        products = " + ".join(f"{position}·{stride}" for position, stride in zip(index, of["strides"])) or "0"
        parts.append(svg.text(left, MEMORY + 54, f"place {of['place']} = {products}, there: {of['value']}", 13, ORANGE))
    return parts


def _block(column, title, values, shape, seen, of=None):
    """The numbers of a tensor: the last axis to the right, the one before downwards, sheets below each other.

    `of` is given for a stretched tensor, whose repeated numbers are drawn dotted.
    """
    parts = [svg.text(LEFT[column], BLOCK - 14, title, 14)]
    sheets, rows, columns = (1,) * (MOST_AXES - len(shape)) + shape
    for sheet, row, column_number in itertools.product(range(sheets), range(rows), range(columns)):
        place = (sheet, row, column_number)[MOST_AXES - len(shape) :]
        x, y = LEFT[column] + column_number * CELL, BLOCK + row * CELL + sheet * (rows * CELL + SHEET_GAP)
        is_marked, is_own = place == seen.get("index"), of is None or _is_own(of, place)
        value = _at(values, place)
        parts.append(_box(x, y, CELL - 4, is_marked, is_own))
        colour = "black" if is_marked or is_own else GREY
        parts.append(svg.text(x + CELL / 2 - 2, y + 20, value, 12 if value < 1000 else 10, colour, "middle"))
    return parts


def _at(values, place):
    for position in place:
        values = values[position]
    return values


def _is_own(of, place):
    """Whether a stretched tensor has its own number at this place, not the same one used again."""
    return all(stride or not position for stride, position in zip(of["strides"], place))


def _lined_up(seen):
    """The shapes below each other, lined up at their last axes."""
    left, right = LEFT["result"], LEFT["result"] + 160
    parts = [svg.text(left, 28, "shapes, lined up at the right", 15)]
    rows = [(name, of["shape"]) for name, of in seen["tensors"].items()] + [("a + b", seen.get("shape"))]
    for number, (name, shape) in enumerate(rows):
        y = 56 + 28 * number
        parts.append(svg.text(left, y, name, 14, GREY))
        if shape == ():
            parts.append(svg.text(right, y, "( )", 16, anchor="middle"))
        if shape is None:
            parts.append(svg.text(right + 6, y, "error", 15, ORANGE, "end"))
        for back, size in enumerate(reversed(shape or ())):
            parts.append(svg.text(right - back * 36, y, size, 16, anchor="middle"))
    return parts
