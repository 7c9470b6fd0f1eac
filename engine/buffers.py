"""Memory that is used again: a large array is made in that of an earlier one which nobody looks at any more.

Fresh memory comes from the system page by page, each filled with zeros when it is first touched; for an operation that
fills a few megabytes once, that costs as much as the operation. Here memory comes back when an array and all its views
are gone, and waits for the next array of about that size.
"""

import math
import weakref

import numpy as np

from engine import backend

LEAST = 1 << 16  # bytes; of smaller arrays the C library itself keeps the memory
MOST = 1 << 26  # bytes that wait; beyond, all of them are let go
_waiting = {}  # size in bytes -> blocks of memory


def empty(shape, like):
    """An array with arbitrary elements, of the type and on the device of `like`."""
    size = math.prod(shape) * like.itemsize
    if size < LEAST or not backend.is_on_cpu(like):
        return np.empty_like(like, shape=shape, order="C")
    step = 1 << (size.bit_length() - 4)  # sizes are rounded up, by an eighth at most
    size = -(-size // step) * step
    try:
        block = _waiting[size].pop()
    except (KeyError, IndexError):
        block = bytearray(size)
    array = np.ndarray(shape, like.dtype, block)  # views of it refer to this object, which outlives them all
    weakref.finalize(array, _give_back, block).atexit = False
    return array


def _give_back(block):
    """Each step of this is safe in several threads, without a lock that a finalizer could wait for in vain."""
    if sum(size * len(blocks) for size, blocks in list(_waiting.items())) + len(block) > MOST:
        _waiting.clear()
    _waiting.setdefault(len(block), []).append(block)
