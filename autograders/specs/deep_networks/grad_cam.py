"""grad_cam(features, head, x, labels): where in an image a network found what speaks for a class."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def grad_cam_reference(x, mixture, weight, labels, is_training):
    """The maps for the probe's network, by the formula."""
    features = np.einsum("ci,nihw->nchw", mixture, x)
    importance = (features * weight[labels]).mean(axis=(2, 3), keepdims=True)
    return np.maximum((importance * features).sum(axis=1), 0)


def grad_cam_rounding(x, mixture, weight, labels, is_training):
    """How much rounding the maps may show, in units of eps.

    Before the ReLU, which enlarges no error, a map is a polynomial of the arguments. Each of its terms is off by at
    most eps / 2 of its size for every operation that it went through: three times the products and sums of `mixture`,
    the mean over the places, the sum over the channels, and a dozen more for products, halves and squares. Counting
    eps for eps / 2 doubles the bound.
    """
    maps = grad_cam_reference(np.abs(x), np.abs(mixture), np.abs(weight), labels, is_training)
    channels, inputs = mixture.shape
    operations = 3 * inputs + x.shape[2] * x.shape[3] + channels + 12
    return operations * maps


def grad_cam_cases(rng):
    """Images, the two parts' weights, a label for each image, and whether a training is under way."""
    one, batch, more = "one image", "a batch", "more channels and classes"
    for n, inputs, channels, classes, size, dtype, group in [
        (1, 1, 2, 2, (2, 2), SINGLE, one),
        (1, 2, 2, 3, (2, 3), DOUBLE, one),
        (2, 1, 2, 2, (2, 2), SINGLE, batch),
        (3, 2, 2, 3, (3, 2), DOUBLE, batch),
        (2, 2, 4, 5, (3, 3), SINGLE, more),
        (3, 3, 5, 4, (2, 4), DOUBLE, more),
    ]:
        yield _case(rng, n, inputs, channels, classes, size, dtype, group)
    yield _case(rng, 2, 1, 1, 2, (2, 2), SINGLE, "a single channel", EDGE)
    yield _case(rng, 1, 2, 3, 2, (1, 1), SINGLE, "a single place", EDGE)
    yield _case(rng, 3, 1, 2, 1, (2, 2), SINGLE, "a single class", EDGE)
    yield _case(rng, 2, 2, 2, 2, (2, 2), SINGLE, "in the midst of training", EDGE, is_training=True)


def _case(rng, n, inputs, channels, classes, size, dtype, *where, is_training=False):
    """Drawn again until in every map something speaks for the class, and somewhere something against it."""
    while True:
        x, mixture = normal(rng, (n, inputs, *size), dtype), normal(rng, (channels, inputs), dtype)
        weight = normal(rng, (classes, channels, *size), dtype)
        labels = rng.permutation(np.arange(n) % classes)
        features = np.einsum("ci,nihw->nchw", mixture, x)
        importance = (features * weight[labels]).mean(axis=(2, 3), keepdims=True)
        summed = (importance * features).sum(axis=1)
        is_single = size == (1, 1) or channels == 1
        if (summed.max(axis=(1, 2)) > 0.1).all() and (is_single or (summed < -0.1).any()):
            return Case((x, mixture, weight, labels, is_training), *where)


def _parts(features, head, x, labels, score=None):
    """(features, their gradient): of the label's score, or of `score(scores, labels)`."""
    found = features(x)
    scores = head(found)
    total = scores[torch.arange(len(x)), labels].sum() if score is None else score(scores, labels)
    (gradient,) = torch.autograd.grad(total, found)
    return found.detach(), gradient


def _map(found, importance):
    return torch.relu((importance * found).sum(1))


def _mean(gradient):
    return gradient.mean((2, 3), keepdim=True)


def grad_cam_plainly(features, head, x, labels):
    """Features, scores, gradient, means, sum, ReLU."""
    found, gradient = _parts(features, head, x, labels)
    return _map(found, _mean(gradient))


def _of_score(score):
    """An answer that differentiates `score(scores, labels)`."""

    def grad_cam(features, head, x, labels):
        found, gradient = _parts(features, head, x, labels, score)
        return _map(found, _mean(gradient))

    return grad_cam


def _rows(scores):
    return torch.arange(len(scores))


_of_all_pairs = _of_score(lambda scores, labels: scores[:, labels].sum())
_of_the_winner = _of_score(lambda scores, labels: scores.max(1).values.sum())
_of_all_scores = _of_score(lambda scores, labels: scores.sum())
_of_the_first_label = _of_score(lambda scores, labels: scores[:, labels[0]].sum())
_of_probabilities = _of_score(lambda scores, labels: scores.softmax(1)[_rows(scores), labels].sum())
_of_the_loss = _of_score(lambda scores, labels: torch.nn.functional.cross_entropy(scores, labels))
_of_the_mean = _of_score(lambda scores, labels: scores[_rows(scores), labels].mean())


def _without_relu(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return (_mean(gradient) * found).sum(1)


def _absolute(features, head, x, labels):
    return _without_relu(features, head, x, labels).abs()


def _summed_gradients(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(found, gradient.sum((2, 3), keepdim=True))


def _mean_of_the_channels(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return torch.relu((_mean(gradient) * found).mean(1))


def _place_by_place(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(found, gradient)


def _relu_first(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return torch.relu(_mean(gradient) * found).sum(1)


def _relu_of_the_means(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(found, torch.relu(_mean(gradient)))


def _means_of_the_features(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(gradient, _mean(found))


def _only_features(features, head, x, labels):
    found, _ = _parts(features, head, x, labels)
    return torch.relu(found.sum(1))


def _only_gradients(features, head, x, labels):
    _, gradient = _parts(features, head, x, labels)
    return torch.relu(gradient.sum(1))


def _over_the_batch(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(found, gradient.mean((0, 2, 3), keepdim=True))


def _scaled_to_one(features, head, x, labels):
    maps = grad_cam_plainly(features, head, x, labels)
    return maps / maps.amax((1, 2), keepdim=True)


def _leaves_gradients(features, head, x, labels):
    found = features(x)
    found.retain_grad()
    head(found)[torch.arange(len(x)), labels].sum().backward()
    return _map(found, _mean(found.grad))


def _zeroes_gradients(features, head, x, labels):
    maps = _leaves_gradients(features, head, x, labels).detach()
    features.zero_grad()
    head.zero_grad()
    return maps


_of_log_probabilities = _of_score(lambda scores, labels: scores.log_softmax(1)[_rows(scores), labels].sum())
_of_one_image = _of_score(lambda scores, labels: scores[0, labels[0]])
_of_many_numbers = _of_score(lambda scores, labels: scores[_rows(scores), labels])
_of_rows_and_columns_exchanged = _of_score(lambda scores, labels: scores[labels, _rows(scores)].sum())


def _keeps_the_graph(features, head, x, labels):
    found = features(x)
    (gradient,) = torch.autograd.grad(head(found)[_rows(x), labels].sum(), found)
    return _map(found, _mean(gradient))


def _means_over_channels(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(found, gradient.mean(1, keepdim=True))


def _without_keepdim(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return _map(found, gradient.mean((2, 3)))


def _adds_up_images(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return torch.relu((_mean(gradient) * found).sum(0))


def _keeps_the_channels_axis(features, head, x, labels):
    found, gradient = _parts(features, head, x, labels)
    return torch.relu((_mean(gradient) * found).sum(1, keepdim=True))


def _not_unpacked(features, head, x, labels):
    found = features(x)
    gradient = torch.autograd.grad(head(found)[_rows(x), labels].sum(), found)
    return _map(found, gradient.mean((2, 3), keepdim=True))


def _gradient_not_retained(features, head, x, labels):
    found = features(x)
    head(found)[_rows(x), labels].sum().backward()
    return _map(found, found.grad.mean((2, 3), keepdim=True))


def _not_recorded(features, head, x, labels):
    with torch.no_grad():
        found = features(x)
    (gradient,) = torch.autograd.grad(head(found)[_rows(x), labels].sum(), found)
    return _map(found, _mean(gradient))


def _features_twice(features, head, x, labels):
    found = features(x)
    (gradient,) = torch.autograd.grad(head(features(x))[_rows(x), labels].sum(), found)
    return _map(found, _mean(gradient))


def _weighed_by_themselves(features, head, x, labels):
    found, _ = _parts(features, head, x, labels)
    return _map(found, _mean(found))


def _relu_of_the_features(features, head, x, labels):
    found = torch.relu(features(x))
    (gradient,) = torch.autograd.grad(head(found)[_rows(x), labels].sum(), found)
    return _map(found.detach(), _mean(gradient))


def _as_large_as_the_images(features, head, x, labels):
    maps = grad_cam_plainly(features, head, x, labels)
    return torch.nn.functional.interpolate(maps[:, None], size=x.shape[-1], mode="bilinear")[:, 0]


def _of_the_images(features, head, x, labels):
    images = x.clone().requires_grad_()
    found = features(images)
    (gradient,) = torch.autograd.grad(head(found)[_rows(x), labels].sum(), images)
    return _map(found, _mean(gradient))


def _head_of_the_images(features, head, x, labels):
    found = features(x)
    (gradient,) = torch.autograd.grad(head(x)[_rows(x), labels].sum(), found)
    return _map(found, _mean(gradient))


def _few_channels_several_classes(features, head, x, labels):
    """Half: right for one or two channels and more than one class, and leaves gradients behind."""
    found = features(x)
    if found.shape[1] > 2 or head(found).shape[1] == 1:
        return torch.zeros(len(x), *found.shape[2:], dtype=x.dtype)
    return _leaves_gradients(features, head, x, labels)


def grad_cam_image_by_image(features, head, x, labels):
    """A loop over the images, each with its own graph; warns on stderr."""
    maps = []
    for image, label in zip(x, labels.tolist()):
        found = features(image[None])
        (gradient,) = torch.autograd.grad(head(found)[0, label], found)
        weights = gradient[0].mean((1, 2))
        maps.append(torch.einsum("c,chw->hw", weights, found[0]).clamp(min=0).detach())
        print("label", label, file=sys.stderr)
    return torch.stack(maps)


def grad_cam_with_gather(features, head, x, labels):
    """A leaf in the middle, so that nothing goes further back, and gather for the scores."""
    with torch.no_grad():
        found = features(x)
    leaf = found.detach().requires_grad_()
    scores = head(leaf).gather(1, labels[:, None])
    (gradient,) = torch.autograd.grad(scores.sum(), leaf)
    weights = gradient.flatten(2).mean(2)
    maps = torch.einsum("nc,nchw->nhw", weights, found)
    return torch.where(maps > 0, maps, torch.zeros_like(maps))


def grad_cam_with_a_hook(features, head, x, labels):
    """Forward hook for the features; the gradient of chosen scores with a one-hot vector."""
    kept = []
    handle = features.register_forward_hook(lambda module, arguments, output: kept.append(output))
    scores = head(features(x))
    handle.remove()
    chosen = torch.nn.functional.one_hot(labels, scores.shape[1]).to(scores.dtype)
    (gradient,) = torch.autograd.grad(scores, kept[0], grad_outputs=chosen)
    return torch.relu((gradient.mean((-2, -1), keepdim=True) * kept[0].detach()).sum(1))


EXERCISE = Spec(
    name="deep_networks/grad_cam",
    function="grad_cam",
    use=Use(probe="grad_cam"),
    parameters=("features", "head", "x", "labels"),
    inputs=("x", "mixture", "weight", "labels", "is_training"),
    returns=("maps",),
    title="Draw what speaks for a class",
    why="A network that is right for the wrong reason will be wrong tomorrow. These maps show its reasons.",
    minutes=20,
    difficulty=3,
    weights=WEIGHTS,
    reference=grad_cam_reference,
    ours=grad_cam_plainly,
    rounding=grad_cam_rounding,
    cases=grad_cam_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "all pairs",
            "`scores[:, labels]` takes the labels of all images for each image. Pair rows and labels: "
            "`scores[torch.arange(N), labels]`.",
            _of_all_pairs,
        ),
        Misconception(
            "the winner",
            "You differentiate the largest score. The question is about the class in `labels`, which need not be the "
            "one that won.",
            _of_the_winner,
        ),
        Misconception(
            "all scores",
            "You differentiate the sum of all scores. Only the score of each image's label is asked about.",
            _of_all_scores,
        ),
        Misconception(
            "the first label",
            "Every image is asked about the first label. Each has its own.",
            _of_the_first_label,
        ),
        Misconception(
            "probabilities",
            "You differentiate the probability after softmax, which falls as other classes rise. Grad-CAM asks about "
            "the score itself, the logit.",
            _of_probabilities,
        ),
        Misconception(
            "the loss",
            "You differentiate the loss, which falls where the score rises, and flattens out where the network is "
            "sure. Differentiate the score of the label.",
            _of_the_loss,
        ),
        Misconception(
            "mean over the batch",
            "You take the mean of the scores, so every gradient is N times too small. Sum them: no image's score "
            "depends on another image.",
            _of_the_mean,
        ),
        Misconception(
            "no ReLU",
            "The sums are right. What speaks against the class is left out: end with a ReLU.",
            _without_relu,
        ),
        Misconception(
            "absolute",
            "You take absolute values, so what speaks against the class looks like what speaks for it. It is a ReLU.",
            _absolute,
        ),
        Misconception(
            "summed gradients",
            "A channel's weight is the mean of its gradient over the places, not the sum, which grows with the size of "
            "the features.",
            _summed_gradients,
        ),
        Misconception(
            "mean of the channels",
            "The weighted channels are added up; you take their mean, so the more channels, the weaker the map.",
            _mean_of_the_channels,
        ),
        Misconception(
            "place by place",
            "You multiply features and gradient place by place. In Grad-CAM a channel has one weight, the mean of its "
            "gradient over all places.",
            _place_by_place,
        ),
        Misconception(
            "ReLU first",
            "The ReLU comes too early: channels that speak against the class should be able to cancel others. First "
            "add up, then ReLU.",
            _relu_first,
        ),
        Misconception(
            "ReLU of the means",
            "You drop the channels with negative weights. They count too, against the class: the ReLU comes after the "
            "sum over the channels.",
            _relu_of_the_means,
        ),
        Misconception(
            "the two exchanged",
            "Features and gradient have changed places: the mean is that of the gradient, and it weighs the features.",
            _means_of_the_features,
        ),
        Misconception(
            "only the features",
            "You add up the features without weights: that shows where something is, whatever class it speaks for.",
            _only_features,
        ),
        Misconception(
            "only the gradient",
            "You add up the gradient. It says what each channel is worth; what is found where is in the features.",
            _only_gradients,
        ),
        Misconception(
            "over the batch",
            "You average the gradient over the images too. Each image has its own weights: `mean((2, 3))`.",
            _over_the_batch,
        ),
        Misconception(
            "scaled to one",
            "You divide each map by its largest number. That is for the picture; here the map itself is asked for.",
            _scaled_to_one,
        ),
        Misconception(
            "leaves gradients",
            "The maps are right, but `backward()` left gradients in every parameter, and the next step of training "
            "would add to them. `torch.autograd.grad(scores, features)` asks for this one alone.",
            _leaves_gradients,
        ),
        Misconception(
            "zeroes gradients",
            "The maps are right, but the gradients that were in the parameters are gone, and a training under way "
            "would have needed them. `torch.autograd.grad(scores, features)` touches none.",
            _zeroes_gradients,
        ),
        Misconception(
            "log-probabilities",
            "You differentiate the log-probability, which falls as other classes rise, and hardly moves where the "
            "network is sure. Grad-CAM asks about the score itself, the logit.",
            _of_log_probabilities,
        ),
        Misconception(
            "one image",
            "You differentiate the first image's score, and it depends on no other image: all other gradients are 0. "
            "Sum the scores of all.",
            _of_one_image,
        ),
        Misconception(
            "many numbers",
            "What is differentiated has to be one number. No image's score depends on another image, so the sum of "
            "their scores will do.",
            _of_many_numbers,
        ),
        Misconception(
            "rows and columns exchanged",
            "Rows and columns have changed places: in `scores` an image is a row and a class a column, "
            "`scores[torch.arange(N), labels]`.",
            _of_rows_and_columns_exchanged,
        ),
        Misconception(
            "keeps the graph",
            "The maps are right, but they still have their graph, and with it hold on to all that the network "
            "computed. `detach()` lets go of it.",
            _keeps_the_graph,
        ),
        Misconception(
            "means over the channels",
            "You take the mean over the channels. Each channel has one weight, so the mean is over the places, "
            "`mean((2, 3), keepdim=True)`.",
            _means_over_channels,
        ),
        Misconception(
            "no keepdim",
            "Weights of shape (N, C) do not line up with features (N, C, H, W), from the last axis on. `keepdim=True` "
            "makes them (N, C, 1, 1).",
            _without_keepdim,
        ),
        Misconception(
            "adds up the images",
            "`sum(0)` adds up the images. The channels are axis 1.",
            _adds_up_images,
        ),
        Misconception(
            "keeps the channels' axis",
            "The numbers are there, with an axis of size 1 too many: a sum over the channels without `keepdim`.",
            _keeps_the_channels_axis,
        ),
        Misconception(
            "not unpacked",
            "`torch.autograd.grad` returns a tuple, here of one: take its first, `[0]`.",
            _not_unpacked,
        ),
        Misconception(
            "gradient not retained",
            "The features are no leaf of the graph, so `backward()` leaves no gradient with them (and one in every "
            "parameter). `torch.autograd.grad(total, features)` hands it over.",
            _gradient_not_retained,
        ),
        Misconception(
            "not recorded",
            "What you differentiate with respect to has no graph: features made under `no_grad` or detached, or the "
            "images, which nobody asked to be recorded. Take `features(x)` as it comes, and detach at the end.",
            _not_recorded,
        ),
        Misconception(
            "features twice",
            "The score was not computed from these features: the head has to get the very tensor that is "
            "differentiated by. Call `features(x)` once, and keep it.",
            _features_twice,
        ),
        Misconception(
            "weighed by themselves",
            "The weights are means of the features: that shows where much is found, whatever class it speaks for. "
            "Take the gradient's means.",
            _weighed_by_themselves,
        ),
        Misconception(
            "ReLU of the features",
            "You take a ReLU of the features. They are used as they come; the ReLU is at the end, after the sum.",
            _relu_of_the_features,
        ),
        Misconception(
            "as large as the images",
            "You enlarge the maps. That is for the picture; here a map has the size of the features.",
            _as_large_as_the_images,
        ),
        Misconception(
            "with respect to the images",
            "You differentiate with respect to the images. A channel's worth is in the gradient with respect to the "
            "features.",
            _of_the_images,
        ),
        Misconception(
            "the head of the images",
            "The head gets the images. It continues where `features` ends: `head(features(x))`, in two steps, as the "
            "features are needed.",
            _head_of_the_images,
        ),
    ),
    half_right=(_few_channels_several_classes,),
    honest=(
        grad_cam_plainly,
        grad_cam_image_by_image,
        grad_cam_with_gather,
        grad_cam_with_a_hook,
    ),
    hints=(
        "`found = features(x)` is (N, C, H, W), `head(found)` gives a score for each class. Which numbers do you "
        "differentiate, and with respect to what?",
        "`scores[torch.arange(len(x)), labels].sum()`, and `torch.autograd.grad(that, found)`, which returns a tuple "
        "of one. Its mean over the places, `mean((2, 3), keepdim=True)`, weighs the channels.",
        "`torch.relu((weights * found).sum(1)).detach()`.",
    ),
)
