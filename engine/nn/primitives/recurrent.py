"""Recurrent layers over a whole sequence, an entry each, with backpropagation through time by hand (Werbos, 1990).

A step is a dozen small operations; recorded one by one they would cost more than they compute. Here one loop fills
arrays made beforehand and keeps the gates; for a gradient another loop walks back over them, once for all inputs, and
the gradients of inputs and weights are then single products over all steps. Sigmoids are computed as
σ(z) = (1 + tanh(z/2)) / 2: with the weights of their rows halved, one tanh serves all gates of a step.

On a GPU each step is a product and one kernel (`lstm_step`, ...), and nothing is prepared for several steps.

Under create_graph an entry is composed anew, step by step, from the cells of `nn.simple`, and those are differentiated.
"""

import collections
import functools
import inspect

import numpy as np

from engine import autograd, backend
from engine.autograd.graph import TensorBase
from engine.functions import stack
from engine.kernels import one_kernel
from engine.ops.shape import reshape
from engine.ops.table import Op

# What the way back over the steps finds: the gradients of what the gates receive from the input and from the hidden
# state before, both (gates * H, T, B), and of the first hidden state and the first cell, (H, B). turned: by how many
# rows `from_hidden` is turned.
Walk = collections.namedtuple("Walk", "from_input from_hidden hidden cell turned", defaults=[None, 0])


class RecurrentOp(Op):
    """An entry for a sequence: input (T, B, I), states before it (B, H) and the weights -> what its forward says.

    forward(*inputs, kept, **metadata) leaves in the dict `kept`, new for each call, what walk_back(g, kept, weight_hh)
    will need to find a `Walk`, the `columns` among it. compose(*inputs, **metadata): the same as forward, in tensor
    operations. metadata: the names of the keywords. Halves are computed in float32 and rounded once.
    """

    def __init__(self, name, inputs, forward, walk_back, compose, metadata=(), **options):
        self.walk_back, self.compose = walk_back, compose
        names = inputs.split()
        signature = inspect.Signature([
            inspect.Parameter(each, inspect.Parameter.POSITIONAL_ONLY)
            for each in ("g", *names, "kept", *metadata)])
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
        inputs, (kept, *metadata) = dict(zip(self.inputs, values)), values[count:]
        if isinstance(g, TensorBase):
            if not shared:
                shared.update(self._composed_gradients(g, inputs, metadata))
            return shared[wanted]
        g, weight_ih, weight_hh = _wide([g, inputs["weight_ih"], inputs["weight_hh"]])
        if not shared:
            shared["walk"] = self.walk_back(g, kept, weight_hh)
        return _gradient(wanted, shared["walk"], kept, weight_ih)

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


def _empty(shape, like):
    """A row-major array of the type and on the device of `like`."""
    return np.empty_like(like, shape=shape, order="C")


def _wide(arrays):
    """Arrays of halves as float32, others as they are."""
    return [each.astype(np.float32) if each.dtype.itemsize == 2 else each for each in arrays]


def _rounding(forward):
    """`forward`, computed on wide arrays."""

    def rounded(*arrays, **metadata):
        return forward(*_wide(arrays), **metadata).astype(arrays[0].dtype, copy=False)

    return rounded


def _gradient(wanted, walk, kept, weight_ih):
    """The gradient of one input, from the way back: a product or a sum over all steps."""
    if wanted in ("hidden", "cell"):
        return getattr(walk, wanted).T.copy()
    columns, inputs = kept["columns"], weight_ih.shape[1]
    steps, batch = columns.shape[1] - 1, columns.shape[2]
    gates = walk.from_input if wanted in ("input", "weight_ih", "bias_ih") else walk.from_hidden
    gates, ones = gates.reshape(len(gates), steps * batch), columns[inputs, :steps].reshape(-1)
    if wanted == "input":
        found = _empty((steps * batch, inputs), gates)
        return np.matmul(gates.T, weight_ih, out=found).reshape(steps, batch, inputs)
    if wanted == "weight_ih":
        return np.matmul(gates, columns[:inputs, :steps].reshape(inputs, -1).T)
    if wanted == "bias_ih":
        return np.matmul(gates, ones)
    if wanted == "weight_hh":
        before = columns[inputs + 1 :, :steps]
        found = np.matmul(gates, before.reshape(len(before), -1).T)
    else:
        found = np.matmul(gates, ones)
    return np.roll(found, -walk.turned, axis=0) if walk.turned else found


# ---- what the loops over the steps work on ------------------------------------------------------------


def _columns(input, hidden):
    """What the gates are computed from, (I + 1 + H, T + 1, B): x, a 1 for the bias, and h, the first of which is known.

    For each step a matrix with a column for each sequence: so a gate of all sequences is one block of memory.
    """
    steps, batch, inputs = input.shape
    columns = _empty((inputs + 1 + hidden.shape[1], steps + 1, batch), input)
    columns[:inputs, :steps] = input.transpose(2, 0, 1)
    columns[inputs] = 1
    columns[inputs + 1 :, 0] = hidden.T
    return columns


def _by_step(columns):
    """(rows, T, B) as a view (T, rows, B), to go through."""
    return columns.transpose(1, 0, 2)


def _weights(weight_ih, bias, weight_hh, gates=1, sigmoids=()):
    """What multiplies the columns, (gates * H, I + 1 + H); rows of the gates that are sigmoids are halved."""
    weights = np.concatenate([weight_ih, bias[:, None], weight_hh], axis=1)
    size = len(weights) // gates
    for gate in sigmoids:
        weights[gate * size : (gate + 1) * size] *= 0.5
    return weights


def _parts(gates, count):
    """(T, count * H, B) as so many views (T, H, B)."""
    size = gates.shape[1] // count
    return [gates[:, each * size : (each + 1) * size] for each in range(count)]


def _from_halved(tanh):
    """σ(z), where `tanh` is that of z / 2; in place."""
    np.multiply(tanh, 0.5, out=tanh)
    np.add(tanh, 0.5, out=tanh)


def _as_result(columns, inputs, more=0):
    """The hidden state after each step, (T + more, B, H), and room for `more` beyond."""
    states = columns[inputs + 1 :, 1:]
    size, steps, batch = states.shape
    result = _empty((steps + more, batch, size), columns)
    result[:steps] = states.transpose(1, 2, 0)
    return result


def _arriving(g):
    """The gradient (T, B, H) with a column for each sequence, (T, H, B)."""
    steps, batch, size = g.shape
    arriving = _empty((steps, size, batch), g)
    arriving[...] = g.transpose(0, 2, 1)
    return arriving


# How many elements of gates the way back prepares at once: what all steps need of each other is little, and the rest
# is computed for several steps in one call, but for so few that they stay in the cache.
PIECE = 1 << 17


def _pieces(steps, elements):
    """Slices of the steps, the last first, of about PIECE elements where each step has so many."""
    count = max(1, PIECE // max(elements, 1))
    return [slice(max(0, stop - count), stop) for stop in range(steps, 0, -count)]


def _slopes(gates, out):
    """s (1 - s) for sigmoids s, into `out`."""
    np.multiply(gates, gates, out=out)
    np.subtract(gates, out, out=out)


def _tanh_slopes(tanh, out):
    """1 - t², into `out`."""
    np.multiply(tanh, tanh, out=out)
    np.subtract(1, out, out=out)


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
    inputs, weights = input.shape[2], _weights(weight_ih, bias_ih + bias_hh, weight_hh)
    columns = _columns(input, hidden)
    summed = np.empty_like(columns, shape=hidden.T.shape)
    for column, state in zip(_by_step(columns), _by_step(columns[inputs + 1 :, 1:])):
        np.matmul(weights, column, out=summed)
        np.tanh(summed, out=state) if nonlinearity == "tanh" else np.maximum(summed, 0, out=state)
    kept.update(columns=columns, nonlinearity=nonlinearity)
    return _as_result(columns, inputs)


def _rnn_back(g, kept, weight_hh):
    states = kept["columns"][-weight_hh.shape[1] :, 1:]
    if kept["nonlinearity"] == "tanh":
        d_gates = 1 - states * states
    else:
        d_gates = (states > 0).astype(states.dtype)
    d_hidden, across = np.zeros_like(states, shape=states[:, 0].shape), weight_hh.T
    for gate, arriving in zip(_by_step(d_gates)[::-1], _arriving(g)[::-1]):
        d_hidden += arriving
        gate *= d_hidden
        np.matmul(across, gate, out=d_hidden)
    return Walk(d_gates, d_gates, d_hidden)


# ---- LSTM ---------------------------------------------------------------------------------------------


def _lstm(input, hidden, cell, weight_ih, weight_hh, bias_ih, bias_hh, *, kept):
    """(T + 1, B, H): the hidden state after each step, then the last cell (Hochreiter and Schmidhuber, 1997).

    The gates i, f, o are sigmoids of W_ih x + b_ih + W_hh h + b_hh, g its tanh; c = f c + i g, h = o tanh(c).
    """
    (steps, batch, inputs), size = input.shape, hidden.shape[1]
    weights = _weights(weight_ih, bias_ih + bias_hh, weight_hh, 4, sigmoids=(0, 1, 3))
    columns = _columns(input, hidden)
    gates = _empty((steps, 4 * size, batch), columns)
    cells = _empty((steps + 1, size, batch), columns)
    squashed, inward = _empty((steps, size, batch), columns), np.empty_like(cells[0])
    cells[0] = cell.T
    for column, gate, i_and_f, i, f, g, o, before, after, tanh_c, state in zip(
            _by_step(columns), gates, gates[:, : 2 * size], *_parts(gates, 4), cells, cells[1:], squashed,
            _by_step(columns[inputs + 1 :, 1:])):
        np.matmul(weights, column, out=gate)
        if not backend.is_on_cpu(gate):
            lstm_step(i, f, g, o, before, after, tanh_c, state)
            continue
        np.tanh(gate, out=gate)
        _from_halved(i_and_f)
        _from_halved(o)
        np.multiply(f, before, out=after)
        np.multiply(i, g, out=inward)
        np.add(after, inward, out=after)
        np.tanh(after, out=tanh_c)
        np.multiply(o, tanh_c, out=state)
    kept.update(columns=columns, gates=gates, cells=cells, squashed=squashed)
    result = _as_result(columns, inputs, more=1)
    result[steps] = cells[steps].T
    return result


@one_kernel
def lstm_step(i, f, g, o, before, after, tanh_c, state):
    """The gates, from what they receive (i, f, o: from half of it), and the four that follow from them, in place."""
    i[...] = np.tanh(i) * 0.5 + 0.5
    f[...] = np.tanh(f) * 0.5 + 0.5
    g[...] = np.tanh(g)
    o[...] = np.tanh(o) * 0.5 + 0.5
    after[...] = f * before + i * g
    tanh_c[...] = np.tanh(after)
    state[...] = o * tanh_c


def _lstm_back(g, kept, weight_hh):
    if not backend.is_on_cpu(g):
        return _lstm_back_on_gpu(g, kept, weight_hh)
    gates, across, arriving = kept["gates"], weight_hh.T, _arriving(g)
    (steps, rows, batch), size = gates.shape, weight_hh.shape[1]
    d_gates = _empty((rows, steps, batch), gates)
    d_hidden, d_cell, through = np.zeros_like(arriving[0]), arriving[-1], np.empty_like(arriving[0])
    for piece in _pieces(steps, rows * batch):
        slopes, to_cell = _lstm_slopes(gates[piece], kept["cells"][piece], kept["squashed"][piece])
        by_gate = slopes.reshape(len(slopes), 4, size, batch)
        for its_arriving, to_c, forget, all_four, inner, outer in zip(
                arriving[piece][::-1], to_cell[::-1], gates[piece, size : 2 * size][::-1], slopes[::-1],
                by_gate[::-1, :3], by_gate[::-1, 3]):
            np.add(d_hidden, its_arriving, out=d_hidden)
            np.multiply(d_hidden, to_c, out=through)
            np.add(d_cell, through, out=d_cell)
            np.multiply(inner, d_cell, out=inner)
            np.multiply(outer, d_hidden, out=outer)
            np.multiply(d_cell, forget, out=d_cell)
            np.matmul(across, all_four, out=d_hidden)
        _by_step(d_gates)[piece] = slopes
    return Walk(d_gates, d_gates, d_hidden, d_cell)


def _lstm_slopes(gates, cells, squashed):
    """For some steps: what the gradient of the cell (i, f, g) or of the hidden state (o) is multiplied with on its way
    into each gate, and the latter's on its way to the cell. cells: those before."""
    slopes, to_cell = _empty(gates.shape, gates), _empty(squashed.shape, gates)
    i, f, inward, o = _parts(gates, 4)
    d_i, d_f, d_inward, d_o = _parts(slopes, 4)
    _slopes(gates, out=slopes)
    _tanh_slopes(inward, out=d_inward)
    for slope, factor in ((d_i, inward), (d_f, cells), (d_inward, i), (d_o, squashed)):
        np.multiply(slope, factor, out=slope)
    _tanh_slopes(squashed, out=to_cell)
    np.multiply(to_cell, o, out=to_cell)
    return slopes, to_cell


def _lstm_back_on_gpu(g, kept, weight_hh):
    gates, across, arriving, d_gates = kept["gates"], weight_hh.T, _arriving(g), np.empty_like(kept["gates"])
    d_hidden, d_cell = np.zeros_like(arriving[0]), arriving[-1]
    for *its, all_four in zip(*[each[::-1] for each in (
            arriving[:-1], *_parts(gates, 4), kept["cells"][:-1], kept["squashed"], *_parts(d_gates, 4), d_gates)]):
        lstm_step_back(d_hidden, d_cell, *its)
        np.matmul(across, all_four, out=d_hidden)
    d_gates = _by_step(d_gates).copy()
    return Walk(d_gates, d_gates, d_hidden, d_cell)


@one_kernel
def lstm_step_back(d_hidden, d_cell, arriving, i, f, g, o, before, tanh_c, d_i, d_f, d_g, d_o):
    """The gradients of what the gates received, and `d_cell` for the step before, in place."""
    d_hidden = d_hidden + arriving
    d_cell += d_hidden * (o * (1 - tanh_c * tanh_c))
    d_i[...] = d_cell * (g * (i - i * i))
    d_f[...] = d_cell * (before * (f - f * f))
    d_g[...] = d_cell * (i * (1 - g * g))
    d_o[...] = d_hidden * (tanh_c * (o - o * o))
    d_cell *= f


# ---- GRU ----------------------------------------------------------------------------------------------


def _gru(input, hidden, weight_ih, weight_hh, bias_ih, bias_hh, *, kept):
    """The hidden state after each step, (T, B, H) (Cho et al., 2014; as in torch the reset gate acts after a product).

    The gates r and z are sigmoids of W_ih x + b_ih + W_hh h + b_hh; n = tanh(W_in x + b_in + r (W_hn h + b_hn)),
    h = (1 - z) n + z h.
    """
    (steps, batch, inputs), size = input.shape, hidden.shape[1]
    weights = _weights(weight_ih, bias_hh, weight_hh, 3, sigmoids=(0, 1))
    weights[: 2 * size, inputs] += bias_ih[: 2 * size] * 0.5
    into_new, weights[2 * size :, :inputs] = weights[2 * size :, : inputs + 1].copy(), 0
    into_new[:, inputs] = bias_ih[2 * size :]
    columns = _columns(input, hidden)
    states = _by_step(columns[inputs + 1 :])
    gates = _empty((steps, 3 * size, batch), columns)
    new, apart = (_empty((steps, size, batch), columns) for _ in range(2))
    np.matmul(into_new, _by_step(columns[: inputs + 1, :steps]), out=new)
    kept_part = np.empty_like(new[0])
    for column, gate, r_and_z, r, z, carried, n, difference, before, after in zip(
            _by_step(columns), gates, gates[:, : 2 * size], *_parts(gates, 3), new, apart, states, states[1:]):
        np.matmul(weights, column, out=gate)
        if not backend.is_on_cpu(gate):
            gru_step(r, z, carried, n, difference, before, after)
            continue
        np.tanh(r_and_z, out=r_and_z)
        _from_halved(r_and_z)
        np.multiply(r, carried, out=kept_part)
        np.add(n, kept_part, out=n)
        np.tanh(n, out=n)
        np.subtract(before, n, out=difference)
        np.multiply(difference, z, out=kept_part)
        np.add(n, kept_part, out=after)
    kept.update(columns=columns, gates=gates, new=new, apart=apart)
    return _as_result(columns, inputs)


@one_kernel
def gru_step(r, z, carried, n, difference, before, after):
    """The gates, from what they receive (r, z: from half of it), and `difference` and `after`, in place."""
    r[...] = np.tanh(r) * 0.5 + 0.5
    z[...] = np.tanh(z) * 0.5 + 0.5
    n[...] = np.tanh(n + r * carried)
    difference[...] = before - n
    after[...] = n + difference * z


def _gru_back(g, kept, weight_hh):
    if not backend.is_on_cpu(g):
        return _gru_back_on_gpu(g, kept, weight_hh)
    gates, new, apart, arriving = kept["gates"], kept["new"], kept["apart"], _arriving(g)
    steps, size, batch = new.shape
    d_gates = _empty((4 * size, steps, batch), gates)  # n from the hidden state, r, z, n from the input
    across = np.roll(weight_hh, size, axis=0).T
    d_hidden, carried = np.zeros_like(new[0]), np.empty_like(new[0])
    for piece in _pieces(steps, 4 * size * batch):
        slopes = _gru_slopes(gates[piece], new[piece], apart[piece])
        by_gate = slopes.reshape(len(slopes), 4, size, batch)
        for its_arriving, all_four, from_hidden, z in zip(
                arriving[piece][::-1], by_gate[::-1], slopes[::-1, : 3 * size], gates[piece, size : 2 * size][::-1]):
            np.add(d_hidden, its_arriving, out=d_hidden)
            np.multiply(all_four, d_hidden, out=all_four)
            np.multiply(d_hidden, z, out=carried)
            np.matmul(across, from_hidden, out=d_hidden)
            np.add(d_hidden, carried, out=d_hidden)
        _by_step(d_gates)[piece] = slopes
    return Walk(d_gates[size:], d_gates[: 3 * size], d_hidden, turned=size)


def _gru_slopes(gates, new, apart):
    """For some steps: what the gradient of the hidden state is multiplied with on its way into each of the four."""
    slopes = _empty((len(gates), gates.shape[1] // 3 * 4, gates.shape[2]), gates)
    r, z, carried = _parts(gates, 3)
    from_hidden, d_r, d_z, from_input = _parts(slopes, 4)
    _tanh_slopes(new, out=from_input)
    np.subtract(1, z, out=d_z)
    np.multiply(from_input, d_z, out=from_input)
    np.multiply(from_input, r, out=from_hidden)
    np.multiply(d_z, z, out=d_z)
    np.multiply(d_z, apart, out=d_z)
    np.subtract(1, r, out=d_r)
    np.multiply(d_r, carried, out=d_r)
    np.multiply(d_r, from_hidden, out=d_r)
    return slopes


def _gru_back_on_gpu(g, kept, weight_hh):
    gates, new, apart, arriving = kept["gates"], kept["new"], kept["apart"], _arriving(g)
    steps, size, batch = new.shape
    d_gates = _empty((steps, 4 * size, batch), gates)  # n from the hidden state, r, z, n from the input
    across = np.roll(weight_hh, size, axis=0).T
    d_hidden, passing = np.zeros_like(new[0]), np.zeros_like(new[0])
    for *its, from_hidden in zip(*[each[::-1] for each in (
            arriving, *_parts(gates, 3), new, apart, *_parts(d_gates, 4), d_gates[:, : 3 * size])]):
        gru_step_back(d_hidden, passing, *its)
        np.matmul(across, from_hidden, out=d_hidden)
    np.add(d_hidden, passing, out=d_hidden)
    d_gates = _by_step(d_gates).copy()
    return Walk(d_gates[size:], d_gates[: 3 * size], d_hidden, turned=size)


@one_kernel
def gru_step_back(d_hidden, passing, arriving, r, z, carried, n, difference, d_carried, d_r, d_z, d_n):
    """The gradients of what the gates received, and what passes by them to the state before, in place."""
    d_hidden = d_hidden + passing + arriving
    d_n[...] = d_hidden * ((1 - n * n) * (1 - z))
    d_carried[...] = d_n * r
    d_z[...] = d_hidden * ((z - z * z) * difference)
    d_r[...] = d_carried * (carried * (1 - r))
    passing[...] = d_hidden * z


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
