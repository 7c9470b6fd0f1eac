"""Random tensors. Draws come from a Generator of our own, never from numpy's global state.

They are drawn in main memory and copied to the device asked for, so a seed gives the same numbers everywhere.
"""

import json
import os

import numpy as np

from engine import backend, dtypes, threads
from engine.creation import _finish, _size, checked_shape
from engine.functions.arguments import DIMS, INT, INTS, NUMBER, OPERAND, as_shape, check_tensor, reads
from engine.functions.elementwise import isfinite
from engine.inplace import change
from engine.ops.elementwise import where
from engine.tensor import Tensor
from engine.devices import device as as_device

__all__ = [
    "Generator", "bernoulli", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "multinomial",
    "normal", "rand", "rand_like", "randint", "randn", "randn_like", "randperm", "set_rng_state"]

# ---- where the numbers come from --------------------------------------------------------------------

FIRST_SEED = 67280421310721  # of a Generator that nobody has seeded; torch's number


class Generator:
    """A source of random numbers; the same seed gives the same draws."""

    def __init__(self, device="cpu"):
        self.device = as_device(device)
        self.manual_seed(FIRST_SEED)

    def manual_seed(self, seed):
        """Start again from `seed`, an integer of 64 bits; returns the generator."""
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"a seed has 64 bits, got {seed}")
        self._seed = seed % 2**64
        vars(self).pop("_numpy", None)
        return self

    @property
    def numpy(self):
        """numpy's generator; made at the first draw, since numpy.random takes a while to load."""
        kept = vars(self)  # setdefault: of two threads that draw first, both get the same
        return kept.get("_numpy") or kept.setdefault("_numpy", np.random.default_rng(self._seed))

    def seed(self):
        """Start again from a seed that nobody knows; returns it."""
        self.manual_seed(int.from_bytes(os.urandom(8)))
        return self._seed

    def initial_seed(self):
        """The seed that the generator started from."""
        return self._seed

    def get_state(self):
        """A uint8 tensor from which `set_state` can continue at this point."""
        state = {"seed": self._seed, "numpy": self.numpy.bit_generator.state}
        return Tensor(np.frombuffer(json.dumps(state).encode(), dtype=np.uint8).copy())

    def set_state(self, new_state):
        """Continue from what `get_state` returned."""
        check_tensor(new_state, "set_state", "new_state")
        if new_state.dtype is not dtypes.uint8:
            raise TypeError(f"set_state(): a state is a uint8 tensor, not {new_state.dtype}")
        try:
            state = json.loads(new_state.numpy().tobytes())
            seed, self.numpy.bit_generator.state = state["seed"], state["numpy"]
        except (ValueError, KeyError, TypeError):
            raise RuntimeError("set_state(): this tensor is not what get_state() returned") from None
        self._seed = seed


default_generator = Generator()
default_generator.seed()


def manual_seed(seed):
    """Seed the generator that functions without a `generator` argument draw from, and return it.

    What follows is the same each time, to the last bit: how large products are shared out begins anew, too.
    """
    threads.begin_anew()
    return default_generator.manual_seed(seed)


def initial_seed():
    """The seed that this generator started from."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of this generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Let this generator continue from what `get_rng_state` returned."""
    default_generator.set_state(new_state)


def _source(generator):
    if not isinstance(generator, (Generator, type(None))):
        raise TypeError(f"argument 'generator' must be a Generator, not {type(generator).__name__}")
    return (generator or default_generator).numpy


# ---- drawing arrays ---------------------------------------------------------------------------------


def _float_type(function, dtype):
    dtype = dtype or dtypes.get_default_dtype()
    if dtype.category < dtypes.FLOAT:
        raise NotImplementedError(f'"{function}" not implemented for {dtype}: the numbers drawn are floats')
    return dtype


def _uniform(source, shape, dtype):
    """Numbers in [0, 1), drawn in their own precision: rounding others could give 1."""
    if dtype.is_complex:
        return _pairs(_uniform, source, shape, dtype)
    if dtype in (dtypes.float32, dtypes.float64):
        return source.random(shape, dtype=dtype.numpy)
    steps = round(1 / dtypes.finfo(dtype).eps)
    return np.asarray(source.integers(steps, size=shape) / steps).astype(dtype.numpy)


def _normal(source, shape, dtype):
    if dtype.is_complex:  # each part has half of the variance
        return (_pairs(_normal, source, shape, dtype) * 0.5**0.5).astype(dtype.numpy)
    drawn = source.standard_normal(shape, dtype=dtype.numpy if dtype is dtypes.float64 else np.float32)
    return np.asarray(drawn).astype(dtype.numpy)


def _pairs(draw, source, shape, dtype):
    real, imaginary = draw(source, shape, dtype.to_real()), draw(source, shape, dtype.to_real())
    return real + 1j * imaginary


# ---- of a shape -------------------------------------------------------------------------------------


@reads(size=INTS)
def rand(*sizes, size=None, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform on [0, 1)."""
    dtype = _float_type("rand", dtype)
    return _finish(_uniform(_source(generator), _size("rand", sizes, size), dtype), dtype, device, requires_grad)


@reads(size=INTS)
def randn(*sizes, size=None, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with mean 0 and standard deviation 1."""
    dtype = _float_type("randn", dtype)
    return _finish(_normal(_source(generator), _size("randn", sizes, size), dtype), dtype, device, requires_grad)


@reads
def rand_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform on [0, 1), with the shape, type and device of `input`."""
    return _like(rand, input, generator, dtype, device, requires_grad)


@reads
def randn_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with mean 0 and standard deviation 1, with the shape, type and device of `input`."""
    return _like(randn, input, generator, dtype, device, requires_grad)


def _like(function, input, generator, dtype, device, requires_grad):
    how = {"dtype": dtype or input.dtype, "device": input.device if device is None else device}
    return function(size=tuple(input.shape), generator=generator, requires_grad=requires_grad, **how)


@reads(low=INT, high=DIMS, size=INTS)
def randint(low=0, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Integers from low (0 if only `high` is given) up to but without high; int64."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    high = INT.read(high, "randint", "high")
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    dtype = dtype or dtypes.int64
    for each in (low, high - 1):
        dtypes.fitting(each, dtype)
    shape = checked_shape(as_shape((size,)))
    return _finish(np.asarray(_source(generator).integers(low, high, shape)), dtype, device, requires_grad)


@reads
def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers below n in random order; int64."""
    (count,) = checked_shape((n,))
    dtype = dtype or dtypes.int64
    if dtype is dtypes.bool:
        raise NotImplementedError('"randperm" not implemented for torch.bool')
    dtypes.fitting(max(count - 1, 0), dtype)
    return _finish(_source(generator).permutation(count), dtype, device, requires_grad)


# ---- with given parameters --------------------------------------------------------------------------


@reads(mean=OPERAND, std=OPERAND, size=INTS)
def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal numbers: of shape `size` with numbers for mean and std; without it as they broadcast."""
    if size is not None:
        mean, std = NUMBER.read(mean, "normal", "mean"), NUMBER.read(std, "normal", "std")
        _check_std(std)
        return (randn(size=size, generator=generator, dtype=dtype, device=device) * std + mean).requires_grad_(
            requires_grad)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal(): without a size, mean or std must be a Tensor")
    model = mean if isinstance(mean, Tensor) else std
    _float_type("normal", model.dtype)
    _check_std(std)
    parameters = mean, std
    mean, std = [each.detach() if isinstance(each, Tensor) else each for each in parameters]
    shape = (mean + std).shape
    drawn = _finish(_normal(_source(generator), tuple(shape), model.dtype), None, model.device, False)
    return _drawn_by((drawn * std + mean).to(model.dtype), *parameters)


def _drawn_by(drawn, *parameters):
    """The draw with a history: its gradient with respect to the parameters is 0, as in torch."""
    for each in parameters:
        if isinstance(each, Tensor) and each.requires_grad:
            drawn = where(True, drawn, each).to(drawn.dtype)
    return drawn


def _check_std(std):
    lowest = std if not isinstance(std, Tensor) else std.array.min() if std.numel() else 0
    if lowest < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {float(lowest)}")


@reads
def bernoulli(input, p=None, *, generator=None):
    """1 with the probability that `input` says (or with probability p for each element of it), else 0; input's type."""
    if p is not None and not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
    chances = backend.to_numpy(input.array).astype(np.float64) if p is None else p
    if p is None:
        _float_type("bernoulli", input.dtype)
        if not ((chances >= 0) & (chances <= 1)).all():
            raise RuntimeError("bernoulli: the probabilities must lie in [0, 1]")
    hits = np.asarray(_source(generator).random(tuple(input.shape)) < chances)
    return _drawn_by(_finish(hits, input.dtype, input.device, False), input)


@reads
def multinomial(input, num_samples, replacement=False, *, generator=None):
    """`num_samples` indices for each row of `input`, a vector or a matrix of weights, drawn in proportion; int64.

    Without replacement no index comes twice in a row; those of weight 0 come last.
    """
    weights = _check_weights(input, num_samples, replacement)
    source = _source(generator)
    if replacement:
        reached = np.cumsum(weights, axis=-1)
        drawn = source.random((len(weights), num_samples)) * reached[:, -1:]
        indices = np.stack([np.searchsorted(*row, side="right") for row in zip(reached, drawn)])
    else:  # whose exponential clock, running at its weight, rings first
        with backend.quiet():
            rings = source.standard_exponential(weights.shape) / weights
        indices = np.argsort(rings, axis=-1)[:, :num_samples]
    return _finish(indices.reshape(*input.shape[:-1], num_samples), dtypes.int64, input.device, False)


def _check_weights(input, num_samples, replacement):
    """The weights as a float64 matrix."""
    if not input.dtype.is_floating_point:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype}")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got {input.ndim}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > input.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    weights = backend.to_numpy(input.array).astype(np.float64).reshape(-1, input.shape[-1])
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if not (weights.sum(axis=-1) > 0).all():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    return weights


# ---- in place ---------------------------------------------------------------------------------------


def _overwrite(tensor, drawn):
    """The tensor with the drawn numbers in its memory; of what it was before no gradient comes."""
    return change(tensor, lambda before: before.masked_fill(isfinite(before) | True, 0) + drawn, [drawn])


def _redraw(tensor, draw, function, generator):
    dtype = _float_type(function, tensor.dtype)
    drawn = draw(_source(generator), tuple(tensor.shape), dtype)
    return _overwrite(tensor, _finish(drawn, dtype, tensor.device, False))


@reads(mean=NUMBER, std=NUMBER)
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Overwrite every element with a normal number."""
    _check_std(std)
    return _redraw(self, lambda *what: _normal(*what) * std + mean, "normal_", generator)


@reads
def uniform_(self, from_=0.0, to=1.0, *, generator=None):
    """Overwrite every element with a number that is uniform on [from_, to)."""
    if from_ > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    return _redraw(self, lambda *what: _uniform(*what) * (to - from_) + from_, "uniform_", generator)


@reads(p=OPERAND)
def bernoulli_(self, p=0.5, *, generator=None):
    """Overwrite every element with 1 with probability p (a number, or a tensor that broadcasts), else with 0."""
    if isinstance(p, Tensor):
        return _overwrite(self, bernoulli(p.broadcast_to(self.shape), generator=generator).to(self.dtype))
    return _overwrite(self, bernoulli(self.detach(), p, generator=generator))


Tensor.normal_, Tensor.uniform_, Tensor.bernoulli_ = normal_, uniform_, bernoulli_
Tensor.bernoulli, Tensor.multinomial = bernoulli, multinomial
