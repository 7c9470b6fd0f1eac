"""Normalization: shift and scale to mean 0 and variance 1, over the batch or in each sample, then learn both anew."""

import numbers
import warnings

from engine import creation, dtypes
from engine.nn import functional, init
from engine.nn.module import Module
from engine.nn.parameter import Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm", "RMSNorm"]


def _add_affine(module, shape, weight, bias, device, dtype):
    """A weight and a bias of this shape, each if it is wanted."""
    for name, wanted in (("weight", weight), ("bias", bias)):
        empty = Parameter(creation.empty(shape, device=device, dtype=dtype)) if wanted else None
        module.register_parameter(name, empty)


def _reset_affine(module):
    """weight 1, bias 0."""
    for parameter, value in ((module.weight, 1), (getattr(module, "bias", None), 0)):
        if parameter is not None:
            init.constant_(parameter, value)


# ---- over the batch ---------------------------------------------------------------------------------


class _RunningNorm(Module):
    """What batch and instance norm share: a weight and a bias a channel, and the running mean and variance."""

    _version = 2  # since num_batches_tracked is in the state dict
    _dims = ()  # how many dimensions an input may have

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, device, dtype, bias):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        _add_affine(self, num_features, affine, affine and bias, device, dtype)
        first = dict.fromkeys(("running_mean", "running_var", "num_batches_tracked"))
        if track_running_stats:
            first["running_mean"] = creation.zeros(num_features, device=device, dtype=dtype)
            first["running_var"] = creation.ones(num_features, device=device, dtype=dtype)
            first["num_batches_tracked"] = creation.tensor(0, device=device, dtype=dtypes.int64)
        for name, buffer in first.items():
            self.register_buffer(name, buffer)
        self.reset_parameters()

    def reset_running_stats(self):
        """Running mean 0, variance 1, after no batches."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self):
        """As reset_running_stats, and weight 1, bias 0."""
        self.reset_running_stats()
        _reset_affine(self)

    def _check_input_dim(self, input):
        if input.ndim not in self._dims:
            expected = " or ".join(f"{ndim}D" for ndim in self._dims)
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")

    def extra_repr(self):
        """Sizes and options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *amiss):
        key = prefix + "num_batches_tracked"
        if (local_metadata.get("version") or 1) < 2 and self.track_running_stats and key not in state_dict:
            state_dict[key] = self.num_batches_tracked.detach()  # a file from before there was this count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *amiss)


class _BatchNorm(_RunningNorm):
    def __init__(
            self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None,
            *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        """input: (N, num_features, ...)."""
        self._check_input_dim(input)
        share = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                share = 1.0 / self.num_batches_tracked.item()
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        keeps = not self.training or self.track_running_stats
        running = (self.running_mean, self.running_var) if keeps else (None, None)
        return functional.batch_norm(input, *running, self.weight, self.bias, by_batch, share, self.eps)


class BatchNorm1d(_BatchNorm):
    """Normalizes each feature over the batch, then scales by weight and shifts by bias (Ioffe and Szegedy, 2015).

    input: (N, num_features) or (N, num_features, L). weight, bias: (num_features), 1 and 0 at first, or none (affine).
    In training mode mean and variance are the batch's, and running_mean and running_var move towards them by the part
    `momentum` (None: they are the mean over all batches); in evaluation mode the running ones are used.
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As BatchNorm1d, of images (N, num_features, H, W): over the batch and all places."""

    _dims = (4,)


class _InstanceNorm(_RunningNorm):
    def __init__(
            self, num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False, device=None,
            dtype=None, *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input):
        """input: (N, num_features, ...) or (num_features, ...)."""
        self._check_input_dim(input)
        lone = input.ndim == self._dims[0]
        dim = 0 if lone else 1
        if input.shape[dim] != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: "
                    f"{input.shape[dim]}.")
            warnings.warn(f"input's size at dim={dim} does not match num_features, which affine=False leaves unused")
        result = functional.instance_norm(
            input.unsqueeze(0) if lone else input, self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, 0.0 if self.momentum is None else self.momentum, self.eps)
        return result.squeeze(0) if lone else result


class InstanceNorm1d(_InstanceNorm):
    """Normalizes each channel of each sample by itself (Ulyanov et al., 2016); arguments as for BatchNorm1d.

    input: (N, num_features, L) or (num_features, L). Running statistics are kept, and used in evaluation mode, only
    with track_running_stats.
    """

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As InstanceNorm1d, of images (N, num_features, H, W) or (num_features, H, W)."""

    _dims = (3, 4)


# ---- within each sample -----------------------------------------------------------------------------


class LayerNorm(Module):
    """Normalizes over the last dimensions, those of normalized_shape (Ba et al., 2016).

    weight, bias: (*normalized_shape), 1 and 0 at first; elementwise_affine=False: none.
    """

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        _add_affine(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """weight 1, bias 0."""
        _reset_affine(self)

    def forward(self, input):
        """input: (..., *normalized_shape)."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        """Shape and options."""
        affine = f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        return f"{self.normalized_shape}, eps={self.eps}, {affine}"


class RMSNorm(Module):
    """Divides by the root of the mean square over the last dimensions, those of normalized_shape (Zhang and Sennrich,
    2019).

    weight: (*normalized_shape), 1 at first; elementwise_affine=False: none. eps: None means the type's own.
    """

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        empty = creation.empty(self.normalized_shape, device=device, dtype=dtype) if elementwise_affine else None
        self.register_parameter("weight", None if empty is None else Parameter(empty))
        self.reset_parameters()

    def reset_parameters(self):
        """weight 1."""
        _reset_affine(self)

    def forward(self, input):
        """input: (..., *normalized_shape)."""
        return functional.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        """Shape and options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _as_shape(shape):
    return (shape,) if isinstance(shape, numbers.Integral) else tuple(shape)


class GroupNorm(Module):
    """Normalizes each group of channels of each sample by itself (Wu and He, 2018).

    input: (N, num_channels, ...). weight, bias: (num_channels), 1 and 0 at first; affine=False: none.
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        _add_affine(self, num_channels, affine, affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """weight 1, bias 0."""
        _reset_affine(self)

    def forward(self, input):
        """input: (N, num_channels, ...)."""
        return functional.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        """Sizes and options."""
        affine = f"affine={self.affine}, bias={self.bias is not None}"
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, {affine}"
