"""Between PIL's pictures, arrays and tensors; and normalizing."""

import numpy as np

from engine import dtypes
from engine.creation import tensor as new_tensor
from engine.tensor import Tensor
from engine.vision.pillow import is_picture, pillow
from engine.vision.transforms.images import largest

__all__ = ["convert_image_dtype", "normalize", "pil_to_tensor", "to_pil_image", "to_tensor"]


def to_tensor(pic):
    """A PIL picture or an array (H, W) or (H, W, C) as a tensor (C, H, W); bytes become floats from 0 to 1.

    TypeError for anything else, ValueError for an array of other dimensions.
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        converted = _channels_first(pic)
    elif is_picture(pic):
        converted = _channels_first(_pixels(pic))
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if converted.dtype is dtypes.uint8:
        return converted.to(dtypes.get_default_dtype()) / 255
    return converted


def pil_to_tensor(pic):
    """A PIL picture as a tensor (C, H, W) of the same numbers; TypeError for anything else."""
    if not is_picture(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return _channels_first(_pixels(pic))


def _pixels(picture):
    if picture.mode == "1":
        return np.asarray(picture, np.uint8) * np.uint8(255)
    pixels = np.asarray(picture)
    return pixels.astype(np.int32) if pixels.dtype == np.uint16 else pixels


def _channels_first(pixels):
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return Tensor(np.array(pixels.transpose(2, 0, 1), dtype=pixels.dtype.newbyteorder("="), order="C"))


# Of how many channels and which numbers a mode is; the first of each is taken where none is named.
_MODES = {(1, "uint8"): ["L"], (1, "int16"): ["I;16"], (1, "int32"): ["I"], (1, "float32"): ["F"], (2, "uint8"): ["LA"],
          (3, "uint8"): ["RGB", "YCbCr", "HSV"], (4, "uint8"): ["RGBA", "CMYK", "RGBX"]}


def to_pil_image(pic, mode=None):
    """A tensor (C, H, W) or (H, W), or an array (H, W, C) or (H, W), as a PIL picture; floats from 0 to 1 become bytes.

    mode: PIL's name of what the channels mean; by default L, LA, RGB or RGBA, or I, I;16 or F for numbers of these
    types. TypeError for anything else; ValueError for other dimensions, for more than 4 channels, or a mode that does
    not fit.
    """
    if not isinstance(pic, (Tensor, np.ndarray)):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    if isinstance(pic, Tensor):
        pic = pic.detach() if pic.ndim == 3 else pic.detach()[None]
        if pic.dtype.is_floating_point and mode != "F":
            pic = (pic * 255).to(dtypes.uint8)
        pixels = pic.permute(1, 2, 0).cpu().numpy()
    else:
        pixels = pic if pic.ndim == 3 else pic[..., None]
    if pixels.shape[2] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {pixels.shape[2]} channels.")
    modes = _MODES.get((pixels.shape[2], pixels.dtype.name))
    if modes is None:
        raise TypeError(f"Input type {pixels.dtype} with {pixels.shape[2]} channels is not supported")
    if mode is not None and mode not in modes:
        raise ValueError(f"Incorrect mode ({mode}) supplied for input type {pixels.dtype} of {pixels.shape[2]} "
                         f"channels. Should be {' or '.join(modes)}")
    height, width, _ = pixels.shape
    return pillow().frombytes(mode or modes[0], (width, height), np.ascontiguousarray(pixels).tobytes())


def convert_image_dtype(image, dtype=dtypes.float32):
    """The image in another type, its values spread over that type's range: floats 0 to 1, integers 0 to their largest.

    RuntimeError for floats that do not hold all values of the integer type.
    """
    if image.dtype is dtype:
        return image
    if image.dtype.is_floating_point:
        if dtype.is_floating_point:
            return image.to(dtype)
        if dtype.itemsize >= image.dtype.itemsize:
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return (image * (largest(dtype) + 1 - 1e-3)).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / largest(image.dtype)
    if largest(image.dtype) > largest(dtype):
        return image.div((largest(image.dtype) + 1) // (largest(dtype) + 1), rounding_mode="floor").to(dtype)
    return image.to(dtype) * ((largest(dtype) + 1) // (largest(image.dtype) + 1))


def normalize(tensor, mean, std, inplace=False):
    """(tensor - mean) / std for each channel of a float tensor (..., C, H, W).

    TypeError for anything else; ValueError for fewer dimensions or a std of 0.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError("Expected tensor to be a tensor image of size (..., C, H, W). "
                         f"Got tensor.size() = {tensor.size()}")
    mean, std = (_each_channel(values, tensor) for values in (mean, std))
    if (std == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    return tensor.sub_(mean).div_(std) if inplace else (tensor - mean) / std


def _each_channel(values, tensor):
    values = values if isinstance(values, Tensor) else new_tensor(values)
    values = values.to(tensor.device, tensor.dtype)
    return values.reshape(-1, 1, 1) if values.ndim == 1 else values
