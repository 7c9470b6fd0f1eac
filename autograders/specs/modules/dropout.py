"""Dropout(p): zeros at random while training, and nothing at all in evaluation. Judged by its statistics."""

import random
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Absolute, Case, Misconception, Spec, Use
from autograders.specs.common import SINGLE
from engine import nn

HIGH, WIDE = 60, 80  # the least shape of a batch whose statistics are taken


def dropout_cases(rng):
    """Batches without zeros of their own, so that every zero of an output was made by the answer."""
    for p, group in [(0.2, "p = 0.2"), (0.5, "p = 0.5"), (0.75, "p = 0.75")]:
        yield _dropout_case(rng, (HIGH, WIDE), p, group)
    yield _dropout_case(rng, (HIGH, 2, WIDE), 0.3, "an input with three axes", EDGE)
    yield _dropout_case(rng, (HIGH, WIDE), None, "Dropout() with nothing said: p = 0.5", EDGE)
    yield _dropout_case(rng, (HIGH, WIDE), 0.0, "p = 0: nothing is dropped", EDGE)
    yield _dropout_case(rng, (HIGH, WIDE), 1.0, "p = 1: everything is dropped", EDGE)


def _dropout_case(rng, shape, p, *where):
    x, gradient = (_without_zeros(rng, shape) for _ in range(2))
    return Case((x, p, gradient, int(rng.integers(2**31))), *where)


def _without_zeros(rng, shape):
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape), SINGLE)


def dropout_statistics(case, output, again, for_x, evaluated):
    """What can be said of any right answer, though no two drop the same elements."""
    x, _, gradient, _ = case.arguments
    if not all(each.shape == x.shape and np.isfinite(each).all() for each in (output, again, for_x, evaluated)):
        return np.full(3, np.nan), np.nan, np.full(4, np.nan), np.nan
    kept, factor = output != 0, output / x
    shared = [
        np.mean(kept[0:-1:2] == kept[1::2]),
        np.mean(kept[..., 0:-1:2] == kept[..., 1::2]),
        np.mean(kept == (again != 0)),
    ]
    in_training, in_evaluation = factor[kept] if kept.any() else np.zeros(1), evaluated / x
    factors = [in_training.min(), in_training.max(), in_evaluation.min(), in_evaluation.max()]
    passed = np.isclose(for_x, gradient * factor, rtol=1e-5, atol=0.0) & kept
    return np.array(shared), np.mean(kept), np.array(factors), np.mean(passed)


def dropout_allowances(x, p, gradient, seed):
    """How far two right answers may be apart: six standard deviations for what is counted, rounding for the factor.

    Of n elements, each kept with probability q = 1 - p, the part that is kept has the variance q p / n. Two neighbours
    (or one element in two passes) share their fate with probability s = q^2 + p^2, so the part of n independent pairs
    that do has the variance s (1 - s) / n. Neighbours are taken in pairs that do not overlap: n / 2 of them. The
    reference is a sample too, and the difference of two has twice the variance. Six standard deviations are exceeded
    once in 5e8 numbers.
    The factor of what is kept is 1 / q, computed in float32 from p, q and one division, multiplied by x, and here
    divided by it: five roundings of eps / 2 each, the first of which, of p, counts p / q times. In evaluation nothing
    is computed.
    """
    p = 0.5 if p is None else p
    n, q = x.size, 1 - p
    alike = q * q + p * p
    pairs = np.array([n / 2, n / 2, n])
    part_kept = Absolute(np.array(6 * np.sqrt(2 * q * p / n)))
    factor = np.finfo(SINGLE).eps / 2 * (4 + p / q) / q if q else 0.0
    return (
        Absolute(6 * np.sqrt(2 * alike * (1 - alike) / pairs)),
        part_kept,
        Absolute(np.array([factor, factor, 0.0, 0.0])),
        part_kept,
    )


class DropoutLayer(nn.Module):
    """The probability; what is done with it is left to the classes below."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p


class DropoutWithMask(nn.Module):
    """In training each number becomes 0 with probability p, and the others are divided by 1 - p."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        kept = self.mask(x)
        return x * kept / (1 - self.p) if self.p < 1 else x * kept

    def mask(self, x):
        """1 for what is kept, 0 for what is dropped."""
        return (torch.rand(*x.shape) >= self.p).to(x.dtype)


class _KeepsWithP(DropoutWithMask):
    def forward(self, x):
        return x * (torch.rand(*x.shape) < self.p).float() / max(self.p, 1e-9) if self.training else x


class _NotScaled(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) if self.training else x


class _ScalesByP(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) * (1 - self.p) if self.training else x


class _ScalesInEvaluation(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) if self.training else x * (1 - self.p)


class _AlwaysDrops(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) / max(1 - self.p, 1e-9)


class _SameMaskForAll(DropoutWithMask):
    def mask(self, x):
        return (torch.rand(*x.shape[1:]) >= self.p).float()


class _WholeRows(DropoutWithMask):
    def mask(self, x):
        return (torch.rand(len(x), *[1] * (x.ndim - 1)) >= self.p).float()


class _MaskForEver(DropoutWithMask):
    kept = None

    def mask(self, x):
        if self.kept is None:
            self.kept = super().mask(x)
        return self.kept


class _DropsOutsideTheGraph(DropoutWithMask):
    def forward(self, x):
        return torch.tensor(super().forward(x.detach()).numpy())


class _NoGradientAndNoScale(_NotScaled):
    def forward(self, x):
        return super().forward(x.detach())


class _DividesByZero(DropoutWithMask):
    def forward(self, x):
        return x * self.mask(x) / (1 - self.p) if self.training else x


class _WritesIntoTheInput(DropoutWithMask):
    def forward(self, x):
        if self.training:
            x[torch.rand(*x.shape) < self.p] = 0
        return x


class DropoutWithWhere(DropoutLayer):
    """Chooses between 0 and the scaled number."""

    def forward(self, x):
        if self.training and self.p > 0:
            dropped = torch.rand(*x.shape) < self.p
            x = torch.where(dropped, torch.zeros(*x.shape), x / max(1 - self.p, 1e-30))
        return x


class DropoutWithBernoulli(DropoutLayer):
    """Draws zeros and ones."""

    def forward(self, x):
        if not self.training:
            return x
        keep = 1 - self.p
        kept = torch.bernoulli(torch.full(tuple(x.shape), keep))
        return x * kept * (1 / keep if keep else 0.0)


class DropoutWithNumpy(DropoutLayer):
    """Takes its random numbers from numpy, with a generator of its own."""

    def __init__(self, p=0.5):
        super().__init__(p)
        self.rng = np.random.default_rng()

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        factor = 1 / (1 - self.p) if self.p < 1 else 0
        return x * torch.tensor(self.rng.binomial(1, 1 - self.p, tuple(x.shape)) * factor).to(x.dtype)


class DropoutInPlace(DropoutLayer):
    """Works on a copy, in place."""

    def forward(self, x):
        if self.training:
            x = x.clone()
            x[torch.rand(*x.shape) < self.p] = 0
            x.div_(1 - self.p if self.p < 1 else 1)
        return x


class DropoutWithMaskedFill(DropoutLayer):
    """Fills what is dropped, in torch's own words."""

    def forward(self, x):
        if not self.training or self.p == 0.0:
            return x.clone()
        if self.p == 1.0:
            return x * 0
        return x.masked_fill(torch.rand_like(x) < self.p, 0.0) / (1.0 - self.p)


class DropoutElementByElement(DropoutLayer):
    """A loop over the rows, and a list of Python's own random numbers for each."""

    def forward(self, x):
        if not self.training:
            return x
        factor = 1 / (1 - self.p) if self.p < 1 else 0.0
        rows = [[factor * (random.random() >= self.p) for _ in range(row.numel())] for row in x]
        return x * torch.tensor(rows).reshape(x.shape)


class DropoutInDouble(DropoutLayer):
    """Computes in float64, warns on stderr, and rounds once at the end."""

    def forward(self, x):
        print("dropping", self.p, file=sys.stderr)
        if not self.training:
            return x
        kept = (torch.rand(*x.shape, dtype=torch.float64) > self.p).double()
        return (x.double() * kept / (1 - self.p if self.p != 1 else 1)).to(x.dtype)


class DropoutAsPermutation(DropoutLayer):
    """Sums uniform numbers to integers: floor(u + keep) is 1 with probability keep, as in Srivastava's own code."""

    def forward(self, x):
        if self.training:
            keep = 1 - self.p
            x = x * torch.floor(torch.rand(*x.shape) + keep) / (keep or 1)
        return x


EXERCISE = Spec(
    name="modules/dropout",
    function="Dropout",
    use=Use("class", probe="dropout"),
    parameters=("p",),
    inputs=("x", "p", "gradient", "seed"),
    returns=("output", "again", "grad_x", "evaluated"),
    measure=dropout_statistics,
    measured=(
        "how often two share their fate: neighbours down, neighbours across, one element in two passes",
        "part of the elements that is kept",
        "least and largest factor that x is multiplied by: what is kept in training, all in evaluation",
        "part of the elements whose gradient passes, with the same factor",
    ),
    title="Dropout",
    why="A network in which units fall silent at random cannot lean on any one of them, and learns less by heart.",
    minutes=12,
    difficulty=2,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=nn.Dropout,
    part="nn.Dropout",
    rounding=dropout_allowances,
    cases=dropout_cases,
    packages=("numpy", "engine"),
    withheld=("engine.nn.dropout", "engine.nn.functional.dropout"),
    shortcuts=(
        "from engine.nn import Dropout",
        "from engine import nn\nclass Dropout(nn.Dropout):\n    pass",
        "from engine import nn\nclass Dropout(nn.Module):\n    def __init__(self, p=0.5):\n        super().__init__()\n"
        "        self.p = p\n    def forward(self, x):\n        return nn.functional.dropout(x, self.p)\n",
    ),
    misconceptions=(
        Misconception(
            "keeps with probability p",
            "`p` is the probability of being dropped; you keep with probability `p`. With p = 0.5 nobody notices.",
            _KeepsWithP,
        ),
        Misconception(
            "not scaled",
            "What is kept has to grow by 1 / (1 - p), so that the next layer gets as much on average in training as in "
            "evaluation.",
            _NotScaled,
        ),
        Misconception(
            "shrunk",
            "What is kept should grow, to make up for what is dropped: divide by 1 - p instead of multiplying.",
            _ScalesByP,
        ),
        Misconception(
            "scaled in evaluation",
            "You scale in evaluation, as the first paper did. It has become usual to divide by 1 - p while training, "
            "and to leave evaluation alone: there the layer should return x as it is.",
            _ScalesInEvaluation,
        ),
        Misconception(
            "always drops",
            "It drops in evaluation too. A Module has `self.training`, which `train()` and `eval()` switch: where that "
            "is False, return x as it is.",
            _AlwaysDrops,
        ),
        Misconception(
            "one mask for the batch",
            "Every row of the batch loses the same columns. Draw a number for each element: `torch.rand(*x.shape)`.",
            _SameMaskForAll,
        ),
        Misconception(
            "whole rows",
            "Whole rows are dropped or kept. Draw a number for each element: `torch.rand(*x.shape)`.",
            _WholeRows,
        ),
        Misconception(
            "one mask for ever",
            "The same elements are dropped in every pass. Draw anew in each call of `forward`.",
            _MaskForEver,
        ),
        Misconception(
            "outside the graph",
            "The output is right, but no gradient gets back to x: you left the graph on the way (`numpy()`, "
            "`detach()`). Multiply tensors.",
            _DropsOutsideTheGraph,
        ),
        Misconception(
            "divides by zero",
            "Right for every p but 1. There all is dropped, and 0 / 0 is nan: return zeros, `x * 0`.",
            _DividesByZero,
        ),
        Misconception(
            "writes into the input",
            "You write the zeros into `x` itself, which belongs to the caller and to the graph. Multiply by a mask of "
            "zeros and ones: that makes a new tensor.",
            _WritesIntoTheInput,
        ),
    ),
    half_right=(_NoGradientAndNoScale,),
    honest=(
        DropoutWithMask,
        DropoutWithWhere,
        DropoutWithBernoulli,
        DropoutWithNumpy,
        DropoutInPlace,
        DropoutWithMaskedFill,
        DropoutElementByElement,
        DropoutInDouble,
        DropoutAsPermutation,
    ),
    hints=(
        "In evaluation (`self.training` is False) there is nothing to do. In training, which tensor of zeros and ones "
        "would you multiply x by?",
        "`torch.rand(*x.shape) >= self.p` is True with probability 1 - p, element by element; `.to(x.dtype)` makes "
        "zeros and ones of it.",
        "`return x * kept / (1 - self.p)` in training. With p = 1 that would divide by 0: return `x * 0` there.",
    ),
)
