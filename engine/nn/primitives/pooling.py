"""Pooling: the largest element or the sum of each window of (N, C, *size), and the way back.

All go over the elements of the kernel, a few, and handle all windows at once; threads share the channels.
"""

import math
from typing import NamedTuple

import numpy as np

from engine import backend, threads
from engine.nn.primitives import batch_last, convolution
from engine.nn.primitives.padding import constant_pad
from engine.ops.table import primitive

WORTH_A_THREAD = 2**18  # elements


def _share_channels(compute, a):
    """compute(slice) for all channels of `a`: a stretch of them for each thread."""
    is_worth_it = a.size >= WORTH_A_THREAD and backend.is_on_cpu(a)
    threads.share(lambda some: compute(slice(some.start, some.stop)), range(a.shape[1]), is_worth_it)


class Windows(NamedTuple):
    """Where the windows lie: for each dimension size, step, padding on each side, how far their elements are apart.

    places: how many windows there are along each dimension; the last may reach beyond the input and its padding.
    """

    kernel: tuple
    stride: tuple
    padding: tuple
    dilation: tuple
    places: tuple

    def parts(self):
        """For each element of the kernel: where in the padded input it lies at all places."""
        return [part for _, part in convolution.offsets(self.kernel, self.stride, self.dilation, self.places)]

    def widths(self, size):
        """(before, behind) for each dimension of (N, C, *size): what must be added so that all windows lie inside."""
        reached = [(count - 1) * step + spread * (each - 1) + 1
                   for count, step, spread, each in zip(self.places, self.stride, self.dilation, self.kernel)]
        behind = [max(far - each - more, 0) for far, each, more in zip(reached, size, self.padding)]
        return ((0, 0), (0, 0), *zip(self.padding, behind))

    def around(self, a, value):
        """`a` with as much padding as all windows need."""
        widths = self.widths(a.shape[2:])
        return constant_pad.forward(a, widths=widths, value=value) if any(map(any, widths)) else a

    def spread(self, g, size, part_of):
        """Zeros (N, C, *size) with part_of(number, channels) added where the kernel's element of that number lies.

        part_of(number, channels, out): the same, written to `out` if that is given.
        """
        widths, parts = self.widths(size)[2:], self.parts()
        shape = (*g.shape[:2], *(each + sum(pair) for each, pair in zip(size, widths)))
        whole = batch_last.empty_as(g, shape)
        overlap = any(
            spread * (each - 1) >= step for spread, each, step in zip(self.dilation, self.kernel, self.stride))

        def compute(channels):
            here = whole[:, channels]
            if overlap or g.size * len(parts) < whole.size:
                here[...] = 0
            for number, part in enumerate(parts):
                if overlap:
                    here[part] += part_of(number, channels)
                else:
                    part_of(number, channels, here[part])

        _share_channels(compute, whole)
        return whole[(..., *(slice(low, low + each) for (low, _), each in zip(widths, size)))]


# ---- the largest ----------------------------------------------------------------------------------------


def _lowest(numpy_dtype):
    return np.iinfo(numpy_dtype).min if numpy_dtype.kind in "iu" else -np.inf


def _max_pool(a, *, windows):
    return _largest(windows.around(a, _lowest(a.dtype)), windows)


def _largest(whole, windows):
    """The largest of each window; NaN if there is one."""
    parts = windows.parts()
    largest = batch_last.empty_as(whole, (*whole.shape[:2], *windows.places))

    def compute(channels):
        here, out = whole[:, channels], largest[:, channels]
        np.maximum(here[parts[0]], here[parts[-1]], out=out)
        for part in parts[1:-1]:
            np.maximum(out, here[part], out=out)

    _share_channels(compute, whole)
    return largest


def _winners(a, *, windows):
    """The number of the kernel's element that is the largest, the first of equals; NaN is larger than all."""
    whole, numbers = windows.around(a, _lowest(a.dtype)), np.uint8 if math.prod(windows.kernel) < 256 else np.int32
    largest = _largest(whole, windows)
    if not backend.is_on_cpu(a) or (largest != largest).any():
        return _latest_winners(whole, windows, numbers)
    winner, parts = np.zeros_like(largest, dtype=numbers), windows.parts()

    def compute(channels):  # counts how many elements, from the first on, are not the largest
        here, top, out = whole[:, channels], largest[:, channels], winner[:, channels]
        for part in reversed(parts[:-1]):
            out += numbers(1)
            out *= here[part] != top

    _share_channels(compute, whole)
    return winner


def _latest_winners(whole, windows, numbers):
    """`_winners` where there may be NaN, of which the latest wins, or where values should not be waited for."""
    first, *parts = windows.parts()
    largest = batch_last.empty_as(whole, (*whole.shape[:2], *windows.places))
    largest[...] = whole[first]
    winner = np.zeros_like(largest, dtype=numbers)
    for number, part in enumerate(parts, 1):
        seen = whole[part]
        is_new = seen > largest
        is_new |= seen != seen
        np.maximum(winner, is_new * numbers(number), out=winner)  # numbers grow: the latest is the largest of them
        np.maximum(largest, seen, out=largest)
    return winner


def _to_winners(g, winner, *, size, windows):
    g = batch_last.laid_as(g, winner)
    return windows.spread(g, size, lambda number, channels, out=None: np.multiply(
        g[:, channels], winner[:, channels] == number, out=out))


def _of_winners(a, winner, *, windows):
    whole = windows.around(a, 0)
    return sum(whole[part] * (winner == number) for number, part in enumerate(windows.parts()))


_WINDOWS = Windows(kernel=(2, 3), stride=(2, 1), padding=(1, 1), dilation=(1, 2), places=(3, 3))
_SOME = np.arange(18).reshape(1, 2, 3, 3) % 6

max_pool = primitive(
    "max_pool", "a", _max_pool,
    [lambda g, a, windows: to_winners(g, winners(a, windows=windows), size=tuple(a.shape[2:]), windows=windows)],
    example=lambda random: ((random(2, 2, 4, 5),), {"windows": _WINDOWS}))
winners = primitive(
    "max_pool_winners", "a", _winners, example=lambda random: ((random(2, 2, 4, 5),), {"windows": _WINDOWS}))
to_winners = primitive(
    "max_pool_to_winners", "g winner", _to_winners,
    [lambda g, winner, windows: of_winners(g, winner, windows=windows), None],
    example=lambda random: ((random(1, 2, 3, 3), _SOME), {"size": (4, 5), "windows": _WINDOWS}))
of_winners = primitive(
    "max_pool_of_winners", "a winner", _of_winners,
    [lambda g, a_shape, winner, windows: to_winners(g, winner, size=tuple(a_shape[2:]), windows=windows), None],
    example=lambda random: ((random(1, 2, 4, 5), _SOME), {"windows": _WINDOWS}))

# ---- the sum --------------------------------------------------------------------------------------------


def _sum_pool(a, *, windows):
    whole, (first, *parts) = windows.around(a, 0), windows.parts()
    total = batch_last.empty_as(a, (*a.shape[:2], *windows.places))
    total[...] = whole[first]
    for part in parts:
        np.add(total, whole[part], out=total)
    return total


def _sum_pool_back(g, *, size, windows):
    return windows.spread(g, size, lambda number, channels, out=None: (
        g[:, channels] if out is None else np.copyto(out, g[:, channels])))


sum_pool = primitive(
    "sum_pool", "a", _sum_pool,
    [lambda g, a_shape, windows: sum_pool_back(g, size=tuple(a_shape[2:]), windows=windows)], node="AvgPoolBackward0",
    example=lambda random: ((random(2, 2, 4, 5),), {"windows": _WINDOWS}))
sum_pool_back = primitive(
    "sum_pool_back", "g", _sum_pool_back,
    [lambda g, windows: sum_pool(g, windows=windows)],
    example=lambda random: ((random(2, 2, 3, 3),), {"size": (4, 5), "windows": _WINDOWS}))
