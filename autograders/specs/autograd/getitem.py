"""getitem(x, index): take some elements or rows of an array, and send their gradients back to where they came from."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def getitem(x, index):
    """The engine's own."""
    taken_from = torch.tensor(x, requires_grad=True)
    result = taken_from[torch.tensor(index)]

    def vjp(gradient):
        result.backward(torch.tensor(gradient))
        return taken_from.grad.numpy()

    return result.detach().numpy(), vjp


def getitem_rounding(gradient, x, index):
    """How much rounding value and gradient may show, in units of eps.

    A value is a copy; it is off by eps / 2 of itself if it came through a narrower dtype. A gradient is a sum over the
    n uses of an element: at most (n - 1) eps / 2 of the sum of their sizes. Both are granted twice over.
    """
    uses, sizes = np.zeros(x.shape), np.zeros(x.shape)
    np.add.at(uses, index, np.ones(gradient.shape))
    np.add.at(sizes, index, np.abs(gradient))
    return np.abs(x[index]), uses * sizes


def getitem_cases(rng):
    """Arrays of one to three axes, and integer arrays or masks that index their first axis."""
    once, often = "each element at most once", "some elements several times"
    for shape, index, dtype, group in [
        ((4,), [2, 0], SINGLE, once),
        ((5,), [4, 1, 3], DOUBLE, once),
        ((3,), [1, 1], SINGLE, often),
        ((4,), [2, 0, 2, 2], DOUBLE, often),
        ((3, 2), [2, 0], SINGLE, "whole rows"),
        ((5, 3), [0, 4, 2], DOUBLE, "whole rows"),
        ((4, 3), [1, 3, 1], DOUBLE, "whole rows, some several times"),
        ((3, 2), [0, 2, 2, 0], SINGLE, "whole rows, some several times"),
        ((3,), [[0, 1], [1, 1]], SINGLE, "an index of two axes"),
        ((4, 2), [[3, 0], [0, 0]], DOUBLE, "an index of two axes"),
    ]:
        yield _case(rng, shape, np.array(index), dtype, group)
    for shape, index, group in [
        ((4,), [-1, 3], "a negative index and its positive twin"),
        ((3, 2), [-3, 0, 1], "a negative index and its positive twin"),
        ((4,), [True, False, True, False], "a mask"),
        ((3, 2), [False, True, True], "a mask"),
    ]:
        yield _case(rng, shape, np.array(index), SINGLE, group, EDGE)
    yield _case(rng, (3,), np.zeros(0, int), SINGLE, "nothing is taken", EDGE)
    yield _case(rng, (2, 2, 3), np.array([1, 1, 0]), SINGLE, "three axes", EDGE)


def _case(rng, shape, index, dtype, *where):
    x = normal(rng, shape, dtype)
    return Case((normal(rng, x[index].shape, dtype), x, index), *where)


def _assigns(x, index):
    def vjp(gradient):
        result = np.zeros_like(x)
        result[index] = gradient
        return result

    return x[index], vjp


def _hands_on(x, index):
    return x[index], lambda gradient: gradient



def _starts_from_x(x, index):
    def vjp(gradient):
        result = x.copy()
        np.add.at(result, index, gradient)
        return result

    return x[index], vjp


def _counts(x, index):
    def vjp(gradient):
        result = np.zeros_like(x)
        np.add.at(result, index, np.ones_like(gradient))
        return result

    return x[index], vjp


def _averages(x, index):
    def vjp(gradient):
        result, uses = np.zeros_like(x), np.zeros_like(x)
        np.add.at(result, index, gradient)
        np.add.at(uses, index, np.ones_like(gradient))
        return result / np.maximum(uses, 1)

    return x[index], vjp


def _indexes_the_gradient(x, index):
    return x[index], lambda gradient: gradient[index]


def _place_by_place(x, index):
    def vjp(gradient):
        result = np.zeros_like(x)
        for number, place in enumerate(index):
            result[place] += gradient[number]
        return result

    return x[index], vjp


def _only_the_value(x, index):
    return x[index], lambda gradient: np.zeros_like(x)


def _only_the_gradient(x, index):
    return np.zeros_like(x[index]), getitem_with_add_at(x, index)[1]


def getitem_with_add_at(x, index):
    """Adds up without a buffer."""
    def vjp(gradient):
        result = np.zeros_like(x)
        np.add.at(result, index, gradient)
        return result

    return x[index], vjp


def getitem_with_loops(x, index):
    """The slow specification: one place after another."""
    places = np.arange(len(x))[index]

    def vjp(gradient):
        result = np.zeros_like(x)
        for where in np.ndindex(places.shape):
            result[places[where]] += gradient[where]
        return result

    return np.array([x[place] for place in places.ravel()], x.dtype).reshape(*places.shape, *x.shape[1:]), vjp


def getitem_with_one_hot(x, index):
    """Taking rows is a product with a matrix of zeros and ones, so the way back is one with its transpose."""
    places = np.arange(len(x))[index]
    chosen = np.eye(len(x), dtype=x.dtype)[places.ravel()]
    rows = x.reshape(len(x), -1)

    def vjp(gradient):
        return (chosen.T @ gradient.reshape(len(chosen), x[0].size)).reshape(x.shape)

    return (chosen @ rows).reshape(*places.shape, *x.shape[1:]), vjp


def getitem_by_sorting(x, index):
    """Brings equal places together and adds up each run."""
    def vjp(gradient):
        places = np.arange(len(x))[index].ravel()
        rows = gradient.reshape(len(places), *x.shape[1:])
        result = np.zeros_like(x)
        order = np.argsort(places, kind="stable")
        found, starts = np.unique(places[order], return_index=True)
        if len(found):
            result[found] = np.add.reduceat(rows[order], starts, axis=0)
        return result

    return np.take(x, np.arange(len(x))[index], axis=0), vjp


def getitem_with_bincount(x, index):
    """Counts with weights, column by column, in float64."""
    places = np.arange(len(x))[index].ravel()

    def vjp(gradient):
        columns = gradient.reshape(len(places), x[0].size).T
        sums = [np.bincount(places, weights=column, minlength=len(x)) for column in columns]
        return np.array(sums).T.reshape(x.shape).astype(x.dtype)

    return x[index], vjp


def getitem_row_by_row(x, index):
    """Asks for each row which gradients belong to it; returns a list of two, and warns on stderr."""
    print("taking", x[index].shape, file=sys.stderr)
    places = np.arange(len(x))[index]

    def vjp(gradient):
        rows = [gradient[places == place].sum(axis=0) for place in range(len(x))]
        return np.array(rows, x.dtype).reshape(x.shape)

    return [x[index], vjp]


class _Taken:
    def __init__(self, shape, dtype, index):
        self.shape, self.dtype, self.index = shape, dtype, index

    def __call__(self, gradient):
        result = np.zeros(self.shape, np.float64)
        np.add.at(result, self.index, gradient.astype(np.float64))
        return result.astype(self.dtype)


def getitem_as_an_object(x, index):
    """The way back is an object that remembers a shape and an index; it adds up in float64."""
    return x[index], _Taken(x.shape, x.dtype, index)


EXERCISE = Spec(
    name="autograd/getitem",
    function="getitem",
    use=Use(probe="function_and_vjp"),
    parameters=("x", "index"),
    inputs=("gradient", "x", "index"),
    returns=("value", "grad_x"),
    title="Differentiate indexing",
    why="An embedding is an index into a table of rows, and the same word may occur many times in a text.",
    minutes=10,
    difficulty=3,
    weights=WEIGHTS,
    ours=getitem,
    rounding=getitem_rounding,
    cases=getitem_cases,
    shortcuts=("from engine import autograd\ndef getitem(x, index):\n    return autograd.getitem(x, index)",),
    misconceptions=(
        Misconception(
            "assigns",
            "An element that was taken several times gets a gradient for each time, and they add up. "
            "`result[index] = gradient` keeps the last one only, and so does `result[index] += gradient`, which reads "
            "all the old numbers before it writes the new ones: use `np.add.at(result, index, gradient)`.",
            _assigns,
        ),
        Misconception(
            "hands the gradient on",
            "The gradient that comes in has the shape of what was taken. The one that goes back has the shape of `x`: "
            "zeros, but for the places in `index`.",
            _hands_on,
        ),
        Misconception(
            "starts from x",
            "You add the gradient to the numbers of `x`. What was not taken has no influence, so its gradient is 0: "
            "begin with `np.zeros_like(x)`.",
            _starts_from_x,
        ),
        Misconception(
            "counts",
            "You count how often each element was taken. That is the gradient for a sum of them; here each time "
            "weighs as much as the `gradient` that comes from above says.",
            _counts,
        ),
        Misconception(
            "averages",
            "For elements that were taken several times you give the mean of their gradients. Each time adds its own "
            "share to the loss, so it is the sum.",
            _averages,
        ),
        Misconception(
            "indexes the gradient",
            "You take from the gradient. The way back does the opposite: zeros like `x`, and each gradient is added "
            "where it came from.",
            _indexes_the_gradient,
        ),
        Misconception(
            "place by place",
            "Right for a plain list of places. `index` may have two axes, or be a mask: `np.add.at(result, index, "
            "gradient)` takes any of them, and adds for each time.",
            _place_by_place,
        ),
    ),
    half_right=(_only_the_value, _only_the_gradient),
    honest=(
        getitem_with_add_at,
        getitem_with_loops,
        getitem_with_one_hot,
        getitem_by_sorting,
        getitem_with_bincount,
        getitem_row_by_row,
        getitem_as_an_object,
    ),
    hints=(
        "Which elements of `x` does the loss depend on at all? And on one that was taken twice?",
        "The way back begins with `np.zeros_like(x)`, and each gradient is added at the place that it was taken from.",
        "`np.add.at(result, index, gradient)` adds at each place as often as the index names it. Return "
        "`x[index], vjp`, where `vjp(gradient)` does that.",
    ),
)
