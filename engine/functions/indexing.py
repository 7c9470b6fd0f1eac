"""torch's functions that pick elements by index, and those that put them somewhere."""

import builtins
import operator
import warnings

import numpy as np

from engine import backend, bounds, dtypes
from engine.autograd import short
from engine.autograd.graph import TensorBase, setting
from engine.functions.arguments import NUMBER, OPERAND, STR, TENSOR, TENSORS, check_dim, method, number_in
from engine.functions.shape import broadcast_shapes, broadcast_tensors, expand, flatten, reshape
from engine.ops import indexing

__all__ = [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_put", "index_select", "masked_scatter",
    "masked_select", "nonzero", "scatter", "scatter_add", "take", "take_along_dim"]

# Not beside the entry: the short ways stand on the table.
short.INTO[indexing.getitem] = lambda total, gradient, shape, index: indexing.put_add.forward(
    gradient, index=index, shape=shape, whole=total)


def _check_index(index, function, types=(dtypes.int64, dtypes.int32)):
    """`index` is of one of the types that torch indexes with here."""
    if index.dtype not in types:
        raise (IndexError if function == "index_fill" else RuntimeError)(
            f"{function}(): Expected dtype {' or '.join(each.name for each in types)} for index, got {index.dtype}")


def _kept(index):
    """The index's array; while operations are recorded a copy, so that backward sees it as it is now."""
    return index.array.copy() if setting.record else index.array


def _beside(input, index):
    """The same, for an index that must be on the input's device."""
    if index.device != input.device:
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two devices, "
            f"{input.device} and {index.device}!")
    return _kept(index)


def _along(input, dim, index):
    """What looks up `index` along `dim`."""
    return (slice(None),) * dim + (_beside(input, index),)


# ---- one place for each entry of an index of as many dimensions -----------------------------------------


@method
def gather(input, dim, index, *, sparse_grad=False):
    """out[i][j] = input[index[i][j]][j] for dim 0, and so on: one pick for each entry of the integer tensor `index`."""
    if sparse_grad:
        raise NotImplementedError("gather(): sparse_grad=True is not supported, the engine has no sparse tensors")
    dim = _check_places("gather", input, dim, index)
    return _with_dims(indexing.gather, input, index, dim=dim)


def _check_places(function, input, dim, index, src=None):
    """The dimension, after checking that `index` has a place in `input` (and `src`) for each of its entries."""
    dim = check_dim(dim, input.ndim)
    if not index.numel():  # then its type does not matter
        return dim
    _check_index(index, function)
    for name, each in (("input", input), ("src", src)):
        if each is not None and max(each.ndim, 1) != max(index.ndim, 1):
            raise RuntimeError(f"Index tensor must have the same number of dimensions as {name} tensor")
    for d, size in enumerate(index.shape):
        if (input.ndim and d != dim and size > input.shape[d]) or (
                src is not None and src.ndim and size > src.shape[d]):
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index.shape)} to be no larger than self "
                f"{list(input.shape)} apart from dimension {dim}"
                + ("" if src is None else f" and to be no larger size than src {list(src.shape)}"))
    return dim


def _with_dims(op, input, index, *values, **metadata):
    """The op with 0-d tensors seen as having one element; the result has the shape of `index` (gather) or `input`."""
    result_shape = tuple((index if op is indexing.gather else input).shape)
    if not index.numel():
        nothing = indexing.getitem(flatten(input), index=(slice(0, 0),))
        return reshape(nothing, result_shape) if op is indexing.gather else input.clone()
    tensors = [
        reshape(each, (1,)) if isinstance(each, TensorBase) and not each.ndim else each
        for each in (input, index, *values)]
    result = op(*tensors, **metadata)
    return result if tuple(result.shape) == result_shape else reshape(result, result_shape)


@method(src=OPERAND, value=NUMBER, reduce=STR)
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """A copy of `input` with copy[index[i][j]][j] = src[i][j] for dim 0, and so on; `src` is a tensor or a number.

    reduce: "add" adds instead of overwriting; "multiply" multiplies, by a number only.
    """
    if (src is None) == (value is None):
        raise TypeError("scatter() takes either 'src' or 'value'")
    value = src if value is None else value
    is_tensor = isinstance(value, TensorBase)
    dim = _check_places("scatter", input, dim, index, value if is_tensor else None)
    if is_tensor and value.dtype is not input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    value = _head(value, index) if is_tensor else number_in(value, input.dtype)
    if reduce is None:
        return _with_dims(indexing.scatter, input, index, value, dim=dim)
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    if is_tensor and reduce == "multiply":
        raise NotImplementedError("scatter(): reduce='multiply' is supported for a number, not for a tensor")
    numpy = backend.module_of(input.array)
    ones = setting.tensor_class(numpy.ones(index.shape, dtype=input.array.dtype))
    if reduce == "add":
        return scatter_add(input, dim, index, value if is_tensor else ones * value)
    times = scatter_add(setting.tensor_class(numpy.zeros_like(input.array)), dim, index, ones)
    if input.dtype is dtypes.bool:
        return input & ~times if not value else input.clone()
    return input * value**times


def _head(src, index):
    """The part of `src` that `index` has entries for."""
    if tuple(src.shape) == tuple(index.shape) or not src.ndim:
        return src
    return indexing.getitem(src, index=tuple(slice(0, size) for size in index.shape))


@method
def scatter_add(input, dim, index, src):
    """A copy of `input` with copy[index[i][j]][j] += src[i][j] for dim 0, and so on; every entry counts."""
    dim = _check_places("scatter_add", input, dim, index, src)
    if src.dtype is not input.dtype:
        raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    if not index.numel():
        return input.clone()
    whole = reshape(input, (1,)) if not input.ndim else input
    index, src = [reshape(each, (1,)) if not each.ndim else each for each in (index, _head(src, index))]
    total = whole + indexing.scatter_add_zeros(src, index, dim=dim, shape=tuple(whole.shape))
    return total if input.ndim else reshape(total, ())


@method(indices=TENSOR)
def take_along_dim(input, indices, dim=None):
    """gather in which the other dimensions broadcast, and negative indices count from the end.

    dim None looks the indices up in the flattened tensor, from its start only.
    """
    _check_index(indices, "take_along_dim", (dtypes.int64,))
    if dim is None:
        return gather(flatten(input), 0, flatten(indices))
    if input.ndim != indices.ndim:
        raise RuntimeError(
            f"take_along_dim(): input and indices need as many dimensions, but have {input.ndim} and {indices.ndim}")
    dim = check_dim(dim, input.ndim)
    sizes = broadcast_shapes(*[_with_size(each.shape, dim, 1) for each in (input, indices)])
    stretched = [expand(each, _with_size(sizes, dim, each.shape[dim])) for each in (input, indices)]
    places = stretched[1].array
    from_start = np.where(places < 0, places + (input.shape[dim] if input.ndim else 1), places)
    return gather(stretched[0], dim, setting.tensor_class(from_start))


def _with_size(shape, dim, size):
    """The shape with another size at `dim`."""
    return (*shape[:dim], size, *shape[dim + 1 :])


# ---- whole slices along a dimension -------------------------------------------------------------------


def _check_slices(function, input, dim, index, error=IndexError, from_end=False):
    """(dimension, index as a vector), after checking that every entry is a place along the dimension."""
    dim = check_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"{function}(): Index is supposed to be a vector")
    _check_index(index, function)
    index = index if index.ndim else reshape(index, (1,))
    size = input.shape[dim] if input.ndim else 1
    bounds.check_bounds(index.array, size, dim, error, lowest=-size if from_end else 0)
    return dim, index


@method
def index_select(input, dim, index):
    """The slices of `input` along `dim` that the integer vector `index` names; a copy."""
    dim, index = _check_slices("index_select", input, dim, index)
    if not input.ndim:
        return reshape(indexing.getitem(reshape(input, (1,)), index=(_beside(input, index),)), ())
    return indexing.getitem(input, index=_along(input, dim, index))


@method
def index_add(input, dim, index, source, *, alpha=1):
    """A copy of `input` with alpha · source's slices added to the slices along `dim` that `index` names."""
    dim, index = _check_slices("index_add", input, dim, index, RuntimeError)
    _check_source("index_add", input, dim, index, source)
    source = source if alpha == 1 else source * alpha
    if not input.ndim:
        return input + reshape(source, ())
    return input + indexing.put_add(source, index=_along(input, dim, index), shape=tuple(input.shape))


@method
def index_copy(input, dim, index, source):
    """A copy of `input` with its slices along `dim` that `index` names replaced by those of `source`."""
    dim, index = _check_slices("index_copy", input, dim, index)
    _check_source("index_copy", input, dim, index, source)
    if not input.ndim:
        return indexing.index_put(input, reshape(source, ()), index=(Ellipsis,))
    return indexing.index_put(input, source, index=_along(input, dim, index))


@method(value=OPERAND)
def index_fill(input, dim, index, value):
    """A copy of `input` with its slices along `dim` that `index` names filled with a number or a 0-d tensor."""
    dim, index = _check_slices("index_fill", input, dim, index, from_end=True)
    if isinstance(value, TensorBase):
        if value.ndim:
            raise RuntimeError(
                f"index_fill only supports a 0-dimensional value tensor, but got one with {value.ndim} dimension(s).")
        value = value.to(input.dtype)
    else:
        value = number_in(value, input.dtype)
    if not input.ndim:
        return indexing.index_put(input, value, index=(Ellipsis,))
    once = np.unique(np.remainder(index.array, input.shape[dim]))  # the gradient of `value` counts each slice once
    return indexing.index_put(input, value, index=(slice(None),) * dim + (once,))


def _check_source(function, input, dim, index, source):
    """An error unless `source` has `input`'s type and, but for one slice for each entry of `index`, its shape."""
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"{function}_(): self ({input.dtype}) and source ({source.dtype}) must have the same scalar type")
    ndims = {input.ndim, source.ndim}
    scalars = source.numel() == 1 and ndims in ({0}, {0, 1}) and function == "index_copy"
    if not scalars and tuple(source.shape) != _with_size(input.shape, dim, index.numel())[: input.ndim]:
        is_count = 0 not in ndims and (len(ndims) > 1 or source.shape[dim] != index.numel())
        raise (IndexError if is_count and function == "index_copy" else RuntimeError)(
            f"{function}_(): source has shape {list(source.shape)}; with {index.numel()} indices into dimension {dim} "
            f"of a tensor of shape {list(input.shape)} it must have as many slices there and agree in the others")


# ---- any place ----------------------------------------------------------------------------------------


@method(indices=TENSORS)
def index_put(input, indices, values, accumulate=False):
    """A copy of `input` with copy[indices] = values, or += values, every entry counting, with accumulate."""
    place = as_index(tuple(indices), input)
    _check_same_type(input, values)
    if not accumulate:
        return indexing.index_put(input, values, index=place)
    stretched = values.expand(tuple(indexing.getitem(input.detach(), index=place).shape))
    return input + indexing.put_add(stretched, index=place, shape=tuple(input.shape))


@method
def take(input, index):
    """The elements of the flattened tensor at the int64 tensor `index`, in the shape of `index`."""
    _check_index(index, "take", (dtypes.int64,))
    return indexing.getitem(flatten(input), index=(_beside(input, index),))


@method
def masked_select(input, mask):
    """The elements where the bool tensor `mask` is True (the two broadcast), in one dimension."""
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype}")
    input, mask = broadcast_tensors(input, mask)
    return indexing.getitem(flatten(input), index=(_beside(input, flatten(mask)),))


@method
def masked_scatter(input, mask, source):
    """A copy of `input` in which the places where `mask` is True hold the first elements of `source`, in order."""
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype}")
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {input.dtype} and {source.dtype}")
    input, mask = broadcast_tensors(input, mask)
    count = builtins.int(mask.array.sum())
    if source.numel() < count:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    values = indexing.getitem(flatten(source), index=(slice(0, count),))
    changed = indexing.index_put(flatten(input), values, index=(_beside(input, flatten(mask)),))
    return reshape(changed, tuple(input.shape))


@method
def nonzero(input, *, as_tuple=False):
    """Where the elements are not 0: int64 (count, ndim), or with as_tuple one vector for each dimension."""
    array = input.array if input.ndim or not as_tuple else input.array.reshape(1)
    if not array.ndim:
        found = backend.module_of(array).zeros((builtins.int(array != 0), 0), dtype="int64")
        return setting.tensor_class(found)
    places = [setting.tensor_class(each) for each in np.nonzero(array)]
    return tuple(places) if as_tuple else setting.tensor_class(np.stack([each.array for each in places], axis=1))


@method
def argwhere(input):
    """nonzero(input)."""
    return nonzero(input)


# ---- what stands between the brackets -------------------------------------------------------------------


def as_index(index, tensor):
    """An index as the table takes it: a tuple of int, bool, slice, None, Ellipsis and arrays on the tensor's device.

    Ends in an Ellipsis where that makes numpy hand out a view also of a single element.
    """
    if isinstance(index, list) and any(_makes_a_tuple(part) for part in index):
        warnings.warn(
            "Using a non-tuple sequence for multidimensional indexing is deprecated; use x[tuple(seq)], not x[seq]",
            stacklevel=3)
        index = tuple(index)
    parts, is_view = [], True
    for part in index if isinstance(index, tuple) else (index,):
        if type(part) is not builtins.int:
            part = _part(part, tensor)
            is_view = is_view and part is not Ellipsis and not hasattr(part, "dtype")
        parts.append(part)
    return (*parts, Ellipsis) if is_view else tuple(parts)


def _makes_a_tuple(part):
    """torch's rule for lists: numbers alone are one index, anything else makes the list a tuple of indices."""
    return part is None or part is Ellipsis or isinstance(part, (slice, TensorBase, list, tuple))


def _part(part, tensor):
    if part is None or part is Ellipsis or isinstance(part, builtins.bool):
        return part
    if isinstance(part, slice):
        return _checked_slice(part)
    if isinstance(part, (builtins.int, np.integer)):
        return builtins.int(part)
    if isinstance(part, TensorBase):
        return _lookup(part, tensor)
    if isinstance(part, (list, tuple, range, np.ndarray)):
        array = np.asarray(part, dtype=None if len(part) else np.int64)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"an index must consist of integers or bools, not {array.dtype}")
        return _lookup(setting.tensor_class(backend.as_array(array, like=tensor.array)), tensor)
    error = TypeError if isinstance(part, str) else IndexError
    raise error(
        f"only integers, slices, ellipsis, None and long or byte tensors are indices (got {type(part).__name__})")


def _checked_slice(part):
    start, stop, step = part.start, part.stop, part.step
    if step is not None and step <= 0:
        raise ValueError("slice step cannot be zero" if step == 0 else "step must be greater than zero")
    if isinstance(start, TensorBase) or isinstance(stop, TensorBase):
        return slice(*[each if each is None else operator.index(each) for each in (start, stop, step)])
    return part


def _lookup(part, tensor):
    """A tensor as an index: its array; a Python number for one without dimensions, as torch takes it."""
    if part.dtype not in (dtypes.int64, dtypes.int32, dtypes.bool, dtypes.uint8):
        raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, got {part.dtype}")
    if not part.ndim and part.dtype is not dtypes.uint8:
        return part.array.item()
    if part.device != tensor.device and part.is_cuda:
        raise RuntimeError(
            f"indices should be either on cpu or on the same device as the indexed tensor ({tensor.device})")
    array = _kept(part)
    if part.dtype is dtypes.uint8:
        warnings.warn(
            "indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.", stacklevel=5)
        array = array != 0
    return backend.as_array(array, like=tensor.array) if array.ndim else array.item()


def check_written_type(tensor, index, values):
    """RuntimeError, as torch's, where values of another type are written at places that tensors name.

    (Written at slices, and a single element also at a mask, they are cast.)
    """
    arrays = [part for part in index if hasattr(part, "dtype")]
    if arrays and not (len(arrays) == 1 and arrays[0].dtype == np.bool_ and values.numel() == 1):
        _check_same_type(tensor, values)


def _check_same_type(tensor, values):
    if values.dtype is not tensor.dtype:
        raise RuntimeError(
            f"Index put requires values of the destination's dtype {tensor.dtype}, but got {values.dtype}")
