"""The graph's promises: order, accumulation, freeing, versions, hooks, modes, depth and no cyclic garbage."""

import gc
import weakref

import numpy as np
import pytest

import engine as torch


def leaf(*values, device="cpu"):
    return torch.tensor(list(values), dtype=torch.float64, device=device, requires_grad=True)


def test_a_value_used_twice_receives_both_gradients(device):
    """The diamond b = a + a, c = b * b: a naive walk counts b once or too early."""
    a = leaf(3.0, device=device)
    b = a + a
    (b * b).sum().backward()
    assert a.grad.tolist() == [24.0]


def test_a_value_read_by_two_operations_receives_both_gradients(device):
    """Each of them has one input; also on the general way back, which `create_graph` takes."""
    for create_graph in (False, True):
        a = leaf(3.0, device=device)
        b = a * 2
        (b.relu() + b.exp().log()).sum().backward(create_graph=create_graph)
        assert a.grad.tolist() == pytest.approx([4.0])


def test_backward_adds_to_grad(device):
    a = leaf(2.0, device=device)
    (a * 3).sum().backward()
    (a * 4).sum().backward()
    assert a.grad.tolist() == [7.0]


def test_grad_has_memory_of_its_own(device):
    """Adding hands the same gradient array to both inputs; their .grad must not be one memory."""
    a, b = leaf(1.0, device=device), leaf(1.0, device=device)
    (a + b).sum().backward()
    a.grad.zero_()
    assert b.grad.tolist() == [1.0]


def test_unbroadcast_sums_over_the_stretched_axes():
    gradient = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(torch.autograd.unbroadcast(gradient, (3, 1)), gradient.sum((0, 2)).reshape(3, 1))
    assert torch.autograd.unbroadcast(gradient, ()).shape == ()
    assert torch.autograd.unbroadcast(np.zeros((5, 0)), (1, 0)).shape == (1, 0)


def test_second_backward_raises_unless_retained(device):
    a = leaf(2.0, device=device)
    loss = (a * a).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert a.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()


def test_saved_arrays_are_freed_by_backward():
    a = leaf(1.0)
    middle = a * 2
    saved = weakref.ref(middle.array)
    loss = (middle * middle).sum()
    del middle
    assert saved() is not None
    loss.backward()
    assert saved() is None


@pytest.mark.parametrize(
    "spoil",
    [lambda x: x.add_(1), lambda x: x[0].mul_(2), lambda x: x.detach().zero_()],
    ids=["itself", "view", "detached"],
)
def test_a_saved_value_changed_in_place_is_noticed(spoil, device):
    """Also through a view or a detached twin: they share the storage's version."""
    a = leaf(1.0, 2.0, device=device)
    b = a.clone()
    loss = (b * b).sum()
    with torch.no_grad():
        spoil(b)
    with pytest.raises(RuntimeError, match="modified by an inplace operation.*MulBackward0"):
        loss.backward()


@pytest.mark.parametrize("name", ["exp", "softmax"])  # recorded the short way and the general one
def test_a_saved_result_changed_in_place_is_noticed(name, device):
    """Both save what they returned; the caller holds the same memory."""
    b = getattr(leaf(1.0, 2.0, device=device), name)(*[0] * (name == "softmax"))
    loss = (b * 3).sum()
    with torch.no_grad():
        b.zero_()
    with pytest.raises(RuntimeError, match=f"modified by an inplace operation.*{name.capitalize()}Backward0"):
        loss.backward()


def test_a_change_that_backward_does_not_need_is_harmless(device):
    a = leaf(1.0, device=device)
    b = a + 1
    loss = (b * 3).sum()
    with torch.no_grad():
        b.zero_()
    loss.backward()
    assert a.grad.tolist() == [3.0]


def test_in_place_operations_are_recorded(device):
    a = leaf(1.0, 2.0, device=device)
    b = a * 2
    b += a
    b.mul_(3)
    b[0] = 7.0
    b.sum().backward()
    assert a.grad.tolist() == [0.0, 9.0]


def test_no_grad_and_enable_grad_as_context_and_decorator():
    a = leaf(1.0)
    with torch.no_grad():
        assert not (a * 2).requires_grad
        with torch.enable_grad():
            assert (a * 2).requires_grad

    @torch.no_grad()
    def double(x):
        return x * 2

    assert not double(a).requires_grad and torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not (a * 2).requires_grad
    torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not (a * 2).requires_grad
    assert torch.is_grad_enabled()


def test_detach_shares_memory_but_no_history(device):
    a = leaf(1.0, 2.0, device=device)
    b = (a * 2).detach()
    assert b.is_leaf and not b.requires_grad
    a.detach()[0] = 5.0
    assert a.tolist() == [5.0, 2.0]


def test_grad_returns_what_it_is_asked_for_and_leaves_grad_alone(device):
    a, b, c = (leaf(2.0, device=device), leaf(3.0, device=device), leaf(4.0, device=device))
    middle = a * b
    slopes = torch.autograd.grad((middle * middle).sum(), [a, middle])
    assert [slope.tolist() for slope in slopes] == [[36.0], [12.0]]
    assert a.grad is None
    with pytest.raises(RuntimeError, match="allow_unused"):
        torch.autograd.grad((a * b).sum(), [a, c])
    assert torch.autograd.grad((a * b).sum(), [a, c], allow_unused=True)[1] is None


def test_third_derivative(device):
    x = leaf(2.0, device=device)
    y = (x**4).sum()
    for expected in (32.0, 48.0, 48.0):
        y = torch.autograd.grad(y, x, create_graph=True)[0].sum()
        assert y.item() == expected


def test_second_order_passes_through_a_change_of_type(device):
    x = torch.tensor([3.0], requires_grad=True, device=device)
    y = leaf(2.0, device=device)
    (first,) = torch.autograd.grad((x * y * x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    assert second.dtype is torch.float32 and second.tolist() == [4.0]


def test_hooks_see_the_complete_gradient_and_may_replace_it(device):
    a = leaf(1.0, device=device)
    b = a * 2
    seen = []
    handle = b.register_hook(lambda gradient: seen.append(gradient.item()) or gradient * 10)
    a.register_hook(lambda gradient: seen.append(gradient.item()))
    (b * 3 + b * 4).sum().backward(retain_graph=True)
    assert seen == [7.0, 140.0] and a.grad.tolist() == [140.0]
    handle.remove()
    (b * 1).sum().backward()
    assert a.grad.tolist() == [142.0]


def test_retain_grad_keeps_the_gradient_of_a_middle_value(device):
    a = leaf(1.0, device=device)
    b = a * 2
    b.retain_grad()
    (b * b).sum().backward()
    assert b.grad.tolist() == [4.0]


def test_gradient_argument(device):
    a = leaf(1.0, 2.0, device=device)
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (a * 2).backward()
    (a * 2).backward(torch.tensor([1.0, 10.0], device=device))
    assert a.grad.tolist() == [2.0, 20.0]
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (a * 2).backward(torch.ones(3, device=device))
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(1, device=device).backward()


def test_only_what_is_needed_is_recorded():
    """A constant's edge leads nowhere, and what only it would need is not saved."""
    a, constant = leaf(1.0), torch.ones(1, dtype=torch.float64)
    node = (a * constant).grad_fn
    assert [source and source.name() for source, _ in node.next_functions] == ["AccumulateGrad", None]
    assert len(node.saved) == 1 and node.saved[0] is constant.array
    assert (constant * 2).grad_fn is None
    joined = torch.cat([a.reshape(1), constant]).grad_fn
    assert [source and source.name() for source, _ in joined.next_functions] == ["ReshapeBackward0", None]


def test_100_000_operations_deep_without_recursion_or_cycles():
    gc.collect()
    gc.disable()
    try:
        a = leaf(1.0)
        y = a
        for _ in range(100_000):
            y = y + 1
        node = weakref.ref(y.grad_fn)
        y.sum().backward()
        assert a.grad.tolist() == [1.0]
        del y
        assert node() is None, "the graph must go by reference counts alone"
        assert gc.collect() == 0, "and leave no cycles"
    finally:
        gc.enable()


def test_traversal_by_torch_names():
    """What pictures stand on: grad_fn, name(), next_functions, variable."""
    weight = leaf(2.0)
    loss = (weight * weight).sum()
    product = loss.grad_fn.next_functions[0][0]
    assert (loss.grad_fn.name(), product.name(), product.label) == ("SumBackward0", "MulBackward0", "×")
    assert product.shape == (1,) and product.dtype is torch.float64
    ends = [source for source, _ in product.next_functions]
    assert ends[0] is ends[1] and ends[0].variable is weight


def test_variable_is_a_tensor(device):
    """torch's old Variable: 000's reader meets it."""
    x = torch.autograd.Variable(torch.tensor([2.0], device=device), requires_grad=True)
    (x * x).sum().backward()
    assert x.grad.tolist() == [4.0]
