"""Uses a function `gan_step`: a few steps of a small generator and a small discriminator, which are watched."""

import numpy as np

import engine as torch

from . import Unusable
from .tensors import pair


class Generator(torch.nn.Module):
    """z @ weight + bias."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = torch.nn.Parameter(torch.tensor(weight)), torch.nn.Parameter(torch.tensor(bias))

    def forward(self, z):
        return z @ self.weight + self.bias


class Discriminator(torch.nn.Module):
    """x @ slope + x² @ bend + bias: a logit for each row."""

    def __init__(self, slope, bend, bias):
        super().__init__()
        self.slope, self.bend = torch.nn.Parameter(torch.tensor(slope)), torch.nn.Parameter(torch.tensor(bend))
        self.bias = torch.nn.Parameter(torch.tensor(bias))

    def forward(self, x):
        return x @ self.slope + x**2 @ self.bend + self.bias


class Watched(torch.optim.SGD):
    """Calls `before` before each step."""

    def __init__(self, parameters, lr, before):
        super().__init__(parameters, lr=lr)
        self.before = before

    def step(self, closure=None):
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.before()
        super().step()
        return None if closure is None else loss


def squared_errors(real, fake):
    """The losses of least-squares GANs (Mao et al., 2017): unlike logarithms, polynomials."""
    return ((real - 1) ** 2).mean() + (fake**2).mean(), ((fake - 1) ** 2).mean()


def probe(answer, x, z, weight, bias, slope, bend, offset, rate, stale):
    """Steps with batches x (steps, N, D) and z (steps, N, K), from a generator's weight (K, D) and bias (D,), and a
    discriminator's slope and bend (D,) and offset (1,).

    rate: of both optimizers, which are SGD. stale: whether gradients of something else were left in both networks.
    Returns the discriminator's losses (steps,), its parameters at the end, the generator's losses and its parameters,
    and for each step whether the discriminator stepped while the generator's gradients were untouched (1: yes), and
    whether what came back keeps no graph (1: it does not).
    """
    generator, discriminator = Generator(weight, bias), Discriminator(slope, bend, offset)
    if stale:
        for parameter in (*generator.parameters(), *discriminator.parameters()):
            parameter.grad = torch.ones_like(parameter)
    untouched, before = [], []

    def look():
        untouched.append(all(_is_as_before(*each) for each in zip(generator.parameters(), before[-1])))

    optimizers = Watched(generator.parameters(), rate, lambda: None), Watched(discriminator.parameters(), rate, look)
    losses, left_alone, plain = [], [], []
    for real, noise in zip(x, z):
        before.append([None if each.grad is None else each.grad.numpy().copy() for each in generator.parameters()])
        untouched.clear()
        arguments = (squared_errors, *optimizers, torch.from_numpy(real), torch.from_numpy(noise))
        given = pair(answer(generator, discriminator, *arguments), "d_loss, g_loss")
        losses.append([_number(loss) for loss in given])
        left_alone.append(int(untouched == [True]))
        plain.append(int(not any(getattr(loss, "requires_grad", False) for loss in given)))
    d_losses, g_losses = np.array(losses, x.dtype).T
    ends = [np.concatenate([each.detach().numpy().ravel() for each in net.parameters()])
            for net in (discriminator, generator)]
    return d_losses, ends[0], g_losses, ends[1], np.array(left_alone), np.array(plain)


def _is_as_before(parameter, gradient):
    """Whether the gradient is none, zero, or what it was before the step began."""
    if parameter.grad is None or not parameter.grad.numpy().any():
        return True
    return gradient is not None and np.array_equal(parameter.grad.numpy(), gradient)


def _number(loss):
    """What was returned as a number."""
    loss = loss.detach().numpy() if isinstance(loss, torch.Tensor) else loss
    if not isinstance(loss, (int, float, np.ndarray, np.generic)) or np.size(loss) != 1:
        raise Unusable("Both losses should come back as numbers: `d_loss.item(), g_loss.item()`.")
    return float(np.reshape(loss, ()))
