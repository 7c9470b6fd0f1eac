"""What the parity tests of reductions and of shapes share: one line under torch and under the engine, compared."""

import warnings

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")


def tensors(library):
    """The tensors that a line may name: (those without gradients, float64 leaves)."""
    generator = np.random.default_rng(5)
    normal = generator.standard_normal
    leaves = {
        "a": normal((2, 3)),
        "b": normal(3),
        "s": np.array(0.7),
        "e": np.zeros((0, 3)),
        "x": normal((2, 3, 4)),
        "tied": np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]),
        "zeros": np.array([[1.5, 0.0, -2.0], [0.0, 0.0, 3.0], [2.0, 1.0, 0.5]]),
        "nans": np.array([[1.0, np.nan, 2.0], [np.inf, -1.0, -np.inf]]),
    }
    leaves = {name: library.tensor(array, requires_grad=True) for name, array in leaves.items()}
    others = {
        "torch": library,
        "i": library.arange(6).reshape(2, 3),
        "many": library.tensor([[2, 0, 2], [1, 0, 2]]),
        "flags": library.tensor([[True, False, True], [False, False, False]]),
        "half": library.tensor(normal((4, 5))).half(),
        "c": library.tensor(normal((2, 3)) + 1j * normal((2, 3))),
        "bytes": library.tensor([[0, 1, 2], [3, 4, 5]], dtype=library.uint8),
        "rows": library.tensor([[0, 1], [1, 0]]),
        "picks": library.tensor([0, 2, 2]),
        "inf": float("inf"),
        "np": np,
    }
    return others, leaves


def run(line, library):
    """(results, gradients): each tensor as a dict of what can be compared, anything else as it is."""
    others, leaves = tensors(library)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = eval(line, others | leaves)
        results = list(result) if isinstance(result, tuple) and not isinstance(result, library.Size) else [result]
        needing = [each for each in results if isinstance(each, library.Tensor) and each.requires_grad]
        if needing:
            generator = np.random.default_rng(6)
            weights = [library.tensor(generator.standard_normal(tuple(each.shape))) for each in needing]
            sum((each.double() * weight).sum() for each, weight in zip(needing, weights)).backward()
    gradients = {name: leaf.grad.numpy() for name, leaf in leaves.items() if leaf.grad is not None}
    return [described(each, library) for each in results], gradients


def described(value, library):
    if not isinstance(value, library.Tensor):
        return str(value) if isinstance(value, (library.dtype, library.Size)) else value
    facts = {"type": str(value.dtype), "shape": tuple(value.shape), "needs": value.requires_grad}
    return {"facts": facts, "strides": strides(value), "values": value.detach().numpy()}


def strides(tensor):
    """The strides of dimensions with more than one element; None where there is nothing to stride over."""
    return tensor.numel() and [step for step, size in zip(tensor.stride(), tensor.shape) if size > 1]


def check_line(line, with_strides=False):
    """The line gives the same under torch and under the engine: values, types, shapes, gradients."""
    ours, our_gradients = run(line, engine)
    theirs, their_gradients = run(line, torch)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs):
        if not isinstance(other, dict):
            assert one == other
            continue
        assert one["facts"] == other["facts"]
        if with_strides:
            assert one["strides"] == other["strides"]
        tolerance = {"torch.float16": 2e-3, "torch.float32": 1e-6}.get(other["facts"]["type"], 1e-12)
        np.testing.assert_allclose(one["values"], other["values"], rtol=tolerance, atol=tolerance)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in their_gradients.items():
        np.testing.assert_allclose(our_gradients[name], gradient, rtol=1e-6, atol=1e-9, err_msg=f"gradient of {name}")


def check_mistake(line, run=run):
    """run(line, library) raises the same kind of error under torch and under the engine, of which the text is returned.

    The same kind: the same class by name (torch's own LinAlgError begins with "_"), or one a subclass of the other.
    """
    with pytest.raises(Exception) as theirs:
        run(line, torch)
    with pytest.raises(Exception) as ours:
        run(line, engine)
    found, wanted = type(ours.value), type(theirs.value)
    is_same = found.__name__ == wanted.__name__.strip("_") or issubclass(found, wanted) or issubclass(wanted, found)
    assert is_same, (ours.value, theirs.value)
    return str(ours.value)
