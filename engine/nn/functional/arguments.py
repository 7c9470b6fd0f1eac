"""What the families of functions have in common: how they treat halves, and what they check."""

import functools

from engine.autograd.graph import TensorBase, setting
from engine.functions.arguments import Kind

__all__ = []


def in_float32(function):
    """Let float16 and bfloat16 be computed in float32 and rounded once, as torch does on the CPU.

    Only where all float tensors among the arguments are of the same half type; of a mixture the function itself says
    what it thinks.
    """

    @functools.wraps(function)
    def widening(*arguments, **keywords):
        half = None
        for each in (*arguments, *keywords.values()):
            if isinstance(each, TensorBase) and each.array.dtype.kind in "fV":  # V: bfloat16
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


def one_or_each(kind, in_a_tuple=None):
    """What takes one value of the kind, or a tuple of those (of the kind `in_a_tuple`, if that is another)."""

    def convert(value):
        if not isinstance(value, (tuple, list)):
            return kind.convert(value)
        return tuple([(in_a_tuple or kind).read(each, "", "") for each in value])

    return Kind(f"{kind.name} or tuple of {kind.name}s", *kind.classes, convert=convert)


def several(value, count, function, argument):
    """A number for each of `count` dimensions: from one number for all of them, or from a tuple of that many."""
    if not isinstance(value, tuple):
        return (value,) * count
    if len(value) == 1:
        return value * count
    if len(value) != count:
        raise RuntimeError(f"{function}: {argument} must be a number or {count} numbers, got {list(value)}")
    return value


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
