"""Adam and its relatives: steps scaled by running averages of the gradient and of its square, for each element."""

import math

import numpy as np

from engine import backend
from engine.kernels import one_kernel
from engine.optim.optimizer import Optimizer, directed, kept, move_towards, settings, step_of
from engine.optim.together import elementwise

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]


class _Moments(Optimizer):
    """Keeps exp_avg, the running average of g, and exp_avg_sq, that of g², and counts steps."""

    def _decayed(self, grad, value, group):
        """The gradient with the weight decay in it, or the value with it taken off at once (decoupled)."""
        if group.get("decoupled_weight_decay"):
            value *= 1 - group["lr"] * group["weight_decay"]
            return -grad if group["maximize"] else grad
        return directed(grad, value, group)

    def _moments(self, grad, value, state, group):
        """(step, exp_avg, exp_avg_sq), brought up to date."""
        step, (beta1, beta2) = step_of(state), group["betas"]
        average, square = kept(state, "exp_avg", value), kept(state, "exp_avg_sq", value)
        move_towards(average, grad, 1 - beta1)
        square *= beta2
        growth = (1 - beta2) * grad
        growth *= grad
        square += growth
        return step, average, square


class Adam(_Moments):
    """θ ← θ − lr · m̂ / (√v̂ + eps), with m̂ and v̂ the bias-corrected running averages of g and g².

    Kingma and Ba, 2015. betas: how much of the averages is kept at each step. amsgrad: divide by the largest v̂ so far (Reddi et al., 2018).
    weight_decay adds weight_decay · θ to g, or, with decoupled_weight_decay, shrinks θ directly. State: step, exp_avg,
    exp_avg_sq, and max_exp_avg_sq with amsgrad.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False):
        super().__init__(params, settings(locals()))

    @elementwise
    def _update(self, value, grad, state, group):
        if not backend.is_on_cpu(value):
            return self._update_on_gpu(value, grad, state, group)
        grad, (beta1, beta2) = self._decayed(grad, value, group), group["betas"]
        step, average, square = self._moments(grad, value, state, group)
        if group["amsgrad"]:
            largest = kept(state, "max_exp_avg_sq", value)
            np.maximum(largest, square, out=largest)
            square = largest
        unbias = math.sqrt(1 - beta2**step)  # √v̂ = √v / unbias: the division is left to the two numbers
        scale = backend.as_array(np.sqrt(square), like=square)
        scale += group["eps"] * unbias
        np.divide(average, scale, out=scale)
        scale *= group["lr"] * unbias / (1 - beta1**step)
        value -= scale

    def _update_on_gpu(self, value, grad, state, group):
        step, (beta1, beta2), lr, decay = step_of(state), group["betas"], group["lr"], group["weight_decay"]
        names = ["exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * group["amsgrad"]]
        average, square, *largest = [kept(state, name, value) for name in names]
        is_decoupled = group["decoupled_weight_decay"]
        adam_step(
            value, grad, average, square, *(largest or [None]), -1 if group["maximize"] else 1,
            1 - lr * decay if is_decoupled else None, None if is_decoupled else decay or None, 1 - beta1, beta2,
            1 - beta2, math.sqrt(1 - beta2**step), group["eps"], lr / (1 - beta1**step))


@one_kernel
def adam_step(
        value, grad, average, square, largest, sign, shrinking, weight_decay, share1, beta2, share2, unbias, eps, rate):
    """What Adam does to all but `grad`; `unbias` and `rate` hold the corrections of the averages' bias."""
    grad = grad * sign
    if shrinking is not None:
        value *= shrinking
    if weight_decay is not None:
        grad = grad + weight_decay * value
    average += share1 * (grad - average)
    square *= beta2
    square += share2 * grad * grad
    if largest is not None:
        np.maximum(largest, square, out=largest)
        square = largest
    value -= average / (np.sqrt(square) / unbias + eps) * rate


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← (1 − lr · weight_decay) · θ first (Loshchilov and Hutter, 2019)."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *,
                 maximize=False, foreach=None, capturable=False, differentiable=False, fused=None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize,
                         capturable=capturable, differentiable=differentiable, fused=fused, decoupled_weight_decay=True)


class Adamax(_Moments):
    """Adam with the largest of the recent |g| instead of √v̂ (Kingma and Ba, 2015, section 7).

    State: step, exp_avg, exp_inf.
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False,
                 differentiable=False, capturable=False):
        super().__init__(params, settings(locals()))

    @elementwise
    def _update(self, value, grad, state, group):
        step, (beta1, beta2) = step_of(state), group["betas"]
        grad = directed(grad, value, group)
        average, largest = kept(state, "exp_avg", value), kept(state, "exp_inf", value)
        move_towards(average, grad, 1 - beta1)
        largest *= beta2
        np.maximum(largest, np.abs(grad) + group["eps"], out=largest)
        value -= group["lr"] / (1 - beta1**step) * average / largest


class NAdam(_Moments):
    """Adam with Nesterov's momentum (Dozat, 2016). State: step, mu_product, exp_avg, exp_avg_sq."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
                 decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False, differentiable=False):
        super().__init__(params, settings(locals()))

    def _update(self, value, grad, state, group):
        grad, (beta1, beta2) = self._decayed(grad, value, group), group["betas"]
        if "mu_product" not in state:
            kept(state, "mu_product", np.zeros((), np.float32))[...] = 1
        step, average, square = self._moments(grad, value, state, group)
        now, following = [beta1 * (1 - 0.5 * 0.96 ** (each * group["momentum_decay"])) for each in (step, step + 1)]
        product = state["mu_product"].array
        product *= now
        so_far = float(product)
        scale = np.sqrt(square / (1 - beta2**step)) + group["eps"]
        value -= group["lr"] * (1 - now) / (1 - so_far) * grad / scale
        value -= group["lr"] * following / (1 - so_far * following) * average / scale


class RAdam(_Moments):
    """Adam that trusts the running average of g² once it has seen enough of them (Liu et al., 2020)."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *,
                 foreach=None, maximize=False, capturable=False, differentiable=False):
        super().__init__(params, settings(locals()))

    @elementwise
    def _update(self, value, grad, state, group):
        grad, (beta1, beta2) = self._decayed(grad, value, group), group["betas"]
        step, average, square = self._moments(grad, value, state, group)
        corrected, unbias = average / (1 - beta1**step), 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / unbias
        if length > 5:
            trust = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            corrected = corrected * (math.sqrt(trust) * math.sqrt(unbias)) / (np.sqrt(square) + group["eps"])
        value -= group["lr"] * corrected
