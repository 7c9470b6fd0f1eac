"""Operations that combine the elements along dimensions: sums, maxima, softmax."""

import math

import numpy as np

from engine.ops.elementwise import exp, where
from engine.ops.indexing import getitem
from engine.ops.shape import cat, expand, flip, reshape
from engine.ops.table import primitive, sample


def restore(g, shape, dim, keepdim):
    """Undo a reduction's change of shape: put the dropped dimensions back with size 1 and stretch them."""
    if not keepdim:
        reduced = range(len(shape)) if dim is None else {d % len(shape) for d in _as_tuple(dim) if shape}
        g = reshape(g, shape=tuple(1 if d in reduced else size for d, size in enumerate(shape)))
    return expand(g, shape=tuple(shape))


def _as_tuple(dim):
    return dim if isinstance(dim, tuple) else (dim,)


def count(shape, dim):
    """How many elements are combined into one."""
    dims = range(len(shape)) if dim is None else _as_tuple(dim)
    return int(np.prod([shape[d] for d in dims if shape]))


_rows, _one_dim = sample((2, 3, 2), dim=(0, 2), keepdim=False), sample((3, 4), dim=1, keepdim=False)
_along = sample((3, 4), dim=-1)

# ---- sums; halves are added up as float32, as in torch ------------------------------------------------


def _sum(a, *, dim, keepdim):
    return _like(a, np.sum(a, axis=dim, keepdims=keepdim, dtype=_wide(a)))


def _mean(a, *, dim, keepdim):
    total = np.sum(a, axis=dim, keepdims=keepdim, dtype=_wide(a))
    return _like(a, total / (count(a.shape, dim) or math.nan))  # of no elements: 0 / nan


def _wide(a):
    """The type to add up in (bools are counted)."""
    return np.float32 if a.dtype == np.float16 else None if a.dtype == np.bool_ else a.dtype


def _like(a, result):
    """The result in the type of `a`, unless that is bool."""
    return result if a.dtype == np.bool_ else result.astype(a.dtype, copy=False)


sum_ = primitive(
    "sum", "a", _sum, [lambda g, a_shape, dim, keepdim: restore(g, a_shape, dim, keepdim)], label="Σ", example=_rows)
mean = primitive(
    "mean", "a", _mean,
    [lambda g, a_shape, dim, keepdim: restore(g / max(count(a_shape, dim), 1), a_shape, dim, keepdim)], example=_rows)
cumsum = primitive(
    "cumsum", "a", lambda a, *, dim: _like(a, np.cumsum(a, axis=dim, dtype=_wide(a))),
    [lambda g, dim: _cumsum_from_the_end(g, dim)], example=_along)


def _cumsum_from_the_end(g, dim):
    return flip(cumsum(flip(g, dims=(dim,)), dim=dim), dims=(dim,))


# ---- spread: the mean square distance from the mean, with `correction` fewer than all counted -----------


def _var(a, *, dim, correction, keepdim):
    centered = a - _mean(a, dim=dim, keepdim=True)
    total = np.sum((centered * centered.conj()).real, axis=dim, keepdims=keepdim, dtype=_wide(centered.real))
    return _like(a.real, total / max(count(a.shape, dim) - correction, 0))


def _var_vjp(g, a, dim, correction, keepdim):
    freedom = count(a.shape, dim) - correction
    centered = a - mean(a, dim=dim, keepdim=True)
    return restore(g, a.shape, dim, keepdim) * centered * (2 / freedom if freedom else math.inf)


def _std_vjp(g, a, result, dim, correction, keepdim):
    """As var's, by d√v = dv / 2√v; 0 where nothing varies, as in torch."""
    g = where(result == 0, 0, g / where(result == 0, 1, result * 2))
    return _var_vjp(g, a, dim, correction, keepdim)


_spread = sample((2, 3, 2), dim=(0, 2), correction=1, keepdim=False)
var = primitive("var", "a", _var, [_var_vjp], label="σ²", example=_spread)
std = primitive("std", "a", lambda a, **how: np.sqrt(_var(a, **how)), [_std_vjp], example=_spread)

# ---- products: others' product is result / element, unless some element is 0 ----------------------------


def _before(a, dim):
    """For each element, the product of those before it along `dim`."""
    first = getitem(a, index=(slice(None),) * dim + (slice(0, 1),))
    rest = getitem(a, index=(slice(None),) * dim + (slice(0, -1),))
    return cumprod(cat(first**0, rest, dim=dim), dim=dim)


def _prod_vjp(g, a, result, dim, keepdim):
    g = restore(g, a.shape, dim, keepdim)
    if not (a == 0).any():
        return g * restore(result, a.shape, dim, keepdim) / a
    after = flip(_before(flip(a, dims=(dim,)), dim), dims=(dim,))
    return g * _before(a, dim) * after


def _cumprod_vjp(g, a, result, dim):
    """Element i gets the product before it times s_i = g_i + a_(i+1) s_(i+1), what comes back from i on."""
    if not (a == 0).any():
        return _cumsum_from_the_end(g * result, dim) / a
    size = a.shape[dim]
    at = [(slice(None),) * dim + (slice(place, place + 1),) for place in range(size)]
    back = [getitem(g, index=at[-1])]
    for place in range(size - 2, -1, -1):
        back.append(getitem(g, index=at[place]) + getitem(a, index=at[place + 1]) * back[-1])
    return _before(a, dim) * cat(*reversed(back), dim=dim)


prod = primitive(
    "prod", "a", lambda a, *, dim, keepdim: _like(a, np.prod(a, axis=dim, keepdims=keepdim, dtype=_wide(a))),
    [_prod_vjp], label="Π", example=_one_dim)
cumprod = primitive(
    "cumprod", "a", lambda a, *, dim: _like(a, np.cumprod(a, axis=dim, dtype=_wide(a))), [_cumprod_vjp],
    example=sample((3, 4), dim=1))

# ---- extremes: the gradient is shared evenly among equals, as in torch --------------------------------


def _extreme_vjp(g, a, result, dim, keepdim):
    chosen = a == restore(result, a.shape, dim, keepdim)
    ways = restore(sum_(chosen, dim=dim, keepdim=keepdim), a.shape, dim, keepdim)
    return restore(g, a.shape, dim, keepdim) * chosen / ways


def _numpy_reduction(name, function, vjps=()):
    """An entry that numpy has, with other names for its arguments."""
    return primitive(
        name, "a", lambda a, *, dim, keepdim: function(a, axis=dim, keepdims=keepdim), vjps, example=_one_dim)


amax = _numpy_reduction("amax", np.max, [_extreme_vjp])
amin = _numpy_reduction("amin", np.min, [_extreme_vjp])
argmax = _numpy_reduction("argmax", np.argmax)
argmin = _numpy_reduction("argmin", np.argmin)
all_ = _numpy_reduction("all", np.all)
any_ = _numpy_reduction("any", np.any)


def _argsort(a, *, dim, descending):
    """Equal elements keep their order, also when descending; NaN counts as the largest."""
    if not descending:
        return np.argsort(a, axis=dim, kind="stable")
    return a.shape[dim] - 1 - np.flip(np.argsort(np.flip(a, dim), axis=dim, kind="stable"), dim)


argsort = primitive("argsort", "a", _argsort, example=sample((3, 4), dim=1, descending=True))

# ---- exponentials that cannot overflow: the largest element is subtracted first ------------------------


def _logsumexp(a, *, dim, keepdim):
    if not count(a.shape, dim):
        return np.sum(a, axis=dim, keepdims=keepdim) - math.inf
    top = np.max(a.real, axis=dim, keepdims=True)  # a complex number's angle must not be moved out of (-π, π]
    top = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(a - top), axis=dim, keepdims=True)) + top
    return total if keepdim else np.squeeze(total, axis=dim)


def _top(a, dim):
    """The largest along `dim`; nothing has none, and needs none."""
    return np.max(a, axis=dim, keepdims=True) if a.shape[dim] else 0


def _log_softmax(a, *, dim):
    shifted = a - _top(a, dim)
    return shifted - np.log(np.sum(np.exp(shifted), axis=dim, keepdims=True))


def _softmax(a, *, dim):
    powers = np.exp(a - _top(a, dim))
    return powers / np.sum(powers, axis=dim, keepdims=True)


def _logsumexp_vjp(g, a, result, dim, keepdim):
    return restore(g, a.shape, dim, keepdim) * exp(a - restore(result, a.shape, dim, keepdim))


logsumexp = primitive("logsumexp", "a", _logsumexp, [_logsumexp_vjp], types="float", example=_one_dim)
log_softmax = primitive(
    "log_softmax", "a", _log_softmax, [lambda g, result, dim: g - exp(result) * sum_(g, dim=dim, keepdim=True)],
    types="float", example=_along)
softmax = primitive(
    "softmax", "a", _softmax, [lambda g, result, dim: (g - sum_(g * result, dim=dim, keepdim=True)) * result],
    types="float", example=_along)
