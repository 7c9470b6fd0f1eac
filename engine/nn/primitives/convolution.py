"""Convolution, its gradients, and the windows that it looks through.

A convolution multiplies each window of the input with the weights and adds up: with the windows laid out as columns it
is one matrix product. It is linear in its input and in its weights, so its gradients are two more operations of the
same kind: `convolution_transposed` (to the input) and `convolution_weight` (to the weights). The gradients of any of
the three are the other two. All work on any number of spatial dimensions: input (N, C, *size), weight
(out, C / groups, *kernel), output (N, out, *places).
"""

import itertools
import math

import numpy as np

from engine import backend
from engine.ops.table import primitive

# How many elements of columns are made at a time: on the CPU what stays in the cache, on the GPU what is worth a call.
ELEMENTS_ON_CPU, ELEMENTS_ON_GPU = 2**18, 2**27


# ---- windows ------------------------------------------------------------------------------------------


def padded(a, padding, value=0):
    """`a` (N, C, *size) with `padding` elements of `value` in front of and behind each spatial dimension."""
    if not any(padding):
        return a
    shape = (*a.shape[:2], *(size + 2 * more for size, more in zip(a.shape[2:], padding)))
    whole = backend.module_of(a).full(shape, value, dtype=a.dtype)
    whole[(..., *(slice(more, more + size) for size, more in zip(a.shape[2:], padding)))] = a
    return whole


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


def _convolution(a, weight, *, stride, padding, dilation, groups):
    kernel, out = weight.shape[2:], weight.shape[0]
    views = windows(padded(a, padding), kernel, stride, dilation)
    places = views.shape[2 : 2 + len(kernel)]
    module = backend.module_of(a)
    result = module.empty((a.shape[0], out, math.prod(places)), dtype=a.dtype)
    matrices = weight.reshape(groups, out // groups, math.prod(weight.shape[1:]))
    batches = _batches(a.shape[0], math.prod(views.shape[1:]), a)
    memory = _memory(views, batches)
    for batch in batches:
        product = np.matmul(matrices, _columns(views[batch], groups, memory))
        result[batch] = product.reshape(out, -1, result.shape[2]).transpose(1, 0, 2)
    return result.reshape(*result.shape[:2], *places)


def _convolution_transposed(output, weight, *, size, stride, padding, dilation, groups):
    """What convolution would send back to an input (N, C, *size): each output's share of each window, added up."""
    kernel, places, channels = weight.shape[2:], output.shape[2:], weight.shape[1] * groups
    reached = [
        max(want + 2 * more, (count - 1) * step + spread * (each - 1) + 1)
        for want, more, count, step, spread, each in zip(size, padding, places, stride, dilation, kernel)
    ]
    whole = backend.module_of(output).zeros((output.shape[0], channels, *reached), dtype=output.dtype)
    matrices = weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:])).transpose(0, 2, 1)
    for batch in _batches(output.shape[0], channels * math.prod(kernel) * math.prod(places), output):
        columns = np.matmul(matrices, _rows(output[batch], groups)).reshape(channels, *kernel, -1, *places)
        part = whole[batch]
        for index, where in offsets(kernel, stride, dilation, places):
            part[where] += columns[(slice(None), *index)].swapaxes(0, 1)
    inside = whole[(..., *(slice(more, more + want) for more, want in zip(padding, size)))]
    return backend.module_of(whole).ascontiguousarray(inside)


def _convolution_weight(a, output, *, kernel, stride, padding, dilation, groups):
    """What convolution would send back to its weights: each window times the output at its place, added up."""
    views = windows(padded(a, padding), kernel, stride, dilation)
    views = views[(slice(None), slice(None), *(slice(count) for count in output.shape[2:]))]
    channels, out = a.shape[1] // groups, output.shape[1]
    total = backend.module_of(a).zeros((groups, out // groups, channels * math.prod(kernel)), dtype=a.dtype)
    batches = _batches(a.shape[0], math.prod(views.shape[1:]), a)
    memory = _memory(views, batches)
    for batch in batches:
        columns = _columns(views[batch], groups, memory)
        total += np.matmul(_rows(output[batch], groups), columns.transpose(0, 2, 1))
    return total.reshape(out, channels, *kernel)


def _as_far_as(output, shape):
    """The first places alone, where convolution finds more than the transposed one had been given."""
    return output if output.shape == shape else output[tuple([slice(each) for each in shape])]


# Each takes how to step as its last four parameters; a VJP hands them on.


def _vjp_to_input(g, weight, a_shape, stride, padding, dilation, groups):
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return convolution_transposed(g, weight, size=tuple(a_shape[2:]), **how)


def _vjp_to_weight(g, a, weight_shape, stride, padding, dilation, groups):
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return convolution_weight(a, g, kernel=tuple(weight_shape[2:]), **how)


def _transposed_vjp_to_output(g, weight, output_shape, stride, padding, dilation, groups):
    how = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return _as_far_as(convolution(g, weight, **how), output_shape)


def _transposed_vjp_to_weight(g, output, weight_shape, stride, padding, dilation, groups):
    return _vjp_to_weight(output, g, weight_shape, stride, padding, dilation, groups)


def _weight_vjp_to_input(g, output, a_shape, stride, padding, dilation, groups):
    return _vjp_to_input(output, g, a_shape, stride, padding, dilation, groups)


def _weight_vjp_to_output(g, a, output_shape, stride, padding, dilation, groups):
    return _transposed_vjp_to_output(a, g, output_shape, stride, padding, dilation, groups)


_HOW = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}

convolution = primitive(
    "convolution", "a weight", _convolution, [_vjp_to_input, _vjp_to_weight], label="∗",
    example=lambda random: ((random(2, 2, 4, 5), random(4, 1, 3, 2)), _HOW),
)  # fmt: skip
convolution_transposed = primitive(
    "convolution_transposed", "output weight", _convolution_transposed,
    [_transposed_vjp_to_output, _transposed_vjp_to_weight], label="∗ᵀ", node="ConvolutionBackward0",
    example=lambda random: ((random(2, 4, 2, 3), random(4, 1, 3, 2)), {"size": (4, 5), **_HOW}),
)  # fmt: skip
convolution_weight = primitive(
    "convolution_weight", "a output", _convolution_weight, [_weight_vjp_to_input, _weight_vjp_to_output],
    label="∗ weight",
    example=lambda random: ((random(2, 2, 4, 5), random(2, 4, 2, 3)), {"kernel": (3, 2), **_HOW}),
)  # fmt: skip

# ---- windows as columns, and back -----------------------------------------------------------------------


def _unfold(a, *, kernel, stride, padding, dilation):
    views = windows(padded(a, padding), kernel, stride, dilation)
    n, channels, dims = a.shape[0], a.shape[1], len(kernel)
    ordered = views.transpose((0, 1, *range(2 + dims, 2 + 2 * dims), *range(2, 2 + dims)))
    return ordered.reshape(n, channels * math.prod(kernel), math.prod(views.shape[2 : 2 + dims]))


def _fold(columns, *, size, kernel, stride, padding, dilation):
    n, channels = columns.shape[0], columns.shape[1] // math.prod(kernel)
    reached = [want + 2 * more for want, more in zip(size, padding)]
    places = [
        (most - spread * (each - 1) - 1) // step + 1
        for most, each, step, spread in zip(reached, kernel, stride, dilation)
    ]
    whole = backend.module_of(columns).zeros((n, channels, *reached), dtype=columns.dtype)
    parts = columns.reshape(n, channels, *kernel, *places)
    for index, where in offsets(kernel, stride, dilation, places):
        whole[where] += parts[(slice(None), slice(None), *index)]
    return whole[(..., *(slice(more, more + want) for more, want in zip(padding, size)))]


def _unfold_vjp(g, a_shape, kernel, stride, padding, dilation):
    return fold(g, size=tuple(a_shape[2:]), kernel=kernel, stride=stride, padding=padding, dilation=dilation)


_WINDOWS = {"kernel": (2, 3), "stride": (2, 1), "padding": (1, 0), "dilation": (2, 1)}

unfold = primitive(
    "im2col", "a", _unfold, [_unfold_vjp], label="columns",
    example=lambda random: ((random(2, 2, 4, 5),), _WINDOWS),
)  # fmt: skip
fold = primitive(
    "col2im", "columns", _fold, [lambda g, kernel, stride, padding, dilation: unfold(
        g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)], label="Σ columns",
    example=lambda random: ((random(2, 12, 6),), {"size": (4, 5), **_WINDOWS}),
)  # fmt: skip
