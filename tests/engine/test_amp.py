"""Mixed precision: what autocast casts and where it ends, on both kinds of device; when GradScaler skips and grows."""

import sys
import threading
import warnings

import pytest

import engine as torch

F = torch.nn.functional
HALF = torch.float16  # on both devices; bfloat16 needs a package and is compared with torch (test_parity_amp.py)


def half(device):
    return torch.autocast(device, dtype=HALF)


def test_products_are_lower_and_losses_are_float32(device):
    x, w = torch.randn(4, 3, device=device), torch.randn(3, 3, device=device)
    with half(device):
        product = x @ w
        assert [each.dtype for each in (product, F.linear(x, w), torch.mm(x, w))] == [HALF] * 3
        assert F.mse_loss(product, product).dtype is torch.float32
        assert torch.cat([product, x]).dtype is torch.float32
        assert product.relu().dtype is HALF and (x + 1).dtype is torch.float32
        assert (x.double() @ w.double()).dtype is torch.float64
    assert (x @ w).dtype is torch.float32


def test_values_are_those_of_the_casts(device):
    x, w = torch.randn(4, 3, device=device), torch.randn(3, 3, device=device)
    with half(device):
        assert torch.equal(x @ w, (x.half() @ w.half()))
        assert not torch.equal((x @ w).float(), F.linear(x.double(), w.T.double()).float())


def test_gradients_have_the_parameters_type(device):
    layer, x = torch.nn.Linear(3, 2, device=device), torch.randn(4, 3, device=device)
    with half(device):
        loss = F.mse_loss(layer(x), torch.zeros(4, 2, device=device))
    loss.backward()
    lower = layer.weight.grad
    assert lower.dtype is torch.float32 and layer.bias.grad.dtype is torch.float32
    layer.zero_grad()
    F.mse_loss(layer(x), torch.zeros(4, 2, device=device)).backward()
    assert torch.allclose(lower, layer.weight.grad, rtol=1e-2, atol=1e-3) and not torch.equal(lower, layer.weight.grad)


def test_nesting_and_switching_off(device):
    x = torch.ones(2, 2, device=device)
    with half(device):
        assert torch.is_autocast_enabled(device) and torch.get_autocast_dtype(device) is HALF
        with torch.autocast(device, enabled=False):
            assert not torch.is_autocast_enabled(device) and (x @ x).dtype is torch.float32
        assert (x @ x).dtype is HALF
        with pytest.raises(RuntimeError):
            torch.ones(2, 3, device=device) @ x
        assert (x @ x).dtype is HALF  # an error inside of a function switches nothing off
    assert not torch.is_autocast_enabled(device) and (x @ x).dtype is torch.float32


def test_as_a_decorator(device):
    @half(device)
    def product(x):
        """x x"""
        return x @ x if x.dtype is torch.float32 else product(x.float())

    assert product(torch.ones(2, 2, device=device)).dtype is HALF
    assert product(torch.ones(2, 2, device=device).double()).dtype is HALF
    assert product.__name__ == "product" and product.__doc__ == "x x"
    assert not torch.is_autocast_enabled(device)
    with pytest.raises(TypeError, match="requires a callable, but got int"):
        half(device)(3)


def test_only_this_device_and_this_thread(device):
    """Tensors elsewhere and other threads compute as they always do."""
    there = torch.ones(2, 2, device=device)
    found = []
    with half(device):
        other = threading.Thread(target=lambda: found.append((there @ there).dtype))
        other.start(), other.join()
        if device == "cuda":
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
    assert found == [torch.float32]


def test_functions_ask_nobody_outside(device):
    """No cost when unused: the list that functions look at is empty."""
    from engine.functions.arguments import autocasting

    assert autocasting == []
    with half(device), torch.autocast(device, enabled=False):
        assert len(autocasting) == 1
    assert autocasting == []


def test_a_parameter_is_cast_once(device):
    """Unless it changes, or the cache is off; and never is a cast without history used where one is needed."""
    w = torch.ones(2, 2, device=device, requires_grad=True)
    with half(device):
        first, second = (w @ w).grad_fn, (w @ w).grad_fn
        assert first.next_functions[0][0] is second.next_functions[0][0]
        with torch.no_grad():
            w.mul_(3)
        assert (w @ w)[0, 0].item() == 18.0
    with torch.autocast(device, dtype=HALF, cache_enabled=False):
        assert (w @ w).grad_fn.next_functions[0][0] is not (w @ w).grad_fn.next_functions[0][0]
    with half(device):
        with torch.no_grad():
            assert not (w @ w).requires_grad
        assert (w @ w).requires_grad


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpoints_run_again_under_the_same_autocast(device, use_reentrant):
    """Backward happens outside of it."""
    from engine.utils.checkpoint import checkpoint

    w, seen = torch.ones(2, 2, device=device, requires_grad=True), []

    def block(x):
        seen.append((x @ x).dtype)
        return F.mse_loss(x @ x, x)

    with half(device):
        loss = checkpoint(block, w, use_reentrant=use_reentrant)
    loss.backward()
    assert seen == [HALF, HALF] and w.grad.dtype is torch.float32


def test_probabilities_in_half_are_refused_on_gpus(strict_cupy):
    p = torch.full((3,), 0.5, device="cuda")
    with half("cuda"), pytest.raises(RuntimeError, match="unsafe to autocast.*_with_logits"):
        F.binary_cross_entropy(p, p)


def test_what_cannot_be_is_said(device):
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`, got: `<class 'int'>`"):
        torch.autocast(3)
    with pytest.raises(RuntimeError, match="unsupported autocast device_type 'tpu'"):
        torch.autocast("tpu")
    with pytest.warns(UserWarning, match="Disabling autocast"):
        off = torch.autocast("cpu", dtype=torch.float64)
    with off:
        assert not torch.is_autocast_enabled("cpu")


def test_without_a_gpu_autocast_and_scaler_are_off(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.warns(UserWarning, match="CUDA is not available"):
        off = torch.autocast("cuda")
    with off:
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32
    with pytest.warns(UserWarning, match="CUDA is not available"):
        assert not torch.amp.GradScaler().is_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.autocast("cuda", enabled=False), torch.amp.GradScaler("cuda", enabled=False)


def test_the_old_names_warn(strict_cupy):
    with pytest.warns(FutureWarning, match=r"use `torch.amp.autocast\('cuda', args...\)` instead"):
        old = torch.cuda.amp.autocast()
    with old:
        x = torch.ones(2, 2, device="cuda")
        assert (x @ x).dtype is HALF
    with pytest.warns(FutureWarning, match=r"use `torch.amp.GradScaler\('cuda', args...\)` instead"):
        assert torch.cuda.amp.GradScaler(init_scale=4.0).get_scale() == 4.0


# ---- GradScaler ---------------------------------------------------------------------------------------


def test_training_with_a_scaler(device):
    """Small gradients survive float16; a step whose gradients are not finite is left out; the scale follows."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1, device=device)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler(device, init_scale=2.0**10, growth_interval=2)
    scales = []
    for factor in (1.0, 1.0, float("inf"), 1.0, float("nan"), 1.0, 1.0):
        before = layer.weight.detach().clone()
        optimizer.zero_grad()
        with half(device):
            loss = layer(torch.ones(3, 2, device=device)).float().square().mean() * factor
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale() / 2**10)
        assert torch.equal(before, layer.weight) == (factor != 1.0)
    assert scales == [1, 2, 1, 1, 0.5, 0.5, 1]


def test_a_gradient_that_would_vanish(device):
    w = torch.tensor([1e-3], device=device, requires_grad=True)
    for scaler, vanishes in ((torch.amp.GradScaler(device, enabled=False), True), (torch.amp.GradScaler(device), False)):
        w.grad = None
        scaler.scale((w.half() * 1e-4).sum() * 1e-4).backward()
        assert (w.grad.item() == 0) is vanishes


def test_the_order_of_calls_is_checked(device):
    w = torch.ones(2, device=device, requires_grad=True)
    optimizer, scaler = torch.optim.SGD([w], lr=0.1), torch.amp.GradScaler(device)
    for call in (lambda: scaler.step(optimizer), lambda: scaler.unscale_(optimizer), scaler.update):
        with pytest.raises(AssertionError, match="_scale is None"):
            call()
    scaler.scale(w.sum()).backward()
    with pytest.raises(RuntimeError, match="Closure use is not currently supported"):
        scaler.step(optimizer, closure=lambda: None)
    scaler.unscale_(optimizer)
    assert w.grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="already been called on this optimizer"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="already been called since the last update"):
        scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="being called after step"):
        scaler.unscale_(optimizer)
    scaler.update()
    assert scaler.get_scale() == 2.0**16
