"""im2col(x, size): every window that a kernel sees, as one column of numbers."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def im2col(x, size):
    """The engine's own."""
    import engine

    return engine.nn.functional.unfold(engine.tensor(x), size).numpy()


def im2col_rounding(x, size):
    """What is copied is exact; one eps of each number is granted to whoever returns another dtype."""
    return np.abs(im2col(x, size))


def im2col_cases(rng):
    """Images of one and of several channels, small kernels."""
    one, channels, batch = "one small image", "several channels", "a batch of images"
    for shape, size, dtype, group in [
        ((1, 1, 3, 3), 2, SINGLE, one),
        ((1, 1, 4, 4), 3, DOUBLE, one),
        ((1, 2, 3, 3), 2, SINGLE, channels),
        ((1, 3, 4, 4), 3, DOUBLE, channels),
        ((2, 1, 3, 3), 2, SINGLE, batch),
        ((3, 2, 5, 5), 3, DOUBLE, batch),
    ]:
        yield Case((normal(rng, shape, dtype), size), group)
    yield Case((normal(rng, (1, 1, 3, 5)), 2), "an image that is wider than high", EDGE)
    yield Case((normal(rng, (2, 2, 6, 4)), 3), "an image that is higher than wide", EDGE)
    yield Case((normal(rng, (2, 3, 2, 3)), 1), "a kernel of one pixel", EDGE)
    yield Case((normal(rng, (2, 2, 3, 3)), 3), "a kernel as large as the image", EDGE)
    yield Case((normal(rng, (0, 2, 4, 4)), 3), "an empty batch", EDGE)


def _windows(x, size):
    """A view (N, C, rows, columns, size, size)."""
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))


def _laid_out(windows, order):
    """Windows (N, C, rows, columns, kernel rows, kernel columns) with axes 1 to 5 in another order, as columns."""
    n, channels, rows, columns, size, _ = windows.shape
    return windows.transpose(0, *order).reshape(n, channels * size * size, rows * columns)


def _side_by_side(x, size):
    n, channels, height, width = x.shape
    tiles = x[:, :, : height // size * size, : width // size * size]
    tiles = tiles.reshape(n, channels, height // size, size, width // size, size).transpose(0, 1, 2, 4, 3, 5)
    return _laid_out(tiles, (1, 4, 5, 2, 3))


def _one_place_short(x, size):
    return _laid_out(_windows(x, size)[:, :, :-1, :-1], (1, 4, 5, 2, 3))


def _channels_last(x, size):
    return _laid_out(_windows(x, size), (4, 5, 1, 2, 3))


def _down_before_right(x, size):
    n, channels, rows, columns, *_ = (windows := _windows(x, size)).shape
    return windows.transpose(0, 1, 4, 5, 3, 2).reshape(n, channels * size * size, rows * columns)


def _kernel_turned(x, size):
    return _laid_out(_windows(x, size), (1, 5, 4, 2, 3))


def _kernel_flipped(x, size):
    return _laid_out(_windows(x, size)[..., ::-1, ::-1], (1, 4, 5, 2, 3))


def _windows_as_rows(x, size):
    return im2col_with_a_view(x, size).swapaxes(1, 2)


def _only_reshaped(x, size):
    n, channels, rows, columns, *_ = (windows := _windows(x, size)).shape
    return windows.reshape(n, channels * size * size, rows * columns)


def _first_channel_only(x, size):
    return im2col_with_a_view(np.repeat(x[:, :1], x.shape[1], axis=1), size)


def _only_the_last_batch_axis(x, size):
    """Right for one image."""
    return im2col_with_a_view(np.repeat(x[:1], len(x), axis=0), size)


def _asks_for_the_rest(x, size):
    """`reshape(n, -1)`: an empty batch has no numbers from which to tell what -1 stands for."""
    n, _, height, width = x.shape
    places = np.ndindex(height - size + 1, width - size + 1)
    return np.stack([x[:, :, i : i + size, j : j + size].reshape(n, -1) for i, j in places], axis=2)


def _as_wide_as_high(x, size):
    n, channels, height, _ = x.shape
    side = height - size + 1
    windows = [x[:, :, i : i + size, j : j + size] for i, j in np.ndindex(side, side)]
    return np.stack([window.reshape(n, channels * size * size) for window in windows], axis=2)


def _places_counted_by_rows(x, size):
    right = im2col_with_a_view(x, size)
    rows, columns = x.shape[2] - size + 1, x.shape[3] - size + 1
    result = np.zeros_like(right)
    for top, left in np.ndindex(rows, columns):
        result[:, :, top * rows + left] = right[:, :, top * columns + left]
    return result


def _no_other_channels(x, size):
    return im2col_with_a_view(x[:, :1], size)


def _places_as_a_grid(x, size):
    n, channels, rows, columns, *_ = (windows := _windows(x, size)).shape
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, channels * size * size, rows, columns)


def _all_images_in_a_column(x, size):
    columns = im2col_with_a_view(x, size)
    return columns.reshape(-1, columns.shape[2])


def _only_single_square_images(x, size):
    """Right for single images that are square."""
    n, channels, height, width = x.shape
    if n == 1 and height == width:
        return im2col_with_a_view(x, size)
    return np.zeros_like(im2col_with_a_view(x, size))


def im2col_place_by_place(x, size):
    """One column after the other."""
    n, channels, height, width = x.shape
    columns = []
    for top in range(height - size + 1):
        for left in range(width - size + 1):
            columns.append(x[:, :, top : top + size, left : left + size].reshape(n, channels * size * size))
    return np.stack(columns, axis=2)


def im2col_with_a_view(x, size):
    """A view of all windows, its axes put in order, copied once."""
    n, channels, rows, columns, *_ = (windows := _windows(x, size)).shape
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(n, channels * size * size, rows * columns)


def im2col_shift_by_shift(x, size):
    """One row for each number of the kernel: the image, shifted."""
    n, channels, height, width = x.shape
    rows, columns = height - size + 1, width - size + 1
    result = np.empty((n, channels, size, size, rows, columns), x.dtype)
    for down in range(size):
        for right in range(size):
            result[:, :, down, right] = x[:, :, down : down + rows, right : right + columns]
    return result.reshape(n, channels * size * size, rows * columns)


def im2col_with_an_index(x, size):
    """Looks every number up by its place in the image; warns on stderr."""
    print("windows of", size, file=sys.stderr)
    n, channels, height, width = x.shape
    inside = np.arange(size)[:, None] * width + np.arange(size)
    starts = np.arange(height - size + 1)[:, None] * width + np.arange(width - size + 1)
    places = inside.reshape(-1, 1) + starts.reshape(1, -1)
    taken = x.reshape(n, channels, height * width)[:, :, places]
    return taken.reshape(n, channels * size * size, starts.size)


EXERCISE = Spec(
    name="convolution/im2col",
    function="im2col",
    parameters=("x", "size"),
    returns=("columns",),
    title="Lay the windows out as columns",
    why="With its windows as columns a convolution is one matrix product, which is what computers are best at.",
    minutes=10,
    difficulty=3,
    weights=WEIGHTS,
    reference=im2col,
    rounding=im2col_rounding,
    cases=im2col_cases,
    misconceptions=(
        Misconception(
            "windows side by side",
            "Your windows do not overlap: you move on by a whole window. A convolution moves on by one pixel, so there "
            "are (H - size + 1) times (W - size + 1) windows.",
            _side_by_side,
        ),
        Misconception(
            "one place short",
            "The last row and the last column of windows are missing. Along a side of length H a window has "
            "H - size + 1 places, not H - size.",
            _one_place_short,
        ),
        Misconception(
            "channels last",
            "All the right numbers, but within a column the channels come last. The order is channel, row in the "
            "window, column in the window, so that it matches `weight.reshape(out, -1)`.",
            _channels_last,
        ),
        Misconception(
            "down before right",
            "All the right columns, in the wrong order: go through a row of places from left to right, then on to the "
            "next row, so that `reshape(H', W')` makes an image of them.",
            _down_before_right,
        ),
        Misconception(
            "kernel turned",
            "Within each window rows and columns have changed places: first along a row of the window, then the next.",
            _kernel_turned,
        ),
        Misconception(
            "kernel flipped",
            "Your windows are flipped. That is what mathematicians call a convolution; deep learning looks at the "
            "window as it is, and calls that convolution.",
            _kernel_flipped,
        ),
        Misconception(
            "windows as rows",
            "Your windows are rows. They should be columns: shape (N, C · size · size, places), with the places last.",
            _windows_as_rows,
        ),
        Misconception(
            "only reshaped",
            "`reshape` keeps numbers in the order in which they lie, and here the places come before the window's own "
            "axes. Put the axes in the order (N, C, window, places) with `transpose` first.",
            _only_reshaped,
        ),
        Misconception(
            "first channel only",
            "Every channel shows the first one. A window reaches through all the channels at its place.",
            _first_channel_only,
        ),
        Misconception(
            "first image only",
            "Every image of the batch shows the first one: keep the batch axis in front, and take windows of each.",
            _only_the_last_batch_axis,
        ),
        Misconception(
            "asks for the rest",
            "An empty batch has no numbers from which numpy could tell what the -1 stands for. You know it: "
            "`reshape(N, C * size * size)`.",
            _asks_for_the_rest,
        ),
        Misconception(
            "as wide as high",
            "You take as many places along a row as there are rows. The width has a count of its own, W - size + 1.",
            _as_wide_as_high,
        ),
        Misconception(
            "places counted by rows",
            "The columns end up in the wrong places unless the image is square: the place (top, left) is number `top "
            "* columns + left`, since a row has `columns` of them.",
            _places_counted_by_rows,
        ),
        Misconception(
            "no other channels",
            "Your columns hold the first channel alone, size · size numbers. A window reaches through all channels: "
            "`x[:, :, ...]`.",
            _no_other_channels,
        ),
        Misconception(
            "places as a grid",
            "The right numbers, but the places are still in rows and columns. A matrix product wants them on one "
            "axis, the last.",
            _places_as_a_grid,
        ),
        Misconception(
            "all images in a column",
            "You lay the windows of all images into one column. Keep the batch axis in front: `reshape(N, C * size * "
            "size)`, and stack along axis 2.",
            _all_images_in_a_column,
        ),
    ),
    half_right=(_only_single_square_images,),
    honest=(
        im2col_place_by_place,
        im2col_with_a_view,
        im2col_shift_by_shift,
        im2col_with_an_index,
    ),
    hints=(
        "One window at the place (top, left) is `x[:, :, top:top + size, left:left + size]`, for all images at once. "
        "What is its shape, and what should it become?",
        "`window.reshape(N, C * size * size)` is one column for each image. Collect them for all places, row by row, and "
        "stack them along a new last axis.",
        "Two loops: top in range(H - size + 1), left in range(W - size + 1). Append each window's "
        "`reshape(N, C * size * size)` to a list; `np.stack(columns, axis=2)`.",
    ),
)
