"""nn.functional beyond single lines: what is drawn, changed in place, computed twice or kept running."""

import numpy as np
import pytest

import engine as torch
from engine.nn import functional as F
from engine.nn import simple


def leaf(array, device):
    return torch.tensor(array, device=device, requires_grad=True)


def gradients(loss, leaves):
    """The gradients of a sum with a weight of its own for every element."""
    weights = np.cos(np.arange(loss.numel())).reshape(tuple(loss.shape))
    return torch.autograd.grad((loss * torch.tensor(weights, device=loss.device)).sum(), leaves)


def agree(pairs):
    for ours, expected in pairs:
        np.testing.assert_allclose(ours.detach().cpu().numpy(), expected.detach().cpu().numpy(), rtol=1e-10, atol=1e-12)


# ---- the simple ones beside the fast ones -----------------------------------------------------------------


@pytest.mark.parametrize("stride, padding", [(1, 0), (2, 1), (3, 2)])
def test_the_simple_convolution_is_the_fast_one(stride, padding, random, device):
    """Values and all three gradients."""
    leaves = [leaf(random(*shape), device) for shape in ((2, 3, 7, 8), (4, 3, 3, 2), (4,))]
    fast = F.conv2d(*leaves, stride=stride, padding=padding)
    simply = simple.conv2d_simple(*leaves, stride=stride, padding=padding)
    agree([(simply, fast), *zip(gradients(simply, leaves), gradients(fast, leaves))])


@pytest.mark.parametrize("kernel, stride", [(2, None), (3, 2), (2, 3)])
def test_the_simple_pooling_is_the_fast_one(kernel, stride, random, device):
    """Values and gradients, where no two elements of a window are equal."""
    image = leaf(random(2, 3, 7, 8), device)
    fast, simply = F.max_pool2d(image, kernel, stride), simple.max_pool2d_simple(image, kernel, stride)
    agree([(simply, fast), *zip(gradients(simply, [image]), gradients(fast, [image]))])


@pytest.mark.parametrize("values", ["equal ones", "NaN", "batch last"])
@pytest.mark.parametrize("kernel, stride, padding", [(2, 2, 0), (3, 2, 1), (2, 3, 0), (1, 1, 0), (4, 1, 2)])
def test_the_largest_of_equals_is_the_first_and_of_nan_the_latest(
        kernel, stride, padding, values, random, device, monkeypatch):
    """As counted, by the channels of a thread, beside what goes over the elements one by one."""
    from engine import backend, threads
    from engine.nn.primitives import batch_last, pooling

    monkeypatch.setattr(threads, "_most", [2])
    monkeypatch.setattr(pooling, "WORTH_A_THREAD", 0)
    image = np.round(random(2, 3, 7, 9) * 2)
    if values == "NaN":
        image[random(2, 3, 7, 9) > 0.8] = np.nan
    image = leaf(image, device).array
    if values == "batch last":
        laid = batch_last.empty(image.shape, image.dtype)
        image = batch_last.laid_as(image, laid) if backend.is_on_cpu(image) else image
    places = [(each + 2 * padding - kernel) // stride + 1 for each in image.shape[2:]]
    windows = pooling.Windows((kernel,) * 2, (stride,) * 2, (padding,) * 2, (1, 1), tuple(places))
    found = pooling.winners.forward(image, windows=windows)
    whole = windows.around(image, -np.inf)
    expected = pooling._latest_winners(whole, windows, found.dtype.type)
    assert (backend.to_numpy(found) == backend.to_numpy(expected)).all()
    g = backend.module_of(image).ones(found.shape, dtype=image.dtype)
    back = pooling.to_winners.forward(g, found, size=image.shape[2:], windows=windows)
    assert back.sum() == found.size, "each window's goes to one element"


def test_a_large_batch_is_convolved_in_parts_that_fit_together(random, device, monkeypatch):
    """However many images are handled at once, the result and the gradients are the same."""
    from engine.nn.primitives import convolution

    leaves = [leaf(random(*shape), device) for shape in ((5, 4, 6, 6), (6, 2, 3, 3))]
    whole = F.conv2d(*leaves, padding=1, groups=2)
    expected = gradients(whole, leaves)
    for elements in (1, 1500):
        monkeypatch.setattr(convolution, "ELEMENTS_ON_CPU", elements)
        monkeypatch.setattr(convolution, "ELEMENTS_ON_GPU", elements)
        parts = F.conv2d(*leaves, padding=1, groups=2)
        agree([(parts, whole), *zip(gradients(parts, leaves), expected)])


# ---- what is kept running ---------------------------------------------------------------------------------


def test_running_statistics_move_in_place(random, device):
    """By the share `momentum`, to the mean and the unbiased variance; their memory stays and their version counts."""
    batch = torch.tensor(random(6, 3, 4), device=device)
    mean, var = torch.zeros(3, device=device).double(), torch.ones(3, device=device).double()
    alias, version = mean.detach(), mean._version
    F.batch_norm(batch, mean, var, training=True, momentum=0.3)
    array = batch.cpu().numpy()
    np.testing.assert_allclose(alias.cpu().numpy(), 0.3 * array.mean((0, 2)))
    np.testing.assert_allclose(var.cpu().numpy(), 0.7 + 0.3 * array.var((0, 2), ddof=1))
    assert mean._version > version
    F.batch_norm(batch, mean, var, training=False)
    np.testing.assert_allclose(mean.cpu().numpy(), 0.3 * array.mean((0, 2)))


def test_running_statistics_of_halves_move_too(random, device):
    """The computation is in float32, but it is the half tensors themselves that are changed."""
    batch = torch.tensor(random(6, 3, 4), device=device).half()
    mean, var = torch.zeros(3, device=device).half(), torch.ones(3, device=device).half()
    F.batch_norm(batch, mean, var, training=True)
    expected = 0.1 * batch.cpu().numpy().astype(np.float64).mean((0, 2))
    np.testing.assert_allclose(mean.cpu().numpy(), expected, rtol=2e-3)


@pytest.mark.parametrize("normalize", [
    lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.layer_norm(x, (4,)),
    lambda x: F.group_norm(x, 1)])
def test_normalizations_can_be_differentiated_twice(normalize, random, device):
    """The mean and variance computed beforehand serve the first derivative alone: the second sees how they move."""
    assert torch.autograd.gradgradcheck(normalize, [leaf(random(3, 2, 4), device)])


# ---- what is drawn ----------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_repeats_with_the_seed(device):
    """The part p is 0, the rest 1 / (1 - p); the gradient is the same mask."""
    ones = torch.ones(100, 100, device=device, requires_grad=True)
    torch.manual_seed(3)
    dropped = F.dropout(ones, 0.3)
    values = np.unique(dropped.detach().cpu().numpy())
    np.testing.assert_allclose(values, [0, 1 / 0.7], rtol=1e-6)
    assert abs((dropped == 0).double().mean().item() - 0.3) < 0.02
    dropped.sum().backward()
    assert torch.equal(ones.grad, dropped.detach())
    torch.manual_seed(3)
    assert torch.equal(F.dropout(ones, 0.3), dropped)


def test_dropout2d_zeroes_whole_channels(device):
    """All places of a channel together, each sample by itself."""
    torch.manual_seed(0)
    dropped = F.dropout2d(torch.ones(20, 30, 2, 3, device=device), 0.5).reshape(20, 30, 6)
    assert torch.equal(dropped.amin(-1), dropped.amax(-1))
    zeros = (dropped[..., 0] == 0).double()
    assert 0.4 < zeros.mean().item() < 0.6 and zeros.sum(1).unique().numel() > 1


def test_dropout_leaves_alone_what_is_not_trained(device):
    """Outside of training, and for p = 0, the input itself comes back."""
    x = torch.ones(3, device=device)
    assert F.dropout(x, 0.5, training=False) is x and F.dropout(x, 0.0) is x


# ---- in place ---------------------------------------------------------------------------------------------

IN_PLACE = [
    lambda x: F.relu(x, inplace=True), lambda x: F.relu_(x), lambda x: F.leaky_relu(x, 0.2, True),
    lambda x: F.leaky_relu_(x, 0.2), lambda x: F.elu_(x), lambda x: F.celu_(x, 2.0), lambda x: F.selu_(x),
    lambda x: F.hardtanh_(x), lambda x: F.relu6(x, inplace=True), lambda x: F.threshold_(x, 0.1, 2.0),
    lambda x: F.hardswish(x, True), lambda x: F.hardsigmoid(x, True), lambda x: F.silu(x, True),
    lambda x: F.mish(x, True), lambda x: F.dropout(x, 0.5, inplace=True),
]  # fmt: skip


@pytest.mark.parametrize("change", IN_PLACE)
def test_activations_in_place_change_the_tensor_itself(change, random, device):
    """The same tensor comes back, with a new version, and with a gradient that knows what it was."""
    source = leaf(random(3, 4), device)
    tensor = source * 1.0
    version = tensor._version
    assert change(tensor) is tensor and tensor._version > version
    assert not torch.equal(tensor, source)
    tensor.sum().backward()
    assert source.grad.shape == source.shape


# ---- halves -----------------------------------------------------------------------------------------------


def test_halves_are_computed_in_float32_and_rounded_once(random, device):
    """A sum of many small numbers does not stop growing, and what overflows on the way does not show."""
    small = torch.full((1, 1, 4096), 0.01, device=device).half()
    assert abs(F.conv1d(small, torch.ones(1, 1, 4096, device=device).half()).item() - 40.96) < 0.05
    assert abs(F.mse_loss(torch.full((3,), 300.0, device=device).half(), small[0, 0, :3] * 0).item()) == float("inf")
    large = torch.full((2, 3, 8), 300.0, device=device).half() * torch.tensor([1.0, -1.0] * 4, device=device).half()
    assert torch.isfinite(F.layer_norm(large, (8,))).all() and F.gelu(large).dtype is torch.float16


def test_gelu_of_float32_is_as_exact_as_its_type(device):
    """The quick way for float32 against float64's: tails, numbers next to 0, infinities, any memory order."""
    values = np.concatenate([np.linspace(-9, 9, 40001), np.geomspace(1e-30, 1e-2, 2001), [0.0, np.inf]])
    exact = F.gelu(torch.tensor(values, device=device)).cpu().numpy()
    quick = F.gelu(torch.tensor(values, device=device).float()).cpu().numpy()
    np.testing.assert_allclose(quick, exact, rtol=1e-6, atol=6e-7)
    square = torch.tensor(values[:40000].reshape(200, 200), device=device).float()
    assert torch.equal(F.gelu(square.T), F.gelu(square).T) and torch.isnan(F.gelu(square * float("nan"))).all()
    assert F.gelu(square[0, 0]).shape == ()


def test_weights_of_max_norm_are_shortened_in_place(device):
    """Only rows that were looked up and are longer."""
    weight = torch.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]], device=device)
    found = F.embedding(torch.tensor([0, 1, 0], device=device), weight, max_norm=1.0)
    np.testing.assert_allclose(found.cpu().numpy(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-5)
    np.testing.assert_allclose(weight.cpu().numpy(), [[0.6, 0.8], [0.3, 0.4], [6.0, 8.0]], rtol=1e-5)


def test_a_missing_name_says_which_is_near():
    with pytest.raises(AttributeError, match="did you mean 'conv2d'"):
        F.conv2


def test_embedding_checks_its_indices(device):
    """Out of range is an error on both backends, never a row from the other end."""
    weight = torch.ones(3, 2, device=device)
    for index in (3, -1):
        with pytest.raises(IndexError):
            F.embedding(torch.tensor([index], device=device), weight)
