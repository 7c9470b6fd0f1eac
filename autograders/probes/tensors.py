"""What the probes of functions on tensors share: arrays go in as tensors, and a gradient comes back."""

import engine as torch

from . import Unusable
from .modules import array_or_none


def leaf(array):
    """The array as a tensor that asks for its gradient, on the same memory, so that changes to it are seen."""
    return torch.from_numpy(array).requires_grad_()


def as_tensor(array):
    """The array as a tensor on the same memory; None stays None."""
    return None if array is None else torch.from_numpy(array)


def checked(value, what="what comes back"):
    """`value` if it is a tensor. Unusable otherwise."""
    if not isinstance(value, torch.Tensor):
        raise Unusable(f"{what[0].upper()}{what[1:]} should be a tensor; yours is of type `{type(value).__name__}`.")
    return value


def pair(value, names):
    """`value` if it is a pair. Unusable otherwise, naming what the two should be."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise Unusable(f"Two things should come back, `{names}`.")
    return value


def gradients(output, gradient, leaves):
    """The gradients of the leaves as arrays, or None each, where `output` depends on none or has a wrong shape."""
    if output.requires_grad and tuple(output.shape) == gradient.shape:
        output.backward(torch.from_numpy(gradient.copy()).to(output.dtype))
    return tuple(array_or_none(each.grad) for each in leaves)
