"""Recurrent layers, for sequences, and their cells, for one step; what they compute is in `nn.primitives.recurrent`."""

import math
import warnings

from engine import creation
from engine.amp.autocast_mode import is_autocast_enabled
from engine.autograd.graph import TensorBase
from engine.functions import cat, flip, stack
from engine.functions.arguments import autocasts
from engine.nn import functional, init
from engine.nn.module import Module
from engine.nn.parameter import Parameter
from engine.nn.primitives import recurrent
from engine.nn.simple import lstm_cell_simple

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

# mode -> (entry of the table, its options, gates)
_MODES = {
    "RNN_TANH": (recurrent.rnn, {"nonlinearity": "tanh"}, 1), "RNN_RELU": (recurrent.rnn, {"nonlinearity": "relu"}, 1),
    "LSTM": (recurrent.lstm, {}, 4), "GRU": (recurrent.gru, {}, 3)}
_LAYERS = {entry: autocasts(entry, entry.name) for entry, _, _ in _MODES.values()}
_CELLS = {entry: autocasts(entry, f"{entry.name}_cell") for entry, _, _ in _MODES.values()}


def _draw(module):
    """All parameters uniform within ±1/√hidden_size."""
    bound = 1 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


def _zeros(shape, like):
    return creation.zeros(shape, dtype=like.dtype, device=like.device)


class RNNBase(Module):
    """What RNN, LSTM and GRU have in common: layers, directions, and how a sequence passes through them.

    mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU". num_layers: each reads the output of the one below. bidirectional:
    each layer also reads the sequence backwards, and puts both outputs side by side. dropout: of the outputs of all
    layers but the last, in training. batch_first: input and output are (B, T, ...) instead of (T, B, ...). proj_size:
    the hidden state of an LSTM is multiplied by a matrix (proj_size, hidden_size) before it is used.

    Parameters, of layer k and with `_reverse` for the second direction: weight_ih_lk (gates * hidden_size, I),
    weight_hh_lk (gates * hidden_size, hidden_size), bias_ih_lk and bias_hh_lk (gates * hidden_size), weight_hr_lk; all
    uniform within ±1/√hidden_size at first.
    """

    def __init__(
            self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
            bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__()
        if mode not in _MODES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        for name, value in {"bias": bias, "batch_first": batch_first}.items():
            if not isinstance(value, bool):
                raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
        _check_options(input_size, hidden_size, num_layers, dropout, proj_size, mode)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        rows, state_size = _MODES[mode][2] * hidden_size, proj_size or hidden_size
        directions = 2 if bidirectional else 1
        self._names = []  # for each layer and direction those of its parameters
        for layer in range(num_layers):
            inputs = state_size * directions if layer else input_size
            for suffix in (f"_l{layer}", f"_l{layer}_reverse")[:directions]:
                shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, state_size)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    empty = creation.empty(shape, device=device, dtype=dtype)
                    self.register_parameter(name + suffix, Parameter(empty))
                self._names.append([name + suffix for name in shapes])
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew."""
        _draw(self)

    def flatten_parameters(self):
        """There is nothing to do: torch puts the weights side by side for cuDNN here."""

    @property
    def all_weights(self):
        """For each layer and direction a list of its parameters."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def extra_repr(self):
        """Sizes, and options other than the defaults."""
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0,
                    "bidirectional": False}
        changed = [f"{name}={getattr(self, name)}" for name, value in defaults.items() if getattr(self, name) != value]
        return ", ".join([str(self.input_size), str(self.hidden_size), *changed])

    def forward(self, input, hx=None):
        """(output, state): the hidden states of the last layer after each step, and all layers' states at the end.

        input: (T, B, input_size), (B, T, input_size) with batch_first, or (T, input_size) for one sequence. hx: the
        states to begin with, zeros by default: (layers * directions, B, H), without B for one sequence; of an LSTM a
        tuple of two. output: as input, with directions * H in the last dimension. The state has the form of hx.
        """
        self._check_input(input)
        is_batch, several = input.ndim == 3, self.mode == "LSTM"
        states = hx if several or hx is None else (hx,)
        if states is not None:
            self._check_states(states, input)
        if not is_batch:
            input = input.unsqueeze(1)
            states = states and [each.unsqueeze(1) for each in states]
        elif self.batch_first:
            input = input.transpose(0, 1)
        if not len(input):
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        if states is None:
            states = [_zeros((len(self._names), input.shape[1], size), input) for size in self._state_sizes()]
        output, states = self._through_layers(input, states)
        if not is_batch:
            output, states = output.squeeze(1), [each.squeeze(1) for each in states]
        elif self.batch_first:
            output = output.transpose(0, 1)
        return output, tuple(states) if several else states[0]

    def _through_layers(self, output, states):
        """(output of the last layer, states at the end) of an input (T, B, I)."""
        ends, directions = [], 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            if layer and self.dropout:
                output = functional.dropout(output, self.dropout, self.training)
            outputs = []
            for direction in range(directions):
                place = layer * directions + direction
                begin = [each[place] for each in states]
                found, end = self._one_way(flip(output, (0,)) if direction else output, begin, self._names[place])
                outputs.append(flip(found, (0,)) if direction else found)
                ends.append(end)
            output = outputs[0] if directions == 1 else cat(outputs, -1)
        return output, [stack(each) for each in zip(*ends)]

    def _one_way(self, input, states, names):
        """(hidden states after each step, states at the end) of one layer in one direction."""
        entry, options, _ = _MODES[self.mode]
        weights = [getattr(self, name) for name in names]
        if not self.bias:
            weights[2:2] = [_zeros((len(weights[0]),), weights[0])] * 2
        if self.proj_size:
            return _projected(input, states, weights)
        result = _LAYERS[entry](input, *states, *weights, **options)
        if self.mode == "LSTM":
            return result[:-1], (result[-2], result[-1])
        return result, (result[-1],)

    def _state_sizes(self):
        """The sizes of the hidden state and, of an LSTM, of the cell."""
        return (self.proj_size or self.hidden_size, self.hidden_size)[: 2 if self.mode == "LSTM" else 1]

    def _check_input(self, input):
        name = type(self).__name__
        if not isinstance(input, TensorBase):
            raise TypeError(
                f"{name}: input must be Tensor, not {type(input).__name__} (packed sequences are not supported)")
        if input.ndim not in (2, 3):
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.ndim}D instead")
        weight = getattr(self, self._names[0][0])
        if input.dtype is not weight.dtype and not is_autocast_enabled(input.device.type):
            raise ValueError(
                f"{name}: input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: "
                f"input.to({weight.dtype}), or convert model: model.to({input.dtype})")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.shape[-1]}")

    def _check_states(self, states, input):
        names = ["hx", "cx"] if self.mode == "LSTM" else ["hx"]
        if not isinstance(states, (tuple, list)) or not all(isinstance(each, TensorBase) for each in states):
            wanted = "a tuple of two Tensors" if len(names) == 2 else "a Tensor"
            raise TypeError(f"{type(self).__name__}: hx must be {wanted}")
        if len(states) != len(names):
            raise ValueError(f"{type(self).__name__}: hx must be a tuple (h_0, c_0), got {len(states)} tensors")
        kind = "batched 3-D" if input.ndim == 3 else "unbatched 2-D"
        if any(each.ndim != input.ndim for each in states):
            found = ", ".join(f"{each.ndim}-D" for each in states)
            found = f"({found}) tensors" if len(names) == 2 else f"{found} tensor"
            raise RuntimeError(f"For {kind} input, {' and '.join(names)} should also be {input.ndim}-D but got {found}")
        batch = [] if input.ndim == 2 else [input.shape[0 if self.batch_first else 1]]
        for place, (name, each, size) in enumerate(zip(names, states, self._state_sizes())):
            wanted = (len(self._names), *batch, size)
            if tuple(each.shape) != wanted:
                place = f"[{place}]" if len(names) == 2 else ""
                raise RuntimeError(f"Expected hidden{place} size {wanted}, got {list(each.shape)}")
            if each.dtype is not input.dtype and not is_autocast_enabled(input.device.type):
                raise RuntimeError(f"input has dtype {input.dtype} but {name} has {each.dtype}")


def _check_options(input_size, hidden_size, num_layers, dropout, proj_size, mode):
    if isinstance(dropout, bool) or not 0 <= float(dropout) <= 1:
        raise ValueError(f"dropout should be a number in range [0, 1], the probability of a zero, got {dropout}")
    for name, value in {"hidden_size": hidden_size, "input_size": input_size, "num_layers": num_layers}.items():
        if name != "num_layers" and not isinstance(value, int):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero, got {value}")
    if proj_size < 0:
        raise ValueError(f"proj_size should be a positive integer or zero to disable projections, got {proj_size}")
    if proj_size and mode != "LSTM":
        raise ValueError(f"proj_size argument is only supported for LSTM, not {mode}")
    if proj_size >= hidden_size:
        raise ValueError(f"proj_size has to be smaller than hidden_size, got {proj_size} and {hidden_size}")
    if float(dropout) > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}", stacklevel=4)


def _projected(input, states, weights):
    """An LSTM whose hidden state is projected (Sak et al., 2014), step by step."""
    (hidden, cell), projection, outputs = states, weights[4], []
    biases = [each.to(cell.dtype) for each in weights[2:4]]  # autocast leaves them to us
    for step in input:
        hidden, cell = lstm_cell_simple(step, (hidden, cell), *weights[:2], *biases)
        hidden = hidden @ projection.T
        outputs.append(hidden)
    return stack(outputs), (hidden, cell)


class RNN(RNNBase):
    """Elman's network: h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or relu (Elman, 1990). See RNNBase."""

    def __init__(
            self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
            bidirectional=False, device=None, dtype=None):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        options = (num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, *options)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: gates say what a cell takes in, forgets and shows (Hochreiter and Schmidhuber, 1997).

    See RNNBase. The gates in the weights are i, f, g, o: c_t = f c_(t-1) + i g, h_t = o tanh(c_t).
    """

    def __init__(
            self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
            proj_size=0, device=None, dtype=None):
        options = (num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype)
        super().__init__("LSTM", input_size, hidden_size, *options)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al., 2014). See RNNBase.

    The gates in the weights are r, z, n: n_t = tanh(W_in x_t + b_in + r (W_hn h_(t-1) + b_hn)), h_t = (1 - z) n_t +
    z h_(t-1).
    """

    def __init__(
            self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
            device=None, dtype=None):
        options = (num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__("GRU", input_size, hidden_size, *options)


# ---- one step -----------------------------------------------------------------------------------------


class RNNCellBase(Module):
    """What the cells have in common: weight_ih (gates * H, I), weight_hh (gates * H, H), bias_ih and bias_hh
    (gates * H), all uniform within ±1/√H at first."""

    _mode = ""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        shapes = {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size)}
        for name, shape in (shapes | {"bias_ih": (rows,), "bias_hh": (rows,)}).items():
            empty = Parameter(creation.empty(shape, device=device, dtype=dtype)) if bias or len(shape) == 2 else None
            self.register_parameter(name, empty)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters anew."""
        _draw(self)

    def extra_repr(self):
        """Sizes, and options other than the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        text += "" if self.bias is True else f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def forward(self, input, hx=None):
        """The next state from input (B, input_size) or (input_size), and the state before, zeros by default."""
        name = type(self).__name__
        if not isinstance(input, TensorBase):
            raise TypeError(f"{name}: input must be Tensor, not {type(input).__name__}")
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        states = hx if self._mode == "LSTM" else (None if hx is None else (hx,))
        row = input if input.ndim == 2 else input.unsqueeze(0)
        if states is None:
            states = [_zeros((len(row), self.hidden_size), row)] * (2 if self._mode == "LSTM" else 1)
        else:
            self._check(states, input, name)
            states = states if input.ndim == 2 else [each.unsqueeze(0) for each in states]
        if row.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {row.shape[1]} expected {self.input_size}")
        biases = [self.bias_ih, self.bias_hh] if self.bias else [_zeros((len(self.weight_ih),), row)] * 2
        entry, options, _ = _MODES[self._mode]
        result = _CELLS[entry](row.unsqueeze(0), *states, self.weight_ih, self.weight_hh, *biases, **options)
        return result if input.ndim == 2 else result.squeeze(1)

    def _check(self, states, input, name):
        is_tuple = isinstance(states, (tuple, list)) and all(isinstance(each, TensorBase) for each in states)
        if not is_tuple or len(states) != (2 if self._mode == "LSTM" else 1):
            wanted = "a tuple of two Tensors" if self._mode == "LSTM" else "Tensor"
            raise TypeError(f"{name}: argument 'hx' (position 2) must be {wanted}, not {type(states).__name__}")
        for place, each in enumerate(states):
            if each.ndim not in (1, 2):
                raise ValueError(f"{name}: Expected hidden{place} to be 1D or 2D, got {each.ndim}D instead")
            if input.ndim == 2 and each.ndim == 2 and len(each) != len(input):
                raise RuntimeError(f"Input batch size {len(input)} doesn't match hidden{place} batch size {len(each)}")
            if each.ndim != input.ndim or each.shape[-1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{place} has shape {list(each.shape)}, expected {[*input.shape[:-1], self.hidden_size]}")


class RNNCell(RNNCellBase):
    """A step of an RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman, 1990). See RNNCellBase."""

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    @property
    def _mode(self):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return f"RNN_{self.nonlinearity.upper()}"

    def forward(self, input, hx=None):
        """The next hidden state, (B, hidden_size) or (hidden_size), as input and hx."""
        return super().forward(input, hx)[0]


class LSTMCell(RNNCellBase):
    """A step of an LSTM (Hochreiter and Schmidhuber, 1997). See RNNCellBase."""

    _mode = "LSTM"

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        """(hidden, cell), the next ones; hx: those before. Each (B, hidden_size) or (hidden_size), as input."""
        result = super().forward(input, hx)
        return result[0], result[1]


class GRUCell(RNNCellBase):
    """A step of a GRU (Cho et al., 2014). See RNNCellBase."""

    _mode = "GRU"

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        """The next hidden state, (B, hidden_size) or (hidden_size), as input and hx."""
        return super().forward(input, hx)[0]
