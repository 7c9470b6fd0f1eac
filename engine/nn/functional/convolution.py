"""Convolutions and transposed convolutions in one and in two dimensions."""

from engine.functions.arguments import DIMS, Kind, reads
from engine.nn.functional.arguments import batched, in_float32, several
from engine.nn.functional.vision import pad
from engine.nn.primitives import convolution as table

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

PADDING = Kind("int, tuple of ints or str", int, str, convert=DIMS.convert)


@reads(padding=PADDING)
@in_float32
def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The cross-correlation of `input` with `weight` along one dimension, plus a bias for each output channel.

    input: (N, C, L) or (C, L). weight: (out, C / groups, K). bias: (out) or None. padding: a number of zeros on each
    side, "valid" (none) or "same" (as many as keep the length; stride 1). Result: (N, out, L') with
    L' = (L + 2·padding - dilation·(K - 1) - 1) // stride + 1.
    """
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@reads(padding=PADDING)
@in_float32
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The cross-correlation of `input` with `weight` over two dimensions, plus a bias for each output channel.

    input: (N, C, H, W) or (C, H, W). weight: (out, C / groups, KH, KW). bias: (out) or None. stride, padding, dilation:
    a number or one for each dimension; padding also "valid" (none) or "same" (what keeps the size; stride 1).
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@reads
@in_float32
def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """What conv1d does to its gradient: each element of `input` adds itself times `weight` to a stretch of the result.

    input: (N, C, L) or (C, L). weight: (C, out / groups, K). Result: (N, out, L') with
    L' = (L - 1)·stride - 2·padding + dilation·(K - 1) + output_padding + 1.
    """
    return _convolve_transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


@reads
@in_float32
def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """What conv2d does to its gradient: each element of `input` adds itself times `weight` to a window of the result.

    input: (N, C, H, W) or (C, H, W). weight: (C, out / groups, KH, KW). Each size of the result is
    (size - 1)·stride - 2·padding + dilation·(K - 1) + output_padding + 1.
    """
    return _convolve_transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _convolve(function, dims, input, weight, bias, stride, padding, dilation, groups):
    sides = 0 if isinstance(padding, str) else padding
    how = _how(function, dims, input, weight, bias, stride, sides, dilation, groups)
    input, is_batch = batched(input, dims, function)
    kernel = tuple(weight.shape[2:])
    _check_shapes(input, weight, bias, groups, weight.shape[1] * groups, weight.shape[0])
    if isinstance(padding, str):
        input, how = _padded_by_name(input, padding, kernel, how)
    if min(table.places_of(input.shape[2:], kernel, how)) < 1:
        reached = [size + 2 * more for size, more in zip(input.shape[2:], how.padding)]
        spans = [spread * (size - 1) + 1 for size, spread in zip(kernel, how.dilation)]
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, reached))}). Kernel size: "
            f"({' x '.join(map(str, spans))}). Kernel size can't be greater than actual input size")
    output = table.convolution(input, weight, *(() if bias is None else (bias,)), how=how)
    return output if is_batch else output.squeeze(0)


def _convolve_transposed(function, dims, input, weight, bias, stride, padding, output_padding, groups, dilation):
    how = _how(function, dims, input, weight, bias, stride, padding, dilation, groups)
    input, is_batch = batched(input, dims, function)
    more = several(output_padding, dims, function, "output_padding")
    _check_shapes(input, weight, bias, groups, weight.shape[0], weight.shape[1] * groups)
    if any(not 0 <= extra < max(step, spread) for extra, step, spread in zip(more, how.stride, how.dilation)):
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got output_padding: {list(more)}, "
            f"stride: {list(how.stride)}, dilation: {list(how.dilation)}")
    size = tuple([
        (places - 1) * step - 2 * edge + spread * (each - 1) + extra + 1
        for places, each, step, edge, spread, extra in zip(
            input.shape[2:], weight.shape[2:], how.stride, how.padding, how.dilation, more)])
    if min(size) < 1:
        raise RuntimeError(f"{function}: the calculated output size {list(size)} is too small")
    output = table.convolution_transposed(input, weight, *(() if bias is None else (bias,)), size=size, how=how)
    return output if is_batch else output.squeeze(0)


# ---- reading the arguments ------------------------------------------------------------------------------


def _how(function, dims, input, weight, bias, stride, padding, dilation, groups):
    """How to go over the input, once the types and the number of the weight's dimensions are right."""
    for name, each in (("weight", weight), ("bias", bias)):
        if each is not None and each.dtype is not input.dtype:
            raise RuntimeError(f"Input type ({input.dtype}) and {name} type ({each.dtype}) should be the same")
    if weight.ndim != dims + 2:
        raise RuntimeError(
            f"{function}: expected a weight of {dims + 2} dimensions, but got weight of size {list(weight.shape)}")
    stride, padding = several(stride, dims, function, "stride"), several(padding, dims, function, "padding")
    dilation = several(dilation, dims, function, "dilation")
    for name, values in (("stride", stride), ("padding", padding), ("dilation", dilation), ("groups", (groups,))):
        if min(values) < (name != "padding"):
            wrong = "negative" if name == "padding" else "non-positive"
            raise RuntimeError(f"{function}: {wrong} {name} is not supported, got {values}")
    return table.How(stride, padding, dilation, groups)


def _check_shapes(input, weight, bias, groups, channels, out):
    """RuntimeError unless the input has so many channels and the bias as many elements as the output has channels."""
    if weight.shape[0] % groups:
        raise RuntimeError(
            f"expected groups={groups} to divide the weight's dimension 0, but got weight of size {list(weight.shape)}")
    if input.shape[1] != channels:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{channels} channels, but got {input.shape[1]} channels instead")
    if bias is not None and tuple(bias.shape) != (out,):
        raise RuntimeError(
            f"Given weight of size {list(weight.shape)}, expected bias to be 1-dimensional with {out} elements, but "
            f"got bias of size {list(bias.shape)} instead")
    if 0 in weight.shape[2:]:
        raise RuntimeError(f"a kernel must have elements, but got weight of size {list(weight.shape)}")


def _padded_by_name(input, padding, kernel, how):
    """The input and `how` for "valid" and "same"; an odd zero goes to the far end, as in torch."""
    if padding == "valid":
        return input, how
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}': use 'valid' or 'same'")
    if max(how.stride) > 1:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [spread * (size - 1) for size, spread in zip(kernel, how.dilation)]
    if any(each % 2 for each in total):
        input = pad(input, [side for each in reversed(total) for side in (0, each % 2)])
    return input, how._replace(padding=tuple([each // 2 for each in total]))
