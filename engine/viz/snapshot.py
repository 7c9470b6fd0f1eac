"""What a picture knows of a tensor: statistics, a histogram and a slice of its numbers, as they were at one moment.

A picture must not change when the tensor does, so what it shows is copied when it is seen. Small tensors are kept
whole, for slices that are asked for later; of large ones only the summary is.
"""

import math

import numpy as np

from .. import backend

BINS = 24  # of a histogram
SIDE = 16  # rows and columns of a slice, at most
KEPT_WHOLE = 2**16  # elements; larger tensors are summed up at once and let go
EXACT = 6  # significant digits of the numbers in slices and statistics


class Snapshot:
    """A copy of an array, or, of an array with more than KEPT_WHOLE elements, its summary alone."""

    def __init__(self, array):
        index = backend.cuda_index(array)
        self.device = "cpu" if index is None else f"cuda:{index}"
        array = backend.to_numpy(array)
        self.shape, self.size = array.shape, array.size
        self.array = self._summary = None
        if array.size > KEPT_WHOLE:
            self._summary = summary(array)
        else:
            self.array = np.array(array)

    def summary(self, index=()):
        """The summary as `summary` gives it; with an index, whose slice is at that index of the leading dimensions.

        ValueError for an index into a tensor that was too large to be kept whole.
        """
        if self.array is None:
            if any(index):
                raise ValueError(
                    f"tensor(index): only the first slice was kept of this tensor, which has {self.size:,} elements; "
                    f"all slices are kept of those with at most {KEPT_WHOLE:,}")
            return self._summary
        if any(index):
            return summary(self.array, index)
        if self._summary is None:
            self._summary = summary(self.array)
        return self._summary

    @property
    def number(self):
        """The only element as a Python number; None if there are several, or none."""
        if self.array is None or self.size != 1:
            return None
        return self.array.astype(_plain(self.array.dtype)).item()


def summary(array, index=()):
    """The tensor of docs/graphs.md: shape, statistics, histogram and a slice of at most 16 x 16 numbers.

    array: a numpy array of any type; complex numbers are shown by their magnitudes. index: where the slice is in the
    dimensions before the last two, zeros if not given. IndexError if there is no such place.
    """
    plain = np.abs(array) if array.dtype.kind == "c" else array
    plain = plain.astype(_plain(plain.dtype), copy=False)
    finite = _finite(plain)
    count_nan = int(np.isnan(plain).sum()) if finite.size < plain.size else 0
    return {
        "shape": list(array.shape),
        "dtype": f"torch.{array.dtype.name}",
        **_statistics(finite),
        "nan": count_nan,
        "inf": plain.size - finite.size - count_nan,
        "zero": plain.size - int(np.count_nonzero(plain)),
        "size": plain.size,
        "histogram": _histogram(finite),
        "slice": _slice(plain, tuple(index), of_magnitudes=array.dtype.kind == "c"),
    }


def _plain(dtype):
    """A type in which numpy counts and sums: halves as float32, bools as integers."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind not in "iuf" or dtype.itemsize < 4 and dtype.kind == "f":
        return np.dtype(np.float32) if dtype.kind != "c" else dtype
    return dtype


def _finite(plain):
    """The finite elements, in one dimension. A sum over them all tells at once if all are, as they mostly are."""
    flat = plain.reshape(-1)
    if flat.dtype.kind != "f" or np.isfinite(flat.sum(dtype=np.float64)):
        return flat
    return flat[np.isfinite(flat)]


def _statistics(finite):
    if not finite.size:
        return dict.fromkeys(("min", "max", "mean", "std", "norm"))
    wide = finite.astype(np.float64, copy=False)
    norm = np.sqrt(np.square(wide).sum())  # not dot: BLAS would wake its threads
    found = finite.min(), finite.max(), wide.mean(), wide.std(), norm
    return dict(zip(("min", "max", "mean", "std", "norm"), map(number_for_json, found)))


def _histogram(finite):
    if finite.size < 2:
        return None
    low, high = float(finite.min()), float(finite.max())
    if low == high or not math.isfinite(high - low):
        return None
    places = (finite.astype(np.float64) - low) * (BINS / (high - low))
    counts = np.bincount(np.minimum(places.astype(np.int64), BINS - 1), minlength=BINS)
    return {"from": number_for_json(low), "to": number_for_json(high), "counts": counts.tolist()}


def _slice(plain, index, of_magnitudes):
    if not plain.size:
        return None
    leading = max(0, plain.ndim - 2)
    index = index + (0,) * (leading - len(index))
    if len(index) > leading or any(not 0 <= place < size for place, size in zip(index, plain.shape)):
        raise IndexError(f"tensor(index): {index} is no place in the leading dimensions of shape {plain.shape}")
    rows = np.atleast_2d(plain[index])
    shown = rows[:SIDE, :SIDE]
    words = [str(place) for place in index]
    words += [":" if size <= SIDE else f":{SIDE}" for size in plain.shape[leading:]]
    of = f"[{', '.join(words)}]" if words else ""
    digits = None if plain.size == 1 else EXACT
    return {
        "of": f"magnitudes of {of}".rstrip() if of_magnitudes else of,
        "rows": [[number_for_json(each, digits) for each in row] for row in shown],
    }


def number_for_json(value, digits=EXACT):
    """The number for JSON: with so many significant digits (None: all), as a text where JSON has no number for it."""
    if isinstance(value, np.integer):
        return int(value)
    number = float(value)
    if not math.isfinite(number):
        return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"
    return float(str(value)) if digits is None else float(f"{number:.{digits}g}")
