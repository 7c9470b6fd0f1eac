"""The first half of a layout: which rank each node is in, and in which order a rank is drawn.

A node's rank is as near to its users as it can be. Where a line crosses a rank it gets a bend there, a
cell that takes up room as a box does, so that lines are kept clear of boxes.
"""

from bisect import bisect_right, insort
from dataclasses import dataclass, field

SWEEPS = 8


@dataclass(eq=False)
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


def build_layers(graph, size):
    """(cells, rows, ways): the cell of each node, all cells by rank in order, the cells each edge passes.

    size: function of a node that gives its (length, breadth).
    """
    ranks = node_ranks(graph)
    cells = [Cell(ranks[node.id], node, *size(node), parameter=node.kind == "parameter") for node in graph.nodes]
    _mark_main_way(graph, cells)
    ways = _link_cells(graph, cells)
    rows = _first_order(cells)
    return cells, _with_few_crossings(rows), ways


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


def _link_cells(graph, cells):
    """Link cells of neighbouring ranks along the edges. The lines from one source share their bends."""
    bends = {}
    ways = []
    for edge in graph.edges:
        source, target = cells[edge.source], cells[edge.target]
        way = [source]
        for rank in range(source.rank + 1, target.rank):
            way.append(bends.setdefault((edge.source, rank), Cell(rank, parameter=source.parameter)))
        way.append(target)
        for cell, user in zip(way, way[1:]):
            if user not in cell.after:
                cell.after.append(user)
                user.before.append(cell)
        ways.append(way)
    return ways


def _first_order(cells):
    """Rows in the order of a walk back from the ends, inputs in turn: a tree comes out without crossings."""
    rows = [[] for _ in range(max(cell.rank for cell in cells) + 1)]
    seen = set()
    stack = [cell for cell in cells if not cell.after]
    while stack:
        cell = stack.pop()
        if cell not in seen:
            seen.add(cell)
            rows[cell.rank].append(cell)
            stack.extend(reversed(cell.before))
    return rows


def _with_few_crossings(rows):
    """The best order that a number of sweeps, back and forth, comes by."""
    best, fewest = rows, _crossings(rows)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        rows = _swept(rows, forwards=sweep % 2 == 1)
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _swept(rows, forwards):
    """Each row sorted by the mean position of its neighbours in the row done before it."""
    rows = list(rows)
    ranks = range(1, len(rows)) if forwards else range(len(rows) - 2, -1, -1)
    for rank in ranks:
        position = _positions(rows[rank - 1 if forwards else rank + 1])
        means = {}
        for index, cell in enumerate(rows[rank]):
            neighbours = [position[other] for other in (cell.before if forwards else cell.after)]
            means[cell] = sum(neighbours) / len(neighbours) if neighbours else index
        rows[rank] = sorted(rows[rank], key=means.get)
    return rows


def _crossings(rows):
    """How many pairs of links cross, over all ranks."""
    crossings = 0
    for row, next_row in zip(rows, rows[1:]):
        position = _positions(next_row)
        ends = []  # where the links of the cells so far arrive, sorted
        for cell in row:
            arriving = [position[user] for user in cell.after]
            crossings += sum(len(ends) - bisect_right(ends, end) for end in arriving)
            for end in arriving:
                insort(ends, end)
    return crossings


def _positions(row):
    return {cell: index for index, cell in enumerate(row)}
