"""Ten training steps that a course runs, one a file: `step(torch, ...)` builds what it needs and returns a function.

Each call of that function is one training step and returns its loss, a tensor. `torch` is PyTorch or the engine: the
models are written as users of PyTorch write them, with its names alone. The other arguments are sizes (batch, width,
depth, length; their defaults are the workload's) and `device`. Data and first weights come from numpy (`given.py`), so
the losses of the first steps agree between engines, and the benchmarks check that they do.

    from benchmarks import workloads
    step = workloads.load("mlp").step(torch, batch=256)
    loss = step()
"""

import importlib
import inspect

NAMES = ("mlp", "cnn", "lstm", "tiny_mlp", "dcgan", "transformer", "autoencoder", "chain", "resnet", "gru")


def load(name):
    """The module of a workload; ValueError if there is none of that name."""
    if name not in NAMES:
        raise ValueError(f"no workload is named {name!r}; there are {', '.join(NAMES)}")
    return importlib.import_module(f"{__name__}.{name}")


def title(name):
    """What a workload is, in a few words: the first line of its file."""
    return load(name).__doc__.splitlines()[0].rstrip(".")


def sizes(name):
    """{size: its default} of a workload's step."""
    parameters = inspect.signature(load(name).step).parameters.values()
    return {each.name: each.default for each in parameters if isinstance(each.default, int)}


def scaled(name, scale):
    """The sizes of a workload that is `scale` times as large: its batch, or where it has none its length."""
    defaults = sizes(name)
    grows = "batch" if "batch" in defaults else "length"
    return {grows: scale * defaults[grows]}
