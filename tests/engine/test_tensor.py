"""Tensors as values: types, promotion, views, indexing, errors in torch's kind, printing."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy

import engine as torch


def test_types_of_new_tensors():
    assert torch.tensor([1, 2]).dtype is torch.int64
    assert torch.tensor([1.0, 2]).dtype is torch.float32
    assert torch.tensor(True).dtype is torch.bool
    assert torch.tensor(np.ones(2)).dtype is torch.float64
    assert torch.tensor([torch.tensor(1.5), 2]).tolist() == [1.5, 2.0]
    assert torch.arange(3).dtype is torch.int64 and torch.arange(0.0, 1, 0.5).dtype is torch.float32
    assert torch.full((2,), 7).dtype is torch.int64


def test_promotion_follows_torch(device):
    ints, floats, doubles = (
        torch.tensor([1, 2], dtype=each, device=device) for each in (torch.int64, torch.float32, torch.float64)
    )
    assert (ints + floats).dtype is torch.float32
    assert (floats + doubles).dtype is torch.float64
    assert (ints / 2).dtype is torch.float32 and (ints * 2.5).dtype is torch.float32 and (ints * 2).dtype is torch.int64
    assert (floats * torch.tensor(2.0, dtype=torch.float64, device=device)).dtype is torch.float32, (
        "0-d tensors are weak"
    )
    assert (floats > 1).dtype is torch.bool
    assert torch.exp(ints).dtype is torch.float32


def test_views_share_memory_and_version(device):
    a = torch.zeros(2, 3, device=device)
    row = a[1]
    row.add_(1)
    a.T[0].add_(5)
    assert a.tolist() == [[5, 0, 0], [6, 1, 1]]
    assert a._version == row._version == 2
    assert a[0, 0].shape == () and torch.autograd.graph.backend.share_memory(a[0, 0].array, a.array)
    assert a[[0, 1]]._version == 0, "fancy indexing copies"


def test_device_follows_the_data(strict_cupy):
    a = torch.ones(2, device="cuda")
    assert str(a.device) == "cuda:0" and (a * 2).is_cuda and not a.cpu().is_cuda
    with pytest.raises(RuntimeError, match="same device.*cpu and cuda:0"):
        a + torch.ones(2)
    with pytest.raises(TypeError, match="Tensor.cpu"):
        a.numpy()
    leaf = torch.ones(2, requires_grad=True)
    (leaf.cuda() * 3).sum().backward()
    assert leaf.grad.tolist() == [3, 3] and not leaf.grad.is_cuda
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        torch.ones(2, device="cuda:7")


def test_no_gpu_is_said_plainly(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cupy", None)
    assert not torch.cuda.is_available() and torch.cuda.device_count() == 0
    with pytest.raises(RuntimeError, match="cupy is not installed"):
        torch.ones(1, device="cuda")


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(None, None, 2),
        (slice(None), 1),
        (..., 0),
        (None, 1),
        ([0, 1],),
        ([0, 1], [1, 1]),
        (slice(1), None, [2, 0]),
        np.array([[True, False, True], [False, False, True]]),
    ],
    ids=str,
)
def test_indexing_as_numpy(index, device):
    array = np.arange(6.0).reshape(2, 3)
    found = torch.tensor(array, device=device)[index]
    np.testing.assert_array_equal(found.cpu().numpy(), array[index])


def test_assignment(device):
    a = torch.zeros(2, 3, device=device)
    a[0] = 1
    a[:, 2] = torch.tensor([7.0, 8.0], device=device)
    a[a == 0] = -1
    assert a.tolist() == [[1, 1, 7], [-1, -1, 8]]
    with pytest.raises(RuntimeError, match="shape mismatch.*\\[5\\]"):
        a[0] = torch.ones(5, device=device)


@pytest.mark.parametrize("index", [2, -3, [0, 5], (0, 9)], ids=str)
def test_indices_out_of_range_raise_on_every_device(index, device):
    """cupy would wrap [0, 5] around and answer wrongly."""
    with pytest.raises(IndexError, match="out of bounds"):
        torch.zeros(2, 3, device=device)[index]


def test_gather_checks_bounds(device):
    with pytest.raises(RuntimeError, match="out of bounds for dimension 1 with size 3"):
        torch.zeros(2, 3, device=device).gather(1, torch.tensor([[3], [0]], device=device))


@pytest.mark.parametrize(
    "mistake, error, message",
    [
        (
            lambda: torch.ones(2, 3) + torch.ones(4),
            RuntimeError,
            r"tensor a \(3\) must match the size of tensor b \(4\) at non-singleton dimension 1",
        ),
        (lambda: torch.ones(2, 3) @ torch.ones(2, 3), RuntimeError, r"cannot be multiplied \(2x3 and 2x3\)"),
        (lambda: torch.ones(2) @ torch.ones(2, dtype=torch.float64), RuntimeError, "same dtype"),
        (lambda: torch.ones(6).reshape(4, 2), RuntimeError, r"shape '\[4, 2\]' is invalid for input of size 6"),
        (lambda: torch.ones(2, 3).T.view(6), RuntimeError, "reshape"),
        (lambda: torch.ones(2).sum(1), IndexError, r"expected to be in range of \[-1, 0\], but got 1"),
        (lambda: torch.ones(2, 2).sum((0, 0)), RuntimeError, "appears multiple times"),
        (lambda: torch.exp(3.0), TypeError, r"exp\(\): argument 'input' \(position 1\) must be Tensor, not float"),
        (lambda: torch.ones(2) + "a", TypeError, r"must be Tensor or a number, not str"),
        (lambda: np.ones(2) * torch.ones(2), TypeError, "unsupported operand type.* 'numpy.ndarray' and 'Tensor'"),
        (lambda: torch.ones(2) * np.ones(2), TypeError, "must be Tensor or a number, not ndarray"),
        (lambda: torch.arange(3).mean(), RuntimeError, "could not infer output dtype"),
        (lambda: torch.arange(3).requires_grad_(), RuntimeError, "floating point"),
        (lambda: torch.ones(2, requires_grad=True).numpy(), RuntimeError, "detach"),
        (lambda: bool(torch.ones(2)), RuntimeError, "ambiguous"),
        (lambda: torch.ones(2).item(), RuntimeError, "2 elements cannot be converted"),
        (lambda: bool(torch.ones(0)), RuntimeError, "no values is ambiguous"),
        (lambda: float(torch.ones(2)), ValueError, "only one element tensors can be converted to Python scalars"),
        (lambda: [1, 2][torch.ones(2, dtype=torch.int64)], TypeError, "only integer tensors of a single element"),
        (lambda: torch.tensor([[1], [1, 2]]), ValueError, "same length"),
        (lambda: torch.tensor(["a"]), ValueError, "found str"),
        (lambda: torch.zeros(2, -1), RuntimeError, "negative dimension"),
        (lambda: torch.ones(2, 3).expand(4, 3), RuntimeError, "expanded size|Target sizes"),
        (lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 2)]), RuntimeError, "Sizes of tensors must match"),
        (lambda: torch.ones(3).expand(2, 3).add_(1), RuntimeError, "clone"),
        (lambda: torch.arange(3).add_(0.5), RuntimeError, "can't be cast"),
        (lambda: torch.ones(2).add_(torch.ones(3, 2)), RuntimeError, "doesn't match the broadcast shape"),
        (lambda: torch.ones(2, dtype="float32"), TypeError, "must be torch.dtype, not str"),
        (lambda: torch.ones(2).to("tpu"), RuntimeError, "Expected one of cpu, cuda"),
        (
            lambda: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3])),
            IndexError,
            "Target 3 is out of bounds",
        ),
        (
            lambda: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0.0, 1.0])),
            RuntimeError,
            "expected target dtype to be Long",
        ),
        (lambda: torch.manual_sed(1), AttributeError, "did you mean 'manual_seed'"),
        (lambda: torch.ones(1).sqeeze(), AttributeError, "did you mean 'squeeze'"),
    ],
)
def test_mistakes_are_explained_in_torch_s_kind_of_error(mistake, error, message):
    with pytest.raises(error, match=message):
        mistake()


def test_broadcast_error_shows_the_shapes_aligned():
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2, 3) * torch.ones(4)
    assert str(caught.value).splitlines()[1:] == ["  a: [2, 3]", "  b:    [4]"]


@pytest.mark.parametrize(
    "made, text",
    [
        (lambda: torch.tensor([[1.0, 2.0]], requires_grad=True), "tensor([[1., 2.]], requires_grad=True)"),
        (lambda: torch.tensor([0.1, -2.5]), "tensor([ 0.1000, -2.5000])"),
        (lambda: torch.tensor([1e-6, 3.0]), "tensor([1.0000e-06, 3.0000e+00])"),
        (lambda: torch.tensor([True, False]), "tensor([ True, False])"),
        (lambda: torch.tensor(3), "tensor(3)"),
        (lambda: torch.zeros(2, 0), "tensor([], size=(2, 0))"),
        (lambda: torch.ones(1, dtype=torch.float64), "tensor([1.], dtype=torch.float64)"),
        (lambda: torch.tensor([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
        (lambda: torch.tensor([float("nan"), float("inf"), 1.5]), "tensor([   nan,    inf, 1.5000])"),
        (lambda: torch.ones(2).shape, "torch.Size([2])"),
        (lambda: torch.device("cuda:1"), "device(type='cuda', index=1)"),
    ],
)
def test_printing(made, text):
    assert repr(made()) == text


def test_large_tensors_are_summarised():
    assert repr(torch.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"


def test_draws_repeat_with_the_seed_and_ignore_numpy_s_state():
    torch.manual_seed(7)
    first = torch.randn(3)
    np.random.seed(0)
    torch.manual_seed(7)
    assert torch.equal(first, torch.randn(3))
    own = torch.Generator().manual_seed(1)
    assert torch.rand(2, generator=own).tolist() == torch.rand(2, generator=torch.Generator().manual_seed(1)).tolist()
    assert sorted(torch.randperm(5).tolist()) == list(range(5))


shapes = hypothesis_numpy.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3)


@given(shapes)
def test_broadcasting_and_its_gradient_have_the_right_shapes(found):
    """For any two shapes that broadcast: the result is numpy's, each gradient counts its uses."""
    first, second = found.input_shapes
    a, b = torch.ones(first, requires_grad=True), torch.ones(second, requires_grad=True)
    product = a * b
    assert tuple(product.shape) == found.result_shape
    product.sum().backward()
    for each in (a, b):
        uses = product.numel() / each.numel() if each.numel() else 0
        assert each.grad.shape == each.shape and (each.grad == uses).all()


@given(st.data(), hypothesis_numpy.array_shapes(max_dims=3, max_side=4))
def test_any_basic_index_gives_numpy_s_view(data, shape):
    index = data.draw(hypothesis_numpy.basic_indices(shape, allow_newaxis=True))
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    tensor = torch.from_numpy(array)
    if any(isinstance(part, slice) and (part.step or 1) < 0 for part in np.index_exp[index]):
        with pytest.raises(ValueError, match="step must be greater than zero"):
            tensor[index]
        return
    found = tensor[index]
    np.testing.assert_array_equal(found.numpy(), array[index])
    if found.numel():
        found.fill_(-1)
        assert (array[index] == -1).all(), "a view writes through"


def test_reading_the_gradient_of_a_tensor_that_keeps_none_warns(device):
    """It is None for ever; the reader meant the leaf, or forgot retain_grad()."""
    x = torch.ones(2, requires_grad=True, device=device)
    with pytest.warns(UserWarning, match="not a leaf"):
        assert (x * 2).grad is None
    y = x * 2
    y.retain_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert y.grad is None and x.grad is None
        y.sum().backward()
        assert y.grad.tolist() == [1, 1]
