"""How tensors print, without torch at hand (test_parity_creation.py compares with torch on many more)."""

import pytest

import engine as torch

INF, NAN = float("inf"), float("nan")


@pytest.fixture
def options():
    """Print options as they are by default, afterwards too."""
    yield torch.set_printoptions
    torch.set_printoptions(profile="default")


CASES = {
    "tensor([ 0.1000, -2.5000])": lambda: torch.tensor([0.1, -2.5]),
    "tensor([1.0000e-06, 3.0000e+00])": lambda: torch.tensor([1e-6, 3.0]),
    "tensor([1., nan, inf])": lambda: torch.tensor([1.0, NAN, INF]),
    "tensor([0., 0.])": lambda: torch.zeros(2),
    "tensor(2.5000)": lambda: torch.tensor(2.5),
    "tensor(True)": lambda: torch.tensor(True),
    "tensor([ True, False])": lambda: torch.tensor([True, False]),
    "tensor([[  1, -20],\n        [300,   4]])": lambda: torch.tensor([[1, -20], [300, 4]]),
    "tensor([], size=(2, 0))": lambda: torch.zeros(2, 0),
    "tensor([], dtype=torch.int64)": lambda: torch.arange(0),
    "tensor([1.+2.0000j, 0.-0.5000j])": lambda: torch.tensor([1 + 2j, 0 - 0.5j]),
    "tensor([1], dtype=torch.int8)": lambda: torch.ones(1, dtype=torch.int8),
    "tensor([[[0.]],\n\n        [[0.]]])": lambda: torch.zeros(2, 1, 1),
    "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])": lambda: torch.arange(2000),
    "tensor([[  0,   1,   2,  ..., 997, 998, 999],\n        [  0,   1,   2,  ..., 997, 998, 999]])": lambda: (
        torch.arange(1000).expand(2, 1000)
    ),
    "tensor([1.], requires_grad=True)": lambda: torch.ones(1, requires_grad=True),
    "tensor([1.], grad_fn=<PowBackward0>)": lambda: torch.ones(1, requires_grad=True) ** 2,
    "tensor([1.], dtype=torch.float64, grad_fn=<ToCopyBackward0>)": lambda: torch.ones(1, requires_grad=True).double(),
}


@pytest.mark.parametrize("text", CASES)
def test_a_tensor_prints_as_in_torch(text):
    assert repr(CASES[text]()) == text


def test_a_tensor_on_a_gpu_says_so(strict_cupy):
    """Only what is shown is copied from there."""
    assert repr(torch.ones(2, device="cuda")) == "tensor([1., 1.], device='cuda:0')"
    assert repr(torch.arange(2000, device="cuda")).endswith("1999], device='cuda:0')")


def test_long_lines_are_broken():
    lines = repr(torch.arange(30.0)).splitlines()
    assert len(lines) == 3 and len(lines[0]) <= 80 and lines[1].startswith("        14.")
    assert repr(torch.linspace(0, 1, 9, dtype=torch.float64, requires_grad=True)).splitlines()[-1] == (
        "       dtype=torch.float64, requires_grad=True)"
    )


def test_options(options):
    options(precision=2)
    assert repr(torch.tensor([1.234])) == "tensor([1.23])"
    options(threshold=3, edgeitems=1)
    assert repr(torch.arange(5)) == "tensor([0,  ..., 4])"
    options(profile="default", sci_mode=True)
    assert repr(torch.tensor([1.0])) == "tensor([1.0000e+00])"
    options(sci_mode=False)
    assert repr(torch.tensor([1e-6, 1.0])) == "tensor([0.0000, 1.0000])"
    options(profile="full")
    assert "..." not in repr(torch.arange(2000))
    with pytest.raises(ValueError, match="default, short, full"):
        options(profile="long")


def test_only_the_ends_of_a_large_tensor_are_looked_at():
    """Printing 10 million elements formats 6."""
    text = repr(torch.zeros(10_000_000))
    assert text == "tensor([0., 0., 0.,  ..., 0., 0., 0.])"
