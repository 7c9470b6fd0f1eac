"""Orders of memory: pictures with the batch last, as fast convolutions leave them, and how that is kept out of sight.

Pictures (N, C, H, W) may lie in memory as (C, H, W, N) (`nn.primitives.batch_last` says why). Elementwise operations
keep such an order, and `TensorBase.settle` ends it before anything shows it. What else is computed of such pictures gets
an order of numpy's choice, between the two or of another number of dimensions, and is made row-major at once.
"""

import numpy as np

from engine import backend


def is_batch_last(array):
    """True for pictures (N, C, H, W) whose own memory is in the order (C, H, W, N)."""
    if array.ndim != 4 or type(array) is not np.ndarray or not array.flags.owndata:
        return False
    first, *_, last = array.strides  # where sizes are 1, memory may be in both orders; the strides say which was meant
    if array.flags.c_contiguous and first * array.shape[0] == array.nbytes and last == array.itemsize:
        return False
    return array.transpose(1, 2, 3, 0).flags.c_contiguous


def settled(result, arrays):
    """What was computed from these arrays: as it is, or row-major if one with the batch last gave it another order."""
    if is_batch_last(result):
        return result
    return result.copy() if any(type(each) is np.ndarray and is_batch_last(each) for each in arrays) else result


def handed_out(gradient):
    """A gradient that somebody gets to see: row-major, with the batch last (a tensor hides that), or a view."""
    is_odd = gradient.flags.owndata and not gradient.flags.c_contiguous and not is_batch_last(gradient)
    return gradient.copy() if is_odd else gradient


def row_major(value):
    """An array of numpy's in row-major order; anything else as it is."""
    return value.copy() if type(value) is np.ndarray and not value.flags.c_contiguous else value


def copied(gradient, like):
    """A copy in the order of `like`."""
    copy = backend.module_of(gradient).empty_like(like, dtype=gradient.dtype, shape=gradient.shape)
    copy[...] = gradient
    return copy
