"""Pooling: the largest or the mean of each window. Lengths are (..., L), images (..., H, W), a batch or not."""

from engine.nn.layer import FunctionLayer, several

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d",
    "MaxPool1d", "MaxPool2d"]


class _MaxPool(FunctionLayer):
    """stride: kernel_size by default. padding: by −∞. return_indices: also where each maximum was found."""

    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__(
            kernel_size=kernel_size, stride=kernel_size if stride is None else stride, padding=padding,
            dilation=dilation, return_indices=return_indices, ceil_mode=ceil_mode)


class MaxPool1d(_MaxPool):
    """The largest of each window of (..., L).

    stride: how far apart windows begin (kernel_size). padding: so many −∞ at either end. dilation: how far apart the
    elements of a window are. return_indices: also where each maximum was. ceil_mode: windows may reach over the end.
    """

    _function = "max_pool1d"


class MaxPool2d(_MaxPool):
    """The largest of each window of (..., H, W); arguments as for MaxPool1d, numbers or pairs."""

    _function = "max_pool2d"


class AvgPool1d(FunctionLayer):
    """The mean of each window of (..., L).

    stride: how far apart windows begin (kernel_size). padding: so many zeros at either end. ceil_mode: windows may
    reach over the end. count_include_pad: zeros of the padding count in the mean.
    """

    _function, _shown = "avg_pool1d", ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        stride = kernel_size if stride is None else stride
        super().__init__(
            kernel_size=several(kernel_size, 1), stride=several(stride, 1), padding=several(padding, 1),
            ceil_mode=ceil_mode, count_include_pad=count_include_pad)


class AvgPool2d(FunctionLayer):
    """The mean of each window of (..., H, W); arguments as for AvgPool1d, numbers or pairs.

    divisor_override: divide the sum by this number instead of the window's size.
    """

    _function, _shown = "avg_pool2d", ("kernel_size", "stride", "padding")

    def __init__(
            self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        super().__init__(
            kernel_size=kernel_size, stride=kernel_size if stride is None else stride, padding=padding,
            ceil_mode=ceil_mode, count_include_pad=count_include_pad, divisor_override=divisor_override)


class AdaptiveAvgPool1d(FunctionLayer):
    """Means of as many even windows as give (..., output_size)."""

    _function = "adaptive_avg_pool1d"

    def __init__(self, output_size):
        super().__init__(output_size=output_size)


class AdaptiveAvgPool2d(FunctionLayer):
    """Means of as many even windows as give (..., *output_size): a number, a pair, None where the size is to stay."""

    _function = "adaptive_avg_pool2d"

    def __init__(self, output_size):
        super().__init__(output_size=output_size)


class _AdaptiveMaxPool(FunctionLayer):
    _shown = ("output_size",)

    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size=output_size, return_indices=return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of as many even windows as give (..., output_size); return_indices: also where each was."""

    _function = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of as many even windows as give (..., *output_size); return_indices: also where each was."""

    _function = "adaptive_max_pool2d"
