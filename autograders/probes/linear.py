"""Uses a class `Linear`: makes one, sets weight and bias, and goes forward and backward once."""

from .modules import forward_and_backward, with_parameters


def probe(answer, x, weight, bias, gradient):
    """(output, gradients of x, weight and bias). x: (..., in), weight: (out, in), bias: (out), gradient: (..., out)."""
    module = with_parameters(answer(weight.shape[1], weight.shape[0]), {"weight": weight, "bias": bias})
    output, for_x, gradients = forward_and_backward(module, x, gradient)
    return output, for_x, gradients.get("weight"), gradients.get("bias")
