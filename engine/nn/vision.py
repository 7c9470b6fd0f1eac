"""Changing the size of images: resampling, padding, moving channels into places and back, cutting into patches."""

from engine.nn import functional
from engine.nn.layer import FunctionLayer, several
from engine.nn.module import Module

__all__ = [
    "CircularPad1d", "CircularPad2d", "ConstantPad1d", "ConstantPad2d", "Fold", "PixelShuffle", "PixelUnshuffle",
    "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d", "Unfold", "Upsample", "ZeroPad1d",
    "ZeroPad2d"]


class Upsample(FunctionLayer):
    """Resamples (N, C, L) or (N, C, H, W) to `size`, or to scale_factor times its size.

    mode: "nearest", or "linear", "bilinear" ... by the number of dimensions. align_corners: whether the corners'
    centres stay. recompute_scale_factor: sample as the rounded size says.
    """

    _function = "interpolate"

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
        if isinstance(scale_factor, tuple):
            scale_factor = tuple(float(factor) for factor in scale_factor)
        elif scale_factor is not None:
            scale_factor = float(scale_factor)
        super().__init__(
            size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners,
            recompute_scale_factor=recompute_scale_factor)

    def extra_repr(self):
        """The size and the mode."""
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)}, mode={self.mode!r}"


class PixelShuffle(FunctionLayer):
    """(..., C · r², H, W) -> (..., C, H · r, W · r), r the upscale_factor (Shi et al., 2016)."""

    _function = "pixel_shuffle"

    def __init__(self, upscale_factor):
        super().__init__(upscale_factor=upscale_factor)


class PixelUnshuffle(FunctionLayer):
    """(..., C, H · r, W · r) -> (..., C · r², H, W), r the downscale_factor: PixelShuffle undone."""

    _function = "pixel_unshuffle"

    def __init__(self, downscale_factor):
        super().__init__(downscale_factor=downscale_factor)


class Unfold(FunctionLayer):
    """The patches of (N, C, H, W) as columns: (N, C · kernel_size, count)."""

    _function = "unfold"

    def __init__(self, kernel_size, dilation=1, padding=0, stride=1):
        super().__init__(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


class Fold(FunctionLayer):
    """The sum of patches, (N, C · kernel_size, count), put back into an image (N, C, *output_size)."""

    _function = "fold"

    def __init__(self, output_size, kernel_size, dilation=1, padding=0, stride=1):
        options = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
        super().__init__(output_size=output_size, **options)


# ---- padding ----------------------------------------------------------------------------------------


class _Pad(Module):
    """padding: one number for all ends, or (left, right, top, bottom) of the last dimensions."""

    _dims = 0
    _mode = ""
    value = None

    def __init__(self, padding):
        super().__init__()
        self.padding = several(padding, 2 * self._dims)

    def forward(self, input):
        """input: with or without batch and channels."""
        return functional.pad(input, self.padding, self._mode, self.value)

    def extra_repr(self):
        """The padding."""
        return f"{self.padding}"


class ConstantPad1d(_Pad):
    """(..., L) with `value` at both ends. padding: a number, or (left, right)."""

    _dims, _mode = 1, "constant"

    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def extra_repr(self):
        """The padding and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """(..., H, W) with `value` around. padding: a number, or (left, right, top, bottom)."""

    _dims = 2


class ZeroPad1d(ConstantPad1d):
    """(..., L) with zeros at both ends. padding: a number, or (left, right)."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    extra_repr = _Pad.extra_repr


class ZeroPad2d(ZeroPad1d):
    """(..., H, W) with zeros around. padding: a number, or (left, right, top, bottom)."""

    _dims = 2


class ReflectionPad1d(_Pad):
    """(..., L) continued at both ends by its mirror image. padding: a number, or (left, right)."""

    _dims, _mode = 1, "reflect"


class ReflectionPad2d(ReflectionPad1d):
    """(..., H, W) continued on all sides by its mirror image. padding: a number, or (left, right, top, bottom)."""

    _dims = 2


class ReplicationPad1d(_Pad):
    """(..., L) continued at both ends by its last element. padding: a number, or (left, right)."""

    _dims, _mode = 1, "replicate"


class ReplicationPad2d(ReplicationPad1d):
    """(..., H, W) continued on all sides by its edge. padding: a number, or (left, right, top, bottom)."""

    _dims = 2


class CircularPad1d(_Pad):
    """(..., L) continued at both ends from the other end. padding: a number, or (left, right)."""

    _dims, _mode = 1, "circular"

    def forward(self, input):
        """input: with channels, with or without batch."""
        if input.ndim not in (self._dims + 1, self._dims + 2):
            expected = f"{self._dims + 1}D or {self._dims + 2}D"
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")
        return super().forward(input)


class CircularPad2d(CircularPad1d):
    """(..., H, W) continued on all sides from the other side. padding: a number, or (left, right, top, bottom)."""

    _dims = 2
