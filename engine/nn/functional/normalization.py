"""Normalizations: each brings the mean to 0 and the variance to 1 of other groups of elements, then scales and shifts."""

import math

from engine import dtypes
from engine.autograd.graph import set_recording
from engine.functions.arguments import check_tensor
from engine.nn.functional.arguments import check_constant, check_tensors, in_float32
from engine.nn.primitives.normalization import standardize

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-05):
    """Each channel of (N, C, ...) standardized over the batch, times `weight`, plus `bias` (C) (Ioffe and Szegedy, 2015).

    training: by the mean and variance of this batch, which also move the running ones (C; None: kept nowhere) in place by
    the share `momentum`; otherwise by the running ones.
    """
    check_tensors("batch_norm", input=input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm: expected an input of at least 2 dimensions, got {list(input.shape)}")
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    _check_channels("batch_norm", input, **given)
    check_constant("batch_norm", running_mean=running_mean, running_var=running_var)
    if not training:
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    dims = (0, *range(2, input.ndim))
    if input.numel() == input.shape[1]:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if eps <= 0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    _update(running_mean, running_var, input, dims, momentum)
    return _by_its_own(input, weight, bias, dims, eps)


def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-05
):
    """Each channel of each sample of (N, C, ...) standardized by itself, times `weight`, plus `bias` (C).

    use_input_stats: by its own mean and variance, whose means over the batch also move the running ones; otherwise by the
    running ones.
    """
    check_tensors(
        "instance_norm", input=input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    if input.ndim < 2:
        raise RuntimeError(f"instance_norm: expected an input of at least 2 dimensions, got {list(input.shape)}")
    _check_channels("instance_norm", input, **given)
    check_constant("instance_norm", running_mean=running_mean, running_var=running_var)
    if not use_input_stats:
        return _by_running(input, running_mean, running_var, weight, bias, eps)
    dims = tuple(range(2, input.ndim))
    if math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    _update(running_mean, running_var, input, dims, momentum)
    return _by_its_own(input, weight, bias, dims, eps)


@in_float32
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """Each of `num_groups` groups of channels of each sample of (N, C, ...) standardized, times `weight`, plus `bias` (C)."""
    check_tensors("group_norm", input=input, num_groups=None, weight=weight, bias=bias)
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.ndim}")
    if num_groups < 1 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    _check_channels("group_norm", input, weight=weight, bias=bias)
    if input.shape[0] * input.numel() // max(input.shape[0] * num_groups, 1) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    groups = input.reshape(input.shape[0], num_groups, math.prod(input.shape[1:]) // num_groups)
    return _scaled(standardize(groups, dim=(2,), eps=eps).reshape(input.shape), weight, bias)


@in_float32
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """The last dimensions, of shape `normalized_shape`, standardized; times `weight`, plus `bias` of that shape."""
    check_tensors("layer_norm", input=input, normalized_shape=None, weight=weight, bias=bias)
    dims = _last_dims("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    output = standardize(input, dim=dims, eps=eps)
    output = output if weight is None else output * weight
    return output if bias is None else output + bias


@in_float32
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """The last dimensions, of shape `normalized_shape`, divided by the root of their mean square; times `weight`.

    eps: what is added to the mean square; None: the smallest step of the input's type. Zhang and Sennrich, 2019.
    """
    check_tensors("rms_norm", input=input, normalized_shape=None, weight=weight)
    dims = _last_dims("rms_norm", input, normalized_shape, weight=weight)
    eps = dtypes.finfo(input.dtype).eps if eps is None else eps
    output = input * ((input * input).mean(dims, keepdim=True) + eps).rsqrt()
    return output if weight is None else output * weight


# ---- what they share ------------------------------------------------------------------------------------


def _by_channel(tensor, ndim):
    """(C) as (C, 1, ...), to go with (N, C, ...)."""
    return tensor.reshape(-1, *[1] * (ndim - 2))


def _scaled(output, weight, bias):
    output = output if weight is None else output * _by_channel(weight, output.ndim)
    return output if bias is None else output + _by_channel(bias, output.ndim)


@in_float32
def _by_its_own(input, weight, bias, dims, eps):
    return _scaled(standardize(input, dim=dims, eps=eps), weight, bias)


@in_float32
def _by_running(input, running_mean, running_var, weight, bias, eps):
    """As one scale and one shift for each channel."""
    if running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when the batch's own are not used")
    scale = (running_var + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale if bias is None else bias - running_mean * scale
    return input * _by_channel(scale, input.ndim) + _by_channel(shift, input.ndim)


def _update(running_mean, running_var, input, dims, momentum):
    """Move the running mean and variance in place to those of the input, by the share `momentum`; an empty one has none."""
    if running_mean is None and running_var is None or not input.numel():
        return
    with set_recording(False):
        input = input.detach() if input.array.dtype.itemsize > 2 else input.detach().float()
        for running, batch in ((running_mean, input.mean(dims)), (running_var, input.var(dims, correction=1))):
            if running is not None:
                batch = batch if batch.ndim == 1 else batch.mean(0)
                running.copy_(running.to(batch.dtype) * (1 - momentum) + batch * momentum)


def _check_channels(function, input, **given):
    if not (input.dtype.is_floating_point or input.dtype.is_complex):
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    for name, each in given.items():
        if each is not None and each.numel() != input.shape[1]:
            raise RuntimeError(f"{name} should contain {input.shape[1]} elements not {each.numel()}")
        if each is not None and not each.dtype.is_floating_point:
            raise RuntimeError(f"{function}: expected {name} of a floating point type, but got {each.dtype}")


def _last_dims(function, input, normalized_shape, **given):
    """The dimensions that `normalized_shape` stands for."""
    check_tensor(input, function)
    if isinstance(normalized_shape, int):
        raise TypeError(f"{function}(): argument 'normalized_shape' (position 2) must be tuple of ints, not int")
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    for name, each in given.items():
        if each is not None and tuple(each.shape) != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(each.shape)} and "
                f"normalized_shape = {list(shape)}"
            )
    if tuple(input.shape[-len(shape) :]) != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*, {', '.join(map(str, shape))}], but got "
            f"input of size{list(input.shape)}"
        )
    if input.dtype.category < dtypes.FLOAT:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    return tuple(range(input.ndim - len(shape), input.ndim))
