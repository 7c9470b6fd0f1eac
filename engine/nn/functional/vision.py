"""Pictures: padding, changing their size, and moving between channels, windows and places."""

import math

import numpy as np

from engine import backend
from engine.functions import cat, flip
from engine.functions.arguments import DIMS, FLOAT, NUMBER, autocasts, optional, reads
from engine.nn.functional.arguments import batched, in_float32, one_or_each, several
from engine.nn.primitives import convolution as windows
from engine.nn.primitives.padding import constant_pad
from engine.nn.primitives.pooling import Windows, sum_pool_back
from engine.ops.linear import matmul

__all__ = ["fold", "interpolate", "pad", "pixel_shuffle", "pixel_unshuffle", "unfold"]

# ---- padding --------------------------------------------------------------------------------------------


@reads(value=optional(NUMBER))
def pad(input, pad, mode="constant", value=None):
    """The input with a border. pad: (before, behind) of the last dimension, then of the last but one, and so on.

    mode: "constant" (the number `value`, 0 unless given), "reflect" (mirrored, without the edge), "replicate" (the edge
    again) or "circular" (the other end). A negative number cuts off.
    """
    widths = _widths(pad, input, mode)
    if mode == "constant":
        value = 0 if value is None else value
        return constant_pad(input, widths=((0, 0),) * (input.ndim - len(widths)) + tuple(widths), value=value)
    if mode not in _BORDERS:
        raise NotImplementedError(f"Unrecognised padding mode {mode}: use constant, reflect, replicate or circular")
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    dims = len(widths)
    if not 1 <= dims <= 3 or input.ndim not in (dims + 1, dims + 2):
        raise NotImplementedError(
            "Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now: the sizes of 1 to 3 "
            f"dimensions, got {2 * dims} sizes for an input of {input.ndim} dimensions")
    is_listed = mode == "replicate" or (mode == "reflect" and dims < 3)  # by autocast
    return (_with_reflections if is_listed else _with_borders)(input, widths, mode)


def _with_borders(input, widths, mode):
    for dim, (low, high) in enumerate(widths, input.ndim - len(widths)):
        input = _with_border(input, dim, low, high, mode)
    return input


_with_reflections = autocasts(_with_borders, "reflection_pad")


def _widths(pad, input, mode):
    """[(before, behind)] for the last dimensions, in their order."""
    if len(pad) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, but got {len(pad)}")
    if len(pad) // 2 > input.ndim:
        raise RuntimeError(f"pad has {len(pad)} numbers, more than two for each of the input's {input.ndim} dimensions")
    pairs = several(tuple(pad), len(pad), "pad", "pad") if pad else ()
    widths = [pairs[start : start + 2] for start in range(0, len(pairs), 2)][::-1]
    sizes = input.shape[input.ndim - len(widths) :]
    mirrors = mode in ("reflect", "replicate")
    for size, (low, high) in zip(sizes, widths):
        if (size + low + high if mirrors else size + min(low, 0) + min(high, 0)) < 0:
            raise RuntimeError(f"pad: nothing is left of a dimension of size {size}, padded by {low} and {high}")
    if mirrors and widths and not any(size + sum(pair) for size, pair in zip(sizes, widths)):
        raise RuntimeError(f"pad: nothing is left of an input of size {list(input.shape)}, padded by {list(pad)}")
    return widths


def _with_border(input, dim, low, high, mode):
    """Along one dimension: the border is made of parts of the input; what is negative is cut off."""
    if mode == "circular":  # what is cut off does not come back at the other end
        input, low, high = _cut(input, dim, low, high), max(low, 0), max(high, 0)
    size = input.shape[dim]
    most = {"reflect": size - 1, "circular": size}.get(mode, math.inf if size else 0)
    if max(low, high) > most:
        raise RuntimeError(
            f"Padding size should be at most {most} at dimension {dim} for mode {mode!r}, but got {(low, high)}")
    parts = [_BORDERS[mode](input, dim, size, low, True), input, _BORDERS[mode](input, dim, size, high, False)]
    parts = [part for part in parts if part is not None]
    return _cut(cat(parts, dim) if len(parts) > 1 else input, dim, low, high)


def _cut(input, dim, low, high):
    low, high = min(low, 0), min(high, 0)
    return input.narrow(dim, -low, input.shape[dim] + low + high) if low or high else input


def _reflected(input, dim, size, count, is_front):
    return flip(input.narrow(dim, 1 if is_front else size - 1 - count, count), (dim,)) if count > 0 else None


def _replicated(input, dim, size, count, is_front):
    if count <= 0:
        return None
    return input.narrow(dim, 0 if is_front else size - 1, 1).expand(*input.shape[:dim], count, *input.shape[dim + 1 :])


def _around(input, dim, size, count, is_front):
    return input.narrow(dim, size - count if is_front else 0, count) if count > 0 else None


_BORDERS = {"reflect": _reflected, "replicate": _replicated, "circular": _around}

# ---- another size ---------------------------------------------------------------------------------------


@reads(size=optional(DIMS), scale_factor=optional(one_or_each(FLOAT)))
@in_float32
def interpolate(
        input, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None,
        antialias=False):
    """The input (N, C, *sizes) with its spatial dimensions brought to `size`, or multiplied by `scale_factor`.

    mode: "nearest" or "nearest-exact" (1 to 3 spatial dimensions), "linear" (1), "bilinear" (2), "trilinear" (3) or
    "area", the mean over what falls onto each element. align_corners: for the linear modes, whether the centres of the
    outermost elements stay where they are (True) or the outer edges (False, the default). Other modes and antialias are
    not supported.
    """
    dims = input.ndim - 2
    _check_mode(mode, align_corners, antialias, dims, input.dtype)
    sizes, factors = _sizes(input, dims, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        from engine.nn.functional.pooling import adaptive_average

        return adaptive_average(input, sizes)
    repeats = tuple(target // size for target, size in zip(sizes, input.shape[2:]))
    if mode.startswith("nearest") and all(
            target == size * times and factor in (None, times)
            for target, size, times, factor in zip(sizes, input.shape[2:], repeats, factors)):
        return _repeated(input, sizes, repeats)
    for dim, (target, factor) in enumerate(zip(sizes, factors), 2):
        if mode.startswith("nearest"):
            input = _nearest(input, dim, target, factor, 0.5 if mode.endswith("exact") else 0)
        elif target != input.shape[dim]:
            input = mixed(input, dim, _linear_weights(input.shape[dim], target, factor, align_corners))
    return input


_ANY = (1, 2, 3)
_DIMENSIONS = {
    "nearest": _ANY, "nearest-exact": _ANY, "area": _ANY, "linear": (1,), "bilinear": (2,), "trilinear": (3,)}


def _check_mode(mode, align_corners, antialias, dims, dtype):
    if dims not in _DIMENSIONS.get(mode, ()):
        raise NotImplementedError(
            "Input Error: Only nearest, nearest-exact and area (3D to 5D inputs), linear (3D), bilinear (4D) and "
            f"trilinear (5D) are supported, got mode {mode!r} for an input of {dims + 2} dimensions")
    if align_corners is not None and "linear" not in mode:
        raise ValueError("align_corners can only be set with the interpolating modes: linear | bilinear | trilinear")
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not supported")
    if not mode.startswith("nearest") and not dtype.is_floating_point:
        raise NotImplementedError(f"interpolate: mode {mode!r} is not supported for {dtype}")


def _sizes(input, dims, size, scale_factor, recompute):
    """(the new sizes, by what each was multiplied: as given, or None where the sizes themselves say it)."""
    if (size is None) == (scale_factor is None):
        raise ValueError(f"one of size and scale_factor should be defined, got {size} and {scale_factor}")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        if isinstance(size, (tuple, list)) and len(size) != dims:
            raise ValueError(f"Input and output must have the same number of spatial dimensions, got size {list(size)}")
        size = several(size, dims, "interpolate", "size")
        factors = (None,) * dims
    else:
        factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * dims
        if len(factors) != dims:
            raise ValueError(f"Input and scale_factor must have the same number of spatial dimensions, got {factors}")
        size = tuple(math.floor(old * factor) for old, factor in zip(input.shape[2:], factors))
        factors = (None,) * dims if recompute else factors
    if min(*size, *input.shape[2:]) < 1:
        raise RuntimeError(
            f"sizes should be greater than 0, but input has {list(input.shape[2:])} and output {list(size)}")
    return size, factors


def _repeated(input, sizes, repeats):
    """Each element several times along each dimension: the way back from sums of windows that do not overlap."""
    windows = Windows(repeats, repeats, (0,) * len(repeats), (1,) * len(repeats), tuple(input.shape[2:]))
    return sum_pool_back(input, size=tuple(sizes), windows=windows)


def _nearest(input, dim, target, factor, middle):
    """Each element of the result is the one of the input that lies there."""
    size = input.shape[dim]
    step = size / target if factor is None else 1 / factor
    if target == size and (step == 1 or input.ndim == 4):  # pictures of the same size stay, whatever the factor
        return input
    places = (np.arange(target, dtype=np.float32) + np.float32(middle)) * np.float32(step)  # in torch's precision
    places = np.minimum(np.floor(places), size - 1).astype(np.int64)
    return input[(slice(None),) * dim + (_constant(places, input),)]


def _linear_weights(size, target, factor, align_corners):
    """A matrix (target, size): how much of each old element is in each new one."""
    if align_corners:
        places = np.arange(target) * ((size - 1) / (target - 1) if target > 1 else 0)
    else:
        step = size / target if factor is None else 1 / factor
        places = np.maximum((np.arange(target) + 0.5) * step - 0.5, 0)
    left = np.minimum(np.floor(places).astype(np.int64), size - 1)
    share, weights = places - left, np.zeros((target, size))
    np.add.at(weights, (np.arange(target), left), 1 - share)
    np.add.at(weights, (np.arange(target), np.minimum(left + 1, size - 1)), share)
    return weights


def mixed(input, dim, weights):
    """Each new element along `dim` is a sum of the old ones, weighed with a row of the numpy matrix `weights`."""
    weights = _constant(weights.astype(input.array.dtype), input)
    if dim == input.ndim - 1:
        return matmul(input, weights.T)
    return matmul(weights, input) if dim == input.ndim - 2 else matmul(weights, input.movedim(dim, -2)).movedim(-2, dim)


def _constant(array, like):
    return type(like)(backend.as_array(array, like=like.array))


# ---- channels, windows and places -------------------------------------------------------------------------


@reads
def pixel_shuffle(input, upscale_factor):
    """(..., C·r², H, W) -> (..., C, H·r, W·r): r² channels (r: the factor) become a square of r x r pixels."""
    *before, channels, height, width = _picture(input, "pixel_shuffle")
    if upscale_factor < 1:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {upscale_factor}")
    if channels % upscale_factor**2:
        raise RuntimeError(
            f"pixel_shuffle: {channels} channels are not divisible by upscale_factor² = {upscale_factor**2}")
    r, n = upscale_factor, len(before)
    parts = input.reshape(*before, channels // r**2, r, r, height, width)
    ordered = parts.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return ordered.reshape(*before, channels // r**2, height * r, width * r)


@reads
def pixel_unshuffle(input, downscale_factor):
    """(..., C, H·r, W·r) -> (..., C·r², H, W): the inverse of pixel_shuffle."""
    *before, channels, height, width = _picture(input, "pixel_unshuffle")
    if downscale_factor < 1:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {downscale_factor}")
    for name, size in (("height", height), ("width", width)):
        if size % downscale_factor:
            raise RuntimeError(
                f"pixel_unshuffle: {name} {size} is not divisible by downscale_factor {downscale_factor}")
    r, n = downscale_factor, len(before)
    parts = input.reshape(*before, channels, height // r, r, width // r, r)
    ordered = parts.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return ordered.reshape(*before, channels * r**2, height // r, width // r)


def _picture(input, function):
    if input.ndim < 3:
        raise RuntimeError(f"{function} expects input to have at least 3 dimensions, but got input with {input.ndim}")
    return input.shape


@reads
@in_float32
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """(N, C, H, W) -> (N, C·KH·KW, places): each window that a convolution would look at, as a column."""
    input, is_batch = batched(input, 2, "unfold")
    kernel, how = _how(kernel_size, dilation, padding, stride, "unfold")
    places = windows.places_of(input.shape[2:], kernel, how)
    if min(places) < 1:
        raise RuntimeError(
            f"Given input with spatial size {list(input.shape[2:])}, kernel_size={kernel}, dilation={how.dilation}, "
            f"padding={how.padding}, the array of sliding blocks would be empty: its shape {places} must be positive")
    columns = windows.unfold(input, kernel=kernel, how=how)
    return columns if is_batch else columns.squeeze(0)


@reads(output_size=DIMS)
@in_float32
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """(N, C·KH·KW, places) -> (N, C, *output_size): each column added up where `unfold` would have found it."""
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"Expected 2D or 3D (batch mode) tensor for input to fold, but got input of size: {list(input.shape)}")
    is_batch = input.ndim == 3
    input = input if is_batch else input.unsqueeze(0)
    size = several(output_size, 2, "fold", "output_size")
    kernel, how = _how(kernel_size, dilation, padding, stride, "fold")
    places = windows.places_of(size, kernel, how)
    if input.shape[1] % math.prod(kernel):
        raise RuntimeError(
            f"fold: the input's dimension 1, {input.shape[1]}, must be divisible by the size of {kernel}")
    if min(places) < 1 or input.shape[2] != math.prod(places):
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={how.dilation}, padding={how.padding}, "
            f"stride={how.stride}, expected size of input's dimension 2 to match the calculated number of sliding "
            f"blocks {' * '.join(map(str, places))}, but got input.size(2)={input.shape[2]}")
    picture = windows.fold(input, size=size, kernel=kernel, how=how)
    return picture if is_batch else picture.squeeze(0)


def _how(kernel_size, dilation, padding, stride, function):
    """(the kernel's size, how it goes over the input)."""
    given = {"kernel": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    given = {name: several(value, 2, function, name) for name, value in given.items()}
    for name, values in given.items():
        if min(values) < (name != "padding"):
            raise RuntimeError(f"{function}: {name} should be at least {int(name != 'padding')}, but got {values}")
    return given.pop("kernel"), windows.How(**given, groups=1)
