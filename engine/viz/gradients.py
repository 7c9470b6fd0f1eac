"""The gradients of everything in a graph: seen while a backward pass runs, or computed without running one.

A backward pass keeps the gradients of leaves alone. `Gradients` keeps what arrives at each operation and what it sends
on to each input. It can watch a real pass; or `flow` sends gradients through a graph that is still whole, without
touching any `.grad`, freeing what was saved or calling hooks.
"""

import threading
import time

from engine import backend
from engine.autograd.graph import AccumulateGrad, count_uses, set_recording

from .snapshot import Snapshot


class Gradients:
    """What was seen of gradients. Keys are identities: of an operation's node, or of a leaf's tensor."""

    def __init__(self):
        self.arrived = {}  # key -> Snapshot of the sum of all that arrived
        self.sent = {}  # (key of an operation, input's number) -> Snapshot
        self.order = {}  # keys of operations, as gradients left them
        self.roots = []  # nodes at which a pass began
        self.seconds = {}  # key of an operation -> seconds
        self.thread = threading.get_ident()
        self._fed = {}  # node -> (the array last sent to it, its Snapshot)
        self._last = None

    def passed(self, node, gradient, passed_on):
        """A node has passed on what arrived at it: graph.observers are told."""
        if threading.get_ident() != self.thread:
            return
        now = time.perf_counter()
        key = id(node.variable) if type(node) is AccumulateGrad else id(node)
        array = _array(gradient)
        if hasattr(array, "strides"):  # neither None nor the parts of a Function's several outputs
            sent, copy = self._fed.get(node, (None, None))
            self.arrived[key] = copy if sent is array else Snapshot(array)  # often all that arrives was sent at once
        if type(node) is not AccumulateGrad:
            self._note_operation(node, key, passed_on, now)
        self._last = time.perf_counter()

    def failed(self, node, error):
        """A pass ended with an error; what was seen until then stays."""

    def _note_operation(self, node, key, passed_on, now):
        self.order.pop(key, None)  # a later pass over the same operations: it is the one to show
        self.order[key] = node
        if node not in self._fed:
            self._last = None
            if node not in self.roots:
                self.roots.append(node)
        self.seconds[key] = None if self._last is None else now - self._last
        for slot, (source, gradient) in enumerate(zip(node.inputs, passed_on)):
            if source is not None:
                array, copy = _array(gradient), None
                if hasattr(array, "strides"):
                    copy = self.sent[key, slot] = Snapshot(array)
                self._fed[source] = array, copy


def flow(root, array, operations):
    """(Gradients, what went wrong or None) of the output whose node is `root` and whose one element is in `array`.

    operations: those through which gradients flow.
    """
    gradients, through = Gradients(), set(operations)
    arriving, ready = {root: backend.module_of(array).ones_like(array)}, [root]
    waiting = count_uses([root])
    with backend.quiet(), set_recording(False):
        while ready:
            node = ready.pop()
            gradient = arriving.pop(node, None)
            try:
                is_leaf = type(node) is AccumulateGrad
                stops = gradient is None or is_leaf
                sent = [None] * len(node.inputs) if stops else node.gradients(gradient, False)
            except Exception as error:  # also a Function's own backward, which may raise anything
                return gradients, f"{node.name()} raised {type(error).__name__}: {error}"
            gradients.passed(node, gradient, sent)
            for source, its_gradient in zip(node.inputs, sent):
                if source is None:
                    continue
                if its_gradient is not None:
                    held = arriving.get(source)
                    arriving[source] = its_gradient if held is None else held + its_gradient
                waiting[source] -= 1
                if not waiting[source] and (source in through or not source.inputs):
                    ready.append(source)
    gradients.seconds = {}  # of a pass made for the picture
    return gradients, None


def _array(gradient):
    return getattr(gradient, "array", gradient)
