"""torch.utils, as far as the course has come: `checkpoint` and `data`."""

from engine.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
