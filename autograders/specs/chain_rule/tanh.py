"""tanh(x): a value, and the function that walks back through it."""

import math
import sys

import numpy as np

import engine as torch
from autograders.probes import function_and_vjp
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def tanh_of_the_engine(x):
    """A value, and a walk back from it."""
    tensor = torch.tensor(x, requires_grad=True)
    value = tensor.tanh()

    def vjp(gradient):
        return torch.autograd.grad(value, tensor, torch.tensor(gradient), retain_graph=True)[0].numpy()

    return value.detach().numpy(), vjp


def tanh_rounding(gradient, x):
    """How much rounding a value and its gradient may show, in units of eps.

    numpy's exp in float32 is off by up to 2.6 eps of its result. In (p - q) / (p + q), p and q being the two
    exponentials, that is 2.6 eps above and below the line, and 0.5 eps for each of three steps: 6.7 eps. In
    1 - 2 / (exp(2x) + 1) the quotient, at most 2, is off by 3.6 eps of itself: 7.7 eps. Twice 8 is 16.
    The gradient, g (1 - t²), has twice the error of t and three steps more: twice (16 + 2) times |g|.
    """
    return np.full(x.shape, 16.0), 36.0 * np.abs(gradient)


def tanh_cases(rng):
    """What comes from above, and x."""
    for dtype in (SINGLE, DOUBLE):
        yield _tanh_case(rng, normal(rng, (), dtype), "a single number", gradient=1.0)
        yield _tanh_case(rng, normal(rng, (), dtype), "a single number, gradient from above not 1")
        yield _tanh_case(rng, normal(rng, (4,), dtype), "several numbers")
    yield _tanh_case(rng, 3 * normal(rng, (2, 3)), "several numbers")
    yield _tanh_case(rng, np.zeros((), SINGLE), "at 0", EDGE)
    yield _tanh_case(rng, np.array([1e4, 0.5], SINGLE), "far to the right", EDGE)
    yield _tanh_case(rng, np.array([-1e4, 0.5], SINGLE), "far to the left", EDGE)
    yield _tanh_case(rng, np.zeros((0,), SINGLE), "no numbers at all", EDGE)


def _tanh_case(rng, x, group, *stage, gradient=None):
    from_above = normal(rng, x.shape, x.dtype) if gradient is None else np.full(x.shape, gradient, x.dtype)
    return Case((from_above, x), group, *stage)


def _tanh_with(slope):
    """An answer whose value is right and whose vjp multiplies by slope(x, t)."""

    def tanh(x):
        value = np.tanh(x)
        return value, lambda gradient: gradient * slope(x, value)

    return tanh


_squares_the_input = _tanh_with(lambda x, t: 1 - x * x)
_forgets_the_square = _tanh_with(lambda x, t: 1 - t)
_as_for_the_logistic_curve = _tanh_with(lambda x, t: t * (1 - t))
_wrong_way_round = _tanh_with(lambda x, t: t * t - 1)
_multiplies_by_the_value = _tanh_with(lambda x, t: t)
_slope_of_one = _tanh_with(lambda x, t: np.ones_like(x))


def _tanh_forgets_the_gradient(x):
    value = np.tanh(x)
    return value, lambda gradient: 1 - value * value


def _slope_at_the_gradient(x):
    return np.tanh(x), lambda gradient: 1 - np.tanh(gradient) ** 2


def _tanh_overflows(x):
    up, down = np.exp(x), np.exp(-x)
    value = (up - down) / (up + down)
    return value, lambda gradient: gradient * (1 - value * value)


def tanh(x):
    """As one would write it."""
    value = np.tanh(x)

    def vjp(gradient):
        return gradient * (1 - value**2)

    return value, vjp


def as_tanh(answer):
    """What the engine wants: the same, and a tuple, where the answer may give a list."""
    return lambda x: tuple(answer(x))


def tanh_from_one_exponential(x):
    """1 - 2 / (exp(2x) + 1), which is right however far out, and a list instead of a tuple."""
    value = 1 - 2 / (np.exp(2 * x) + 1)
    return [value, lambda gradient: gradient - gradient * value * value]


def tanh_with_cosh(x):
    """The slope as 1 / cosh², computed from x again when it is asked for."""

    def vjp(gradient):
        return gradient / np.square(np.cosh(x, dtype=x.dtype))

    return np.tanh(x), vjp


def tanh_from_the_logistic_curve(x):
    """tanh(x) is twice the logistic curve of 2x, minus 1."""
    logistic = 1 / (1 + np.exp(-2 * x))
    return 2 * logistic - 1, lambda gradient: gradient * 4 * logistic * (1 - logistic)


def tanh_number_by_number(x):
    """Loops and the math of single numbers, in float64, rounded once at the end."""
    value = np.array([math.tanh(number) for number in x.ravel()], dtype=x.dtype).reshape(x.shape)

    def vjp(gradient):
        slopes = [1 - math.tanh(number) ** 2 for number in x.ravel()]
        return (gradient.astype(np.float64) * np.reshape(slopes, x.shape)).astype(gradient.dtype)

    return value, vjp


def tanh_as_an_object(x):
    """The vjp is a method of something that keeps the slope, and speaks on stderr."""

    class Slope:
        def __init__(self, value):
            self.slope = (1 - value) * (1 + value)

        def back(self, gradient):
            print("walking back", file=sys.stderr)
            result = gradient.copy()
            result *= self.slope
            return result

    value = np.tanh(x)
    return value, Slope(value).back


def tanh_in_double(x):
    """Computes in float64 and rounds once, the value and the gradient each."""
    exact = np.tanh(x.astype(np.float64))
    return exact.astype(x.dtype), lambda gradient: (gradient * (1 - exact * exact)).astype(gradient.dtype)


EXERCISE = Spec(
    name="chain_rule/tanh",
    function="tanh",
    parameters=("x",),
    inputs=("gradient", "x"),
    returns=("value", "gradient_of_x"),
    part="tanh",
    as_part=as_tanh,
    use=Use(probe="function_and_vjp"),
    title="A value and its way back",
    why="An operation of a library is a pair: what it computes, and how a gradient walks back through it.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    ours=tanh,
    reference=lambda gradient, x: function_and_vjp.probe(tanh_of_the_engine, gradient, x),
    rounding=tanh_rounding,
    cases=tanh_cases,
    shortcuts=(
        "import torch\ndef tanh(x):\n    x = torch.tensor(x, requires_grad=True)\n    y = torch.tanh(x)\n"
        "    return y.detach().numpy(), lambda g: torch.autograd.grad(y, x, torch.tensor(g))[0].numpy()\n",
        "from autograders.specs.chain_rule.tanh import tanh",
    ),
    misconceptions=(
        Misconception(
            "forgets what comes from above",
            "This is the slope of tanh alone. The chain rule multiplies it by `gradient`, what comes from above.",
            _tanh_forgets_the_gradient,
        ),
        Misconception(
            "slope at the gradient",
            "You compute the slope of tanh at `gradient`. Its place is x, where the forward pass went through; "
            "`gradient` multiplies it.",
            _slope_at_the_gradient,
        ),
        Misconception(
            "squares the input",
            "The slope is 1 minus the square of the *result*: `1 - value**2`, not `1 - x**2`.",
            _squares_the_input,
        ),
        Misconception(
            "forgets the square",
            "Nearly: the slope is 1 minus the *square* of the value.",
            _forgets_the_square,
        ),
        Misconception(
            "as for the logistic curve",
            "`t * (1 - t)` is the slope of the logistic curve, tanh's sister. That of tanh is `1 - t**2`.",
            _as_for_the_logistic_curve,
        ),
        Misconception(
            "wrong way round",
            "Every gradient has the wrong sign. tanh always rises, so its slope is positive: `1 - value**2`.",
            _wrong_way_round,
        ),
        Misconception(
            "multiplies by the value",
            "Your vjp multiplies by tanh(x) itself. It needs the slope of tanh at x: `1 - value**2`.",
            _multiplies_by_the_value,
        ),
        Misconception(
            "overflows",
            "Right for ordinary numbers, but `np.exp` is infinite far out, and infinity by infinity is nan. "
            "`np.tanh` knows that; so does `1 - 2 / (np.exp(2 * x) + 1)`.",
            _tanh_overflows,
        ),
    ),
    half_right=(_slope_of_one, _multiplies_by_the_value),
    honest=(
        tanh,
        tanh_from_one_exponential,
        tanh_with_cosh,
        tanh_from_the_logistic_curve,
        tanh_number_by_number,
        tanh_as_an_object,
        tanh_in_double,
    ),
    hints=(
        "`value = np.tanh(x)`. The inner function `vjp` can use it: a function remembers the variables around it.",
        "The slope of tanh is 1 minus the square of its value. The chain rule multiplies by `gradient`.",
        "`def vjp(gradient): return gradient * (1 - value**2)`, then `return value, vjp`: the function itself, without "
        "brackets after it.",
    ),
)
