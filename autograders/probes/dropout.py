"""Uses a class `Dropout`: two passes in training, with a gradient, and one in evaluation."""

import contextlib

import numpy as np

import engine as torch

from . import Unusable
from .modules import array_or_none


def probe(answer, x, p, gradient, seed):
    """(output, another output, gradient of x from the first, output in evaluation); all shaped like x and gradient.

    p: the probability, or None for what the class takes if nothing is said.
    """
    with seeded(seed):
        module = answer(0.5 if p is None else p)  # what it raises by itself comes first
        module = answer() if p is None else module
        if not isinstance(module, torch.nn.Module):
            raise Unusable("`Dropout` should be a module: `class Dropout(nn.Module)`, and call `super().__init__()`.")
        module.train()
        given = torch.tensor(x).requires_grad_()
        output = _output(module, given)
        again = _output(module, torch.tensor(x))
        if output.requires_grad and output.shape == given.shape:
            output.backward(torch.tensor(gradient))
        module.eval()
        evaluated = _output(module, torch.tensor(x))
    for_x = array_or_none(given.grad)
    return (
        output.detach().numpy(),
        again.detach().numpy(),
        np.zeros_like(x) if for_x is None else for_x,
        evaluated.detach().numpy(),
    )


def _output(module, x):
    output = module(x)
    if not isinstance(output, torch.Tensor):
        raise Unusable(f"`forward` should return a tensor; yours returned something of type `{type(output).__name__}`.")
    return output


@contextlib.contextmanager
def seeded(seed):
    """Random numbers as `seed` says, of the engine and of numpy; afterwards both go on where they were."""
    ours, theirs = torch.get_rng_state(), np.random.get_state()
    torch.manual_seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(ours)
        np.random.set_state(theirs)
