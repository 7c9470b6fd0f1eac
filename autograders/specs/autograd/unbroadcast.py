"""unbroadcast(gradient, shape): add up what broadcasting copied."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def unbroadcast(gradient, shape):
    """The engine's own."""
    from engine import autograd

    return autograd.unbroadcast(gradient, shape)


def unbroadcast_cases(rng):
    """Gradients in both dtypes, with the shape that each came from."""
    front, fronts = "one axis added in front", "several axes added in front"
    stretched, stretches = "one axis of size one stretched", "several axes of size one stretched"
    both, number = "axes in front and axes of size one together", "down to a single number"
    for gradient_shape, shape, dtype, group in [
        ((2, 3), (3,), SINGLE, front),
        ((4, 2, 3), (2, 3), DOUBLE, front),
        ((2, 2, 3), (3,), SINGLE, fronts),
        ((3, 2, 4, 2), (4, 2), DOUBLE, fronts),
        ((2, 3), (1, 3), SINGLE, stretched),
        ((2, 3), (2, 1), DOUBLE, stretched),
        ((4, 2, 3), (4, 1, 3), SINGLE, stretched),
        ((2, 3), (1, 1), SINGLE, stretches),
        ((4, 2, 3), (1, 2, 1), DOUBLE, stretches),
        ((2, 2, 3), (2, 1), SINGLE, both),
        ((5, 4, 2, 3), (1, 2, 1), DOUBLE, both),
    ]:
        yield Case((normal(rng, gradient_shape, dtype), shape), group)
    for gradient_shape, shape, group in [
        ((3,), (), number),
        ((2, 3), (), number),
        ((), (), "nothing was broadcast"),
        ((1, 3), (1, 3), "nothing was broadcast"),
        ((0, 3), (3,), "empty arrays"),
    ]:
        yield Case((normal(rng, gradient_shape), shape), group, EDGE)
    yield Case((normal(rng, (3, 2)).T, (1, 3)), "a transposed view", EDGE)


def _sums_everything(gradient, shape):
    return np.broadcast_to(gradient.sum(), shape)


def _leading_axes_only(gradient, shape):
    return gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))


def _axes_of_size_one_only(gradient, shape):
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return gradient.sum(axis=stretched, keepdims=True)


def _drops_summed_axes(gradient, shape):
    extra = gradient.ndim - len(shape)
    stretched = tuple(axis + extra for axis, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=tuple(range(extra)) + stretched)


def _reduce_like(reduce, gradient, shape):
    extra = gradient.ndim - len(shape)
    stretched = tuple(axis + extra for axis, size in enumerate(shape) if size == 1)
    return reduce(gradient, axis=tuple(range(extra)) + stretched, keepdims=True).reshape(shape)


def _takes_the_mean(gradient, shape):
    return _reduce_like(np.mean, gradient, shape)


def _sums_the_first_axis(gradient, shape):
    return gradient.sum(axis=0)


def _axes_slip_away(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = gradient.sum(axis=axis)
    return gradient


def _takes_one_use(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient[0]
    return gradient[tuple(slice(0, 1) if size == 1 else slice(None) for size in shape)]


def _extra_axes_at_the_end(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=-1)
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=stretched, keepdims=True)


def _numbers_shift(gradient, shape):
    for axis in range(gradient.ndim - len(shape)):
        gradient = gradient.sum(axis=axis)
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return gradient.sum(axis=stretched, keepdims=True)


def unbroadcast_with_loops(gradient, shape):
    """The slow specification: every number of the gradient goes where it was copied from."""
    extra = gradient.ndim - len(shape)
    result = np.zeros(shape, gradient.dtype)
    for index in np.ndindex(gradient.shape):
        origin = tuple(0 if size == 1 else place for place, size in zip(index[extra:], shape))
        result[origin] += gradient[index]
    return result


def unbroadcast_step_by_step(gradient, shape):
    """One axis at a time."""
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


def unbroadcast_with_einsum(gradient, shape):
    """Names every axis, and keeps the names that the shape has."""
    extra = gradient.ndim - len(shape)
    kept = [axis + extra for axis, size in enumerate(shape) if size != 1]
    return np.einsum(gradient, list(range(gradient.ndim)), kept).reshape(shape)


def unbroadcast_in_double(gradient, shape):
    """Adds up in float64, warns on stderr, and rounds once at the end."""
    print("adding up", gradient.shape, file=sys.stderr)
    return _reduce_like(np.sum, gradient.astype(np.float64), shape).astype(gradient.dtype)


EXERCISE = Spec(
    name="autograd/unbroadcast",
    function="unbroadcast",
    parameters=("gradient", "shape"),
    returns=("result",),
    title="Undo a broadcast",
    why="Broadcasting uses one number many times, so its gradient is the sum over all those uses.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    reference=unbroadcast,
    rounding=multilinear_rounding(unbroadcast),
    cases=unbroadcast_cases,
    misconceptions=(
        Misconception(
            "sums everything",
            "You add up the whole gradient. Only the axes that broadcasting made or stretched are summed; "
            "along the others each number keeps a gradient of its own.",
            _sums_everything,
        ),
        Misconception(
            "leading axes only",
            "The axes added in front are right. An axis of size 1 in `shape` was stretched too: sum along it as "
            "well, with `keepdims=True` so that it stays.",
            _leading_axes_only,
        ),
        Misconception(
            "axes of size one only",
            "The axes of size 1 are right. When the gradient has more axes than `shape`, those extra ones, at the "
            "front, have to be summed away too.",
            _axes_of_size_one_only,
        ),
        Misconception(
            "drops summed axes",
            "The sums are right, but the axes of size 1 are gone. `keepdims=True`, or a `reshape(shape)` at the "
            "end, keeps them.",
            _drops_summed_axes,
        ),
        Misconception(
            "mean instead of sum",
            "You take the mean where a sum is needed: each use of a number adds its own share to the gradient.",
            _takes_the_mean,
        ),
        Misconception(
            "sums the first axis",
            "You always add up along axis 0. Which axes were made or stretched, `shape` says: as many in front as it "
            "has fewer, and each of size 1 in it.",
            _sums_the_first_axis,
        ),
        Misconception(
            "axes slip away",
            "The sum along an axis of size 1 takes that axis away, and the next ones move up. `sum(axis=axis, "
            "keepdims=True)` leaves it there, with size 1.",
            _axes_slip_away,
        ),
        Misconception(
            "takes one use",
            "You keep the gradient of one use, and drop those of all the others. Each use adds its share: `sum`.",
            _takes_one_use,
        ),
        Misconception(
            "extra axes at the end",
            "You sum the extra axes away at the end. Broadcasting lines shapes up at their last axes, so what was "
            "added stands in front: `sum(axis=0)`.",
            _extra_axes_at_the_end,
        ),
        Misconception(
            "numbers shift",
            "After the first sum the axes have moved up, and your next number means another one. Sum axis 0 again and "
            "again, or give `sum` all axes at once, in a tuple.",
            _numbers_shift,
        ),
    ),
    half_right=(_leading_axes_only, _axes_of_size_one_only),
    honest=(
        unbroadcast_with_loops,
        unbroadcast_step_by_step,
        unbroadcast_with_einsum,
        unbroadcast_in_double,
    ),
    solution=unbroadcast_step_by_step,
    part="autograd.unbroadcast",
    hints=(
        "Which numbers of the gradient belong to the same number of the original array? Draw (3,) broadcast to "
        "(2, 3).",
        "Broadcasting does two things: it adds axes in front, and it stretches axes of size 1. Undo them in that "
        "order.",
        "First `gradient.sum(axis=0)` while there are too many axes; then, for each axis where `shape` has a 1, "
        "`gradient.sum(axis=axis, keepdims=True)`.",
    ),
)
