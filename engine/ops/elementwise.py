"""Operations on each element by itself: unary functions, arithmetic with broadcasting, comparisons, choice."""

import numpy as np

from engine.ops.table import explain_broadcast, primitive


def _one(random):
    return (random(2, 3),), {}


def _one_positive(random):
    return (abs(random(2, 3)) + 0.5,), {}


def _two(random):
    return (random(2, 3), random(3)), {}


def _two_nonzero(random):
    return (random(2, 3), abs(random(2, 1)) + 0.5), {}


def _positive_and_any(random):
    return (abs(random(2, 3)) + 0.5, random(3)), {}


def _choice(random):
    return (random(2, 3) > 0, random(2, 3), random(3)), {}


# ---- unary ------------------------------------------------------------------------------------------

neg = primitive("neg", "a", np.negative, [lambda g: -g], label="−", example=_one)
abs_ = primitive("abs", "a", np.abs, [lambda g, a: g * sign(a)], label="|·|", example=_one)
sign = primitive("sign", "a", np.sign, [lambda g: g * 0], example=_one)
exp = primitive("exp", "a", np.exp, [lambda g, result: g * result], types="float", example=_one)
log = primitive("log", "a", np.log, [lambda g, a: g / a], types="float", example=_one_positive)
log1p = primitive("log1p", "a", np.log1p, [lambda g, a: g / (a + 1)], types="float", example=_one_positive)
sqrt = primitive(
    "sqrt", "a", np.sqrt, [lambda g, result: g / (result * 2)], label="√", types="float", example=_one_positive
)
sin = primitive("sin", "a", np.sin, [lambda g, a: g * cos(a)], types="float", example=_one)
cos = primitive("cos", "a", np.cos, [lambda g, a: -g * sin(a)], types="float", example=_one)
tanh = primitive("tanh", "a", np.tanh, [lambda g, result: g * (1 - result * result)], types="float", example=_one)
sigmoid = primitive(
    "sigmoid",
    "a",
    lambda a: 0.5 * (1 + np.tanh(0.5 * a)),  # tanh does not overflow where exp would
    [lambda g, result: g * result * (1 - result)],
    label="σ",
    types="float",
    example=_one,
)
relu = primitive("relu", "a", lambda a: np.maximum(a, 0), [lambda g, result: g * (result > 0)], example=_one)


def _clamp(a, *, min, max):
    return np.clip(a, min, max)


def _clamp_vjp(g, a, min, max):
    inside = (a == a) if min is None else (a >= min)
    return g * inside if max is None else g * inside * (a <= max)


clamp = primitive(
    "clamp",
    "a",
    _clamp,
    [_clamp_vjp],
    example=lambda random: ((random(2, 3),), {"min": -0.4, "max": 0.5}),
)

# ---- arithmetic -------------------------------------------------------------------------------------


def _binary(name, forward, vjps, **more):
    more = {"types": "promote", "explain": explain_broadcast, "example": _two} | more
    return primitive(name, "a b", forward, vjps, **more)


add = _binary("add", np.add, [lambda g: g, lambda g: g], label="+")
sub = _binary("sub", np.subtract, [lambda g: g, lambda g: -g], label="−")
mul = _binary("mul", np.multiply, [lambda g, b: g * b, lambda g, a: g * a], label="×")
div = _binary(
    "div",
    np.true_divide,
    [lambda g, b: g / b, lambda g, b, result: -g * result / b],
    label="÷",
    types="float",
    example=_two_nonzero,
)
pow_ = _binary(
    "pow",
    np.power,
    [
        lambda g, a, b: g * b * a ** where(b == 0, 1, b - 1),  # not 0 · a⁻¹ where b is 0
        lambda g, a, result: g * result * log(where(a == 0, 1, a)),
    ],  # 0ᵇ does not move with b
    label="^",
    example=_positive_and_any,
)
pow_number = primitive(
    "pow_number",
    "a",
    lambda a, *, exponent: a**exponent,
    [lambda g, a, exponent: g * (a ** (exponent - 1) * exponent) if exponent != 0 else g * 0],
    label="^",
    example=lambda random: ((random(2, 3),), {"exponent": 3}),
)
maximum = _binary(
    "maximum",
    np.maximum,  # at a tie each side gets half, as in torch
    [lambda g, a, b: g * ((a > b) + 0.5 * (a == b)), lambda g, a, b: g * ((b > a) + 0.5 * (a == b))],
    label="max",
)
minimum = _binary(
    "minimum",
    np.minimum,
    [lambda g, a, b: g * ((a < b) + 0.5 * (a == b)), lambda g, a, b: g * ((b < a) + 0.5 * (a == b))],
    label="min",
)

# ---- comparison: no derivatives ---------------------------------------------------------------------

eq = _binary("eq", np.equal, (), label="=")
ne = _binary("ne", np.not_equal, (), label="≠")
lt = _binary("lt", np.less, (), label="<")
le = _binary("le", np.less_equal, (), label="≤")
gt = _binary("gt", np.greater, (), label=">")
ge = _binary("ge", np.greater_equal, (), label="≥")
isnan = primitive("isnan", "a", np.isnan, example=_one)
isfinite = primitive("isfinite", "a", np.isfinite, example=_one)

# ---- choice and copies ------------------------------------------------------------------------------

where = primitive(
    "where",
    "condition a b",
    np.where,
    [None, lambda g, condition: where(condition, g, 0), lambda g, condition: where(condition, 0, g)],
    explain=explain_broadcast,
    types="promote choice",
    example=_choice,
)
clone = primitive("clone", "a", lambda a: a.copy(), [lambda g: g], example=_one)
to = primitive(
    "to",
    "a",
    lambda a, *, dtype: a.astype(dtype),
    [lambda g: g],
    label="dtype",
    example=lambda random: ((random(2, 3),), {"dtype": np.dtype("float64")}),
)
