"""Elementwise functions beyond parity with torch: silence, devices that mix, bfloat16, complex gradients."""

import math
import sys
import threading
import warnings

import numpy as np
import pytest

import engine as torch

OVERFLOWS = {
    "log of 0": lambda x: torch.log(x * 0),
    "division by 0": lambda x: x / 0,
    "0 / 0": lambda x: (x * 0) / 0,
    "inf - inf": lambda x: (x / 0) - (x / 0),
    "exp": lambda x: torch.exp(x * 1e4),
    "sqrt of less than 0": lambda x: torch.sqrt(-x),
    "sigmoid": lambda x: torch.sigmoid(-x * 1e4),
    "float16": lambda x: x.half() * 1e6,
    "a cast": lambda x: (x * 1e300).float(),
    "nan as an integer": lambda x: (x / 0 * 0).long() * 0,
    "a weak number": lambda x: x.float() * torch.tensor(1e300, dtype=torch.float64),
    "power": lambda x: (x - x) ** -1.0,
}


@pytest.mark.parametrize("case", OVERFLOWS)
def test_inf_and_nan_come_without_a_warning(case):
    """torch never warns of them; forward and backward, in the main thread and in others."""

    def compute():
        x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        result = OVERFLOWS[case](x)
        if result.requires_grad:
            result.sum().backward()
            torch.autograd.grad(OVERFLOWS[case](x).sum(), x, create_graph=True)

    found = []

    def in_a_thread():
        try:
            compute()
        except Warning as warning:
            found.append(warning)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compute()
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        thread.join()
    assert not found


def test_numpy_itself_warns_as_before():
    """The silence is the engine's own: a learner's numpy keeps its warnings."""
    torch.log(torch.zeros(1))
    with pytest.warns(RuntimeWarning):
        np.log(np.zeros(1))


def test_an_operation_within_an_operation(monkeypatch):
    """Silence can be nested: a forward may itself run operations on tensors."""
    log = torch.functions.elementwise.elementwise.log
    monkeypatch.setattr(log, "forward", lambda a: (torch.from_numpy(a) * 2).numpy())
    assert torch.log(torch.tensor([3.0])).tolist() == [6.0]


# ---- devices ----------------------------------------------------------------------------------------


def test_a_0d_tensor_of_the_cpu_joins_those_on_a_gpu(strict_cupy):
    """Its value is copied over, its gradient comes back, also when that is differentiated again."""
    there = torch.tensor([1.0, 2.0], device="cuda", requires_grad=True)
    scale = torch.tensor(3.0, requires_grad=True)
    result = scale * there * there + scale
    assert result.is_cuda and result.tolist() == [6.0, 15.0]
    (slope,) = torch.autograd.grad(result.sum(), scale, create_graph=True)
    assert not slope.is_cuda and slope.item() == 7.0
    slope.backward()
    assert there.grad.tolist() == [2.0, 4.0] and there.grad.is_cuda
    result.sum().backward()
    assert scale.grad.item() == 7.0 and not scale.grad.is_cuda


def test_a_0d_tensor_of_the_cpu_stays_weak(strict_cupy):
    there = torch.ones(2, device="cuda")
    assert (there * torch.tensor(2.0, dtype=torch.float64)).dtype is torch.float32
    assert torch.where(there > 0, torch.tensor(5.0), there).tolist() == [5.0, 5.0]
    assert (there > torch.tensor(0)).is_cuda


@pytest.mark.parametrize(
    "mix", [lambda there: there + torch.ones(2), lambda there: torch.ones(2) * there.sum()], ids=["1-d", "cuda 0-d"]
)
def test_other_mixtures_of_devices_raise(mix, strict_cupy):
    with pytest.raises(RuntimeError, match="same device.*cpu and cuda:0"):
        mix(torch.ones(2, device="cuda"))


# ---- types ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "compute, expected",
    [
        (lambda: torch.tensor([100], dtype=torch.int8) + 300, [-112]),
        (lambda: torch.tensor([1], dtype=torch.uint8) - 5, [252]),
        (lambda: torch.tensor([-7, 7]) // 2, [-4, 3]),
        (lambda: torch.div(torch.tensor([-7, 7]), 2, rounding_mode="trunc"), [-3, 3]),
        (lambda: torch.tensor([-7, 7]) % 3, [2, 1]),
        (lambda: torch.fmod(torch.tensor([-7, 7]), 3), [-1, 1]),
        (lambda: torch.tensor([2, -1, 1]) ** torch.tensor([-1, -3, -2]), [0, -1, 1]),
        (lambda: torch.tensor([True, False]) + torch.tensor([True, True]), [True, True]),
        (lambda: torch.tensor([True, False]) ^ True, [False, True]),
        (lambda: ~torch.tensor([5, 0]), [-6, -1]),
        (lambda: torch.clamp(torch.tensor([1, 9]), 2.5), [2.5, 9.0]),
        (lambda: torch.round(torch.tensor([0.5, 1.5, 2.5])), [0.0, 2.0, 2.0]),
        (lambda: torch.tensor([1, 2]).masked_fill(torch.tensor([True, False]), 1.9), [1, 2]),
    ],
)
def test_integers_bools_and_their_mixtures(compute, expected):
    assert compute().tolist() == expected


@pytest.mark.parametrize("divide", ["__floordiv__", "__mod__", "fmod"])
def test_an_integer_divided_by_zero_raises(divide, device):
    """numpy would answer 0 with a warning, a GPU anything."""
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        getattr(torch.arange(3, device=device), divide)(torch.tensor([1, 0, 2], device=device))


def test_erf_without_scipy(monkeypatch):
    """scipy makes it quick where it is there; the values do not depend on it."""
    x = torch.linspace(-4, 4, 33, dtype=torch.float64)
    quick = torch.erf(x)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert torch.allclose(torch.erf(x), quick, rtol=1e-14)
    assert torch.erf(x.half()).dtype is torch.float16 and torch.erf(x[:0]).shape == (0,)
    assert torch.erf(x)[-1].item() == pytest.approx(math.erf(4))


def test_sigmoid_keeps_its_digits_far_from_0():
    """As 0.5·(1 + tanh) it would lose them to rounding."""
    x = torch.tensor([-20.0, -5.0, 0.0, 5.0, 700.0])
    expected = 1 / (1 + np.exp(-x.numpy().astype(np.float64)))
    np.testing.assert_allclose(torch.sigmoid(x).numpy(), expected, rtol=3e-7)


# ---- complex gradients ------------------------------------------------------------------------------

COMPLEX = {
    "z * w": lambda z, w: z * w,
    "z / w": lambda z, w: z / w,
    "exp": lambda z, w: torch.exp(z) + w,
    "conj": lambda z, w: z.conj() * w,
    "real, imag": lambda z, w: z.real * 2 + w.imag * z.imag,
    "abs": lambda z, w: (z * w).abs(),
    "power": lambda z, w: z**3 - w**-1,
    "where": lambda z, w: torch.where(z.real < 0.2, z, w),
    "with a float": lambda z, w: z * w.real,
}


@pytest.mark.parametrize("case", COMPLEX)
def test_gradients_of_complex_tensors(case, device):
    """For a real loss L, grad is dL/d(re) + i·dL/d(im), as in torch: it points uphill."""
    generator = np.random.default_rng(0)
    start = generator.standard_normal((2, 2)) + 1j * generator.standard_normal((2, 2))
    weights = generator.standard_normal((2, 2))

    def loss(z, w):
        result = COMPLEX[case](z, w)
        total = (result.real * torch.tensor(weights[0], device=device)).sum()
        return total + (result.imag * torch.tensor(weights[1], device=device)).sum() if result.is_complex() else total

    leaves = [torch.tensor(each, device=device, requires_grad=True) for each in start]
    loss(*leaves).backward()
    for which in range(2):
        for place in range(2):
            for direction in (1, 1j):
                ends = []
                for step in (1e-6, -1e-6):
                    moved = start.copy()
                    moved[which, place] += step * direction
                    ends.append(loss(*[torch.tensor(each, device=device) for each in moved]).item())
                slope = (ends[0] - ends[1]) / 2e-6
                found = leaves[which].grad.cpu().numpy()[place]
                assert (found.real if direction == 1 else found.imag) == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_abs_of_complex_zero_has_no_direction():
    z = torch.tensor([0j, 3 + 4j], requires_grad=True)
    z.abs().sum().backward()
    np.testing.assert_allclose(z.grad.numpy(), [0, 0.6 + 0.8j], rtol=1e-6)


def test_real_and_imag_are_views():
    z = torch.zeros(2, dtype=torch.complex64)
    z.imag.fill_(2)
    z.real[0] = 1
    assert z.tolist() == [1 + 2j, 2j] and z._version == 2


# ---- bfloat16 ---------------------------------------------------------------------------------------


def test_bfloat16_computes_in_float32_and_rounds_once():
    pytest.importorskip("ml_dtypes", reason="the type comes with ml_dtypes")
    x = torch.tensor([1.0, 2.5, -3.0], dtype=torch.bfloat16)
    weight = torch.ones(3, 2, dtype=torch.bfloat16, requires_grad=True)
    for result in (x * 2.5, x + 1, x.exp(), torch.sigmoid(x), x.clamp(-0.5, 1), x @ weight, x.sum(), x**2.0, -x, x[1:]):
        assert result.dtype is torch.bfloat16
    assert (x * 2.5).tolist() == [2.5, 6.25, -7.5]
    assert x.float().dtype is torch.float32 and (x + torch.ones(3)).dtype is torch.float32
    (x @ weight).sum().backward()
    assert weight.grad.dtype is torch.bfloat16 and weight.grad.tolist() == [[1.0, 1.0], [2.5, 2.5], [-3.0, -3.0]]
    assert repr(x) == "tensor([ 1.0000,  2.5000, -3.0000], dtype=torch.bfloat16)"
    assert torch.rand(5, dtype=torch.bfloat16).amax() < 1 and torch.finfo(torch.bfloat16).eps == 0.0078125
    view = x.reshape(3, 1)
    view[0] = 9
    assert x[0].item() == 9.0


# ---- questions --------------------------------------------------------------------------------------


def test_comparison_with_what_is_no_number_is_python_s():
    x = torch.ones(2)
    assert (x == None) is False and (x != "a") is True  # noqa: E711
    with pytest.raises(TypeError, match="not supported between"):
        x < "a"


def test_addition_keeps_float64_where_alpha_scales_integers():
    total = torch.add(torch.zeros(1, dtype=torch.float64), torch.tensor([3]), alpha=0.1)
    assert total.item() == 3 * 0.1
