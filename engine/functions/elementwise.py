"""torch's functions of each element: unary, arithmetic, comparison, choice."""

import builtins

from engine import dtypes
from engine.autograd.graph import TensorBase, set_recording, setting
from engine.functions.arguments import check_tensor, method, operand
from engine.ops import elementwise

__all__ = [
    "abs",
    "add",
    "allclose",
    "clamp",
    "clone",
    "cos",
    "div",
    "eq",
    "equal",
    "exp",
    "ge",
    "gt",
    "isfinite",
    "isnan",
    "le",
    "log",
    "log1p",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "ne",
    "neg",
    "pow",
    "relu",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "square",
    "sub",
    "tanh",
    "where",
]


def _unary(op):
    def function(input):
        check_tensor(input, op.name)
        return op(input)

    return _named(function, op.name, f"{op.label} of each element; shape and, but for integers, type of `input`.")


def _binary(op, is_method=True):
    def function(input, other):
        if type(input) is not setting.tensor_class or type(other) is not setting.tensor_class:
            input, other = operand(input, op.name, 1), operand(other, op.name, 2)
        if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
            check_tensor(input, op.name)
        return op(input, other)

    return _named(
        function, op.name, f"input {op.label} other, with broadcasting; either may be a Python number.", is_method
    )


def _named(function, name, doc, is_method=True):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return method(function) if is_method else function


neg = _unary(elementwise.neg)
abs = _unary(elementwise.abs_)
sign = _unary(elementwise.sign)
exp = _unary(elementwise.exp)
log = _unary(elementwise.log)
log1p = _unary(elementwise.log1p)
sqrt = _unary(elementwise.sqrt)
sin = _unary(elementwise.sin)
cos = _unary(elementwise.cos)
tanh = _unary(elementwise.tanh)
sigmoid = _unary(elementwise.sigmoid)
relu = _unary(elementwise.relu)
isnan = _unary(elementwise.isnan)
isfinite = _unary(elementwise.isfinite)
clone = _unary(elementwise.clone)

add = _binary(elementwise.add)
sub = _binary(elementwise.sub)
mul = _binary(elementwise.mul)
div = _binary(elementwise.div)
maximum = _binary(elementwise.maximum)
minimum = _binary(elementwise.minimum)
eq = _binary(elementwise.eq)
ne = _binary(elementwise.ne)
lt = _binary(elementwise.lt)
le = _binary(elementwise.le)
gt = _binary(elementwise.gt)
ge = _binary(elementwise.ge)
pow_tensors = _binary(elementwise.pow_, is_method=False)


@method
def pow(input, exponent):
    """input to the power of exponent, elementwise with broadcasting; either may be a Python number."""
    exponent = operand(exponent, "pow", 2)
    if isinstance(exponent, TensorBase):
        return pow_tensors(input, exponent)
    check_tensor(input, "pow")
    if isinstance(exponent, builtins.int) and exponent < 0 and not input.dtype.is_floating_point:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if isinstance(exponent, builtins.float) and not input.dtype.is_floating_point:
        input = input.to(dtypes.get_default_dtype())
    return elementwise.pow_number(input, exponent=exponent)


@method
def square(input):
    """input × input."""
    return pow(input, 2)


@method
def clamp(input, min=None, max=None):
    """Each element, but no less than `min` and no more than `max` (numbers; None for no limit). Outside the gradient is 0."""
    check_tensor(input, "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for name, limit in (("min", min), ("max", max)):
        if not (limit is None or isinstance(limit, (builtins.int, builtins.float))):
            raise TypeError(f"clamp(): argument '{name}' must be a number or None, not {type(limit).__name__}")
    return elementwise.clamp(input, min=min, max=max)


def where(condition, input, other):
    """`input` where the bool tensor `condition` is True, `other` elsewhere; the three broadcast."""
    check_tensor(condition, "where", "condition")
    if condition.dtype is not dtypes.bool:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}"
        )
    return elementwise.where(condition, operand(input, "where", 1), operand(other, "where", 2))


@method
def equal(input, other):
    """True if the two tensors have the same shape and the same elements; a Python bool."""
    check_tensor(input, "equal")
    check_tensor(other, "equal", "other", 2)
    return tuple(input.shape) == tuple(other.shape) and builtins.bool((input == other).all())


@method
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True if |input - other| <= atol + rtol·|other| everywhere; a Python bool. NaN is close to NaN only with equal_nan."""
    check_tensor(input, "allclose")
    check_tensor(other, "allclose", "other", 2)
    with set_recording(False):
        near = abs(input - other).le(atol + rtol * abs(other)) + (input == other)
        if equal_nan:
            near = near + (isnan(input) * isnan(other))
        return builtins.bool(near.all())
