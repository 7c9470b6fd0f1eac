"""Calls a function `grad_cam` with a small network in two parts, whose gradient differs from place to place."""

import engine as torch

from . import Unusable
from .tensors import as_tensor, checked


class Features(torch.nn.Module):
    """(N, in, H, W) -> (N, C, H, W): a mixture of the channels at each place."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, x):
        return torch.einsum("ci,nihw->nchw", self.weight, x)


class Head(torch.nn.Module):
    """(N, C, H, W) -> scores (N, K): the squares of the features, times weights (K, C, H, W), added up and halved."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))

    def forward(self, features):
        return torch.einsum("nchw,kchw->nk", features * features, self.weight) / 2


def probe(answer, x, mixture, weight, labels, is_training):
    """The maps (N, H, W) for images x (N, in, H, W) and their labels (N,).

    mixture: (C, in), weight: (K, C, H, W), of the two parts. is_training: whether the parameters hold gradients, which
    have to be there afterwards, and the maps be without a graph (Unusable if not).
    """
    features, head = Features(mixture), Head(weight)
    if is_training:
        for part in (features, head):
            part.weight.grad = torch.ones_like(part.weight)
    maps = checked(answer(features, head, as_tensor(x), as_tensor(labels)), "what comes back")
    for part in (features, head) if is_training else ():
        if part.weight.grad is None or (part.weight.grad != 1).any():
            change = "gone" if part.weight.grad is None else "changed"
            raise Unusable(f"The gradients that the parameters held before are {change}: leave them as they are.")
    if is_training and maps.requires_grad:
        raise Unusable("The maps still have a graph: `detach()` what comes back.")
    return maps.detach().numpy()
