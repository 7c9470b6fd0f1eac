"""torch.nn: Module, the layers and losses, `functional`, `init` and `utils`."""

from engine.nn import activation, attention, containers, convolution, dropout, functional, init  # noqa: F401
from engine.nn import linear, loss, module, normalization, parameter, pooling, rnn, transformer  # noqa: F401
from engine.nn import utils, vision  # noqa: F401
from engine.nn.activation import *  # noqa: F403
from engine.nn.attention import *  # noqa: F403
from engine.nn.containers import *  # noqa: F403
from engine.nn.convolution import *  # noqa: F403
from engine.nn.dropout import *  # noqa: F403
from engine.nn.linear import *  # noqa: F403
from engine.nn.loss import *  # noqa: F403
from engine.nn.module import *  # noqa: F403
from engine.nn.normalization import *  # noqa: F403
from engine.nn.parameter import *  # noqa: F403
from engine.nn.pooling import *  # noqa: F403
from engine.nn.rnn import *  # noqa: F403
from engine.nn.transformer import *  # noqa: F403
from engine.nn.vision import *  # noqa: F403

_FILES = (
    activation, attention, containers, convolution, dropout, linear, loss, module, normalization, parameter, pooling,
    rnn, transformer, vision)
__all__ = [name for file in _FILES for name in file.__all__]


def __getattr__(name):
    from engine.names import MissingName

    raise MissingName("engine.nn", name, lambda: list(globals()))
