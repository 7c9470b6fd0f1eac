"""The second half of a layout: where each cell of a container's ordered rows goes, in whole pixels.

Across the flow of data, sweeps move each row towards its neighbours so that lines run straight. Along it, a rank is as
long as its longest box. Numbers are added up and halved in the same order as in js/places.js, so they come out equal.
"""

from itertools import islice
from math import floor, inf

BOX_GAP = 16  # pixels between neighbours in a rank,
LINE_GAP = 12  # where both are lines, and between lines that enter a box or pass a border together
CLIMB = 6  # a gap between ranks is a pixel wider for each so many that a line climbs in it,
WIDER = 30  # but at most so many pixels wider
KINK = 1.5  # pixels that look like a mistake
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
    ways = sorted(ways, key=len, reverse=True)
    for _ in range(2):  # a line may have waited for another to make room
        _straighten(ways, rows)
        for row in reversed(spaced):  # what follows no input goes to its users, the others stay
            _settle(*row, [_wish(cell, [] if before[cell] else after[cell]) for cell in row[0]])
    _take_out_kinks(cells)
    for cell in cells:
        cell.middle = floor(cell.middle + 0.4)  # not 0.5: many are halves, which a tiny error must not part


def _straighten(ways, rows):
    """Let the bends of each way stand in line, as many of them as there is room for beside their neighbours."""
    done = set()
    for way in ways:
        run, low, high = [], -inf, inf
        for bend in way[1:-1]:
            if bend.main or bend in done:
                continue
            done.add(bend)
            lowest, highest = _room(bend, rows[bend.rank])
            if max(low, lowest) > min(high, highest):
                _align(run, low, high)
                run, low, high = [], -inf, inf
            run.append(bend)
            low, high = max(low, lowest), min(high, highest)
        _align(run, low, high)


def _room(cell, row):
    """(lowest, highest) place that a cell can have between its neighbours."""
    lowest, highest = -inf, inf
    if cell.position > 0:
        left = row[cell.position - 1]
        lowest = left.middle + _distance(left, cell)
    if cell.position + 1 < len(row):
        right = row[cell.position + 1]
        highest = right.middle - _distance(cell, right)
    return lowest, highest


def _align(run, low, high):
    """Put bends at one place, near to where most of them are."""
    places = sorted([bend.middle for bend in run])
    for bend in run:
        bend.middle = max(low, min(high, places[len(places) // 2]))


def _take_out_kinks(cells):
    """Where a line climbs by less than a pixel or two, it shall not climb at all; the distances can spare that."""
    for cell in cells:
        linked = [each for each in cell.before if each.main] if cell.main_before else cell.before
        climbs = [each.middle + _bend(each, cell) - cell.middle for each in linked]
        least = min(climbs, key=abs, default=0)
        if abs(least) <= KINK:
            cell.middle += least


def _distance(left, right):
    """How far apart the middles of neighbours are, at least."""
    return left.right + right.left + (LINE_GAP if left.item is None and right.item is None else BOX_GAP)


def place_along(rows, start, gap, port_gap):
    """(starts, ends) of the ranks, the first at `start`, `gap` apart. Where lines climb steeply the gap is wider."""
    starts, ends = [], []
    for row, next_row in zip(rows, [*rows[1:], []]):
        starts.append(start)
        ends.append(start + max([cell.length for cell in row]))
        climbs = [abs(_bend(cell, user) + cell.middle - user.middle) for cell in row for user in cell.after]
        at_border = is_port(row[0]) or next_row and is_port(next_row[0])
        start = ends[-1] + (port_gap if at_border else gap) + min(WIDER, max(climbs, default=0) // CLIMB)
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
        return 1e4
    return 1 if cell.leaf else 1e8


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
        offsets.append(offsets[-1] + _distance(cell, right))
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
