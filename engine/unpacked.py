"""Matrix products in pieces that OpenBLAS multiplies as they lie in memory, instead of packing both factors before.

Its kernels for AVX-512 do so up to a million multiplications, and then reach what the processor can: 64 x 784 times
784 x 128 takes 116 µs in pieces, and 170 as a whole. A piece is some rows of the left matrix times some columns of the
right one; numpy multiplies stacks of them in one call. Other kernels always pack, so nothing is cut for them.
"""

import functools

import numpy as np

from engine import blas

KERNELS = "SkylakeX", "Cooperlake", "SapphireRapids"
MOST = 10**6  # multiplications of one product: sgemm_small_kernel_permit_skylakex.c in OpenBLAS's kernel/x86_64
MOST_TURNED = 1200  # and elements of its result, where the right matrix lies transposed and the left one does not
WIDTH, HEIGHT = 96, 16  # columns of a piece at most; rows at least, where there are as many


@functools.cache
def most():
    """How many multiplications this BLAS makes without packing; 0 if it always packs."""
    return MOST if blas.libraries().kernels() in KERNELS else 0


def cuts(a, b):
    """(height, width) of the pieces of a @ b; None for a product that is small, or would be in too narrow pieces."""
    if a.ndim > 3 or b.ndim > 3 or not most():
        return None
    return _piece(most(), a.shape[-2], a.shape[-1], b.shape[-1], b.strides[-1] != b.itemsize == a.strides[-1])


def multiply(a, b, out):
    """out = a @ b, of matrices or stacks of them, cut where that is worth it. Gives `out`."""
    cut = cuts(a, b)
    if cut is None:
        return np.matmul(a, b, out=out)
    (height, width), common = cut, a.shape[-1]
    down, across = a.shape[-2] // height, b.shape[-1] // width
    a = a.reshape(-1, 1, down, height, common)
    b = b.reshape(-1, 1, common, across, width).transpose(0, 3, 1, 2, 4)
    np.matmul(a, b, out=out.reshape(-1, down, height, across, width).transpose(0, 3, 1, 2, 4))
    return out


@functools.lru_cache(1024)
def _piece(most, rows, common, columns, is_turned):
    if rows * common * columns <= most and not (is_turned and rows * columns > MOST_TURNED):
        return None
    width = divisor(columns, min(most // (common * min(rows, HEIGHT)), WIDTH))
    cells = min(most // common, MOST_TURNED) if is_turned else most // common
    height = divisor(rows, cells // width)
    return None if height * width < min(rows, 8) * min(columns, 16) else (height, width)


@functools.lru_cache(1024)
def divisor(number, most):
    """The largest divisor of `number` up to `most`: of those that fill vectors of BLAS if there are any; at least 1."""
    found = [each for each in range(1, min(most, number) + 1) if number % each == 0]
    return max([each for each in found if each % 16 == 0] or found, default=1)
