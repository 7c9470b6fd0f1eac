"""Batch normalization as one entry, on channels as rows; sums along rows are products with a vector of ones.

Pictures whose memory has the batch last (`engine.order`) are rows as they are: (C, H · W · N), one piece of memory. Of
row-major ones, (N, C, H · W), the sums for each sample and channel come first.
"""

import math

import numpy as np

from engine import backend, order, threads
from engine.nn.primitives import batch_last
from engine.nn.primitives.fused import FusedOp
from engine.nn.primitives.normalization import standardize


def suits(a):
    """Whether this way serves: sequences or pictures of BLAS's floats in main memory, in one of the two orders."""
    is_float = type(a) is np.ndarray and a.dtype in (np.float32, np.float64)
    return is_float and a.ndim > 2 and a.size > 0 and (order.is_batch_last(a) or a.flags.c_contiguous)


def _channels(a):
    """A view of `a` (N, C, ...) as rows of channels: (1, C, H · W · N) with the batch last, else (N, C, H · W)."""
    if order.is_batch_last(a):
        return a.transpose(1, 2, 3, 0).reshape(1, a.shape[1], -1)
    return a.reshape(a.shape[0], a.shape[1], math.prod(a.shape[2:]))


def _column(values):
    """(samples, C) summed, as (C, 1), to go with rows."""
    return values.sum(axis=0)[:, None]


def _sum(rows):
    return _column(threads.matmul(rows, backend.module_of(rows).ones(rows.shape[2], dtype=rows.dtype)))


def _sum_of_products(one, other):
    if not backend.is_on_cpu(one):
        return _column((one * other).sum(axis=2))
    return _column(threads.vecdot(one, other))  # without the products' memory


def _batch_norm(a, weight, bias, *, eps, kept):
    """(a − mean) / √(variance + eps) · weight + bias for each channel; leaves mean and variance, (C, 1), in `kept`."""
    rows, count = _channels(a), a.size // a.shape[1]
    middle = _sum(rows) / count
    result = np.empty_like(a)
    out = _channels(result)
    np.subtract(rows, middle, out=out)
    spread = _sum_of_products(out, out) / count
    kept.update(middle=middle, spread=spread)
    out *= weight.reshape(-1, 1) / np.sqrt(spread + eps)
    out += bias.reshape(-1, 1)
    return result


def _batch_norm_back(g, inputs, kept, *, eps):
    """With x̂ the standardized input: dw = Σ g x̂, db = Σ g, and da is g without its means along 1 and x̂, scaled."""
    a, weight, bias = inputs
    count, scale = a.size // a.shape[1], 1 / np.sqrt(kept["spread"] + eps)
    arriving = _channels(batch_last.laid_as(g, a) if order.is_batch_last(a) else order.row_major(g))
    d_a = np.empty_like(a)
    out = _channels(d_a)
    np.subtract(_channels(a), kept["middle"], out=out)
    d_bias, d_weight = _sum(arriving), _sum_of_products(arriving, out) * scale
    out *= d_weight * scale / -count
    out += arriving
    out -= d_bias / count
    out *= weight.reshape(-1, 1) * scale
    return d_a, d_weight.reshape(weight.shape), d_bias.reshape(bias.shape)


def _composed(a, weight, bias, *, eps):
    shape = (-1, *[1] * (a.ndim - 2))
    standard = standardize(a, dim=(0, *range(2, a.ndim)), eps=eps, moments=None)
    return standard * weight.reshape(shape) + bias.reshape(shape)


batch_norm = FusedOp(
    "batch_norm", "a weight bias", _batch_norm, _batch_norm_back, _composed, ["eps"], node="NativeBatchNormBackward0",
    label="(·−μ)/σ", example=lambda random: ((random(3, 2, 4), random(2), random(2)), {"eps": 1e-2}))
