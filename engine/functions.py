"""torch's functions on tensors: read the arguments as torch does, then use the table.

Each function here is `engine.<name>`; those in METHODS are also methods of Tensor.
"""

import builtins
import operator

import numpy as np

from engine import dtypes
from engine.autograd.graph import TensorBase, set_recording, setting
from engine.ops import elementwise, indexing, linear, reduction, shape

METHODS = []


def method(function):
    """Make the function a method of Tensor as well."""
    METHODS.append(function)
    return function


# ---- arguments --------------------------------------------------------------------------------------

def check_tensor(value, function, argument="input", position=1):
    """TypeError in torch's words unless `value` is a Tensor."""
    if not isinstance(value, TensorBase):
        raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}")


def check_dim(dim, ndim):
    """`dim` as a number in [0, ndim); IndexError outside of [-ndim, ndim). A 0-d tensor counts as having one."""
    dim = operator.index(dim)
    limit = ndim if ndim else 1
    if not -limit <= dim < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return dim % limit


def check_dims(dim, ndim):
    """None, a number or several as numpy wants it: None or a tuple without repetition."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    dims = [check_dim(each, ndim) for each in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    for each in dims:
        if dims.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return tuple(dims) if ndim else None


def as_shape(sizes):
    """(2, 3), ((2, 3),) and ([2, 3],) all mean the shape (2, 3)."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    try:
        return tuple(operator.index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"a shape must consist of integers, got {sizes!r}") from None


def _operand(value, function, position):
    """A tensor, or a Python number; numpy's scalars become one."""
    if isinstance(value, (TensorBase, builtins.bool, builtins.int, builtins.float, builtins.complex)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    argument = ("input", "other")[position - 1]
    raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be Tensor or a number, not {type(value).__name__}")


# ---- elementwise: straight from the table -----------------------------------------------------------

def _unary(op):
    def function(input):
        check_tensor(input, op.name)
        return op(input)
    return _named(function, op.name, f"{op.label} of each element; shape and, but for integers, type of `input`.")


def _binary(op):
    def function(input, other):
        if type(input) is not setting.tensor_class or type(other) is not setting.tensor_class:
            input, other = _operand(input, op.name, 1), _operand(other, op.name, 2)
        if not isinstance(input, TensorBase) and not isinstance(other, TensorBase):
            check_tensor(input, op.name)
        return op(input, other)
    return _named(function, op.name, f"input {op.label} other, with broadcasting; either may be a Python number.")


def _named(function, name, doc):
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return method(function)


neg = _unary(elementwise.neg)
abs = _unary(elementwise.abs_)
sign = _unary(elementwise.sign)
exp = _unary(elementwise.exp)
log = _unary(elementwise.log)
log1p = _unary(elementwise.log1p)
sqrt = _unary(elementwise.sqrt)
sin = _unary(elementwise.sin)
cos = _unary(elementwise.cos)
tanh = _unary(elementwise.tanh)
sigmoid = _unary(elementwise.sigmoid)
relu = _unary(elementwise.relu)
isnan = _unary(elementwise.isnan)
isfinite = _unary(elementwise.isfinite)
clone = _unary(elementwise.clone)

add = _binary(elementwise.add)
sub = _binary(elementwise.sub)
mul = _binary(elementwise.mul)
div = _binary(elementwise.div)
maximum = _binary(elementwise.maximum)
minimum = _binary(elementwise.minimum)
eq = _binary(elementwise.eq)
ne = _binary(elementwise.ne)
lt = _binary(elementwise.lt)
le = _binary(elementwise.le)
gt = _binary(elementwise.gt)
ge = _binary(elementwise.ge)
_pow_tensors = _binary(elementwise.pow_)


@method
def pow(input, exponent):
    """input to the power of exponent, elementwise with broadcasting; either may be a Python number."""
    exponent = _operand(exponent, "pow", 2)
    if isinstance(exponent, TensorBase):
        return _pow_tensors(input, exponent)
    check_tensor(input, "pow")
    if isinstance(exponent, builtins.int) and exponent < 0 and not input.dtype.is_floating_point:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if isinstance(exponent, builtins.float) and not input.dtype.is_floating_point:
        input = input.to(dtypes.get_default_dtype())
    return elementwise.pow_number(input, exponent=exponent)


@method
def square(input):
    """input × input."""
    return pow(input, 2)


@method
def clamp(input, min=None, max=None):
    """Each element, but no less than `min` and no more than `max` (numbers; None for no limit). Outside the gradient is 0."""
    check_tensor(input, "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    for name, limit in (("min", min), ("max", max)):
        if not (limit is None or isinstance(limit, (builtins.int, builtins.float))):
            raise TypeError(f"clamp(): argument '{name}' must be a number or None, not {type(limit).__name__}")
    return elementwise.clamp(input, min=min, max=max)


def where(condition, input, other):
    """`input` where the bool tensor `condition` is True, `other` elsewhere; the three broadcast."""
    check_tensor(condition, "where", "condition")
    if condition.dtype is not dtypes.bool_:
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}")
    return elementwise.where(condition, _operand(input, "where", 1), _operand(other, "where", 2))


METHODS.remove(_pow_tensors)

# ---- reductions -------------------------------------------------------------------------------------


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
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
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
        raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
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


@method
def equal(input, other):
    """True if the two tensors have the same shape and the same elements; a Python bool."""
    check_tensor(input, "equal")
    check_tensor(other, "equal", "other", 2)
    return tuple(input.shape) == tuple(other.shape) and builtins.bool((input == other).all())


@method
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """True if |input - other| <= atol + rtol·|other| everywhere; a Python bool. NaN is close to NaN only with equal_nan."""
    check_tensor(input, "allclose")
    check_tensor(other, "allclose", "other", 2)
    with set_recording(False):
        near = abs(input - other).le(atol + rtol * abs(other)) + (input == other)
        if equal_nan:
            near = near + (isnan(input) * isnan(other))
        return builtins.bool(near.all())


# ---- shape ------------------------------------------------------------------------------------------

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
    return shape.reshape(input, shape=(*input.shape[:start], -1, *input.shape[end + 1:]))


@method
def permute(input, *dims):
    """The dimensions in the order `dims`; a view."""
    check_tensor(input, "permute")
    dims = as_shape(dims)
    order = tuple(check_dim(dim, input.ndim) for dim in dims)
    if sorted(order) != list(range(input.ndim)):
        raise RuntimeError(f"permute(dims): dims {list(dims)} must name each of the tensor's {input.ndim} dimensions once")
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
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and {list(each.shape)} at another")
    dim = check_dim(dim, tensors[0].ndim + 1)
    return shape.cat(*[unsqueeze(each, dim) for each in tensors], dim=dim)


def _several(tensors, function):
    if isinstance(tensors, TensorBase) or not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {type(tensors).__name__}")
    if not tensors:
        raise ValueError(f"{function}(): expected a non-empty list of Tensors")
    for each in tensors:
        check_tensor(each, function, "tensors")
    return list(tensors)


@method
def gather(input, dim, index):
    """out[i][j] = input[index[i][j]][j] for dim 0, and so on: one pick for each entry of the int64 tensor `index`."""
    check_tensor(input, "gather")
    check_tensor(index, "gather", "index", 3)
    if index.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(f"gather(): Expected dtype int32/int64 for index, got {index.dtype}")
    if index.ndim != input.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    return indexing.gather(input, index, dim=check_dim(dim, input.ndim))


# ---- linear algebra ---------------------------------------------------------------------------------

@method
def matmul(input, other):
    """The matrix product. Vectors are treated as a row (left) or a column (right); batch dimensions in front broadcast."""
    check_tensor(input, "matmul")
    check_tensor(other, "matmul", "other", 2)
    if not input.ndim or not other.ndim:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D")
    row, column = input.ndim == 1, other.ndim == 1
    product = linear.matmul(unsqueeze(input, 0) if row else input, unsqueeze(other, 1) if column else other)
    if column:
        product = squeeze(product, -1)
    return squeeze(product, -1 if column else -2) if row else product


@method
def mm(input, mat2):
    """The product of two matrices; RuntimeError unless both have two dimensions."""
    for name, each in (("self", input), ("mat2", mat2)):
        if each.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {each.ndim} dimension(s)")
    return matmul(input, mat2)
