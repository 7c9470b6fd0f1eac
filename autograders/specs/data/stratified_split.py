"""stratified_split(labels, fraction, rng): training and test indices, each class in both. Any right split counts."""

import sys

import numpy as np

from autograders.spec import EDGE, Absolute, Case, Misconception, Spec, Use

LEAST = 1e-9  # of a sample: what the rounding of fraction * size may amount to, which is about 1e-14


def stratified_split_cases(rng):
    """Labels of classes of different sizes, mixed, sorted, and with names that are no positions."""
    for classes, sizes, fraction, group in [
        ((0, 1), (30, 90), 0.25, "two classes"),
        ((0, 1, 2), (40, 100, 60), 0.3, "three classes"),
        ((0, 1, 2, 3, 4), (33, 71, 50, 118, 25), 0.2, "sizes that do not divide evenly"),
    ]:
        yield _case(rng, classes, sizes, fraction, group)
    yield _case(rng, (2, 5, -1), (50, 80, 30), 0.5, "labels that are no positions", EDGE)
    yield _case(rng, (0, 1), (60, 60), 0.4, "labels in order", EDGE, shuffled=False)
    yield _case(rng, (7,), (80,), 0.25, "a single class", EDGE)
    yield _case(rng, (0, 1, 2), (1, 60, 40), 0.3, "a class with a single sample", EDGE)


def _case(rng, classes, sizes, fraction, *where, shuffled=True):
    labels = np.repeat(np.array(classes), sizes)
    seed, other_seed = (int(each) for each in rng.choice(2**31, 2, replace=False))
    return Case((rng.permutation(labels) if shuffled else labels, fraction, seed, other_seed), *where)


def stratified_split_facts(case, training, test, same, other):
    """What is true of any right split, though no two hold the same samples."""
    labels, fraction, *_ = case.arguments
    classes, sizes = np.unique(labels, return_counts=True)
    every = np.arange(len(labels))
    for part in (training, test, same, other):
        if part.ndim != 1 or not np.isin(part, every).all():
            return np.full(2, np.nan), np.full(len(classes), np.nan), np.full(2, np.nan)
    times = np.bincount(np.concatenate([training, test]).astype(int), minlength=len(labels))
    in_test = labels[test.astype(int)]
    off = np.array([np.sum(in_test == each) for each in classes]) - fraction * sizes
    repeats = [float(np.array_equal(test, same)), np.isin(test, other).mean() if len(test) else 0.0]
    return (
        np.array([np.sum(times == 0), np.sum(times > 1)], float),
        np.where(np.abs(off) < 1 - LEAST, 0.0, off),
        np.array(repeats),
    )


def stratified_split_allowances(labels, fraction, seed, other_seed):
    """None for what is counted; six standard deviations for what two random splits share.

    Of m samples of a class t are in the test. From another seed each of these is drawn again with probability t / m,
    without replacement: the number of those that are has a hypergeometric distribution, with the variance
    t (t / m) (1 - t / m) (m - t) / (m - 1). The classes' variances add up; the part of the test is that number over
    its size. The reference is a sample too, and the difference of two has twice the variance. A right answer may
    round t up or down, which changes the part by at most 1 / m for each class. Six standard deviations of a normal
    distribution are exceeded once in 5e8 numbers.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    t = fraction * sizes
    variance = np.sum(t * (t / sizes) * (1 - t / sizes) * (sizes - t) / np.maximum(sizes - 1, 1))
    shared = 6 * np.sqrt(2 * variance) / t.sum() + np.sum(t / t.sum() / sizes)
    return Absolute(np.zeros(2)), Absolute(np.zeros(len(classes))), Absolute(np.array([0.0, shared]))


def split_class_by_class(labels, fraction, rng):
    """Shuffles each class, and cuts it."""
    training, test = [], []
    for each in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == each))
        count = round(fraction * len(members))
        test.append(members[:count])
        training.append(members[count:])
    return np.concatenate(training), np.concatenate(test)


def _not_stratified(labels, fraction, rng):
    order = rng.permutation(len(labels))
    count = round(fraction * len(labels))
    return order[count:], order[:count]


def _first_ones(labels, fraction, rng):
    members = [np.flatnonzero(labels == each) for each in np.unique(labels)]
    counts = [round(fraction * len(each)) for each in members]
    pairs = list(zip(members, counts))
    return np.concatenate([each[n:] for each, n in pairs]), np.concatenate([each[:n] for each, n in pairs])


def _own_numbers(labels, fraction, rng):
    return split_class_by_class(labels, fraction, np.random.default_rng())


def _test_in_training(labels, fraction, rng):
    return np.arange(len(labels)), split_class_by_class(labels, fraction, rng)[1]


def _with_replacement(labels, fraction, rng):
    members = [np.flatnonzero(labels == each) for each in np.unique(labels)]
    test = np.concatenate([rng.choice(each, round(fraction * len(each))) for each in members])
    return np.setdiff1d(np.arange(len(labels)), test), test


def _drawn_twice(labels, fraction, rng):
    return split_class_by_class(labels, fraction, rng)[0], split_class_by_class(labels, fraction, rng)[1]


def _exchanged(labels, fraction, rng):
    return split_class_by_class(labels, fraction, rng)[::-1]


def _as_many_of_each(labels, fraction, rng):
    classes = np.unique(labels)
    order = rng.permutation(len(labels))
    count = int(fraction * len(labels) / len(classes))
    test = np.concatenate([order[labels[order] == each][:count] for each in classes])
    return np.setdiff1d(order, test), test


def _places_in_the_class(labels, fraction, rng):
    training, test = [], []
    for each in np.unique(labels):
        places = rng.permutation(np.sum(labels == each))
        count = round(fraction * len(places))
        test.append(places[:count])
        training.append(places[count:])
    return np.concatenate(training), np.concatenate(test)


def _first_ones_twice(labels, fraction, rng):
    training, test = _first_ones(labels, fraction, rng)
    return (training, test) if len(np.unique(labels)) > 2 else (np.arange(len(labels)), test)


def _coin_for_each(labels, fraction, rng):
    is_test = rng.random(len(labels)) < fraction
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def _rounded_number_of_each(labels, fraction, rng):
    classes, training, test = np.unique(labels), [], []
    count = round(fraction * len(labels) / len(classes))
    for each in classes:
        members = rng.permutation(np.flatnonzero(labels == each))
        test.append(members[:count])
        training.append(members[count:])
    return np.concatenate(training), np.concatenate(test)


def _labels_themselves(labels, fraction, rng):
    training, test = split_class_by_class(labels, fraction, rng)
    return labels[training], labels[test]


def _misses_the_last_class(labels, fraction, rng):
    training, test = split_class_by_class(labels, fraction, rng)
    return training[labels[training] != labels.max()], test[labels[test] != labels.max()]


def split_rounding_down(labels, fraction, rng):
    """Rounds down, chooses without replacement, and keeps the rest in order."""
    chosen = [
        rng.choice(members, int(fraction * len(members) + 1e-9), replace=False)
        for members in (np.flatnonzero(labels == each) for each in np.unique(labels))
    ]
    test = np.concatenate(chosen)
    return np.setdiff1d(np.arange(len(labels)), test), test


def split_rounding_up(labels, fraction, rng):
    """Rounds up, with a mask."""
    is_test = np.zeros(len(labels), bool)
    for each in set(labels.tolist()):
        (members,) = np.nonzero(labels == each)
        rng.shuffle(members)
        is_test[members[: int(np.ceil(fraction * len(members) - 1e-9))]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def split_by_sorting(labels, fraction, rng):
    """One permutation, sorted stably by label: the rank within its class says where a sample goes."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    _, begins, counts = np.unique(labels[order], return_index=True, return_counts=True)
    ranks = np.arange(len(order)) - np.repeat(begins, counts)
    is_test = ranks < np.repeat(np.rint(fraction * counts), counts)
    return order[~is_test], order[is_test]


def split_into_lists(labels, fraction, rng):
    """Python's lists and a dict; the lists come back as they are, and stderr hears of it."""
    members, training, test = {}, [], []
    for index in rng.permutation(len(labels)).tolist():
        members.setdefault(int(labels[index]), []).append(index)
    for label, indices in members.items():
        count = round(fraction * len(indices))
        print("class", label, "gives", count, file=sys.stderr)
        test += indices[:count]
        training += indices[count:]
    return [training, test]


def split_by_counting_down(labels, fraction, rng):
    """Goes through the samples in random order, and takes for the test as long as their class has room."""
    room = {each: round(fraction * np.sum(labels == each)) for each in np.unique(labels).tolist()}
    training, test = [], []
    for index in rng.permutation(len(labels)):
        label = int(labels[index])
        (test if room[label] else training).append(index)
        room[label] = max(room[label] - 1, 0)
    return np.array(training), np.array(test)


def split_by_keys(labels, fraction, rng):
    """A random number for each sample; the smallest of each class are the test, and both parts are shuffled."""
    keys, test = rng.random(len(labels)), []
    for each in np.unique(labels):
        members = np.flatnonzero(labels == each)
        test.extend(members[np.argsort(keys[members])][: round(fraction * len(members))])
    training = [index for index in range(len(labels)) if index not in set(test)]
    return rng.permutation(training), rng.permutation(test)


def split_with_sets(labels, fraction, rng):
    """Sets of indices, sorted at the end."""
    test = set()
    for each in np.unique(labels):
        members = np.flatnonzero(labels == each)
        test |= set(rng.choice(members, size=round(fraction * len(members)), replace=False, shuffle=False).tolist())
    return np.array(sorted(set(range(len(labels))) - test)), np.array(sorted(test))


EXERCISE = Spec(
    name="data/stratified_split",
    function="stratified_split",
    use=Use(probe="stratified_split"),
    parameters=("labels", "fraction", "rng"),
    inputs=("labels", "fraction", "seed", "other_seed"),
    returns=("training", "test", "test_same_seed", "test_other_seed"),
    measure=stratified_split_facts,
    measured=(
        "how many samples are in no part, and how many in several places",
        "how many too many or too few samples of each class are in the test (0: right, rounded up or down)",
        "whether the same seed gives the same test, and how much of it another seed gives again",
    ),
    title="A split that keeps the classes' shares",
    why="A model is judged by what it has not seen. If chance left a rare class out of it, the figure says little.",
    minutes=10,
    difficulty=2,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=split_class_by_class,
    rounding=stratified_split_allowances,
    cases=stratified_split_cases,
    packages=("numpy", "engine"),
    withheld=("engine.utils.data.dataset.random_split",),
    shortcuts=(
        "from sklearn.model_selection import train_test_split\nimport numpy as np\n"
        "def stratified_split(labels, fraction, rng):\n"
        "    return train_test_split(np.arange(len(labels)), test_size=fraction, stratify=labels)\n",
        "from engine.utils.data import random_split\ndef stratified_split(labels, fraction, rng):\n"
        "    parts = random_split(range(len(labels)), [1 - fraction, fraction])\n"
        "    return parts[0].indices, parts[1].indices\n",
    ),
    misconceptions=(
        Misconception(
            "not stratified",
            "You split all samples together, so chance decides how much of each class the test gets. Split each class "
            "by itself, and join the parts.",
            _not_stratified,
        ),
        Misconception(
            "the first ones",
            "The test always holds the first samples of each class. Data is often sorted, by day or by writer: shuffle "
            "each class before you cut it.",
            _first_ones,
        ),
        Misconception(
            "random numbers of its own",
            "The same seed should give the same split, or nobody can repeat your experiment. Take all random numbers "
            "from the `rng` that was given.",
            _own_numbers,
        ),
        Misconception(
            "all for training",
            "The test is part of the training samples. What a model has learned from cannot judge it: leave the test's "
            "samples out.",
            _test_in_training,
        ),
        Misconception(
            "with replacement",
            "Some samples are in the test twice: `rng.choice` draws with replacement unless you say `replace=False`.",
            _with_replacement,
        ),
        Misconception(
            "two draws",
            "The two parts come from different shuffles: some samples are in both, some in none. Shuffle each class "
            "once, and cut that one order.",
            _drawn_twice,
        ),
        Misconception(
            "exchanged",
            "The parts are exchanged: `fraction` is the test's share, and training comes first.",
            _exchanged,
        ),
        Misconception(
            "as many of each",
            "The test holds equally many of each class. Take the same *fraction* of each, so that it looks like the "
            "data.",
            _as_many_of_each,
        ),
        Misconception(
            "places in the class",
            "Your indices count within each class. Go back to indices of the whole: `members[places]`, with `members = "
            "np.flatnonzero(labels == each)`.",
            _places_in_the_class,
        ),
        Misconception(
            "a coin for each sample",
            "You toss a coin for each sample, so chance decides how much of each class the test gets. Shuffle the "
            "indices of one class, and cut them at `fraction` of their number; then the next class.",
            _coin_for_each,
        ),
        Misconception(
            "a rounded number of each",
            "The test holds equally many of each class. Take the same *fraction* of each, so that it looks like the "
            "whole.",
            _rounded_number_of_each,
        ),
        Misconception(
            "labels in place of indices",
            "You return labels. Asked for are indices, by which images and labels can both be taken: "
            "`np.flatnonzero(labels == each)` are those of one class.",
            _labels_themselves,
        ),
        Misconception(
            "misses the last class",
            "The largest label is in neither part: `range(labels.max())` ends before it. `np.unique(labels)` gives the "
            "classes that there are.",
            _misses_the_last_class,
        ),
    ),
    half_right=(_first_ones_twice,),
    honest=(
        split_class_by_class,
        split_rounding_down,
        split_rounding_up,
        split_by_sorting,
        split_into_lists,
        split_by_counting_down,
        split_by_keys,
        split_with_sets,
    ),
    hints=(
        "For one class, how would you do it? Then do that for each of `np.unique(labels)`, and join.",
        "`members = rng.permutation(np.flatnonzero(labels == each))` are the shuffled indices of a class, and "
        "`round(fraction * len(members))` of them go to the test.",
        "Collect `members[:count]` in one list and `members[count:]` in another; at the end `np.concatenate` each.",
    ),
)
