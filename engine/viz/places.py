"""The second half of a layout: where each cell of a container's ordered rows goes, in whole pixels.

Across the flow of data, sweeps move each row towards its neighbours so that lines run straight. Along it, a rank is as
long as its longest box. Numbers are added up and halved in the same order as in js/places.js, so they come out equal.
"""

from itertools import islice
from math import floor

BOX_GAP = 16  # pixels between neighbours in a rank,
LINE_GAP = 12  # where both are lines, and between lines that enter a box or pass a border together
CLIMB = 6  # a gap between ranks is a pixel wider for each so many that a line climbs in it,
WIDER = 30  # but at most so many pixels wider
SWEEPS = 8


def place_across(rows, ways):
    """Set every cell's `middle`: order and distance kept, lines straight where they can be."""
    cells = [cell for row in rows for cell in row]
    before = {cell: [(each, _pull(each, cell), -_bend(each, cell)) for each in _followed(cell)] for cell in cells}
    after = {cell: [(each, _pull(cell, each), _bend(cell, each)) for each in cell.after] for cell in cells}
    spaced = [(row, _offsets(row), [_hold(cell) for cell in row]) for row in rows]
    for row in spaced:
        _settle(*row, [0] * len(row[0]))
    for _ in range(SWEEPS):
        places = [cell.middle for cell in cells]
        for row in reversed(spaced):
            _settle(*row, [_wish(cell, after[cell]) for cell in row[0]])
        for row in spaced:
            _settle(*row, [_wish(cell, before[cell]) for cell in row[0]])
        if places == [cell.middle for cell in cells]:
            break
    for row in reversed(spaced):  # what follows no input goes to its users, the others stay
        _settle(*row, [_wish(cell, [] if before[cell] else after[cell]) for cell in row[0]])
    wishes = _straight(ways)
    for row in spaced:
        _settle(*row, [wishes.get(cell, cell.middle) for cell in row[0]])
    for cell in cells:
        cell.middle = floor(cell.middle + 0.4)  # not 0.5: many are halves, which an error in the last digit must not part


def _straight(ways):
    """{bend: its place, if all bends of its longest way stand where the one does that had to go aside most}."""
    wishes = {}
    for source, *bends, target in sorted(ways, key=len, reverse=True):
        bends = [bend for bend in bends if not bend.main]
        if len(bends) > 1:
            middle = (source.middle + target.middle) / 2
            furthest = max(bends, key=lambda bend: abs(bend.middle - middle)).middle
            for bend in bends:
                wishes.setdefault(bend, furthest)
    return wishes


def place_along(rows, start, gap, port_gap):
    """(starts, ends) of the ranks, the first at `start`, `gap` apart. Where lines climb steeply the gap is wider."""
    starts, ends = [], []
    for row, next_row in zip(rows, [*rows[1:], []]):
        starts.append(start)
        ends.append(start + max([cell.length for cell in row]))
        climb = max([abs(_bend(cell, user) + cell.middle - user.middle) for cell in row for user in cell.after], default=0)
        at_border = is_port(row[0]) or next_row and is_port(next_row[0])
        start = ends[-1] + (port_gap if at_border else gap) + min(WIDER, climb // CLIMB)
    return starts, ends


def is_port(cell):
    return cell.name is not None and cell.item is None


def _bend(cell, user):
    """How much further from its cell's middle a line leaves than it enters its user, if both stand in line."""
    return cell.joints.get(user, 0) - user.joints.get(cell, 0)


def _followed(cell):
    """The inputs a cell is placed by: parameters come to the operations that use them, not the other way."""
    if cell.item is None:
        return cell.before
    return [other for other in cell.before if other.main or not other.leaf]


def _pull(cell, user):
    """How much a link between two cells should be straight."""
    if cell.main and user.main or cell.name is None and user.name is None:
        return 8
    if cell.name is None or user.name is None or cell.leaf:
        return 1
    return 2


def _hold(cell):
    """How firmly a cell holds its place against its neighbours: so much that the looser one yields."""
    if cell.main:
        return 1e12
    if cell.item is None:
        return 1e3
    return 1 if cell.leaf else 1e6


def _wish(cell, neighbours):
    """Where a cell would like to be: at the weighted median of [(cell, pull, how far from its middle)], or as it is.

    The median, unlike the mean, is exactly in line with the neighbour that outweighs the others.
    """
    if not neighbours:
        return cell.middle
    if len(neighbours) == 1:
        other, _, away = neighbours[0]
        return other.middle - away
    places = sorted([(other.middle - away, pull) for other, pull, away in neighbours])
    half = sum([pull for _, pull in places]) / 2
    below = 0
    for index, (place, pull) in enumerate(places):
        below += pull
        if below >= half:
            return place if below > half else (place + places[index + 1][0]) / 2


def _offsets(row):
    """How far, at least, each cell of a row is from the first."""
    offsets = [0] if row else []
    for cell, right in zip(row, row[1:]):
        gap = LINE_GAP if cell.item is None and right.item is None else BOX_GAP
        offsets.append(offsets[-1] + cell.right + gap + right.left)
    return offsets


def _settle(row, offsets, holds, wishes):
    """Move each cell of a row as near to its wish as order and distance allow (weighted least squares).

    With the distances taken off, the places need only rise. Neighbours whose wishes fall are pooled at
    their mean, until none do.
    """
    pools = []  # (place, weight, how many cells)
    for offset, weight, place in zip(offsets, holds, wishes):
        place, count = place - offset, 1
        while pools and pools[-1][0] > place:
            left_place, left_weight, left_count = pools.pop()
            place = (left_place * left_weight + place * weight) / (left_weight + weight)
            weight += left_weight
            count += left_count
        pools.append((place, weight, count))
    placed = zip(row, offsets)
    for place, _, count in pools:
        for cell, offset in islice(placed, count):
            cell.middle = place + offset
