"""The stand-in for cupy is as strict as it says, and offers nothing that the real cupy does not."""

import numpy as np
import pytest


def test_it_refuses_what_cupy_refuses(strict_cupy):
    there = strict_cupy.asarray(np.ones(3))
    for mistake in (
        lambda: np.asarray(there),
        lambda: there + np.ones(3),
        lambda: np.add(there, np.ones(3)),
        lambda: np.where(np.ones(3, bool), there, there),
        lambda: np.median(there),
        lambda: np.add.reduce(there),
    ):
        with pytest.raises(TypeError):
            mistake()


def test_it_differs_where_cupy_differs(strict_cupy):
    there = strict_cupy.asarray(np.arange(3.0))
    assert isinstance(there.sum(), strict_cupy.ndarray), "reductions give 0-d arrays"
    assert there[strict_cupy.asarray([4])].tolist() == [1.0], (
        "indices wrap around without a word"
    )
    assert not hasattr(there.flags, "writeable")


def test_numpy_s_functions_are_handed_on(strict_cupy):
    there = strict_cupy.asarray(np.arange(6.0).reshape(2, 3))
    assert isinstance(np.exp(there), strict_cupy.ndarray)
    assert isinstance(np.concatenate([there, there]), strict_cupy.ndarray)
    assert np.sum(there, axis=0).tolist() == [3.0, 5.0, 7.0]


def test_every_function_exists_in_the_real_cupy():
    import strict_cupy

    cupy = pytest.importorskip(
        "cupy",
        reason="compares with a real cupy: pip install cupy-cuda13x (needs no GPU)",
    )
    assert [name for name in strict_cupy.FUNCTIONS if not hasattr(cupy, name)] == []
    assert [name for name in strict_cupy.LINALG if not hasattr(cupy.linalg, name)] == []


def test_only_the_backend_imports_cupy():
    from pathlib import Path

    import engine

    folder = Path(engine.__file__).parent
    importing = [
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if "import cupy" in path.read_text("utf-8")
    ]
    assert importing == ["backend.py"]
