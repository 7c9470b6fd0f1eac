"""torch's functions that move, repeat or join elements."""

from engine.autograd.graph import TensorBase
from engine.functions.arguments import as_shape, check_dim, check_dims, check_tensor, method
from engine.ops import shape

__all__ = [
    "broadcast_to",
    "cat",
    "expand",
    "flatten",
    "permute",
    "reshape",
    "squeeze",
    "stack",
    "t",
    "transpose",
    "unsqueeze",
]


@method
def reshape(input, *sizes):
    """The same elements in the given shape, a view where possible; one size may be -1."""
    check_tensor(input, "reshape")
    return shape.reshape(input, shape=as_shape(sizes))


@method
def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from `start_dim` to `end_dim` (included) made into one."""
    check_tensor(input, "flatten")
    start, end = check_dim(start_dim, input.ndim), check_dim(end_dim, input.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return shape.reshape(input, shape=(*input.shape[:start], -1, *input.shape[end + 1 :]))


@method
def permute(input, *dims):
    """The dimensions in the order `dims`; a view."""
    check_tensor(input, "permute")
    dims = as_shape(dims)
    order = tuple(check_dim(dim, input.ndim) for dim in dims)
    if sorted(order) != list(range(input.ndim)):
        raise RuntimeError(
            f"permute(dims): dims {list(dims)} must name each of the tensor's {input.ndim} dimensions once"
        )
    return shape.permute(input, dims=order)


@method
def transpose(input, dim0, dim1):
    """Dimensions dim0 and dim1 exchanged; a view."""
    check_tensor(input, "transpose")
    if not input.ndim:
        check_dim(dim0, 0), check_dim(dim1, 0)
        return shape.reshape(input, shape=())
    return shape.transpose(input, dim0=check_dim(dim0, input.ndim), dim1=check_dim(dim1, input.ndim))


@method
def t(input):
    """A matrix transposed; a vector as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return input.transpose(0, 1) if input.ndim == 2 else input


@method
def squeeze(input, dim=None):
    """Without the dimensions of size 1 (all, or only those in `dim`); a view."""
    check_tensor(input, "squeeze")
    dims = range(input.ndim) if dim is None else check_dims(dim, input.ndim) or ()
    kept = tuple(size for d, size in enumerate(input.shape) if not (d in dims and size == 1))
    return shape.reshape(input, shape=kept)


@method
def unsqueeze(input, dim):
    """With a dimension of size 1 inserted at `dim`; a view."""
    check_tensor(input, "unsqueeze")
    dim = check_dim(dim, input.ndim + 1)
    return shape.reshape(input, shape=(*input.shape[:dim], 1, *input.shape[dim:]))


def _expand(input, *sizes):
    sizes = as_shape(sizes)
    ahead = len(sizes) - input.ndim
    full = tuple(input.shape[d - ahead] if size == -1 and d >= ahead else size for d, size in enumerate(sizes))
    if ahead < 0 or -1 in full:
        raise RuntimeError(f"expand({list(sizes)}): cannot be reached from a tensor of shape {list(input.shape)}")
    return shape.expand(input, shape=full)


@method
def expand(input, *sizes):
    """Dimensions of size 1 stretched to `sizes` (-1 leaves one as it is), new ones in front; a read-only view."""
    return _expand(input, *sizes)


@method
def broadcast_to(input, size):
    """The same as expand(*size)."""
    return _expand(input, *size)


def cat(tensors, dim=0):
    """The tensors joined along the existing dimension `dim`."""
    tensors = _several(tensors, "cat")
    return shape.cat(*tensors, dim=check_dim(dim, tensors[0].ndim))


def stack(tensors, dim=0):
    """The tensors, all of one shape, joined along a new dimension `dim`."""
    tensors = _several(tensors, "stack")
    for each in tensors:
        if each.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and {list(each.shape)} at another"
            )
    dim = check_dim(dim, tensors[0].ndim + 1)
    return shape.cat(*[unsqueeze(each, dim) for each in tensors], dim=dim)


def _several(tensors, function):
    if isinstance(tensors, TensorBase) or not isinstance(tensors, (tuple, list)):
        raise TypeError(
            f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}"
        )
    if not tensors:
        raise ValueError(f"{function}(): expected a non-empty list of Tensors")
    for each in tensors:
        check_tensor(each, function, "tensors")
    return list(tensors)
