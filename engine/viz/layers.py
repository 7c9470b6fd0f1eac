"""The first half of a layout: which rank each node is in, and in which order a rank is drawn.

A node's rank is as near to its users as it can be. Where a line crosses a rank it gets a bend there, a
cell that takes up room as a box does, so that lines are kept clear of boxes.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field

SWEEPS = 24  # over all ranks at most,
PATIENCE = 8  # and so many without a better order
LANES = 4  # so many lines over several ranks from one operation each look for their own way; others share one


@dataclass(eq=False, repr=False)
class Cell:
    """What takes up room in a rank: a node's box, or a bend (node None) of the lines from one source."""

    rank: int
    node: object = None
    length: int = 0  # along the flow of data; even, as breadth is, so that halves are whole pixels
    breadth: int = 0  # across it
    before: list = field(default_factory=list)  # linked cells of the previous rank
    after: list = field(default_factory=list)  # and of the next
    parameter: bool = False  # a parameter's box, or a bend of its lines
    main: bool = False  # on the way of most steps to the output
    middle: float = 0.0  # the place across, see places.py
    source: object = None  # of a bend: the cell its lines come from


def build_layers(graph, size):
    """(cells, rows, ways): the cell of each node, all cells by rank in order, the cells each edge passes.

    size: function of a node that gives its (length, breadth).
    """
    ranks = node_ranks(graph)
    cells = [Cell(ranks[node.id], node, *size(node), parameter=node.kind == "parameter") for node in graph.nodes]
    _mark_main_way(graph, cells)
    ways = _linked(graph, cells)
    rows, ways = _bundled(_fewest_crossings(_first_orders(cells)), ways)
    return cells, rows, ways


def node_ranks(graph):
    """The rank of each node: as late as its users allow. Edges have source < target, so one pass does."""
    users = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        users[edge.source].append(edge.target)
    to_go = [0] * len(graph.nodes)  # steps on the longest way forward
    for node in reversed(graph.nodes):
        to_go[node.id] = max((to_go[user] + 1 for user in users[node.id]), default=0)
    return [max(to_go) - steps for steps in to_go]


def _mark_main_way(graph, cells):
    """From the output back, always on to the input with the most steps behind it, until two have as many."""
    inputs = {node.id: set() for node in graph.nodes}
    depth = [0] * len(graph.nodes)  # steps on the longest way from a start
    for edge in graph.edges:
        inputs[edge.target].add(edge.source)
        depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
    deepest = [graph.nodes[-1].id]
    while len(deepest) == 1:
        here = deepest[0]
        cells[here].main = True
        deepest = [source for source in inputs[here] if depth[source] == depth[here] - 1]


def _linked(graph, cells):
    """The cells each edge passes, those of neighbouring ranks linked. 
    Lines from one source share their bends; those of an operation that is used but a few times have their own."""
    far = {}  # source -> its targets that are more than a rank away
    for edge in graph.edges:
        if cells[edge.target].rank > cells[edge.source].rank + 1:
            far.setdefault(edge.source, set()).add(edge.target)
    bends, ways = {}, []
    for edge in graph.edges:
        source, target = cells[edge.source], cells[edge.target]
        lane = edge.target if len(far.get(edge.source, ())) <= LANES and not source.parameter else None
        way = [source]
        for rank in range(source.rank + 1, target.rank):
            bend = Cell(rank, parameter=source.parameter, source=source)
            way.append(bends.setdefault((edge.source, lane, rank), bend))
        way.append(target)
        _link(way)
        ways.append(way)
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
            else:
                previous = cell
    rows = [[cell for cell in row if cell not in stands_for] for row in rows]
    for row in rows:
        for cell in row:
            cell.before, cell.after = [], []
    ways = [[stands_for.get(cell, cell) for cell in way] for way in ways]
    for way in ways:
        _link(way)
    return rows, ways


def _run_together(left, right, stands_for):
    if left is None or left.source is None or left.source is not right.source:
        return False
    return stands_for.get(left.before[0], left.before[0]) is stands_for.get(right.before[0], right.before[0])


def _first_orders(cells):
    """Rows in the order of a walk back from the ends, inputs in turn (a tree comes out without crossings so);
    and of a walk on from the starts."""
    for near, far in (("after", "before"), ("before", "after")):
        rows = [[] for _ in range(max(cell.rank for cell in cells) + 1)]
        seen = set()
        stack = [cell for cell in cells if not getattr(cell, near)]
        while stack:
            cell = stack.pop()
            if cell not in seen:
                seen.add(cell)
                rows[cell.rank].append(cell)
                stack.extend(reversed(getattr(cell, far)))
        yield rows


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
    best, fewest = rows, crossings(rows)
    waited = 0
    for sweep in range(SWEEPS):
        if fewest == 0 or waited == PATIENCE:
            break
        rows = _swept(rows, forwards=sweep % 2 == 1, from_right=sweep // 2 % 2 == 1)
        _transpose(rows, at_ties=sweep // 2 % 2 == 1)
        count = crossings(rows)
        waited += 1
        if count < fewest:
            best, fewest, waited = [list(row) for row in rows], count, 0
    return best, fewest


def _swept(rows, forwards, from_right):
    """Each row sorted by the weighted median of its cells' neighbours in the row done before it."""
    rows = list(rows)
    ranks = range(1, len(rows)) if forwards else range(len(rows) - 2, -1, -1)
    for rank in ranks:
        position = _positions(rows[rank - 1 if forwards else rank + 1])
        medians = {}
        for index, cell in enumerate(rows[rank]):
            neighbours = cell.before if forwards else cell.after
            medians[cell] = _median(sorted(position[other] for other in neighbours)) if neighbours else index
        rows[rank] = sorted(reversed(rows[rank]) if from_right else rows[rank], key=medians.get)
    return rows


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
    for _ in range(SWEEPS):
        changed = set()
        for rank in sorted(waiting):
            if _swap_neighbours(rows, rank, at_ties):
                changed.update((rank - 1, rank, rank + 1))
        waiting = changed & set(range(len(rows)))
        if not waiting:
            break


def _swap_neighbours(rows, rank, at_ties):
    row, swapped = rows[rank], False
    above = _positions(rows[rank - 1]) if rank else {}
    below = _positions(rows[rank + 1]) if rank + 1 < len(rows) else {}
    ends = {cell: ([above[each] for each in cell.before], [below[each] for each in cell.after]) for cell in row}
    for index in range(len(row) - 1):
        left, right = ends[row[index]], ends[row[index + 1]]
        gain = sum(_inversions(*pair) - _inversions(*reversed(pair)) for pair in zip(left, right))
        if gain > 0 or (gain == 0 and at_ties):
            row[index], row[index + 1] = row[index + 1], row[index]
            swapped = swapped or gain > 0
    return swapped


def _inversions(left, right):
    """How many links of the left one of two neighbours cross links of the right one."""
    return sum(place > other for place in left for other in right)


def crossings(rows):
    """How many pairs of links cross, over all ranks."""
    count = 0
    for row, next_row in zip(rows, rows[1:]):
        position = _positions(next_row)
        ends = []  # where the links of the cells so far arrive, sorted
        for cell in row:
            arriving = [position[user] for user in cell.after]
            count += sum(len(ends) - bisect_right(ends, end) for end in arriving)
            for end in arriving:
                insort(ends, end)
    return count


def _positions(row):
    return {cell: index for index, cell in enumerate(row)}
