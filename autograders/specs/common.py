"""What the specs share: the usual weights, and what inputs are drawn from."""

import numpy as np

WEIGHTS = {"dtype": 0.5, "inputs unmutated": 0.5, "values": 2.0, "edge cases": 1.0}
SINGLE, DOUBLE = np.float32, np.float64


def normal(rng, shape, dtype=SINGLE):
    """Numbers from the standard normal distribution."""
    return np.asarray(rng.standard_normal(shape), dtype=dtype)
