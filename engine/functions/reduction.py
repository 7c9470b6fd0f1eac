"""torch's functions that combine elements along dimensions."""

import builtins

from engine import dtypes
from engine.functions.arguments import check_dim, check_dims, check_tensor, method
from engine.ops import reduction

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "log_softmax",
    "logsumexp",
    "mean",
    "softmax",
    "sum",
]


def _reduce_dims(input, function, dim, keepdim, axis, keepdims):
    """The arguments of a reduction; torch also takes numpy's names `axis` and `keepdims`."""
    check_tensor(input, function)
    dim = axis if axis is not None else dim
    return {"dim": check_dims(dim, input.ndim), "keepdim": builtins.bool(keepdim or keepdims)}


@method
def sum(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=False):
    """The sum over `dim` (a number, several, or None for all). bool and integers are summed as int64."""
    where_to = _reduce_dims(input, "sum", dim, keepdim, axis, keepdims)
    if dtype is None and not (input.dtype.is_floating_point or input.dtype.is_complex):
        dtype = dtypes.int64
    return reduction.sum_(input if dtype is None else input.to(dtype), **where_to)


@method
def mean(input, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=False):
    """The mean over `dim` (a number, several, or None for all); RuntimeError for integers, which have none of their type."""
    where_to = _reduce_dims(input, "mean", dim, keepdim, axis, keepdims)
    input = input if dtype is None else input.to(dtype)
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise RuntimeError(
            f"mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {input.dtype}"
        )
    return reduction.mean(input, **where_to)


@method
def amax(input, dim=(), keepdim=False, *, axis=None, keepdims=False):
    """The largest element over `dim`; equal ones share the gradient evenly."""
    return _extreme(reduction.amax, "amax", input, dim, keepdim, axis, keepdims)


@method
def amin(input, dim=(), keepdim=False, *, axis=None, keepdims=False):
    """The smallest element over `dim`; equal ones share the gradient evenly."""
    return _extreme(reduction.amin, "amin", input, dim, keepdim, axis, keepdims)


def _extreme(op, name, input, dim, keepdim, axis, keepdims):
    where_to = _reduce_dims(input, name, dim, keepdim, axis, keepdims)
    if not input.numel():
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
        )
    return op(input, **where_to)


@method
def argmax(input, dim=None, keepdim=False):
    """Where the largest element is: an index along `dim`, or into the flattened tensor for None. int64; the first of equals."""
    return _arg_extreme(reduction.argmax, "argmax", input, dim, keepdim)


@method
def argmin(input, dim=None, keepdim=False):
    """Where the smallest element is, as `argmax`."""
    return _arg_extreme(reduction.argmin, "argmin", input, dim, keepdim)


def _arg_extreme(op, name, input, dim, keepdim):
    check_tensor(input, name)
    if not input.numel():
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument."
        )
    return op(input, dim=None if dim is None else check_dim(dim, input.ndim), keepdim=keepdim)


@method
def all(input, dim=None, keepdim=False):
    """True where all elements over `dim` are non-zero."""
    return reduction.all_(input, **_reduce_dims(input, "all", dim, keepdim, None, False))


@method
def any(input, dim=None, keepdim=False):
    """True where some element over `dim` is non-zero."""
    return reduction.any_(input, **_reduce_dims(input, "any", dim, keepdim, None, False))


@method
def logsumexp(input, dim, keepdim=False):
    """log Σ exp over `dim`, without overflow."""
    check_tensor(input, "logsumexp")
    return reduction.logsumexp(input, dim=check_dims(dim, input.ndim), keepdim=keepdim)


@method
def softmax(input, dim, dtype=None):
    """exp(input) divided by its sum over `dim` (one number): positive, adding up to 1."""
    check_tensor(input, "softmax")
    return reduction.softmax(input if dtype is None else input.to(dtype), dim=check_dim(dim, input.ndim))


@method
def log_softmax(input, dim, dtype=None):
    """The logarithm of softmax, computed so that it neither overflows nor loses small probabilities."""
    check_tensor(input, "log_softmax")
    return reduction.log_softmax(input if dtype is None else input.to(dtype), dim=check_dim(dim, input.ndim))
