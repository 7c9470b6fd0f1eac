"""Adamax: Adam with the largest gradient in place of the root of the mean square."""

import numpy as np

from engine.optim.optimizer import Optimizer, check_settings, move_average, next_step, with_decay

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """θ ← θ − lr / (1 − β₁ᵗ) · m / u with u ← max(β₂ · u, |g| + eps) (Kingma & Ba 2015, section 7.1)."""

    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False,
        differentiable=False, capturable=False,
    ):  # fmt: skip
        check_settings(lr, betas, eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        beta1, beta2 = settings["betas"]
        state = self._zeros(parameter, "exp_avg", "exp_inf")
        step = next_step(state)
        gradient = with_decay(gradient, parameter, settings["weight_decay"])
        mean, largest = state["exp_avg"].array, state["exp_inf"].array
        move_average(mean, gradient, beta1)
        largest *= beta2
        np.maximum(largest, np.abs(gradient) + settings["eps"], out=largest)
        parameter.array -= settings["lr"] / (1 - beta1**step) * (mean / largest)
