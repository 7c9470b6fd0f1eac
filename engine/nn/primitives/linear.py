"""The linear layer as one entry: a product and a sum in one step, without the views and copies in between."""

import math

from engine.ops.linear import matmul, transposed
from engine.ops.reduction import sum_
from engine.ops.shape import reshape
from engine.ops.table import primitive


def _linear(a, weight, bias=None):
    """a: (..., in), weight: (out, in), bias: (out) or left out."""
    product = matmul.forward(a, weight.T)
    if bias is not None:
        product += bias
    return product


def _rows(a):
    return reshape(a, shape=(math.prod(a.shape[:-1]), a.shape[-1]))


linear = primitive(
    "linear", "a weight bias", _linear,
    [lambda g, weight: matmul(g, weight), lambda g, a: matmul(transposed(_rows(g)), _rows(a)),
     lambda g: sum_(_rows(g), dim=(0,), keepdim=False)],
    node="AddmmBackward0", explain=lambda arrays, metadata: matmul.explain((arrays[0], arrays[1].T), metadata),
    example=lambda random: ((random(2, 3, 4), random(5, 4), random(5)), {}))
