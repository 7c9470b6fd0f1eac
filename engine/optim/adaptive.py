"""Steps scaled by the gradients seen so far, each element by its own: Adagrad, RMSprop, Adadelta."""

import numpy as np

from engine.optim.optimizer import Optimizer, directed, kept, move_towards, settings, step_of
from engine.optim.together import elementwise
from engine.tensor import Tensor

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


class RMSprop(Optimizer):
    """θ ← θ − lr · g / (√v + eps), with v the running average of g² (Hinton, 2012, lecture 6e).

    alpha: how much of the average is kept at each step. centered: v less the square of the average g (Graves, 2013).
    momentum: step by a running sum instead. State: step, square_avg, and momentum_buffer, grad_avg if they are used.
    """

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False,
                 capturable=False, foreach=None, maximize=False, differentiable=False):
        super().__init__(params, settings(locals()))

    @elementwise
    def _update(self, value, grad, state, group):
        step_of(state)
        grad, alpha = directed(grad, value, group), group["alpha"]
        square = kept(state, "square_avg", value)
        square *= alpha
        square += (1 - alpha) * grad * grad
        if group["centered"]:
            average = kept(state, "grad_avg", value)
            move_towards(average, grad, 1 - alpha)
            square = square - average * average
        change = grad / (np.sqrt(square) + group["eps"])
        if group["momentum"]:
            velocity = kept(state, "momentum_buffer", value)
            velocity *= group["momentum"]
            velocity += change
            change = velocity
        value -= group["lr"] * change


class Adagrad(Optimizer):
    """θ ← θ − lr · g / (√s + eps), with s the sum of all g² so far (Duchi et al., 2011).

    lr_decay: the rate is lr / (1 + (step − 1) · lr_decay). State: step, sum (initial_accumulator_value at first).
    """

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10,
                 foreach=None, *, maximize=False, differentiable=False, fused=None):
        super().__init__(params, settings(locals()))
        for group in self.param_groups:
            for parameter in group["params"]:
                total = np.full_like(parameter.array, group["initial_accumulator_value"])
                self.state[parameter] = {"step": Tensor(np.zeros((), np.float32)), "sum": Tensor(total)}

    @elementwise
    def _update(self, value, grad, state, group):
        step, grad = step_of(state), directed(grad, value, group)
        total = kept(state, "sum", value)
        total += grad * grad
        value -= group["lr"] / (1 + (step - 1) * group["lr_decay"]) * grad / (np.sqrt(total) + group["eps"])


class Adadelta(Optimizer):
    """θ ← θ − lr · g · √(d + eps) / √(v + eps), with v and d the running averages of g² and of the squared changes
    (Zeiler, 2012). rho: how much of the averages is kept. State: step, square_avg, acc_delta."""

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False,
                 maximize=False, differentiable=False):
        super().__init__(params, settings(locals()))

    @elementwise
    def _update(self, value, grad, state, group):
        step_of(state)
        grad, rho, eps = directed(grad, value, group), group["rho"], group["eps"]
        square, changes = kept(state, "square_avg", value), kept(state, "acc_delta", value)
        square *= rho
        square += (1 - rho) * grad * grad
        change = np.sqrt(changes + eps) / np.sqrt(square + eps) * grad
        changes *= rho
        changes += (1 - rho) * change * change
        value -= group["lr"] * change
