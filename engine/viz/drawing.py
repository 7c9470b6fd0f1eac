"""From a graph's document and its layout to plain shapes, which SVG, PDF and PNG draw alike.

From back to front: the ground, frames of open groups, lines, boxes, marks. Words beside the graph: see captions.py.
"""

import math

from .captions import error, notes
from .glyphs import text_width
from .layout import ARROW, DETAIL_SIZE, LABEL_SIZE, PADDING
from .looks import AND_MORE, BADGES, DIFFERS, DIFFERS_IN_GRADIENT, EXTRA, FIRST, MISSING
from .looks import DETAIL_INK, FRAME_FILLS, GROUND, GROUND_EDGE, LINE, LOOKS, PARAMETER_LINE, RED
from .shapes import Drawing, Part, Path, Rectangle, Text, polygon
from .words import edge_words, group_words, node_words, text

MARGIN = 20  # pixels around the texts beside the graph, as around the graph itself
NARROWEST = 360  # so wide are these texts at least
SLANT = 8  # how far the boxes of data lean
CARDS = (6, 3)  # how far the cards behind a closed group's box look out
TWO_LINES = 36  # a box of this height has its detail under its label, a lower one beside it
MARK_SIZE, MARK_HEIGHT, MARK_GAP, MARK_INSET = 10, 14, 2, 5
OVERHANG = 19  # how far marks may stand out from there
CLEAR = 7  # how far they keep from a line that comes from above


def draw(document, arranged):
    """The `Drawing` of a document at its layout (docs/graphs.md says what both are)."""
    graph = _Graph(document)
    above, below, width = _around(document, max(arranged["width"], NARROWEST))
    across = max(0, (width - arranged["width"]) / 2)
    down = above[1] + MARGIN if above[0] else 0
    boxes = [{**box, "x": box["x"] + across, "y": box["y"] + down} for box in arranged["boxes"]]
    frames = [_frame(graph, box) for box in boxes if box["open"]]
    lines = [_line(graph, _moved(line, across, down), arranged["rightwards"]) for line in arranged["lines"]]
    closed = [_box(graph, box, arranged["rightwards"]) for box in boxes if not box["open"]]
    bottom = down + arranged["height"]
    height = bottom + below[1] + (MARGIN if below[0] else 0)
    words = [_placed(above[0], MARGIN, MARGIN), _placed(below[0], MARGIN, bottom)]
    width = max(width, arranged["width"])
    parts = [_ground(width, height), *frames, *lines, *closed, *words]
    return Drawing(width, height, document["title"], text(document), tuple(part for part in parts if part.shapes))


class _Graph:
    """A document, and what is in each of its groups."""

    def __init__(self, document):
        self.document = document
        self.groups = {group["id"]: group for group in document["groups"]}
        self.depth, self.within = {None: -1}, {number: [] for number in self.groups}
        for group in document["groups"]:
            self.depth[group["id"]] = self.depth[group["parent"]] + 1
        for node in document["nodes"]:
            group = node["group"]
            while group is not None:
                self.within[group].append(node)
                group = self.groups[group]["parent"]

    def item(self, key):
        """The node or group that a layout calls "n7" or "g2"."""
        return self.document["nodes"][int(key[1:])] if key[0] == "n" else self.groups[int(key[1:])]

    def nodes(self, key):
        """The nodes that a box stands for."""
        return [self.item(key)] if key[0] == "n" else self.within[int(key[1:])]

    def kinds_at_start(self, line):
        nodes, edges = self.document["nodes"], self.document["edges"]
        return {nodes[edges[index]["source"]]["kind"] for index in line["edges"]}

    def words(self, key):
        if key[0] == "g":
            return group_words(self.item(key), self.nodes(key))
        return node_words(self.item(key))


# ---- around the graph


def _around(document, width):
    """(shapes, height) of what is written above and below the graph, and how wide that is with its margins."""
    above, widest, height = notes(document["notes"], width - 2 * MARGIN)
    below, bottom = [], 0
    for node in document["nodes"]:
        if node["error"]:
            shapes, wide, high = error(document, node, width - 2 * MARGIN)
            below += _placed(shapes, 0, bottom).shapes
            widest, bottom = max(widest, wide), bottom + high
    return (above, height), (below, bottom), math.ceil(widest) + 2 * MARGIN if above or below else 0


def _placed(texts, x, y):
    moved = (Text(each.x + x, each.y + y, each.text, each.size, each.color, each.bold, each.anchor) for each in texts)
    return Part("", tuple(moved))


def _ground(width, height):
    return Part("", (Rectangle(0.5, 0.5, width - 1, height - 1, 10, GROUND, GROUND_EDGE, 1),))


def _moved(line, across, down):
    return {**line, "points": [(x + across, y + down) for x, y in line["points"]]}


# ---- lines


def _line(graph, line, rightwards):
    """A curve that stops short of the box, and its arrow head."""
    source, target = graph.item(line["source"]), graph.item(line["target"])
    *points, (x, y) = line["points"]
    half = ARROW / 2
    if rightwards:
        points.append((x - ARROW, y))
        head = polygon((x, y), (x - ARROW, y - half), (x - ARROW, y + half))
    else:
        points.append((x, y - ARROW))
        head = polygon((x, y), (x - half, y - ARROW), (x + half, y - ARROW))
    color = PARAMETER_LINE if graph.kinds_at_start(line) == {"parameter"} else LINE
    dashed = "missing" in (source["kind"], target["kind"])
    shapes = Path(curve(points, rightwards), stroke=color, thickness=1.6, dashed=dashed), Path(head, fill=color)
    return Part(edge_words(graph.document, line["edges"]), shapes)


def curve(points, rightwards):
    """Straight along the flow; an S, level at both ends, where it also has to move across."""
    pieces = [("M", *points[0])]
    for (x, y), (next_x, next_y) in zip(points, points[1:]):
        if (y == next_y) if rightwards else (x == next_x):
            pieces.append(("L", next_x, next_y))
        elif rightwards:
            middle = (x + next_x) / 2
            pieces.append(("C", middle, y, middle, next_y, next_x, next_y))
        else:
            middle = (y + next_y) / 2
            pieces.append(("C", x, middle, next_x, middle, next_x, next_y))
    return tuple(pieces)


# ---- boxes


def _frame(graph, box):
    """An open group: a frame around what it holds, with its title in the first line."""
    group = graph.item(box["id"])
    look, fill = LOOKS[group["kind"]], FRAME_FILLS[graph.depth[group["id"]] % len(FRAME_FILLS)]
    frame = Rectangle(box["x"], box["y"], box["width"], box["height"], 10, fill, look.frame, 1)
    x, y = box["x"] + PADDING, box["y"] + LABEL_SIZE + 3
    title = [Text(x, y, box["label"], LABEL_SIZE - 1, look.ink, bold=True, anchor="start")]
    if box["detail"]:
        x += text_width(box["label"], LABEL_SIZE - 1, bold=True) + PADDING / 2
        title.append(Text(x, y, box["detail"], DETAIL_SIZE, DETAIL_INK, anchor="start"))
    return Part(graph.words(box["id"]), (frame, *title))


def _box(graph, box, rightwards):
    look = LOOKS[graph.item(box["id"])["kind"]]
    marks = _marks(graph.nodes(box["id"]))
    shapes = [*_form(box, look), *_words(box, look), *_row_of_marks(box, marks, rightwards)]
    return Part(graph.words(box["id"]), tuple(shapes))


def _form(box, look):
    x, y, width, height = box["x"], box["y"], box["width"], box["height"]
    pen = {"fill": look.fill, "stroke": look.frame, "thickness": look.thickness, "dashed": look.dashed}
    if look.form == "round":
        return [Rectangle(x, y, width, height, min(20, height / 2), **pen)]
    cards = CARDS if look.form == "stacked" else ()
    behind = [Rectangle(x + shift, y + shift, width, height, 6, **pen) for shift in cards]
    front = [Rectangle(x, y, width, height, 6, **pen)]
    if look.form == "leaning":
        lean = SLANT / 2
        corners = (x + lean, y), (x + width + lean, y), (x + width - lean, y + height), (x - lean, y + height)
        front = [Path(polygon(*corners), **pen)]
    if look.form == "double":
        front.append(Rectangle(x + 3, y + 3, width - 6, height - 6, 3, stroke=look.frame))
    if look.form == "crossed":
        front += _cross(x + 2, y + 2)
    return behind + front


def _cross(x, y):
    """A white cross on a red disc around (x, y)."""
    arm = 3.5
    disc = Rectangle(x - 8, y - 8, 16, 16, 8, fill=RED, stroke="#ffffff", thickness=1)
    strokes = ("M", x - arm, y - arm), ("L", x + arm, y + arm), ("M", x - arm, y + arm), ("L", x + arm, y - arm)
    return [disc, Path(strokes, stroke="#ffffff", thickness=2.2)]


def _words(box, look):
    """The label with its detail: below it, or beside it."""
    middle, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    label = {"size": LABEL_SIZE, "color": look.ink, "bold": True}
    detail = {"size": DETAIL_SIZE, "color": DETAIL_INK}
    if not box["detail"]:
        return [Text(middle, y + 5, box["label"], **label)]
    if box["height"] >= TWO_LINES:
        return [Text(middle, y - 3, box["label"], **label), Text(middle, y + 13, box["detail"], **detail)]
    label_width, detail_width = text_width(box["label"], LABEL_SIZE, bold=True), text_width(box["detail"], DETAIL_SIZE)
    start = middle - (label_width + PADDING + detail_width) / 2
    centers = start + label_width / 2, start + label_width + PADDING + detail_width / 2
    return [Text(centers[0], y + 5, box["label"], **label), Text(centers[1], y + 5, box["detail"], **detail)]


# ---- marks


def _marks(nodes):
    """What is to be noticed at the nodes of a box: badges, and what a comparison found."""
    found = {badge.split(": ")[-1] for node in nodes for badge in node["badges"]}
    marks = [mark for badge, mark in BADGES.items() if badge in found]
    matches = [node["match"] for node in nodes if node["match"]]
    first = tuple(sorted({which for match in matches for which in match["first"]}))
    statuses = {match["status"] for match in matches}
    if first:
        marks.append(FIRST[first])
    elif "differs" in statuses:
        marks.append(DIFFERS_IN_GRADIENT if all(map(_only_gradient_differs, matches)) else DIFFERS)
    return marks + [mark for status, mark in (("extra", EXTRA), ("missing", MISSING)) if status in statuses]


def _only_gradient_differs(match):
    return match["status"] != "differs" or bool(match["grad_difference"] and not match["value_difference"])


def _row_of_marks(box, marks, rightwards):
    """White letters on coloured tabs that sit on the box's upper border, in its right corner.

    Where lines come from above, they stay clear of the middle, and stand out a little on the right if they have to.
    """
    corner, start = box["width"] - MARK_INSET, 0 if rightwards else box["width"] / 2 + CLEAR
    room = corner - start + (0 if rightwards else OVERHANG)
    words = _fitting([(mark.word, mark.color) for mark in marks], [(mark.short, mark.color) for mark in marks], room)
    shapes, top = [], box["y"] - MARK_HEIGHT + 4
    width = _row_width(words)
    x = box["x"] + min(max(corner - width, start), corner + OVERHANG - width)
    for word, color in words:
        width = _mark_width(word)
        shapes.append(Rectangle(x, top, width, MARK_HEIGHT, 4, fill=color, stroke="#ffffff", thickness=1))
        shapes.append(Text(x + width / 2, top + 10.5, word, MARK_SIZE, "#ffffff", bold=True))
        x += width + MARK_GAP
    return shapes


def _fitting(words, short, room):
    """The words, or if they are wider than that the short ones, as many of them as there is room for."""
    if _row_width(words) <= room:
        return words
    while len(short) > 2 and _row_width(short) > room:
        short = [*short[:-2], (AND_MORE.short, AND_MORE.color)]
    return short


def _row_width(words):
    return sum(_mark_width(word) + MARK_GAP for word, _ in words) - MARK_GAP


def _mark_width(word):
    return max(MARK_HEIGHT, text_width(word, MARK_SIZE, bold=True) + 7)
