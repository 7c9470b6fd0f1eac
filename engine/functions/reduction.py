"""torch's functions that combine elements along dimensions, and those that put them in order."""

import builtins
import math
import warnings

import numpy as np

from engine import dtypes, return_types
from engine.autograd.graph import TensorBase, setting
from engine.functions import elementwise, indexing
from engine.functions.arguments import ANY, BOOL, DIMS, NUMBER_OR_STR, TENSOR, check_dim, check_dims, method
from engine.functions.arguments import one_or_several, optional, reads
from engine.functions.shape import flatten, narrow, reshape
from engine.ops import reduction

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "bincount", "count_nonzero", "cumprod", "cumsum",
    "log_softmax", "logsumexp", "max", "mean", "min", "nanmean", "nansum", "norm", "prod", "softmax", "sort", "std",
    "std_mean", "sum", "topk", "unique", "var", "var_mean"]

_FULL = object()  # no `dim` was given


def _reduce_dims(input, dim, keepdim):
    """The arguments of a reduction as the table wants them."""
    return {"dim": check_dims(dim, input.ndim), "keepdim": keepdim}


def _is_float(input):
    return input.dtype.is_floating_point or input.dtype.is_complex


def _as_summand(input, dtype):
    """In the type asked for; bools and integers are added and multiplied as int64."""
    if dtype is None and not _is_float(input):
        dtype = dtypes.int64
    return input if dtype is None else input.to(dtype)


def _refuse(input, name, *categories):
    """NotImplementedError in torch's words for types that have no such operation."""
    if input.dtype.category in categories:
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype.name}')


def _along_one(op, input, dim, **metadata):
    """An op along one dimension; a 0-d tensor counts as having one."""
    dim = check_dim(dim, input.ndim)
    if input.ndim:
        return op(input, dim=dim, **metadata)
    return reshape(op(reshape(input, (1,)), dim=dim, **metadata), ())


# ---- sums and products ------------------------------------------------------------------------------


@method(dim=optional(DIMS))
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum over `dim` (a number, several, or None for all). bool and integers are summed as int64."""
    where_to = _reduce_dims(input, dim, keepdim)
    total = reduction.sum_(_as_summand(input, dtype), **where_to)
    return total if dtype is None else total.to(dtype)


@method(dim=optional(DIMS))
def nansum(input, dim=None, keepdim=False, *, dtype=None):
    """The sum over `dim` in which NaN counts as 0."""
    return sum(elementwise.where(input != input, 0, input) if _is_float(input) else input, dim, keepdim, dtype=dtype)


@method(dim=optional(DIMS))
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean over `dim` (a number, several, or None for all); RuntimeError for integers, whose type holds no mean."""
    where_to = _reduce_dims(input, dim, keepdim)
    input = input if dtype is None else input.to(dtype)
    if not _is_float(input):
        raise RuntimeError(f"mean(): could not infer output dtype of {input.dtype}: it must be floating point or complex.")
    return reduction.mean(input, **where_to)


@method(dim=optional(DIMS))
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean over `dim` of the elements that are not NaN."""
    if not _is_float(input):
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {input.dtype}")
    return nansum(input, dim, keepdim, dtype=dtype) / (input == input).sum(dim, keepdim)


@method
def prod(input, dim=None, keepdim=False, *, dtype=None):
    """The product over `dim` (one number, or None for all). bool and integers are multiplied as int64."""
    factors = _as_summand(input, dtype)
    if dim is None:
        if keepdim:
            raise TypeError("prod(): keepdim needs a dim")
        product = reduction.prod(flatten(factors), dim=0, keepdim=False)
    elif not input.ndim:
        product = _along_one(reduction.prod, factors, dim, keepdim=True)
    else:
        product = reduction.prod(factors, dim=check_dim(dim, input.ndim), keepdim=keepdim)
    return product if dtype is None else product.to(dtype)


@method
def cumsum(input, dim, *, dtype=None):
    """The sums of the elements up to and including each along `dim`. bool and integers are summed as int64."""
    return _along_one(reduction.cumsum, _as_summand(input, dtype), dim)


@method
def cumprod(input, dim, *, dtype=None):
    """The products of the elements up to and including each along `dim`. bool and integers are multiplied as int64."""
    return _along_one(reduction.cumprod, _as_summand(input, dtype), dim)


@method(dim=optional(DIMS))
def count_nonzero(input, *dims, dim=None):
    """How many elements over `dim` are not 0; int64."""
    return (input != 0).sum(one_or_several(dims, dim))


@method(dim=optional(DIMS))
def all(input, dim=None, keepdim=False):
    """True where all elements over `dim` are non-zero; uint8 gives uint8."""
    return _truth(reduction.all_, "all", input, dim, keepdim)


@method(dim=optional(DIMS))
def any(input, dim=None, keepdim=False):
    """True where some element over `dim` is non-zero; uint8 gives uint8."""
    return _truth(reduction.any_, "any", input, dim, keepdim)


def _truth(op, name, input, dim, keepdim):
    if isinstance(dim, (tuple, list)) and not dim:
        result = input.bool()  # here, unlike elsewhere, no dims are no dims
    else:
        result = op(input, **_reduce_dims(input, dim, keepdim))
    return result.to(dtypes.uint8) if input.dtype is dtypes.uint8 else result


# ---- spread and size --------------------------------------------------------------------------------


@method(dim=ANY, unbiased=BOOL)
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """The mean square distance from the mean over `dim`, as if there were `correction` (1) fewer elements.

    unbiased: torch's older way to say correction=1 (True) or 0 (False); var(True) and var(False) mean it too.
    """
    return reduction.var(input, **_spread("var", input, dim, unbiased, keepdim, correction))


@method(dim=ANY, unbiased=BOOL)
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """The square root of `var`; where nothing varies its gradient is 0."""
    return reduction.std(input, **_spread("std", input, dim, unbiased, keepdim, correction))


@reads(dim=ANY, unbiased=BOOL)
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(var, mean) over `dim`."""
    how = _spread("var_mean", input, dim, unbiased, keepdim, correction)
    return reduction.var(input, **how), reduction.mean(input, dim=how["dim"], keepdim=how["keepdim"])


@reads(dim=ANY, unbiased=BOOL)
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """(std, mean) over `dim`."""
    how = _spread("std_mean", input, dim, unbiased, keepdim, correction)
    return reduction.std(input, **how), reduction.mean(input, dim=how["dim"], keepdim=how["keepdim"])


def _spread(function, input, dim, unbiased, keepdim, correction):
    """The arguments of var and std as the table wants them."""
    if isinstance(dim, builtins.bool) and unbiased is None:
        dim, unbiased = None, dim
    if unbiased is not None:
        if correction is not None:
            raise TypeError(f"{function}() takes 'unbiased' or 'correction', not both")
        correction = builtins.int(unbiased)
    how = _reduce_dims(input, dim, keepdim) | {"correction": 1 if correction is None else correction}
    if not _is_float(input):
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if reduction.count(input.shape, how["dim"]) <= how["correction"]:
        warnings.warn(
            f"{function}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel).",
            stacklevel=4)
    return how


@method(dim=optional(DIMS), p=optional(NUMBER_OR_STR))
def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """(Σ |x|^p)^(1/p) over `dim`. p: "fro" or None (2), a number, inf (the largest |x|), -inf, 0 (how many are not 0).

    At 0 the gradient is 0. p="nuc": the sum of the singular values of the matrices in the two dimensions `dim`.
    """
    if not _is_float(input if dtype is None else input.to(dtype)):
        raise RuntimeError(
            f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {input.dtype}")
    if p == "nuc":
        from engine import linalg  # it is made from these functions, so it cannot be there before them

        dims = tuple(range(input.ndim)) if dim is None else dim if isinstance(dim, tuple) else (dim,)
        return linalg.matrix_norm(input, "nuc", dims, keepdim, dtype=dtype)
    where_to = _reduce_dims(input, dim, keepdim)
    if dtype is not None:
        if dtypes.promote_types(input.dtype, dtype) is not dtype:
            raise RuntimeError(f"norm(): {input.dtype} should be convertible without narrowing to the dtype, {dtype}")
        input = input.to(dtype)
    p = 2.0 if p is None or p == "fro" else p
    if isinstance(p, str):
        raise RuntimeError(f"norm(): p must be 'fro', 'nuc' or a number, got {p!r}")
    size = elementwise.abs(input)
    if p in (math.inf, -math.inf):
        if not input.numel() and not where_to["dim"]:
            raise RuntimeError(f"linalg.vector_norm cannot compute the {p} norm on an empty tensor")
        return _extreme("norm", size, dim, keepdim, largest=p > 0)
    if p == 0:
        return sum(elementwise.where(size != 0, 1, size), dim, keepdim)
    if p == 1:
        return sum(size, dim, keepdim)
    if p == 2:
        squares = size * size if input.dtype.is_complex else input * input
        return _power(sum(squares, dim, keepdim), 0.5)
    total = sum(_power(size, p), dim, keepdim)
    return _power(total, 1 / p)


def _power(size, exponent):
    """size ** exponent for sizes >= 0; at 0 its derivative counts as 0."""
    if exponent < 0:
        return size**exponent
    is_zero = size == 0
    safe = elementwise.where(is_zero, 1, size)
    root = elementwise.sqrt(safe) if exponent == 0.5 else safe**exponent
    return elementwise.where(is_zero, 0, root)


# ---- extremes ---------------------------------------------------------------------------------------


@method(dim=optional(DIMS))
def amax(input, dim=(), keepdim=False):
    """The largest element over `dim`; equal ones share the gradient evenly."""
    return _extreme("amax", input, dim, keepdim, largest=True)


@method(dim=optional(DIMS))
def amin(input, dim=(), keepdim=False):
    """The smallest element over `dim`; equal ones share the gradient evenly."""
    return _extreme("amin", input, dim, keepdim, largest=False)


def _extreme(name, input, dim, keepdim, largest):
    where_to = _reduce_dims(input, dim, keepdim)
    _refuse(input, name, dtypes.COMPLEX)
    _check_not_empty(name, input, where_to["dim"], RuntimeError)
    return (reduction.amax if largest else reduction.amin)(input, **where_to)


def _check_not_empty(name, input, dims, error):
    """There is no largest of nothing."""
    if input.numel():
        return
    if dims is None:
        raise error(f"{name}(): the tensor has no elements; specify the reduction dim with the 'dim' argument.")
    for dim in dims:
        if not input.shape[dim]:
            raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")


@method
def argmax(input, dim=None, keepdim=False):
    """Where the largest element is along `dim`, or in the flattened tensor (None); int64, the first of equals."""
    return _arg_extreme(reduction.argmax, "argmax", input, dim, keepdim)


@method
def argmin(input, dim=None, keepdim=False):
    """Where the smallest element is, as `argmax`."""
    return _arg_extreme(reduction.argmin, "argmin", input, dim, keepdim)


def _arg_extreme(op, name, input, dim, keepdim):
    if input.dtype.category in (dtypes.BOOL, dtypes.COMPLEX):
        raise RuntimeError(f"{name}(): does not support {input.dtype.name} input")
    dims = None if dim is None else (check_dim(dim, input.ndim),)
    _check_not_empty(name, input, dims, IndexError)
    return op(input, dim=dims[0] if dims and input.ndim else None, keepdim=keepdim)


@method(dim=ANY, other=TENSOR)
def max(input, dim=_FULL, keepdim=False, *, other=_FULL):
    """max(input): the largest element; max(input, dim): (values, indices); max(input, other): the larger of each pair.

    Of equal elements max(input) shares the gradient evenly, max(input, dim) gives it to the first.
    """
    return _max_or_min("max", input, dim, keepdim, other)


@method(dim=ANY, other=TENSOR)
def min(input, dim=_FULL, keepdim=False, *, other=_FULL):
    """The smallest, in the three ways of `max`."""
    return _max_or_min("min", input, dim, keepdim, other)


def _max_or_min(name, input, dim, keepdim, other):
    _refuse(input, name, dtypes.COMPLEX)
    if isinstance(dim, TensorBase):
        dim, other = _FULL, dim
    if other is not _FULL:
        if dim is not _FULL or keepdim:
            raise TypeError(f"{name}(): 'other' goes with neither 'dim' nor 'keepdim'")
        return (elementwise.maximum if name == "max" else elementwise.minimum)(input, other)
    if dim is _FULL:
        if keepdim:
            raise TypeError(f"{name}(): 'keepdim' needs a 'dim'")
        return _extreme(name, input, None, False, largest=name == "max")
    dim = check_dim(dim, input.ndim)
    if input.ndim:
        _check_not_empty(name, input, (dim,), IndexError)
    arg = reduction.argmax if name == "max" else reduction.argmin
    indices = _along_one(arg, input, dim, keepdim=True)
    values = indexing.gather(input, dim, indices)
    if not keepdim:
        values, indices = values.squeeze(dim), indices.squeeze(dim)
    return getattr(return_types, name)(values, indices)


# ---- order ------------------------------------------------------------------------------------------


@method(stable=BOOL)
def argsort(input, dim=-1, descending=False, stable=False):
    """The order of the elements along `dim`, int64. Always stable: equal ones keep their order. NaN is the largest."""
    if input.dtype.is_complex:
        raise RuntimeError("Sort does not support complex dtypes")
    return _along_one(reduction.argsort, input, dim, descending=descending)


@method
def sort(input, dim=-1, descending=False, stable=False):
    """(values, indices) in order along `dim`, as `argsort`."""
    indices = argsort(input, dim, descending)
    return return_types.sort(indexing.gather(input, dim, indices), indices)


@method
def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the k largest (or smallest) elements along `dim`, always sorted."""
    dim = check_dim(dim, input.ndim)
    if not 0 <= k <= (input.shape[dim] if input.ndim else 1):
        raise RuntimeError("selected index k out of range")
    indices = argsort(input, dim, descending=largest)
    indices = narrow(indices, dim, 0, k).contiguous() if input.ndim else indices
    return return_types.topk(indexing.gather(input, dim, indices), indices)


@method
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements (or slices along `dim`), in order.

    If asked, also which of them each element is (return_inverse), and how often each occurs (return_counts).
    """
    if dim is None:
        array, axis, places = input.array.reshape(-1), None, tuple(input.shape)
    else:
        axis = check_dim(dim, input.ndim)
        array, places = input.array, (input.shape[axis],)
    different, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
    asked = [different]
    if return_inverse:
        asked.append(inverse.reshape(places))
    if return_counts:
        asked.append(counts)
    results = tuple(setting.tensor_class(each) for each in asked)
    return results if len(results) > 1 else results[0]


@method
def bincount(input, weights=None, minlength=0):
    """How often each of 0, 1, ... occurs in a one-dimensional integer tensor, or the sum of the `weights` there."""
    _refuse(input, "bincount", dtypes.BOOL, dtypes.FLOAT, dtypes.COMPLEX)
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if input.ndim != 1 or (input.numel() and builtins.int(input.array.min()) < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return setting.tensor_class(np.bincount(input.array, minlength=minlength))
    if weights.shape != input.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    dtype = dtypes.float32 if weights.dtype is dtypes.float32 else dtypes.float64
    return setting.tensor_class(np.bincount(input.array, weights.array, minlength)).to(dtype)


# ---- exponentials -----------------------------------------------------------------------------------


@method(dim=DIMS)
def logsumexp(input, dim, keepdim=False):
    """log Σ exp over `dim`, without overflow."""
    return reduction.logsumexp(input, **_reduce_dims(input, dim, keepdim))


@method
def softmax(input, dim, dtype=None):
    """exp(input) divided by its sum over `dim` (one number): positive, adding up to 1."""
    return _normalised(reduction.softmax, input, dim, dtype)


@method
def log_softmax(input, dim, dtype=None):
    """The logarithm of softmax, computed so that it neither overflows nor loses small probabilities."""
    return _normalised(reduction.log_softmax, input, dim, dtype)


def _normalised(op, input, dim, dtype):
    input = input if dtype is None else input.to(dtype)
    _refuse(input, op.name, dtypes.BOOL, dtypes.INTEGER, dtypes.COMPLEX)
    return _along_one(op, input, dim)
