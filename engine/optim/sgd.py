"""Stochastic gradient descent, with momentum (Polyak, 1964) and Nesterov's (Sutskever et al., 2013)."""

from engine import backend
from engine.kernels import one_kernel
from engine.optim.optimizer import Optimizer, directed, settings
from engine.optim.together import elementwise
from engine.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """θ ← θ − lr · g, where with momentum g is the running sum v ← momentum · v + (1 − dampening) · g instead.

    lr: the learning rate. momentum, dampening, weight_decay (adds weight_decay · θ to g): 0 unless given. nesterov:
    step by g + momentum · v. maximize: go up. ValueError for negative settings; foreach, fused: without effect.
    State: momentum_buffer.
    """

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
                 foreach=None, differentiable=False, fused=None):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, settings(locals()))

    @elementwise
    def _update(self, value, grad, state, group):
        momentum = group["momentum"]
        if not backend.is_on_cpu(value) and not (momentum and "momentum_buffer" not in state):
            return self._update_on_gpu(value, grad, state, group)
        grad = directed(grad, value, group)
        if momentum:
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = Tensor(grad.copy())
            else:
                velocity.array *= momentum
                velocity.array += (1 - group["dampening"]) * grad if group["dampening"] else grad
            grad = grad + momentum * velocity.array if group["nesterov"] else velocity.array
        value -= group["lr"] * grad

    def _update_on_gpu(self, value, grad, state, group):
        """The same, with momentum from the second step on."""
        momentum = group["momentum"]
        velocity = state["momentum_buffer"].array if momentum else None
        sgd_step(
            value, grad, velocity, -1 if group["maximize"] else 1, group["lr"], group["weight_decay"] or None, momentum,
            1 - group["dampening"], momentum if group["nesterov"] else None)


@one_kernel
def sgd_step(value, grad, velocity, sign, lr, weight_decay, momentum, share, ahead):
    """What SGD does to `value` and `velocity`. share: 1 less the dampening; ahead: the momentum, for Nesterov's."""
    grad = grad * sign
    if weight_decay is not None:
        grad = grad + weight_decay * value
    if velocity is not None:
        velocity *= momentum
        velocity += share * grad
        grad = velocity if ahead is None else grad + ahead * velocity
    value -= lr * grad
