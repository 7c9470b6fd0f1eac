"""Derivatives of complex matrices, first and second, by finite differences; named results; corners without a derivative."""

import numpy as np
import pytest

import engine
from engine import linalg
from engine.autograd import grad, gradcheck, gradgradcheck

LINES = {
    "inv": lambda a: linalg.inv(a),
    "solve": lambda a, b: linalg.solve(a, b),
    "det": lambda a: linalg.det(a),
    "slogdet": lambda a: tuple(linalg.slogdet(a)),
    "logdet": lambda a: engine.logdet(a),
    "cholesky": lambda a: linalg.cholesky(a @ a.mH),
    "cholesky, upper": lambda a: linalg.cholesky(a @ a.mH, upper=True),
    "eigvalsh": lambda a: linalg.eigvalsh(a + a.mH),
    "eigh": lambda a: projectors(linalg.eigh(a + a.mH).eigenvectors),
    "eigh, upper triangle": lambda a: projectors(linalg.eigh(a @ a.mH, "U").eigenvectors),
    "qr": lambda a: tuple(linalg.qr(a)),
    "qr of tall matrices": lambda a: tuple(linalg.qr(a[..., :2])),
    "qr of wide matrices": lambda a: tuple(linalg.qr(a[..., :2, :])),
    "svdvals": lambda a: linalg.svdvals(a[..., :2]),
    "svd": lambda a: parts(*linalg.svd(a)),
    "svd of tall matrices": lambda a: parts(*linalg.svd(a[..., :2], full_matrices=False)),
    "svd of wide matrices": lambda a: parts(*linalg.svd(a[..., :2, :], full_matrices=False)),
    "svd, vectors that complete the basis": lambda a: linalg.svd(a[..., :2]).U[..., :2].abs(),
    "matrix_norm": lambda a: linalg.matrix_norm(a, "nuc"),
    "vector_norm": lambda a: linalg.vector_norm(a, 3, dim=-1),
    "matrix_power": lambda a: linalg.matrix_power(a, -2),
}


def projectors(vectors):
    """Each vector times its own adjoint, which knows nothing of the vector's phase."""
    return vectors[..., None, :] * vectors[..., None, :, :].conj()


def parts(U, S, Vh):
    """What a loss may depend on: the singular values, and U and Vh up to a phase that they share."""
    return S, U[..., :, None, :] * Vh.mT[..., None, :, :]


def complex_leaves(function, device):
    """The arguments of a line: complex (2, 3, 3) matrices, well away from singular ones."""
    generator = np.random.default_rng(2)
    count = function.__code__.co_argcount
    draws = [generator.standard_normal((2, 2, 3, 3)) for _ in range(count)]
    arrays = [real + 1j * imaginary + 2 * np.diag([1, -2, 3]) for real, imaginary in draws]
    return [engine.tensor(array, device=device).requires_grad_() for array in arrays]


@pytest.mark.parametrize("name", LINES)
def test_derivatives_of_complex_matrices(name, device):
    """The formulas of Giles and of Boeddeker et al. are those of the functions: first derivatives, all elements."""
    assert gradcheck(LINES[name], complex_leaves(LINES[name], device))


@pytest.mark.parametrize("name", sorted({name.split(",")[0].split(" ")[0] for name in LINES}))
def test_second_derivatives_of_complex_matrices(name, device):
    """The same lines can be differentiated once more."""
    leaves = [leaf[0].detach().requires_grad_() for leaf in complex_leaves(LINES[name], device)]
    assert gradgradcheck(LINES[name], leaves, atol=1e-4)


def test_a_loss_of_the_phase_is_refused(device):
    """Vectors of complex matrices may be multiplied by any e^iφ: a loss that sees φ has no gradient, as in torch."""
    (a,) = complex_leaves(LINES["svd"], device)
    for vectors in (linalg.eigh(a + a.mH).eigenvectors, linalg.svd(a).U):
        with pytest.raises(RuntimeError, match="ill-defined"):
            (vectors * (1 + 2j)).real.sum().backward()


def test_equal_values_hinder_only_the_gradient_of_vectors(device):
    """Singular values and eigenvalues have gradients where they are equal; vectors of equal ones have none."""
    a = engine.eye(3, device=device, dtype=engine.float64).requires_grad_()
    assert grad(linalg.svdvals(a).sum(), a)[0].tolist() == np.eye(3).tolist()
    assert grad(linalg.eigvalsh(a * 2).sum(), a)[0].tolist() == (2 * np.eye(3)).tolist()
    assert not grad((linalg.eigh(a)[1] * engine.arange(9, device=device).reshape(3, 3)).sum(), a)[0].isfinite().all()


def test_only_one_triangle_is_read_and_its_gradient_is_symmetric(device):
    """What stands in the other triangle counts for nothing, not even NaN; the gradient is half in each, as torch's."""
    nan = float("nan")
    lower = engine.tensor([[4.0, nan], [2.0, 3.0]], device=device, dtype=engine.float64, requires_grad=True)
    upper = lower.detach().T.clone().requires_grad_()
    for a, results in ((lower, (linalg.cholesky(lower), linalg.eigvalsh(lower))),
                       (upper, (linalg.cholesky(upper, upper=True), linalg.eigvalsh(upper, "U")))):
        for result in results:
            assert result.isfinite().all()
            slope = grad(result.sum(), a)[0]
            assert slope.isfinite().all() and slope.allclose(slope.T) and slope[0, 1] != 0


@pytest.mark.parametrize("ord", [0.5, 1, 1.5, 2, 3, -1, float("inf")])
def test_derivatives_of_a_norm_at_0_are_0(ord, device):
    """The first, as in torch, and the second, where torch's is NaN for some: a penalty on a slope of 0 stays finite."""
    a = engine.zeros(3, device=device, dtype=engine.float64, requires_grad=True)
    slope = grad(linalg.vector_norm(a, ord), a, create_graph=True)[0]
    assert slope.tolist() == [0, 0, 0]
    assert grad((slope * engine.tensor([1.0, 2, 3], device=device)).sum(), a)[0].tolist() == [0, 0, 0]


def test_results_are_named(device):
    """They unpack, have names and print as torch.return_types do."""
    a = engine.eye(2, device=device)
    Q, R = result = linalg.qr(a)
    assert result.Q is Q and result.R is R and type(result) is engine.return_types.linalg_qr
    assert repr(result) == f"torch.return_types.linalg_qr(\nQ={Q!r},\nR={R!r})"
    assert type(linalg.slogdet(a)).__name__ == "linalg_slogdet" and type(a.slogdet()).__name__ == "slogdet"
    assert linalg.svd(a)._fields == ("U", "S", "Vh") and linalg.eigh(a)._fields == ("eigenvalues", "eigenvectors")
