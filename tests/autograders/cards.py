"""Reports of every kind for the tests to look at, and an exercise about images that the course doesn't have yet."""

import functools
from dataclasses import replace

import numpy as np

from answers import answer
from autograders.judge import judge
from autograders.report import Report
from autograders.session import LocalSession
from autograders.solutions import solution_of
from autograders.spec import EDGE, Case, Misconception, Spec, load, multilinear_rounding

UNBROADCAST = load("autograd/unbroadcast")


def correlate(image, kernel):
    """Slide a kernel over an image, and at each place add up the products."""
    height, width = (size - side + 1 for size, side in zip(image.shape, kernel.shape))
    result = np.zeros((height, width), image.dtype)
    for down, right in np.ndindex(kernel.shape):
        result += kernel[down, right] * image[down : down + height, right : right + width]
    return result


def turns_the_kernel(image, kernel):
    """What mathematics calls a convolution."""
    return correlate(image, kernel[::-1, ::-1])


def keeps_the_size(image, kernel):
    """Pads with zeros, so that the result is as big as the image."""
    return correlate(np.pad(image, 1), kernel)


def stops_one_early(image, kernel):
    """Its loops end one step too soon, so the last row and column stay 0."""
    result = correlate(image, kernel)
    result[-1], result[:, -1] = 0, 0
    return result


def divides_by_zero(image, kernel):
    """Right but for a corner, where it makes nan and inf."""
    result = correlate(image, kernel)
    result[:2, :3] = np.nan
    result[3, 4:] = np.inf
    return result


def _ring(rng, size):
    down, right = np.indices((size, size)) - (size - 1) / 2
    ring = np.exp(-((np.hypot(down, right) - size / 4) ** 2) / 4)
    return (ring + 0.05 * rng.standard_normal((size, size))).astype(np.float32)


def cases(rng):
    """Rings and edge detectors."""
    edge = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], np.float32)
    yield Case((_ring(rng, 12), edge), "a ring and an edge detector")
    yield Case((_ring(rng, 16), rng.standard_normal((3, 3)).astype(np.float32)), "a ring and another kernel")
    yield Case((_ring(rng, 12), np.ones((1, 1), np.float32)), "a kernel of one number", EDGE)


CORRELATE = Spec(
    name="images/correlate",
    function="correlate",
    parameters=("image", "kernel"),
    returns=("result",),
    title="Slide a kernel",
    why="Every convolutional layer does this.",
    minutes=15,
    difficulty=3,
    weights=UNBROADCAST.weights,
    reference=correlate,
    rounding=multilinear_rounding(correlate),
    cases=cases,
    misconceptions=(
        Misconception(
            "turns the kernel",
            "You turn the kernel around, which makes a convolution in the sense of mathematics. A layer does not: "
            "`kernel[0, 0]` meets the pixel at the top left.",
            turns_the_kernel,
        ),
        Misconception(
            "stops one early",
            "The last row and the last column are still 0: your loops end one step too soon. There are "
            "`height - kernel_height + 1` places to start from.",
            stops_one_early,
        ),
    ),
    half_right=(),
    honest=(correlate,),
    hints=("Where does `kernel[0, 0]` go first?", "Two loops over the kernel are enough.", "Add shifted images."),
)


def judged(spec: Spec, function) -> Report:
    """The report on a function."""
    return judge(spec, LocalSession(function, spec.use), seed=1)


@functools.cache
def every_kind() -> dict[str, Report]:
    """A report of each kind that a learner may meet, by a name for it."""
    wrong, right = UNBROADCAST.misconceptions[1].answer, UNBROADCAST.honest[0]
    a_little = answer(UNBROADCAST, "return gradient.sum(axis=0).reshape(shape) if gradient.ndim == 2 else gradient + 1")
    failed = judged(UNBROADCAST, wrong)
    shown = replace(failed, hints_shown=3, solution=solution_of(UNBROADCAST), seen="2026-11-29")
    return {
        "passed": judged(UNBROADCAST, right),
        "passed-after-the-solution": replace(judged(UNBROADCAST, right), seen="2026-11-29"),
        "numbers": judged(load("autograd/matmul_vjp"), _almost),
        "a-little": judged(UNBROADCAST, a_little),
        "misconception": failed,
        "picture": judged(CORRELATE, turns_the_kernel),
        "picture-outlined": judged(CORRELATE, stops_one_early),
        "picture-of-two-sizes": judged(CORRELATE, keeps_the_size),
        "picture-with-nan": judged(CORRELATE, divides_by_zero),
        "not-attempted": judged(UNBROADCAST, answer(UNBROADCAST, "raise NotImplementedError()")),
        "exception": judged(UNBROADCAST, answer(UNBROADCAST, "return gradient.sum(axis=5)")),
        "hint-2": replace(failed, hints_shown=2),
        "solution": shown,
    }


def _almost(gradient, a, b):
    grad_a, grad_b = load("autograd/matmul_vjp").honest[0](gradient, a, b)
    return grad_a, grad_b * 1.01 + 0.1
