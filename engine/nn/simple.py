"""What chapter 7 builds: convolution and pooling in plain tensor operations, to be read beside the fast ones.

nn.functional's conv2d and max_pool2d give the same results and gradients; their speed comes from how they use memory.
"""

from engine.functions import einsum
from engine.nn.functional import pad

__all__ = ["conv2d_simple", "max_pool2d_simple"]


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
