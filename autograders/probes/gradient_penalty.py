"""Calls a function `gradient_penalty` with a small critic, and goes back through what it returns."""

import engine as torch

from .modules import array_or_none
from .tensors import checked


class Critic(torch.nn.Module):
    """x @ slope + (x @ across)² @ bend for each sample, read as one row: a score (N, 1), whose slope depends on x."""

    def __init__(self, slope, across, bend):
        super().__init__()
        self.slope, self.across = torch.nn.Parameter(torch.tensor(slope)), torch.nn.Parameter(torch.tensor(across))
        self.bend = torch.nn.Parameter(torch.tensor(bend))

    def forward(self, x):
        x = x.flatten(1)
        return (x @ self.slope + (x @ self.across) ** 2 @ self.bend).unsqueeze(1)


def probe(answer, real, fake, t, slope, across, bend):
    """The penalty and what a critic learns from it.

    real, fake: (N, ...), t: (N, 1, ...), slope: (D,), across: (D, K), bend: (K,), where a sample has D numbers.
    Returns the penalty () and the critic's gradients: of slope, across and bend, zeros where the penalty gives none.
    """
    critic = Critic(slope, across, bend)
    penalty = checked(answer(critic, *(torch.from_numpy(array) for array in (real, fake, t))), "the penalty")
    if penalty.requires_grad and penalty.ndim == 0:
        penalty.backward()
    parameters = critic.slope, critic.across, critic.bend
    found = (torch.zeros_like(each) if each.grad is None else each.grad for each in parameters)
    return penalty.detach().numpy(), *(array_or_none(each.detach()) for each in found)
