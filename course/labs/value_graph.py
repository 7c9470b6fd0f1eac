"""Lab: a learner's own scalar engine, seen as a graph to step through, with the numbers that it computes itself.

Their walk back is watched while it runs: in which order it goes, what arrives at each value and what is sent on. The
same computation is then done with the engine, and where the two first part is said above the picture.
"""

import sys
from collections import Counter
from math import isclose

import numpy as np

import engine as torch
from engine.viz import Edge, Graph, Node, badges
from engine.viz.equations import G, as_number
from engine.viz.names import find_names
from engine.viz.rules import rule
from engine.viz.snapshot import Snapshot

MOST_VALUES = 80
ENGINE = {"+": torch.add, "×": torch.mul, "tanh": torch.tanh}  # what an operation's sign means to the engine
NEEDED = ("data", "grad", "inputs", "vjp", "operation")


def value_graph(output, names=None):
    """Walk back from `output` with its own `backward()`, and show the graph with all that was seen on the way.

    output: the result of a computation; it and all that it was computed from have `data`, `grad`, `inputs`, `vjp` and
    `operation` (chapter 2's Value). Their gradients are set to 0 first, so the cell can be run again.
    names: {name: value}, what to call them. Default: the names of the caller's variables.

    Returns an `engine.viz.Graph`, which a notebook shows as the last line of a cell. Raises TypeError for something
    that is no such value, ValueError for more than 80 of them.
    """
    values = _inputs_first(output)
    if names is None:
        frame = sys._getframe(1)
        namespaces = [frame.f_locals, frame.f_globals]
    else:
        namespaces = [names]
    called = find_names({id(value) for value in values}, namespaces)
    return _Picture(values, called, _watched_walk(output, values)).graph()


def _inputs_first(output):
    """All values behind `output`, each after what it was computed from."""
    order, seen, stack = [], set(), [(output, False)]
    while stack:
        value, inputs_are_in = stack.pop()
        if inputs_are_in:
            order.append(value)
        elif id(value) not in seen:
            _require_value(value)
            seen.add(id(value))
            stack.append((value, True))
            stack.extend((source, False) for source in reversed(tuple(value.inputs)))
            if len(seen) > MOST_VALUES:
                raise ValueError(
                    f"value_graph(output): there are more than {MOST_VALUES} values behind it, too many for one "
                    "picture; expected a smaller computation, of one point for example")
    return order


def _require_value(value):
    missing = [name for name in NEEDED if not hasattr(value, name)]
    if missing:
        raise TypeError(
            f"value_graph(output): got {type(value).__name__} without {', '.join(missing)}; expected a value with "
            f"{', '.join(NEEDED)}")


class _Walk:
    """What was seen of a walk back: keys are identities of values."""

    def __init__(self):
        self.order = []  # one for each call of a vjp
        self.arrived = {}
        self.sent = {}  # key -> a gradient for each input


def _watched_walk(output, values):
    """Call `output.backward()` with every vjp watched, and put the vjps back, whatever happens."""
    walk = _Walk()
    own = [(value, value.vjp) for value in values if value.vjp is not None]
    for value in values:
        value.grad = 0.0
    try:
        for value, vjp in own:
            value.vjp = _watching(walk, id(value), vjp)
        output.backward()
    finally:
        for value, vjp in own:
            value.vjp = vjp
    return walk


def _watching(walk, key, vjp):
    def watched(gradient):
        gradients = vjp(gradient)
        walk.order.append(key)
        walk.arrived[key], walk.sent[key] = gradient, tuple(gradients)
        return gradients

    return watched


class _Picture:
    """Makes a `Graph` of values, their names and what was seen of the walk."""

    def __init__(self, values, called, walk):
        self.values, self.called, self.walk = values, called, walk
        self.number = {id(value): number for number, value in enumerate(values)}
        self.users = Counter(id(source) for value in values for source in value.inputs)
        self.engine = _replayed(values)

    def graph(self):
        nodes = [badges.marked(self._node(value)) for value in self.values]
        edges = [edge for value in self.values for edge in self._edges(value)]
        last = self.values[-1]
        nodes.append(Node(
            id=len(nodes), kind="output", label=self.called.get(id(last), "output"), name=_number(last.data),
            value=_snapshot(last.data), grad=_snapshot(last.grad)))
        edges.append(Edge(source=len(nodes) - 2, target=len(nodes) - 1))
        turns = list(dict.fromkeys(reversed(self.walk.order)))[::-1]  # of a value walked more than once, the last time
        backward = [len(nodes) - 1, *(self.number[key] for key in turns)] if turns else []
        return Graph(nodes, edges, backward=backward, notes=self._notes())

    def _node(self, value):
        key, is_leaf, number = id(value), not value.inputs, _number(value.data)
        name = None if value is self.values[-1] else self.called.get(key)  # the output's own box says it
        if is_leaf:  # a box says a label and, below it, a name
            label, name = name or "number", number
        else:
            label, name = value.operation or "?", f"{name} = {number}" if name else number
        return Node(
            id=self.number[key], kind="parameter" if is_leaf else "op", label=label, name=name,
            value=_snapshot(value.data), grad=_snapshot(value.grad), stored=_snapshot(value.grad) if is_leaf else None)

    def _edges(self, value):
        sent = self.walk.sent.get(id(value), ())
        for slot, source in enumerate(value.inputs):
            gradient = sent[slot] if slot < len(sent) else None
            yield Edge(
                source=self.number[id(source)], target=self.number[id(value)], slot=slot,
                accumulates=self.users[id(source)] > 1, grad=None if gradient is None else _snapshot(gradient),
                **self._rule(value, slot, source, gradient))

    def _rule(self, value, slot, source, gradient):
        """The rule on an edge in names and in numbers, as the engine's table has it."""
        tensor = self.engine.get(id(value))
        op = getattr(getattr(tensor, "grad_fn", None), "op", None)
        if op is None:
            return {}
        names = {name: self.called.get(id(each)) for name, each in zip(op.inputs, value.inputs)}
        text = rule(op, slot, {name: called for name, called in names.items() if called})
        sign = "+=" if self.users[id(source)] > 1 else "="
        of, by = self.called.get(id(self.values[-1]), "output"), self.called.get(id(source), op.inputs[slot])
        known = {"rule": text, "text": f"∂{of}/∂{by} {sign} {text}"}
        if gradient is not None:
            known["numbers"] = self._in_numbers(op, slot, value, gradient)
        return known

    def _in_numbers(self, op, slot, value, gradient):
        """The rule with the numbers that were there, and what the learner's own vjp gave: "−2 × 3 = −6"."""
        numbers = {name: as_number(float(each.data)) for name, each in zip(op.inputs, value.inputs)}
        text = rule(op, slot, {**numbers, "out": as_number(float(value.data))})
        if text == "g":
            return _number(gradient)
        return f"{G.sub(as_number(float(self.walk.arrived[id(value)])), text)} = {_number(gradient)}"

    def _notes(self):
        notes = []
        often = [key for key, times in Counter(self.walk.order).items() if times > 1]
        if often:
            notes.append(f"Your walk came to {self._word(often[0])} more than once; it should come to each value once.")
        return (*notes, self._comparison())

    def _comparison(self):
        """How the gradients compare with the engine's, in a sentence."""
        unknown = [value.operation for value in self.values if id(value) not in self.engine]
        if unknown:
            return f"Not compared with the engine, which does not know what {unknown[0]!r} means."
        for value in reversed(self.values):
            theirs = self.engine[id(value)].grad
            theirs = 0.0 if theirs is None else theirs.item()
            if not isclose(float(value.grad), theirs, rel_tol=1e-9, abs_tol=1e-12):
                yours, theirs = (f"{float(number):.6g}".replace("-", "−") for number in (value.grad, theirs))
                return (
                    f"Your gradient of {self._word(id(value))} is {yours}; the engine says {theirs}. "
                    "Nearer to the result the two agree.")
        return f"All {len(self.values)} gradients agree with the engine's."

    def _word(self, key):
        value = self.values[self.number[key]]
        name = self.called.get(key)
        return name or (f"a {value.operation}" if value.inputs else f"the number {_number(value.data)}")


def _replayed(values):
    """{id of a value: the engine's tensor}, computed from the same leaves and walked back through; of what is known."""
    tensors = {}
    for value in values:
        if not value.inputs:
            tensors[id(value)] = torch.tensor(float(value.data), dtype=torch.float64, requires_grad=True)
        elif value.operation in ENGINE and all(id(source) in tensors for source in value.inputs):
            tensors[id(value)] = ENGINE[value.operation](*(tensors[id(source)] for source in value.inputs))
    for tensor in tensors.values():
        tensor.retain_grad()
    if id(values[-1]) in tensors:
        tensors[id(values[-1])].backward(retain_graph=True)
    return tensors


def _number(value):
    return as_number(float(value)).strip("()")


def _snapshot(number):
    return Snapshot(np.array(float(number)))
