"""Adam and AdamW: steps scaled by moving averages of the gradient and of its square."""

import math

import numpy as np

from engine.optim.optimizer import Optimizer, check_hints, check_settings, move_average, move_average_of_squares
from engine.optim.optimizer import next_step, with_decay
from engine.tensor import Tensor

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """θ ← θ − lr · m̂ / (√v̂ + eps) (Kingma & Ba 2015, "Adam: a method for stochastic optimization").

    m̂ and v̂ are the moving averages of g and g², with decays `betas`, freed of their bias towards the zeros that they
    start from. amsgrad: the largest v̂ so far instead (Reddi et al. 2018, "On the convergence of Adam and beyond").
    weight_decay: added to g as weight_decay · θ; with decoupled_weight_decay, θ shrinks by lr · weight_decay instead.
    """

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
        maximize=False, capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False,
    ):  # fmt: skip
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        check_settings(lr, betas, eps=eps, weight_decay=weight_decay)
        check_hints(foreach, fused, **{"lr": lr, "betas[0]": betas[0], "betas[1]": betas[1]})
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable,
            "fused": fused, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        (beta1, beta2), lr = settings["betas"], settings["lr"]
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * settings["amsgrad"]
        state = self._zeros(parameter, *names)
        step = next_step(state)
        if settings["decoupled_weight_decay"]:
            parameter.array *= 1 - lr * settings["weight_decay"]
        else:
            gradient = with_decay(gradient, parameter, settings["weight_decay"])
        mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
        move_average(mean, gradient, beta1)
        move_average_of_squares(square, gradient, beta2)
        if settings["amsgrad"]:
            largest = state["max_exp_avg_sq"].array
            square = np.maximum(largest, square, out=largest)
        # m̂ = m / (1 − β₁ᵗ) and √v̂ = √v / √(1 − β₂ᵗ); these two numbers go where they cost no pass over an array.
        root_of_bias = math.sqrt(1 - beta2**step)
        change = np.sqrt(square)
        change += settings["eps"] * root_of_bias
        np.divide(mean, change, out=change)
        change *= lr / (1 - beta1**step) * root_of_bias
        parameter.array -= change


class AdamW(Adam):
    """Adam whose weight decay is decoupled: θ shrinks by lr · weight_decay, whatever the gradients were.

    Loshchilov & Hutter 2019, "Decoupled weight decay regularization".
    """

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False,
        foreach=None, capturable=False, differentiable=False, fused=None,
    ):  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip
