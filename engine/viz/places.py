"""The second half of a layout: where each cell of the ordered rows goes, in whole pixels.

Across the flow of data, sweeps move each row towards its neighbours so that lines run straight. Along
it, a rank is as long as its longest box.
"""

RANK_GAP = 34  # pixels between ranks, besides the arrow head
BOX_GAP = 16  # pixels between neighbours in a rank
STEEPEST = 6  # pixels a line may climb for each pixel that a gap is widened by, until it is
WIDEST = 30  # pixels wider
SWEEPS = 12


def place_across(rows, margin):
    """Set every cell's `middle`: order and distance kept, lines straight where they can be."""
    for row in rows:
        _settle(row, [0.0] * len(row))
    for _ in range(SWEEPS):
        for row in reversed(rows):
            _settle(row, [_wish(cell.after, cell.middle) for cell in row])
        for row in rows:
            _settle(row, [_wish(cell.before, cell.middle) for cell in row])
    for row in rows:  # what has no inputs goes to its users, the others stay
        _settle(row, [cell.middle if cell.before else _wish(cell.after, cell.middle) for cell in row])
    cells = [cell for row in rows for cell in row]
    for cell in cells:
        cell.middle = round(cell.middle)
    shift = margin - min(cell.middle - cell.breadth // 2 for cell in cells)
    for cell in cells:
        cell.middle += shift


def place_along(rows, margin, arrow):
    """(starts, ends) of the ranks. Where lines climb steeply the gap is wider."""
    starts, ends = [], []
    start = margin
    for row in rows:
        starts.append(start)
        ends.append(start + max(cell.length for cell in row))
        climb = max((abs(cell.middle - user.middle) for cell in row for user in cell.after), default=0)
        start = ends[-1] + RANK_GAP + arrow + min(WIDEST, climb // STEEPEST)
    return starts, ends


def _weight(cell):
    """How strongly a cell holds its place: operations and bends do, parameters give way."""
    return 1.0 if cell.node is not None and cell.node.kind == "parameter" else 1000.0


def _wish(neighbours, middle):
    """The weighted median of the neighbours' places: exactly in line with the one that outweighs the rest."""
    if not neighbours:
        return middle
    places = sorted((cell.middle, _weight(cell)) for cell in neighbours)
    half = sum(weight for _, weight in places) / 2
    below = 0.0
    for index, (place, weight) in enumerate(places):
        below += weight
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
        place, weight, cells = wish - offset, _weight(cell), [(cell, offset)]
        while pools and pools[-1][0] > place:
            left_place, left_weight, left_cells = pools.pop()
            place = (left_place * left_weight + place * weight) / (left_weight + weight)
            weight += left_weight
            cells = left_cells + cells
        pools.append((place, weight, cells))
    for place, _, cells in pools:
        for cell, offset in cells:
            cell.middle = place + offset
