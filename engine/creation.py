"""Making tensors: from data, of one value, in steps."""

import numbers

import numpy as np

from engine import backend, dtypes
from engine.functions.arguments import as_shape
from engine.tensor import Tensor, array_on


__all__ = [
    "arange", "as_tensor", "eye", "from_numpy", "full", "full_like", "linspace", "ones", "ones_like", "tensor",
    "zeros", "zeros_like",
]


def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new tensor with a copy of `data`: a number, nested lists of numbers (or tensors), or an array.

    dtype: None takes the array's own; Python floats become the default float type, integers int64.
    """
    if isinstance(data, Tensor):
        data = data.array
    array = backend.module_of(data).array(data) if _is_array(data) else _from_python(data)
    return _finish(array, dtype, device, requires_grad)


def as_tensor(data, dtype=None, device=None):
    """As `tensor`, but shares memory with `data` where type and device allow; a Tensor stays itself then."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    return _finish(data if _is_array(data) else _from_python(data), dtype, device, False)


def from_numpy(array):
    """A tensor that shares the memory of a numpy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    dtypes.from_numpy(array.dtype)
    return Tensor(array)


def _is_array(data):
    return (
        hasattr(data, "__array_interface__")
        and not isinstance(data, np.generic)
        or hasattr(data, "__cuda_array_interface__")
    )


def _from_python(data):
    data = _unwrap(data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(f"tensor(): the nested lists must have the same length at every level ({error})") from None
    if array.dtype.kind not in "biufc":
        kind = next(
            (type(each).__name__ for each in _flat(data) if not isinstance(each, numbers.Number)), type(data).__name__
        )
        raise TypeError(f"tensor(): argument 'data' must hold numbers, found {kind}")
    if array.dtype == np.float64 and not isinstance(data, np.float64) or not array.size:
        return array.astype(dtypes.get_default_dtype().numpy)
    if array.dtype == np.complex128:
        return array.astype(np.complex64)
    return array


def _unwrap(data):
    """Nested lists with tensors of one element in them, as numbers."""
    if isinstance(data, Tensor):
        return data.tolist()
    return [_unwrap(each) for each in data] if isinstance(data, (list, tuple)) else data


def _flat(data):
    if not isinstance(data, list):
        return [data]
    return [leaf for each in data for leaf in _flat(each)]


def _finish(array, dtype, device, requires_grad):
    if dtype is not None:
        array = array.astype(dtypes.check_dtype(dtype).numpy, copy=False)
    dtypes.from_numpy(array.dtype)
    made = Tensor(array_on(array, device))
    return made.requires_grad_() if requires_grad else made


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of shape `size` with `fill_value` everywhere, in the value's own type unless `dtype` says otherwise."""
    dtype = dtypes.of_number(fill_value) if dtype is None else dtypes.check_dtype(dtype)
    return _finish(
        np.full(_checked(as_shape((size,) if isinstance(size, (tuple, list)) else (size,))), fill_value, dtype.numpy),
        None,
        device,
        requires_grad,
    )


def _checked(shape):
    if any(size < 0 for size in shape):
        raise RuntimeError(f"Trying to create tensor with negative dimension in {list(shape)}")
    return shape


def zeros(*size, dtype=None, device=None, requires_grad=False):
    """A tensor of zeros: zeros(2, 3) or zeros((2, 3)); the default float type."""
    return full(
        as_shape(size), 0, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad
    )


def ones(*size, dtype=None, device=None, requires_grad=False):
    """A tensor of ones: ones(2, 3) or ones((2, 3)); the default float type."""
    return full(
        as_shape(size), 1, dtype=dtype or dtypes.get_default_dtype(), device=device, requires_grad=requires_grad
    )


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False):
    """As `full`, with the shape, type and device of `input`."""
    return full(
        tuple(input.shape),
        fill_value,
        dtype=dtype or input.dtype,
        device=device or input.device,
        requires_grad=requires_grad,
    )


def zeros_like(input, *, dtype=None, device=None, requires_grad=False):
    """Zeros with the shape, type and device of `input`."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input, *, dtype=None, device=None, requires_grad=False):
    """Ones with the shape, type and device of `input`."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """An n x m matrix (m: n) with ones on the diagonal."""
    dtype = dtypes.check_dtype(dtype or dtypes.get_default_dtype())
    return _finish(np.eye(n, m, dtype=dtype.numpy), None, device, requires_grad)


def arange(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... below end (above it for a negative step); int64 if all three are integers."""
    start, end = (0, start) if end is None else (start, end)
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        dtype = (
            dtypes.int64
            if all(isinstance(each, numbers.Integral) for each in (start, end, step))
            else dtypes.get_default_dtype()
        )
    return _finish(np.arange(start, end, step), dtype, device, requires_grad)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers from start to end, both included, evenly apart."""
    return _finish(np.linspace(start, end, steps), dtype or dtypes.get_default_dtype(), device, requires_grad)
