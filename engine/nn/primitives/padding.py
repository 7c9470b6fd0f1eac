"""A border of one value around a tensor; its gradient cuts the border off again."""

from engine import backend
from engine.ops.table import primitive


def _pad(a, *, widths, value):
    """widths: (before, behind) for each dimension; what is negative is cut off."""
    shape = tuple([size + sum(pair) for size, pair in zip(a.shape, widths)])
    whole = backend.module_of(a).full(shape, value, dtype=a.dtype)
    target = tuple([slice(max(low, 0), size - max(high, 0)) for size, (low, high) in zip(whole.shape, widths)])
    source = tuple([slice(max(-low, 0), size - max(-high, 0)) for size, (low, high) in zip(a.shape, widths)])
    whole[target] = a[source]
    return whole


def _pad_vjp(g, widths):
    return constant_pad(g, widths=tuple([(-low, -high) for low, high in widths]), value=0)


constant_pad = primitive(
    "constant_pad_nd", "a", _pad, [_pad_vjp], label="pad",
    example=lambda random: ((random(2, 4, 3),), {"widths": ((0, 0), (-1, 2), (1, 0)), "value": 0.5}))
