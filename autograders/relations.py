"""How a wrong picture comes from the right one, where it does: turned, mirrored, moved, rescaled.

Two pictures that differ in every number may differ by one slip only, a swapped index or a lost sign. The sentences
here say which, and only if it explains every number.
"""

from collections.abc import Iterator

import numpy as np

from autograders.compare import close

LAST = (-2, -1)
_MOVES = {(-2, 1): "one row down", (-2, -1): "one row up", (-1, 1): "one column right", (-1, -1): "one column left"}


def relation(yours: np.ndarray, expected: np.ndarray, allowed: float) -> str:
    """A sentence that says how `yours` comes from `expected`, to within `allowed`; empty if no simple way does.

    Both are arrays of one shape whose last two axes are rows and columns.
    """
    if not (np.all(np.isfinite(yours)) and np.all(np.isfinite(expected))):
        return ""
    for changed, words in _changes(expected):
        if close(yours, changed, np.float64(allowed)):
            return f"Yours is the expected picture {words}."
    for (axis, step), words in _MOVES.items():
        if _is_moved(yours, expected, axis, step, allowed):
            return f"Yours is the expected picture moved {words}."
    return _rescaled(yours, expected, allowed)


def _changes(expected: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    yield np.flip(expected, -2), "upside down"
    yield np.flip(expected, -1), "mirrored left to right"
    yield np.flip(expected, LAST), "turned by 180 degrees"
    yield np.swapaxes(expected, -2, -1), "with rows and columns swapped"
    if expected.ndim > 2:
        yield np.flip(expected, -3), "with the pictures in reverse order"
    yield -expected, "with the opposite sign"


def _is_moved(yours: np.ndarray, expected: np.ndarray, axis: int, step: int, allowed: float) -> bool:
    """Whether yours, where the two overlap, is the expected picture moved by `step` along `axis`."""
    size = expected.shape[axis]
    here, there = np.arange(max(step, 0), size + min(step, 0)), np.arange(max(-step, 0), size - max(step, 0))
    overlap = np.take(expected, there, axis)
    tells_something = np.ptp(overlap) > 2 * allowed  # an even picture looks the same wherever it is moved
    return bool(tells_something) and close(np.take(yours, here, axis), overlap, np.float64(allowed))


def _rescaled(yours: np.ndarray, expected: np.ndarray, allowed: float) -> str:
    if np.all(np.abs(yours) <= allowed):
        return "Yours is 0 everywhere."
    largest = np.unravel_index(np.abs(expected).argmax(), expected.shape)
    if np.abs(expected[largest]) > 0 and np.ptp(expected) > 2 * allowed:
        factor = yours[largest] / expected[largest]
        if close(yours, factor * expected, np.float64(allowed * (2 + abs(factor)))):
            return f"Yours is {factor:.4g} times the expected picture."
    added = np.median(yours - expected)
    if close(yours, expected + added, np.float64(3 * allowed)):
        return f"Yours is the expected picture with {added:.4g} added everywhere."
    return ""
