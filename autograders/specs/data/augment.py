"""Augment(training, reach): normalise images as the training set says, then flip and shift each at random."""

import sys

import numpy as np

from autograders.spec import EDGE, ORDINARY, Absolute, Case, Misconception, Spec, Use
from autograders.specs.common import SINGLE

IMAGES = 400  # of whose changes statistics are taken


def augment_cases(rng):
    """Channels that differ in mean and spread; images whose statistics are not the training set's."""
    yield _case(rng, 1, 1, "a single channel, shifts by up to 1")
    yield _case(rng, 3, 1, "three channels, shifts by up to 1")
    yield _case(rng, 2, 2, "two channels, shifts by up to 2")
    yield _case(rng, 2, 0, "reach 0: nothing is shifted", EDGE)
    yield _case(rng, 1, 1, "images that are higher than wide", EDGE, width=4)
    yield _case(rng, 1, 1, "a training set of one image", EDGE, training=1)


def _case(rng, channels, reach, group, stage=ORDINARY, width=6, training=8):
    spread, mean = rng.uniform(0.5, 2.0, (channels, 1, 1)), rng.uniform(1.0, 2.0, (channels, 1, 1))
    train = rng.standard_normal((training, channels, 6, width)) * spread + mean
    images = rng.standard_normal((IMAGES, channels, 6, width)) * spread * 1.5 + mean - 1.0
    return Case((train.astype(SINGLE), images.astype(SINGLE), reach, int(rng.integers(2**31))), group, stage)


def augment_facts(case, plain, changed, again, same):
    """What is true of any right answer, though no two change the same images in the same way."""
    training, images, reach, _ = case.arguments
    count = 2 * reach + 1
    whole = [plain, changed, again, same]
    if not all(each.shape == images.shape and np.isfinite(each).all() for each in whole):
        return np.full(images.shape, np.nan), np.nan, np.nan, np.full((2, count), np.nan), np.full(4, np.nan)
    plain, changed, again, same = (each.astype(np.float64) for each in whole)
    expected, allowed = _normalised(training, images)
    flips, downs, rights = _recognised(expected, changed, reach, allowed)
    known = flips >= 0
    shares = [[np.mean(shift == each) for each in range(-reach, reach + 1)] for shift in (downs, rights)]
    pairs = np.stack([flips, downs, rights])
    repeats = [np.all(pairs[:, :-1:2] == pairs[:, 1::2], axis=0).mean(), _alike(changed, again), _alike(changed, same)]
    repeats.append(np.mean((downs == rights) & known))
    return plain, np.mean(known), np.mean(flips == 1), np.array(shares), np.array(repeats)


def _alike(one, other):
    """The part of images that are the same in both."""
    return np.mean(np.all(one == other, axis=(1, 2, 3)))


def _normalised(training, images):
    """The right images in float64, and how far off an honest answer in float32 may be, number by number.

    With n numbers to a channel and u = eps / 2 of float32: a sum in any order is off by at most n u of the sum of
    sizes, so the mean by n u mean|x|. A variance, even as mean(x^2) - mean(x)^2, is off by at most (n + 4) u times
    2 mean(x^2), and the deviation s by half of that over s; from the mean's own error, when it is subtracted first,
    comes less. (x - m) / s takes over the mean's error over s and the deviation's relative error times itself, and
    adds two roundings of its own. All of it is granted twice.
    """
    x = training.astype(np.float64)
    n, u = x[:, 0].size, np.finfo(SINGLE).eps / 2
    mean, deviation = x.mean((0, 2, 3))[:, None, None], x.std((0, 2, 3))[:, None, None]
    of_mean = n * u * np.abs(x).mean((0, 2, 3))[:, None, None]
    of_deviation = (n + 4) * u * (x * x).mean((0, 2, 3))[:, None, None] / deviation**2
    normalised = (images.astype(np.float64) - mean) / deviation
    own = 2 * u * (np.abs(images) + np.abs(mean)) / deviation
    return normalised, 2 * (of_mean / deviation + np.abs(normalised) * of_deviation + own)


def _recognised(normalised, changed, reach, allowed):
    """(flipped 0 or 1, pixels down, pixels right) of each image; -1, 99, 99 where no permitted change explains it."""
    flips, downs, rights = np.full(len(changed), -1), np.full(len(changed), 99), np.full(len(changed), 99)
    row, column = changed.shape[2] // 2, changed.shape[3] // 2  # one pixel rules out most changes, and is quick to see
    for flip in (0, 1):
        sources = [np.flip(each, 3) if flip else each for each in (normalised, allowed)]
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                near = np.abs(changed[:, 0, row, column] - sources[0][:, 0, row - down, column - right])
                likely = np.flatnonzero((flips < 0) & (near <= sources[1][:, 0, row - down, column - right]))
                moved, slack = (_moved(each[likely], down, right) for each in sources)
                fits = likely[np.all(np.abs(changed[likely] - moved) <= slack, axis=(1, 2, 3))]
                flips[fits], downs[fits], rights[fits] = flip, down, right
    return flips, downs, rights


def _moved(images, down, right):
    """The images moved by so many pixels, with zeros where nothing came from."""
    moved = np.zeros_like(images)
    height, width = images.shape[2:]
    to = [slice(max(shift, 0), size + min(shift, 0)) for shift, size in ((down, height), (right, width))]
    of = [slice(max(-shift, 0), size + min(-shift, 0)) for shift, size in ((down, height), (right, width))]
    moved[:, :, to[0], to[1]] = images[:, :, of[0], of[1]]
    return moved


def augment_allowances(training, images, reach, seed):
    """Rounding for the normalised images, six standard deviations for what is drawn, none for what is certain.

    Of n images a part with probability q has the variance q (1 - q) / n: half are flipped, and each of k = 2 reach + 1
    shifts gets 1 / k, down and right; in 1 / k both are alike. Two images, or one image twice, are changed alike with
    probability s = 1 / (2 k^2); there are n / 2 pairs of neighbours that do not overlap. The reference is a sample too,
    and the difference of two has twice the variance. Six standard deviations of a normal distribution are exceeded once
    in 5e8 numbers; for a part that is as small as s, whose distribution leans to the right, 1 / n times 36 is added.
    """
    n, k = len(images), 2 * reach + 1

    def six(q, count):
        return 6 * np.sqrt(2 * q * (1 - q) / count)

    alike = 1 / (2 * k * k)
    repeats = np.array([six(alike, n / 2) + 72 / n, six(alike, n) + 36 / n, 0.0, six(1 / k, n)])
    rounding = _normalised(training, images)[1]
    return (
        Absolute(rounding),
        Absolute(np.array(0.0)),
        Absolute(np.array(six(0.5, n))),
        Absolute(np.full((2, k), six(1 / k, n))),
        Absolute(repeats),
    )


class AugmentInALoop:
    """Image by image, in a padded frame. Most answers below are this one, changed."""

    def __init__(self, training, reach):
        self.mean, self.deviation = self.statistics(training)
        self.reach = reach

    def statistics(self, training):
        """Mean and standard deviation of each channel, (channels, 1, 1)."""
        axes = (0, 2, 3)
        return training.mean(axes)[:, None, None], training.std(axes)[:, None, None]

    def __call__(self, images, rng=None):
        images = (images - self.mean) / self.deviation
        return images if rng is None else np.stack([self.changed(image, rng) for image in images])

    def changed(self, image, rng):
        """One image, perhaps flipped, and shifted."""
        if rng.random() < 0.5:
            image = image[:, :, ::-1]
        down, right = self.drawn(rng)
        return self.shifted(image, down, right)

    def drawn(self, rng):
        """Two shifts."""
        return rng.integers(-self.reach, self.reach + 1, size=2)

    def shifted(self, image, down, right):
        """The image moved within a frame of zeros."""
        _, height, width = image.shape
        reach = self.reach
        framed = np.pad(image, ((0, 0), (reach, reach), (reach, reach)))
        return framed[:, reach - down : reach - down + height, reach - right : reach - right + width]


class _OfWhatComes(AugmentInALoop):
    def __call__(self, images, rng=None):
        self.mean, self.deviation = self.statistics(images)
        return super().__call__(images, rng)


class _OneForAllChannels(AugmentInALoop):
    def statistics(self, training):
        return training.mean(), training.std()


class _ByVariance(AugmentInALoop):
    def statistics(self, training):
        return super().statistics(training)[0], training.var((0, 2, 3))[:, None, None]


class _NotCentred(AugmentInALoop):
    def statistics(self, training):
        mean, deviation = super().statistics(training)
        return 0 * mean, deviation


class _OneDrawForAll(AugmentInALoop):
    def __call__(self, images, rng=None):
        if rng is None:
            return super().__call__(images)
        seed = int(rng.integers(2**31))
        images = super().__call__(images)
        return np.stack([self.changed(image, np.random.default_rng(seed)) for image in images])


class _RollsOver(AugmentInALoop):
    def shifted(self, image, down, right):
        return np.roll(image, (down, right), axis=(1, 2))


class _UpsideDown(AugmentInALoop):
    def changed(self, image, rng):
        if rng.random() < 0.5:
            image = image[:, ::-1]
        return self.shifted(image, *self.drawn(rng))


class _LastShiftMissing(AugmentInALoop):
    def drawn(self, rng):
        return rng.integers(-self.reach, max(self.reach, 1 - self.reach), size=2)


class _DownAndRightAlone(AugmentInALoop):
    def drawn(self, rng):
        return rng.integers(0, self.reach + 1, size=2)


class _AlwaysFlips(AugmentInALoop):
    def changed(self, image, rng):
        return self.shifted(image[:, :, ::-1], *self.drawn(rng))


class _NeverFlips(AugmentInALoop):
    def changed(self, image, rng):
        return self.shifted(image, *self.drawn(rng))


class _OwnNumbers(AugmentInALoop):
    def __call__(self, images, rng=None):
        return super().__call__(images, None if rng is None else np.random.default_rng())


class _PlainAlone(AugmentInALoop):
    def __call__(self, images, rng=None):
        return (images - self.mean) / self.deviation


class _NoFlipsAndOwnNumbers(_OwnNumbers):
    def changed(self, image, rng):
        return self.shifted(image, *self.drawn(rng))


class _NotScaled(AugmentInALoop):
    def statistics(self, training):
        mean, deviation = super().statistics(training)
        return mean, deviation**0


class _PixelByPixel(AugmentInALoop):
    def statistics(self, training):
        return training.mean(axis=0), training.std(axis=0)


class _MeetsTheColumns(AugmentInALoop):
    def statistics(self, training):
        return training.mean(axis=(0, 2, 3)), training.std(axis=(0, 2, 3))


class _OneShiftForBoth(AugmentInALoop):
    def drawn(self, rng):
        return [rng.integers(-self.reach, self.reach + 1)] * 2


class AugmentAtOnce(AugmentInALoop):
    """All images at once: which row and which column each pixel comes from, as an index."""

    def __call__(self, images, rng=None):
        images = (images - self.mean) / self.deviation
        if rng is None:
            return images
        n, channels, height, width = images.shape
        reach = self.reach
        framed = np.pad(images, ((0, 0), (0, 0), (reach, reach), (reach, reach)))
        down, right = rng.integers(0, 2 * reach + 1, (2, n, 1))
        rows, columns = down + np.arange(height), right + np.arange(width)
        flipped = rng.random(n) < 0.5
        columns[flipped] = columns[flipped, ::-1]
        return framed[np.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].transpose(0, 3, 1, 2)


class AugmentInDouble(AugmentInALoop):
    """Statistics and all else in float64, rounded once at the end; a word on stderr."""

    def __init__(self, training, reach):
        print("statistics of", len(training), "images", file=sys.stderr)
        super().__init__(training.astype(np.float64), reach)

    def __call__(self, images, rng=None):
        return super().__call__(images, rng).astype(images.dtype)


class AugmentByShifts(AugmentInALoop):
    """For each of the possible shifts, all images that drew it; no frame, but slices."""

    def __call__(self, images, rng=None):
        images = (images - self.mean) / self.deviation
        if rng is None:
            return images
        result, flips = np.zeros_like(images), rng.integers(2, size=len(images)).astype(bool)
        images[flips] = images[flips, :, :, ::-1]
        steps = range(-self.reach, self.reach + 1)
        downs, rights = rng.choice(steps, len(images)), rng.choice(steps, len(images))
        for down in steps:
            for right in steps:
                chosen = (downs == down) & (rights == right)
                result[chosen] = _moved(images[chosen], down, right)
        return result


class AugmentByRolling(AugmentInALoop):
    """Rolls the image over, and blanks what came in on the other side."""

    def shifted(self, image, down, right):
        """The image rolled over, without what rolled in."""
        image = np.roll(image, (down, right), axis=(1, 2))
        for axis, shift in ((1, down), (2, right)):
            lost = [slice(None)] * 3
            lost[axis] = slice(0, shift) if shift > 0 else slice(image.shape[axis] + shift, None)
            image[tuple(lost)] = 0
        return image


class AugmentFramedWithMean(AugmentInALoop):
    """Changes the raw images in a frame of the channels' means, and normalises afterwards, to the same effect."""

    def __call__(self, images, rng=None):
        centred = images - self.mean
        if rng is not None:
            centred = np.array([self.changed(image, rng) for image in centred])
        return centred / self.deviation


class AugmentWithOneFormula(AugmentInALoop):
    """The deviation as the root of mean(x^2) - mean(x)^2; the flip as a step of the slice."""

    def statistics(self, training):
        """In one pass over the data."""
        by_channel = training.swapaxes(0, 1).reshape(training.shape[1], -1)
        mean = by_channel.mean(1)
        return mean[:, None, None], np.sqrt((by_channel**2).mean(1) - mean**2)[:, None, None]

    def changed(self, image, rng):
        """One image, with a step of 1 or -1 through its columns."""
        return self.shifted(image[..., :: rng.choice([-1, 1])], *self.drawn(rng))


class AugmentScaleAndOffset:
    """x * scale + offset, worked out beforehand for each channel, in lists."""

    def __init__(self, training, reach):
        channels = [training[:, channel] for channel in range(training.shape[1])]
        self.scales = [1 / channel.std() for channel in channels]
        self.offsets = [-channel.mean() / channel.std() for channel in channels]
        self.reach = reach

    def __call__(self, images, rng=None):
        result = np.empty_like(images)
        for channel, (scale, offset) in enumerate(zip(self.scales, self.offsets)):
            result[:, channel] = images[:, channel] * scale + offset
        if rng is not None:
            for place, image in enumerate(result):
                image = np.flip(image, 2) if rng.integers(2) else image
                down, right = rng.integers(-self.reach, self.reach, 2, endpoint=True)
                result[place] = _moved(image.copy()[None], down, right)[0]
        return result


EXERCISE = Spec(
    name="data/augment",
    function="Augment",
    use=Use("class", probe="augment"),
    parameters=("training", "reach"),
    inputs=("training", "images", "reach", "seed"),
    returns=("plain", "changed", "changed_again", "same_seed"),
    measure=augment_facts,
    measured=(
        "images normalised, without an rng",
        "part of the images that a flip and a shift explain",
        "part of the images that are flipped",
        "part of the images for each shift: from up to down, and from left to right",
        "how often two are alike: neighbours, one image in two calls, the same seed; an image's two shifts",
    ),
    title="Normalise, flip and shift",
    why="A cat that looks the other way is still a cat: from each image you can make many, for nothing.",
    minutes=20,
    difficulty=3,
    weights={"inputs unmutated": 0.5, "values": 2.5, "edge cases": 1.0},
    ours=AugmentAtOnce,
    rounding=augment_allowances,
    cases=augment_cases,
    packages=("numpy", "engine"),
    withheld=(
        "engine.vision.transforms.transforms",
        "engine.vision.transforms.conversion.normalize",
        "engine.vision.transforms.geometry.hflip",
        "engine.vision.transforms.geometry.crop",
        "engine.vision.transforms.geometry.pad",
    ),
    shortcuts=(
        "from engine.vision.transforms import Compose as Augment",
        "import engine as torch\nfrom engine.vision import transforms\nclass Augment:\n"
        "    def __init__(self, training, reach):\n"
        "        self.mean, self.std = training.mean((0, 2, 3)), training.std((0, 2, 3))\n"
        "        self.flip = transforms.RandomHorizontalFlip()\n"
        "    def __call__(self, images, rng=None):\n"
        "        images = transforms.functional.normalize(torch.tensor(images), self.mean, self.std)\n"
        "        return images.numpy()\n",
        "from torchvision import transforms\nAugment = transforms.RandomCrop\n",
    ),
    misconceptions=(
        Misconception(
            "statistics of what comes",
            "You normalise each batch with its own mean and deviation. Take those of the training set, in `__init__`, "
            "and use them for ever: otherwise the same image looks different in another batch, and the test set helps "
            "to prepare itself.",
            _OfWhatComes,
        ),
        Misconception(
            "one for all channels",
            "You take one mean and one deviation for all channels. Each channel has its own: leave axis 1 out of the "
            "axes that you average over.",
            _OneForAllChannels,
        ),
        Misconception(
            "divided by the variance",
            "You divide by the variance. Its square root, the standard deviation, has the units of the image.",
            _ByVariance,
        ),
        Misconception(
            "not centred",
            "You divide by the deviation, but the mean is still there: subtract it first.",
            _NotCentred,
        ),
        Misconception(
            "one draw for the batch",
            "All images of a batch are changed in the same way. Draw for each image by itself.",
            _OneDrawForAll,
        ),
        Misconception(
            "border not zero",
            "What comes in at the border should be 0, the mean of the normalised images. `np.roll` brings in what left "
            "on the other side; and a frame of zeros that is there before you normalise becomes -mean / deviation.",
            _RollsOver,
        ),
        Misconception(
            "upside down",
            "You flip the rows, which turns an image upside down. Left and right are the last axis.",
            _UpsideDown,
        ),
        Misconception(
            "the last shift missing",
            "The shift by `+reach` never comes: `rng.integers(low, high)` leaves `high` out.",
            _LastShiftMissing,
        ),
        Misconception(
            "down and right alone",
            "Your shifts go down and to the right, never up or to the left: begin at `-reach`.",
            _DownAndRightAlone,
        ),
        Misconception(
            "always flipped",
            "Every image is flipped. Flip each with chance 1/2: `if rng.random() < 0.5`.",
            _AlwaysFlips,
        ),
        Misconception(
            "never flipped",
            "No image is flipped. Flip each with chance 1/2: `if rng.random() < 0.5`.",
            _NeverFlips,
        ),
        Misconception(
            "random numbers of its own",
            "The same seed should give the same images. Take all random numbers from the `rng` that was given.",
            _OwnNumbers,
        ),
        Misconception(
            "never changed",
            "The images are normalised, and with an `rng` nothing more happens: flip and shift them there.",
            _PlainAlone,
        ),
        Misconception(
            "not scaled",
            "The means are gone, but every channel keeps its spread: divide by the standard deviation of the training "
            "images.",
            _NotScaled,
        ),
        Misconception(
            "pixel by pixel",
            "You take a mean and a deviation for each pixel. A channel has one of each: average over the images, the "
            "rows and the columns, `axis=(0, 2, 3)`.",
            _PixelByPixel,
        ),
        Misconception(
            "meets the columns",
            "`mean(axis=(0, 2, 3))` has shape (channels,), which meets the last axis, the columns. `keepdims=True` "
            "makes it (1, channels, 1, 1).",
            _MeetsTheColumns,
        ),
        Misconception(
            "one shift for both",
            "You draw one shift, and use it downwards and to the right: images move along the diagonal only. Draw two.",
            _OneShiftForBoth,
        ),
    ),
    half_right=(_NoFlipsAndOwnNumbers,),
    honest=(
        AugmentInALoop,
        AugmentAtOnce,
        AugmentInDouble,
        AugmentByShifts,
        AugmentByRolling,
        AugmentFramedWithMean,
        AugmentWithOneFormula,
        AugmentScaleAndOffset,
    ),
    hints=(
        "Normalising: `training.mean(axis=(0, 2, 3))` has one number for each channel; `[:, None, None]` makes it fit "
        "the images. Do it in `__init__`, and the deviation likewise.",
        "Shifting: `np.pad(image, ((0, 0), (reach, reach), (reach, reach)))` puts a frame of zeros around a normalised "
        "image. From it, cut a window of the image's own size, which begins `reach - down` from the top.",
        "For each image: `if rng.random() < 0.5: image = image[:, :, ::-1]`; `down, right = rng.integers(-reach, reach "
        "+ 1, size=2)`; `framed[:, reach - down : reach - down + height, reach - right : reach - right + width]`.",
    ),
)
