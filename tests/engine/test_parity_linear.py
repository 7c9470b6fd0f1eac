"""Linear algebra under torch and under the engine: values, types, shapes, gradients and kinds of error agree."""

import numpy as np
import pytest
from parity import check_mistake

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

pytestmark = pytest.mark.slow

# Each line sees `torch`, `L` (torch.linalg), float64 leaves and int64 i (2, 3).
SHAPES = {
    "a": (2, 3),
    "b": (3,),
    "c": (3, 4),
    "s": (),
    "e": (0, 3),
    "z": (3, 0),
    "q": (3, 3),
    "q2": (2, 3, 3),
    "t": (2, 3, 4),
    "u": (2, 4, 3),
    "w": (5, 1, 2, 3),
}

LINES = """
a @ c
b @ c
a @ b
b @ b
a @ t
t @ c.T
w @ q2
w @ b
b @ w.mT
e @ c
z @ e
a @ z
e.T @ e
t.transpose(1, 2) @ a.T[None]
a.expand(5, 2, 3) @ c
i @ i.T
i @ i[0]
a.half() @ c.half()
a.float() @ c.float()
torch.matmul(input=a, other=c)
a.matmul(c)
torch.mm(a, mat2=c)
e.mm(c)
torch.bmm(t, u)
t.bmm(u)
torch.bmm(e[None].transpose(1, 2), e[None])
torch.mv(a, b)
a.mv(vec=b)
torch.dot(b, b)
b.dot(c[:, 0])
e[:, 0].dot(e[:, 1])
torch.vdot(b, b)
torch.outer(b, a[0])
b.outer(i[0])
torch.outer(e[:, 0], b)
torch.inner(a, c.T)
torch.inner(a, b)
torch.inner(s, a)
t.inner(c.T[:, :1].expand(4, 4))
torch.addmm(c[:2], a, c)
torch.addmm(c[0], a, c, beta=0.5, alpha=-2)
torch.addmm(s, a, c, alpha=2)
torch.addmm(torch.tensor(float("nan")).double(), a, c, beta=0)
a[:, :2].addmm(a, a.T, beta=3)
torch.addmm(i, i[:, :2], i, beta=2, alpha=3)
torch.addmv(a[:, 0], a, b, alpha=0.5)
torch.addmv(s, a, b, beta=2)
torch.addr(c, b, c[0], beta=2, alpha=0.1)
torch.baddbmm(q2, t, u, beta=0.5)
torch.baddbmm(b, t, u, alpha=3)
torch.addbmm(q, t, u, beta=2)
torch.tensordot(t, t, 3)
torch.tensordot(a, c, 1)
torch.tensordot(a, c, 0)
torch.tensordot(t, u, ([1, 2], [2, 1]))
torch.tensordot(t, u, dims=([-1], [1]))
torch.tensordot(t, u[:, :1], ([2], [1]))
torch.tensordot(t, c, ([], []))
torch.tensordot(e, e, ([0], [0]))
torch.tensordot(a, c, dims=torch.tensor([[1], [0]]))
torch.trace(a)
c.trace()
torch.trace(i)
torch.trace(e)
torch.kron(a, c)
a.kron(b)
torch.kron(s, a)
torch.kron(b, t)
torch.kron(i, a)
torch.kron(e, b)
torch.einsum("ij,jk->ik", a, c)
torch.einsum("ij,jk", a, c)
torch.einsum("ik,kj", [a, c])
torch.einsum("ij->ji", a)
torch.einsum("ij->", a)
torch.einsum("ij->j", a)
torch.einsum("ii", q)
torch.einsum("ii->i", q)
torch.einsum("bii->b", q2)
torch.einsum("iii->i", torch.stack([q, q * 2, q]))
torch.einsum("i,i->", b, b)
torch.einsum("i,i->i", b, b)
torch.einsum("i,j->ij", b, c[0])
torch.einsum("i,j->ji", b, c[0])
torch.einsum("bij,bjk->bik", t, u)
torch.einsum("bij,bjk->ikb", t, u)
torch.einsum("bij,bjk->bk", t, u)
torch.einsum("bij,bij->b", t, t)
torch.einsum("...ij,...jk->...ik", w, q2)
torch.einsum("...ij,...jk", t, c.T)
torch.einsum("...i,i->...", t, c[0])
torch.einsum("...,...->...", t, c)
torch.einsum("i...->i", t)
torch.einsum("i...->...i", t)
torch.einsum("b i j , j -> b i", t, c[0])
torch.einsum("bB,Bb", a, a.T)
torch.einsum("zA,aA", a, a)
torch.einsum("ij,jk,kl->il", a, q, c)
torch.einsum("ij,jk,lk,il->j", a, q, a, torch.einsum("ij,kj->ik", a, a))
torch.einsum("i,i,i->", b, b, b)
torch.einsum("ij,ij->ij", a, b[None])
torch.einsum("ij,ij->i", a, b[None])
torch.einsum("ij,ij->i", a[:, :1], a)
torch.einsum("ij,jk", e, c)
torch.einsum("ij,ik->jk", e, e)
torch.einsum("ij,jk", i, i.T)
torch.einsum("->", s)
torch.einsum(",->", s, s)
torch.einsum(",i->i", s, b)
torch.einsum(a, [0, 1], c, [1, 2], [0, 2])
torch.einsum(a, [0, 1], c, [1, 2])
torch.einsum(t, [..., 1], c, [..., 1])
torch.einsum(t, [..., 51], c, [2, 51], [2, ...])
torch.einsum("bhqd,bhkd->bhqk", t[:, None], t[:, None])
torch.einsum("ij,jk->ik", a.T.T, c[:, ::2])
L.inv(q)
L.inv(q2)
L.inv(q2.float())
L.inv(q[:0, :0])
torch.inverse(q)
q2.inverse()
L.solve(q, b)
L.solve(q, c)
L.solve(q2, a)
L.solve(q2, b)
L.solve(q2, c)
L.solve(q, q2)
L.solve(q, a, left=False)
L.solve(q2, t.mT, left=False)
L.solve(A=q, B=c)
L.det(q)
L.det(q2)
L.det(q * 0)
L.det(b[:, None] * b)
L.det(q[:0, :0])
torch.det(q)
q2.det()
L.slogdet(q2).logabsdet
L.slogdet(q2)[0].detach()
torch.slogdet(q * 0)[0].detach()
torch.logdet(q @ q.T)
(-q @ q.T).logdet()
L.cholesky(q @ q.T)
L.cholesky(q2 @ q2.mT)
L.cholesky(q @ q.T, upper=True)
L.cholesky(torch.tensor([[4.0, 100.0], [2.0, 3.0]]))
L.cholesky(torch.tensor([[4.0, 2.0], [100.0, 3.0]]), upper=True)
L.eigh(q + q.T).eigenvalues
L.eigh(q + q.T)[1].abs()
L.eigh(q2 + q2.mT).eigenvectors ** 2
L.eigh(torch.tensor([[1.0, 9.0], [2.0, 3.0]]), "U")[0]
L.eigvalsh(torch.tensor([[1.0, 9.0], [2.0, 3.0]]), UPLO="L")
L.eigvalsh(q2 @ q2.mT)
L.qr(q).Q
L.qr(q2)[1]
L.qr(u).Q
L.qr(u).R
L.qr(t).Q
L.qr(t).R
L.qr(c.T, mode="complete")[0].detach()
L.qr(c, mode="complete")[1]
L.qr(c, "r").R.detach()
L.qr(c.T, "r").Q.shape == (0,)
L.qr(e)[1]
L.svd(q).S
L.svd(q).U.abs()
L.svd(q2)[2] ** 2
L.svd(t, full_matrices=False).U ** 2
L.svd(t, full_matrices=False).Vh.abs()
L.svd(u, False)[0].abs()
L.svd(u)[0][..., :3].abs()
L.svd(t)[2][..., :3, :].abs()
L.svdvals(t)
L.svdvals(z)
L.matrix_power(q, 3)
L.matrix_power(q2, -2)
L.matrix_power(q2, 0).detach()
q.matrix_power(1)
L.vecdot(t, c)
L.vecdot(a, a, dim=0)
L.multi_dot([a, c])
L.multi_dot([a, q, q, c, c.T])
L.multi_dot((b, q, c))
L.multi_dot([a, q, b])
L.multi_dot([b, b])
L.vector_norm(a)
L.vector_norm(a, 1)
L.vector_norm(a, 3.5)
L.vector_norm(a, 0.5, dim=0)
L.vector_norm(a, -1)
L.vector_norm(a, 0).detach()
L.vector_norm(a, float("inf"), dim=1, keepdim=True)
L.vector_norm(a, -float("inf"), dim=(0, -1))
L.vector_norm(t, 2, dim=(0, 2))
L.vector_norm(torch.stack([b, b]), float("inf"))
L.vector_norm(a * 0)
L.vector_norm(a * 0, 3, dim=1)
L.vector_norm(a * 0, 1)
L.vector_norm(a * (a > 0), 1.5)
L.vector_norm(e)
L.vector_norm(e, 2, dim=1)
L.vector_norm(e, float("inf"), dim=1)
L.vector_norm(s)
L.vector_norm(a.float(), dtype=torch.float64)
L.vector_norm(a.half())
L.matrix_norm(a)
L.matrix_norm(t, keepdim=True)
L.matrix_norm(t, dim=(0, 2))
L.matrix_norm(t, "nuc")
L.matrix_norm(t, "nuc", keepdim=True)
L.matrix_norm(t, 2, dim=(2, 0))
L.matrix_norm(t, -2, dim=(0, 1), keepdim=True)
L.matrix_norm(t, 1)
L.matrix_norm(t, -1, dim=(0, 1))
L.matrix_norm(t, float("inf"), keepdim=True)
L.matrix_norm(t, -float("inf"), dim=(-1, 0))
L.matrix_norm(a.float(), 2, dtype=torch.float64)
L.norm(a)
L.norm(t)
L.norm(a, 2)
L.norm(a, "fro", keepdim=True)
L.norm(a, "nuc")
L.norm(b, 3)
L.norm(t, 1, dim=1)
L.norm(t, 1, dim=(0, 1))
L.norm(t, dim=(0, 1))
L.norm(t, 2, 0, True)
b.clone().addmv_(q, b, beta=2)
q.clone().addr_(b, b, alpha=3)
q2.clone().baddbmm_(q2, q2)
q.clone().addbmm_(q2, q2)
t.count_nonzero(0, -1)
t.count_nonzero(dim=(0, 1))
""".strip().splitlines()

MISTAKES = """
a @ a
a @ a.float()
a @ i
s @ a
a @ s
a @ b[:2]
b[:2] @ b
(i > 0) @ (i > 0).T
t @ t
t @ w
torch.matmul(a, 3)
torch.mm(a, b)
torch.mm(b, a)
torch.mm(a, a)
torch.bmm(a, a)
torch.bmm(t, t)
torch.bmm(t, u[:1])
torch.mv(a, a)
torch.mv(a, b[:2])
torch.dot(a, b)
torch.dot(b, b[:2])
torch.dot(b, b.float())
torch.outer(a, b)
torch.inner(a, b[:2])
torch.addmm(a, a, c)
torch.addmm(c.float(), a, c)
torch.addmm(a, b, c)
torch.addmv(b[:1].expand(3), a, b)
torch.baddbmm(a, t, u)
torch.tensordot(a, c, 3)
torch.tensordot(a, c, -1)
torch.tensordot(a, c, ([0], [0]))
torch.tensordot(a, c, ([0, 1], [0]))
torch.tensordot(a, c, (1, 0))
torch.tensordot(a, c, ([5], [0]))
torch.trace(b)
torch.trace(t)
torch.kron(a, 2)
torch.einsum("ij->ii", q)
torch.einsum("ij->jk", q)
torch.einsum("ij,jk", a)
torch.einsum("ij", a, a)
torch.einsum("i", a)
torch.einsum("ijk", a)
torch.einsum("ijk...", a)
torch.einsum("i1", a)
torch.einsum("i.j", a)
torch.einsum("i......", a)
torch.einsum("ij,jk->ik->", a, c)
torch.einsum("ij,jk", a, a)
torch.einsum("ii", a)
torch.einsum("ij,jk", a, c.float())
torch.einsum(a, [0, 60])
torch.einsum("ij")
torch.einsum("ij", 3)
L.inv(a)
L.inv(b)
L.inv(i[:, :2])
L.inv(q.half())
L.inv(q * 0)
L.inv(torch.stack([q, q * 0]))
L.solve(q, a)
L.solve(q * 0, b)
L.solve(q, b.float())
L.solve(q, b, left=False)
L.det(a)
L.cholesky(-q @ q.T)
L.cholesky(a)
L.qr(q, "x")
L.qr(b)
L.qr(c.T, mode="complete").Q.sum().backward()
L.qr(c, mode="r").R.sum().backward()
L.svd(b)
L.svd(i)
L.eigh(q, "X")
L.eigh(a)
L.matrix_power(a, 2)
L.multi_dot([a])
L.multi_dot([a, a])
L.multi_dot([a, t, b])
L.vector_norm(i)
L.vector_norm(a, "fro")
L.vector_norm(a, dtype=torch.int32)
L.vector_norm(a, dtype=torch.float32)
L.vector_norm(a, dim=2)
L.vector_norm(a, dim=(0, 0))
L.vector_norm(e, float("inf"))
L.matrix_norm(b)
L.matrix_norm(a, 3)
L.matrix_norm(a, "x")
L.matrix_norm(a, dim=(0, 0))
L.matrix_norm(a, dim=1)
L.norm(b, "fro")
L.norm(t, 2)
L.norm(i)
L.nope
""".strip().splitlines()


def names(library):
    generator = np.random.default_rng(5)
    arrays = {name: generator.standard_normal(shape) for name, shape in SHAPES.items()}
    leaves = {name: library.tensor(array, requires_grad=True) for name, array in arrays.items()}
    return {"torch": library, "L": library.linalg, "i": library.arange(6).reshape(2, 3)} | leaves, leaves


def run(line, library):
    """(the value: its type, shape, whether it requires a gradient, elements; the gradients of the leaves)"""
    everything, leaves = names(library)
    value = eval(line, everything)
    if not isinstance(value, library.Tensor):
        return value, {}
    if value.requires_grad:
        weights = library.tensor(np.random.default_rng(6).standard_normal(tuple(value.shape)))
        (value.double() * weights).sum().backward()
    gradients = {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}
    return (str(value.dtype), tuple(value.shape), value.requires_grad, value.detach().numpy()), gradients


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_the_same(line):
    (ours, our_gradients), (theirs, their_gradients) = run(line, engine), run(line, torch)
    if not isinstance(theirs, tuple):
        assert ours == theirs
        return
    assert ours[:3] == theirs[:3]
    tolerance = 1e-3 if "half" in line else 1e-5 if "32" in theirs[0] or "float" in line else 1e-10
    np.testing.assert_allclose(ours[3], theirs[3], rtol=tolerance, atol=tolerance)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in their_gradients.items():
        np.testing.assert_allclose(our_gradients[name], gradient, rtol=tolerance * 100, atol=tolerance * 10)


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_raises_the_same_kind_of_error(line):
    check_mistake(line, run)


def test_second_derivatives_of_composed_functions():
    """What has no entry of its own in the table is differentiated twice as torch does."""
    lines = [
        "torch.einsum('ij,jk,ik->i', a, q, a)",
        "torch.kron(a, b)",
        "torch.tensordot(t, t, 3)",
        "torch.trace(q @ q)",
    ]
    lines += ["L.norm(a, 'nuc')", "L.matrix_power(q, -2)", "torch.addmm(c[0], a, c)", "L.vector_norm(a, 3)"]
    lines += ["L.qr(t).R", "L.slogdet(q2)[1]", "L.multi_dot([a, q, b])", "L.cholesky(q @ q.T)", "L.solve(q, b)"]
    for line in lines:
        results = []
        for library in (engine, torch):
            everything, leaves = names(library)
            value = (eval(line, everything) ** 2).sum()
            wanted = list(leaves.values())
            first = library.autograd.grad(value, wanted, create_graph=True, allow_unused=True)
            slope = sum((each**2).sum() for each in first if each is not None)
            second = library.autograd.grad(slope, wanted, allow_unused=True)
            results.append([None if each is None else each.numpy() for each in second])
        for ours, theirs in zip(*results):
            assert (ours is None) == (theirs is None), line
            if ours is not None:
                np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6, err_msg=line)
