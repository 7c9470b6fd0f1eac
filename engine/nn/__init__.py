"""torch.nn, as far as the course has come: `nn.functional`."""

from engine.nn import functional

__all__ = ["functional"]
