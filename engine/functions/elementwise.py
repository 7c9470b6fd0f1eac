"""torch's functions of each element: unary, arithmetic, comparison, logic, choice."""

import builtins

import numpy as np

from engine import dtypes
from engine.autograd.graph import TensorBase, set_recording, setting
from engine.autograd.short import record_one, record_two
from engine.functions.arguments import NUMBER, OPERAND, STR, TENSOR, autocasting
from engine.functions.arguments import check_tensor, method, operand, optional, quick_method, reads
from engine.ops import elementwise

__all__ = [
    "abs", "acos", "add", "addcdiv", "addcmul", "allclose", "asin", "atan", "atan2", "bitwise_and", "bitwise_not",
    "bitwise_or", "bitwise_xor", "ceil", "clamp", "clamp_max", "clamp_min", "clone", "conj", "cos", "cosh", "div", "eq",
    "equal", "erf", "exp", "expm1", "floor", "floor_divide", "fmod", "ge", "gt", "imag", "is_complex",
    "is_floating_point", "is_tensor", "isfinite", "isinf", "isnan", "le", "lerp", "log", "log10", "log1p", "log2",
    "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "masked_fill", "maximum", "minimum",
    "mul", "nan_to_num", "ne", "neg", "numel", "pow", "real", "reciprocal", "relu", "remainder", "result_type", "round",
    "rsqrt", "sigmoid", "sign", "sin", "sinh", "sqrt", "square", "sub", "tan", "tanh", "true_divide", "trunc", "where"]

# Kinds of types, as numpy names them: b bool, i and u integers, f float (V: bfloat16), c complex.
ANY, REAL, NUMERIC, REAL_NUMERIC, FLOAT, BITS = "biufVc", "biufV", "iufVc", "iufV", "fV", "biu"


def _refuse(name, dtype):
    return NotImplementedError(f'"{name}" not implemented for {dtype}')


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


# ---- unary ------------------------------------------------------------------------------------------


def _unary(op, takes=ANY, unchanged=""):
    """The function of an entry. takes: the kinds of types it is there for; unchanged: those whose values it keeps."""

    def function(input):
        if autocasting and (call := autocasting[0](op.name, (input,), {})):
            return call(function)
        check_tensor(input, op.name)
        kind = input.array.dtype.kind
        if kind not in takes:
            raise _refuse(op.name, input.dtype)
        return record_one(op if kind not in unchanged else elementwise.clone, input)

    doc = f"{op.label} of each element; shape and, but for integers, type of `input`."
    return quick_method(_named(function, op.name, doc))


sign = _unary(elementwise.sign, REAL, unchanged="b")
floor = _unary(elementwise.floor, REAL_NUMERIC, unchanged="iu")
ceil = _unary(elementwise.ceil, REAL_NUMERIC, unchanged="iu")
trunc = _unary(elementwise.trunc, REAL_NUMERIC, unchanged="iu")
exp = _unary(elementwise.exp)
expm1 = _unary(elementwise.expm1)
log = _unary(elementwise.log)
log2 = _unary(elementwise.log2)
log10 = _unary(elementwise.log10)
log1p = _unary(elementwise.log1p)
sqrt = _unary(elementwise.sqrt)
rsqrt = _unary(elementwise.rsqrt)
reciprocal = _unary(elementwise.reciprocal)
sin = _unary(elementwise.sin)
cos = _unary(elementwise.cos)
tan = _unary(elementwise.tan)
asin = _unary(elementwise.asin)
acos = _unary(elementwise.acos)
atan = _unary(elementwise.atan)
sinh = _unary(elementwise.sinh)
cosh = _unary(elementwise.cosh)
tanh = _unary(elementwise.tanh)
sigmoid = _unary(elementwise.sigmoid)
erf = _unary(elementwise.erf, REAL)
relu = _unary(elementwise.relu, REAL_NUMERIC)
isnan = _unary(elementwise.isnan)
isinf = _unary(elementwise.isinf)
isfinite = _unary(elementwise.isfinite)
logical_not = _unary(elementwise.logical_not)
bitwise_not = _unary(elementwise.bitwise_not, BITS)
clone = _unary(elementwise.clone)


@quick_method
def neg(input):
    """The negative of each element."""
    check_tensor(input, "neg")
    if input.dtype is dtypes.bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported: use `~` or `logical_not()`.")
    return elementwise.neg(input)


@quick_method
def abs(input):
    """The size of each element; of a complex number √(re² + im²), a float."""
    check_tensor(input, "abs")
    if input.dtype is dtypes.bool:
        raise _refuse("abs", input.dtype)
    return elementwise.abs_complex(input) if input.dtype.is_complex else elementwise.abs_(input)


@method
def round(input, *, decimals=0):
    """Each element rounded to `decimals` places; halves go to the even neighbour."""
    if input.dtype.category == dtypes.INTEGER and not decimals:
        return elementwise.clone(input)
    if not input.dtype.is_floating_point:
        raise _refuse("round", input.dtype)
    return elementwise.round_(input, decimals=decimals)


@quick_method
def square(input):
    """input × input."""
    return pow(input, 2)


@method
def nan_to_num(input, nan=None, posinf=None, neginf=None):
    """NaN replaced by `nan` (None: 0), inf by `posinf`, -inf by `neginf` (None: the type's largest, smallest)."""
    if input.dtype.category < dtypes.FLOAT:
        return elementwise.clone(input)
    return elementwise.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


# ---- complex ----------------------------------------------------------------------------------------


@quick_method
def conj(input):
    """The complex conjugate; a tensor that is not complex as it is."""
    check_tensor(input, "conj")
    return elementwise.conj(input) if input.dtype.is_complex else input


@reads
def real(input):
    """The real part, a view; a tensor that is not complex as it is."""
    return elementwise.real(input) if input.dtype.is_complex else input


@reads
def imag(input):
    """The imaginary part of a complex tensor, a view; RuntimeError for one that is not complex."""
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return elementwise.imag(input)


# ---- two operands -----------------------------------------------------------------------------------


def _binary(op, takes=ANY, first=OPERAND, second=OPERAND, is_method=True):
    """The function of an entry of two inputs. takes: kinds of types; first, second: what the operands may be."""

    plain = {int, float} if second is OPERAND else ()  # numbers that need no look

    def function(input, other):
        tensor = setting.tensor_class
        if type(input) is not tensor or (type(other) is not tensor and type(other) not in plain):
            input, other = first.read(input, op.name, "input", 1), second.read(other, op.name, "other", 2)
            if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
                check_tensor(input, op.name)
        if takes is not ANY:
            common = dtypes.result_type(input, other)
            if common.numpy.kind not in takes:
                raise _refuse(op.name, common)
        return record_two(op, input, other)

    either = "; either may be a Python number" if first is OPERAND else ""
    _named(function, op.name, f"input {op.label} other, with broadcasting{either}.")
    return quick_method(function) if is_method else function


_add = _binary(elementwise.add, is_method=False)
_sub = _binary(elementwise.sub, is_method=False)
mul = _binary(elementwise.mul)
_div = _binary(elementwise.div, is_method=False)
_pow = _binary(elementwise.pow_, NUMERIC, is_method=False)
remainder = _binary(elementwise.remainder, REAL_NUMERIC)
fmod = _binary(elementwise.fmod, REAL_NUMERIC, first=TENSOR)
maximum = _binary(elementwise.maximum, REAL, first=TENSOR, second=TENSOR)
minimum = _binary(elementwise.minimum, REAL, first=TENSOR, second=TENSOR)
atan2 = _binary(elementwise.atan2, REAL, first=TENSOR, second=TENSOR)
logaddexp = _binary(elementwise.logaddexp, FLOAT + "c", first=TENSOR, second=TENSOR)
eq = _binary(elementwise.eq, first=TENSOR)
ne = _binary(elementwise.ne, first=TENSOR)
lt = _binary(elementwise.lt, REAL, first=TENSOR)
le = _binary(elementwise.le, REAL, first=TENSOR)
gt = _binary(elementwise.gt, REAL, first=TENSOR)
ge = _binary(elementwise.ge, REAL, first=TENSOR)
logical_and = _binary(elementwise.logical_and, first=TENSOR, second=TENSOR)
logical_or = _binary(elementwise.logical_or, first=TENSOR, second=TENSOR)
logical_xor = _binary(elementwise.logical_xor, first=TENSOR, second=TENSOR)
bitwise_and = _binary(elementwise.bitwise_and, BITS)
bitwise_or = _binary(elementwise.bitwise_or, BITS)
bitwise_xor = _binary(elementwise.bitwise_xor, BITS)


@quick_method
def add(input, other, *, alpha=1):
    """input + alpha·other, with broadcasting; either may be a Python number."""
    return _add(input, other if type(alpha) is builtins.int and alpha == 1 else _scaled("add", input, other, alpha))


@quick_method
def sub(input, other, *, alpha=1):
    """input − alpha·other, with broadcasting; either may be a Python number. RuntimeError for bools."""
    return _sub(input, other if type(alpha) is builtins.int and alpha == 1 else _scaled("sub", input, other, alpha))


def _scaled(function, input, other, alpha):
    """alpha·other in the type that input + other has."""
    common = dtypes.result_type(operand(input, function, 1), operand(other, function, 2))
    alpha = NUMBER.read(alpha, function, "alpha")
    if isinstance(alpha, builtins.bool) and common is not dtypes.bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    category = dtypes.of_number(alpha).category
    if category > common.category and category > dtypes.INTEGER:
        raise RuntimeError(f"For tensors of type {common}, argument alpha must not be a {type(alpha).__name__}.")
    alpha = dtypes.fitting(alpha, common)
    return mul(other.to(common), alpha) if isinstance(other, TensorBase) else other * alpha


@quick_method
def div(input, other, *, rounding_mode=None):
    """input ÷ other, with broadcasting; either may be a Python number. rounding_mode: None, "trunc" (to 0) or "floor".

    Without rounding integers become floats. RuntimeError for a rounded division of integers by 0.
    """
    if rounding_mode is None:
        return _div(input, other)
    if STR.read(rounding_mode, "div", "rounding_mode") not in ("trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}")
    input, other = operand(input, "div", 1), operand(other, "div", 2)
    common = dtypes.result_type(input, other)
    if common.numpy.kind not in REAL_NUMERIC:
        raise _refuse(f"div_{rounding_mode}", common)
    return elementwise.div_rounded(input, other, rounding_mode=rounding_mode)


@quick_method
def true_divide(input, other):
    """The same as div(input, other)."""
    return _div(input, other)


@quick_method
def floor_divide(input, other):
    """The largest whole number that is not above input ÷ other; either may be a Python number."""
    return div(input, other, rounding_mode="floor")


@quick_method
def pow(input, exponent):
    """input to the power of exponent, elementwise with broadcasting; either may be a Python number."""
    if autocasting and (call := autocasting[0]("pow", (input, exponent), {})):
        return call(pow)
    exponent = operand(exponent, "pow", 2)
    if isinstance(exponent, TensorBase):
        return _pow(input, exponent)
    check_tensor(input, "pow")
    common = dtypes.result_type(input, exponent)
    if common.category == dtypes.INTEGER and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    power = elementwise.pow_number(input.to(common), exponent=exponent)
    return power.to(common) if common is dtypes.bool else power


# ---- three operands ---------------------------------------------------------------------------------


@method(value=NUMBER)
def addcmul(input, tensor1, tensor2, *, value=1):
    """input + value·tensor1·tensor2, with broadcasting."""
    if dtypes.result_type(input, tensor1, tensor2).category < dtypes.FLOAT:
        value = builtins.int(value)
    return _add(input, mul(mul(tensor1, tensor2), value))


@method(value=NUMBER)
def addcdiv(input, tensor1, tensor2, *, value=1):
    """input + value·tensor1 ÷ tensor2, with broadcasting; RuntimeError for the quotient of two integers."""
    if dtypes.result_type(tensor1, tensor2).category < dtypes.FLOAT:
        raise RuntimeError("addcdiv: integer division is not supported; use floats, or div with a rounding_mode.")
    return _add(input, mul(_div(tensor1, tensor2), value))


@method(end=TENSOR, weight=OPERAND)
def lerp(input, end, weight):
    """input + weight·(end − input): on the line from input to end. weight: a number or a tensor; all of one type."""
    for name, each in (("end", end), ("weight", weight)):
        if isinstance(each, TensorBase) and each.dtype is not input.dtype:
            raise RuntimeError(f"expected dtype {input.dtype} for `{name}` but got dtype {each.dtype}")
    if input.dtype.category < dtypes.FLOAT:
        raise _refuse("lerp", input.dtype)
    distance = end - input
    if isinstance(weight, TensorBase):  # from the nearer end, so that weights 0 and 1 give the ends exactly
        return where(abs(weight) < 0.5, input + weight * distance, end - distance * (1 - weight))
    return input + weight * distance if builtins.abs(weight) < 0.5 else end - distance * (1 - weight)


# ---- limits and choice ------------------------------------------------------------------------------


@method(min=optional(OPERAND), max=optional(OPERAND))
def clamp(input, min=None, max=None):
    """Each element, but no less than `min` and no more than `max`: numbers, tensors that broadcast, or None for none.

    Where an element is outside, the limit takes its place and its gradient.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, TensorBase) + isinstance(max, TensorBase) == 1 and min is not None and max is not None:
        min, max = NUMBER.read(min, "clamp", "min"), NUMBER.read(max, "clamp", "max")  # not one of each
    limits = {"min": min, "max": max}
    common = dtypes.result_type(input, *[limit for limit in (min, max) if limit is not None])
    if common.is_complex:
        raise _refuse("clamp", common)
    input = input.to(common)
    if isinstance(min, TensorBase) or isinstance(max, TensorBase):
        return _clamp_to_tensors(input, min, max)
    for name in limits:
        if limits[name] is not None:
            limits[name] = dtypes.fitting(limits[name], common)
    return elementwise.clamp(input, **limits)


def _clamp_to_tensors(input, min, max):
    if min is not None:
        input = where((input < min) | (min != min), min, input)  # a limit of NaN gives NaN
    return input if max is None else where((input > max) | (max != max), max, input)


@method(min=OPERAND)
def clamp_min(input, min):
    """Each element, but no less than `min`, a number or a tensor."""
    return clamp(input, min=min)


@method(max=OPERAND)
def clamp_max(input, max):
    """Each element, but no more than `max`, a number or a tensor."""
    return clamp(input, max=max)


_missing = object()


def where(condition, input=_missing, other=_missing):
    """`input` where the bool tensor `condition` is True, `other` elsewhere; the three broadcast.

    where(condition) alone: the indices of its non-zero elements, a tensor for each dimension.
    """
    check_tensor(condition, "where", "condition")
    if input is _missing and other is _missing:
        places = np.nonzero(condition.array if condition.ndim else condition.array[None])
        return tuple(type(condition)(each) for each in places)
    if condition.dtype is not dtypes.bool:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}")
    return elementwise.where(condition, operand(input, "where", 2, "input"), operand(other, "where", 3, "other"))


def _where_method(input, condition, other):
    return where(condition, input, other)


quick_method(_named(_where_method, "where", "This tensor where the bool `condition` is True, `other` elsewhere."))


@method(value=OPERAND)
def masked_fill(input, mask, value):
    """`value`, a number or a 0-d tensor, where the bool tensor `mask` is True, `input` elsewhere; of input's type."""
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    if not isinstance(value, TensorBase):
        return elementwise.masked_fill(input, mask, dtypes.fitting(value, input.dtype))
    if value.ndim:
        raise RuntimeError(
            f"masked_fill only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
    dtypes.fitting(value.item(), input.dtype)
    return elementwise.masked_fill(input, mask, value.to(input.dtype))


# ---- questions --------------------------------------------------------------------------------------


def is_tensor(obj):
    """True for a Tensor."""
    return isinstance(obj, TensorBase)


def result_type(tensor, other):
    """The type of an operation between two operands, each a tensor or a Python number."""
    return dtypes.result_type(operand(tensor, "result_type", 1, "tensor"), operand(other, "result_type", 2))


@method
def is_floating_point(input):
    """True if the type is a real float."""
    return input.dtype.is_floating_point


@method
def is_complex(input):
    """True if the type is complex."""
    return input.dtype.is_complex


@reads
def numel(input):
    """The number of elements."""
    return input.numel()


@method
def equal(input, other):
    """True if the two tensors have the same shape and the same elements; a Python bool."""
    return tuple(input.shape) == tuple(other.shape) and builtins.bool((input == other).all())


@method
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True if |input - other| <= atol + rtol·|other| everywhere; a Python bool. equal_nan: NaN is close to NaN."""
    if input.dtype is not other.dtype:
        raise RuntimeError(f"allclose: {input.dtype} did not match {other.dtype}")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {tolerance}")
    with set_recording(False):
        near = abs(input - other).le(atol + rtol * abs(other)) | (input == other)
        if equal_nan:
            near = near | (isnan(input) & isnan(other))
        return builtins.bool(near.all())
