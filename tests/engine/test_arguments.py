"""How arguments are read: what is taken, what it becomes, and what is said of the rest (test_errors.py asks torch)."""

import numpy as np
import pytest

import engine as torch
from engine.functions.arguments import reads


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: x.narrow("a", 0, 1), "narrow(): argument 'dim' (position 2) must be int, not str"),
        (lambda x: x.sum(1, keepdim=1), "sum(): argument 'keepdim' must be bool, not int"),
        (lambda x: x.softmax(True), "softmax(): argument 'dim' (position 2) must be int, not bool"),
        (lambda x: torch.cat([x, 3]), "cat(): argument 'tensors' (position 1) must be tuple of Tensors, not list of "),
        (lambda x: x.masked_fill([True], 0), "argument 'mask' (position 2) must be Tensor, not list of bool"),
        (lambda x: x.add(x, alpha=x), "add(): argument 'alpha' must be Number, not Tensor"),
        (lambda x: x.cumsum(0, dtype="float32"), "cumsum(): argument 'dtype' must be torch.dtype, not str"),
        (lambda x: x.div(x, rounding_mode=3), "div(): argument 'rounding_mode' must be str, not int"),
        (lambda x: torch.zeros(2, requires_grad=1), "zeros(): argument 'requires_grad' must be bool, not int"),
        (lambda x: torch.linalg.svd(x, full_matrices=0), "svd(): argument 'full_matrices' must be bool, not int"),
    ],
)
def test_a_message_names_the_argument_what_was_given_and_what_is_expected(call, message, device):
    with pytest.raises(TypeError) as caught:
        call(torch.ones(2, 3, device=device))
    assert message in str(caught.value)


def test_numpy_s_numbers_and_0_d_tensors_are_numbers(device):
    """An int may be numpy's or an integer tensor without dimensions; a number also a 0-d tensor without a gradient."""
    x = torch.ones(2, 3, device=device)
    one = torch.tensor(1, device=device)
    for each in (np.int64(1), one):
        assert x.cumsum(each).tolist() == x.cumsum(1).tolist()
        assert x.sum((0, each)).item() == 6
        assert x.add(x, alpha=each).tolist() == x.add(x).tolist()
    for wrong in (one.float(), torch.ones(1, dtype=torch.int64, device=device), np.ones(3), True):
        with pytest.raises(TypeError, match="must be int"):
            x.cumsum(wrong)
    with pytest.raises(TypeError, match="must be Number"):
        x.add(x, alpha=torch.tensor(1.0, requires_grad=True))


def test_numpy_s_names_mean_dim_and_keepdim(device):
    x = torch.arange(6, device=device).reshape(2, 3)
    assert x.sum(axis=1, keepdims=True).tolist() == [[3], [12]]
    assert x.float().softmax(axis=1).tolist() == x.float().softmax(dim=1).tolist()
    for both in ({"dim": 0, "axis": 0}, {"axis": 0, "dim": 0}):
        with pytest.raises(TypeError, match="'dim' and 'axis', which mean the same"):
            x.sum(**both)


def test_none_stands_for_what_may_be_left_out(device):
    """Where torch takes None; not wherever a default happens to be None here."""
    x = torch.ones(2, 3, device=device)
    assert x.sum(None).item() == 6 and x.argmax(None).item() == 0
    for wrong in (lambda: x.squeeze(None), lambda: torch.eye(2, None), lambda: torch.arange(None, 3)):
        with pytest.raises(TypeError, match="not NoneType"):
            wrong()


def test_subclasses_are_tensors(device):
    class Special(torch.Tensor):
        __slots__ = ()

    special = Special(torch.ones(2, 3, device=device).array)
    assert torch.cumsum(special, 1).tolist() == torch.cumsum(torch.ones(2, 3), 1).tolist()


def test_what_a_function_itself_raises_passes_unchanged():
    """Arguments are read before the call; nothing that happens in it is caught."""
    mistake = TypeError("mine")

    @reads
    def function(input, dim):
        raise mistake

    with pytest.raises(TypeError) as caught:
        function(torch.ones(2), 0)
    assert caught.value is mistake


def test_a_kind_for_a_parameter_that_is_not_there_is_refused():
    with pytest.raises(TypeError, match="no parameters {'dims'}"):
        reads(lambda input, dim: None, dims=None)


def test_sizes_below_minus_one_are_refused(device):
    """numpy takes any negative size for the unknown one."""
    x = torch.ones(2, 3, device=device)
    for call in (lambda: x.reshape(-99), lambda: x.view(2, -3), lambda: x.expand(-2, 3)):
        with pytest.raises(RuntimeError):
            call()
