"""Batch normalization as one entry, on channels as rows; sums along rows are products with a vector of ones.

Pictures whose memory has the batch last (`engine.order`) are rows as they are: (C, H · W · N), one piece of memory. Of
row-major ones, (N, C, H · W), the sums for each sample and channel come first.

On a GPU what is no sum is one kernel each.
"""

import math

import numpy as np

from engine import backend, order, threads
from engine.kernels import one_kernel
from engine.nn.primitives import batch_last
from engine.nn.primitives.fused import FusedOp
from engine.nn.primitives.normalization import squared_distances, standardize


def suits(a):
    """Whether this way serves: sequences or pictures of BLAS's floats, in one of the two orders."""
    is_float = a.dtype in (np.float32, np.float64)
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
    if not backend.is_on_cpu(rows):
        return rows.sum(axis=(0, 2))[:, None]
    return _column(threads.matmul(rows, backend.module_of(rows).ones(rows.shape[2], dtype=rows.dtype)))


def _sum_of_products(one, other):
    return _column(threads.vecdot(one, other))  # without the products' memory


def _batch_norm(a, weight, bias, *, eps, kept):
    """(a − mean) / √(variance + eps) · weight + bias for each channel; leaves mean and variance, (C, 1), in `kept`."""
    rows, count = _channels(a), a.size // a.shape[1]
    middle = _sum(rows) / count
    if not backend.is_on_cpu(a):
        spread = _sum(squared_distances(rows, middle)) / count
        kept.update(middle=middle, spread=spread)
        return batch_norm_step(rows, middle, spread, weight[:, None], bias[:, None], eps).reshape(a.shape)
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
    if not backend.is_on_cpu(a):
        return _batch_norm_back_on_gpu(order.row_major(g), a, weight, kept["middle"], kept["spread"], eps)
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


@one_kernel
def batch_norm_step(a, middle, spread, weight, bias, eps):
    """What follows when mean and variance are known."""
    return (a - middle) * (weight / np.sqrt(spread + eps)) + bias


def _batch_norm_back_on_gpu(g, a, weight, middle, spread, eps):
    arriving, rows, count = _channels(g), _channels(a), a.size // a.shape[1]
    d_bias, along = _sum(arriving), _sum(along_distances(arriving, rows, middle))
    d_a = batch_norm_step_back(arriving, rows, middle, spread, weight[:, None], d_bias, along, 1 / count, eps)
    return d_a.reshape(a.shape), by_deviation(along, spread, eps).reshape(weight.shape), d_bias.reshape(weight.shape)


@one_kernel
def along_distances(g, a, middle):
    """What is summed for the weight's gradient."""
    return g * (a - middle)


@one_kernel
def by_deviation(a, spread, eps):
    return a / np.sqrt(spread + eps)


@one_kernel
def batch_norm_step_back(g, a, middle, spread, weight, d_bias, along, share, eps):
    """The input's gradient, from the two sums. along: Σ g (a − mean); share: 1 / the elements of a channel."""
    scale = 1 / np.sqrt(spread + eps)
    return (g - d_bias * share - (a - middle) * (along * scale * scale * share)) * (weight * scale)


def _composed(a, weight, bias, *, eps):
    shape = (-1, *[1] * (a.ndim - 2))
    standard = standardize(a, dim=(0, *range(2, a.ndim)), eps=eps, moments=None)
    return standard * weight.reshape(shape) + bias.reshape(shape)


batch_norm = FusedOp(
    "batch_norm", "a weight bias", _batch_norm, _batch_norm_back, _composed, ["eps"], node="NativeBatchNormBackward0",
    label="(·−μ)/σ", example=lambda random: ((random(3, 2, 4), random(2), random(2)), {"eps": 1e-2}))
