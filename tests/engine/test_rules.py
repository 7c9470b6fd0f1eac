"""The chain rule in words: that the formula shown for an edge is what the engine computes there."""

import re

import numpy as np
import pytest

import engine
from engine import viz
from engine.ops import TABLE
from engine.viz.rules import FORMULAS, rule, summed

DIFFERENTIABLE = [(op, position) for op in TABLE.values() for position, vjp in enumerate(op.vjps) if vjp is not None]
# What is computed in several steps; the picture says nothing there rather than something that is only nearly true.
WITHOUT_FORMULA = {
    "cofactors", "det_sign", "linalg_cholesky", "linalg_eigh", "linalg_qr", "linalg_svd", "rnn", "lstm", "gru",
    "scaled_dot_product_attention"}


@pytest.mark.parametrize("op, position", DIFFERENTIABLE, ids=lambda each: getattr(each, "name", each))
def test_every_derivative_has_a_formula_without_code_in_it(op, position):
    text = rule(op, position, {})
    if op.name in WITHOUT_FORMULA:
        assert text is None
    else:
        assert text and not re.search(r"_|lambda|None|\[", text), text


def test_every_formula_belongs_to_an_input_of_the_table():
    for name, of_inputs in FORMULAS.items():
        differentiable = {TABLE[name].inputs[position].lstrip("*") for op, position in DIFFERENTIABLE if op.name == name}
        assert set(of_inputs) == differentiable, name


def value_of(text, values):
    """What a formula of numbers comes to; None if it is not a formula of numbers alone, but speaks in words."""
    python = re.sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+)", lambda found: f"**({found[1].translate(DIGITS)})", text)
    python = re.sub(r"\|(\w+)\|", r"abs(\1)", python).replace("ᵀ", ".swapaxes(-1, -2)")
    python = re.sub(r"√(\w+|π)", r"sqrt(\1)", python).replace("√(", "sqrt(").replace("π", "pi")
    python = re.sub(r"Σ\(", "total(", re.sub(r"Σg", "total(g)", python))
    for ours, its in (("×", "*"), ("−", "-"), ("^", "**"), (" = ", " == ")):
        python = python.replace(ours, its)
    names = set(re.findall(r"[^\W\d]\w*", python)) - {"swapaxes"}
    if "," in python.replace("(-1, -2)", "") or not names <= set(values):
        return None
    return eval(python, {"__builtins__": {}}, values)


DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
FUNCTIONS = {name: getattr(np, name) for name in "abs sqrt exp log sign sin cos sinh cosh floor trunc pi isfinite".split()}
FUNCTIONS |= {"inv": np.linalg.inv, "conj": np.conj, "sigmoid": lambda x: 1 / (1 + np.exp(-x))}
FUNCTIONS |= {"total": lambda x: x.sum(-1, keepdims=True), "solve": np.linalg.solve}


@pytest.fixture
def evaluated():
    """The entries whose formulas were compared with their VJPs, for the count below."""
    return set()


def test_the_formulas_give_what_the_vjps_give(random, evaluated):
    """Every formula that can be evaluated, on the entry's example, beside the derivative that the engine computes."""
    for op, position in DIFFERENTIABLE:
        if op.example is None:  # moving between devices
            continue
        arrays, metadata = op.example(random)
        out = np.asarray(op(*arrays, **metadata))
        is_reduction = all(np.shape(each) != out.shape for each in arrays) and op.name not in ("matmul", "linalg_solve")
        if op.is_variadic or is_reduction:  # g stands for its stretched self in the formulas of reductions
            continue
        g = random(*out.shape)
        names = {word: str(value) for word, value in metadata.items()}
        known = {**FUNCTIONS, **dict(zip(op.inputs, arrays)), "out": out, "g": g}
        expected = value_of(rule(op, position, names), known) if op.name not in WITHOUT_FORMULA else None
        if expected is None:
            continue
        given = [engine.tensor(each).requires_grad_(slot == position) for slot, each in enumerate(arrays)]
        (found,) = engine.autograd.grad(op(*given, **metadata), given[position], engine.tensor(g))
        expected = np.broadcast_to(expected, out.shape) if np.ndim(expected) == 0 else np.asarray(expected)
        expected = engine.autograd.unbroadcast(expected.astype(float), found.shape)
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-10, err_msg=f"{op.name}, input {position}")
        evaluated.add(op.name)
    assert len(evaluated) > 40, sorted(evaluated)


def test_what_is_summed_over_is_what_broadcasting_stretched():
    add = TABLE["add"]
    assert summed(add, (10,), (32, 10)) == (0,)
    assert summed(add, (32, 1), (32, 10)) == (1,)
    assert summed(add, (), (2, 3)) == (0, 1)
    assert summed(add, (32, 10), (32, 10)) == summed(TABLE["matmul"], (64, 10), (32, 10)) == ()


def test_edges_of_a_picture_speak_in_the_callers_names():
    x, W, b = engine.randn(4, 3), engine.randn(3, 2, requires_grad=True), engine.zeros(2, requires_grad=True)
    loss = ((x @ W + b) ** 2).mean()
    graph = viz.graph(loss)
    back = {(graph.nodes[edge.source].label, graph.nodes[edge.target].label): edge.rule for edge in graph.edges}
    assert back["W", "@"] == "xᵀ @ g"
    assert back["@", "+"] == "g"
    assert back["b", "+"] == "g" and [edge.summed for edge in graph.edges if graph.nodes[edge.source].label == "b"] == [(0,)]
    assert back["+", "^"] == "g × 2 × a"
    assert back["^", "mean"] == "g / n, for each of the n elements"
    assert "back: ∂loss/∂W = xᵀ @ g\nshapes: (4, 3)ᵀ @ (4, 2) → (3, 2)" in graph.svg()


@pytest.mark.parametrize(
    "exponent, text", [(2, "g × 2 × x"), (3, "g × 3 × x²"), (0.5, "g × 0.5 × x^−0.5"), (-1, "g × −1 × x⁻²"), (1, "g × 1")])
def test_powers_of_a_number(exponent, text):
    assert rule(TABLE["pow_number"], 0, {"a": "x", "exponent": str(exponent)}) == text


def test_a_matrix_turned_by_permute_is_turned_back():
    W = engine.randn(3, 2, requires_grad=True)
    assert [edge.rule for edge in viz.graph(W.T.sum()).edges if edge.rule][0] == "gᵀ"


def test_a_function_of_the_callers_own_has_no_formula():
    class Double(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = engine.ones(3, requires_grad=True)
    graph = viz.graph(Double.apply(x).sum())
    assert [edge.rule for edge in graph.edges] == [None, "g, for each element", None]
