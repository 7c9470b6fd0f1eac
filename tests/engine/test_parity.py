"""The same lines under torch and under the engine: values, types, shapes, gradients and kinds of error agree."""

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

pytestmark = pytest.mark.slow

# Each line sees `torch` and float64 leaves a (2, 3), b (3), c (3, 4), s (0-d), e (0, 3), p (2, 3, positive), and int64 i (2, 3).
LINES = """
a + b
a - 2
3 - a
a * b
a * s
2 * a
a / p
1 / p
a / b.exp()
i / 2
i * 2
i + 0.5
i * s
-a
abs(a)
a ** 2
a ** 3.0
p ** a
2.0 ** a
a ** 0
a.square()
torch.exp(a)
torch.log(p)
torch.log1p(p)
torch.sqrt(p)
torch.sin(a)
torch.cos(i)
torch.tanh(a)
torch.sigmoid(a)
torch.relu(a)
torch.exp(i)
torch.sign(a)
torch.maximum(a, b)
torch.minimum(a, a)
torch.clamp(a, -0.5, 0.5)
a.clamp(min=0)
a.clamp(max=0.1)
torch.where(a > 0, a, b)
torch.where(a > 0, a, 0.0)
a.clone()
a.float()
a.double()
i.float()
(a > 0).long()
a.half()
a.sum()
a.sum(0)
a.sum(-1, keepdim=True)
a.sum((0, 1))
a.sum(axis=1, keepdims=True)
i.sum()
(a > 0).sum()
i.int().sum()
e.sum()
e.sum(0)
s.sum()
s.sum(0)
a.mean()
a.mean(1)
a.mean((0, -1), keepdim=True)
a.amax(1)
a.amax()
a.amin(0, keepdim=True)
torch.argmax(a)
torch.argmax(a, 1)
a.argmin(0)
a.argmax(dim=1, keepdim=True)
(a > 0).all()
(a > 0).any(1)
torch.logsumexp(a, 1)
torch.logsumexp(a, (0, 1))
torch.softmax(a, 1)
torch.softmax(a, 0)
torch.log_softmax(a, -1)
a.reshape(3, 2)
a.reshape(-1)
a.reshape((6, 1))
a.view(3, -1)
a.flatten()
c.T.flatten()
a.permute(1, 0)
a.transpose(0, 1)
a.T
a.mT
a.t()
b.t()
a.unsqueeze(1)
a.unsqueeze(-1).squeeze(-1)
a.unsqueeze(0).squeeze()
s.unsqueeze(0)
b.expand(2, 3)
a.broadcast_to((5, 2, 3))
torch.cat([a, a * 2])
torch.cat([a, p], dim=1)
torch.cat([a, i], dim=-1)
torch.stack([a, p])
torch.stack([a, p], dim=-1)
a[0]
a[-1, 1:]
a[:, None]
a[..., 0]
a[[0, 1, 1]]
a[[0, 1], [2, 2]]
a[a > 0]
a[torch.tensor([1, 0])]
a[torch.tensor([[True, False, True], [False, True, False]])]
a[None, 0, 1]
a.gather(1, torch.tensor([[0, 0], [2, 1]]))
a.gather(0, torch.tensor([[1, 0, 1]]))
a @ c
b @ c
a @ b
b @ b
torch.matmul(a.expand(5, 2, 3), c)
torch.matmul(torch.stack([a, p]), torch.stack([c, c * 2]))
torch.mm(a, c)
a.detach() * a
torch.nn.functional.cross_entropy(a, torch.tensor([2, 0]))
torch.nn.functional.cross_entropy(a * 1000, torch.tensor([2, 0]))
torch.nn.functional.cross_entropy(a, torch.tensor([2, 0]), reduction="sum")
torch.nn.functional.cross_entropy(a, torch.tensor([2, 0]), reduction="none")
torch.nn.functional.nll_loss(a, torch.tensor([1, 1]))
torch.nn.functional.mse_loss(a, p)
torch.nn.functional.linear(a, c.T, c[0])
torch.nn.functional.one_hot(torch.tensor([2, 0]), 4)
torch.nn.functional.one_hot(torch.tensor([2, 0]))
torch.nn.functional.softmax(a, dim=1)
torch.full((2, 2), 3.5) + torch.ones(2)
torch.full((2,), True)
torch.eye(3) @ torch.arange(3.0)
torch.eye(2, 3)
torch.arange(2, 8, 3)
torch.arange(1, 0, -0.25)
torch.linspace(0, 1, 5)
torch.zeros_like(i)
torch.ones_like(a, dtype=torch.float32)
torch.full_like(i, 3)
torch.tensor([[1, 2.5], [3, 4]])
torch.tensor(3)
torch.tensor([])
torch.equal(a, a)
torch.allclose(a, a + 1e-9)
a.stride()
a.T.is_contiguous()
c.T.stride(0)
a.size(1)
len(a)
(a * 2).is_leaf
torch.promote_types(torch.int32, torch.uint8)
torch.promote_types(torch.float16, torch.int64)
torch.result_type(i, 1.0)
torch.isnan(a / 0 * 0)
torch.isfinite(p / 0)
i == i
a.ne(p)
a <= b
torch.result_type(tensor=i, other=s)
torch.result_type(2, 1.0)
torch.nan_to_num(p / 0 - p / 0, None, 5.0)
a.numpy(force=True).sum()
a.to(torch.float32, non_blocking=True)
a.to("cpu", torch.float64, False, True) is a
a.to(a) is a
a.to(copy=True) is a
a.to(a, False, True) is a
torch.tril_indices(2, 3, requires_grad=False)
torch.zeros(2, 3, dtype=torch.float64).copy_(other=a)
torch.zeros(2, 3, dtype=torch.float64).copy_(b, True)
""".strip().splitlines()

MISTAKES = """
a + c
a @ p
a.reshape(4)
a.sum(2)
a.mean(-3)
a.permute(0, 0)
a.transpose(0, 5)
i.mean()
torch.cat([])
torch.cat([a, c])
torch.stack([a, c])
torch.exp(1.0)
torch.cat(a)
a[5]
a[0, 9]
a[[4]]
a["x"]
a.expand(3, 3)
b.expand(4, -1, 3)
s @ s
a.gather(1, torch.tensor([[9]]))
a.backward()
i.requires_grad_()
a.numpy()
a.add_(1)
torch.zeros(-1)
torch.arange(3, 0)
torch.clamp(a)
bool(a)
len(s)
a.nope
torch.device("abacus")
torch.ones(2, dtype=3)
i ** -1
torch.nn.functional.cross_entropy(a, torch.tensor([0, 3]))
torch.nn.functional.cross_entropy(a, torch.tensor([0.0, 1.0]).int())
torch.where(i, a, a)
torch.result_type(a)
torch.result_type(1, 2, 3)
torch.result_type(a, "x")
torch.triu_indices(2, 3, requires_grad=True)
a.to(a, True, False, True)
a.copy_(src=a)
""".strip().splitlines()


def names(library):
    generator = np.random.default_rng(5)
    arrays = {
        "a": generator.standard_normal((2, 3)),
        "b": generator.standard_normal(3),
        "c": generator.standard_normal((3, 4)),
        "s": np.array(0.7),
        "e": np.zeros((0, 3)),
        "p": generator.random((2, 3)) + 0.5,
    }
    leaves = {name: library.tensor(array, requires_grad=True) for name, array in arrays.items()}
    return {"torch": library, "i": library.arange(6).reshape(2, 3)}, leaves


def run(line, library):
    """(the value in comparable form, gradients of the leaves)"""
    others, leaves = names(library)
    value = eval(line, others | leaves)
    if not isinstance(value, library.Tensor):
        return str(value) if isinstance(value, library.dtype) else value, {}
    if value.requires_grad:
        weights = library.tensor(np.random.default_rng(6).standard_normal(tuple(value.shape)))
        (value.double() * weights).sum().backward()
    gradients = {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}
    described = (str(value.dtype), tuple(value.shape), value.requires_grad, value.detach().numpy())
    return described, {name: gradient.numpy() for name, gradient in gradients.items()}


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_the_same(line):
    ours, our_gradients = run(line, engine)
    theirs, their_gradients = run(line, torch)
    if isinstance(theirs, tuple) and len(theirs) == 4 and isinstance(theirs[-1], np.ndarray):
        assert ours[:3] == theirs[:3]
        tolerance = 1e-3 if "half" in line or "float" in str(theirs[0]) and "64" not in theirs[0] else 1e-12
        np.testing.assert_allclose(ours[3], theirs[3], rtol=tolerance, atol=tolerance)
    else:
        assert ours == theirs
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in their_gradients.items():
        np.testing.assert_allclose(our_gradients[name], gradient, rtol=1e-3 if "half" in line else 1e-6, atol=1e-9)


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_raises_the_same_kind_of_error(line):
    with pytest.raises(Exception) as theirs:
        run(line, torch)
    with pytest.raises(Exception) as ours:
        run(line, engine)
    assert isinstance(ours.value, type(theirs.value)) or isinstance(theirs.value, type(ours.value)), (
        ours.value,
        theirs.value,
    )


def test_repr_is_torch_s():
    for text in (
        "[[1.0, 2.0]]",
        "[0.1, -2.5]",
        "[1e-6, 3.0]",
        "[True, False]",
        "3",
        "[1e10, 1.0]",
        "[[1, -20], [300, 4]]",
        "[0.5]",
        "2.5",
        "[100000.0]",
    ):
        data = eval(text)
        assert repr(engine.tensor(data)) == repr(torch.tensor(data)), text


def test_promotion_of_every_pair():
    kinds = "float16 float32 float64 int8 int16 int32 int64 uint8 bool complex64 complex128".split()
    for first in kinds:
        for second in kinds:
            ours = engine.promote_types(getattr(engine, first), getattr(engine, second))
            assert str(ours) == str(torch.promote_types(getattr(torch, first), getattr(torch, second))), (first, second)
