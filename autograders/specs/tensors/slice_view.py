"""slice_view(shape, strides, offset, slices): which numbers of the memory a slice looks at."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Use


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


def _size_without_step(shape, strides, offset, slices):
    _, steps, begin = slice_view(shape, strides, offset, slices)
    bounds = [slice(*each).indices(size) for each, size in zip(slices, shape)]
    return tuple(max(0, stop - start) for start, stop, _ in bounds), steps, begin


def _offset_of_the_last_axis(shape, strides, offset, slices):
    sizes, steps, _ = slice_view(shape, strides, offset, slices)
    return sizes, steps, slice(*slices[-1]).indices(shape[-1])[0] * strides[-1]


def _asks_an_array(shape, strides, offset, slices):
    view = np.zeros(shape, np.int64)[tuple(slice(*each) for each in slices)]
    return view.shape, view.strides, offset


def _backwards_from_the_front(shape, strides, offset, slices):
    sizes, steps, begin = slice_view(shape, strides, offset, slices)
    for size, stride, (start, _, step) in zip(shape, strides, slices):
        if start is None and step is not None and step < 0:
            begin -= (size - 1) * stride
    return sizes, steps, begin


def _stays_where_nothing_is_left(shape, strides, offset, slices):
    sizes, steps, _ = slice_view(shape, strides, offset, slices)
    chosen = [range(size)[slice(*each)] for size, each in zip(shape, slices)]
    return sizes, steps, offset + sum(stride * each[0] for stride, each in zip(strides, chosen) if each)


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


EXERCISE = Spec(
    name="tensors/slice_view",
    function="slice_view",
    parameters=("shape", "strides", "offset", "slices"),
    returns=("new_shape", "new_strides", "new_offset"),
    title="The strides of a view",
    why="A slice costs nothing, however large the tensor, because it only writes down three things anew.",
    minutes=15,
    difficulty=3,
    weights={"dtype": 0.5, "values": 2.5, "edge cases": 1.0},
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
            "These are the strides that a copy of the slice would have. A view stays in the old memory, where the "
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
            "You multiply `start` with the new stride. `start` counts places of the old axis, so it goes with the "
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
        Misconception(
            "size without the step",
            "The size is `stop - start`, as if every place in between were visited. In steps of 2 it is half as many, "
            "rounded up: `len(range(start, stop, step))`.",
            _size_without_step,
        ),
        Misconception(
            "offset of the last axis",
            "Your offset knows the last axis alone: `offset = start * stride` forgets what was there before. Every "
            "axis adds its own: `offset += start * stride`.",
            _offset_of_the_last_axis,
        ),
        Misconception(
            "asks an array",
            "You asked a new numpy array. It counts strides in bytes, not in numbers, and knows nothing of the strides "
            "and the offset that were given: start from those.",
            _asks_an_array,
        ),
        Misconception(
            "backwards from the front",
            "Right going forwards. With a negative step, None for `start` is the last place, not the first: "
            "`slice(start, stop, step).indices(size)` knows.",
            _backwards_from_the_front,
        ),
        Misconception(
            "stays where nothing is left",
            "Nothing is left to see, but the view begins somewhere all the same: at `start` times the stride, as "
            "always.",
            _stays_where_nothing_is_left,
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
