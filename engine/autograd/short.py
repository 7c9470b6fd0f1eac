"""Short ways through the graph, for what most steps of training do: record an operation on tensors of one type of floats
in main memory (and numbers), and send arrays back that end in the leaves' `.grad`, where nobody watches.

They do what `record` and `graph.backward` do, which say it in general, in half to two thirds of their time, and leave
all else to them.
"""

import sys

import numpy as np

from engine import backend, order
from engine.autograd.graph import (
    AccumulateGrad, Node, Storage, TensorBase, accumulate, count_uses, edge_of, fitted, record, set_recording, setting,
    watchers)
from engine.ops.table import Plan

NUMBERS = {int, float}
REFUSALS = ValueError, TypeError, IndexError  # numpy's; `Op.run` says them in torch's words
is_quiet, own_context = backend.is_quiet.get, backend.own_context  # what `backend.quietly` does, without a call
# Shorter ways for some entries. AT_ONCE: (node, gradient) -> what goes along all edges, or None where it does not pay.
# INTO: (total, gradient, *saved), for who puts a gradient among zeros, adds it to the sum of what has arrived in place.
AT_ONCE, INTO = {}, {}


class Single(Node):
    """A node of which one input alone needs a gradient: it holds the node that made that, and no tuple around it.

    Most nodes of a long chain are such. Python's search for cycles walks over each object that there is, so one less
    for each operation counts for more than the memory.
    """

    __slots__ = ("source",)

    def __init__(self, op, source, plan, saved, versions, result):
        self.op = op
        self.source = source
        self.plan = plan
        self.saved = saved
        self.versions = versions
        self.shape = result.shape
        self.numpy_dtype = result.dtype
        self.hooks = None

    @property
    def inputs(self):
        """For each input the node that made it; None where no gradient is needed."""
        ((position, _, _),) = self.plan.vjps
        return tuple([self.source if each == position else None for each in range(self.plan.count)])

    def only_gradient(self, gradient):
        """`gradients` of an array, of a pass without hooks and watchers, as what goes along the one edge."""
        saved, versions = self.saved, self.versions
        if type(saved) is not tuple or (versions and (len(versions) > 2 or versions[0].version != versions[1])):
            saved = self.saved_values()
        gradient, source = self.plan.vjps[0][1](gradient, *saved), self.source
        if gradient.shape == source.shape and gradient.dtype is source.numpy_dtype:
            return gradient
        return fitted(gradient, source)


def record_one(op, input):
    """record(op, (input,), {}), in two thirds of its time where the usual is the case: floats in main memory."""
    array, edge = input.array, input._grad_fn
    if type(array) is not np.ndarray or array.dtype.kind != "f" or op.is_view or watchers or not setting.record:
        return record(op, (input,), {})
    if input.view_of is not None or (edge is None and input.requires_grad_flag):
        edge = edge_of(input)
    try:
        result = op.forward(array) if is_quiet() else own_context.run(op.forward, array)
    except REFUSALS:
        result = op.run((array,), {})
    storage, node, result = Storage(), None, result if type(result) is np.ndarray else np.asarray(result)
    if edge is not None and op.vjps and result.dtype.kind == "f":
        plan = op.plans.get((1, 1)) or op.plan(1, 1)
        node = Single(op, edge, plan, *_collected(plan, (input,), (array,), result, storage), result)
    return made(setting.tensor_class, result, storage, node)


def record_two(op, a, b):
    """record(op, (a, b), {}), likewise: of tensors of one type, or of a tensor and a number."""
    if watchers or not setting.record:
        return record(op, (a, b), {})
    first, second, edge_a, edge_b, needed = a, b, None, None, 0
    if isinstance(a, TensorBase):
        first, edge_a = a.array, a._grad_fn
        if a.view_of is not None or (edge_a is None and a.requires_grad_flag):
            edge_a = edge_of(a)
        if edge_a is not None:
            needed = 1
    if isinstance(b, TensorBase):
        second, edge_b = b.array, b._grad_fn
        if b.view_of is not None or (edge_b is None and b.requires_grad_flag):
            edge_b = edge_of(b)
        if edge_b is not None:
            needed += 2
    if type(first) is type(second) is np.ndarray:
        is_usual = first.dtype is second.dtype and first.dtype.kind == "f"
    else:
        is_usual = _are_float_and_number(first, second)
    if not is_usual:
        return record(op, (a, b), {})
    try:
        result = op.forward(first, second) if is_quiet() else own_context.run(op.forward, first, second)
    except REFUSALS:
        result = op.run((first, second), {})
    storage, node, result = Storage(), None, result if type(result) is np.ndarray else np.asarray(result)
    if result.ndim > 1 and not result.flags.c_contiguous:
        result = order.settled(result, (first, second))
    if needed and op.vjps and result.dtype.kind == "f":
        plan, saved, versions = op.plans.get((needed, 2)) or op.plan(needed, 2), (), ()
        if plan.sources:
            saved, versions = _collected(plan, (a, b), (first, second), result, storage)
        if needed == 3:
            node = Node(op, (edge_a, edge_b), plan, saved, versions, result)
        else:
            node = Single(op, edge_a or edge_b, plan, saved, versions, result)
    return made(setting.tensor_class, result, storage, node)


def record_several(op, inputs, metadata):
    """record(op, inputs, metadata), likewise: of an entry that makes no views, all of whose inputs are tensors."""
    if watchers or not setting.record:
        return record(op, inputs, metadata)
    arrays, edges, needed = [], [], 0
    for value in inputs:
        array, edge = value.array, value._grad_fn
        if type(array) is not np.ndarray or (op.is_choosy and arrays and array.dtype is not arrays[0].dtype):
            return record(op, inputs, metadata)
        if value.view_of is not None or (edge is None and value.requires_grad_flag):
            edge = edge_of(value)
        if edge is not None:
            needed |= 1 << len(edges)
        arrays.append(array)
        edges.append(edge)
    if arrays[0].dtype.kind != "f":
        return record(op, inputs, metadata)
    try:
        result = backend.quietly(op.forward, arrays, metadata)
    except REFUSALS:
        result = op.run(arrays, metadata)
    storage, node, result = Storage(), None, result if type(result) is np.ndarray else np.asarray(result)
    if not result.flags.c_contiguous:
        result = order.settled(result, arrays)
    if needed and result.dtype.kind == "f":
        count = len(edges)
        plan = op.plans.get((needed, count)) or op.plan(needed, count)
        node = Node(op, tuple(edges), plan, *plan.collect(inputs, arrays, result, storage, metadata), result)
    return made(setting.tensor_class, result, storage, node)


def _are_float_and_number(a, b):
    """Whether one is an array of floats in main memory and the other a number."""
    if type(a) is np.ndarray:
        return a.dtype.kind == "f" and type(b) in NUMBERS
    return type(a) in NUMBERS and type(b) is np.ndarray and b.dtype.kind == "f"


def _collected(plan, inputs, arrays, result, storage):
    """plan.collect; the usual plan, of one value, without its loop."""
    if type(plan) is not Plan or len(plan.sources) != 1:
        return plan.collect(inputs, arrays, result, storage, {})
    ((kind, which),) = plan.sources
    if kind == "result":
        return (result,), (storage, storage.version)
    if kind != "input":
        return plan.collect(inputs, arrays, result, storage, {})
    value = inputs[which]
    return (arrays[which],), (value.storage, value.storage.version) if isinstance(value, TensorBase) else ()


def made(tensor_class, array, storage, grad_fn):
    """tensor_class(array, storage, grad_fn) of what an operation has made, without a look at it: half of the time."""
    tensor = object.__new__(tensor_class)
    tensor.array, tensor.storage, tensor._grad_fn = array, storage, grad_fn
    tensor.requires_grad_flag = grad_fn is not None
    tensor.view_of = tensor._grad = tensor._accumulator = tensor._hooks = None
    return tensor


# ---- the way back -----------------------------------------------------------------------------------


def _references_to_a_local():
    alone = object()
    return sys.getrefcount(alone)


ALONE = _references_to_a_local()  # what sys.getrefcount says of what one local variable alone holds


def backward(roots, gradients, retain_graph):
    """graph.backward(roots, gradients, retain_graph) of a pass that has no observers.

    An array that this loop alone holds when it reaches its leaf becomes the leaf's `.grad` without a copy. So nothing
    here may keep a name for an array that it has passed on.
    """
    arriving = {}  # node -> sum of what has arrived so far
    for root, gradient in zip(roots, gradients):
        node = edge_of(root)
        arriving[node] = arriving[node] + gradient if node in arriving else gradient
    gradients = gradient = None
    waiting = count_uses(arriving)
    ready = [node for node in arriving if not waiting[node]]
    with backend.quiet(), set_recording(False):
        while ready:
            node = ready.pop()
            gradient = arriving.pop(node, None)  # None: a custom Function had none to give
            hooks = None if gradient is None else node.hooks
            while type(node) is Single and gradient is not None and hooks is None:  # along a chain, one after the other
                source, gradient = node.source, node.only_gradient(gradient)
                if not retain_graph and node.plan.saves_arrays:  # release()
                    node.saved, node.versions = None, ()
                if source in arriving:
                    gradient = arriving.pop(source) + gradient
                waiting[source] -= 1
                if waiting[source]:
                    arriving[source] = gradient
                    break
                node, hooks = source, source.hooks
            else:  # where the chain ends, or none began
                if type(node) is AccumulateGrad and gradient is not None and hooks is None:
                    is_alone = sys.getrefcount(gradient) == ALONE and type(gradient) is np.ndarray
                    accumulate(node.variable, gradient, is_ours=is_alone and gradient.flags.owndata)
                else:
                    _pass_on(node, gradient, hooks, arriving, waiting, ready)
                    if not retain_graph:
                        node.release()
            gradient = None


def _pass_on(node, gradient, hooks, arriving, waiting, ready):
    """A node's part in the pass, its hooks included."""
    if type(node) is Node and gradient is not None and hooks is None and _goes_by_vjps(node):
        return _pass_on_by_vjps(node, gradient, arriving, waiting, ready)
    if hooks is not None:
        gradient = hooks.before(hooks.on_gradient(order.row_major(gradient)))
    is_passed = gradient is None or (hooks is None and _add_in_place(node, gradient, arriving))
    passed_on = [None] * len(node.inputs) if is_passed else _gradients(node, gradient)
    if hooks is not None and hooks.after:
        passed_on = hooks.on_passed(passed_on, gradient)
    for source, its_gradient in zip(node.inputs, passed_on):
        if source is None:
            continue
        if its_gradient is not None:
            arriving[source] = arriving[source] + its_gradient if source in arriving else its_gradient
        waiting[source] -= 1
        if not waiting[source]:
            ready.append(source)


def _goes_by_vjps(node):
    return type(node.plan) is Plan and node.op not in AT_ONCE and node.op not in INTO and node.numpy_dtype.kind != "c"


def _pass_on_by_vjps(node, gradient, arriving, waiting, ready):
    """The usual case of it, in two thirds of the time: no complex numbers, and an entry without a shorter way."""
    saved = node.saved_values()
    for position, vjp, picks in node.plan.vjps:
        source = node.inputs[position]
        its_gradient = vjp(gradient, *(saved if picks is None else [saved[pick] for pick in picks]))
        if its_gradient.shape != source.shape or its_gradient.dtype is not source.numpy_dtype:
            its_gradient = fitted(its_gradient, source)
        arriving[source] = arriving[source] + its_gradient if source in arriving else its_gradient
        waiting[source] -= 1
        if not waiting[source]:
            ready.append(source)


def _shorter(ways, node):
    """The shorter way of the node's entry; None if it has none, or now runs on a learner's function (`engine.use`)."""
    return ways.get(node.op) if type(node) is Node and type(node.plan) is Plan else None


def _add_in_place(node, gradient, arriving):
    """Add the gradient to what has arrived where it goes, an array that this pass alone holds; False if it is not.

    Who goes through a sequence step by step would else make as many arrays of zeros as large as the sequence.
    """
    add = _shorter(INTO, node)
    if add is None:
        return False
    (source,) = node.inputs
    total = arriving.pop(source, None)
    is_ours = sys.getrefcount(total) == ALONE and type(total) is np.ndarray and total.flags.owndata
    is_done = is_ours and type(gradient) is np.ndarray and gradient.dtype is total.dtype
    if is_done:
        add(total, gradient, *node.saved_values())
    if total is not None:
        arriving[source] = total
    return is_done


def _gradients(node, gradient):
    """node.gradients(gradient, False)."""
    find = _shorter(AT_ONCE, node)
    found = find(node, gradient) if find else None
    return node.gradients(gradient, False) if found is None else found
