"""The second half of a layout: where each cell of the ordered rows goes, in whole pixels.

Across the flow of data, sweeps move each row towards its neighbours so that lines run straight. Along
it, a rank is as long as its longest box.
"""

BOX_GAP = 16  # pixels between neighbours in a rank
CLIMB = 6  # a gap between ranks is a pixel wider for each so many that a line climbs in it,
WIDER = 30  # but at most so many pixels wider
SWEEPS = 8


def place_across(rows, margin):
    """Set every cell's `middle`: order and distance kept, lines straight where they can be."""
    cells = [cell for row in rows for cell in row]
    before = {cell: [(other, _pull(other, cell)) for other in _followed(cell)] for cell in cells}
    after = {cell: [(other, _pull(cell, other)) for other in cell.after] for cell in cells}
    for row in rows:
        _settle(row, [0.0] * len(row))
    for _ in range(SWEEPS):
        places = [cell.middle for cell in cells]
        for row in reversed(rows):
            _settle(row, [_wish(cell, after[cell]) for cell in row])
        for row in rows:
            _settle(row, [_wish(cell, before[cell]) for cell in row])
        if places == [cell.middle for cell in cells]:
            break
    for row in reversed(rows):  # what follows no input goes to its users, the others stay
        _settle(row, [_wish(cell, [] if before[cell] else after[cell]) for cell in row])
    for cell in cells:
        cell.middle = round(cell.middle)
    shift = margin - min(cell.middle - cell.breadth // 2 for cell in cells)
    for cell in cells:
        cell.middle += shift


def place_along(rows, margin, gap):
    """(starts, ends) of the ranks, `gap` apart. Where lines climb steeply the gap is wider."""
    starts, ends = [], []
    start = margin
    for row in rows:
        starts.append(start)
        ends.append(start + max(cell.length for cell in row))
        climb = max((abs(cell.middle - user.middle) for cell in row for user in cell.after), default=0)
        start = ends[-1] + gap + min(WIDER, climb // CLIMB)
    return starts, ends


def _followed(cell):
    """The inputs a cell is placed by: parameters come to the operations that use them, not the other way."""
    if cell.node is None:
        return cell.before
    return [other for other in cell.before if not other.parameter]


def _pull(cell, user):
    """How much a link between two cells should be straight."""
    if cell.main and user.main or cell.node is None and user.node is None:
        return 8
    if cell.node is None or user.node is None or cell.parameter:
        return 1
    return 2


def _hold(cell):
    """How firmly a cell holds its place against its neighbours: so much that the looser one yields."""
    if cell.main:
        return 1e9
    if cell.node is None:
        return 1e3
    return 1.0 if cell.parameter else 1e6


def _wish(cell, neighbours):
    """Where a cell would like to be: at the weighted median of its neighbours [(cell, pull)], or as it is.

    The median, unlike the mean, is exactly in line with the neighbour that outweighs the others.
    """
    if not neighbours:
        return cell.middle
    places = sorted((other.middle, pull) for other, pull in neighbours)
    half = sum(pull for _, pull in places) / 2
    below = 0
    for index, (place, pull) in enumerate(places):
        below += pull
        if below >= half:
            return place if below > half else (place + places[index + 1][0]) / 2


def _settle(row, wishes):
    """Move each cell of a row as near to its wish as order and distance allow (weighted least squares).

    With the distances taken off, the places need only rise. Neighbours whose wishes fall are pooled at
    their mean, until none do.
    """
    offsets = [0]
    for cell, right in zip(row, row[1:]):
        offsets.append(offsets[-1] + (cell.breadth + right.breadth) // 2 + BOX_GAP)
    pools = []  # [place, weight, cells]
    for cell, wish, offset in zip(row, wishes, offsets):
        place, weight, cells = wish - offset, _hold(cell), [(cell, offset)]
        while pools and pools[-1][0] > place:
            left_place, left_weight, left_cells = pools.pop()
            place = (left_place * left_weight + place * weight) / (left_weight + weight)
            weight += left_weight
            cells = left_cells + cells
        pools.append((place, weight, cells))
    for place, _, cells in pools:
        for cell, offset in cells:
            cell.middle = place + offset
