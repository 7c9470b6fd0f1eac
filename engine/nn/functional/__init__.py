"""torch.nn.functional: what layers compute, a file a family, composed from the table and from `nn.primitives`."""

from engine.nn.functional.activation import *  # noqa: F403
from engine.nn.functional.attention import *  # noqa: F403
from engine.nn.functional.convolution import *  # noqa: F403
from engine.nn.functional.distance import *  # noqa: F403
from engine.nn.functional.dropout import *  # noqa: F403
from engine.nn.functional.linear import *  # noqa: F403
from engine.nn.functional.loss import *  # noqa: F403
from engine.nn.functional.normalization import *  # noqa: F403
from engine.nn.functional.pooling import *  # noqa: F403
from engine.nn.functional.vision import *  # noqa: F403


def __getattr__(name):
    from engine.names import MissingName

    raise MissingName("engine.nn.functional", name, lambda: list(globals()))
