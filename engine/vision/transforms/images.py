"""What a transform takes: PIL's pictures, and tensors of shape (..., C, H, W)."""

import enum

from engine import dtypes
from engine.tensor import Tensor
from engine.vision.pillow import is_picture

__all__ = ["InterpolationMode", "get_dimensions", "get_image_num_channels", "get_image_size"]


class InterpolationMode(enum.Enum):
    """How pictures are read between their pixels. Tensors know nearest, nearest-exact, bilinear and bicubic."""

    NEAREST, NEAREST_EXACT, BILINEAR, BICUBIC = "nearest", "nearest-exact", "bilinear", "bicubic"
    BOX, HAMMING, LANCZOS = "box", "hamming", "lanczos"


# Pillow's numbers for the same.
_PILLOW = {"nearest": 0, "nearest-exact": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def as_mode(interpolation):
    """The InterpolationMode that this is, or whose number at Pillow this is."""
    if isinstance(interpolation, int) and interpolation in _PILLOW.values():
        names = [name for name, number in _PILLOW.items() if number == interpolation]
        return InterpolationMode(names[0])
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError("Argument interpolation should be a InterpolationMode or a corresponding Pillow integer "
                        "constant")
    return interpolation


def pillow_number(mode):
    return _PILLOW[mode.value]


def check_image(img):
    """True for PIL's, False for a tensor of two dimensions or more; TypeError for anything else."""
    if is_picture(img):
        return True
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    if img.ndim < 2:
        raise TypeError("Tensor is not a torch image.")
    return False


def get_dimensions(img):
    """[channels, height, width]."""
    if check_image(img):
        return [len(img.getbands()), img.height, img.width]
    return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]


def get_image_size(img):
    """[width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img):
    """How many channels the image has."""
    return get_dimensions(img)[0]


def check_channels(img):
    """TypeError unless the tensor has one channel, or red, green and blue."""
    channels = get_image_num_channels(img)
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {channels}")


def largest(dtype):
    """What white is: 1 for floats, the largest number of an integer type."""
    return 1 if dtype.is_floating_point else dtypes.iinfo(dtype).max


def like(array, img):
    """A numpy array as a tensor on the image's device."""
    return Tensor(array).to(img.device)
