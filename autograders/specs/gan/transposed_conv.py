"""conv_transpose2d(x, weight, stride, padding): each pixel lays a copy of the kernel down, and copies add up."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def conv_transpose2d(x, weight, stride, padding):
    """The engine's own."""
    import engine

    tensors = (engine.tensor(array) for array in (x, weight))
    return engine.nn.functional.conv_transpose2d(*tensors, stride=stride, padding=padding).numpy()


def transposed_cases(rng):
    """Images and kernels that touch, overlap and are cut."""
    touching, overlapping, cut = "kernels side by side", "kernels that overlap", "several channels, cut at the border"
    for x_shape, weight_shape, stride, padding, dtype, group in [
        ((1, 1, 2, 2), (1, 1, 2, 2), 2, 0, SINGLE, touching),
        ((2, 1, 3, 3), (1, 2, 2, 2), 2, 0, DOUBLE, touching),
        ((1, 1, 2, 2), (1, 1, 3, 3), 2, 0, SINGLE, overlapping),
        ((2, 1, 3, 3), (1, 2, 4, 4), 2, 0, DOUBLE, overlapping),
        ((1, 2, 2, 2), (2, 3, 4, 4), 2, 1, SINGLE, cut),
        ((2, 3, 3, 3), (3, 2, 4, 4), 2, 1, DOUBLE, cut),
        ((2, 3, 2, 2), (3, 4, 3, 3), 2, 1, SINGLE, cut),
    ]:
        yield _case(rng, x_shape, weight_shape, stride, padding, group, dtype=dtype)
    for x_shape, weight_shape, stride, padding, group in [
        ((2, 2, 2, 4), (2, 3, 4, 4), 2, 1, "an image that is wider than high"),
        ((2, 2, 3, 3), (2, 3, 3, 3), 1, 1, "a stride of 1"),
        ((1, 2, 2, 2), (2, 2, 2, 2), 3, 0, "gaps between the kernels"),
        ((1, 2, 1, 1), (2, 3, 3, 3), 2, 0, "a single pixel"),
    ]:
        yield _case(rng, x_shape, weight_shape, stride, padding, group, stage=EDGE)


def _case(rng, x_shape, weight_shape, stride, padding, group, dtype=SINGLE, **where):
    return Case((normal(rng, x_shape, dtype), normal(rng, weight_shape, dtype), stride, padding), group, **where)


def _whole(x, weight, stride, flip=False, lay="add"):
    """All copies of the kernels, before anything is cut off."""
    n, _, height, width = x.shape
    _, out, size, _ = weight.shape
    kernel = weight[..., ::-1, ::-1] if flip else weight
    result = np.zeros((n, out, (height - 1) * stride + size, (width - 1) * stride + size), x.dtype)
    for row in range(height):
        for column in range(width):
            copies = np.tensordot(x[:, :, row, column], kernel, axes=1)
            top, left = row * stride, column * stride
            if lay == "add":
                result[:, :, top : top + size, left : left + size] += copies
            else:
                result[:, :, top : top + size, left : left + size] = copies
    return result


def _cut(whole, padding):
    return whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def _overwrites(x, weight, stride, padding):
    return _cut(_whole(x, weight, stride, lay="over"), padding)


def _flipped(x, weight, stride, padding):
    return _cut(_whole(x, weight, stride, flip=True), padding)


def _forgets_to_cut(x, weight, stride, padding):
    return _whole(x, weight, stride)


def _pads_instead(x, weight, stride, padding):
    around = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return _whole(around, weight, stride)


def _cuts_one_end(x, weight, stride, padding):
    whole = _whole(x, weight, stride)
    return whole[:, :, : whole.shape[2] - 2 * padding, : whole.shape[3] - 2 * padding]


def _no_stride(x, weight, stride, padding):
    return _cut(_whole(x, weight, 1), padding)


def _one_short(x, weight, stride, padding):
    n, _, height, width = x.shape
    whole = _whole(x, weight, stride)
    return _cut(whole[:, :, : height * stride + 2 * padding, : width * stride + 2 * padding], padding)


def _first_channel_only(x, weight, stride, padding):
    return _cut(_whole(x[:, :1], weight[:1], stride), padding)


def _mean_of_channels(x, weight, stride, padding):
    return _cut(_whole(x, weight, stride), padding) / x.shape[1]


def _rows_and_columns_swapped(x, weight, stride, padding):
    return _cut(_whole(x, np.swapaxes(weight, 2, 3), stride), padding)


def _cut_to_minus_padding(x, weight, stride, padding):
    return _whole(x, weight, stride)[:, :, padding:-padding, padding:-padding]


def _cuts_the_front(x, weight, stride, padding):
    return _whole(x, weight, stride)[:, :, 2 * padding :, 2 * padding :]


def _cuts_in_strides(x, weight, stride, padding):
    return _cut(_whole(x, weight, stride), padding * stride)


def _one_apart_on_a_large_ground(x, weight, stride, padding):
    result, close = np.zeros_like(_whole(x, weight, stride)), _whole(x, weight, 1)
    rows, columns = (min(some, other) for some, other in zip(close.shape[2:], result.shape[2:]))
    result[:, :, :rows, :columns] = close[:, :, :rows, :columns]
    return _cut(result, padding)


def _height_for_width(x, weight, stride, padding):
    n, _, width, height = x.shape
    _, out, size, _ = weight.shape
    result = np.zeros((n, out, (height - 1) * stride + size, (width - 1) * stride + size), x.dtype)
    for row in range(height):
        for column in range(width):
            copies = np.tensordot(x[:, :, row, column], weight, axes=1)
            result[:, :, row * stride : row * stride + size, column * stride : column * stride + size] += copies
    return _cut(result, padding)


def _out_comes_first(x, weight, stride, padding):
    n, _, height, width = x.shape
    size = weight.shape[-1]
    result = np.zeros((n, len(weight), (height - 1) * stride + size, (width - 1) * stride + size), x.dtype)
    for row in range(height):
        for column in range(width):
            copies = np.einsum("nc,ockl->nokl", x[:, :, row, column], weight)
            result[:, :, row * stride : row * stride + size, column * stride : column * stride + size] += copies
    return _cut(result, padding)


def _convolves(x, weight, stride, padding):
    around = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    size = weight.shape[2]
    rows, columns = ((side - size) // stride + 1 for side in around.shape[2:])
    result = np.zeros((len(x), weight.shape[1], rows, columns), x.dtype)
    for row, column in np.ndindex(rows, columns):
        window = around[:, :, row * stride : row * stride + size, column * stride : column * stride + size]
        result[:, :, row, column] = np.einsum("ncij,coij->no", window, weight)
    return result


def _channels_not_summed(x, weight, stride, padding):
    whole, size = np.zeros_like(_whole(x, weight, stride)), weight.shape[2]
    for row, column in np.ndindex(x.shape[2:]):
        top, left = row * stride, column * stride
        whole[:, :, top : top + size, left : left + size] += x[:, :, row, column] * weight
    return _cut(whole, padding)


def _too_little_ground(x, weight, stride, padding):
    n, _, height, width = x.shape
    _, out, size, _ = weight.shape
    whole = np.zeros((n, out, height * stride, width * stride), x.dtype)
    for row, column in np.ndindex(height, width):
        copies = np.tensordot(x[:, :, row, column], weight, axes=1)
        whole[:, :, row * stride : row * stride + size, column * stride : column * stride + size] += copies
    return _cut(whole, padding)


def _begins_outside(x, weight, stride, padding):
    result, size = _cut(np.zeros_like(_whole(x, weight, stride)), padding), weight.shape[2]
    for row, column in np.ndindex(x.shape[2:]):
        top, left = row * stride - padding, column * stride - padding
        copies = np.tensordot(x[:, :, row, column], weight, axes=1)
        result[:, :, top : top + size, left : left + size] += copies
    return result


def _gaps_after_the_last(x, weight, stride, padding):
    n, channels, height, width = x.shape
    room = weight.shape[2] - 1 - padding
    apart = np.zeros((n, channels, height * stride, width * stride), x.dtype)
    apart[:, :, ::stride, ::stride] = x
    around = np.pad(apart, ((0, 0), (0, 0), (room, room), (room, room)))
    windows = np.lib.stride_tricks.sliding_window_view(around, weight.shape[2:], axis=(2, 3))
    return np.einsum("nchwij,coij->nohw", windows, weight[..., ::-1, ::-1])


def _enlarges(x, weight, stride, padding):
    return np.einsum("nchw,coij->nohw", x.repeat(stride, axis=2).repeat(stride, axis=3), weight)


def _squares_with_one_channel(x, weight, stride, padding):
    """Right for single channels and uncut squares; else zeros."""
    right = _cut(_whole(x[:, :1], weight[:1], stride), padding)
    return right if x.shape[2] == x.shape[3] else np.zeros_like(right)


def conv_transpose2d_pixel_by_pixel(x, weight, stride, padding):
    """The specification: each pixel lays its copy down."""
    n, channels, height, width = x.shape
    _, out, size, _ = weight.shape
    whole = np.zeros((n, out, (height - 1) * stride + size, (width - 1) * stride + size), x.dtype)
    for row in range(height):
        for column in range(width):
            copies = np.tensordot(x[:, :, row, column], weight, axes=1)
            whole[:, :, row * stride : row * stride + size, column * stride : column * stride + size] += copies
    return whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def conv_transpose2d_shift_by_shift(x, weight, stride, padding):
    """For each place in the kernel, the whole image at once, `stride` apart."""
    n, channels, height, width = x.shape
    _, out, size, _ = weight.shape
    pixels = x.reshape(n, channels, height * width)
    whole = np.zeros((n, out, (height - 1) * stride + size, (width - 1) * stride + size), x.dtype)
    for i in range(size):
        for j in range(size):
            part = (weight[:, :, i, j].T @ pixels).reshape(n, out, height, width)
            whole[:, :, i : i + height * stride : stride, j : j + width * stride : stride] += part
    return whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def conv_transpose2d_with_gaps(x, weight, stride, padding):
    """A convolution with the turned kernel of an image with zeros between its pixels; warns on stderr."""
    print("spreading", x.shape, file=sys.stderr)
    n, channels, height, width = x.shape
    size = weight.shape[-1]
    apart = np.zeros((n, channels, (height - 1) * stride + 1, (width - 1) * stride + 1), x.dtype)
    apart[:, :, ::stride, ::stride] = x
    around = np.pad(apart, ((0, 0), (0, 0), (size - 1, size - 1), (size - 1, size - 1)))
    windows = np.lib.stride_tricks.sliding_window_view(around, (size, size), axis=(2, 3))
    whole = np.einsum("nchwij,coij->nohw", windows, weight[..., ::-1, ::-1])
    return whole[:, :, padding : whole.shape[2] - padding, padding : whole.shape[3] - padding]


def conv_transpose2d_number_by_number(x, weight, stride, padding):
    """Every product by itself, in float64, those that fall outside left out."""
    n, channels, height, width = x.shape
    _, out, size, _ = weight.shape
    rows, columns = (side * stride - stride + size - 2 * padding for side in (height, width))
    result = np.zeros((n, out, rows, columns))
    for row, column, i, j in np.ndindex(height, width, size, size):
        down, right = row * stride + i - padding, column * stride + j - padding
        if 0 <= down < rows and 0 <= right < columns:
            result[:, :, down, right] += x[:, :, row, column].astype(float) @ weight[:, :, i, j]
    return result.astype(x.dtype)


EXERCISE = Spec(
    name="gan/transposed_conv",
    function="conv_transpose2d",
    parameters=("x", "weight", "stride", "padding"),
    returns=("output",),
    title="A convolution, the other way",
    why="A generator begins with a few numbers and has to arrive at an image: each layer doubles the sides.",
    minutes=15,
    difficulty=3,
    weights=WEIGHTS,
    reference=conv_transpose2d,
    rounding=multilinear_rounding(conv_transpose2d),
    cases=transposed_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "overwrites",
            "Where copies of the kernel overlap, the last one wins. They add up: `+=`.",
            _overwrites,
        ),
        Misconception(
            "kernel flipped",
            "Your kernel is flipped. Each pixel lays it down as it is; the flip appears when the same thing is written "
            "as a convolution.",
            _flipped,
        ),
        Misconception(
            "forgets to cut",
            "Without padding this is right. Here padding takes away: cut that many rows and columns off on each side "
            "of the result.",
            _forgets_to_cut,
        ),
        Misconception(
            "pads the input",
            "You put zeros around the input. What a convolution adds there, its transpose cuts off the result.",
            _pads_instead,
        ),
        Misconception(
            "cuts one end",
            "All that you cut lies below and on the right. Half of it belongs above and on the left.",
            _cuts_one_end,
        ),
        Misconception(
            "no stride",
            "Your copies lie one pixel apart. That of the pixel (row, column) begins at row * stride, column * stride.",
            _no_stride,
        ),
        Misconception(
            "too small",
            "The result is stride times as large as the image, whatever the kernel. It is "
            "(H - 1) * stride + size - 2 * padding high: the last copy needs all of its room.",
            _one_short,
        ),
        Misconception(
            "first channel only",
            "Only the first input channel lays its kernels down. All of them do, and their copies add up.",
            _first_channel_only,
        ),
        Misconception(
            "mean of the channels",
            "You take the mean over the input channels. It is their sum.",
            _mean_of_channels,
        ),
        Misconception(
            "rows and columns swapped",
            "Within each copy rows and columns of the kernel have changed places.",
            _rows_and_columns_swapped,
        ),
        Misconception(
            "cut to minus padding",
            "Right where something is cut off. With a padding of 0, `-padding` is 0 as well, and `0:0` leaves "
            "nothing: say where the end is, `padding : whole.shape[2] - padding`.",
            _cut_to_minus_padding,
        ),
        Misconception(
            "cuts the front",
            "All that you cut lies above and on the left. Half of it belongs below and on the right.",
            _cuts_the_front,
        ),
        Misconception(
            "cuts in strides",
            "You cut `padding * stride` rows and columns. Padding counts pixels of the result: cut `padding` on each "
            "side.",
            _cuts_in_strides,
        ),
        Misconception(
            "one apart on a large ground",
            "The result has the right size, but your copies begin one pixel apart: `stride` is missing where they "
            "are laid down. That of the pixel (row, column) begins at row * stride, column * stride.",
            _one_apart_on_a_large_ground,
        ),
        Misconception(
            "height for width",
            "Right for squares. Height and width have changed places: x has shape (N, C, H, W), and H counts the "
            "rows.",
            _height_for_width,
        ),
        Misconception(
            "out comes first",
            "You read the weight as (out, C, size, size), as a convolution has it. Here it is the other way round: "
            "(C, out, size, size), since what goes in and what comes out have changed places.",
            _out_comes_first,
        ),
        Misconception(
            "convolves",
            "This is a convolution: it sums each window to one number, and the image shrinks. Here each number "
            "becomes a window: it lays a copy of the kernel down.",
            _convolves,
        ),
        Misconception(
            "channels not summed",
            "`x[:, :, row, column]` has shape (N, C), the kernels (C, out, size, size), and `*` lines them up at "
            "their last axes. The sum over C is a product of matrices: `np.tensordot(x[:, :, row, column], weight, "
            "axes=1)`.",
            _channels_not_summed,
        ),
        Misconception(
            "too little ground",
            "The last copies do not fit on the zeros that you made. Before anything is cut off the result is (H - 1) "
            "* stride + size high: the last copy begins at (H - 1) * stride, and needs all of its `size`.",
            _too_little_ground,
        ),
        Misconception(
            "begins outside",
            "Your first copies begin at -padding, and a negative index counts from the other end. Lay all copies on "
            "a ground without padding, and cut afterwards.",
            _begins_outside,
        ),
        Misconception(
            "gaps after the last",
            "You put zeros after the last pixel as well. Gaps are only between pixels: (H - 1) * stride + 1 rows.",
            _gaps_after_the_last,
        ),
        Misconception(
            "enlarges",
            "You repeat each pixel and sum the kernel up, so that no pattern of it is left. Each pixel lays its "
            "kernel down, number by number, and copies overlap.",
            _enlarges,
        ),
    ),
    half_right=(_squares_with_one_channel,),
    honest=(
        conv_transpose2d_pixel_by_pixel,
        conv_transpose2d_shift_by_shift,
        conv_transpose2d_with_gaps,
        conv_transpose2d_number_by_number,
    ),
    hints=(
        "One pixel of one channel gives `x[n, c, row, column] * weight[c]`, of shape (out, size, size). Where in the "
        "result does it go?",
        "Make zeros of shape (N, out, (H - 1) * stride + size, (W - 1) * stride + size), add each pixel's copy to the "
        "window that begins at (row * stride, column * stride), and cut `padding` off all four sides.",
        "For all images and channels at once, `np.tensordot(x[:, :, row, column], weight, axes=1)` has the shape "
        "(N, out, size, size). Two loops, over rows and columns, and `+=`.",
    ),
)
