"""Autograd by hand: slopes by nudging, two chain rule steps, the order of the walk back, a scalar engine."""

import heapq
import sys
from collections import Counter, deque

import numpy as np

from autograders.probes import function_and_vjp, graph_order, known_functions, scalar_engine
from autograders.spec import EDGE, Absolute, Case, Misconception, Spec, Use, multilinear_rounding
from autograders.specs.draw import DOUBLE, SINGLE, normal

WEIGHTS = {"dtype": 0.5, "inputs unmutated": 0.5, "values": 2.0, "edge cases": 1.0}
DEEP = 4_000  # more steps than Python lets a function call itself: 1,000, in a notebook 3,000


# numeric_gradient(function, x): nudge every number a little, up and down


def gradient_of_the_engine(function, x):
    """No nudging, but one walk back."""
    import engine

    tensor = engine.tensor(x, requires_grad=True)
    function(tensor).backward()
    return tensor.grad.numpy()


def numeric_gradient_cases(rng):
    """Names of functions, and the places at which to differentiate them, none of them near a slope of 0."""
    line, product, cubes, bells = known_functions.FUNCTIONS
    for name, shape in [
        (line, (1,)), (line, (3,)), (product, (2,)), (product, (4,)), (cubes, (1,)), (cubes, (3,)), (bells, (2,)),
        (bells, (5,)),
    ]:
        yield Case((name, _away_from_zero(rng, shape)), name)
    for name, shape, group in [
        (product, (2, 3), "a table of numbers"),
        (cubes, (), "a single number, of shape ()"),
        (line, (0,), "no numbers at all"),
    ]:
        yield Case((name, _away_from_zero(rng, shape)), group, EDGE)
    yield Case((product, _away_from_zero(rng, (3,)).astype(SINGLE)), "numbers in float32", EDGE)


def _away_from_zero(rng, shape):
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def numeric_gradient_rounding(name, x):
    """Seven digits of the largest slope, which is what the exercise promises.

    A central difference with step h is off by h² / 6 times the third derivative, which for these functions and places
    is below 20 times the largest slope; and each of the two values of the function, at most 20 times the largest slope
    in size, is off by up to 3.5 eps of that, which is divided by h. For all h from 1e-6 to 1e-4 the two together stay
    below 3.4e-8 + 1.6e-8 of the largest slope; counted twice that is 1e-7. A difference to one side is off by h / 2
    times the second derivative: where that is as large as the slope, 5e-7 of it for h = 1e-6.
    """
    slopes = np.abs(known_functions.probe(gradient_of_the_engine, name, x))
    return Absolute(np.full(x.shape, 1e-7 * slopes.max(initial=0.0)))


def _nudged(function, x, difference):
    """Difference(value at a shift, shift) for every number of x; the shift of one number alone."""
    result = np.zeros(x.shape)
    for index in np.ndindex(x.shape):

        def value(shift, index=index):
            moved = x.astype(DOUBLE)
            moved[index] += shift
            return function(moved)

        result[index] = difference(value)
    return result


def _one_sided(function, x):
    return _nudged(function, x, lambda value: (value(1e-5) - value(0.0)) / 1e-5)


def _too_small_a_step(function, x):
    return _nudged(function, x, lambda value: (value(1e-13) - value(-1e-13)) / 2e-13)


def _too_large_a_step(function, x):
    return _nudged(function, x, lambda value: (value(1e-2) - value(-1e-2)) / 2e-2)


def _divides_by_one_step(function, x):
    return _nudged(function, x, lambda value: (value(1e-5) - value(-1e-5)) / 1e-5)


def _forgets_to_put_back(function, x):
    moved, result = x.astype(DOUBLE), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved[index] += 1e-5
        higher = function(moved)
        moved[index] -= 2e-5
        result[index] = (higher - function(moved)) / 2e-5
    return result


def _nudges_all_at_once(function, x):
    slope = (function(x + 1e-5) - function(x - 1e-5)) / 2e-5
    return np.full(x.shape, slope)


def _nudges_whole_rows(function, x):
    if x.ndim == 0:
        raise IndexError("too many indices for array: array is 0-dimensional, but 1 were indexed")
    result = np.zeros(x.shape)
    for row in range(len(x)):
        higher, lower = x.astype(DOUBLE), x.astype(DOUBLE)
        higher[row] += 1e-5
        lower[row] -= 1e-5
        result[row] = (function(higher) - function(lower)) / 2e-5
    return result


def _stays_in_float32(function, x):
    result = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        higher, lower = x.copy(), x.copy()
        higher[index] += 1e-5
        lower[index] -= 1e-5
        result[index] = (function(higher) - function(lower)) / 2e-5
    return result


def numeric_gradient(function, x):
    """The plain way: a copy that is moved up, moved down and put back, one number after the other."""
    step = 1e-5
    x = x.astype(np.float64)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        here = x[index]
        x[index] = here + step
        higher = function(x)
        x[index] = here - step
        lower = function(x)
        x[index] = here
        gradient[index] = (higher - lower) / (2 * step)
    return gradient


def numeric_gradient_flat(function, x):
    """Works on a flat copy and gives it x's shape whenever the function is asked."""
    flat = x.astype(np.float64).ravel()
    slopes = []
    for place in range(flat.size):
        higher, lower = flat.copy(), flat.copy()
        higher[place] += 1e-5
        lower[place] -= 1e-5
        slopes.append((function(higher.reshape(x.shape)) - function(lower.reshape(x.shape))) / 2e-5)
    return np.array(slopes, dtype=np.float64).reshape(x.shape)


def numeric_gradient_with_unit_vectors(function, x):
    """Rows of the identity matrix as directions, and a generator over them."""
    exact = np.array(x, dtype=np.float64)
    directions = np.eye(exact.size).reshape(exact.size, *exact.shape)
    slopes = ((function(exact + 1e-4 * each) - function(exact - 1e-4 * each)) / 2e-4 for each in directions)
    return np.fromiter(slopes, dtype=np.float64, count=exact.size).reshape(exact.shape)


def numeric_gradient_with_fitted_steps(function, x):
    """A step that grows with the number, the cube root of eps, and the distance that rounding really left."""
    exact = x.astype(np.longdouble).astype(np.float64)
    gradient = np.empty_like(exact)
    with np.nditer(exact, flags=["multi_index", "zerosize_ok"]) as places:
        for value in places:
            step = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(float(value)))
            higher, lower = exact.copy(), exact.copy()
            higher[places.multi_index] += step
            lower[places.multi_index] -= step
            distance = higher[places.multi_index] - lower[places.multi_index]
            gradient[places.multi_index] = (function(higher) - function(lower)) / distance
    return gradient


def numeric_gradient_of_fourth_order(function, x):
    """Five points and a wide step: the error falls with its fourth power. Prints on stderr."""
    print("nudging", x.size, "numbers", file=sys.stderr)

    def slope(value, h=1e-3):
        return (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)

    return _nudged(function, x, slope)


def numeric_gradient_extrapolated(function, x):
    """Two central differences, the second with half the step, and the error of the first taken away."""

    def slope(value):
        wide = (value(1e-3) - value(-1e-3)) / 2e-3
        narrow = (value(5e-4) - value(-5e-4)) / 1e-3
        return narrow + (narrow - wide) / 3

    return _nudged(function, x, slope)


def numeric_gradient_by_complex_steps(function, x):
    """A step into the complex plane, where nothing is subtracted and so nothing is lost."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[index] += 1e-30j
        gradient[index] = function(moved).imag / 1e-30
    return gradient


NUMERIC_GRADIENT = Spec(
    name="chain_rule/numeric_gradient",
    function="numeric_gradient",
    parameters=("function", "x"),
    inputs=("name", "x"),
    returns=("result",),
    use=Use(probe="known_functions"),
    title="Slopes by nudging",
    why="The slow way to a gradient needs no theory at all, so it is what every faster way is checked against.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    ours=numeric_gradient,
    reference=lambda name, x: known_functions.probe(gradient_of_the_engine, name, x),
    rounding=numeric_gradient_rounding,
    cases=numeric_gradient_cases,
    shortcuts=(
        "import engine as torch\ndef numeric_gradient(function, x):\n"
        "    return torch.autograd.functional.jacobian(function, torch.tensor(x)).numpy()\n",
        "from scipy.optimize import approx_fprime\ndef numeric_gradient(function, x):\n"
        "    return approx_fprime(x, function)\n",
    ),
    misconceptions=(
        Misconception(
            "one-sided",
            "You compare with `function(x)` itself, a difference to one side, whose error shrinks only as fast as the "
            "step. Nudge up and down and divide by twice the step: the error then shrinks with the step's square.",
            _one_sided,
        ),
        Misconception(
            "too small a step",
            "The formula is right, the step is too small: two nearly equal numbers are subtracted, and what is left is "
            "mostly rounding. Try 1e-5.",
            _too_small_a_step,
        ),
        Misconception(
            "too large a step",
            "The formula is right, the step is too large: the function bends on the way from one side to the other. "
            "Try 1e-5.",
            _too_large_a_step,
        ),
        Misconception(
            "divides by one step",
            "Every slope is twice what it should be: from one side to the other it is two steps, so divide by "
            "`2 * step`.",
            _divides_by_one_step,
        ),
        Misconception(
            "forgets to put back",
            "The first slope is right, the others are taken somewhere else: put each number back before you nudge the "
            "next one.",
            _forgets_to_put_back,
        ),
        Misconception(
            "nudges all at once",
            "You nudge all the numbers at the same time, which gives the sum of the slopes. One at a time: a loop over "
            "`np.ndindex(x.shape)`.",
            _nudges_all_at_once,
        ),
        Misconception(
            "nudges whole rows",
            "Right for a row of numbers. In a table `x[i]` is a whole row, and a single number has no `x[i]`: "
            "`for index in np.ndindex(x.shape)` meets every number of any shape.",
            _nudges_whole_rows,
        ),
        Misconception(
            "stays in float32",
            "Right for float64. float32 has only seven digits, and a nudge of 1e-5 has two of them left: begin with "
            "`x.astype(np.float64)`.",
            _stays_in_float32,
        ),
    ),
    half_right=(_one_sided, _too_large_a_step),
    honest=(
        numeric_gradient,
        numeric_gradient_flat,
        numeric_gradient_with_unit_vectors,
        numeric_gradient_with_fitted_steps,
        numeric_gradient_of_fourth_order,
        numeric_gradient_extrapolated,
        numeric_gradient_by_complex_steps,
    ),
    hints=(
        "Make a copy in float64, `x = x.astype(np.float64)`. Move one number of it up, ask the function; move it down, "
        "ask again.",
        "(higher - lower) / (2 * step), with a step of 1e-5. Then put the number back, and go on to the next.",
        "`for index in np.ndindex(x.shape):` meets every number. In the loop: `here = x[index]`, `x[index] = here + "
        "1e-5`, `higher = function(x)`, in the same way `lower`, and at last `x[index] = here`.",
    ),
)


# multiply_backward(gradient, a, b): what a product sends back to its two factors


def product_of_the_engine(gradient, a, b):
    """One walk back through the engine's own product."""
    import engine

    left, right = engine.tensor(a, requires_grad=True), engine.tensor(b, requires_grad=True)
    (left * right).backward(engine.tensor(gradient))
    return left.grad.numpy(), right.grad.numpy()


def multiply_cases(rng):
    """Three numbers, or three arrays of the same shape."""
    for dtype in (SINGLE, DOUBLE):
        yield _multiply_case(rng, (), "single numbers", dtype=dtype)
        yield _multiply_case(rng, (3,), "a row of products at once", dtype=dtype)
    yield _multiply_case(rng, (2, 2), "a table of products at once", dtype=DOUBLE)
    zero = np.zeros((), SINGLE)
    yield Case((normal(rng, ()), zero, normal(rng, ())), "a factor of 0", EDGE)
    yield Case((normal(rng, ()), normal(rng, ()), zero), "a factor of 0", EDGE)
    yield Case((zero, normal(rng, ()), normal(rng, ())), "nothing comes from above", EDGE)
    yield _multiply_case(rng, (0,), "no numbers at all", EDGE)
    same = normal(rng, ())
    yield Case((normal(rng, ()), same, same), "a number times itself", EDGE)


def _multiply_case(rng, shape, group, *stage, dtype=SINGLE):
    return Case(tuple(normal(rng, shape, dtype) for _ in range(3)), group, *stage)


def _factors_swapped(gradient, a, b):
    return gradient * a, gradient * b


def _forgets_what_comes_from_above(gradient, a, b):
    return b.copy(), a.copy()


def _as_for_a_sum(gradient, a, b):
    return gradient.copy(), gradient.copy()


def _adds_the_other_factor(gradient, a, b):
    return gradient + b, gradient + a


def _sends_the_product(gradient, a, b):
    return gradient * a * b, gradient * a * b


def _divides_the_product(gradient, a, b):
    return gradient * (a * b) / a, gradient * (a * b) / b


def _only_the_first_factor(gradient, a, b):
    return gradient * b, np.zeros_like(b)


def _only_the_second_factor(gradient, a, b):
    return None, gradient * a


def multiply_backward(gradient, a, b):
    """As one would write it."""
    return gradient * b, gradient * a


def multiply_backward_in_a_list(gradient, a, b):
    """A list instead of a tuple, numpy's names instead of operators."""
    return [np.multiply(gradient, b), np.multiply(a, gradient)]


def multiply_backward_in_place(gradient, a, b):
    """Works in copies of its own."""
    for_a, for_b = np.array(b), np.array(a)
    for_a *= gradient
    for_b *= gradient
    return for_a, for_b


def multiply_backward_with_loops(gradient, a, b):
    """Number by number."""
    for_a, for_b = np.empty_like(a), np.empty_like(b)
    for index in np.ndindex(a.shape):
        for_a[index] = gradient[index] * b[index]
        for_b[index] = gradient[index] * a[index]
    return for_a, for_b


def multiply_backward_with_einsum(gradient, a, b):
    """The same sum of one product, written with indices."""
    return np.einsum("...,...->...", gradient, b), np.einsum("...,...->...", gradient, a)


def multiply_backward_in_double(gradient, a, b):
    """Multiplies in float64, warns on stderr, and rounds once at the end."""
    print("multiplying", a.shape, file=sys.stderr)
    exact = gradient.astype(np.float64)
    return (exact * b).astype(a.dtype), (exact * a).astype(b.dtype)


def multiply_backward_stacked(gradient, a, b):
    """Both at once: the two factors in one array, the other way round."""
    for_a, for_b = gradient * np.stack([b, a])
    return for_a, for_b


MULTIPLY_BACKWARD = Spec(
    name="chain_rule/multiply_backward",
    function="multiply_backward",
    parameters=("gradient", "a", "b"),
    returns=("grad_a", "grad_b"),
    title="Walk back through a product",
    why="Every weight of every network is a factor somewhere, and this is how it learns in which direction to move.",
    minutes=5,
    difficulty=1,
    weights=WEIGHTS,
    ours=multiply_backward,
    reference=product_of_the_engine,
    rounding=multilinear_rounding(multiply_backward),
    cases=multiply_cases,
    shortcuts=(
        "import engine as torch\ndef multiply_backward(gradient, a, b):\n"
        "    a, b = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)\n"
        "    (a * b).backward(torch.tensor(gradient))\n    return a.grad.numpy(), b.grad.numpy()\n",
    ),
    misconceptions=(
        Misconception(
            "factors swapped",
            "You give each factor itself. If `a` grows by 1, `a * b` grows by `b`: what `a` gets is the gradient times "
            "the *other* factor.",
            _factors_swapped,
        ),
        Misconception(
            "forgets what comes from above",
            "These are the slopes of the product alone. The chain rule multiplies them by `gradient`, what comes from "
            "above.",
            _forgets_what_comes_from_above,
        ),
        Misconception(
            "as for a sum",
            "You pass `gradient` on as it came, which is what a sum does. In a product a nudge of `a` arrives `b` "
            "times as large.",
            _as_for_a_sum,
        ),
        Misconception(
            "adds the other factor",
            "You add the other factor to what comes from above. Slopes along a chain are multiplied.",
            _adds_the_other_factor,
        ),
        Misconception(
            "sends the product",
            "Both get `gradient * a * b`. The factor for which you ask falls away when you differentiate: only the "
            "other one is left.",
            _sends_the_product,
        ),
        Misconception(
            "divides the product",
            "Right as long as no factor is 0. Dividing the product by `a` gives nan there, but its slope is simply "
            "`b`: multiply `gradient` by the other factor.",
            _divides_the_product,
        ),
    ),
    half_right=(_only_the_first_factor, _only_the_second_factor),
    honest=(
        multiply_backward,
        multiply_backward_in_a_list,
        multiply_backward_in_place,
        multiply_backward_with_loops,
        multiply_backward_with_einsum,
        multiply_backward_in_double,
        multiply_backward_stacked,
    ),
    hints=(
        "Let b be 5. If a grows by 0.1, by how much does a * b grow?",
        "By 5 times 0.1: the slope for a is b, and the slope for b is a. The chain rule multiplies by `gradient`.",
        "For a it is `gradient * b`. And for b?",
    ),
)


# tanh(x): a value, and the function that walks back through it


def tanh_of_the_engine(x):
    """A value, and a walk back from it."""
    import engine

    tensor = engine.tensor(x, requires_grad=True)
    value = tensor.tanh()

    def vjp(gradient):
        return engine.autograd.grad(value, tensor, engine.tensor(gradient), retain_graph=True)[0].numpy()

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
    import math

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


TANH = Spec(
    name="chain_rule/tanh",
    function="tanh",
    parameters=("x",),
    inputs=("gradient", "x"),
    returns=("value", "gradient_of_x"),
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
        "from autograders.specs.chain_rule import tanh",
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


# programs: graphs as the few lines that make them

USED_TWICE = "b = a + a; y = b + b"
LONG_AND_SHORT_WAY = "b = a + a; c = b + a; y = a + c"
SHORT_AND_LONG_WAY = "b = a + a; c = b + a; y = c + a"


def _random_program(rng, operations):
    """A program of that many operations and a last sum, whose later lines use results of earlier ones again."""
    names, lines = list("abcd"), []
    for number in range(operations):
        recent = names[-5:]
        first, second = rng.choice(recent, 2)
        name = f"v{number}"
        lines.append(f"{name} = {rng.choice([f'{first} + {second}', f'{first} * {second}', f'{first}.tanh()'])}")
        names.append(name)
    return "; ".join([*lines, f"y = {names[-2]} + {names[-1]}"])


# topological_order(output): every node once, each after all that it was computed from


def topological_order(output):
    """The order in which one can compute: inputs first, with a stack of its own."""
    order, seen, stack = [], set(), [(output, False)]
    while stack:
        node, inputs_are_in = stack.pop()
        if inputs_are_in:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((source, False) for source in node.inputs)
    return order


def topological_order_cases(rng):
    """Programs; the graph is that of `y`."""
    for program, group in [
        ("y = a + b", "no node is used twice"),
        ("y = a.tanh()", "no node is used twice"),
        ("b = a.tanh(); y = b.tanh()", "no node is used twice"),
        ("e = a * b; f = e.tanh(); y = f + c", "no node is used twice"),
        ("y = a + a", "a node that is used twice"),
        (USED_TWICE, "a node that is used twice"),
        (LONG_AND_SHORT_WAY, "a short way and a long way to the same node"),
        (SHORT_AND_LONG_WAY, "a short way and a long way to the same node"),
    ]:
        yield Case((program,), group)
    for operations in (4, 8, 12):
        yield Case((_random_program(rng, operations),), "drawn by chance")
    for program, group in [
        ("y = a", "a leaf by itself, a result that nobody used"),
        ("e = a + b; y = a * c", "a leaf by itself, a result that nobody used"),
        ("y = a\nfor step in range(12): y = y + y", "thousands of ways to the same node"),
        (f"y = a\nfor step in range({DEEP}): y = y + b", "a graph that is very deep"),
    ]:
        yield Case((program,), group, EDGE)


def measure_order(case, order):
    """(how often each node occurs, with the number of foreign entries at the end; for each use: is the input first?)"""
    numbers = graph_order.numbered(graph_order.graph(*case.arguments))
    order = np.asarray(order, dtype=np.float64).ravel()
    is_node = np.isin(order, np.arange(len(numbers)))
    known = order[is_node].astype(np.int64)
    occurrences = np.append(np.bincount(known, minlength=len(numbers)), np.count_nonzero(~is_node))
    first = np.full(len(numbers), np.inf)
    np.minimum.at(first, known, np.arange(known.size))
    uses = [(numbers[source], number) for node, number in numbers.items() for source in node.inputs]
    sources, users = np.array(uses, dtype=np.int64).reshape(-1, 2).T
    return occurrences.astype(np.float64), (first[sources] < first[users]).astype(np.float64)


def order_rounding(program):
    """None: what was counted is exact."""
    return tuple(np.zeros_like(each) for each in measure_order(Case((program,), ""), np.zeros(0)))


def _visits_again(output):
    return [node for source in output.inputs for node in _visits_again(source)] + [output]


def _output_first(output):
    return topological_order(output)[::-1]


def _before_its_inputs(output):
    order, stack = {}, [output]
    while stack:
        node = stack.pop()
        if node not in order:
            order[node] = True
            stack.extend(reversed(node.inputs))
    return list(order)


def _before_its_inputs_then_reversed(output):
    return _before_its_inputs(output)[::-1]


def _by_distance(output):
    order, waiting = {}, deque([output])
    while waiting:
        node = waiting.popleft()
        if node not in order:
            order[node] = True
            waiting.extend(node.inputs)
    return list(order)[::-1]


def _forgets_the_leaves(output):
    return [node for node in topological_order(output) if node.inputs]


def _forgets_the_output(output):
    return topological_order(output)[:-1]


def _calls_itself(output):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for source in node.inputs:
                visit(source)
            order.append(node)

    visit(output)
    return order


def order_by_counting_uses(output):
    """From the output: a node comes once all its users have come; reversed at the end."""
    uses, waiting = Counter(), [output]
    seen = {output}
    while waiting:
        for source in waiting.pop().inputs:
            uses[source] += 1
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    order, ready = [], deque([output])
    while ready:
        order.append(ready.popleft())
        for source in order[-1].inputs:
            uses[source] -= 1
            if not uses[source]:
                ready.append(source)
    order.reverse()
    return order


def order_by_counting_inputs(output):
    """From the leaves: a node comes once all its inputs have come. A tuple."""
    users, missing, waiting = {}, {output: len(output.inputs)}, [output]
    while waiting:
        node = waiting.pop()
        for source in node.inputs:
            users.setdefault(source, []).append(node)
            if source not in missing:
                missing[source] = len(source.inputs)
                waiting.append(source)
    ready, order = [node for node, count in missing.items() if count == 0], []
    while ready:
        node = ready.pop()
        order.append(node)
        for user in users.get(node, ()):
            missing[user] -= 1
            if missing[user] == 0:
                ready.append(user)
    return tuple(order)


def order_with_iterators(output):
    """The recursive walk, with the iterators of half-visited nodes on a stack; node by node, as a generator."""
    seen, path = {id(output)}, [(output, iter(output.inputs))]
    while path:
        node, sources = path[-1]
        source = next(sources, None)
        if source is None:
            path.pop()
            yield node
        elif id(source) not in seen:
            seen.add(id(source))
            path.append((source, iter(source.inputs)))


def order_by_depth(output):
    """Sorted by the longest way down to a leaf, which grows along every edge. Speaks on stderr."""
    depth = {}
    stack = [output]
    while stack:
        node = stack[-1]
        open_inputs = [source for source in node.inputs if source not in depth]
        if open_inputs:
            stack.extend(open_inputs)
        else:
            depth[stack.pop()] = 1 + max((depth[source] for source in node.inputs), default=0)
    print("deepest:", depth[output], file=sys.stderr)
    return sorted(depth, key=depth.get)


def order_with_a_higher_limit(output):
    """The recursive walk, after Python was told that it may go deeper."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10 * DEEP)
    try:
        return _calls_itself(output)
    finally:
        sys.setrecursionlimit(before)


def order_of_a_dictionary(output):
    """What is finished is a dictionary's keys, which keep the order in which they came."""
    finished, stack = {}, [output]
    while stack:
        node = stack.pop()
        if node in finished:
            continue
        waiting = [source for source in node.inputs if source not in finished]
        if waiting:
            stack += [node, *waiting]
        else:
            finished[node] = True
    return list(finished)


TOPOLOGICAL_ORDER = Spec(
    name="chain_rule/topological_order",
    function="topological_order",
    parameters=("output",),
    inputs=("program",),
    returns=("order",),
    use=Use(probe="graph_order"),
    measure=measure_order,
    measured=("how often each node occurs", "whether each input comes before its user"),
    title="In which order to walk",
    why="A node may pass its gradient on only when all of it has arrived; the right order is what makes that true.",
    minutes=15,
    difficulty=3,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=topological_order,
    rounding=order_rounding,
    cases=topological_order_cases,
    shortcuts=(
        "from autograders.specs.chain_rule import topological_order",
        "import networkx\ndef topological_order(output):\n    return networkx.topological_sort(output)\n",
    ),
    misconceptions=(
        Misconception(
            "visits again",
            "The order is right, but a node that is used twice stands in your list twice, with all that is behind it. "
            "Remember in a set what you have visited, and do not visit it again.",
            _visits_again,
        ),
        Misconception(
            "output first",
            "Every node once, but the wrong way round: the output comes first. Inputs come before what is computed "
            "from them; reverse the list at the end.",
            _output_first,
        ),
        Misconception(
            "before its inputs",
            "Every node once, but each is put in the list when you arrive at it. Put it there when you leave: after "
            "all its inputs are in.",
            _before_its_inputs,
        ),
        Misconception(
            "before its inputs, then reversed",
            "To put a node in the list when you arrive, and to reverse at the end, works for chains. Where a short way "
            "and a long way lead to the same node, it comes too early: put a node in the list after all its inputs.",
            _before_its_inputs_then_reversed,
        ),
        Misconception(
            "by distance",
            "You walk level by level and reverse. Where a short way and a long way lead to the same node, it is met on "
            "the short one, too early: put a node in the list after all its inputs are in.",
            _by_distance,
        ),
        Misconception(
            "forgets the leaves",
            "The order is right, but the leaves are missing. They have no inputs, but they get gradients too: for "
            "their sake all this is done.",
            _forgets_the_leaves,
        ),
        Misconception(
            "forgets the output",
            "The order is right, but the output itself is missing: it is the last one.",
            _forgets_the_output,
        ),
        Misconception(
            "calls itself",
            "Right, as long as the graph is shallow. Python allows a function about a thousand calls of itself, and "
            "graphs grow deeper: keep a stack of your own, a list to which you append and from which you pop.",
            _calls_itself,
        ),
    ),
    half_right=(_visits_again, _output_first),
    honest=(
        topological_order,
        order_by_counting_uses,
        order_by_counting_inputs,
        order_with_iterators,
        order_by_depth,
        order_with_a_higher_limit,
        order_of_a_dictionary,
    ),
    hints=(
        "Visit a node: first visit all its inputs, then append the node itself. A set of what was visited keeps it "
        "from being done twice. That passes nearly everything; very deep graphs need the next hint.",
        "Instead of calling itself the function keeps a list of what is still to do. Each entry says one of two "
        "things: visit this node, or: its inputs are done, append it.",
        "`stack = [(output, False)]`. Pop `(node, done)`. If done, append the node to the order. Else, if it is new: "
        "push `(node, True)`, and above it `(source, False)` for each of its inputs.",
    ),
)


# Value: a number that remembers where it came from, and can walk back


class EngineValue:
    """The engine's own: a tensor of one number."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        import engine

        is_number = isinstance(data, (int, float))
        self.tensor = engine.tensor(data, dtype=engine.float64, requires_grad=True) if is_number else data

    @property
    def grad(self):
        return 0.0 if self.tensor.grad is None else self.tensor.grad.item()

    def __add__(self, other):
        return EngineValue(self.tensor + other.tensor)

    def __mul__(self, other):
        return EngineValue(self.tensor * other.tensor)

    def tanh(self):
        return EngineValue(self.tensor.tanh())

    def backward(self):
        self.tensor.backward()


def value_cases(rng):
    """Programs, and what a, b, c, d are."""
    for program, group in [
        ("y = a + b", "a single operation"),
        ("y = a * b", "a single operation"),
        ("y = a.tanh()", "a single operation"),
        ("e = a * b; f = e + c; y = f.tanh()", "a chain of operations"),
        ("e = a.tanh(); f = e * b; y = f * c", "a chain of operations"),
        ("y = a * a", "a value that is used twice"),
        (USED_TWICE, "a value that is used twice"),
        ("e = a * b; y = e * e", "a value that is used twice"),
        (LONG_AND_SHORT_WAY, "values that are shared"),
        (SHORT_AND_LONG_WAY, "values that are shared"),
        ("e = a * b; f = e.tanh(); g = f + e; y = g * f", "values that are shared"),
    ]:
        yield _value_case(rng, program, group)
    for operations in (5, 8):
        yield _value_case(rng, _random_program(rng, operations), "values that are shared")
    for program, group in [
        ("y = a", "a leaf by itself"),
        ("e = a * b; f = e * e; y = e + c", "a result that nobody used"),
        (f"y = a\nfor step in range({DEEP}): y = y + b", "a graph that is very deep"),
    ]:
        yield _value_case(rng, program, group, EDGE)


def _value_case(rng, program, group, *stage):
    values = rng.uniform(0.5, 1.5, 4) * rng.choice([-1.0, 1.0], 4)
    return Case((program, values), group, *stage)


class _Bound:
    """A number with the rounding that it may have, in units of eps, and the same for gradients on the way back.

    A step adds half an eps of its result, and passes on the error of what goes in, times the slope; here it adds a
    whole eps, which doubles the bound. tanh's own error is that of `tanh_rounding`.
    """

    made = []

    def __init__(self, data, error=0.0, inputs=(), slopes=(), slope_errors=()):
        self.data, self.error = data, error
        self.inputs, self.slopes, self.slope_errors = inputs, slopes, slope_errors
        self.gradient, self.gradient_error, self.grad = 0.0, 0.0, 0.0
        self.made.append(self)

    def __add__(self, other):
        total = self.data + other.data
        return _Bound(total, self.error + other.error + abs(total), (self, other), (1.0, 1.0), (0.0, 0.0))

    def __mul__(self, other):
        product = self.data * other.data
        error = self.error * abs(other.data) + other.error * abs(self.data) + abs(product)
        slopes, slope_errors = (other.data, self.data), (other.error, self.error)
        return _Bound(product, error, (self, other), slopes, slope_errors)

    def tanh(self):
        value = np.tanh(self.data)
        error = self.error + 16.0
        return _Bound(value, error, (self,), (1 - value * value,), (2 * error + 2,))

    def backward(self):
        self.gradient = 1.0
        for node in reversed(self.made):
            node.grad = 2 * node.gradient_error
            for source, slope, error in zip(node.inputs, node.slopes, node.slope_errors):
                sent = node.gradient * abs(slope)
                source.gradient += sent
                source.gradient_error += node.gradient_error * abs(slope) + node.gradient * error + sent
                source.gradient_error += source.gradient  # the sum so far is rounded as well


def value_rounding(program, values):
    """The bound that `_Bound` finds by running the same program, doubled once more for what it neglects (eps²)."""
    _Bound.made = []
    return scalar_engine.probe(_Bound, program, values)


class Recorded:
    """What the exercise gives: a number whose operations remember their inputs and their way back."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        self.data, self.inputs, self.vjp, self.operation = data, inputs, vjp, operation
        self.grad = 0.0

    def __add__(self, other):
        return type(self)(self.data + other.data, (self, other), lambda gradient: (gradient, gradient), "+")

    def __mul__(self, other):
        def vjp(gradient):
            return gradient * other.data, gradient * self.data

        return type(self)(self.data * other.data, (self, other), vjp, "×")

    def tanh(self):
        value = np.tanh(self.data)
        return type(self)(value, (self,), lambda gradient: (gradient * (1 - value * value),), "tanh")


def _value_with(backward):
    """A class `Value` that walks back in this way."""
    return type("Value", (Recorded,), {"backward": backward, "__doc__": backward.__doc__})


def _send(node):
    for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
        source.grad += gradient


def _assigns(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
            source.grad = gradient


def _walks_every_way(self):
    def walk(node):
        _send(node)
        for source in node.inputs:
            walk(source)

    self.grad = 1.0
    walk(self)


def _walks_forward(self):
    self.grad = 1.0
    for node in topological_order(self):
        _send(node)


def _forgets_to_begin(self):
    for node in reversed(topological_order(self)):
        _send(node)


def _begins_with_the_value(self):
    self.grad = self.data
    for node in reversed(topological_order(self)):
        _send(node)


def _sends_slopes_only(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        for source, slope in zip(node.inputs, node.vjp(1.0) if node.inputs else ()):
            source.grad += slope


def _sends_too_early(self):
    self.grad = 1.0
    for node in _before_its_inputs(self):
        _send(node)


def _counts_each_input_once(self):
    self.grad = 1.0
    for node in reversed(topological_order(self)):
        sent = dict(zip(node.inputs, node.vjp(node.grad))) if node.inputs else {}
        for source, gradient in sent.items():
            source.grad += gradient


def _stops_in_the_deep(self):
    self.grad = 1.0
    for node in reversed(_calls_itself(self)):
        _send(node)


class Value(Recorded):
    """As the chapter writes it."""

    def backward(self):
        self.grad = 1.0
        for node in reversed(topological_order(self)):
            if node.vjp is not None:
                for source, gradient in zip(node.inputs, node.vjp(node.grad)):
                    source.grad += gradient


class ValueByCountingUses(Recorded):
    """Counts the users first; a value sends once its last user has sent."""

    def backward(self):
        uses, to_visit, seen = Counter(), [self], {self}
        while to_visit:
            for source in to_visit.pop().inputs:
                uses[source] += 1
                if source not in seen:
                    seen.add(source)
                    to_visit.append(source)
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.inputs else ()):
                source.grad += gradient
                uses[source] -= 1
                if not uses[source]:
                    ready.append(source)


class ValueOnATape:
    """All that is ever computed stands on a tape, which is played backward. Local slopes in place of functions."""

    tape = []

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        self.data, self.inputs, self.grad = data, inputs, 0.0
        ValueOnATape.tape.append((self, vjp))

    def __add__(self, other):
        return ValueOnATape(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return ValueOnATape(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):
        value = np.tanh(self.data)
        return ValueOnATape(value, (self,), (1 - value**2,))

    def backward(self):
        for node, _ in self.tape:
            node.grad = 0.0
        self.grad = 1.0
        while self.tape:
            node, slopes = self.tape.pop()
            for source, slope in zip(node.inputs, slopes or ()):
                source.grad += node.grad * slope


class ValueWithClosures:
    """Each operation leaves a function without arguments that adds to its inputs' gradients."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        self.data, self.inputs, self.grad, self.send = float(data), tuple(inputs), 0.0, lambda: None

    def __add__(self, other):
        result = ValueWithClosures(self.data + other.data, (self, other))

        def send():
            self.grad += result.grad
            other.grad += result.grad

        result.send = send
        return result

    def __mul__(self, other):
        result = ValueWithClosures(self.data * other.data, (self, other))

        def send():
            self.grad += other.data * result.grad
            other.grad += self.data * result.grad

        result.send = send
        return result

    def tanh(self):
        result = ValueWithClosures(np.tanh(self.data), (self,))

        def send():
            self.grad += (1 - result.data**2) * result.grad

        result.send = send
        return result

    def backward(self):
        self.grad = 1.0
        for node in order_by_counting_uses(self)[::-1]:
            node.send()


class ValueByDepth(Recorded):
    """Each value knows how deep it lies; of those that wait, the deepest sends first."""

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        super().__init__(data, inputs, vjp, operation)
        self.depth = 1 + max((source.depth for source in inputs), default=0)

    def backward(self):
        print("walking back from depth", self.depth, file=sys.stderr)
        self.grad, waiting, known = 1.0, [(-self.depth, id(self), self)], {self}
        while waiting:
            _, _, node = heapq.heappop(waiting)
            _send(node)
            for source in node.inputs:
                if source not in known:
                    known.add(source)
                    heapq.heappush(waiting, (-source.depth, id(source), source))


class ValueByCollecting(Recorded):
    """Gradients are kept in a dictionary on the way, and written into the values at the end."""

    def backward(self):
        arrived = {self: [1.0]}
        for node in list(order_with_iterators(self))[::-1]:
            node_gradient = sum(arrived[node])
            for source, gradient in zip(node.inputs, node.vjp(node_gradient) if node.vjp else ()):
                arrived.setdefault(source, []).append(gradient)
        for node, gradients in arrived.items():
            node.grad += sum(gradients)


class ValueOfNumpy(Recorded):
    """Keeps numpy's numbers of one element; the order comes from sorting by when a value was made."""

    count = 0

    def __init__(self, data, inputs=(), vjp=None, operation=""):
        super().__init__(np.float64(data), inputs, vjp, operation)
        self.grad = np.zeros(())
        ValueOfNumpy.count += 1
        self.number = ValueOfNumpy.count

    def backward(self):
        self.grad = np.ones(())
        for node in sorted(order_of_a_dictionary(self), key=lambda each: each.number, reverse=True):
            for source, gradient in zip(node.inputs, node.vjp(node.grad) if node.vjp else ()):
                source.grad = source.grad + gradient


BACKWARD = Spec(
    name="chain_rule/backward",
    function="Value",
    parameters=("data",),
    inputs=("program", "values"),
    returns=("gradients",),
    use=Use("class", probe="scalar_engine"),
    title="Walk back through any graph",
    why="One walk from the result to the leaves gives every slope there is, whatever the graph looks like.",
    minutes=15,
    difficulty=3,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=Value,
    reference=lambda program, values: scalar_engine.probe(EngineValue, program, values),
    rounding=value_rounding,
    cases=value_cases,
    shortcuts=(
        "import engine\nclass Value:\n    def __init__(self, data):\n"
        "        self.tensor = engine.tensor(data, requires_grad=True)\n",
        "from autograders.specs.chain_rule import Value",
    ),
    misconceptions=(
        Misconception(
            "assigns instead of adding",
            "A value that is used twice keeps only what its last user sent. Gradients of several uses add up: "
            "`source.grad += gradient`.",
            _value_with(_assigns),
        ),
        Misconception(
            "walks every way",
            "You go on from a value as soon as something has arrived there, and so walk a shared value more than once, "
            "each time sending all it has so far. Walk along `reversed(topological_order(self))`: each value once.",
            _value_with(_walks_every_way),
        ),
        Misconception(
            "walks forward",
            "You walk from the leaves to the result, but gradients come from the result: `reversed(...)`.",
            _value_with(_walks_forward),
        ),
        Misconception(
            "forgets to begin",
            "Every gradient is 0, because nothing ever arrives at the result itself. Its own gradient is 1: if it "
            "grows by something, it grows by just that.",
            _value_with(_forgets_to_begin),
        ),
        Misconception(
            "begins with the value",
            "You begin with the value of the result. Its gradient is 1: the slope of a number with respect to itself.",
            _value_with(_begins_with_the_value),
        ),
        Misconception(
            "sends slopes only",
            "Each value sends the slopes of its own operation only. The chain rule multiplies by what has arrived: "
            "`node.vjp(node.grad)`.",
            _value_with(_sends_slopes_only),
        ),
        Misconception(
            "sends too early",
            "Each value sends once, but some before all of their own gradient has arrived; what comes later is lost. "
            "Walk along `reversed(topological_order(self))`.",
            _value_with(_sends_too_early),
        ),
        Misconception(
            "counts each input once",
            "In `a + a` the same value is both inputs, and gets a gradient from each. Loop over the pairs of "
            "`zip(node.inputs, ...)`: a dictionary or a set makes one of two.",
            _value_with(_counts_each_input_once),
        ),
        Misconception(
            "stops in the deep",
            "Right, as long as the graph is shallow. In a deep one Python stops a function that calls itself: your "
            "`topological_order` needs a stack of its own.",
            _value_with(_stops_in_the_deep),
        ),
    ),
    half_right=(_value_with(_assigns), _value_with(_walks_every_way)),
    honest=(
        Value,
        ValueByCountingUses,
        ValueOnATape,
        ValueWithClosures,
        ValueByDepth,
        ValueByCollecting,
        ValueOfNumpy,
    ),
    hints=(
        "The result's own gradient is 1. Then every value, from the result towards the leaves, sends to its inputs "
        "what `vjp` makes of its gradient.",
        "`reversed(topological_order(self))` is the order. A leaf has no `vjp` and sends nothing. What arrives is "
        "added to what is there.",
        "`for source, gradient in zip(node.inputs, node.vjp(node.grad)): source.grad += gradient`, for each node "
        "whose `vjp` is not None, after `self.grad = 1.0`.",
    ),
)

EXERCISES = (NUMERIC_GRADIENT, MULTIPLY_BACKWARD, TANH, TOPOLOGICAL_ORDER, BACKWARD)
