"""Modules at work, on both backends: they learn, move between devices and types, and their state goes with them."""

import copy

import numpy as np
import pytest

import engine
from engine import nn


def model(device):
    """A small classifier of (N, 2) with parameters, a buffer and a module that is there twice."""
    engine.manual_seed(0)
    shared = nn.Linear(8, 8)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), shared, nn.Tanh(), shared, nn.Linear(8, 2)).to(device)


def points(device):
    """Points of two rings and which ring each is of."""
    source = np.random.default_rng(0)
    angle, ring = source.uniform(0, 2 * np.pi, 100), np.arange(100) % 2
    places = np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + ring)[:, None]
    return engine.tensor(places, dtype=engine.float32, device=device), engine.tensor(ring, device=device)


def test_a_model_learns(device):
    """Plain gradient descent on parameters() separates two rings that no line separates."""
    net, (inputs, targets), loss = model(device), points(device), nn.CrossEntropyLoss()
    first = loss(net(inputs), targets).item()
    for _ in range(300):
        net.zero_grad()
        loss(net(inputs), targets).backward()
        with engine.no_grad():
            for parameter in net.parameters():
                parameter -= 0.5 * parameter.grad
    assert (net(inputs).argmax(1) == targets).float().mean().item() > 0.97
    assert loss(net(inputs), targets).item() < first / 4


def test_a_model_moves_in_place(device):
    """Parameters stay the objects that an optimizer may hold; gradients and buffers move with them."""
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = list(net.parameters())
    (net[0](engine.ones(1, 2)) ** 2).sum().backward()
    assert net.to(device) is net and net.to(engine.float64) is net
    assert all(now is then for now, then in zip(net.parameters(), before, strict=True))
    moved = [*before, net[0].weight.grad, net[1].running_var]
    kinds = {(each.device.type, each.dtype) for each in moved}
    assert kinds == {(device, engine.float64)}
    assert net[1].num_batches_tracked.dtype is engine.int64 and net[1].num_batches_tracked.device == before[0].device
    net[0](engine.ones(1, 2, device=device, dtype=engine.float64)).sum().backward()
    assert net.cpu()[0].weight.grad.device.type == "cpu"


def test_a_machine_without_a_gpu_says_so(monkeypatch):
    """Without cupy, cuda() says so; nothing is moved halfway."""
    import sys

    monkeypatch.setitem(sys.modules, "cupy", None)
    net = nn.Linear(2, 3)
    with pytest.raises(RuntimeError, match="CUDA"):
        net.cuda()
    assert {each.device.type for each in net.parameters()} == {"cpu"}


def test_tensors_of_two_devices_do_not_meet(strict_cupy):
    """A model on the GPU refuses inputs on the CPU."""
    with pytest.raises(RuntimeError, match="device"):
        nn.Linear(2, 3).to("cuda")(engine.ones(1, 2))


def test_state_crosses_devices_and_types(device):
    """load_state_dict copies into the model's own memory, where and in which type that is."""
    source, target = model("cpu").double(), model(device)
    target.load_state_dict(source.state_dict())
    for ours, theirs in zip(target.parameters(), source.parameters(), strict=True):
        assert ours.dtype is engine.float32 and ours.device.type == device
        np.testing.assert_array_equal(ours.detach().cpu().numpy(), theirs.detach().numpy().astype(np.float32))


def test_a_copy_is_a_model_of_its_own(device):
    """deepcopy keeps what is shared within shared, and shares nothing with the original."""
    net, (inputs, _) = model(device), points(device)
    twin = copy.deepcopy(net)
    assert twin[2] is twin[4] and twin[2] is not net[2]
    assert engine.equal(twin(inputs), net(inputs))
    with engine.no_grad():
        twin[0].weight.zero_()
    assert not engine.equal(twin(inputs), net(inputs))
    twin(inputs).sum().backward()
    assert twin[5].weight.grad is not None and net[5].weight.grad is None


def test_gradients_are_clipped(device):
    """Together, to the norm; each by itself, to the value."""
    net, (inputs, _) = model(device), points(device)
    (net(inputs) ** 2).sum().mul(100).backward()
    total = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    assert total.item() > 1 and total.device.type == device
    squares = sum((each.grad**2).sum().item() for each in net.parameters())
    assert squares**0.5 == pytest.approx(0.5, rel=1e-4)
    nn.utils.clip_grad_value_(net.parameters(), 0.01)
    assert max(each.grad.abs().max().item() for each in net.parameters()) == pytest.approx(0.01)


def test_parameters_as_a_vector_and_back(device):
    net = model(device)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (sum(each.numel() for each in net.parameters()),) and vector.device.type == device
    nn.utils.vector_to_parameters(vector.detach() * 2, net.parameters())
    assert engine.equal(nn.utils.parameters_to_vector(net.parameters()), vector * 2)


def test_weights_of_given_norms(device):
    """weight_norm's rows have the lengths of original0; spectral_norm's largest singular value comes to 1."""
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3).to(device))
    layer.parametrizations.weight.original0.data = engine.tensor([[1.0], [2.0], [3.0]], device=device)
    lengths = engine.linalg.vector_norm(layer.weight, dim=1)
    np.testing.assert_allclose(lengths.detach().cpu().numpy(), [1, 2, 3], rtol=1e-6)
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3).to(device))
    for _ in range(100):
        weight = layer.weight
    assert np.linalg.svd(weight.detach().cpu().numpy())[1][0] == pytest.approx(1, abs=1e-4)
    layer(engine.ones(1, 4, device=device)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None


def test_hooks_see_what_passes(device):
    """In the order torch calls them, with the gradients of outputs and inputs."""
    layer, seen = nn.Linear(2, 2).to(device), []
    layer.register_forward_pre_hook(lambda module, args: seen.append("before"))
    layer.register_forward_hook(lambda module, args, output: seen.append("after"))
    layer.register_full_backward_pre_hook(lambda module, grad_output: seen.append(grad_output[0]))
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: seen.append(grad_input[0]))
    inputs = engine.ones(1, 2, device=device, requires_grad=True)
    (layer(inputs) * 3).sum().backward()
    assert seen[:2] == ["before", "after"]
    assert seen[2].tolist() == [[3, 3]] and engine.equal(seen[3], inputs.grad)


def test_a_missing_layer_names_the_nearest():
    with pytest.raises(AttributeError, match="did you mean 'Conv2d'"):
        nn.Conv3d
