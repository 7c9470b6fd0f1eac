"""The picture of a computation graph: what is captured, how it is laid out, what is drawn."""

import base64
import random
import sys
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import viz
from engine.viz import layers
from engine.viz.capture import capture
from engine.viz.computation import Edge, Graph, Node
from engine.viz.glyphs import shortened, text_width
from engine.viz.layers import build_layers, crossings
from engine.viz.layout import COLUMN, layout

SVG = "{http://www.w3.org/2000/svg}"


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


def drawn_texts(graph):
    return ["".join(text.itertext()) for text in ElementTree.fromstring(graph.svg()).iter(f"{SVG}text")]


# ---- capture


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
    assert [(edge.source, edge.target) for edge in graph.edges] == [(0, 1), (1, 3), (2, 3), (3, 4), (4, 5)]
    assert [node.constants for node in graph.nodes] == [0, 1, 0, 0, 1, 0]
    assert graph.nodes[0].shape == (64, 10) and graph.nodes[0].dtype == "torch.float32"


def test_diamond_has_two_edges_and_each_node_once():
    a = parameter()
    b = apply("+", (), a, a)
    c = apply("+", (), b, b)
    graph = viz.graph(c)
    assert kinds_and_labels(graph) == [("parameter", "a"), ("op", "+"), ("op", "+"), ("output", "c")]
    assert graph.edges == (Edge(0, 1, 0), Edge(0, 1, 1), Edge(1, 2, 0), Edge(1, 2, 1), Edge(2, 3))
    heights = [{y for _, y in line.points} for line in layout(graph).lines]
    assert all(len(at) == 1 for at in heights), "twin lines run side by side, straight"
    assert heights[0] != heights[1] and heights[2] != heights[3]


def test_intermediate_results_have_the_callers_names():
    W, b = parameter(64, 10), parameter(10)
    logits = apply("+", (32, 10), apply("@", (32, 10), None, W), b)
    graph = viz.graph(apply("sum", (), logits))
    assert [node.name for node in graph.nodes if node.kind == "op"] == [None, "logits", None]
    assert "logits · (32, 10)" in drawn_texts(graph)
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


def test_a_graph_100_000_deep_opens_with_the_nodes_nearest_to_the_output():
    x = hidden = parameter(3)
    for _ in range(100_000):
        hidden = apply("tanh", (3,), hidden)
    graph = viz.graph(hidden)
    assert len(graph.nodes) == 62
    more = graph.nodes[0]
    assert (more.kind, more.label, more.hidden) == ("more", "… 99,941 more nodes", 99_941)
    assert "99,941 more not shown" in graph.text()
    assert more.label in drawn_texts(graph)
    assert x.grad_fn is None


def test_a_leaf_shown_and_used_by_the_hidden_part_feeds_it():
    w = hidden = parameter(3)
    for _ in range(100):
        hidden = apply("×", (3,), hidden, w)
    graph = viz.graph(hidden)
    assert kinds_and_labels(graph)[:3] == [("parameter", "w"), ("more", "… 41 more nodes"), ("op", "×")]
    assert Edge(0, 1) in graph.edges


def test_an_operation_with_more_inputs_than_are_shown_has_one_edge_from_the_rest():
    stacked = apply("stack", (100,), *[parameter() for _ in range(100)])
    graph = viz.graph(stacked)
    assert sum(node.hidden for node in graph.nodes) == 41
    assert sum(graph.nodes[edge.source].kind == "more" for edge in graph.edges) == 1


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


# ---- layout


@st.composite
def graphs(draw):
    """Random graphs: nodes in forward order, inputs drawn from those before, everything reaches the output."""
    operations = draw(st.integers(1, 25))
    tensors = [parameter(*draw(st.lists(st.integers(1, 512), max_size=4))) for _ in range(draw(st.integers(1, 6)))]
    for _ in range(operations):
        inputs = draw(st.lists(st.sampled_from(tensors), min_size=1, max_size=4))
        tensors.append(apply(draw(st.sampled_from(["+", "@", "log_softmax"])), (32, 10), *inputs))
    namespace = {draw(st.text(max_size=40)) or "x": tensor for tensor in tensors}
    return viz.graph(tensors[-1], namespace)


def overlap(a, b):
    """Whether two rectangles (left, top, right, bottom) share more than an edge."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def rectangle(box):
    return box.x, box.y, box.x + box.width, box.y + box.height


@settings(deadline=None)
@given(graphs())
def test_boxes_lie_apart_and_inside_and_lines_go_forward_past_all_other_boxes(graph):
    arranged = layout(graph)
    boxes = [rectangle(box) for box in arranged.boxes]
    for index, box in enumerate(boxes):
        assert 0 < box[0] and 0 < box[1] and box[2] < arranged.width and box[3] < arranged.height
        assert not any(overlap(box, other) for other in boxes[:index])
    forward = 0 if arranged.rightwards else 1
    for line in arranged.lines:
        edge = graph.edges[line.edge]
        steps = [point[forward] for point in line.points]
        assert steps == sorted(steps) and steps[0] < steps[-1]
        assert steps[0] == boxes[edge.source][2 + forward] and steps[-1] == boxes[edge.target][forward]
        for (x, y), (next_x, next_y) in zip(line.points, line.points[1:]):
            piece = min(x, next_x), min(y, next_y), max(x, next_x), max(y, next_y)
            for node, box in enumerate(boxes):
                assert node in (edge.source, edge.target) or not overlap(piece, box)


@settings(deadline=None)
@given(graphs())
def test_the_svg_is_well_formed_whatever_the_names_and_the_same_each_time(graph):
    root = ElementTree.fromstring(graph.svg())
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    assert graph.svg() == graph.svg()
    assert not {"style", "script", "foreignObject"} & {element.tag.removeprefix(SVG) for element in root.iter()}


def test_small_graphs_run_rightwards_and_long_ones_downwards_within_a_notebooks_column():
    W, b = parameter(64, 10), parameter(10)
    assert layout(viz.graph(linear_classifier(W, b))).rightwards
    hidden = W
    for _ in range(20):
        hidden = apply("tanh", (64, 10), hidden)
    arranged = layout(viz.graph(hidden))
    assert not arranged.rightwards and arranged.width <= COLUMN


def test_the_main_way_is_straight_however_many_parameters_join_it():
    """The eye follows x -> @ -> + -> relu -> ...: those boxes stand in one line."""
    hidden = apply("exp", (8, 8), parameter(8, 8))
    for _ in range(3):
        hidden = apply("+", (8, 8), apply("@", (8, 8), hidden, parameter(8, 8)), parameter(8))
        beside = apply("log", (8, 8), parameter(8, 8))
        hidden = apply("relu", (8, 8), apply("×", (8, 8), beside, hidden))
    graph = viz.graph(hidden)
    middles = {
        box.x + box.width / 2
        for node, box in zip(graph.nodes, layout(graph).boxes)
        if node.kind != "parameter" and node.label != "log"
    }
    assert len(middles) == 1


def test_a_tree_is_drawn_without_crossings_inputs_in_their_order():
    """a - b reads from top to bottom."""
    leaves = [parameter(2) for _ in range(8)]
    results = leaves
    while len(results) > 1:
        results = [apply("−", (2,), *pair) for pair in zip(results[::2], results[1::2])]
    graph = viz.graph(results[0], namespace={"leaves": leaves})
    boxes = layout(graph).boxes
    parameters = [node for node in graph.nodes if node.kind == "parameter"]
    from_top = sorted(parameters, key=lambda node: boxes[node.id].y)
    assert [node.label for node in from_top] == [f"leaves[{index}]" for index in range(8)]


def attention_block(x):
    """The operations of a transformer's block, so many that lines must cross, but only once."""
    normed = normalized(x)
    q, k, v = [apply("+", (4, 8), apply("@", (4, 8), normed, parameter(8, 8)), parameter(8)) for _ in "qkv"]
    mixed = apply("@", (4, 8), apply("softmax", (4, 4), apply("@", (4, 4), q, apply("ᵀ", (8, 4), k))), v)
    x = apply("+", (4, 8), x, apply("@", (4, 8), mixed, parameter(8, 8)))
    return apply("+", (4, 8), x, apply("@", (4, 8), apply("relu", (4, 8), normalized(x)), parameter(8, 8)))


def normalized(x):
    mean = apply("mean", (4, 1), x)
    spread = apply("mean", (4, 1), apply("^", (4, 8), apply("−", (4, 8), x, mean)))
    return apply("÷", (4, 8), apply("−", (4, 8), x, mean), apply("√", (4, 1), spread))


@pytest.mark.parametrize("blocks", [1, 4])
def test_few_lines_cross_in_a_transformer(blocks):
    """dot, too, needs a crossing in each block's attention; benchmarks/graph_layout.py compares more graphs with it."""
    x = apply("exp", (4, 8), parameter(4, 8))
    for _ in range(blocks):
        x = attention_block(x)
    _, rows, _ = build_layers(capture(x, [], limit=1000), lambda node: (28, 80))
    count = crossings(rows)
    assert count <= blocks


def test_sweeps_find_better_orders():
    """On tangled graphs they leave well under the crossings of the first order."""
    before = after = 0
    for seed in range(5):
        chosen = random.Random(seed)
        tensors = [parameter() for _ in range(4)]
        for _ in range(30):
            tensors.append(apply("+", (), *chosen.choices(tensors[-8:], k=2)))
        graph = capture(tensors[-1], [], limit=1000)
        counts = []
        for sweeps in (0, layers.SWEEPS):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(layers, "SWEEPS", sweeps)
                counts.append(crossings(build_layers(graph, lambda node: (28, 80))[1]))
        before, after = before + counts[0], after + counts[1]
    assert after < 0.7 * before, (before, after)


def test_the_uses_of_a_parameter_hang_on_one_line():
    """A recurrent weight is drawn as one line with branches, not as a bundle of lines."""
    W = parameter(3, 3)
    hidden = parameter(3, 3)
    for _ in range(4):
        hidden = apply("tanh", (3, 3), apply("@", (3, 3), hidden, W))
    cells, rows, ways = build_layers(viz.graph(hidden), lambda node: (28, 80))
    assert all(sum(cell.parameter and cell.node is None for cell in row) <= 1 for row in rows)


def test_text_is_measured_by_its_letters_and_cut_in_its_middle():
    assert text_width("WWW", 10) > text_width("iii", 10)
    assert text_width("数据", 10) == 20
    assert text_width("e\u0301", 10) == text_width("e", 10)
    assert shortened("abcdefghij", 5) == "ab…ij"
    assert shortened("abcde", 5) == "abcde"


# ---- what is drawn and said


def test_a_name_full_of_markup_is_drawn_as_it_is():
    W, name = parameter(3), '<b>&"\x00'
    graph = viz.graph(apply("sum", (), W), {name: W})
    assert '<b>&"\ufffd' in drawn_texts(graph)
    assert '<img src="data' in graph._repr_mimebundle_()["text/html"]
    assert "<b>" not in graph._repr_mimebundle_()["text/html"]


def test_the_notebook_gets_an_image_with_the_text_as_its_alternative():
    W, b = parameter(64, 10), parameter(10)
    graph = viz.graph(linear_classifier(W, b))
    bundle = graph._repr_mimebundle_()
    html = ElementTree.fromstring(bundle["text/html"].replace('style="max-width:100%">', "/>"))
    data = html.get("src").removeprefix("data:image/svg+xml;base64,")
    assert base64.b64decode(data).decode() == bundle["image/svg+xml"] == graph.svg()
    assert html.get("alt").split() == graph.text().split()
    assert bundle["text/plain"] == graph.text() == repr(graph)


def test_a_tensors_own_display_is_its_text_above_the_picture(monkeypatch):
    """Names come from the notebook's variables; without a notebook there are none."""
    W = parameter(3)
    loss = apply("sum", (), W)
    bundle = viz.notebook_bundle(loss, title="tensor(<1>)")
    assert bundle["text/html"].startswith("<pre>tensor(&lt;1&gt;)</pre><img ")
    assert "text/plain" not in bundle
    assert "unnamed: parameter" in bundle["text/html"]

    shell = SimpleNamespace(user_ns={"W": W, "loss": loss})
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert "W: parameter" in viz.notebook_bundle(loss, title="")["text/html"]


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


def test_shapes_differ_by_kind_so_that_colour_is_not_needed():
    W = parameter(3)
    root = ElementTree.fromstring(viz.graph(apply("sum", (), W)).svg())
    frames = [[rect.get("rx") for rect in group.iter(f"{SVG}rect")] for group in root.iter(f"{SVG}g")]
    assert [radii for radii in frames if radii] == [["6"], ["20"], ["6", "3"]]


def test_save_writes_the_picture_whole_or_not_at_all(tmp_path, monkeypatch):
    W = parameter(3)
    graph = viz.graph(apply("sum", (), W))
    path = tmp_path / "loss.svg"
    graph.save(path)
    assert path.read_text(encoding="utf-8") == graph.svg()

    def full_disk(source, destination):
        raise OSError("No space left on device")

    path.write_text("the old picture")
    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match="No space"):
        graph.save(path)
    assert path.read_text() == "the old picture"
    assert [file.name for file in tmp_path.iterdir()] == ["loss.svg"], "nothing half-done is left"


def test_save_refuses_other_formats_and_missing_folders(tmp_path):
    W = parameter(3)
    graph = viz.graph(apply("sum", (), W))
    with pytest.raises(ValueError, match=r"loss\.png.*only \.svg"):
        graph.save(tmp_path / "loss.png")
    with pytest.raises(FileNotFoundError, match="missing"):
        graph.save(tmp_path / "missing" / "loss.svg")


def test_a_graph_can_be_written_by_hand():
    """Graph is plain data: what captures it is not what draws it."""
    graph = Graph((Node(0, "parameter", "a", shape=(2,)), Node(1, "output", "a", shape=(2,))), (Edge(0, 1),))
    assert drawn_texts(graph) == ["a", "(2,)", "a", "(2,)"]
