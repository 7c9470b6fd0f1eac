"""Uses a function of two shapes that returns one, or raises ValueError if they do not fit."""

import numpy as np

from .views import as_array


def probe(answer, a, b, fits):
    """The shape as an array of its sizes; [-1] for a ValueError where the two do not fit."""
    if fits:
        return as_array(answer(a, b))
    try:
        return as_array(answer(a, b))
    except ValueError:
        return np.array([-1])
