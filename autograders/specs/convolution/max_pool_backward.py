"""max_pool_backward(gradient, x, size): from each window back to its largest number."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def max_pool_backward(gradient, x, size):
    """The engine's own."""
    import engine

    given = engine.tensor(x, requires_grad=True)
    with engine.enable_grad():  # a Function's backward, where the chapter calls it, records nothing
        engine.nn.functional.max_pool2d(given, size).backward(engine.tensor(gradient))
    return given.grad.numpy()


def max_pool_backward_rounding(gradient, x, size):
    """What is copied is exact; one eps of each number is granted to whoever returns another dtype."""
    return np.abs(max_pool_backward(gradient, x, size))


def max_pool_backward_cases(rng):
    """Images whose sides are multiples of the window's; then ties, and sides that are not."""
    one, several, batch = "one small image", "windows of 3 by 3", "a batch with several channels"
    for shape, size, dtype, group in [
        ((1, 1, 2, 4), 2, SINGLE, one),
        ((1, 1, 4, 4), 2, DOUBLE, one),
        ((1, 1, 3, 6), 3, SINGLE, several),
        ((1, 1, 6, 6), 3, DOUBLE, several),
        ((2, 2, 4, 4), 2, SINGLE, batch),
        ((3, 2, 4, 6), 2, DOUBLE, batch),
    ]:
        yield _case(rng, normal(rng, shape, dtype), size, group)
    equal = np.full((1, 1, 2, 4), rng.uniform(1, 2), SINGLE)
    yield _case(rng, equal, 2, "equal numbers in a window", EDGE)
    yield _case(rng, -1 - np.abs(normal(rng, (1, 2, 4, 4))), 2, "nothing but negative numbers", EDGE)
    yield _case(rng, normal(rng, (1, 1, 5, 5)), 2, "a row and a column left over", EDGE)
    yield _case(rng, normal(rng, (2, 1, 2, 3)), 1, "windows of one pixel", EDGE)


def _case(rng, x, size, group, *stage):
    n, channels, height, width = x.shape
    return Case((normal(rng, (n, channels, height // size, width // size), x.dtype), x, size), group, *stage)


def _tiles(x, size):
    """(N, C, rows, columns, size · size): the numbers of each window, row by row."""
    n, channels, height, width = x.shape
    rows, columns = height // size, width // size
    tiles = x[:, :, : rows * size, : columns * size].reshape(n, channels, rows, size, columns, size)
    return tiles.transpose(0, 1, 2, 4, 3, 5).reshape(n, channels, rows, columns, size * size)


def _untiled(tiles, x, size):
    """The way back from `_tiles`, with 0 for what was left over."""
    n, channels, rows, columns, _ = tiles.shape
    result = np.zeros_like(x)
    image = tiles.reshape(n, channels, rows, columns, size, size).transpose(0, 1, 2, 4, 3, 5)
    result[:, :, : rows * size, : columns * size] = image.reshape(n, channels, rows * size, columns * size)
    return result


def _spread_by(share):
    """An answer that gives each number of a window `share(tiles)` times the window's gradient."""

    def max_pool_backward(gradient, x, size):
        return _untiled((share(_tiles(x, size)) * gradient[..., None]).astype(x.dtype), x, size)

    return max_pool_backward


_to_everyone = _spread_by(np.ones_like)
_as_for_the_mean = _spread_by(lambda tiles: np.full_like(tiles, 1 / tiles.shape[-1]))
_to_the_smallest = _spread_by(lambda tiles: np.arange(tiles.shape[-1]) == tiles.argmin(axis=-1)[..., None])
_to_all_of_the_largest = _spread_by(lambda tiles: tiles == tiles.max(axis=-1, keepdims=True))
_times_the_value = _spread_by(
    lambda tiles: tiles * (np.arange(tiles.shape[-1]) == tiles.argmax(axis=-1)[..., None]))
_to_the_first = _spread_by(lambda tiles: np.arange(tiles.shape[-1]) == np.zeros((*tiles.shape[:-1], 1), int))
_to_the_last_of_the_largest = _spread_by(
    lambda tiles: np.arange(tiles.shape[-1]) == tiles.shape[-1] - 1 - tiles[..., ::-1].argmax(axis=-1)[..., None])


def _forgets_the_gradient(gradient, x, size):
    return max_pool_backward_with_argmax(np.ones_like(gradient), x, size)


def _repeats_into_the_rest(gradient, x, size):
    """Right unless rows or columns are left over, which get the last window's."""
    right = max_pool_backward_with_argmax(gradient, x, size)
    for axis in (2, 3):
        rest = x.shape[axis] % size
        if rest:
            left = [slice(None)] * 4
            left[axis] = slice(-rest, None)
            right[tuple(left)] = gradient.mean()
    return right


def _only_the_first_image(gradient, x, size):
    result = np.zeros_like(x)
    result[:1, :1] = max_pool_backward_with_argmax(gradient[:1, :1], x[:1, :1], size)
    return result


def _shared_by_the_largest(gradient, x, size):
    largest = (tiles := _tiles(x, size)) == tiles.max(axis=-1, keepdims=True)
    return _untiled((largest * gradient[..., None] / largest.sum(axis=-1, keepdims=True)).astype(x.dtype), x, size)


def _without_the_rest(gradient, x, size):
    right = max_pool_backward_with_argmax(gradient, x, size)
    return right[:, :, : gradient.shape[2] * size, : gradient.shape[3] * size]


def _value_for_gradient(gradient, x, size):
    return _times_the_value(np.ones_like(gradient), x, size)


def _by_windows(gradient, x, size, side, step, turned=False):
    """Windows of `side` by `side`, `step` apart, in each of which the largest number gets the gradient added."""
    result = np.zeros_like(x)
    for image, channel, row, column in np.ndindex(gradient.shape):
        window = x[image, channel, row * step : row * step + side, column * step : column * step + side]
        down, right = divmod(int(window.argmax()), side)
        down, right = (right, down) if turned else (down, right)
        result[image, channel, row * step + down, column * step + right] += gradient[image, channel, row, column]
    return result


def _windows_overlap(gradient, x, size):
    return _by_windows(gradient, x, size, size, 1)


def _down_for_right(gradient, x, size):
    return _by_windows(gradient, x, size, size, size, turned=True)


def _always_two(gradient, x, size):
    return _by_windows(gradient, x, size, 2, 2)


def _largest_of_the_image(gradient, x, size):
    result = np.zeros_like(x)
    for image, channel in np.ndindex(x.shape[:2]):
        place = np.unravel_index(x[image, channel].argmax(), x.shape[2:])
        result[image, channel][place] = gradient[image, channel].sum()
    return result


def _begins_at_zero(gradient, x, size):
    return max_pool_backward_with_argmax(np.where(_tiles(x, size).max(axis=-1) > 0, gradient, 0), x, size)


def _only_reshaped(gradient, x, size):
    n, channels, rows, columns = gradient.shape
    used = x[:, :, : rows * size, : columns * size]
    tiles = used.reshape(n, channels, rows, columns, size * size)
    shares, result = np.zeros_like(tiles), np.zeros_like(x)
    np.put_along_axis(shares, tiles.argmax(axis=-1)[..., None], gradient[..., None], axis=-1)
    result[:, :, : rows * size, : columns * size] = shares.reshape(used.shape)
    return result


def _first_image_without_a_rest(gradient, x, size):
    """Right for one channel of one image, unless something is left over."""
    has_rest = x.shape[2] % size or x.shape[3] % size
    return np.zeros_like(x) if has_rest else _only_the_first_image(gradient, x, size)


def max_pool_backward_with_argmax(gradient, x, size):
    """The windows' numbers along one axis, and where the largest stands in it."""
    tiles = _tiles(x, size)
    result = np.zeros_like(tiles)
    np.put_along_axis(result, tiles.argmax(axis=-1)[..., None], gradient[..., None], axis=-1)
    return _untiled(result, x, size)


def max_pool_backward_with_loops(gradient, x, size):
    """The slow specification, window by window."""
    result = np.zeros_like(x)
    for image, channel, row, column in np.ndindex(gradient.shape):
        top, left = row * size, column * size
        window = x[image, channel, top : top + size, left : left + size]
        down, right = np.unravel_index(window.argmax(), window.shape)
        result[image, channel, top + down, left + right] = gradient[image, channel, row, column]
    return result


def max_pool_backward_with_a_mask(gradient, x, size):
    """Where a number is its window's largest and no equal one came before it."""
    tiles = _tiles(x, size)
    is_largest = tiles == tiles.max(axis=-1, keepdims=True)
    is_first = is_largest & (np.cumsum(is_largest, axis=-1) == 1)
    return _untiled(is_first * gradient[..., None], x, size)


def max_pool_backward_with_one_hot(gradient, x, size):
    """One-hot rows of the winners; works in float64 and warns on stderr."""
    print("windows of", size, file=sys.stderr)
    winners = np.eye(size * size)[_tiles(x, size).argmax(axis=-1)]
    return _untiled((winners * gradient[..., None]).astype(x.dtype), x, size)


EXERCISE = Spec(
    name="convolution/max_pool_backward",
    function="max_pool_backward",
    parameters=("gradient", "x", "size"),
    returns=("grad_x",),
    title="Back through a maximum",
    why="Only the largest number of a window had a say, so only that one hears what became of it.",
    minutes=10,
    difficulty=3,
    weights=WEIGHTS,
    reference=max_pool_backward,
    rounding=max_pool_backward_rounding,
    cases=max_pool_backward_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "to everyone",
            "Every number of a window gets the gradient. Had you changed one that was not the largest a little, "
            "nothing would have come of it: its gradient is 0.",
            _to_everyone,
        ),
        Misconception(
            "as for the mean",
            "You share the gradient among all numbers of the window, as for a mean. The maximum looks at one only, "
            "which gets all of it.",
            _as_for_the_mean,
        ),
        Misconception(
            "to the smallest",
            "The gradient goes to the smallest number of each window; it was the largest that was passed on.",
            _to_the_smallest,
        ),
        Misconception(
            "to all of the largest",
            "Where several numbers of a window are the largest, each of yours gets the gradient, and a change would be "
            "counted several times. Torch gives it to the first of them, row by row: `argmax`.",
            _to_all_of_the_largest,
        ),
        Misconception(
            "to the last of the largest",
            "Of several equal numbers yours gives the gradient to the last. It is the first, row by row, that `argmax` "
            "finds, and torch.",
            _to_the_last_of_the_largest,
        ),
        Misconception(
            "to the first number",
            "The first number of each window gets the gradient, whether it is the largest or not. Look in `x` for the "
            "one that is.",
            _to_the_first,
        ),
        Misconception(
            "times the value",
            "You multiply by the largest number itself. The maximum passes it on as it is, so its slope is 1.",
            _times_the_value,
        ),
        Misconception(
            "forgets the gradient",
            "The right places, each with a 1. What comes back there is the window's own `gradient`.",
            _forgets_the_gradient,
        ),
        Misconception(
            "gives to what was left over",
            "Rows and columns that fill no window were never looked at: their gradient is 0.",
            _repeats_into_the_rest,
        ),
        Misconception(
            "first image only",
            "Right for the first channel of the first image. Windows are looked at for each image and channel by "
            "themselves.",
            _only_the_first_image,
        ),
        Misconception(
            "shared by the largest",
            "You share the gradient among equal numbers. That would be a fair choice too, but torch gives all of it "
            "to the first of them, row by row.",
            _shared_by_the_largest,
        ),
        Misconception(
            "without the rest",
            "Rows and columns that fill no window are missing. A gradient is shaped like what it belongs to: begin "
            "with `np.zeros_like(x)`.",
            _without_the_rest,
        ),
        Misconception(
            "the value for the gradient",
            "The right places, with the number that won. What goes there is the window's `gradient`: how much the "
            "loss would change.",
            _value_for_gradient,
        ),
        Misconception(
            "windows overlap",
            "Your windows begin one pixel after the other and overlap. They lie side by side: the next begins at `row "
            "* size`, `column * size`.",
            _windows_overlap,
        ),
        Misconception(
            "down for right",
            "Within the window row and column have changed places. `argmax` counts row by row, so `divmod(place, "
            "size)` is (row, column).",
            _down_for_right,
        ),
        Misconception(
            "always windows of two",
            "Your windows are 2 by 2, whatever `size` says.",
            _always_two,
        ),
        Misconception(
            "largest of the image",
            "You look for the largest number of the whole image. Each window has a winner of its own.",
            _largest_of_the_image,
        ),
        Misconception(
            "begins at zero",
            "Your search begins at 0, so a window of negative numbers has no winner. Begin with the window's first "
            "number, or take `argmax`.",
            _begins_at_zero,
        ),
        Misconception(
            "only reshaped",
            "`reshape` alone cuts rows into pieces: four numbers of one row are no window. Split both sides, (N, C, "
            "rows, size, columns, size), and swap the middle axes first.",
            _only_reshaped,
        ),
    ),
    half_right=(_first_image_without_a_rest,),
    honest=(
        max_pool_backward_with_argmax,
        max_pool_backward_with_loops,
        max_pool_backward_with_a_mask,
        max_pool_backward_with_one_hot,
    ),
    solution=max_pool_backward_with_loops,
    hints=(
        "Of the four numbers in a window of 2 by 2, which would change the output if it changed a little?",
        "Start from `np.zeros_like(x)`. For each window find the place of its largest number: "
        "`np.unravel_index(window.argmax(), window.shape)`.",
        "Loop over `np.ndindex(gradient.shape)`: image, channel, row, column. The window begins at row * size, "
        "column * size; put `gradient[image, channel, row, column]` at the place of its largest number.",
    ),
)
