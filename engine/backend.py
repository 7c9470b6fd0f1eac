"""Which array module owns an array: numpy on the CPU, cupy on the GPU. Nothing else imports cupy.

numpy's functions hand a call on to the module that owns the arguments, so `np.exp(x)` runs on the
GPU when `x` lives there. What is left for this file: creating arrays somewhere, moving them, and the
few operations in which the two modules differ.
"""

import contextvars
import math
import threading

import numpy as np

from engine import bounds


def cupy():
    """The cupy module; RuntimeError in torch's words where there is none."""
    try:
        import cupy
    except ImportError:
        raise RuntimeError(_NO_CUDA) from None
    return cupy


_NO_CUDA = "this engine has no CUDA: cupy is not installed (pip install 'chainrule[gpu]') or finds no GPU"


def has_cuda():
    """True where cupy is installed and sees at least one GPU."""
    return cuda_device_count() > 0


def cuda_device_count():
    """How many GPUs cupy sees; 0 where cupy is absent or finds no driver."""
    try:
        import cupy

        return cupy.cuda.runtime.getDeviceCount()
    except ImportError:
        return 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return 0


def is_on_cpu(array):
    return isinstance(array, (np.ndarray, np.generic))


def module_of(array):
    """numpy or cupy: whose array this is."""
    return np if is_on_cpu(array) else cupy()


def as_array(value, like):
    """`value` (an array or a numpy scalar) as an array of the module that owns `like`."""
    return module_of(like).asarray(value)


def to_numpy(array):
    """The array in main memory (itself when it is there already)."""
    if is_on_cpu(array):
        return array
    bounds.settle()
    return cupy().asnumpy(array)


def gpu(index):
    """A context manager within which cupy works on GPU number `index`; RuntimeError if there is none."""
    count = cuda_device_count()
    if not count:
        raise RuntimeError(_NO_CUDA)
    if not 0 <= index < count:
        raise RuntimeError(f"CUDA error: invalid device ordinal: got cuda:{index}, {count} device(s) present")
    return cupy().cuda.Device(index)


def current_gpu():
    """The number of the GPU that is in use; RuntimeError where there is none."""
    gpu(0)
    return cupy().cuda.runtime.getDevice()


def to_cuda(array, index=0):
    """The array on GPU number `index` (itself when it is there already)."""
    with gpu(index):
        return array if not is_on_cpu(array) and array.device.id == index else cupy().asarray(array)


def full(shape, value, numpy_type, index=None):
    """An array of one value, on GPU number `index` or (None) in main memory."""
    if index is None:
        return np.full(shape, value, numpy_type) if value else np.zeros(shape, numpy_type)
    with gpu(index):
        return cupy().full(shape, value, numpy_type)


def cuda_index(array):
    """The number of the GPU that holds `array`; None for the CPU."""
    return None if isinstance(array, (np.ndarray, np.generic)) else array.device.id


# ---- functions that numpy lacks -----------------------------------------------------------------------


def erf(array):
    """The error function 2/√π ∫₀ˣ exp(−t²) dt: cupyx's, scipy's, or Python's own where scipy is not installed."""
    if not is_on_cpu(array):
        from cupyx.scipy import special

        return special.erf(array)
    try:
        from scipy import special
    except ImportError:
        return np.vectorize(math.erf, otypes=[array.dtype])(array)
    return special.erf(array).astype(array.dtype, copy=False)


# ---- numpy without its warnings ------------------------------------------------------------------------

is_quiet = contextvars.ContextVar("is_quiet", default=False)


class _Quiet(threading.local):
    """Each thread's own context in which numpy computes inf and nan without a word, as torch does."""

    def __init__(self):
        self.run = contextvars.copy_context().run
        self.run(np.seterr, all="ignore")
        self.run(is_quiet.set, True)


own_context = _Quiet()


def quietly(function, arguments, keywords=None):
    """function(*arguments, **keywords) without numpy's warnings of overflow, division by zero and the like.

    numpy keeps that setting in the context; running in a context of our own costs a fiftieth of np.errstate.
    """
    if not keywords:
        return function(*arguments) if is_quiet.get() else own_context.run(function, *arguments)
    return function(*arguments, **keywords) if is_quiet.get() else own_context.run(function, *arguments, **keywords)


def quiet():
    """The same as a context manager, for many calls at once."""
    return np.errstate(all="ignore")


def add_at(target, index, values):
    """target[index] += values, counting repeated indices each time; `values` has the shape of target[index]."""
    if not is_on_cpu(target):
        _add_at_on_gpu(cupy().add.at, target, index, values)
    elif not target.flags.c_contiguous:
        np.add.at(target, index, values)
    else:  # numpy is quick only for one flat index into one dimension
        places = _flat_places(target.shape, index)
        np.add.at(target.reshape(-1), places.reshape(-1), values.reshape(-1))


def _flat_places(shape, index):
    """Where in a contiguous array of that shape the elements lie that `index` picks."""
    if not all(isinstance(each, np.ndarray) for each in index):
        return np.arange(math.prod(shape)).reshape(shape)[index]
    index = [part for each in index for part in (each.nonzero() if each.dtype == bool else (each,))]
    places = np.ravel_multi_index(np.broadcast_arrays(*index), shape[: len(index)], mode="wrap")
    row_size = math.prod(shape[len(index) :])
    return places[..., None] * row_size + np.arange(row_size)


def _add_at_on_gpu(add, target, index, values):
    """cupy adds floats and unsigned integers only: others as what adds up to the same bits."""
    if target.dtype.kind == "c":
        add(target.real, index, values.real)
        add(target.imag, index, values.imag)
    elif target.dtype == np.int64:
        add(target.view(np.uint64), index, values.view(np.uint64))
    elif target.dtype.kind in "iub" and target.dtype != np.int32:
        wide = target.astype(np.int32)
        add(wide, index, values.astype(np.int32))
        target[...] = wide.astype(target.dtype)
    else:
        add(target, index, values)


def stretched(array, shape):
    """A view of `array` stretched to `shape`; writable where `array` is, as cupy's."""
    return _as_writable_as(array, np.broadcast_to(array, shape))


def diagonal(array, offset, dim1, dim2):
    """A view of the diagonals between two dimensions, as the last one; writable where `array` is, as cupy's."""
    return _as_writable_as(array, np.diagonal(array, offset, dim1, dim2))


def _as_writable_as(array, view):
    if is_on_cpu(array):
        view.flags.writeable = array.flags.writeable
    return view


def windows(array, dim, size, step):
    """A view of all stretches of `size` neighbours along `dim`, `step` apart; they lie along a new last dimension."""
    count = (array.shape[dim] - size) // step + 1
    shape = (*array.shape[:dim], count, *array.shape[dim + 1 :], size)
    strides = (*array.strides[:dim], array.strides[dim] * step, *array.strides[dim + 1 :], array.strides[dim])
    return module_of(array).lib.stride_tricks.as_strided(array, shape, strides)


def offset_in_memory(array):
    """How many elements `array` begins after the start of the memory that it is a view of."""
    whole = array
    while hasattr(whole.base, "strides"):
        whole = whole.base
    return (_address(array) - _address(whole)) // array.itemsize


def _address(array):
    interface = array.__array_interface__ if is_on_cpu(array) else array.__cuda_array_interface__
    return interface["data"][0]


def share_memory(a, b):
    """True when the two arrays may overlap in memory (their address ranges meet)."""
    return module_of(a).may_share_memory(a, b)


def repeats_elements(array):
    """True when several positions of the array are one place in memory (a stretched view): no place to write to."""
    return array.size > 0 and any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape))
