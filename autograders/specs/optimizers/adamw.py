"""AdamW(params, lr, betas, eps, weight_decay): momentum over RMSprop, corrected at the start; weights shrink."""

import math
import sys

import numpy as np

import engine as torch
from autograders.probes.adamw import probe
from autograders.spec import Misconception, Spec, Use
from autograders.specs.common import WEIGHTS
from autograders.specs.optimizers.steps import (
    INPUTS,
    WITHHELD,
    Stepping,
    averages_roundings,
    cases,
    tiny_gradients,
    trajectory_rounding,
    zeros,
)

# lr, betas, eps, weight_decay
SETTINGS = [(0.1, (0.8, 0.9), 0.0, 0.5), (0.05, (0.9, 0.95), 0.0, 1.0), (0.2, (0.75, 0.9), 0.0, 0.25)]


def adamw_cases(rng):
    """Two parameters along given gradients, and some gradients so small that eps counts."""
    yield from cases(rng, SETTINGS)
    yield tiny_gradients(rng, (0.1, (0.8, 0.9), 0.01, 0.5))


def _results(*arguments):
    return probe(torch.optim.AdamW, *arguments)


adamw_rounding = trajectory_rounding(
    _results, lambda step, lr, betas, eps, weight_decay: averages_roundings(step, *betas)
)


class AdamWStep(Stepping):
    """Derived from by the answers below."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})


def _averages(parameter, gradient, state, betas):
    """The running averages of the gradient and of its square, with this one taken in."""
    for name, beta, number in ("exp_avg", betas[0], gradient), ("exp_avg_sq", betas[1], gradient * gradient):
        average = zeros(state, name, parameter)
        average *= beta
        average += (1 - beta) * number
    return state["exp_avg"], state["exp_avg_sq"]


def _corrected(parameter, gradient, state, betas):
    """Both averages, each divided by what a constant's would have come to by now."""
    state["step"] = state.get("step", 0) + 1
    averages = _averages(parameter, gradient, state, betas)
    return [average / (1 - beta ** state["step"]) for average, beta in zip(averages, betas)]


def _shrink(parameter, group):
    parameter *= 1 - group["lr"] * group["weight_decay"]


class _NoCorrection(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, square = _averages(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _HalfCorrection(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, _ = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (state["exp_avg_sq"].sqrt() + group["eps"])


class _DecayInTheGradient(AdamWStep):
    def change(self, parameter, gradient, state, group):
        gradient = gradient + group["weight_decay"] * parameter
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _NoDecay(AdamWStep):
    def change(self, parameter, gradient, state, group):
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _DecayWithoutRate(AdamWStep):
    def change(self, parameter, gradient, state, group):
        parameter *= 1 - group["weight_decay"]
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _DecayAfterwards(AdamWStep):
    def change(self, parameter, gradient, state, group):
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])
        _shrink(parameter, group)


class _BetasSwapped(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, square = _corrected(parameter, gradient, state, group["betas"][::-1])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _EpsUnderTheRoot(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square + group["eps"]).sqrt()


class _EpsBeforeTheCorrection(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, _ = _corrected(parameter, gradient, state, group["betas"])
        correction = math.sqrt(1 - group["betas"][1] ** state["step"])
        parameter -= group["lr"] * correction * average / (state["exp_avg_sq"].sqrt() + group["eps"])


class _NoEps(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / square.sqrt()


class _CountsFromZero(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        step = state.setdefault("step", 0)
        average, square = _averages(parameter, gradient, state, group["betas"])
        average, square = (each / (1 - beta**step) for each, beta in zip((average, square), group["betas"]))
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])
        state["step"] += 1


class _CountsParameters(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        self.count = getattr(self, "count", 0) + 1
        average, square = _averages(parameter, gradient, state, group["betas"])
        average, square = (each / (1 - beta**self.count) for each, beta in zip((average, square), group["betas"]))
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _CountsForAll(AdamWStep):
    @torch.no_grad()
    def step(self):
        self.count = getattr(self, "count", 0) + 1
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    _shrink(parameter, group)
                    averages = _averages(parameter, parameter.grad, self.state[parameter], group["betas"])
                    average, square = (each / (1 - beta**self.count) for each, beta in zip(averages, group["betas"]))
                    parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _CorrectsTheState(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        average, square = _corrected(parameter, gradient, state, group["betas"])
        state["exp_avg"], state["exp_avg_sq"] = average, square
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _TimesInPlaceOfPower(AdamWStep):
    def change(self, parameter, gradient, state, group):
        _shrink(parameter, group)
        state["step"] = state.get("step", 0) + 1
        averages = _averages(parameter, gradient, state, group["betas"])
        average, square = (each / (1 - beta * state["step"]) for each, beta in zip(averages, group["betas"]))
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class _Grows(AdamWStep):
    def change(self, parameter, gradient, state, group):
        parameter *= 1 + group["lr"] * group["weight_decay"]
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class AdamWAsTaught(AdamWStep):
    """As one would write it in torch."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["step"] = 0
                    state["exp_avg"] = torch.zeros_like(parameter)
                    state["exp_avg_sq"] = torch.zeros_like(parameter)
                state["step"] += 1
                average, square = state["exp_avg"], state["exp_avg_sq"]
                average.mul_(beta1).add_(parameter.grad, alpha=1 - beta1)
                square.mul_(beta2).addcmul_(parameter.grad, parameter.grad, value=1 - beta2)
                size = (square / (1 - beta2 ** state["step"])).sqrt() + group["eps"]
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.addcdiv_(average, size, value=-group["lr"] / (1 - beta1 ** state["step"]))


class AdamWOnePull(AdamWStep):
    """Adds the shrinking to the step, from where the parameter was before."""

    def change(self, parameter, gradient, state, group):
        average, square = _corrected(parameter, gradient, state, group["betas"])
        parameter -= group["lr"] * (average / (square.sqrt() + group["eps"]) + group["weight_decay"] * parameter)


class AdamWByMoving(AdamWStep):
    """Moves the averages by lerp, and keeps the powers of the betas instead of a count."""

    def change(self, parameter, gradient, state, group):
        beta1, beta2 = group["betas"]
        average = zeros(state, "exp_avg", parameter).lerp_(gradient, 1 - beta1)
        square = zeros(state, "exp_avg_sq", parameter).lerp_(gradient.square(), 1 - beta2)
        state["power1"], state["power2"] = state.get("power1", 1) * beta1, state.get("power2", 1) * beta2
        size = square.sqrt() / math.sqrt(1 - state["power2"]) + group["eps"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(group["lr"] / (1 - state["power1"]) * (average / size))


class AdamWOutOfPlace(AdamWStep):
    """A new state each time."""

    def change(self, parameter, gradient, state, group):
        (beta1, beta2), rate = group["betas"], group["lr"]
        step = state.get("step", 0) + 1
        average = beta1 * state.get("exp_avg", 0.0) + (1 - beta1) * gradient
        square = beta2 * state.get("exp_avg_sq", 0.0) + (1 - beta2) * gradient**2
        state.update(step=step, exp_avg=average, exp_avg_sq=square)
        unbiased, size = average / (1 - beta1**step), torch.sqrt(square / (1 - beta2**step))
        shrunk = parameter - rate * group["weight_decay"] * parameter
        parameter.copy_(shrunk - rate * unbiased / (size + group["eps"]))


class AdamWStepIsATensor(AdamWStep):
    """Counts in a float32 tensor, as torch does, and takes the corrections in that."""

    def change(self, parameter, gradient, state, group):
        state.setdefault("step", torch.zeros(()))
        state["step"] += 1
        average, square = _averages(parameter, gradient, state, group["betas"])
        corrections = [1 - beta ** state["step"].to(parameter.dtype) for beta in group["betas"]]
        parameter *= 1 - group["lr"] * group["weight_decay"]
        parameter -= group["lr"] * (average / corrections[0]) / ((square / corrections[1]).sqrt() + group["eps"])


class AdamWFromHistory(AdamWStep):
    """Keeps all gradients, and weighs them by age."""

    def change(self, parameter, gradient, state, group):
        state.setdefault("history", []).insert(0, gradient.clone())
        for name, beta, power in ("exp_avg", group["betas"][0], 1), ("exp_avg_sq", group["betas"][1], 2):
            weighted = [(1 - beta) * beta**age * past**power for age, past in enumerate(state["history"])]
            state[name] = torch.stack(weighted).sum(0)
        step = len(state["history"])
        average, square = (
            state[name] / (1 - beta**step) for name, beta in zip(("exp_avg", "exp_avg_sq"), group["betas"])
        )
        _shrink(parameter, group)
        parameter -= group["lr"] * average / (square.sqrt() + group["eps"])


class AdamWInDouble(AdamWStep):
    """Computes in float64, warns on stderr, and rounds once at the end of a step."""

    def change(self, parameter, gradient, state, group):
        print("stepping", tuple(parameter.shape), file=sys.stderr)
        state["step"] = state.get("step", 0) + 1
        exact = []
        for name, beta, power in ("exp_avg", group["betas"][0], 1), ("exp_avg_sq", group["betas"][1], 2):
            kept = zeros(state, name, parameter)
            exact.append(kept.double() * beta + (1 - beta) * gradient.double() ** power)
            kept.copy_(exact[-1])
        average, square = (each / (1 - beta ** state["step"]) for each, beta in zip(exact, group["betas"]))
        shrunk = parameter.double() * (1 - group["lr"] * group["weight_decay"])
        parameter.copy_(shrunk - group["lr"] * average / (square.sqrt() + group["eps"]))


class AdamWAsTheEngine(torch.optim.Optimizer):
    """The engine's own way: one parameter's arrays at a time."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    def _update(self, value, grad, state, group):
        state["step"] = state.get("step", 0) + 1
        arrays = []
        for name, beta, number in zip(("exp_avg", "exp_avg_sq"), group["betas"], (grad, grad * grad)):
            array = zeros(state, name, torch.from_numpy(value)).numpy()
            array += (1 - beta) * (number - array)
            arrays.append(array / (1 - beta ** state["step"]))
        value -= group["lr"] * group["weight_decay"] * value
        value -= group["lr"] * arrays[0] / (np.sqrt(arrays[1]) + group["eps"])


EXERCISE = Spec(
    name="optimizers/adamw",
    function="AdamW",
    use=Use("class", probe="adamw"),
    parameters=("params", "lr", "betas", "eps", "weight_decay"),
    inputs=(*INPUTS, "lr", "betas", "eps", "weight_decay"),
    returns=("weight_after_steps", "bias_after_steps", "weight_exp_avg", "weight_exp_avg_sq"),
    title="AdamW",
    why="Nearly every transformer was trained with these lines: momentum and RMSprop together, mended in two places.",
    minutes=20,
    difficulty=3,
    weights=WEIGHTS,
    ours=torch.optim.AdamW,
    part="optim.AdamW",
    rounding=adamw_rounding,
    cases=adamw_cases,
    packages=("numpy", "engine"),
    withheld=WITHHELD,
    shortcuts=(
        "from engine.optim import AdamW",
        "import engine as torch\nclass AdamW(torch.optim.Adam):\n"
        "    def __init__(self, params, lr, betas, eps, weight_decay):\n"
        "        super().__init__(params, lr, betas, eps, weight_decay, decoupled_weight_decay=True)\n",
        "from engine.optim.adam import _Moments\nclass AdamW(_Moments):\n"
        "    def __init__(self, params, lr, betas, eps, weight_decay):\n        super().__init__(params, "
        "dict(lr=lr))\n",
    ),
    misconceptions=(
        Misconception(
            "no bias correction",
            "The averages are right, but they began at 0, so at first they are much too small: divide the first by "
            "`1 - beta1 ** step`, the second by `1 - beta2 ** step`.",
            _NoCorrection,
        ),
        Misconception(
            "one average not corrected",
            "You correct the average of the gradient, but not that of its square: divide it by `1 - beta2 ** step` "
            "before the root.",
            _HalfCorrection,
        ),
        Misconception(
            "decay through the gradient",
            "You add the weight decay to the gradient. There it passes through both averages, and is divided by the "
            "gradient's size: that is Adam with an L2 penalty. The W stands for shrinking the parameter directly, by "
            "`1 - lr * weight_decay`.",
            _DecayInTheGradient,
        ),
        Misconception(
            "no weight decay",
            "This is Adam: the weight decay is missing. Before the step multiply the parameter by `1 - lr * "
            "weight_decay`.",
            _NoDecay,
        ),
        Misconception(
            "decay without the rate",
            "You shrink the parameter by `1 - weight_decay`; it should be `1 - lr * weight_decay`, so that the decay "
            "follows the schedule of the learning rate.",
            _DecayWithoutRate,
        ),
        Misconception(
            "decay after the step",
            "You shrink the parameter after the step, and with it the step. Shrink first, then step.",
            _DecayAfterwards,
        ),
        Misconception(
            "betas swapped",
            "The betas are swapped: the first belongs to the average of the gradient, the second to that of its "
            "square.",
            _BetasSwapped,
        ),
        Misconception(
            "eps under the root",
            "The averages are right, but `eps` went under the root: it is added to the root, `square.sqrt() + eps`.",
            _EpsUnderTheRoot,
        ),
        Misconception(
            "eps before the correction",
            "You add `eps` to a root that is not corrected yet, so in the first steps it counts for more. (The paper's "
            "shorter form does that too.) Correct the average of squares, take the root, then add `eps`.",
            _EpsBeforeTheCorrection,
        ),
        Misconception(
            "no eps",
            "Without `eps` a gradient that has always been 0 is divided by 0, and the parameter becomes nan. Divide by "
            "`square.sqrt() + eps`.",
            _NoEps,
        ),
        Misconception(
            "counts from zero",
            "At the first step `step` has to be 1: with 0 the corrections divide by `1 - beta ** 0`, which is 0. Count "
            "before you use it.",
            _CountsFromZero,
        ),
        Misconception(
            "counts parameters, not steps",
            "Your count grows once for each parameter, not once for each step, so the corrections differ from one "
            'parameter to the next. Keep it in the parameter\'s own state: `state["step"]`.',
            _CountsParameters,
        ),
        Misconception(
            "one count for all",
            "You count steps for all parameters together. One that had no gradient has seen fewer, and a count outside "
            'of `self.state` is not saved. Keep it in the parameter\'s own state: `state["step"]`.',
            _CountsForAll,
        ),
        Misconception(
            "corrects the state",
            "You put the corrected averages back into the state, so they are corrected again at the next step. Keep "
            "the state as it is, and correct a copy.",
            _CorrectsTheState,
        ),
        Misconception(
            "times in place of power",
            "The first step is right. What an average still lacks after t steps is beta to the power of t, not beta "
            "times t: `1 - beta ** step`.",
            _TimesInPlaceOfPower,
        ),
        Misconception(
            "grows",
            "Your parameters grow a little at each step. Decay makes them smaller: `1 - lr * weight_decay`.",
            _Grows,
        ),
    ),
    half_right=(_NoCorrection, _NoDecay, _DecayAfterwards),
    honest=(
        AdamWAsTaught,
        AdamWOnePull,
        AdamWByMoving,
        AdamWOutOfPlace,
        AdamWStepIsATensor,
        AdamWFromHistory,
        AdamWInDouble,
        AdamWAsTheEngine,
    ),
    hints=(
        'Four lines of `Momentum` and `RMSprop` come together; the new state is a count. Begin with `state["step"]`, '
        "`exp_avg` and `exp_avg_sq`, all zero.",
        "Shrink the parameter by `1 - lr * weight_decay`. Bring both averages up to date; each keeps its beta and "
        "takes in `1 - beta` of the new. Then correct copies of them: divide by `1 - beta ** step`.",
        '`parameter -= group["lr"] * corrected_average / (corrected_square.sqrt() + group["eps"])`, where `step` is 1 '
        "the first time.",
    ),
)
