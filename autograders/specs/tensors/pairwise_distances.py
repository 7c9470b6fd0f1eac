"""pairwise_distances(a, b): every point of one set to every point of another."""

import math
import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Speed
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def pairwise_distances(a, b):
    """Subtracts with broadcasting: (n, 1, d) and (m, d) meet in (n, m, d)."""
    return np.sqrt(((a[:, None, :] - b) ** 2).sum(axis=-1))


def pairwise_distances_with_loops(a, b):
    """The plain specification, one pair at a time."""
    result = np.zeros((len(a), len(b)), a.dtype)
    for i in range(len(a)):
        for j in range(len(b)):
            result[i, j] = np.sqrt(((a[i] - b[j]) ** 2).sum())
    return result


def pairwise_distances_timed(rng):
    """Two larger sets, far from each other, for which loops take a fifth of a second and a broadcast a thousandth."""
    a, b = rng.uniform(-2, 2, (150, 4)), rng.uniform(3, 7, (150, 4))
    return Case((a.astype(SINGLE), b.astype(SINGLE)), "150 points and 150 points")


FAR = 20.0  # how many times a distance the points' own lengths may be before squares must not be subtracted


def pairwise_distances_rounding(a, b):
    """How much rounding a distance may show, in units of eps.

    Subtracting first: a difference of two coordinates is off by eps / 2 of itself, its square by three halves of
    eps, the sum of d squares by (d - 1) eps / 2 more; the root halves that and adds eps / 2. In all less than
    (d + 4) eps / 4 of the distance, so (d + 4) times the distance is four times the bound.
    By |a|² - 2ab + |b|², three sums whose terms add up to at most (|a| + |b|)²: the squared distance is off by at
    most (d + 3) eps / 2 of that, and the distance by as much over twice the distance; (d + 3) (|a| + |b|)² over the
    distance is four times that bound. It is granted where the points lie at most 20 times as far from the origin as
    from each other. Closer together the squares cancel, and whoever subtracts them there loses what was asked for.
    """
    features = a.shape[1]
    exact = pairwise_distances(a, b)
    lengths = np.sqrt((a**2).sum(axis=1))[:, None] + np.sqrt((b**2).sum(axis=1))
    from_squares = np.divide(lengths**2, exact, out=np.zeros_like(exact), where=lengths < FAR * exact)
    return (features + 4) * exact + (features + 3) * from_squares + lengths


def pairwise_distances_cases(rng):
    """Two sets of points, (n, d) and (m, d), far enough apart that either formula is exact to rounding."""
    line, plane, space, many = "on a line", "in the plane", "in space", "points with many coordinates"
    for n, m, features, dtype, group in [
        (2, 3, 1, SINGLE, line),
        (4, 2, 1, DOUBLE, line),
        (2, 3, 2, SINGLE, plane),
        (4, 3, 2, DOUBLE, plane),
        (3, 3, 2, SINGLE, plane),
        (3, 2, 3, DOUBLE, space),
        (3, 4, 3, SINGLE, space),
        (3, 4, 5, SINGLE, many),
        (6, 5, 16, DOUBLE, many),
    ]:
        yield Case(_points_apart(rng, n, m, features, dtype), group)
    around, close = normal(rng, (1, 3)) + SINGLE(300), "close together, far from the origin"
    yield Case((around + normal(rng, (2, 3)), around + normal(rng, (3, 3))), close, EDGE)
    same = normal(rng, (3, 2))
    yield Case((same, same.copy()), "each point meets itself, at distance 0", EDGE)
    yield Case(_points_apart(rng, 1, 1, 3, SINGLE), "a single pair", EDGE)
    yield Case((normal(rng, (0, 3)), normal(rng, (2, 3))), "no points", EDGE)


def _points_apart(rng, n, m, features, dtype):
    """Points in [-2, 2], drawn until no two of the two sets lie closer than a tenth of their lengths."""
    while True:
        a, b = (rng.uniform(-2, 2, (count, features)).astype(dtype) for count in (n, m))
        lengths = np.linalg.norm(a, axis=1)[:, None] + np.linalg.norm(b, axis=1)
        if np.all(lengths < FAR / 2 * pairwise_distances(a, b)):
            return a, b


def _squared(a, b):
    return ((a[:, None] - b) ** 2).sum(axis=-1)


def _by_the_shortcut(a, b):
    squares = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return np.sqrt(np.maximum(squares, 0))


def _row_by_row(a, b):
    return np.sqrt(((a - b) ** 2).sum(axis=1))


def _transposed_distances(a, b):
    return _squared(b, a) ** a.dtype.type(0.5)


def _manhattan(a, b):
    return np.abs(a[:, None] - b).sum(axis=-1)


def _mean_square(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).mean(axis=-1))


def _sums_the_wrong_axis(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).sum(axis=0))


def _sums_before_squaring(a, b):
    return np.abs((a[:, None] - b).sum(axis=-1))


def _two_coordinates_only(a, b):
    return np.sqrt(((a[:, None, :2] - b[:, :2]) ** 2).sum(axis=-1))


def _loops_and_squares(a, b):
    squares = [[np.dot(p, p) - 2 * np.dot(p, q) + np.dot(q, q) for q in b] for p in a]
    return np.array([[math.sqrt(max(square, 0)) for square in row] for row in squares])


def _sums_over_the_points_of_b(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).sum(axis=1))


def _adds_up_everything(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).sum())


def _keeps_the_summed_axis(a, b):
    return np.sqrt(((a[:, None] - b) ** 2).sum(axis=-1, keepdims=True))


def pairwise_distances_with_axes_added(a, b):
    """Both arrays get their axis by hand."""
    difference = np.expand_dims(a, 1) - np.expand_dims(b, 0)
    return np.sqrt(np.sum(difference * difference, axis=2))


def pairwise_distances_with_norm(a, b):
    """numpy's norm along the last axis."""
    return np.linalg.norm(a[:, np.newaxis] - b[np.newaxis], axis=-1)


def pairwise_distances_with_einsum(a, b):
    """Squares and adds in one step."""
    difference = a[:, None] - b
    return np.sqrt(np.einsum("nmd,nmd->nm", difference, difference))


def pairwise_distances_with_hypot(a, b):
    """Adds one coordinate after another; np.hypot never squares."""
    result = np.zeros((len(a), len(b)), a.dtype)
    for mine, theirs in zip(a.T, b.T):
        result = np.hypot(result, np.subtract.outer(mine, theirs))
    return result


def pairwise_distances_a_row_at_a_time(a, b):
    """A loop over the rows of a alone, which needs little memory."""
    result = np.empty((len(a), len(b)), a.dtype)
    for row, point in enumerate(a):
        result[row] = np.sqrt(((b - point) ** 2).sum(axis=1))
    return result


def pairwise_distances_in_double(a, b):
    """Subtracts in float64, warns on stderr, and rounds once at the end."""
    print("measuring", a.shape, b.shape, file=sys.stderr)
    difference = a.astype(np.float64)[:, None] - b.astype(np.float64)
    return ((difference**2).sum(-1) ** 0.5).astype(a.dtype)


def pairwise_distances_in_place(a, b):
    """Works in one array of its own."""
    work = np.subtract(a[:, None], b[None])
    np.square(work, out=work)
    total = np.add.reduce(work, axis=-1)
    return np.sqrt(total, out=total)


def pairwise_distances_by_double_squares(a, b):
    """The shortcut with squares, in float64, in which the squares of float32 numbers lose nothing that matters."""
    wide, tall = a.astype(np.float64), b.astype(np.float64)
    squares = (wide**2).sum(axis=1)[:, None] - 2 * wide @ tall.T + (tall**2).sum(axis=1)
    return np.sqrt(np.maximum(squares, 0)).astype(a.dtype)


EXERCISE = Spec(
    name="tensors/pairwise_distances",
    function="pairwise_distances",
    parameters=("a", "b"),
    returns=("distances",),
    title="Every distance, without a loop",
    why="One line of broadcasting does what two nested loops do, in a fraction of their time.",
    minutes=10,
    difficulty=3,
    weights={**WEIGHTS, "speed": 1.0},
    reference=pairwise_distances,
    rounding=pairwise_distances_rounding,
    cases=pairwise_distances_cases,
    speed=Speed(pairwise_distances_timed, pairwise_distances_with_loops, times=10),
    misconceptions=(
        Misconception(
            "squared distances",
            "These are the squares of the distances: the square root is missing.",
            _squared,
        ),
        Misconception(
            "row by row",
            "`a - b` lets each point of `a` meet one point of `b`. Each is to meet all of them: give `a` an axis more, "
            "`a[:, None, :]`, so that (n, 1, d) and (m, d) meet in (n, m, d).",
            _row_by_row,
        ),
        Misconception(
            "transposed",
            "The distances are right, their places are not: row i is to hold the distances of point i of `a`, column j "
            "those of point j of `b`.",
            _transposed_distances,
        ),
        Misconception(
            "manhattan",
            "You add up the absolute differences, which is how far one walks along streets. The straight line is the "
            "root of the sum of their squares.",
            _manhattan,
        ),
        Misconception(
            "mean instead of sum",
            "You take the mean of the squared differences. The distance is the root of their sum.",
            _mean_square,
        ),
        Misconception(
            "sums the wrong axis",
            "The differences have shape (n, m, d), and you add up over the points of `a`. It is the coordinates, on "
            "the last axis, that are added up.",
            _sums_the_wrong_axis,
        ),
        Misconception(
            "sums before squaring",
            "You add up the differences first, so that positive and negative ones cancel. Square each one, then add.",
            _sums_before_squaring,
        ),
        Misconception(
            "the shortcut with squares",
            "|a|² - 2ab + |b|² is right on paper. In floating point it subtracts large numbers that are nearly equal "
            "where points lie close together, and what is left is mostly rounding. Subtract first, then square.",
            _by_the_shortcut,
        ),
        Misconception(
            "sums over the points of b",
            "The differences have shape (n, m, d), and you add up along axis 1, over the points of `b`. It is the "
            "coordinates, on the last axis, that are added up: `axis=-1`.",
            _sums_over_the_points_of_b,
        ),
        Misconception(
            "adds up everything",
            "Without an axis `sum` adds up all there is, over every pair. Only the coordinates of a pair belong "
            "together: `sum(axis=-1)`.",
            _adds_up_everything,
        ),
        Misconception(
            "keeps the summed axis",
            "The distances are right, with an axis of size 1 too many: leave `keepdims=True` out.",
            _keeps_the_summed_axis,
        ),
    ),
    half_right=(_two_coordinates_only, _loops_and_squares),
    honest=(
        pairwise_distances_with_axes_added,
        pairwise_distances_with_norm,
        pairwise_distances_with_einsum,
        pairwise_distances_with_hypot,
        pairwise_distances_a_row_at_a_time,
        pairwise_distances_in_double,
        pairwise_distances_in_place,
        pairwise_distances_by_double_squares,
    ),
    shortcuts=(
        "from scipy.spatial.distance import cdist as pairwise_distances\n\n"
        "def pairwise_distances(a, b, measure=pairwise_distances):\n    return measure(a, b).astype(a.dtype)",
        "import torch\n\ndef pairwise_distances(a, b):\n"
        "    return torch.cdist(torch.tensor(a), torch.tensor(b)).numpy()",
    ),
    hints=(
        "Which shape does `a[:, None, :] - b` have, if `a` is (n, d) and `b` is (m, d)?",
        "It is (n, m, d): every point of `a` minus every point of `b`. What is left to do happens along the last axis.",
        "`difference = a[:, None, :] - b`, then `np.sqrt((difference ** 2).sum(axis=-1))`.",
    ),
)
