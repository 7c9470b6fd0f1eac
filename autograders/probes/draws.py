"""Uses a function `sample`: draws many times, and once more from the same seed."""

import numpy as np


def probe(answer, logits, temperature, draws, seed):
    """(what was drawn, what was drawn after the same seed), two integer arrays (draws,).

    logits: (choices,); temperature: a number from 0; seed: of the numpy Generator that is given, one for all draws.
    """
    return _drawn(answer, logits, temperature, draws, seed), _drawn(answer, logits, temperature, draws, seed)


def _drawn(answer, logits, temperature, draws, seed):
    rng = np.random.default_rng(seed)
    return np.array([int(answer(logits, temperature, rng)) for _ in range(draws)], np.int64)
