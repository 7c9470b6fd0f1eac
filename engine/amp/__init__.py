"""torch.amp: mixed precision. `autocast` computes in halves what survives it; `GradScaler` saves small gradients."""

from engine.amp.autocast_mode import autocast, is_autocast_available  # noqa: F401
from engine.amp.grad_scaler import GradScaler  # noqa: F401


def __getattr__(name):
    from engine.names import MissingName

    raise MissingName("engine.amp", name, lambda: list(globals()))
