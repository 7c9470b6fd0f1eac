"""Adadelta: steps whose size follows from the sizes of the steps before."""

import numpy as np

from engine.optim.optimizer import Optimizer, check_settings, move_average_of_squares, next_step, with_decay

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """θ ← θ − lr · Δ with Δ = √(u + eps) / √(v + eps) · g (Zeiler 2012, "ADADELTA: an adaptive learning rate method").

    v and u are the moving averages of g² and of Δ², with decay rho.
    """

    def __init__(
        self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False,
        differentiable=False,
    ):  # fmt: skip
        check_settings(lr, eps=eps, weight_decay=weight_decay)
        if not 0 <= rho <= 1:
            raise ValueError(f"Invalid rho value: {rho}")
        defaults = {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize,
            "capturable": capturable, "foreach": foreach, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        rho, eps = settings["rho"], settings["eps"]
        state = self._zeros(parameter, "square_avg", "acc_delta")
        next_step(state)
        gradient = with_decay(gradient, parameter, settings["weight_decay"])
        of_gradients, of_steps = state["square_avg"].array, state["acc_delta"].array
        move_average_of_squares(of_gradients, gradient, rho)
        step = np.sqrt(of_steps + eps) / np.sqrt(of_gradients + eps) * gradient
        move_average_of_squares(of_steps, step, rho)
        parameter.array -= settings["lr"] * step
