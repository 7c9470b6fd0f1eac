"""One returned array beside the expected one: is it right, and if not, how to say so.

Nothing here trusts the value it is given: only exact numpy arrays and plain numbers are ever looked into.
"""

from dataclasses import dataclass

import numpy as np

from autograders.session import Opaque, crossing

PRINTED_SIZE = 36  # arrays with more numbers than this are described, not printed


@dataclass(frozen=True)
class Expected:
    """The right result in float64, the dtype it should have, and its rounding allowance in units of eps.

    `is_absolute` allowances are no multiple of eps.
    """

    array: np.ndarray
    dtype: np.dtype
    rounding: np.ndarray
    is_absolute: bool = False

    def allowed(self, dtype: np.dtype) -> np.ndarray:
        """How far off an honest result of this dtype may be, number by number.

        A float32 result of float64 inputs is a wrong dtype, judged elsewhere; its values get float32's allowance.
        """
        if self.is_absolute:
            return self.rounding
        coarsest = np.float32 if np.float32 in (dtype, self.dtype) else np.float64
        return np.finfo(coarsest).eps * self.rounding


def as_array(value) -> np.ndarray | None:
    """`value` as a real-valued array, or None if it isn't one."""
    value = crossing(value)
    if not isinstance(value, (np.ndarray, bool, int, float)):
        return None
    array = np.asarray(value)
    return array if array.dtype.kind in "biuf" else None


def close(yours: np.ndarray, expected: np.ndarray, allowed: np.ndarray) -> bool:
    """Same shape and, number by number, equal, both nan, or at most `allowed` apart."""
    if yours.shape != expected.shape:
        return False
    yours = yours.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):  # inf - inf; a difference too big to be a number
        near = np.abs(yours - expected) <= allowed
    return bool(np.all(near | (yours == expected) | (np.isnan(yours) & np.isnan(expected))))


def kind_of(value) -> str:
    """What was returned, as a learner would call it: "a list", "None", "a tuple of 2 results"."""
    if value is None:
        return "None"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)} result{'' if len(value) == 1 else 's'}"
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    name = value.type_name if isinstance(value, Opaque) else type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def show(value) -> str:
    """A value as text: small arrays in full, big ones by shape and dtype."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    described = f"shape {value.shape}, {value.dtype}"
    if value.size > PRINTED_SIZE or value.size == 0:
        return f"array of {described}"
    printed = np.array2string(value, precision=4, separator=", ", max_line_width=72)
    return f"{printed}  {described}" if "\n" not in printed else f"{printed}\n{described}"


def difference(yours: np.ndarray, expected: np.ndarray, allowed: np.ndarray) -> str:
    """Where two arrays of the same shape part: the first place, and the largest distance."""
    yours = yours.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = yours - expected
    off = ~(np.abs(gap) <= allowed)
    lines = []
    if 1 < gap.size <= PRINTED_SIZE:
        lines.append(np.array2string(gap, precision=4, separator=", ", max_line_width=72))
    first = tuple(int(index) for index in np.argwhere(off)[0])
    place = f"first at {list(first)}: " if first else ""
    lines.append(f"{place}yours {yours[first]:.8g}, expected {expected[first]:.8g}")
    if np.all(np.isfinite(gap)):
        lines.append(f"{np.count_nonzero(off)} of {gap.size} differ; the largest difference is {np.abs(gap).max():.3g}")
    return "\n".join(lines)
