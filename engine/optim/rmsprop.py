"""RMSprop: gradients divided by the root of their mean square."""

import numpy as np

from engine.optim.optimizer import Optimizer, check_settings, move_average, move_average_of_squares, next_step
from engine.optim.optimizer import with_decay

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """θ ← θ − lr · g / (√v + eps), v the moving average of g² (Hinton 2012, Neural Networks for Machine Learning, 6e).

    centered: v less the square of the mean gradient, which is g's variance (Graves 2013, "Generating sequences with
    recurrent neural networks"). momentum: of the steps, before lr.
    """

    def __init__(
        self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False,
        foreach=None, maximize=False, differentiable=False,
    ):  # fmt: skip
        check_settings(lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
            "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        momentum, centered = settings["momentum"], settings["centered"]
        names = ["square_avg"] + ["momentum_buffer"] * (momentum > 0) + ["grad_avg"] * bool(centered)
        state = self._zeros(parameter, *names)
        next_step(state)
        gradient = with_decay(gradient, parameter, settings["weight_decay"])
        square = state["square_avg"].array
        move_average_of_squares(square, gradient, settings["alpha"])
        if centered:
            mean = state["grad_avg"].array
            move_average(mean, gradient, settings["alpha"])
            square = square - mean * mean
        step = gradient / (np.sqrt(square) + settings["eps"])
        if momentum > 0:
            velocity = state["momentum_buffer"].array
            velocity *= momentum
            velocity += step
            step = velocity
        parameter.array -= settings["lr"] * step
