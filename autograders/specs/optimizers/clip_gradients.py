"""clip_gradients(parameters, max_norm): all gradients together are one arrow, which is made no longer than max_norm."""

import math
import sys

import numpy as np

import engine as torch
from autograders.probes.clipping import GENERATOR, NO_GRADIENT, PLAIN
from autograders.spec import EDGE, Absolute, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, normal


def _norm(first, second):
    return np.sqrt((first * first).sum() + (second * second).sum())


def clipping_rounding(first, second, max_norm, happens):
    """How far off clipped gradients and their norm may be, in float32's eps, whatever their dtype.

    The norm of n numbers: a square each, at most n sums, one root, which halves what was before it: relative to it
    (n + 1) / 2 + 1 roundings of eps / 2. The factor adds a quotient, a gradient a product: n + 4 roundings, twice that
    to be safe. And torch divides by norm + 1e-6, so its factor is smaller by 1e-6 / norm: as right as not to.
    """
    norm = _norm(first, second)
    factor = min(1.0, max_norm / norm) if norm else 1.0
    share = (first.size + second.size + 4) * np.finfo(SINGLE).eps + 2e-6 / max(norm, 1e-30)
    if norm < max_norm:
        share = 1e-7  # nothing has to be touched, and times 1 is no change
    numbers = (np.abs(gradient) * factor * share for gradient in (first, second))
    return *map(Absolute, numbers), Absolute(norm * (first.size + second.size + 4) * np.finfo(SINGLE).eps)


def clipping_cases(rng):
    """Gradients of two parameters, too long or short enough; max_norm is what they are long times a number."""
    far, long = "gradients that are far too long", "gradients that are too long"
    short = "gradients that are short enough"
    for first, second, dtype, times, group in [
        ((2,), (1,), SINGLE, 0.5, long),
        ((3, 2), (2,), DOUBLE, 0.75, long),
        ((2,), (2,), SINGLE, 0.125, far),
        ((2, 2, 2), (3,), DOUBLE, 0.01, far),
        ((2,), (1,), SINGLE, 1.5, short),
        ((3, 2), (2,), DOUBLE, 4.0, short),
    ]:
        yield _clipping_case(rng, first, second, dtype, times, PLAIN, group)
    yield _clipping_case(rng, (3,), (2,), SINGLE, 0.5, GENERATOR, GENERATOR, EDGE)
    yield _clipping_case(rng, (3,), (2,), SINGLE, 0.5, NO_GRADIENT, NO_GRADIENT, EDGE)
    yield _clipping_case(rng, (), (1, 0), SINGLE, 0.5, PLAIN, "a single number, and an empty array", EDGE)
    zero = np.zeros(2, SINGLE), np.zeros(1, SINGLE)
    yield Case((*zero, 1.0, PLAIN), "gradients that are all 0", EDGE)


def _clipping_case(rng, first, second, dtype, times, happens, *where):
    first, second = normal(rng, first, dtype), normal(rng, second, dtype)
    return Case((first, second, round(times * float(_norm(first, second)), 3), happens), *where)


def _gradients(parameters):
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def _length(gradients):
    return torch.stack([(gradient * gradient).sum() for gradient in gradients]).sum().sqrt()


def _each_by_itself(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients)
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / (_length([gradient]).item() + 1e-6)))
    return norm


def _each_number(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients)
    for gradient in gradients:
        gradient.clamp_(-max_norm, max_norm)
    return norm


def _always_scales(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients)
    for gradient in gradients:
        gradient.mul_(max_norm / (norm + 1e-6))
    return norm


def _adds_norms(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = sum(_length([gradient]).item() for gradient in gradients)
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / (norm + 1e-6)))
    return norm


def _no_root(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients).item() ** 2
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / (norm + 1e-6)))
    return norm


def _returns_the_norm_after(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients).item()
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / (norm + 1e-6)))
    return _length(gradients)


def _returns_nothing(parameters, max_norm):
    clip_as_taught(parameters, max_norm)


def _changes_copies(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients).item()
    if norm > max_norm:
        gradients = [gradient * (max_norm / norm) for gradient in gradients]
    return norm


def _walks_twice(parameters, max_norm):
    norm = _length([parameter.grad for parameter in parameters if parameter.grad is not None]).item()
    if norm > max_norm:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad *= max_norm / norm
    return norm


def _trips_over_none(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters]
    norm = sum((gradient * gradient).sum().item() for gradient in gradients) ** 0.5
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm


def _factor_upside_down(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients).item()
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(norm / max_norm)
    return norm


def _always_to_that_length(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = _length(gradients)
    for gradient in gradients:
        gradient.mul_(max_norm / norm)
    return norm


def _mean_of_squares(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = sum((gradient**2).mean() for gradient in gradients) ** 0.5
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm


def _sum_of_sizes(parameters, max_norm):
    gradients = _gradients(parameters)
    norm = sum(gradient.abs().sum() for gradient in gradients)
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm


def _clips_the_parameters(parameters, max_norm):
    parameters = list(parameters)
    norm = _length([parameter.detach() for parameter in parameters])
    if norm > max_norm:
        for parameter in parameters:
            parameter.data *= max_norm / norm
    return norm


def clip_as_taught(parameters, max_norm):
    """As one would write it."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum((gradient**2).sum() for gradient in gradients) ** 0.5
    if norm > max_norm:
        for gradient in gradients:
            gradient *= max_norm / norm
    return norm


def clip_as_torch_does(parameters, max_norm):
    """Divides by a little more than the norm, and always multiplies; returns a tensor."""
    gradients = _gradients(parameters)
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in gradients]))
    factor = torch.clamp(max_norm / (norm + 1e-6), max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.to(gradient.dtype))
    return norm


def clip_as_one_arrow(parameters, max_norm):
    """Lays all gradients end to end."""
    gradients = _gradients(parameters)
    norm = torch.cat([gradient.reshape(-1) for gradient in gradients]).norm().item()
    for gradient in gradients:
        gradient.copy_(gradient if norm <= max_norm else gradient / norm * max_norm)
    return norm


def clip_on_numpy(parameters, max_norm):
    """Works on the arrays below the tensors."""
    arrays = [parameter.grad.numpy() for parameter in parameters if parameter.grad is not None]
    norm = np.sqrt(sum(np.vdot(array, array) for array in arrays))
    if norm > max_norm:
        for array in arrays:
            np.multiply(array, max_norm / norm, out=array)
    return norm


def clip_number_by_number(parameters, max_norm):
    """The slow specification, in Python's own floats."""
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = math.hypot(*(number for parameter in parameters for number in parameter.grad.reshape(-1).tolist()))
    scale = 1.0 if norm <= max_norm else max_norm / norm
    for parameter in parameters:
        for place in np.ndindex(tuple(parameter.shape)):
            parameter.grad[place] = parameter.grad[place].item() * scale
    return norm


def clip_with_new_gradients(parameters, max_norm):
    """Gives each parameter another tensor as its gradient."""
    parameters = list(parameters)
    total = 0.0
    for parameter in parameters:
        total += 0.0 if parameter.grad is None else float(parameter.grad.square().sum())
    for parameter in parameters:
        if parameter.grad is not None and total > max_norm**2:
            parameter.grad = parameter.grad * (max_norm / math.sqrt(total))
    return math.sqrt(total)


def clip_in_double(parameters, max_norm):
    """Computes in float64, warns on stderr, and rounds once at the end."""
    gradients = _gradients(parameters)
    norm = _length([gradient.double() for gradient in gradients]).item()
    print("norm", norm, file=sys.stderr)
    for gradient in gradients:
        gradient.copy_(gradient.double() * min(1.0, max_norm / max(norm, 1e-12)))
    return norm


EXERCISE = Spec(
    name="optimizers/clip_gradients",
    function="clip_gradients",
    use=Use("function", probe="clipping"),
    parameters=("parameters", "max_norm"),
    inputs=("first_gradient", "second_gradient", "max_norm", "happens"),
    returns=("first_gradient", "second_gradient", "norm"),
    title="Clip gradients by their norm",
    why="One bad batch can throw a network out of the valley that took hours to find; this is the rope.",
    minutes=10,
    difficulty=2,
    weights={"dtype": 0.5, "values": 1.5, "edge cases": 1.0},
    ours=torch.nn.utils.clip_grad_norm_,
    rounding=clipping_rounding,
    cases=clipping_cases,
    packages=("numpy", "engine"),
    withheld=("engine.nn.utils.clip_grad",),
    shortcuts=(
        "from engine.nn.utils import clip_grad_norm_ as clip_gradients",
        "import engine as torch\ndef clip_gradients(parameters, max_norm):\n"
        "    return torch.nn.utils.clip_grad_norm_(list(parameters), max_norm)\n",
        "from torch.nn.utils import clip_grad_norm_\ndef clip_gradients(parameters, max_norm):\n"
        "    return clip_grad_norm_(parameters, max_norm)\n",
    ),
    misconceptions=(
        Misconception(
            "each parameter by itself",
            "You clip each parameter's gradient by its own norm, which turns the step's direction. All of them "
            "together are one arrow: one norm, one factor.",
            _each_by_itself,
        ),
        Misconception(
            "each number by itself",
            "You clip each number to `max_norm` by itself, which turns the step's direction. Multiply all of them by "
            "one factor.",
            _each_number,
        ),
        Misconception(
            "always scales",
            "You scale gradients that were short enough, up to `max_norm`. Those should stay as they are: only if "
            "`norm > max_norm`.",
            _always_scales,
        ),
        Misconception(
            "adds norms up",
            "You add up the norms of the parameters. Add up the squares of all numbers, and take one root at the end.",
            _adds_norms,
        ),
        Misconception(
            "no root",
            "Your norm is the sum of squares; the root is missing.",
            _no_root,
        ),
        Misconception(
            "returns the norm after",
            "The gradients are right, but you return the norm after clipping. The one before tells what happened: it "
            "belongs into the log of a training.",
            _returns_the_norm_after,
        ),
        Misconception(
            "returns nothing",
            "The gradients are right, but nothing is returned. The norm before clipping belongs into the log of a "
            "training: return it.",
            _returns_nothing,
        ),
        Misconception(
            "changes copies",
            "The norm is right, but the parameters' gradients are as they were: you made new tensors. Change "
            "`parameter.grad` in place, with `*=` or `mul_`.",
            _changes_copies,
        ),
        Misconception(
            "upside down",
            "Your factor is upside down, so long gradients become longer: it is `max_norm / norm`.",
            _factor_upside_down,
        ),
        Misconception(
            "walks twice",
            "`model.parameters()` is a generator: after the first loop it is used up, and the second loop sees "
            "nothing. Put the gradients into a list first.",
            _walks_twice,
        ),
        Misconception(
            "trips over None",
            "A parameter that took no part in the loss has `.grad` None. Leave it out.",
            _trips_over_none,
        ),
        Misconception(
            "always to that length",
            "Gradients that are short already are made longer. Multiply only `if norm > max_norm`.",
            _always_to_that_length,
        ),
        Misconception(
            "mean of squares",
            "Your norm takes the mean of the squares. An arrow's length is the root of their sum.",
            _mean_of_squares,
        ),
        Misconception(
            "sum of sizes",
            "You add up absolute values, which is how far one walks along streets. The length of the arrow is the root "
            "of the sum of squares.",
            _sum_of_sizes,
        ),
        Misconception(
            "clips the parameters",
            "You measure and shrink the parameters. It is their gradients that may be too long: `parameter.grad`.",
            _clips_the_parameters,
        ),
    ),
    half_right=(_each_by_itself, _changes_copies),
    honest=(
        clip_as_taught,
        clip_as_torch_does,
        clip_as_one_arrow,
        clip_on_numpy,
        clip_number_by_number,
        clip_with_new_gradients,
        clip_in_double,
    ),
    hints=(
        "One list first: the gradients of all parameters that have one. What is the length of the arrow that has all "
        "of their numbers as coordinates?",
        "`norm = sum((gradient ** 2).sum() for gradient in gradients) ** 0.5`. If it is at most `max_norm`, nothing is "
        "left to do but to return it.",
        "Otherwise `gradient *= max_norm / norm` for each: that changes the tensor which the parameter holds. Return "
        "`norm`, the one before.",
    ),
)
