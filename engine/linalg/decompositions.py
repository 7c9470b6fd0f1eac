"""Inverses, determinants and decompositions of square and rectangular matrices (..., m, n), by LAPACK or cuSOLVER.

An op has one result. Those of a decomposition are packed side by side in one array (..., length), which
`unpack` takes apart again; so a gradient of any of them arrives at one VJP.
"""

import functools
import math

import numpy as np

from engine import backend
from engine.autograd.graph import TensorBase
from engine.ops.elementwise import where
from engine.ops.linear import is_complex, transposed
from engine.ops.table import primitive


class LinAlgError(RuntimeError):
    """A matrix for which there is no answer: a singular one to invert, one to factorize that is not positive."""


def pack(*arrays):
    """Arrays (*batch, ...), the first of them matrices, side by side as one array (*batch, length)."""
    batch = arrays[0].shape[:-2]
    return np.concatenate([each.reshape(batch + (math.prod(each.shape[len(batch) :]),)) for each in arrays], axis=-1)


def unpack(packed, *shapes):
    """The packed arrays or tensors again, the first of shape (*batch, *shapes[0]), and so on."""
    parts, start = [], 0
    for shape in shapes:
        stop = start + math.prod(shape)
        parts.append(packed[..., start:stop].reshape(tuple(packed.shape[:-1]) + tuple(shape)))
        start = stop
    return parts


def constant(a, make):
    """make(n), a numpy matrix, to calculate with n x n matrices `a`: of their type and on their device."""
    array = a.array if isinstance(a, TensorBase) else a
    constant = backend.as_array(make(a.shape[-1]).astype(array.dtype), like=array)
    return type(a)(constant) if isinstance(a, TensorBase) else constant


def adjoint(a):
    """The conjugated transposes, aᴴ."""
    return transposed(a).conj()


def half_below(n):
    """Keeps what is below the diagonal and half of the diagonal: what is left of a symmetric change."""
    return np.tri(n) - np.eye(n) / 2


def _strict(function):
    """numpy raises where there is no answer; cupy returns infinities and NaN, and here it shall raise too."""

    def forward(*arrays, **metadata):
        result = function(*arrays, **metadata)
        if not backend.is_on_cpu(result) and not np.all(np.isfinite(result)):
            if all(np.all(np.isfinite(array)) for array in arrays):
                raise np.linalg.LinAlgError
        return result

    return forward


def _first_failing(function, matrices):
    """(in words, for a batch) which matrix `function` fails on, and the matrix."""
    host = backend.to_numpy(matrices)
    for position, matrix in enumerate(host.reshape((-1, *host.shape[-2:]))):
        try:
            function(matrix)
        except np.linalg.LinAlgError:
            return ("" if host.ndim == 2 else f"(Batch element {position}): "), matrix
    return "", host


def _example(*shape):
    return lambda random: ((random(*shape) + 2 * np.eye(*shape[-2:]),), {})


# ---- square matrices ------------------------------------------------------------------------------------


def _explain_inv(arrays, metadata):
    where, _ = _first_failing(np.linalg.inv, arrays[0])
    return LinAlgError(f"linalg.inv: {where}The inversion could not be completed because the input matrix is singular.")


inv = primitive(
    "linalg_inv", "a", _strict(np.linalg.inv), [lambda g, result: -(transposed(result) @ g @ transposed(result))],
    label="⁻¹", explain=_explain_inv, example=_example(2, 3, 3))


def _explain_solve(arrays, metadata):
    return LinAlgError("torch.linalg.solve: The solver failed because the input matrix is singular.")


solve = primitive(
    "linalg_solve", "a b", _strict(np.linalg.solve),  # a: (..., n, n), b: (..., n, k), result: the x with a @ x = b
    [lambda g, a, result: -(solve(transposed(a), g) @ transposed(result)), lambda g, a: solve(transposed(a), g)],
    explain=_explain_solve, example=lambda random: ((random(2, 3, 3) + 2 * np.eye(3), random(3, 2)), {}))


def _cofactors(a):
    """det(a) · inverse(a)ᵀ, which exists for singular matrices too: from a = u · diag(s) · vᵀ."""
    u, s, v = np.linalg.svd(a)
    others = np.where(constant(a, np.eye) == 1, 1, s[..., None, :])
    signs = np.linalg.det(u) * np.linalg.det(v)
    return signs[..., None, None] * np.matmul(u * np.prod(others, axis=-1)[..., None, :], v).conj()


def _cofactors_vjp(g, a, result):
    inverse = inv(a)
    overlap = (g * transposed(inverse)).sum((-2, -1))[..., None, None]
    return overlap * result - result @ transposed(g) @ transposed(inverse)


cofactors = primitive("cofactors", "a", _cofactors, [_cofactors_vjp], example=_example(2, 3, 3))
det = primitive(
    "linalg_det", "a", np.linalg.det, [lambda g, a: g[..., None, None] * cofactors(a)],
    label="det", example=_example(2, 3, 3))


def _sign_vjp(g, a, result):
    """Of a real determinant's sign: 0. Of a complex one's e^iφ with φ = Im log det: i · Im(g · sign) · inverse(a)ᵀ."""
    if not is_complex(a):
        return a * 0
    return 1j * (g * result).imag[..., None, None] * transposed(inv(a))


logabsdet = primitive(
    "logabsdet", "a", lambda a: np.linalg.slogdet(a)[1], [lambda g, a: g[..., None, None] * adjoint(inv(a))],
    label="log|det|", example=_example(2, 3, 3))
det_sign = primitive(
    "det_sign", "a", lambda a: np.linalg.slogdet(a)[0], [_sign_vjp], label="sign det", example=_example(2, 3, 3))

# ---- decompositions: what their derivatives share ---------------------------------------------------------


def _as_published(formula):
    """A VJP from a formula for the gradient itself; `Node.gradients` gives its conjugate where the result is complex.

    Formulas of real matrices: Giles, "Collected matrix derivative results" (2008); of complex ones: Boeddeker et al.,
    "On the computation of complex-valued gradients" (2017). Where they write aᴴ, `adjoint` stands here.
    """

    @functools.wraps(formula)
    def vjp(g, *saved):
        return formula(g.conj(), *saved).conj()

    return vjp


def _divided(turns, gaps):
    """turns / gaps for vectors that turn into each other, whose values lie `gaps` apart; 0 where nothing turns."""
    return turns / where((turns == 0) & (gaps == 0), 1, gaps)


def _check_phases(turns, function):
    """RuntimeError for a gradient along the phase of complex vectors, which could be any."""
    turns = turns.array if isinstance(turns, TensorBase) else turns
    if is_complex(turns) and np.any(abs(np.diagonal(turns, axis1=-2, axis2=-1).imag) > 1e-2):
        raise RuntimeError(
            f"{function}_backward: vectors of a complex matrix are determined up to a factor of absolute value 1. The "
            "specified loss function depends on this quantity, so it is ill-defined.")


# ---- symmetric (Hermitian) matrices -----------------------------------------------------------------------


def _middle(a):
    """The symmetric (Hermitian) part: the mean of both triangles."""
    return (a + adjoint(a)) / 2


def _read(a, triangle):
    """The matrix whose lower triangle, all that LAPACK reads, is a's "lower" or "upper" one or the mean of "both"."""
    return _middle(a) if triangle == "both" else a if triangle == "lower" else adjoint(a)


@_as_published
def _cholesky_vjp(g, result):
    inverse = inv(result)
    inner = adjoint(result) @ g
    below = inner * constant(inner, lambda n: np.tri(n, k=-1))
    inner = below + adjoint(below) + inner * constant(inner, np.eye)
    return adjoint(inverse) @ inner @ inverse / 2


def _explain_cholesky(arrays, metadata):
    where, matrix = _first_failing(np.linalg.cholesky, _read(*arrays, **metadata))
    order = 1
    while order < len(matrix) and not _first_failing(np.linalg.cholesky, matrix[None, :order, :order])[0]:
        order += 1
    return LinAlgError(
        f"linalg.cholesky: {where}The factorization could not be completed because the input is not "
        f"positive-definite (the leading minor of order {order} is not positive-definite).")


cholesky = primitive(
    "linalg_cholesky", "a", _strict(lambda a, *, triangle: np.linalg.cholesky(_read(a, triangle))), [_cholesky_vjp],
    explain=_explain_cholesky,
    example=lambda random: ((random(2, 3, 3) * 0.1 + 2 * np.eye(3),), {"triangle": "both"}))


def _eigh(a, *, triangle):
    values, vectors = np.linalg.eigh(_read(a, triangle))
    return pack(vectors, values)


@_as_published
def _eigh_vjp(g, a_shape, result):
    """The gradient is symmetric (Hermitian), half of it in each triangle, whichever was read; as in torch."""
    n = a_shape[-1]
    vectors, values = unpack(result, (n, n), (n,))
    g_vectors, g_values = unpack(g, (n, n), (n,))
    turns, identity = adjoint(vectors) @ g_vectors, constant(vectors, np.eye)
    _check_phases(turns, "linalg_eigh")
    turns = _divided(turns * (1 - identity), values[..., None, :] - values[..., None])
    return _middle(vectors @ (turns + identity * g_values[..., None]) @ adjoint(vectors))


eigh = primitive(
    "linalg_eigh", "a", _eigh, [_eigh_vjp], example=lambda random: ((random(2, 3, 3),), {"triangle": "both"}))

# ---- rectangular matrices ------------------------------------------------------------------------------------


def _qr(a, *, mode):
    found = np.linalg.qr(a, mode=mode)
    return pack(found) if mode == "r" else pack(*found)


@_as_published
def _qr_vjp(g, a_shape, result, mode):
    m, n = a_shape[-2:]
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
            "linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr.")
    if mode == "complete":
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols")
    q, r = unpack(result, (m, n), (n, n))
    g_q, g_r = unpack(g, (m, n), (n, n))
    inner = r @ adjoint(g_r) - adjoint(g_q) @ q
    inner = inner * constant(inner, half_below)
    return adjoint(solve(r, adjoint(g_q + q @ (inner + adjoint(inner)))))


qr = primitive(  # "reduced": m >= n
    "linalg_qr", "a", _qr, [_qr_vjp], example=lambda random: ((random(2, 4, 3),), {"mode": "reduced"}))


def _svd(a, *, full_matrices):
    return pack(*np.linalg.svd(a, full_matrices=full_matrices))


def svd_shapes(shape, full_matrices):
    """The shapes of u, s and vᴴ (for one matrix) of matrices of this shape."""
    m, n = shape[-2:]
    k = min(m, n)
    return ((m, m), (k,), (n, n)) if full_matrices else ((m, k), (k,), (k, n))


@_as_published
def _svd_vjp(g, a_shape, result, full_matrices):
    """Columns of u and rows of vᴴ beyond the smaller dimension could be any that complete the basis: no gradient."""
    shapes, (m, n) = svd_shapes(a_shape, full_matrices), a_shape[-2:]
    k = min(m, n)
    (u, s, v), (g_u, g_s, g_v) = [
        (u[..., :k], s[..., None, :], v[..., :k, :]) for u, s, v in (unpack(each, *shapes) for each in (result, g))]
    u_turns, v_turns = adjoint(u) @ g_u, v @ adjoint(g_v)
    u_turns, v_turns = u_turns - adjoint(u_turns), v_turns - adjoint(v_turns)
    _check_phases(u_turns + v_turns, "svd")
    identity, gaps = constant(u_turns, np.eye), s * s - transposed(s * s)
    inner = _divided((u_turns * s + transposed(s) * v_turns) * (1 - identity), gaps)
    phases = _divided(u_turns * identity, 2 * s * identity)  # of u and v together; 0 for real matrices
    whole = u @ (inner + phases + identity * g_s.real) @ v
    if m > k:
        outside = _divided(g_u, s)
        whole = whole + (outside - u @ (adjoint(u) @ outside)) @ v
    if n > k:
        outside = _divided(g_v, transposed(s))
        whole = whole + u @ (outside - outside @ adjoint(v) @ v)
    return whole


svd = primitive(
    "linalg_svd", "a", _svd, [_svd_vjp], example=lambda random: ((random(2, 3, 4),), {"full_matrices": False}))
