"""What keeps the graph right and light: a value waits for all that used it; a leaf and its graph are no cycle."""

import gc
import weakref

import engine as torch


def leaf(*values, device="cpu"):
    return torch.tensor(list(values), dtype=torch.float64, device=device, requires_grad=True)


def test_a_value_waits_for_users_at_different_depths(device):
    """b is used at once and once more far away; the near gradient must not travel on before the far one has come."""
    a = leaf(1.0, device=device)
    b = a * 2
    far = ((b + 1) * 3) * b
    (far + b).sum().backward()  # 3b² + 4b, b = 2a: 2 (6b + 4)
    assert a.grad.tolist() == [2 * (6 * 2 + 4)]


def test_a_root_used_by_another_root_counts_both_ways(device):
    a = leaf(3.0, device=device)
    b = a * a
    torch.autograd.backward([b, b * b])
    assert a.grad.tolist() == [2 * 3.0 + 4 * 27.0]


def test_a_leaf_goes_with_its_last_name():
    """Without the garbage collector: parameters of a thrown away model must give back their memory at once."""
    gc.collect()
    gc.disable()
    try:
        a = leaf(1.0)
        (a * 2).sum().backward()
        gone = weakref.ref(a)
        del a
        assert gone() is None
    finally:
        gc.enable()
