"""torch.nn.init: the first values of parameters, written in place and never recorded.

Each takes a tensor and returns it. How widely the numbers are spread follows from the tensor's fan: how many inputs
reach one of its outputs (fan_in), or how many outputs one of its inputs reaches (fan_out).
"""

import math
import warnings

import numpy as np

from engine import autograd, creation, dtypes, linalg, random

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_", "normal_", "ones_",
    "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "zeros_"]

GAINS = {"sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4} | dict.fromkeys(
    ["linear", *(f"{kind}{dims}d" for kind in ("conv", "conv_transpose") for dims in (1, 2, 3))], 1)


def calculate_gain(nonlinearity, param=None):
    """By how much the weights before this nonlinearity are to be larger, e.g. √2 for "relu".

    param: the negative slope of "leaky_relu" (0.01).
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {slope} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return GAINS[nonlinearity]


# ---- without a fan ----------------------------------------------------------------------------------


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform on [a, b)."""
    with autograd.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with this mean and standard deviation."""
    with autograd.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal with this mean and standard deviation, but drawn again where it falls outside of [a, b]."""
    if a > b:
        raise RuntimeError(f"trunc_normal_ expects a <= b, but got a={a} and b={b}")
    low, high = sorted(((a - mean) / std, (b - mean) / std))
    drawn = _standard_normal_within(low, high, tensor.numel(), generator) * std + mean
    return _write(tensor, np.clip(drawn, a, b).reshape(tensor.shape))


def _standard_normal_within(low, high, count, generator):
    """`count` standard normal numbers in [low, high]: proposals, uniform ones where fewer of those are in vain, are
    kept with the probability that makes them normal."""
    nearest = min(max(0.0, low), high)  # the likeliest number
    low, high = max(low, nearest - 10), min(high, nearest + 10)
    are_uniform = high - low < math.sqrt(2 * math.pi) * math.exp(min(nearest**2 / 2, 700))
    kept, missing = [], count
    while missing:
        draws = random.rand(2, missing, generator=generator, dtype=dtypes.float64).numpy()
        if are_uniform:
            proposed = low + (high - low) * draws[0]
            proposed = proposed[draws[1] <= np.exp((nearest**2 - proposed**2) / 2)]
        else:  # Box and Muller
            proposed = np.sqrt(-2 * np.log1p(-draws[0])) * np.cos(2 * np.pi * draws[1])
            proposed = proposed[(proposed >= low) & (proposed <= high)]
        kept.append(proposed)
        missing -= len(proposed)
    return np.concatenate(kept) if kept else np.zeros(0)


def constant_(tensor, val):
    """One number everywhere."""
    with autograd.no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor):
    """The identity matrix: a linear layer hands its inputs on."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _write(tensor, np.eye(*tensor.shape))


def dirac_(tensor, groups=1):
    """A convolution, (out, in / groups, *kernel), that hands its inputs on, as many as it can; each group by itself."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    values = np.zeros(tensor.shape)
    size = tensor.shape[0] // groups
    middle = tuple(length // 2 for length in tensor.shape[2:])
    for group in range(groups):
        for channel in range(min(size, tensor.shape[1])):
            values[(group * size + channel, channel, *middle)] = 1
    return _write(tensor, values)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """A matrix with this part of each column 0 and the rest normal (Martens, 2010)."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    normal_(tensor, 0, std, generator)
    rows, columns = tensor.shape
    with autograd.no_grad():
        for column in range(columns):
            chosen = random.randperm(rows, generator=generator)[: math.ceil(sparsity * rows)]
            tensor[chosen.to(tensor.device), column] = 0
    return tensor


def orthogonal_(tensor, gain=1, generator=None):
    """Rows that are orthogonal to each other and `gain` long (columns, if there are more rows than columns); dimensions
    after the first are one (Saxe et al., 2013)."""
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows, columns = tensor.shape[0], tensor.numel() // tensor.shape[0]
    drawn = random.randn(max(rows, columns), min(rows, columns), generator=generator, dtype=dtypes.float64)
    q, r = linalg.qr(drawn)
    q = q * r.diagonal().sign()  # so that every such matrix is equally likely
    return _write(tensor, (q.T if rows < columns else q).numpy().reshape(tensor.shape) * gain)


def _write(tensor, values):
    with autograd.no_grad():
        return tensor.copy_(creation.from_numpy(np.ascontiguousarray(values)).to(tensor.dtype))


# ---- by the fan -------------------------------------------------------------------------------------


def _calculate_fan_in_and_fan_out(tensor):
    """(fan_in, fan_out) of a weight (out, in, *kernel)."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    area = math.prod(tensor.shape[2:])
    return tensor.shape[1] * area, tensor.shape[0] * area


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform with variance gain² · 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with variance gain² · 2 / (fan_in + fan_out) (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0, _xavier_std(tensor, gain), generator)


def _xavier_std(tensor, gain):
    return gain * math.sqrt(2 / sum(_calculate_fan_in_and_fan_out(tensor)))


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform with variance gain² / fan (He et al., 2015); the gain is the nonlinearity's, with negative slope a.

    mode: "fan_in" keeps the variance of activations, "fan_out" that of gradients.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with variance gain² / fan (He et al., 2015); arguments as for kaiming_uniform_."""
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _is_empty(tensor):
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return 0 in tensor.shape


def _kaiming_std(tensor, a, mode, nonlinearity):
    if str(mode).lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode.lower() == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)
