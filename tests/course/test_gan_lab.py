"""The lab of chapter 12: films keep what networks were, its numbers are the networks', its arrows go downhill."""

import base64
import io
import re

import numpy as np
import pytest

import engine as torch
from autograders.spec import load
from course.labs.gan_steps import PLACES, REACH, Film, GanSteps
from engine import nn

LOSSES, STEP = load("gan/losses").ours, load("gan/step").ours
COUNT = load("gan/mode_count").reference
CENTRES = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0]], np.float32)


def noise(seed, *shape):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))


def filmed(rate, steps=8):
    """A film of a short training, and both networks as they were after each step."""
    torch.manual_seed(1)
    generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    discriminator = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizers = [torch.optim.Adam(network.parameters(), lr=rate) for network in (generator, discriminator)]
    film, kept = Film(generator, discriminator, [0, 1, 2, 5]), []
    for step in range(steps):
        kept.append([network[0].weight.detach().numpy().copy() for network in (generator, discriminator)])
        film.before(step)
        x = torch.tensor(CENTRES[np.random.default_rng(step).integers(0, 3, 32)])
        film.after(step, *STEP(generator, discriminator, LOSSES, *optimizers, x, noise(step, 32, 2)))
    return film, kept


@pytest.fixture(scope="module")
def films():
    return {"slow": filmed(0.01)[0], "fast": filmed(0.1, steps=10)[0]}


@pytest.fixture
def lab(films):
    return GanSteps(films, noise(9, 80, 2), CENTRES, LOSSES, lambda samples: COUNT(samples, CENTRES, 0.5, 4))


def test_a_film_keeps_each_network_s_update_by_itself():
    film, kept = filmed(0.01)
    assert [(step, moved) for step, moved, _, _ in film.frames] == [
        (step, who) for step in (0, 1, 2, 5) for who in ("discriminator", "generator")]
    assert len(film.losses) == 8, "of all steps"
    for number, step in enumerate((0, 1, 2, 5)):
        (_, _, first_g, first_d), (_, _, then_g, then_d) = film.frames[2 * number : 2 * number + 2]
        before, after = kept[step], kept[step + 1]
        np.testing.assert_array_equal(first_g["0.weight"].numpy(), before[0], "the discriminator moves first")
        np.testing.assert_array_equal(first_d["0.weight"].numpy(), after[1])
        np.testing.assert_array_equal(then_g["0.weight"].numpy(), after[0])
        np.testing.assert_array_equal(then_d["0.weight"].numpy(), after[1])
        assert not np.array_equal(before[0], after[0]) and not np.array_equal(before[1], after[1])


def test_the_numbers_are_the_networks_of_the_frame(lab, films):
    lab.film, lab.frame = "slow", 5
    seen = lab.look()
    assert (seen["step"], seen["moved"]) == (2, "generator")
    _, _, g_state, d_state = films["slow"].frames[5]
    generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    discriminator = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    generator.load_state_dict(g_state)
    discriminator.load_state_dict(d_state)
    with torch.no_grad():
        samples = generator(lab.z)
        logits, of_centres = discriminator(samples), discriminator(torch.tensor(CENTRES))
        corner = discriminator(torch.tensor([[REACH, -REACH]])).sigmoid().item()
    np.testing.assert_array_equal(seen["samples"], samples.numpy())
    assert seen["g_loss"] == pytest.approx(LOSSES(of_centres, logits)[1].item())
    assert seen["real"] == pytest.approx(of_centres.sigmoid().mean().item())
    assert seen["field"].shape == (PLACES, PLACES) and seen["field"][0, -1] == pytest.approx(corner), "x to the right"
    counts, modes = COUNT(samples.numpy(), CENTRES, 0.5, 4)
    assert seen["modes"] == modes and np.array_equal(seen["counts"], counts)


def test_a_sample_that_follows_its_arrow_lowers_its_loss(lab):
    for lab.frame in (0, 3, 7):
        seen = lab.look()
        discriminator = lab._networks[lab.film][1]
        with torch.no_grad():
            said = [discriminator(torch.tensor(seen["samples"] + step * seen["flow"])) for step in (0.0, 0.01)]
        before, after = (torch.nn.functional.softplus(-logits).numpy()[:, 0] for logits in said)
        assert (after < before).all()
        slope = np.linalg.norm(seen["flow"], axis=1)
        np.testing.assert_allclose((before - after) / 0.01, slope**2, rtol=0.05), "as steep as it is long"


def test_looking_leaves_the_learner_s_networks_alone(lab, films):
    networks = films["slow"].generator, films["slow"].discriminator
    before = [parameter.detach().numpy().copy() for network in networks for parameter in network.parameters()]
    for lab.frame in (0, 4):
        lab.look()
    after = [parameter.detach().numpy() for network in networks for parameter in network.parameters()]
    assert all(map(np.array_equal, before, after)) and all(network.training for network in networks)


def test_the_picture_follows_and_says_what_it_shows(lab):
    from PIL import Image

    def pixels():
        picture = lab.to_html()
        assert "://" not in picture, "nothing is loaded from elsewhere"
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search("base64,([^\"]+)", picture)[1]))))

    before, again = pixels(), pixels()
    assert np.array_equal(before, again), "the same numbers give the same picture"
    for change in ({"frame": 1}, {"frame": 2}, {"film": "fast"}):
        vars(lab).update(change)
        after = pixels()
        assert not np.array_equal(before, after), change
        before = after


def test_controls_move_the_picture(lab):
    widget = lab.widget()
    sliders, said, picture = widget.children
    play, frame, film = sliders.children
    assert frame.value == play.value == 7, "it begins at the end, where there is most to see"
    seen = [picture.value]
    for control, value in (frame, 2), (play, 3), (film, "fast"):
        control.value = value
        seen.append(picture.value)
        assert lab.describe() in said.value
    assert len(set(seen)) == 4 and (lab.film, lab.frame) == ("fast", 3)
    assert "fast, step 1, the generator has moved" in said.value


def test_few_samples_and_frames_that_are_not_there(films):
    lab = GanSteps(films, noise(9, 3, 2), CENTRES, LOSSES, lambda samples: COUNT(samples, CENTRES, 0.5, 1))
    lab.frame = 99
    assert lab.to_html() and lab.frame == 7


def test_what_cannot_be_shown_is_refused(films):
    empty = Film(films["slow"].generator, films["slow"].discriminator, [])
    with pytest.raises(ValueError, match="the film 'none' has no frames"):
        GanSteps({"none": empty}, noise(9, 4, 2), CENTRES, LOSSES, None)
    with pytest.raises(ValueError, match=r"expected centres \(M, 2\), got shape \(3, 3\)"):
        GanSteps(films, noise(9, 4, 2), np.zeros((3, 3)), LOSSES, None)
