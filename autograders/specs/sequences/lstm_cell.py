"""lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh): one step of long short-term memory."""

import sys

import numpy as np

from autograders.spec import Misconception, Spec
from autograders.specs.common import WEIGHTS
from autograders.specs.sequences.rnn_cell import NAMES, cell_cases, of_engine, summed, summed_rounding


def lstm_cell(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """The engine's own."""
    return of_engine("lstm_cell_simple", x, (h, c), (w_ih, w_hh, b_ih, b_hh))


def sigmoid(x):
    """Between 0 and 1; by way of tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(x / 2))


def gates_of(x, h, w_ih, w_hh, b_ih, b_hh):
    """i, f, g, o."""
    i, f, g, o = np.split(summed(x, h, w_ih, w_hh, b_ih, b_hh), 4, axis=1)
    return sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)


def lstm_cell_rounding(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """From the sums through the gates to the states, in units of eps.

    A sigmoid is nowhere steeper than 1/4, a tanh than 1, and computing either is off by 3 at most. A product is off by
    each factor's error times the other, and by its own rounding; a sum by its parts' and its own.
    """
    off_i, off_f, off_g, off_o = np.split(summed_rounding(x, h, w_ih, w_hh, b_ih, b_hh), 4, axis=1)
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    off_i, off_f, off_g, off_o = off_i / 4 + 3, off_f / 4 + 3, off_g + 3, off_o / 4 + 3
    sizes = np.abs(f * c) + np.abs(i * g)
    off_c = np.abs(c) * off_f + np.abs(g) * off_i + i * off_g + 2 * sizes
    return off_o + o * (off_c + 3) + 1, off_c


def _changed(x, h, c, weights, order="ifgo", candidate=np.tanh, gate=sigmoid):
    parts = dict(zip(order, np.split(summed(x, h, *weights), 4, axis=1)))
    i, f, o = (gate(parts[name]) for name in "ifo")
    cell = f * c + i * candidate(parts["g"])
    return o * np.tanh(cell), cell


def _order_ifog(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), "ifog")


def _order_figo(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), "figo")


def _candidate_by_sigmoid(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), candidate=sigmoid)


def _gates_by_tanh(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), gate=np.tanh)


def _no_tanh_at_the_end(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = f * c + i * g
    return o * cell, cell


def _forgets_nothing(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = c + i * g
    return o * np.tanh(cell), cell


def _one_minus_f(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = (1 - f) * c + i * g
    return o * np.tanh(cell), cell


def _shows_the_old_cell(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    return o * np.tanh(c), f * c + i * g


def _no_read_gate(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = f * c + i * g
    return np.tanh(cell), cell


def _one_bias(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, 0 * b_hh))


def _candidate_as_it_is(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), candidate=lambda sums: sums)


def _gates_as_they_are(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), gate=lambda sums: sums)


def _sigmoid_of_minus(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), gate=lambda sums: sigmoid(-sums))


def _sigmoid_before_the_cut(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), candidate=lambda sums: np.tanh(sigmoid(sums)))


def _sigmoid_that_overflows(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, h, c, (w_ih, w_hh, b_ih, b_hh), gate=lambda sums: np.exp(sums) / (1 + np.exp(sums)))


def _without_the_state(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _changed(x, 0 * h, c, (w_ih, w_hh, b_ih, b_hh))


def _tanh_of_the_cell(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = np.tanh(f * c + i * g)
    return o * np.tanh(cell), cell


def _state_for_cell(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = f * h + i * g
    return o * np.tanh(cell), cell


def _writes_everything(x, h, c, w_ih, w_hh, b_ih, b_hh):
    i, f, g, o = gates_of(x, h, w_ih, w_hh, b_ih, b_hh)
    cell = f * c + g
    return o * np.tanh(cell), cell


def _from_parts(i, f, g, o, c):
    cell = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


def _parts_in_front(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _from_parts(*summed(x, h, w_ih, w_hh, b_ih, b_hh).reshape(4, *h.shape), c)


def _parts_behind(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _from_parts(*np.moveaxis(summed(x, h, w_ih, w_hh, b_ih, b_hh).reshape(*h.shape, 4), -1, 0), c)


def _cut_across(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _from_parts(*np.split(summed(x, h, w_ih, w_hh, b_ih, b_hh), 4, axis=0), c)


def _not_transposed(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return _from_parts(*np.split(x @ w_ih + b_ih + h @ w_hh + b_hh, 4, axis=1), c)


def _four_times_the_units(x, h, c, w_ih, w_hh, b_ih, b_hh):
    sums, units = summed(x, h, w_ih, w_hh, b_ih, b_hh), len(w_hh)
    return _from_parts(*(sums[:, begin : begin + units] for begin in range(0, 4 * units, units)), c)


def _cell_first(x, h, c, w_ih, w_hh, b_ih, b_hh):
    return lstm_cell_in_parts(x, h, c, w_ih, w_hh, b_ih, b_hh)[::-1]


def lstm_cell_in_parts(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """All sums in one product, cut into four."""
    sums = x @ w_ih.T + b_ih + h @ w_hh.T + b_hh
    i, f, g, o = np.split(sums, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-each)) for each in (i, f, o))
    cell = f * c + i * np.tanh(g)
    return o * np.tanh(cell), cell


def lstm_cell_gate_by_gate(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """A slice of the weights for each gate; a list of two."""
    print("a step of", h.shape[1], "units", file=sys.stderr)
    units = h.shape[1]

    def linear(number):
        rows = slice(number * units, (number + 1) * units)
        return x @ w_ih[rows].T + h @ w_hh[rows].T + (b_ih[rows] + b_hh[rows])

    write, forget, read = (1 / (1 + np.exp(-linear(number))) for number in (0, 1, 3))
    cell = forget * c
    cell += write * np.tanh(linear(2))
    return [read * np.tanh(cell), cell]


def lstm_cell_by_tanh(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """A sigmoid as a tanh of half the sum, moved and halved."""
    sums = np.concatenate([x, h], axis=1) @ np.concatenate([w_ih, w_hh], axis=1).T + b_ih + b_hh
    sums = sums.reshape(len(x), 4, h.shape[1])
    write, forget, read = (0.5 * (1 + np.tanh(sums[:, number] / 2)) for number in (0, 1, 3))
    after = forget * c + write * np.tanh(sums[:, 2])
    return read * np.tanh(after), after


def lstm_cell_in_double(x, h, c, w_ih, w_hh, b_ih, b_hh):
    """Computes in float64 and rounds once at the end."""
    exact = [each.astype(np.float64) for each in (x, h, c, w_ih, w_hh, b_ih, b_hh)]
    sums = exact[0] @ exact[3].T + exact[5] + exact[1] @ exact[4].T + exact[6]
    units = h.shape[1]
    gates = np.reciprocal(1 + np.exp(-sums))
    cell = gates[:, units : 2 * units] * exact[2] + gates[:, :units] * np.tanh(sums[:, 2 * units : 3 * units])
    return (gates[:, 3 * units :] * np.tanh(cell)).astype(h.dtype), cell.astype(c.dtype)


EXERCISE = Spec(
    name="sequences/lstm_cell",
    function="lstm_cell",
    parameters=("x", "h", "c", *NAMES),
    returns=("h_next", "c_next"),
    title="One step of an LSTM",
    why="A cell that is only added to, and gates that say when: this is how a network remembers for a long time.",
    minutes=12,
    difficulty=3,
    weights=WEIGHTS,
    reference=lstm_cell,
    rounding=lstm_cell_rounding,
    cases=lambda rng: cell_cases(rng, gates=4, states=2),
    picture="none",
    misconceptions=(
        Misconception(
            "gates in another order",
            "The four parts of the sums come as i, f, g, o. You take the third as o and the last as g.",
            _order_ifog,
        ),
        Misconception(
            "forget gate first",
            "The four parts of the sums come as i, f, g, o. You take the first as f and the second as i.",
            _order_figo,
        ),
        Misconception(
            "a sigmoid for g",
            "g is what may be written, not a gate: a tanh, so that it can be negative too.",
            _candidate_by_sigmoid,
        ),
        Misconception(
            "tanh for the gates",
            "A gate says how much, from 0 to 1: use a sigmoid for i, f and o, and tanh for g alone.",
            _gates_by_tanh,
        ),
        Misconception(
            "no tanh at the end",
            "The cell is right. What it shows is `o * np.tanh(c)` with the new c: the tanh is missing.",
            _no_tanh_at_the_end,
        ),
        Misconception(
            "forgets nothing", "The old cell is kept whole. The forget gate decides how much stays: `f * c`.",
            _forgets_nothing,
        ),
        Misconception(
            "1 - f",
            "You keep the share 1 − f of the cell. In spite of its name, f is the share that is *kept*: `f * c`.",
            _one_minus_f,
        ),
        Misconception(
            "shows the old cell",
            "The new cell is right, but h shows the old one: compute it from the new c.",
            _shows_the_old_cell,
        ),
        Misconception(
            "no output gate", "The output gate has no effect: h is `o * np.tanh(c)`, not all of `np.tanh(c)`.",
            _no_read_gate,
        ),
        Misconception("one bias", "There are two biases, and `b_hh` is missing: add both.", _one_bias),
        Misconception("the cell first", "Both are right, in the other order: first h, then c.", _cell_first),
        Misconception(
            "g as it is",
            "g is the sum as it is. It goes through a tanh, so that what is written stays within −1 and 1.",
            _candidate_as_it_is,
        ),
        Misconception(
            "gates as they are",
            "Your gates are the sums as they are, below 0 or above 1. A gate says how much, from 0 to 1: i, f and o "
            "go through a sigmoid.",
            _gates_as_they_are,
        ),
        Misconception(
            "a sigmoid of minus z",
            "Your sigmoid falls where it should rise: it is 1 / (1 + exp(−z)), with a minus.",
            _sigmoid_of_minus,
        ),
        Misconception(
            "a sigmoid before the cut",
            "All four parts go through the sigmoid, and g through a tanh after that. Cut the sums first: the sigmoid "
            "is for i, f and o.",
            _sigmoid_before_the_cut,
        ),
        Misconception(
            "a sigmoid that overflows",
            "Right for ordinary sums, but `exp` of large ones is inf, and inf / inf is nan. In `1 / (1 + np.exp(-z))` "
            "it is 1 / inf, which is 0.",
            _sigmoid_that_overflows,
        ),
        Misconception(
            "without the state",
            "The state from before plays no part in the gates: add `h @ w_hh.T`.",
            _without_the_state,
        ),
        Misconception(
            "tanh of the cell",
            "The cell goes through a tanh before it is kept, and so shrinks at every step. Keep it as it is; the tanh "
            "is for h alone.",
            _tanh_of_the_cell,
        ),
        Misconception(
            "the state for the cell",
            "You keep a share of h. There are two states, and what is kept and added to is the cell: `f * c + i * g`.",
            _state_for_cell,
        ),
        Misconception(
            "writes everything",
            "The input gate has no effect: what is written is `i * g`, not all of g.",
            _writes_everything,
        ),
        Misconception(
            "parts in front",
            "`reshape(4, B, H)` cuts through the sequences: the four parts of one lie in its row, one after the "
            "other. `reshape(B, 4, H)`, or `np.split(sums, 4, axis=1)`.",
            _parts_in_front,
        ),
        Misconception(
            "parts behind",
            "`reshape(B, H, 4)` takes neighbours for the four gates of a unit. All of i comes first, then all of f: "
            "`np.split(sums, 4, axis=1)`.",
            _parts_behind,
        ),
        Misconception(
            "cut across",
            "`np.split` along axis 0 cuts the batch into four. The parts lie side by side in each row: `axis=1`.",
            _cut_across,
        ),
        Misconception(
            "not transposed",
            "The rows of `w_ih` and `w_hh` belong to the units of the gates, so both are transposed: `x @ w_ih.T + h "
            "@ w_hh.T`.",
            _not_transposed,
        ),
        Misconception(
            "four times the units",
            "`w_hh` has 4 · H rows, so its length is not H. The number of units is `h.shape[1]`.",
            _four_times_the_units,
        ),
    ),
    half_right=(_no_read_gate,),
    honest=(lstm_cell_in_parts, lstm_cell_gate_by_gate, lstm_cell_by_tanh, lstm_cell_in_double),
    hints=(
        "The sum is the one of `rnn_cell`, without tanh and four times as wide. Cut it into four parts (B, H).",
        "`i, f, g, o = np.split(sums, 4, axis=1)`. i, f and o go through the sigmoid `1 / (1 + np.exp(-z))`, g through "
        "tanh.",
        "`c = f * c + i * g`, then `h = o * np.tanh(c)`; return both, h first.",
    ),
)
