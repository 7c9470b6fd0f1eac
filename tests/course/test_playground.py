"""Chapter 4's lab and pictures: their numbers are the network's own, whoever wrote the network."""

import re

import numpy as np
import pytest

import engine as torch
from course.labs import classifiers
from course.labs.playground import CHOICES, REACH, STEPS, STRIDE, Playground, draw, playground
from engine import nn
from engine.nn import functional as F


def network(width, p):
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Dropout(p), nn.Linear(width, 2))


def train_step(model, loss_function, optimizer, x, y):
    model.train()
    optimizer.zero_grad()
    loss = loss_function(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


@pytest.fixture
def lab():
    return Playground(network, F.cross_entropy, train_step)


def test_the_numbers_are_those_of_the_network_that_is_shown(lab):
    """Losses, accuracies and surface, computed once more from the parameters of that step by formula."""
    lab.step = 40
    seen = lab.look()
    weight, bias, out_weight, out_bias = lab.history[40][0]

    def logits(x):
        return np.tanh(x @ weight.T + bias) @ out_weight.T + out_bias

    for name, which in (("", 0), (" held out", 1)):
        x, y = seen[f"x{name}"].astype(np.float64), seen[f"y{name}"]
        z = logits(x)
        loss = (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).mean()
        assert seen["losses"][40, which] == pytest.approx(loss, rel=1e-5)
        accuracy = seen["held-out accuracy" if name else "accuracy"]
        assert accuracy == pytest.approx(np.mean(z.argmax(axis=1) == y))
    corner = logits(np.array([-REACH, REACH]))  # the last row of the surface is its top
    assert seen["surface"][-1, 0] == pytest.approx(1 / (1 + np.exp(corner[0] - corner[1])), rel=1e-4)


def test_going_back_shows_what_was_and_going_on_goes_on(lab):
    lab.step = 20
    before = lab.look()["surface"]
    lab.step = 60
    lab.look()
    lab.step = 20
    np.testing.assert_array_equal(lab.look()["surface"], before)
    assert len(lab.history) == 61, "nothing was trained twice"


def test_training_lowers_the_loss_and_a_setting_begins_anew(lab):
    lab.step = 100
    losses = lab.look()["losses"][:, 0]
    assert losses[-1] < 0.5 * losses[0]
    lab.settings["width"] = 2
    lab.step = 0
    assert len(lab.look()["losses"]) == 1 and lab.shown[0].weight.shape == (2, 2)


def test_weight_decay_and_dropout_reach_the_learners_network(lab):
    lab.step, sizes = 50, []
    for weight_decay in (0.1, 0.0):
        lab.settings.update(weight_decay=weight_decay, dropout=0.5)
        lab.look()
        weight = lab.history[50][0][0]
        sizes.append(np.abs(weight).sum())
    assert sizes[0] < 0.8 * sizes[1]
    assert lab.model[2].p == 0.5


def test_the_notebooks_random_numbers_go_on_as_if_there_were_no_lab(lab):
    torch.manual_seed(5)
    expected = torch.rand(4).tolist()
    torch.manual_seed(5)
    lab.step = 10
    lab.look()
    assert torch.rand(4).tolist() == expected


def test_the_alternative_text_has_the_numbers(lab):
    lab.step = 30
    seen = lab.look()
    alt = re.search('alt="([^"]+)"', lab.to_html())[1]
    assert alt == lab.describe() and "100 moons, 8 hidden units a layer, step 30" in alt
    assert f"loss {seen['losses'][30, 0]:.3f}, held out {seen['losses'][30, 1]:.3f}" in alt
    assert "://" not in lab.to_html(), "nothing is loaded from elsewhere"


def test_the_controls_move_the_picture(lab):
    widget = lab.widget()
    first, second, (_, step), picture = (row.children if hasattr(row, "children") else row for row in widget.children)
    sliders = {slider.description: slider for slider in (*first, *second)}
    assert set(sliders) == {name.replace("_", " ") for name in CHOICES}
    step.value = 3 * STRIDE
    assert lab.step == 3 * STRIDE and lab.describe() in picture.value
    sliders["points"].value = "rings"
    assert lab.settings["points"] == "rings" and step.value == 0, "a new problem begins at step 0"
    assert "100 rings" in picture.value and lab.describe() in picture.value


def test_a_still_picture_of_a_trained_network_comes_first(capsys):
    lab = playground(network, F.cross_entropy, train_step)
    assert len(lab.history) == STEPS + 1 and lab.step == 0


@pytest.mark.parametrize(("name", "value"), [("width", 3), ("points", "squares"), ("dropout", None)])
def test_a_setting_that_is_none_is_named(lab, name, value):
    lab.settings[name] = value
    with pytest.raises(ValueError, match=f"{name} must be one of .* got {value!r}"):
        lab.look()


def test_a_network_or_a_step_that_does_not_fit_is_named(lab):
    lab.step = STEPS + 1
    with pytest.raises(ValueError, match=f"step must be 0 to {STEPS}, got {STEPS + 1}"):
        lab.look()
    narrow = Playground(lambda width, p: nn.Linear(2, 1), F.cross_entropy, train_step)
    with pytest.raises(ValueError, match=r"make logits \(100, 2\) of 100 points, made \(100, 1\)"):
        narrow.look()


@pytest.mark.parametrize("kind", CHOICES["points"])
def test_points_are_of_two_kinds_within_the_picture(kind):
    x, y = draw(kind, 100, 0.0, np.random.default_rng(0))
    assert np.abs(x.numpy()).max() < REACH and np.bincount(y.numpy()).tolist() == [50, 50]


# The pictures


@pytest.fixture
def shown(monkeypatch):
    """The texts of the pictures that were shown."""
    texts = []
    monkeypatch.setattr(classifiers, "show", lambda fig, alt: texts.append(alt))
    return texts


def test_boundaries_say_how_many_are_right(shown):
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
        model.bias.fill_(0.0)
    x = torch.tensor([[-1.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])
    classifiers.show_boundaries({"right of zero": model}, x, torch.tensor([0, 1, 1, 0]))
    assert "right of zero, 75% of the points right" in shown[0]
    seen = classifiers.surface(model, (-1, 1, -1, 1), resolution=3)
    np.testing.assert_allclose(seen, 1 / (1 + np.exp(-np.array([[-1.0, 0.0, 1.0]] * 3))), rtol=1e-6)
    with pytest.raises(ValueError, match=r"expected x \(N, 2\) and y \(N,\), got \(4, 2\) and \(3,\)"):
        classifiers.show_boundaries({}, x, torch.tensor([0, 1, 1]))


def test_a_confusion_matrix_names_the_commonest_mistake(shown):
    counts = np.diag([5, 6, 7])
    counts[2, 0] = 3
    classifiers.show_confusion(counts)
    assert shown == ["Confusion matrix: 18 of 21 stand on the diagonal, the commonest mistake, 3 times, is 2 called 0."]
    classifiers.show_confusion(np.eye(2))
    assert "there are no mistakes" in shown[1]
    classifiers.show_confusion(counts, ["arrow", "circle", "heart"])
    assert shown[2].endswith("the commonest mistake, 3 times, is heart called arrow.")
    with pytest.raises(ValueError, match="expected 3 names, got 2"):
        classifiers.show_confusion(counts, ["arrow", "circle"])
    with pytest.raises(ValueError, match=r"a square array, got shape \(2, 3\)"):
        classifiers.show_confusion(np.zeros((2, 3)))
