"""Calls a function `gan_losses` with logits, and goes back through both losses."""

import engine as torch

from .modules import array_or_none
from .tensors import checked, leaf, pair


def probe(answer, real, fake):
    """Both losses and their gradients.

    real, fake: logits (N,) and (M,) of real samples and of the generator's.
    Returns the discriminator's loss, its gradients at `real` and `fake`, the generator's loss and its gradient at
    `fake`; losses of shape () and gradients like the logits, zeros where a loss does not depend on them.
    """
    real, fake = leaf(real), leaf(fake)
    names = "the discriminator's loss, the generator's loss"
    d_loss, g_loss = (checked(each, "each of the losses") for each in pair(answer(real, fake), names))
    d_real, d_fake = _gradients(d_loss, (real, fake))
    (g_fake,) = _gradients(g_loss, (fake,))
    return d_loss.detach().numpy(), d_real, d_fake, g_loss.detach().numpy(), g_fake


def _gradients(loss, leaves):
    """What one loss alone gives each leaf."""
    for each in leaves:
        each.grad = torch.zeros_like(each)
    if loss.requires_grad and loss.ndim == 0:
        loss.backward(retain_graph=True)  # the losses may share a part of their graph
    return [array_or_none(each.grad) for each in leaves]
