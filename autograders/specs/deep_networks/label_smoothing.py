"""smoothed_cross_entropy(logits, target, smoothing): a loss that does not ask for certainty, and its gradient."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def smoothed_cross_entropy(logits, target, smoothing):
    """The engine's own."""
    import engine

    scores = engine.tensor(logits, requires_grad=True)
    with engine.enable_grad():  # inside of a Function, where the chapter calls it, nothing is recorded
        loss = engine.nn.functional.cross_entropy(scores, engine.tensor(target), label_smoothing=smoothing)
        loss.backward()
    return loss.detach().numpy(), scores.grad.numpy()


def label_smoothing_rounding(logits, target, smoothing):
    """How much rounding loss and gradient may show, in units of eps.

    As for cross-entropy: a log-probability is a logit less a logarithm of a sum of C exponentials; it is off by at most
    eps / 2 times the largest logits, a few times over, and by C eps / 2. The loss adds up C of them, or C logits, whose
    weights sum to 1: C more steps of their size, at most 2 max|logit| + log C. Then the mean of N. A probability, at
    most 1, is off by the steps of its logarithm, and divided by N. Counting eps for eps / 2 doubles the bounds.
    """
    rows, classes = logits.shape
    largest = np.abs(logits).max()
    steps = classes + 8 + 4 * largest
    of_loss = steps + (classes + rows + 4) * (2 * largest + np.log(classes))
    return np.array(of_loss), np.full(logits.shape, steps / rows)


def label_smoothing_cases(rng):
    """Logits (rows, classes), the right class of each row, and how much of the target is spread over all classes."""
    one, batch, more = "one row", "a batch", "another smoothing"
    for rows, classes, smoothing, dtype, group in [
        (1, 3, 0.1, SINGLE, one),
        (1, 5, 0.1, DOUBLE, one),
        (3, 3, 0.1, SINGLE, batch),
        (5, 10, 0.1, DOUBLE, batch),
        (2, 4, 0.3, SINGLE, more),
        (4, 3, 0.5, DOUBLE, more),
    ]:
        yield _case(rng, normal(rng, (rows, classes), dtype), smoothing, group)
    yield _case(rng, normal(rng, (3, 4)), 0.0, "no smoothing", EDGE)
    enormous = np.array([[1000.0, 0.0, -1000.0]], SINGLE) + normal(rng, (1, 3))
    yield _case(rng, enormous, 0.1, "enormous logits", EDGE, target=np.array([2]))
    yield _case(rng, normal(rng, (2, 4)) - SINGLE(1000), 0.2, "very negative logits", EDGE)
    apart = normal(rng, (2, 3)) + np.array([[1000], [-1000]], SINGLE)
    yield _case(rng, apart, 0.1, "rows far apart", EDGE)


def _case(rng, logits, smoothing, *where, target=None):
    if target is None:
        target = rng.integers(logits.shape[1], size=logits.shape[0])
    return Case((logits, target, smoothing), *where)


def _logs(logits):
    """The logarithms of the probabilities."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _one_hot(logits, target):
    return np.eye(logits.shape[1], dtype=logits.dtype)[target]


def _spread(logits, target, smoothing):
    """The target as probabilities: the right class keeps 1 - smoothing, and all get their share of the rest."""
    return (1 - smoothing) * _one_hot(logits, target) + logits.dtype.type(smoothing / logits.shape[1])


def _towards(logits, wanted):
    """The loss of these wanted probabilities, and its gradient where they sum to 1."""
    logs = _logs(logits)
    return -(wanted * logs).sum(axis=1).mean(), (np.exp(logs) - wanted) / len(logits)


def _not_smoothed(logits, target, smoothing):
    return _towards(logits, _one_hot(logits, target))


def _only_the_others(logits, target, smoothing):
    ones = _one_hot(logits, target)
    share = smoothing / (logits.shape[1] - 1)
    return _towards(logits, (1 - smoothing) * ones + logits.dtype.type(share) * (1 - ones))


def _nothing_for_the_others(logits, target, smoothing):
    return _towards(logits, (1 - smoothing) * _one_hot(logits, target))


def _not_divided(logits, target, smoothing):
    return _towards(logits, (1 - smoothing) * _one_hot(logits, target) + logits.dtype.type(smoothing))


def _the_right_one_keeps_all(logits, target, smoothing):
    return _towards(logits, _one_hot(logits, target) + logits.dtype.type(smoothing / logits.shape[1]))


def _the_other_way_round(logits, target, smoothing):
    return _towards(logits, _spread(logits, target, 1 - smoothing))


def _gradient_not_smoothed(logits, target, smoothing):
    return _towards(logits, _spread(logits, target, smoothing))[0], _not_smoothed(logits, target, smoothing)[1]


def _loss_not_smoothed(logits, target, smoothing):
    return _not_smoothed(logits, target, smoothing)[0], _towards(logits, _spread(logits, target, smoothing))[1]


def _sums(logits, target, smoothing):
    loss, gradient = _towards(logits, _spread(logits, target, smoothing))
    return loss * len(logits), gradient * len(logits)


def _loss_of_the_sum(logits, target, smoothing):
    loss, gradient = _towards(logits, _spread(logits, target, smoothing))
    return loss * len(logits), gradient


def _gradient_of_the_sum(logits, target, smoothing):
    loss, gradient = _towards(logits, _spread(logits, target, smoothing))
    return loss, gradient * len(logits)


def _mean_over_classes_too(logits, target, smoothing):
    loss, gradient = _towards(logits, _spread(logits, target, smoothing))
    return loss / logits.shape[1], gradient / logits.shape[1]


def _smooths_the_prediction(logits, target, smoothing):
    _, gradient = _towards(logits, _one_hot(logits, target))
    mixed = (1 - smoothing) * np.exp(_logs(logits)) + logits.dtype.type(smoothing / logits.shape[1])
    return -np.log(mixed[np.arange(len(target)), target]).mean(), gradient


def _overflows(logits, target, smoothing):
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    wanted = _spread(logits, target, smoothing)
    return -(wanted * np.log(probabilities)).sum(axis=1).mean(), (probabilities - wanted) / len(logits)


def _gradient_turned(logits, target, smoothing):
    loss, gradient = _towards(logits, _spread(logits, target, smoothing))
    return loss, -gradient


def _with_logs(logits, target, smoothing, logs):
    """Loss and gradient from logarithms that may be wrong."""
    wanted = _spread(logits, target, smoothing)
    return -(wanted * logs).sum(axis=1).mean(), (np.exp(logs) - wanted) / len(logits)


def _nothing_subtracted(logits, target, smoothing):
    return _with_logs(logits, target, smoothing, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))


def _one_largest_for_all(logits, target, smoothing):
    shifted = logits - logits.max()
    return _with_logs(logits, target, smoothing, shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _largest_of_the_column(logits, target, smoothing):
    shifted = logits - logits.max(axis=0)
    return _with_logs(logits, target, smoothing, shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _without_keepdims(logits, target, smoothing):
    shifted = logits - logits.max(axis=1)
    return _with_logs(logits, target, smoothing, shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _over_the_batch(logits, target, smoothing):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return _with_logs(logits, target, smoothing, shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True)))


def _logarithm_of_zero(logits, target, smoothing):
    return _with_logs(logits, target, smoothing, np.log(np.exp(_logs(logits))))


def _a_little_added(logits, target, smoothing):
    probabilities = np.exp(_logs(logits))
    wanted = _spread(logits, target, smoothing)
    return -(wanted * np.log(probabilities + 1e-9)).sum(axis=1).mean(), (probabilities - wanted) / len(logits)


def _right_one_without_its_share(logits, target, smoothing):
    ones = _one_hot(logits, target)
    return _towards(logits, (1 - smoothing) * ones + logits.dtype.type(smoothing / logits.shape[1]) * (1 - ones))


def _columns_of_all(logits, target, smoothing):
    wanted = np.full_like(logits, smoothing / logits.shape[1])
    wanted[:, target] += 1 - smoothing
    return _towards(logits, wanted)


def _by_the_rows(logits, target, smoothing):
    return _towards(
        logits, (1 - smoothing) * _one_hot(logits, target) + logits.dtype.type(smoothing / len(logits)))


def _always_ten_classes(logits, target, smoothing):
    return _towards(logits, (1 - smoothing) * _one_hot(logits, target) + logits.dtype.type(smoothing / 10))


def _target_as_it_is(logits, target, smoothing):
    return _towards(logits, (1 - smoothing) * target + smoothing / logits.shape[1])


def _loss_turned(logits, target, smoothing):
    loss, gradient = _towards(logits, _spread(logits, target, smoothing))
    return -loss, gradient


def _only_the_right_class(logits, target, smoothing):
    wanted = _spread(logits, target, smoothing)
    _, gradient = _towards(logits, wanted)
    return -(wanted * _logs(logits) * _one_hot(logits, target)).sum(axis=1).mean(), gradient


def _gradient_of_logs(logits, target, smoothing):
    wanted = _spread(logits, target, smoothing)
    return _towards(logits, wanted)[0], (_logs(logits) - wanted) / len(logits)


def _no_logarithm(logits, target, smoothing):
    wanted = _spread(logits, target, smoothing)
    return -(wanted * np.exp(_logs(logits))).sum(axis=1).mean(), _towards(logits, wanted)[1]


def _less_the_entropy(logits, target, smoothing):
    wanted = _spread(logits, target, smoothing)
    return (wanted * (np.log(wanted) - _logs(logits))).sum(axis=1).mean(), _towards(logits, wanted)[1]


def _a_loss_for_each_row(logits, target, smoothing):
    wanted = _spread(logits, target, smoothing)
    return -(wanted * _logs(logits)).sum(axis=1), _towards(logits, wanted)[1]


def _results_exchanged(logits, target, smoothing):
    return _towards(logits, _spread(logits, target, smoothing))[::-1]


def label_smoothing_with_a_target_matrix(logits, target, smoothing):
    """The wanted probabilities as a matrix, and what cross-entropy makes of any such."""
    rows, classes = logits.shape
    wanted = np.full_like(logits, smoothing / classes)
    wanted[np.arange(rows), target] += 1 - smoothing
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(wanted * logs).sum(axis=1).mean(), (np.exp(logs) - wanted) / rows


def label_smoothing_as_a_mixture(logits, target, smoothing):
    """(1 - smoothing) times the usual loss, and smoothing times that of asking for all classes alike."""
    rows = np.arange(len(target))
    logs = _logs(logits)
    usual, uniform = -logs[rows, target], -logs.mean(axis=1)
    gradient = np.exp(logs) - logits.dtype.type(smoothing / logits.shape[1])
    gradient[rows, target] -= 1 - smoothing
    return ((1 - smoothing) * usual + smoothing * uniform).mean(), gradient / len(target)


def label_smoothing_from_the_log_sum(logits, target, smoothing):
    """The log of the sum of exponentials, less the logits that are wanted; warns on stderr."""
    print("smoothing", smoothing, file=sys.stderr)
    highest = logits.max(axis=1)
    log_sum = highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1))
    picked = np.take_along_axis(logits, target[:, None], axis=1)[:, 0]
    loss = np.mean(log_sum - (1 - smoothing) * picked - smoothing * logits.mean(axis=1))
    probabilities = np.exp(logits - log_sum[:, None])
    return loss, (probabilities - _spread(logits, target, smoothing)) / len(logits)


def label_smoothing_with_loops(logits, target, smoothing):
    """The slow specification, number by number, in double."""
    rows, classes = logits.shape
    loss, gradient = 0.0, np.zeros_like(logits)
    for row, scores in enumerate(logits.astype(np.float64)):
        exponentials = np.exp(scores - scores.max())
        for k in range(classes):
            wanted = smoothing / classes + (1 - smoothing) * (k == target[row])
            log = scores[k] - scores.max() - np.log(exponentials.sum())
            loss -= wanted * log / rows
            gradient[row, k] = (exponentials[k] / exponentials.sum() - wanted) / rows
    return logits.dtype.type(loss), gradient


EXERCISE = Spec(
    name="deep_networks/label_smoothing",
    function="smoothed_cross_entropy",
    parameters=("logits", "target", "smoothing"),
    returns=("loss", "grad_logits"),
    title="Smooth the labels",
    why="A network that is never asked for 100 % stays honest about what it does not know, and often knows more.",
    minutes=15,
    difficulty=2,
    weights=WEIGHTS,
    reference=smoothed_cross_entropy,
    rounding=label_smoothing_rounding,
    cases=label_smoothing_cases,
    misconceptions=(
        Misconception(
            "not smoothed",
            "This is plain cross-entropy. The target should be spread: 1 - smoothing for the right class, and "
            "smoothing / C for each of the C classes, the right one too.",
            _not_smoothed,
        ),
        Misconception(
            "only for the others",
            "You share `smoothing` among the C - 1 other classes. Here, as in torch, all C classes get smoothing / C, "
            "the right one on top of its 1 - smoothing.",
            _only_the_others,
        ),
        Misconception(
            "nothing for the others",
            "The right class gives up its share, and nobody gets it: the target should still sum to 1. Add "
            "smoothing / C for every class.",
            _nothing_for_the_others,
        ),
        Misconception(
            "not divided",
            "Each class gets all of `smoothing`, so the target sums to more than 1. Divide by the number of classes.",
            _not_divided,
        ),
        Misconception(
            "the right one keeps all",
            "The shares are added, but the right class still has its whole 1: it should keep 1 - smoothing.",
            _the_right_one_keeps_all,
        ),
        Misconception(
            "the other way round",
            "`smoothing` is the part that is spread over all classes; you leave just that part with the right one.",
            _the_other_way_round,
        ),
        Misconception(
            "gradient not smoothed",
            "The loss is right, the gradient is plain cross-entropy's. It is (probabilities - target) / N with the "
            "same spread target.",
            _gradient_not_smoothed,
        ),
        Misconception(
            "loss not smoothed",
            "The gradient is right, the loss is plain cross-entropy's: add up -target · log(probability) over all "
            "classes, with the same spread target.",
            _loss_not_smoothed,
        ),
        Misconception(
            "sums",
            "Loss and gradient are N times too large: the loss is the mean over the rows.",
            _sums,
        ),
        Misconception(
            "gradient of the sum",
            "The loss is right. Its gradient is N times too large, because the loss is a mean over N rows.",
            _gradient_of_the_sum,
        ),
        Misconception(
            "loss of the sum",
            "The gradient is right, the loss is N times too large: the gradient is that of the mean over the rows.",
            _loss_of_the_sum,
        ),
        Misconception(
            "mean over the classes",
            "You take the mean over rows and classes. Over the classes it is a sum, as the target's shares add up to 1 "
            "already; only the rows are averaged.",
            _mean_over_classes_too,
        ),
        Misconception(
            "smooths the prediction",
            "You mix the prediction with equal shares. It is the target that is smoothed: the prediction stays what "
            "softmax says.",
            _smooths_the_prediction,
        ),
        Misconception(
            "overflows",
            "Right for ordinary logits, but `exp` of a large one is infinite and of a small one 0. Subtract each row's "
            "largest logit first, and take logits less the log of the sum, not the log of a probability.",
            _overflows,
        ),
        Misconception(
            "gradient turned around",
            "The gradient has the wrong sign: it is the probabilities minus the target.",
            _gradient_turned,
        ),
        Misconception(
            "nothing subtracted",
            "Right for ordinary logits, but `exp` of a large one is infinite and of very negative ones 0. Subtract "
            "each row's largest logit first: the probabilities stay the same.",
            _nothing_subtracted,
        ),
        Misconception(
            "one largest for all",
            "You subtract the largest logit of the whole batch. A row far below it is left with exponentials of 0 "
            "only: each row needs its own, `logits.max(axis=1, keepdims=True)`.",
            _one_largest_for_all,
        ),
        Misconception(
            "largest of the column",
            "`axis=0` is the batch: the largest of each class over all images. What may be subtracted is the same "
            "number in a whole row, so `axis=1`.",
            _largest_of_the_column,
        ),
        Misconception(
            "no keepdims",
            "`max(axis=1)` takes the axis away, and numpy then lines up what is left, N numbers, with the classes. "
            "`keepdims=True` keeps a column.",
            _without_keepdims,
        ),
        Misconception(
            "over the batch",
            "You add the exponentials up over the batch. A row's probabilities sum to 1: `sum(axis=1, "
            "keepdims=True)`.",
            _over_the_batch,
        ),
        Misconception(
            "logarithm of 0",
            "You take the logarithm of probabilities, and one that is very small has become 0. Take logits less the "
            "log of the sum, which never rounds to 0.",
            _logarithm_of_zero,
        ),
        Misconception(
            "a little added",
            "A little number added to the probabilities makes every logarithm wrong by a little, and small ones by "
            "much. Take logits less the log of the sum: no 0 to be afraid of.",
            _a_little_added,
        ),
        Misconception(
            "the right one without its share",
            "`= 1 - smoothing` overwrites the right class's share. All classes get smoothing / C, the right one too: "
            "`+=`.",
            _right_one_without_its_share,
        ),
        Misconception(
            "columns of all",
            "`q[:, target]` gives every row the targets of all rows. Pair rows and targets: `q[np.arange(N), "
            "target]`.",
            _columns_of_all,
        ),
        Misconception(
            "divided by the rows",
            "You divide `smoothing` by the number of images. It is shared among the classes, `logits.shape[1]`.",
            _by_the_rows,
        ),
        Misconception(
            "always ten classes",
            "You divide by 10, but there may be any number of classes: `logits.shape[1]`.",
            _always_ten_classes,
        ),
        Misconception(
            "the target as it is",
            "`target` holds the classes' numbers, 2 for the third. As probabilities that is a row each, with its 1 in "
            "column 2.",
            _target_as_it_is,
        ),
        Misconception(
            "loss turned around",
            "The loss has the wrong sign: logarithms of probabilities are negative, so there is a minus before the "
            "sum.",
            _loss_turned,
        ),
        Misconception(
            "only the right class",
            "The gradient is right. In the loss all classes count, each with its share of the target; you add up the "
            "right ones only.",
            _only_the_right_class,
        ),
        Misconception(
            "gradient of the logarithms",
            "The loss is right. In its gradient stand the probabilities themselves, `np.exp(logs)`, not their "
            "logarithms.",
            _gradient_of_logs,
        ),
        Misconception(
            "no logarithm",
            "The gradient is right. In the loss stand the logarithms of the probabilities: without them certainty "
            "about the wrong class would cost hardly more than doubt.",
            _no_logarithm,
        ),
        Misconception(
            "less the entropy",
            "The gradient is right. Your loss is smaller by the entropy of q, which makes it 0 at its lowest (the "
            "Kullback-Leibler divergence). Cross-entropy is -sum(q · log p) alone.",
            _less_the_entropy,
        ),
        Misconception(
            "a loss for each row",
            "There is a loss for each row here. The mean of them is one number.",
            _a_loss_for_each_row,
        ),
        Misconception(
            "results exchanged",
            "The two results have changed places: the loss comes first.",
            _results_exchanged,
        ),
    ),
    half_right=(_gradient_not_smoothed, _loss_not_smoothed),
    honest=(
        label_smoothing_with_a_target_matrix,
        label_smoothing_as_a_mixture,
        label_smoothing_from_the_log_sum,
        label_smoothing_with_loops,
    ),
    hints=(
        "Cross-entropy with any target q, probabilities of its own, is -sum(q · log p), and its gradient is p - q as "
        "long as q sums to 1. What is q here?",
        "q is `smoothing / C` everywhere, and at the right class `1 - smoothing` more: `q[np.arange(N), target] += "
        "1 - smoothing`.",
        "log p is `shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))`, with `shifted = logits - "
        "logits.max(axis=1, keepdims=True)`. The loss is `-(q * logs).sum(axis=1).mean()`, the gradient "
        "`(np.exp(logs) - q) / N`.",
    ),
)
