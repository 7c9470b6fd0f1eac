"""What colours pixels have: grey, brightness, contrast, saturation, hue."""

from engine.dtypes import float32
from engine.functions import stack
from engine.vision.pillow import pillow
from engine.vision.transforms.conversion import convert_image_dtype
from engine.vision.transforms.images import check_channels, check_image, get_image_num_channels, largest

__all__ = [
    "adjust_brightness", "adjust_contrast", "adjust_hue", "adjust_saturation", "rgb_to_grayscale", "to_grayscale"]


def rgb_to_grayscale(img, num_output_channels=1):
    """How light the image is (ITU-R 601), in one channel or three equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if check_image(img):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else pillow().merge("RGB", [grey] * 3)
    if img.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {img.ndim}")
    check_channels(img)
    if img.shape[-3] == 3:
        red, green, blue = img.unbind(-3)
        img = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
    else:
        img = img.clone()
    return img.expand(*img.shape[:-3], 3, *img.shape[-2:]) if num_output_channels == 3 else img


def to_grayscale(img, num_output_channels=1):
    """rgb_to_grayscale, for PIL's pictures alone."""
    if not check_image(img):
        raise TypeError("Input should be PIL Image")
    return rgb_to_grayscale(img, num_output_channels)


def adjust_brightness(img, brightness_factor):
    """The image made lighter (a factor above 1) or darker; 0 gives black, 1 the image itself."""
    _check_factor("brightness_factor", brightness_factor)
    if check_image(img):
        return _enhanced(img, "Brightness", brightness_factor)
    check_channels(img)
    return _blended(img, 0.0, brightness_factor)


def adjust_contrast(img, contrast_factor):
    """The image with more contrast (a factor above 1) or less; 0 gives one grey, 1 the image itself."""
    _check_factor("contrast_factor", contrast_factor)
    if check_image(img):
        return _enhanced(img, "Contrast", contrast_factor)
    check_channels(img)
    grey = rgb_to_grayscale(img) if get_image_num_channels(img) == 3 else img
    grey = grey if grey.dtype.is_floating_point else grey.to(float32)
    return _blended(img, grey.mean((-3, -2, -1) if img.ndim > 2 else (-2, -1), keepdim=True), contrast_factor)


def adjust_saturation(img, saturation_factor):
    """The image with stronger colours (a factor above 1) or weaker ones; 0 gives grey, 1 the image itself."""
    _check_factor("saturation_factor", saturation_factor)
    if check_image(img):
        return _enhanced(img, "Color", saturation_factor)
    check_channels(img)
    return img if get_image_num_channels(img) == 1 else _blended(img, rgb_to_grayscale(img), saturation_factor)


def adjust_hue(img, hue_factor):
    """The image with its colours moved around the circle of hues, by this share of it, from -0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if check_image(img):
        if img.mode in ("L", "1", "I", "F"):
            return img
        hue, saturation, value = img.convert("HSV").split()
        shift = int(hue_factor * 255)
        hue = hue.point([(each + shift) % 256 for each in range(256)])
        return pillow().merge("HSV", (hue, saturation, value)).convert(img.mode)
    check_channels(img)
    if get_image_num_channels(img) == 1:
        return img
    hue, saturation, value = _as_hsv(convert_image_dtype(img, float32))
    return convert_image_dtype(_as_rgb((hue + hue_factor) % 1.0, saturation, value), img.dtype)


def _check_factor(name, factor):
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def _enhanced(img, what, factor):
    pillow()
    from PIL import ImageEnhance

    return getattr(ImageEnhance, what)(img).enhance(factor)


def _blended(img, other, share):
    """`share` of the image and the rest of the other one, within bounds."""
    share = float(share)
    return (share * img + (1.0 - share) * other).clamp(0, largest(img.dtype)).to(img.dtype)


def _as_hsv(img):
    """Hue, saturation and value, each from 0 to 1."""
    red, green, blue = img.unbind(-3)
    value, lowest = img.amax(-3), img.amin(-3)
    spread = value - lowest
    some = (spread == 0).to(float32) + spread  # 1 where there is no colour, whose hue does not matter
    fall = [(value - each) / some for each in (red, green, blue)]
    hue = (2.0 + fall[0] - fall[2]).where(value == green, 4.0 + fall[1] - fall[0])
    hue = (fall[2] - fall[1]).where(value == red, hue)
    return (hue / 6.0 + 1.0) % 1.0, spread / value.where(spread != 0, value * 0 + 1), value


def _as_rgb(hue, saturation, value):
    """Each channel keeps the value near its own hue and falls by the saturation far from it."""
    falls = [((((hue * 6.0 + turn) % 6.0) - 3.0).abs() - 1.0).clamp(0, 1) for turn in (0, 4, 2)]
    return stack([value * (1.0 - saturation * (1.0 - fall)) for fall in falls], -3)
