"""The lab of chapter 8: its numbers are the engine's, and each planted bug shows where it was planted."""

import base64
import copy
import io
import re

import numpy as np
import pytest

import engine as torch
from course import labs
from course.labs.microscope import BINS, Microscope, Watch
from course.labs.planted import planted
from engine import nn
from engine.nn import functional as F

LAYERS = 6


def network():
    """Six convolutions with ReLU, and a linear layer; first weights as in the chapter."""
    torch.manual_seed(0)
    layers = []
    for number in range(LAYERS):
        layer = nn.Conv2d(6 if number else 3, 6, 3, padding=1)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        layers.append(nn.Sequential(layer, nn.ReLU()))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 64, 4))


def batch():
    torch.manual_seed(1)
    return torch.randn(8, 3, 8, 8), torch.arange(8) % 4


@pytest.fixture
def lab():
    patients = planted(network(), seed=3)
    return Microscope({name: patients[name] for name in "AB"}, *batch(), steps=4)


def test_outputs_and_gradients_are_the_engine_s():
    """Outputs by calling the layers one by one, gradients by autograd.grad; afterwards no hook is left."""
    model, (x, y) = network(), batch()
    with Watch(model) as watch:
        F.cross_entropy(model(x), y).backward()
    outputs = [x]
    for layer in model:
        outputs.append(layer(outputs[-1]))
    watched = [*outputs[1 : LAYERS + 1], outputs[-1]]
    for output, seen in zip(watched, watch.outputs, strict=True):
        np.testing.assert_array_equal(output.detach().numpy(), seen)
    gradients = torch.autograd.grad(F.cross_entropy(outputs[-1], y), watched)
    for gradient, seen in zip(gradients, watch.gradients, strict=True):
        np.testing.assert_allclose(gradient.numpy(), seen, rtol=1e-5, atol=1e-9)
    first = watch.outputs[0]
    model(torch.zeros_like(x))
    assert watch.outputs[0] is first, "the hooks are gone"


def test_the_numbers_are_those_of_the_layer_at_that_step():
    """Step 2 is what a training by hand has after two steps; the model that was given is as it was."""
    model, (x, y) = network(), batch()
    before = copy.deepcopy(model.state_dict())
    lab = Microscope({"mine": model}, x, y, steps=3, lr=0.01)
    assert all((before[name] == value).all() for name, value in model.state_dict().items())
    optimizer, losses = torch.optim.AdamW(model.parameters(), lr=0.01), []
    for _ in range(3):
        output = model[:3](x)
        loss = F.cross_entropy(model[3:](output), y)
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, output, retain_graph=True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    lab.layer, lab.step = 2, 2
    seen, output, gradient = lab.look(), output.detach().numpy(), gradient.numpy()
    np.testing.assert_allclose(seen["losses"], losses, rtol=1e-5)
    assert seen["mean"][2] == pytest.approx(output.mean(), rel=1e-4)
    assert seen["spread"][2] == pytest.approx(output.std(), rel=1e-4)
    assert seen["zeros"][2] == pytest.approx((output == 0).mean(), abs=0.01) and seen["negative"][2] == 0
    assert seen["gradient"][2] == pytest.approx(np.sqrt((gradient**2).mean()), rel=1e-3)
    assert f"loss {losses[2]:.3f}; layer 2: outputs {output.mean():.3g} ± {output.std():.3g}" in lab.describe()


def test_histograms_count_every_number_once(lab):
    seen = lab.look()
    assert seen["outputs"].shape == seen["gradients"].shape == (LAYERS + 1, BINS)
    np.testing.assert_allclose(seen["outputs"].sum(axis=1) + seen["zeros"], 1, atol=1e-9)
    assert (seen["gradients"].sum(axis=1) <= 1 + 1e-9).all()


# ---- what was planted shows --------------------------------------------------------------------------------


def diagnosed(seen, healthy):
    """What the microscope shows, told as `planted` tells it: by rules on its numbers, with those of a healthy network.

    Dead ReLUs come first, as they also make what follows faint and let no gradient back.
    """
    layers = range(LAYERS)
    signs = {
        "layer {} has dead ReLUs": [seen["zeros"][layer] == 1 for layer in layers],
        "layer {} lacks its activation": [seen["negative"][layer] > 0 for layer in layers],
        "layer {} is faint": [seen["spread"][layer] < 0.15 * healthy["spread"][layer] for layer in layers],
        "layer {} gets its input detached": [
            layer > 0 and seen["gradient"][layer - 1] == 0 < seen["gradient"][layer] for layer in layers]}
    for told, shown in signs.items():
        if any(shown):
            return told.format(shown.index(True))
    return "healthy"


@pytest.mark.parametrize("seed", range(4))
def test_each_planted_bug_is_found_where_it_is(seed):
    """At the first step, from the numbers on the picture alone; all five kinds occur, in any order."""
    model = network()
    patients = planted(model, seed)
    lab = Microscope(patients | {"healthy": model}, *batch(), steps=1)
    lab.name = "healthy"
    healthy, found = lab.look(), set()
    for name, patient in patients.items():
        lab.name = name
        told = diagnosed(lab.look(), healthy)
        assert patient.diagnosis.startswith(told), name
        found.add(re.sub(r"layer \d+", "", told))
    assert len(found) == 5 and list(patients) == list("ABCDE")


def test_places_and_order_are_drawn_with_the_seed():
    told = [tuple(patient.diagnosis for patient in planted(network(), seed).values()) for seed in (0, 0, 1, 2)]
    assert told[0] == told[1] and len(set(told)) == 3
    places = {int(place) for seed in range(20) for patient in planted(network(), seed).values()
              for place in re.findall(r"layer (\d+)", patient.diagnosis)}
    assert places == set(range(1, LAYERS - 1)), "neither the first layer nor the last one"


def test_the_network_that_was_given_stays_healthy():
    model = network()
    before = copy.deepcopy(model.state_dict())
    planted(model, 0)
    assert all((before[name] == value).all() for name, value in model.state_dict().items())
    assert repr(model) == repr(network())


def test_answers_are_folded_away(monkeypatch):
    from IPython import display

    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    patients = planted(network(), 3)
    labs.reveal(patients)
    (answer,) = (each.data for each in shown)
    assert answer.startswith("<details><summary>")
    for name, patient in patients.items():
        assert f"{name}: {patient.diagnosis}" in answer


# ---- the picture -------------------------------------------------------------------------------------------


def test_layer_and_step_are_kept_inside(lab):
    lab.layer, lab.step = 99, -1
    lab.look()
    assert (lab.layer, lab.step) == (LAYERS, 0)


def test_the_picture_follows_and_says_what_it_shows(lab):
    from PIL import Image

    def pixels():
        picture = lab.to_html()
        assert "://" not in picture, "nothing is loaded from elsewhere"
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search("base64,([^\"]+)", picture)[1]))))

    before, again = pixels(), pixels()
    assert np.array_equal(before, again), "the same numbers give the same picture"
    for change in ({"layer": 2}, {"step": 3}, {"name": "B"}):
        vars(lab).update(change)
        after = pixels()
        assert not np.array_equal(before, after), change
        before = after


def test_controls_move_the_picture(lab):
    controls, said, picture = lab.widget().children
    name, layer, step = controls.children
    seen = [picture.value]
    for control, value in (layer, 3), (step, 2), (name, "B"):
        control.value = value
        seen.append(picture.value)
        assert lab.describe() in said.value
    assert (lab.name, lab.layer, lab.step) == ("B", 3, 2) and len(set(seen)) == 4


def test_what_cannot_be_looked_at_is_refused():
    x, y = batch()
    with pytest.raises(ValueError, match="expected at least one network, got none"):
        Microscope({}, x, y)
    with pytest.raises(TypeError, match="mine should be an nn.Sequential, got Linear"):
        Microscope({"mine": nn.Linear(3, 4)}, x, y)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        Microscope({"mine": network()}, x, y, steps=0)
    with pytest.raises(ValueError, match=r"should have as many layers, got \{'six': 7, 'one': 1\}"):
        Microscope({"six": network(), "one": nn.Sequential(nn.Flatten(), nn.Linear(192, 4))}, x, y, steps=1)
    with pytest.raises(ValueError, match=r"at least 4 layers Sequential\(convolution, ReLU\), got 3"):
        planted(network()[:3], 0)
