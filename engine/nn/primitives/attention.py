"""Scaled dot-product attention as one entry: the weights are made in one memory, and kept for the way back."""

import math

import numpy as np

from engine import backend
from engine.nn.primitives.fused import FusedOp


def _attention(query, key, value, *, scale, is_causal, kept):
    """softmax(query keyᵀ · scale) value: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V)."""
    weights = np.matmul(query, key.swapaxes(-1, -2))
    weights *= scale
    if is_causal:
        weights += _closed(weights)
    weights -= np.max(weights, axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= np.sum(weights, axis=-1, keepdims=True)
    kept["weights"] = weights
    return _product(weights, value)


def _closed(scores):
    """What closes the keys behind the query's place: 0, and -inf above the diagonal, (L, S)."""
    return np.triu(backend.module_of(scores).full(scores.shape[-2:], -math.inf, dtype=scores.dtype), 1)


def _product(a, b):
    """a @ b; of heads (B, H, L, E) so in memory that joining them, (B, L, H · E), moves nothing."""
    if a.ndim != 4:
        return np.matmul(a, b)
    memory = backend.module_of(a).empty((a.shape[0], a.shape[2], a.shape[1], b.shape[3]), dtype=a.dtype)
    return np.matmul(a, b, out=memory.swapaxes(1, 2))


def _attention_back(g, inputs, result, kept, *, scale, is_causal):
    """With P the weights: dV = Pᵀ g, dP = g Vᵀ, dS = P (dP - Σ dP P), where Σ dP P over keys is Σ g result."""
    query, key, value = inputs
    weights = kept["weights"]
    d_value = _product(weights.swapaxes(-1, -2), g)
    d_scores = np.matmul(g, value.swapaxes(-1, -2))
    d_scores -= np.sum(g * result, axis=-1, keepdims=True)
    d_scores *= weights
    d_scores *= scale
    return _product(d_scores, key), _product(d_scores.swapaxes(-1, -2), query), d_value


def _composed(query, key, value, *, scale, is_causal):
    from engine.nn.functional import attention  # stands on the table

    return attention.composed_attention(query, key, value, scale=scale, is_causal=is_causal)


attention = FusedOp(
    "scaled_dot_product_attention", "query key value", _attention, _attention_back, _composed, ["scale", "is_causal"],
    label="attention", node="ScaledDotProductFlashAttentionForCpuBackward0",
    example=lambda random: ((random(2, 2, 3, 2), random(2, 2, 4, 2), random(2, 2, 4, 3)),
                            {"scale": 0.7, "is_causal": True}))
