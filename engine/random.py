"""Random tensors. Draws come from a Generator of our own, never from numpy's global state."""

import numpy as np

from engine import dtypes
from engine.creation import _checked, _finish
from engine.functions.arguments import as_shape


__all__ = [
    "Generator", "manual_seed", "rand", "randint", "randn", "randperm",
]


class Generator:
    """A source of random numbers; the same seed gives the same draws. Unseeded until `manual_seed`."""

    def __init__(self, device="cpu"):
        self.device = device
        self.numpy = np.random.default_rng()

    def manual_seed(self, seed):
        """Start again from `seed` (an integer); returns the generator."""
        self.numpy = np.random.default_rng(int(seed) % 2**64)
        return self


default_generator = Generator()


def manual_seed(seed):
    """Seed the generator that functions without a `generator` argument draw from, and return it."""
    return default_generator.manual_seed(seed)


def _source(generator):
    return (generator or default_generator).numpy


def rand(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform on [0, 1)."""
    drawn = _source(generator).random(_checked(as_shape(size)))
    return _finish(drawn, dtype or dtypes.get_default_dtype(), device, requires_grad)


def randn(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with mean 0 and standard deviation 1."""
    drawn = _source(generator).standard_normal(_checked(as_shape(size)))
    return _finish(drawn, dtype or dtypes.get_default_dtype(), device, requires_grad)


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None):
    """Integers from low (0 if only `high` is given) up to but without high; int64."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return _finish(
        _source(generator).integers(low, high, _checked(as_shape((size,)))), dtype or dtypes.int64, device, False
    )


def randperm(n, *, generator=None, dtype=None, device=None):
    """The integers below n in random order; int64."""
    return _finish(_source(generator).permutation(n), dtype or dtypes.int64, device, False)
