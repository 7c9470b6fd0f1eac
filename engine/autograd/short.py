"""Short ways to record an operation of one or two inputs, for what an elementwise operation mostly gets: tensors of one
type of floats in main memory, and numbers.

They do what `record` does, which says it in general, in two thirds of its time, and leave all else to it.
"""

import numpy as np

from engine import backend, order
from engine.autograd.graph import Node, Storage, TensorBase, edge_of, fitted, record, setting, watchers
from engine.ops.table import Plan

NUMBERS = {int, float}


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
        ((_, vjp, _),) = self.plan.vjps
        gradient, source = vjp(gradient, *saved), self.source
        if gradient.shape == source.shape and gradient.dtype is source.numpy_dtype:
            return gradient
        return fitted(gradient, source)


def record_one(op, input):
    """record(op, (input,), {}), in two thirds of its time where the usual is the case: floats in main memory."""
    array = input.array
    if type(array) is not np.ndarray or array.dtype.kind != "f" or op.is_view or watchers or not setting.record:
        return record(op, (input,), {})
    edge = input._grad_fn
    if input.view_of is not None or (edge is None and input.requires_grad_flag):
        edge = edge_of(input)
    result, storage, node = _computed(op, (array,)), Storage(), None
    if edge is not None and op.vjps and result.dtype.kind == "f":
        plan = op.plans.get((1, 1)) or op.plan(1, 1)
        saved, versions = _collected(plan, (input,), (array,), result, storage)
        node = Single(op, edge, plan, saved, versions, result)
    return made(setting.tensor_class, result, storage, node)


def record_two(op, a, b):
    """record(op, (a, b), {}), likewise: of tensors of one type, or of a tensor and a number."""
    first = a.array if isinstance(a, TensorBase) else a
    second = b.array if isinstance(b, TensorBase) else b
    if watchers or not setting.record or not _are_floats(first, second):
        return record(op, (a, b), {})
    edge_a, edge_b, needed = None, None, 0
    if first is not a:
        edge_a = a._grad_fn
        if a.view_of is not None or (edge_a is None and a.requires_grad_flag):
            edge_a = edge_of(a)
        if edge_a is not None:
            needed = 1
    if second is not b:
        edge_b = b._grad_fn
        if b.view_of is not None or (edge_b is None and b.requires_grad_flag):
            edge_b = edge_of(b)
        if edge_b is not None:
            needed += 2
    result, storage, node = _computed(op, (first, second)), Storage(), None
    if not result.flags.c_contiguous:
        result = order.settled(result, (first, second))
    if needed and op.vjps and result.dtype.kind == "f":
        plan = op.plans.get((needed, 2)) or op.plan(needed, 2)
        saved, versions = _collected(plan, (a, b), (first, second), result, storage)
        if needed == 3:
            node = Node(op, (edge_a, edge_b), plan, saved, versions, result)
        else:
            node = Single(op, edge_a or edge_b, plan, saved, versions, result)
    return made(setting.tensor_class, result, storage, node)


def _are_floats(a, b):
    """Whether both are arrays of floats of one type in main memory, or one is such an array and the other a number."""
    if type(a) is np.ndarray:
        return a.dtype.kind == "f" and (b.dtype is a.dtype if type(b) is np.ndarray else type(b) in NUMBERS)
    return type(a) in NUMBERS and type(b) is np.ndarray and b.dtype.kind == "f"


def _computed(op, arrays):
    """op.run, without the look at bfloat16."""
    try:
        result = backend.quietly(op.forward, arrays)
    except (ValueError, TypeError, IndexError):
        return op.run(arrays, {})  # says it in torch's words
    return result if type(result) is np.ndarray else np.asarray(result)


def _collected(plan, inputs, arrays, result, storage):
    """plan.collect; the two usual plans, of no value and of one, without its loop."""
    if type(plan) is not Plan or len(plan.sources) > 1:
        return plan.collect(inputs, arrays, result, storage, {})
    if not plan.sources:
        return (), ()
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
