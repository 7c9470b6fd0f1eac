"""SGD: stochastic gradient descent, with momentum."""

from engine.optim.optimizer import Optimizer, check_hints, check_settings, with_decay
from engine.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """θ ← θ − lr · g. With momentum: v ← momentum · v + (1 − dampening) · g and θ ← θ − lr · v.

    nesterov: the step is along g + momentum · v instead (Nesterov 1983, as in Sutskever et al. 2013, "On the importance
    of initialization and momentum in deep learning"). weight_decay: added to g as weight_decay · θ. maximize: go uphill.
    """

    def __init__(
        self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
        foreach=None, differentiable=False, fused=None,
    ):  # fmt: skip
        check_settings(lr, momentum=momentum, weight_decay=weight_decay)
        check_hints(foreach, fused, lr=lr)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        }  # fmt: skip
        super().__init__(params, defaults)

    def _update(self, parameter, gradient, settings):
        momentum = settings["momentum"]
        step = with_decay(gradient, parameter, settings["weight_decay"])
        if momentum:
            velocity = self._velocity(parameter, step, momentum, settings["dampening"])
            step = step + momentum * velocity if settings["nesterov"] else velocity
        parameter.array -= settings["lr"] * step

    def _velocity(self, parameter, gradient, momentum, dampening):
        """The moving sum of gradients; the first one as it is."""
        state = self.state[parameter]
        if state.get("momentum_buffer") is None:
            state["momentum_buffer"] = Tensor(gradient.copy())
            return gradient
        velocity = state["momentum_buffer"].array
        velocity *= momentum
        velocity += gradient if dampening == 0 else (1 - dampening) * gradient
        return velocity
