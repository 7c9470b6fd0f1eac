"""Probe of a numeric gradient: the answer differentiates a function whose gradient is known."""

import numpy as np

FUNCTIONS = {  # from an array or a tensor of any shape to a number
    "a straight line": lambda x: (x * 3).sum() + 2,
    "the product of all numbers": lambda x: x.prod(),
    "the sum of cubes": lambda x: (x * x * x).sum(),
    "the sum of bells 1 / (1 + x²)": lambda x: (1 / (1 + x * x)).sum(),
}


def probe(answer, name, x):
    """What `answer(function, x)` gives for the function of that name; the function refuses anything but arrays."""
    return answer(_of_arrays(FUNCTIONS[name], x.shape), x)


def _of_arrays(function, shape):
    def checked(x):
        x = x if hasattr(x, "shape") else np.asarray(x)
        if tuple(x.shape) != shape:
            raise ValueError(f"`function` takes an array of x's shape, {shape}, and was given one of {tuple(x.shape)}")
        return function(x)

    return checked
