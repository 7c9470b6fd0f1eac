"""numeric_gradient(function, x): the slope by every number of x, each nudged a little up and down."""

import sys

import numpy as np

import engine as torch
from autograders.probes import known_functions
from autograders.spec import EDGE, Absolute, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS


def gradient_of_the_engine(function, x):
    """No nudging, but one walk back."""
    tensor = torch.tensor(x, requires_grad=True)
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


def _one_sided(step):
    def numeric_gradient(function, x):
        return _nudged(function, x, lambda value: (value(step) - value(0.0)) / step)

    return numeric_gradient


def _two_sided(step):
    def numeric_gradient(function, x):
        return _nudged(function, x, lambda value: (value(step) - value(-step)) / (2 * step))

    return numeric_gradient


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


def _stays_in_float32(step):
    def numeric_gradient(function, x):
        result = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            higher, lower = x.copy(), x.copy()
            higher[index] += step
            lower[index] -= step
            result[index] = (function(higher) - function(lower)) / (2 * step)
        return result

    return numeric_gradient


def _one_slope_for_all(function, x):
    x = x.astype(np.float64)
    return (function(x + 1e-5) - function(x - 1e-5)) / 2e-5


def _two_names_for_one_array(function, x):
    up = down = x.astype(np.float64)
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up[index] += 1e-5
        down[index] -= 1e-5
        gradient[index] = (function(up) - function(down)) / 2e-5
    return gradient


def _counts_with_len(function, x):
    x = x.astype(np.float64)
    gradient = np.zeros(len(x))
    for place in range(len(x)):
        up, down = x.copy(), x.copy()
        up[place] += 1e-5
        down[place] -= 1e-5
        gradient[place] = (function(up) - function(down)) / 2e-5
    return gradient


def _with_steps(name, sentence, answer_with, steps):
    """The same slip with the steps that people take: its numbers depend on the step, its sentence does not."""
    return tuple(Misconception(f"{name}, step {step:g}", sentence, answer_with(step)) for step in steps)


def numeric_gradient(function, x):
    """The plain way: a copy that is moved up, moved down and put back, one number after the other."""
    step = 1e-5
    x = x.astype(np.float64)
    gradient = np.empty(x.shape)
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
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[index] += 1e-30j
        gradient[index] = function(moved).imag / 1e-30
    return gradient


EXERCISE = Spec(
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
        *_with_steps(
            "one-sided",
            "You compare with `function(x)` itself, a difference to one side, whose error shrinks only as fast as the "
            "step. Nudge up and down and divide by twice the step: the error then shrinks with the step's square.",
            _one_sided,
            (1e-3, 1e-4, 1e-5, 1e-6),
        ),
        *_with_steps(
            "too small",
            "The formula is right, the step is too small: two nearly equal numbers are subtracted, and what is left is "
            "mostly rounding. Try 1e-5.",
            _two_sided,
            (1e-10, 1e-12, 1e-13, 1e-15),
        ),
        *_with_steps(
            "too large",
            "The formula is right, the step is too large: the function bends on the way from one side to the other. "
            "Try 1e-5.",
            _two_sided,
            (1e-1, 1e-2, 1e-3),
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
        *_with_steps(
            "stays in float32",
            "Right for float64. float32 has only seven digits, and a nudge of 1e-5 has two of them left: begin with "
            "`x.astype(np.float64)`.",
            _stays_in_float32,
            (1e-4, 1e-5, 1e-6),
        ),
        Misconception(
            "one slope for all",
            "You nudge all the numbers at the same time, which gives the sum of the slopes, one number. Nudge one at a "
            "time: a loop over `np.ndindex(x.shape)`.",
            _one_slope_for_all,
        ),
        Misconception(
            "two names for one array",
            "Every slope is 0, because up and down are one array under two names: `up = x` copies nothing. Write "
            "`x.copy()`.",
            _two_names_for_one_array,
        ),
        Misconception(
            "counts with len",
            "Right for a row of numbers. A table has more than `len(x)` of them, and a single number has no `len`: "
            "`for index in np.ndindex(x.shape)` meets every number of any shape.",
            _counts_with_len,
        ),
    ),
    half_right=(_one_sided(1e-5), _two_sided(1e-2)),
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
