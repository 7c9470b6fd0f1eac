"""What the families of functions have in common: how they read their arguments, and how they treat halves."""

import functools
import operator

from engine.autograd.graph import TensorBase, setting
from engine.functions.arguments import autocasting, check_tensor

__all__ = []


def in_float32(function):
    """Let float16 and bfloat16 be computed in float32 and rounded once, as torch does on the CPU.

    Only where all float tensors among the arguments are of the same half type; of a mixture the function itself says
    what it thinks.
    """

    name = getattr(function, "__name__", None)  # an entry of the table has another, and casts nothing

    @functools.wraps(function)
    def widening(*arguments, **keywords):
        if autocasting and (call := autocasting[0](name, arguments, keywords)):
            return call(widening)
        half = None
        for each in (*arguments, *keywords.values()):
            if isinstance(each, TensorBase) and each.dtype.is_floating_point:
                if each.array.dtype.itemsize != 2 or half not in (None, each.dtype):
                    return function(*arguments, **keywords)
                half = each.dtype
        if half is None:
            return function(*arguments, **keywords)
        arguments = [_wide(each, half) for each in arguments]
        result = function(*arguments, **{name: _wide(each, half) for name, each in keywords.items()})
        return result.to(half) if result.dtype.is_floating_point else result

    return widening


def _wide(value, half):
    return value.float() if isinstance(value, TensorBase) and value.dtype is half else value


def several(value, count, function, argument):
    """A number for each of `count` dimensions: from one number for all of them, or from a sequence of that many."""
    try:
        if not isinstance(value, (tuple, list)):
            return (operator.index(value),) * count
        values = tuple(operator.index(each) for each in value)
    except TypeError:
        raise TypeError(
            f"{function}(): argument '{argument}' must be an int or a tuple of ints, not "
            f"{type(value).__name__}: {value!r}") from None
    if len(values) == 1:
        return values * count
    if len(values) != count:
        raise RuntimeError(f"{function}: {argument} must be a number or {count} numbers, got {list(values)}")
    return values


def check_tensors(function, **tensors):
    """TypeError in torch's words unless each argument is a Tensor; None is let through for all but the first."""
    for position, (name, value) in enumerate(tensors.items(), 1):
        if value is not None or position == 1:
            check_tensor(value, function, name, position)


def check_constant(function, **tensors):
    """RuntimeError in torch's words if one of them needs a gradient: the function gives none to it."""
    for name, value in tensors.items():
        if value is not None and setting.record and value.requires_grad:
            raise RuntimeError(
                f"The function '{function}' is not differentiable with respect to argument '{name}'. This input cannot "
                "have requires_grad True.")


def batched(input, dims, function):
    """(the input with a batch dimension, whether it had one): (C, *size) becomes (1, C, *size)."""
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, but got input of size: "
            f"{list(input.shape)}")
    return (input, True) if input.ndim == dims + 2 else (input.unsqueeze(0), False)
