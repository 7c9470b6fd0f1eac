"""What chapters build in plain tensor operations, to be read beside the fast ones.

nn.functional's conv2d, max_pool2d and scaled_dot_product_attention and the recurrent entries of nn.primitives give the
same results and gradients; their speed comes from how they use memory.
"""

import math

from engine.functions import einsum, relu, sigmoid, softmax, tanh
from engine.nn.functional import pad

__all__ = [
    "attention_simple", "conv2d_simple", "gru_cell_simple", "lstm_cell_simple", "max_pool2d_simple", "rnn_cell_simple"]

# ---- convolution and pooling ----------------------------------------------------------------------------


def conv2d_simple(input, weight, bias=None, stride=1, padding=0):
    """Each output is the sum of the products of one window of the input with one kernel, plus a bias.

    input: (N, C, H, W), weight: (out, C, KH, KW), bias: (out) or None; result: (N, out, H', W').
    """
    windows = windows_of(pad(input, (padding,) * 4), weight.shape[2:], stride)
    output = einsum("nchwij,ocij->nohw", windows, weight)
    return output if bias is None else output + bias.reshape(-1, 1, 1)


def max_pool2d_simple(input, kernel_size, stride=None):
    """The largest element of each window. input: (N, C, H, W); stride: how far windows are apart (None: their size)."""
    return windows_of(input, (kernel_size, kernel_size), stride or kernel_size).amax((-2, -1))


def windows_of(input, kernel, stride):
    """(N, C, H, W) -> (N, C, H', W', KH, KW): a view of every window of that size, `stride` apart."""
    return input.unfold(2, kernel[0], stride).unfold(3, kernel[1], stride)


# ---- recurrent cells: one step ------------------------------------------------------------------------


def rnn_cell_simple(input, hidden, w_ih, w_hh, b_ih, b_hh, nonlinearity="tanh"):
    """A step of Elman's network (1990): input (B, I), hidden (B, H) -> the next hidden state (B, H)."""
    summed = input @ w_ih.T + b_ih + hidden @ w_hh.T + b_hh
    return tanh(summed) if nonlinearity == "tanh" else relu(summed)


def lstm_cell_simple(input, state, w_ih, w_hh, b_ih, b_hh):
    """A step of long short-term memory (Hochreiter and Schmidhuber, 1997): input (B, I) -> (hidden, cell), each (B, H).

    state: (hidden, cell) before; w_ih (4H, I), w_hh (4H, H), b_ih and b_hh (4H) hold the gates i, f, g, o one after the
    other.
    """
    hidden, cell = state
    gates = input @ w_ih.T + b_ih + hidden @ w_hh.T + b_hh
    write, forget, new, read = gates.chunk(4, -1)
    cell = sigmoid(forget) * cell + sigmoid(write) * tanh(new)
    return sigmoid(read) * tanh(cell), cell


def gru_cell_simple(input, hidden, w_ih, w_hh, b_ih, b_hh):
    """A step of a gated recurrent unit (Cho et al., 2014): input (B, I), hidden (B, H) -> the next hidden state (B, H).

    w_ih (3H, I), w_hh (3H, H), b_ih and b_hh (3H) hold the gates r, z, n one after the other.
    """
    x_reset, x_keep, x_new = (input @ w_ih.T + b_ih).chunk(3, -1)
    h_reset, h_keep, h_new = (hidden @ w_hh.T + b_hh).chunk(3, -1)
    keep = sigmoid(x_keep + h_keep)
    new = tanh(x_new + sigmoid(x_reset + h_reset) * h_new)
    return (1 - keep) * new + keep * hidden


# ---- attention ----------------------------------------------------------------------------------------


def attention_simple(query, key, value, mask=None):
    """softmax(query keyᵀ / √E + mask) value: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V).

    Scaled dot-product attention (Vaswani et al., 2017). mask: (..., L, S), added to the scores: 0 where a query may
    look, -inf where it may not.
    """
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    return softmax(scores if mask is None else scores + mask, -1) @ value
