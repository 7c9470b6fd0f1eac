"""Small parameters that are stepped together: the same bits as one by one, and whoever changes the state is heard."""

import numpy as np
import pytest

import engine
from engine import optim

KINDS = [
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1}), ("AdamW", {"maximize": True}), ("Adamax", {}), ("RAdam", {}),
    ("NAdam", {}), ("RMSprop", {"centered": True, "momentum": 0.5}), ("Adagrad", {"lr_decay": 0.1}), ("Adadelta", {})]


def model(device, seed=0):
    engine.manual_seed(seed)
    return [engine.randn(shape, device=device).requires_grad_() for shape in ((3, 4), (5,), (), (2, 1, 3), (17000,))]


def trained(parameters, optimizer, steps=range(4), each_step=None):
    for step in steps:
        for place, each in enumerate(parameters):
            each.grad = (each.detach() * (place + 1) + step).sin()
        if each_step:
            each_step(step, parameters, optimizer)
        optimizer.step()
    return parameters


def one_by_one(monkeypatch):
    monkeypatch.setattr(optim.Optimizer, "_is_elementwise", lambda self: False)


def check_bits(one, other):
    for mine, its in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine.detach().cpu().numpy(), its.detach().cpu().numpy())


def check_same_state(one, other):
    one, other = one.state_dict()["state"], other.state_dict()["state"]
    assert list(one) == list(other)
    for number in one:
        assert list(one[number]) == list(other[number])
        check_bits(one[number].values(), other[number].values())
        assert [each.shape for each in one[number].values()] == [each.shape for each in other[number].values()]


def both(kind, options, device, monkeypatch, each_step=None):
    """Trained together, and one by one: each (parameters, optimizer)."""
    found = []
    for alone in (False, True):
        parameters = model(device)
        optimizer = getattr(optim, kind)(parameters, **options)
        with monkeypatch.context() as patch:
            if alone:
                one_by_one(patch)
            found.append((trained(parameters, optimizer, each_step=each_step), optimizer))
    assert not found[1][1]._together and bool(found[0][1]._together) == (kind != "NAdam")
    return found


@pytest.mark.parametrize("kind, options", KINDS, ids=str)
def test_the_same_bits_as_one_by_one(kind, options, device, monkeypatch):
    """Parameters and state, after some steps."""
    (mine, optimizer), (its, other) = both(kind, options, device, monkeypatch)
    check_bits(mine, its), check_same_state(optimizer, other)


def without_gradient(step, parameters, optimizer):
    if step == 1:
        parameters[1].grad = None


def other_state(step, parameters, optimizer):
    if step == 2:
        optimizer.state[parameters[0]]["exp_avg"] = engine.ones_like(parameters[0])


def other_count(step, parameters, optimizer):
    if step == 2:
        optimizer.state[parameters[0]]["step"].fill_(7)


def other_memory(step, parameters, optimizer):
    if step == 2:
        parameters[0].data = parameters[0].detach().clone()


def shared_memory(step, parameters, optimizer):
    if step == 2:
        parameters[1].data = parameters[0].data.reshape(-1)[:5]


def reloaded(step, parameters, optimizer):
    if step == 2:
        optimizer.load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize(
    "change", [without_gradient, other_state, other_count, other_memory, shared_memory, reloaded],
    ids=lambda change: change.__name__)
def test_changes_between_steps_count(change, device, monkeypatch):
    """A missing gradient, a state, a count or a memory that was replaced, memory that two parameters share."""
    options = {"weight_decay": 0.1}
    (mine, optimizer), (its, other) = both("Adam", options, device, monkeypatch, change)
    check_bits(mine, its), check_same_state(optimizer, other)


def test_a_subclass_s_own_step_is_taken_one_by_one(device):
    """Whoever writes `_update` anew may look at the whole parameter."""
    shapes = []

    class Mine(optim.SGD):
        def _update(self, value, grad, state, group):
            shapes.append(tuple(value.shape))

    parameters = model(device)
    trained(parameters, Mine(parameters), range(1))
    assert shapes == [tuple(each.shape) for each in parameters]
