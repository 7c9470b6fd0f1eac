"""conv2d_backward(gradient, x, weight, padding): from the output back to image, weights and bias."""

import sys

import numpy as np

from autograders.spec import Misconception, Spec, multilinear_rounding
from autograders.specs.common import WEIGHTS, normal
from autograders.specs.convolution.conv2d import conv2d_with_columns, convolution_cases, zeros_around
from autograders.specs.convolution.im2col import im2col_with_a_view


def conv2d_backward(gradient, x, weight, padding):
    """The engine's own."""
    import engine

    given = [engine.tensor(array, requires_grad=True) for array in (x, weight, np.zeros(len(weight), x.dtype))]
    with engine.enable_grad():  # a Function's backward, where the chapter calls it, records nothing
        engine.nn.functional.conv2d(*given, padding=padding).backward(engine.tensor(gradient))
    return tuple(each.grad.numpy() for each in given)


def conv2d_backward_cases(rng):
    """The cases of `conv2d`, with what comes from above in the place of the bias."""

    def arguments(x_shape, weight_shape, padding, dtype):
        places = [side + 2 * padding - weight_shape[-1] + 1 for side in x_shape[2:]]
        shapes = (x_shape[0], weight_shape[0], *places), x_shape, weight_shape
        return *(normal(rng, shape, dtype) for shape in shapes), padding

    return convolution_cases(arguments)


def _parts(gradient, x, weight, padding):
    """(gradient as (N, out, places), the windows as columns, the gradient of the columns)."""
    flat = gradient.reshape(*gradient.shape[:2], -1)
    columns = im2col_with_a_view(zeros_around(x, padding), weight.shape[-1])
    return flat, columns, weight.reshape(len(weight), -1).T @ flat


def _put_back(for_columns, x, size, padding, add=True):
    """The columns' gradients at their places in the padded image, added up (or the last one alone)."""
    n, channels, height, width = x.shape
    whole = np.zeros((n, channels, height + 2 * padding, width + 2 * padding), x.dtype)
    rows, columns = whole.shape[2] - size + 1, whole.shape[3] - size + 1
    parts = for_columns.reshape(n, channels, size, size, rows, columns)
    for down in range(size):
        for right in range(size):
            where = (slice(None), slice(None), slice(down, down + rows), slice(right, right + columns))
            whole[where] = parts[:, :, down, right] + (whole[where] if add else 0)
    return whole


def _trimmed(whole, x, padding):
    return whole[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]]


def _keeps_the_padding(gradient, x, weight, padding):
    _, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    for_columns = _parts(gradient, x, weight, padding)[2]
    return _put_back(for_columns, x, weight.shape[-1], padding), grad_weight, grad_bias


def _overwrites(gradient, x, weight, padding):
    _, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    for_columns = _parts(gradient, x, weight, padding)[2]
    return _trimmed(_put_back(for_columns, x, weight.shape[-1], padding, add=False), x, padding), grad_weight, grad_bias


def _means_over_the_batch(gradient, x, weight, padding):
    grad_x, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, grad_weight / len(x), grad_bias / len(x)


def _first_image_only(gradient, x, weight, padding):
    grad_x, *_ = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, *conv2d_backward_with_columns(gradient[:1], x[:1], weight, padding)[1:]


def _weights_as_a_matrix(gradient, x, weight, padding):
    grad_x, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, grad_weight.reshape(len(weight), -1), grad_bias


def _bias_as_a_mean(gradient, x, weight, padding):
    grad_x, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, grad_weight, gradient.mean(axis=(0, 2, 3))


def _bias_at_every_place(gradient, x, weight, padding):
    grad_x, grad_weight, _ = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, grad_weight, gradient.sum(axis=0)


def _ones_for_the_bias(gradient, x, weight, padding):
    grad_x, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, grad_weight, np.full_like(grad_bias, gradient[:, 0].size)


def _order_of_the_results(gradient, x, weight, padding):
    grad_x, grad_weight, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_weight, grad_x, grad_bias


def _keeps_the_padding_and_takes_means(gradient, x, weight, padding):
    grad_x, grad_weight, _ = _keeps_the_padding(gradient, x, weight, padding)
    return grad_x, grad_weight, gradient.mean(axis=(0, 2, 3))


def _kernel_not_flipped(gradient, x, weight, padding):
    """Slides the kernel over the gradient as it is, where it would have to be turned by half a turn."""
    turned = weight[..., ::-1, ::-1]
    grad_x = conv2d_backward_with_columns(gradient, x, turned, padding)[0]
    return grad_x, *conv2d_backward_with_columns(gradient, x, weight, padding)[1:]


def _bias_of_each_image(gradient, x, weight, padding):
    return *conv2d_backward_with_columns(gradient, x, weight, padding)[:2], gradient.sum(axis=(2, 3))


def _weights_of_each_image(gradient, x, weight, padding):
    grad_x, _, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    flat, columns, _ = _parts(gradient, x, weight, padding)
    return grad_x, (flat @ columns.swapaxes(1, 2)).reshape(len(x), *weight.shape), grad_bias


def _with_other_x(grad_x, gradient, x, weight, padding):
    return grad_x, *conv2d_backward_with_columns(gradient, x, weight, padding)[1:]


def _overwrites_windows(gradient, x, weight, padding):
    whole, size = np.zeros_like(zeros_around(x, padding)), weight.shape[-1]
    for top, left in np.ndindex(gradient.shape[2:]):
        share = gradient[:, :, top, left] @ weight.reshape(len(weight), -1)
        whole[:, :, top : top + size, left : left + size] = share.reshape(*x.shape[:2], size, size)
    return _with_other_x(_trimmed(whole, x, padding), gradient, x, weight, padding)


def _cuts_by_minus_padding(gradient, x, weight, padding):
    whole = _put_back(_parts(gradient, x, weight, padding)[2], x, weight.shape[-1], padding)
    return _with_other_x(whole[:, :, padding:-padding, padding:-padding], gradient, x, weight, padding)


def _windows_without_padding(gradient, x, weight, padding):
    columns = im2col_with_a_view(x, weight.shape[-1])
    grad_weight = (gradient.reshape(*gradient.shape[:2], -1) @ columns.swapaxes(1, 2)).sum(axis=0)
    grad_x, _, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, grad_weight.reshape(weight.shape), grad_bias


def _padded_as_forward(gradient, x, weight, padding):
    turned, none = weight.swapaxes(0, 1)[..., ::-1, ::-1], np.zeros(x.shape[1], x.dtype)
    return _with_other_x(conv2d_with_columns(gradient, turned, none, padding), gradient, x, weight, padding)


def _to_the_corner(gradient, x, weight, padding):
    whole, for_columns = np.zeros_like(zeros_around(x, padding)), _parts(gradient, x, weight, padding)[2]
    rows, columns = gradient.shape[2:]
    whole[:, :, :rows, :columns] = for_columns.reshape(*x.shape[:2], -1, rows, columns).sum(axis=2)
    return _with_other_x(_trimmed(whole, x, padding), gradient, x, weight, padding)


def _reshaped_for_transposed(gradient, x, weight, padding):
    for_columns = weight.reshape(-1, len(weight)) @ gradient.reshape(*gradient.shape[:2], -1)
    whole = _put_back(for_columns, x, weight.shape[-1], padding)
    return _with_other_x(_trimmed(whole, x, padding), gradient, x, weight, padding)


def _product_the_other_way(gradient, x, weight, padding):
    flat, columns, _ = _parts(gradient, x, weight, padding)
    grad_x, _, grad_bias = conv2d_backward_with_columns(gradient, x, weight, padding)
    return grad_x, (columns @ flat.swapaxes(1, 2)).sum(axis=0).reshape(weight.shape), grad_bias


def conv2d_backward_with_columns(gradient, x, weight, padding):
    """The two products that belong to a matrix product; then each column is added where it was taken."""
    flat, columns, for_columns = _parts(gradient, x, weight, padding)
    grad_weight = (flat @ columns.swapaxes(1, 2)).sum(axis=0).reshape(weight.shape)
    grad_x = _trimmed(_put_back(for_columns, x, weight.shape[-1], padding), x, padding)
    return grad_x, grad_weight, flat.sum(axis=(0, 2))


def conv2d_backward_with_loops(gradient, x, weight, padding):
    """The slow specification: each output number sends its share to a window, to a kernel and to a bias."""
    padded, size = zeros_around(x, padding), weight.shape[-1]
    grad_x, grad_weight, grad_bias = np.zeros_like(padded), np.zeros_like(weight), np.zeros(len(weight), x.dtype)
    for image, out, top, left in np.ndindex(gradient.shape):
        share = gradient[image, out, top, left]
        window = (image, slice(None), slice(top, top + size), slice(left, left + size))
        grad_x[window] += share * weight[out]
        grad_weight[out] += share * padded[window]
        grad_bias[out] += share
    return _trimmed(grad_x, x, padding), grad_weight, grad_bias


def conv2d_backward_with_einsum(gradient, x, weight, padding):
    """The gradient of the image as a convolution of the padded gradient with the turned kernel; a list of three."""
    print("going back through", gradient.shape, file=sys.stderr)
    size = weight.shape[-1]

    def windows(array):
        return np.lib.stride_tricks.sliding_window_view(array, (size, size), axis=(2, 3))

    grad_weight = np.einsum("nohw,nchwij->ocij", gradient, windows(zeros_around(x, padding)))
    whole = np.einsum("nohwij,ocij->nchw", windows(zeros_around(gradient, size - 1)), weight[..., ::-1, ::-1])
    return [_trimmed(whole, x, padding), grad_weight, np.einsum("nohw->o", gradient)]


def conv2d_backward_in_double(gradient, x, weight, padding):
    """Computes in float64 and rounds once at the end."""
    exact = (array.astype(np.float64) for array in (gradient, x, weight))
    return tuple(each.astype(x.dtype) for each in conv2d_backward_with_columns(*exact, padding))


EXERCISE = Spec(
    name="convolution/conv2d_backward",
    function="conv2d_backward",
    parameters=("gradient", "x", "weight", "padding"),
    returns=("grad_x", "grad_weight", "grad_bias"),
    title="Back through a convolution",
    why="A weight is used at every place, so it hears from every place; a pixel lies in many windows, so it hears from "
    "all of them.",
    minutes=20,
    difficulty=4,
    weights=WEIGHTS,
    reference=conv2d_backward,
    rounding=multilinear_rounding(conv2d_backward),
    cases=conv2d_backward_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "keeps the padding",
            "`grad_x` still has the padding around it. Nobody asked for the gradient of those zeros: cut `padding` "
            "rows and columns off each side.",
            _keeps_the_padding,
        ),
        Misconception(
            "overwrites",
            "A pixel lies in several windows, and each sends it a share: they add up. You assign, so the last one is "
            "all that is left: `+=`.",
            _overwrites,
        ),
        Misconception(
            "means over the batch",
            "You take means over the batch for weights and bias. If the loss is a mean, its 1/N is in `gradient` "
            "already: here it is sums.",
            _means_over_the_batch,
        ),
        Misconception(
            "first image only",
            "Weights and bias hear from the first image only. All images of the batch used them: add up over it.",
            _first_image_only,
        ),
        Misconception(
            "weights as a matrix",
            "The numbers for the weights are right, as a matrix (out, C · size · size). A gradient has the shape of "
            "what it belongs to: `reshape(weight.shape)`.",
            _weights_as_a_matrix,
        ),
        Misconception(
            "bias as a mean",
            "For the bias you take the mean of the gradient. It was added at every place of every image, so its "
            "gradient is the sum over all of them.",
            _bias_as_a_mean,
        ),
        Misconception(
            "bias at every place",
            "For the bias you add up over the batch, and leave the places. There is one number for each output "
            "channel: sum over the axes 0, 2 and 3.",
            _bias_at_every_place,
        ),
        Misconception(
            "counts for the bias",
            "For the bias you count how often it was used. That would be right if the gradient from above were 1 "
            "everywhere: add up `gradient` instead.",
            _ones_for_the_bias,
        ),
        Misconception(
            "order of the results",
            "All three are right, but they come in another order: first for `x`, then for `weight`, then for `bias`.",
            _order_of_the_results,
        ),
        Misconception(
            "kernel not turned",
            "Going back to the image each weight sends its share to where it took its pixel from. You slide the kernel "
            "over the gradient as it lies; it has to be turned by half a turn, `weight[..., ::-1, ::-1]`.",
            _kernel_not_flipped,
        ),
        Misconception(
            "bias of each image",
            "You add up over the places, and leave the images apart. All images of the batch used the same bias: sum "
            "over the axes 0, 2 and 3.",
            _bias_of_each_image,
        ),
        Misconception(
            "weights of each image",
            "There is a gradient of the weights for each image. All of them used the same weights, so these add up: "
            "`.sum(axis=0)`.",
            _weights_of_each_image,
        ),
        Misconception(
            "overwrites windows",
            "Windows overlap, and where they do each sends its share. You assign, so a later window wipes out what an "
            "earlier one sent: `+=`.",
            _overwrites_windows,
        ),
        Misconception(
            "cuts by minus the padding",
            "With a padding of 0 nothing is left of `0:-0`. Say where the image ends: `padding:padding + height`, and "
            "the same for the width.",
            _cuts_by_minus_padding,
        ),
        Misconception(
            "windows without padding",
            "The windows that the weights met in the forward pass were those of the padded image. Pad x before "
            "`im2col`, or there are fewer windows than numbers in `gradient`.",
            _windows_without_padding,
        ),
        Misconception(
            "padded as forward",
            "The turned kernel is right, the padding is not: going back it is `size - 1 - padding`, so that the "
            "result has the size of x again.",
            _padded_as_forward,
        ),
        Misconception(
            "to the corner",
            "You add up what a window sends, and give all of it to the window's first pixel. Each weight sends its "
            "share to the pixel that it met.",
            _to_the_corner,
        ),
        Misconception(
            "reshaped for transposed",
            "`weight.reshape(-1, out)` has the shape of a transpose, but not its order. Take `weight.reshape(out, "
            "-1)`, a kernel in each row, and then `.T`.",
            _reshaped_for_transposed,
        ),
        Misconception(
            "product the other way",
            "The product for the weights is the other way round: `columns @ gradient.T` is (K, out), and `reshape` "
            "does not turn it. `gradient @ columns.swapaxes(1, 2)` is (out, K).",
            _product_the_other_way,
        ),
    ),
    half_right=(_keeps_the_padding_and_takes_means,),
    honest=(
        conv2d_backward_with_columns,
        conv2d_backward_with_loops,
        conv2d_backward_with_einsum,
        conv2d_backward_in_double,
    ),
    hints=(
        "The forward pass was `output = W @ columns` with W (out, K) and columns (N, K, places). Chapter 3 has the two "
        "gradients of a matrix product.",
        "W gets `gradient @ columns.swapaxes(1, 2)`, added up over the batch. The columns get `W.T @ gradient`, "
        "which then goes back to where each window was taken, added up.",
        "Reshape `W.T @ gradient` to (N, C, size, size, H', W'). For each (i, j) in the kernel add its part to "
        "`padded[:, :, i:i + H', j:j + W']`, an array of zeros of the padded shape. Cut the padding off at the end.",
    ),
)
