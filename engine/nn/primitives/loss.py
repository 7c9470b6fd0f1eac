"""Losses that are entries of their own: of log-probabilities for classes, of probabilities for yes or no."""

import numpy as np

from engine import backend
from engine.autograd.graph import TensorBase
from engine.ops.elementwise import log, log1p, maximum, mul
from engine.ops.indexing import scatter_add_zeros
from engine.ops.shape import expand, reshape
from engine.ops.table import primitive

# ---- of log-probabilities (N, C) for classes (N,) ---------------------------------------------------------


def _nll_loss(logs, target, *, reduction, ignore_index):
    """Rows whose class is `ignore_index` count nothing; None where there are none such, which saves a look."""
    counts, target = _counting(target, ignore_index, logs.dtype)
    losses = -logs[backend.module_of(logs).arange(len(logs)), target]
    if counts is not None:
        losses = backend.module_of(logs).where(counts > 0, losses, 0)
    if reduction == "none":
        return losses
    return losses.sum() / (len(losses) if counts is None else counts.sum()) if reduction == "mean" else losses.sum()


def _nll_loss_vjp(g, logs_shape, target, reduction, ignore_index):
    """Minus each row's share of `g`, at the row's class; 0 elsewhere."""
    rows = logs_shape[0]
    target, dtype = _array_of(target), _array_of(g).dtype
    module, (counts, target) = backend.module_of(target), _counting(target, ignore_index, dtype)
    if counts is not None:
        g = mul(g, counts / module.maximum(counts.sum(), 1) if reduction == "mean" else counts)
    elif reduction == "mean":
        g = g / max(rows, 1)
    if not isinstance(g, TensorBase):  # a step saves the general way's checks: each row has one class
        back = module.zeros(logs_shape, dtype=g.dtype)
        back[module.arange(rows), target] = -g
        return back
    return scatter_add_zeros(expand(reshape(-g, shape=(-1, 1)), shape=(rows, 1)), reshape(target, shape=(-1, 1)), dim=1, shape=logs_shape)


def _counting(target, ignore_index, dtype):
    """(1 for each row that counts and 0 for the others, None where all do; the classes, 0 where a row does not)."""
    if ignore_index is None:
        return None, target
    counts = target != ignore_index
    return counts.astype(dtype), backend.module_of(target).where(counts, target, 0)


def _array_of(value):
    return value.array if isinstance(value, TensorBase) else value


nll_loss = primitive(
    "nll_loss", "logs target", _nll_loss, [_nll_loss_vjp, None],
    example=lambda random: ((random(3, 4), np.array([2, 0, 2])), {"reduction": "mean", "ignore_index": 0}))

# ---- of probabilities for targets between 0 and 1, element by element --------------------------------------


def _binary_cross_entropy(a, target):
    """No logarithm counts as less than -100, so that one that is sure and wrong is not infinitely wrong."""
    return -(target * np.maximum(np.log(a), -100) + (1 - target) * np.maximum(np.log1p(-a), -100))


binary_cross_entropy = primitive(
    "binary_cross_entropy", "a target", _binary_cross_entropy,
    [lambda g, a, target: g * (a - target) / maximum(a * (1 - a), 1e-12), lambda g, a: g * (log1p(-a) - log(a))],
    example=lambda random: ((1 / (1 + np.exp(random(2, 3))), 1 / (1 + np.exp(random(2, 3)))), {}))
