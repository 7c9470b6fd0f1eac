"""rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh): one step of Elman's network."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal

NAMES = ("w_ih", "w_hh", "b_ih", "b_hh")


def rnn_cell(x, h, w_ih, w_hh, b_ih, b_hh):
    """The engine's own."""
    return of_engine("rnn_cell_simple", x, h, (w_ih, w_hh, b_ih, b_hh))


def of_engine(name, x, state, weights):
    """What the engine's cell of that name gives, as an array or a tuple of them. state: an array, or a tuple."""
    from engine import nn, no_grad, tensor

    given = tuple(map(tensor, state)) if isinstance(state, tuple) else tensor(state)
    with no_grad():
        result = getattr(nn.simple, name)(tensor(x), given, *map(tensor, weights))
    return tuple(each.numpy() for each in result) if isinstance(result, tuple) else result.numpy()


def cell_cases(rng, gates, states):
    """Cases for a cell with that many gates and states: small ones, batches, edges."""
    one, several, batch = "one number in, one unit", "several units", "a batch of sequences"
    for sizes, dtype, group in [
        ((1, 1, 1), SINGLE, one),
        ((1, 1, 1), DOUBLE, one),
        ((1, 2, 3), SINGLE, several),
        ((1, 3, 2), DOUBLE, several),
        ((3, 2, 4), SINGLE, batch),
        ((4, 3, 3), DOUBLE, batch),
    ]:
        yield cell_case(rng, gates, states, sizes, group, dtype=dtype)
    yield cell_case(rng, gates, states, (2, 3, 3), "at the beginning: a state of zeros", stage=EDGE, h=0)
    yield cell_case(rng, gates, states, (2, 1, 3), "no input to speak of: zeros", stage=EDGE, x=0)
    yield cell_case(rng, gates, states, (0, 2, 3), "an empty batch", stage=EDGE)
    yield cell_case(rng, gates, states, (2, 2, 3), "sums that exp cannot take", stage=EDGE, x=300)


def cell_case(rng, gates, states, sizes, *where, dtype=SINGLE, x=1, h=1, **stage):
    """sizes: (batch, inputs, units). x and h: what input and state are multiplied by."""
    batch, inputs, units = sizes
    weights = [normal(rng, shape, dtype) for shape in (
        (gates * units, inputs), (gates * units, units), (gates * units,), (gates * units,))]
    state = [normal(rng, (batch, units), dtype) * dtype(0.7 * h) for _ in range(states)]
    return Case((normal(rng, (batch, inputs), dtype) * dtype(x), *state, *weights), *where, **stage)


def summed(x, h, w_ih, w_hh, b_ih, b_hh):
    """What goes into the tanh or the gates."""
    return x @ w_ih.T + b_ih + h @ w_hh.T + b_hh


summed_rounding = multilinear_rounding(summed)


def rnn_cell_rounding(x, h, w_ih, w_hh, b_ih, b_hh):
    """That of the sum, since tanh is nowhere steeper than 1, and two eps for tanh itself."""
    return summed_rounding(x, h, w_ih, w_hh, b_ih, b_hh) + 2


def _no_tanh(x, h, w_ih, w_hh, b_ih, b_hh):
    return summed(x, h, w_ih, w_hh, b_ih, b_hh)


def _no_memory(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(x @ w_ih.T + b_ih + b_hh)


def _one_bias(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(x @ w_ih.T + b_ih + h @ w_hh.T)


def _no_biases(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(x @ w_ih.T + h @ w_hh.T)


def _not_transposed(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(x @ w_ih.T + b_ih + h @ w_hh + b_hh)


def _sigmoid(x, h, w_ih, w_hh, b_ih, b_hh):
    return 1 / (1 + np.exp(-summed(x, h, w_ih, w_hh, b_ih, b_hh)))


def _adds_the_old_state(x, h, w_ih, w_hh, b_ih, b_hh):
    return h + np.tanh(summed(x, h, w_ih, w_hh, b_ih, b_hh))


def _two_tanhs(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(x @ w_ih.T + b_ih) + np.tanh(h @ w_hh.T + b_hh)


def _neither_transposed(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(x @ w_ih + b_ih + h @ w_hh + b_hh)


def _weights_in_front(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.tanh(w_ih @ x.T + b_ih + w_hh @ h.T + b_hh)


def _sequences_as_columns(x, h, w_ih, w_hh, b_ih, b_hh):
    return rnn_cell_in_a_line(x, h, w_ih, w_hh, b_ih, b_hh).T


def _relu(x, h, w_ih, w_hh, b_ih, b_hh):
    return np.maximum(summed(x, h, w_ih, w_hh, b_ih, b_hh), 0)


def _tanh_by_exponentials(x, h, w_ih, w_hh, b_ih, b_hh):
    up = np.exp(summed(x, h, w_ih, w_hh, b_ih, b_hh))
    return (up - 1 / up) / (up + 1 / up)


def _no_tanh_in_a_batch(x, h, w_ih, w_hh, b_ih, b_hh):
    """Right for single sequences."""
    total = summed(x, h, w_ih, w_hh, b_ih, b_hh)
    return np.tanh(total) if len(x) == 1 else total


def rnn_cell_in_a_line(x, h, w_ih, w_hh, b_ih, b_hh):
    """As the formula says."""
    return np.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)


def rnn_cell_in_one_product(x, h, w_ih, w_hh, b_ih, b_hh):
    """Input and state side by side, times both matrices side by side."""
    both = np.concatenate([x, h], axis=1) @ np.concatenate([w_ih, w_hh], axis=1).T
    both += b_ih + b_hh
    return np.tanh(both)


def rnn_cell_with_loops(x, h, w_ih, w_hh, b_ih, b_hh):
    """Unit by unit; says on stderr what it does."""
    print("one step of", len(w_hh), "units", file=sys.stderr)
    result = np.empty_like(h)
    for row in range(len(h)):
        for unit in range(h.shape[1]):
            result[row, unit] = np.tanh(w_ih[unit] @ x[row] + w_hh[unit] @ h[row] + b_ih[unit] + b_hh[unit])
    return result


def rnn_cell_in_double(x, h, w_ih, w_hh, b_ih, b_hh):
    """Computes in float64, with einsum, and rounds once at the end."""
    x, before, w_ih, w_hh, b_ih, b_hh = (np.float64(each) for each in (x, h, w_ih, w_hh, b_ih, b_hh))
    total = np.einsum("ni,hi->nh", x, w_ih) + np.einsum("nk,hk->nh", before, w_hh)
    return np.tanh(total + b_ih + b_hh).astype(h.dtype)


EXERCISE = Spec(
    name="sequences/rnn_cell",
    function="rnn_cell",
    parameters=("x", "h", *NAMES),
    returns=("h_next",),
    title="One step of a recurrent network",
    why="One small function, used again at every step, reads sequences of any length.",
    minutes=8,
    difficulty=1,
    weights=WEIGHTS,
    reference=rnn_cell,
    rounding=rnn_cell_rounding,
    cases=lambda rng: cell_cases(rng, gates=1, states=1),
    picture="none",
    misconceptions=(
        Misconception(
            "no tanh",
            "The sum is right, but it is not the state yet: `np.tanh` keeps it between −1 and 1, step after step.",
            _no_tanh,
        ),
        Misconception(
            "no memory",
            "The state from before plays no part, so nothing is remembered: add `h @ w_hh.T`.",
            _no_memory,
        ),
        Misconception("one bias", "There are two biases, and `b_hh` is missing: add both.", _one_bias),
        Misconception("no biases", "Both biases are missing: add `b_ih` and `b_hh`.", _no_biases),
        Misconception(
            "not transposed",
            "`w_hh` has a row for each unit, as `w_ih` has, so it has to be transposed too: `h @ w_hh.T`. It is square, "
            "and numpy cannot notice.",
            _not_transposed,
        ),
        Misconception(
            "a sigmoid", "You use a sigmoid, which gives 0 to 1. This cell uses tanh, which gives −1 to 1.", _sigmoid),
        Misconception(
            "adds the old state",
            "You add the new state to the old one. Here the new one takes its place: return the tanh alone.",
            _adds_the_old_state,
        ),
        Misconception(
            "two tanhs", "You take the tanh of each part. First add up all four, then take one tanh.", _two_tanhs),
        Misconception(
            "neither transposed",
            "A row of `w_ih` belongs to a unit, so a row of x is multiplied with each row: `x @ w_ih.T`, and the same "
            "for the state.",
            _neither_transposed,
        ),
        Misconception(
            "weights in front",
            "With the weights in front, `w_ih @ x.T`, units are rows and sequences columns, and a bias of shape (H,) "
            "meets the columns. Keep sequences as rows: `x @ w_ih.T + b_ih`.",
            _weights_in_front,
        ),
        Misconception(
            "sequences as columns",
            "Right, but turned: the state is (B, H), a row for each sequence. `x @ w_ih.T` leaves it so.",
            _sequences_as_columns,
        ),
        Misconception(
            "a relu",
            "You use relu, so a state is never negative and may grow from step to step. This cell uses tanh, which "
            "stays within −1 and 1.",
            _relu,
        ),
        Misconception(
            "tanh by exponentials",
            "Right for ordinary sums, but `exp` of large ones is inf, and inf / inf is nan. `np.tanh` knows what to "
            "do.",
            _tanh_by_exponentials,
        ),
    ),
    half_right=(_no_tanh_in_a_batch,),
    honest=(rnn_cell_in_a_line, rnn_cell_in_one_product, rnn_cell_with_loops, rnn_cell_in_double),
    hints=(
        "It is two linear layers, one for the input and one for the state, added up and put through tanh.",
        "A linear layer is `x @ w_ih.T + b_ih`: (B, I) times (I, H) is (B, H). The one of the state looks the same.",
        "`np.tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)`",
    ),
)
