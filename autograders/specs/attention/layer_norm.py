"""layer_norm(x, weight, bias): each row brought to mean 0 and variance 1, and the way back from there."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal

EPS = 1e-5


def layer_norm(x, weight, bias):
    """The engine's own."""
    return _of_engine(x, weight, bias, EPS)


def _of_engine(x, weight, bias, eps):
    """Forward and back, inside of an operation as well, where nothing is recorded otherwise."""
    import engine

    tensors = [engine.tensor(array, requires_grad=True) for array in (x, weight, bias)]
    with engine.enable_grad():
        output = engine.nn.functional.layer_norm(tensors[0], weight.shape, *tensors[1:], eps=eps)

    def vjp(gradient):
        gradients = engine.autograd.grad(output, tensors, engine.tensor(gradient), retain_graph=True)
        return tuple(each.detach().numpy() for each in gradients)

    return output.detach().numpy(), vjp


def as_layer_norm(answer):
    """The entry of the table, whose rows may lie in several dimensions. Another eps than 1e-5 is left to the engine.

    On a GPU the arrays travel to the CPU and back.
    """
    from engine.backend import as_array, to_numpy

    def layer_norm(*given, eps):
        x, weight, bias = map(to_numpy, given)
        if eps == EPS:
            output, vjp = answer(x.reshape(-1, weight.size), weight.reshape(-1), bias.reshape(-1))
        else:
            output, vjp = _of_engine(x, weight, bias, eps)

        def pullback(gradient):
            gradients = vjp(to_numpy(gradient).reshape(output.shape))
            return tuple(as_array(each.reshape(like.shape), like) for each, like in zip(gradients, given))

        return as_array(output.reshape(x.shape), given[0]), pullback

    return layer_norm


def layer_norm_rounding(gradient, x, weight, bias):
    """How much rounding the output and the three gradients may show, in units of eps.

    A mean of n numbers is off by at most n eps / 2 of their mean size; a variance, even as mean(x²) - mean(x)², by
    (n + 4) eps / 2 of 2 mean(x²); both are granted twice. The standardized h takes over the mean's error over s, and
    half of the variance's relative error times itself. The gradient of x is (b - mean(b) - h mean(b h)) / s with
    b = gradient · weight: each mean adds n + 2 of its terms' sizes, and h comes in twice.
    """
    gradient, x, weight, bias = (array.astype(np.float64) for array in (gradient, x, weight, bias))
    n, rows = x.shape[-1], x.size // x.shape[-1]

    def mean(array):
        return array.mean(axis=-1, keepdims=True)

    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + EPS)
    relative = (n + 4) * mean(x**2) / deviation**2
    h = (x - mean(x)) / deviation
    of_h = n * mean(np.abs(x)) / deviation + np.abs(h) * (relative + 4) + np.abs(x) / deviation
    output = np.abs(weight) * of_h + 2 * (np.abs(h * weight) + np.abs(bias))

    size, product = np.abs(gradient * weight), np.abs(gradient * weight * h)
    bracket = size + mean(size) + np.abs(h) * mean(product)
    inside = (n + 6) * bracket + of_h * mean(product) + np.abs(h) * mean(size * of_h)
    for_x = (inside + bracket * (relative + 4)) / deviation
    axes = tuple(range(x.ndim - 1))
    for_weight = (np.abs(gradient) * (of_h + (rows + 2) * np.abs(h))).sum(axis=axes)
    return output, for_x, for_weight, (rows + 2) * np.abs(gradient).sum(axis=axes)


def layer_norm_cases(rng):
    """Rows whose numbers lie elsewhere and spread differently."""
    single, several, more = "one row", "several rows", "a batch of sequences"
    for shape, dtype, group in [
        ((1, 3), SINGLE, single),
        ((1, 5), DOUBLE, single),
        ((2, 3), SINGLE, several),
        ((4, 4), DOUBLE, several),
        ((2, 2, 3), SINGLE, more),
        ((2, 3, 4), DOUBLE, more),
    ]:
        yield _case(rng, shape, group, dtype)
    small = _case(rng, (2, 4), "numbers so small that eps counts", SINGLE, EDGE)
    small.arguments[1][...] *= SINGLE(2e-3)
    yield small
    equal = _case(rng, (2, 3), "a row of zeros", SINGLE, EDGE)
    equal.arguments[1][1] = 0
    yield equal
    yield _case(rng, (2, 3, 2, 3), "four dimensions", SINGLE, EDGE)


def _case(rng, shape, group, dtype, *stage):
    rows = shape[:-1] + (1,)
    x = rng.standard_normal(shape) * rng.uniform(0.7, 1.5, rows) + rng.uniform(0.5, 1.5, rows)
    weight, bias = (rng.uniform(0.5, 2, shape[-1]) for _ in range(2))
    arrays = (array.astype(dtype) for array in (x, weight, bias))
    return Case((normal(rng, shape, dtype), *arrays), group, *stage)


def _parts(x, eps=EPS, axis=-1, ddof=0):
    """(standardized x, 1 / deviation)"""
    scale = 1 / np.sqrt(x.var(axis=axis, keepdims=True, ddof=ddof) + eps)
    return (x - x.mean(axis=axis, keepdims=True)) * scale, scale


def _rows(array):
    return array.reshape(-1, array.shape[-1])


def _mean(array):
    return array.mean(axis=-1, keepdims=True)


def _backward(gradient, h, scale, weight, mean=_mean):
    """The three gradients."""
    b = gradient * weight
    for_x = (b - mean(b) - h * mean(b * h)) * scale
    return for_x, _rows(gradient * h).sum(axis=0), _rows(gradient).sum(axis=0)


def _only_the_deviation(x, weight, bias):
    """Takes the mean and the deviation for constants on the way back."""
    h, scale = _parts(x)
    return h * weight + bias, lambda g: (g * weight * scale, _rows(g * h).sum(axis=0), _rows(g).sum(axis=0))


def _forgets_the_mean_of_b(x, weight, bias):
    h, scale = _parts(x)

    def vjp(g):
        b = g * weight
        return (b - h * _mean(b * h)) * scale, *_backward(g, h, scale, weight)[1:]

    return h * weight + bias, vjp


def _forgets_the_variance(x, weight, bias):
    h, scale = _parts(x)

    def vjp(g):
        b = g * weight
        return (b - _mean(b)) * scale, *_backward(g, h, scale, weight)[1:]

    return h * weight + bias, vjp


def _forgets_weight_on_the_way_back(x, weight, bias):
    h, scale = _parts(x)
    return h * weight + bias, lambda g: _backward(g, h, scale, np.ones_like(weight))


def _forgets_the_scale(x, weight, bias):
    h, scale = _parts(x)
    return h * weight + bias, lambda g: _backward(g, h, np.ones_like(scale), weight)


def _weight_by_x(x, weight, bias):
    h, scale = _parts(x)

    def vjp(g):
        for_x, _, for_bias = _backward(g, h, scale, weight)
        return for_x, _rows(g * x).sum(axis=0), for_bias

    return h * weight + bias, vjp


def _over_the_batch(x, weight, bias):
    axes = tuple(range(x.ndim - 1))
    h, scale = _parts(x, axis=axes)
    mean = lambda array: array.mean(axis=axes, keepdims=True)  # noqa: E731
    return h * weight + bias, lambda g: _backward(g, h, scale, weight, mean)


def _over_everything(x, weight, bias):
    axes = tuple(range(x.ndim))
    h, scale = _parts(x, axis=axes)
    mean = lambda array: array.mean(axis=axes, keepdims=True)  # noqa: E731
    return h * weight + bias, lambda g: _backward(g, h, scale, weight, mean)


def _n_less_one(x, weight, bias):
    h, scale = _parts(x, ddof=1)
    return h * weight + bias, lambda g: _backward(g, h, scale, weight)


def _without_eps(x, weight, bias):
    h, scale = _parts(x, eps=0)
    return h * weight + bias, lambda g: _backward(g, h, scale, weight)


def _eps_outside(x, weight, bias):
    scale = 1 / (x.std(axis=-1, keepdims=True) + x.dtype.type(EPS))
    h = (x - _mean(x)) * scale
    return h * weight + bias, lambda g: _backward(g, h, scale, weight)


def _rows_not_summed(x, weight, bias):
    """Right for two dimensions: of more, only the first is summed over."""
    h, scale = _parts(x)

    def vjp(g):
        return _backward(g, h, scale, weight)[0], (g * h).sum(axis=0), g.sum(axis=0)

    return h * weight + bias, vjp


def _forgets_weight_and_bias(x, weight, bias):
    h, scale = _parts(x)
    return h, lambda g: _backward(g, h, scale, weight)


def _without_keepdims(x, weight, bias):
    h, scale = (x - x.mean(axis=-1)) / np.sqrt(x.var(axis=-1) + EPS), 1 / np.sqrt(x.var(axis=-1) + EPS)
    return h * weight + bias, lambda g: _backward(g, h, scale, weight)


def _along_axis(x, weight, bias, axis):
    h, scale = _parts(x, axis=axis)
    return h * weight + bias, lambda g: _backward(g, h, scale, weight)


def _along_the_first_axis(x, weight, bias):
    return _along_axis(x, weight, bias, 0)


def _along_the_second_axis(x, weight, bias):
    return _along_axis(x, weight, bias, 1)


def _scaled_by(x, weight, bias, scale, middle):
    h = (x - middle) * scale
    return h * weight + bias, lambda g: _backward(g, h, scale, weight)


def _by_the_variance(x, weight, bias):
    return _scaled_by(x, weight, bias, 1 / (x.var(axis=-1, keepdims=True) + x.dtype.type(EPS)), _mean(x))


def _root_mean_square(x, weight, bias):
    return _scaled_by(x, weight, bias, 1 / np.sqrt(_mean(x * x) + x.dtype.type(EPS)), 0)


def _with_vjp(x, weight, bias, changed):
    """Right, but for what `changed(gradient, h, scale, the three gradients)` makes of the gradients."""
    h, scale = _parts(x)
    return h * weight + bias, lambda g: changed(g, h, scale, _backward(g, h, scale, weight))


def _keepdims_forgotten_on_the_way_back(x, weight, bias):
    def changed(g, h, scale, right):
        b = g * weight
        return (b - b.mean(axis=-1) - h * (b * h).mean(axis=-1)) * scale, *right[1:]

    return _with_vjp(x, weight, bias, changed)


def _sums_for_means(x, weight, bias):
    def changed(g, h, scale, right):
        return _backward(g, h, scale, weight, lambda array: array.sum(axis=-1, keepdims=True))

    return _with_vjp(x, weight, bias, changed)


def _along_x(x, weight, bias):
    def changed(g, h, scale, right):
        b = g * weight
        return (b - _mean(b) - x * _mean(b * x)) * scale, *right[1:]

    return _with_vjp(x, weight, bias, changed)


def _rows_kept_apart(x, weight, bias):
    return _with_vjp(x, weight, bias, lambda g, h, scale, right: (right[0], g * h, g))


def _summed_along_rows(x, weight, bias):
    return _with_vjp(x, weight, bias, lambda g, h, scale, right: (right[0], (g * h).sum(axis=-1), g.sum(axis=-1)))


def _means_over_rows(x, weight, bias):
    return _with_vjp(
        x, weight, bias, lambda g, h, scale, right: (right[0], _rows(g * h).mean(axis=0), _rows(g).mean(axis=0)))


def _bias_before_weight(x, weight, bias):
    return _with_vjp(x, weight, bias, lambda g, h, scale, right: (right[0], right[2], right[1]))


def _weight_by_weight(x, weight, bias):
    return _with_vjp(x, weight, bias, lambda g, h, scale, right: (right[0], right[1] * weight, right[2]))


def _bias_by_weight(x, weight, bias):
    return _with_vjp(x, weight, bias, lambda g, h, scale, right: (*right[:2], right[2] * weight))


def _weight_by_the_output(x, weight, bias):
    def changed(g, h, scale, right):
        return right[0], _rows(g * (h * weight + bias)).sum(axis=0), right[2]

    return _with_vjp(x, weight, bias, changed)


def _half_of_it(x, weight, bias):
    """The output is right where eps hardly counts, and of the way back the gradient of bias."""
    h, scale = _parts(x, eps=0.0 if x.std() < 0.1 else EPS)
    return h * weight + bias, lambda g: (g * weight * scale, _rows(g * x).sum(axis=0), _rows(g).sum(axis=0))


def layer_norm_by_formula(x, weight, bias):
    """The three gradients as they are written."""
    scale = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    h = (x - x.mean(axis=-1, keepdims=True)) * scale

    def vjp(gradient):
        b = gradient * weight
        grad_x = (b - b.mean(axis=-1, keepdims=True) - h * (b * h).mean(axis=-1, keepdims=True)) * scale
        rows = tuple(range(x.ndim - 1))
        return grad_x, (gradient * h).sum(axis=rows), gradient.sum(axis=rows)

    return h * weight + bias, vjp


def layer_norm_step_by_step(x, weight, bias):
    """Each step of the forward pass, walked back one by one."""
    n = x.shape[-1]
    distance = x - x.mean(axis=-1, keepdims=True)
    variance = (distance * distance).mean(axis=-1, keepdims=True) + 1e-5
    deviation = np.sqrt(variance)
    h = distance / deviation

    def vjp(gradient):
        for_h = gradient * weight
        for_deviation = -(for_h * distance).sum(axis=-1, keepdims=True) / deviation**2
        for_variance = for_deviation / (2 * deviation)
        for_distance = for_h / deviation + 2 * distance * for_variance / n
        for_x = for_distance - for_distance.sum(axis=-1, keepdims=True) / n
        products, above = (each.reshape(-1, n) for each in (gradient * h, gradient))
        return for_x, products.sum(axis=0), above.sum(axis=0)

    return h * weight + bias, vjp


def layer_norm_row_by_row(x, weight, bias):
    """A loop over the rows, each with its Jacobian; warns on stderr."""
    print("rows of", x.shape[-1], file=sys.stderr)
    rows, n = x.reshape(-1, x.shape[-1]), x.shape[-1]
    scales = [1 / np.sqrt(row.var() + 1e-5) for row in rows]
    h = np.stack([(row - row.mean()) * scale for row, scale in zip(rows, scales)]).astype(x.dtype)

    def vjp(gradient):
        above = gradient.reshape(-1, n)
        for_x = [
            ((np.eye(n) - 1 / n - np.outer(each, each) / n) * scale) @ (g * weight)
            for each, scale, g in zip(h, scales, above)]
        products = (above * h).sum(axis=0)
        return np.stack(for_x).reshape(x.shape).astype(x.dtype), products, above.sum(axis=0)

    return (h * weight + bias).reshape(x.shape), vjp


def layer_norm_in_double(x, weight, bias):
    """Computes in float64 and rounds once at the end."""
    dtype = x.dtype
    output, back = layer_norm_by_formula(*(array.astype(np.float64) for array in (x, weight, bias)))

    def vjp(gradient):
        return [array.astype(dtype) for array in back(gradient.astype(np.float64))]

    return output.astype(dtype), vjp


EXERCISE = Spec(
    name="attention/layer_norm",
    function="layer_norm",
    use=Use(probe="function_and_vjp"),
    parameters=("x", "weight", "bias"),
    inputs=("gradient", "x", "weight", "bias"),
    returns=("output", "grad_x", "grad_weight", "grad_bias"),
    title="Standardize each position, and go back",
    why="It keeps the numbers of a deep stack at one size, for each position by itself.",
    minutes=20,
    difficulty=4,
    weights=WEIGHTS,
    ours=layer_norm,
    part="layer_norm",
    as_part=as_layer_norm,
    rounding=layer_norm_rounding,
    cases=layer_norm_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "mean and deviation as constants",
            "The output is right. On the way back you take mean and deviation for constants, but they depend on x too: "
            "two more terms, `- mean(b) - h * mean(b * h)` with `b = gradient * weight`.",
            _only_the_deviation,
        ),
        Misconception(
            "forgets the mean's share",
            "The output is right. In the gradient of x the mean's share is missing: it takes the mean of "
            "`gradient * weight` away from each row.",
            _forgets_the_mean_of_b,
        ),
        Misconception(
            "forgets the deviation's share",
            "The output is right. In the gradient of x the deviation's share is missing: `h * mean(b * h)`, with "
            "`b = gradient * weight`.",
            _forgets_the_variance,
        ),
        Misconception(
            "forgets the weight on the way back",
            "The output is right. On the way to x the gradient passes `weight` first: go on with `gradient * weight`.",
            _forgets_weight_on_the_way_back,
        ),
        Misconception(
            "not divided on the way back",
            "The gradient of x has to be divided by the deviation, as x was.",
            _forgets_the_scale,
        ),
        Misconception(
            "weight multiplies x",
            "All is right but the gradient of `weight`: what it multiplies is the standardized row, not x itself.",
            _weight_by_x,
        ),
        Misconception(
            "over the batch",
            "You standardize each column over the rows; that is BatchNorm. LayerNorm looks at one row at a time: the "
            "last axis.",
            _over_the_batch,
        ),
        Misconception(
            "over everything",
            "You take one mean and one deviation of the whole array. Each row has its own: `axis=-1, keepdims=True`.",
            _over_everything,
        ),
        Misconception(
            "divided by n - 1",
            "Your variance is divided by n - 1. Here it is n, as `x.var(axis=-1)` does unless told otherwise.",
            _n_less_one,
        ),
        Misconception(
            "without eps",
            "Nearly right. Add eps = 1e-5 to the variance: without it a row of equal numbers divides by 0.",
            _without_eps,
        ),
        Misconception(
            "eps beside the root",
            "Nearly right. eps belongs to the variance, under the root, and not to the deviation.",
            _eps_outside,
        ),
        Misconception(
            "summed over the first axis only",
            "With more than two dimensions `weight` and `bias` were used along all axes but the last: their gradients "
            "are summed over all of these.",
            _rows_not_summed,
        ),
        Misconception(
            "forgets weight and bias",
            "The standardized rows are right; the output is these times `weight`, plus `bias`.",
            _forgets_weight_and_bias,
        ),
        Misconception(
            "without keepdims",
            "A mean along the last axis takes that axis away, so one number for each row meets the columns, or "
            "nothing: `keepdims=True`.",
            _without_keepdims,
        ),
        Misconception(
            "without keepdims, going back",
            "The output is right. On the way back a mean along the last axis takes that axis away, so it meets the "
            "columns, or nothing: `keepdims=True` there, too.",
            _keepdims_forgotten_on_the_way_back,
        ),
        Misconception(
            "along the first axis",
            "You standardize along axis 0, the rows or the batch. LayerNorm looks at one position at a time: the last "
            "axis.",
            _along_the_first_axis,
        ),
        Misconception(
            "along the second axis",
            "Right for matrices. With a batch in front axis 1 is that of the positions; the width is always the last: "
            "`axis=-1`.",
            _along_the_second_axis,
        ),
        Misconception(
            "by the variance",
            "You divide by the variance. To bring the spread to 1 divide by its root, the standard deviation.",
            _by_the_variance,
        ),
        Misconception(
            "root mean square",
            "The mean is not taken away. h is `(x - mean) / deviation`, both of the row.",
            _root_mean_square,
        ),
        Misconception(
            "sums for means",
            "The output is right. In the gradient of x stand means over the row, not sums: each of the n numbers has "
            "a share of 1/n in mean and variance.",
            _sums_for_means,
        ),
        Misconception(
            "along x",
            "The output is right. What is taken away lies along the standardized row: `h * mean(b * h)`, not x.",
            _along_x,
        ),
        Misconception(
            "rows kept apart",
            "`weight` and `bias` were used in every row, so they hear from all of them: sum over all axes but the "
            "last.",
            _rows_kept_apart,
        ),
        Misconception(
            "summed along rows",
            "You sum along the rows, so there is a number for each row. `weight` and `bias` have one for each column: "
            "sum over all axes *but* the last.",
            _summed_along_rows,
        ),
        Misconception(
            "means over rows",
            "For `weight` and `bias` you take means over the rows. They were used in each, so what they hear adds up: "
            "sums.",
            _means_over_rows,
        ),
        Misconception(
            "bias before weight",
            "The gradients of weight and bias have changed places. The vjp returns three: of x, of weight, of bias.",
            _bias_before_weight,
        ),
        Misconception(
            "weight by weight",
            "All is right but the gradient of `weight`: it multiplies h, so it hears `gradient * h`. That times "
            "`weight` itself is what goes on to h.",
            _weight_by_weight,
        ),
        Misconception(
            "bias by weight",
            "All is right but the gradient of `bias`: it is added last, so it hears `gradient` as it is, without "
            "`weight`.",
            _bias_by_weight,
        ),
        Misconception(
            "weight by the output",
            "All is right but the gradient of `weight`: what it multiplies is the standardized row h, not the output.",
            _weight_by_the_output,
        ),
    ),
    half_right=(_half_of_it,),
    honest=(
        layer_norm_by_formula,
        layer_norm_step_by_step,
        layer_norm_row_by_row,
        layer_norm_in_double,
    ),
    hints=(
        "Write `h = (x - mean) * scale` with `scale = 1 / sqrt(variance + 1e-5)`. weight and bias are easy: what "
        "does each multiply, and over which axes was it used?",
        "For x let `b = gradient * weight`, what comes back to h. A row's mean and deviation depend on all its "
        "numbers, so b loses what lies along a constant row and along h.",
        "`grad_x = (b - mean(b) - h * mean(b * h)) * scale`, means over the last axis with keepdims; `grad_weight` is "
        "the sum of `gradient * h` over all other axes, `grad_bias` that of `gradient`.",
    ),
)
