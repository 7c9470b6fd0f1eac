"""Matrix multiplication and the length of vectors; most of linear algebra is composed from these two."""

import math

import numpy as np

from engine import backend, threads
from engine.ops.elementwise import abs_, abs_complex, sign, where
from engine.ops.reduction import restore, sum_
from engine.ops.shape import reshape, transpose
from engine.ops.table import primitive, sample, shape_of


def transposed(a):
    """The matrices of (..., m, n) as (..., n, m)."""
    return transpose(a, dim0=-2, dim1=-1)


def is_complex(a):
    """Whether the array or tensor holds complex numbers."""
    return getattr(a, "array", a).dtype.kind == "c"


# ---- products -----------------------------------------------------------------------------------------


def _explain_matmul(arrays, metadata):
    a, b = [shape_of(array) for array in arrays]
    if len(a) == len(b) == 2:
        return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({a[0]}x{a[1]} and {b[0]}x{b[1]})")
    return RuntimeError(
        f"matmul: shapes {list(a)} and {list(b)} cannot be multiplied: the last of the first must equal the last but "
        "one of the second (its only one, for a vector), and what stands in front must broadcast")


def _matmul(a, b):
    if a.dtype != b.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}")
    if a.dtype.kind == "b":
        raise NotImplementedError("matrix multiplication is not implemented for 'Bool'")
    if a.dtype == np.float16 and backend.is_on_cpu(a):  # sums in half precision would lose too much
        return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if a.ndim > 2 and b.ndim == 2 and a.shape[-1] == b.shape[0]:  # one large product instead of many small ones
        rows = a.reshape(math.prod(a.shape[:-1]), a.shape[-1])
        return threads.matmul(rows, b).reshape(a.shape[:-1] + b.shape[1:])
    return threads.matmul(a, b)


def _as_matrix_gradient(g, a_shape, b_shape):
    """`g` as if vectors had been a row (left) and a column (right)."""
    g = g[..., None] if len(b_shape) == 1 else g
    return g[..., None, :] if len(a_shape) == 1 else g


def _matmul_vjp_a(g, a_shape, b):
    g = _as_matrix_gradient(g, a_shape, b.shape)
    product = matmul(g, transposed(b[..., None] if b.ndim == 1 else b))
    return product[..., 0, :] if len(a_shape) == 1 else product


def _matmul_vjp_b(g, a, b_shape):
    g = _as_matrix_gradient(g, a.shape, b_shape)
    a = a[None] if a.ndim == 1 else a
    if a.ndim > 2 and len(b_shape) <= 2:  # the sum over the batch is part of the product
        rows = math.prod(a.shape[:-1])
        a, g = reshape(a, shape=(rows, a.shape[-1])), reshape(g, shape=(rows, g.shape[-1]))
    product = matmul(transposed(a), g)
    return product[..., 0] if len(b_shape) == 1 else product


# Of matrices, with batch dimensions in front that broadcast; a vector is a row (left) or a column (right).
matmul = primitive(
    "matmul", "a b", _matmul, [_matmul_vjp_a, _matmul_vjp_b], label="@", explain=_explain_matmul,
    example=sample((2, 3, 4), (4, 2)))

# ---- length -------------------------------------------------------------------------------------------


def _vector_norm(a, *, ord, dim, keepdim):
    if a.dtype == np.float16:  # powers of halves overflow where the norm does not
        return _vector_norm(a.astype(np.float32), ord=ord, dim=dim, keepdim=keepdim).astype(np.float16)
    size = np.abs(a)
    how = {"axis": dim, "keepdims": keepdim}
    if ord == math.inf:
        return np.max(size, **how)
    if ord == -math.inf:
        return np.min(size, **how)
    if ord == 0:
        return np.sum(size != 0, **how).astype(size.dtype)
    if ord == 1:
        return np.sum(size, **how)
    if ord == 2:
        return np.sqrt(np.sum(size * size, **how))
    return np.sum(size**ord, **how) ** (1 / ord)


def _size_and_direction(a):
    """|a| and a / |a|; the direction of 0 is 0."""
    if not is_complex(a):
        return abs_(a), sign(a)
    size = abs_complex(a)
    return size, a / where(size == 0, 1, size)


def _vector_norm_vjp(g, a, result, ord, dim, keepdim):
    """g · a/|a| · (|a| / norm)^(ord - 1); 0 where the norm is 0; shared among equals for the largest or smallest."""
    if ord == 0:  # a count does not move
        return a * 0
    g, norm = restore(g, a.shape, dim, keepdim), restore(result, a.shape, dim, keepdim)
    is_zero = norm == 0
    if ord == 2:
        return g * (a / where(is_zero, math.inf, norm))
    size, direction = _size_and_direction(a)
    if ord == 1:
        return g * direction
    if abs(ord) == math.inf:
        chosen = size == norm
        return g * direction * chosen / restore(sum_(chosen, dim=dim, keepdim=keepdim), a.shape, dim, keepdim)
    g, norm = where(is_zero, 0, g), where(is_zero, 1, norm)
    return g * direction * where(size == 0, 1, size / norm) ** (ord - 1)


vector_norm = primitive(
    "vector_norm", "a", _vector_norm, [_vector_norm_vjp], label="‖·‖",
    example=sample((2, 3, 2), ord=2.5, dim=(0, 2), keepdim=False))
