"""The momentum lab: its ways are the formula's, made by the class that it is given, and its picture says what it shows."""

import base64
import io
import re

import numpy as np
import pytest

import engine as torch
from course.labs.momentum import NOISE, RATES, STEPS, MomentumLab
from course.labs.surfaces import SURFACES, show_walks, walk


def engine_s(params, lr, momentum):
    return torch.optim.SGD(params, lr, momentum)


@pytest.fixture
def lab():
    return MomentumLab(engine_s)


def by_hand(start, rate, friction, noise):
    """The ball in the ravine, from its formula: the gradient of (x² + 100 y²) / 2 is (x, 100 y)."""
    point, velocity, points = np.array(start), np.zeros(2), []
    for step in range(STEPS + 1):
        points.append(point)
        if step < STEPS:
            velocity = friction * velocity + np.array([1, 100]) * point + noise[step]
            point = point - rate * velocity
    return np.array(points)


def test_the_ways_are_the_formula_s(lab):
    lab.rate, lab.momentum, lab.noise = RATES[10], 0.75, 0.5
    ways = lab.look()
    for name, friction in ("without", 0.0), ("with", 0.75):
        expected = by_hand(SURFACES["ravine"].start, lab.rate, friction, 0.5 * NOISE)
        np.testing.assert_allclose(ways[name]["points"], expected, rtol=1e-9, atol=1e-12)
        height = 0.5 * (expected**2 @ [1, 100])
        np.testing.assert_allclose(ways[name]["losses"], height, rtol=1e-9)


def test_the_learner_s_own_class_makes_the_ways():
    """One that climbs is seen to climb."""
    def climbs(params, lr, momentum):
        return torch.optim.SGD(params, lr, momentum, maximize=True)

    assert "with momentum it runs away" in MomentumLab(climbs).describe()


def test_the_questions_of_the_chapter_have_the_answers_that_the_lab_shows(lab):
    """0.8 is the best for the ravine, and it takes 0.88 to roll over the hill."""
    arrivals = {}
    for lab.momentum in (0.5, 0.8, 0.95):
        arrivals[lab.momentum] = lab.look()["with"]["arrived"] or STEPS + 1
    assert arrivals[0.8] < arrivals[0.5] and arrivals[0.8] < arrivals[0.95]
    lab.surface = "two valleys"
    ends = {}
    for lab.momentum in (0.8, 0.88):
        ends[lab.momentum] = lab.look()["with"]["points"][-1, 0]
    assert ends[0.8] > 0.5 and ends[0.88] < -0.5


def test_the_lowest_height_is_that_of_the_valley_s_floor():
    """0 for the ravine and the bend; between grid points for the two valleys: a root of 4 x³ − 4 x + 0.3."""
    root = min(np.roots([4, 0, -4, 0.3]).real)
    floor = (root**2 - 1) ** 2 + 0.3 * root
    lowest = {name: surface.lowest for name, surface in SURFACES.items()}
    assert lowest == pytest.approx({"ravine": 0, "two valleys": floor, "bend": 0}, abs=1e-7), "the picture shows 1e-6"


def test_a_way_that_leaves_the_numbers_stays_where_it_was():
    points, losses = walk(lambda params: torch.optim.SGD(params, 3.0), 500, SURFACES["two valleys"])
    assert points.shape == (501, 2) and not np.isfinite(losses[-1])
    assert "it runs away" in MomentumLab(lambda params, lr, momentum: torch.optim.SGD(params, 3.0)).describe()


def test_the_picture_s_alternative_text_has_the_numbers_and_the_picture_the_ways(lab):
    from PIL import Image

    def pixels():
        picture = lab.to_html()
        assert "://" not in picture, "nothing is loaded from elsewhere"
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search("base64,([^\"]+)", picture)[1]))))

    assert f"arrives at step {lab.look()['with']['arrived']}" in lab.describe()
    before, again = pixels(), pixels()
    lab.momentum = 0.5
    assert np.array_equal(before, again), "the same numbers give the same picture"
    assert not np.array_equal(before, pixels())


def test_sliders_move_the_picture(lab):
    widget = lab.widget()
    columns, picture = widget.children
    (surface, rate), (momentum, noise) = (column.children for column in columns.children)
    seen = [picture.value]
    for control, value in (surface, "bend"), (rate, RATES[15]), (momentum, 0.9), (noise, 1.0):
        control.value = value
        seen.append(picture.value)
        assert lab.describe() in picture.value
    assert len(set(seen)) == 5
    assert (lab.surface, lab.rate, lab.momentum, lab.noise) == ("bend", RATES[15], 0.9, 1.0)


def test_what_is_no_class_is_refused():
    with pytest.raises(TypeError, match="an optimizer's class, got SGD"):
        MomentumLab(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1))


def test_walks_are_shown_with_their_sentence(capsys):
    import IPython.display

    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IPython.display, "display", shown.append)
        show_walks(SURFACES["ravine"].loss, {"straight": np.array([[-2, 0.4], [0, 0]])}, alt="A straight way down.")
    assert 'alt="A straight way down."' in shown[0].data
