"""Losses that are entries of their own: of log-probabilities for classes, of probabilities for yes or no."""

import numpy as np

from engine import backend
from engine.autograd.graph import TensorBase
from engine.ops.elementwise import log, log1p, maximum
from engine.ops.indexing import scatter_add_zeros
from engine.ops.shape import expand, reshape
from engine.ops.table import primitive

# ---- of log-probabilities (N, C) for classes (N,) ---------------------------------------------------------


def _nll_loss(logs, target, *, reduction):
    losses = -logs[backend.module_of(logs).arange(len(logs)), target]
    return losses if reduction == "none" else losses.sum() / len(losses) if reduction == "mean" else losses.sum()


def _nll_loss_vjp(g, logs_shape, target, reduction):
    """Minus each row's share of `g`, at the row's class; 0 elsewhere."""
    rows = logs_shape[0]
    if reduction == "mean":
        g = g / max(rows, 1)
    if not isinstance(g, TensorBase):  # a step saves the general way's checks: each row has one class
        back = backend.module_of(target).zeros(logs_shape, dtype=g.dtype)
        back[backend.module_of(target).arange(rows), target] = -g
        return back
    g = reshape(-g, shape=(-1, 1) if reduction == "none" else (1, 1))
    return scatter_add_zeros(expand(g, shape=(rows, 1)), reshape(target, shape=(-1, 1)), dim=1, shape=logs_shape)


nll_loss = primitive(
    "nll_loss", "logs target", _nll_loss, [_nll_loss_vjp, None],
    example=lambda random: ((random(3, 4), np.array([2, 0, 2])), {"reduction": "mean"}))

# ---- of probabilities for targets between 0 and 1, element by element --------------------------------------


def _binary_cross_entropy(a, target):
    """No logarithm counts as less than -100, so that one that is sure and wrong is not infinitely wrong."""
    return -(target * np.maximum(np.log(a), -100) + (1 - target) * np.maximum(np.log1p(-a), -100))


binary_cross_entropy = primitive(
    "binary_cross_entropy", "a target", _binary_cross_entropy,
    [lambda g, a, target: g * (a - target) / maximum(a * (1 - a), 1e-12), lambda g, a: g * (log1p(-a) - log(a))],
    example=lambda random: ((1 / (1 + np.exp(random(2, 3))), 1 / (1 + np.exp(random(2, 3)))), {}))
