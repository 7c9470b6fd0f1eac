"""torch.utils, as far as the course has come: `checkpoint`."""

from engine.utils import checkpoint

__all__ = ["checkpoint"]
