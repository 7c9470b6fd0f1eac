"""The linear layer as one entry: a product and a sum in one step, without the views and copies in between."""

import functools
import math

import numpy as np

from engine import threads, unpacked
from engine.autograd.short import AT_ONCE
from engine.ops.linear import matmul
from engine.ops.shape import reshape
from engine.ops.table import primitive


def _linear(a, weight, bias=None):
    """a: (..., in), weight: (out, in), bias: (out) or left out."""
    product = matmul.forward(a, weight.T)
    if bias is not None:
        product += bias
    return product


MANY = 1 << 12  # elements; fewer are summed sooner than the ones are made


def _rows(a):
    return a if a.ndim == 2 else reshape(a, shape=(math.prod(a.shape[:-1]), a.shape[-1]))


def _sum_of_rows(g):
    """A product with ones is what BLAS has fast: half of the time where there are many."""
    if type(g) is not np.ndarray or g.dtype.kind != "f" or g.size < MANY:
        return g.sum(0)
    return threads.matmul(np.ones(len(g), g.dtype), g)


linear = primitive(
    "linear", "a weight bias", _linear,
    [lambda g, weight: matmul(g, weight), lambda g, a: matmul(_rows(g).T, _rows(a)), lambda g: _sum_of_rows(_rows(g))],
    node="AddmmBackward0", explain=lambda arrays, metadata: matmul.explain((arrays[0], arrays[1].T), metadata),
    example=lambda random: ((random(2, 3, 4), random(5, 4), random(5)), {}))

# ---- the way back, of all inputs at once ------------------------------------------------------------------------

ROWS = 128  # for a thread at least: what each adds to the gradient of the weights is added up in the end


def _at_once(node, g):
    """What the VJPs give, without asking the table for each product; None where something is not as usual."""
    before, *learned = node.inputs
    if None in learned or type(g) is not np.ndarray or g.dtype.kind != "f" or g.dtype.itemsize == 2:
        return None
    *weight, a = node.saved_values()  # the weight is saved for the gradient of `a` alone
    g, rows = _rows(g), _rows(a)
    if weight and len(g) >= 2 * ROWS and 2 * g.size * a.shape[-1] >= threads.WORTH_SHARING:
        found = _in_stretches(g, weight[0], rows)
    else:
        found = [threads.matmul(g, weight[0]) if weight else None, threads.matmul(g.T, rows)]
        if len(learned) > 1:
            found.append(_sum_of_rows(g))
    if before is not None:
        found[0] = found[0].reshape(a.shape)
    return found[: len(node.inputs)]


def _in_stretches(g, weight, rows):
    """The three gradients of a long layer: each thread takes some of the rows through all of it, in one hand-over."""
    d_rows = np.empty_like(rows, order="C")

    def compute(some):
        here = slice(some.start, some.stop)
        unpacked.multiply(g[here], weight, out=d_rows[here])
        d_weight = unpacked.multiply(g[here].T, rows[here], out=np.empty(weight.shape, g.dtype))
        return d_weight, np.matmul(np.ones(len(g[here]), g.dtype), g[here])

    return [d_rows, *[functools.reduce(np.add, each) for each in zip(*threads.share(compute, range(0, len(g), ROWS)))]]


AT_ONCE[linear] = _at_once
