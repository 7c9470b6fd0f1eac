"""multiply_backward(gradient, a, b): what a product sends back to its two factors."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def product_of_the_engine(gradient, a, b):
    """One walk back through the engine's own product."""
    left, right = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    (left * right).backward(torch.tensor(gradient))
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


EXERCISE = Spec(
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
