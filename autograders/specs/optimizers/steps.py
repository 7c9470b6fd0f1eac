"""What the exercises on optimizers share: cases, the rounding of a trajectory, and classes to derive answers from."""

import numpy as np

import engine as torch
from autograders.probes.optimizers import GROUPS, IN_PLACE, NEW_RATE, NO_GRADIENT, NOTHING, RESUMED
from autograders.spec import EDGE, Case
from autograders.specs.common import DOUBLE, SINGLE, normal

INPUTS = ("weight", "bias", "weight_gradients", "bias_gradients", "happens")
WITHHELD = ("engine.optim.sgd", "engine.optim.adam", "engine.optim.adaptive", "engine.optim.lbfgs")


def cases(rng, settings):
    """Two parameters, their gradients at each step, and one of `settings`, a list of tuples."""
    one, several, alike = "a single step", "several steps", "two parameters of one shape"
    for number, (steps, weight, bias, dtype, group) in enumerate(
        [
            (1, (2,), (1,), SINGLE, one),
            (1, (3, 2), (2,), DOUBLE, one),
            (3, (2,), (1,), SINGLE, several),
            (5, (3, 2), (3,), DOUBLE, several),
            (4, (2, 2, 2), (2,), SINGLE, several),
            (3, (2,), (2,), SINGLE, alike),
            (4, (2, 3), (2, 3), DOUBLE, alike),
        ]
    ):
        yield Case(_drawn(rng, steps, weight, bias, NOTHING, dtype) + settings[number % len(settings)], group)
    for number, happens in enumerate((NO_GRADIENT, IN_PLACE, NEW_RATE, GROUPS, RESUMED)):
        arguments = _drawn(rng, 4, (2, 2), (2,), happens) + settings[number % len(settings)]
        yield Case(arguments, happens, EDGE)
    yield Case(_drawn(rng, 2, (), (1, 0), NOTHING) + settings[0], "a single number, and an empty array", EDGE)


def tiny_gradients(rng, settings):
    """A case in which eps counts: gradients not much larger than it, and one that is always 0."""
    weight, bias, weight_gradients, bias_gradients, happens = _drawn(rng, 3, (3,), (1,), NOTHING)
    weight_gradients, bias_gradients = weight_gradients * SINGLE(0.05), bias_gradients * SINGLE(0.05)
    weight_gradients[:, 1] = 0
    arguments = (weight, bias, weight_gradients, bias_gradients, happens, *settings)
    return Case(arguments, "tiny gradients, and one that is always 0", EDGE)


def _drawn(rng, steps, weight, bias, happens, dtype=SINGLE):
    arrays = [normal(rng, shape, dtype) for shape in (weight, bias, (steps, *weight), (steps, *bias))]
    return (*arrays, happens)


def trajectory_rounding(results, roundings):
    """How much rounding a trajectory may show, in units of eps; `results` are the reference's, of the same arguments.

    Where a parameter has got to is a sum: where it began, and a share of each gradient so far. A term of that sum is
    made by multiplying and adding up; in t steps that rounds it at most `roundings(t, *settings)` times, each time by
    eps / 2 of itself. So the bound is that count times eps / 2 times the sum of the terms' sizes. The sum is where the
    same steps lead if numbers are replaced by their sizes and all gradients pull one way, down, so that terms add up.
    Counting eps for eps / 2 doubles the bound. What the count is, each exercise derives.
    """

    def rounding(weight, bias, weight_gradients, bias_gradients, happens, *settings):
        sizes = np.asarray(np.abs(weight)), np.abs(bias), -np.abs(weight_gradients), -np.abs(bias_gradients)
        totals = [np.abs(total) for total in results(*sizes, happens, *settings)]
        return tuple(roundings(_step_numbers(total), *settings) * total for total in totals)

    return rounding


def _step_numbers(trajectory):
    """1, 2, 3 ... in the shape of the trajectory's first axis, to be multiplied with it."""
    return np.arange(1, len(trajectory) + 1).reshape(-1, *[1] * (trajectory.ndim - 1))


def averages_roundings(step, *kept):
    """How often a term is rounded up to this step where steps are divided by an average of squares.

    kept: how much of each average is kept at a step (beta). An average takes in a number by two products, beta and
    1 - beta rounded before them, a square and a sum; where it is moved by (1 - beta) * (number - average), by a
    difference of numbers up to twice as large: at most 8 a step. 1 - beta, and the 1 - beta**t of a correction, if
    taken in the dtype, are off by 1 / (1 - beta) once each; the correction's quotients by 2. A step is a quotient of
    two averages, one of them under a root, which halves what it was rounded, times the rate: 12 a step and 9 once.
    Taking it, shrinking the parameter (1 - lr * weight_decay, a product) and adding up: 4 a step.
    """
    return 16 * step + 9 + sum(2 / (1 - beta) for beta in kept)


class Stepping(torch.optim.Optimizer):
    """An optimizer whose `change` says what a step does to one parameter; `__init__` is the exercise's."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.change(parameter, parameter.grad, self.state[parameter], group)


def zeros(state, name, parameter):
    """The tensor that the state keeps under this name; zeros at first."""
    if name not in state:
        state[name] = torch.zeros_like(parameter)
    return state[name]
