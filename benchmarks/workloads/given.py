"""What every engine gets alike: data and first weights, drawn by numpy with a fixed seed."""

import math

import numpy as np


def normal(*shape, seed=0):
    """float32 numbers of a standard normal distribution."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def uniform(*shape, seed=0):
    """float32 numbers between 0 and 1."""
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def classes(count, *shape, seed=1):
    """int64 numbers of classes, below `count`."""
    return np.random.default_rng(seed).integers(0, count, shape)


def weights(shapes, seed=2):
    """An array for each shape: vectors are 0, others uniform within 1 / sqrt(elements / first length)."""
    generator, drawn = np.random.default_rng(seed), []
    for shape in shapes:
        bound = 1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0
        drawn.append(generator.uniform(-bound, bound, shape).astype(np.float32))
    return drawn


def start(torch, model, seed=2):
    """Give `model` the weights above; the weights of normalizations stay 1. Returns the model."""
    parameters = [each for name, each in model.named_parameters() if each.dim() > 1 or "bias" in name]
    with torch.no_grad():
        for parameter, array in zip(parameters, weights([tuple(each.shape) for each in parameters], seed)):
            parameter.copy_(torch.from_numpy(array))
    return model
