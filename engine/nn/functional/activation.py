"""Activations: functions of each element, and those that weigh the elements along a dimension against each other."""

import functools
import warnings

from engine.functions import elementwise, reduction
from engine.functions.arguments import BOOL, NUMBER, autocasts, check_dim, reads
from engine.inplace import change
from engine.nn.functional.arguments import in_float32
from engine.nn.primitives import activation as table

__all__ = [
    "celu", "celu_", "elu", "elu_", "gelu", "glu", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "leaky_relu",
    "leaky_relu_", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_", "selu", "selu_", "sigmoid",
    "silu", "softmax", "softmin", "softplus", "softsign", "tanh", "threshold", "threshold_"]

FLOATS, REALS, NUMBERS = "fV", "iufV", "fVc"  # kinds of types, as numpy names them


def _apply(op, input, inplace=False, takes=FLOATS, **how):
    """The entry's result; in the tensor's own memory if asked."""
    if input.array.dtype.kind not in takes:
        raise NotImplementedError(f'"{op.name}" not implemented for {input.dtype}')
    compute = functools.partial(op, **how)
    compute = in_float32(compute) if input.array.dtype.itemsize == 2 else compute
    return change(input, compute) if inplace else compute(input)


# ---- bent lines -----------------------------------------------------------------------------------------


def relu(input, inplace=False):
    """max(input, 0). inplace: in the input's own memory."""
    is_changed = inplace is not False and BOOL.read(inplace, "relu", "inplace", 2)  # by hand: half of the time is saved
    return change(input, elementwise.relu) if is_changed else elementwise.relu(input)


@reads
def leaky_relu(input, negative_slope=0.01, inplace=False):
    """The input where it is positive, negative_slope · input elsewhere."""
    return _apply(table.leaky_relu, input, inplace, slope=negative_slope)


@reads
def prelu(input, weight):
    """leaky_relu with a learned slope: `weight` holds one for all, or one for each channel (dimension 1)."""
    if input.dtype is not weight.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}")
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.ndim}")
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels) or (weight.numel() != 1 and not input.ndim):
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} and "
            f"channel size = {channels}.")
    weight = weight.reshape((-1, *[1] * (input.ndim - 2)) if input.ndim > 1 else (1,) * input.ndim)
    return elementwise.where(input > 0, input, weight * input)


@reads(threshold=NUMBER, value=NUMBER)
def threshold(input, threshold, value, inplace=False):
    """The input where it is above `threshold`, the number `value` elsewhere."""
    return _apply(table.threshold, input, inplace, REALS, threshold=threshold, value=value)


@reads
def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """The input, but no less than min_val and no more than max_val; the gradient is 0 from there on."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if not input.dtype.is_floating_point:
        min_val, max_val = int(min_val), int(max_val)
    return _apply(table.hardtanh, input, inplace, REALS, low=min_val, high=max_val)


@reads
def relu6(input, inplace=False):
    """The input, but no less than 0 and no more than 6."""
    return _apply(table.hardtanh, input, inplace, REALS, low=0, high=6)


@reads
def hardsigmoid(input, inplace=False):
    """relu6(input + 3) / 6: a sigmoid of straight lines."""
    return _apply(table.hardsigmoid, input, inplace)


@reads
def hardswish(input, inplace=False):
    """input · relu6(input + 3) / 6."""
    return _apply(table.hardswish, input, inplace)


# ---- smooth curves --------------------------------------------------------------------------------------

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@reads
def elu(input, alpha=1.0, inplace=False):
    """The input where it is positive, alpha · (exp(input) - 1) elsewhere."""
    return _apply(table.elu, input, inplace, alpha=alpha, scale=1.0, steepness=1.0)


@reads
def celu(input, alpha=1.0, inplace=False):
    """The input where it is positive, alpha · (exp(input / alpha) - 1) elsewhere."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _apply(table.elu, input, inplace, alpha=alpha, scale=1.0, steepness=1 / alpha)


@reads
def selu(input, inplace=False):
    """elu with the two numbers that keep a mean of 0 and a variance of 1 (Klambauer et al., 2017)."""
    return _apply(table.elu, input, inplace, alpha=SELU_ALPHA, scale=SELU_SCALE, steepness=1.0)


@reads
def gelu(input, *, approximate="none"):
    """input · P(a normal number is below it); approximate="tanh": by a formula (Hendrycks and Gimpel, 2016)."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return _apply(table.gelu if approximate == "none" else table.gelu_tanh, input)


@reads
def silu(input, inplace=False):
    """input · sigmoid(input)."""
    return _apply(table.silu, input, inplace, NUMBERS)


@reads
def mish(input, inplace=False):
    """input · tanh(softplus(input))."""
    return _apply(table.mish, input, inplace)


@reads(threshold=NUMBER)
def softplus(input, beta=1, threshold=20):
    """log(1 + exp(beta · input)) / beta; the input itself where beta · input is above `threshold`."""
    return _apply(table.softplus, input, beta=beta, threshold=threshold)


@reads
def softsign(input):
    """input / (1 + |input|)."""
    return input / (input.abs() + 1)


def sigmoid(input):
    """1 / (1 + exp(-input))."""
    return elementwise.sigmoid(input)


def tanh(input):
    """The hyperbolic tangent."""
    return elementwise.tanh(input)


@reads
def logsigmoid(input):
    """log(sigmoid(input)), without overflow."""
    return _apply(table.log_sigmoid, input)


@reads
@in_float32
def glu(input, dim=-1):
    """The first half along `dim` times the sigmoid of the second half."""
    if not input.ndim:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    dim = check_dim(dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"glu" not implemented for {input.dtype}')
    half = input.shape[dim] // 2
    return input.narrow(dim, 0, half) * elementwise.sigmoid(input.narrow(dim, half, half))


# ---- along a dimension ----------------------------------------------------------------------------------


@reads
def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(input), divided by its sum along `dim`: numbers between 0 and 1 that add up to 1. dtype: to compute in."""
    return _along(_softmax, "softmax", input, dim, dtype)


@reads
def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """log(softmax(input, dim)), without overflow. dtype: to compute in."""
    return _along(_log_softmax, "log_softmax", input, dim, dtype)


@reads
def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-input, dim). dtype: to compute in."""
    return _along(_softmax, "softmin", -input, dim, dtype)


_softmax = autocasts(in_float32(reduction.softmax))  # of softmin, whose name autocast does not know
_log_softmax = in_float32(reduction.log_softmax)


def _along(function, name, input, dim, dtype):
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
            "argument.",
            stacklevel=4)
    return function(input if dtype is None else input.to(dtype), dim)


# ---- in place -------------------------------------------------------------------------------------------


@reads
def relu_(input):
    """relu in the input's own memory."""
    return relu(input, inplace=True)


@reads
def leaky_relu_(input, negative_slope=0.01):
    """leaky_relu in the input's own memory."""
    return leaky_relu(input, negative_slope, inplace=True)


@reads(threshold=NUMBER, value=NUMBER)
def threshold_(input, threshold, value):
    """threshold in the input's own memory."""
    return _apply(table.threshold, input, True, REALS, threshold=threshold, value=value)


@reads
def hardtanh_(input, min_val=-1.0, max_val=1.0):
    """hardtanh in the input's own memory."""
    return hardtanh(input, min_val, max_val, inplace=True)


@reads
def elu_(input, alpha=1.0):
    """elu in the input's own memory."""
    return elu(input, alpha, inplace=True)


@reads
def celu_(input, alpha=1.0):
    """celu in the input's own memory."""
    return celu(input, alpha, inplace=True)


@reads
def selu_(input):
    """selu in the input's own memory."""
    return selu(input, inplace=True)
