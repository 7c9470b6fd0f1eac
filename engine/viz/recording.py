"""capture: what happens inside a `with` block, as a graph with values, gradients, modules, lines, times and mistakes.

While it is on, it watches what the graph records and what backward passes move (`graph.watchers`, `graph.observers`),
reads from the Python frames which line and which module calls led there, and takes the time of each operation's forward
computation by standing in for `Op.run`. While it is off none of that is there.
"""

import sys
import threading
import time

from engine.autograd import graph
from engine.autograd.anomaly_mode import calling_frame
from engine.autograd.graph import TensorBase
from engine.nn.module import Module
from engine.ops.table import Op

from .assemble import assemble
from .computation import Graph
from .gradients import Gradients
from .mistakes import failed_operation
from .names import notebook_shell
from .snapshot import Snapshot
from .walk import Fact, note_saved


class ModuleCall:
    """One call of a module."""

    def __init__(self, module, frame):
        self.module, self.frame = module, frame


class capture:
    """Context manager: `with capture() as g:` around forward and backward; afterwards g is a `Graph` of what happened.

        with engine.viz.capture() as g:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
        g

    What is shown is copied when it happens, so that later changes in place do not alter the picture. The graph is that
    of the tensors on which backward was called inside the block, or of all results that nothing else used. Only this
    thread is watched. An exception goes on as if nobody had looked; the graph then shows what was built until there,
    with the operation that failed, and in a notebook it is displayed.
    """

    def __enter__(self):
        self.thread = threading.get_ident()
        self.facts = {}  # id of a node -> Fact
        self.nodes = []  # the nodes recorded, in time; held so that their ids stay theirs
        self.storages = []  # (fact, storage of the result, its version then)
        self.tensors = []  # what operations were called with, held for the same reason
        self.copies = {}  # (id of a tensor, version) -> Snapshot
        self.calls = []  # the module calls that the last operation was recorded in
        self.gradients = Gradients()
        self.seconds = None  # that the last forward computation took
        self.frame = sys._getframe(1)
        self.graph = Graph((), ())
        graph.watchers.append(self)
        graph.observers.append(self.gradients)
        self.timer = _Timer(self)
        return self.graph

    def __exit__(self, kind, error, traceback):
        self.timer.stop()
        graph.watchers.remove(self)
        graph.observers.remove(self.gradients)
        for fact, storage, version in self.storages:
            if storage.version != version:
                fact.changed = "value"
        failure = None if error is None else failed_operation(error, traceback)
        namespaces = [self.frame.f_locals, self.frame.f_globals]
        outputs = self.gradients.roots or self._unused_results()
        assembled = assemble(outputs, self.facts, self.gradients, namespaces, failure, is_capture=True)
        self.graph.fill_from(assembled)
        self.frame = self.calls = self.tensors = None
        if failure is not None:
            _display(self.graph)

    def recorded(self, node, inputs, result):
        """An operation was recorded: graph.watchers are told."""
        for output in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(output, TensorBase) and output.grad_fn is not None:
                self._note(output.grad_fn, inputs, output)
        self.seconds = None

    def _note(self, node, inputs, result):
        place, calls = self._where()
        fact = Fact(Snapshot(result.array), place=place, calls=calls, seconds=self.seconds)
        for slot, given in enumerate(inputs):
            if isinstance(given, TensorBase):
                fact.values[slot] = self._copy_of(given)
            if not (isinstance(given, TensorBase) and given.requires_grad):
                fact.constants[slot] = given
        note_saved(node, fact)
        self.facts[id(node)] = fact
        self.nodes.append(node)
        self.tensors.append(inputs)
        if not result.is_inference():
            self.storages.append((fact, result.storage, result.storage.version))

    def _copy_of(self, tensor):
        """A Snapshot, the same for all who use the tensor until it changes."""
        key = id(tensor), tensor.storage.version
        if key not in self.copies:
            self.copies[key] = Snapshot(tensor.array)
        return self.copies[key]

    def _where(self):
        """((file, line number) of the caller's code, the module calls around it, outermost first)."""
        frame = sys._getframe(3)
        outside = calling_frame(frame)
        found = []
        while frame is not None and frame is not self.frame:
            if frame.f_code is Module.__call__.__code__:
                found.append(frame)
            frame = frame.f_back
        found.reverse()
        same = 0
        while same < min(len(found), len(self.calls)) and self.calls[same].frame is found[same]:
            same += 1
        new = [ModuleCall(each.f_locals["self"], each) for each in found[same:]]
        for ended in self.calls[same:]:
            ended.frame = None  # what is in it can go
        self.calls = [*self.calls[:same], *new]
        return (outside.f_code.co_filename, outside.f_lineno), tuple(self.calls)

    def _unused_results(self):
        used = {id(source) for node in self.nodes for source, _ in node.next_functions}
        return [node for node in self.nodes if id(node) not in used]


class _Timer:
    """Stands in for Op.run, and tells the capture how long each call on its thread took."""

    def __init__(self, watcher):
        self.before = run = Op.run

        def timed(op, arrays, metadata):
            started = time.perf_counter()
            result = run(op, arrays, metadata)
            if threading.get_ident() == watcher.thread:
                watcher.seconds = time.perf_counter() - started
            return result

        Op.run = timed

    def stop(self):
        Op.run = self.before


def _display(picture):
    """Show the graph in the notebook, if this is one."""
    shell = notebook_shell()
    if shell is not None and getattr(shell, "kernel", None) is not None:
        from IPython.display import display

        display(picture)
