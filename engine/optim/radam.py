"""RAdam: Adam that trusts its average of squares only when it has seen enough of them."""

import math

import numpy as np

from engine.optim.optimizer import Optimizer, check_settings, move_average, move_average_of_squares, next_step
from engine.optim.optimizer import with_decay

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """Liu et al. 2020, "On the variance of the adaptive learning rate and beyond".

    ρₜ says how many gradients the average of squares is worth. Up to 5, the step is along the mean alone; beyond, it is
    Adam's times a rectification that grows to 1. weight_decay, decoupled_weight_decay: as Adam.
    """

    def __init__(
        self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *,
        foreach=None, maximize=False, capturable=False, differentiable=False,
    ):  # fmt: skip
        check_settings(lr, betas, eps=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        (beta1, beta2), lr = settings["betas"], settings["lr"]
        state = self._zeros(parameter, "exp_avg", "exp_avg_sq")
        step = next_step(state)
        if settings["decoupled_weight_decay"]:
            parameter.array *= 1 - lr * settings["weight_decay"]
        else:
            gradient = with_decay(gradient, parameter, settings["weight_decay"])
        mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
        move_average(mean, gradient, beta1)
        move_average_of_squares(square, gradient, beta2)
        size, correction = lr / (1 - beta1**step), 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / correction
        if length > 5:
            rectification = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            size *= math.sqrt(rectification * correction)
            parameter.array -= size * mean / (np.sqrt(square) + settings["eps"])
        else:
            parameter.array -= size * mean
