"""A tensor in a few numbers: what a picture shows of it. Taken at once, so that later changes in place change nothing."""

import math

import numpy as np

BINS = 24
SLICE = 16  # rows and columns of numbers kept of a tensor


def summary(array):
    """The numbers of an array (numpy's or cupy's) as plain data: its range, spread, a histogram and a corner of it.

    {"shape", "dtype", "min", "max", "mean", "std", "norm", "nans", "infs", "zeros", "histogram", "slice"}; what
    a tensor of no or no finite elements has not is None. Of complex numbers the sizes are counted.
    """
    array = on_the_cpu(array)
    sizes = np.abs(array) if array.dtype.kind == "c" else array
    numbers = sizes.astype(np.float64).ravel()
    finite = numbers[np.isfinite(numbers)]
    found = {"shape": list(array.shape), "dtype": str(array.dtype)}
    found |= dict.fromkeys(("min", "max", "mean", "std", "norm", "histogram"))
    if finite.size:
        found |= {"min": float(finite.min()), "max": float(finite.max()), "mean": float(finite.mean())}
        found |= {"std": float(finite.std()), "norm": float(np.linalg.norm(finite)), "histogram": _histogram(finite)}
    nans = int(np.isnan(numbers).sum())
    found |= {"nans": nans, "infs": numbers.size - finite.size - nans, "zeros": int((numbers == 0).sum())}
    return found | {"slice": _slice(array)}


def on_the_cpu(array):
    """The array as numpy's."""
    return array.get() if hasattr(array, "get") else np.asarray(array)


def _histogram(finite):
    low, high = float(finite.min()), float(finite.max())
    if not math.isfinite(high - low):  # numpy cannot divide such a range
        return None
    counts, _ = np.histogram(finite, bins=BINS, range=(low, high) if low < high else (low - 0.5, high + 0.5))
    return {"from": low, "to": high, "counts": counts.tolist()}


def _slice(array):
    """The first matrix of the array, at most SLICE x SLICE of it, as rows of numbers, and the index that gives it."""
    leading = max(array.ndim - 2, 0)
    if 0 in array.shape:
        return {"index": "[...]", "rows": []}
    index = (0,) * leading + tuple(slice(min(size, SLICE)) for size in array.shape[leading:])
    rows = np.atleast_2d(array[index])
    parts = ["0"] * leading + [f":{SLICE}" if size > SLICE else ":" for size in array.shape[leading:]]
    return {"index": f"[{', '.join(parts)}]" if parts else "", "rows": [[_number(each) for each in row] for row in rows.tolist()]}


def _number(value):
    """A number that JSON can hold: those that are not finite, and complex ones, as text."""
    if isinstance(value, complex):
        return f"{value.real:.4g}{value.imag:+.4g}j"
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)
