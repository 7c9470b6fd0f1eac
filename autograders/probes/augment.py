"""Uses a class `Augment`: looks at its training images, then prepares others, with random changes and without."""

import numpy as np


def probe(answer, training, images, reach, seed):
    """(images as they are, changed at random, changed once more, changed again from the same seed).

    training: (N, channels, height, width); images: (n, channels, height, width), and so is each result; reach: the
    largest shift in pixels; seed: of the numpy Generator given.
    """
    augment, rng = answer(training, reach), np.random.default_rng(seed)
    plain = augment(images)
    changed, again = augment(images, rng), augment(images, rng)
    return plain, changed, again, augment(images, np.random.default_rng(seed))
