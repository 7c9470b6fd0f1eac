"""Uses a function that describes a view by tuples of whole numbers: its shape, its strides, where it begins."""

import numpy as np


def probe(answer, *arguments):
    """(shape, strides, offset) as arrays; whatever is no number and no tuple of numbers stays as it is."""
    value = answer(*arguments)
    return tuple(map(as_array, value)) if isinstance(value, (tuple, list)) else value


def as_array(value):
    """A number, or a tuple or list of numbers, as an array; an empty tuple as one of integers."""
    items = value if isinstance(value, (tuple, list)) else (value,)
    if not all(isinstance(item, (int, float, np.number)) for item in items):
        return value
    return np.array(value) if items else np.zeros(0, dtype=int)
