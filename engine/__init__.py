"""The engine: tensors and automatic differentiation with PyTorch's names, on numpy or cupy.

`import engine as torch` runs a PyTorch listing that keeps to the names that exist so far. Read the files in
this order: backend, dtypes, autograd/graph, ops/table, ops/*, functions/*, tensor, creation, nn/functional.
"""

from math import e, inf, nan, pi  # noqa: F401

from engine import amp, autograd, cuda, dtypes, linalg, memory, nn, optim, utils  # noqa: F401
from engine.amp.autocast_mode import *  # noqa: F403
from engine.autograd import enable_grad, inference_mode, is_anomaly_check_nan_enabled, is_anomaly_enabled  # noqa: F401
from engine.autograd import is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled  # noqa: F401
from engine.creation import *  # noqa: F403
from engine.devices import device  # noqa: F401
from engine.dtypes import *  # noqa: F403
from engine.functions import *  # noqa: F403
from engine.printing import *  # noqa: F403
from engine.random import *  # noqa: F403
from engine.serialization import *  # noqa: F403
from engine.size import Size  # noqa: F401
from engine.tensor import Tensor  # noqa: F401
from engine.threads import *  # noqa: F403
from engine.use import use, used  # noqa: F401

memory.keep()


def __getattr__(name):
    import importlib

    if name in ("viz", "vision"):  # pictures are loaded when they are first wanted
        return importlib.import_module(f"engine.{name}")
    if name == "bfloat16":  # and so is the package that knows this type
        return dtypes.bfloat16()
    from engine.names import MissingName

    raise MissingName("engine", name, lambda: [*globals(), "viz", "vision"])
