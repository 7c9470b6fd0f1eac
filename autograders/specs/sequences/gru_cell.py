"""gru_cell(x, h, w_ih, w_hh, b_ih, b_hh): one step of a gated recurrent unit."""

import sys

import numpy as np

from autograders.spec import Misconception, Spec, multilinear_rounding
from autograders.specs.common import WEIGHTS
from autograders.specs.sequences.lstm_cell import sigmoid
from autograders.specs.sequences.rnn_cell import NAMES, cell_cases, of_engine


def gru_cell(x, h, w_ih, w_hh, b_ih, b_hh):
    """The engine's own."""
    return of_engine("gru_cell_simple", x, h, (w_ih, w_hh, b_ih, b_hh))


def _linear(x, weight, bias):
    return x @ weight.T + bias


_linear_rounding = multilinear_rounding(_linear)


def gru_cell_rounding(x, h, w_ih, w_hh, b_ih, b_hh):
    """From the sums through the gates to the state, in units of eps.

    A sigmoid is nowhere steeper than 1/4, a tanh than 1, and computing either is off by 3 at most. A product is off by
    each factor's error times the other, and by its own rounding; a sum by its parts' and its own.
    """
    (xr, xz, xn), (hr, hz, hn) = (np.split(each, 3, axis=1) for each in _both(x, h, w_ih, w_hh, b_ih, b_hh))
    from_x, from_h = _linear_rounding(x, w_ih, b_ih), _linear_rounding(h, w_hh, b_hh)
    (dxr, dxz, dxn), (dhr, dhz, dhn) = (np.split(each, 3, axis=1) for each in (from_x, from_h))
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    off_r = (dxr + dhr + np.abs(xr) + np.abs(hr)) / 4 + 3
    off_z = (dxz + dhz + np.abs(xz) + np.abs(hz)) / 4 + 3
    off_n = dxn + r * dhn + np.abs(hn) * off_r + np.abs(xn) + 2 * np.abs(r * hn) + 3
    sizes = np.abs(n) + np.abs(h)
    return (off_z + 1) * sizes + (1 - z) * off_n + 2 * sizes


def _both(x, h, w_ih, w_hh, b_ih, b_hh):
    return _linear(x, w_ih, b_ih), _linear(h, w_hh, b_hh)


def _variant(x, h, weights, order="rzn", reset=True, keeps_with_z=True, new=np.tanh):
    from_x, from_h = (dict(zip(order, np.split(each, 3, axis=1))) for each in _both(x, h, *weights))
    r, z = (sigmoid(from_x[gate] + from_h[gate]) for gate in "rz")
    candidate = new(from_x["n"] + (r * from_h["n"] if reset else from_h["n"]))
    return (1 - z) * candidate + z * h if keeps_with_z else z * candidate + (1 - z) * h


def _order_zrn(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, b_ih, b_hh), "zrn")


def _no_reset(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, b_ih, b_hh), reset=False)


def _keeps_with_one_minus_z(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, b_ih, b_hh), keeps_with_z=False)


def _new_by_sigmoid(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, b_ih, b_hh), new=sigmoid)


def _one_bias(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, b_ih, 0 * b_hh))


def _reset_before_the_product(x, h, w_ih, w_hh, b_ih, b_hh):
    units = h.shape[1]
    sums = _linear(x, w_ih, b_ih)[:, : 2 * units] + _linear(h, w_hh, b_hh)[:, : 2 * units]
    r, z = sigmoid(sums[:, :units]), sigmoid(sums[:, units:])
    last = slice(2 * units, None)
    new = np.tanh(_linear(x, w_ih[last], b_ih[last]) + _linear(r * h, w_hh[last], b_hh[last]))
    return (1 - z) * new + z * h


def _reset_without_the_bias(x, h, w_ih, w_hh, b_ih, b_hh):
    (xr, xz, xn), (hr, hz, hn) = (np.split(each, 3, axis=1) for each in _both(x, h, w_ih, w_hh, b_ih, b_hh))
    bias = b_hh[-h.shape[1] :]
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + r * (hn - bias) + bias) + z * h


def _reset_the_input_too(x, h, w_ih, w_hh, b_ih, b_hh):
    (xr, xz, xn), (hr, hz, hn) = (np.split(each, 3, axis=1) for each in _both(x, h, w_ih, w_hh, b_ih, b_hh))
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(r * (xn + hn)) + z * h


def _all_new(x, h, w_ih, w_hh, b_ih, b_hh):
    (xr, xz, xn), (hr, hz, hn) = (np.split(each, 3, axis=1) for each in _both(x, h, w_ih, w_hh, b_ih, b_hh))
    return np.tanh(xn + sigmoid(xr + hr) * hn)


def _new_as_it_is(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, b_ih, b_hh), new=lambda sums: sums)


def _no_bias_of_the_input(x, h, w_ih, w_hh, b_ih, b_hh):
    return _variant(x, h, (w_ih, w_hh, 0 * b_ih, b_hh))


def _mixed(parts, h, gate=sigmoid, mix=lambda z, n, h: (1 - z) * n + z * h, resets_input=False):
    (xr, xz, xn), (hr, hz, hn) = parts
    r, z = gate(xr + hr), gate(xz + hz)
    return mix(z, np.tanh(r * xn + hn if resets_input else xn + r * hn), h)


def _thirds(x, h, w_ih, w_hh, b_ih, b_hh):
    return [np.split(each, 3, axis=1) for each in _both(x, h, w_ih, w_hh, b_ih, b_hh)]


def _gates_as_they_are(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed(_thirds(x, h, w_ih, w_hh, b_ih, b_hh), h, gate=lambda sums: sums)


def _sigmoid_that_overflows(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed(_thirds(x, h, w_ih, w_hh, b_ih, b_hh), h, gate=lambda sums: np.exp(sums) / (1 + np.exp(sums)))


def _resets_the_input(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed(_thirds(x, h, w_ih, w_hh, b_ih, b_hh), h, resets_input=True)


def _all_of_the_old(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed(_thirds(x, h, w_ih, w_hh, b_ih, b_hh), h, mix=lambda z, n, h: (1 - z) * n + h)


def _all_of_the_new(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed(_thirds(x, h, w_ih, w_hh, b_ih, b_hh), h, mix=lambda z, n, h: n + z * h)


def _gates_of_the_input_alone(x, h, w_ih, w_hh, b_ih, b_hh):
    (xr, xz, xn), (_, _, hn) = _thirds(x, h, w_ih, w_hh, b_ih, b_hh)
    return _mixed(((xr, xz, xn), (0, 0, hn)), h)


def _cut_across(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed([np.split(each, 3, axis=0) for each in _both(x, h, w_ih, w_hh, b_ih, b_hh)], h)


def _not_transposed(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed([np.split(x @ w_ih + b_ih, 3, axis=1), np.split(h @ w_hh + b_hh, 3, axis=1)], h)


def _four_parts(x, h, w_ih, w_hh, b_ih, b_hh):
    return _mixed([np.split(each, 4, axis=1)[:3] for each in _both(x, h, w_ih, w_hh, b_ih, b_hh)], h)


def _right_for_single_sequences(x, h, w_ih, w_hh, b_ih, b_hh):
    """Right where the batch is one sequence."""
    return gru_cell_in_parts(x, h, w_ih, w_hh, b_ih, b_hh) if len(x) == 1 else np.zeros_like(h) + 2


def gru_cell_in_parts(x, h, w_ih, w_hh, b_ih, b_hh):
    """Both sums cut into three."""
    x_r, x_z, x_n = np.split(x @ w_ih.T + b_ih, 3, axis=1)
    h_r, h_z, h_n = np.split(h @ w_hh.T + b_hh, 3, axis=1)
    r, z = 1 / (1 + np.exp(-(x_r + h_r))), 1 / (1 + np.exp(-(x_z + h_z)))
    n = np.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


def gru_cell_gate_by_gate(x, h, w_ih, w_hh, b_ih, b_hh):
    """A slice of the weights for each gate; goes from the new state towards the old one."""
    print("a step of", h.shape[1], "units", file=sys.stderr)
    units = h.shape[1]
    parts = []
    for begin in range(0, 3 * units, units):
        rows = slice(begin, begin + units)
        parts.append((x @ w_ih[rows].T + b_ih[rows], h @ w_hh[rows].T + b_hh[rows]))
    reset, keep = (1 / (1 + np.exp(-a - b)) for a, b in parts[:2])
    new = np.tanh(parts[2][0] + reset * parts[2][1])
    return new + keep * (h - new)


def gru_cell_by_tanh(x, h, w_ih, w_hh, b_ih, b_hh):
    """A sigmoid as a tanh of half the sum, moved and halved."""
    from_x = (x @ w_ih.T + b_ih).reshape(len(x), 3, h.shape[1])
    from_h = (h @ w_hh.T + b_hh).reshape(len(x), 3, h.shape[1])
    gates = 0.5 * (1 + np.tanh((from_x[:, :2] + from_h[:, :2]) / 2))
    new = np.tanh(from_x[:, 2] + gates[:, 0] * from_h[:, 2])
    return gates[:, 1] * h + (1 - gates[:, 1]) * new


def gru_cell_in_double(x, h, w_ih, w_hh, b_ih, b_hh):
    """Computes in float64 and rounds once at the end."""
    before = h.astype(np.float64)
    a = np.einsum("ni,gi->ng", x.astype(np.float64), w_ih.astype(np.float64)) + b_ih
    b = np.einsum("nh,gh->ng", before, w_hh.astype(np.float64)) + b_hh
    units = h.shape[1]
    r = 1 / (1 + np.exp(-(a + b)[:, :units]))
    z = 1 / (1 + np.exp(-(a + b)[:, units : 2 * units]))
    n = np.tanh(a[:, 2 * units :] + r * b[:, 2 * units :])
    return (n - z * n + z * before).astype(h.dtype)


EXERCISE = Spec(
    name="sequences/gru_cell",
    function="gru_cell",
    parameters=("x", "h", *NAMES),
    returns=("h_next",),
    title="One step of a GRU",
    why="One state instead of two, three quarters of the weights, and often just as good.",
    minutes=12,
    difficulty=3,
    weights=WEIGHTS,
    reference=gru_cell,
    rounding=gru_cell_rounding,
    cases=lambda rng: cell_cases(rng, gates=3, states=1),
    picture="none",
    misconceptions=(
        Misconception(
            "gates in another order",
            "The three parts of the sums come as r, z, n. You take the first as z and the second as r.",
            _order_zrn,
        ),
        Misconception(
            "no reset", "The reset gate has no effect: in n it is multiplied with the state's part, bias included.",
            _no_reset,
        ),
        Misconception(
            "the other way round",
            "z is the share of the *old* state that stays: `(1 - z) * n + z * h`. You have it the other way round, as the "
            "first paper did; torch does not.",
            _keeps_with_one_minus_z,
        ),
        Misconception(
            "a sigmoid for n", "n is the new state, not a gate: a tanh, so that it can be negative too.", _new_by_sigmoid),
        Misconception("one bias", "There are two biases, and `b_hh` is missing: add both.", _one_bias),
        Misconception(
            "reset before the product",
            "You reset the state before it is multiplied with its matrix, as the first paper did. torch resets "
            "afterwards: `r * (h @ W.T + b)`, with the last part of `w_hh` and `b_hh`.",
            _reset_before_the_product,
        ),
        Misconception(
            "reset without the bias",
            "You add the last part of `b_hh` after the reset. It belongs inside: `r * (h @ W.T + b)`.",
            _reset_without_the_bias,
        ),
        Misconception(
            "the input is reset too", "You reset the input's part too. r is about the state alone.", _reset_the_input_too),
        Misconception(
            "nothing is kept", "That is n, the new state. z mixes it with the old one: `(1 - z) * n + z * h`.", _all_new),
        Misconception(
            "n as it is",
            "n is the sum as it is. It goes through a tanh, so that the state stays within −1 and 1.",
            _new_as_it_is,
        ),
        Misconception(
            "no bias of the input",
            "There are two biases, and `b_ih` is missing: add both.",
            _no_bias_of_the_input,
        ),
        Misconception(
            "gates as they are",
            "Your r and z are the sums as they are, below 0 or above 1. They say how much, from 0 to 1: both go "
            "through a sigmoid.",
            _gates_as_they_are,
        ),
        Misconception(
            "a sigmoid that overflows",
            "Right for ordinary sums, but `exp` of large ones is inf, and inf / inf is nan. In `1 / (1 + np.exp(-z))` "
            "it is 1 / inf, which is 0.",
            _sigmoid_that_overflows,
        ),
        Misconception(
            "resets the input",
            "You reset the input's part. r says how much of the *old state* is used for the new one: `x_n + r * h_n`.",
            _resets_the_input,
        ),
        Misconception(
            "all of the old",
            "You keep all of the old state. z mixes the two, and the shares add up to 1: `(1 - z) * n + z * h`.",
            _all_of_the_old,
        ),
        Misconception(
            "all of the new",
            "You take all of the new state. z mixes the two, and the shares add up to 1: `(1 - z) * n + z * h`.",
            _all_of_the_new,
        ),
        Misconception(
            "gates of the input alone",
            "The state from before plays no part in r and z: each is a sigmoid of the input's and the state's part, "
            "added up.",
            _gates_of_the_input_alone,
        ),
        Misconception(
            "cut across",
            "`np.split` along axis 0 cuts the batch into three. The parts lie side by side in each row: `axis=1`.",
            _cut_across,
        ),
        Misconception(
            "not transposed",
            "The rows of `w_ih` and `w_hh` belong to the units of the gates, so both are transposed: `x @ w_ih.T`, `h "
            "@ w_hh.T`.",
            _not_transposed,
        ),
        Misconception(
            "four parts",
            "A GRU has three parts, r, z and n; four are an LSTM's.",
            _four_parts,
        ),
    ),
    half_right=(_right_for_single_sequences,),
    honest=(gru_cell_in_parts, gru_cell_gate_by_gate, gru_cell_by_tanh, gru_cell_in_double),
    hints=(
        "Keep the sums of the input and of the state apart, since r is multiplied with a part of the state's alone. Cut "
        "each into three parts (B, H).",
        "r and z are sigmoids of both parts added up. n is `np.tanh(x_n + r * h_n)`.",
        "`x_r, x_z, x_n = np.split(x @ w_ih.T + b_ih, 3, axis=1)`, the same for h; at the end `(1 - z) * n + z * h`.",
    ),
)
