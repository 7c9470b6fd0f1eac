"""Uses a class `ResidualBlock`: parameters are set by name, and it goes forward and backward in evaluation mode."""

import engine as torch

from . import Unusable
from .modules import forward_and_backward, with_parameters

NAMES = ("conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight", "bn2.weight", "bn2.bias")


def probe(answer, x, *arrays):
    """What the block does with images x (N, inputs, H, W).

    arrays: the parameters in the order of NAMES, that of a 1 by 1 convolution `shortcut.weight` or None, and what comes
    back from above, (N, outputs, H, W). BatchNorm is in evaluation mode with mean 0 and variance 1, so that it only
    scales and shifts. Returns the output, and the gradients of x, conv1.weight and conv2.weight.
    """
    *values, shortcut, gradient = arrays
    parameters = dict(zip(NAMES, values))
    module = answer(x.shape[1], gradient.shape[1])
    _require_shortcut(module, shortcut)
    if shortcut is not None:
        parameters["shortcut.weight"] = shortcut
    module = with_parameters(module, parameters).eval()
    output, for_x, gradients = forward_and_backward(module, x, gradient)
    return output, for_x, gradients.get("conv1.weight"), gradients.get("conv2.weight")


def _require_shortcut(module, weight):
    """Say in words what `with_parameters` would only list."""
    shortcut = getattr(module, "shortcut", None)
    if not isinstance(shortcut, torch.nn.Module):
        raise Unusable("The block should have a module `self.shortcut`, whatever the numbers of channels.")
    has_weights = any(True for _ in shortcut.parameters())
    if weight is None and has_weights:
        raise Unusable(
            "With as many outputs as inputs the shortcut should have nothing to learn: `nn.Identity()`. Yours is "
            f"`{shortcut}`."
        )
    if weight is not None and not has_weights:
        raise Unusable(
            f"x has {weight.shape[1]} channels and the output {weight.shape[0]}: the shortcut has to bring the one to "
            f"the other, by a convolution with a kernel of 1 by 1. Yours is `{shortcut}`."
        )
