"""How a tensor prints: as torch prints it."""

import math

import numpy as np

from engine import backend, dtypes

PRECISION = 4  # digits after the point
SUMMARISE_ABOVE = 1000  # elements
EDGE_ITEMS = 3
WIDTH = 80


def tensor_text(tensor):
    """e.g. tensor([[1., 2.]], requires_grad=True)"""
    array = backend.to_numpy(tensor.array)
    parts = ["[]" if array.size == 0 else _elements(array)]
    if array.size == 0 and array.ndim != 1:
        parts.append(f"size={tuple(array.shape)}")
    if tensor.is_cuda:
        parts.append(f"device='{tensor.device}'")
    if tensor.dtype not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool, dtypes.complex64):
        parts.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        parts.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        parts.append("requires_grad=True")
    return f"tensor({', '.join(parts)})"


def _elements(array):
    return np.array2string(
        array,
        separator=", ",
        prefix="tensor(",
        threshold=SUMMARISE_ABOVE,
        edgeitems=EDGE_ITEMS,
        max_line_width=WIDTH,
        formatter={"float_kind": _float_format(array)} if array.dtype.kind == "f" else None,
    )


def _float_format(array):
    """One format for all elements: whole numbers as "1.", very large or small ones with an exponent, else four digits."""
    finite = np.abs(array[np.isfinite(array)]).astype(np.float64)
    nonzero = finite[finite > 0]
    whole = (finite == np.floor(finite)).all()
    if whole and nonzero.max(initial=0) <= 1e8:
        spell = "{:.0f}.".format
    elif nonzero.max() / nonzero.min() > 1000 or nonzero.max() > 1e8 or nonzero.min() < 1e-4:
        spell = f"{{:.{PRECISION}e}}".format
    else:
        spell = f"{{:.{PRECISION}f}}".format

    def plain(value):
        return spell(value) if math.isfinite(value) else str(float(value))

    width = max(len(plain(value)) for value in _shown(array).ravel()) if array.ndim else 0
    return lambda value: plain(value).rjust(width)


def _shown(array):
    """The elements that survive summarising."""
    if array.size <= SUMMARISE_ABOVE:
        return array
    for axis, size in enumerate(array.shape):
        if size > 2 * EDGE_ITEMS:
            ends = np.r_[0:EDGE_ITEMS, size - EDGE_ITEMS : size]
            array = array.take(ends, axis=axis)
    return array
