"""From a tensor to a Graph: walk `grad_fn` and `next_functions`, without recursion, from the output back.

What is read of a node is public: `name()`, `next_functions`, `label`, `shape`, `dtype`, and `variable`
of a leaf's AccumulateGrad. A large graph keeps the nodes nearest to the output.

A "source" below is an operation's node or a leaf's tensor, and its key is its identity: a leaf has one
key, however many AccumulateGrad nodes speak for it.
"""

from collections import deque

from .computation import Edge, Graph, Node
from .names import entries, find_names
from .rules import rule, summed

LIMIT = 60  # sources shown, besides the output and the node that stands for the rest
MORE = "more"  # the key of that node


def capture(output, namespaces, limit=LIMIT):
    """The `Graph` behind `output`, with names from `namespaces` (see names.find_names)."""
    sources, uses = _explore(output.grad_fn)
    shown = _nearest(output.grad_fn, uses, limit)
    names = find_names({id(output), *shown}, namespaces, type(output))
    names.pop(id(output.grad_fn), None)  # the output's own box says it

    used_by_more = _inputs_of_hidden(sources, shown)
    keys = _forward_order(shown, used_by_more, some_hidden=len(shown) < len(sources))
    number = {key: index for index, key in enumerate(keys)}
    hidden = len(sources) - len(shown)
    nodes = [_describe(index, shown.get(key), names.get(key), hidden) for key, index in number.items()]
    nodes.append(_tensor_node(len(keys), "output", output, names.get(id(output), "output")))

    edges = [Edge(number[key], number[MORE], slot) for slot, key in enumerate(used_by_more)]
    edges += _edges_of_shown(shown, number, {**names, **_arrays_by_name(shown, namespaces, type(output))})
    edges.append(Edge(number[id(output.grad_fn)], len(keys)))
    return Graph(tuple(nodes), tuple(sorted(edges, key=lambda edge: (edge.target, edge.slot))))


def _explore(root):
    """All sources {key: source} behind `root`, and how often each is used {key: count}."""
    sources, uses = {id(root): root}, {id(root): 0}
    operations = [root]
    for operation in operations:  # the list grows while it is walked
        for _, key, source in _inputs(operation):
            uses[key] = uses.get(key, 0) + 1
            if key not in sources:
                sources[key] = source
                if _is_operation(source):
                    operations.append(source)
    return sources, uses


def _nearest(root, uses, limit):
    """The first `limit` sources {key: source}, each after everything shown that uses it.

    An operation is shown only when all that use it are. So, leaves apart, nothing shown feeds what is
    hidden, and one node can stand for all of that without closing a circle.
    """
    shown = {}
    unseen_uses = dict(uses)
    ready = deque([(id(root), root)])
    while ready and len(shown) < limit:
        key, operation = ready.popleft()
        shown[key] = operation
        for _, key, source in reversed(_inputs(operation)):
            unseen_uses[key] -= 1
            if not _is_operation(source):
                if key in shown or len(shown) < limit:
                    shown.pop(key, None)  # to the end: a leaf, too, comes after everything that uses it
                    shown[key] = source
            elif unseen_uses[key] == 0:
                ready.append((key, source))
    return shown


def _inputs(operation):
    """(slot, key, source) of each input that has a gradient."""
    inputs = []
    for slot, (node, _) in enumerate(operation.next_functions):
        if node is not None:
            source = node.variable if node.name() == "AccumulateGrad" else node
            inputs.append((slot, id(source), source))
    return inputs


def _is_operation(source):
    return hasattr(source, "next_functions")


def _inputs_of_hidden(sources, shown):
    """Keys of the shown leaves that a hidden operation uses too, in the order of `shown`."""
    used = set()
    for key, source in sources.items():
        if key not in shown and _is_operation(source):
            used.update(key for _, key, _ in _inputs(source))
    return [key for key in shown if key in used]


def _forward_order(shown, used_by_more, some_hidden):
    """Keys such that each comes after its inputs: what the hidden part uses, the hidden part, the rest."""
    rest = [key for key in reversed(shown) if key not in used_by_more]
    return [*used_by_more, MORE, *rest] if some_hidden else rest


def _edges_of_shown(shown, number, names):
    """Every input of the shown operations; several hidden inputs of one operation make one edge."""
    edges = []
    for key, operation in shown.items():
        if not _is_operation(operation):
            continue
        from_more = False
        for slot, source_key, source in _inputs(operation):
            if source_key in shown:
                shape = tuple(source.shape)
                edges.append(Edge(number[source_key], number[key], slot, *_way_back(operation, slot, shape, names)))
            elif not from_more:
                edges.append(Edge(number[MORE], number[key], slot))
                from_more = True
    return edges


def _way_back(operation, slot, shape, names):
    """(rule, summed) of the edge to the operation's input of this shape, see computation.Edge."""
    op = getattr(operation, "op", None)
    if not hasattr(op, "vjps"):  # a Function of the caller's own: its backward is its rule
        return None, ()
    called = dict(zip(op.inputs, [names.get(key) for key in _keys_of_inputs(operation)]))
    called["out"] = names.get(id(operation))
    for (kind, which), value in zip(operation.plan.sources, operation.saved or ()):
        if kind == "metadata":
            called[which] = str(value)
        elif kind == "input" and called.get(op.inputs[which]) is None:
            called[op.inputs[which]] = names.get(id(value))
    called = {word: name for word, name in called.items() if name is not None}
    return rule(op, slot, called), summed(op, shape, tuple(operation.shape))


def _keys_of_inputs(operation):
    """For every input the key of its source; None where it needs no gradient."""
    keys = {slot: key for slot, key, _ in _inputs(operation)}
    return [keys.get(slot) for slot in range(len(operation.next_functions))]


def _arrays_by_name(shown, namespaces, tensor_type):
    """{id of an array: name} of the variables whose arrays the shown operations saved: inputs without a gradient."""
    saved = {id(value) for operation in shown.values() for value in getattr(operation, "saved", None) or ()}
    names = {}
    for namespace in namespaces:
        for name, value in entries(namespace):
            if isinstance(value, tensor_type) and id(getattr(value, "array", None)) in saved:
                names.setdefault(id(value.array), name)
    return names


def _describe(index, source, name, hidden):
    if source is None:
        return Node(index, "more", f"… {hidden:,} more {'node' if hidden == 1 else 'nodes'}", hidden=hidden)
    if not _is_operation(source):
        return _tensor_node(index, "parameter", source, name or "unnamed")
    constants = sum(node is None for node, _ in source.next_functions)
    return Node(index, "op", source.label, name, tuple(source.shape), str(source.dtype), constants)


def _tensor_node(index, kind, tensor, label):
    return Node(index, kind, label, None, tuple(tensor.shape), str(tensor.dtype))
