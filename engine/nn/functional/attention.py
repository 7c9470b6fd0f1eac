"""Attention: each query takes a weighted mean of the values, with weights by how well its key fits."""

import math

from engine import creation, dtypes
from engine.functions import masked_fill, repeat_interleave, softmax, where
from engine.functions.arguments import TENSOR, reads
from engine.nn.functional.arguments import in_float32
from engine.nn.functional.dropout import dropout
from engine.nn.primitives import attention as table

__all__ = ["scaled_dot_product_attention"]


@reads(value=TENSOR)
def scaled_dot_product_attention(
        query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False):
    """softmax(query keyᵀ · scale + mask) value: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V) (Vaswani et al.,
    2017).

    attn_mask: broadcasts to (..., L, S); bools say where a query may look, floats are added. A query that may look
    nowhere gets zeros. is_causal: the l-th query may look at the keys up to the l-th. scale: 1/√E by default.
    dropout_p: of the weights, also in evaluation. enable_gqa: query may have a multiple of the heads (dimension -3) of
    key and value, and neighbouring heads share those (Ainslie et al., 2023).
    """
    _check(query, key, value, attn_mask, dropout_p, is_causal)
    if enable_gqa:
        key, value = _shared_heads(query, key), _shared_heads(query, value)
    sizes = [tuple(each.shape[:-2]) for each in (query, key, value)]
    if attn_mask is None and not dropout_p and sizes[0] == sizes[1] == sizes[2] and key.numel() and value.numel():
        return _fused(query, key, value, is_causal, scale)
    return composed_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)


@in_float32
def _fused(query, key, value, is_causal, scale):
    if key.shape[-2] != value.shape[-2] or key.shape[-1] != query.shape[-1] or not query.numel():
        return composed_attention(query, key, value, is_causal=is_causal, scale=scale)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return table.attention(query, key, value, scale=scale, is_causal=is_causal)


def composed_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    """The same in ordinary operations, with every mask; the entry of the table is differentiated twice through it."""
    if is_causal:
        attn_mask = creation.ones((query.shape[-2], key.shape[-2]), dtype=dtypes.bool, device=query.device).tril()
    if attn_mask is not None:
        attn_mask = as_scores(attn_mask, query.dtype)
    return _attend(query, key, value, attn_mask, dropout_p, scale, may_be_blocked=not is_causal)


@in_float32
def _attend(query, key, value, mask, dropout_p, scale, may_be_blocked):
    return attention_weights(query, key, mask, dropout_p, scale, may_be_blocked) @ value


def attention_weights(query, key, mask=None, dropout_p=0.0, scale=None, may_be_blocked=True):
    """softmax(query keyᵀ · scale + mask), (..., L, S). may_be_blocked: rows that the mask closes altogether are 0."""
    scores = query * (1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale) @ key.mT
    is_blocked = None
    if mask is not None:
        shape, scores = scores.shape, scores + mask
        if scores.shape != shape:
            raise RuntimeError(f"attn_mask of shape {list(mask.shape)} does not broadcast to the scores, {list(shape)}")
        if may_be_blocked:
            is_blocked = (scores.detach() == -math.inf).all(-1, keepdim=True)
            is_blocked = is_blocked if bool(is_blocked.any()) else None
    weights = softmax(scores if is_blocked is None else masked_fill(scores, is_blocked, 0.0), -1)
    if is_blocked is not None:
        weights = masked_fill(weights, is_blocked, 0.0)
    return dropout(weights, dropout_p) if dropout_p else weights


def as_scores(mask, dtype):
    """What a mask adds to the scores: of bools 0 where a query may look and -inf elsewhere, floats as they are."""
    return (where(mask, 0.0, -math.inf) if mask.dtype is dtypes.bool else mask).to(dtype)


def _shared_heads(query, shared):
    """The heads of key or value repeated until there is one for each head of the query."""
    if query.ndim < 3 or shared.ndim < 3 or not shared.shape[-3] or query.shape[-3] % shared.shape[-3]:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query: dimension -3 of shapes "
            f"{list(shared.shape)} and {list(query.shape)}")
    times = query.shape[-3] // shared.shape[-3]
    return shared if times == 1 else repeat_interleave(shared, times, -3)


def _check(query, key, value, mask, dropout_p, is_causal):
    kinds = [each.dtype for each in (query, key, value)]
    if len(set(kinds)) > 1:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {kinds[0]} key.dtype: "
            f"{kinds[1]} and value.dtype: {kinds[2]} instead.")
    if not kinds[0].is_floating_point:
        raise RuntimeError(f"scaled_dot_product_attention(): expected floating point tensors, got {kinds[0]}")
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead.")
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if mask is None:
        return
    if is_causal:
        raise RuntimeError("scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    if mask.dtype not in (dtypes.bool, dtypes.float32, kinds[0]):
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{mask.dtype} and  query.dtype: {kinds[0]} instead.")
