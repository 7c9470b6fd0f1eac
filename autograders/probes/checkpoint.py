"""Uses a class `Checkpoint` (an autograd Function): runs a small network through it, and watches memory and work."""

import numpy as np

import engine as torch
from engine.autograd.function import FunctionCtx

from . import Unusable
from .modules import array_or_none


def probe(answer, gradient, x, weight):
    """What comes out, the gradients, what was kept for backward, and how often the network ran.

    The network is tanh(x @ weight) * x, with x: (n, d) and weight: (d, d); gradient: (n, d). Returns (value, gradient
    of x, gradient of weight, how many numbers were kept, those of x at least, how often the network ran in all).
    """
    if not issubclass(answer, torch.autograd.Function):
        context = FunctionCtx(needs_input_grad=(False, False))
        answer.forward(context, torch.tanh, torch.tensor(x))  # what it raises matters more
        raise Unusable("`Checkpoint` should be an operation: `class Checkpoint(torch.autograd.Function)`.")
    given = torch.from_numpy(x).requires_grad_()
    shared = torch.from_numpy(weight).requires_grad_()
    runs = []

    def network(inputs):
        runs.append(tuple(inputs.shape))
        return torch.tanh(inputs @ shared) * inputs

    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: _keep(kept, tensor), lambda tensor: tensor):
        value = answer.apply(network, given)
    if not isinstance(value, torch.Tensor):
        raise Unusable(f"`forward` should return what the function gives; it returned `{type(value).__name__}`.")
    if value.requires_grad and tuple(value.shape) == gradient.shape:
        value.backward(torch.tensor(gradient))
    counts = np.array(max(x.size, sum(kept))), np.array(len(runs))
    return value.detach().numpy(), array_or_none(given.grad), array_or_none(shared.grad), *counts


def _keep(kept, tensor):
    kept.append(tensor.numel())
    return tensor
