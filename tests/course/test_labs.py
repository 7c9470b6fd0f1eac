"""The labs' numbers are what an independent calculation gives, and their pictures say what they show."""

import base64
import html
import itertools
import re

import numpy as np
import pytest

from autograders.specs.chain_rule import backward
from course.labs.broadcasting import SHAPES, Broadcasting
from course.labs.gradient_flow import STEPS, GradientFlow
from course.labs.live import Live
from course.labs.pictures import mosaic, show_weights
from course.labs.value_graph import MOST_VALUES, value_graph


@pytest.fixture(scope="module")
def lab():
    generator = np.random.default_rng(0)
    return GradientFlow(generator.random((50, 64)).astype(np.float32), generator.integers(0, 10, 50))


def test_the_lab_s_gradients_are_the_formula_s(lab):
    """probabilities minus truth at the logits, the image times that at the weights."""
    lab.step, lab.image = 20, 7
    seen = lab.look()
    scores = np.exp(seen["logits"].astype(np.float64))
    probabilities = scores / scores.sum()
    error = probabilities - np.eye(10)[seen["label"]]
    np.testing.assert_allclose(seen["probabilities"], probabilities, rtol=1e-5)
    np.testing.assert_allclose(seen["logits gradient"], error, atol=1e-6)
    np.testing.assert_allclose(seen["weights gradient"], np.outer(seen["image"].ravel(), error), atol=1e-6)
    assert seen["loss"] == pytest.approx(-np.log(probabilities[seen["label"]]), rel=1e-5)


def test_the_lab_says_what_each_op_saved(lab):
    """`@` keeps the image (64 float32), `+` nothing, log softmax its ten results."""
    assert list(lab.look()["saved"].values()) == [256, 0, 40]


def test_training_goes_on_along_the_slider(lab):
    mean_losses = []
    for lab.step in (0, STEPS // 2, STEPS):
        losses = []
        for lab.image in range(50):
            losses.append(lab.look()["loss"])
        mean_losses.append(np.mean(losses))
    assert mean_losses[0] == pytest.approx(np.log(10), rel=1e-5) and mean_losses[0] > mean_losses[1] > mean_losses[2]


def test_the_picture_s_alternative_text_has_the_numbers(lab):
    lab.step, lab.image = 5, 2
    picture = lab.to_html()
    assert f"loss {lab.look()['loss']:.4f}" in re.search('alt="([^"]+)"', picture)[1]
    assert "://" not in picture, "nothing is loaded from elsewhere"


def test_sliders_move_the_picture(lab):
    widget = lab.widget()
    (step, image), picture = widget.children[0].children, widget.children[1]
    before = picture.value
    step.value = 12
    image.value = 4
    assert (lab.step, lab.image) == (12, 4)
    assert picture.value != before and lab.describe() in picture.value


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"images \(N, 64\)"):
        GradientFlow(np.zeros((3, 8, 8)), np.zeros(3, int))
    with pytest.raises(ValueError, match=r"shape \(64, 10\)"):
        show_weights(np.zeros((10, 64)))


def test_mosaic_puts_each_digit_in_its_place():
    weights = np.arange(640).reshape(64, 10)
    sheet = mosaic(weights)
    np.testing.assert_array_equal(sheet[9:17, 9:17], weights[:, 6].reshape(8, 8))
    assert np.isnan(sheet[8]).all()


def test_live_keeps_the_curves_and_says_where_it_is():
    with Live(steps=3, title="Training") as live:
        for step in range(3):
            live.update(step, loss=1 / (step + 1))
    assert live.measured["loss"] == ([0, 1, 2], [1, 0.5, 1 / 3])
    assert live.text().startswith("Training: step 3 of 3, loss 0.3333")
    assert "Curves of loss" in live._curves("")
    with pytest.raises(ValueError, match="at most 3 curves"):
        live.update(3, a=1, b=2, c=3)
    with pytest.raises(ValueError, match="at least 1"):
        Live(steps=0)


def test_live_leaves_the_time_to_the_training(monkeypatch):
    """On a slow machine, where a picture takes longer than the pause between two, not every step draws one."""
    import IPython

    from course.labs import live as module

    clock, pictures = [0.0], []

    class Handle:
        def update(self, bundle, raw):
            clock[0] += 2.0
            pictures.append(bundle)

    monkeypatch.setattr(module.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(IPython, "get_ipython", lambda: "a notebook")
    monkeypatch.setattr("IPython.display.display", lambda bundle, **options: Handle())
    monkeypatch.setattr(Live, "_curves", lambda self, text: "")
    with Live(steps=300) as live:
        for step in range(300):
            clock[0] += 0.1  # 30 s of training in all
            live.update(step, loss=1.0)
    assert 3 <= len(pictures) <= 6 and "step 300 of 300" in pictures[-1]["text/plain"]


@pytest.mark.parametrize("a, b", list(itertools.product(SHAPES, SHAPES)))
def test_each_number_of_a_broadcast_is_followed_to_its_place_in_memory(a, b):
    """For every pair of shapes and every element: numpy's result, at the place that numpy's own strides lead to."""
    lab = Broadcasting(a, b)
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        assert "do not fit" in lab.describe() and lab.last_element() == 0
        return
    assert lab.last_element() == np.prod(shape, dtype=int) - 1
    for lab.element, index in enumerate(np.ndindex(shape)):
        seen = lab.look()
        assert seen["index"] == index and seen["value"] == sum(each["value"] for each in seen["tensors"].values())
        for name, original in (("a", a), ("b", b)):
            of = seen["tensors"][name]
            memory = np.array(of["memory"])
            wide = np.broadcast_to(memory.reshape(original), shape)
            strides = tuple(stride // memory.itemsize for stride in wide.strides)
            assert of["wide"] == wide.tolist() and of["value"] == wide[index]
            assert all(mine == theirs for mine, theirs, size in zip(of["strides"], strides, shape) if size > 1)
            assert of["place"] == sum(place * stride for place, stride in zip(index, strides))


def test_the_broadcasting_lab_s_picture_has_its_sentence_and_its_numbers():
    lab = Broadcasting((3, 1), (4,))
    lab.element = 6
    picture = lab.to_html()
    assert "://" not in picture, "nothing is loaded from elsewhere"
    assert re.search('alt="([^"]+)"', picture)[1] == html.escape(lab.describe())
    assert "Result [1, 2] is 23: a has strides (1, 0), so 20 from place 1" in lab.describe()
    drawing = base64.b64decode(re.search("base64,([^\"]+)", picture)[1]).decode()
    assert "place 1 = 1·1 + 2·0, there: 20" in drawing and "place 2 = 1·0 + 2·1, there: 3" in drawing
    assert drawing.count('stroke-dasharray="2 2"') == 15, "17 of the 24 are repeated, two of those are marked"


def test_the_broadcasting_lab_follows_its_sliders():
    """A smaller result pulls the third slider back into its range."""
    lab = Broadcasting((3, 1), (4,))
    box = lab.widget()
    (a, b, element), picture = box.children[0].children, box.children[1]
    element.value = 11
    assert lab.element == 11 and html.escape(lab.describe()) in picture.value
    a.value = (3,)
    assert (lab.a, lab.element, element.max) == ((3,), 0, 0) and "do not fit" in picture.value
    a.value, b.value = (2, 3, 4), ()
    assert element.max == 23 and html.escape(lab.describe()) in picture.value


@pytest.mark.parametrize("shape", [(5,), (0,), (1, 2, 3, 4), "34", (2.0,), 3])
def test_the_broadcasting_lab_refuses_shapes_that_it_cannot_draw(shape):
    with pytest.raises(ValueError, match="broadcasting: b should be a shape of at most 3 axes"):
        Broadcasting((3, 1), shape)


def neuron(value):
    """A neuron's squared error, of values made by the class `value`, with its parts by name."""
    w, x, b, minus_target = value(-0.4), value(2.0), value(0.3), value(-0.5)
    error = (w * x + b).tanh() + minus_target
    return {"w": w, "x": x, "b": b, "error": error, "loss": error * error}


def shown(value):
    named = neuron(value)
    return value_graph(named["loss"], named)


def test_the_value_graph_has_the_numbers_of_the_formula():
    """2 · error · (1 − tanh²) · x at w, and in each box its number."""
    graph = shown(backward.Value)
    t = np.tanh(-0.5)
    slopes = {"w": 2 * (t - 0.5) * (1 - t * t) * 2.0, "x": 2 * (t - 0.5) * (1 - t * t) * -0.4, "loss": 1.0}
    nodes = {node.label: node for node in graph.nodes}
    for label, slope in slopes.items():
        assert nodes[label].grad.number == pytest.approx(slope, rel=1e-12)
    assert nodes["w"].name == "−0.4" and [node.name for node in graph.nodes if "error" in (node.name or "")]
    assert graph.notes == ("All 9 gradients agree with the engine's.",)


def test_the_value_graph_says_each_rule_in_numbers():
    graph = shown(backward.Value)
    (to_w,) = [edge for edge in graph.edges if graph.nodes[edge.source].label == "w"]
    assert to_w.text == "∂loss/∂w = g × x"
    assert to_w.numbers == "(−1.513) × 2 = −3.027"
    both = [edge for edge in graph.edges if graph.nodes[edge.source].name == "error = −0.9621"]
    assert [edge.accumulates for edge in both] == [True, True] and both[0].numbers == "1 × (−0.9621) = −0.9621"


def test_the_value_graph_goes_back_as_the_learner_s_walk_went():
    graph = shown(backward.Value)
    assert [graph.nodes[number].label for number in graph.backward] == ["loss", "×", "+", "tanh", "+", "×"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("assigns instead of adding", "Your gradient of error is −0.962117; the engine says −1.92423."),
        ("walks every way (1)", "Your walk came to error more than once; it should come to each value once."),
        ("forgets to begin", "Your gradient of loss is 0; the engine says 1."),
    ],
)
def test_the_value_graph_says_where_a_wrong_walk_first_parts_from_the_engine(name, sentence):
    (wrong,) = [each.answer for each in backward.EXERCISE.misconceptions if each.name == name]
    assert any(note.startswith(sentence) for note in shown(wrong).notes)


def test_the_value_graph_leaves_values_as_it_found_them_but_for_grad():
    """A cell that shows one can be run again, and an error on the way leaves no watched vjp behind."""
    named = neuron(backward.Value)
    vjp = named["loss"].vjp
    first, second = (value_graph(named["loss"], named).document() for _ in range(2))
    assert first == second and named["loss"].vjp is vjp

    def fails():
        raise NotImplementedError

    named["loss"].backward = fails
    with pytest.raises(NotImplementedError):
        value_graph(named["loss"], named)
    assert named["loss"].vjp is vjp


def test_the_value_graph_finds_the_caller_s_names_and_compares_what_it_can():
    a = backward.Value(2.0)
    b = a + a
    b.operation = "twice"
    graph = value_graph(b)
    assert graph.nodes[0].label == "a" and graph.nodes[-1].label == "b"
    assert graph.notes == ("Not compared with the engine, which does not know what 'twice' means.",)


def test_the_value_graph_refuses_what_it_cannot_show():
    with pytest.raises(TypeError, match=r"value_graph\(output\): got float without data, grad, inputs, vjp, operation"):
        value_graph(3.0)
    total = backward.Value(0.0)
    for _ in range(MOST_VALUES):
        total = total + total
    with pytest.raises(ValueError, match="more than 80 values"):
        value_graph(total)
