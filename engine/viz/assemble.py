"""From operations and what is known of them to a Graph: nodes, edges with their rules, groups, the caller's code.

Here everything gets its number and its name. What is known may be much (a block that was captured) or little (a graph
whose values were freed); what is not known is None.
"""

from collections import Counter

from . import badges
from .computation import Edge, Graph, Node
from .equations import as_number, equation
from .groups import UNNAMED, grouped
from .listing import pieces_of_code
from .names import find_names, module_names, names_of_arrays
from .snapshot import Snapshot
from .walk import Fact, forward_order, inputs_of, is_operation

LIMIT = 10_000  # operations in a graph; of a larger one those nearest to the outputs


def assemble(outputs, facts, gradients, namespaces, failure=None, tensors=(), is_capture=False, with_numbers=True):
    """The Graph behind the nodes `outputs`.

    facts: {id of a node: Fact}. gradients: a Gradients, or None. namespaces: mappings {name: anything}, where names
    come from. failure: a Failure, the operation that raised. tensors: for each output the tensor, where it is known.
    is_capture: whether inputs without a gradient are shown though nobody calls them anything. with_numbers: copy the
    leaves' values too.
    """
    given = [] if failure is None else [value for _, value in failure.inputs]
    sources = [each.grad_fn for each in given if getattr(each, "grad_fn", None) is not None]
    hidden, operations = operations_behind([*outputs, *sources], facts)
    copied = _copy_of if with_numbers else lambda tensor: None
    builder = _Builder(operations, facts, gradients, namespaces, is_capture, given, copied)
    builder.add_hidden(hidden)
    for operation in operations:
        builder.add_operation(operation)
    if failure is not None:
        builder.add_failure(failure)
    else:
        for output, tensor in zip(outputs, tensors or [None] * len(outputs)):
            builder.add_output(output, tensor)
    return builder.graph()


def operations_behind(roots, facts=()):
    """(those hidden, those shown): the operations behind the nodes `roots`, in the order in which they were recorded.

    Those before all that was watched come first, each after all that it uses.
    """
    times = {key: number for number, key in enumerate(facts)}
    operations = sorted(forward_order(roots), key=lambda operation: times.get(id(operation), -1))
    return operations[:-LIMIT], operations[-LIMIT:]


class _Builder:
    """Numbers what it is given, in forward order, and keeps what a Graph is made of."""

    def __init__(self, operations, facts, gradients, namespaces, is_capture, given, copied):
        self.facts, self.gradients, self.is_capture, self.copied = facts, gradients, is_capture, copied
        self.shown = {id(operation): operation for operation in operations}
        self.uses = Counter(id(source) for operation in operations for _, source in inputs_of(operation))
        self.names = self._find_names(operations, namespaces, given)
        self.module_names = module_names(namespaces)
        self.nodes = []  # dicts of what a Node takes
        self.edges = []  # dicts of what an Edge takes; those to an operation have it as "operation"
        self.number = {}  # key of a source -> number of its node
        self.calls = {}  # number of an operation's node -> its module calls
        self.places = {}  # number of a node -> (file, line number)
        self.more = None  # number of the node that stands for what is hidden
        self.outputs = []  # numbers of the boxes of what was asked for

    def _find_names(self, operations, namespaces, given):
        leaves = [source for operation in operations for _, source in inputs_of(operation) if not is_operation(source)]
        data = [value for fact in self.facts.values() for value in fact.constants.values() if hasattr(value, "shape")]
        data += [value for value in given if hasattr(value, "shape")]
        bases = [each.view_of.base for each in data if getattr(each, "view_of", None) is not None]
        names = find_names({id(each) for each in [*operations, *leaves, *data, *bases]}, namespaces)
        arrays = {id(getattr(each, "array", each)): each for each in data}
        for key, name in names_of_arrays(set(arrays), namespaces).items():
            names.setdefault(id(arrays[key]), name)
        return names

    # ---- nodes ----

    def _add(self, key, **described):
        self.number[key] = len(self.nodes)
        self.nodes.append({"id": len(self.nodes), "name": None, **described})
        return self.number[key]

    def add_hidden(self, hidden):
        """One node for the operations before the ones shown; leaves that both use come before it."""
        if not hidden:
            return
        used = {id(source): source for operation in hidden for _, source in inputs_of(operation)}
        shared = [source for key, source in used.items() if key in self.uses and not is_operation(source)]
        numbers = [self._leaf(source) for source in shared]
        what = f"… {len(hidden):,} more operation{'s' if len(hidden) > 1 else ''}"
        self.more = self._add("more", kind="more", label=what, hidden=len(hidden))
        self.edges += [{"source": number, "target": self.more, "slot": slot} for slot, number in enumerate(numbers)]

    def add_operation(self, operation):
        fact = self.facts.get(id(operation)) or Fact()
        incoming, constants = [], 0
        from_hidden = False
        sources = dict(inputs_of(operation))
        for slot in range(len(operation.next_functions)):
            source = sources.get(slot)
            if source is None:
                number = self._data(fact, slot)
                constants += number is None
            elif is_operation(source) and id(source) not in self.shown:
                number, from_hidden = (None if from_hidden else self.more), True
            else:
                number = self.number[id(source)] if is_operation(source) else self._leaf(source, fact.values.get(slot))
            if number is not None:
                incoming.append((slot, number))
        op = getattr(operation, "op", None)
        mine = self._add(
            id(operation), kind="op", label=operation.label, name=self.names.get(id(operation)),
            shape=tuple(operation.shape), dtype=str(operation.dtype), constants=constants,
            op=getattr(op, "name", None), value=fact.value, device=fact.value and fact.value.device,
            **self._measures(operation, fact))
        self.calls[mine], self.places[mine] = fact.calls, fact.place
        self.edges += [
            {"source": number, "target": mine, "slot": slot, "operation": operation} for slot, number in incoming]

    def _measures(self, operation, fact):
        gradients, key = self.gradients, id(operation)
        itemsize = getattr(getattr(operation, "numpy_dtype", None), "itemsize", None)
        elements = 1
        for size in operation.shape:
            elements *= size
        return {
            "grad": gradients and gradients.arrived.get(key),
            "seconds": fact.seconds,
            "backward_seconds": gradients and gradients.seconds.get(key),
            "bytes": itemsize and itemsize * elements,
            "saved_bytes": fact.saved_bytes,
            "changed": fact.changed,
        }

    def _leaf(self, tensor, value=None):
        """The number of a parameter's node, made when it is first used. value: a Snapshot of it then, if there is."""
        key = id(tensor)
        if key not in self.number:
            grad = getattr(tensor, "grad", None)
            self._add(key, kind="parameter", label=self.names.get(key, "unnamed"), **_facts_of_tensor(tensor))
            self.nodes[-1].update(
                value=value or self.copied(tensor), stored=self.copied(grad),
                grad=self.gradients and self.gradients.arrived.get(key))
        return self.number[key]

    def _data(self, fact, slot):
        """The number of the node of an input without a gradient; None if it is not shown."""
        value = fact.constants.get(slot)
        if not (hasattr(value, "strides") or hasattr(value, "array")):  # no array or tensor, but a number
            return None
        key, name = id(value), self.names.get(id(value))
        if key in self.number:
            return self.number[key]
        if name is None and not (self.is_capture and value.ndim):
            return None
        number = self._add(key, kind="input", label=name or self._name_of_part(value), **_facts_of_tensor(value))
        self.nodes[-1]["value"] = fact.values.get(slot)
        return number

    def _name_of_part(self, tensor):
        """What to call a tensor that has no name: a part of another, or just data."""
        view = getattr(tensor, "view_of", None)
        name = None if view is None else self.names.get(id(view.base))
        if name is None:
            return UNNAMED
        return name if view.base.shape == tensor.shape else f"{name}[…]"

    def add_output(self, operation, tensor):
        """The box of a tensor asked for, after the operation that computed it."""
        source = self.number[id(operation)]
        described = self.nodes[source]
        label = self.names.get(id(tensor)) if tensor is not None else None
        label = label or described["name"] or "output"
        described["name"] = None  # the output's own box says it
        mine = self._add(
            ("output", source), kind="output", label=label,
            **{key: described[key] for key in ("shape", "dtype", "device", "value", "grad", "bytes")})
        self.outputs.append(mine)
        self.edges.append({"source": source, "target": mine, "slot": 0})

    def add_failure(self, failure):
        """The operation that raised, with what it was given."""
        numbers = [self._source_of_failure(value) for _, value in failure.inputs]
        inputs = [
            (self.nodes[number]["name"] or self.nodes[number]["label"] if number is not None else name, value)
            for (name, value), number in zip(failure.inputs, numbers)]
        shapes = [[name, list(value.shape)] for name, value in inputs if hasattr(value, "shape")]
        error = {"kind": type(failure.error).__name__, "message": str(failure.error), "shapes": shapes}
        mine = self._add("failed", kind="failed", label=failure.label, op=failure.op, error=error)
        self.places[mine] = failure.place
        known = [(slot, number) for slot, number in enumerate(numbers) if number is not None]
        self.edges += [{"source": number, "target": mine, "slot": slot} for slot, number in known]

    def _source_of_failure(self, value):
        if not hasattr(value, "array"):
            return None
        if value.grad_fn is not None:
            return self.number.get(id(value.grad_fn), self.more)
        if value.requires_grad:
            return self._leaf(value)
        return self._data(Fact(constants={0: value}, values={0: Snapshot(value.array)}), 0)

    # ---- the whole ----

    def graph(self):
        sources, lines = pieces_of_code(self.places)
        self.users = Counter(edge["source"] for edge in self.edges)
        pairs = [(edge["source"], edge["target"]) for edge in self.edges]
        groups, group_of, opened, labels, paths = grouped(self.nodes, pairs, self.calls, self.module_names)
        for number, label in labels.items():
            self.nodes[number]["label"] = label
        edges = sorted((self._edge(edge) for edge in self.edges), key=lambda edge: (edge.target, edge.slot))
        nodes = []
        for number, described in enumerate(self.nodes):
            changed = described.pop("changed", None)
            node = Node(**described, group=group_of.get(number), module=paths.get(number), line=lines.get(number))
            nodes.append(badges.marked(node, changed))
        order = [] if self.gradients is None else [self.number.get(key) for key in self.gradients.order]
        backward = [*self.outputs, *(number for number in order if number is not None)] if order else []
        return Graph(nodes, edges, groups, opened, backward, (), sources)

    def _edge(self, edge):
        operation = edge.pop("operation", None)
        source, target = self.nodes[edge["source"]], self.nodes[edge["target"]]
        if operation is None or source["kind"] not in ("parameter", "op"):
            return Edge(**edge)
        slot = edge["slot"]
        fact = self.facts.get(id(operation)) or Fact()
        sent = self.gradients and self.gradients.sent.get((id(operation), slot))
        of = self.nodes[self.outputs[0]]["label"] if len(self.outputs) == 1 else "L"
        accumulates = self.users[edge["source"]] > 1
        known = equation(
            operation, slot, source, target, fact, self._names_of_inputs(operation, fact), of,
            arrived=target.get("grad"), sent=sent, accumulates=accumulates)
        return Edge(**edge, **known, accumulates=accumulates, grad=sent)

    def _names_of_inputs(self, operation, fact):
        """{input's number: what to call it} of those that have a name or are numbers."""
        names = {}
        for slot, value in fact.constants.items():
            names[slot] = self.names.get(id(value)) or as_number(value)
        for slot, source in inputs_of(operation):
            number = self.number.get(id(source))
            node = {} if number is None else self.nodes[number]
            names[slot] = node.get("name" if node.get("kind") == "op" else "label")
        return {slot: name for slot, name in names.items() if name is not None}


def _copy_of(tensor):
    return Snapshot(tensor.array) if hasattr(tensor, "array") else None


def _facts_of_tensor(tensor):
    """What a node says of a leaf, which may be an array too: what an operation saved of an input without a gradient."""
    device, dtype = getattr(tensor, "device", None), str(tensor.dtype)
    array = getattr(tensor, "array", tensor)
    return {
        "shape": tuple(tensor.shape),
        "dtype": dtype if dtype.startswith("torch.") else f"torch.{dtype}",
        "device": None if device is None else str(device),
        "bytes": array.size * array.dtype.itemsize if hasattr(array, "strides") else None,
    }
