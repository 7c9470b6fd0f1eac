"""Layer normalization as one entry, on rows; sums along them are products with a vector, which BLAS has fast.

On a GPU what is no sum is one kernel each.
"""

import numpy as np

from engine import backend, threads
from engine.kernels import one_kernel
from engine.nn.primitives.fused import FusedOp
from engine.nn.primitives.normalization import squared_distances


def _rows(a, weight):
    """`a` as a matrix, what is normalized together in a row."""
    return a.reshape(-1, weight.size)


def _constant(like, size, value):
    """A vector of that value, to sum with."""
    return backend.module_of(like).full(size, value, dtype=like.dtype)


def _layer_norm(a, weight, bias, *, eps, kept):
    """(a - mean) / √(variance + eps) · weight + bias, over the last dimensions, which are weight's."""
    rows, share = _rows(a, weight), _constant(a, weight.size, 1 / weight.size)
    middle = threads.matmul(rows, share)[:, None]
    if not backend.is_on_cpu(a):
        scale = one_by_deviation(threads.matmul(squared_distances(rows, middle), share)[:, None], eps)
        kept.update(middle=middle, scale=scale)
        return layer_norm_step(rows, middle, scale, weight.reshape(-1), bias.reshape(-1)).reshape(a.shape)
    result = rows - middle
    scale = 1 / np.sqrt(threads.matmul(result * result, share)[:, None] + eps)
    kept.update(middle=middle, scale=scale)
    result *= scale
    result *= weight.reshape(-1)
    result += bias.reshape(-1)
    return result.reshape(a.shape)


def _layer_norm_back(g, inputs, kept, *, eps):
    """With x̂ the standardized input: dw = Σ g x̂, db = Σ g, and da is g w without its parts along the mean and x̂."""
    a, weight, _ = inputs
    arriving, flat, scale = _rows(g, weight), weight.reshape(-1), kept["scale"]
    if backend.is_on_cpu(a):
        standard = _rows(a, weight) - kept["middle"]
        standard *= scale
        along = arriving * standard
    else:
        along = along_standard(arriving, _rows(a, weight), kept["middle"], scale)
    share, ones = flat / weight.size, _constant(a, len(arriving), 1)
    d_weight, d_bias = threads.matmul(ones, along), threads.matmul(ones, arriving)
    from_standard, from_middle = [threads.matmul(each, share)[:, None] for each in (along, arriving)]
    if not backend.is_on_cpu(a):
        d_rows = layer_norm_step_back(
            arriving, _rows(a, weight), kept["middle"], scale, flat, from_standard, from_middle)
        return d_rows.reshape(a.shape), d_weight.reshape(weight.shape), d_bias.reshape(weight.shape)
    standard *= from_standard
    d_rows = np.multiply(arriving, flat, out=along)
    d_rows -= from_middle
    d_rows -= standard
    d_rows *= scale
    return d_rows.reshape(a.shape), d_weight.reshape(weight.shape), d_bias.reshape(weight.shape)


@one_kernel
def one_by_deviation(spread, eps):
    return 1 / np.sqrt(spread + eps)


@one_kernel
def layer_norm_step(a, middle, scale, weight, bias):
    """What follows when mean and deviation are known."""
    return (a - middle) * scale * weight + bias


@one_kernel
def along_standard(g, a, middle, scale):
    """What is summed for the weight's gradient."""
    return g * ((a - middle) * scale)


@one_kernel
def layer_norm_step_back(g, a, middle, scale, weight, from_standard, from_middle):
    """The input's gradient, from the two sums."""
    return (g * weight - from_middle - (a - middle) * scale * from_standard) * scale


def _composed(a, weight, bias, *, eps):
    from engine.nn.functional import normalization  # stands on the table

    return normalization.composed_layer_norm(a, weight, bias, eps=eps)


layer_norm = FusedOp(
    "layer_norm", "a weight bias", _layer_norm, _layer_norm_back, _composed, ["eps"], node="NativeLayerNormBackward0",
    label="(·−μ)/σ", example=lambda random: ((random(3, 2, 4), random(2, 4), random(2, 4)), {"eps": 1e-2}))
