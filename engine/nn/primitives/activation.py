"""Activations as single entries: one pass over memory forward, and a gradient that is exact where composing is not."""

import math

import numpy as np

from engine import backend
from engine.ops.elementwise import exp, minimum, sigmoid, tanh, where
from engine.ops.table import primitive


def _entry(name, forward, vjp, **how):
    return primitive(name, "a", forward, [vjp], example=lambda random: ((random(3, 4) * 2,), how))


leaky_relu = _entry(
    "leaky_relu", lambda a, *, slope: np.where(a > 0, a, a * slope), lambda g, a, slope: where(a > 0, g, g * slope),
    slope=0.1)
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

# erf(x) = tanh(x · p(x²)) with this polynomial, the highest power first: fitted to 2e-7 of the value.
ERF_AS_TANH = [
    5.4212243e-09, 2.7585385e-08, -4.7946883e-06, 8.4596927e-05, -6.1483891e-04, -1.9528755e-04, 1.02769867e-01,
    1.12837923]
AT_ONCE = 2**14  # as many elements as stay in the cache while several operations go over them


def _erf_of_float32(a):
    """erf on the CPU, an eighth of the time that scipy takes."""
    a = np.ascontiguousarray(a).reshape(-1)
    result, square = np.empty_like(a), np.empty_like(a[:AT_ONCE])
    for start in range(0, a.size, AT_ONCE):
        x, y = a[start : start + AT_ONCE], result[start : start + AT_ONCE]
        t = np.multiply(x, x, out=square[: x.size])
        np.minimum(t, 16, out=t)  # beyond 4 the result is 1
        np.multiply(t, ERF_AS_TANH[0], out=y)
        for coefficient in ERF_AS_TANH[1:-1]:
            y += coefficient
            y *= t
        y += ERF_AS_TANH[-1]
        y *= x
        np.tanh(y, out=y)
    return result


def _normal_cdf(a):
    """The probability that a normal number is below each element."""
    is_quick = a.dtype == np.float32 and backend.is_on_cpu(a)
    erf = _erf_of_float32(a * math.sqrt(0.5)).reshape(a.shape) if is_quick else backend.erf(a * math.sqrt(0.5))
    return 0.5 + 0.5 * erf.astype(a.dtype, copy=False)


def _normal_density(a):
    return exp(a * a * -0.5) * (1 / math.sqrt(2 * math.pi))


normal_cdf = _entry("normal_cdf", _normal_cdf, lambda g, a: g * _normal_density(a))
gelu = _entry("gelu", lambda a: a * _normal_cdf(a), lambda g, a: g * (normal_cdf(a) + a * _normal_density(a)))


def _gate(a):
    """What tanh is taken of in the approximation."""
    return (a + a * a * a * 0.044715) * math.sqrt(2 / math.pi)


def _gelu_tanh_vjp(g, a):
    gate, slope = tanh(_gate(a)), (1 + a * a * (3 * 0.044715)) * math.sqrt(2 / math.pi)
    return g * (0.5 * (1 + gate) + 0.5 * a * (1 - gate * gate) * slope)


gelu_tanh = primitive(
    "gelu_tanh", "a", lambda a: 0.5 * a * (1 + np.tanh(_gate(a))), [_gelu_tanh_vjp], label="gelu",
    node="GeluBackward0", example=lambda random: ((random(3, 4),), {}))
