"""Indices and classes out of range are refused: at once on the CPU, on a GPU when somebody waits for it anyway.

cupy silently wraps a wrong index around, and to look at an index means to wait until the GPU has computed all that was
asked before it, which would leave it idle at every step of a training. So what a check needs to know, two numbers,
stays on the GPU, and is looked at when a value comes to the host: `item()`, `cpu()`, printing, saving,
`cuda.synchronize()`. Nobody has seen a result until then. As in torch, CUDA_LAUNCH_BLOCKING=1 in the environment makes
every check wait.
"""

import collections
import os
import sys

import numpy as np

MOST_OPEN = 1000  # checks that nobody has waited for; a training that prints nothing is looked at this often
waiting = collections.deque()  # (least entry, greatest, lowest allowed, size, refuse, place) of each open check


def check(index, size, refuse, lowest=0):
    """Raise refuse(entry) for an entry of the integer array outside of [lowest, size): now, or (on a GPU) later."""
    if not index.size:
        return
    least, most = index.min(), index.max()
    if _is_on_cpu(index) or os.environ.get("CUDA_LAUNCH_BLOCKING") == "1":
        _look(int(least), int(most), lowest, size, refuse)
    else:
        waiting.append((least, most, lowest, size, refuse, _place()))
        if len(waiting) > MOST_OPEN:
            settle()


def check_bounds(index, size, dim, error=IndexError, lowest=None):
    """An error unless every entry of the integer array lies in [lowest, size); without `lowest`, in [-size, size).

    That last case numpy checks by itself when it looks the index up.
    """
    if lowest is None and _is_on_cpu(index):
        return
    words = f"is out of bounds for dimension {dim} with size {size}"
    check(index, size, lambda entry: error(f"index {entry} {words}"), -size if lowest is None else lowest)


def settle():
    """Look at all open checks; the error of the first that failed, with the line of the program that it is about."""
    while waiting:
        least, most, lowest, size, refuse, place = waiting.popleft()
        try:
            _look(int(least), int(most), lowest, size, refuse)
        except (IndexError, RuntimeError) as error:
            waiting.clear()  # they came after it, and may be wrong because of it
            told = f"{error} (asked for at {place}; on a GPU this is seen late: CUDA_LAUNCH_BLOCKING=1 waits for it)"
            raise type(error)(told) from None


def _is_on_cpu(array):
    return isinstance(array, np.ndarray)


def _look(least, most, lowest, size, refuse):
    if least < lowest or most >= size:
        raise refuse(most if most >= size else least)


def _place():
    """file:line of whoever called the engine."""
    from engine.autograd.anomaly_mode import calling_frame  # which stands on what looks indices up

    frame = calling_frame(sys._getframe(2))
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
