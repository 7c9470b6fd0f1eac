"""The labs' numbers are what an independent calculation gives, and their pictures say what they show."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from autograders.specs.chain_rule import backward
from course.labs import live as live_module
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
    assert "http" not in picture, "nothing is loaded from elsewhere"


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


def test_live_draws_seldom_where_drawing_is_slow(monkeypatch):
    """Training shares the machine with its pictures, and gets the larger part of it."""
    clock, pictures = SimpleNamespace(now=100.0), []
    monkeypatch.setattr(live_module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setattr("IPython.get_ipython", lambda: "a notebook's shell")

    def draw(bundle, **options):
        clock.now += 1.0
        pictures.append(clock.now)
        return SimpleNamespace(update=draw)

    monkeypatch.setattr("IPython.display.display", draw)
    with Live(steps=1000) as live:
        for step in range(1000):
            clock.now += 0.01
            live.update(step, loss=1.0)
    training, drawing = 10.0, len(pictures) * 1.0
    assert 2 <= drawing <= training / 2, "10 s of training with a picture a second long"


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
