"""Where pixels go: flipping, cropping, padding, another size, turning, erasing."""

import math

import numpy as np

from engine.dtypes import float32
from engine.nn.functional.vision import interpolate, mixed
from engine.nn.functional.vision import pad as pad_tensor
from engine.tensor import Tensor
from engine.vision.pillow import as_picture, pillow
from engine.vision.transforms.images import InterpolationMode, as_mode, check_image, get_dimensions, like, pillow_number

__all__ = ["center_crop", "crop", "erase", "hflip", "pad", "resize", "rotate", "vflip"]


def hflip(img):
    """The image with left and right exchanged."""
    return img.transpose(pillow().Transpose.FLIP_LEFT_RIGHT) if check_image(img) else img.flip(-1)


def vflip(img):
    """The image with top and bottom exchanged."""
    return img.transpose(pillow().Transpose.FLIP_TOP_BOTTOM) if check_image(img) else img.flip(-2)


# ---- cropping and padding -------------------------------------------------------------------------------


def crop(img, top, left, height, width):
    """A rectangle of the image; what lies outside of it is 0."""
    right, bottom = left + width, top + height
    if check_image(img):
        return img.crop((left, top, right, bottom))
    _, rows, columns = get_dimensions(img)
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    outside = [max(-left + min(0, right), 0), max(-top + min(0, bottom), 0),
               max(right - max(columns, left), 0), max(bottom - max(rows, top), 0)]
    return pad(inside, outside) if any(outside) else inside


def center_crop(img, output_size):
    """The middle, of this size: (height, width) or one number for both, padded with 0 where it is larger."""
    if isinstance(output_size, int):
        output_size = (output_size, output_size)
    height, width = output_size if len(output_size) == 2 else (output_size[0], output_size[0])
    _, rows, columns = get_dimensions(img)
    if height > rows or width > columns:
        wide, high = max(width - columns, 0), max(height - rows, 0)
        img = pad(img, [wide // 2, high // 2, (wide + 1) // 2, (high + 1) // 2])
        _, rows, columns = get_dimensions(img)
    return crop(img, round((rows - height) / 2), round((columns - width) / 2), height, width)


def pad(img, padding, fill=0, padding_mode="constant"):
    """The image with a border.

    padding: one width, or those at (left and right, top and bottom), or (left, top, right, bottom). fill: the border's
    value, for PIL's pictures also one for each channel. padding_mode: "constant", "edge" (the outermost pixels again),
    "reflect" (mirrored, without the outermost) or "symmetric" (with it).
    """
    is_pillow, fill = check_image(img), 0 if fill is None else fill
    left, top, right, bottom = checked_sides(
        padding, fill, padding_mode, (int, float, tuple, list) if is_pillow else (int, float))
    if is_pillow:
        return _padded_picture(img, (left, top, right, bottom), fill, padding_mode)
    if padding_mode == "constant":
        return pad_tensor(img, (left, right, top, bottom), value=float(fill))
    rows = _padded_indices(img.shape[-2], top, bottom, padding_mode)
    return _gathered(img, rows[:, None], _padded_indices(img.shape[-1], left, right, padding_mode)[None])


def _padded_indices(size, low, high, mode):
    return np.pad(np.arange(size)[max(-low, 0) : size + min(high, 0)], (max(low, 0), max(high, 0)), mode)


def checked_sides(padding, fill, padding_mode, kinds_of_fill):
    """The widths on the left, at the top, on the right and at the bottom; TypeError or ValueError for other arguments
    than `pad` takes."""
    for name, value, kinds in (
            ("padding", padding, (int, tuple, list)), ("fill", fill, kinds_of_fill),
            ("padding_mode", padding_mode, str)):
        if not isinstance(value, kinds):
            raise TypeError(f"Got inappropriate {name} arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    padding = [padding] if isinstance(padding, int) else list(padding)
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    return padding * (4 // len(padding))


def _padded_picture(img, sides, fill, mode):
    left, top, right, bottom = sides
    if mode == "constant":
        size = (img.width + left + right, img.height + top + bottom)
        canvas = pillow().new(img.mode, size, _fill_of_picture(fill, img))
        canvas.paste(img, (left, top))
        return canvas
    img = img.crop((max(-left, 0), max(-top, 0), img.width + min(right, 0), img.height + min(bottom, 0)))
    pixels, widths = np.asarray(img), [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))]
    return as_picture(np.pad(pixels, widths + [(0, 0)] * (pixels.ndim - 2), mode))


def _gathered(img, rows, columns):
    """The image whose pixel at each place is that of `img` in this row and column (numpy arrays that broadcast)."""
    return img[(..., like(rows, img), like(columns, img))]


# ---- another size ---------------------------------------------------------------------------------------


def resize(img, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
    """The image in another size.

    size: (height, width), or the length of the shorter side, the other one in proportion. max_size: what the longer
    side may have at most, where size says the shorter. antialias: whether a smaller image takes in all pixels of the
    larger, as PIL's always do; for "bilinear" and "bicubic".
    """
    interpolation = as_mode(interpolation)
    if isinstance(size, (tuple, list)) and len(size) == 1:
        size = size[0]
    if max_size is not None and not isinstance(size, int):
        raise ValueError("max_size should only be passed if size specifies the length of the smaller edge, i.e. size "
                         "should be an int or a sequence of length 1")
    is_pillow = check_image(img)
    _, rows, columns = get_dimensions(img)
    height, width = _size_in_proportion(rows, columns, size, max_size) if isinstance(size, int) else size
    if (height, width) == (rows, columns):
        return img
    if is_pillow:
        return img.resize((width, height), pillow_number(interpolation))
    return _resized(img, height, width, interpolation.value, antialias)


def _size_in_proportion(rows, columns, size, max_size):
    shorter, longer = min(rows, columns), max(rows, columns)
    new_shorter, new_longer = size, int(size * longer / shorter)
    if max_size is not None:
        if max_size <= size:
            raise ValueError(f"max_size = {max_size} must be strictly greater than the requested size for the smaller "
                             f"edge size = {size}")
        if new_longer > max_size:
            new_shorter, new_longer = int(max_size * new_shorter / new_longer), max_size
    return (new_shorter, new_longer) if rows <= columns else (new_longer, new_shorter)


def _resized(img, height, width, mode, antialias):
    if mode not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        raise ValueError(f"Interpolation mode {mode!r} is unsupported with Tensor input")
    if mode.startswith("nearest"):
        middle = 0.5 if mode.endswith("exact") else 0
        rows, columns = (np.floor((np.arange(new) + middle) * np.float32(old / new)).clip(max=old - 1).astype(np.int64)
                         for old, new in zip(img.shape[-2:], (height, width)))
        return _gathered(img, rows[:, None], columns[None])
    values = img if img.dtype.is_floating_point else img.to(float32)
    if antialias:
        for dim, new in ((img.ndim - 1, width), (img.ndim - 2, height)):
            values = mixed(values, dim, _smoothing(img.shape[dim], new, mode))
    elif mode == "bilinear":
        values = interpolate(values.reshape(1, -1, *img.shape[-2:]), (height, width), mode=mode)
        values = values.reshape(*img.shape[:-2], height, width)
    else:
        raise NotImplementedError("resize: mode 'bicubic' of a tensor is not supported with antialias=False")
    return _as_type_of(values, img)


def _as_type_of(values, img):
    """Rounded, and within bounds, where the image has integers."""
    if img.dtype.is_floating_point:
        return values.to(img.dtype)
    return values.round().clamp(np.iinfo(img.dtype.numpy).min, np.iinfo(img.dtype.numpy).max).to(img.dtype)


def _smoothing(old, new, mode):
    """A matrix (new, old): the share of each old pixel in each new one, by PIL's filters, as wide as a new pixel."""
    step = old / new
    width = max(step, 1.0)
    reach = width * (1 if mode == "bilinear" else 2)
    middles = (np.arange(new) + 0.5) * step
    places = np.arange(old)
    is_near = (places >= np.trunc(middles - reach + 0.5)[:, None]) & (places < np.trunc(middles + reach + 0.5)[:, None])
    weights = _FILTERS[mode](np.abs((places + 0.5 - middles[:, None]) / width)) * is_near
    return weights / weights.sum(axis=1, keepdims=True)


def _cubic(x, a=-0.5):
    """Keys' kernel (1981) with PIL's parameter."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    return np.where(x < 1, near, np.where(x < 2, (((x - 5) * x + 8) * x - 4) * a, 0))


_FILTERS = {"bilinear": lambda x: np.maximum(1 - x, 0), "bicubic": _cubic}

# ---- turning --------------------------------------------------------------------------------------------


def rotate(img, angle, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=None):
    """The image turned counter-clockwise by `angle` degrees.

    interpolation: nearest or bilinear; PIL's pictures know bicubic too. expand: whether the result is so large that all
    of the image is in it. center: (x, y) about which it turns, from the upper left corner; by default the middle. fill:
    the value of what comes from outside, 0 by default, or one for each channel.
    """
    interpolation = as_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    if check_image(img):
        fill = _fill_of_picture(fill, img)
        return img.rotate(angle, pillow_number(interpolation), expand, center, fillcolor=fill)
    if interpolation.value not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{interpolation.value}' is unsupported with Tensor input")
    _, rows, columns = get_dimensions(img)
    x, y = (0.0, 0.0) if center is None else (center[0] - columns * 0.5, center[1] - rows * 0.5)
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    # from each pixel of the result to where it lies in the image, both from the middle
    matrix = np.array([[cosine, -sine, x - cosine * x + sine * y], [sine, cosine, y - sine * x - cosine * y]],
                      np.float32)
    height, width = _size_to_hold(matrix, rows, columns) if expand else (rows, columns)
    down, right = np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5) - np.array(
        [height / 2, width / 2], np.float32).reshape(2, 1, 1)
    across, along = (row[0] * right + row[1] * down + row[2] + np.float32(size / 2 - 0.5)
                     for row, size in zip(matrix, (columns, rows)))
    return _looked_up(img, along, across, interpolation.value, fill)


def _fills(fill, img):
    """The fill as a list: one number, or one for each channel of the image."""
    fills = list(fill) if isinstance(fill, (tuple, list)) else [0 if fill is None else fill]
    channels = get_dimensions(img)[0]
    if len(fills) not in (1, channels):
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(fills)} != {channels})")
    return fills


def _fill_of_picture(fill, img):
    fills, bands = _fills(fill, img), len(img.getbands())
    return tuple(int(each) for each in fills) * (bands // len(fills)) if bands > 1 else fills[0]


def _size_to_hold(matrix, rows, columns):
    corners = np.array([[x, y, 1] for x in (-columns / 2, columns / 2) for y in (-rows / 2, rows / 2)], np.float32)
    places = corners @ matrix.T + np.array([columns / 2, rows / 2], np.float32)
    low, high = (np.trunc(bound / 1e-4) * 1e-4 for bound in (places.min(axis=0), places.max(axis=0)))
    width, height = (np.ceil(high) - np.floor(low)).astype(int)
    return int(height), int(width)


def _looked_up(img, rows, columns, mode, fill):
    """The image at these places (numpy arrays), between its pixels too; outside of it `fill`."""
    fill = like(np.array(_fills(fill, img), np.float32).reshape((-1, 1, 1) if img.ndim > 2 else (1, 1)), img)
    if mode == "nearest":
        rows, columns = np.rint(rows).astype(np.int64), np.rint(columns).astype(np.int64)
        found, is_inside = _inside(img, rows, columns)
        return found.where(like(is_inside, img), fill.to(img.dtype))
    top, left = np.floor(rows), np.floor(columns)
    values, covered = 0, 0
    for row, share in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, portion in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            found, is_inside = _inside(img, row.astype(np.int64), column.astype(np.int64))
            weight = like(share * portion * is_inside, img)
            values, covered = values + found * weight, covered + weight
    return _as_type_of(values + fill * (1 - covered), img)


def _inside(img, rows, columns):
    """(the pixels at these places, those outside taken from the edge; whether each lies inside)."""
    height, width = img.shape[-2:]
    is_inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return _gathered(img, rows.clip(0, height - 1), columns.clip(0, width - 1)), is_inside


# ---- erasing --------------------------------------------------------------------------------------------


def erase(img, i, j, h, w, v, inplace=False):
    """The tensor (..., C, H, W) with the rectangle of h rows from row i, w columns from column j, overwritten by v."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    img = img if inplace else img.clone()
    img[..., i : i + h, j : j + w] = v
    return img
