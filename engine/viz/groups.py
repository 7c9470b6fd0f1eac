"""Groups of nodes that can be shown as one box: module calls, repetitions of alike ones, parts of what is too wide.

A tree of `Box`es is made of the operations, in the order in which they happened, so that the operations of every box
are neighbours in that order; leaves then go to the innermost box that holds all of their users. Closing any boxes
therefore never makes a circle.
"""

from collections import Counter
from dataclasses import dataclass, field

from .computation import Group

SEEN = 60  # boxes that are seen when a picture opens, at most (if the graph allows)
WIDEST = 48  # items in a box; more are split into parts
TAIL = 52  # items and leaves nearest to the output that stay by themselves when a box is split
PARTS = 40  # into which the rest of it is split
BUNDLE = 24  # leaves of one operation; more are bundled
LONGEST_PERIOD = 48  # operations in a member of a repetition
FEWEST = 3  # members of a repetition
BUNDLED = "tensors"  # the type of a box of leaves
UNNAMED = "data"  # the label of an input that nobody calls anything


@dataclass(eq=False)
class Box:
    """A group in the making. items: numbers of nodes, and boxes, in forward order."""

    kind: str
    label: str = ""
    type: str = ""
    path: str = ""
    count: int = 1
    items: list = field(default_factory=list)
    module: object = None
    id: int | None = None
    parent: object = None


def grouped(nodes, edges, calls, module_names):
    """(groups, {node: group}, [groups that are open at first], {leaf: shorter label}, {operation: its module's path}).

    nodes: dicts with "kind", "label", "shape", "dtype". edges: [(source, target)]. calls: {number of an operation: the
    ModuleCalls around it}. module_names: {id of a module: what the caller calls it}.
    """
    leaves_of = _private_leaves(nodes, edges)
    root, paths = _tree_of_calls(nodes, calls, module_names)
    boxes = _top_down(root)
    signatures = {}
    for box in reversed(boxes):
        _drop_lonely(box)
        _repeat(box, nodes, signatures, plain_too=len(nodes) > SEEN)
        _bundle_leaves(box, leaves_of)
    for box in _top_down(root):  # again: repetitions brought new ones
        _split(box, leaves_of)
    boxes = _top_down(root)
    for number, box in enumerate(boxes[1:]):
        box.id = number
    home = _homes(boxes, nodes, edges)
    groups = [
        Group(box.id, box.parent.id, box.kind, box.label, box.type, box.path, box.count) for box in boxes[1:]]
    group_of = {number: box.id for number, box in home.items() if box is not root}
    return groups, group_of, _opened(boxes, home), _short_labels(nodes, home), paths


def _is_leaf(node):
    return node["kind"] in ("parameter", "input")


def _private_leaves(nodes, edges):
    """{number of a node: the leaves that it alone uses}."""
    users = {}
    for source, target in edges:
        if _is_leaf(nodes[source]):
            users.setdefault(source, set()).add(target)
    leaves = {}
    for leaf, its_users in users.items():
        if len(its_users) == 1:
            leaves.setdefault(*its_users, []).append(leaf)
    return leaves


def _top_down(root):
    """The boxes of a tree, each after the one it is in; sets their parents."""
    boxes = [root]
    for box in boxes:  # the list grows while it is walked
        for item in box.items:
            if isinstance(item, Box):
                item.parent = box
                boxes.append(item)
    return boxes


# ---- module calls -------------------------------------------------------------------------------------


def _tree_of_calls(nodes, calls, module_names):
    root, paths = Box("root"), {}
    open_calls, open_boxes = [], [root]
    for number, node in enumerate(nodes):
        if _is_leaf(node):
            continue
        now = calls.get(number, ())
        same = 0
        while same < min(len(now), len(open_calls)) and now[same] is open_calls[same]:
            same += 1
        del open_boxes[same + 1 :]
        for call in now[same:]:
            box = _box_of_call(call.module, open_boxes[-1], module_names)
            open_boxes[-1].items.append(box)
            open_boxes.append(box)
        open_calls = now
        open_boxes[-1].items.append(number)
        if now:
            paths[number] = open_boxes[-1].path
    return root, paths


def _box_of_call(module, outside, module_names):
    kind = type(module).__name__
    inside = _path_inside(outside.module, module)
    if inside is None:
        name = module_names.get(id(module), kind)
        return Box("module", name, kind, name, module=module)
    return Box("module", inside, kind, f"{outside.path}.{inside}", module=module)


def _path_inside(outer, inner):
    """The dotted path from one module to another in it; None if it is not there."""
    for path, module in outer.named_modules() if outer is not None else ():
        if module is inner and path:
            return path
    return None


def _drop_lonely(box):
    """A module that is a single operation needs no box of its own."""
    box.items = [
        item.items[0] if isinstance(item, Box) and len(item.items) == 1 and not isinstance(item.items[0], Box) else item
        for item in box.items]


# ---- repetitions --------------------------------------------------------------------------------------


def _repeat(box, nodes, signatures, plain_too):
    """Put alike neighbours into one box: modules of one kind, or stretches of operations that recur."""
    kinds = [_signature(item, nodes, signatures) for item in box.items]
    items, place = [], 0
    runs = _runs(kinds)
    while place < len(kinds):
        period, count = _best_repetition(box.items, runs, place, plain_too)
        if count:
            items.append(_repetition(box.items[place : place + period * count], period, count, nodes))
        else:
            items.append(box.items[place])
        place += period * max(count, 1)
    box.items = items
    # a module's first call may lack what needs no gradient there: modules are alike if they are printed alike
    whole = box.kind, box.type, tuple(kinds) if box.module is None else repr(box.module)
    signatures[id(box)] = signatures.setdefault(whole, len(signatures))


def _signature(item, nodes, signatures):
    """A number that alike items share: operations with the same label and shape, boxes of one type with alike items."""
    if isinstance(item, Box):
        return signatures[id(item)]
    node = nodes[item]
    key = node["kind"], node["label"], node.get("shape"), node.get("dtype")
    return signatures.setdefault(key, len(signatures))


def _runs(kinds):
    """For each period p: at each place how many of the items from there on are like the one p further on."""
    runs = {}
    for period in range(1, min(LONGEST_PERIOD, len(kinds) // FEWEST) + 1):
        run = [0] * (len(kinds) + 1)
        for place in range(len(kinds) - period - 1, -1, -1):
            run[place] = run[place + 1] + 1 if kinds[place] == kinds[place + period] else 0
        runs[period] = run
    return runs


def _best_repetition(items, runs, place, plain_too):
    """(period, count) of what covers most from this place on, the shorter period at a tie; (1, 0) if nothing recurs."""
    best, covered = (1, 0), 0
    for period, run in runs.items():
        count = run[place] // period + 1
        has_box = any(isinstance(item, Box) for item in items[place : place + period])
        if count >= FEWEST and period * count > covered and (has_box or (plain_too and period * count >= 2 * FEWEST)):
            best, covered = (period, count), period * count
    return best


def _repetition(items, period, count, nodes):
    types = [item.type or item.label for item in items[:period] if isinstance(item, Box)]
    if period == 1:
        what = types[0] if types else nodes[items[0]]["label"]
        return Box("repeat", f"{what} × {count:,}", what, count=count, items=items)
    what = types[0] if len(types) == 1 else f"{period} operations"
    members = [
        Box("part", f"{number + 1}", items=items[number * period : (number + 1) * period]) for number in range(count)]
    return Box("repeat", f"{what} × {count:,}", what, count=count, items=members)


# ---- what is too wide ---------------------------------------------------------------------------------


def _bundle_leaves(box, leaves_of):
    """Many leaves of one operation become a box before it."""
    items = []
    for item in box.items:
        leaves = [] if isinstance(item, Box) else leaves_of.get(item, [])
        if len(leaves) > BUNDLE:
            items.append(Box("part", f"{len(leaves):,} tensors", BUNDLED, items=list(leaves)))
        items.append(item)
    box.items = items


def _split(box, leaves_of):
    """Keep what is nearest to the output; put the rest into parts, those into parts again, until none is too wide."""
    if box.type == BUNDLED or _width(box.items, leaves_of) <= max(WIDEST, TAIL):
        return
    tail, width = len(box.items), 0
    while tail and width < TAIL:
        tail -= 1
        width += _width(box.items[tail : tail + 1], leaves_of)
    rest = Box("part", "", items=box.items[:tail])
    box.items = [rest, *box.items[tail:]] if tail else box.items
    wide = [rest]
    for part in wide:  # the list grows while it is walked
        operations = f"{_operations_in(part):,}"
        part.label = f"… {operations} more operations" if part is rest else f"{operations} operations"
        if len(part.items) > WIDEST:
            size = -(-len(part.items) // PARTS)
            part.items = [
                Box("part", items=part.items[first : first + size]) for first in range(0, len(part.items), size)]
            wide += part.items


def _width(items, leaves_of):
    return sum(1 + (0 if isinstance(item, Box) else min(BUNDLE, len(leaves_of.get(item, ())))) for item in items)


def _operations_in(box):
    count, boxes = 0, [box]
    for each in boxes:  # the list grows while it is walked
        for item in each.items:
            if not isinstance(item, Box):
                count += 1
            elif item.type != BUNDLED:
                boxes.append(item)
    return count


# ---- where leaves are, what is open -------------------------------------------------------------------


def _homes(boxes, nodes, edges):
    """{number of a node: the innermost box it is in}. Data that has a name comes from outside, so it stays there."""
    home = {item: box for box in boxes for item in box.items if not isinstance(item, Box)}
    bundled = {number for number in home if _is_leaf(nodes[number])}
    depth = {boxes[0]: 0}
    for box in boxes[1:]:
        depth[box] = depth[box.parent] + 1
    for source, target in edges:
        if not _is_leaf(nodes[source]) or source in bundled:
            continue
        if nodes[source]["kind"] == "input" and nodes[source]["label"] != UNNAMED:
            home[source] = boxes[0]
        else:
            home[source] = _around(home[target], home.get(source, home[target]), depth)
    return home


def _around(box, other, depth):
    """The innermost box around both."""
    while box is not other:
        if depth[box] >= depth[other]:
            box = box.parent
        else:
            other = other.parent
    return box


def _opened(boxes, home):
    """The groups that are open at first: the outer ones first, of those the nearest to the output, while there is room.

    Where there is not room for everything, repetitions stay closed: "Block × 12" says more than a few of the blocks.
    """
    all_fits = len(home) <= SEEN
    size = Counter(home.values())
    size.update(box.parent for box in boxes[1:])
    seen, opened, level = size[boxes[0]], [], [boxes[0]]
    while level:
        inside = [item for box in level for item in box.items if isinstance(item, Box)]
        level = []
        for box in reversed(inside):
            if seen + size[box] - 1 <= SEEN and (all_fits or box.kind != "repeat"):
                seen += size[box] - 1
                opened.append(box.id)
                level.insert(0, box)
    return sorted(opened)


def _short_labels(nodes, home):
    """{leaf: its label without the path of the group it is in}."""
    labels = {}
    for number, box in home.items():
        while box is not None and not box.path:
            box = box.parent
        label = nodes[number]["label"]
        if _is_leaf(nodes[number]) and box is not None and label.startswith(f"{box.path}."):
            labels[number] = label.removeprefix(f"{box.path}.")
    return labels
