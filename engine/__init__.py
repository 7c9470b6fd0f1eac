"""The engine: tensors and automatic differentiation with PyTorch's names, on numpy or cupy.

`import engine as torch` runs a PyTorch listing that keeps to the names that exist so far. Read the files in
this order: backend, dtypes, autograd/graph, ops/table, ops/*, functions/*, tensor, creation, nn/functional.
"""

from engine import autograd, cuda, nn
from engine.autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from engine.creation import (
    arange,
    as_tensor,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from engine.dtypes import bool_ as bool
from engine.dtypes import (
    complex64,
    complex128,
    double,
    dtype,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    result_type,
    set_default_dtype,
    short,
    uint8,
)
from engine.dtypes import float_ as float
from engine.dtypes import int_ as int
from engine.functions import *  # noqa: F403
from engine.random import Generator, manual_seed, rand, randint, randn, randperm
from engine.tensor import Size, Tensor, device


def is_tensor(obj):
    """True for a Tensor."""
    return isinstance(obj, Tensor)


def __getattr__(name):
    import importlib

    if name == "viz":  # pictures are loaded when they are first wanted
        return importlib.import_module("engine.viz")
    from engine.names import missing

    raise missing("engine", name, list(globals()) + ["viz"])
