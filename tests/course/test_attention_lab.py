"""The lab of chapter 10: its numbers are attention's, every cell can be reached and changed, and the mask hides."""

import base64
import math
import re

import numpy as np
import pytest

import engine as torch
from autograders.spec import load
from course.labs.attention import BIG_HEIGHT, BIG_WIDTH, LIMIT, Attention, _cell, _centres


@pytest.fixture
def lab():
    names = "attention/scaled_dot_product", "attention/causal_mask"
    return Attention(*(load(name).right_answer for name in names))


@pytest.mark.parametrize("is_scaled", [True, False])
@pytest.mark.parametrize("is_causal", [True, False])
def test_the_numbers_are_attention_s(lab, is_causal, is_scaled):
    """Computed here with numpy, from the formula."""
    rng = np.random.default_rng(0)
    lab.Q, lab.K, lab.V = (rng.uniform(-LIMIT, LIMIT, (4, 2)).tolist() for _ in range(3))
    lab.set_causal(is_causal)
    lab.is_scaled, lab.temperature = is_scaled, 0.5
    seen = lab.look()
    scores = np.array(lab.Q) @ np.array(lab.K).T / 0.5 / (math.sqrt(2) if is_scaled else 1)
    scores[~np.array(lab.mask)] = -np.inf
    weights = np.exp(scores - scores.max(1, keepdims=True))
    weights /= weights.sum(1, keepdims=True)
    np.testing.assert_allclose(seen["scores"], scores, rtol=1e-4)
    np.testing.assert_allclose(seen["weights"], weights, atol=1e-5)
    np.testing.assert_allclose(seen["output"], weights @ np.array(lab.V), atol=1e-5)
    assert np.array_equal(lab.mask, np.tri(4, dtype=bool)) == is_causal


def test_it_runs_on_the_function_that_it_is_given():
    """A learner's wrong attention shows its own numbers."""
    uniform = Attention(lambda q, k, v, mask: (v * 0 + 7, torch.full((4, 4), 0.25)), load("attention/causal_mask").ours)
    assert uniform.look()["weights"] == [[0.25] * 4] * 4 and "its output is 7.00, 7.00" in uniform.describe()


def test_every_cell_is_found_by_a_click(lab):
    assert len(_centres()) == 3 * 8 + 16
    for cell, (x, y) in _centres().items():
        assert _cell(x / BIG_WIDTH, y / BIG_HEIGHT) == cell
    assert _cell(0.01, 0.01) is None


def test_every_cell_is_reached_with_the_arrow_keys(lab):
    reached, left = {lab.chosen}, [lab.chosen]
    while left:
        here = left.pop()
        for step in (-1, 0), (1, 0), (0, -1), (0, 1):
            lab.chosen = here
            lab.move(*step)
            if lab.chosen not in reached:
                reached.add(lab.chosen)
                left.append(lab.chosen)
    assert reached == set(_centres())


def test_neighbours_lie_where_the_arrow_points(lab):
    """K is drawn turned: to the right of a number lies the next key's."""
    lab.chosen = "Q", 1, 0
    lab.move(1, 0)
    assert lab.chosen == ("Q", 2, 0)
    lab.move(0, 1)
    assert lab.chosen == ("Q", 2, 1)
    lab.chosen = "K", 0, 1
    lab.move(0, 1)
    assert lab.chosen == ("K", 1, 1)


def test_a_query_s_last_open_key_stays_open(lab):
    """Or its softmax would have nothing to share."""
    lab.set_causal(True)
    lab.chosen = "mask", 0, 0
    lab.set(False)
    assert lab.mask[0] == [True, False, False, False] and np.isfinite(lab.look()["weights"]).all()


def test_the_picture_follows_and_says_what_it_shows(lab):
    def drawn():
        picture = lab.to_html()
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        source = base64.b64decode(re.search('base64,([^"]+)', picture)[1]).decode()
        assert "://" not in source.replace("http://www.w3.org/2000/svg", ""), "nothing is loaded from elsewhere"
        return source

    pictures = [drawn()]
    assert drawn() == pictures[0]
    for change in ({"chosen": ("V", 1, 1)}, {"is_scaled": False}, {"temperature": 2.0}):
        vars(lab).update(change)
        pictures.append(drawn())
    for value in 1.5, -1.5:
        lab.set(value)
        pictures.append(drawn())
    lab.set_causal(True)
    pictures.append(drawn())
    assert "−∞" in pictures[-1] and "hidden" in pictures[-1]
    assert len(set(pictures)) == len(pictures)


def test_controls_move_the_picture(lab):
    widget = lab.widget()
    controls, said, picture = widget.children
    number, temperature, scaled, causal = controls.children
    seen = [picture.picture]
    for control, value in (number, -1.0), (temperature, 2.0), (scaled, False), (causal, True):
        control.value = value
        seen.append(picture.picture)
        assert lab.describe() in said.value
    assert lab.Q[2][0] == -1.0 and lab.mask[0] == [True, False, False, False]
    x, y = _centres()["V", 3, 1]
    picture.pointed = [x / BIG_WIDTH, y / BIG_HEIGHT, 1]
    assert lab.chosen == ("V", 3, 1) and number.value == 1.0 and number.description == "V[3, 1]"
    assert lab.Q[2][0] == -1.0 and lab.V[3][1] == 1.0, "choosing changes nothing"
    picture.moved = "u"
    assert lab.chosen == ("V", 2, 1)
    x, y = _centres()["mask", 3, 1]
    picture.pointed = [x / BIG_WIDTH, y / BIG_HEIGHT, 2]
    assert not lab.mask[3][1] and number.disabled and "“down” looking at “cat” is hidden" in said.value
    picture.pointed = [0.001, 0.001, 3]
    assert lab.chosen == ("mask", 3, 1), "beside the cells nothing is chosen"
    assert len(set(seen)) == len(seen)


def test_matrices_of_another_shape_are_refused(lab):
    lab.K = [[1.0, 2.0]] * 3
    with pytest.raises(ValueError, match="Q, K and V should have 4 rows of 2 numbers"):
        lab.look()
