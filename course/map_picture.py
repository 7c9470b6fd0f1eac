"""The map of the course as a picture: a box for each chapter, and a line from each to those that need it.

The engine's own layout of graphs places the boxes. There is no ground behind them, each box has its own, so that the
picture reads on light and dark pages. What a learner has done shows in forms and words as well as in colours.
"""

from course.contents import without_detours
from course.progress import BEGUN, OPEN, PASSED
from engine.viz.drawing import curve
from engine.viz.glyphs import text_width
from engine.viz.layout import ARROW, DETAIL_SIZE, LABEL_SIZE, PADDING, layout
from engine.viz.looks import BLUE, INK, ORANGE, QUIET
from engine.viz.shapes import Drawing, Part, Path, Rectangle, Text, polygon
from engine.viz.svg import write

LINE = "#7d8696"  # more than 3 : 1 against white and against JupyterLab's dark ground
NEXT = "next"
DONE_FILL, DONE_INK, WHITE = "#dcecfa", "#083f6e", "#ffffff"
RING, TAB = 4, 14  # pixels from a box to the ring around the next one; height of the tab on that
ABOVE = TAB // 2 + 2  # pixels that a tab stands out of the first row


def svg(chapters, states=None):
    """The text of an SVG file. `states`: {chapter's number: State}, None for the map that is the same for everyone."""
    arranged = _arranged(chapters, with_details=states is not None)
    boxes = [_box(box, (states or {}).get(box["number"])) for box in arranged["boxes"]]
    lines = [_line(line) for line in arranged["lines"]]
    width, height = arranged["width"], arranged["height"]
    return write(Drawing(width, height, "Map of the course", describe(chapters, states), (*lines, *boxes)))


def describe(chapters, states=None):
    """The same in words, for those who don't see it."""
    states = states or {}
    titles = [
        f"{chapter.number} {chapter.title}" + (f" ({states[chapter.number].words})" if states else "")
        for chapter in chapters
    ]
    needs = [f"{number} needs {_and(needed)}" for number, needed in without_detours(chapters).items() if needed]
    return f"Map of the course, {len(chapters)} chapters: {', '.join(titles)}. {', '.join(needs)}."


def _and(numbers):
    *others, last = map(str, numbers)
    return f"{', '.join(others)} and {last}" if others else last


def _arranged(chapters, with_details):
    """Where boxes and lines go. The layout sets data as late as its users allow and a chapter stands as early as it
    can, so it is laid out from the end and turned over."""
    items = [
        {"id": f"n{chapter.number}", "node": chapter.number, "group": None, "kind": "op", "items": None,
         "label": f"{chapter.number}  {chapter.title}", "detail": _widest(chapter) if with_details else ""}
        for chapter in reversed(chapters)
    ]  # fmt: skip
    links = [(number, needed) for number, all_needed in without_detours(chapters).items() for needed in all_needed]
    lines = [
        {"source": f"n{number}", "target": f"n{needed}", "edges": [edge]} for edge, (number, needed) in enumerate(links)
    ]
    arranged = layout({"items": items, "lines": lines}, rightwards=False)
    bottom = arranged["height"] + ABOVE
    left = min(box["x"] for box in arranged["boxes"]) - RING - 2  # the layout's own margin is for a frame
    right = max(box["x"] + box["width"] for box in arranged["boxes"]) + RING + 2
    top = min(bottom - box["y"] - box["height"] for box in arranged["boxes"]) - RING - ABOVE
    lowest = max(bottom - box["y"] for box in arranged["boxes"]) + RING + 2
    boxes = [
        {**box, "x": box["x"] - left, "y": bottom - box["y"] - box["height"] - top, "number": int(box["id"][1:])}
        for box in arranged["boxes"]
    ]
    turned = [[(x - left, bottom - y - top) for x, y in reversed(line["points"])] for line in arranged["lines"]]
    return {"width": right - left, "height": lowest - top, "boxes": boxes, "lines": turned}


def _widest(chapter):
    """Room is kept for this, so that the map stays as it is while a learner goes on."""
    count = len(chapter.exercises)
    return f"✓ {count} of {count}"


def _line(points):
    *others, (x, y) = points
    end = (x, y - ARROW)
    half = ARROW / 2
    head = polygon((x, y), (x - half, y - ARROW), (x + half, y - ARROW))
    return Part("", (Path(curve([*others, end], False), stroke=LINE, thickness=1.6), Path(head, fill=LINE)))


def _box(box, state):
    x, y, width, height = (box[key] for key in ("x", "y", "width", "height"))
    passed = state is not None and state.kind == PASSED
    frame = BLUE if state is not None and state.kind != OPEN else QUIET
    ink = DONE_INK if passed else INK
    shapes = [Rectangle(x, y, width, height, 7, DONE_FILL if passed else WHITE, frame)]
    if state is not None and state.kind == BEGUN:
        shapes.append(Rectangle(x + 5, y + height - 5, (width - 10) * state.done / state.of, 3, 1.5, BLUE))
    line = y + height / 2 + LABEL_SIZE / 3
    if state is None:
        shapes.append(Text(x + width / 2, line, box["label"], LABEL_SIZE, ink, bold=True))
    else:
        detail = f"✓ {state.of} of {state.of}" if passed else f"{state.done} of {state.of}"
        shapes.append(Text(x + PADDING, line, box["label"], LABEL_SIZE, ink, bold=True, anchor="start"))
        shapes.append(Text(x + width - PADDING, line, detail, DETAIL_SIZE, ink, anchor="end"))
    if state is not None and state.next:
        shapes += _ring(x, y, width, height)
    return Part("", tuple(shapes))


def _ring(x, y, width, height):
    """What marks the next step: a ring around the box, with a tab that says so."""
    wide = text_width(NEXT, DETAIL_SIZE, bold=True) + PADDING
    right, top = x + width - PADDING, y - RING - TAB / 2
    return (
        Rectangle(x - RING, y - RING, width + 2 * RING, height + 2 * RING, 10, None, ORANGE, 2.2),
        Rectangle(right - wide, top, wide, TAB, 4, ORANGE),
        Text(right - wide / 2, top + TAB - 4, NEXT, DETAIL_SIZE, WHITE, bold=True),
    )
