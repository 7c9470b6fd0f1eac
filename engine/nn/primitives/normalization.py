"""Standardizing: the mean along some dimensions becomes 0 and the variance 1. What all normalizations have in common."""

import numpy as np

from engine.ops.elementwise import rsqrt
from engine.ops.reduction import mean, var
from engine.ops.table import primitive


def _standardize(a, *, dim, eps):
    centered = a - np.mean(a, axis=dim, keepdims=True)
    spread = np.mean(centered * centered, axis=dim, keepdims=True)
    centered *= 1 / np.sqrt(spread + eps)
    return centered


def _standardize_vjp(g, a, result, dim, eps):
    """What is left of `g` when its parts along the mean and along the result are taken out, divided by the deviation."""
    scale = rsqrt(var(a, dim=dim, correction=0, keepdim=True) + eps)
    how = {"dim": dim, "keepdim": True}
    return (g - mean(g, **how) - result * mean(g * result, **how)) * scale


standardize = primitive(
    "standardize", "a", _standardize, [_standardize_vjp], node="NativeBatchNormBackward0", label="(·−μ)/σ",
    example=lambda random: ((random(3, 2, 4),), {"dim": (0, 2), "eps": 1e-2}),
)  # fmt: skip
