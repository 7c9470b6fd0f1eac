"""Uses a function `overfit_one_batch`: a small model with a parameter, a frozen one and a buffer, and one batch."""

import numpy as np

import engine as torch

from . import Unusable
from .train_step import weighted_error


class Model(torch.nn.Module):
    """x * scale @ weight.T + bias, where `scale` is frozen; in evaluation mode twice that, as dropout might make it.

    A buffer counts the passes in training mode, as BatchNorm does.
    """

    def __init__(self, weight, bias, scale):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))
        self.bias = torch.nn.Parameter(torch.tensor(bias))
        self.scale = torch.nn.Parameter(torch.tensor(scale), requires_grad=False)
        self.register_buffer("passes", torch.zeros(1, dtype=self.weight.dtype))

    def forward(self, x):
        output = (x * self.scale) @ self.weight.T + self.bias
        if not self.training:
            return 2 * output
        with torch.no_grad():
            self.passes += 1
        return output


def probe(answer, x, y, weight, bias, scale, rate, momentum, steps):
    """What comes back for a batch x (N, in), y (N, out) and a model of weight (out, in), bias (out) and scale (in).

    rate and momentum are those of the SGD that `make_optimizer` makes. The model is handed over in evaluation mode.
    Returns the losses (steps,), and how the model is left: all that it holds, and three numbers, 1 for yes: whether it
    is in evaluation mode, has no gradients, and is remembered by no loss. That is None if nothing was learned.
    """
    model = Model(weight, bias, scale).eval()

    def make_optimizer(parameters):
        return torch.optim.SGD(parameters, lr=rate, momentum=momentum)

    losses = answer(model, weighted_error, make_optimizer, torch.from_numpy(x), torch.from_numpy(y), steps)
    numbers, is_plain = _numbers(losses, x.dtype)
    if steps > 1 and (numbers == numbers[:1]).all():
        return numbers, None
    has_no_gradients = all(parameter.grad is None for parameter in model.parameters())
    state = [each.numpy().ravel() for each in model.state_dict().values()]
    left = np.array([not model.training, has_no_gradients, is_plain], x.dtype)
    return numbers, np.concatenate([*state, left])


def _numbers(losses, dtype):
    """(the losses as an array, whether none of them has a graph)."""
    if isinstance(losses, torch.Tensor):
        return np.atleast_1d(losses.detach().numpy()).astype(dtype), not losses.requires_grad
    if not isinstance(losses, (list, tuple, np.ndarray)):
        raise Unusable(f"A list of losses should come back; yours is of type `{type(losses).__name__}`.")
    is_plain = not any(getattr(loss, "requires_grad", False) for loss in losses)
    try:
        return np.array([float(loss) for loss in losses], dtype), is_plain
    except (TypeError, ValueError, RuntimeError):
        raise Unusable("The losses should be numbers, one for each step.") from None
