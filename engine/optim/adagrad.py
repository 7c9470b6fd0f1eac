"""Adagrad: gradients divided by the root of the sum of all squares so far."""

import numpy as np

from engine.optim.optimizer import Optimizer, check_hints, check_settings, next_step, number_tensor, with_decay
from engine.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """θ ← θ − lr / (1 + (t − 1) · lr_decay) · g / (√s + eps), s the sum of g² (Duchi, Hazan & Singer 2011).

    "Adaptive subgradient methods for online learning and stochastic optimization". initial_accumulator_value: where s starts.
    """

    def __init__(
        self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *,
        maximize=False, differentiable=False, fused=None,
    ):  # fmt: skip
        start = initial_accumulator_value
        check_settings(lr, lr_decay=lr_decay, weight_decay=weight_decay, initial_accumulator_value=start, eps=eps)
        check_hints(foreach, fused)
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": start, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for parameter in group["params"]:
                self._state(parameter, group)

    def _state(self, parameter, settings):
        state = self.state[parameter]
        if not state:
            start = settings["initial_accumulator_value"]
            state.update(step=number_tensor(0.0), sum=Tensor(np.full_like(parameter.array, start)))
        return state

    def _update(self, parameter, gradient, settings):
        state = self._state(parameter, settings)
        step = next_step(state)
        gradient = with_decay(gradient, parameter, settings["weight_decay"])
        total = state["sum"].array
        total += gradient * gradient
        size = settings["lr"] / (1 + (step - 1) * settings["lr_decay"])
        parameter.array -= size * gradient / (np.sqrt(total) + settings["eps"])
