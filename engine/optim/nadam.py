"""NAdam: Adam with Nesterov's momentum."""

import numpy as np

from engine.optim.optimizer import Optimizer, check_settings, move_average, move_average_of_squares, next_step
from engine.optim.optimizer import number_tensor, with_decay

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Adam that already steps along the next mean of gradients (Dozat 2016, "Incorporating Nesterov momentum into Adam").

    The momentum of step t is μₜ = β₁ · (1 − ½ · 0.96^(t · momentum_decay)). weight_decay, decoupled_weight_decay: as Adam.
    """

    def __init__(
        self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
        decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False, differentiable=False,
    ):  # fmt: skip
        check_settings(lr, betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        (beta1, beta2), lr = settings["betas"], settings["lr"]
        state = self._state(parameter)
        step = next_step(state)
        if settings["decoupled_weight_decay"]:
            parameter.array *= 1 - lr * settings["weight_decay"]
        else:
            gradient = with_decay(gradient, parameter, settings["weight_decay"])
        mean, square = state["exp_avg"].array, state["exp_avg_sq"].array
        move_average(mean, gradient, beta1)
        move_average_of_squares(square, gradient, beta2)
        momentum, next_momentum = [beta1 * (1 - 0.5 * 0.96 ** (t * settings["momentum_decay"])) for t in (step, step + 1)]
        state["mu_product"].array *= momentum
        product = state["mu_product"].item()
        scale = np.sqrt(square / (1 - beta2**step)) + settings["eps"]
        parameter.array -= lr * (1 - momentum) / (1 - product) * (gradient / scale)
        parameter.array -= lr * next_momentum / (1 - product * next_momentum) * (mean / scale)

    def _state(self, parameter):
        state = self.state[parameter]
        if not state:
            state.update(step=number_tensor(0.0), mu_product=number_tensor(1.0))
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = type(state["step"])(np.zeros_like(parameter.array))
        return state
