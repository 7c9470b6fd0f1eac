"""The computation graph: how an operation is recorded, and how gradients flow back through it.

Every operation on tensors that need gradients leaves a `Node`: which op it was, where its inputs came
from, and the few values its vector-Jacobian products (VJPs) will want. `backward` walks the nodes from
the result to the leaves, each one after all that used it. This file is what chapter 3 builds.
"""

import threading
import weakref

from engine import backend

# ---- what the graph needs of a tensor ---------------------------------------------------------------


class Storage:
    """What views of one memory have in common: how often it was written to."""

    __slots__ = ("version",)

    def __init__(self):
        self.version = 0


class View:
    """How a tensor looks at the memory of another, its base: through these ops, one after the other."""

    __slots__ = ("base", "steps", "recorded", "version")

    def __init__(self, source, op, metadata, recorded):
        of_source = source.view_of
        self.base = source if of_source is None else of_source.base
        self.steps = ((op, metadata),) if of_source is None else (*of_source.steps, (op, metadata))
        self.recorded = recorded and (of_source is None or of_source.recorded)  # False if taken within no_grad
        self.version = source.storage.version  # of the memory, when the view's grad_fn was made


class TensorBase:
    """An array, its place in the graph and its gradient; `engine.Tensor` adds everything else."""

    __slots__ = (
        "array",
        "storage",
        "view_of",
        "requires_grad_flag",
        "_grad_fn",
        "grad",
        "_accumulator",
        "_hooks",
        "__weakref__",
    )

    def __init__(self, array, storage=None, grad_fn=None):
        self.array = array
        self.storage = Storage() if storage is None else storage
        self.view_of = None
        self._grad_fn = grad_fn
        self.requires_grad_flag = grad_fn is not None
        self.grad = None
        self._accumulator = None
        self._hooks = None

    @property
    def grad_fn(self):
        """The node that computed this tensor; None for a leaf."""
        if self.view_of is not None:
            self.catch_up()
        return self._grad_fn

    @property
    def requires_grad(self):
        """Whether operations on this tensor are recorded; also true for a view of a tensor for which it is."""
        return self.requires_grad_flag or (self.view_of is not None and self.view_of.base.requires_grad_flag)

    @property
    def is_leaf(self):
        """True unless the tensor is the recorded result of an operation."""
        return self.grad_fn is None

    def catch_up(self):
        """Look at the base anew if its memory, and so perhaps its history, was rewritten since this view was taken."""
        view = self.view_of
        if view.version == self.storage.version or (self._grad_fn is None and not view.base.requires_grad_flag):
            return
        if not view.recorded:
            raise RuntimeError(
                "A view was created in no_grad mode and its base or another view of its base has been modified inplace "
                "with grad mode enabled: its history is unknown. Take the view outside of no_grad, or clone() it."
            )
        view.version = self.storage.version
        with set_recording(True):
            self._grad_fn = look_through(view.steps, view.base)._grad_fn
        self.requires_grad_flag = True


class _Setting(threading.local):
    record = True  # off inside no_grad
    tensor_class = TensorBase


setting = _Setting()


def make_tensors_of(tensor_class):
    """Results of recorded operations will be of this class (`engine.Tensor` says so once)."""
    _Setting.tensor_class = tensor_class


# ---- nodes and edges --------------------------------------------------------------------------------


class Node:
    """One recorded operation; `tensor.grad_fn`. Its edges lead to the nodes that made its inputs."""

    __slots__ = (
        "op",
        "inputs",
        "input_shapes",
        "input_dtypes",
        "plan",
        "saved",
        "versions",
        "shape",
        "numpy_dtype",
        "hooks",
        "retaining",
        "__weakref__",
    )

    def __init__(self, op, inputs, input_shapes, input_dtypes, plan, saved, versions, result):
        self.op = op
        self.inputs = inputs
        self.input_shapes = input_shapes
        self.input_dtypes = input_dtypes
        self.plan = plan
        self.saved = saved
        self.versions = versions
        self.shape = result.shape
        self.numpy_dtype = result.dtype
        self.hooks = None
        self.retaining = None

    def name(self):
        """torch's name for it, e.g. "MulBackward0"."""
        return self.op.node_name

    @property
    def label(self):
        """The op's short label for pictures, e.g. "×"."""
        return self.op.label

    @property
    def dtype(self):
        """The type of the op's result."""
        from engine import dtypes

        return dtypes.FROM_NUMPY[self.numpy_dtype]

    @property
    def next_functions(self):
        """One (node, 0) for each tensor input; (None, 0) where no gradient is needed."""
        return tuple((node, 0) for node in self.inputs)

    def __repr__(self):
        return f"<{self.name()}>"


class AccumulateGrad:
    """Where an edge ends: adds what arrives to the `.grad` of a leaf, its `variable`."""

    __slots__ = ("variable", "__weakref__")
    inputs = ()
    next_functions = ()
    label = "leaf"

    def __init__(self, variable):
        self.variable = variable

    def name(self):
        return "AccumulateGrad"

    def __repr__(self):
        return "<AccumulateGrad>"


def edge_of(tensor):
    """The node that a gradient of `tensor` goes to; None if it needs none."""
    if tensor.grad_fn is not None:
        return tensor._grad_fn
    if not tensor.requires_grad_flag:
        return None
    node = tensor._accumulator and tensor._accumulator()
    if node is None:
        node = AccumulateGrad(tensor)
        tensor._accumulator = weakref.ref(node)  # weak, so that a leaf and its node are no cycle
    return node


# ---- forward: record --------------------------------------------------------------------------------


def record(op, inputs, metadata):
    """Run `op` on tensors and Python numbers, and remember what backward will need.

    The result is a tensor; it has a `grad_fn` if recording is on and some input requires a gradient.
    """
    arrays = op.prepare(inputs)
    result = op.run(arrays, metadata)
    needed = 0
    if setting.record and op.vjps:
        for position, value in enumerate(inputs):
            if isinstance(value, TensorBase):
                if value.view_of is not None:
                    value.catch_up()
                if value.requires_grad:
                    needed |= 1 << position
    storage, node = Storage(), None
    if op.is_view and (result.size == 0 or backend.share_memory(result, arrays[0])):
        storage = inputs[0].storage
    if needed:
        plan = op.plan(needed, len(inputs))
        node = Node(
            op,
            tuple([edge_of(value) if isinstance(value, TensorBase) else None for value in inputs]),
            tuple([getattr(array, "shape", ()) for array in arrays]),
            tuple([value.array.dtype if isinstance(value, TensorBase) else None for value in inputs]),
            plan,
            plan.collect(arrays, result, metadata),
            plan.remember_versions(inputs, storage),
            result,
        )
    tensor = setting.tensor_class(result, storage, node)
    if op.is_view and storage is inputs[0].storage:
        tensor.view_of = View(inputs[0], op, metadata, setting.record)
    return tensor


def look_through(steps, base):
    """What a view shows of an array or a tensor: its ops, one after the other."""
    for op, metadata in steps:
        base = op(base, **metadata)
    return base


# ---- backward ---------------------------------------------------------------------------------------


def unbroadcast(gradient, shape):
    """Sum `gradient` over the axes that broadcasting from `shape` had stretched; the result has `shape`.

    An input that was used several times gets the sum of its uses' gradients: broadcasting is such a use.
    Works on arrays and on tensors.
    """
    added = gradient.ndim - len(shape)
    stretched = tuple(
        axis
        for axis in range(gradient.ndim)
        if axis < added or (shape[axis - added] == 1 and gradient.shape[axis] != 1)
    )
    if stretched:
        gradient = gradient.sum(axis=stretched, keepdims=True)
    return gradient.reshape(shape)


def backward(roots, gradients, retain_graph=False, create_graph=False, wanted=None):
    """Send `gradients` back from the tensors `roots`.

    Arrays flow, or tensors when `create_graph` records the backward pass itself. Without `wanted`,
    each leaf's `.grad` receives its sum. With `wanted` (a set of nodes), nothing is written and the
    gradients of those nodes are returned in a dict.
    """
    arriving = {}  # node -> sum of what has arrived so far
    for root, gradient in zip(roots, gradients):
        _add(arriving, edge_of(root), gradient)
    waiting = count_uses(arriving)
    ready = [node for node in arriving if not waiting[node]]
    collected = {}
    with backend.quiet(), set_recording(create_graph):
        while ready:
            node = ready.pop()
            gradient = _call_hooks(node, arriving.pop(node))
            if wanted is not None and node in wanted:
                collected[node] = gradient
            if isinstance(node, AccumulateGrad):
                if wanted is None:
                    _accumulate(node.variable, gradient, create_graph)
                continue
            passed_on = node_gradients(node, gradient, create_graph)
            for source, its_gradient in zip(node.inputs, passed_on):
                if source is None:
                    continue
                _add(arriving, source, its_gradient)
                waiting[source] -= 1
                if not waiting[source]:
                    ready.append(source)
            if not retain_graph:
                release(node)
    return collected


def count_uses(roots):
    """For each node reachable from `roots`: how many edges lead to it from other reachable nodes."""
    uses = dict.fromkeys(roots, 0)
    to_visit = list(uses)
    while to_visit:
        for source in to_visit.pop().inputs:
            if source is None:
                continue
            if source in uses:
                uses[source] += 1
            else:
                uses[source] = 1
                to_visit.append(source)
    return uses


def node_gradients(node, gradient, as_tensors):
    """What one node sends along each of its edges: VJPs, then unbroadcast and the input's dtype."""
    saved = saved_values(node, as_tensors)
    is_complex = node.numpy_dtype.kind == "c"  # there the chain rule conjugates the derivative, conj(conj(g)·f'), as in torch
    gradient = gradient.conj() if is_complex else gradient
    passed_on = [None] * len(node.inputs)
    for position, vjp, picks in node.plan.vjps:
        its_gradient = vjp(gradient, *[saved[pick] for pick in picks])
        its_gradient = its_gradient.conj() if is_complex else its_gradient
        if its_gradient.shape != node.input_shapes[position]:
            its_gradient = unbroadcast(its_gradient, node.input_shapes[position])
        passed_on[position] = _as_dtype(its_gradient, node.input_dtypes[position])
    return passed_on


def saved_values(node, as_tensors=False):
    """What the node saved, after checking that nobody has freed it or changed it in place since."""
    if node.saved is None:
        raise RuntimeError(
            "Trying to backward through the graph a second time: the values that the first backward needed "
            f"were freed by it (here: those of {node.name()}). Pass retain_graph=True to the first one to keep them."
        )
    for storage, version in node.versions:
        if storage.version != version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"a value saved by {node.name()} is at version {storage.version}; expected version {version} instead."
            )
    return node.plan.as_tensors(node) if as_tensors else node.saved


def release(node):
    """Let go of the saved arrays; a second backward through this node will raise."""
    if node.plan.saves_arrays:
        node.saved = None
        node.versions = ()


def _add(arriving, node, gradient):
    held = arriving.get(node)
    arriving[node] = gradient if held is None else held + gradient


def _as_dtype(gradient, numpy_dtype):
    if isinstance(gradient, TensorBase):
        return gradient if gradient.array.dtype == numpy_dtype else gradient.to(numpy_dtype)
    if gradient.dtype == numpy_dtype:
        return gradient
    if gradient.dtype.kind == "c" and numpy_dtype.kind != "c":
        gradient = gradient.real  # a real input moves along the real axis alone
    return gradient.astype(numpy_dtype)


def _as_tensor(gradient):
    if isinstance(gradient, TensorBase):
        return gradient
    return setting.tensor_class(backend.as_array(gradient, like=gradient))


def _accumulate(leaf, gradient, create_graph):
    """leaf.grad += gradient, in a memory of its own."""
    if create_graph:
        leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient
    elif leaf.grad is None:
        leaf.grad = setting.tensor_class(backend.module_of(gradient).array(gradient))  # a copy: others may hold it
    elif leaf.grad.grad_fn is not None:
        leaf.grad = leaf.grad + _as_tensor(gradient)
    else:
        leaf.grad.array += gradient
        leaf.grad.storage.version += 1


def _call_hooks(node, gradient):
    """Let the tensor's hooks see or replace its complete gradient; keep it where retain_grad asked."""
    hooks = node.variable._hooks if isinstance(node, AccumulateGrad) else node.hooks
    for hook in list(hooks.values()) if hooks else ():
        replaced = hook(_as_tensor(gradient))
        if replaced is None:
            continue
        if not isinstance(replaced, TensorBase):
            raise TypeError(f"a gradient hook must return a Tensor or None, got {type(replaced).__name__}")
        gradient = replaced if isinstance(gradient, TensorBase) else replaced.array
    retaining = getattr(node, "retaining", None)
    tensor = retaining and retaining()
    if tensor is not None:
        _accumulate_retained(tensor, gradient)
    return gradient


def _accumulate_retained(tensor, gradient):
    gradient = _as_tensor(gradient)
    tensor.grad = gradient.clone() if tensor.grad is None else tensor.grad + gradient


# ---- switching recording off and on -----------------------------------------------------------------


class set_recording:
    """Context manager: recording on or off inside, as before afterwards."""

    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        self.before = setting.record
        setting.record = self.mode

    def __exit__(self, *exception):
        setting.record = self.before
