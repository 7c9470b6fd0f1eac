"""Operations that combine the elements along dimensions: sums, maxima, softmax."""

import numpy as np

from engine.ops.elementwise import exp
from engine.ops.indexing import scatter_add_zeros
from engine.ops.shape import expand, reshape
from engine.ops.table import primitive


def restore(g, shape, dim, keepdim):
    """Undo a reduction's change of shape: put the dropped dimensions back with size 1 and stretch them."""
    if not keepdim:
        reduced = range(len(shape)) if dim is None else {d % len(shape) for d in _as_tuple(dim) if shape}
        g = reshape(g, shape=tuple(1 if d in reduced else size for d, size in enumerate(shape)))
    return expand(g, shape=tuple(shape))


def _as_tuple(dim):
    return dim if isinstance(dim, tuple) else (dim,)


def _count(shape, dim):
    """How many elements are combined into one."""
    dims = range(len(shape)) if dim is None else _as_tuple(dim)
    return int(np.prod([shape[d] for d in dims if shape]))


def _rows(random):
    return (random(2, 3, 2),), {"dim": (0, 2), "keepdim": False}


def _one_dim(random):
    return (random(3, 4),), {"dim": 1, "keepdim": False}


def _along(random):
    return (random(3, 4),), {"dim": -1}


# ---- sums -------------------------------------------------------------------------------------------

sum_ = primitive(
    "sum",
    "a",
    lambda a, *, dim, keepdim: np.sum(a, axis=dim, keepdims=keepdim),
    [lambda g, a_shape, dim, keepdim: restore(g, a_shape, dim, keepdim)],
    label="Σ",
    example=_rows,
)
mean = primitive(
    "mean",
    "a",
    lambda a, *, dim, keepdim: np.mean(a, axis=dim, keepdims=keepdim),
    [lambda g, a_shape, dim, keepdim: restore(g / max(_count(a_shape, dim), 1), a_shape, dim, keepdim)],
    example=_rows,
)

# ---- extremes: the gradient is shared evenly among equals, as in torch --------------------------------


def _extreme_vjp(g, a, result, dim, keepdim):
    chosen = a == restore(result, a.shape, dim, keepdim)
    ways = restore(sum_(chosen, dim=dim, keepdim=keepdim), a.shape, dim, keepdim)
    return restore(g, a.shape, dim, keepdim) * chosen / ways


amax = primitive(
    "amax", "a", lambda a, *, dim, keepdim: np.max(a, axis=dim, keepdims=keepdim), [_extreme_vjp], example=_one_dim
)
amin = primitive(
    "amin", "a", lambda a, *, dim, keepdim: np.min(a, axis=dim, keepdims=keepdim), [_extreme_vjp], example=_one_dim
)
argmax = primitive("argmax", "a", lambda a, *, dim, keepdim: np.argmax(a, axis=dim, keepdims=keepdim), example=_one_dim)
argmin = primitive("argmin", "a", lambda a, *, dim, keepdim: np.argmin(a, axis=dim, keepdims=keepdim), example=_one_dim)
all_ = primitive("all", "a", lambda a, *, dim, keepdim: np.all(a, axis=dim, keepdims=keepdim), example=_one_dim)
any_ = primitive("any", "a", lambda a, *, dim, keepdim: np.any(a, axis=dim, keepdims=keepdim), example=_one_dim)

# ---- exponentials that cannot overflow: the largest element is subtracted first ------------------------


def _logsumexp(a, *, dim, keepdim):
    top = np.max(a, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(a - top), axis=dim, keepdims=True)) + top
    return total if keepdim else np.squeeze(total, axis=dim)


def _log_softmax(a, *, dim):
    shifted = a - np.max(a, axis=dim, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))


def _softmax(a, *, dim):
    powers = np.exp(a - np.max(a, axis=dim, keepdims=True))
    return powers / np.sum(powers, axis=dim, keepdims=True)


logsumexp = primitive(
    "logsumexp",
    "a",
    _logsumexp,
    [
        lambda g, a, result, dim, keepdim: (
            restore(g, a.shape, dim, keepdim) * exp(a - restore(result, a.shape, dim, keepdim))
        )
    ],
    types="float",
    example=_one_dim,
)
log_softmax = primitive(
    "log_softmax",
    "a",
    _log_softmax,
    [lambda g, result, dim: g - exp(result) * sum_(g, dim=dim, keepdim=True)],
    types="float",
    example=_along,
)
softmax = primitive(
    "softmax",
    "a",
    _softmax,
    [lambda g, result, dim: (g - sum_(g * result, dim=dim, keepdim=True)) * result],
    types="float",
    example=_along,
)


# ---- the loss of log-probabilities (N, C) for classes (N,) ---------------------------------------------


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
