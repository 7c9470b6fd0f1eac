"""Convolutions of (N, C, L) and (N, C, H, W), with or without the batch, and their transposes."""

import math

from engine import creation
from engine.nn import functional, init
from engine.nn.layer import several
from engine.nn.linear import _add_bias, draw_bias
from engine.nn.module import Module
from engine.nn.parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(Module):
    """What all convolutions share: sizes, checks and first values."""

    _dims = 0
    _function = ""  # its name in torch.nn.functional
    _transposed = False

    def __init__(
            self, in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
            padding_mode, device, dtype):
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{name} must be divisible by groups")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = several(kernel_size, self._dims), several(stride, self._dims)
        self.dilation, self.output_padding = several(dilation, self._dims), several(output_padding, self._dims)
        self.padding = padding if isinstance(padding, str) else several(padding, self._dims)
        self.padding_mode, self.transposed = padding_mode, self._transposed
        self._check_padding()
        into, out = in_channels, out_channels // groups
        sizes = (into, out) if self._transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(creation.empty((*sizes, *self.kernel_size), device=device, dtype=dtype))
        _add_bias(self, out_channels if bias else None, device, dtype)
        self.reset_parameters()

    def _check_padding(self):
        if isinstance(self.padding, str):
            if self.padding not in ("valid", "same"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of {{'valid', 'same'}}")
            if self.padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {PADDING_MODES}, but got padding_mode='{self.padding_mode}'")
        if self._transposed and self.padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')

    def reset_parameters(self):
        """Draw weight and bias anew: uniform within ±1/√fan_in."""
        if self.weight.numel():
            init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        draw_bias(self.bias, self.weight)

    def forward(self, input):
        """input: (N, in_channels, ...) or (in_channels, ...)."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = functional.pad(input, self._ends(), mode=self.padding_mode), 0
        function = getattr(functional, self._function)
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _ends(self):
        """What to add at either end of each dimension, the last one first, as `pad` wants it."""
        ends = []
        for dim in reversed(range(self._dims)):
            if self.padding == "same":
                total = self.dilation[dim] * (self.kernel_size[dim] - 1)
                ends += [total // 2, total - total // 2]
            else:
                ends += [0, 0] if self.padding == "valid" else [self.padding[dim]] * 2
        return ends

    def extra_repr(self):
        """Sizes, and options other than the defaults."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        nothing, ones = (0,) * self._dims, (1,) * self._dims
        defaults = {"padding": nothing, "dilation": ones, "output_padding": nothing, "groups": 1}
        changed = (name for name, default in defaults.items() if getattr(self, name) != default)
        text += "".join(f", {name}={getattr(self, name)}" for name in changed)
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class _Convolving(_Convolution):
    def __init__(
            self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
            padding_mode="zeros", device=None, dtype=None):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, device,
            dtype)


class Conv1d(_Convolving):
    """Each output channel is a bias and a sum over input channels, each correlated with a kernel of its own.

    input: (N, in_channels, L), with or without N. weight: (out_channels, in_channels / groups, kernel_size), uniform
    within ±1/√fan_in at first, as is bias: (out_channels). padding: so many at either end, "same" or "valid" (none);
    padding_mode: of "zeros", "reflect", "replicate" or "circular". dilation: how far apart a kernel's elements reach.
    groups: channels fall into as many groups, each of which sees only its own.
    """

    _dims, _function = 1, "conv1d"


class Conv2d(_Convolving):
    """As Conv1d, of images (N, in_channels, H, W); kernel_size, stride, padding and dilation are numbers or pairs.

    weight: (out_channels, in_channels / groups, *kernel_size).
    """

    _dims, _function = 2, "conv2d"


class _Transposed(_Convolution):
    _transposed = True

    def __init__(
            self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True,
            dilation=1, padding_mode="zeros", device=None, dtype=None):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
            padding_mode, device, dtype)

    def forward(self, input, output_size=None):
        """input: (N, in_channels, ...) or (in_channels, ...). output_size: which of the sizes that a convolution would
        have brought to the input's; it takes the place of output_padding."""
        added = self.output_padding if output_size is None else self._added(input, list(output_size))
        function = getattr(functional, self._function)
        return function(input, self.weight, self.bias, self.stride, self.padding, added, self.groups, self.dilation)

    def _added(self, input, output_size):
        """The output_padding that gives this size."""
        name, dims = f"ConvTranspose{self._dims}D", self._dims
        if len(output_size) == input.ndim:
            output_size = output_size[-dims:]
        if len(output_size) != dims:
            raise ValueError(
                f"{name}: for {input.ndim}D input, output_size must have {dims} or {input.ndim} elements "
                f"(got {len(output_size)})")
        lowest = [
            (size - 1) * step - 2 * padding + dilation * (kernel - 1) + 1
            for size, step, padding, dilation, kernel in zip(
                input.shape[-dims:], self.stride, self.padding, self.dilation, self.kernel_size)]
        highest = [low + step - 1 for low, step in zip(lowest, self.stride)]
        if not all(low <= size <= high for low, size, high in zip(lowest, output_size, highest)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {lowest} to {highest} "
                f"(for an input of {input.shape[-dims:]})")
        return tuple(size - low for size, low in zip(output_size, lowest))


class ConvTranspose1d(_Transposed):
    """The gradient of Conv1d with respect to its input, as a layer: it makes what is short long.

    weight: (in_channels, out_channels / groups, kernel_size). output_padding: so many more at one end, as a stride
    leaves the length open. Other arguments as for Conv1d; padding takes away at either end.
    """

    _dims, _function = 1, "conv_transpose1d"


class ConvTranspose2d(_Transposed):
    """The gradient of Conv2d with respect to its input, as a layer: it makes small images large.

    weight: (in_channels, out_channels / groups, *kernel_size). Arguments as for ConvTranspose1d, numbers or pairs.
    """

    _dims, _function = 2, "conv_transpose2d"
