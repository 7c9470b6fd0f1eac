"""The labs' numbers are what an independent calculation gives, and their pictures say what they show."""

import re

import numpy as np
import pytest

from course.labs.gradient_flow import STEPS, GradientFlow
from course.labs.live import Live
from course.labs.pictures import mosaic, show_weights


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
