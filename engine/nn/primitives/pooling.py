"""Pooling: the largest element or the sum of each window of (N, C, *size), and the way back.

All go over the elements of the kernel, a few, and handle all windows at once. `places`: how many windows there are along
each dimension; the last may reach beyond the input and its padding.
"""

import numpy as np

from engine import backend
from engine.nn.primitives.convolution import offsets
from engine.nn.primitives.padding import constant_pad
from engine.ops.table import primitive


def _widths(size, kernel, stride, padding, dilation, places):
    """(before, behind) for each dimension: what must be added so that all windows lie inside."""
    reached = [(count - 1) * step + spread * (each - 1) + 1
               for count, step, spread, each in zip(places, stride, dilation, kernel)]  # fmt: skip
    behind = [max(far - each - more, 0) for far, each, more in zip(reached, size, padding)]
    return ((0, 0), (0, 0), *zip(padding, behind))


def _inside(a, value, kernel, stride, padding, dilation, places):
    widths = _widths(a.shape[2:], kernel, stride, padding, dilation, places)
    return constant_pad.forward(a, widths=widths, value=value) if any(map(any, widths)) else a


def _spread(g, size, parts, kernel, stride, padding, dilation, places):
    """Zeros (N, C, *size) with parts(number) added where the kernel's element of that number lies."""
    widths = _widths(size, kernel, stride, padding, dilation, places)[2:]
    shape = (*g.shape[:2], *(each + sum(pair) for each, pair in zip(size, widths)))
    whole = backend.module_of(g).zeros(shape, dtype=g.dtype)
    for number, (_, where) in enumerate(offsets(kernel, stride, dilation, places)):
        whole[where] += parts(number)
    return whole[(..., *(slice(low, low + each) for (low, _), each in zip(widths, size)))]


def _how(kernel, stride, padding, dilation, places):
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "places": places}


# ---- the largest ----------------------------------------------------------------------------------------


def _lowest(numpy_dtype):
    return np.iinfo(numpy_dtype).min if numpy_dtype.kind in "iu" else -np.inf


def _max_pool(a, *, kernel, stride, padding, dilation, places):
    whole = _inside(a, _lowest(a.dtype), kernel, stride, padding, dilation, places)
    largest = None
    for _, where in offsets(kernel, stride, dilation, places):
        part = whole[where]
        largest = part.copy() if largest is None else np.maximum(largest, part, out=largest)
    return largest


def _winners(a, *, kernel, stride, padding, dilation, places):
    """Which of the kernel's elements is the largest, the first of equals; NaN is larger than all."""
    whole = _inside(a, _lowest(a.dtype), kernel, stride, padding, dilation, places)
    largest = winner = None
    for number, (_, where) in enumerate(offsets(kernel, stride, dilation, places)):
        part = whole[where]
        if largest is None:
            largest, winner = part, np.zeros_like(part, dtype=np.int32)
        else:
            is_larger = (part > largest) | (part != part)
            largest, winner = np.where(is_larger, part, largest), np.where(is_larger, np.int32(number), winner)
    return winner


def _max_pool_vjp(g, a, kernel, stride, padding, dilation, places):
    how = _how(kernel, stride, padding, dilation, places)
    return to_winners(g, winners(a, **how), size=tuple(a.shape[2:]), **how)


def _to_winners(g, winner, *, size, **how):
    return _spread(g, size, lambda number: g * (winner == number), **how)


def _of_winners(a, winner, **how):
    whole = _inside(a, 0, **how)
    total = 0
    for number, (_, where) in enumerate(offsets(how["kernel"], how["stride"], how["dilation"], how["places"])):
        total = total + whole[where] * (winner == number)
    return total


_HOW = {"kernel": (2, 3), "stride": (2, 1), "padding": (1, 1), "dilation": (1, 2), "places": (3, 3)}


def _winner_example(random):
    return np.arange(18).reshape(1, 2, 3, 3) % 6


max_pool = primitive("max_pool", "a", _max_pool, [_max_pool_vjp], example=lambda random: ((random(2, 2, 4, 5),), _HOW))
winners = primitive("max_pool_winners", "a", _winners, example=lambda random: ((random(2, 2, 4, 5),), _HOW))
to_winners = primitive(
    "max_pool_to_winners", "g winner", _to_winners,
    [lambda g, winner, kernel, stride, padding, dilation, places: of_winners(
        g, winner, **_how(kernel, stride, padding, dilation, places)), None],
    example=lambda random: ((random(1, 2, 3, 3), _winner_example(random)), {"size": (4, 5), **_HOW}),
)  # fmt: skip
of_winners = primitive(
    "max_pool_of_winners", "a winner", _of_winners,
    [lambda g, a_shape, winner, kernel, stride, padding, dilation, places: to_winners(
        g, winner, size=tuple(a_shape[2:]), **_how(kernel, stride, padding, dilation, places)), None],
    example=lambda random: ((random(1, 2, 4, 5), _winner_example(random)), _HOW),
)  # fmt: skip

# ---- the sum --------------------------------------------------------------------------------------------


def _sum_pool(a, *, kernel, stride, padding, places):
    whole = _inside(a, 0, kernel, stride, padding, (1,) * len(kernel), places)
    total = None
    for _, where in offsets(kernel, stride, (1,) * len(kernel), places):
        part = whole[where]
        total = part.copy() if total is None else np.add(total, part, out=total)
    return total


def _sum_pool_back(g, *, size, kernel, stride, padding, places):
    return _spread(g, size, lambda number: g, kernel, stride, padding, (1,) * len(kernel), places)


_SUM_HOW = {"kernel": (2, 3), "stride": (2, 1), "padding": (1, 0), "places": (3, 3)}

sum_pool = primitive(
    "sum_pool", "a", _sum_pool, [lambda g, a_shape, kernel, stride, padding, places: sum_pool_back(
        g, size=tuple(a_shape[2:]), kernel=kernel, stride=stride, padding=padding, places=places)],
    node="AvgPoolBackward0", example=lambda random: ((random(2, 2, 4, 5),), _SUM_HOW),
)  # fmt: skip
sum_pool_back = primitive(
    "sum_pool_back", "g", _sum_pool_back, [lambda g, kernel, stride, padding, places: sum_pool(
        g, kernel=kernel, stride=stride, padding=padding, places=places)],
    example=lambda random: ((random(2, 2, 3, 3),), {"size": (4, 5), **_SUM_HOW}),
)  # fmt: skip
