"""Where every box and line of a scene goes, for drawing.py (or anything else) to draw. The same as js/layout.js.

The layered method, for each container by itself: `containers` says which those are and which of them a line passes,
`layers` finds ranks and order, `places` the places, both in a pair of directions, along the flow of data and across it.
Here boxes get their sizes, open groups their frames, and lines their ways, and the two directions become x and y. Small
graphs run from left to right; what would be wider than a notebook's column runs downwards.
"""

from math import floor, inf

from .containers import contain
from .glyphs import text_width
from .layers import build_layers, outer_source
from .places import BOX_GAP, LINE_GAP, is_port, place_across, place_along

COLUMN = 900  # pixels, about the width of a notebook's output
RANK_GAP_RIGHTWARDS, RANK_GAP_DOWNWARDS = 42, 32  # pixels between boxes, for lines and arrow heads
PORT_GAP = 20  # pixels between boxes and the border that their lines pass
MARGIN = 20
FRAME_PADDING = 14  # pixels between a frame and what is in it
TITLE = 26  # height of a frame's title line
LABEL_SIZE, DETAIL_SIZE = 14, 11  # pixels
PADDING = 12  # pixels left and right of a box's text, and between two texts side by side
ARROW = 8  # the straight end of a line, room for its head


def layout(scene, rightwards=None):
    """The places of a scene's boxes and lines, as docs/graphs.md describes them.

    rightwards: data flows to the right, and a box's detail stands under its label; False: data flows downwards, and the
    detail stands beside the label. None: as it fits a notebook's column; a viewer then keeps what the first scene of a
    document got. Raises ValueError if lines run in a circle.
    """
    containers, lines = contain(scene)
    for container in containers:
        build_layers(container)
    if rightwards is None:
        rightwards = _runs_rightwards(containers)
    _set_lanes(containers, lines)
    for container in reversed(containers):
        _place(container, rightwards)
    _set_origins(containers)
    _set_leaving(lines)
    _set_entering(lines)
    root = containers[0]
    width, height = root.length, root.left + root.right
    if not rightwards:
        width, height = height, width
    boxes = [_box(container, item, rightwards) for container in containers for item in container.items]
    drawn = [
        {"edges": line.edges, "source": line.source, "target": line.target, "points": _points(line, rightwards)}
        for line in lines
    ]
    return {"width": width, "height": height, "rightwards": rightwards, "boxes": boxes, "lines": drawn}


# ---- direction and sizes


def _runs_rightwards(containers):
    """Whether the scene fits a column from left to right, or at least better so than downwards."""
    lengths, breadths = {}, {}  # of open groups, {name: pixels}
    for container in reversed(containers):
        length, breadth = 2 * MARGIN, 0
        for row in container.rows:
            boxes = [cell.item for cell in row if cell.item]
            length += max([lengths.get(item["id"]) or _size(item, True)[0] for item in boxes], default=0)
            across = [breadths.get(item["id"]) or _size(item, False)[1] for item in boxes]
            breadth = max(breadth, sum(across) + BOX_GAP * len(across))
        length += RANK_GAP_RIGHTWARDS * (len(container.rows) - 1)
        lengths[container.name], breadths[container.name] = length, breadth
    return length <= max(COLUMN, breadth)


def _size(item, rightwards):
    """(length along, breadth across) of a closed item's box, even numbers, so that halves are whole pixels."""
    label, detail = text_width(item["label"], LABEL_SIZE, bold=True), text_width(item["detail"], DETAIL_SIZE)
    if rightwards:
        return _even(max(label, detail) + 2 * PADDING), 42
    return 28, _even(label + (PADDING + detail if item["detail"] else 0) + 2 * PADDING)


def _title_width(item):
    return _size(item, rightwards=False)[1]


def _even(number):
    return 2 * floor(number / 2 + 0.5)


# ---- lanes


def _set_lanes(containers, lines):
    """Where lines from different boxes of an open group pass a port or bend that they share: side by side, in the order
    in which they left the group."""
    shared = {}
    for line in lines:
        for container, start, end in line.steps:
            if start.removeprefix("in:") != line.source:
                for cell in container.ways[start, end]:
                    if cell.item is None:
                        cell.lanes[line.source] = 0
                        shared[cell] = True
    numbers = _leaving_order(containers[0]) if shared else {}
    for cell in shared:
        sources = sorted(cell.lanes, key=numbers.get)
        reach = (len(sources) - 1) * LINE_GAP // 2
        cell.lanes = {source: index * LINE_GAP - reach for index, source in enumerate(sources)}
        cell.left = cell.right = reach


def _leaving_order(root):
    """{item: its number}, such that items of a group are in the order of the ports through which lines leave it."""
    numbers = {}
    stack = [(root, name) for name in reversed(_items_by_port(root))]
    while stack:
        container, name = stack.pop()
        numbers[name] = len(numbers)
        inside = container.inner.get(name)
        if inside:
            stack.extend((inside, each) for each in reversed(_items_by_port(inside)))
    return numbers


def _items_by_port(container):
    def place(name):
        port = container.cells.get(f"out:{name}")
        return port.position if port else inf

    return sorted((item["id"] for item in container.items), key=place)


# ---- places


def _place(container, rightwards):
    """Lay out one container; those in it have been."""
    for cell in container.cells.values():
        if cell.item and cell.name not in container.inner:
            cell.length, breadth = _size(cell.item, rightwards)
            cell.left = cell.right = breadth // 2
        elif cell.name.startswith("in:") and not rightwards:
            cell.length = TITLE
    for inside in container.inner.values():
        _set_frame(container, inside)
    place_across(container.rows, container.ways.values())
    framed, rows = container.parent is not None, container.rows
    first, last = MARGIN, MARGIN  # along the flow, before the first rank and after the last
    if framed:
        first = 0 if is_port(rows[0][0]) else FRAME_PADDING if rightwards else TITLE + FRAME_PADDING
        last = 0 if is_port(rows[-1][0]) else FRAME_PADDING
    gap = RANK_GAP_RIGHTWARDS if rightwards else RANK_GAP_DOWNWARDS
    container.starts, container.ends = place_along(rows, first, gap, PORT_GAP)
    container.length = container.ends[-1] + last if rows else 2 * MARGIN
    container.boxed = [
        max([cell.length for cell in row if cell.name not in container.inner], default=0) for row in rows
    ]
    _enclose(container, rightwards)


def _set_frame(container, inside):
    """The size of an open group's cell, and where lines meet it: each neighbour at one port, best the main one."""
    cell = container.cells[inside.name]
    cell.length, cell.left, cell.right = inside.length, inside.left, inside.right
    for name, port in inside.cells.items():
        if name.startswith("in:"):
            ways = [container.ways[outer_source(inside, name).name, inside.name][::-1]]
        else:
            ways = [container.ways[inside.name, end] for end in inside.onward.get(name, ())]
        for _, neighbour, *_ in ways:
            if port.main or neighbour not in cell.joints:
                cell.joints[neighbour] = port.middle - inside.main


def _enclose(container, rightwards):
    """How far a container reaches from its main line: all that is in it and, in a frame, its title."""
    cells = [cell for row in container.rows for cell in row]
    lowest = min([cell.middle - cell.left for cell in cells], default=0)
    highest = max([cell.middle + cell.right for cell in cells], default=0)
    container.main = _main_line(container, lowest, highest)
    container.left, container.right = container.main - lowest, highest - container.main
    if container.parent is None:
        container.left += MARGIN
        container.right += MARGIN
        return
    container.left += FRAME_PADDING
    container.right += FRAME_PADDING
    title = _title_width(container.parent.cells[container.name].item)
    if rightwards:
        container.left += TITLE
        _lengthen(container, title - container.length)
        return
    for cell in container.rows[0]:  # the title stands clear of lines that come in
        if is_port(cell):
            container.left = max(container.left, title + container.main - (cell.middle - cell.left))
    container.right = max(container.right, title - container.left)


def _main_line(container, lowest, highest):
    """Where the middle of its frame is to be: at the port where its main way leaves it or enters it, or at any port."""
    ports = [cell for row in reversed(container.rows) for cell in row if is_port(cell)]
    main = [cell for cell in ports if cell.main] or ports
    return main[0].middle if main else (lowest + highest) // 2


def _lengthen(container, more):
    """Make a frame longer, what is in it stays in the middle, ports at the border."""
    if more <= 0:
        return
    container.length += more
    for rank, row in enumerate(container.rows):
        outgoing = is_port(row[0]) and row[0].name.startswith("out:")
        shift = more if outgoing else 0 if is_port(row[0]) else more // 2
        container.starts[rank] += shift
        container.ends[rank] += shift


def _set_origins(containers):
    root = containers[0]
    root.origin = 0, root.left - root.main
    for container in containers[1:]:
        outer = container.parent
        cell = outer.cells[container.name]
        along, across = outer.origin
        container.origin = along + _start(outer, cell), across + cell.middle - container.main


def _start(container, cell):
    """Where an item starts along the flow: a frame in the middle of its rank, boxes in the middle of its last part,
    which is as long as the longest of them."""
    start, end = container.starts[cell.rank], container.ends[cell.rank]
    if cell.name in container.inner:
        return (start + end - cell.length) / 2
    return end - (container.boxed[cell.rank] + cell.length) / 2


def _box(container, item, rightwards):
    cell = container.cells[item["id"]]
    along, across = container.origin
    x, y = along + _start(container, cell), across + cell.middle - cell.left
    width, height = cell.length, cell.left + cell.right
    if not rightwards:
        x, y, width, height = y, x, height, width
    texts = {"label": item["label"], "detail": item["detail"], "open": item["items"] is not None}
    return {"id": item["id"], "x": x, "y": y, "width": width, "height": height, **texts}


# ---- lines


def _set_leaving(lines):
    """Where each line leaves its box, across the flow: in the middle, twins to the same box side by side."""
    twins = {}
    for line in lines:
        container, start, end = line.steps[0]
        way = container.ways[start, end]
        line.leaves = way[0].middle
        if len(line.steps) == 1 and len(way) == 2:  # longer ways share their bends
            twins.setdefault((start, end), []).append(line)
    for group in twins.values():
        middle = (len(group) - 1) / 2
        gap = _gap_at(_ends(group[0])[0], middle)
        for position, line in enumerate(group):
            line.leaves += (position - middle) * gap


def _ends(line):
    """The cells at a line's source and target."""
    (first, start, _), (last, _, end) = line.steps[0], line.steps[-1]
    return first.cells[start], last.cells[end]


def _set_entering(lines):
    """Where each line enters its box: in the order they come in, the straightest in the middle."""
    arriving = {}
    for line in lines:
        arriving.setdefault(line.target, []).append((_comes_from(line), line.edges[0], line))
    for entries in arriving.values():
        entries.sort(key=lambda entry: entry[:2])
        target = _ends(entries[0][2])[1]
        climbs = [abs(place - target.middle) for place, _, _ in entries]
        least = min(climbs)
        straightest = [position for position, climb in enumerate(climbs) if climb == least]
        middle = sum(straightest) / len(straightest)
        gap = _gap_at(target, max(middle, len(entries) - 1 - middle))
        for position, (_, _, line) in enumerate(entries):
            line.enters = target.middle + (position - middle) * gap


def _gap_at(cell, most):
    """Pixels between lines at one side of a box, `most` of them on one side of its middle; clear of its corners."""
    return min(LINE_GAP, ((cell.left + cell.right) / 2 - 6) / max(1, most))


def _comes_from(line):
    """The place, across the flow, from which a line comes to its target's rank."""
    step = len(line.steps) - 1
    container, start, end = line.steps[step]
    return _passes(line, step, container.ways[start, end][-2])


def _passes(line, step, cell):
    """Where a line passes one of the cells on a step of its way, across the flow, in that step's container."""
    container, start, _ = line.steps[step]
    if cell.item is None:
        return cell.middle + cell.lanes.get(line.source, 0)
    inside = container.inner.get(cell.name)
    if inside is None:
        return line.leaves if cell.name == start else line.enters
    port = inside.cells[line.steps[step - 1][2] if cell.name == start else line.steps[step + 1][1]]
    return cell.middle - inside.main + port.middle + port.lanes.get(line.source, 0)


def _points(line, rightwards):
    """Points from box to box, with a straight piece through each rank and across each border."""
    points = []
    for step, (container, start, end) in enumerate(line.steps):
        along, across = container.origin
        for cell in container.ways[start, end]:
            place = across + _passes(line, step, cell)
            first, last = _piece(container, cell, start)
            points += [(along + first, place), (along + last, place)]
    points = _straightened(points)
    return [[x, y] if rightwards else [y, x] for x, y in points]


def _piece(container, cell, start):
    """From where to where along the flow a line runs straight at a cell: outside of its box, right through a bend."""
    first, last = container.starts[cell.rank], container.ends[cell.rank]
    if cell.item is None:
        return first, last
    if cell.name == start:
        return _start(container, cell) + cell.length, last
    return first if cell.name in container.inner else first - ARROW, _start(container, cell)


def _straightened(points):
    """Without points that lie on the way between their neighbours."""
    kept = []
    for point in points:
        if len(kept) > 1 and kept[-2][1] == kept[-1][1] == point[1]:
            kept[-1] = point
        elif not kept or kept[-1] != point:
            kept.append(point)
    return kept
