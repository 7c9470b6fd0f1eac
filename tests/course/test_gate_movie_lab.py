"""The lab of chapter 9: gates and states are those of the engine's LSTM, the gradients its own, and the movie plays."""

import base64
import io
import re

import numpy as np
import pytest

import engine as torch
from autograders.specs.sequences.bptt import EXERCISE, bptt_step_by_step
from course.labs.gate_movie import GateMovie
from engine import nn

STEPS, UNITS = 12, 5


class Adder(nn.Module):
    """As in the chapter: a guess after each step."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent, self.readout = recurrent, nn.Linear(UNITS, 1)

    def forward(self, x):
        return self.readout(self.recurrent(x)[0])[..., 0]


@pytest.fixture
def lab():
    torch.manual_seed(1)
    x = torch.rand(STEPS, 3, 2)
    x[:, :, 1] = (x[:, :, 1] > 0.7).float()
    return GateMovie(Adder(nn.LSTM(2, UNITS)), x, Adder(nn.RNN(2, UNITS)))


def test_states_and_guesses_are_the_engine_s(lab):
    """The lab goes through the gates one by one; what comes out is what nn.LSTM gives."""
    lab.sequence = 1
    seen = lab.look()
    with torch.no_grad():
        states, (_, cell) = lab.model.recurrent(lab.x[:, 1:2])
        guesses = lab.model(lab.x[:, 1:2])[:, 0]
    np.testing.assert_allclose(seen["h"], states.numpy()[:, 0], atol=1e-6)
    np.testing.assert_allclose(seen["c"][-1], cell.numpy()[0, 0], atol=1e-6)
    np.testing.assert_allclose(seen["guesses"], guesses.numpy(), atol=1e-6)
    for name in "ifo":
        assert seen[name].shape == (STEPS, UNITS) and (seen[name] > 0).all() and (seen[name] < 1).all()


def test_the_gates_explain_the_states(lab):
    seen = lab.look()
    np.testing.assert_allclose(seen["h"], seen["o"] * np.tanh(seen["c"]), atol=1e-6)
    written = seen["c"][1:] - seen["f"][1:] * seen["c"][:-1]
    assert (np.abs(written) <= seen["i"][1:] + 1e-6).all(), "no more than the input gate lets in, as |g| is below 1"


@pytest.mark.parametrize("name", ["LSTM", "RNN"])
def test_the_norms_are_those_of_finite_differences(lab, name):
    """Of the guess at the chosen step to each earlier input."""
    lab.step, lab.sequence = 6, 2
    model = {"LSTM": lab.model, "RNN": lab.rnn}[name]
    norms = lab.look()["norms"][name]
    assert norms.shape == (7,)
    model.double()
    x = lab.x[:7, 2:3].double()
    with torch.no_grad():
        for place in range(7):
            slopes = []
            for feature in range(2):
                up, down = x.clone(), x.clone()
                up[place, 0, feature] += 1e-4
                down[place, 0, feature] -= 1e-4
                slopes.append((model(up)[-1, 0] - model(down)[-1, 0]).item() / 2e-4)
            assert norms[place] == pytest.approx(np.hypot(*slopes), rel=1e-3)


def test_step_and_sequence_are_kept_inside(lab):
    lab.step, lab.sequence = 99, -1
    lab.look()
    assert (lab.step, lab.sequence) == (STEPS - 1, 0)


def test_the_picture_follows_and_says_what_it_shows(lab):
    from PIL import Image

    def pixels():
        picture = lab.to_html()
        assert "://" not in picture, "nothing is loaded from elsewhere"
        assert lab.describe() in re.search('alt="([^"]+)"', picture)[1]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(re.search("base64,([^\"]+)", picture)[1]))))

    before, again = pixels(), pixels()
    assert np.array_equal(before, again), "the same numbers give the same picture"
    for change in ({"step": 4}, {"sequence": 2}, {"step": 0}):
        vars(lab).update(change)
        after = pixels()
        assert not np.array_equal(before, after), change
        before = after


def test_controls_move_the_picture(lab):
    controls, said, picture = lab.widget().children
    play, step, sequence = controls.children
    seen = [picture.value]
    step.value = 3
    assert lab.step == 3 and lab.describe() in said.value and play.value == 3, "the button plays on from there"
    seen.append(picture.value)
    play.value = 4
    assert lab.step == 4 and lab.describe() in said.value
    seen.append(picture.value)
    sequence.value = 1
    assert lab.sequence == 1 and lab.describe() in said.value
    assert len({*seen, picture.value}) == 4


def test_what_cannot_be_shown_is_refused(lab):
    with pytest.raises(ValueError, match=r"expected sequences \(T, B, 2\), got shape \(3, 8\)"):
        GateMovie(lab.model, torch.rand(3, 8), lab.rnn)
    with pytest.raises(ValueError, match=r"should be an nn.LSTM of one layer, got GRU\(2, 5\)"):
        GateMovie(Adder(nn.GRU(2, UNITS)), lab.x, lab.rnn)
    with pytest.raises(ValueError, match="should be an nn.LSTM of one layer"):
        GateMovie(Adder(nn.LSTM(2, UNITS, num_layers=2)), lab.x, lab.rnn)


def test_the_exercise_on_bptt_asks_for_the_gradients_of_the_engine_s_rnn():
    """Its reference is plain numpy, so here it is held to autograd."""
    layer = nn.RNN(2, UNITS).double()
    x = torch.randn(7, 3, 2, dtype=torch.float64, requires_grad=True)
    states, _ = layer(x)
    gradient = torch.randn(7, 3, UNITS, dtype=torch.float64)
    states.backward(gradient)
    hidden = np.concatenate([np.zeros((1, 3, UNITS)), states.detach().numpy()])
    weights = layer.weight_ih_l0, layer.weight_hh_l0
    given = gradient.numpy(), x.detach().numpy(), hidden, *(each.detach().numpy() for each in weights)
    expected = [each.grad.numpy() for each in (x, *weights, layer.bias_ih_l0)]
    for answer in (EXERCISE.reference, bptt_step_by_step):
        for found, wanted in zip(answer(*given), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-12)
