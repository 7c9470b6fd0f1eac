"""Probe of a topological order: the answer orders the graph that a little program makes, and tells it in numbers."""

import numpy as np

from . import Unusable

LEAVES = "abcd"
UNKNOWN = -1


class Node:
    """A result that knows what it was computed from, and nothing else."""

    def __init__(self, inputs=()):
        self.inputs = inputs

    def __add__(self, other):
        return Node((self, other))

    __mul__ = __add__

    def tanh(self):
        return Node((self,))


def graph(program):
    """The node `y` of a program over the leaves a, b, c and d, such as "b = a + a; y = b + b"."""
    variables = {name: Node() for name in LEAVES}
    exec(program, variables)  # noqa: S102 (the spec's own text)
    return variables["y"]


def numbered(output):
    """{node: number} of all that `output` was computed from, itself included, in an order that the graph fixes."""
    numbers, waiting = {output: 0}, [output]
    while waiting:
        for node in waiting.pop().inputs:
            if node not in numbers:
                numbers[node] = len(numbers)
                waiting.append(node)
    return numbers


def probe(answer, program):
    """The order that the answer gives, as the nodes' numbers in `numbered`; -1 is something that is no node of it."""
    output = graph(program)
    numbers = numbered(output)
    order = answer(output)
    if order is None:
        raise Unusable("Your function returned None. Did you forget a `return`?")
    known = [numbers.get(node, UNKNOWN) if isinstance(node, Node) else UNKNOWN for node in order]
    return np.array(known, dtype=np.int64)
