"""Normalizations: each brings the mean to 0 and the variance to 1 of other groups of elements, then scales and shifts.

Halves are computed in float32 and rounded once, as torch does on the CPU; their weights may be float32.
"""

import math

import numpy as np

from engine import backend, dtypes
from engine.autograd.graph import set_recording
from engine.autograd.short import record_several
from engine.functions.arguments import TENSOR, optional, reads
from engine.kernels import one_kernel
from engine.nn.functional.arguments import check_constant
from engine.nn.primitives import batch_norm as batch
from engine.nn.primitives import layer_norm as table
from engine.nn.primitives.normalization import moments_of, standardize

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


@reads(running_mean=optional(TENSOR), running_var=optional(TENSOR))
def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    """Each channel of (N, C, ...) standardized over the batch, times `weight`, plus `bias` (C). Ioffe, Szegedy, 2015.

    training: by the mean and variance of this batch, which also move the running ones (C; None: kept nowhere) in place
    by the share `momentum`; otherwise by the running ones.
    """
    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    if input.numel() == input.shape[1]:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    output, moments = _normalized_batch(input, weight, bias, eps)
    _update(running_mean, running_var, moments, input, input.numel() // input.shape[1], momentum)
    return output


def _normalized_batch(input, weight, bias, eps):
    """(the output, the mean and the variance of the batch, arrays): as one operation where that serves."""
    if weight is None or bias is None or not batch.suits(input.array):
        output, moments = _standardized(input, (0, *range(2, input.ndim)), eps)
        return _scaled(output, weight, bias, input), moments
    kept = {}
    output = record_several(batch.batch_norm, (input, weight, bias), {"eps": eps, "kept": kept})
    return output, (kept["middle"], kept["spread"])


@reads
def instance_norm(
        input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1,
        eps=1e-05):
    """Each channel of each sample of (N, C, ...) standardized by itself, times `weight`, plus `bias` (C).

    use_input_stats: by its own mean and variance, whose means over the batch also move the running ones; otherwise by
    the running ones.
    """
    count = math.prod(input.shape[2:])
    if use_input_stats and count == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    _check_channels(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not use_input_stats:
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    output, moments = _standardized(input, tuple(range(2, input.ndim)), eps)
    _update(running_mean, running_var, moments, input, count, momentum)
    return _scaled(output, weight, bias, input)


@reads
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Each of the groups of channels of each sample of (N, C, ...) standardized, times `weight`, plus `bias` (C)."""
    _check_channels("group_norm", input, weight=weight, bias=bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"num_groups={num_groups} must divide the number of channels of an input of shape {list(input.shape)}")
    size = math.prod(input.shape[1:]) // num_groups
    if input.shape[0] * size == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    output, _ = _standardized(input.reshape(input.shape[0], num_groups, size), (2,), eps)
    return _scaled(output.reshape(input.shape), weight, bias, input)


@reads
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """The last dimensions, of shape `normalized_shape`, standardized; times `weight`, plus `bias` of that shape."""
    dims = _last_dims("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    _check_types("layer_norm", input, weight=weight, bias=bias)
    is_usual = weight is not None and bias is not None and weight.dtype is bias.dtype is input.dtype
    if is_usual and input.dtype.itemsize > 2 and input.numel():
        return table.layer_norm(input, weight, bias, eps=eps)
    return composed_layer_norm(input, weight, bias, eps, dims)


def composed_layer_norm(input, weight=None, bias=None, eps=1e-5, dims=None):
    """The same in ordinary operations, whichever of weight and bias there are. dims: by default those of weight."""
    output, _ = _standardized(input, tuple(range(input.ndim - weight.ndim, input.ndim)) if dims is None else dims, eps)
    output = output if weight is None else output * weight
    return (output if bias is None else output + bias).to(input.dtype)


@reads
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """The last dimensions, of shape `normalized_shape`, divided by the root of their mean square; times `weight`.

    eps: what is added to the mean square; None: the smallest step of the input's type. Zhang and Sennrich, 2019.
    """
    if input.ndim < len(normalized_shape):
        raise ValueError(f"Input tensor must have at least {len(normalized_shape)} dimensions, but got {input.ndim}")
    dims = _last_dims("rms_norm", input, normalized_shape, weight=weight)
    eps = dtypes.finfo(input.dtype).eps if eps is None else eps
    wide = _wide(input)
    output = wide * ((wide * wide).mean(dims, keepdim=True) + eps).rsqrt()
    return (output if weight is None else output * weight).to(input.dtype)


# ---- what they share ------------------------------------------------------------------------------------


def _wide(tensor):
    """Halves as float32."""
    return tensor.float() if tensor.array.dtype.itemsize == 2 else tensor


def _standardized(input, dims, eps):
    """(the input standardized along `dims`, the mean and the variance that it had, arrays)."""
    wide = _wide(input)
    moments = backend.quietly(moments_of, (wide.array, dims), {}) if input.numel() else None
    return standardize(wide, dim=dims, eps=eps, moments=moments), moments


def _by_channel(tensor, ndim):
    """(C) as (C, 1, ...), to go with (N, C, ...)."""
    return tensor.reshape(-1, *[1] * (ndim - 2))


def _scaled(output, weight, bias, input):
    output = output if weight is None else output * _by_channel(weight, output.ndim)
    return (output if bias is None else output + _by_channel(bias, output.ndim)).to(input.dtype)


def _by_running(input, running_mean, running_var, weight, bias, eps):
    """As one scale and one shift for each channel."""
    if running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when the batch's own are not used")
    scale = (_wide(running_var) + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale if bias is None else bias - running_mean * scale
    return _scaled(_wide(input), scale, shift, input)


def _update(running_mean, running_var, moments, input, count, momentum):
    """Move the running mean and variance in place to those of `count` elements by the share `momentum`."""
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    if moments is None:
        return
    for running, moment, correction in zip((running_mean, running_var), moments, (1, count / max(count - 1, 1))):
        if running is not None:
            with set_recording(False):
                moment = moment.reshape(-1, input.shape[1])  # of (C, 1), (1, C) or (N, C)
                new = moment[0] if len(moment) == 1 else np.mean(moment, axis=0)
                running.copy_(type(input)(moved(_wide(running).array, new, correction, 1 - momentum, momentum)))


@one_kernel
def moved(running, new, correction, rest, share):
    return running * rest + new * correction * share


def _check_channels(function, input, **given):
    """An error unless `input` is (N, C, ...) of floats and each of the others holds one number for each channel."""
    if input.ndim < 2:
        raise RuntimeError(f"{function}: expected an input of at least 2 dimensions, got {list(input.shape)}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    for name, each in given.items():
        if each is not None and each.numel() != input.shape[1]:
            raise RuntimeError(f"{name} should contain {input.shape[1]} elements not {each.numel()}")
    check_constant(function, running_mean=given.get("running_mean"), running_var=given.get("running_var"))
    _check_types(function, input, **given)


def _check_types(function, input, **given):
    """RuntimeError unless all have the input's type; with a half as input they may be float32."""
    for name, each in given.items():
        if each is not None and each.dtype is not input.dtype:
            if each.dtype is not dtypes.float32 or input.dtype.itemsize != 2:
                raise RuntimeError(f"{function}: mixed dtypes: {name} is {each.dtype} for an input of {input.dtype}")


def _last_dims(function, input, shape, **given):
    """The dimensions that `normalized_shape` stands for."""
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, but got normalized_shape = []")
    for name, each in given.items():
        if each is not None and tuple(each.shape) != shape:
            raise RuntimeError(f"Expected {name} of shape normalized_shape = {list(shape)}, but got {list(each.shape)}")
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, the input must end in it, but has the size {list(input.shape)}")
    if input.dtype.category < dtypes.FLOAT:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    return tuple(range(input.ndim - len(shape), input.ndim))
