"""What the inputs of exercises are drawn from."""

import numpy as np

SINGLE, DOUBLE = np.float32, np.float64


def normal(rng, shape, dtype=SINGLE):
    """Numbers from the standard normal distribution."""
    return np.asarray(rng.standard_normal(shape), dtype=dtype)
