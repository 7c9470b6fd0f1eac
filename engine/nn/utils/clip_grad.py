"""Limits to gradients, applied in place between backward and the optimizer's step (Pascanu et al., 2012)."""

from engine import autograd, creation, functions, linalg
from engine.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale all gradients by one factor so that the norm of all of them together is at most max_norm.

    parameters: a tensor or several. norm_type: the norm's order, such as 2 or inf. error_if_nonfinite: RuntimeError if
    the norm is inf or nan. foreach: a choice of speed in torch, none here. Returns the norm before, a 0-d tensor.
    """
    gradients = _gradients(parameters)
    if not gradients:
        return creation.tensor(0.0)
    with autograd.no_grad():
        where = gradients[0].device
        norms = [linalg.vector_norm(each, float(norm_type)).to(where) for each in gradients]
        total = linalg.vector_norm(functions.stack(norms), float(norm_type))
        if error_if_nonfinite and not total.isfinite():
            raise RuntimeError(
                f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it "
                "cannot be clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
                "`error_if_nonfinite=False`")
        factor = functions.clamp(float(max_norm) / (total + 1e-6), max=1.0)
        for each in gradients:
            each.mul_(factor.to(each.device, each.dtype))
    return total


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Clamp each element of all gradients to [−clip_value, clip_value]; foreach as for clip_grad_norm_."""
    with autograd.no_grad():
        for each in _gradients(parameters):
            each.clamp_(-float(clip_value), float(clip_value))


def _gradients(parameters):
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [each.grad for each in parameters if each.grad is not None]
