"""Which array module owns an array: numpy on the CPU, cupy on the GPU. Nothing else imports cupy.

numpy's functions hand a call on to the module that owns the arguments, so `np.exp(x)` runs on the
GPU when `x` lives there. What is left for this file: creating arrays somewhere, moving them, and the
few operations in which the two modules differ.
"""

import contextvars
import math
import threading

import numpy as np


def cupy():
    """The cupy module; RuntimeError in torch's words where there is none."""
    try:
        import cupy
    except ImportError:
        raise RuntimeError(
            "this engine has no CUDA: cupy is not installed (pip install 'chainrule[gpu]') or finds no GPU"
        ) from None
    return cupy


def has_cuda():
    """True where cupy is installed and sees at least one GPU."""
    return cuda_device_count() > 0


def cuda_device_count():
    """How many GPUs cupy sees; 0 where cupy is absent or finds no driver."""
    try:
        import cupy
    except ImportError:
        return 0
    try:
        return cupy.cuda.runtime.getDeviceCount()
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
    return array if is_on_cpu(array) else cupy().asnumpy(array)


def gpu(index):
    """A context manager within which cupy works on GPU number `index`; RuntimeError if there is none."""
    module = cupy()
    count = module.cuda.runtime.getDeviceCount()
    if not 0 <= index < count:
        raise RuntimeError(f"CUDA error: invalid device ordinal: got cuda:{index}, {count} device(s) present")
    return module.cuda.Device(index)


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

        return special.erf(array).astype(array.dtype, copy=False)
    try:
        from scipy import special
    except ImportError:
        return np.vectorize(math.erf, otypes=[array.dtype])(array)
    return special.erf(array).astype(array.dtype, copy=False)


# ---- numpy without its warnings ------------------------------------------------------------------------

_is_quiet = contextvars.ContextVar("is_quiet", default=False)


class _Quiet(threading.local):
    """Each thread's own context in which numpy computes inf and nan without a word, as torch does."""

    def __init__(self):
        self.context = contextvars.copy_context()
        self.context.run(np.seterr, all="ignore")
        self.context.run(_is_quiet.set, True)


_quiet = _Quiet()


def quietly(function, arguments, keywords):
    """function(*arguments, **keywords) without numpy's warnings of overflow, division by zero and the like.

    numpy keeps that setting in the context; running in a context of our own costs a fiftieth of np.errstate.
    """
    if _is_quiet.get():
        return function(*arguments, **keywords)
    return _quiet.context.run(function, *arguments, **keywords)


def quiet():
    """The same as a context manager, for many calls at once."""
    return np.errstate(all="ignore")


def check_bounds(index, size, dim, error=IndexError):
    """An error unless every entry of the integer array lies in [-size, size).

    numpy checks by itself; cupy silently wraps an index around, which would be a wrong answer.
    """
    if index.size == 0:
        return
    low, high = int(index.min()), int(index.max())
    if low < -size or high >= size:
        worst = high if high >= size else low
        raise error(f"index {worst} is out of bounds for dimension {dim} with size {size}")


def add_at(target, index, values):
    """target[index] += values, counting repeated indices each time."""
    module_of(target).add.at(target, index, values)


def share_memory(a, b):
    """True when the two arrays may overlap in memory (their address ranges meet)."""
    return module_of(a).may_share_memory(a, b)


def repeats_elements(array):
    """True when several positions of the array are one place in memory (a stretched view): no place to write to."""
    return array.size > 0 and any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape))
