"""Autograd on tensors: undo a broadcast, differentiate a matrix product, differentiate softmax cross-entropy."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.draw import DOUBLE, SINGLE, normal

WEIGHTS = {"dtype": 0.5, "inputs unmutated": 0.5, "values": 2.0, "edge cases": 1.0}
# unbroadcast(gradient, shape): add up what broadcasting copied


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


UNBROADCAST = Spec(
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
    ),
    half_right=(_leading_axes_only, _axes_of_size_one_only),
    honest=(
        unbroadcast_with_loops,
        unbroadcast_step_by_step,
        unbroadcast_with_einsum,
        unbroadcast_in_double,
    ),
    hints=(
        "Which numbers of the gradient belong to the same number of the original array? Draw (3,) broadcast to "
        "(2, 3).",
        "Broadcasting does two things: it adds axes in front, and it stretches axes of size 1. Undo them in that "
        "order.",
        "First `gradient.sum(axis=0)` while there are too many axes; then, for each axis where `shape` has a 1, "
        "`gradient.sum(axis=axis, keepdims=True)`.",
    ),
)


# matmul_vjp(gradient, a, b): what a matrix product sends back to each of its two sides


def matmul_vjp(gradient, a, b):
    """The engine's own."""
    import engine

    left, right = engine.tensor(a, requires_grad=True), engine.tensor(b, requires_grad=True)
    (left @ right).backward(engine.tensor(gradient))
    return left.grad.numpy(), right.grad.numpy()


def matmul_cases(rng):
    """Pairs of matrices, alone and in batches, with a gradient shaped like their product."""
    different, square, batch = "two matrices", "two square matrices", "a batch of matrices"
    for a_shape, b_shape, dtype, group in [
        ((2, 3), (3, 4), SINGLE, different),
        ((4, 2), (2, 3), DOUBLE, different),
        ((2, 2), (2, 2), SINGLE, square),
        ((3, 3), (3, 3), DOUBLE, square),
        ((2, 2, 3), (2, 3, 4), SINGLE, batch),
        ((3, 2, 4, 2), (3, 2, 2, 3), DOUBLE, batch),
    ]:
        yield _matmul_case(rng, a_shape, b_shape, group, dtype=dtype)
    for a_shape, b_shape, group in [
        ((1, 3), (3, 1), "one row times one column"),
        ((2, 0), (0, 3), "empty arrays"),
        ((2, 2, 3), (3, 4), "a batch times one matrix, which was broadcast"),
        ((1, 2, 3), (2, 3, 2), "a batch times one matrix, which was broadcast"),
    ]:
        yield _matmul_case(rng, a_shape, b_shape, group, stage=EDGE)
    gradient, a, b = normal(rng, (2, 4)), normal(rng, (3, 2)).T, normal(rng, (4, 3)).T
    yield Case((gradient, a, b), "transposed views", EDGE)


def _matmul_case(rng, a_shape, b_shape, group, dtype=SINGLE, **where):
    a, b = normal(rng, a_shape, dtype), normal(rng, b_shape, dtype)
    return Case((normal(rng, (a @ b).shape, dtype), a, b), group, **where)


def _transposed(matrices):
    return np.swapaxes(matrices, -1, -2)


def _no_transposes(gradient, a, b):
    return gradient @ b, a @ gradient


def _order_swapped(gradient, a, b):
    return _transposed(b) @ gradient, gradient @ _transposed(a)


def _results_swapped(gradient, a, b):
    grad_a, grad_b = matmul_vjp_with_swapaxes(gradient, a, b)
    return grad_b, grad_a


def _elementwise(gradient, a, b):
    return gradient * b, gradient * a


def _turns_every_axis(gradient, a, b):
    return gradient @ b.T, a.T @ gradient


def _forgets_to_unbroadcast(gradient, a, b):
    return gradient @ _transposed(b), _transposed(a) @ gradient


def _only_grad_a(gradient, a, b):
    return matmul_vjp_with_swapaxes(gradient, a, b)[0], np.zeros_like(b)


def _only_grad_b(gradient, a, b):
    return None, matmul_vjp_with_swapaxes(gradient, a, b)[1]


def matmul_vjp_with_swapaxes(gradient, a, b):
    """As one would write it with `unbroadcast` at hand."""
    grad_a = gradient @ np.swapaxes(b, -1, -2)
    grad_b = np.swapaxes(a, -1, -2) @ gradient
    return unbroadcast_step_by_step(grad_a, a.shape), unbroadcast_step_by_step(grad_b, b.shape)


def matmul_vjp_with_einsum(gradient, a, b):
    """Index by index, in a list rather than a tuple."""
    grad_a = np.einsum("...ij,...kj->...ik", gradient, b)
    grad_b = np.einsum("...ik,...ij->...kj", a, gradient)
    return [unbroadcast_with_einsum(grad_a, a.shape), unbroadcast_with_einsum(grad_b, b.shape)]


def matmul_vjp_with_loops(gradient, a, b):
    """The slow specification: `product[i, j]` used `a[i, k]` times `b[k, j]`."""
    batch = gradient.shape[:-2]
    wide_a, wide_b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    grad_a, grad_b = np.zeros_like(wide_a), np.zeros_like(wide_b)
    for *place, i, j in np.ndindex(gradient.shape):
        for k in range(a.shape[-1]):
            grad_a[*place, i, k] += gradient[*place, i, j] * wide_b[*place, k, j]
            grad_b[*place, k, j] += gradient[*place, i, j] * wide_a[*place, i, k]
    return unbroadcast_with_loops(grad_a, a.shape), unbroadcast_with_loops(grad_b, b.shape)


def matmul_vjp_in_double(gradient, a, b):
    """Multiplies in float64, warns on stderr, and rounds once at the end."""
    print("multiplying", a.shape, b.shape, file=sys.stderr)
    grads = matmul_vjp_with_swapaxes(gradient.astype(np.float64), a.astype(np.float64), b.astype(np.float64))
    return tuple(grad.astype(gradient.dtype) for grad in grads)


MATMUL_VJP = Spec(
    name="autograd/matmul_vjp",
    function="matmul_vjp",
    parameters=("gradient", "a", "b"),
    returns=("grad_a", "grad_b"),
    title="Differentiate a matrix product",
    why="Every linear layer is a matrix product; its two gradients are where training spends most of its time.",
    minutes=15,
    difficulty=3,
    weights=WEIGHTS,
    reference=matmul_vjp,
    rounding=multilinear_rounding(matmul_vjp),
    cases=matmul_cases,
    misconceptions=(
        Misconception(
            "transposes missing",
            "The right matrices, without their transposes. Square matrices hide it, others don't fit: the gradient "
            "has the product's shape, so `b` has to be turned to lead back to `a`'s shape, and `a` to `b`'s.",
            _no_transposes,
        ),
        Misconception(
            "order swapped",
            "The right matrices in the wrong order. `b` stood on the right in `a @ b`, so its transpose stays on the "
            "right: `gradient @ b` transposed. The transpose of `a` stays on the left.",
            _order_swapped,
        ),
        Misconception(
            "results swapped",
            "Both gradients are right, but they come in the wrong order: first the one for `a`, then the one for `b`.",
            _results_swapped,
        ),
        Misconception(
            "elementwise",
            "You multiply number by number, as for `a * b`. In `a @ b` each number of `a` meets a whole row of `b`, "
            "so its gradient is a sum of products: use `@`.",
            _elementwise,
        ),
        Misconception(
            "turns every axis",
            "For single matrices this is right. In a batch `.T` turns all the axes around; only the last two should "
            "change places: `np.swapaxes(b, -1, -2)`.",
            _turns_every_axis,
        ),
        Misconception(
            "forgets to unbroadcast",
            "This is right as long as nothing was broadcast. One matrix that met a whole batch was used many times: "
            "bring its gradient back to its own shape with your `unbroadcast`.",
            _forgets_to_unbroadcast,
        ),
    ),
    half_right=(_only_grad_a, _only_grad_b),
    honest=(
        matmul_vjp_with_swapaxes,
        matmul_vjp_with_einsum,
        matmul_vjp_with_loops,
        matmul_vjp_in_double,
    ),
    hints=(
        "Write down the shapes: gradient (n, m), a (n, k), b (k, m). Which product of gradient and b has a's shape?",
        "`product[i, j]` uses `a[i, k]` with the factor `b[k, j]`. Sum gradient[i, j] * b[k, j] over j.",
        "For matrices grad_a is `gradient @ b.T` and grad_b is `a.T @ gradient`. In a batch swap the last two axes "
        "only, then `unbroadcast` each result to the shape of what it belongs to.",
    ),
)


# cross_entropy_vjp(gradient, logits, target): from the loss back to the scores


def cross_entropy_vjp(gradient, logits, target):
    """The engine's own."""
    import engine

    scores = engine.tensor(logits, requires_grad=True)
    loss = engine.nn.functional.cross_entropy(scores, engine.tensor(target))
    loss.backward(engine.tensor(gradient))
    return scores.grad.numpy()


def cross_entropy_rounding(gradient, logits, target):
    """How much rounding the gradient of the loss may show, in units of eps.

    A probability is exp(z) over a sum of C of them. An exponent z is off by at most eps / 2 times the largest numbers
    that were subtracted (the logits, their log-sum-exp), the sum by C * eps / 2, a few more steps by eps / 2 each, and
    all that is relative to a probability, at most 1, times |gradient| / N. Counting eps for eps / 2 doubles the bound.
    """
    rows, classes = logits.shape
    steps = classes + 8 + 4 * np.abs(logits).max()
    return np.full(logits.shape, np.abs(gradient) / rows * steps)


def cross_entropy_cases(rng):
    """Logits of shape (rows, classes), one class a row, and the loss's own gradient."""
    for rows, classes, dtype in [(1, 3, SINGLE), (1, 5, DOUBLE)]:
        yield _cross_entropy_case(rng, 1.0, normal(rng, (rows, classes), dtype), "one row")
        yield _cross_entropy_case(rng, 0.5, normal(rng, (rows, classes), dtype), "one row, gradient from above not 1")
    for rows, classes, dtype in [(2, 3, SINGLE), (4, 3, DOUBLE), (6, 10, SINGLE)]:
        yield _cross_entropy_case(rng, 1.0, normal(rng, (rows, classes), dtype), "a batch")
        yield _cross_entropy_case(rng, -3.0, normal(rng, (rows, classes), dtype), "a batch, gradient from above not 1")
    enormous, negative = 1e4 * normal(rng, (1, 3)), normal(rng, (1, 4)) - SINGLE(1e4)
    yield _cross_entropy_case(rng, 1.0, enormous, "enormous logits", EDGE, target=enormous.argmin(axis=1))
    yield _cross_entropy_case(rng, 2.0, negative, "very negative logits", EDGE)
    same = np.array([1, 1, 1])
    yield _cross_entropy_case(rng, 2.0, normal(rng, (3, 3)), "every row of the same class", EDGE, target=same)
    yield _cross_entropy_case(rng, 1.0, np.zeros((2, 4), SINGLE), "all logits equal", EDGE)


def _cross_entropy_case(rng, gradient, logits, group, *stage, target=None):
    if target is None:
        target = rng.integers(logits.shape[1], size=logits.shape[0])
    return Case((np.array(gradient, logits.dtype), logits, target), group, *stage)


def _softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _one_hot(logits, target):
    return np.eye(logits.shape[1], dtype=logits.dtype)[target]


def _forgets_the_mean(gradient, logits, target):
    return gradient * (_softmax(logits) - _one_hot(logits, target))


def _forgets_the_gradient(gradient, logits, target):
    return (_softmax(logits) - _one_hot(logits, target)) / len(target)


def _forgets_both_factors(gradient, logits, target):
    return _softmax(logits) - _one_hot(logits, target)


def _forgets_the_target(gradient, logits, target):
    return gradient * _softmax(logits) / len(target)


def _subtracts_everywhere(gradient, logits, target):
    return gradient * (_softmax(logits) - 1) / len(target)


def _wrong_sign(gradient, logits, target):
    return gradient * (_one_hot(logits, target) - _softmax(logits)) / len(target)


def _returns_probabilities(gradient, logits, target):
    return _softmax(logits)


def _returns_the_loss(gradient, logits, target):
    return -np.log(_softmax(logits)[np.arange(len(target)), target]).mean()


def _softmax_over_rows(gradient, logits, target):
    return gradient * (_softmax(logits.T).T - _one_hot(logits, target)) / len(target)


def _overflows(gradient, logits, target):
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return gradient * (probabilities - _one_hot(logits, target)) / len(target)


def cross_entropy_vjp_in_place(gradient, logits, target):
    """Works in one array of its own."""
    result = logits - logits.max(axis=1, keepdims=True)
    np.exp(result, out=result)
    result /= result.sum(axis=1, keepdims=True)
    result[np.arange(len(target)), target] -= 1
    result *= gradient / len(target)
    return result


def cross_entropy_vjp_with_loops(gradient, logits, target):
    """The slow specification, number by number."""
    rows, classes = logits.shape
    result = np.zeros_like(logits)
    for row in range(rows):
        exponentials = [np.exp(score - max(logits[row])) for score in logits[row]]
        for column in range(classes):
            probability = exponentials[column] / sum(exponentials)
            result[row, column] = gradient * (probability - (column == target[row])) / rows
    return result


def cross_entropy_vjp_from_logs(gradient, logits, target):
    """Goes through the log of the sum of exponentials, the way a library's log-softmax does."""
    largest = logits.max(axis=1, keepdims=True)
    log_sum = largest + np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
    return gradient * (np.exp(logits - log_sum) - _one_hot(logits, target)) / len(target)


def cross_entropy_vjp_in_double(gradient, logits, target):
    """Computes in float64, warns on stderr, and rounds once at the end."""
    print("logits up to", logits.max(), file=sys.stderr)
    exact = logits.astype(np.float64)
    return (float(gradient) * (_softmax(exact) - _one_hot(exact, target)) / len(target)).astype(logits.dtype)


CROSS_ENTROPY_VJP = Spec(
    name="autograd/cross_entropy_vjp",
    function="cross_entropy_vjp",
    parameters=("gradient", "logits", "target"),
    returns=("result",),
    title="Differentiate softmax cross-entropy",
    why="Almost every classifier learns from this one gradient: the probabilities, minus one at the right class.",
    minutes=20,
    difficulty=3,
    weights=WEIGHTS,
    reference=cross_entropy_vjp,
    rounding=cross_entropy_rounding,
    cases=cross_entropy_cases,
    misconceptions=(
        Misconception(
            "forgets the mean",
            "Your gradient is N times too big: the loss is a mean over the batch, so each row's share is 1/N.",
            _forgets_the_mean,
        ),
        Misconception(
            "forgets the gradient from above",
            "You leave out `gradient`, what comes from above. It happens to be 1 when the loss is the last step; in "
            "general the chain rule multiplies by it.",
            _forgets_the_gradient,
        ),
        Misconception(
            "forgets both factors",
            "The heart of it is right: probabilities, minus one at the target. Two factors are missing: 1/N, since the "
            "loss is a mean over the batch, and `gradient`, what comes from above.",
            _forgets_both_factors,
        ),
        Misconception(
            "forgets the target",
            "You return the probabilities, scaled. The right class is missing: subtract 1 from its probability in "
            "each row, which is what pulls its score up.",
            _forgets_the_target,
        ),
        Misconception(
            "subtracts one everywhere",
            "You subtract 1 from every class. Only the target's own column loses 1 in each row: index with "
            "`[np.arange(N), target]`.",
            _subtracts_everywhere,
        ),
        Misconception(
            "wrong sign",
            "Every number has the wrong sign: it is the probabilities minus the one-hot target, not the other way "
            "round, because the loss has a minus in front of its log.",
            _wrong_sign,
        ),
        Misconception(
            "returns probabilities",
            "These are the softmax probabilities themselves. The gradient goes on from them: minus 1 at the target, "
            "times `gradient`, divided by N.",
            _returns_probabilities,
        ),
        Misconception(
            "returns the loss",
            "This is the loss itself, one number. Wanted is how the loss changes with each logit: an array shaped "
            "like `logits`.",
            _returns_the_loss,
        ),
        Misconception(
            "softmax along the wrong axis",
            "Your softmax runs down the columns. Each row is one example, so its classes have to sum to 1: `axis=1` "
            "with `keepdims=True`.",
            _softmax_over_rows,
        ),
        Misconception(
            "overflows",
            "Right for ordinary logits, but `exp` overflows for big ones (and all becomes 0 for very negative ones). "
            "Subtract each row's maximum first: the probabilities stay the same.",
            _overflows,
        ),
    ),
    half_right=(_forgets_the_mean, _forgets_the_gradient),
    honest=(
        cross_entropy_vjp_in_place,
        cross_entropy_vjp_with_loops,
        cross_entropy_vjp_from_logs,
        cross_entropy_vjp_in_double,
    ),
    hints=(
        "For one row the loss is log(sum(exp(z))) - z[target]. What is the derivative of each half with respect to z?",
        "The first half gives the softmax probabilities, the second a 1 at the target. Mind the mean over the rows.",
        "gradient * (softmax(logits) - one_hot(target)) / N. In the softmax subtract each row's maximum before `exp`.",
    ),
)

EXERCISES = (UNBROADCAST, MATMUL_VJP, CROSS_ENTROPY_VJP)
