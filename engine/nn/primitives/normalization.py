"""Standardizing: the mean along some dimensions becomes 0 and the variance 1. All normalizations share it."""

import numpy as np

from engine.autograd.graph import TensorBase
from engine.kernels import one_kernel
from engine.ops.elementwise import rsqrt
from engine.ops.reduction import mean, var
from engine.ops.table import primitive


@one_kernel
def squared_distances(a, middle):
    """What the variance is the mean of."""
    distance = a - middle
    return distance * distance


def moments_of(a, dim):
    """The mean and the variance (of all, not one less) of an array along these dimensions, which stay with size 1."""
    middle = np.mean(a, axis=dim, keepdims=True)
    distance = a - middle
    np.multiply(distance, distance, out=distance)
    return middle, np.mean(distance, axis=dim, keepdims=True)


def _standardize(a, *, dim, eps, moments):
    """moments: what `moments_of` said, if somebody has asked already; else None."""
    middle, spread = moments or moments_of(a, dim)
    result = a - middle
    result *= 1 / np.sqrt(spread + eps)
    return result


def _standardize_vjp(g, a, result, dim, eps, moments):
    """What is left of `g` without its parts along the mean and along the result, divided by the deviation."""
    is_recorded = isinstance(a, TensorBase)  # the variance must then be part of the graph
    spread = moments[1] if moments and not is_recorded else var(a, dim=dim, correction=0, keepdim=True)
    how = {"dim": dim, "keepdim": True}
    return (g - mean(g, **how) - result * mean(g * result, **how)) * rsqrt(spread + eps)


standardize = primitive(
    "standardize", "a", _standardize, [_standardize_vjp], node="NativeBatchNormBackward0", label="(·−μ)/σ",
    example=lambda random: ((random(3, 2, 4),), {"dim": (0, 2), "eps": 1e-2, "moments": None}))
