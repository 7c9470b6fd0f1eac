"""Operations on each element by itself: unary functions, arithmetic with broadcasting, comparisons, choice."""

import math

import numpy as np

from engine import backend
from engine.ops.table import explain_broadcast, primitive, sample


_one, _two = sample((2, 3)), sample((2, 3), (3,))


def _one_positive(random):
    return (abs(random(2, 3)) + 0.5,), {}


def _one_small(random):
    return (np.tanh(random(2, 3)),), {}


def _two_positive(random):
    return (abs(random(2, 3)) + 0.5, abs(random(2, 1)) + 0.5), {}


# ---- unary ------------------------------------------------------------------------------------------


def _unary(name, forward, vjp=None, **more):
    return primitive(name, "a", forward, [vjp] if vjp else (), **{"example": _one} | more)


def _smooth(name, forward, vjp, **more):
    """A unary function whose result is a float also for integers."""
    return _unary(name, forward, vjp, **{"types": "float"} | more)


def _step(name, forward, **more):
    """A unary function that is constant between its jumps: the gradient is 0."""
    return _unary(name, forward, lambda g: g * 0, **more)


neg = _unary("neg", np.negative, lambda g: -g, label="−")
abs_ = _unary("abs", np.abs, lambda g, a: g * sign(a), label="|·|")
sign = _step("sign", np.sign)
floor = _step("floor", np.floor, label="⌊·⌋")
ceil = _step("ceil", np.ceil, label="⌈·⌉")
trunc = _step("trunc", np.trunc)
round_ = _step("round", lambda a, *, decimals: np.round(a, decimals), example=sample((2, 3), decimals=1))

exp = _smooth("exp", np.exp, lambda g, result: g * result)
expm1 = _smooth("expm1", np.expm1, lambda g, result: g * (result + 1))
log = _smooth("log", np.log, lambda g, a: g / a, example=_one_positive)
log2 = _smooth("log2", np.log2, lambda g, a: g / (a * math.log(2)), example=_one_positive)
log10 = _smooth("log10", np.log10, lambda g, a: g / (a * math.log(10)), example=_one_positive)
log1p = _smooth("log1p", np.log1p, lambda g, a: g / (a + 1), example=_one_positive)
sqrt = _smooth("sqrt", np.sqrt, lambda g, result: g / (result * 2), label="√", example=_one_positive)
rsqrt = _smooth(
    "rsqrt", lambda a: 1 / np.sqrt(a), lambda g, result: g * result**3 * -0.5, label="1/√", example=_one_positive)
reciprocal = _smooth(
    "reciprocal", lambda a: 1 / a, lambda g, result: -g * result * result, label="1/·", example=_one_positive)
sin = _smooth("sin", np.sin, lambda g, a: g * cos(a))
cos = _smooth("cos", np.cos, lambda g, a: -g * sin(a))
tan = _smooth("tan", np.tan, lambda g, result: g * (result * result + 1))
asin = _smooth("asin", np.arcsin, lambda g, a: g / sqrt(1 - a * a), example=_one_small)
acos = _smooth("acos", np.arccos, lambda g, a: -g / sqrt(1 - a * a), example=_one_small)
atan = _smooth("atan", np.arctan, lambda g, a: g / (a * a + 1))
sinh = _smooth("sinh", np.sinh, lambda g, a: g * cosh(a))
cosh = _smooth("cosh", np.cosh, lambda g, a: g * sinh(a))
tanh = _smooth("tanh", np.tanh, lambda g, result: g * (1 - result * result))
erf = _smooth("erf", backend.erf, lambda g, a: g * exp(-a * a) * (2 / math.sqrt(math.pi)))
# exp may overflow: 1 / inf is the right 0
sigmoid = _smooth("sigmoid", lambda a: 1 / (1 + np.exp(-a)), lambda g, result: g * result * (1 - result), label="σ")
relu = _unary("relu", lambda a: np.maximum(a, 0), lambda g, result: g * (result > 0))


def _clamp_vjp(g, a, min, max):
    inside = (a == a) if min is None else (a >= min)
    return g * inside if max is None else g * inside * (a <= max)


clamp = _unary(
    "clamp", lambda a, *, min, max: np.clip(a, min, max), _clamp_vjp, node="ClampBackward1",
    example=sample((2, 3), min=-0.4, max=0.5))
nan_to_num = _unary(
    "nan_to_num", lambda a, *, nan, posinf, neginf: np.nan_to_num(a, nan=nan, posinf=posinf, neginf=neginf),
    lambda g, a: g * isfinite(a), example=sample((2, 3), nan=0.0, posinf=None, neginf=None))

# ---- complex numbers: a VJP without the conjugations that the graph itself adds where results are complex -----

conj = _unary("conj", np.conj, lambda g: conj(g), label="conj")
real = _unary("real", np.real, lambda g: g, is_view=True, label="Re")
imag = _unary("imag", np.imag, lambda g: g * 1j, is_view=True, label="Im")
abs_complex = _unary(
    "abs_complex", np.abs, lambda g, a, result: g * (a / where(result == 0, 1, result)), label="|·|",
    node="AbsBackward0")

# ---- arithmetic -------------------------------------------------------------------------------------


def _binary(name, forward, vjps=(), **more):
    more = {"types": "promote", "explain": explain_broadcast, "example": _two} | more
    return primitive(name, "a b", forward, vjps, **more)


def _is_integer(value):
    return hasattr(value, "dtype") and value.dtype.kind in "iu"


def _checked(divide):
    """The division, with an error for integers where numpy would answer 0."""

    def forward(a, b, **how):
        if _is_integer(b) and (b == 0).any():
            raise RuntimeError("ZeroDivisionError: an integer was to be divided by 0")
        return divide(a, b, **how)

    return forward


def _div_rounded(a, b, *, rounding_mode):
    if rounding_mode == "floor":
        return np.floor_divide(a, b)
    if not _is_integer(b):
        return np.trunc(np.true_divide(a, b))
    quotient = np.floor_divide(a, b)
    return quotient + ((quotient * b != a) & ((a < 0) != (b < 0)))


def _power(a, b):
    """a ** b. Of an integer to a negative power torch keeps the whole part: 0 unless a is 1 or -1."""
    if not (_is_integer(b) and (b < 0).any()):
        return np.power(a, b)
    size = np.power(a, np.abs(b))
    return np.where((b >= 0) | (np.abs(a) == 1), size, 0).astype(b.dtype)


add = _binary("add", np.add, [lambda g: g, lambda g: g], label="+")
sub = _binary("sub", np.subtract, [lambda g: g, lambda g: -g], label="−", types="promote unless bool")
mul = _binary("mul", np.multiply, [lambda g, b: g * b, lambda g, a: g * a], label="×")
div = _binary(
    "div", np.true_divide, [lambda g, b: g / b, lambda g, b, result: -g * result / b], label="÷", types="float",
    example=_two_positive)
div_rounded = _binary(
    "div_rounded", _checked(_div_rounded), [lambda g: g * 0, lambda g: g * 0], label="⌊÷⌋", node="DivBackward2",
    example=lambda random: ((random(2, 3) * 3, abs(random(2, 1)) + 0.5), {"rounding_mode": "floor"}))
remainder = _binary(
    "remainder", _checked(np.remainder), [lambda g: g, lambda g, a, b: -g * floor(a / b)], label="%",
    example=_two_positive)
fmod = _binary(
    "fmod", _checked(np.fmod), [lambda g: g, lambda g, a, b: -g * trunc(a / b)], label="%", example=_two_positive)
pow_ = _binary(
    "pow", _power,  # not 0 · a⁻¹ where b is 0; and 0ᵇ does not move with b
    [lambda g, a, b: g * b * a ** where(b == 0, 1, b - 1),
     lambda g, a, b, result: g * result * log(where((a == 0) & (b >= 0), 1, a))],
    label="^", node="PowBackward1", example=_two_positive)
pow_number = _unary(
    "pow_number", lambda a, *, exponent: a**exponent,
    lambda g, a, exponent: g * (a ** (exponent - 1) * exponent) if exponent != 0 else g * 0, label="^",
    node="PowBackward0", example=sample((2, 3), exponent=3))


def _share(larger, other):
    """1 where it is larger, 0 where the other is; at a tie each side gets half, as in torch."""
    return (larger > other) + 0.5 * (larger == other)


maximum = _binary(
    "maximum", np.maximum, [lambda g, a, b: g * _share(a, b), lambda g, a, b: g * _share(b, a)], label="max")
minimum = _binary(
    "minimum", np.minimum, [lambda g, a, b: g * _share(b, a), lambda g, a, b: g * _share(a, b)], label="min")
atan2 = _binary(
    "atan2", np.arctan2, [lambda g, a, b: g * b / (a * a + b * b), lambda g, a, b: -g * a / (a * a + b * b)],
    types="float")


def _logaddexp(a, b):
    """Of complex numbers: the one with the larger real part, and the logarithm of 1 + the quotient of both."""
    if a.dtype.kind != "c":
        return np.logaddexp(a, b)
    larger, smaller = np.where(a.real >= b.real, a, b), np.where(a.real >= b.real, b, a)
    return larger + np.log(1 + np.exp(np.where(larger == smaller, 0, smaller - larger)))


logaddexp = _binary("logaddexp", _logaddexp, [lambda g, a, b: g * sigmoid(a - b), lambda g, a, b: g * sigmoid(b - a)])

# ---- comparison, logic, bits: no derivatives ----------------------------------------------------------


def _truth(a):
    """What logic is applied to: cupy knows none of complex numbers, so of those whether they are not 0."""
    return a != 0 if a.dtype.kind == "c" else a


eq = _binary("eq", np.equal, label="=")
ne = _binary("ne", np.not_equal, label="≠")
lt = _binary("lt", np.less, label="<")
le = _binary("le", np.less_equal, label="≤")
gt = _binary("gt", np.greater, label=">")
ge = _binary("ge", np.greater_equal, label="≥")
isnan = _unary("isnan", np.isnan)
isinf = _unary("isinf", np.isinf)
isfinite = _unary("isfinite", np.isfinite)
logical_and = _binary("logical_and", lambda a, b: np.logical_and(_truth(a), _truth(b)), label="∧")
logical_or = _binary("logical_or", lambda a, b: np.logical_or(_truth(a), _truth(b)), label="∨")
logical_xor = _binary("logical_xor", lambda a, b: np.logical_xor(_truth(a), _truth(b)), label="⊻")
logical_not = _unary("logical_not", lambda a: np.logical_not(_truth(a)), label="¬")
_integers = sample(np.arange(6).reshape(2, 3), np.array([2, 3, 5]))
bitwise_and = _binary("bitwise_and", np.bitwise_and, label="&", example=_integers)
bitwise_or = _binary("bitwise_or", np.bitwise_or, label="|", example=_integers)
bitwise_xor = _binary("bitwise_xor", np.bitwise_xor, label="^", example=_integers)
bitwise_not = _unary("bitwise_not", np.invert, label="~", example=sample(np.arange(3)))

# ---- choice and copies ------------------------------------------------------------------------------

where = primitive(
    "where", "condition a b", np.where,
    [None, lambda g, condition: where(condition, g, 0), lambda g, condition: where(condition, 0, g)],
    explain=explain_broadcast, types="promote choice", example=sample(np.eye(2, 3) > 0, (2, 3), (3,)))
masked_fill = primitive(
    "masked_fill", "a mask value", lambda a, mask, value: np.where(mask, value, a),
    [lambda g, mask: where(mask, 0, g), None, lambda g, mask: where(mask, g, 0)], label="mask",
    explain=lambda arrays, metadata: explain_broadcast(arrays[:2], metadata),
    example=sample((2, 3), np.eye(2, 3) > 0, ()))
clone = _unary("clone", lambda a: a.copy(), lambda g: g)


def _to(a, *, dtype):
    if a.dtype.kind == "c" and dtype.kind in "iuf":
        a = a.real  # the imaginary part is dropped, as in torch
    return a.astype(dtype)


to = _unary(
    "to", _to, lambda g: g, label="dtype", node="ToCopyBackward0", example=sample((2, 3), dtype=np.dtype("float64")))
