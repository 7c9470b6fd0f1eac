"""mode_count(samples, centres, radius, least): how many samples each mode got, and how many modes got enough."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, exact
from autograders.specs.common import DOUBLE, SINGLE

RADIUS = 1.5
GAP = 0.05  # in radii; no sample lies nearer than that to where its count would change


def mode_count(samples, centres, radius, least):
    """By all distances at once."""
    distances = np.linalg.norm(samples[:, None] - centres, axis=2)
    nearest = distances.argmin(axis=1)
    counts = np.bincount(nearest[distances.min(axis=1) <= radius], minlength=len(centres))
    return counts, int((counts >= least).sum())


def mode_count_cases(rng):
    """Points around centres and between them, with modes that get none, few and many."""
    apart, stray, near = "modes far apart", "samples that belong to no mode", "modes whose circles overlap"
    for modes, given, strays, distance, dims, dtype, group in [
        (3, (0, 3, 1), 0, 4.0, 2, SINGLE, apart),
        (4, (2, 5, 0, 3), 0, 4.0, 3, DOUBLE, apart),
        (3, (3, 0, 4), 3, 4.0, 2, SINGLE, stray),
        (5, (1, 4, 3, 0, 6), 5, 4.0, 3, DOUBLE, stray),
        (3, (4, 3, 0), 2, 1.2, 2, SINGLE, near),
        (4, (3, 4, 0, 1), 3, 1.2, 3, DOUBLE, near),
    ]:
        yield _case(rng, modes, given, strays, distance, dims, dtype, 3, group)
    between = RADIUS * np.array([[0.3, 0.0], [0.9, 0.0], [0.9, 0.1]])  # in both circles, whichever is asked first
    yield Case((between, RADIUS * np.array([[0.0, 0.0], [1.2, 0.0]]), RADIUS, 2), near)
    yield _case(rng, 3, (0, 0, 0), 4, 4.0, 2, SINGLE, 1, "no sample near any mode", EDGE)
    yield _case(rng, 2, (3, 0), 0, 4.0, 2, SINGLE, 3, "just as many as are needed", EDGE)
    yield _case(rng, 1, (5,), 1, 4.0, 2, SINGLE, 2, "a single mode", EDGE)
    centres = np.array([[0.0, 0.0], [6.0, 0.0]], SINGLE)
    samples = np.array([[RADIUS, 0.0], [6.0, RADIUS], [6.0, 0.0]], SINGLE)
    yield Case((samples, centres, RADIUS, 1), "samples on the circle itself", EDGE)


def _case(rng, modes, given, strays, distance, dims, dtype, least, group, *stage):
    """`given[k]` samples in centre k's circle and nearest to it, and `strays` a little outside of all."""
    centres = np.zeros((modes, dims))
    centres[:, 0] = distance * np.arange(modes)
    centres[:, 1] = rng.uniform(-0.2, 0.2, modes)
    samples = [_sample(rng, centres, mode) for mode in np.repeat(np.arange(modes), given)]
    samples += [_stray(rng, centres) for _ in range(strays)]
    arrays = (RADIUS * rng.permutation(np.array(each)) for each in (samples, centres))
    return Case((*(array.astype(dtype) for array in arrays), RADIUS, least), group, *stage)


def _sample(rng, centres, mode):
    """A point within 1 of its centre, and at least GAP nearer to it than to the others."""
    while True:
        step = rng.standard_normal(centres.shape[1])
        point = centres[mode] + step / np.linalg.norm(step) * rng.uniform(0.3, 1 - GAP)
        away = np.linalg.norm(centres - point, axis=1)
        if (np.delete(away, mode) > away[mode] + GAP).all():
            return point


def _stray(rng, centres):
    """A point outside of all circles, in a corner of the square around one: near along each axis, and yet not near."""
    while True:
        step = rng.choice([-1.0, 1.0], centres.shape[1])
        point = centres[rng.integers(len(centres))] + step / np.linalg.norm(step) * rng.uniform(1 + GAP, 1.35)
        if (np.linalg.norm(centres - point, axis=1) > 1 + GAP).all():
            return point


def _distances(samples, centres):
    return np.linalg.norm(samples[:, None] - centres, axis=2)


def _without_a_radius(samples, centres, radius, least):
    counts = np.bincount(_distances(samples, centres).argmin(axis=1), minlength=len(centres))
    return counts, int((counts >= least).sum())


def _all_within_the_radius(samples, centres, radius, least):
    counts = (_distances(samples, centres) <= radius).sum(axis=0)
    return counts, int((counts >= least).sum())


def _squared_distances(samples, centres, radius, least):
    squares = ((samples[:, None] - centres) ** 2).sum(axis=2)
    counts = np.bincount(squares.argmin(axis=1)[squares.min(axis=1) <= radius], minlength=len(centres))
    return counts, int((counts >= least).sum())


def _distance_along_an_axis(samples, centres, radius, least):
    distances = np.abs(samples[:, None] - centres).max(axis=2)
    counts = np.bincount(distances.argmin(axis=1)[distances.min(axis=1) <= radius], minlength=len(centres))
    return counts, int((counts >= least).sum())


def _any_will_do(samples, centres, radius, least):
    counts, _ = mode_count(samples, centres, radius, least)
    return counts, int((counts > 0).sum())


def _more_than_least(samples, centres, radius, least):
    counts, _ = mode_count(samples, centres, radius, least)
    return counts, int((counts > least).sum())


def _samples_not_modes(samples, centres, radius, least):
    counts, _ = mode_count(samples, centres, radius, least)
    return counts, int(counts[counts >= least].sum())


def _no_empty_modes(samples, centres, radius, least):
    distances = _distances(samples, centres)
    found = distances.argmin(axis=1)[distances.min(axis=1) <= radius]
    counts = np.unique(found, return_counts=True)[1]
    return counts, int((counts >= least).sum())


def _bincount_without_a_length(samples, centres, radius, least):
    distances = _distances(samples, centres)
    counts = np.bincount(distances.argmin(axis=1)[distances.min(axis=1) <= radius])
    return counts, int((counts >= least).sum())


def _open_circle(samples, centres, radius, least):
    distances = _distances(samples, centres)
    counts = np.bincount(distances.argmin(axis=1)[distances.min(axis=1) < radius], minlength=len(centres))
    return counts, int((counts >= least).sum())


def _shares(samples, centres, radius, least):
    counts, modes = mode_count(samples, centres, radius, least)
    return counts / len(samples), modes


def _within(distances, radius, centres):
    return np.bincount(distances.argmin(axis=1)[distances.min(axis=1) <= radius], minlength=len(centres))


def _along_streets(samples, centres, radius, least):
    counts = _within(np.abs(samples[:, None] - centres).sum(axis=2), radius, centres)
    return counts, int((counts >= least).sum())


def _two_axes(samples, centres, radius, least):
    counts = _within(_distances(samples[:, :2], centres[:, :2]), radius, centres)
    return counts, int((counts >= least).sum())


def _nearest_sample_of_each_mode(samples, centres, radius, least):
    counts = np.bincount(_distances(samples, centres).argmin(axis=0), minlength=len(centres))
    return counts, int((counts >= least).sum())


def _farthest(samples, centres, radius, least):
    distances = _distances(samples, centres)
    counts = np.bincount(distances.argmax(axis=1)[distances.max(axis=1) <= radius], minlength=len(centres))
    return counts, int((counts >= least).sum())


def _one_distance_from_all(samples, centres, radius, least):
    counts = np.zeros(len(centres), int)
    counts[0] = sum(np.linalg.norm(sample - centres) <= radius for sample in samples)
    return counts, int((counts >= least).sum())


def _says_which(samples, centres, radius, least):
    counts, _ = mode_count(samples, centres, radius, least)
    return counts, counts >= least


def _covered_ones_only(samples, centres, radius, least):
    counts, _ = mode_count(samples, centres, radius, least)
    counts = counts[counts >= least]
    return counts, len(counts)


def _once_for_each_index(samples, centres, radius, least):
    distances = _distances(samples, centres)
    counts = np.zeros(len(centres), int)
    counts[distances.argmin(axis=1)[distances.min(axis=1) <= radius]] += 1
    return counts, int((counts >= least).sum())


def _first_within_the_radius(samples, centres, radius, least):
    within = _distances(samples, centres) <= radius
    counts = np.bincount(within.argmax(axis=1)[within.any(axis=1)], minlength=len(centres))
    return counts, int((counts >= least).sum())


def _line_by_line(samples, centres, radius, least):
    distances = np.linalg.norm(samples - centres, axis=1)
    return distances <= radius, least


def _strays_to_the_first(samples, centres, radius, least):
    distances = _distances(samples, centres)
    nearest = np.where(distances.min(axis=1) <= radius, distances.argmin(axis=1), 0)
    counts = np.bincount(nearest, minlength=len(centres))
    return counts, int((counts >= least).sum())


def _counts_alone(samples, centres, radius, least):
    """Right counts; the modes are all of them."""
    return mode_count(samples, centres, radius, least)[0], len(centres)


def mode_count_with_loops(samples, centres, radius, least):
    """The slow specification, sample by sample."""
    counts = [0] * len(centres)
    for sample in samples:
        distances = [np.sqrt(((sample - centre) ** 2).sum()) for centre in centres]
        nearest = int(np.argmin(distances))
        if distances[nearest] <= radius:
            counts[nearest] += 1
    return np.array(counts), sum(count >= least for count in counts)


def mode_count_with_bincount(samples, centres, radius, least):
    """All distances as an array (samples, modes)."""
    distances = np.sqrt(((samples[:, None] - centres[None]) ** 2).sum(-1))
    belongs = distances.argmin(1)[distances.min(1) <= radius]
    counts = np.bincount(belongs, minlength=len(centres))
    return counts, np.count_nonzero(counts >= least)


def mode_count_with_a_table(samples, centres, radius, least):
    """A table of who belongs where; warns on stderr."""
    print(len(samples), "samples", file=sys.stderr)
    squares = ((samples[:, None].astype(float) - centres) ** 2).sum(axis=2)
    is_nearest = np.arange(len(centres)) == squares.argmin(axis=1)[:, None]
    counts = (is_nearest & (squares <= radius**2)).sum(axis=0)
    return counts, (counts >= least).sum()


def mode_count_mode_by_mode(samples, centres, radius, least):
    """Each mode counts its own."""
    distances = np.stack([np.hypot.reduce(samples - centre, axis=1) for centre in centres])
    closest = distances.min(axis=0)
    counts = [int(((row == closest) & (row <= radius)).sum()) for row in distances]
    return np.array(counts, dtype=np.int64), len([count for count in counts if not count < least])


EXERCISE = Spec(
    name="gan/mode_count",
    function="mode_count",
    parameters=("samples", "centres", "radius", "least"),
    returns=("counts", "modes"),
    title="Count the modes",
    why="The losses of a GAN do not say how good it is. Whether it makes everything that there is has to be counted.",
    minutes=10,
    difficulty=2,
    weights={"inputs unmutated": 0.5, "values": 2.5, "edge cases": 1.0},
    reference=mode_count,
    rounding=exact(mode_count),
    cases=mode_count_cases,
    picture="none",
    misconceptions=(
        Misconception(
            "without a radius",
            "Every sample counts for its nearest mode, however far away that is. Only those within the radius do.",
            _without_a_radius,
        ),
        Misconception(
            "all within the radius",
            "Where circles overlap a sample counts for several modes. It belongs to the nearest one alone.",
            _all_within_the_radius,
        ),
        Misconception(
            "squared distances",
            "You compare squared distances with the radius. Take the root, or compare with `radius ** 2`.",
            _squared_distances,
        ),
        Misconception(
            "a square for a circle",
            "You take the largest difference along an axis, and that is a square. The distance is the root of the sum "
            "of the squares: `np.linalg.norm`.",
            _distance_along_an_axis,
        ),
        Misconception(
            "any will do",
            "The counts are right. A mode that a single stray sample fell on is not covered: it takes `least` of them.",
            _any_will_do,
        ),
        Misconception(
            "more than least",
            "The counts are right. A mode with exactly `least` samples is covered too: `>=`.",
            _more_than_least,
        ),
        Misconception(
            "samples instead of modes",
            "The counts are right. The second result is a number of modes; yours is one of samples.",
            _samples_not_modes,
        ),
        Misconception(
            "empty modes left out",
            "Modes without a sample are missing from your counts. There is a number for each mode, 0 for these.",
            _no_empty_modes,
        ),
        Misconception(
            "too short",
            "`np.bincount` ends with the largest number that it sees. Say `minlength=len(centres)`, or the last modes "
            "are missing when they got nothing.",
            _bincount_without_a_length,
        ),
        Misconception(
            "open circle",
            "A sample at exactly the radius belongs to the mode as well: `<=`.",
            _open_circle,
        ),
        Misconception(
            "shares",
            "Your counts are shares of all samples. Here they are whole numbers.",
            _shares,
        ),
        Misconception(
            "along streets",
            "You add up the differences along the axes, which is how far one walks along streets. The distance is "
            "the root of the sum of their squares: `np.linalg.norm(..., axis=2)`.",
            _along_streets,
        ),
        Misconception(
            "two axes",
            "Right for points of a plane. Samples may have more than two numbers, and each counts in the distance: "
            "`np.linalg.norm(..., axis=2)` takes all.",
            _two_axes,
        ),
        Misconception(
            "nearest sample of each mode",
            "`argmin(axis=0)` asks each mode for its nearest sample. Ask each sample for its nearest mode: of "
            "distances (samples, modes) that is `argmin(axis=1)`.",
            _nearest_sample_of_each_mode,
        ),
        Misconception(
            "farthest",
            "You take the mode that is farthest away. A sample belongs to the nearest: `argmin`, and `min` for its "
            "distance.",
            _farthest,
        ),
        Misconception(
            "one distance from all",
            "`np.linalg.norm(sample - centres)` is a single number for the whole table, so `argmin` has nothing to "
            "choose from. One for each centre: `axis=1`.",
            _one_distance_from_all,
        ),
        Misconception(
            "says which",
            "The counts are right. The second result says which modes are covered; asked is how many: `(counts >= "
            "least).sum()`.",
            _says_which,
        ),
        Misconception(
            "covered ones only",
            "You leave out the modes that got too few, so the counts no longer say whose they are. Keep a count for "
            "each mode; only the second result looks at `least`.",
            _covered_ones_only,
        ),
        Misconception(
            "once for each index",
            "`counts[nearest] += 1` adds 1 to a place once, however often it is named. `np.bincount` counts how "
            "often, and so does a loop.",
            _once_for_each_index,
        ),
        Misconception(
            "first within the radius",
            "Where circles overlap you take the first mode whose circle holds the sample. It belongs to the nearest.",
            _first_within_the_radius,
        ),
        Misconception(
            "line by line",
            "`samples - centres` pairs the first sample with the first centre, and so on. Every sample with every "
            "centre: `samples[:, None] - centres`, of shape (samples, modes, dimensions).",
            _line_by_line,
        ),
        Misconception(
            "strays to the first",
            "Samples that are near no mode count for the first one in yours. They count for none: leave them out.",
            _strays_to_the_first,
        ),
    ),
    half_right=(_counts_alone,),
    honest=(
        mode_count_with_loops,
        mode_count_with_bincount,
        mode_count_with_a_table,
        mode_count_mode_by_mode,
    ),
    hints=(
        "First all distances, as an array (samples, modes): `samples[:, None] - centres` has the shape "
        "(samples, modes, dimensions).",
        "`argmin(axis=1)` says which mode each sample is nearest to, `min(axis=1)` how far that is. Keep those within "
        "the radius.",
        "`counts = np.bincount(nearest[kept], minlength=len(centres))`, and `(counts >= least).sum()` of them are "
        "covered.",
    ),
)
