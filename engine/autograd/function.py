"""Function: operations with a forward and a backward of the user's own.

`apply` runs forward without recording and leaves one node for all of it. A node has one result; a Function with
several tensors as outputs gets a small node for each of them, an `Output`, which hands its gradient to the
Function's node as `Parts`.
"""

import functools
import warnings
import weakref

from engine import backend
from engine.autograd.graph import (
    Node, TensorBase, as_dtype, as_tensor, edge_of, set_recording, setting, tell_watchers, tensor_at, unbroadcast,
    watchers)

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What forward leaves for backward, besides attributes of the user's choice."""

    def __init__(self, needs_input_grad):
        self.needs_input_grad = needs_input_grad  # one bool for each argument of forward
        self._to_save, self._dirty, self._constant = (), (), ()
        self._materializes = True
        self._only_some = False  # whether this backward pass is for the gradients of some inputs alone
        self._node = None

    def save_for_backward(self, *tensors):
        """Keep inputs, outputs (or other tensors, or None) of forward, to be had from `saved_tensors` in backward."""
        for position, each in enumerate(tensors):
            if not (each is None or isinstance(each, TensorBase)):
                kind = type(each).__name__
                raise TypeError(f"save_for_backward can only save variables, but argument {position} is of type {kind}")
        self._to_save = tensors

    @property
    def saved_tensors(self):
        """What save_for_backward kept; RuntimeError if a backward has freed it or it was changed in place since."""
        node = self._node and self._node()
        return self._to_save if node is None else node.saved_tensors

    def mark_dirty(self, *tensors):
        """Say which inputs forward has changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs have no gradient."""
        self._constant = tensors

    def set_materialize_grads(self, value):
        """Whether backward gets zeros (the default) or None for outputs that received no gradient."""
        self._materializes = bool(value)


class Function:
    """Subclass this with static methods forward(ctx, *args) and backward(ctx, *gradients), and call `apply`.

    Or with forward(*args) and setup_context(ctx, inputs, output). backward gets a gradient for each output and returns
    one (or None) for each argument of forward. Written in tensor operations, it can be differentiated again.
    """

    def __init__(self):
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Use the static method .apply(...).", DeprecationWarning, stacklevel=2)

    def __call__(self, *args):
        raise RuntimeError("an autograd Function is not called: its methods are static. Use the class's .apply(...)")

    @staticmethod
    def forward(*args):
        """Compute the output(s) from the arguments."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Leave in ctx what backward needs; for a forward without ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *gradients):
        """The gradients of the arguments from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function")

    @classmethod
    def apply(cls, *args):
        """Run forward on the arguments; its outputs, recorded if an argument requires a gradient."""
        ctx = FunctionCtx(tuple(isinstance(each, TensorBase) and each.requires_grad for each in args))
        edges = tuple([edge_of(each) if isinstance(each, TensorBase) else None for each in args])
        recorded = setting.record and any(ctx.needs_input_grad)
        with set_recording(False):
            if cls.setup_context is Function.setup_context:
                output = cls.forward(ctx, *args)
            else:
                output = cls.forward(*args)
                cls.setup_context(ctx, args, output)
        outputs = output if isinstance(output, tuple) else (output,)
        _check_dirty(ctx, args, outputs)
        outputs = [_unshared(each, ctx, args) for each in outputs]
        if recorded and any(isinstance(each, TensorBase) for each in outputs):
            _record(cls, ctx, args, edges, outputs)
        return tuple(outputs) if isinstance(output, tuple) else outputs[0]


def _is_in(tensor, tensors):
    return any(tensor is each for each in tensors)


def _check_dirty(ctx, args, outputs):
    for each in ctx._dirty:
        if not _is_in(each, args):
            raise RuntimeError("mark_dirty: only an input of forward can be marked as dirty")
        if not _is_in(each, outputs):
            raise RuntimeError(
                "mark_dirty(): inputs that forward modified in place must be returned as outputs of the Function")
        each.storage.written()


def _unshared(output, ctx, args):
    """An output that is an argument, or has a history of its own, as another tensor with the same memory."""
    if not isinstance(output, TensorBase) or _is_in(output, ctx._dirty):
        return output
    return output.detach() if output.requires_grad or _is_in(output, args) else output


def _record(function, ctx, args, edges, outputs):
    """Put the outputs that can have a gradient into the graph."""
    node = FunctionNode(function, ctx, args, edges, outputs)
    slots = {}  # id of an output -> its number
    for slot, output in enumerate(outputs):
        if not isinstance(output, TensorBase) or _is_in(output, ctx._constant) or output.array.dtype.kind not in "fc":
            continue
        slots[id(output)] = slot
        if _is_in(output, ctx._dirty):
            from engine.inplace import continue_history  # stands on this package

            continue_history(output, setting.tensor_class(output.settle().array, None, node.end(slot)))
        else:
            output._grad_fn = node.end(slot)
            output.requires_grad_flag = True
    node.save(slots)
    if watchers:
        tell_watchers(node, args, outputs)


# ---- in the graph -----------------------------------------------------------------------------------------


class Parts:
    """What a Function's node receives when it has several outputs: a gradient for some of them."""

    __slots__ = ("of_slot",)

    def __init__(self, of_slot):
        self.of_slot = of_slot

    def __add__(self, other):
        merged = dict(self.of_slot)
        for slot, gradient in other.of_slot.items():
            merged[slot] = merged[slot] + gradient if slot in merged else gradient
        return Parts(merged)


class FunctionNode(Node):
    """The node of one call of a Function. Attributes that the user put on ctx can be read from it too."""

    __slots__ = ("ctx", "facts", "outputs", "ends", "places")

    def __init__(self, function, ctx, args, edges, outputs):
        first = next(each for each in outputs if isinstance(each, TensorBase)).array
        super().__init__(function, edges, None, (), (), first)
        self.facts = [(each.array.shape, each.array.dtype) if isinstance(each, TensorBase) else None for each in args]
        self.ctx = ctx
        arrays = [each.array if isinstance(each, TensorBase) else None for each in outputs]
        self.outputs = [each if each is None else (backend.module_of(each), each.shape, each.dtype) for each in arrays]
        self.ends = {}
        ctx._node = weakref.ref(self)

    def __getattr__(self, name):
        return getattr(self.ctx, name)

    def name(self):
        """torch's name for it, e.g. "MyFunctionBackward"."""
        return f"{self.op.__name__}Backward"

    @property
    def label(self):
        """The Function's name."""
        return self.op.__name__

    def end(self, slot):
        """The node of one output: this one if there is no other output, an `Output` otherwise."""
        if sum(kind is not None for kind in self.outputs) == 1:
            return self
        end = slot in self.ends and self.ends[slot]()
        if not end:
            end = Output(self, slot)
            self.ends[slot] = weakref.ref(end)
        return end

    def save(self, slots):
        """Take over what ctx was asked to save. An output's own place in the graph is kept as its number, or the node
        would hold itself."""
        tensors, self.ctx._to_save = self.ctx._to_save, ()
        present = [each for each in tensors if each is not None]
        self.saved = tuple([each if each is None else each.settle().array for each in tensors])
        self.versions = [part for each in present for part in (each.storage, each.storage.version)]
        self.places = tuple([slots[id(each)] if id(each) in slots else edge_of(each) for each in present])

    @property
    def saved_tensors(self):
        """The saved tensors, in their places in the graph."""
        arrays, tensors = self.saved_values(), []
        places = zip(self.places, self.versions[::2])
        for array in arrays:
            if array is not None:
                node, storage = next(places)
                array = tensor_at(self.end(node) if isinstance(node, int) else node, array, storage)
            tensors.append(array)
        return tuple(tensors)

    def gradients(self, gradient, as_tensors, useful=None):
        """What backward returns, checked, for each argument."""
        given = gradient.of_slot if isinstance(gradient, Parts) else {self._first_slot(): gradient}
        arriving = [
            as_tensor(given[slot]) if slot in given else self._nothing(kind) for slot, kind in enumerate(self.outputs)]
        self.ctx._only_some = useful is not None
        returned = self.op.backward(self.ctx, *arriving)
        returned = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        while len(returned) > len(self.inputs) and returned[-1] is None:
            returned.pop()
        if len(returned) != len(self.inputs):
            count = f"expected {len(self.inputs)}, got {len(returned)}"
            raise RuntimeError(f"function {self.name()} returned an incorrect number of gradients ({count})")
        return [self._checked(position, each, as_tensors) for position, each in enumerate(returned)]

    def _first_slot(self):
        return next(slot for slot, kind in enumerate(self.outputs) if kind is not None)

    def _nothing(self, kind):
        """What stands for the gradient of an output that received none: zeros, or None."""
        if kind is None or not self.ctx._materializes:
            return None
        module, shape, numpy_dtype = kind
        return setting.tensor_class(module.zeros(shape, dtype=numpy_dtype))

    def _checked(self, position, gradient, as_tensors):
        """The gradient of one argument in its shape and type; RuntimeError if it cannot be that."""
        if gradient is None:
            return None
        if not isinstance(gradient, TensorBase):
            raise RuntimeError(f"expected Variable or None (got {type(gradient).__name__})")
        if self.facts[position] is None:
            raise RuntimeError(
                f"function {self.name()} returned a gradient for input {position + 1}, which is no Variable")
        shape, numpy_dtype = self.facts[position]
        if gradient.dtype.is_complex and numpy_dtype.kind != "c":
            raise RuntimeError(f"function {self.name()} returned a complex gradient for real input {position}")
        if tuple(gradient.shape) != shape:
            ahead = gradient.ndim - len(shape)
            if ahead < 0 or any(size not in (1, found) for size, found in zip(shape, gradient.shape[ahead:])):
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {position} - got "
                    f"{list(gradient.shape)} but expected shape compatible with {list(shape)}")
        gradient = gradient if as_tensors else gradient.array
        if gradient.shape != shape:
            gradient = unbroadcast(gradient, shape)
        return as_dtype(gradient, numpy_dtype)

    def saves_arrays(self):
        """Whether save_for_backward was called."""
        return bool(self.places)


class Output(Node):
    """One of several outputs of a Function: hands its gradient on to the Function's node."""

    __slots__ = ("slot",)

    def __init__(self, function_node, slot):
        super().__init__(function_node.op, (function_node,), None, (), (), function_node)
        _, self.shape, self.numpy_dtype = function_node.outputs[slot]
        self.slot = slot

    name, label = FunctionNode.name, FunctionNode.label

    @property
    def next_functions(self):
        """Those of the Function's node: pictures show a Function once for each of its outputs."""
        return self.inputs[0].next_functions

    def gradients(self, gradient, as_tensors, useful=None):
        """The gradient, labelled with the output it belongs to."""
        return [Parts({self.slot: gradient})]

    def release(self):
        """There is nothing to let go of."""


# ---- once -------------------------------------------------------------------------------------------------


class _Twice(Function):
    """Passes a gradient through and raises when that is differentiated."""

    @staticmethod
    def forward(ctx, gradient):
        return gradient

    @staticmethod
    def backward(ctx, gradient):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(function):
    """Decorator of a Function's backward: it is not recorded, and differentiating it raises RuntimeError."""

    @functools.wraps(function)
    def wrapped(ctx, *gradients):
        with set_recording(False):
            returned = function(ctx, *gradients)
        if not setting.record or not any(isinstance(each, TensorBase) and each.requires_grad for each in gradients):
            return returned
        several = returned if isinstance(returned, tuple) else (returned,)
        ended = [
            _Twice.apply(each.detach().requires_grad_()) if isinstance(each, TensorBase) else each for each in several]
        return tuple(ended) if isinstance(returned, tuple) else ended[0]

    return wrapped
