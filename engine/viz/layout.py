"""Where every box and line of a graph goes, for svg.py (or anything else) to draw.

The layered method: `layers` finds ranks and order, `places` the places, both in a pair of directions,
along the flow of data and across it; here these become x and y, boxes get their texts, and lines their
ways. Small graphs run from left to right; what would be wider than a notebook's column runs downwards.
"""

from dataclasses import dataclass
from functools import partial

from .glyphs import shortened, text_width
from .layers import build_layers, node_ranks
from .places import BOX_GAP, place_across, place_along

COLUMN = 900  # pixels, about the width of a notebook's output
RANK_GAP_RIGHTWARDS, RANK_GAP_DOWNWARDS = 42, 32  # pixels between boxes, for lines and arrow heads
MARGIN = 20
LABEL_SIZE, DETAIL_SIZE = 14, 11  # pixels
LONGEST_TEXT = 28  # characters of a name or label
PADDING = 12  # pixels left and right of a box's text, and between two texts side by side
ARROW = 8  # the straight end of a line, room for its head
PORT_GAP = 11  # pixels between lines that enter the same box


@dataclass(frozen=True)
class Box:
    """The rectangle of node number `node`: (x, y) is its top left corner; what is written in it."""

    node: int
    x: float
    y: float
    width: float
    height: float
    label: str
    detail: str


@dataclass(frozen=True)
class Line:
    """The way of edge number `edge`: points joined by straight pieces along the flow and by S curves."""

    edge: int
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Layout:
    """Boxes in the order of the graph's nodes, lines in that of its edges; pixels, y downwards.

    rightwards: data flows to the right and a box's detail stands under its label; otherwise data flows
    downwards and the detail stands beside the label.
    """

    width: float
    height: float
    rightwards: bool
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def layout(graph):
    """The `Layout` of a `Graph` of at least one node."""
    rightwards = _runs_rightwards(graph)
    cells, rows, ways = build_layers(graph, partial(_size, rightwards=rightwards))
    place_across(rows, MARGIN)
    starts, ends = place_along(rows, MARGIN, RANK_GAP_RIGHTWARDS if rightwards else RANK_GAP_DOWNWARDS)
    boxes = tuple(_box(cell, starts, ends, rightwards) for cell in cells)
    leaving = _leaving(graph, ways)
    lines = []
    for index, places in enumerate(zip(ways, leaving, _entering(graph, ways, leaving))):
        points = _points(*places, starts, ends)
        lines.append(Line(index, tuple(points if rightwards else ((y, x) for x, y in points))))
    width = ends[-1] + MARGIN
    height = max(cell.middle + cell.breadth // 2 for row in rows for cell in row) + MARGIN
    if not rightwards:
        width, height = height, width
    return Layout(width, height, rightwards, boxes, tuple(lines))


def _runs_rightwards(graph):
    """Whether the graph fits a column from left to right, or at least better so than downwards."""
    ranks = node_ranks(graph)
    lengths, widths = [0] * (max(ranks) + 1), [0] * (max(ranks) + 1)
    for node, rank in zip(graph.nodes, ranks):
        lengths[rank] = max(lengths[rank], _size(node, rightwards=True)[0])
        widths[rank] += _size(node, rightwards=False)[1] + BOX_GAP
    length = sum(lengths) + RANK_GAP_RIGHTWARDS * (len(lengths) - 1) + 2 * MARGIN
    return length <= max(COLUMN, *widths)


def _box(cell, starts, ends, rightwards):
    x, y = _start(cell, starts, ends), cell.middle - cell.breadth // 2
    label, detail = _texts(cell.node)
    if rightwards:
        return Box(cell.node.id, x, y, cell.length, cell.breadth, label, detail)
    return Box(cell.node.id, y, x, cell.breadth, cell.length, label, detail)


def _texts(node):
    """The label of a node's box and the small text with it."""
    parts = [shortened(node.name, LONGEST_TEXT)] if node.name else []
    parts += [node.shape_text] if node.shape_text else []
    return shortened(node.label, LONGEST_TEXT), " · ".join(parts)


def _size(node, rightwards):
    """(length along, breadth across) of a node's box, even numbers."""
    label, detail = _texts(node)
    label_width, detail_width = text_width(label, LABEL_SIZE, bold=True), text_width(detail, DETAIL_SIZE)
    if rightwards:
        return _even(max(label_width, detail_width) + 2 * PADDING), 42
    return 28, _even(label_width + (PADDING + detail_width if detail else 0) + 2 * PADDING)


def _even(number):
    return 2 * round(number / 2)


def _start(cell, starts, ends):
    """Where a box starts along the flow: it stands in the middle of its rank."""
    return (starts[cell.rank] + ends[cell.rank] - cell.length) / 2


def _leaving(graph, ways):
    """Where each edge leaves its box, across the flow: in the middle, twins to the same box side by side."""
    twins = {}
    for index, edge in enumerate(graph.edges):
        twins.setdefault((edge.source, edge.target), []).append(index)
    places = [way[0].middle for way in ways]
    for indices in twins.values():
        source = ways[indices[0]][0]
        if len(ways[indices[0]]) == 2:  # longer ways share their bends
            gap = _port_gap(source, len(indices))
            for position, index in enumerate(indices):
                places[index] += (position - (len(indices) - 1) / 2) * gap
    return places


def _entering(graph, ways, leaving):
    """Where each edge enters its box: in the order they come in, the straightest in the middle."""
    arriving = {}
    for index, (edge, way) in enumerate(zip(graph.edges, ways)):
        comes_from = leaving[index] if len(way) == 2 else way[-2].middle
        arriving.setdefault(edge.target, []).append((comes_from, edge.slot, index))
    places = [0.0] * len(ways)
    for entries in arriving.values():
        entries.sort()
        target = ways[entries[0][2]][-1]
        climbs = [abs(comes_from - target.middle) for comes_from, _, _ in entries]
        straightest = [position for position, climb in enumerate(climbs) if climb == min(climbs)]
        middle = sum(straightest) / len(straightest)
        gap = _port_gap(target, len(entries))
        for position, (_, _, index) in enumerate(entries):
            places[index] = target.middle + (position - middle) * gap
    return places


def _port_gap(cell, count):
    """Pixels between `count` lines at one side of a box; they stay clear of its corners."""
    return min(PORT_GAP, (cell.breadth / 2 - 6) / max(1, count - 1))


def _points(way, leaves_at, enters_at, starts, ends):
    """Points (along, across) from box to box, with a straight piece through each rank."""
    source, *bends, target = way
    points = [(_start(source, starts, ends) + source.length, leaves_at), (ends[source.rank], leaves_at)]
    for bend in bends:
        points += [(starts[bend.rank], bend.middle), (ends[bend.rank], bend.middle)]
    return [*points, (starts[target.rank] - ARROW, enters_at), (_start(target, starts, ends), enters_at)]
