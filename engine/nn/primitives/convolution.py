"""Convolution, its gradients, and the windows that it looks through.

A convolution multiplies each window of the input with the weights and adds up: with the windows laid out as columns it
is one matrix product. It is linear in its input and in its weights, so its gradients are two more operations of the
same kind: `convolution_transposed` (to the input) and `convolution_weight` (to the weights). The gradients of any of
the three are the other two. All work on any number of spatial dimensions: input (N, C, *size), weight
(out, C / groups, *kernel), output (N, out, *places).
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from engine import backend
from engine.nn.primitives import batch_last
from engine.ops.reduction import sum_
from engine.ops.table import primitive

# How many elements of columns are made at a time: on the CPU what stays in the cache, on the GPU what is worth a call.
ELEMENTS_ON_CPU, ELEMENTS_ON_GPU = 2**18, 2**27


class How(NamedTuple):
    """How kernels go over an input: for each dimension their step, the zeros on each side, how far elements are apart.

    groups: of channels; each group of outputs sees one group of inputs.
    """

    stride: tuple
    padding: tuple
    dilation: tuple
    groups: int


# ---- windows ------------------------------------------------------------------------------------------


def inside(size, padding):
    """An index that picks what is no padding."""
    return (..., *(slice(more, more + each) for each, more in zip(size, padding)))


def padded(a, padding):
    """`a` (N, C, *size) with `padding` zeros in front of and behind each spatial dimension."""
    if not any(padding):
        return a
    shape = (*a.shape[:2], *(size + 2 * more for size, more in zip(a.shape[2:], padding)))
    whole = backend.module_of(a).zeros(shape, dtype=a.dtype)
    whole[inside(a.shape[2:], padding)] = a
    return whole


def places_of(size, kernel, how):
    """How many places the kernel has along each dimension of that size; 0 or less where it does not fit."""
    return tuple([
        (each + 2 * more - spread * (span - 1) - 1) // step + 1
        for each, span, step, more, spread in zip(size, kernel, how.stride, how.padding, how.dilation)])


def windows(a, kernel, stride, dilation):
    """A view (N, C, *places, *kernel) of `a` (N, C, *size): what the kernel sees at each place."""
    for dim, (size, step, spread) in enumerate(zip(kernel, stride, dilation), 2):
        a = backend.windows(a, dim, spread * (size - 1) + 1, step)[..., ::spread]
    return a


def offsets(kernel, stride, dilation, places):
    """For each element of the kernel: (its index, where in the padded input it lies at all places)."""
    for index in itertools.product(*map(range, kernel)):
        starts = [each * spread for each, spread in zip(index, dilation)]
        ends = [start + (count - 1) * step + 1 for start, count, step in zip(starts, places, stride)]
        yield index, (..., *(slice(*each) for each in zip(starts, ends, stride)))


def _batches(count, elements_each, like):
    """Slices of a batch whose columns have about the number of elements that is best to handle at once."""
    most = ELEMENTS_ON_CPU if backend.is_on_cpu(like) else ELEMENTS_ON_GPU
    step = max(1, most // max(elements_each, 1))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def _columns(views, groups, memory):
    """The windows (n, C, *places, *kernel) as matrices (groups, C / groups · kernel, n · places), in `memory`."""
    n, channels, dims = views.shape[0], views.shape[1], (views.ndim - 2) // 2
    ordered = views.transpose((1, *range(2 + dims, 2 + 2 * dims), 0, *range(2, 2 + dims)))
    columns = memory[: views.size].reshape(ordered.shape)
    columns[...] = ordered
    kernel, places = views.shape[2 + dims :], views.shape[2 : 2 + dims]
    return columns.reshape(groups, channels // groups * math.prod(kernel), n * math.prod(places))


def _memory(views, batches):
    """Room for the columns of the largest batch."""
    most = batches[0].stop * math.prod(views.shape[1:]) if batches else 0
    return backend.module_of(views).empty(most, dtype=views.dtype)


def _rows(output, groups):
    """(n, channels, *places) as matrices (groups, channels / groups, n · places)."""
    n, channels = output.shape[:2]
    moved = output.reshape(n, groups, channels // groups, -1) if n else output
    return moved.transpose(1, 2, 0, 3).reshape(groups, channels // groups, -1)


# ---- the three operations -----------------------------------------------------------------------------


def _convolution(a, weight, bias=None, *, how):
    if batch_last.suits(a, weight, how):
        return batch_last.convolution(a, weight, bias, how)
    return by_columns(a, weight, bias, how=how)


def by_columns(a, weight, bias=None, *, how):
    kernel, out = weight.shape[2:], weight.shape[0]
    views = windows(padded(a, how.padding), kernel, how.stride, how.dilation)
    places = views.shape[2 : 2 + len(kernel)]
    result = backend.module_of(a).empty((a.shape[0], out, math.prod(places)), dtype=a.dtype)
    matrices = weight.reshape(how.groups, out // how.groups, math.prod(weight.shape[1:]))
    batches = _batches(a.shape[0], math.prod(views.shape[1:]), a)
    memory = _memory(views, batches)
    for batch in batches:
        product = np.matmul(matrices, _columns(views[batch], how.groups, memory))
        if bias is not None:
            product += bias.reshape(how.groups, -1, 1)
        result[batch] = product.reshape(out, -1, result.shape[2]).swapaxes(0, 1)
    return result.reshape(*result.shape[:2], *places)


def _convolution_transposed(output, weight, bias=None, *, size, how):
    if batch_last.suits(output, weight, how):
        return batch_last.convolution_transposed(output, weight, bias, size, how)
    return by_columns_transposed(output, weight, bias, size=size, how=how)


def by_columns_transposed(output, weight, bias=None, *, size, how):
    """What convolution would send back to an input (N, C, *size): each output's share of each window, added up."""
    kernel, places, channels = weight.shape[2:], output.shape[2:], weight.shape[1] * how.groups
    reached = [
        max(want + 2 * more, (count - 1) * step + spread * (each - 1) + 1)
        for want, more, count, step, spread, each in zip(size, how.padding, places, how.stride, how.dilation, kernel)]
    whole = backend.module_of(output).zeros((output.shape[0], channels, *reached), dtype=output.dtype)
    matrices = weight.reshape(how.groups, weight.shape[0] // how.groups, math.prod(weight.shape[1:])).swapaxes(1, 2)
    for batch in _batches(output.shape[0], channels * math.prod(kernel) * math.prod(places), output):
        columns = np.matmul(matrices, _rows(output[batch], how.groups)).reshape(channels, *kernel, -1, *places)
        part = whole[batch]
        for index, where in offsets(kernel, how.stride, how.dilation, places):
            part[where] += columns[(slice(None), *index)].swapaxes(0, 1)
    result = backend.module_of(whole).ascontiguousarray(whole[inside(size, how.padding)])
    if bias is not None:
        result += bias.reshape(-1, *[1] * len(size))
    return result


def _convolution_weight(a, output, *, kernel, how):
    if batch_last.suits(a, output, how):
        return batch_last.convolution_weight(a, output, kernel, how)
    return by_columns_weight(a, output, kernel=kernel, how=how)


def by_columns_weight(a, output, *, kernel, how):
    """What convolution would send back to its weights: each window times the output at its place, added up."""
    views = windows(padded(a, how.padding), kernel, how.stride, how.dilation)
    views = views[(slice(None), slice(None), *map(slice, output.shape[2:]))]
    channels, out = a.shape[1] // how.groups, output.shape[1]
    total = backend.module_of(a).zeros((how.groups, out // how.groups, channels * math.prod(kernel)), dtype=a.dtype)
    batches = _batches(a.shape[0], math.prod(views.shape[1:]), a)
    memory = _memory(views, batches)
    for batch in batches:
        columns = _columns(views[batch], how.groups, memory)
        total += np.matmul(_rows(output[batch], how.groups), columns.swapaxes(1, 2))
    return total.reshape(out, channels, *kernel)


def _to_output(a, weight, output_shape, how):
    """The convolution at as many places as the output has: a transposed one may be given fewer than there are."""
    output = convolution(a, weight, how=how)
    return output if output.shape == output_shape else output[tuple(map(slice, output_shape))]


def _to_bias(g):
    """What goes back to the bias, one number for each channel."""
    return sum_(g, dim=(0, *range(2, g.ndim)), keepdim=False)


_HOW = How(stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)

convolution = primitive(
    "convolution", "a weight bias", _convolution,  # the bias (out) may be left out
    [lambda g, a_shape, weight, how: convolution_transposed(g, weight, size=tuple(a_shape[2:]), how=how),
     lambda g, a, weight_shape, how: convolution_weight(a, g, kernel=tuple(weight_shape[2:]), how=how), _to_bias],
    label="∗", example=lambda random: ((random(2, 2, 4, 5), random(4, 1, 3, 2), random(4)), {"how": _HOW}))
convolution_transposed = primitive(
    "convolution_transposed", "output weight bias", _convolution_transposed,  # here, too
    [lambda g, output_shape, weight, how: _to_output(g, weight, output_shape, how),
     lambda g, output, weight_shape, how: convolution_weight(g, output, kernel=tuple(weight_shape[2:]), how=how),
     _to_bias],
    label="∗ᵀ", node="ConvolutionBackward0",
    example=lambda random: ((random(2, 4, 2, 3), random(4, 1, 3, 2), random(2)), {"size": (4, 5), "how": _HOW}))
convolution_weight = primitive(
    "convolution_weight", "a output", _convolution_weight,
    [lambda g, a_shape, output, how: convolution_transposed(output, g, size=tuple(a_shape[2:]), how=how),
     lambda g, a, output_shape, how: _to_output(a, g, output_shape, how)],
    label="∗ weight",
    example=lambda random: ((random(2, 2, 4, 5), random(2, 4, 2, 3)), {"kernel": (3, 2), "how": _HOW}))

# ---- windows as columns, and back -----------------------------------------------------------------------


def _unfold(a, *, kernel, how):
    views, dims = windows(padded(a, how.padding), kernel, how.stride, how.dilation), len(kernel)
    ordered = views.transpose((0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims)))
    places = math.prod(views.shape[2 : 2 + dims])
    return ordered.reshape(a.shape[0], a.shape[1] * math.prod(kernel), places)


def _fold(columns, *, size, kernel, how):
    n, channels = columns.shape[0], columns.shape[1] // math.prod(kernel)
    reached = [want + 2 * more for want, more in zip(size, how.padding)]
    places = places_of(size, kernel, how)
    whole = backend.module_of(columns).zeros((n, channels, *reached), dtype=columns.dtype)
    parts = columns.reshape(n, channels, *kernel, *places)
    for index, where in offsets(kernel, how.stride, how.dilation, places):
        whole[where] += parts[(slice(None), slice(None), *index)]
    return whole[inside(size, how.padding)]


_WINDOWS = {"kernel": (2, 3), "how": How(stride=(2, 1), padding=(1, 0), dilation=(2, 1), groups=1)}

unfold = primitive(
    "im2col", "a", _unfold,
    [lambda g, a_shape, kernel, how: fold(g, size=tuple(a_shape[2:]), kernel=kernel, how=how)], label="columns",
    example=lambda random: ((random(2, 2, 4, 5),), _WINDOWS))
fold = primitive(
    "col2im", "columns", _fold, [lambda g, kernel, how: unfold(g, kernel=kernel, how=how)], label="Σ columns",
    example=lambda random: ((random(2, 12, 6),), {"size": (4, 5), **_WINDOWS}))
