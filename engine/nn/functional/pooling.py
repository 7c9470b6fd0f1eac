"""Pooling: the largest or the mean of each window, with windows of a given size or for a given number of them."""

import math

import numpy as np

from engine import backend, dtypes
from engine.functions.arguments import DIMS, INT, optional, reads
from engine.nn.functional.arguments import in_float32, one_or_each, several
from engine.nn.functional.vision import mixed
from engine.nn.primitives import pooling as table

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d",
    "avg_pool2d", "max_pool1d", "max_pool2d"]


SIZES = one_or_each(INT, optional(INT))

# ---- the largest ----------------------------------------------------------------------------------------


@reads
def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest of each window of (N, C, L) or (C, L). As max_pool2d, in one dimension."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@reads
def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest of each window of (N, C, H, W) or (C, H, W).

    stride: how far the windows are apart (None: kernel_size). padding: how many -inf on each side, at most half of the
    kernel. ceil_mode: whether a last window may reach beyond the end. return_indices: also where each was found, int64
    places in the flattened (H, W). RuntimeError if no window fits.
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(function, dims, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    input, is_batch = _pictures(input, dims, function)
    windows = _windows(function, dims, input.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    results = [table.max_pool(input, windows=windows)]
    if return_indices:
        winner = table.winners(input, windows=windows).array
        results.append(type(input)(_flat_places(winner, input.shape[2:], windows)))
    results = results if is_batch else [each.squeeze(0) for each in results]
    return tuple(results) if return_indices else results[0]


def _flat_places(winner, size, windows):
    """From the number of the kernel's element to the place in the flattened input."""
    arange, dims = backend.module_of(winner).arange, len(size)
    flat, stretch, rest = 0, 1, winner.astype(np.int64)
    for dim in reversed(range(dims)):
        start = arange(windows.places[dim]) * windows.stride[dim] - windows.padding[dim]
        start = start.reshape((-1,) + (1,) * (dims - 1 - dim))
        flat = flat + (start + rest % windows.kernel[dim] * windows.dilation[dim]) * stretch
        stretch, rest = stretch * size[dim], rest // windows.kernel[dim]
    return flat


# ---- the mean -------------------------------------------------------------------------------------------


@reads
@in_float32
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window of (N, C, L) or (C, L). As avg_pool2d, in one dimension."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@reads
@in_float32
def avg_pool2d(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """The mean of each window of (N, C, H, W) or (C, H, W).

    stride: how far the windows are apart (None: kernel_size). padding: how many zeros on each side, at most half of the
    kernel; count_include_pad: whether they count. ceil_mode: whether a last window may reach beyond the end.
    divisor_override: what to divide the sums by instead of the count.
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool(function, dims, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    input, is_batch = _pictures(input, dims, function)
    windows = _windows(function, dims, input.shape[2:], kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    totals = table.sum_pool(input, windows=windows)
    divisor = divisor_override or _counts(input, windows, count_include_pad)
    means = totals / divisor if input.dtype.category >= dtypes.FLOAT else totals.div(divisor, rounding_mode="trunc")
    return means if is_batch else means.squeeze(0)


def _counts(input, windows, with_padding):
    """How many elements each window counts: a number, or a tensor (*places) where windows differ."""
    counts = 1
    for size, each, step, more, _, places in zip(input.shape[2:], *windows):
        start = np.arange(places) * step - more
        end = np.minimum(start + each, size + more)
        along = end - start if with_padding else np.minimum(end, size) - np.maximum(start, 0)
        counts = np.multiply.outer(counts, along)
    if (counts == counts.flat[0]).all():
        return int(counts.flat[0])
    return type(input)(backend.as_array(counts.astype(input.array.dtype), like=input.array))


# ---- a given number of windows --------------------------------------------------------------------------


@reads(output_size=DIMS)
@in_float32
def adaptive_avg_pool1d(input, output_size):
    """The means of `output_size` windows that cover (N, C, L) or (C, L) evenly."""
    return _adaptive("adaptive_avg_pool1d", 1, input, output_size, adaptive_average)


@reads(output_size=SIZES)
@in_float32
def adaptive_avg_pool2d(input, output_size):
    """The means of `output_size` (a number, or two; None: as many as elements) windows that cover H and W evenly.

    input: (N, C, H, W) or (C, H, W). Window i of n over a size s goes from floor(i·s / n) to ceil((i + 1)·s / n).
    """
    return _adaptive("adaptive_avg_pool2d", 2, input, output_size, adaptive_average)


@reads(output_size=DIMS)
def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The largest of each of `output_size` windows that cover (N, C, L) or (C, L) evenly."""
    return _adaptive("adaptive_max_pool1d", 1, input, output_size, _adaptive_largest, return_indices)


@reads(output_size=SIZES)
def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The largest of each of `output_size` windows that cover (N, C, H, W) or (C, H, W) evenly.

    return_indices: also where each was found, int64 places in the flattened (H, W).
    """
    return _adaptive("adaptive_max_pool2d", 2, input, output_size, _adaptive_largest, return_indices)


def _adaptive(function, dims, input, output_size, compute, return_indices=False):
    if dims == 2 and input.ndim < 3 and isinstance(output_size, (tuple, list)):
        raise ValueError(f"Input dimension should be at least 3, got {input.ndim}")
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[-dims - 1 if input.ndim == dims + 2 else -dims :]:
        raise RuntimeError(
            f"{function}: Expected {dims + 1}D or {dims + 2}D tensor whose dimensions but for the batch have elements, "
            f"but got {list(input.shape)}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    if len(sizes) != dims:
        raise RuntimeError(f"{function}: internal error: output_size must have {dims} elements, got {list(sizes)}")
    sizes = tuple([old if new is None else new for old, new in zip(input.shape[-dims:], sizes)])
    if min(sizes) < 0:
        raise RuntimeError(f"{function}: elements of output_size must be greater than or equal to 0, got {sizes}")
    is_batch = input.ndim == dims + 2
    results = compute(input if is_batch else input.unsqueeze(0), sizes)
    results = results if isinstance(results, tuple) else (results,)
    results = results if is_batch else tuple(each.squeeze(0) for each in results)
    return results if return_indices else results[0]


def _edges(size, count):
    """Where each of the windows starts and ends."""
    return [(number * size // count, -(-(number + 1) * size // count)) for number in range(count)]


def adaptive_average(input, sizes):
    """The means of `sizes` windows of (N, C, *spatial)."""
    dims = len(sizes)
    if all(size == 1 for size in sizes):
        return input.mean(tuple(range(2, 2 + dims)), keepdim=True)
    if all(new and old % new == 0 for old, new in zip(input.shape[2:], sizes)):
        kernel = tuple(old // new for old, new in zip(input.shape[2:], sizes))
        windows = table.Windows(kernel, kernel, (0,) * dims, (1,) * dims, tuple(sizes))
        return table.sum_pool(input, windows=windows) / math.prod(kernel)
    for dim, count in enumerate(sizes, 2):
        weights = np.zeros((count, input.shape[dim]))
        for row, (start, end) in zip(weights, _edges(input.shape[dim], count)):
            row[start:end] = 1 / (end - start)
        input = mixed(input, dim, weights)
    return input


def _adaptive_largest(input, sizes):
    """(the largest, its place in the flattened input) of `sizes` windows: all of one length, some ends twice."""
    positions = np.array(0)
    for size, count in zip(input.shape[2:], sizes):
        edges = _edges(size, count)
        length = max((end - start for start, end in edges), default=0)
        along = [[min(start + k, end - 1) for k in range(length)] for start, end in edges]
        positions = np.add.outer(positions * size, np.reshape(along, (count, length)))
    dims = len(sizes)  # (count, length, count, length) -> (count, count, length · length)
    order = (*range(0, 2 * dims, 2), *range(1, 2 * dims, 2))
    flat = input.reshape(*input.shape[:2], math.prod(input.shape[2:]))
    if not positions.size or not input.numel():
        none = flat[..., :0] if not positions.size else flat[..., :1].expand(*flat.shape[:2], math.prod(sizes))
        none = none.reshape(*input.shape[:2], *sizes)
        return none, none.detach().long()
    positions = positions.transpose(order).reshape(*sizes, -1).astype(np.int64)
    positions = type(input)(backend.as_array(positions, like=input.array))
    best = flat.detach()[..., positions].argmax(-1)
    places = positions.expand(*best.shape, positions.shape[-1]).gather(-1, best.unsqueeze(-1)).squeeze(-1)
    return flat.gather(-1, places.reshape(*flat.shape[:2], math.prod(sizes))).reshape(places.shape), places


# ---- reading the arguments ------------------------------------------------------------------------------


def _pictures(input, dims, function):
    if input.array.dtype.kind not in "iufV":
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    if input.ndim not in (dims + 1, dims + 2) or 0 in input.shape[input.ndim - dims - 1 :]:
        raise RuntimeError(
            f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input of "
            f"{function}, but got: {list(input.shape)}")
    return (input, True) if input.ndim == dims + 2 else (input.unsqueeze(0), False)


def _windows(function, dims, size, kernel_size, stride, padding, dilation, ceil_mode):
    """Where the windows lie."""
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    if stride in (None, ()):
        given["stride"] = kernel_size
    given = {name: several(value, dims, function, name) for name, value in given.items()}
    for name, values in given.items():
        if min(values) < (name != "padding"):
            raise RuntimeError(f"{function}: {name} should be at least {int(name != 'padding')}, but got {values}")
    kernel, stride, padding, dilation = given.values()
    if any(2 * more > each for more, each in zip(padding, kernel)):
        raise RuntimeError(
            f"{function}: pad should be at most half of kernel size, but got pad={padding} and kernel_size={kernel}")
    spans = [spread * (each - 1) + 1 for each, spread in zip(kernel, dilation)]
    places = tuple(_count(*each, ceil_mode) for each in zip(size, spans, stride, padding))
    if min(places) < 1:
        raise RuntimeError(f"{function}: no window fits: from the size {list(size)} the output would be {list(places)}")
    return table.Windows(kernel, stride, padding, dilation, places)


def _count(size, span, step, padding, ceil_mode):
    """How many windows there are; with ceil_mode one more if it begins within the input or the padding before it."""
    room = size + 2 * padding - span
    count = (-(-room // step) if ceil_mode else room // step) + 1
    return count - 1 if ceil_mode and (count - 1) * step >= size + padding else count
