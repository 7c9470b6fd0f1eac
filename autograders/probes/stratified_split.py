"""Uses a function `stratified_split`: splits once, once more with the same seed, and once with another."""

import numpy as np


def probe(answer, labels, fraction, seed, other_seed):
    """(training indices, test indices, test indices from the same seed, test indices from the other seed).

    labels: (n,) integers; fraction: how much of each class goes to the test; seeds: of the numpy Generator given.
    """
    training, test = _split(answer, labels, fraction, seed)
    return training, test, _split(answer, labels, fraction, seed)[1], _split(answer, labels, fraction, other_seed)[1]


def _split(answer, labels, fraction, seed):
    parts = answer(labels, fraction, np.random.default_rng(seed))
    return parts if not isinstance(parts, (tuple, list)) else tuple(np.asarray(part) for part in parts)
