"""torch.nn: Module, the layers and losses, `functional`, `init` and `utils`."""

from engine.nn import functional
from engine.nn.module import Module
from engine.nn.parameter import Buffer, Parameter

__all__ = ["Buffer", "Module", "Parameter", "functional"]
