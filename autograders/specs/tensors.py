"""Tensors: shapes that meet, views of one memory, distances without loops, one-hot, gather, einsum."""

import itertools
import math
import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Speed, Use, exact, multilinear_rounding
from autograders.specs.draw import DOUBLE, SINGLE, normal

WEIGHTS = {"dtype": 0.5, "inputs unmutated": 0.5, "values": 2.0, "edge cases": 1.0}
OF_TUPLES = {"dtype": 0.5, "values": 2.5, "edge cases": 1.0}  # nobody can change a tuple by accident


# broadcast_shapes(a, b): the shape in which two shapes meet


def broadcast_shapes(a, b):
    """The engine's own, with numpy's kind of error."""
    import engine

    try:
        return tuple(engine.broadcast_shapes(a, b))
    except RuntimeError as error:
        raise ValueError(f"shapes {a} and {b} do not fit") from error


def broadcast_shapes_cases(rng):
    """Pairs of shapes with sizes drawn from 2 to 9, all different, so that no size is right by accident."""
    one, both = "one shape is stretched", "both shapes are stretched"
    fewer, together = "one shape has fewer axes", "fewer axes and axes of size 1 together"
    n, m, k, p = (int(size) for size in rng.permutation(np.arange(2, 10))[:4])
    for a, b, group in [
        ((n, 1), (n, m), one),
        ((n, m, k), (n, 1, k), one),
        ((n, 1), (1, m), both),
        ((n, 1, m), (1, k, 1), both),
        ((m,), (n, m), fewer),
        ((n, m, k), (m, k), fewer),
        ((n, 1), (m,), together),
        ((m, 1), (n, 1, k), together),
        ((n, 1, m, 1), (k, 1, p), together),
    ]:
        yield Case((a, b, True), group)
    error = "shapes that do not fit raise ValueError (shown as -1)"
    for a, b, fits, group in [
        ((), (), True, "single numbers, whose shape is ()"),
        ((), (n, m), True, "single numbers, whose shape is ()"),
        ((0,), (1,), True, "an axis of size 0 stays 0"),
        ((n, 1), (1, 0), True, "an axis of size 0 stays 0"),
        ((n,), (m,), False, error),
        ((n, m), (n,), False, error),
        ((0,), (n,), False, error),
    ]:
        yield Case((a, b, fits), group, EDGE)


def _padded(a, b):
    axes = max(len(a), len(b))
    return (1,) * (axes - len(a)) + tuple(a), (1,) * (axes - len(b)) + tuple(b)


def _aligned_at_the_left(a, b):
    axes = max(len(a), len(b))
    left, right = tuple(a) + (1,) * (axes - len(a)), tuple(b) + (1,) * (axes - len(b))
    return broadcast_shapes_of_pairs(left, right)


def _drops_the_extra_axes(a, b):
    axes = min(len(a), len(b))
    return broadcast_shapes_of_pairs(a[len(a) - axes :], b[len(b) - axes :])


def _keeps_the_ones(a, b):
    return tuple(min(left, right) if 1 in (left, right) else left for left, right in zip(*_padded(a, b)))


def _takes_the_larger_shape(a, b):
    return max(a, b, key=lambda shape: (len(shape), shape))


def _never_complains(a, b):
    return tuple(right if left == 1 else left for left, right in zip(*_padded(a, b)))


def _larger_size_wins(a, b):
    sizes = tuple(max(left, right) for left, right in zip(*_padded(a, b)))
    for left, right in zip(*_padded(a, b)):
        if left != right and 1 not in (left, right):
            raise ValueError("do not fit")
    return sizes


def _only_as_many_axes(a, b):
    if len(a) != len(b):
        raise ValueError("a different number of axes")
    return broadcast_shapes_of_pairs(a, b)


def broadcast_shapes_of_pairs(a, b):
    """Pads the shorter shape with ones at the left, then looks at the axes pair by pair."""
    result = []
    for left, right in zip(*_padded(a, b)):
        if left != right and 1 not in (left, right):
            raise ValueError(f"{a} and {b} do not fit")
        result.append(right if left == 1 else left)
    return tuple(result)


def broadcast_shapes_from_the_right(a, b):
    """Walks from the last axis to the first, and turns the list around at the end."""
    result = []
    for left, right in itertools.zip_longest(reversed(a), reversed(b), fillvalue=1):
        if left == 1:
            result.append(right)
        elif right == 1 or left == right:
            result.append(left)
        else:
            raise ValueError("incompatible shapes")
    return tuple(result[::-1])


def broadcast_shapes_with_sets(a, b):
    """What is left of a pair of sizes when the ones are taken out, as a list."""
    sizes = []
    for pair in zip(*_padded(a, b)):
        others = set(pair) - {1}
        if len(others) > 1:
            raise ValueError(pair)
        sizes.append(others.pop() if others else 1)
    return sizes


def broadcast_shapes_by_recursion(a, b):
    """The last axes by hand, the others by calling itself."""
    if not a or not b:
        return tuple(a) or tuple(b)
    left, right = a[-1], b[-1]
    if left != right and left != 1 and right != 1:
        raise ValueError("incompatible shapes")
    return (*broadcast_shapes_by_recursion(a[:-1], b[:-1]), left if right == 1 else right)


def broadcast_shapes_in_an_array(a, b):
    """Works with arrays of sizes, and returns numpy's integers."""
    left, right = (np.array(shape, dtype=np.int64) for shape in _padded(a, b))
    if np.any((left != right) & (left != 1) & (right != 1)):
        raise ValueError("incompatible shapes")
    return tuple(np.where(left == 1, right, left))


def broadcast_shapes_by_trying(a, b):
    """Lets numpy broadcast two arrays, whose error is a ValueError too; talks on stderr."""
    print("trying", a, b, file=sys.stderr)
    return np.broadcast(np.empty(a), np.empty(b)).shape


def broadcast_shapes_in_place(a, b):
    """Overwrites a list of the longer shape from its end."""
    longer, shorter = (list(a), list(b)) if len(a) >= len(b) else (list(b), list(a))
    for axis in range(-1, -len(shorter) - 1, -1):
        if longer[axis] == 1:
            longer[axis] = shorter[axis]
        if shorter[axis] not in (1, longer[axis]):
            raise ValueError(f"axis {axis}: {longer[axis]} meets {shorter[axis]}")
    return tuple(longer)


BROADCAST_SHAPES = Spec(
    name="tensors/broadcast_shapes",
    function="broadcast_shapes",
    parameters=("a", "b"),
    returns=("shape",),
    title="The shape in which two shapes meet",
    why="Half of all errors in deep learning are shapes that do not fit, or worse, that fit by accident.",
    minutes=10,
    difficulty=2,
    weights=OF_TUPLES,
    ours=broadcast_shapes,
    use=Use(probe="shapes"),
    inputs=("a", "b", "fits"),
    rounding=lambda a, b, fits: 0.0,
    cases=broadcast_shapes_cases,
    misconceptions=(
        Misconception(
            "aligned at the left",
            "You line the shapes up at their first axes. Broadcasting lines them up at the *last* axes: a missing "
            "axis is missing at the front.",
            _aligned_at_the_left,
        ),
        Misconception(
            "drops the extra axes",
            "The axes that both shapes have are right. Those that only the longer one has belong to the result too, "
            "in front: `zip` stops at the shorter of the two.",
            _drops_the_extra_axes,
        ),
        Misconception(
            "keeps the ones",
            "Where a 1 meets another size you keep the 1. It is the other way round: the axis of size 1 is stretched "
            "to the other size.",
            _keeps_the_ones,
        ),
        Misconception(
            "takes the larger shape",
            "You return one of the two shapes as it is. Both can be stretched, each along another axis: (3, 1) and "
            "(1, 4) meet in (3, 4). Decide axis by axis.",
            _takes_the_larger_shape,
        ),
        Misconception(
            "never complains",
            "The shapes that fit are right. Two sizes that differ, and neither of which is 1, do not fit: raise "
            "ValueError.",
            _never_complains,
        ),
        Misconception(
            "larger size wins",
            "Nearly: an axis of size 1 takes the *other* size, which is not always the larger. Next to an empty axis, "
            "of size 0, it becomes 0.",
            _larger_size_wins,
        ),
    ),
    half_right=(_only_as_many_axes, _drops_the_extra_axes),
    honest=(
        broadcast_shapes_of_pairs,
        broadcast_shapes_from_the_right,
        broadcast_shapes_with_sets,
        broadcast_shapes_by_recursion,
        broadcast_shapes_in_an_array,
        broadcast_shapes_by_trying,
        broadcast_shapes_in_place,
    ),
    shortcuts=(
        "import engine\n\ndef broadcast_shapes(a, b):\n    return tuple(engine.broadcast_shapes(a, b))",
        "import torch\n\ndef broadcast_shapes(a, b):\n    return tuple(torch.broadcast_shapes(a, b))",
    ),
    hints=(
        "Write the two shapes below each other, lined up at the right. What may stand above what?",
        "Give the shorter shape ones at its left until both have as many axes. Then each pair of sizes decides for "
        "itself: equal, or one of them is 1, or an error.",
        "`a = (1,) * (len(b) - len(a)) + a`, the same for `b`; then for each pair `left, right`: if `left == 1` take "
        "`right`; if `right in (1, left)` take `left`; else `raise ValueError`.",
    ),
)


# slice_view(shape, strides, offset, slices): which numbers of the memory a slice looks at


def slice_view(shape, strides, offset, slices):
    """Axis by axis; Python's own `range` knows how many steps there are."""
    sizes, steps = [], []
    for size, stride, (start, stop, step) in zip(shape, strides, slices):
        chosen = range(size)[slice(start, stop, step)]
        sizes.append(len(chosen))
        steps.append(stride * chosen.step)
        offset += stride * chosen.start
    return tuple(sizes), tuple(steps), offset


def slice_view_cases(rng):
    """Contiguous arrays, and views of views; sizes and starts are drawn."""
    n, m = (int(size) for size in rng.permutation(np.arange(5, 10))[:2])
    everything = "None: from the beginning, to the end, in steps of 1"
    start, other = (int(place) for place in rng.permutation(np.arange(1, 4))[:2])
    begin = int(rng.integers(10, 30))
    part, stepped = "a part of one axis", "every second, every third"
    several, again = "several axes at once", "a view of a view, which begins somewhere else"
    for shape, strides, offset, slices, group in [
        ((n,), (1,), 0, ((start, n - 1, 1),), part),
        ((n, m), (m, 1), 0, ((start, start + 2, 1), (0, m, 1)), part),
        ((8,), (1,), 0, ((start, 8, 2),), stepped),
        ((9,), (1,), 0, ((start, 8, 3),), stepped),
        ((n, 8), (8, 1), 0, ((0, n, 1), (1, 8, 2)), stepped),
        ((n, m), (m, 1), 0, ((start, n, 1), (other, m, 1)), several),
        ((n, m), (m, 1), 0, ((start, n, 2), (other, m, 3)), several),
        ((4, n, m), (n * m, m, 1), 0, ((1, 3, 1), (start, n, 2), (other, m, 1)), several),
        ((n,), (m,), begin, ((start, n, 1),), again),
        ((m, n), (1, m), begin, ((other, m, 2), (start, n, 1)), again),
        ((n, m), (2 * m, 3), begin, ((start, n, 1), (other, m, 2)), again),
    ]:
        yield Case((shape, strides, offset, slices), group)
    for shape, strides, offset, slices, group in [
        ((n,), (1,), 0, ((None, None, None),), everything),
        ((n, m), (m, 1), begin, ((start, None, None), (None, 4, 2)), everything),
        ((n,), (1,), 0, ((-3, -1, 1),), "negative places count from the end"),
        ((n, m), (m, 1), 0, ((-4, n, 2), (0, -other, 1)), "negative places count from the end"),
        ((n,), (1,), 0, ((2, n + 4, 1),), "a stop beyond the end"),
        ((n,), (1,), 0, ((3, 3, 1),), "nothing is left"),
        ((n,), (2,), 0, ((4, 2, 1),), "nothing is left"),
        ((n,), (1,), 0, ((None, None, -1),), "backwards"),
        ((n, m), (m, 1), 0, ((None, None, -2), (None, None, 1)), "backwards"),
    ]:
        yield Case((shape, strides, offset, slices), group, EDGE)


def _strides_stay(shape, strides, offset, slices):
    sizes, _, begin = slice_view(shape, strides, offset, slices)
    return sizes, strides, begin


def _strides_of_a_copy(shape, strides, offset, slices):
    sizes, _, begin = slice_view(shape, strides, offset, slices)
    return sizes, tuple(int(np.prod(sizes[axis + 1 :])) for axis in range(len(sizes))), begin


def _strides_divided(shape, strides, offset, slices):
    sizes, _, begin = slice_view(shape, strides, offset, slices)
    return sizes, tuple(stride // (step or 1) for stride, (_, _, step) in zip(strides, slices)), begin


def _offset_stays(shape, strides, offset, slices):
    sizes, steps, _ = slice_view(shape, strides, offset, slices)
    return sizes, steps, offset


def _offset_without_strides(shape, strides, offset, slices):
    sizes, steps, _ = slice_view(shape, strides, offset, slices)
    return sizes, steps, offset + sum(start or 0 for start, _, _ in slices)


def _offset_from_new_strides(shape, strides, offset, slices):
    sizes, steps, _ = slice_view(shape, strides, offset, slices)
    return sizes, steps, offset + sum((start or 0) * step for (start, _, _), step in zip(slices, steps))


def _offset_from_zero(shape, strides, offset, slices):
    sizes, steps, begin = slice_view(shape, strides, offset, slices)
    return sizes, steps, begin - offset


def _sizes_rounded_down(shape, strides, offset, slices):
    _, steps, begin = slice_view(shape, strides, offset, slices)
    bounds = [slice(*each).indices(size) for each, size in zip(slices, shape)]
    return tuple((stop - start) // step for start, stop, step in bounds), steps, begin


def _forgets_the_steps(shape, strides, offset, slices):
    return slice_view(shape, strides, offset, tuple((start, stop, 1) for start, stop, _ in slices))


def _only_the_shape(shape, strides, offset, slices):
    return slice_view(shape, strides, offset, slices)[0], strides, offset


def slice_view_with_indices(shape, strides, offset, slices):
    """`slice.indices` for what None and negative places mean, and a division that rounds up for the size."""
    bounds = [slice(*each).indices(size) for each, size in zip(slices, shape)]
    sizes = tuple(max(0, -((start - stop) // step)) for start, stop, step in bounds)
    steps = tuple(stride * step for stride, (_, _, step) in zip(strides, bounds))
    return sizes, steps, offset + sum(stride * start for stride, (start, _, _) in zip(strides, bounds))


def slice_view_by_asking_numpy(shape, strides, offset, slices):
    """Slices an array of positions, and reads off what became of it."""
    positions = offset + sum(
        np.arange(size).reshape((-1,) + (1,) * (len(shape) - axis - 1)) * stride
        for axis, (size, stride) in enumerate(zip(shape, strides))
    )
    view = positions[tuple(slice(*each) for each in slices)]
    bounds = [slice(*each).indices(size) for each, size in zip(slices, shape)]
    begin = offset + int(np.dot(strides, [start for start, _, _ in bounds]))
    return view.shape, tuple(int(stride * step) for stride, (_, _, step) in zip(strides, bounds)), begin


def slice_view_by_counting(shape, strides, offset, slices):
    """Walks each axis and counts; lists instead of tuples; talks on stderr."""
    sizes, steps = [], []
    for axis, (start, stop, step) in enumerate(slices):
        start, stop, step = slice(start, stop, step).indices(shape[axis])
        place, count = start, 0
        while place < stop if step > 0 else place > stop:
            place, count = place + step, count + 1
        print("axis", axis, "has", count, file=sys.stderr)
        sizes.append(count)
        steps.append(strides[axis] * step)
        offset = offset + start * strides[axis]
    return [sizes, steps, offset]


def slice_view_by_recursion(shape, strides, offset, slices):
    """The first axis by hand, the others by calling itself."""
    if not shape:
        return (), (), offset
    start, stop, step = slice(*slices[0]).indices(shape[0])
    sizes, steps, begin = slice_view_by_recursion(shape[1:], strides[1:], offset + start * strides[0], slices[1:])
    return (len(range(start, stop, step)), *sizes), (strides[0] * step, *steps), begin


def slice_view_with_arrays(shape, strides, offset, slices):
    """All axes at once, in arrays of numpy's integers."""
    start, stop, step = np.array([slice(*each).indices(size) for each, size in zip(slices, shape)]).T
    sizes = np.maximum(0, np.ceil((stop - start) / step)).astype(np.int64)
    return tuple(sizes), tuple(np.array(strides) * step), offset + np.dot(start, strides)


def slice_view_without_slice(shape, strides, offset, slices):
    """Works out None, negative places and the end by hand."""
    sizes, steps = [], []
    for size, stride, (start, stop, step) in zip(shape, strides, slices):
        step = 1 if step is None else step
        first, last = (0, size) if step > 0 else (size - 1, -1)
        start = first if start is None else start + size if start < 0 else start
        stop = last if stop is None else stop + size if stop < 0 else min(stop, size)
        count = len(range(start, stop, step))
        sizes.append(count)
        steps.append(stride * step)
        offset += start * stride
    return tuple(sizes), tuple(steps), offset


SLICE_VIEW = Spec(
    name="tensors/slice_view",
    function="slice_view",
    parameters=("shape", "strides", "offset", "slices"),
    returns=("new_shape", "new_strides", "new_offset"),
    title="The strides of a view",
    why="A slice costs nothing, however large the tensor, because it only writes down three things anew.",
    minutes=15,
    difficulty=3,
    weights=OF_TUPLES,
    ours=slice_view,
    use=Use(probe="views"),
    rounding=lambda *arguments: (0.0, 0.0, 0.0),
    cases=slice_view_cases,
    misconceptions=(
        Misconception(
            "strides stay",
            "You keep the old strides. A step of 2 skips every second number, so one step of the view is two of the "
            "old: each stride is multiplied by its step.",
            _strides_stay,
        ),
        Misconception(
            "strides of a copy",
            "These are the strides that a *copy* of the slice would have. A view stays in the old memory, where the "
            "rows lie as far apart as before: take the old strides, times the step.",
            _strides_of_a_copy,
        ),
        Misconception(
            "strides divided by the step",
            "You divide the strides by the step. A view that takes every second number makes longer strides through "
            "the memory, not shorter ones: multiply.",
            _strides_divided,
        ),
        Misconception(
            "offset stays",
            "Shape and strides are right, but your view still begins where the old one did. It begins `start` steps "
            "further along each axis.",
            _offset_stays,
        ),
        Misconception(
            "offset without strides",
            "You add `start` itself to the offset. A step along an axis is worth that axis's stride in memory: add "
            "`start * stride`.",
            _offset_without_strides,
        ),
        Misconception(
            "offset from the new strides",
            "You multiply `start` with the new stride. `start` counts places of the *old* axis, so it goes with the "
            "old stride.",
            _offset_from_new_strides,
        ),
        Misconception(
            "offset from zero",
            "Right for an array that begins its memory. A view of a view begins at the old offset and moves on from "
            "there: add to `offset`.",
            _offset_from_zero,
        ),
        Misconception(
            "sizes rounded down",
            "`(stop - start) // step` rounds down. From 0 to 5 in steps of 2 there are three places, 0, 2 and 4: round "
            "up, or ask `len(range(start, stop, step))`.",
            _sizes_rounded_down,
        ),
    ),
    half_right=(_only_the_shape, _forgets_the_steps),
    honest=(
        slice_view_with_indices,
        slice_view_by_asking_numpy,
        slice_view_by_counting,
        slice_view_by_recursion,
        slice_view_with_arrays,
        slice_view_without_slice,
        slice_view,
    ),
    shortcuts=(
        "import engine\n\ndef slice_view(shape, strides, offset, slices):\n"
        "    view = engine.zeros(shape)[tuple(slice(*each) for each in slices)]\n"
        "    return tuple(view.shape), view.stride(), view.storage_offset()",
    ),
    hints=(
        "Take one axis only, with memory 0 1 2 3 4 5 6 7 and the slice 1:8:2. Which numbers does the view see, where "
        "is the first, and how far is it to the next?",
        "For each axis: the size is how many places the slice visits, the stride is the old one times the step, and "
        "the offset moves on by start times the old stride.",
        "`start, stop, step = slice(start, stop, step).indices(size)` puts numbers in place of None and of negative "
        "ones. Then `len(range(start, stop, step))`, `stride * step` and `offset += stride * start`.",
    ),
)


# pairwise_distances(a, b): every point of one set to every point of another


def pairwise_distances(a, b):
    """Subtracts with broadcasting: (n, 1, d) and (m, d) meet in (n, m, d)."""
    return np.sqrt(((a[:, None, :] - b) ** 2).sum(axis=-1))


def pairwise_distances_with_loops(a, b):
    """The plain specification, one pair at a time."""
    result = np.zeros((len(a), len(b)), a.dtype)
    for i in range(len(a)):
        for j in range(len(b)):
            result[i, j] = np.sqrt(((a[i] - b[j]) ** 2).sum())
    return result


def pairwise_distances_timed(rng):
    """Two larger sets, for which loops take a fifth of a second."""
    return Case(_points_apart(rng, 150, 150, 16, SINGLE), "150 points and 150 points")


FAR = 20.0  # how many times a distance the points' own lengths may be before squares must not be subtracted


def pairwise_distances_rounding(a, b):
    """How much rounding a distance may show, in units of eps.

    Subtracting first: a difference of two coordinates is off by eps / 2 of itself, its square by three halves of
    eps, the sum of d squares by (d - 1) eps / 2 more; the root halves that and adds eps / 2. In all less than
    (d + 4) eps / 4 of the distance, so (d + 4) times the distance is four times the bound.
    By |a|² - 2ab + |b|², three sums whose terms add up to at most (|a| + |b|)²: the squared distance is off by at
    most (d + 3) eps / 2 of that, and the distance by as much over twice the distance; (d + 3) (|a| + |b|)² over the
    distance is four times that bound. It is granted where the points lie at most 20 times as far from the origin as
    from each other. Closer together the squares cancel, and whoever subtracts them there loses what was asked for.
    """
    features = a.shape[1]
    exact = pairwise_distances(a, b)
    lengths = np.sqrt((a**2).sum(axis=1))[:, None] + np.sqrt((b**2).sum(axis=1))
    from_squares = np.divide(lengths**2, exact, out=np.zeros_like(exact), where=lengths < FAR * exact)
    return (features + 4) * exact + (features + 3) * from_squares + lengths


def pairwise_distances_cases(rng):
    """Two sets of points, (n, d) and (m, d), far enough apart that either formula is exact to rounding."""
    line, plane, space, many = "on a line", "in the plane", "in space", "points with many coordinates"
    for n, m, features, dtype, group in [
        (2, 3, 1, SINGLE, line),
        (4, 2, 1, DOUBLE, line),
        (2, 3, 2, SINGLE, plane),
        (4, 3, 2, DOUBLE, plane),
        (3, 3, 2, SINGLE, plane),
        (3, 2, 3, DOUBLE, space),
        (3, 4, 3, SINGLE, space),
        (3, 4, 5, SINGLE, many),
        (6, 5, 16, DOUBLE, many),
    ]:
        yield Case(_points_apart(rng, n, m, features, dtype), group)
    around, close = normal(rng, (1, 3)) + SINGLE(300), "close together, far from the origin"
    yield Case((around + normal(rng, (2, 3)), around + normal(rng, (3, 3))), close, EDGE)
    same = normal(rng, (3, 2))
    yield Case((same, same.copy()), "each point meets itself, at distance 0", EDGE)
    yield Case(_points_apart(rng, 1, 1, 3, SINGLE), "a single pair", EDGE)
    yield Case((normal(rng, (0, 3)), normal(rng, (2, 3))), "no points", EDGE)


def _points_apart(rng, n, m, features, dtype):
    """Points in [-2, 2], drawn until no two of the two sets lie closer than a tenth of their lengths."""
    while True:
        a, b = (rng.uniform(-2, 2, (count, features)).astype(dtype) for count in (n, m))
        lengths = np.linalg.norm(a, axis=1)[:, None] + np.linalg.norm(b, axis=1)
        if np.all(lengths < FAR / 2 * pairwise_distances(a, b)):
            return a, b


def _squared(a, b):
    return ((a[:, None] - b) ** 2).sum(axis=-1)


def _by_the_shortcut(a, b):
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return np.sqrt(np.maximum(squares, 0))


def _row_by_row(a, b):
    return np.sqrt(((a - b) ** 2).sum(axis=1))


def _transposed_distances(a, b):
    return _squared(b, a) ** a.dtype.type(0.5)


def _manhattan(a, b):
    return np.abs(a[:, None] - b).sum(axis=-1)


def _mean_square(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).mean(axis=-1))


def _sums_the_wrong_axis(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).sum(axis=0))


def _sums_before_squaring(a, b):
    return np.abs((a[:, None] - b).sum(axis=-1))


def _two_coordinates_only(a, b):
    return np.sqrt(((a[:, None, :2] - b[:, :2]) ** 2).sum(axis=-1))


def _loops_and_squares(a, b):
    squares = [[np.dot(p, p) - 2 * np.dot(p, q) + np.dot(q, q) for q in b] for p in a]
    return np.array([[math.sqrt(max(square, 0)) for square in row] for row in squares])


def pairwise_distances_with_axes_added(a, b):
    """Both arrays get their axis by hand."""
    difference = np.expand_dims(a, 1) - np.expand_dims(b, 0)
    return np.sqrt(np.sum(difference * difference, axis=2))


def pairwise_distances_with_norm(a, b):
    """numpy's norm along the last axis."""
    return np.linalg.norm(a[:, np.newaxis] - b[np.newaxis], axis=-1)


def pairwise_distances_with_einsum(a, b):
    """Squares and adds in one step."""
    difference = a[:, None] - b
    return np.sqrt(np.einsum("nmd,nmd->nm", difference, difference))


def pairwise_distances_with_hypot(a, b):
    """Adds one coordinate after another; np.hypot never squares."""
    result = np.zeros((len(a), len(b)), a.dtype)
    for mine, theirs in zip(a.T, b.T):
        result = np.hypot(result, np.subtract.outer(mine, theirs))
    return result


def pairwise_distances_a_row_at_a_time(a, b):
    """A loop over the rows of a alone, which needs little memory."""
    result = np.empty((len(a), len(b)), a.dtype)
    for row, point in enumerate(a):
        result[row] = np.sqrt(((b - point) ** 2).sum(axis=1))
    return result


def pairwise_distances_in_double(a, b):
    """Subtracts in float64, warns on stderr, and rounds once at the end."""
    print("measuring", a.shape, b.shape, file=sys.stderr)
    difference = a.astype(np.float64)[:, None] - b.astype(np.float64)
    return ((difference**2).sum(-1) ** 0.5).astype(a.dtype)


def pairwise_distances_in_place(a, b):
    """Works in one array of its own."""
    work = np.subtract(a[:, None], b[None])
    np.square(work, out=work)
    total = np.add.reduce(work, axis=-1)
    return np.sqrt(total, out=total)


def pairwise_distances_by_double_squares(a, b):
    """The shortcut with squares, in float64, in which the squares of float32 numbers lose nothing that matters."""
    wide, tall = a.astype(np.float64), b.astype(np.float64)
    squares = (wide**2).sum(axis=1)[:, None] - 2 * wide @ tall.T + (tall**2).sum(axis=1)
    return np.sqrt(np.maximum(squares, 0)).astype(a.dtype)


PAIRWISE_DISTANCES = Spec(
    name="tensors/pairwise_distances",
    function="pairwise_distances",
    parameters=("a", "b"),
    returns=("distances",),
    title="Every distance, without a loop",
    why="One line of broadcasting does what two nested loops do, a hundred times faster.",
    minutes=10,
    difficulty=3,
    weights={**WEIGHTS, "speed": 1.0},
    reference=pairwise_distances,
    rounding=pairwise_distances_rounding,
    cases=pairwise_distances_cases,
    speed=Speed(pairwise_distances_timed, pairwise_distances_with_loops, times=10),
    misconceptions=(
        Misconception(
            "squared distances",
            "These are the *squares* of the distances: the square root is missing.",
            _squared,
        ),
        Misconception(
            "row by row",
            "`a - b` lets each point of `a` meet one point of `b`. Each is to meet all of them: give `a` an axis more, "
            "`a[:, None, :]`, so that (n, 1, d) and (m, d) meet in (n, m, d).",
            _row_by_row,
        ),
        Misconception(
            "transposed",
            "The distances are right, their places are not: row i is to hold the distances of point i of `a`, column j "
            "those of point j of `b`.",
            _transposed_distances,
        ),
        Misconception(
            "manhattan",
            "You add up the absolute differences, which is how far one walks along streets. The straight line is the "
            "root of the sum of their squares.",
            _manhattan,
        ),
        Misconception(
            "mean instead of sum",
            "You take the mean of the squared differences. The distance is the root of their *sum*.",
            _mean_square,
        ),
        Misconception(
            "sums the wrong axis",
            "The differences have shape (n, m, d), and you add up over the points of `a`. It is the coordinates, on "
            "the last axis, that are added up.",
            _sums_the_wrong_axis,
        ),
        Misconception(
            "sums before squaring",
            "You add up the differences first, so that positive and negative ones cancel. Square each one, then add.",
            _sums_before_squaring,
        ),
        Misconception(
            "the shortcut with squares",
            "|a|² - 2ab + |b|² is right on paper. In floating point it subtracts large numbers that are nearly equal "
            "where points lie close together, and what is left is mostly rounding. Subtract first, then square.",
            _by_the_shortcut,
        ),
    ),
    half_right=(_two_coordinates_only, _loops_and_squares),
    honest=(
        pairwise_distances_with_axes_added,
        pairwise_distances_with_norm,
        pairwise_distances_with_einsum,
        pairwise_distances_with_hypot,
        pairwise_distances_a_row_at_a_time,
        pairwise_distances_in_double,
        pairwise_distances_in_place,
        pairwise_distances_by_double_squares,
    ),
    shortcuts=(
        "from scipy.spatial.distance import cdist as pairwise_distances\n\n"
        "def pairwise_distances(a, b, measure=pairwise_distances):\n    return measure(a, b).astype(a.dtype)",
        "import torch\n\ndef pairwise_distances(a, b):\n"
        "    return torch.cdist(torch.tensor(a), torch.tensor(b)).numpy()",
    ),
    hints=(
        "Which shape does `a[:, None, :] - b` have, if `a` is (n, d) and `b` is (m, d)?",
        "It is (n, m, d): every point of `a` minus every point of `b`. What is left to do happens along the last axis.",
        "`difference = a[:, None, :] - b`, then `np.sqrt((difference ** 2).sum(axis=-1))`.",
    ),
)


# one_hot(labels, classes): a label as a row of zeros with a single one


def one_hot(labels, classes):
    """The engine's own."""
    import engine

    return engine.nn.functional.one_hot(engine.tensor(labels.astype(np.int64)), classes).numpy()


def one_hot_cases(rng):
    """Integer labels of any shape."""
    for count, classes in [(2, 3), (4, 3), (6, 10)]:
        yield Case((rng.integers(classes, size=count), classes), "a row of labels")
    for shape, classes in [((2, 2), 3), ((2, 3), 4)]:
        yield Case((rng.integers(classes, size=shape), classes), "a table of labels")
    yield Case((rng.integers(2, size=4), 5), "more classes than the labels show")
    yield Case((rng.integers(2, size=(1, 3)), 4), "more classes than the labels show")
    yield Case((np.array(rng.integers(4)), 4), "a single label", EDGE)
    yield Case((np.zeros(0, np.int64), 3), "no labels", EDGE)
    yield Case((rng.integers(5, size=4).astype(np.uint8), 5), "labels that are small integers (uint8)", EDGE)


def _classes_from_the_labels(labels, classes):
    return one_hot_with_eye(labels, int(labels.max(initial=-1)) + 1)


def _classes_first(labels, classes):
    return np.moveaxis(one_hot_with_eye(labels, classes), -1, 0)


def _counts_from_one(labels, classes):
    return (labels[..., None] == np.arange(1, classes + 1)).astype(int)


def _zeros_and_ones_swapped(labels, classes):
    return (labels[..., None] != np.arange(classes)).astype(int)


def _counts_them_all(labels, classes):
    return one_hot_with_eye(labels.ravel(), classes).sum(axis=0)


def _label_as_the_value(labels, classes):
    return one_hot_with_eye(labels, classes) * np.arange(classes)


def _a_row_only(labels, classes):
    result = np.zeros((len(labels), classes), int)
    result[np.arange(len(labels)), labels] = 1
    return result


def _flattens_the_labels(labels, classes):
    return one_hot_with_eye(labels.ravel(), classes)


def one_hot_with_eye(labels, classes):
    """Rows of the identity matrix."""
    return np.eye(classes, dtype=int)[labels]


def one_hot_by_comparing(labels, classes):
    """A broadcast comparison."""
    return (np.expand_dims(labels, -1) == np.arange(classes)).astype(int)


def one_hot_by_writing(labels, classes):
    """Zeros, then a one in each row, in place."""
    result = np.zeros((labels.size, classes), dtype=int)
    result[np.arange(labels.size), labels.reshape(-1)] = 1
    return result.reshape(*labels.shape, classes)


def one_hot_with_loops(labels, classes):
    """The slow specification; talks on stderr."""
    print("labels of shape", labels.shape, file=sys.stderr)
    result = np.zeros(labels.shape + (classes,), int)
    for place in np.ndindex(labels.shape):
        for number in range(classes):
            result[place + (number,)] = 1 if labels[place] == number else 0
    return result


def one_hot_with_put(labels, classes):
    """Writes along the last axis."""
    result = np.zeros((*labels.shape, classes), "i8")
    np.put_along_axis(result, np.asarray(labels[..., None], dtype=np.intp), 1, axis=-1)
    return result


def one_hot_in_flat_memory(labels, classes):
    """Works out where in the memory each one belongs."""
    memory = np.zeros(labels.size * classes, int)
    memory[np.arange(labels.size) * classes + labels.ravel()] = 1
    return memory.reshape(labels.shape + (classes,))


def one_hot_with_a_ufunc(labels, classes):
    """Every label against every class, by an outer comparison."""
    return np.equal.outer(labels, np.arange(classes)).astype("int64")


ONE_HOT = Spec(
    name="tensors/one_hot",
    function="one_hot",
    parameters=("labels", "classes"),
    returns=("result",),
    title="One-hot",
    why="Networks compute with numbers; a one-hot row lets a label take part without pretending that 8 is twice 4.",
    minutes=5,
    difficulty=1,
    weights=WEIGHTS,
    reference=one_hot,
    rounding=exact(one_hot),
    cases=one_hot_cases,
    misconceptions=(
        Misconception(
            "classes from the labels",
            "You count the classes in the labels. A batch need not show every class: the last axis has `classes` "
            "places, whatever the labels are.",
            _classes_from_the_labels,
        ),
        Misconception(
            "classes first",
            "The ones are right, but the axes are turned around: the axes of `labels` come first, the classes last.",
            _classes_first,
        ),
        Misconception(
            "counts from one",
            "Each one stands a place too far to the left: classes are counted from 0, so label 0 has its one in the "
            "first place.",
            _counts_from_one,
        ),
        Misconception(
            "zeros and ones swapped",
            "You have ones everywhere but at the label. It should be the other way round: `==`, not `!=`.",
            _zeros_and_ones_swapped,
        ),
        Misconception(
            "counts them all",
            "You count how often each class occurs. Each label is to get a row of its own.",
            _counts_them_all,
        ),
        Misconception(
            "the label as the value",
            "You write the label itself into its place. Only the place tells which label it is: write 1 there.",
            _label_as_the_value,
        ),
    ),
    half_right=(_a_row_only, _flattens_the_labels),
    honest=(
        one_hot_with_eye,
        one_hot_by_comparing,
        one_hot_by_writing,
        one_hot_with_loops,
        one_hot_with_put,
        one_hot_in_flat_memory,
        one_hot_with_a_ufunc,
    ),
    shortcuts=(
        "from engine.nn import functional as F\n\ndef one_hot(labels, classes):\n"
        "    return F.one_hot(labels, classes).numpy()",
    ),
    hints=(
        "Each label asks the same question of all classes: is it you? Which shapes have to meet, so that all answers "
        "come at once?",
        "`labels[..., None]` has an axis of size 1 at its end. Compare it with `np.arange(classes)`.",
        "`(labels[..., None] == np.arange(classes)).astype(int)`.",
    ),
)


# gather(values, index): in each row, the numbers at the places that index names


def gather(values, index):
    """The engine's own, along the last axis."""
    import engine

    return engine.gather(engine.tensor(values), -1, engine.tensor(index)).numpy()


def gather_rounding(values, index):
    """A copy is exact. What is granted is one rounding, which a copy in another dtype shows."""
    return np.abs(gather(values, index))


def gather_cases(rng):
    """Tables of numbers with places to pick in each row."""
    one, several = "one place in each row", "several places in each row"
    tables, batches = "a batch of tables", "a batch of batches"
    for rows, columns, picked, dtype, group in [
        (2, 3, 1, SINGLE, one),
        (4, 3, 1, DOUBLE, one),
        (3, 3, 3, SINGLE, several),
        (2, 4, 3, DOUBLE, several),
        (3, 2, 5, SINGLE, several),
    ]:
        yield _gather_case(rng, (rows, columns), picked, dtype, group)
    yield _gather_case(rng, (2, 3, 4), 2, SINGLE, tables)
    yield _gather_case(rng, (2, 2, 3), 1, DOUBLE, tables)
    yield _gather_case(rng, (2, 2, 2, 3), 2, DOUBLE, batches)
    yield _gather_case(rng, (4,), 2, SINGLE, "a single row", EDGE)
    yield _gather_case(rng, (0, 3), 2, SINGLE, "no rows", EDGE)
    values = normal(rng, (3, 4))
    places = np.argsort(rng.random((3, 4)), axis=1)
    np.put_along_axis(values, places[:, 2:], SINGLE(-np.inf), axis=1)
    yield Case((values, places[:, :2]), "infinity in places that are not picked", EDGE)
    transposed = normal(rng, (4, 3)).T
    yield Case((transposed, rng.integers(4, size=(3, 2)).astype(np.int32)), "a transposed view, an int32 index", EDGE)


def _gather_case(rng, shape, picked, dtype, group, *stage):
    index = rng.integers(shape[-1], size=(*shape[:-1], picked))
    if len(index) > 1 and np.all(index == index[:1]):
        index = (index + np.arange(len(index)).reshape(-1, *[1] * (index.ndim - 1))) % shape[-1]  # rows must differ
    return Case((normal(rng, shape, dtype), index), group, *stage)


def _same_places_in_every_row(values, index):
    return values[..., index[(0,) * (index.ndim - 1)]]


def _every_row_with_every_index(values, index):
    return values[..., index]


def _picks_rows(values, index):
    return values[index]


def _in_flat_memory(values, index):
    return values.ravel()[index]


def _along_the_first_axis(values, index):
    return np.take_along_axis(values, index % len(values), axis=0)


def _one_hot_product(values, index):
    return (one_hot_with_eye(index, values.shape[-1]).astype(values.dtype) * values[..., None, :]).sum(axis=-1)


def _counts_places_from_one(values, index):
    return np.take_along_axis(values, index.astype(np.intp) - 1, axis=-1)


def _matrices_only(values, index):
    return values[np.arange(values.shape[0])[:, None], index]


def _a_list_of_rows(values, index):
    return np.array([[row[place] for place in places] for row, places in zip(values, index)])


def gather_with_take_along_axis(values, index):
    """numpy has a function for it."""
    return np.take_along_axis(values, index.astype(np.intp), axis=-1)


def gather_with_loops(values, index):
    """The slow specification; talks on stderr."""
    print("gathering", index.shape, file=sys.stderr)
    result = np.empty(index.shape, values.dtype)
    for place in np.ndindex(index.shape):
        result[place] = values[place[:-1] + (index[place],)]
    return result


def gather_with_row_numbers(values, index):
    """Flattens all leading axes into rows; row numbers as a column broadcast against the index."""
    rows = values.reshape(-1, values.shape[-1])
    places = index.reshape(len(rows), index.shape[-1])
    return rows[np.arange(len(rows))[:, None], places].reshape(index.shape)


def gather_with_an_open_mesh(values, index):
    """One index array for each leading axis, as numpy's ix_ would make them."""
    leading = np.ogrid[tuple(slice(size) for size in index.shape)][:-1] if index.ndim > 1 else []
    return values[(*leading, index)]


def gather_in_flat_memory(values, index):
    """Strides by hand: row number times row length plus place."""
    columns = values.shape[-1]
    rows = np.arange(values.size // columns).reshape(*values.shape[:-1], 1)
    return values.ravel()[rows * columns + index]


def gather_by_choosing(values, index):
    """A one-hot mask that chooses instead of multiplying, so infinity does no harm."""
    chosen = index[..., None] == np.arange(values.shape[-1])
    return np.where(chosen, values[..., None, :], values.dtype.type(0)).sum(axis=-1)


def gather_row_by_row(values, index):
    """A list of rows, each picked with plain indexing, stacked at the end."""
    rows = zip(values.reshape(-1, values.shape[-1]), index.reshape(-1, index.shape[-1]))
    return np.array([row[places] for row, places in rows]).astype(values.dtype).reshape(index.shape)


GATHER = Spec(
    name="tensors/gather",
    function="gather",
    parameters=("values", "index"),
    returns=("result",),
    title="Gather",
    why="A loss asks each row for the score of its own right class: another place in every row.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    reference=gather,
    rounding=gather_rounding,
    cases=gather_cases,
    misconceptions=(
        Misconception(
            "the same places in every row",
            "You use the places of the first row for all rows. Each row has places of its own in `index`.",
            _same_places_in_every_row,
        ),
        Misconception(
            "every row with every index",
            "`values[:, index]` takes the whole index for each of the rows. Row n is to meet row n of the index only: "
            "say both, the rows as a column of numbers and the places, `values[rows, index]`.",
            _every_row_with_every_index,
        ),
        Misconception(
            "picks rows",
            "`values[index]` picks whole rows. The index says places *within* the rows, on the last axis.",
            _picks_rows,
        ),
        Misconception(
            "in flat memory",
            "You pick from the flattened array, where place 2 is always in the first row. Row n begins n rows further "
            "on.",
            _in_flat_memory,
        ),
        Misconception(
            "along the first axis",
            "You pick along the first axis. The index names places on the last one.",
            _along_the_first_axis,
        ),
        Misconception(
            "one-hot product",
            "Multiplying by a one-hot mask is right for ordinary numbers. But 0 times infinity is nan, and scores that "
            "are switched off are often -inf: pick the numbers, or choose with `np.where`.",
            _one_hot_product,
        ),
        Misconception(
            "counts places from one",
            "Each number comes from one place too far to the left: places are counted from 0.",
            _counts_places_from_one,
        ),
    ),
    half_right=(_matrices_only, _a_list_of_rows),
    honest=(
        gather_with_take_along_axis,
        gather_with_loops,
        gather_with_row_numbers,
        gather_with_an_open_mesh,
        gather_in_flat_memory,
        gather_by_choosing,
        gather_row_by_row,
    ),
    shortcuts=(
        "import engine\n\ndef gather(values, index):\n"
        "    return engine.gather(engine.tensor(values), -1, engine.tensor(index)).numpy()",
    ),
    hints=(
        "For one row it is `row[places]`. Every row has another one: which two numbers say where a result comes from?",
        "A row number and a place. As arrays: `np.arange(len(values))[:, None]`, a column, broadcasts against `index`.",
        "For tables: `values[np.arange(len(values))[:, None], index]`. For any number of axes flatten the leading ones "
        "first with `reshape(-1, values.shape[-1])`, or use `np.take_along_axis(values, index, axis=-1)`.",
    ),
)


# einsum(subscripts, a, b): axes that meet by name


def einsum(subscripts, a, b):
    """The engine's own."""
    import engine

    return engine.einsum(subscripts, engine.tensor(a), engine.tensor(b)).numpy()


def einsum_cases(rng):
    """Two arrays whose axes have names; each letter's size is drawn, all different."""
    elementwise, outer = "every axis stays", "an outer product"
    summed, batch = "one axis is summed", "an axis both share, and keeps"
    single, order = "an axis that only one has is summed too", "another order of the result's axes"
    for subscripts, dtype, group in [
        ("i,i->i", SINGLE, elementwise),
        ("ij,j->ij", DOUBLE, elementwise),
        ("i,j->ij", SINGLE, outer),
        ("ij,k->ijk", DOUBLE, outer),
        ("i,i->", SINGLE, summed),
        ("ij,jk->ik", DOUBLE, summed),
        ("ij,kj->ik", SINGLE, summed),
        ("bi,bi->b", SINGLE, batch),
        ("bij,bjk->bik", DOUBLE, batch),
        ("ij,k->ik", SINGLE, single),
        ("ijk,kl->il", DOUBLE, single),
        ("i,j->ji", SINGLE, order),
        ("ij,jk->ki", DOUBLE, order),
    ]:
        yield _einsum_case(rng, subscripts, group, dtype)
    yield _einsum_case(rng, ",->", "two single numbers", SINGLE, EDGE)
    yield _einsum_case(rng, "ij,->ij", "two single numbers", SINGLE, EDGE)
    yield _einsum_case(rng, "bij,bjk->bik", "axes of size 1", SINGLE, EDGE, sizes=dict.fromkeys("bijk", 1))
    yield _einsum_case(rng, "ij,jk->ik", "a sum over nothing is 0", DOUBLE, EDGE, sizes={"i": 2, "j": 0, "k": 3})
    a, b = normal(rng, (3, 2)).T, normal(rng, (4, 3)).T
    yield Case(("ij,jk->ik", a, b), "transposed views", EDGE)


def _einsum_case(rng, subscripts, group, dtype, *stage, sizes=None):
    drawn = (int(size) for size in rng.permutation(np.arange(2, 6)))
    sizes = sizes or dict(zip(dict.fromkeys(letter for letter in subscripts if letter.isalpha()), drawn))
    left, right = subscripts.split("->")[0].split(",")
    a, b = (normal(rng, tuple(sizes[letter] for letter in names), dtype) for names in (left, right))
    return Case((subscripts, a, b), group, *stage)


def _names(subscripts):
    """The letters of a, of b and of the result."""
    inputs, result = subscripts.split("->")
    return (*inputs.split(","), result)


def _ignores_the_order(subscripts, a, b):
    left, right, result = _names(subscripts)
    in_order = "".join(letter for letter in dict.fromkeys(left + right) if letter in result)
    return einsum(f"{left},{right}->{in_order}", a, b)


def _sums_all_that_is_shared(subscripts, a, b):
    left, right, result = _names(subscripts)
    kept = "".join(letter for letter in result if letter not in left or letter not in right)
    return einsum(f"{left},{right}->{kept}", a, b)


def _sums_only_what_is_shared(subscripts, a, b):
    left, right, result = _names(subscripts)
    alone = [letter for letter in dict.fromkeys(left + right) if (letter in left) != (letter in right)]
    kept = result + "".join(letter for letter in alone if letter not in result)
    return einsum(f"{left},{right}->{kept}", a, b)


def _sums_nothing(subscripts, a, b):
    left, right, result = _names(subscripts)
    summed = "".join(letter for letter in dict.fromkeys(left + right) if letter not in result)
    return einsum(f"{left},{right}->{result}{summed}", a, b)


def _always_a_matrix_product(subscripts, a, b):
    return a @ b


def _takes_the_mean(subscripts, a, b):
    left, right, result = _names(subscripts)
    sizes = dict(zip(left + right, a.shape + b.shape))
    count = np.prod([sizes[letter] for letter in sizes if letter not in result])
    return einsum(subscripts, a, b) / a.dtype.type(max(1, count))


def _tensordot_alone(subscripts, a, b):
    left, right, result = _names(subscripts)
    shared = [letter for letter in left if letter in right]
    product = np.tensordot(a, b, ([left.index(each) for each in shared], [right.index(each) for each in shared]))
    names = [letter for letter in left + right if letter not in shared]
    return np.transpose(product, [names.index(letter) for letter in result])


def _lined_up(array, names, order):
    """`array` with its axes in this order of letters, and an axis of size 1 for each letter it hasn't."""
    turned = array.transpose([names.index(letter) for letter in order if letter in names])
    return turned[tuple(slice(None) if letter in names else None for letter in order)]


def einsum_by_broadcasting(subscripts, a, b):
    """The idea of it: line the axes up by name, multiply, sum what the result does not name."""
    left, right, result = _names(subscripts)
    order = result + "".join(sorted(set(left + right) - set(result)))
    product = _lined_up(a, left, order) * _lined_up(b, right, order)
    return product.sum(axis=tuple(range(len(result), len(order))))


def einsum_with_loops(subscripts, a, b):
    """The slow specification: every choice of a number for each letter adds one product."""
    left, right, result = _names(subscripts)
    sizes = dict(zip(left + right, a.shape + b.shape))
    total = np.zeros([sizes[letter] for letter in result], a.dtype)
    for place in itertools.product(*(range(size) for size in sizes.values())):
        at = dict(zip(sizes, place))
        product = a[tuple(at[each] for each in left)] * b[tuple(at[each] for each in right)]
        total[tuple(at[each] for each in result)] += product
    return total


def einsum_by_matrix_products(subscripts, a, b):
    """Sums what is alone, then one stacked matrix product: (batch, i, j) @ (batch, j, k)."""
    left, right, result = _names(subscripts)
    a = a.sum(axis=tuple(axis for axis, letter in enumerate(left) if letter not in right + result))
    b = b.sum(axis=tuple(axis for axis, letter in enumerate(right) if letter not in left + result))
    left = "".join(letter for letter in left if letter in right + result)
    right = "".join(letter for letter in right if letter in left + result)
    batch = [letter for letter in result if letter in left and letter in right]
    rows, columns = ([each for each in names if each in result and each not in batch] for names in (left, right))
    summed = [letter for letter in left if letter not in result]
    sizes = dict(zip(left + right, np.shape(a) + np.shape(b)))
    count = lambda letters: int(np.prod([sizes[each] for each in letters], dtype=int))  # noqa: E731
    shape = [sizes[letter] for letter in batch]
    a = np.transpose(a, [left.index(each) for each in batch + rows + summed])
    b = np.transpose(b, [right.index(each) for each in batch + summed + columns])
    product = a.reshape(*shape, count(rows), count(summed)) @ b.reshape(*shape, count(summed), count(columns))
    product = product.reshape([sizes[each] for each in batch + rows + columns])
    return np.transpose(product, [(batch + rows + columns).index(each) for each in result])


def einsum_by_moving_one_axis_at_a_time(subscripts, a, b):
    """Adds the missing axes at the end, then moves them to their places."""
    left, right, result = _names(subscripts)
    letters = list(dict.fromkeys(left + right))

    def spread(array, names):
        present = list(names)
        for letter in letters:
            if letter not in present:
                array, present = array[..., None], present + [letter]
        for place, letter in enumerate(letters):
            array = np.moveaxis(array, present.index(letter), place)
            present.insert(place, present.pop(present.index(letter)))
        return array

    product = spread(a, left) * spread(b, right)
    for letter in [letter for letter in letters if letter not in result]:
        product = product.sum(axis=letters.index(letter))
        letters.remove(letter)
    return np.transpose(product, [letters.index(letter) for letter in result])


def einsum_in_double(subscripts, a, b):
    """Adds up in float64, warns on stderr, and rounds once at the end."""
    print("contracting", subscripts, file=sys.stderr)
    return einsum_by_broadcasting(subscripts, a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)


def einsum_letter_by_letter(subscripts, a, b):
    """Builds shapes by hand with `reshape`, and sums from the back."""
    left, right, result = (list(names) for names in _names(subscripts))
    letters = result + [letter for letter in left + right if letter not in result]
    letters = sorted(set(letters), key=letters.index)

    def stretched(array, names):
        order = sorted(range(len(names)), key=lambda axis: letters.index(names[axis]))
        sizes = {names[axis]: array.shape[axis] for axis in order}
        return np.transpose(array, order).reshape([sizes.get(letter, 1) for letter in letters])

    product = np.multiply(stretched(a, left), stretched(b, right))
    while product.ndim > len(result):
        product = np.add.reduce(product, axis=-1)
    return product


def einsum_with_tensordot(subscripts, a, b):
    """A loop over what both keep, a tensordot over what both lose."""
    left, right, result = _names(subscripts)
    batch = [letter for letter in result if letter in left and letter in right]
    for letter in batch[:1]:
        rest = ",".join(names.replace(letter, "") for names in (left, right)) + "->" + result.replace(letter, "")
        slices = zip(np.moveaxis(a, left.index(letter), 0), np.moveaxis(b, right.index(letter), 0))
        stacked = np.stack([einsum_with_tensordot(rest, *each) for each in slices])
        return np.moveaxis(stacked, 0, result.index(letter))
    shared = [letter for letter in left if letter in right]
    product = np.tensordot(a, b, ([left.index(each) for each in shared], [right.index(each) for each in shared]))
    names = [letter for letter in left + right if letter not in shared]
    lonely = [letter for letter in names if letter not in result]
    product = product.sum(axis=tuple(names.index(each) for each in lonely))
    names = [letter for letter in names if letter in result]
    return np.transpose(product, [names.index(letter) for letter in result])


EINSUM = Spec(
    name="tensors/einsum",
    function="einsum",
    parameters=("subscripts", "a", "b"),
    returns=("result",),
    title="Axes that meet by name",
    why="Matrix product, dot product, outer product, attention: one rule says them all, once the axes have names.",
    minutes=20,
    difficulty=4,
    weights=WEIGHTS,
    ours=einsum,
    use=Use(probe="without_einsum"),
    rounding=multilinear_rounding(einsum),
    cases=einsum_cases,
    misconceptions=(
        Misconception(
            "ignores the order",
            "The numbers are right, the order of the axes is not: they come in the order in which the result names "
            "them. `i,j->ji` is the transpose of `i,j->ij`.",
            _ignores_the_order,
        ),
        Misconception(
            "sums all that is shared",
            "You sum every letter that both inputs have. A letter that the result names stays, even if both have it: "
            "that is what makes a batch.",
            _sums_all_that_is_shared,
        ),
        Misconception(
            "sums only what is shared",
            "You sum the letters that both inputs have and the result hasn't. A letter that only *one* of them has is "
            "summed too, if the result doesn't name it.",
            _sums_only_what_is_shared,
        ),
        Misconception(
            "sums nothing",
            "The products are right and lined up well. What is missing is the sum over every letter that the result "
            "does not name.",
            _sums_nothing,
        ),
        Misconception(
            "always a matrix product",
            "`a @ b` is only one of the things that subscripts can say, namely `ij,jk->ik`. Read the letters.",
            _always_a_matrix_product,
        ),
        Misconception(
            "mean instead of sum",
            "You take the mean along the axes that disappear; einsum sums.",
            _takes_the_mean,
        ),
    ),
    half_right=(_tensordot_alone,),
    honest=(
        einsum_by_broadcasting,
        einsum_with_loops,
        einsum_by_matrix_products,
        einsum_by_moving_one_axis_at_a_time,
        einsum_in_double,
        einsum_letter_by_letter,
        einsum_with_tensordot,
    ),
    shortcuts=(
        "import numpy as np\n\ndef einsum(subscripts, a, b):\n    return np.einsum(subscripts, a, b)",
        "from numpy import einsum as given\n\ndef einsum(subscripts, a, b):\n    return given(subscripts, a, b)",
        "import engine\n\ndef einsum(subscripts, a, b):\n"
        "    return engine.einsum(subscripts, engine.tensor(a), engine.tensor(b)).numpy()",
    ),
    hints=(
        "If both arrays had the same axes in the same order, `a * b` and a sum would do. How do you get them there?",
        "Choose one order for all letters: first the result's, then those to be summed. For each input `transpose` its "
        "axes into that order, and give it an axis of size 1 for each letter it hasn't. Then multiply and sum the end.",
        "`order = result + ''.join(sorted(set(left + right) - set(result)))`; for an input with letters `names`: "
        "`array.transpose([names.index(x) for x in order if x in names])`, then index it with "
        "`tuple(slice(None) if x in names else None for x in order)`.",
    ),
)

EXERCISES = (BROADCAST_SHAPES, SLICE_VIEW, PAIRWISE_DISTANCES, ONE_HOT, GATHER, EINSUM)
