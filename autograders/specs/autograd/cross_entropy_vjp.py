"""cross_entropy_vjp(gradient, logits, target): from the loss back to the scores."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


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
    steps = classes + 8 + 4 * np.abs(logits).max(axis=1, keepdims=True)
    return np.broadcast_to(np.abs(gradient) / rows * steps, logits.shape)


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
    apart = np.concatenate([normal(rng, (1, 3)), normal(rng, (1, 3)) + SINGLE(1e3)])
    yield _cross_entropy_case(rng, 1.0, apart, "one row of small logits, one of big ones", EDGE)
    same = np.array([1, 1, 1])
    yield _cross_entropy_case(rng, 2.0, normal(rng, (3, 3)), "every row of the same class", EDGE, target=same)
    yield _cross_entropy_case(rng, 1.0, np.zeros((2, 4), SINGLE), "all logits equal", EDGE)


def _cross_entropy_case(rng, gradient, logits, group, *stage, target=None):
    if target is None:
        target = rng.integers(logits.shape[1], size=logits.shape[0])
    return Case((np.array(gradient, logits.dtype), logits, target), group, *stage)


def as_cross_entropy(answer):
    """F.cross_entropy with `answer` as its way back, for the losses that the exercise is about; else the engine's.

    Those are means, without weights or smoothing, over rows of logits (N, C) in float32 or float64 with one class each.
    On a GPU the logits travel to the CPU and the gradient back.
    """
    import functools

    import engine
    from engine.nn import functional as F

    class CrossEntropy(engine.autograd.Function):
        @staticmethod
        def forward(ctx, logits, target):
            ctx.save_for_backward(logits, target)
            return F.cross_entropy(logits, target)

        @staticmethod
        @engine.autograd.function.once_differentiable
        def backward(ctx, gradient):
            logits, target = ctx.saved_tensors
            result = answer(*(each.detach().cpu().numpy() for each in (gradient, logits, target)))
            return engine.tensor(result, device=logits.device), None

    @functools.wraps(answer)
    def cross_entropy(input, target, *arguments, **options):
        if arguments or not _is_plain_loss(input, target, options):
            return F.cross_entropy(input, target, *arguments, **options)
        return CrossEntropy.apply(input, target)

    return cross_entropy


_PLAIN_LOSS = {
    "weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean",
    "label_smoothing": 0.0}


def _is_plain_loss(input, target, options):
    from engine import Tensor

    for name, value in options.items():
        if name not in _PLAIN_LOSS or isinstance(value, Tensor) or value != _PLAIN_LOSS[name]:
            return False
    if not (isinstance(input, Tensor) and isinstance(target, Tensor) and input.ndim == 2 and target.ndim == 1):
        return False
    if input.array.dtype not in (SINGLE, DOUBLE) or target.array.dtype.kind != "i" or len(target) != len(input):
        return False
    return len(target) > 0 and bool(((target >= 0) & (target < input.shape[1])).all())


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


def _shares_of_the_columns(gradient, logits, target):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return gradient * (exponentials / exponentials.sum(axis=0) - _one_hot(logits, target)) / len(target)


def _subtracts_in_whole_columns(gradient, logits, target):
    probabilities = _softmax(logits)
    probabilities[:, target] -= 1
    return gradient * probabilities / len(target)


def _divides_by_every_number(gradient, logits, target):
    return gradient * (_softmax(logits) - _one_hot(logits, target)) / logits.size


def _loses_the_axis(gradient, logits, target):
    exponentials = np.exp(logits - logits.max(axis=1))
    return gradient * (exponentials / exponentials.sum(axis=1) - _one_hot(logits, target)) / len(target)


def _one_maximum(gradient, logits, target):
    exponentials = np.exp(logits - logits.max())
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


EXERCISE = Spec(
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
        Misconception(
            "shares of the columns",
            "You divide by sums down the columns. Each row is one example, so its classes have to sum to 1: "
            "`sum(axis=1, keepdims=True)`.",
            _shares_of_the_columns,
        ),
        Misconception(
            "subtracts in whole columns",
            "`[:, target] -= 1` takes 1 from every row of those columns. Each row loses 1 at its own target: "
            "`[np.arange(N), target]` pairs rows and columns.",
            _subtracts_in_whole_columns,
        ),
        Misconception(
            "divides by every number",
            "Your gradient is too small by the number of classes. The loss is a mean over the N rows, one loss a row, "
            "not over all N · C numbers: divide by N.",
            _divides_by_every_number,
        ),
        Misconception(
            "loses the axis",
            "`max(axis=1)` and `sum(axis=1)` have shape (N,), which meets the last axis, the classes. `keepdims=True` "
            "makes it (N, 1), a number for each row.",
            _loses_the_axis,
        ),
        Misconception(
            "one maximum for all",
            "One maximum for the whole batch turns rows of much smaller logits into zeros, and 0 / 0 is nan. Subtract "
            "each row's own: `max(axis=1, keepdims=True)`.",
            _one_maximum,
        ),
    ),
    half_right=(_forgets_the_mean, _forgets_the_gradient),
    honest=(
        cross_entropy_vjp_in_place,
        cross_entropy_vjp_with_loops,
        cross_entropy_vjp_from_logs,
        cross_entropy_vjp_in_double,
    ),
    part="nn.functional.cross_entropy",
    as_part=as_cross_entropy,
    hints=(
        "For one row the loss is log(sum(exp(z))) - z[target]. What is the derivative of each half with respect to z?",
        "The first half gives the softmax probabilities, the second a 1 at the target. Mind the mean over the rows.",
        "gradient * (softmax(logits) - one_hot(target)) / N. In the softmax subtract each row's maximum before `exp`.",
    ),
)
