"""Recurrent layers over a whole sequence, an entry each, with backpropagation through time by hand (Werbos, 1990).

A step is a dozen small operations; recorded one by one they would cost more than they compute. Here one loop fills
arrays made beforehand and keeps the gates; for a gradient another loop walks back over them, once for all inputs, and
the gradients of inputs and weights are then single products over all steps. Sigmoids are computed as
σ(z) = (1 + tanh(z/2)) / 2: with the weights of their rows halved, one tanh serves all gates of a step.

Under create_graph an entry is composed anew, step by step, from the cells of `nn.simple`, and those are differentiated.
"""

import collections
import functools
import inspect

import numpy as np

from engine import autograd
from engine.autograd.graph import TensorBase
from engine.functions import stack
from engine.ops.shape import reshape
from engine.ops.table import Op

# What the way back over the steps finds: the gradients of what the gates receive from the input and from the hidden
# state before, both (T, B, gates * H), and of the first hidden state and the first cell, (B, H).
Walk = collections.namedtuple("Walk", "from_input from_hidden hidden cell", defaults=[None])


class RecurrentOp(Op):
    """An entry for a sequence: input (T, B, I), states before it (B, H) and the weights -> what its forward says.

    forward(*inputs, kept, **metadata) leaves in the dict `kept`, new for each call, what walk_back(g, result, kept,
    hidden, weight_hh) will need to find a `Walk`. compose(*inputs, **metadata): the same as forward, in tensor
    operations. metadata: the names of the keywords. Halves are computed in float32 and rounded once.
    """

    def __init__(self, name, inputs, forward, walk_back, compose, metadata=(), **options):
        self.walk_back, self.compose = walk_back, compose
        names = inputs.split()
        signature = inspect.Signature([
            inspect.Parameter(each, inspect.Parameter.POSITIONAL_ONLY)
            for each in ("g", *names, "result", "kept", *metadata)])
        vjps = [functools.partial(self._vjp, each) for each in names]
        for each in vjps:
            each.__signature__ = signature
        super().__init__(name, inputs, _rounding(forward), vjps, **options)

    def __call__(self, *inputs, **metadata):
        return super().__call__(*inputs, **metadata, kept={})

    def plan(self, needed, count):
        """As every entry's; the VJPs of one backward pass share what they find."""
        plan = super().plan(needed, count)
        plan.vjps = _Sharing(plan.vjps)
        return plan

    def _vjp(self, wanted, g, *values, shared):
        """The gradient of the input of that name."""
        count = len(self.inputs)
        inputs, (result, kept, *metadata) = dict(zip(self.inputs, values)), values[count:]
        if isinstance(g, TensorBase):
            if not shared:
                shared.update(self._composed_gradients(g, inputs, metadata))
            return shared[wanted]
        g, result, input, hidden, weight_ih, weight_hh = _wide(
            [g, result, *[inputs[each] for each in ("input", "hidden", "weight_ih", "weight_hh")]])
        if not shared:
            shared["walk"] = self.walk_back(g, result, kept, hidden, weight_hh)
        return _gradient(wanted, shared["walk"], result, input, hidden, weight_ih)

    def _composed_gradients(self, g, inputs, metadata):
        """The gradients of all inputs as tensors with a history. Each input is looked at anew, or a gradient of one
        that was computed from another input would count for both."""
        fresh = {name: reshape(each, shape=each.array.shape) for name, each in inputs.items()}
        leaves = {name: each for name, each in fresh.items() if each.requires_grad}
        result = self.compose(*fresh.values(), *metadata)
        return dict(zip(leaves, autograd.grad(result, list(leaves.values()), g, create_graph=True)))


class _Sharing:
    """The VJPs of a plan. Whoever goes through them gets them with a dict for what they have in common, a new one each
    time: a later pass has another gradient, and what is kept beyond a pass would be a cycle."""

    def __init__(self, vjps):
        self.vjps = vjps

    def __iter__(self):
        shared = {}
        return ((position, functools.partial(vjp, shared=shared), picks) for position, vjp, picks in self.vjps)


def _wide(arrays):
    """Arrays of halves as float32, others as they are."""
    return [each.astype(np.float32) if each.dtype.itemsize == 2 else each for each in arrays]


def _rounding(forward):
    """`forward`, computed on wide arrays."""

    def rounded(*arrays, **metadata):
        return forward(*_wide(arrays), **metadata).astype(arrays[0].dtype, copy=False)

    return rounded


def _gradient(wanted, walk, result, input, hidden, weight_ih):
    """The gradient of one input, from the way back: a product or a sum over all steps."""
    if wanted in ("hidden", "cell"):
        return getattr(walk, wanted)
    gates = walk.from_input if wanted in ("input", "weight_ih", "bias_ih") else walk.from_hidden
    gates = gates.reshape(-1, gates.shape[-1])
    if wanted == "input":
        return np.matmul(gates, weight_ih).reshape(input.shape)
    if wanted == "weight_ih":
        return np.matmul(gates.T, input.reshape(-1, input.shape[-1]))
    if wanted == "weight_hh":
        before = _states_before(hidden, result, len(input))
        return np.matmul(gates.T, before.reshape(-1, hidden.shape[1]))
    return np.sum(gates, axis=0)


def _states_before(hidden, result, steps):
    """The hidden state that each step began with, (T, B, H)."""
    return np.concatenate([hidden[None], result[: steps - 1]])


def _parts(gates, count):
    """(..., count * H) as so many views (..., H)."""
    size = gates.shape[-1] // count
    return [gates[..., each * size : (each + 1) * size] for each in range(count)]


def _from_input(input, weight, bias):
    """input @ weight.T + bias for all steps, (T, B, gates * H)."""
    gates = np.matmul(input.reshape(-1, input.shape[-1]), weight.T)
    gates += bias
    return gates.reshape(*input.shape[:2], len(weight))


def _scales(weight, sigmoids, count):
    """For each row of gates 1/2 if it is one of `sigmoids`, the numbers of those gates, and 1 otherwise."""
    scales = np.ones_like(weight[:, 0])
    for each in sigmoids:
        _parts(scales, count)[each][...] = 0.5
    return scales


def _compose(cell, input, state, *weights):
    """The sequence step by step, with a cell of nn.simple: what `forward` of the entry gives, as a tensor."""
    from engine.nn import simple  # stands on the table

    states = []
    for x in input:
        state = getattr(simple, cell)(x, state, *weights)
        states.append(state[0] if isinstance(state, tuple) else state)
    return stack([*states, state[1]] if isinstance(state, tuple) else states)


# ---- RNN ----------------------------------------------------------------------------------------------


def _rnn(input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, *, nonlinearity, kept):
    """h = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu: the hidden state after each step, (T, B, H) (Elman, 1990)."""
    states = _from_input(input, weight_ih, bias_ih + bias_hh)
    product, across = np.empty_like(hidden), weight_hh.T
    for state in states:
        np.matmul(hidden, across, out=product)
        np.add(state, product, out=state)
        np.tanh(state, out=state) if nonlinearity == "tanh" else np.maximum(state, 0, out=state)
        hidden = state
    kept["slopes"] = 1 - states * states if nonlinearity == "tanh" else (states > 0).astype(states.dtype)
    return states


def _rnn_back(g, result, kept, hidden, weight_hh):
    gates, d_hidden = kept["slopes"].copy(), np.zeros_like(hidden)
    for gate, arriving in zip(gates[::-1], g[::-1]):
        d_hidden += arriving
        gate *= d_hidden
        np.matmul(gate, weight_hh, out=d_hidden)
    return Walk(gates, gates, d_hidden)


# ---- LSTM ---------------------------------------------------------------------------------------------


def _lstm(input, hidden, cell, weight_ih, weight_hh, bias_ih, bias_hh, *, kept):
    """(T + 1, B, H): the hidden state after each step, then the last cell (Hochreiter and Schmidhuber, 1997).

    The gates i, f, o are sigmoids of W_ih x + b_ih + W_hh h + b_hh, g its tanh; c = f c + i g, h = o tanh(c).
    """
    steps, scales = len(input), _scales(weight_ih, (0, 1, 3), 4)
    gates = _from_input(input, weight_ih * scales[:, None], (bias_ih + bias_hh) * scales)
    across, shifts = (weight_hh * scales[:, None]).T, 1 - scales
    result = np.empty_like(gates, shape=(steps + 1, *cell.shape))
    cells, squashed = np.empty_like(result), np.empty_like(result[1:])
    product, inward = np.empty_like(gates[0]), np.empty_like(cell)
    cells[0] = cell
    for gate, i, f, g, o, before, after, tanh_c, state in zip(
            gates, *_parts(gates, 4), cells, cells[1:], squashed, result):
        np.matmul(hidden, across, out=product)
        np.add(gate, product, out=gate)
        np.tanh(gate, out=gate)
        np.multiply(gate, scales, out=gate)
        np.add(gate, shifts, out=gate)
        np.multiply(f, before, out=after)
        np.multiply(i, g, out=inward)
        np.add(after, inward, out=after)
        np.tanh(after, out=tanh_c)
        np.multiply(o, tanh_c, out=state)
        hidden = state
    result[steps] = cells[steps]
    kept.update(gates=gates, cells=cells, squashed=squashed)
    return result


def _lstm_back(g, result, kept, hidden, weight_hh):
    gates, squashed = kept["gates"], kept["squashed"]
    i, f, inward, o = _parts(gates, 4)
    slopes = gates - gates * gates  # of the sigmoids; then each times what its gate multiplies
    d_i, d_f, d_inward, d_o = _parts(slopes, 4)
    d_i *= inward
    d_f *= kept["cells"][:-1]
    d_inward[...] = i - i * inward * inward
    d_o *= squashed
    to_cell = o - o * squashed * squashed
    d_cell, d_hidden = g[-1].copy(), np.zeros_like(hidden)
    by_gate = slopes.reshape(*slopes.shape[:2], 4, hidden.shape[1])
    for arriving, to_c, forget, gate, parts in zip(g[-2::-1], to_cell[::-1], f[::-1], slopes[::-1], by_gate[::-1]):
        d_hidden += arriving
        d_cell += d_hidden * to_c
        parts[:, :3] *= d_cell[:, None]
        parts[:, 3] *= d_hidden
        d_cell *= forget
        np.matmul(gate, weight_hh, out=d_hidden)
    return Walk(slopes, slopes, d_hidden, d_cell)


# ---- GRU ----------------------------------------------------------------------------------------------


def _gru(input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, *, kept):
    """The hidden state after each step, (T, B, H) (Cho et al., 2014; as in torch the reset gate acts after a product).

    The gates r and z are sigmoids of W_ih x + b_ih + W_hh h + b_hh; n = tanh(W_in x + b_in + r (W_hn h + b_hn)),
    h = (1 - z) n + z h.
    """
    scales = _scales(weight_ih, (0, 1), 3)
    gates = _from_input(input, weight_ih * scales[:, None], bias_ih * scales)
    across, bias, size = (weight_hh * scales[:, None]).T, bias_hh * scales, hidden.shape[1]
    states, product = np.empty_like(gates, shape=(len(input), *hidden.shape)), np.empty_like(gates[0])
    carried = np.empty_like(states)
    both = gates[..., : 2 * size]
    for r_and_z, r, z, n, into_n, state in zip(both, *_parts(gates, 3), carried, states):
        np.matmul(hidden, across, out=product)
        np.add(product, bias, out=product)
        np.add(r_and_z, product[:, : 2 * size], out=r_and_z)
        np.tanh(r_and_z, out=r_and_z)
        np.multiply(r_and_z, 0.5, out=r_and_z)
        np.add(r_and_z, 0.5, out=r_and_z)
        into_n[...] = product[:, 2 * size :]
        np.multiply(r, into_n, out=state)
        np.add(n, state, out=n)
        np.tanh(n, out=n)
        np.subtract(hidden, n, out=state)
        np.multiply(state, z, out=state)
        np.add(state, n, out=state)
        hidden = state
    kept.update(gates=gates, carried=carried)
    return states


def _gru_back(g, result, kept, hidden, weight_hh):
    gates, carried = kept["gates"], kept["carried"]
    r, z, n = _parts(gates, 3)
    slopes = gates - gates * gates
    d_r, d_z, d_n = _parts(slopes, 3)
    into_n = (1 - z) * (1 - n * n)
    np.multiply(into_n, r, out=d_n)
    d_r *= carried
    d_r *= into_n
    d_z *= _states_before(hidden, result, len(result)) - n
    d_hidden, product = np.zeros_like(hidden), np.empty_like(hidden)
    by_gate = slopes.reshape(*slopes.shape[:2], 3, hidden.shape[1])
    for arriving, gate, parts, into, keep in zip(g[::-1], slopes[::-1], by_gate[::-1], into_n[::-1], z[::-1]):
        d_hidden += arriving
        parts *= d_hidden[:, None]
        into *= d_hidden
        d_hidden *= keep
        np.matmul(gate, weight_hh, out=product)
        d_hidden += product
    from_input = np.concatenate([slopes[..., : -len(weight_hh[0])], into_n], axis=-1)
    return Walk(from_input, slopes, d_hidden)


# ---- entries ------------------------------------------------------------------------------------------


def _example(gates, states, **metadata):
    """Three steps of two sequences of two numbers, three hidden units."""
    shapes = [(3, 2, 2), *[(2, 3)] * states, (gates * 3, 2), (gates * 3, 3), (gates * 3,), (gates * 3,)]
    return lambda random: (tuple(random(*shape) for shape in shapes), metadata)


rnn = RecurrentOp(
    "rnn", "input hidden weight_ih weight_hh bias_ih bias_hh", _rnn, _rnn_back,
    functools.partial(_compose, "rnn_cell_simple"), ["nonlinearity"], label="RNN",
    example=_example(1, 1, nonlinearity="tanh"))
lstm = RecurrentOp(
    "lstm", "input hidden cell weight_ih weight_hh bias_ih bias_hh", _lstm, _lstm_back,
    lambda input, hidden, cell, *weights: _compose("lstm_cell_simple", input, (hidden, cell), *weights), label="LSTM",
    example=_example(4, 2))
gru = RecurrentOp(
    "gru", "input hidden weight_ih weight_hh bias_ih bias_hh", _gru, _gru_back,
    functools.partial(_compose, "gru_cell_simple"), label="GRU", example=_example(3, 1))
