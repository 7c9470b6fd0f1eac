"""torch.nn: Module, the layers and losses, `functional`, `init` and `utils`."""

from engine.nn import functional, init, parameter  # noqa: F401
from engine.nn.containers import *  # noqa: F403
from engine.nn.module import *  # noqa: F403
from engine.nn.parameter import *  # noqa: F403
