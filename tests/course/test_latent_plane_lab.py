"""The lab of chapter 11: its numbers are the decoder's, its paths go where they were painted, and pictures follow."""

import base64
import io
import re

import numpy as np
import pytest

import engine as torch
from course.labs.latent_plane import BOTTOM, FRAMES, HEIGHT, LEFT, SIDE, WIDTH, LatentPlane, _along, _place
from engine import nn


@pytest.fixture
def lab():
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    decoders = [nn.Sequential(nn.Linear(2, 64), nn.Sigmoid()) for _ in range(2)]
    codes = rng.standard_normal((30, 2)).astype(np.float32)
    planes = {"autoencoder": (decoders[0], torch.tensor(5 * codes)), "VAE": (decoders[1], codes)}
    return LatentPlane(planes, torch.tensor(np.arange(30) % 10), rng.random((50, 64), np.float32))


def test_the_numbers_are_the_decoder_s(lab):
    lab.choose("VAE")
    lab.path = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    seen = lab.look()
    assert seen["places"].shape == (FRAMES, 2)
    np.testing.assert_allclose(seen["places"][[0, 4, 8]], lab.path, atol=1e-6)
    drawn = lab.decoders["VAE"](torch.tensor(seen["places"])).detach().numpy()
    np.testing.assert_array_equal(seen["drawn"], drawn)
    np.testing.assert_allclose(seen["faded"][4], (drawn[0] + drawn[-1]) / 2, atol=1e-6)
    for name, images in ("far", drawn), ("faded_far", seen["faded"]):
        apart = np.sqrt(((images[:, None] - lab.images) ** 2).mean(axis=-1))
        np.testing.assert_allclose(seen[name], apart.min(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(seen["nearest"], lab.images[((drawn[-1] - lab.images) ** 2).sum(axis=1).argmin()])


def test_places_are_as_far_apart_as_each_other():
    """Along the path, not in its corners; a path of one point stays there."""
    places = _along(np.array([[0, 0], [3, 0], [3, 1]], np.float32), 9)
    np.testing.assert_allclose(places[:, 0] + places[:, 1], np.linspace(0, 4, 9), atol=1e-6)
    assert (_along(np.array([[2, 5]], np.float32), 9) == [2, 5]).all()


def test_a_path_begins_where_one_clicks_and_paints(lab):
    begun = lab.path[-1]
    lab.point(1.0, 2.0)
    assert lab.path == [begun, (1.0, 2.0)], "a click: straight from where the last path ended"
    lab.paint(1.5, 2.0)
    lab.paint(2.0, 2.5)
    assert lab.path == [(1.0, 2.0), (1.5, 2.0), (2.0, 2.5)], "painted: from the click on"
    lab.begin()
    lab.move(1, 0)
    assert len(lab.path) == 2 and lab.path[0] == (2.0, 2.5) and lab.path[1][1] < 2.5, "down is down"


def test_nobody_leaves_the_plane(lab):
    (x, y), reach = lab.bounds["autoencoder"]
    lab.point(1e6, -1e6)
    assert lab.path[-1] == pytest.approx((x + reach, y - reach))
    inside = np.abs(lab.codes["autoencoder"] - (x, y)) < reach
    assert inside.all(), "all digits are on it"


def test_a_click_finds_its_point():
    """Corners and middle of the drawn plane, in shares of the picture's width and height."""
    high = SIDE * WIDTH / HEIGHT
    for across, up in (0.001, 0.001), (0.5, 0.5), (0.25, 0.999):
        place = _place(LEFT + across * SIDE, 1 - BOTTOM - up * high, (1.0, -2.0), 3.0)
        assert place == pytest.approx((1 + (2 * across - 1) * 3, -2 + (2 * up - 1) * 3))
    assert _place(LEFT + 1.1 * SIDE, 1 - BOTTOM - high / 2, (0, 0), 1) is None, "right of it"
    assert _place(LEFT + SIDE / 2, 1 - BOTTOM / 2, (0, 0), 1) is None, "below it"


def test_the_picture_s_axes_are_where_clicks_look_for_them(lab):
    axes = lab._pictures["autoencoder"].here.axes
    left, bottom, width, height = axes.get_position().bounds
    assert (left, bottom, width, height) == pytest.approx((LEFT, BOTTOM, SIDE, SIDE * WIDTH / HEIGHT))
    (x, y), reach = lab.bounds["autoencoder"]
    assert (*axes.get_xlim(), *axes.get_ylim()) == pytest.approx((x - reach, x + reach, y - reach, y + reach))


def test_the_picture_follows_and_says_what_it_shows(lab):
    from PIL import Image

    def pixels():
        picture = lab.to_html()
        assert "http" not in picture, "nothing is loaded from elsewhere"
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search("base64,([^\"]+)", picture)[1]))))

    before, again = pixels(), pixels()
    assert np.array_equal(before, again), "the same numbers give the same picture"
    for change in (lambda: lab.point(1, 1), lambda: lab.paint(0, 3), lambda: lab.choose("VAE"), lab.begin):
        change()
        after = pixels()
        assert not np.array_equal(before, after)
        before = after


def test_controls_move_the_picture(lab):
    widget = lab.widget()
    controls, picture, said = widget.children
    plane, begin = controls.children
    seen = [picture.picture]

    def follows():
        assert picture.picture not in seen
        seen.append(picture.picture)
        assert lab.describe() in said.value

    plane.value = "VAE"
    follows()
    picture.pointed = [LEFT + SIDE / 2, 1 - BOTTOM - SIDE * WIDTH / HEIGHT / 2, 1]
    follows()
    assert lab.path[-1] == pytest.approx(lab.bounds["VAE"][0]), "the middle"
    picture.painted = [LEFT + SIDE / 4, 1 - BOTTOM - SIDE * WIDTH / HEIGHT / 2, 2]
    follows()
    assert picture.heard == 2, "so that the browser sends the next place"
    picture.moved = "r"
    follows()
    assert len(lab.path) == 3
    begin.click()
    follows()
    assert len(lab.path) == 1
    picture.pointed = [0.99, 0.99, 3]
    picture.painted = [0.99, 0.99, 4]
    assert picture.picture == seen[-1] and picture.heard == 4, "beside the plane nothing happens, and the browser goes on"


def test_what_is_no_plane_of_digits_is_refused(lab):
    decoder, codes, images = lab.decoders["VAE"], lab.codes["VAE"], lab.images
    with pytest.raises(ValueError, match=r"codes of 'VAE' should be \(30, 2\), a row for each label, got shape \(30, 3\)"):
        LatentPlane({"VAE": (decoder, np.zeros((30, 3)))}, lab.labels, images)
    with pytest.raises(ValueError, match=r"expected images \(K, 64\), got shape \(50, 8, 8\)"):
        LatentPlane({"VAE": (decoder, codes)}, lab.labels, images.reshape(50, 8, 8))
    with pytest.raises(ValueError, match="at least one plane"):
        LatentPlane({}, lab.labels, images)
