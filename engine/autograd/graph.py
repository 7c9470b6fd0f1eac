"""The computation graph: how an operation is recorded, and how gradients flow back through it.

Every operation on tensors that need gradients leaves a `Node`: which op it was, where its inputs came
from, and the few values its vector-Jacobian products (VJPs) will want. `backward` walks the nodes from
the result to the leaves, each one after all that used it. This file is what chapter 3 builds.
"""

import threading
import weakref

from engine import backend, dtypes, order

# ---- what the graph needs of a tensor ---------------------------------------------------------------


class Storage:
    """What views of one memory have in common: how often it was written to."""

    __slots__ = ("version",)

    def __init__(self):
        self.version = 0

    def written(self):
        """Count one more write."""
        self.version += 1


class InferenceStorage:
    """The storage of a tensor made in inference mode: nobody counts, so backward can save nothing of it."""

    __slots__ = ()

    @property
    def version(self):
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
            "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use "
            "it in autograd, or use no_grad() instead of inference_mode().")

    def written(self):
        if not setting.inference:
            raise RuntimeError(
                "Inplace update to inference tensor outside InferenceMode is not allowed. "
                "You can make a clone to get a normal tensor before doing inplace update.")


def new_storage():
    """The storage of a tensor with memory of its own."""
    return InferenceStorage() if setting.inference else Storage()


class View:
    """How a tensor looks at the memory of another, its base: through these ops, one after the other."""

    __slots__ = ("source", "steps", "recorded", "version", "piece")

    def __init__(self, source, op, metadata, recorded):
        of_source = source.view_of
        self.source = source if of_source is None else of_source.base
        self.steps = ((op, metadata),) if of_source is None else (*of_source.steps, (op, metadata))
        self.recorded = recorded and (of_source is None or of_source.recorded)  # False if taken within no_grad
        self.version = source.storage.version  # of the memory, when the view's grad_fn was made
        self.piece = None  # "Output 0 of Split" if one call made several views, or for a view of such a one
        if of_source is not None and of_source.piece is not None:
            self.piece = f"Output 0 of {op.node_name.removesuffix('Backward0')}"

    @property
    def base(self):
        """The tensor with the whole memory; not the source where that has since been turned in place (`t_`)."""
        of_source = self.source.view_of
        return self.source if of_source is None else of_source.base


ONE_OF_SEVERAL = (
    "This view is the output of a function that returns multiple views. Such functions do not allow the output views "
    "to be modified inplace. You should replace the inplace operation by an out-of-place one.")


class TensorBase:
    """An array, its place in the graph and its gradient; `engine.Tensor` adds everything else."""

    __slots__ = (
        "array", "storage", "view_of", "requires_grad_flag", "_grad_fn", "_grad", "_accumulator", "_hooks",
        "__weakref__")

    def __init__(self, array, storage=None, grad_fn=None):
        if not hasattr(array, "strides") or type(storage) is int:
            raise TypeError("Tensor() makes no tensors of data or sizes: use engine.tensor(data), engine.empty(sizes)")
        self.array = array
        self.storage = new_storage() if storage is None else storage
        self.view_of = None
        self._grad_fn = grad_fn
        self.requires_grad_flag = grad_fn is not None
        self._grad = None
        self._accumulator = None
        self._hooks = None

    def settle(self):
        """Bring memory that a fast convolution left in an order of its own into row-major order, as torch's is.

        Called before anything that shows the order or shares the memory: strides, views, numpy.
        """
        if self.view_of is None and order.is_batch_last(self.array):
            self.array = self.array.copy()
        return self

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

    def is_inference(self):
        """Whether the tensor (or the base it is a view of) was made in inference mode."""
        return type(self.storage) is InferenceStorage

    def catch_up(self):
        """Look at the base anew if its memory, and so perhaps its history, was rewritten since this view was taken."""
        view = self.view_of
        if view.version == self.storage.version or (self._grad_fn is None and not view.base.requires_grad_flag):
            return
        if not view.recorded:
            raise RuntimeError(
                "A view was created in no_grad mode and its base or another view of its base has been modified inplace "
                "with grad mode enabled: its history is unknown. Take the view outside of no_grad, or clone() it.")
        if view.piece is not None:
            raise RuntimeError(f"{view.piece} is a view and its base or another view of its base has been modified "
                               f"inplace. {ONE_OF_SEVERAL}")
        view.version = self.storage.version
        with set_recording(True):
            self._grad_fn = look_through(view.steps, view.base)._grad_fn
        self.requires_grad_flag = True


class _Setting(threading.local):
    record = True  # off inside no_grad
    inference = False  # on inside inference_mode
    tensor_class = TensorBase


setting = _Setting()


def make_tensors_of(tensor_class):
    """Results of recorded operations will be of this class (`engine.Tensor` says so once)."""
    _Setting.tensor_class = tensor_class


# ---- nodes and edges --------------------------------------------------------------------------------


class Node:
    """One recorded operation; `tensor.grad_fn`. Its edges lead to the nodes that made its inputs."""

    __slots__ = ("op", "inputs", "plan", "saved", "versions", "shape", "numpy_dtype", "hooks", "__weakref__")
    source = None  # or the one node among the inputs: see `short`

    def __init__(self, op, inputs, plan, saved, versions, result):
        self.op = op
        self.inputs = inputs  # for each input the node that made it; None where no gradient is needed
        self.plan = plan
        self.saved = saved
        self.versions = versions
        self.shape = result.shape
        self.numpy_dtype = result.dtype
        self.hooks = None  # or a hooks.Hooks

    def name(self):
        """torch's name for it, e.g. "MulBackward0"."""
        return self.op.node_name

    label = property(lambda self: self.op.label, doc="The op's short label for pictures, e.g. '×'.")
    dtype = property(lambda self: dtypes.FROM_NUMPY[self.numpy_dtype], doc="The type of the op's result.")

    @property
    def next_functions(self):
        """One (node, 0) for each tensor input; (None, 0) where no gradient is needed."""
        return tuple((node, 0) for node in self.inputs)

    def register_hook(self, hook):
        """Call hook(grad_inputs, grad_outputs) after the node has passed its gradients on; it may return others.

        Both are tuples of tensors, None where there is none. Returns a handle whose remove() ends that.
        """
        from engine.autograd import hooks  # stands on this file

        return hooks.hooks_of(self).add(hooks.AFTER, hook)

    def register_prehook(self, hook):
        """Call hook(grad_outputs), a tuple, before the node passes gradients on; it may return another tuple."""
        from engine.autograd import hooks

        return hooks.hooks_of(self).add(hooks.BEFORE, hook)

    def gradients(self, gradient, as_tensors, useful=None):
        """What the node sends along each of its edges: VJPs, then unbroadcast and the dtype of what made the input.

        None along an edge that needs none: to a constant, or to a node that is not in the set `useful`.
        """
        saved = self.saved_values()
        if as_tensors:
            saved = self.plan.as_tensors(self, saved)
        is_complex = self.numpy_dtype.kind == "c"  # the chain rule conjugates the derivative: conj(conj(g)·f')
        gradient = gradient.conj() if is_complex else gradient
        inputs = self.inputs
        passed_on = [None] * len(inputs)
        for position, vjp, picks in self.plan.vjps:
            source = inputs[position]
            if useful is not None and source not in useful:
                continue
            its_gradient = vjp(gradient, *(saved if picks is None else [saved[pick] for pick in picks]))
            passed_on[position] = fitted(its_gradient.conj() if is_complex else its_gradient, source)
        return passed_on

    def saved_values(self):
        """What the node saved, after checking that nobody has freed it or changed it in place since."""
        saved, versions = self.saved, self.versions
        if type(saved) is tuple and not versions:
            return saved
        if saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time: the values that the first backward needed "
                f"were freed by it (here: those of {self.name()}). Pass retain_graph=True to the first one to keep "
                "them.")
        pairs = iter(versions)
        for storage, version in zip(pairs, pairs):
            if storage.version != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"a value saved by {self.name()} is at version {storage.version}; expected version {version} "
                    "instead.")
        return saved if type(saved) is tuple else saved.unpacked()

    def saves_arrays(self):
        """Whether it keeps arrays for backward, beside shapes and the like."""
        return self.plan.saves_arrays

    def release(self):
        """Let go of the saved arrays; a second backward through this node will raise."""
        if self.saves_arrays():
            self.saved = None
            self.versions = ()

    def __repr__(self):
        return f"<{self.name()}>"


class AccumulateGrad:
    """Where an edge ends: adds what arrives to the `.grad` of a leaf, its `variable`."""

    __slots__ = ("variable", "__weakref__")
    inputs, source = (), None
    next_functions = ()
    label = "leaf"
    register_hook, register_prehook = Node.register_hook, Node.register_prehook

    def __init__(self, variable):
        self.variable = variable

    hooks = property(lambda self: self.variable._hooks)  # the leaf's, which outlives this node
    shape = property(lambda self: self.variable.array.shape)
    numpy_dtype = property(lambda self: self.variable.array.dtype)

    def name(self):
        return "AccumulateGrad"

    def gradients(self, gradient, as_tensors, useful=None):
        """Nothing goes further than to the leaf."""
        accumulate(self.variable, gradient, as_tensors)
        return ()

    def release(self):
        """There is nothing to let go of."""

    def __repr__(self):
        return "<AccumulateGrad>"


def edge_of(tensor):
    """The node that a gradient of `tensor` goes to; None if it needs none."""
    if tensor.view_of is not None:
        tensor.catch_up()
    if tensor._grad_fn is not None:
        return tensor._grad_fn
    if not (tensor.requires_grad_flag or tensor.requires_grad):
        return None
    node = tensor._accumulator and tensor._accumulator()
    if node is None:
        node = AccumulateGrad(tensor)
        tensor._accumulator = weakref.ref(node)  # weak, so that a leaf and its node are no cycle
    return node


def tensor_at(node, array, storage=None):
    """A tensor holding `array` whose gradient goes to `node` (None: nowhere)."""
    if type(node) is not AccumulateGrad:
        return setting.tensor_class(array, storage, node)
    if node.variable.array is array:
        return node.variable
    tensor = setting.tensor_class(array, storage)
    tensor.requires_grad_flag = True
    tensor._accumulator = lambda: node
    return tensor


# ---- forward: record --------------------------------------------------------------------------------


def record(op, inputs, metadata):
    """Run `op` on tensors and Python numbers, and remember what backward will need.

    The result is a tensor; it has a `grad_fn` if recording is on and some input requires a gradient.
    """
    if op.is_view:
        inputs[0].settle()
    inputs, arrays = op.prepare(inputs)
    result = op.run(arrays, metadata)
    if not op.is_view and not result.flags.c_contiguous:
        result = order.settled(result, arrays)
    is_recording, node, edges, needed = setting.record, None, [], 0
    is_view = op.is_view and (result.size == 0 or backend.share_memory(result, arrays[0]))
    storage = inputs[0].storage if is_view else Storage() if is_recording else new_storage()
    if is_recording and op.vjps and result.dtype.kind not in "biu":  # integers and bools have no gradients
        for value in inputs:
            edge = None
            if isinstance(value, TensorBase):
                edge = value._grad_fn if value._grad_fn is not None and value.view_of is None else edge_of(value)
            if edge is not None:
                needed |= 1 << len(edges)
            edges.append(edge)
    if needed:
        plan = op.plans.get((needed, len(edges))) or op.plan(needed, len(edges))
        node = Node(op, tuple(edges), plan, *plan.collect(inputs, arrays, result, storage, metadata), result)
    tensor = setting.tensor_class(result, storage, node)
    if is_view and not tensor.is_inference():
        tensor.view_of = View(inputs[0], op, metadata, is_recording)
    if watchers and needed:
        tell_watchers(node, inputs, tensor)
    return tensor


watchers = []  # each has `thread` (the one it watches, None for all) and `recorded(node, inputs, result)`
observers = []  # of backward passes: each has `passed(node, gradient, passed_on)` and `failed(node, error)`


def increment_version(tensor):
    """Count a write to the tensor's memory (or to those of several tensors) that the engine did not see."""
    for each in [tensor] if isinstance(tensor, TensorBase) else tensor:
        each.storage.written()


def tell_watchers(node, inputs, result):
    """Show a new node, what it was computed from and what came of it to those who watch this thread, latest first."""
    for watcher in reversed(watchers):
        if watcher.thread in (None, threading.get_ident()):
            watcher.recorded(node, inputs, result)


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
        axis for axis in range(gradient.ndim)
        if axis < added or (shape[axis - added] == 1 and gradient.shape[axis] != 1))
    if stretched:
        gradient = order.row_major(gradient.sum(axis=stretched, keepdims=True))
    return gradient.reshape(shape)


def fitted(gradient, source):
    """The gradient in the shape and the type of what the node `source` made."""
    if gradient.shape != source.shape:
        gradient = unbroadcast(gradient, source.shape)
    return gradient if gradient.dtype is source.numpy_dtype else as_dtype(gradient, source.numpy_dtype)


def backward(roots, gradients, retain_graph=False, create_graph=False, wanted=None):
    """Send `gradients` back from the tensors `roots`.

    Arrays flow, or tensors when `create_graph` records the backward pass itself. Without `wanted`,
    each leaf's `.grad` receives its sum. With `wanted` (a set of nodes), nothing is written, only nodes on the
    way to those are visited, and their gradients are returned in a dict.
    """
    arriving = {}  # node -> sum of what has arrived so far
    for root, gradient in zip(roots, gradients):
        node = edge_of(root)
        arriving[node] = arriving[node] + gradient if node in arriving else gradient
    waiting = count_uses(arriving)
    useful, working = (None, None) if wanted is None else leading_to(wanted, waiting)
    ready = [node for node in arriving if not waiting[node]]
    collected, node = {}, None
    try:
        with backend.quiet(), set_recording(create_graph):
            while ready:
                node = ready.pop()
                gradient = arriving.pop(node, None)  # None: a custom Function had none to give
                hooks = None if gradient is None else node.hooks
                hooked = gradient if hooks is None else hooks.on_gradient(order.row_major(gradient))
                if wanted is not None:
                    if node in wanted:  # as torch: after the hooks, unless others need it too
                        collected[node] = gradient if node in working else hooked
                    if node not in working:
                        continue
                gradient = hooked if hooks is None else hooks.before(hooked)
                passed_on = [None] * len(node.inputs)
                if gradient is not None:
                    passed_on = node.gradients(gradient, create_graph, useful)
                if hooks is not None and hooks.after:
                    passed_on = hooks.on_passed(passed_on, gradient)
                for observer in observers:
                    observer.passed(node, gradient, passed_on)
                for source, its_gradient in zip(node.inputs, passed_on):
                    if source is None or (useful is not None and source not in useful):
                        continue
                    if its_gradient is not None:
                        arriving[source] = arriving[source] + its_gradient if source in arriving else its_gradient
                    waiting[source] -= 1
                    if not waiting[source]:
                        ready.append(source)
                if not retain_graph:
                    node.release()
    except Exception as error:
        for observer in observers if node is not None else ():
            observer.failed(node, error)
        raise
    return collected


def count_uses(roots):
    """For each node reachable from `roots`: how many edges lead to it from other reachable nodes."""
    uses = dict.fromkeys(roots, 0)
    to_visit = list(uses)
    while to_visit:
        node = to_visit.pop()
        for source in node.inputs if node.source is None else (node.source,):
            if source is None:
                continue
            if source in uses:
                uses[source] += 1
            else:
                uses[source] = 1
                to_visit.append(source)
    return uses


def leading_to(wanted, uses):
    """(the nodes in `uses` whose gradients are wanted or needed for one that is, those of them that pass it on)."""
    users = {}
    for node in uses:
        for source in node.inputs:
            users.setdefault(source, []).append(node)
    working = set()
    to_visit = list(wanted)
    while to_visit:
        for user in users.get(to_visit.pop(), ()):
            if user not in working:
                working.add(user)
                to_visit.append(user)
    return working | wanted, working


def as_dtype(gradient, numpy_dtype):
    if isinstance(gradient, TensorBase):
        return gradient if gradient.array.dtype == numpy_dtype else gradient.to(numpy_dtype)
    if gradient.dtype == numpy_dtype:
        return gradient
    if gradient.dtype.kind == "c" and numpy_dtype.kind != "c":
        gradient = gradient.real  # a real input moves along the real axis alone
    return gradient.astype(numpy_dtype)


def as_tensor(gradient):
    if isinstance(gradient, TensorBase):
        return gradient
    return setting.tensor_class(order.handed_out(backend.as_array(gradient, like=gradient)))


def accumulate(leaf, gradient, create_graph=False, is_ours=False):
    """leaf.grad += gradient, in a memory of its own; then the leaf's post-accumulate hooks.

    is_ours: nobody else holds the array `gradient`, so it may become that memory if its order is the leaf's.
    """
    if create_graph:
        leaf._grad = gradient if leaf._grad is None else leaf._grad + gradient
    elif leaf._grad is None:
        is_kept = is_ours and gradient.strides == leaf.array.strides
        leaf._grad = setting.tensor_class(gradient if is_kept else order.copied(gradient, like=leaf.array))
    elif leaf._grad.grad_fn is not None:
        leaf._grad = leaf._grad + as_tensor(gradient)
    else:
        leaf._grad.storage.written()
        leaf._grad.array += gradient
    if leaf._hooks is not None:
        leaf._hooks.on_accumulated(leaf)


# ---- switching recording off and on -----------------------------------------------------------------


class set_recording:
    """Context manager: recording on or off inside, as before afterwards."""

    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        self.before = setting.record
        setting.record = self.mode and not setting.inference

    def __exit__(self, *exception):
        setting.record = self.before
