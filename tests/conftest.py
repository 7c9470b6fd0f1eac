"""What all tests share: the devices. "cuda" is the strict stand-in for cupy, or a real GPU with `-m gpu`."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def strict_cupy(monkeypatch):
    """The stand-in in cupy's place for the length of one test; wrong indices are told at once, as on the CPU."""
    import strict_cupy as stand_in

    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")

    module = stand_in.as_module()
    for name, each in {"cupy": module, **stand_in.as_cupyx()}.items():
        monkeypatch.setitem(sys.modules, name, each)
    return module


@pytest.fixture(params=["cpu", "cuda", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request):
    """Where a test's tensors live: each test that takes this runs on numpy, on the stand-in and, if asked, on a GPU."""
    if request.param == "cuda":
        request.getfixturevalue("strict_cupy")
    return "cpu" if request.param == "cpu" else "cuda"


@pytest.fixture
def random():
    """A seeded source of arrays: random(2, 3) is normal float64 of that shape."""
    generator = np.random.default_rng(0)
    return lambda *shape: generator.standard_normal(shape)
