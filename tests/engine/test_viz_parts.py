"""The parts that a graph's picture is made of: copies of tensors, equations, groups, comparisons."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import engine as torch
import engine.nn.functional as F
from engine import nn, viz
from engine.viz.snapshot import BINS, KEPT_WHOLE, SIDE, Snapshot, summary

# ---- snapshots ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=20),
                  elements=st.floats(allow_nan=True, allow_infinity=True, width=32)))
def test_a_summary_is_numpys(array):
    """Statistics of the finite elements, counts of the others, a slice as numpy would take it."""
    found = summary(array)
    finite = array[np.isfinite(array)]
    assert found["size"] == array.size and found["shape"] == list(array.shape)
    assert found["nan"] == np.isnan(array).sum() and found["inf"] == np.isinf(array).sum()
    assert found["zero"] == (array == 0).sum()
    if finite.size:
        assert found["mean"] == pytest.approx(finite.mean(), rel=1e-5, abs=1e-5 * max(1, abs(finite).max()))
        assert found["min"] == pytest.approx(finite.min(), rel=1e-5)
        assert found["max"] == pytest.approx(finite.max(), rel=1e-5)
    else:
        assert found["min"] is found["mean"] is found["norm"] is None
    if found["histogram"]:
        assert sum(found["histogram"]["counts"]) == finite.size and len(found["histogram"]["counts"]) == BINS
    if array.size:
        expected = np.atleast_2d(array[(0,) * max(0, array.ndim - 2)])[:SIDE, :SIDE]
        rows = [[float(each) for each in row] for row in found["slice"]["rows"]]
        np.testing.assert_allclose(rows, expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8", "bool", "complex64", "bfloat16"])
def test_every_type_can_be_summed_up(dtype, device):
    tensor = torch.ones(3, 2, dtype=getattr(torch, dtype)).to(device)
    copy = Snapshot(tensor.array)
    assert copy.summary()["slice"]["rows"] == [[1, 1]] * 3 and copy.summary()["dtype"] == f"torch.{dtype}"
    assert copy.device == str(tensor.device)


def test_a_copy_does_not_change_with_the_array():
    array = np.ones(3)
    copy = Snapshot(array)
    array[:] = 5
    assert copy.summary()["max"] == 1


def test_of_a_large_tensor_the_summary_alone_is_kept():
    copy = Snapshot(np.zeros((KEPT_WHOLE // 2 + 1, 1, 2), np.float32))
    assert copy.array is None and copy.summary()["zero"] == copy.size
    with pytest.raises(ValueError, match="only the first slice was kept"):
        copy.summary((1,))


# ---- a step, on either device -------------------------------------------------------------------------


def test_a_step_on_either_device_is_captured(device):
    torch.manual_seed(0)
    model, x, y = Net(nn.Linear).to(device), torch.randn(5, 3).to(device), torch.tensor([0, 1, 1, 1, 0]).to(device)
    with viz.capture() as graph:
        F.cross_entropy(model(x), y).backward()
    assert {node.device for node in graph.nodes} == {str(x.device)}
    assert all(node.grad is not None for node in graph.nodes if node.kind != "input")
    weight = next(node for node in graph.nodes if node.label == "second.weight")
    assert weight.grad.array.tolist() == model.second.weight.grad.tolist()
    loss = F.cross_entropy(model(x), y)
    assert viz.graph(loss).nodes[-1].grad.number == 1 and "<svg" in graph.svg()


# ---- equations ----------------------------------------------------------------------------------------


def edges_of(graph):
    return {(graph.nodes[edge.source].label, graph.nodes[edge.target].label): edge for edge in graph.edges}


def test_an_equation_in_names_in_shapes_and_in_numbers():
    a, b = torch.tensor(3.0, requires_grad=True), torch.tensor(-0.5, requires_grad=True)
    loss = a * b
    edge = edges_of(viz.graph(loss))["b", "×"]
    assert (edge.text, edge.shapes, edge.numbers) == ("∂loss/∂b = g × a", "scalar × scalar → scalar", "1 × 3 = 3")
    edge = edges_of(viz.graph(loss))["a", "×"]
    assert (edge.text, edge.numbers) == ("∂loss/∂a = g × b", "1 × (−0.5) = −0.5")


def test_the_numbers_of_a_chain_are_right():
    """Every equation in numbers, evaluated, gives what it says."""
    x = torch.tensor(0.7, requires_grad=True)
    y = ((x * 2).sin() * x.exp()).tanh() ** 3 / x
    checked = 0
    for edge in viz.graph(y).edges:
        if edge.numbers is None:
            continue
        left, right = edge.numbers.split(" = ")
        python = left.replace("×", "*").replace("−", "-").replace("²", "**2").replace("^", "**").replace(" / ", "/")
        functions = {name: getattr(np, name) for name in ("exp", "sin", "cos", "tanh")}
        assert eval(python, {"__builtins__": {}}, functions) == pytest.approx(float(right.replace("−", "-")), rel=2e-3)
        checked += 1
    assert checked >= 7


def test_accumulation_is_written_as_such():
    a = torch.tensor(3.0, requires_grad=True)
    texts = [edge.text for edge in viz.graph(a * a).edges if edge.text]
    assert texts == ["∂output/∂a += g × a"] * 2


def test_a_sum_over_what_was_broadcast_and_a_cast_are_told():
    W, b = torch.ones(2, 3, dtype=torch.float64, requires_grad=True), torch.ones(3, requires_grad=True)
    edge = edges_of(viz.graph((W + b).sum()))["b", "+"]
    assert edge.summed == (0,) and edge.shapes == "(2, 3) → (3,)"
    assert edge.cast == ("torch.float64", "torch.float32")


# ---- comparisons --------------------------------------------------------------------------------------


class MyLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(outputs, inputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class Net(nn.Module):
    def __init__(self, linear, activation=torch.tanh):
        super().__init__()
        self.first, self.second, self.activation = linear(3, 4), linear(4, 2), activation

    def forward(self, x):
        return self.second(self.activation(self.first(x)))


class Doubled(torch.autograd.Function):
    """The identity with a wrong derivative."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return 2 * g


@pytest.fixture
def captured():
    """Capture a step of a model that starts from the reference's parameters."""
    torch.manual_seed(0)
    start, x, y = Net(nn.Linear).state_dict(), torch.randn(5, 3), torch.tensor([0, 1, 0, 1, 1])

    def step(model):
        model.load_state_dict(start)
        with viz.capture() as graph:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
        return graph

    return step


def firsts(graph):
    return {which: (node.label, node.module) for node in graph.nodes for which in node.match["first"]}


def test_a_right_answer_in_another_style_is_the_same(captured):
    both = viz.compare(captured(Net(MyLinear)), captured(Net(nn.Linear)))
    assert both.notes == ("Every value and gradient that both graphs have is the same. 4 nodes only here.",)
    status = {(node.label, node.match["status"]) for node in both.nodes}
    assert {("@", "extra"), ("permute", "extra"), ("+", "same"), ("weight", "same"), ("loss", "same")} <= status
    assert firsts(both) == {}


def test_the_first_wrong_value_is_marked(captured):
    both = viz.compare(captured(Net(MyLinear, lambda x: torch.tanh(x) * 1.01)), captured(Net(nn.Linear)))
    assert firsts(both) == {"value": ("+", "model.second"), "grad": ("+", "model.second")}
    assert "The first value unlike the reference's is that of + in model.second" in both.notes[0]


def test_the_first_wrong_gradient_is_marked_where_backward_meets_it(captured):
    both = viz.compare(captured(Net(nn.Linear, lambda x: torch.tanh(Doubled.apply(x)))), captured(Net(nn.Linear)))
    assert firsts(both) == {"grad": ("linear", "model.first")}
    node = next(node for node in both.nodes if node.match["first"])
    assert node.match["value_difference"] == 0 and node.match["grad_difference"] > 0
    np.testing.assert_allclose(node.grad.array, 2 * node.match["grad"].array, rtol=1e-5)


def test_what_only_the_reference_has_is_missing_and_its_edges_are_there(captured):
    both = viz.compare(captured(Net(nn.Linear, lambda x: x)), captured(Net(nn.Linear)))
    (missing,) = [node for node in both.nodes if node.kind == "missing"]
    assert missing.label == "tanh" and missing.value is None and missing.match["value"] is not None
    assert {both.nodes[edge.source].label for edge in both.edges if edge.target == missing.id} == {"linear"}
    assert all(edge.source < edge.target for edge in both.edges)
    assert [node.id for node in both.nodes] == list(range(len(both.nodes)))
    assert "1 node only in the reference" in both.notes[0] and "<svg" in both.svg()


def test_a_value_of_another_shape_differs(captured):
    reference = captured(Net(nn.Linear))
    both = viz.compare(captured(Net(nn.Linear, lambda x: torch.tanh(x)[:, :4].unsqueeze(1).squeeze(1))), reference)
    assert firsts(both) == {}
    W, x = torch.ones(3, requires_grad=True), torch.ones(3, 1, requires_grad=True)
    doubled, twice = W * 2, x * 2
    both = viz.compare(doubled.sum(), twice.sum())
    assert firsts(both)["value"][0] == "×" and "its shape is another" in both.notes[0]


def test_tolerances_say_what_counts_as_different(captured):
    mine, reference = captured(Net(nn.Linear, lambda x: torch.tanh(x) * 1.001)), captured(Net(nn.Linear))
    assert firsts(viz.compare(mine, reference))
    assert not firsts(viz.compare(mine, reference, rtol=0.1, atol=0.1))


@pytest.mark.parametrize(
    "mine, reference, argument", [(3, None, "mine"), (torch.ones(2, requires_grad=True) * 2, 3, "reference")])
def test_what_is_no_graph_is_refused_by_name(mine, reference, argument):
    with pytest.raises(TypeError, match=rf"compare\({argument}\): expected a Graph or a tensor, got"):
        viz.compare(mine, reference)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["tanh", "exp", "sin", "relu"]), max_size=12),
       st.lists(st.sampled_from(["tanh", "exp", "sin", "relu"]), max_size=12))
def test_any_two_chains_align(ours, theirs):
    """Every node of both is there once, edges go forward, and with equal chains nothing differs."""

    def chain(names):
        hidden = torch.tensor([0.1, 0.2], requires_grad=True)
        for name in names:
            hidden = getattr(hidden, name)()
        return viz.graph(hidden.sum(), {})

    mine, reference = chain(ours), chain(theirs)
    both = viz.compare(mine, reference)
    assert all(edge.source < edge.target for edge in both.edges)
    status = [node.match["status"] for node in both.nodes]
    assert len(status) - status.count("missing") == len(mine.nodes)
    assert len(status) - status.count("extra") == len(reference.nodes)
    assert ours != theirs or set(status) == {"same"}
