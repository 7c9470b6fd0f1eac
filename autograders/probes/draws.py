"""Uses a function `sample`: draws many times, and once more from the same seed."""

import numpy as np

from . import Unusable


def probe(answer, logits, temperature, draws, seed):
    """(what was drawn, what was drawn after the same seed), two integer arrays (draws,).

    Unusable if what is drawn is no choice.
    logits: (choices,); temperature: a number from 0; seed: of the numpy Generator that is given, one for all draws.
    """
    return _drawn(answer, logits, temperature, draws, seed), _drawn(answer, logits, temperature, draws, seed)


def _drawn(answer, logits, temperature, draws, seed):
    rng = np.random.default_rng(seed)
    return np.array([_choice(answer(logits, temperature, rng), len(logits)) for _ in range(draws)], np.int64)


def _choice(value, count):
    """The number of the choice that came back."""
    if np.ndim(value):
        raise Unusable(f"One number should come back, of the choice; yours is an array of shape {np.shape(value)}.")
    if value not in range(count):
        raise Unusable(f"There are the choices 0 to {count - 1}; {value} is none of them.")
    return int(value)
