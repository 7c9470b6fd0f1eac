"""Matrix multiplication. Everything else in linear algebra so far is composed from it."""

import numpy as np

from engine.ops.shape import transpose
from engine.ops.table import primitive, shape_of


def _explain_matmul(arrays, metadata):
    a, b = [shape_of(array) for array in arrays]
    if len(a) == len(b) == 2:
        return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")
    return RuntimeError(
        f"matmul: shapes {list(a)} and {list(b)} cannot be multiplied: the last of the first must equal the last but one of the second"
    )


def _matmul(a, b):
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}")
    return np.matmul(a, b)


matmul = primitive(
    "matmul",
    "a b",
    _matmul,  # matrices, with batch dimensions in front that broadcast
    [lambda g, b: matmul(g, transpose(b, dim0=-2, dim1=-1)), lambda g, a: matmul(transpose(a, dim0=-2, dim1=-1), g)],
    label="@",
    explain=_explain_matmul,
    example=lambda random: ((random(2, 3, 4), random(4, 2)), {}),
)
