"""RMSprop(params, lr, alpha, eps): each number's step is divided by the usual size of its gradient."""

import sys

import numpy as np

import engine as torch
from autograders.probes.rmsprop import probe
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

SETTINGS = [(0.1, 0.9, 0.0), (0.25, 0.75, 0.0), (0.05, 0.95, 0.0)]  # lr, alpha, eps


def rmsprop_cases(rng):
    """Two parameters along given gradients, and some gradients so small that eps counts."""
    yield from cases(rng, SETTINGS)
    yield tiny_gradients(rng, (0.1, 0.9, 0.01))


def _results(*arguments):
    return probe(torch.optim.RMSprop, *arguments)


rmsprop_rounding = trajectory_rounding(_results, lambda step, lr, alpha, eps: averages_roundings(step, alpha))


class RMSpropStep(Stepping):
    """Derived from by the answers below."""

    def __init__(self, params, lr=0.01, alpha=0.99, eps=1e-8):
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps})


def _averaged(parameter, gradient, state, group):
    """The average square, with this gradient taken in."""
    square = zeros(state, "square_avg", parameter)
    square *= group["alpha"]
    square += (1 - group["alpha"]) * gradient * gradient
    return square


class _EpsUnderTheRoot(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = _averaged(parameter, gradient, state, group)
        parameter -= group["lr"] * gradient / (square + group["eps"]).sqrt()


class _NoEps(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        parameter -= group["lr"] * gradient / _averaged(parameter, gradient, state, group).sqrt()


class _NoRoot(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        parameter -= group["lr"] * gradient / (_averaged(parameter, gradient, state, group) + group["eps"])


class _NotSquared(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = zeros(state, "square_avg", parameter)
        square.copy_(group["alpha"] * square + (1 - group["alpha"]) * gradient)
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class _SumsSquares(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = zeros(state, "square_avg", parameter)
        square += gradient * gradient
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class _SharesSwapped(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = zeros(state, "square_avg", parameter)
        square.copy_((1 - group["alpha"]) * square + group["alpha"] * gradient * gradient)
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class _OldAverage(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        before = zeros(state, "square_avg", parameter).clone()
        _averaged(parameter, gradient, state, group)
        parameter -= group["lr"] * gradient / (before.sqrt() + group["eps"])


class _Corrected(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        state["step"] = state.get("step", 0) + 1
        square = _averaged(parameter, gradient, state, group) / (1 - group["alpha"] ** state["step"])
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class _OneSizeForAll(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = _averaged(parameter, gradient, state, group)
        parameter -= group["lr"] * gradient / (square.mean().sqrt() + group["eps"])


class _Rebinds(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = _averaged(parameter, gradient, state, group)
        parameter = parameter - group["lr"] * gradient / (square.sqrt() + group["eps"])


class _NotKept(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        square = zeros(state, "square_avg", parameter) * group["alpha"] + (1 - group["alpha"]) * gradient**2
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class _BeginsWithOnes(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        if "square_avg" not in state:
            state["square_avg"] = torch.ones_like(parameter)
        square = _averaged(parameter, gradient, state, group)
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class _BeginsWithTheFirst(RMSpropStep):
    def change(self, parameter, gradient, state, group):
        if "square_avg" not in state:
            state["square_avg"] = gradient**2
        square = _averaged(parameter, gradient, state, group)
        parameter -= group["lr"] * gradient / (square.sqrt() + group["eps"])


class RMSpropAsTaught(RMSpropStep):
    """As one would write it in torch."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "square_avg" not in state:
                    state["square_avg"] = torch.zeros_like(parameter)
                average = state["square_avg"]
                average.mul_(group["alpha"]).addcmul_(parameter.grad, parameter.grad, value=1 - group["alpha"])
                parameter.addcdiv_(parameter.grad, average.sqrt() + group["eps"], value=-group["lr"])


class RMSpropByMoving(RMSpropStep):
    """Moves the average by a share of what it is off."""

    def change(self, parameter, gradient, state, group):
        average = zeros(state, "square_avg", parameter)
        average += (1 - group["alpha"]) * (gradient.square() - average)
        parameter -= group["lr"] * gradient / (average**0.5 + group["eps"])


class RMSpropWithLerp(RMSpropStep):
    """As above, by a call; and multiplies by one over the size."""

    def change(self, parameter, gradient, state, group):
        average = zeros(state, "square_avg", parameter).lerp_(gradient**2, 1 - group["alpha"])
        scale = group["lr"] / (average.sqrt() + group["eps"])
        parameter.sub_(scale * gradient)


class RMSpropOutOfPlace(RMSpropStep):
    """Puts a new average into the state each time; the first is written down at once."""

    def change(self, parameter, gradient, state, group):
        share = 1.0 - group["alpha"]
        if state:
            state["square_avg"] = group["alpha"] * state["square_avg"] + share * gradient.pow(2)
        else:
            state["square_avg"] = share * gradient.pow(2)
        parameter.copy_(parameter - group["lr"] * (gradient / state["square_avg"].sqrt().add_(group["eps"])))


class RMSpropOnNumpy(RMSpropStep):
    """Works on the arrays below the tensors."""

    def change(self, parameter, gradient, state, group):
        array, pull = parameter.detach().numpy(), gradient.numpy()
        average = zeros(state, "square_avg", parameter).numpy()
        average[...] = average * group["alpha"] + pull * pull * (1 - group["alpha"])
        array -= group["lr"] * pull / (np.sqrt(average) + group["eps"])


class RMSpropNumberByNumber(RMSpropStep):
    """The slow specification: a loop over all numbers, in Python's own floats."""

    def change(self, parameter, gradient, state, group):
        average = zeros(state, "square_avg", parameter)
        for place in np.ndindex(tuple(parameter.shape)):
            pull, kept = gradient[place].item(), group["alpha"]
            average[place] = kept * average[place].item() + (1 - kept) * pull * pull
            if pull:
                parameter[place] -= group["lr"] * pull / (average[place].item() ** 0.5 + group["eps"])


class RMSpropInDouble(RMSpropStep):
    """Computes in float64, warns on stderr, and rounds once at the end of a step."""

    def change(self, parameter, gradient, state, group):
        print("stepping", tuple(parameter.shape), file=sys.stderr)
        average = zeros(state, "square_avg", parameter)
        exact = average.double() * group["alpha"] + (1 - group["alpha"]) * gradient.double() ** 2
        average.copy_(exact)
        parameter.copy_(parameter.double() - group["lr"] * gradient.double() / (exact.sqrt() + group["eps"]))


class RMSpropAsTheEngine(torch.optim.Optimizer):
    """The engine's own way: one parameter's arrays at a time."""

    def __init__(self, params, lr=0.01, alpha=0.99, eps=1e-8):
        super().__init__(params, dict(lr=lr, alpha=alpha, eps=eps))

    def _update(self, value, grad, state, group):
        average = zeros(state, "square_avg", torch.from_numpy(value)).numpy()
        np.add(group["alpha"] * average, (1 - group["alpha"]) * grad * grad, out=average)
        value -= group["lr"] * (grad / (np.sqrt(average) + group["eps"]))


EXERCISE = Spec(
    name="optimizers/rmsprop",
    function="RMSprop",
    use=Use("class", probe="rmsprop"),
    parameters=("params", "lr", "alpha", "eps"),
    inputs=(*INPUTS, "lr", "alpha", "eps"),
    returns=("weight_after_steps", "bias_after_steps", "weight_square_avg", "bias_square_avg"),
    title="RMSprop",
    why="One learning rate cannot suit a steep direction and a flat one: measure each, and let it have its own.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    ours=torch.optim.RMSprop,
    part="optim.RMSprop",
    rounding=rmsprop_rounding,
    cases=rmsprop_cases,
    packages=("numpy", "engine"),
    withheld=WITHHELD,
    shortcuts=(
        "from engine.optim import RMSprop",
        "import engine as torch\nclass RMSprop(torch.optim.RMSprop):\n    pass",
        "from engine.optim.adaptive import RMSprop as Base\nclass RMSprop(Base):\n"
        "    def __init__(self, params, lr, alpha, eps):\n        super().__init__(params, lr, alpha, eps)\n",
    ),
    misconceptions=(
        Misconception(
            "eps under the root",
            "The averages are right, but `eps` went under the root: it is added to the root, `average.sqrt() + eps`. "
            "Under it `eps=1e-8` counts like 1e-4.",
            _EpsUnderTheRoot,
        ),
        Misconception(
            "no eps",
            "Without `eps` a gradient that has always been 0 is divided by 0, and the parameter becomes nan. Divide by "
            "`average.sqrt() + eps`.",
            _NoEps,
        ),
        Misconception(
            "no root",
            "The averages are right, but you divide by the average square itself. Its root has the gradient's unit, "
            "and that makes the step's length independent of the gradient's scale.",
            _NoRoot,
        ),
        Misconception(
            "not squared",
            "You average the gradient, not its square. Pulls to both sides then cancel, and a root of a negative "
            "number is nan.",
            _NotSquared,
        ),
        Misconception(
            "adds squares up",
            "You add squares up and never forget: that is Adagrad, whose steps shrink for ever. Keep `alpha` of the "
            "average, and add `1 - alpha` of the new square.",
            _SumsSquares,
        ),
        Misconception(
            "shares swapped",
            "The shares are swapped: `alpha` of the average is kept, and `1 - alpha` of the new square comes in.",
            _SharesSwapped,
        ),
        Misconception(
            "the old average",
            "You divide by the average of before this step, which is 0 at first. Bring it up to date, then divide.",
            _OldAverage,
        ),
        Misconception(
            "bias correction",
            "You correct for the average having begun at 0. That is Adam's idea; RMSprop leaves the average as it is.",
            _Corrected,
        ),
        Misconception(
            "one size for all",
            "You take a mean over all numbers of the parameter, so they share one rate. The point is that each number "
            "has its own: no `mean` here.",
            _OneSizeForAll,
        ),
        Misconception(
            "the parameter is not changed",
            "The averages are right, but the parameters stay where they began: `parameter = parameter - ...` makes a "
            "new tensor and gives it the name. Change the tensor itself: `parameter -= ...`.",
            _Rebinds,
        ),
        Misconception(
            "not kept",
            "Your average is forgotten after each step: a new tensor was made, and the state keeps the old one, the "
            "zeros. Store it: `state[\"square_avg\"] = average`.",
            _NotKept,
        ),
        Misconception(
            "begins with ones",
            "Your average begins with ones, and takes long to forget them. It begins with zeros: "
            "`torch.zeros_like(parameter)`.",
            _BeginsWithOnes,
        ),
        Misconception(
            "begins with the first square",
            "Your average begins with the first square itself. That is a fair idea, but torch begins with zeros, so "
            "that the first steps are longer: `torch.zeros_like(parameter)`.",
            _BeginsWithTheFirst,
        ),
    ),
    half_right=(_NoRoot, _Corrected, _Rebinds),
    honest=(
        RMSpropAsTaught,
        RMSpropByMoving,
        RMSpropWithLerp,
        RMSpropOutOfPlace,
        RMSpropOnNumpy,
        RMSpropNumberByNumber,
        RMSpropInDouble,
        RMSpropAsTheEngine,
    ),
    hints=(
        "It is built like `Momentum`: the loops, the state that begins with zeros. What is averaged here, and where "
        "does the average stand in the step?",
        'The average of squares, `average = state["square_avg"]`: keep `alpha` of it, add `1 - alpha` times '
        "`parameter.grad ** 2`.",
        'Then `parameter -= group["lr"] * parameter.grad / (average.sqrt() + group["eps"])`.',
    ),
)
