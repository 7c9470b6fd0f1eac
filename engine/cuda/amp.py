"""torch.cuda.amp: older names of engine.amp's classes, for GPUs. Deprecated, as in PyTorch."""

import warnings

from engine import amp, dtypes

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """amp.autocast("cuda", dtype, enabled, cache_enabled)."""

    def __init__(self, enabled=True, dtype=dtypes.float16, cache_enabled=True):
        _warn("autocast")
        super().__init__("cuda", dtype, enabled, cache_enabled)


class GradScaler(amp.GradScaler):
    """amp.GradScaler("cuda", ...)."""

    def __init__(self, init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        _warn("GradScaler")
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


def _warn(name):
    warnings.warn(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', args...)` instead.",
        FutureWarning, stacklevel=3)
