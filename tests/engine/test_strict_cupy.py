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
    assert there[strict_cupy.asarray([4])].tolist() == [1.0], "indices wrap around without a word"
    assert np.take_along_axis(there, strict_cupy.asarray([4]), axis=0).tolist() == [1.0], "here too"
    assert not hasattr(there.flags, "writeable")


def test_numpy_s_functions_are_handed_on(strict_cupy):
    there = strict_cupy.asarray(np.arange(6.0).reshape(2, 3))
    assert isinstance(np.exp(there), strict_cupy.ndarray)
    assert isinstance(np.concatenate([there, there]), strict_cupy.ndarray)
    assert np.sum(there, axis=0).tolist() == [3.0, 5.0, 7.0]


def test_every_function_exists_in_the_real_cupy():
    import strict_cupy

    cupy = pytest.importorskip("cupy", reason="compares with a real cupy: pip install cupy-cuda13x (needs no GPU)")
    assert [name for name in strict_cupy.FUNCTIONS if not hasattr(cupy, name)] == []
    assert [name for name in strict_cupy.LINALG if not hasattr(cupy.linalg, name)] == []


def test_only_the_backend_imports_cupy():
    from pathlib import Path

    import engine

    folder = Path(engine.__file__).parent
    importing = [
        str(path.relative_to(folder)) for path in folder.rglob("*.py") if "import cupy" in path.read_text("utf-8")
    ]
    assert importing == ["backend.py"]


def test_it_takes_the_arguments_that_cupy_takes(strict_cupy):
    """numpy's keywords that cupy has not, and elementwise loops that cupy has not or has for other types."""
    there = strict_cupy.asarray(np.arange(3))
    for mistake in (
        lambda: np.sum(there, where=there > 1),
        lambda: np.add(there, there, where=True),
        lambda: np.argmax(there, 0, None, keepdims=True, order="C"),
        lambda: np.negative(there > 0),
    ):
        with pytest.raises(TypeError):
            mistake()
    assert np.sum(there, axis=0, keepdims=True).tolist() == [3]


def test_what_we_know_of_cupy_is_what_it_says():
    """tests/cupy_signatures.txt against an installed cupy, function by function."""
    import make_cupy_signatures

    cupy = pytest.importorskip("cupy", reason="compares with a real cupy: pip install cupy-cuda13x (needs no GPU)")
    written = make_cupy_signatures.FILE.read_text("utf-8").splitlines()
    if written[0] != f"# cupy {cupy.__version__}":
        pytest.skip(f"the file says {written[0][2:]}, installed is {cupy.__version__}")
    assert written == list(make_cupy_signatures.lines())


def test_its_methods_are_cupy_s(strict_cupy):
    """Every method and attribute of the stand-in's array is one of cupy's, with cupy's parameters."""
    import inspect

    import cupy_signatures

    known = cupy_signatures.table()
    for name, value in vars(strict_cupy.ndarray).items():
        if name.startswith("_"):
            continue
        assert ("method", name) in known or ("attribute", name) in known, name
        if callable(value):
            ours = set(list(inspect.signature(value).parameters)[1:])
            assert ours <= set(known["method", name].parameters), name
