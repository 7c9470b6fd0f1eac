"""Calls a function `two_headed_loss` with tensors, and goes back from the loss."""

import numpy as np

from .tensors import as_tensor, checked, leaf


def probe(answer, drawn, images, logits, labels, weight):
    """drawn, images: (N, pixels); logits: (N, classes); labels: (N,), -1 where unknown; weight: a number.

    Returns the loss and the gradients of `drawn` and `logits`, which are 0 where nothing comes back.
    """
    leaves = leaf(drawn), leaf(logits)
    loss = checked(answer(leaves[0], as_tensor(images), leaves[1], as_tensor(labels), weight), "the loss")
    if loss.requires_grad and loss.numel() == 1:
        loss.sum().backward()
    gradients = (np.zeros(tuple(each.shape), drawn.dtype) if each.grad is None else each.grad.numpy() for each in leaves)
    return loss.detach().numpy(), *gradients
