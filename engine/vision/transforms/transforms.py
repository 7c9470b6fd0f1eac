"""The transforms: functions of an image that keep their options, and draw what is random from engine.random.

Each takes PIL's pictures and tensors (..., C, H, W), unless it says otherwise. `manual_seed` repeats the draws.
"""

import math
import warnings

from engine import random
from engine.creation import tensor as new_tensor
from engine.nn.containers import ModuleList
from engine.nn.module import Module
from engine.vision.transforms import functional as F
from engine.vision.transforms.geometry import checked_sides
from engine.vision.transforms.images import InterpolationMode, as_mode, check_image, get_dimensions

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "Grayscale", "InterpolationMode", "Lambda", "Normalize", "PILToTensor",
    "Pad", "RandomApply", "RandomCrop", "RandomErasing", "RandomGrayscale", "RandomHorizontalFlip", "RandomRotation",
    "RandomVerticalFlip", "Resize", "ToPILImage", "ToTensor"]


def _uniform(low=0.0, high=1.0):
    return float(random.default_generator.numpy.uniform(low, high))


def _below(count):
    """An integer from 0 up to, but without, count."""
    return int(random.default_generator.numpy.integers(count))


# ---- several --------------------------------------------------------------------------------------------


class Compose:
    """One transform after the other."""

    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self):
        return "\n".join([f"{type(self).__name__}(", *(f"    {each}" for each in self.transforms), ")"])


class _Transform(Module):
    """A transform that prints its options. _shown: their names, in order; a center only if there is one."""

    _shown = ""

    def __repr__(self):
        options = {name: getattr(self, name) for name in self._shown.split()}
        options = {name: value for name, value in options.items() if name != "center" or value is not None}
        texts = (f"{name}={getattr(value, 'value', value)}" for name, value in options.items())  # of a mode, its name
        return f"{type(self).__name__}({', '.join(texts)})"


class _WithChance(_Transform):
    """Does with probability p what `_changed` says, and leaves the image alone otherwise."""

    _shown = "p"

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, img):
        return self._changed(img) if _uniform() < self.p else img


class _WithoutOptions:
    """Prints its name."""

    def __repr__(self):
        return f"{type(self).__name__}()"


class RandomApply(Module):
    """With probability p all of the transforms, one after the other."""

    def __init__(self, transforms, p=0.5):
        super().__init__()
        if not isinstance(transforms, (list, tuple, ModuleList)):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms, self.p = transforms, p

    def forward(self, img):
        if _uniform() >= self.p:
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self):
        lines = [f"p={self.p}", *map(str, self.transforms)]
        return "\n".join([f"{type(self).__name__}(", *(f"    {line}" for line in lines), ")"])


class Lambda(_WithoutOptions):
    """A function as a transform."""

    def __init__(self, lambd):
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)


# ---- between PIL's pictures, arrays and tensors -----------------------------------------------------------


class ToTensor(_WithoutOptions):
    """A PIL picture or an array (H, W, C) as a tensor (C, H, W); bytes become floats from 0 to 1."""

    def __call__(self, pic):
        return F.to_tensor(pic)


class PILToTensor(_WithoutOptions):
    """A PIL picture as a tensor (C, H, W) of the same numbers."""

    def __call__(self, pic):
        return F.pil_to_tensor(pic)


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) as a PIL picture. mode: PIL's name of what the channels mean."""

    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        return F.to_pil_image(pic, self.mode)

    def __repr__(self):
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Normalize(_Transform):
    """(image - mean) / std for each channel; of float tensors alone."""

    _shown = "mean std"

    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor):
        return F.normalize(tensor, self.mean, self.std, self.inplace)


# ---- geometry -------------------------------------------------------------------------------------------


class Resize(_Transform):
    """Another size: (height, width), or that of the shorter side; see functional.resize."""

    _shown = "size interpolation max_size antialias"

    def __init__(self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
        super().__init__()
        if not isinstance(size, (int, list, tuple)):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if not isinstance(size, int) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = as_mode(interpolation)

    def forward(self, img):
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)


def _height_and_width(size):
    if isinstance(size, (int, float)):
        return int(size), int(size)
    if len(size) not in (1, 2):
        raise ValueError("Please provide only two dimensions (h, w) for size.")
    return (size[0], size[0]) if len(size) == 1 else size


class CenterCrop(_Transform):
    """The middle, of this size; padded with 0 where it is larger than the image."""

    _shown = "size"

    def __init__(self, size):
        super().__init__()
        self.size = _height_and_width(size)

    def forward(self, img):
        return F.center_crop(img, self.size)


class Pad(_Transform):
    """A border around the image; see functional.pad."""

    _shown = "padding fill padding_mode"

    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        checked_sides(padding, fill, padding_mode, (int, float, str, tuple, list))
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img):
        return F.pad(img, self.padding, self.fill, self.padding_mode)


class RandomCrop(_Transform):
    """A rectangle of this size from anywhere in the image, after padding.

    padding, fill, padding_mode: of functional.pad. pad_if_needed: whether a smaller image is padded to this size;
    otherwise it is a ValueError.
    """

    _shown = "size padding"

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        super().__init__()
        self.size = tuple(_height_and_width(size))
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img, output_size):
        """(top, left, height, width), drawn."""
        _, rows, columns = get_dimensions(img)
        height, width = output_size
        if rows < height or columns < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(rows, columns)}")
        return _below(rows - height + 1), _below(columns - width + 1), height, width

    def forward(self, img):
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, rows, columns = get_dimensions(img)
        if self.pad_if_needed and columns < self.size[1]:
            img = F.pad(img, [self.size[1] - columns, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and rows < self.size[0]:
            img = F.pad(img, [0, self.size[0] - rows], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))


class RandomHorizontalFlip(_WithChance):
    """Left and right exchanged with probability p."""

    def _changed(self, img):
        return F.hflip(img)


class RandomVerticalFlip(_WithChance):
    """Top and bottom exchanged with probability p."""

    def _changed(self, img):
        return F.vflip(img)


class RandomRotation(_Transform):
    """The image turned by an angle between these two, or up to `degrees` either way; see functional.rotate."""

    _shown = "degrees interpolation expand center fill"

    def __init__(self, degrees, interpolation=InterpolationMode.NEAREST, expand=False, center=None, fill=0):
        super().__init__()
        self.degrees = _angles(degrees)
        if center is not None:
            _check_pair(center, "center")
        if fill is not None and not isinstance(fill, (int, float, tuple, list)):
            raise TypeError("Fill should be either a sequence or a number.")
        self.interpolation, self.expand, self.center = as_mode(interpolation), expand, center
        self.fill = 0 if fill is None else fill

    @staticmethod
    def get_params(degrees):
        """The angle, drawn."""
        return _uniform(*degrees)

    def forward(self, img):
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)


def _angles(degrees):
    if isinstance(degrees, (int, float)):
        if degrees < 0:
            raise ValueError("If degrees is a single number, it must be positive.")
        degrees = [-degrees, degrees]
    _check_pair(degrees, "degrees")
    return [float(each) for each in degrees]


def _check_pair(values, name):
    if not isinstance(values, (tuple, list)):
        raise TypeError(f"{name} should be a sequence of length 2.")
    if len(values) != 2:
        raise ValueError(f"{name} should be a sequence of length 2.")


class RandomErasing(_Transform):
    """With probability p a rectangle of a tensor (..., C, H, W) is overwritten (Zhong, Zheng, Kang, Li & Yang 2017).

    scale: between which shares of the image its area lies, ratio: between which its height by its width. value: what it
    is overwritten with, a number, one for each channel, or "random" for normal numbers. inplace: whether in the image
    itself.
    """

    _shown = "p scale ratio value inplace"

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        for name, pair in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(pair, (tuple, list)):
                raise TypeError(f"{name} should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)")
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if not 0 <= p <= 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(img, scale, ratio, value=None):
        """(top, left, height, width, values for it), drawn; the whole image if in ten attempts none fits."""
        channels, rows, columns = img.shape[-3:]
        for _ in range(10):
            area = rows * columns * _uniform(*scale)
            by_width = math.exp(_uniform(math.log(ratio[0]), math.log(ratio[1])))
            height, width = round(math.sqrt(area * by_width)), round(math.sqrt(area / by_width))
            if height < rows and width < columns:
                if value is None:
                    erased = random.randn(channels, height, width).to(img.device, img.dtype)
                else:
                    erased = new_tensor(value, device=img.device, dtype=img.dtype).reshape(-1, 1, 1)
                return _below(rows - height + 1), _below(columns - width + 1), height, width, erased
        return 0, 0, rows, columns, img

    def forward(self, img):
        if _uniform() >= self.p:
            return img
        if check_image(img) or img.ndim < 3:
            raise TypeError(f"img should be Tensor Image. Got {type(img)}")
        value = [float(self.value)] if isinstance(self.value, (int, float)) else self.value
        value = None if value == "random" else [*value]
        if value is not None and len(value) not in (1, img.shape[-3]):
            raise ValueError("If value is a sequence, it should have either a single value or "
                             f"{img.shape[-3]} (number of input channels)")
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)


# ---- colour ---------------------------------------------------------------------------------------------


class Grayscale(_Transform):
    """How light the image is, in one channel or three equal ones."""

    _shown = "num_output_channels"

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return F.rgb_to_grayscale(img, self.num_output_channels)


class RandomGrayscale(_WithChance):
    """Grey with probability p, in as many channels as the image has."""

    def __init__(self, p=0.1):
        super().__init__(p)

    def _changed(self, img):
        return F.rgb_to_grayscale(img, get_dimensions(img)[0])


class ColorJitter(_Transform):
    """Brightness, contrast, saturation and hue changed by random factors, in random order.

    brightness, contrast, saturation: x for factors from max(0, 1 - x) to 1 + x, or (lowest, highest). hue: x for shifts
    from -x to x, or (lowest, highest), within -0.5 and 0.5.
    """

    _shown = "brightness contrast saturation hue"

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self.brightness, self.contrast, self.saturation = (
            _factors(value, name) for name, value in
            (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)))
        self.hue = _factors(hue, "hue", 0, (-0.5, 0.5))

    @staticmethod
    def get_params(brightness, contrast, saturation, hue):
        """(the order, then a factor for each, None where it stays as it is), drawn."""
        order = random.randperm(4)
        ranges = brightness, contrast, saturation, hue
        return order, *(None if bounds is None else _uniform(*bounds) for bounds in ranges)

    def forward(self, img):
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes = F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue
        for which in order.tolist():
            if factors[which] is not None:
                img = changes[which](img, factors[which])
        return img


def _factors(value, name, center=1, bound=(0, float("inf"))):
    """(lowest, highest); None where these leave the image as it is."""
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        value = [center - value, center + value]
        if name != "hue":
            value[0] = max(value[0], 0.0)
    elif not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
    low, high = float(value[0]), float(value[1])
    if not bound[0] <= low <= high <= bound[1]:
        raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
    return None if low == high == center else (low, high)
