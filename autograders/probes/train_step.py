"""Uses a function `train_step`: a few steps of a small model, one parameter of which is frozen."""

import numpy as np

import engine as torch


class Model(torch.nn.Module):
    """x * scale @ weight.T + bias, where `scale` is frozen; remembers the mode that each pass was made in."""

    def __init__(self, weight, bias, scale):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(weight))
        self.bias = torch.nn.Parameter(torch.tensor(bias))
        self.scale = torch.nn.Parameter(torch.tensor(scale), requires_grad=False)
        self.modes = []

    def forward(self, x):
        self.modes.append(self.training)
        return (x * self.scale) @ self.weight.T + self.bias


def weighted_error(prediction, target):
    """The mean of (prediction - target)^2 (1 + target^2): what is wrong by the same counts more where much is at stake.

    Unlike the squared error it notices when its arguments change places.
    """
    return ((prediction - target) ** 2 * (1 + target**2)).mean()


def probe(answer, x, y, weight, bias, scale, rate, momentum, stale):
    """Steps with batches x (steps, N, in) and y (steps, N, out) from weight (out, in), bias (out) and scale (in).

    rate and momentum are those of SGD. stale: whether gradients of something else were left in the parameters.
    The model is in evaluation mode before each step.
    Returns the losses (steps,), all parameters one after another, and for each step: whether the model was used, and in
    training mode only (1: yes); whether it was used, and what came back keeps no graph (1: it does not).
    """
    model = Model(weight, bias, scale)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    if stale:
        for parameter in (model.weight, model.bias):
            parameter.grad = torch.ones_like(parameter)
    losses, in_training, is_plain = [], [], []
    for inputs, targets in zip(x, y):
        model.eval()
        model.modes.clear()
        loss = answer(model, weighted_error, optimizer, torch.from_numpy(inputs), torch.from_numpy(targets))
        losses.append(_number(loss))
        in_training.append(int(bool(model.modes) and all(model.modes)))
        is_plain.append(int(bool(model.modes) and not getattr(loss, "requires_grad", False)))
    parameters = [parameter.detach().numpy().ravel() for parameter in model.parameters()]
    return np.array(losses, x.dtype), np.concatenate(parameters), np.array(in_training), np.array(is_plain)


def _number(loss):
    """What was returned as a number; nan where it is none."""
    loss = loss.detach().numpy() if isinstance(loss, torch.Tensor) else loss
    is_number = isinstance(loss, (int, float, np.ndarray, np.generic)) and np.size(loss) == 1
    return float(np.reshape(loss, ())) if is_number else float("nan")
