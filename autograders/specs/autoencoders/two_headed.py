"""two_headed_loss(drawn, images, logits, labels, weight): one loss for two tasks, where many labels are not known."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, normal
from engine.nn import functional as F


def two_headed_loss(drawn, images, logits, labels, weight):
    """The loss and its gradients, by the formulas."""
    known = labels >= 0
    loss = weight * ((drawn - images) ** 2).mean()
    for_drawn, for_logits = weight * 2 * (drawn - images) / drawn.size, np.zeros_like(logits)
    if known.any():
        rows, right = logits[known], labels[known]
        shifted = np.exp(rows - rows.max(axis=1, keepdims=True))
        shares = shifted / shifted.sum(axis=1, keepdims=True)
        picked = shares[np.arange(len(right)), right]
        shares[np.arange(len(right)), right] -= 1
        loss = loss - np.log(picked).mean()
        for_logits[known] = shares / len(right)
    return np.asarray(loss), for_drawn, for_logits


def two_headed_rounding(drawn, images, logits, labels, weight):
    """How much rounding may show, in units of eps.

    A squared difference is off by a few eps / 2 of the larger sum |drawn| + |image|, squared; the mean of n of them adds
    n eps / 2 of the mean. A row's cross-entropy is off by the same steps as in `modules/cross_entropy`: eps / 2 for each
    class, four times for the largest logit, and the mean over at most N rows adds N eps / 2 of it; so is a probability,
    in relation to 1, divided by the number of rows that are known. A weight multiplies its part. Counting eps for eps / 2
    doubles the bounds.
    """
    known = max(int((labels >= 0).sum()), 1)
    sizes = np.abs(drawn) + np.abs(images)
    steps = logits.shape[1] + 8 + 4 * np.abs(logits).max()
    drawing = abs(weight) * (sizes**2).mean() * (drawn.size + 6)
    naming = steps * 2 + (len(logits) + 4) * np.abs(logits).max()
    for_logits = np.where(labels >= 0, steps / known, 0.0)[:, None] * np.ones_like(logits)
    return np.array(drawing + naming), abs(weight) * 8 * sizes / drawn.size, for_logits


def two_headed_cases(rng):
    """Batches in which all, some or none of the labels are known."""
    known, some, few = "all labels known", "some labels known", "one label known"
    for labels, pixels, classes, weight, dtype, group in [
        ([1, 0], 3, 3, 2.0, SINGLE, known),
        ([2, 0, 3], 4, 4, 0.5, DOUBLE, known),
        ([1, -1, 0], 3, 3, 2.0, SINGLE, some),
        ([-1, 3, -1, 0, 2], 5, 4, 5.0, DOUBLE, some),
        ([0, -1, -1], 3, 3, 3.0, SINGLE, few),
        ([-1, -1, 2, -1], 4, 5, 0.5, DOUBLE, few),
    ]:
        yield _case(rng, labels, pixels, classes, weight, dtype, group)
    yield _case(rng, [-1, -1], 3, 3, 2.0, SINGLE, "no label known: only drawing counts", EDGE)
    yield _case(rng, [2], 4, 3, 2.0, SINGLE, "one image", EDGE)
    yield _case(rng, [1, -1, 0], 3, 3, 0.0, SINGLE, "weight 0: only naming counts", EDGE)


def _case(rng, labels, pixels, classes, weight, dtype, *where):
    images, away = rng.uniform(0, 1, (len(labels), pixels)), rng.uniform(0.2, 0.7, (len(labels), pixels))
    drawn = np.where(images < 0.5, images + away, images - away)
    logits = normal(rng, (len(labels), classes), dtype) * dtype(1.5)
    return Case((drawn.astype(dtype), images.astype(dtype), logits, np.array(labels), weight), *where)


def two_headed_with_mask(drawn, images, logits, labels, weight):
    """Both losses, the second over what is known."""
    loss = weight * F.mse_loss(drawn, images)
    known = labels >= 0
    if known.any():
        loss = loss + F.cross_entropy(logits[known], labels[known])
    return loss


def _both(drawing, naming, weight):
    return weight * drawing + naming


def _naming(logits, labels):
    """The cross-entropy of what is known, 0 if nothing is."""
    known = labels >= 0
    return F.cross_entropy(logits[known], labels[known]) if known.any() else 0 * logits.sum()


def _zero_counts_as_unknown(drawn, images, logits, labels, weight):
    known = labels > 0
    naming = F.cross_entropy(logits[known], labels[known]) if known.any() else 0 * logits.sum()
    return _both(F.mse_loss(drawn, images), naming, weight)


def _unknown_counts_as_zero(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images), F.cross_entropy(logits, labels.clamp(min=0)), weight)


def _unknown_counts_as_the_last(drawn, images, logits, labels, weight):
    picked = logits.log_softmax(1)[torch.arange(len(labels)), labels]
    return _both(F.mse_loss(drawn, images), -picked.mean(), weight)


def _divides_by_all(drawn, images, logits, labels, weight):
    known = labels >= 0
    return _both(F.mse_loss(drawn, images), _naming(logits, labels) * (known.sum() / len(labels)), weight)


def _not_divided(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images), _naming(logits, labels) * (labels >= 0).sum(), weight)


def _nan_without_labels(drawn, images, logits, labels, weight):
    known = labels >= 0
    picked = logits.log_softmax(1)[torch.arange(len(labels)), labels.clamp(min=0)]
    return _both(F.mse_loss(drawn, images), -(picked * known).sum() / known.sum(), weight)


def _forgets_the_weight(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images), _naming(logits, labels), 1.0)


def _weight_on_the_other(drawn, images, logits, labels, weight):
    return F.mse_loss(drawn, images) + weight * _naming(logits, labels)


def _weight_on_both(drawn, images, logits, labels, weight):
    return weight * (F.mse_loss(drawn, images) + _naming(logits, labels))


def _weights_that_add_up(drawn, images, logits, labels, weight):
    return weight * F.mse_loss(drawn, images) + (1 - weight) * _naming(logits, labels)


def _sum_of_squares(drawn, images, logits, labels, weight):
    return _both(((drawn - images) ** 2).sum(), _naming(logits, labels), weight)


def _squares_of_an_image(drawn, images, logits, labels, weight):
    return _both(((drawn - images) ** 2).sum(1).mean(), _naming(logits, labels), weight)


def _draws_what_is_known(drawn, images, logits, labels, weight):
    known = labels >= 0
    drawing = F.mse_loss(drawn[known], images[known]) if known.any() else 0 * drawn.sum()
    return _both(drawing, _naming(logits, labels), weight)


def _drawing_learns_nothing(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images).item(), _naming(logits, labels), weight)


def _naming_learns_nothing(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images), _naming(logits, labels).item(), weight)


def _naming_apart(drawn, images, logits, labels, weight):
    """Counts what is unknown as 0, and keeps the graph of the drawing alone."""
    return _both(F.mse_loss(drawn, images), F.cross_entropy(logits, labels.clamp(min=0)).item(), weight)


def _minus_one_as_a_class(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images), F.cross_entropy(logits, labels), weight)


def _draws_what_is_unknown(drawn, images, logits, labels, weight):
    unknown = labels < 0
    return _both(F.mse_loss(drawn[unknown], images[unknown]), _naming(logits, labels), weight)


def _root_of_the_error(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images).sqrt(), _naming(logits, labels), weight)


def _absolute_error(drawn, images, logits, labels, weight):
    return _both((drawn - images).abs().mean(), _naming(logits, labels), weight)


def _softmax_twice(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images), _naming(logits.softmax(1), labels), weight)


def _forgets_to_draw(drawn, images, logits, labels, weight):
    return _naming(logits, labels)


def _nothing_without_labels(drawn, images, logits, labels, weight):
    is_known = (labels >= 0).any()
    return _both(F.mse_loss(drawn, images), _naming(logits, labels), weight) if is_known else torch.tensor(0.0)


def _all_or_nothing(drawn, images, logits, labels, weight):
    drawing = weight * F.mse_loss(drawn, images)
    return drawing + F.cross_entropy(logits, labels) if (labels >= 0).all() else drawing


def _logits_of_zero(drawn, images, logits, labels, weight):
    known = labels >= 0
    naming = F.cross_entropy(logits * known.to(logits.dtype).unsqueeze(1), labels.clamp(min=0))
    return _both(F.mse_loss(drawn, images), naming, weight)


def _a_pair(drawn, images, logits, labels, weight):
    return weight * F.mse_loss(drawn, images), _naming(logits, labels)


def _names_what_is_unknown(drawn, images, logits, labels, weight):
    unknown, drawing = labels < 0, weight * F.mse_loss(drawn, images)
    return drawing + F.cross_entropy(logits[unknown], labels[unknown]) if unknown.any() else drawing


def _all_logits(drawn, images, logits, labels, weight):
    known = labels >= 0
    return _both(F.mse_loss(drawn, images), F.cross_entropy(logits, labels[known]), weight)


def _logits_for_logarithms(drawn, images, logits, labels, weight):
    known, drawing = labels >= 0, weight * F.mse_loss(drawn, images)
    return drawing + F.nll_loss(logits[known], labels[known]) if known.any() else drawing


def _mean_of_both(drawn, images, logits, labels, weight):
    return two_headed_with_mask(drawn, images, logits, labels, weight) / 2


def _not_squared(drawn, images, logits, labels, weight):
    return _both((drawn - images).mean(), _naming(logits, labels), weight)


def _asks_all_at_once(drawn, images, logits, labels, weight):
    drawing = weight * F.mse_loss(drawn, images)
    return drawing + F.cross_entropy(logits, labels) if labels >= 0 else drawing


def _no_weight_without_labels(drawn, images, logits, labels, weight):
    drawing = F.mse_loss(drawn, images)
    return _both(drawing, _naming(logits, labels), weight) if (labels >= 0).any() else drawing


def _rewards_what_is_right(drawn, images, logits, labels, weight):
    return weight * F.mse_loss(drawn, images) - _naming(logits, labels)


def _half_the_square(drawn, images, logits, labels, weight):
    return _both(F.mse_loss(drawn, images) / 2, _naming(logits, labels), weight)


def two_headed_with_zeros(drawn, images, logits, labels, weight):
    """Every row's cross-entropy, multiplied by 1 or 0; divided by how many count, or by 1."""
    known = (labels >= 0).to(logits.dtype)
    each = F.cross_entropy(logits, labels.clamp(min=0), reduction="none")
    return weight * (drawn - images).square().mean() + (each * known).sum() / known.sum().clamp(min=1)


def two_headed_with_ignore_index(drawn, images, logits, labels, weight):
    """cross_entropy leaves out what it is told to; says on stderr what it does."""
    print(len(labels), "images", file=sys.stderr)
    drawing, total = F.mse_loss(drawn, images), F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return drawing * weight + total / max(1, int((labels != -1).sum()))


def two_headed_row_by_row(drawn, images, logits, labels, weight):
    """A loop over the images."""
    drawing = sum(((one - other) ** 2).mean() for one, other in zip(drawn, images)) / len(images)
    costs = [torch.logsumexp(row, 0) - row[label] for row, label in zip(logits, labels.tolist()) if label >= 0]
    return weight * drawing + (sum(costs) / len(costs) if costs else 0.0)


def two_headed_by_places(drawn, images, logits, labels, weight):
    """Where labels are known, as a list of rows."""
    rows = [row for row, label in enumerate(labels.tolist()) if label != -1]
    loss = torch.mean((images - drawn) ** 2) * weight
    if not rows:
        return loss
    shares = torch.log_softmax(logits[rows], dim=1)
    return loss - shares.gather(1, labels[rows].unsqueeze(1)).mean()


EXERCISE = Spec(
    name="autoencoders/two_headed",
    function="two_headed_loss",
    use=Use(probe="two_headed_loss"),
    parameters=("drawn", "images", "logits", "labels", "weight"),
    returns=("loss", "grad_drawn", "grad_logits"),
    title="One loss for two heads",
    why="Every image can be drawn, few have a name. One loss lets the body learn from both.",
    minutes=15,
    difficulty=3,
    weights={"inputs unmutated": 0.5, "values": 2.5, "edge cases": 1.0},
    reference=two_headed_loss,
    ours=two_headed_with_mask,
    rounding=two_headed_rounding,
    cases=two_headed_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "the digit 0 counts as unknown",
            "You leave out images of class 0. Unknown is -1: `labels >= 0` are known.",
            _zero_counts_as_unknown,
        ),
        Misconception(
            "unknown counts as 0",
            "Images without a label teach yours that they are zeros. Let only rows with `labels >= 0` into the "
            "cross-entropy.",
            _unknown_counts_as_zero,
        ),
        Misconception(
            "unknown counts as the last class",
            "A label of -1 picks the last class, as any index of -1 does. Let only rows with `labels >= 0` into the "
            "cross-entropy.",
            _unknown_counts_as_the_last,
        ),
        Misconception(
            "divided by all images",
            "The cross-entropy is a mean over the images whose label is known. You divide by all, so the fewer labels a "
            "batch has, the less they count.",
            _divides_by_all,
        ),
        Misconception(
            "not divided",
            "You add up the cross-entropies of the images with a label. Take their mean, so that a batch with many does "
            "not take a larger step.",
            _not_divided,
        ),
        Misconception(
            "nan without labels",
            "Right as long as there is a label. In a batch without any you divide 0 by 0: there the second part is 0.",
            _nan_without_labels,
        ),
        Misconception(
            "forgets the weight", "The weight is missing: it multiplies the squared error.", _forgets_the_weight),
        Misconception(
            "weight on the other part",
            "You multiply the cross-entropy by the weight. It belongs to the squared error.",
            _weight_on_the_other,
        ),
        Misconception(
            "weight on both",
            "You multiply the whole loss by the weight. That changes the step, not the balance: it belongs to the "
            "squared error alone.",
            _weight_on_both,
        ),
        Misconception(
            "weights that add up to 1",
            "You give the cross-entropy the weight 1 - weight. It counts once; only the squared error has a weight.",
            _weights_that_add_up,
        ),
        Misconception(
            "sum of squares",
            "You add up the squared errors of all pixels of the batch. Take their mean.",
            _sum_of_squares,
        ),
        Misconception(
            "squares of an image",
            "You add up the squared errors of an image's pixels. Take the mean over all pixels of all images.",
            _squares_of_an_image,
        ),
        Misconception(
            "draws only what is known",
            "Only images with a label count in your squared error. Drawing needs no label: let all of them in.",
            _draws_what_is_known,
        ),
        Misconception(
            "drawing learns nothing",
            "The loss is right, but the head that draws gets no gradient: `item()` or `detach` ended the graph there.",
            _drawing_learns_nothing,
        ),
        Misconception(
            "naming learns nothing",
            "The loss is right, but the head that names gets no gradient: `item()` or `detach` ended the graph there.",
            _naming_learns_nothing,
        ),
        Misconception(
            "-1 as a class",
            "-1 says that nobody knows the class; there is no logit for it. Let only rows with `labels >= 0` into the "
            "cross-entropy.",
            _minus_one_as_a_class,
        ),
        Misconception(
            "draws only what is unknown",
            "Only images without a label count in your squared error, and it is nan where all have one. An image with "
            "a label can be drawn, too: let all of them in.",
            _draws_what_is_unknown,
        ),
        Misconception(
            "root of the error",
            "You take the root of the mean squared error, which changes how it weighs against the naming. Leave it "
            "squared: `F.mse_loss(drawn, images)`.",
            _root_of_the_error,
        ),
        Misconception(
            "absolute error",
            "You take the mean of the differences' sizes. Asked for is that of their squares, `F.mse_loss`, which "
            "minds a few large ones more.",
            _absolute_error,
        ),
        Misconception(
            "softmax twice",
            "`F.cross_entropy` takes logits and makes the softmax itself. After a second one all classes are nearly "
            "alike, however sure the network is.",
            _softmax_twice,
        ),
        Misconception(
            "forgets to draw",
            "Only the naming is in your loss, so the head that draws never learns: add weight * mean squared error.",
            _forgets_to_draw,
        ),
        Misconception(
            "nothing without labels",
            "Right as long as there is a label. In a batch without any yours is 0, though its images can be drawn: "
            "only the second part is 0 then.",
            _nothing_without_labels,
        ),
        Misconception(
            "all or nothing",
            "One unknown label, and yours gives up all the known ones of the batch. Pick the rows with `labels >= 0`.",
            _all_or_nothing,
        ),
        Misconception(
            "logits of zero",
            "Rows whose logits you set to 0 are still counted: each costs the logarithm of the number of classes, and "
            "the mean divides by them, too. Pick the known rows: `logits[known]`.",
            _logits_of_zero,
        ),
        Misconception(
            "a pair",
            "Both losses come back apart. `backward` begins at one number: add them.",
            _a_pair,
        ),
        Misconception(
            "names what is unknown",
            "You picked the rows whose label is *not* known. Turn it round: `labels >= 0`.",
            _names_what_is_unknown,
        ),
        Misconception(
            "all logits",
            "You picked the known labels, but not their logits: both are to be for the same images, `logits[known]`.",
            _all_logits,
        ),
        Misconception(
            "logits for logarithms",
            "`F.nll_loss` takes logarithms of probabilities, and yours are logits. `F.cross_entropy` makes the one of "
            "the other first.",
            _logits_for_logarithms,
        ),
        Misconception(
            "mean of both",
            "You take the mean of both losses. Asked for is their sum; `weight` alone says how they are balanced.",
            _mean_of_both,
        ),
        Misconception(
            "not squared",
            "Your differences are not squared, so too dark here and too light there cancel: `F.mse_loss(drawn, "
            "images)`.",
            _not_squared,
        ),
        Misconception(
            "asks all labels at once",
            "`if labels >= 0` asks of many labels at once, and there is no one answer. Pick rows with `labels >= 0`, "
            "and ask whether there are `any()`.",
            _asks_all_at_once,
        ),
        Misconception(
            "no weight without labels",
            "Right as long as there is a label. In a batch without any yours forgets the weight.",
            _no_weight_without_labels,
        ),
        Misconception(
            "rewards what is right",
            "The sign of the naming has turned round: a network that names wrongly should pay, not gain. A "
            "cross-entropy is minus a logarithm.",
            _rewards_what_is_right,
        ),
        Misconception(
            "half the square",
            "Your squared error is half of what it should be. Take the mean as it is, without ½.",
            _half_the_square,
        ),
    ),
    half_right=(_naming_apart,),
    honest=(
        two_headed_with_mask,
        two_headed_with_zeros,
        two_headed_with_ignore_index,
        two_headed_row_by_row,
        two_headed_by_places,
    ),
    hints=(
        "Two losses, two kinds of images: drawing is judged on all of them, naming on those with a label. `labels >= 0` "
        "tells which.",
        "`F.mse_loss(drawn, images)` and `F.cross_entropy(logits[known], labels[known])`, the first times `weight`. "
        "What if nothing is known?",
        "`known = labels >= 0`; add the cross-entropy only `if known.any()`.",
    ),
)
