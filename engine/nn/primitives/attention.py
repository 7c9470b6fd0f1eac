"""Scaled dot-product attention as one entry: the weights are made in one memory, and kept for the way back."""

import functools
import math

import numpy as np

from engine import backend, threads
from engine.nn.primitives.fused import FusedOp


ENOUGH = 2**16  # so many weights are worth the hand-over to another thread


def _attention(query, key, value, *, scale, is_causal, kept):
    """softmax(query keyᵀ · scale) value: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V)."""
    weights = backend.module_of(query).empty((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    result = _joined(query, (*query.shape[:-1], value.shape[-1]))
    closed = _closed(weights) if is_causal else None
    arrays = query, key.swapaxes(-1, -2), value, weights, result
    _for_each_batch(functools.partial(_attend, scale, closed), arrays, weights)
    kept["weights"] = weights
    return result


def _attend(scale, closed, query, key, value, weights, result):
    np.matmul(query, key, out=weights)
    weights *= scale
    if closed is not None:
        weights += closed
    weights -= np.max(weights, axis=-1, keepdims=True)
    np.exp(weights, out=weights)
    weights /= _sums(weights)
    np.matmul(weights, value, out=result)


def _sums(weights):
    """Over the keys, (..., L, 1). As products with ones they take a fifth of the time; those of halves lose digits."""
    if weights.dtype.itemsize == 2:
        return np.sum(weights, axis=-1, keepdims=True)
    return np.matmul(weights, np.ones_like(weights, shape=(weights.shape[-1], 1)))


def _closed(scores):
    """What closes the keys behind the query's place: 0, and -inf above the diagonal, (L, S)."""
    return np.triu(backend.module_of(scores).full(scores.shape[-2:], -math.inf, dtype=scores.dtype), 1)


def _joined(like, shape):
    """Memory for an array of that shape; of heads (B, H, L, E) such that joining them, (B, L, H · E), moves nothing."""
    empty = backend.module_of(like).empty
    if len(shape) != 4:
        return empty(shape, dtype=like.dtype)
    return empty((shape[0], shape[2], shape[1], shape[3]), dtype=like.dtype).swapaxes(1, 2)


def _for_each_batch(function, arrays, weights):
    """function(*arrays); where it is worth it, of stretches of their first dimension, a thread each."""
    is_worth_it = weights.ndim > 2 and weights.size > ENOUGH and backend.is_on_cpu(weights)
    if not is_worth_it:
        function(*arrays)
        return
    threads.share(lambda items: function(*[each[items[0] : items[-1] + 1] for each in arrays]), range(len(weights)))


def _attention_back(g, inputs, kept, *, scale, is_causal):
    """With P the weights: dV = Pᵀ g, dP = g Vᵀ, dS = P (dP - Σ dP P), the sum over the keys."""
    weights = kept["weights"]
    gradients = [_joined(each, each.shape) for each in inputs]
    arrays = g, *inputs, weights, np.empty_like(weights), *gradients
    _for_each_batch(functools.partial(_attend_back, scale), arrays, weights)
    return gradients


def _attend_back(scale, g, query, key, value, weights, scores, d_query, d_key, d_value):
    np.matmul(weights.swapaxes(-1, -2), g, out=d_value)
    np.matmul(g, value.swapaxes(-1, -2), out=scores)
    scores -= _sums(scores * weights)
    scores *= weights
    scores *= scale
    np.matmul(scores, key, out=d_query)
    np.matmul(scores.swapaxes(-1, -2), query, out=d_key)


def _composed(query, key, value, *, scale, is_causal):
    from engine.nn.functional import attention  # stands on the table

    return attention.composed_attention(query, key, value, scale=scale, is_causal=is_causal)


attention = FusedOp(
    "scaled_dot_product_attention", "query key value", _attention, _attention_back, _composed, ["scale", "is_causal"],
    label="attention", node="ScaledDotProductFlashAttentionForCpuBackward0",
    example=lambda random: ((random(2, 2, 3, 2), random(2, 2, 4, 2), random(2, 2, 4, 3)),
                            {"scale": 0.7, "is_causal": True}))
