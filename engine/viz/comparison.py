"""Two graphs compared: aligned by module path and operation, with the first value and the first gradient that differ.

The result is one Graph of the nodes of both. Nodes that both have carry the reference's tensors beside their own; what
only the reference has is drawn as missing.
"""

from collections import Counter
from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np

from .computation import Graph
from .words import count as counted

RTOL, ATOL = 1e-4, 1e-6  # a value differs if it is further from the reference's than ATOL + RTOL x |the reference's|


def compared(mine, reference, rtol=RTOL, atol=ATOL):
    """The Graph of both, see `engine.viz.compare`."""
    merged = _merged(mine, reference, (rtol, atol))
    new_of_mine = {ours: number for number, (ours, _) in enumerate(merged) if ours is not None}
    new_of_theirs = {theirs: number for number, (_, theirs) in enumerate(merged) if theirs is not None}
    groups = _groups_of_missing(merged, mine)
    nodes = []
    for number, (ours, theirs) in enumerate(merged):
        if ours is None:
            nodes.append(_missing(reference.nodes[theirs], number, groups[number]))
        else:
            other = None if theirs is None else reference.nodes[theirs]
            nodes.append(replace(mine.nodes[ours], id=number, match=_match(mine.nodes[ours], other, rtol, atol)))
    edges = [replace(edge, source=new_of_mine[edge.source], target=new_of_mine[edge.target]) for edge in mine.edges]
    edges += _missing_edges(reference, merged, new_of_theirs, {(edge.source, edge.target) for edge in edges})
    edges.sort(key=lambda edge: (edge.target, edge.slot))
    backward = [new_of_mine[number] for number in mine.backward]
    nodes = _firsts_marked(nodes, backward)
    notes = [*mine.notes, _verdict(nodes)]
    return Graph(nodes, edges, mine.groups, mine.open, backward, notes, mine.sources)


# ---- which node is which ------------------------------------------------------------------------------


def _merged(mine, reference, tolerance):
    """[(number in mine or None, number in the reference or None)], in an order that is forward for both.

    Operations are aligned as they follow each other; leaves, which may stand anywhere, by name alone.
    """
    our_leaves, their_leaves = _leaves(mine), _leaves(reference)
    twin = {number: their_leaves.get(name) for name, number in our_leaves.items()}
    twin_of_theirs = {theirs: ours for ours, theirs in twin.items()}
    our_inputs, their_inputs = _inputs(mine), _inputs(reference)
    merged = {}  # an ordered set
    for ours, theirs in _aligned(mine, reference, tolerance):
        for leaf in our_inputs.get(ours, ()):
            merged[leaf, twin.get(leaf)] = None
        for leaf in their_inputs.get(theirs, ()):
            merged[twin_of_theirs.get(leaf), leaf] = None
        merged[ours, theirs] = None
    return list(merged)


def _is_leaf(node):
    return node.kind in ("parameter", "input")


def _leaves(graph):
    """{(what a leaf is called, whoever calls it so; how many before it are called the same): its number}."""
    names, seen = {}, Counter()
    for node in graph.nodes:
        if _is_leaf(node):
            path = _path(graph, node)
            name = f"{path}.{node.label}" if path else node.label
            name = _without_root(name) if node.kind == "parameter" else name
            names[name, seen[name]] = node.id
            seen[name] += 1
    return names


def _inputs(graph):
    """{number of an operation: the leaves it uses}."""
    leaves = {}
    for edge in graph.edges:
        if _is_leaf(graph.nodes[edge.source]):
            leaves.setdefault(edge.target, []).append(edge.source)
    return leaves


def _path(graph, node):
    group = node.group
    while group is not None and not graph.groups[group].path:
        group = graph.groups[group].parent
    return "" if group is None else graph.groups[group].path


def _without_root(path):
    """A path without the name of the outermost module, which each caller chooses."""
    return path.partition(".")[2] or path


def _aligned(mine, reference, tolerance):
    """Pairs of numbers of operations, outputs and the like, None for one side where the other has one more."""
    our_steps, their_steps = _steps(mine), _steps(reference)
    matcher = SequenceMatcher(None, [key for key, _ in our_steps], [key for key, _ in their_steps], autojunk=False)
    pairs = []
    for tag, start, end, their_start, their_end in matcher.get_opcodes():
        ours = [number for _, number in our_steps[start:end]]
        theirs = [number for _, number in their_steps[their_start:their_end]]
        pairs += zip(ours, theirs) if tag == "equal" else _paired_by_value(ours, theirs, mine, reference, tolerance)
    return pairs


def _steps(graph):
    """[((kind, module, operation), number)] of all but the leaves."""
    steps = []
    for node in graph.nodes:
        if not _is_leaf(node):
            what = "" if node.kind == "output" else node.op or node.label  # an output is called as the caller likes
            steps.append(((node.kind, _without_root(node.module or ""), what), node.id))
    return steps


def _paired_by_value(ours, theirs, mine, reference, tolerance):
    """Where two stretches differ, results that are the same go together: `x @ W + b` here may be `linear` there.

    So do the last results of the same module, if they have the same shape.
    """
    pairs = []
    for number in ours:
        value = mine.nodes[number].value
        same = next((place for place, other in enumerate(theirs) if value is not None and _difference(
            value, reference.nodes[other].value, *tolerance) == 0), None)
        if same is None:
            pairs.append((number, None))
        else:
            pairs += [(None, other) for other in theirs[:same]]
            pairs.append((number, theirs[same]))
            theirs = theirs[same + 1 :]
    if theirs and pairs and pairs[-1][1] is None and _are_alike(mine.nodes[pairs[-1][0]], reference.nodes[theirs[-1]]):
        last = pairs.pop()[0]
        return [*pairs, *((None, other) for other in theirs[:-1]), (last, theirs[-1])]
    return pairs + [(None, other) for other in theirs]


def _are_alike(node, other):
    modules = [_without_root(each.module or "") for each in (node, other)]
    return node.shape == other.shape and node.kind == other.kind and modules[0] == modules[1] != ""


def _groups_of_missing(merged, mine):
    """For each node of both its group; a missing one is where both its neighbours are."""
    known = [None if ours is None else mine.nodes[ours] for ours, _ in merged]
    steps = [number for number, node in enumerate(known) if node is not None and not _is_leaf(node)]
    groups, after = [], 0
    for number in range(len(merged)):
        while after < len(steps) and steps[after] <= number:
            after += 1
        around = [known[steps[place]].group for place in (after - 1, after) if 0 <= place < len(steps)]
        groups.append(_common_group(mine, *around) if len(around) == 2 else None)
    return groups


def _common_group(graph, group, other):
    outer = set()
    while group is not None:
        outer.add(group)
        group = graph.groups[group].parent
    while other is not None and other not in outer:
        other = graph.groups[other].parent
    return other


def _missing(node, number, group):
    match = {
        "status": "missing", "value": node.value, "grad": node.grad, "value_difference": None, "grad_difference": None,
        "first": []}
    return replace(
        node, id=number, kind="missing", group=group, line=None, value=None, grad=None, stored=None, badges=(),
        seconds=None, backward_seconds=None, match=match)


def _missing_edges(reference, merged, new_of_theirs, present):
    """The reference's edges from or to what is missing here."""
    edges = []
    for edge in reference.edges:
        source, target = new_of_theirs[edge.source], new_of_theirs[edge.target]
        is_missing = merged[source][0] is None or merged[target][0] is None
        if is_missing and (source, target) not in present:
            edges.append(replace(edge, source=source, target=target, grad=None, numbers=None))
    return edges


# ---- what differs -------------------------------------------------------------------------------------


def _match(node, other, rtol, atol):
    if other is None:
        return {
            "status": "extra", "value": None, "grad": None, "value_difference": None, "grad_difference": None,
            "first": []}
    value_difference = _difference(node.value, other.value, rtol, atol)
    grad_difference = _difference(node.grad, other.grad, rtol, atol)
    differs = node.shape != other.shape or value_difference or grad_difference
    return {
        "status": "differs" if differs else "same", "value": other.value, "grad": other.grad,
        "value_difference": value_difference, "grad_difference": grad_difference, "first": []}


def _difference(ours, theirs, rtol, atol):
    """The largest difference of two Snapshots; 0 if they are close, infinity for other shapes, None if unknown."""
    if ours is None or theirs is None:
        return None
    if ours.shape != theirs.shape:
        return float("inf")
    if ours.array is None or theirs.array is None:  # too large to have been kept
        numbers = [(ours.summary()[key], theirs.summary()[key]) for key in ("min", "max", "mean", "norm")]
        ours, theirs = (np.array([float("nan" if x is None else x) for x in side]) for side in zip(*numbers))
    else:
        ours, theirs = ours.array, theirs.array
    kind = np.complex128 if "c" in (ours.dtype.kind, theirs.dtype.kind) else np.float64
    ours, theirs = ours.astype(kind), theirs.astype(kind)
    if np.allclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True):
        return 0.0
    with np.errstate(invalid="ignore"):
        apart = np.abs(ours - theirs)
    return float(np.nanmax(apart)) if np.isfinite(apart).any() else float("inf")


def _firsts_marked(nodes, backward):
    """The first value that differs, forwards, and the first gradient, backwards, are marked."""
    nodes = list(nodes)
    value = next((node.id for node in nodes if _differs(node, "value")), None)
    seen = set(backward)
    leaves = [node.id for node in reversed(nodes) if node.id not in seen]
    grad = next((number for number in [*backward, *leaves] if _differs(nodes[number], "grad")), None)
    for number in {value, grad} - {None}:
        first = [which for which, its in (("value", value), ("grad", grad)) if its == number]
        nodes[number] = replace(nodes[number], match={**nodes[number].match, "first": first})
    return nodes


def _differs(node, which):
    return bool(node.match[f"{which}_difference"])


def _verdict(nodes):
    """In sentences: where the two first differ."""
    sentences = []
    for which, word in (("value", "value"), ("grad", "gradient")):
        for node in nodes:
            if which in node.match["first"]:
                difference = node.match[f"{which}_difference"]
                by = "its shape is another" if difference == float("inf") else f"it differs by up to {difference:.3g}"
                sentences.append(f"The first {word} unlike the reference's is that of {_called(node)}: {by}.")
    if not sentences:
        sentences.append("Every value and gradient that both graphs have is the same.")
    for status, where in (("extra", "here"), ("missing", "in the reference")):
        count = sum(node.match["status"] == status for node in nodes)
        if count:
            sentences.append(f"{counted(count, 'node')} only {where}.")
    return " ".join(sentences)


def _called(node):
    """How a sentence speaks of a node: by name, with its module, and its line if that is known."""
    name = f"{node.label} ({node.name})" if node.name else node.label
    return f"{name} in {node.module}" if node.module else name
