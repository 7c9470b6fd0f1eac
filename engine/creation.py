"""Making tensors: from data, of one value, in steps."""

import math
import numbers

import numpy as np

from engine import backend, dtypes
from engine.functions.arguments import INT, INTS, NUMBER, OPERAND, as_shape, reads
from engine.devices import array_on, device_index
from engine.tensor import Tensor

__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace", "logspace",
    "ones", "ones_like", "tensor", "tril_indices", "triu_indices", "zeros", "zeros_like"]

# ---- from data --------------------------------------------------------------------------------------


@reads
def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new tensor with a copy of `data`: a number, nested lists of numbers (or 0-d tensors), an array or a tensor.

    dtype: None takes the array's own; Python floats become the default float type, integers int64.
    """
    if isinstance(data, Tensor):
        data = data.settle().array
    array = backend.module_of(data).array(data) if _is_array(data) else _from_python(data, dtype)
    return _finish(array, dtype, device, requires_grad)


@reads
def as_tensor(data, dtype=None, device=None):
    """As `tensor`, but shares memory with `data` where type and device allow; a Tensor stays itself then."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    return _finish(data if _is_array(data) else _from_python(data, dtype), dtype, device, False)


def from_numpy(array):
    """A tensor that shares the memory of a numpy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    dtypes.from_numpy(array.dtype)
    return Tensor(array[...])  # a view: this tensor does not own the memory, nor may it rearrange it


def _is_array(data):
    return (
        hasattr(data, "__array_interface__")
        and not isinstance(data, np.generic)
        or hasattr(data, "__cuda_array_interface__"))


def _from_python(data, dtype):
    data = _unwrap(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError("tensor(): the nested lists must have the same length at every level") from None
    if array.dtype.kind not in "biufcV" or array.dtype == np.uint64:
        raise _explain_data(data)
    if dtype is None:
        array = _converted(array, _inferred(array, data))
    _check_fits(array, dtype)
    return array


def _inferred(array, data):
    """The type for numbers that come without one: Python's floats take the default type, numpy's keep their own."""
    its_own, default = dtypes.from_numpy(array.dtype), dtypes.get_default_dtype()
    if not array.size:
        return default
    is_wide = its_own in (dtypes.float64, dtypes.complex128)
    if not is_wide or {np.float64, np.complex128} & set(map(type, _leaves(data))):
        return its_own
    return default.to_complex() if its_own.is_complex else default


def _unwrap(data):
    """Nested lists as they are, but with tensors of one element as numpy's scalars."""
    if isinstance(data, Tensor):
        if data.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return data.dtype.numpy.type(data.item())
    return [_unwrap(each) for each in data] if isinstance(data, (list, tuple, range)) else data


def _leaves(data):
    if isinstance(data, list):
        for each in data:
            yield from _leaves(each)
    else:
        yield data


def _explain_data(data):
    for leaf in _leaves(data):
        if isinstance(leaf, (str, bytes)):
            is_first = isinstance(leaf, str) and leaf is not data and leaf is next(_leaves(data))
            return (ValueError if is_first else TypeError)(  # torch takes a text for one more list
                f"tensor(): argument 'data' must hold numbers, found {type(leaf).__name__}")
        if not isinstance(leaf, numbers.Number):
            return RuntimeError(f"tensor(): could not infer a dtype of {type(leaf).__name__}")
    return ValueError("tensor(): an integer is too large for int64")


def _check_fits(array, dtype):
    """Python numbers, other than arrays, may not overflow an integer type, nor lose their imaginary part."""
    if dtype is None or dtype.is_complex:
        return
    if array.dtype.kind == "c":
        raise TypeError(f"tensor(): a complex number cannot be one of type {dtype}")
    if dtype.category == dtypes.INTEGER and array.size:
        dtypes.fitting(array.min().item(), dtype), dtypes.fitting(array.max().item(), dtype)


def _converted(array, dtype):
    with backend.quiet():
        return array.astype(dtype.numpy, copy=False)


def _finish(array, dtype, device, requires_grad):
    if dtype is not None:
        array = _converted(array, dtype)
    dtypes.from_numpy(array.dtype)
    made = Tensor(array_on(array, device)[...])
    return made.requires_grad_() if requires_grad else made


# ---- of one value -----------------------------------------------------------------------------------


def _size(function, sizes, size):
    """The shape from f(2, 3), f((2, 3)) or f(size=(2, 3))."""
    if size is not None:
        sizes = (size,)
    if not sizes:
        raise TypeError(f'{function}() missing 1 required positional arguments: "size"')
    return checked_shape(as_shape(sizes))


def checked_shape(shape):
    """The shape; RuntimeError for a negative size."""
    for size in shape:
        if size < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {size}: {list(shape)}")
    return shape


def _filled(shape, value, dtype, device, requires_grad):
    dtype = dtype or dtypes.get_default_dtype()
    made = Tensor(backend.full(shape, value, dtype.numpy, device_index(device)))
    return made.requires_grad_() if requires_grad else made


@reads(size=INTS)
def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of shape `size` with `fill_value` everywhere, in the value's own type unless `dtype` says otherwise."""
    dtype = dtypes.of_number(fill_value) if dtype is None else dtype
    return _filled(checked_shape(size), dtypes.fitting(fill_value, dtype), dtype, device, requires_grad)


@reads(size=INTS)
def zeros(*sizes, size=None, dtype=None, device=None, requires_grad=False):
    """A tensor of zeros: zeros(2, 3) or zeros((2, 3)); the default float type."""
    return _filled(_size("zeros", sizes, size), 0, dtype, device, requires_grad)


@reads(size=INTS)
def ones(*sizes, size=None, dtype=None, device=None, requires_grad=False):
    """A tensor of ones: ones(2, 3) or ones((2, 3)); the default float type."""
    return _filled(_size("ones", sizes, size), 1, dtype, device, requires_grad)


@reads(size=INTS)
def empty(*sizes, size=None, dtype=None, device=None, requires_grad=False):
    """A tensor whose elements are yet to be set (here they are 0): empty(2, 3) or empty((2, 3))."""
    return _filled(_size("empty", sizes, size), 0, dtype, device, requires_grad)


@reads
def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False):
    """As `full`, with the shape, order in memory, type and device of `input`."""
    return _full_like(input, fill_value, dtype, device, requires_grad)


def _full_like(input, fill_value, dtype, device, requires_grad):
    dtype = dtype or input.dtype
    value = dtypes.fitting(fill_value, dtype)
    return _finish(np.full_like(input.settle().array, value, dtype=dtype.numpy), None, device, requires_grad)


@reads
def zeros_like(input, *, dtype=None, device=None, requires_grad=False):
    """Zeros with the shape, type and device of `input`."""
    return _full_like(input, 0, dtype, device, requires_grad)


@reads
def ones_like(input, *, dtype=None, device=None, requires_grad=False):
    """Ones with the shape, type and device of `input`."""
    return _full_like(input, 1, dtype, device, requires_grad)


@reads
def empty_like(input, *, dtype=None, device=None, requires_grad=False):
    """A tensor of the shape, type and device of `input` whose elements are yet to be set (here they are 0)."""
    return _full_like(input, 0, dtype, device, requires_grad)


@reads(m=INT)
def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """An n x m matrix (m: n) with ones on the diagonal."""
    m = n if m is None else m
    for name, size in (("n", n), ("m", m)):
        if size < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {size}")
    return _finish(np.eye(n, m), dtype or dtypes.get_default_dtype(), device, requires_grad)


# ---- in steps ---------------------------------------------------------------------------------------


@reads(start=NUMBER, end=NUMBER, step=NUMBER)
def arange(start=None, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start (0), start + step, ... below end (above it for a negative step); int64 if all three are integers."""
    if end is None:
        start, end = 0, start
    start = 0 if start is None else start
    if any(isinstance(each, complex) for each in (start, end, step)):
        raise RuntimeError("arange: start, end and step must be real numbers")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if dtype is dtypes.int64:  # of this type, and of no smaller one, torch also counts with whole numbers
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    are_whole = all(isinstance(each, numbers.Integral) for each in (start, end, step))
    dtype = _steps_dtype("arange", dtype, dtypes.int64 if are_whole else dtypes.get_default_dtype())
    count = -(-(end - start) // step) if are_whole else math.ceil((end - start) / step)
    if dtype.category == dtypes.INTEGER:
        start, step = int(start), int(step)
    return _finish(start + step * np.arange(count), dtype, device, requires_grad)


def _steps_dtype(function, dtype, otherwise):
    dtype = dtype or otherwise
    if dtype is dtypes.bool or (dtype.is_complex and function == "arange"):
        raise NotImplementedError(f'"{function}" not implemented for {dtype}')
    return dtype


@reads(start=OPERAND, end=OPERAND)
def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers from start to end, both included, evenly apart."""
    values, dtype = _evenly("linspace", start, end, steps, dtype)
    return _finish(values, dtype, device, requires_grad)


@reads(start=OPERAND, end=OPERAND)
def logspace(start, end, steps, base=10.0, *, dtype=None, device=None, requires_grad=False):
    """`steps` powers of `base`, whose exponents are evenly apart from start to end, both included."""
    exponents, dtype = _evenly("logspace", start, end, steps, dtype)
    with backend.quiet():
        values = np.power(float(base), exponents)
    return _finish(values, dtype, device, requires_grad)


def _evenly(function, start, end, steps, dtype):
    for each in (start, end):
        if isinstance(each, Tensor) and each.ndim:
            raise RuntimeError(f"{function} only supports 0-dimensional start and end, but got {each.ndim} dimensions.")
    start, end = [each.item() if isinstance(each, Tensor) else each for each in (start, end)]
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    is_complex = isinstance(start, complex) or isinstance(end, complex)
    default = dtypes.get_default_dtype()
    dtype = _steps_dtype(function, dtype, default.to_complex() if is_complex else default)
    start, end = dtypes.fitting(start, dtype), dtypes.fitting(end, dtype)
    step = (end - start) / max(steps - 1, 1)
    position = np.arange(steps)
    values = np.where(position < steps // 2, start + step * position, end - step * (steps - 1 - position))
    return values if steps != 1 else np.array([start]), dtype


# ---- places in a matrix -----------------------------------------------------------------------------


@reads
def tril_indices(row, col, offset=0, *, dtype=None, device=None, requires_grad=False):
    """Rows and columns, a (2, N) tensor, of the elements on and below the diagonal `offset` of a row x col matrix."""
    return _indices("tril_indices", row, col, offset, lambda below, _: below, dtype, device, requires_grad)


@reads
def triu_indices(row, col, offset=0, *, dtype=None, device=None, requires_grad=False):
    """Rows and columns, a (2, N) tensor, of the elements on and above the diagonal `offset` of a row x col matrix."""
    return _indices(
        "triu_indices", row, col, offset, lambda _, strictly_below: ~strictly_below, dtype, device, requires_grad)


def _indices(function, row, col, offset, choose, dtype, device, requires_grad):
    for name, size in (("row", row), ("col", col)):
        if size < 0:
            raise RuntimeError(f"{name} must be non-negative, got {size}")
    dtype = dtype or dtypes.int64
    if dtype not in (dtypes.int64, dtypes.int32):
        raise NotImplementedError(f'"{function}" not implemented for {dtype}')
    below, strictly_below = np.tri(row, col, offset, dtype=bool), np.tri(row, col, offset - 1, dtype=bool)
    return _finish(np.stack(np.nonzero(choose(below, strictly_below))), dtype, device, requires_grad)
