"""Pooling: the largest element or the sum of each window of (N, C, *size), and the way back.

All go over the elements of the kernel, a few, and handle all windows at once.
"""

import math
from typing import NamedTuple

import numpy as np

from engine.nn.primitives import batch_last, convolution
from engine.nn.primitives.padding import constant_pad
from engine.ops.table import primitive


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
        """Zeros (N, C, *size) with part_of(number) added where the kernel's element of that number lies.

        part_of(number, out): the same, written to `out` if that is given.
        """
        widths = self.widths(size)[2:]
        shape = (*g.shape[:2], *(each + sum(pair) for each, pair in zip(size, widths)))
        whole = batch_last.empty_as(g, shape)
        whole[...] = 0
        overlap = any(
            spread * (each - 1) >= step for spread, each, step in zip(self.dilation, self.kernel, self.stride))
        for number, part in enumerate(self.parts()):
            if overlap:
                whole[part] += part_of(number)
            else:
                part_of(number, whole[part])
        return whole[(..., *(slice(low, low + each) for (low, _), each in zip(widths, size)))]


# ---- the largest ----------------------------------------------------------------------------------------


def _lowest(numpy_dtype):
    return np.iinfo(numpy_dtype).min if numpy_dtype.kind in "iu" else -np.inf


def _max_pool(a, *, windows):
    whole, parts = windows.around(a, _lowest(a.dtype)), windows.parts()
    largest = batch_last.empty_as(a, (*a.shape[:2], *windows.places))
    if len(parts) == 1:
        largest[...] = whole[parts[0]]
        return largest
    np.maximum(whole[parts[0]], whole[parts[1]], out=largest)
    for part in parts[2:]:
        np.maximum(largest, whole[part], out=largest)
    return largest


def _winners(a, *, windows):
    """The number of the kernel's element that is the largest, the first of equals; NaN is larger than all."""
    whole, numbers = windows.around(a, _lowest(a.dtype)), np.uint8 if math.prod(windows.kernel) < 256 else np.int32
    first, *parts = windows.parts()
    largest = batch_last.empty_as(a, (*a.shape[:2], *windows.places))
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
    return windows.spread(g, size, lambda number, out=None: np.multiply(g, winner == number, out=out))


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
    return windows.spread(g, size, lambda number, out=None: g if out is None else np.copyto(out, g))


sum_pool = primitive(
    "sum_pool", "a", _sum_pool,
    [lambda g, a_shape, windows: sum_pool_back(g, size=tuple(a_shape[2:]), windows=windows)], node="AvgPoolBackward0",
    example=lambda random: ((random(2, 2, 4, 5),), {"windows": _WINDOWS}))
sum_pool_back = primitive(
    "sum_pool_back", "g", _sum_pool_back,
    [lambda g, windows: sum_pool(g, windows=windows)],
    example=lambda random: ((random(2, 2, 3, 3),), {"size": (4, 5), "windows": _WINDOWS}))
