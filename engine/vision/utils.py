"""torchvision.utils: many pictures as one, and pictures in files."""

import io
import os

from engine.autograd import no_grad
from engine.creation import full
from engine.dtypes import uint8
from engine.files import write_atomically
from engine.functions import cat, stack
from engine.tensor import Tensor
from engine.vision.pillow import as_picture, pillow

__all__ = ["make_grid", "save_image"]


@no_grad()
def make_grid(tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False, pad_value=0.0):
    """One picture (C, H, W) of all those in a tensor (B, C, H, W), or in a list of tensors (C, H, W) of one size.

    nrow: how many stand in a row. padding: pixels around each, of the value pad_value. normalize: whether to bring
    values from value_range, by default from the lowest to the highest of all, to 0 to 1; scale_each: of each picture by
    itself. Grey pictures (one channel) become three equal channels; a single picture (H, W), (C, H, W) or (1, C, H, W)
    gets no padding. TypeError for anything but tensors.
    """
    if isinstance(tensor, list) and tensor and all(isinstance(each, Tensor) for each in tensor):
        tensor = stack(tensor)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if not 2 <= tensor.ndim <= 4:
        raise ValueError(f"make_grid: expected a tensor of shape (H, W), (C, H, W) or (B, C, H, W), got "
                         f"{tuple(tensor.shape)}")
    if tensor.ndim == 4 and not len(tensor):
        raise ValueError("make_grid: there are no pictures in a batch of 0")
    if value_range is not None and (not isinstance(value_range, tuple) or len(value_range) != 2):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    pictures = tensor.reshape((1,) * (4 - tensor.ndim) + tuple(tensor.shape))
    if pictures.shape[1] == 1:
        pictures = pictures.expand(-1, 3, -1, -1)
    if normalize:
        groups = pictures.split(1) if scale_each else [pictures]
        pictures = cat([_brought_to_1(each, value_range) for each in groups])
    return pictures[0].clone() if len(pictures) == 1 else _in_rows(pictures, nrow, padding, pad_value)


def _brought_to_1(values, value_range):
    low, high = value_range or (float(values.min()), float(values.max()))
    return (values.clamp(low, high) - low) / max(high - low, 1e-5)


def _in_rows(pictures, nrow, padding, pad_value):
    count, channels, height, width = pictures.shape
    columns = min(nrow, count)
    rows = -(-count // columns)
    height, width = height + padding, width + padding
    shape = (channels, rows * height + padding, columns * width + padding)
    grid = full(shape, pad_value, dtype=pictures.dtype, device=pictures.device)
    for number in range(count):
        top, left = number // columns * height + padding, number % columns * width + padding
        grid[:, top : top + height - padding, left : left + width - padding] = pictures[number]
    return grid


@no_grad()
def save_image(tensor, fp, format=None, **kwargs):
    """Write `make_grid(tensor, **kwargs)`, floats from 0 to 1, to `fp`, a path or a file; needs Pillow.

    format: "PNG", "JPEG", ...; by default what the path ends in. A path is written as a whole or not at all.
    """
    pillow()
    grid = make_grid(tensor, **kwargs)
    pixels = (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).to("cpu", uint8).numpy()
    picture = as_picture(pixels)
    if not isinstance(fp, (str, os.PathLike)):
        picture.save(fp, format=format)
        return
    written = io.BytesIO()
    written.name = os.fspath(fp)  # Pillow goes by its ending, where no format is given
    picture.save(written, format=format)
    write_atomically(fp, written.getvalue())
