"""The lab of chapter 7: its numbers are the engine's, its fields what pixels depend on, and clicks find their pixel."""

import base64
import io
import re

import numpy as np
import pytest

import engine as torch
from course.labs.receptive_field import BOTTOM, HEIGHT, LEFTS, SIDE, TOP, WIDTH, ReceptiveField, _pixel
from engine import nn


def with_ints(layer):
    """The engine's layer with `kernel_size` and the like as single numbers, as the chapter's own have them."""
    for name in ("kernel_size", "stride", "padding"):
        value = getattr(layer, name)
        setattr(layer, name, value[0] if isinstance(value, tuple) else value)
    return layer


@pytest.fixture(params=[with_ints, lambda layer: layer], ids=["chapter's", "engine's"])
def lab(request):
    torch.manual_seed(1)
    own = request.param
    model = nn.Sequential(
        own(nn.Conv2d(1, 4, 3, padding=1)), nn.ReLU(), own(nn.MaxPool2d(2)),
        own(nn.Conv2d(4, 5, 3, padding=1, bias=False)), nn.Tanh(), own(nn.MaxPool2d(2)))
    return ReceptiveField(model, torch.rand(3, 1, 8, 8))


def test_layers_are_named_by_what_they_do(lab):
    assert lab.layers == {"convolution 1": 0, "pooling 1": 2, "convolution 2": 3, "pooling 2": 5}


@pytest.mark.parametrize("layer", ["convolution 1", "pooling 1", "convolution 2", "pooling 2"])
def test_the_numbers_are_the_engine_s(lab, layer):
    lab.layer, lab.channel, lab.row, lab.column, lab.image = layer, 2, 1, 1, 1
    seen = lab.look()
    x = lab.images[1:2].clone().requires_grad_()
    output = lab.model[: lab.layers[layer] + 1](x)
    output[0, 2, 1, 1].backward()
    assert seen["value"] == pytest.approx(output[0, 2, 1, 1].item(), abs=1e-6)
    np.testing.assert_allclose(seen["gradient"], x.grad.numpy()[0, 0], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(seen["channel"], output.detach().numpy()[0, 2])
    if seen["weights"] is None:
        assert seen["window"].max() == pytest.approx(seen["value"])
    else:
        assert seen["all"] + seen["bias"] == pytest.approx(seen["value"], abs=1e-5), "products and bias add up to it"
        np.testing.assert_array_equal(seen["products"], seen["window"] * seen["weights"])


def test_nothing_outside_of_the_receptive_field_changes_the_pixel(lab):
    """And it is no larger than it need be: each side of it is felt by some image."""
    for layer in lab.layers:
        lab.layer = layer
        for lab.row, lab.column in (0, 0), (1, 1):
            top, bottom, left, right = np.clip(lab.look()["field"], 0, 8)
            felt = np.zeros((8, 8), bool)
            for lab.image in range(3):
                for lab.channel in range(4):
                    felt |= lab.look()["gradient"] != 0
            inside = np.zeros((8, 8), bool)
            inside[top:bottom, left:right] = True
            assert not (felt & ~inside).any()
            rows, columns = np.flatnonzero(felt.any(axis=1)), np.flatnonzero(felt.any(axis=0))
            if layer.startswith("convolution"):
                assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (top, bottom, left, right)


def test_windows_may_be_oblong():
    """Rows and columns each have their own size, stride and padding."""
    lab = ReceptiveField(nn.Sequential(nn.Conv2d(1, 2, (3, 1), stride=(2, 1), padding=(1, 0))), torch.rand(1, 1, 8, 8))
    lab.row, lab.column = 2, 5
    seen = lab.look()
    assert seen["field"] == (3, 6, 5, 6) and seen["window"].shape == (3, 1)
    assert seen["all"] + seen["bias"] == pytest.approx(seen["value"], abs=1e-6)
    assert lab.describe() in lab.to_html()


@pytest.mark.parametrize("layer", [
    nn.Conv2d(1, 2, 3, dilation=2), nn.Conv2d(2, 2, 3, groups=2), nn.ConvTranspose2d(1, 2, 3),
    nn.Conv2d(1, 2, 3, padding="same")], ids=str)
def test_other_windows_are_refused(layer):
    with pytest.raises(ValueError, match="windows without dilation or groups, and padding in numbers, got Conv"):
        ReceptiveField(nn.Sequential(layer), torch.rand(1, 1, 8, 8))


def test_a_place_outside_is_brought_back(lab):
    lab.row, lab.column, lab.channel = 7, -3, 9
    lab.layer = "pooling 2"
    lab.look()
    assert (lab.row, lab.column, lab.channel) == (1, 0, 4)


@pytest.mark.parametrize("shape", [(4, 8, 8), (4, 4, 4), (5, 2, 2), (1, 2, 4)])
def test_a_click_finds_its_pixel(shape):
    """The middle of each drawn pixel, in shares of the picture's width and height."""
    _, rows, columns = shape
    longer, height = max(rows, columns), SIDE * WIDTH / HEIGHT
    for row in range(rows):
        for column in range(columns):
            x = LEFTS[1] + SIDE * ((column + 0.5 - columns / 2) / longer + 0.5)
            y = 1 - TOP - height * (0.5 - (row + 0.5 - rows / 2) / longer)
            assert _pixel(x, y, shape) == (row, column)
    assert _pixel(LEFTS[0] + SIDE / 2, 1 - TOP - height / 2, shape) is None, "the image on the left"
    assert _pixel(LEFTS[1] + SIDE / 2, 1 - BOTTOM - height / 2, shape) is None, "the weights below"


def test_the_picture_follows_and_says_what_it_shows(lab):
    from PIL import Image

    def pixels():
        picture = lab.to_html()
        assert "://" not in picture, "nothing is loaded from elsewhere"
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search("base64,([^\"]+)", picture)[1]))))

    before, again = pixels(), pixels()
    assert np.array_equal(before, again), "the same numbers give the same picture"
    for change in ({"column": 4}, {"layer": "pooling 1"}, {"channel": 1}, {"image": 2}, {"layer": "convolution 2"}):
        vars(lab).update(change)
        after = pixels()
        assert not np.array_equal(before, after), change
        before = after


def test_controls_move_the_picture(lab):
    widget = lab.widget()
    sliders, said, picture = widget.children
    layer, channel, number = sliders.children
    seen = [picture.picture]
    for control, value in (number, 1), (channel, 3), (layer, "convolution 2"):
        control.value = value
        seen.append(picture.picture)
        assert lab.describe() in said.value
    picture.moved = "d"
    assert lab.row == 4 - 1 and "row 3" in said.value, "the last row of 4 is as far down as it goes"
    picture.moved += "u"
    assert lab.row == 2 and "row 2" in said.value
    lab.column = 1
    picture.moved += "lrrdu"
    assert (lab.row, lab.column) == (2, 2), "each key counts, also where several come at once"
    picture.pointed = [LEFTS[1] + 0.01, 1 - TOP - SIDE * WIDTH / HEIGHT + 0.01, 1]
    assert (lab.row, lab.column) == (0, 0)
    picture.pointed = [0.99, 0.99, 2]
    assert (lab.row, lab.column) == (0, 0), "beside the channel nothing is chosen"
    assert len({*seen, picture.picture}) == 5 and channel.max == 4


def test_what_is_no_network_of_images_is_refused(lab):
    with pytest.raises(ValueError, match=r"expected images \(N, C, H, W\), got shape \(3, 8\)"):
        ReceptiveField(lab.model, torch.rand(3, 8))
    with pytest.raises(ValueError, match="no layer of the model has a kernel_size"):
        ReceptiveField(nn.Sequential(nn.ReLU()), torch.rand(3, 1, 8, 8))
