"""conv2d(x, weight, bias, padding): the layer's forward pass, on arrays."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from autograders.specs.convolution.im2col import im2col_with_a_view


def conv2d(x, weight, bias, padding):
    """The engine's own."""
    import engine

    tensors = (engine.tensor(array) for array in (x, weight, bias))
    return engine.nn.functional.conv2d(*tensors, padding=padding).numpy()


def convolution_cases(arguments):
    """Images and kernels, with and without zeros around. arguments(x_shape, weight_shape, padding, dtype): a case's."""
    plain, padded, many = "one channel, no padding", "one channel, with padding", "several channels in and out"
    for x_shape, weight_shape, padding, dtype, group in [
        ((1, 1, 3, 3), (1, 1, 2, 2), 0, SINGLE, plain),
        ((2, 1, 4, 4), (2, 1, 3, 3), 0, DOUBLE, plain),
        ((1, 1, 3, 3), (1, 1, 3, 3), 1, SINGLE, padded),
        ((2, 1, 4, 4), (2, 1, 3, 3), 1, DOUBLE, padded),
        ((1, 2, 3, 3), (3, 2, 2, 2), 0, SINGLE, many),
        ((2, 2, 4, 4), (2, 2, 3, 3), 1, DOUBLE, many),
        ((3, 3, 5, 5), (4, 3, 3, 3), 1, SINGLE, many),
    ]:
        yield Case(arguments(x_shape, weight_shape, padding, dtype), group)
    for x_shape, weight_shape, padding, group in [
        ((2, 2, 3, 6), (3, 2, 3, 3), 1, "an image that is wider than high"),
        ((2, 3, 4, 4), (2, 3, 1, 1), 0, "a kernel of one pixel"),
        ((2, 2, 3, 3), (3, 2, 3, 3), 0, "a kernel as large as the image"),
        ((1, 1, 2, 2), (1, 1, 3, 3), 2, "padding of 2"),
    ]:
        yield Case(arguments(x_shape, weight_shape, padding, SINGLE), group, EDGE)


def conv2d_cases(rng):
    """With a bias for each output channel."""

    def arguments(x_shape, weight_shape, padding, dtype):
        return *(normal(rng, shape, dtype) for shape in (x_shape, weight_shape, weight_shape[:1])), padding

    return convolution_cases(arguments)


def zeros_around(x, padding):
    """`x` (N, C, H, W) with that many zeros on each of the four sides of its images."""
    return np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def _product(x, weight):
    """The convolution of `x`, padded already, without a bias."""
    n, _, height, width = x.shape
    out, size = weight.shape[0], weight.shape[-1]
    columns = im2col_with_a_view(x, size)
    return (weight.reshape(out, -1) @ columns).reshape(n, out, height - size + 1, width - size + 1)


def _forgets_the_bias(x, weight, bias, padding):
    return _product(zeros_around(x, padding), weight)


def _forgets_the_padding(x, weight, bias, padding):
    return _product(x, weight) + bias.reshape(-1, 1, 1)


def _bias_everywhere(x, weight, bias, padding):
    return _product(zeros_around(x, padding), weight) + bias.sum()


def _kernel_flipped(x, weight, bias, padding):
    return conv2d_with_columns(x, weight[..., ::-1, ::-1], bias, padding)


def _first_channel_only(x, weight, bias, padding):
    return conv2d_with_columns(x[:, :1], weight[:, :1], bias, padding)


def _means(x, weight, bias, padding):
    return _product(zeros_around(x, padding), weight) / weight[0].size + bias.reshape(-1, 1, 1)


def _repeats_the_border(x, weight, bias, padding):
    around = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="edge")
    return _product(around, weight) + bias.reshape(-1, 1, 1)


def _pads_one_end(x, weight, bias, padding):
    around = np.pad(x, ((0, 0), (0, 0), (0, 2 * padding), (0, 2 * padding)))
    return _product(around, weight) + bias.reshape(-1, 1, 1)


def _reshapes_in_the_wrong_order(x, weight, bias, padding):
    """Columns of all images side by side, but read as if the batch axis came first."""
    right = conv2d_with_columns(x, weight, bias, padding)
    return np.ascontiguousarray(right.swapaxes(0, 1)).reshape(right.shape)


def _bias_along_the_places(x, weight, bias, padding):
    x, out, size = zeros_around(x, padding), weight.shape[0], weight.shape[2]
    product = weight.reshape(out, -1) @ im2col_with_a_view(x, size) + bias
    return product.reshape(len(x), out, x.shape[2] - size + 1, x.shape[3] - size + 1)


def _bias_along_the_columns(x, weight, bias, padding):
    return _product(zeros_around(x, padding), weight) + bias


def _pads_every_axis(x, weight, bias, padding):
    return _product(np.pad(x, padding), weight) + bias.reshape(-1, 1, 1)


def _shape_without_padding(x, weight, bias, padding):
    right, size = conv2d_with_columns(x, weight, bias, padding), weight.shape[-1]
    return right.reshape(len(x), len(weight), x.shape[2] - size + 1, x.shape[3] - size + 1)


def _pads_the_other_end(x, weight, bias, padding):
    around = np.pad(x, ((0, 0), (0, 0), (padding, 0), (padding, 0)))
    return _product(around, weight) + bias.reshape(-1, 1, 1)


def _mixes_kernels(x, weight, bias, padding):
    mixed = weight.reshape(-1, len(weight)).T.reshape(weight.shape)
    return conv2d_with_columns(x, mixed, bias, padding)


def _places_in_a_row(x, weight, bias, padding):
    right = conv2d_with_columns(x, weight, bias, padding)
    return right.reshape(*right.shape[:2], -1)


def _sides_exchanged(x, weight, bias, padding):
    right = conv2d_with_columns(x, weight, bias, padding)
    return right.reshape(*right.shape[:2], right.shape[3], right.shape[2])


def conv2d_with_loops(x, weight, bias, padding):
    """The slow specification, number by number."""
    x = zeros_around(x, padding)
    size = weight.shape[-1]
    result = np.empty((len(x), len(weight), x.shape[2] - size + 1, x.shape[3] - size + 1), x.dtype)
    for image, out, top, left in np.ndindex(result.shape):
        window = x[image, :, top : top + size, left : left + size]
        result[image, out, top, left] = (window * weight[out]).sum() + bias[out]
    return result


def conv2d_with_columns(x, weight, bias, padding):
    """One matrix product with the windows as columns."""
    return _product(zeros_around(x, padding), weight) + bias.reshape(-1, 1, 1)


def conv2d_with_einsum(x, weight, bias, padding):
    """Names every axis of the windows; warns on stderr."""
    print("convolving", x.shape, file=sys.stderr)
    size = weight.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(zeros_around(x, padding), (size, size), axis=(2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]


def conv2d_shift_by_shift(x, weight, bias, padding):
    """The image, shifted by each place in the kernel, times the weights of that place."""
    x, size = zeros_around(x, padding), weight.shape[-1]
    rows, columns = x.shape[2] - size + 1, x.shape[3] - size + 1
    result = np.zeros((len(x), len(weight), rows, columns), x.dtype)
    for down in range(size):
        for right in range(size):
            part = x[:, :, down : down + rows, right : right + columns]
            result += np.tensordot(part, weight[:, :, down, right], axes=(1, 1)).transpose(0, 3, 1, 2)
    result += bias.reshape(1, -1, 1, 1)
    return result


def conv2d_in_double(x, weight, bias, padding):
    """Computes in float64 and rounds once at the end."""
    exact = (array.astype(np.float64) for array in (x, weight, bias))
    return conv2d_with_columns(*exact, padding).astype(x.dtype)


EXERCISE = Spec(
    name="convolution/conv2d",
    function="conv2d",
    parameters=("x", "weight", "bias", "padding"),
    returns=("output",),
    title="A convolution is a matrix product",
    why="This is the layer that made computers see: the same few weights, used at every place of the image.",
    minutes=10,
    difficulty=3,
    weights=WEIGHTS,
    reference=conv2d,
    rounding=multilinear_rounding(conv2d),
    cases=conv2d_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "forgets the bias",
            "The products are right, the bias is missing: one number for each output channel, added at every place.",
            _forgets_the_bias,
        ),
        Misconception(
            "forgets the padding",
            "Without padding this is right. With it, put `padding` rows and columns of zeros on each of the four sides "
            "of the image first: `np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))`.",
            _forgets_the_padding,
        ),
        Misconception(
            "all biases in every channel",
            "Each output channel gets the sum of all biases. Its own is enough: `bias.reshape(-1, 1, 1)` lines up with "
            "the channels of (N, out, H', W').",
            _bias_everywhere,
        ),
        Misconception(
            "kernel flipped",
            "Your kernel is flipped. That is what mathematicians call a convolution; deep learning multiplies window "
            "and weights as they lie.",
            _kernel_flipped,
        ),
        Misconception(
            "first channel only",
            "You look at the first channel only. A window reaches through all the input channels, and each has weights "
            "of its own: `weight[o]` has the shape (C, size, size).",
            _first_channel_only,
        ),
        Misconception(
            "means instead of sums",
            "You take the mean of the products in a window. It is their sum.",
            _means,
        ),
        Misconception(
            "repeats the border",
            "Your padding repeats the border's pixels. Here it is zeros, which is what `np.pad` adds if nothing else "
            "is said.",
            _repeats_the_border,
        ),
        Misconception(
            "pads one end",
            "All the padding lies below and to the right. Half of it belongs above and to the left: "
            "`(padding, padding)` for both axes.",
            _pads_one_end,
        ),
        Misconception(
            "batch and channels mixed up",
            "Right for one image. In a batch the numbers of images and channels are mixed up: after a product of shape "
            "(out, N, ...) a `transpose` has to come before the `reshape`.",
            _reshapes_in_the_wrong_order,
        ),
        Misconception(
            "bias along the places",
            "numpy lines axes up from the right, so a bare `+ bias` meets the places. As a column, `bias.reshape(-1, "
            "1)`, it meets the output channels of (N, out, places).",
            _bias_along_the_places,
        ),
        Misconception(
            "bias along the columns",
            "numpy lines axes up from the right, so a bare `+ bias` meets the columns of the image. `bias.reshape(-1, "
            "1, 1)` meets the output channels.",
            _bias_along_the_columns,
        ),
        Misconception(
            "pads every axis",
            "`np.pad(x, padding)` puts zeros around all four axes, so there are more images and channels too. Say it "
            "for each axis: `((0, 0), (0, 0), (padding, padding), (padding, padding))`.",
            _pads_every_axis,
        ),
        Misconception(
            "shape without the padding",
            "Without padding this is right. With it the result is larger than your `reshape` says: H + 2 * padding - "
            "size + 1 rows, and columns likewise.",
            _shape_without_padding,
        ),
        Misconception(
            "pads the other end",
            "Zeros come above and to the left only. Below and to the right there are as many: `(padding, padding)` "
            "for both axes.",
            _pads_the_other_end,
        ),
        Misconception(
            "mixes kernels",
            "A kernel's numbers lie next to each other, so `weight.reshape(out, -1)` has a kernel in each row. "
            "`reshape(-1, out).T` has that shape too, but takes every `out`-th number.",
            _mixes_kernels,
        ),
        Misconception(
            "places in a row",
            "The right numbers, with all places on one axis. They are an image again: `reshape(N, out, H + 2 * "
            "padding - size + 1, W + 2 * padding - size + 1)`.",
            _places_in_a_row,
        ),
        Misconception(
            "sides exchanged",
            "In your last `reshape` height and width have changed places. While images are square nothing shows it; "
            "rows come first.",
            _sides_exchanged,
        ),
    ),
    half_right=(_first_channel_only,),
    honest=(
        conv2d_with_loops,
        conv2d_with_columns,
        conv2d_with_einsum,
        conv2d_shift_by_shift,
        conv2d_in_double,
    ),
    hints=(
        "One output number is `(window * weight[o]).sum() + bias[o]`. If the windows are columns, and `weight[o]` is "
        "a row, what is that sum?",
        "`weight.reshape(out, -1)` is (out, K) with K = C * size * size, `im2col(padded, size)` is (N, K, places): "
        "their product is (N, out, places), and the places are an image again.",
        "Pad; `product = weight.reshape(out, -1) @ im2col(padded, size)`; reshape it to (N, out, H + 2 * padding - "
        "size + 1, W + 2 * padding - size + 1); add `bias.reshape(-1, 1, 1)`.",
    ),
)
