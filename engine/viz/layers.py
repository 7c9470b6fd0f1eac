"""The first half of a layout: which rank each item of a container is in, and in which order a rank is drawn.

An item's rank is as near to its users as it can be. Where a line crosses a rank it gets a bend there, a cell that takes
up room as a box does, so that lines are kept clear of boxes. Ports stand in ranks of their own, the first and the last,
in the order in which lines come to them and go on outside. Nothing here depends on which items are open. The same as
js/layers.js.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field

SWEEPS = 24  # over all ranks at most,
PATIENCE = 8  # and so many without a better order
EFFORT = 240_000  # cells that one transposition looks at, about: what is large gets fewer rounds
LANES = 4  # so many lines over several ranks from one operation each look for their own way; others share one


@dataclass(eq=False, repr=False, slots=True)
class Cell:
    """What takes up room in a rank: the box of an item, a port, or a bend (without a name) of lines from one source."""

    name: str | None = None  # of the item or port
    item: dict | None = None
    leaf: str | None = None  # "parameter" or "input": a leaf's box, a port or a bend of its lines
    rank: int = 0
    before: list = field(default_factory=list)  # linked cells of the previous rank
    after: list = field(default_factory=list)  # and of the next
    position: int = 0  # in its row
    fixed: float = 0  # of a port: where its lines come from or go to outside; the row is sorted by that
    source: object = None  # of a bend: the cell its lines come from
    main: bool = False  # on the way of most steps to the output,
    main_before: object = None  # which comes from this box or port
    main_after: object = None  # and goes on to that
    length: int = 0  # along the flow of data
    left: int = 0  # how far it reaches across it from its middle to either side
    right: int = 0
    middle: float = 0.0  # the place across, see places.py
    lanes: dict = field(default_factory=dict)  # of a port or bend: {source of a line: where it passes, from the middle}
    joints: dict = field(default_factory=dict)  # of a frame: {linked cell: where their line meets it, from the middle}


def build_layers(container):
    """Set the container's cells, rows and ways. Those of the container around it must be there."""
    order, inputs = _ranked(container)
    _mark_main_way(container, order, inputs)
    ways = _linked(container)
    _fix_ports(container)
    rows = _fewest_crossings(_first_orders(list(container.cells.values())))
    _number(rows)
    _cross_late(rows)
    container.rows, container.ways = _bundled(rows, ways)
    _number(container.rows)


# ---- ranks


def _ranked(container):
    """Make the cells of items and ports with their ranks. (names in forward order, {name: names linked to it}).

    A rank is as late as its users allow; ports stand before the first and after the last.
    """
    items = {item["id"]: item for item in container.items}
    inputs, users = {name: [] for name in items}, {name: [] for name in items}
    for source, target in container.links:
        inputs.setdefault(target, []).append(source)
        users.setdefault(source, []).append(target)
    order = _forward_order(items, inputs)
    to_go = {}  # steps on the longest way forward
    for name in reversed(order):
        to_go[name] = max((to_go[user] + 1 for user in users[name] if user in items), default=0)
    incoming = [name for name in users if name not in items]
    outgoing = [name for name in inputs if name not in items]
    last = max(to_go.values(), default=0) + (1 if incoming else 0)
    for name in incoming:
        container.cells[name] = Cell(name, leaf=outer_source(container, name).leaf)
    for name in order:
        container.cells[name] = Cell(name, items[name], _leaf(items[name], inputs[name]), last - to_go[name])
    for name in outgoing:
        container.cells[name] = Cell(name, leaf=container.cells[inputs[name][0]].leaf, rank=last + 1)
    return [*incoming, *order, *outgoing], {**dict.fromkeys(incoming, ()), **inputs}


def _leaf(item, inputs):
    """A group that nothing comes to is taken for its parameters."""
    if item["kind"] in ("parameter", "input"):
        return item["kind"]
    return "parameter" if item["group"] is not None and not inputs else None


def _forward_order(items, inputs):
    """Items such that each comes after those linked to it, otherwise in their own order."""
    order, entered, done = [], set(), set()
    for first in items:
        stack = [first]
        while stack:
            name = stack[-1]
            if name in entered:
                stack.pop()
                if name not in done:
                    done.add(name)
                    order.append(name)
                continue
            entered.add(name)
            for source in reversed(inputs[name]):
                if source in entered and source not in done:
                    both = f"{source} to {name} and back"
                    raise ValueError(f"scene: expected data to flow one way, got lines from {both}")
                if source in items and source not in done:
                    stack.append(source)
    return order


def outer_source(container, port):
    """The cell of the container around it that lines to a port "in:X" come from."""
    cells = container.parent.cells
    return cells[port[3:]] if port[3:] in cells else cells[port]


def _mark_main_way(container, order, inputs):
    """From the output back, always on to the input with the most steps behind it, until two have as many.

    An open group's main way continues that of the container around it.
    """
    cells = container.cells
    outer = container.parent.cells[container.name] if container.parent else Cell()
    depth = {}  # steps on the longest way from a start; as if many came before where data comes in
    for name in order:
        depth[name] = max((depth[source] + 1 for source in inputs[name]), default=0)
        incoming = name.startswith("in:")
        if incoming and outer_source(container, name) is outer.main_before:
            depth[name] = 2 * len(order)
        elif cells[name].leaf == "input" or incoming and cells[name].leaf is None:
            depth[name] = len(order)
    ends = [name for name in order if name.startswith("out:")]
    going_on = [name for name in ends if outer.main_after and outer.main_after.name in container.onward[name]]
    here = max(going_on or ends or order, key=depth.get, default=None)
    while here is not None:
        cells[here].main = True
        deepest = [source for source in inputs[here] if depth[source] == depth[here] - 1]
        if len(deepest) != 1:
            break
        cells[here].main_before, cells[deepest[0]].main_after = cells[deepest[0]], cells[here]
        here = deepest[0]


# ---- ways


def _linked(container):
    """The cells that each link passes, those of neighbouring ranks linked.

    Lines from one source share their bends; those of an operation that is used but a few times have their own.
    """
    cells = container.cells
    far = {}  # source -> its targets that are more than a rank away
    for source, target in container.links:
        if cells[target].rank > cells[source].rank + 1:
            far[source] = far.get(source, 0) + 1
    bends, ways = {}, {}
    for start, end in container.links:
        source, target = cells[start], cells[end]
        lane = end if far.get(start, 0) <= LANES and not source.leaf else None
        way = [source]
        for rank in range(source.rank + 1, target.rank):
            key = start, lane, rank
            if key not in bends:
                bends[key] = Cell(rank=rank, leaf=source.leaf, source=source)
            way.append(bends[key])
        way.append(target)
        if target.main_before is source:
            for bend in way[1:-1]:
                bend.main = True
        _link(way)
        ways[start, end] = way
    return ways


def _link(way):
    for cell, user in zip(way, way[1:]):
        if user not in cell.after:
            cell.after.append(user)
            user.before.append(cell)


def _bundled(rows, ways):
    """(rows, ways) in which lines from one source that run side by side from there on share their bends."""
    stands_for = {}
    for row in rows:
        previous = None
        for cell in row:
            if _run_together(previous, cell, stands_for):
                stands_for[cell] = previous
                previous.main = previous.main or cell.main
            else:
                previous = cell
    rows = [[cell for cell in row if cell not in stands_for] for row in rows]
    for row in rows:
        for cell in row:
            cell.before, cell.after = [], []
    ways = {ends: [stands_for.get(cell, cell) for cell in way] for ends, way in ways.items()}
    for way in ways.values():
        _link(way)
    return rows, ways


def _run_together(left, right, stands_for):
    if left is None or left.source is None or left.source is not right.source:
        return False
    return stands_for.get(left.before[0], left.before[0]) is stands_for.get(right.before[0], right.before[0])


# ---- order


def _fix_ports(container):
    """Give ports the places that their lines have outside, so that they do not cross at the border."""
    for name, cell in container.cells.items():
        if name.startswith("in:"):
            way = container.parent.ways[outer_source(container, name).name, container.name]
            cell.fixed = way[-2].position
        elif name.startswith("out:"):
            firsts = [container.parent.ways[container.name, end][1].position for end in container.onward[name]]
            cell.fixed = sum(firsts) / len(firsts)


def _first_orders(cells):
    """Rows in the order of a walk back from the ends, inputs in turn (a tree comes out without crossings so);
    and of a walk on from the starts."""
    for near, far in (("after", "before"), ("before", "after")):
        rows = [[] for _ in range(max((cell.rank for cell in cells), default=-1) + 1)]
        seen = set()
        stack = [cell for cell in cells if not getattr(cell, near)]
        while stack:
            cell = stack.pop()
            if cell not in seen:
                seen.add(cell)
                rows[cell.rank].append(cell)
                stack.extend(reversed(getattr(cell, far)))
        for row in rows:
            row.sort(key=_place_outside)
        yield rows


def _place_outside(cell):
    return cell.fixed


def _fewest_crossings(starts):
    """The best that comes of the first orders; at a tie of the earlier one."""
    best, fewest = None, None
    for rows in starts:
        rows, count = _with_few_crossings(rows)
        if best is None or count < fewest:
            best, fewest = rows, count
        if not fewest:
            break
    return best


def _with_few_crossings(rows):
    """The best order that a number of sweeps, back and forth, comes by (Gansner et al. 1993, section 3)."""
    _number(rows)
    best, fewest = [list(row) for row in rows], crossings(rows)
    waited = 0
    for sweep in range(SWEEPS):
        if fewest == 0 or waited == PATIENCE:
            break
        _sweep(rows, forwards=sweep % 2 == 1, from_right=sweep // 2 % 2 == 1)
        _transpose(rows, at_ties=sweep // 2 % 2 == 1)
        count = crossings(rows)
        waited += 1
        if count < fewest:
            best, fewest, waited = [list(row) for row in rows], count, 0
    return best, fewest


def _sweep(rows, forwards, from_right):
    """Sort each row by the weighted median of its cells' neighbours in the row done before it."""
    ranks = range(1, len(rows)) if forwards else range(len(rows) - 2, -1, -1)
    for rank in ranks:
        keys = {}
        for cell in rows[rank]:
            places = sorted([other.position for other in (cell.before if forwards else cell.after)])
            keys[cell] = cell.fixed, _median(places) if places else cell.position
        if from_right:
            rows[rank].reverse()
        rows[rank].sort(key=keys.get)
        _number_row(rows[rank])


def _median(places):
    """The median; between two, nearer to the side on which the others are denser."""
    half = len(places) // 2
    if len(places) % 2:
        return places[half]
    if len(places) == 2:
        return (places[0] + places[1]) / 2
    left, right = places[half - 1] - places[0], places[-1] - places[half]
    if not left + right:
        return (places[half - 1] + places[half]) / 2
    return (places[half - 1] * right + places[half] * left) / (left + right)


def _transpose(rows, at_ties):
    """Swap neighbours in their row wherever that leaves fewer crossings, until it does so nowhere."""
    waiting = set(range(len(rows)))
    rounds = EFFORT // max(1, sum(map(len, rows)))
    for _ in range(max(2, min(SWEEPS, rounds))):
        changed = set()
        for rank in sorted(waiting):
            if _swap_neighbours(rows[rank], at_ties):
                changed.update((rank - 1, rank, rank + 1))
        waiting = changed & set(range(len(rows)))
        if not waiting:
            break


def _swap_neighbours(row, at_ties):
    """Whether a swap left fewer crossings."""
    swapped = False
    ends = _ends(row)
    for index in range(len(row) - 1):
        left, right = row[index], row[index + 1]
        if left.fixed != right.fixed:
            continue
        gain = _gain(ends[left][0], ends[right][0]) + _gain(ends[left][1], ends[right][1])
        if gain > 0 or (gain == 0 and at_ties):
            row[index], row[index + 1] = right, left
            swapped = swapped or gain > 0
    _number_row(row)
    return swapped


def _cross_late(rows):
    """Where that is as good, let lines run side by side for long and cross only where they end."""
    for row in rows:
        ends, swapped = _ends(row), True
        while swapped:
            swapped = False
            for index in range(len(row) - 1):
                left, right = row[index], row[index + 1]
                crossed = left.source and right.source and ends[left][0] > ends[right][0]
                if crossed and _gain(ends[left][1], ends[right][1]) == -1:
                    row[index], row[index + 1] = right, left
                    swapped = True
        _number_row(row)


def _ends(row):
    """{cell: positions of what it is linked to in the previous row, and in the next}."""
    return {cell: ([each.position for each in cell.before], [each.position for each in cell.after]) for cell in row}


def _gain(left, right):
    """How many crossings fewer there are between the links of two neighbours when these are swapped."""
    gain = 0
    for place in left:
        for other in right:
            if place > other:
                gain += 1
            elif place < other:
                gain -= 1
    return gain


def crossings(rows):
    """How many pairs of links cross, over all ranks. Every cell's `position` must be that in its row."""
    count = 0
    for row in rows:
        ends = []  # where the links of the cells so far arrive, sorted
        for cell in row:
            arriving = [user.position for user in cell.after]
            count += sum([len(ends) - bisect_right(ends, end) for end in arriving])
            for end in arriving:
                insort(ends, end)
    return count


def _number(rows):
    for row in rows:
        _number_row(row)


def _number_row(row):
    for index, cell in enumerate(row):
        cell.position = index
