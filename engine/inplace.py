"""Changing tensors in place: `x.add_(y)` is `x = x + y` in x's own memory, history included.

If the operation is recorded, `x` continues with the new result's history. If `x` is a view, its base gets a
history of "the base, with this written into it", and every other view of that memory looks at the base anew
when it is next used.
"""

from engine import backend
from engine.autograd import hooks
from engine.autograd.graph import ONE_OF_SEVERAL, TensorBase, look_through, set_recording, setting
from engine.ops import indexing
from engine.ops.table import primitive

# The functions of which torch has a twin in place: `add_` for `add`.
IN_PLACE = """
abs acos add addbmm addcdiv addcmul addmm addmv addr asin atan atan2 baddbmm bitwise_and bitwise_not bitwise_or
bitwise_xor ceil clamp clamp_max clamp_min cos cosh cumprod cumsum div eq erf exp expm1 floor floor_divide fmod ge gt
index_add index_copy index_fill index_put le lerp log log10 log1p log2 logical_and logical_not logical_or logical_xor lt
masked_fill masked_scatter mul nan_to_num ne neg pow reciprocal relu remainder round rsqrt scatter scatter_add sigmoid
sign sin sinh sqrt square sub tan tanh tril triu true_divide trunc
""".split()


# Those that leave the memory as it is and only look at it in another way.
TURNING = "squeeze swapaxes swapdims t transpose unsqueeze".split()


def in_place_methods(functions):
    """For each of these functions that has a twin in place, the method, named with an underscore."""
    return [_method(function) for function in functions if function.__name__ in IN_PLACE + TURNING]


def _method(function):
    is_abs = function.__name__ == "abs"

    def method(self, *arguments, **keywords):
        def changed(tensor):
            return function(tensor, *arguments, **keywords)

        if is_abs and self.dtype.is_complex:
            raise RuntimeError("In-place abs is not supported for complex tensors.")
        if function.__name__ in TURNING:
            return turn(self, changed)
        operands = [*arguments, *keywords.values()]
        if not function.__name__.startswith("logical_"):
            return change(self, changed, operands)
        with set_recording(False):  # torch leaves history as it is
            return change(self, changed, operands)

    method.__name__ = function.__name__ + "_"
    method.__qualname__ = f"Tensor.{method.__name__}"
    method.__doc__ = f"`{function.__name__}` with the result in this tensor's own memory."
    return method


def change(tensor, function, operands=()):
    """tensor = function(tensor) in the tensor's own memory; returns the tensor. `operands`: what else it works on.

    RuntimeError, as torch's, if the result does not fit in shape or type, if several elements share a place in
    memory, or if a leaf that requires a gradient would lose being one.
    """
    recorded = _is_recorded(tensor, *operands)
    _check_changeable(tensor, recorded)
    before = _as_it_was(tensor) if recorded else tensor
    result = _fitting(tensor, function(before))
    tensor.storage.written()
    tensor.array[...] = result.array
    if recorded and not result.requires_grad:
        result = unmoved(result, *[each for each in (before, *operands) if _is_recorded(each)])
    if recorded:
        _rewrite_history(tensor, result)
    return tensor


def turn(tensor, function):
    """tensor = function(tensor), a view of it, in the tensor itself: another shape for the same memory.

    A tensor that has all of its memory goes on as a view of a stand-in, of its old shape and history; so the views that
    others have of it still know what they look at.
    """
    recorded = _is_recorded(tensor)
    if recorded:
        _check_history(tensor)
    result = function(tensor)
    tensor.storage.written()
    old_node, retained = tensor._grad_fn, hooks.retains(tensor)
    if result.view_of is not None and not (tensor.is_leaf and tensor.requires_grad):
        before, view = tensor.view_of, result.view_of
        if before is None:
            view.source = setting.tensor_class(tensor.array, tensor.storage, tensor._grad_fn)
        view.version, view.recorded = tensor.storage.version, before is None or before.recorded
        tensor.view_of, tensor._grad_fn = view, result._grad_fn if recorded else old_node
    tensor.array = result.array
    if retained and recorded:  # the gradient to keep has the new shape
        old_node.hooks.retaining = None
        hooks.retain(tensor)
    return tensor


def assign(tensor, index, values):
    """tensor[index] = values, a number or a tensor that broadcasts to what is picked. index: as the table takes it."""
    if _is_recorded(tensor, values):
        change(tensor, lambda before: indexing.index_put(before, values, index=index), [values])
        return
    _check_changeable(tensor, recorded=False)
    tensor.storage.written()
    indexing.put(tensor.array, values.array if isinstance(values, TensorBase) else values, index)


def _is_recorded(*tensors):
    return setting.record and any(isinstance(each, TensorBase) and each.requires_grad for each in tensors)


def _check_changeable(tensor, recorded):
    if backend.repeats_elements(tensor.array):
        raise RuntimeError(
            "unsupported operation: several elements of the tensor share a single memory location: clone() it.")
    if recorded:
        _check_history(tensor)


def _check_history(tensor):
    """RuntimeError, as torch's, if the tensor cannot get a new history."""
    view = tensor.view_of
    if view is not None and view.piece is not None and view.recorded:
        raise RuntimeError(f"{view.piece} is a view and is being modified inplace. {ONE_OF_SEVERAL}")
    if view is not None and not view.recorded:
        raise RuntimeError(
            "A view was created in no_grad mode and is being modified inplace with grad mode enabled: clone() it.")
    if view is not None and view.base.is_leaf and view.base.requires_grad:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if tensor.is_leaf and tensor.requires_grad:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


def _as_it_was(tensor):
    """The tensor with a copy of its elements: what the operation saves for backward is not overwritten then."""
    before = setting.tensor_class(tensor.array.copy(), None, tensor.grad_fn)
    before.requires_grad_flag = tensor.requires_grad
    return before


def _fitting(tensor, result):
    """The result, in the tensor's type; RuntimeError if it has not its shape or is of a higher category."""
    if result.shape != tensor.shape:
        shapes = f"{list(tensor.shape)} doesn't match the broadcast shape {list(result.shape)}"
        raise RuntimeError(f"output with shape {shapes}")
    if result.dtype.category > tensor.dtype.category:
        raise RuntimeError(f"result type {result.dtype} can't be cast to the desired output type {tensor.dtype}")
    return result.to(tensor.dtype)


def continue_history(tensor, result):
    """The tensor, whose memory somebody has changed already, continues with the history of `result`."""
    _check_changeable(tensor, recorded=True)
    _rewrite_history(tensor, result)


def _rewrite_history(tensor, result):
    written, target = result, tensor
    if tensor.view_of is not None:
        target = tensor.view_of.base
        written = write_through(target, result, steps=tensor.view_of.steps)
    retaining = [each for each in (target, tensor) if hooks.retains(each)]
    for each in retaining:
        each._grad_fn.hooks.retaining = None
    target._grad_fn = written.grad_fn
    target.requires_grad_flag = True
    for each in retaining:  # the gradient to keep is that of the new value
        hooks.retain(each)


# A result that moves with nothing, like that of a comparison; yet what it was made from is part of its history.
unmoved = primitive("unmoved", "*tensors", lambda values, *others: values.copy(), [lambda g: g * 0], label="const")


def _write_through(base, values, *, steps):
    whole = base.copy()
    look_through(steps, whole)[...] = values
    return whole


write_through = primitive(
    "copy_slices", "base values", _write_through,
    [lambda g, steps: write_through(g, look_through(steps, g) * 0, steps=steps),
     lambda g, steps: look_through(steps, g)],
    label="[ ] =")
