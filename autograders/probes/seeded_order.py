"""Uses a class `BalancedSampler`: goes through two epochs of it, and begins again with the same seed."""

import itertools

import numpy as np


def probe(answer, labels, num_samples, seed):
    """(order, order in the next epoch, order from the same seed once more, length of the sampler).

    labels: (n,) integers; num_samples: how many indices an epoch has; seed: of the numpy Generator that is given. An
    order is an integer array (num_samples,), or longer or shorter if the sampler's is.
    """
    sampler = answer(labels, num_samples, np.random.default_rng(seed))
    order, again = _epoch(sampler, num_samples), _epoch(sampler, num_samples)
    repeated = _epoch(answer(labels, num_samples, np.random.default_rng(seed)), num_samples)
    return order, again, repeated, np.array(len(sampler))


def _epoch(sampler, num_samples):
    """One epoch's indices, at most one more than there should be: a sampler may have no end."""
    return np.array([int(index) for index in itertools.islice(iter(sampler), num_samples + 1)], np.int64)
