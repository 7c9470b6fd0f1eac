"""`engine.viz.graph`: which nodes and edges a graph has, how they are called, what is known of them, how it says so."""

import json
import sys
from types import SimpleNamespace

import pytest

import engine
from engine import viz
from engine.viz.computation import Edge, Graph, Node

# ---- the smallest tensors and nodes that answer to the public traversal


class Tensor:
    def __init__(self, shape, grad_fn=None, requires_grad=True):
        self.shape, self.grad_fn, self.requires_grad = shape, grad_fn, requires_grad
        self.dtype = "torch.float32"


class Operation:
    def __init__(self, label, shape, next_functions):
        self.label, self.shape, self.dtype = label, shape, "torch.float32"
        self.next_functions = next_functions

    def name(self):
        return "OperationBackward0"


class AccumulateGrad:
    next_functions = ()

    def __init__(self, variable):
        self.variable = variable

    def name(self):
        return "AccumulateGrad"


def parameter(*shape):
    return Tensor(shape)


def apply(label, shape, *inputs):
    """The result of an operation on tensors; None is an input that needs no gradient."""
    edges = tuple((None if x is None else x.grad_fn or AccumulateGrad(x), 0) for x in inputs)
    return Tensor(shape, Operation(label, shape, edges))


def linear_classifier(W, b):
    scores = apply("@", (32, 10), None, W)
    return apply("cross_entropy", (), apply("+", (32, 10), scores, b), None)


def kinds_and_labels(graph):
    return [(node.kind, node.label) for node in graph.nodes]


def ends(graph):
    return [(edge.source, edge.target) for edge in graph.edges]


# ---- nodes and edges


def test_linear_classifier_is_captured_in_forward_order_with_the_callers_names():
    W, b = parameter(64, 10), parameter(10)
    loss = linear_classifier(W, b)
    graph = viz.graph(loss)
    assert kinds_and_labels(graph) == [
        ("parameter", "W"),
        ("op", "@"),
        ("parameter", "b"),
        ("op", "+"),
        ("op", "cross_entropy"),
        ("output", "loss"),
    ]
    assert ends(graph) == [(0, 1), (1, 3), (2, 3), (3, 4), (4, 5)]
    assert [node.constants for node in graph.nodes] == [0, 1, 0, 0, 1, 0]
    assert graph.nodes[0].shape == (64, 10) and graph.nodes[0].dtype == "torch.float32"


def test_diamond_has_two_edges_and_each_node_once():
    a = parameter()
    b = apply("+", (), a, a)
    c = apply("+", (), b, b)
    graph = viz.graph(c)
    assert kinds_and_labels(graph) == [("parameter", "a"), ("op", "+"), ("op", "+"), ("output", "c")]
    assert ends(graph) == [(0, 1), (0, 1), (1, 2), (1, 2), (2, 3)]
    assert [edge.slot for edge in graph.edges] == [0, 1, 0, 1, 0]
    assert [edge.accumulates for edge in graph.edges] == [True, True, True, True, False]


def test_intermediate_results_have_the_callers_names():
    W, b = parameter(64, 10), parameter(10)
    logits = apply("+", (32, 10), apply("@", (32, 10), None, W), b)
    graph = viz.graph(apply("sum", (), logits))
    assert [node.name for node in graph.nodes if node.kind == "op"] == [None, "logits", None]
    assert graph.nodes[-1].label == "output", "what has no name is called output"


def called_inside(body, variables):
    """The graph that the last expression of a function's body gives, with `variables` as its globals."""
    exec(f"import engine.viz\ndef inside(x):\n    {body}\n    return engine.viz.graph(x)\n", variables)
    return variables["inside"](variables["output"])


def test_local_variables_win_over_global_ones():
    shared = parameter(2)
    graph = called_inside("local = shared", {"shared": shared, "output": apply("sum", (), shared)})
    assert kinds_and_labels(graph) == [("parameter", "local"), ("op", "sum"), ("output", "x")]


def test_names_with_a_leading_underscore_are_passed_over():
    shared = parameter(2)
    variables = {"_1": shared, "shared": shared, "output": apply("sum", (), shared)}
    graph = called_inside("_hidden = shared", variables)
    assert graph.nodes[0].label == "shared"


class Module:
    def __init__(self, weight):
        self.weight = weight

    def named_parameters(self):
        yield "0.weight", self.weight


def test_names_are_found_one_level_down_in_modules_lists_and_dicts():
    tensors = [parameter(2) for _ in range(4)]
    output = apply("stack", (8,), *tensors)
    namespace = {
        "model": Module(tensors[0]),
        "biases": [tensors[1]],
        "state": {"scale": tensors[2]},
        "everything": tensors,
        "plain": tensors[3],
    }
    labels = [node.label for node in viz.graph(output, namespace=namespace).nodes if node.kind == "parameter"]
    assert labels == ["model.0.weight", "biases[0]", "state['scale']", "plain"]


def test_params_and_namespace_replace_the_callers_variables():
    W, b = parameter(64, 10), parameter(10)
    loss = linear_classifier(W, b)
    graph = viz.graph(loss, {"weight": W}, namespace={"W": W, "bias": b, "out": loss})
    assert [node.label for node in graph.nodes if node.kind != "op"] == ["weight", "bias", "out"]
    unnamed = viz.graph(loss, {"weight": W})
    assert [node.label for node in unnamed.nodes if node.kind != "op"] == ["weight", "unnamed", "output"]


def test_of_a_graph_100_000_deep_the_10_000_operations_nearest_to_the_output_are_there():
    w = hidden = parameter(3)
    for _ in range(100_000):
        hidden = apply("×", (3,), hidden, w)
    graph = viz.graph(hidden)
    more = graph.nodes[1]
    assert (more.kind, more.label, more.hidden) == ("more", "… 90,000 more operations", 90_000)
    assert sum(node.kind == "op" for node in graph.nodes) == 10_000
    assert "90,000 more not shown" in graph.title()
    assert {(0, 1), (0, 2), (1, 2)} <= set(ends(graph)), "a leaf used by the hidden part, too, feeds it"


def seen(graph):
    """How many boxes the picture shows at first."""
    opened = set(graph.open)
    inner = [graph.groups[number].parent for number in range(len(graph.groups))] + [node.group for node in graph.nodes]
    return sum(group is None or group in opened for group in inner) - len(opened)


@pytest.mark.parametrize("operations", [30, 61, 300, 10_000])
def test_a_graph_opens_with_at_most_about_60_boxes(operations):
    hidden = parameter(3)
    for number in range(operations):
        hidden = apply(f"op {number * number % 7919}", (3,), hidden)  # nothing that recurs
    graph = viz.graph(hidden)
    assert seen(graph) <= 60 and (operations > 40) == (len(graph.groups) > 0)
    if operations > 61:
        last = [node for node in graph.nodes if node.kind == "op"][-40:]
        assert all(node.group is None for node in last), "what is nearest to the output is not put away"


def test_an_operation_with_many_inputs_has_them_in_a_box():
    graph = viz.graph(apply("stack", (100,), *[parameter() for _ in range(100)]))
    assert [group.label for group in graph.groups] == ["100 tensors"]
    assert seen(graph) == 3 and not graph.open


def test_what_is_asked_of_a_freed_graph_is_unknown_and_not_zero():
    W = engine.ones(2, requires_grad=True)
    loss = (W * W).sum()
    loss.backward()
    graph = viz.graph(loss)
    assert [node.grad for node in graph.nodes] == [None] * len(graph.nodes)
    assert graph.backward == () and "freed" in graph.notes[0]
    assert graph.nodes[0].stored.summary()["slice"]["rows"] == [[2.0, 2.0]], ".grad is there"


# ---- refusals


@pytest.mark.parametrize("given", [3, None, "loss", [parameter(2)]])
def test_what_is_no_tensor_is_refused_by_name(given):
    with pytest.raises(TypeError, match=rf"graph\(output\): expected a tensor, got {type(given).__name__}"):
        viz.graph(given)


def test_a_tensor_without_a_graph_is_refused_in_words():
    with pytest.raises(ValueError, match=r"shape \(2, 3\) with requires_grad=False.*requires_grad=True"):
        viz.graph(Tensor((2, 3), requires_grad=False))


@pytest.mark.parametrize(
    ("params", "message"),
    [([1], "got list"), ({"W": 3}, "got the entry 'W': int"), ({3: parameter(2)}, "got the entry 3: Tensor")],
)
def test_params_that_name_no_tensors_are_refused(params, message):
    with pytest.raises(TypeError, match=message):
        viz.graph(apply("sum", (), parameter(2)), params)


# ---- values and gradients


def rows(snapshot):
    return snapshot.summary()["slice"]["rows"]


def test_every_gradient_is_computed_without_touching_the_graph_or_any_grad():
    x = engine.tensor([[1.0, 2.0], [3.0, -1.0]])
    W, b = engine.tensor([[0.5], [-1.0]], requires_grad=True), engine.zeros(1, requires_grad=True)
    called = []
    W.register_hook(called.append)
    error = x @ W + b
    loss = (error**2).mean()
    graph = viz.graph(loss)
    by_label = {node.label: node for node in graph.nodes}
    slope = 2 * error.detach() / 2
    assert rows(by_label["W"].grad) == (x.T @ slope).tolist()
    assert rows(by_label["b"].grad) == [slope.sum(0).tolist()]
    assert rows(by_label["+"].grad) == slope.tolist() == rows(by_label["@"].grad)
    assert rows(by_label["loss"].grad) == [[1.0]]
    assert W.grad is None and by_label["W"].stored is None and not called
    assert [graph.nodes[number].label for number in graph.backward] == ["loss", "mean", "^", "+", "@"]
    sent = {(graph.nodes[edge.source].label, graph.nodes[edge.target].label): edge.grad for edge in graph.edges}
    assert rows(sent["b", "+"]) == rows(by_label["b"].grad), "after the sum over what was broadcast"
    loss.backward()
    assert W.grad.tolist() == (x.T @ slope).tolist(), "the graph is as it was"


def test_values_are_those_that_variables_and_the_graph_still_hold():
    x, W = engine.tensor([1.0, 2.0]), engine.tensor([3.0, 4.0], requires_grad=True)
    named = x * W
    graph = viz.graph((named.exp() + 1).sum())
    known = {node.label: node.value and rows(node.value) for node in graph.nodes}
    assert known["x"] == [[1, 2]] and known["W"] == [[3, 4]] and known["×"] == [[3, 8]]
    assert known["exp"][0] == pytest.approx(named.exp().tolist(), rel=1e-5), "saved for backward"
    assert known["+"] is None, "nobody holds it: unknown, not 0"


def test_a_saved_value_that_was_changed_in_place_is_marked_and_explained():
    W = engine.tensor([3.0, 4.0], requires_grad=True)
    hidden = W.exp()
    loss = (hidden * hidden).sum()
    hidden.add_(1)
    graph = viz.graph(loss)
    marked = [node.label for node in graph.nodes if "saved: in place" in node.badges]
    assert "×" in marked
    assert "modified by an inplace operation" in graph.notes[0]


def test_a_function_of_the_callers_own_that_raises_is_reported():
    class Broken(engine.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise ZeroDivisionError("oh")

    graph = viz.graph(Broken.apply(engine.ones(2, requires_grad=True)).sum())
    assert "BrokenBackward raised ZeroDivisionError: oh" in graph.notes[0]
    assert graph.nodes[0].grad is None


@pytest.mark.parametrize(
    "make, badge",
    [
        (lambda x: (x * float("nan")).sum(), ("×", "value: nan")),
        (lambda x: (x / 0).sum(), ("÷", "value: inf")),
        (lambda x: (x * 0).exp().sum(), ("x", "grad: zero")),
        (lambda x: (x - 5).relu().sum(), ("relu", "value: zero")),
        (lambda x: (x * 1e5).sum(), ("x", "grad: exploding")),
        (lambda x: (x * 1e-9).sum(), ("x", "grad: vanishing")),
    ],
)
def test_badges_say_what_is_wrong(make, badge):
    x = engine.tensor([1.0, 2.0], requires_grad=True)
    with viz.capture() as graph:
        make(x).backward()
    assert badge in {(node.label, each) for node in graph.nodes for each in node.badges}
    healthy = viz.graph((x * 3).tanh().sum())
    assert not any(node.badges for node in healthy.nodes)


# ---- as data and words


def test_the_document_is_json_and_says_everything_once():
    x, W = engine.randn(4, 3), engine.randn(3, 2, requires_grad=True)
    graph = viz.graph((x @ W).square().mean())
    document = json.loads(json.dumps(graph.document(), allow_nan=False))
    assert (document["format"], document["version"]) == ("chainrule-graph", 1)
    assert [node["id"] for node in document["nodes"]] == list(range(len(document["nodes"])))
    assert all(edge["source"] < edge["target"] for edge in document["edges"])
    assert document["title"] == "Computation graph of output: 1 parameter, 3 operations"


def test_tensor_gives_slices_that_the_document_leaves_out():
    W = engine.arange(2.0 * 3 * 4).reshape(2, 3, 4).requires_grad_()
    graph = viz.graph(W.exp().sum())
    assert graph.tensor(0)["slice"]["rows"][0] == [0.0, 1.0, 2.0, 3.0]
    assert graph.tensor(0, "value", (1,))["slice"] == {
        "of": "[1, :, :]", "rows": W[1].tolist()}
    with pytest.raises(IndexError, match="no place"):
        graph.tensor(0, "value", (2,))
    with pytest.raises(ValueError, match="'value' or 'grad'"):
        graph.tensor(0, "weight")
    with pytest.raises(IndexError, match="there are 4 nodes, got 9"):
        graph.tensor(9)


def test_the_text_tells_every_node_and_where_its_inputs_come_from():
    W, b = parameter(64, 10), parameter(10)
    loss = linear_classifier(W, b)
    assert viz.graph(loss).text().splitlines() == [
        "Computation graph of loss: 2 parameters, 3 operations",
        "1. W: parameter, (64, 10), torch.float32",
        "2. @ of 1 and 1 constant: (32, 10), torch.float32",
        "3. b: parameter, (10,), torch.float32",
        "4. + of 2 and 3: (32, 10), torch.float32",
        "5. cross_entropy of 4 and 1 constant: scalar, torch.float32",
        "6. loss of 5: output, scalar, torch.float32",
    ]


def test_a_tensors_own_display_is_its_text_above_a_still_picture(monkeypatch):
    """Names come from the notebook's variables; without a notebook there are none."""
    W = parameter(3)
    loss = apply("sum", (), W)
    bundle = viz.notebook_bundle(loss, title="tensor(<1>)")
    assert bundle["text/html"].startswith("<pre>tensor(&lt;1&gt;)</pre><img ") and "<script" not in bundle["text/html"]
    assert "text/plain" not in bundle
    assert "unnamed: parameter" in bundle["text/html"]

    shell = SimpleNamespace(user_ns={"W": W, "loss": loss})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert "W: parameter" in viz.notebook_bundle(loss, title="")["text/html"]


def test_a_tensors_own_display_computes_no_gradients_and_copies_nothing(monkeypatch):
    """It is made each time a cell ends with a loss, however large the model."""
    monkeypatch.setattr("engine.viz.snapshot.Snapshot.__init__", lambda *_: pytest.fail("something was copied"))
    W = engine.ones(2, requires_grad=True)
    W.register_hook(lambda _: pytest.fail("a hook was called"))
    loss = (W.exp() * 2).sum()
    assert "exp" in loss._repr_mimebundle_()["text/html"] and W.grad is None


def test_a_graph_can_be_written_by_hand():
    """Graph is plain data: what captures it is not what draws it."""
    graph = Graph((Node(0, "parameter", "a", shape=(2,)), Node(1, "output", "a", shape=(2,))), (Edge(0, 1),))
    assert graph.svg().count(">a</text>") == 2 and repr(graph).endswith("2. a of 1: output, (2,)")
