"""Activations as single entries: one pass over memory forward, and a gradient that is exact where composing is not."""

import functools
import math

import numpy as np

from engine import threads
from engine.kernels import erf, is_on_gpu, one_kernel
from engine.nn.primitives.fused import FusedOp
from engine.ops.elementwise import exp, minimum, sigmoid, tanh, where
from engine.ops.table import primitive


def _entry(name, forward, vjp, **how):
    return primitive(name, "a", forward, [vjp], example=lambda random: ((random(3, 4) * 2,), how))


def _leaky_relu(a, *, slope):
    """For the usual slopes the larger of the two, which numpy finds several times as fast as it chooses."""
    if not 0 < slope <= 1 or is_on_gpu(a):
        return leaky_relu_simple(a, slope)
    if not _is_quick(a):
        return np.maximum(a, a * slope)
    return threads.elementwise(functools.partial(_larger, slope), a, np.empty_like(a), passes=2)


@one_kernel
def leaky_relu_simple(a, slope):
    return np.where(a > 0, a, a * slope)


def _larger(slope, a, out):
    np.multiply(a, slope, out=out)
    np.maximum(a, out, out=out)


def _leaky_relu_vjp(g, a, slope):
    if is_on_gpu(g):
        return leaky_relu_back_simple(g, a, slope)
    if not (_is_quick(a) and _is_quick(g) and 0 < slope <= 1):
        return where(a > 0, g, g * slope)
    return threads.elementwise(functools.partial(_leaky_relu_back, slope), g, a, np.empty_like(a), passes=3)


@one_kernel
def leaky_relu_back_simple(g, a, slope):
    return np.where(a > 0, g, g * slope)


def _leaky_relu_back(slope, g, a, out):
    np.greater(a, 0.0, out=out, casting="unsafe")  # 0 or 1
    np.clip(out, slope, 1.0, out=out)
    out *= g


leaky_relu = _entry("leaky_relu", _leaky_relu, _leaky_relu_vjp, slope=0.1)
hardtanh = _entry(
    "hardtanh", lambda a, *, low, high: np.clip(a, low, high), lambda g, a, low, high: g * ((a > low) & (a < high)),
    low=-1.5, high=1.0)
hardsigmoid = _entry("hardsigmoid", lambda a: np.clip(a + 3, 0, 6) / 6, lambda g, a: g / 6 * ((a > -3) & (a < 3)))
hardswish = _entry(
    "hardswish", lambda a: a * np.clip(a + 3, 0, 6) / 6,
    lambda g, a: where(a <= -3, 0, where(a < 3, g * (a / 3 + 0.5), g)))
threshold = _entry(
    "threshold", lambda a, *, threshold, value: np.where(a <= threshold, value, a).astype(a.dtype, copy=False),
    lambda g, a, threshold: g * (a > threshold), threshold=0.3, value=20.0)


def _elu(a, *, alpha, scale, steepness):
    return np.where(a > 0, a * scale, np.expm1(a * steepness) * (alpha * scale))


def _elu_vjp(g, a, alpha, scale, steepness):
    left = exp(minimum(a, 0) * steepness) * (alpha * scale * steepness)  # without the overflow of the other side
    return where(a > 0, g * scale, g * left)


def _silu_vjp(g, a):
    gate = sigmoid(a)
    return g * (gate * (1 + a * (1 - gate)))


def _softplus(a, *, beta, threshold):
    return np.where(a * beta > threshold, a, np.log1p(np.exp(a * beta)) / beta)


def _mish_vjp(g, a):
    gate = tanh(softplus(a, beta=1, threshold=20))
    return g * (gate + a * sigmoid(a) * (1 - gate * gate))


elu = _entry("elu", _elu, _elu_vjp, alpha=1.5, scale=1.1, steepness=0.7)
silu = _entry("silu", lambda a: a / (1 + np.exp(-a)), _silu_vjp)
log_sigmoid = _entry(  # exp of what is not positive cannot overflow
    "log_sigmoid", lambda a: np.minimum(a, 0) - np.log1p(np.exp(-np.abs(a))), lambda g, a: g * sigmoid(-a))
softplus = _entry(
    "softplus", _softplus, lambda g, a, beta, threshold: where(a * beta > threshold, g, g * sigmoid(a * beta)),
    beta=1.5, threshold=20)
mish = _entry("mish", lambda a: a * np.tanh(_softplus(a, beta=1, threshold=20)), _mish_vjp)

# ---- gelu: the input times the probability that a normal number is below it (Hendrycks and Gimpel, 2016) ------

# P(x) = 1 / (1 + 2^-w), with w(x) the log2 of P(x) / P(-x): odd, and not far from a third power. Of all numbers in
# w(x) = x (A + B x² + C / (x² + D + E / (x² + F))), these bring P(x), and x P(x), within 1.3e-7 before rounding.
A, B, C = 3.547546388, 0.05036995631, -11.79454207
D, E, F = -10.13099459, 655.8157378, 33.45660285
AT_ONCE = 2**18  # elements: temporaries are no larger, and threads seldom ask for the interpreter at once


def _fill_with_cdf(x, out):
    """P(x), in much less time than scipy's erf takes, and with no memory but two temporaries."""
    square = np.multiply(x, x, out=np.empty_like(x))  # an array also where there are no dimensions
    odds = np.add(square, F, out=np.empty_like(x))
    np.divide(E, odds, out=odds)
    odds += square
    odds += D
    np.divide(-C, odds, out=odds)
    odds -= A
    odds += np.multiply(square, -B, out=out)
    odds *= x
    np.exp2(odds, out=odds)  # P(-x) / P(x); infinite where P(x) is 0
    odds += 1
    np.divide(1, odds, out=out)


def _fill_with_gelu(x, below, out):
    _fill_with_cdf(x, below)
    np.multiply(x, below, out=out)


def _fill_with_slopes(x, below, g, out):
    """g times P(x) + x times the density at x."""
    np.multiply(x, x, out=out)
    out *= -0.5 * math.log2(math.e)
    np.exp2(out, out=out)
    out *= 1 / math.sqrt(2 * math.pi)
    out *= x
    out += below
    out *= g


def _is_quick(a):
    return type(a) is np.ndarray and a.dtype == np.float32


def _normal_cdf(a):
    """The probability that a normal number is below each element."""
    if _is_quick(a):
        return threads.elementwise(_fill_with_cdf, a, np.empty_like(a), passes=16, at_once=AT_ONCE)
    return normal_cdf_simple(a)


def _gelu(a, *, kept):
    """a · P(a); leaves P(a) in `kept`, which is most of the work of the way back."""
    if not _is_quick(a):
        return gelu_simple(a)
    kept["below"] = np.empty_like(a)
    return threads.elementwise(_fill_with_gelu, a, kept["below"], np.empty_like(a), passes=17, at_once=AT_ONCE)


@one_kernel
def normal_cdf_simple(a):
    return 0.5 + 0.5 * erf(a * math.sqrt(0.5)).astype(a.dtype, copy=False)


@one_kernel
def gelu_simple(a):
    return a * normal_cdf_simple(a)


@one_kernel
def gelu_back_simple(g, a):
    return g * (normal_cdf_simple(a) + a * (np.exp(a * a * -0.5) * (1 / math.sqrt(2 * math.pi))))


def _gelu_back(g, inputs, kept):
    (a,) = inputs
    if "below" in kept and _is_quick(g):
        return [threads.elementwise(_fill_with_slopes, a, kept["below"], g, np.empty_like(a), passes=9)]
    return [gelu_back_simple(g, a)]


def _normal_density(a):
    return exp(a * a * -0.5) * (1 / math.sqrt(2 * math.pi))


normal_cdf = _entry("normal_cdf", _normal_cdf, lambda g, a: g * _normal_density(a))
gelu = FusedOp(
    "gelu", "a", _gelu, _gelu_back, lambda a: a * normal_cdf(a), example=lambda random: ((random(3, 4) * 2,), {}))


def _gate(a):
    """What tanh is taken of in the approximation."""
    return (a + a * a * a * 0.044715) * math.sqrt(2 / math.pi)


def _gelu_tanh_vjp(g, a):
    gate, slope = tanh(_gate(a)), (1 + a * a * (3 * 0.044715)) * math.sqrt(2 / math.pi)
    return g * (0.5 * (1 + gate) + 0.5 * a * (1 - gate * gate) * slope)


gelu_tanh = primitive(
    "gelu_tanh", "a", lambda a: 0.5 * a * (1 + np.tanh(_gate(a))), [_gelu_tanh_vjp], label="gelu",
    node="GeluBackward0", example=lambda random: ((random(3, 4),), {}))
