"""Every entry of the op table, on its own example: derivatives, second derivatives, devices, saved values."""

import numpy as np
import pytest

import engine as torch
from engine.ops import TABLE

DIFFERENTIABLE = sorted(name for name, op in TABLE.items() if op.vjps and op.example)
STEP = 1e-6


def example(name, device="cpu"):
    """The entry's example as (tensors in float64, metadata); arrays inside the metadata go to the device too."""
    generator = np.random.default_rng(3)
    arrays, metadata = TABLE[name].example(lambda *shape: generator.standard_normal(shape))
    tensors = [torch.tensor(array, device=device) for array in arrays]
    if "index" in metadata:
        metadata = metadata | {
            "index": tuple(
                torch.tensor(part, device=device).array if isinstance(part, np.ndarray) else part
                for part in metadata["index"]
            )
        }
    return tensors, metadata


def with_gradients(tensors):
    """Leaves that need gradients, where the type allows."""
    return [each.detach().requires_grad_(each.dtype.is_floating_point) for each in tensors]


def weighted(name, tensors, metadata):
    """A scalar that depends on every element of the op's result, each with a weight of its own."""
    result = TABLE[name](*tensors, **metadata)
    weights = np.random.default_rng(4).standard_normal(tuple(result.shape))
    return (result.to(torch.float64) * torch.tensor(weights, device=result.device)).sum()


def numeric_gradient(function, tensors, position):
    """Central differences of a scalar function with respect to one of its tensors."""
    flat = tensors[position].cpu().detach().numpy().astype(np.float64)
    slopes = np.zeros_like(flat)
    for place in np.ndindex(*flat.shape):
        values = []
        for step in (STEP, -STEP):
            moved = flat.copy()
            moved[place] += step
            changed = list(tensors)
            changed[position] = torch.tensor(moved, device=tensors[position].device)
            values.append(function(changed).item())
        slopes[place] = (values[0] - values[1]) / (2 * STEP)
    return slopes


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_agree_with_finite_differences(name, device):
    """Each VJP is the derivative of its forward, on every device."""
    tensors, metadata = example(name, device)
    leaves = with_gradients(tensors)
    weighted(name, leaves, metadata).backward()
    for position, leaf in enumerate(leaves):
        if leaf.requires_grad:
            expected = numeric_gradient(lambda changed: weighted(name, changed, metadata), tensors, position)
            np.testing.assert_allclose(leaf.grad.cpu().numpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_second_derivatives_agree_with_finite_differences(name, device):
    """The same VJP lines, run on tensors under create_graph, can be differentiated again."""
    tensors, metadata = example(name, device)

    def slope_sum(leaves):
        leaves = with_gradients(leaves)
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        first = torch.autograd.grad(weighted(name, leaves, metadata), wanted, create_graph=True)
        return leaves, sum((slope * slope).sum() for slope in first)

    leaves, total = slope_sum(tensors)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    is_linear = not total.requires_grad  # the first derivative depends on nothing: the second must be 0
    second = [None] * len(wanted) if is_linear else torch.autograd.grad(total, wanted, allow_unused=True)
    for leaf, slope in zip(wanted, second):
        position = next(index for index, each in enumerate(leaves) if each is leaf)
        expected = numeric_gradient(lambda changed: slope_sum(changed)[1], tensors, position)
        found = np.zeros_like(expected) if slope is None else slope.cpu().numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", sorted(name for name, op in TABLE.items() if op.example))
def test_both_backends_compute_the_same(name, strict_cupy):
    """An entry gives the same values and type on the CPU and on the stand-in, and its result stays there."""
    here, metadata = example(name, "cpu")
    there, metadata_there = example(name, "cuda")
    on_cpu, on_cuda = (TABLE[name](*here, **metadata), TABLE[name](*there, **metadata_there))
    assert on_cuda.device.type == "cuda" and on_cuda.dtype is on_cpu.dtype
    np.testing.assert_array_equal(on_cuda.cpu().numpy(), on_cpu.numpy())


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_float32_gradients_keep_their_type(name, device):
    """A gradient has its tensor's type, whatever numpy or cupy made of the VJP in between."""
    tensors, metadata = example(name, device)
    if name == "to":
        metadata = {"dtype": np.dtype("float64")}
    leaves = with_gradients([each.float() if each.dtype is torch.float64 else each for each in tensors])
    weighted(name, leaves, metadata).backward()
    for leaf in leaves:
        if leaf.requires_grad:
            assert leaf.grad.dtype is torch.float32 and leaf.grad.shape == leaf.shape


def test_every_entry_has_an_example():
    """An op without an example would be tested by none of the above (test_tensor and test_inplace try those three)."""
    assert [name for name, op in TABLE.items() if not op.example] == ["unmoved", "copy_slices", "move"]
