"""BalancedSampler(labels, num_samples, rng): random indices, each class as often as any other. Judged by statistics."""

import sys

import numpy as np

from autograders.spec import EDGE, ORDINARY, Absolute, Case, Misconception, Spec, Use
from engine.utils.data import Sampler

DRAWS = 3000  # in an epoch of whose order statistics are taken


def balanced_sampler_cases(rng):
    """Labels in random order, of classes of very different sizes."""
    for sizes, group in [
        ((10, 90), "two classes, one of them rare"),
        ((60, 15, 45), "three classes"),
        ((8, 12, 40, 20, 100), "five classes"),
    ]:
        yield _case(rng, range(len(sizes)), sizes, group)
    yield _case(rng, (1, 4, 7), (20, 50, 30), "labels that skip numbers", EDGE)
    yield _case(rng, (3,), (40,), "a single class", EDGE)
    yield _case(rng, (0, 1), (6, 30), "more indices than there are samples, and an odd number of them", EDGE, DRAWS + 1)


def _case(rng, classes, sizes, group, stage=ORDINARY, draws=DRAWS):
    labels = rng.permutation(np.repeat(np.array(classes), sizes))
    return Case((labels, draws, int(rng.integers(2**31))), group, stage)


def balanced_sampler_statistics(case, order, again, repeated, length):
    """What can be said of any right answer, though no two draw the same indices."""
    labels, draws, _ = case.arguments
    classes, ranks = _ranks(labels)
    orders = [order, again, repeated]
    if not all(each.shape == (draws,) and np.isin(each, np.arange(len(labels))).all() for each in orders):
        return np.full(len(classes), np.nan), np.full(len(classes), np.nan), np.nan, np.full(2, np.nan), np.nan
    order, again, repeated = (each.astype(int) for each in orders)
    drawn = labels[order]
    is_even = ranks[order] % 2 == 0
    return (
        np.array([np.mean(drawn == each) for each in classes]),
        np.array([np.mean((drawn == each) & is_even) for each in classes]),
        np.mean(drawn[0 : draws - 1 : 2] == drawn[1::2]),
        np.array([np.mean(order == again), np.mean(order == repeated)]),
        float(length) if length.ndim == 0 else np.nan,
    )


def _ranks(labels):
    """The classes, and how many samples of its own class come before each sample."""
    classes = np.unique(labels)
    ranks = np.zeros(len(labels), int)
    for each in classes:
        members = np.flatnonzero(labels == each)
        ranks[members] = np.arange(len(members))
    return classes, ranks


def balanced_sampler_allowances(labels, num_samples, seed):
    """How far two right answers may be apart: six standard deviations of what is counted.

    Each of the n indices is of a given one of k classes with probability q = 1 / k; of its m members, (m + 1) // 2 have
    an even rank, so q (m + 1) // 2 / m is the probability of an even one of this class. Two indices that follow each
    other are of the same class with probability 1 / k; taken in pairs that do not overlap there are n / 2 of these.
    In two epochs the same index stands in a given place with probability sum of q^2 / m. A part of n independent
    draws with probability q has the variance q (1 - q) / n; the reference is a sample too, and the difference of two
    has twice the variance. Six standard deviations of a normal distribution are exceeded once in 5e8 numbers.
    What repeats after the same seed is all of it, and a length is a length.
    """
    sizes = np.unique(labels, return_counts=True)[1]
    q = np.full(len(sizes), 1 / len(sizes))

    def six(probability, n):
        return 6 * np.sqrt(2 * probability * (1 - probability) / n)

    between_epochs = np.sum(q * q / sizes)
    return (
        Absolute(six(q, num_samples)),
        Absolute(six(q * ((sizes + 1) // 2) / sizes, num_samples)),
        Absolute(six(q[0], num_samples // 2)),
        Absolute(np.array([six(between_epochs, num_samples), 0.0])),
        Absolute(np.array(0.0)),
    )


class _Balanced(Sampler):
    """What most answers keep."""

    def __init__(self, labels, num_samples, rng):
        self.labels, self.num_samples, self.rng = labels, num_samples, rng

    def __len__(self):
        return self.num_samples


class BalancedByWeights(_Balanced):
    """A sample weighs 1 over the size of its class. Some answers below are this one, changed."""

    def __iter__(self):
        weights = self.weights()
        return iter(self.drawn(weights / weights.sum()).tolist())

    def weights(self):
        """One number for each sample, in proportion to how often it should be drawn."""
        _, kind, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
        return 1 / counts[kind]

    def drawn(self, probabilities):
        """The indices of one epoch."""
        return self.rng.choice(len(self.labels), self.num_samples, p=probabilities)


class _Uniform(BalancedByWeights):
    def weights(self):
        return np.ones(len(self.labels))


class _WeightsAreSizes(BalancedByWeights):
    def weights(self):
        return 1 / super().weights()


class _InTurn(BalancedByWeights):
    def drawn(self, probabilities):
        members = [np.flatnonzero(self.labels == each) for each in np.unique(self.labels)]
        return np.array([self.rng.choice(members[step % len(members)]) for step in range(self.num_samples)])


class _OneOfEach(BalancedByWeights):
    def drawn(self, probabilities):
        first = np.array([np.flatnonzero(self.labels == each)[0] for each in np.unique(self.labels)])
        return self.rng.choice(first, self.num_samples)


class _DrawnOnce(BalancedByWeights):
    def __init__(self, labels, num_samples, rng):
        super().__init__(labels, num_samples, rng)
        self.order = list(super().__iter__())

    def __iter__(self):
        return iter(self.order)


class _OwnNumbers(BalancedByWeights):
    def drawn(self, probabilities):
        return np.random.choice(len(self.labels), self.num_samples, p=probabilities)


class _GroupedByClass(BalancedByWeights):
    def drawn(self, probabilities):
        indices = super().drawn(probabilities)
        return indices[np.argsort(self.labels[indices], kind="stable")]


class _LengthOfData(BalancedByWeights):
    def __len__(self):
        return len(self.labels)


class _ReturnsAList(BalancedByWeights):
    def __iter__(self):
        return list(super().__iter__())


class _ClassesFromZero(_Balanced):
    def __iter__(self):
        for _ in range(self.num_samples):
            label = self.rng.integers(self.labels.max() + 1)
            yield self.rng.choice(np.flatnonzero(self.labels == label))


class _GivesLabels(BalancedByWeights):
    def __iter__(self):
        return iter(self.labels[list(super().__iter__())])


class BalancedInTwoDraws(_Balanced):
    """First a class, then one of its members, as one would say it."""

    def __iter__(self):
        members = [np.flatnonzero(self.labels == each) for each in np.unique(self.labels)]
        for _ in range(self.num_samples):
            of_class = members[self.rng.integers(len(members))]
            yield int(of_class[self.rng.integers(len(of_class))])


class BalancedAtOnce(_Balanced):
    """All classes and all places in them at once, with a sorted list of the samples."""

    def __iter__(self):
        by_class = np.argsort(self.labels, kind="stable")
        _, begins, counts = np.unique(self.labels[by_class], return_index=True, return_counts=True)
        drawn = self.rng.integers(len(counts), size=self.num_samples)
        places = begins[drawn] + (self.rng.random(self.num_samples) * counts[drawn]).astype(int)
        yield from by_class[places]


class BalancedByInversion(BalancedByWeights):
    """The inverse of the cumulated weights, at uniform numbers."""

    def drawn(self, probabilities):
        """Where uniform numbers fall in the cumulated weights."""
        steps = np.cumsum(probabilities)
        return np.searchsorted(steps / steps[-1], self.rng.random(self.num_samples), side="right")


class BalancedInEqualShares(_Balanced):
    """Equal numbers of each class as nearly as it goes, the rest drawn; then shuffled."""

    def __iter__(self):
        classes = np.unique(self.labels)
        each, rest = divmod(self.num_samples, len(classes))
        kinds = np.concatenate([np.repeat(classes, each), self.rng.choice(classes, rest, replace=False)])
        self.rng.shuffle(kinds)
        indices = np.zeros(len(kinds), int)
        for kind in classes:
            places = kinds == kind
            indices[places] = self.rng.choice(np.flatnonzero(self.labels == kind), places.sum())
        return iter(indices)


class BalancedWithADict:
    """Derives from nothing, keeps a dict of lists, and says on stderr what it found."""

    def __init__(self, labels, num_samples, rng):
        self.members = {}
        for index, label in enumerate(labels.tolist()):
            self.members.setdefault(label, []).append(index)
        print("classes:", sorted(self.members), file=sys.stderr)
        self.count, self.rng = num_samples, rng

    def __iter__(self):
        kinds = list(self.members)
        chosen = [self.members[kinds[each]] for each in self.rng.integers(0, len(kinds), self.count)]
        return iter([members[int(u * len(members))] for members, u in zip(chosen, self.rng.random(self.count))])

    def __len__(self):
        return self.count


class BalancedByRejection(_Balanced):
    """Draws any sample, and keeps it with a probability that makes up for the size of its class."""

    def __iter__(self):
        _, kind, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
        keep, left = counts.min() / counts[kind], self.num_samples
        while left:
            candidates = self.rng.integers(len(self.labels), size=4 * left)
            kept = candidates[self.rng.random(len(candidates)) < keep[candidates]][:left]
            left -= len(kept)
            yield from kept.tolist()


class BalancedByKeys(BalancedByWeights):
    """The least of exponential waiting times says whose turn it is: the Gumbel trick's older sister."""

    def drawn(self, probabilities):
        """The sample with the shortest waiting time, for each draw."""
        waiting = self.rng.exponential(size=(self.num_samples, len(probabilities))) / probabilities
        return waiting.argmin(axis=1)


EXERCISE = Spec(
    name="data/balanced_sampler",
    function="BalancedSampler",
    use=Use("class", probe="seeded_order"),
    parameters=("labels", "num_samples", "rng"),
    inputs=("labels", "num_samples", "seed"),
    returns=("order", "next_epoch", "same_seed", "length"),
    measure=balanced_sampler_statistics,
    measured=(
        "part of the draws that each class gets",
        "part of the draws that every other member of a class gets, class by class",
        "how often two draws that follow each other are of the same class",
        "how often two orders agree: this epoch and the next, the same seed twice",
        "length",
    ),
    title="A sampler that is fair to rare classes",
    why="Where one class in a hundred is what you look for, a network that never says it is 99 % right. Show it more.",
    minutes=12,
    difficulty=2,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=BalancedByWeights,
    rounding=balanced_sampler_allowances,
    cases=balanced_sampler_cases,
    packages=("numpy", "engine"),
    withheld=("engine.utils.data.sampler.WeightedRandomSampler", "engine.random.multinomial"),
    shortcuts=(
        "import numpy as np\nfrom engine.utils.data import WeightedRandomSampler\n"
        "def BalancedSampler(labels, num_samples, rng):\n"
        "    return WeightedRandomSampler((1 / np.bincount(labels)[labels]).tolist(), num_samples)\n"
        "class BalancedSampler(WeightedRandomSampler):\n    def __init__(self, labels, num_samples, rng):\n"
        "        super().__init__((1 / np.bincount(labels)[labels]).tolist(), num_samples)\n",
        "import numpy as np\nimport engine as torch\nclass BalancedSampler:\n"
        "    def __init__(self, labels, num_samples, rng):\n"
        "        self.labels, self.num_samples, self.rng = labels, num_samples, rng\n"
        "    def __iter__(self):\n        torch.manual_seed(int(self.rng.integers(2**31)))\n"
        "        weights = 1 / np.bincount(self.labels)[self.labels]\n"
        "        return iter(torch.multinomial(torch.tensor(weights), self.num_samples, True).tolist())\n"
        "    def __len__(self):\n        return self.num_samples\n",
    ),
    misconceptions=(
        Misconception(
            "all samples alike",
            "Every sample is drawn equally often, so a large class still gets more than a small one. Each class should "
            "get the same: a sample weighs 1 over the number of samples in its class.",
            _Uniform,
        ),
        Misconception(
            "weights upside down",
            "The larger a class, the more of the draws it gets, even beyond its share. Weigh each sample with 1 over "
            "the size of its class.",
            _WeightsAreSizes,
        ),
        Misconception(
            "one of each class",
            "Of each class you draw one and the same sample. All members of a class should have the same chance.",
            _OneOfEach,
        ),
        Misconception(
            "in turn",
            "The classes come in turn, one after the other, for ever. That is balanced, but not random: draw the class "
            "too.",
            _InTurn,
        ),
        Misconception(
            "class by class",
            "First all draws of one class come, then all of the next: a batch would hold one class alone. Leave the "
            "draws in the order in which they come.",
            _GroupedByClass,
        ),
        Misconception(
            "drawn once",
            "Every epoch has the same order. Draw in `__iter__`, which is called at the beginning of each epoch.",
            _DrawnOnce,
        ),
        Misconception(
            "random numbers of its own",
            "The same seed should give the same order again. Take all random numbers from the `rng` that was given, "
            "none from `np.random` or `random`.",
            _OwnNumbers,
        ),
        Misconception(
            "length of the data",
            "`len` of a sampler is the number of indices in an epoch, `num_samples`; yours is the number of samples.",
            _LengthOfData,
        ),
        Misconception(
            "returns a list",
            "`__iter__` returns an iterator, and a list is none: `return iter(indices)`, or `yield` one index after "
            "the other.",
            _ReturnsAList,
        ),
        Misconception(
            "classes from zero",
            "You draw from 0, 1, 2 ... up to the largest label, but some of these may be no labels at all. "
            "`np.unique(labels)` gives those that there are.",
            _ClassesFromZero,
        ),
        Misconception(
            "gives labels",
            "You give the labels that were drawn. A loader asks for indices, of samples that have these labels.",
            _GivesLabels,
        ),
    ),
    half_right=(_Uniform,),
    honest=(
        BalancedInTwoDraws,
        BalancedByWeights,
        BalancedAtOnce,
        BalancedByInversion,
        BalancedInEqualShares,
        BalancedWithADict,
        BalancedByRejection,
        BalancedByKeys,
    ),
    hints=(
        "If a class has m samples, how much should each of them weigh, so that the class weighs as much as any other?",
        "`np.unique(labels, return_inverse=True, return_counts=True)` gives the classes, for each sample the number of "
        "its class, and the sizes: the weights are `1 / counts[inverse]`. Divided by their sum they are probabilities.",
        "In `__iter__`: `indices = self.rng.choice(len(self.labels), self.num_samples, p=probabilities)`, then `return "
        "iter(indices.tolist())`.",
    ),
)
