"""`engine.viz.capture`: what happens in a block is seen, copied, timed and put into modules; mistakes are drawn."""

import gc
import sys
import threading
import weakref
from types import SimpleNamespace

import pytest

import engine as torch
import engine.nn.functional as F
from engine import nn, viz
from engine.autograd import graph as autograd_graph
from engine.ops.table import Op


def rows(snapshot):
    return snapshot.summary()["slice"]["rows"]


def labelled(graph, label):
    """The only node with this label."""
    (node,) = [node for node in graph.nodes if node.label == label]
    return node


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return x + torch.tanh(self.linear(self.norm(x)))


class Net(nn.Module):
    def __init__(self, blocks, width=4):
        super().__init__()
        self.blocks = nn.Sequential(*[Block(width) for _ in range(blocks)])
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.blocks(x))


@pytest.fixture
def step():
    """A model's forward and backward pass, captured: (graph, model, x, y, loss)."""
    torch.manual_seed(0)
    model, x, y = Net(4), torch.randn(5, 4), torch.tensor([0, 1, 2, 1, 0])
    with viz.capture() as graph:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
    return SimpleNamespace(graph=graph, model=model, x=x, y=y, loss=loss)


# ---- values and gradients


def test_every_value_and_gradient_is_the_engines(step):
    assert all(node.value is not None for node in step.graph.nodes)
    output = step.graph.nodes[-1]
    assert (output.kind, output.label) == ("output", "loss") and output.value.number == step.loss.item()
    assert rows(labelled(step.graph, "x").value)[0] == pytest.approx(step.x[0].tolist(), rel=1e-5)
    head = [node for node in step.graph.nodes if node.label == "head.weight"][0]
    assert head.grad.array.tolist() == step.model.head.weight.grad.tolist() == head.stored.array.tolist()
    assert head.value.array.tolist() == step.model.head.weight.tolist()
    probabilities = torch.softmax(step.model(step.x), 1)
    logits = [node for node in step.graph.nodes if node.op == "linear"][-1]
    expected = (probabilities - F.one_hot(step.y, 3)) / 5
    assert torch.allclose(torch.tensor(logits.grad.array), expected.detach(), atol=1e-6)


def test_what_flows_along_an_edge_adds_up_to_the_gradient_of_its_source(step):
    arrived = {}
    for edge in step.graph.edges:
        if edge.grad is not None:
            arrived[edge.source] = arrived.get(edge.source, 0) + edge.grad.array
    assert len(arrived) > 20
    for number, total in arrived.items():
        assert torch.allclose(torch.tensor(total), torch.tensor(step.graph.nodes[number].grad.array), atol=1e-6)


def test_backward_is_in_the_order_in_which_gradients_flowed(step):
    kinds = [step.graph.nodes[number].kind for number in step.graph.backward]
    assert kinds[0] == "output" and set(kinds[1:]) == {"op"}
    place = {number: index for index, number in enumerate(step.graph.backward)}
    for edge in step.graph.edges:
        if edge.source in place and edge.target in place:
            assert place[edge.target] < place[edge.source]


def test_later_changes_in_place_do_not_alter_the_picture():
    W = torch.tensor([1.0, 2.0], requires_grad=True)
    x = torch.tensor([3.0, 4.0])
    optimizer = torch.optim.SGD([W], lr=1.0)
    with viz.capture() as graph:
        hidden = W * 2
        loss = (hidden * x).sum()
        loss.backward()
        optimizer.step()
    x.zero_()
    assert rows(labelled(graph, "W").value) == [[1, 2]] and W.tolist() == [-5, -6]
    assert rows(labelled(graph, "x").value) == [[3, 4]]
    assert rows(labelled(graph, "W").stored) == [[6, 8]]


def test_a_result_changed_in_place_is_marked_and_shown_as_it_was():
    W = torch.tensor([1.0, 2.0], requires_grad=True)
    with viz.capture() as graph:
        hidden = W * 2
        hidden.add_(10)
        hidden.sum().backward()
    times, plus = labelled(graph, "×"), labelled(graph, "+")
    assert times.badges == ("value: in place",) and rows(times.value) == [[2, 4]]
    assert not plus.badges and rows(plus.value) == [[12, 14]]


def test_no_gradient_yet_is_none_and_not_zero():
    W = torch.ones(2, requires_grad=True)
    with viz.capture() as graph:
        (W * 3).sum()
    assert all(node.grad is None for node in graph.nodes) and graph.backward == ()
    assert labelled(graph, "W").stored is None
    with viz.capture() as graph:
        (W * 0).sum().backward()
    assert rows(labelled(graph, "W").grad) == [[0, 0]] and labelled(graph, "W").badges == ("grad: zero",)


def test_grad_is_of_this_pass_and_stored_adds_up_over_passes():
    W = torch.ones(1, requires_grad=True)
    for _ in range(3):
        with viz.capture() as graph:
            (W * 2).sum().backward()
    node = labelled(graph, "W")
    assert rows(node.grad) == [[2]] and rows(node.stored) == [[6]]


def test_two_losses_of_one_block_are_two_outputs():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    with viz.capture() as graph:
        first, second = (a * 2).sum(), (b * 3).sum()
        first.backward()
        second.backward()
    assert [node.label for node in graph.nodes if node.kind == "output"] == ["first", "second"]
    texts = {edge.text for edge in graph.edges if edge.text}
    assert "∂L/∂a = g × 2" in texts, "of which of them is not said by name"


def test_the_last_of_two_passes_over_the_same_graph_is_shown():
    W = torch.ones(1, requires_grad=True)
    with viz.capture() as graph:
        loss = (W * 2).sum()
        loss.backward(retain_graph=True)
        loss.backward(torch.tensor(10.0))
    assert rows(labelled(graph, "W").grad) == [[20]]
    assert len(graph.backward) == len(set(graph.backward)) == 3


# ---- where things are


def test_modules_are_groups_and_alike_neighbours_a_repetition(step):
    groups = step.graph.groups
    assert [(group.kind, group.label, group.type) for group in groups[:3]] == [
        ("module", "model", "Net"), ("module", "blocks", "Sequential"), ("repeat", "Block × 4", "Block")]
    modules = {node.module for node in step.graph.nodes if node.op == "layer_norm"}  # of one operation: no group
    assert modules == {f"model.blocks.{n}.norm" for n in range(4)}
    labels = {node.label for node in step.graph.nodes if node.kind == "parameter"}
    assert labels == {"norm.weight", "norm.bias", "linear.weight", "linear.bias", "head.weight", "head.bias"}
    modules = {node.module for node in step.graph.nodes if node.op == "linear"}
    assert modules == {f"model.blocks.{n}.linear" for n in range(4)} | {"model.head"}


def test_the_operations_of_every_group_are_neighbours(step):
    """So that closing any groups makes no circle."""
    path = {group.id: group.parent for group in step.graph.groups}
    for group in step.graph.groups:
        inside = []
        for node in step.graph.nodes:
            if node.kind in ("parameter", "input"):
                continue
            around = node.group
            while around is not None and around != group.id:
                around = path[around]
            inside.append(around == group.id)
        assert "".join("x" if each else "." for each in inside).strip(".").count(".") == 0


def test_a_module_called_twice_is_two_groups_that_share_its_parameters():
    torch.manual_seed(0)
    block, x = Block(4), torch.randn(2, 4)
    with viz.capture() as graph:
        block(block(x)).sum().backward()
    outer = [group for group in graph.groups if group.parent is None]
    assert [group.path for group in outer] == ["block", "block"]
    shared = [node for node in graph.nodes if node.label == "block.linear.weight"]
    assert len(shared) == 1 and shared[0].group is None
    assert sum(edge.source == shared[0].id for edge in graph.edges) == 2


def test_steps_of_a_loop_are_a_repetition():
    torch.manual_seed(0)
    cell, x = nn.RNNCell(3, 4), torch.randn(12, 2, 3)
    h = torch.zeros(2, 4)
    with viz.capture() as graph:
        for step in range(12):
            h = cell(x[step], h)
        h.sum().backward()
    assert "RNNCell × 12" in [group.label for group in graph.groups], "the first too, to whose h no gradient goes"


def test_lines_lead_to_the_code_and_back():
    W = torch.ones(2, requires_grad=True)
    with viz.capture() as graph:
        hidden = W * 2  # this line
        loss = hidden.sum()
        loss.backward()
    source, number = labelled(graph, "×").line
    piece = graph.sources[source]
    assert piece.file == "test_capture.py"
    assert piece.lines[number - piece.first].endswith("# this line")


def test_a_module_s_operations_are_on_the_line_of_the_caller_s_code(step):
    first = next(node for node in step.graph.nodes if node.op == "linear")
    piece = step.graph.sources[first.line[0]]
    assert "torch.tanh(self.linear(self.norm(x)))" in piece.lines[first.line[1] - piece.first]


def test_costs_are_measured():
    W = torch.randn(300, 300, requires_grad=True)
    with viz.capture() as graph:
        (W @ W).exp().sum().backward()
    product, exp = labelled(graph, "@"), labelled(graph, "exp")
    assert product.seconds > 0 and exp.seconds > 0 and exp.backward_seconds > 0
    assert product.bytes == exp.bytes == 300 * 300 * 4
    assert product.saved_bytes == 300 * 300 * 4, "W, once"
    assert exp.saved_bytes == 300 * 300 * 4
    assert labelled(graph, "Σ").backward_seconds is None, "nothing went before it"


# ---- mistakes


def failing(block):
    with pytest.raises(Exception) as caught, viz.capture() as graph:
        block()
    return graph, caught.value


def test_a_shape_error_is_drawn_where_it_happened():
    W, x = torch.ones(3, 4, requires_grad=True), torch.ones(5, 3)

    def block():
        hidden = (x @ W).tanh()
        return hidden @ torch.ones(3, 2)  # wrong

    graph, error = failing(block)
    failed = graph.nodes[-1]
    assert (failed.kind, failed.label, failed.op) == ("failed", "@", "matmul")
    assert failed.error["kind"] == "RuntimeError" and failed.error["message"] == str(error)
    assert failed.error["shapes"] == [["tanh", [5, 4]], ["data", [3, 2]]]
    piece = graph.sources[failed.line[0]]
    assert piece.lines[failed.line[1] - piece.first].endswith("# wrong")
    sources = [graph.nodes[edge.source].label for edge in graph.edges if edge.target == failed.id]
    assert sources == ["tanh", "data"] and "@" in {node.label for node in graph.nodes if node.kind == "op"}
    assert "Computation graph of @" in graph.title() and "RuntimeError" in graph.text()


def test_a_broadcast_error_names_both_shapes():
    a, b = torch.ones(4, 3, requires_grad=True), torch.ones(2, requires_grad=True)
    graph, _ = failing(lambda: a + b)
    assert graph.nodes[-1].error["shapes"] == [["a", [4, 3]], ["b", [2]]] or graph.nodes[-1].error["shapes"] == [
        ["unnamed", [4, 3]], ["unnamed", [2]]]
    assert graph.nodes[-1].label == "+"


def test_a_function_that_refuses_its_arguments_is_the_one_that_failed():
    logits = torch.ones(4, 3, requires_grad=True)
    graph, _ = failing(lambda: F.cross_entropy(logits * 1, torch.tensor([0, 1])))
    failed = graph.nodes[-1]
    assert failed.kind == "failed" and len(failed.error["shapes"]) == 2
    assert "×" in {node.label for node in graph.nodes}


def test_an_error_of_the_callers_own_is_no_failed_operation():
    W = torch.ones(2, requires_grad=True)

    def block():
        (W * 2).sum()
        raise KeyError("mine")

    graph, _ = failing(block)
    assert [node.kind for node in graph.nodes] == ["parameter", "op", "op", "output"]


def test_in_a_notebook_the_graph_of_a_mistake_is_displayed(monkeypatch):
    shown = []
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.append))
    graph, _ = failing(lambda: torch.ones(2, requires_grad=True) + torch.ones(3))
    assert shown == [graph]


# ---- while it is on, and after


def test_nothing_is_left_on_afterwards_even_after_an_error():
    run = Op.run
    failing(lambda: torch.ones(2, requires_grad=True) + torch.ones(3))
    with viz.capture():
        torch.ones(2, requires_grad=True).sum().backward()
        assert Op.run is not run and len(autograd_graph.watchers) == len(autograd_graph.observers) == 1
    assert Op.run is run and autograd_graph.watchers == autograd_graph.observers == []


def test_other_threads_are_not_seen():
    W = torch.ones(2, requires_grad=True)
    with viz.capture() as graph:
        other = threading.Thread(target=lambda: (W * 5).sum().backward())
        other.start()
        other.join()
        (W * 2).sum().backward()
    assert [node.op for node in graph.nodes if node.kind == "op"] == ["mul", "sum"]


def test_captures_nest():
    W = torch.ones(2, requires_grad=True)
    with viz.capture() as outer:
        hidden = W * 2
        with viz.capture() as inner:
            loss = hidden.exp().sum()
        loss.backward()
    assert labelled(outer, "exp").grad is not None and labelled(outer, "×").seconds is not None
    assert labelled(inner, "×").value is None, "recorded before: only that it is there is known"
    assert labelled(inner, "exp").value is not None and labelled(inner, "exp").seconds is not None


def test_gradients_are_the_same_as_without_it(step):
    captured = [each.grad.clone() for each in step.model.parameters()]
    step.model.zero_grad()
    F.cross_entropy(step.model(step.x), step.y).backward()
    for seen, plain in zip(captured, step.model.parameters()):
        assert torch.equal(seen, plain.grad)


def test_the_graph_keeps_no_tensor_alive():
    def step():
        W = torch.ones(2, requires_grad=True)
        with viz.capture() as graph:
            hidden = W * 2
            hidden.sum().backward()
        return graph, weakref.ref(hidden), weakref.ref(hidden.grad_fn)

    graph, tensor, node = step()
    gc.collect()
    assert tensor() is None and node() is None and graph.nodes


def test_an_empty_block_is_an_empty_graph_that_can_be_shown():
    with viz.capture() as graph:
        with torch.no_grad():
            torch.ones(2, requires_grad=True) * 2
    assert graph.nodes == () and "<svg" in graph.svg() and graph.text()


def test_a_function_with_several_outputs():
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, first, second):
            return 2 * first + 3 * second

    x = torch.ones(2, requires_grad=True)
    with viz.capture() as graph:
        first, second = Both.apply(x)
        (first * second).sum().backward()
    named = {node.name: node for node in graph.nodes if node.label == "Both"}
    assert rows(named["first"].value) == [[2, 2]] and rows(named["second"].value) == [[3, 3]]
    assert rows(named["first"].grad) == [[3, 3]] and rows(named["second"].grad) == [[2, 2]]
    assert rows(labelled(graph, "x").grad) == [[12, 12]]
