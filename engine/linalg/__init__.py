"""torch.linalg: inverses, determinants, decompositions and norms of matrices (..., m, n), batch dimensions in front.

All can be differentiated, twice too, for real and for complex matrices; but for the modes of `qr` in which torch cannot
either. Of complex eigenvectors and singular vectors a loss may not depend on the phase, which could be any.
"""

import math

import numpy as np

from engine import dtypes, return_types
from engine.functions import arguments, reduction, shape
from engine.functions import elementwise as elementwise_functions
from engine.functions.linear import matmul
from engine.linalg import decompositions
from engine.linalg.decompositions import LinAlgError
from engine.ops import elementwise, linear

__all__ = [
    "LinAlgError", "cholesky", "det", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "matrix_power", "multi_dot",
    "norm", "qr", "slogdet", "solve", "svd", "svdvals", "vecdot", "vector_norm"]


# ---- square matrices: A is (..., n, n) -------------------------------------------------------------------


@arguments.reads
def inv(A):
    """The inverses; LinAlgError for a singular matrix."""
    return decompositions.inv(_square(A, "inv"))


@arguments.reads
def solve(A, B, *, left=True):
    """The X with A @ X = B (X @ A = B if not left). B is (..., n, k), or (..., n) for one vector for each A.

    LinAlgError if some A is singular.
    """
    _square(A, "solve")
    if A.dtype is not B.dtype:
        raise RuntimeError(f"linalg.solve: A and B must have the same dtype, but found {A.dtype} and {B.dtype}")
    if B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]):
        if not left:
            raise RuntimeError(
                "linalg.solve: Vector broadcasting of the left hand side is not supported for left=False.")
        return shape.squeeze(solve(A, shape.unsqueeze(B, -1)), -1)
    if A.shape[-1] != B.shape[-2 if left else -1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes for {'AX' if left else 'XA'} = B: A {_times(A)}, B {_times(B)}")
    return decompositions.solve(A, B) if left else decompositions.solve(A.mT, B.mT).mT


@arguments.reads
def det(A):
    """The determinants (...)."""
    return decompositions.det(_square(A, "det"))


@arguments.reads
def slogdet(A):
    """(sign, logabsdet) of the determinants: det = sign · exp(logabsdet), also where det itself would overflow."""
    _square(A, "slogdet")
    return return_types.linalg_slogdet(decompositions.det_sign(A), decompositions.logabsdet(A))


@arguments.reads
def matrix_power(A, n):
    """A @ A @ ... (n times); the identity for 0, powers of the inverse for n < 0."""
    _check_matrix(A, "matrix_power", square=True, floating=False)
    if n < 0:
        return matrix_power(inv(A), -n)
    result = None
    while n:
        if n & 1:
            result = A if result is None else matmul(result, A)
        n >>= 1
        A = matmul(A, A) if n else A
    return elementwise.where(True, decompositions.constant(A, np.eye), A) if result is None else result


# ---- decompositions -----------------------------------------------------------------------------------------


@arguments.reads
def cholesky(A, *, upper=False):
    """The lower triangular L with L @ L.mT = A, or the upper one; A: symmetric and positive definite.

    Only A's lower triangle (the upper one, if `upper`) is read. LinAlgError if A is not positive definite.
    """
    lower = decompositions.cholesky(_square(A, "cholesky"), triangle="upper" if upper else "lower")
    return lower.mH if upper else lower


@arguments.reads
def eigh(A, UPLO="L"):
    """(eigenvalues in ascending order (..., n), eigenvectors in columns (..., n, n)) of symmetric matrices.

    UPLO: which triangle of A is read, "L" or "U". The gradient of the vectors needs different eigenvalues.
    """
    _square(A, "eigh")
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    n = A.shape[-1]
    packed = decompositions.eigh(A, triangle="upper" if UPLO.upper() == "U" else "lower")
    vectors, values = decompositions.unpack(packed, (n, n), (n,))
    return return_types.linalg_eigh(elementwise_functions.real(values), vectors)


@arguments.reads
def eigvalsh(A, UPLO="L"):
    """The eigenvalues of symmetric matrices, in ascending order; arguments as for `eigh`."""
    return eigh(A, UPLO).eigenvalues


@arguments.reads
def qr(A, mode="reduced"):
    """(Q, R) with Q @ R = A, Q's columns orthonormal, R upper triangular; A: (..., m, n), k = min(m, n).

    mode: "reduced" (Q: (..., m, k)), "complete" (Q: (..., m, m)) or "r" (only R, Q is empty).
    """
    _check_matrix(A, "qr")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    m, n = A.shape[-2:]
    k = min(m, n)
    if mode == "r":
        (R,) = decompositions.unpack(decompositions.qr(A, mode="r"), (k, n))
        return return_types.linalg_qr(type(A)(A.array[:0].reshape(0)), R)
    if m < n:  # the columns beyond a square have no part in Q
        Q, R = qr(A[..., :m])
        return return_types.linalg_qr(Q, shape.cat([R, Q.mH @ A[..., m:]], -1))
    if mode == "complete" and m > n:
        return return_types.linalg_qr(*decompositions.unpack(decompositions.qr(A, mode="complete"), (m, m), (m, n)))
    return return_types.linalg_qr(*decompositions.unpack(decompositions.qr(A, mode="reduced"), (m, k), (k, n)))


@arguments.reads
def svd(A, full_matrices=True):
    """(U, S, Vh) with U @ diag(S) @ Vh = A, S descending; A: (..., m, n), k = min(m, n).

    U: (..., m, m), Vh: (..., n, n), or (..., m, k) and (..., k, n) if not full_matrices. The gradient of U and Vh
    needs different singular values, and there is none for columns of U and rows of Vh beyond k.
    """
    _check_matrix(A, "svd")
    packed = decompositions.svd(A, full_matrices=bool(full_matrices))
    U, S, Vh = decompositions.unpack(packed, *decompositions.svd_shapes(A.shape, full_matrices))
    return return_types.linalg_svd(U, elementwise_functions.real(S), Vh)


@arguments.reads
def svdvals(A):
    """The singular values, in descending order."""
    _check_matrix(A, "svdvals")
    return svd(A, full_matrices=False).S


# ---- norms ------------------------------------------------------------------------------------------------------


@arguments.reads(dim=arguments.optional(arguments.DIMS), ord=arguments.NUMBER)
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(Σ |x|^ord)^(1/ord) over `dim` (a number, several, or None for all). ord: a number; inf, -inf: the largest or
    smallest |x|; 0: how many are not 0. Where the norm is 0 its derivatives are 0, the first and the second."""
    x = _as_type(x, dtype, "vector_norm")
    dims = arguments.check_dims(dim, x.ndim)
    combined = x.shape if dims is None else [x.shape[each] for each in dims]
    if 0 in combined and (ord < 0 or ord == math.inf):
        raise RuntimeError(f"linalg.vector_norm: the {ord} norm of an empty tensor is not defined")
    return linear.vector_norm(x, ord=ord, dim=dims, keepdim=bool(keepdim))


@arguments.reads(dim=arguments.INTS, ord=arguments.NUMBER_OR_STR)
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """The norm of the matrices in the two dimensions `dim`.

    ord: "fro" (as a vector), "nuc" (the sum of the singular values), 2 or -2 (the largest or smallest of them),
    1 or -1 (the largest or smallest sum of a column's |x|), inf or -inf (of a row's).
    """
    if A.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a tuple of two ints, got {dim!r}")
    rows, columns = [arguments.check_dim(each, A.ndim) for each in dim]
    if rows == columns:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    A = _as_type(A, dtype, "matrix_norm")
    empty = 0 in (A.shape[rows], A.shape[columns])
    if ord == "fro" or (empty and ord in (1, 2, math.inf)):  # nothing at all has the norm 0 by each of them
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord == "nuc" or (ord in (2, -2) and not isinstance(ord, str)):
        rest = [each for each in range(A.ndim) if each not in (rows, columns)]
        values = svdvals(shape.permute(A, *rest, rows, columns))
        combine = reduction.sum if ord == "nuc" else reduction.amax if ord > 0 else reduction.amin
        norm = combine(values, -1)
        return shape.unsqueeze(shape.unsqueeze(norm, min(rows, columns)), max(rows, columns)) if keepdim else norm
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    first, second = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = reduction.sum(elementwise.abs_(A), first, keepdim=True)
    norm = (reduction.amax if ord > 0 else reduction.amin)(sums, second, keepdim=True)
    return norm if keepdim else shape.squeeze(norm, (rows, columns))


@arguments.reads(dim=arguments.optional(arguments.DIMS), ord=arguments.optional(arguments.NUMBER_OR_STR))
def norm(A, ord=None, dim=None, keepdim=False, *, dtype=None):
    """`vector_norm` over one dimension or of a vector, `matrix_norm` over two or of a matrix; with neither ord nor dim,
    the length of all elements together."""
    if dim is not None:
        dim = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
        if ord is not None and len(dim) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    elif ord is not None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {A.ndim}D.")
    if isinstance(ord, str) or (ord is not None and (A.ndim if dim is None else len(dim)) == 2):
        return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


# ---- products -----------------------------------------------------------------------------------------------------


@arguments.reads
def vecdot(x, y, *, dim=-1):
    """The sums of the products over `dim`, with broadcasting; of x its conjugate is taken."""
    return reduction.sum(elementwise.mul(x.conj(), y), dim)


@arguments.reads
def multi_dot(tensors):
    """The matrix product of several matrices, in the order that takes the fewest multiplications.

    The first may be a row vector, the last a column vector.
    """
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for position, each in enumerate(tensors):
        if each.ndim != 2 and not (each.ndim == 1 and position in (0, len(tensors) - 1)):
            allowed = "1D or 2D" if position in (0, len(tensors) - 1) else "2D"
            raise RuntimeError(f"multi_dot(): tensor {position} must be {allowed} but got {each.ndim}D")
        if position and tensors[position - 1].shape[-1] != each.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {position - 1} and {position} with shapes {list(tensors[position - 1].shape)} "
                f"and {list(each.shape)} cannot be multiplied")
    sizes = [each.shape[0] if each.ndim == 2 else 1 for each in tensors[:1]] + [each.shape[0] for each in tensors[1:]]
    sizes.append(tensors[-1].shape[1] if tensors[-1].ndim == 2 else 1)
    return _multiply(tensors, _best_splits(sizes), 0, len(tensors))


def _best_splits(sizes):
    """For each run of matrices (start, stop): where to split it, by dynamic programming over the runs' lengths."""
    count = len(sizes) - 1
    cost, split = {(start, start + 1): 0 for start in range(count)}, {}
    for length in range(2, count + 1):
        for start in range(count - length + 1):
            stop = start + length
            costs = {
                middle: cost[start, middle] + cost[middle, stop] + sizes[start] * sizes[middle] * sizes[stop]
                for middle in range(start + 1, stop)}
            split[start, stop] = min(costs, key=costs.get)
            cost[start, stop] = costs[split[start, stop]]
    return split


def _multiply(tensors, split, start, stop):
    if stop == start + 1:
        return tensors[start]
    middle = split[start, stop]
    return matmul(_multiply(tensors, split, start, middle), _multiply(tensors, split, middle, stop))


# ---- arguments ------------------------------------------------------------------------------------------------------


def _square(A, function):
    return _check_matrix(A, function, square=True)


def _check_matrix(A, function, square=False, floating=True):
    """A, if it holds matrices that LAPACK takes; RuntimeError in torch's words otherwise."""
    if A.ndim < 2:
        raise RuntimeError(f"linalg.{function}: The input tensor A must have at least 2 dimensions.")
    if floating and not (A.dtype.is_floating_point or A.dtype.is_complex):
        raise RuntimeError(f"linalg.{function}: Expected a floating point or complex tensor as input. Got {A.dtype}")
    if floating and A.dtype is dtypes.float16:
        raise RuntimeError(f"linalg.{function}: Low precision dtypes not supported. Got {A.dtype}")
    if square and A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.{function}: A must be batches of square matrices, but they are {A.shape[-2]} by "
            f"{A.shape[-1]} matrices")
    return A


def _as_type(tensor, dtype, function):
    if not (tensor.dtype.is_floating_point or tensor.dtype.is_complex):
        raise RuntimeError(
            f"linalg.{function}: Expected a floating point or complex tensor as input. Got {tensor.dtype}")
    if dtype is None:
        return tensor
    if dtypes.check_dtype(dtype).category < dtypes.FLOAT:
        raise RuntimeError(f"linalg.{function}: dtype should be floating point or complex, but got {dtype}")
    if dtypes.promote_types(tensor.dtype, dtype) is not dtype:
        raise RuntimeError(
            f"linalg.{function}: the dtype of the input ({tensor.dtype}) should be convertible without narrowing to "
            f"the specified dtype ({dtype})")
    return tensor.to(dtype)


def _times(matrix):
    return f"{matrix.shape[-2]}x{matrix.shape[-1]}"
