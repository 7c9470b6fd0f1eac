"""Calls a function `reparameterise` twice with tensors, and goes back through what it drew first."""

import numpy as np

from . import Unusable
from .dropout import seeded
from .tensors import checked, gradients, leaf


def probe(answer, mean, log_variance, gradient, seed):
    """(drawn, drawn again, gradients of mean and log_variance from the first); all of the arguments' shape.

    gradient: from above; seed: for the random numbers of the engine and of numpy. A gradient that is missing is 0.
    Unusable if what is drawn has another shape or dtype than the mean.
    """
    with seeded(seed):
        leaves = leaf(mean), leaf(log_variance)
        drawn, again = checked(answer(*leaves)), checked(answer(*leaves))
        if tuple(drawn.shape) != mean.shape:
            raise Unusable(f"The sample has shape {tuple(drawn.shape)}; it should have the mean's, {mean.shape}.")
        if drawn.dtype != leaves[0].dtype:
            raise Unusable(
                f"The sample is {drawn.detach().numpy().dtype}, the mean {mean.dtype}, and the decoder takes no other: "
                "noise from numpy needs `dtype=mean.dtype`, `torch.randn_like(mean)` has it.")
        found = gradients(drawn, gradient, leaves)
    zeros = np.zeros_like(gradient)
    return drawn.detach().numpy(), again.detach().numpy(), *(zeros if each is None else each for each in found)
