"""Uses a class `BatchNorm2d`: a pass forward and backward in training, one more forward, and one in evaluation."""

import engine as torch

from . import Unusable
from .modules import forward_and_backward, with_parameters

BUFFERS = ("running_mean", "running_var")
AT_FIRST = {"weight": 1, "bias": 0}


def probe(answer, x, again, weight, bias, gradient):
    """What the layer does with two batches.

    x, again: two batches (N, C, H, W); weight, bias: (C); gradient: from above, shaped like x.
    Returns the output for x, the gradients of x, weight and bias, the running mean and variance (C) after x and
    `again`, or None for one that the graph reaches, and the output for `again` in evaluation.
    """
    module = with_parameters(answer(weight.shape[0]), {"weight": weight, "bias": bias})
    _require_beginning(answer(weight.shape[0]))
    module.train()
    output, for_x, gradients = forward_and_backward(module, x, gradient)
    module(torch.tensor(again))
    running = [_buffer(module, name) for name in BUFFERS]
    module.eval()
    evaluated = module(torch.tensor(again)).detach().numpy()
    return output, for_x, gradients.get("weight"), gradients.get("bias"), *running, evaluated


def _require_beginning(module):
    """The cases set weight and bias, and so would never show what a new layer has of its own."""
    for name, parameter in module.named_parameters():
        if (parameter != AT_FIRST[name]).any():
            raise Unusable(f"In a new layer `{name}` should be {AT_FIRST[name]} everywhere: it standardizes, no more.")


def _buffer(module, name):
    state = module.state_dict()
    if name not in state:
        raise Unusable(f"`{name}` should be a buffer, so that it is saved with the model: `self.register_buffer`.")
    if dict(module.named_buffers())[name].requires_grad:
        return None  # each batch would hold on to the graphs of all before it
    return state[name].detach().numpy().copy()
