"""The loss of log-probabilities (N, C) for classes (N,)."""

import numpy as np

from engine.ops.indexing import scatter_add_zeros
from engine.ops.shape import expand, reshape
from engine.ops.table import primitive


def _nll_loss(logs, target, *, reduction):
    losses = -np.take_along_axis(logs, target[:, None], axis=1)[:, 0]
    return losses if reduction == "none" else np.mean(losses) if reduction == "mean" else np.sum(losses)


def _nll_loss_vjp(g, logs_shape, target, reduction):
    """Minus each row's share of `g`, at the row's class; 0 elsewhere."""
    rows = logs_shape[0]
    if reduction == "mean":
        g = g / max(rows, 1)
    g = reshape(-g, shape=(-1, 1) if reduction == "none" else (1, 1))
    return scatter_add_zeros(expand(g, shape=(rows, 1)), reshape(target, shape=(-1, 1)), dim=1, shape=logs_shape)


nll_loss = primitive(
    "nll_loss",
    "logs target",
    _nll_loss,
    [_nll_loss_vjp, None],
    example=lambda random: ((random(3, 4), np.array([2, 0, 2])), {"reduction": "mean"}),
)
