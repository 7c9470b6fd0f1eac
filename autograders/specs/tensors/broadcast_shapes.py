"""broadcast_shapes(a, b): the shape in which two shapes meet."""

import itertools
import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Use


def broadcast_shapes(a, b):
    """The engine's own, with numpy's kind of error."""
    import engine

    try:
        return tuple(engine.broadcast_shapes(a, b))
    except RuntimeError as error:
        raise ValueError(f"shapes {a} and {b} do not fit") from error


def broadcast_shapes_cases(rng):
    """Pairs of shapes with sizes drawn from 2 to 9, all different, so that no size is right by accident."""
    one, both = "one shape is stretched", "both shapes are stretched"
    fewer, together = "one shape has fewer axes", "fewer axes and axes of size 1 together"
    n, m, k, p = (int(size) for size in rng.permutation(np.arange(2, 10))[:4])
    for a, b, group in [
        ((n, 1), (n, m), one),
        ((n, m, k), (n, 1, k), one),
        ((n, 1), (1, m), both),
        ((n, 1, m), (1, k, 1), both),
        ((m,), (n, m), fewer),
        ((n, m, k), (m, k), fewer),
        ((n, 1), (m,), together),
        ((m, 1), (n, 1, k), together),
        ((n, 1, m, 1), (k, 1, p), together),
    ]:
        yield Case((a, b, True), group)
    error = "shapes that do not fit raise ValueError (shown as -1)"
    for a, b, fits, group in [
        ((), (), True, "single numbers, whose shape is ()"),
        ((), (n, m), True, "single numbers, whose shape is ()"),
        ((0,), (1,), True, "an axis of size 0 stays 0"),
        ((n, 1), (1, 0), True, "an axis of size 0 stays 0"),
        ((n,), (m,), False, error),
        ((n, m), (n,), False, error),
        ((0,), (n,), False, error),
    ]:
        yield Case((a, b, fits), group, EDGE)


def _padded(a, b):
    axes = max(len(a), len(b))
    return (1,) * (axes - len(a)) + tuple(a), (1,) * (axes - len(b)) + tuple(b)


def _aligned_at_the_left(a, b):
    axes = max(len(a), len(b))
    left, right = tuple(a) + (1,) * (axes - len(a)), tuple(b) + (1,) * (axes - len(b))
    return broadcast_shapes_of_pairs(left, right)


def _drops_the_extra_axes(a, b):
    axes = min(len(a), len(b))
    return broadcast_shapes_of_pairs(a[len(a) - axes :], b[len(b) - axes :])


def _keeps_the_ones(a, b):
    return tuple(min(left, right) if 1 in (left, right) else left for left, right in zip(*_padded(a, b)))


def _takes_the_larger_shape(a, b):
    return max(a, b, key=lambda shape: (len(shape), shape))


def _never_complains(a, b):
    return tuple(right if left == 1 else left for left, right in zip(*_padded(a, b)))


def _larger_size_wins(a, b):
    sizes = tuple(max(left, right) for left, right in zip(*_padded(a, b)))
    for left, right in zip(*_padded(a, b)):
        if left != right and 1 not in (left, right):
            raise ValueError("do not fit")
    return sizes


def _only_as_many_axes(a, b):
    if len(a) != len(b):
        raise ValueError("a different number of axes")
    return broadcast_shapes_of_pairs(a, b)


def _returns_none(a, b):
    try:
        return broadcast_shapes_of_pairs(a, b)
    except ValueError:
        return None


def _turned_around(a, b):
    return broadcast_shapes_of_pairs(a, b)[::-1]


def _axes_of_a_alone(a, b):
    pairs = [(a[-axis], b[-axis]) for axis in range(len(a), 0, -1)]
    return broadcast_shapes_of_pairs([left for left, _ in pairs], [right for _, right in pairs])


def broadcast_shapes_of_pairs(a, b):
    """Pads the shorter shape with ones at the left, then looks at the axes pair by pair."""
    result = []
    for left, right in zip(*_padded(a, b)):
        if left != right and 1 not in (left, right):
            raise ValueError(f"{a} and {b} do not fit")
        result.append(right if left == 1 else left)
    return tuple(result)


def broadcast_shapes_from_the_right(a, b):
    """Walks from the last axis to the first, and turns the list around at the end."""
    result = []
    for left, right in itertools.zip_longest(reversed(a), reversed(b), fillvalue=1):
        if left == 1:
            result.append(right)
        elif right == 1 or left == right:
            result.append(left)
        else:
            raise ValueError("incompatible shapes")
    return tuple(result[::-1])


def broadcast_shapes_with_sets(a, b):
    """What is left of a pair of sizes when the ones are taken out, as a list."""
    sizes = []
    for pair in zip(*_padded(a, b)):
        others = set(pair) - {1}
        if len(others) > 1:
            raise ValueError(pair)
        sizes.append(others.pop() if others else 1)
    return sizes


def broadcast_shapes_by_recursion(a, b):
    """The last axes by hand, the others by calling itself."""
    if not a or not b:
        return tuple(a) or tuple(b)
    left, right = a[-1], b[-1]
    if left != right and left != 1 and right != 1:
        raise ValueError("incompatible shapes")
    return (*broadcast_shapes_by_recursion(a[:-1], b[:-1]), left if right == 1 else right)


def broadcast_shapes_in_an_array(a, b):
    """Works with arrays of sizes, and returns numpy's integers."""
    left, right = (np.array(shape, dtype=np.int64) for shape in _padded(a, b))
    if np.any((left != right) & (left != 1) & (right != 1)):
        raise ValueError("incompatible shapes")
    return tuple(np.where(left == 1, right, left))


def broadcast_shapes_by_trying(a, b):
    """Lets numpy broadcast two arrays, whose error is a ValueError too; talks on stderr."""
    print("trying", a, b, file=sys.stderr)
    return np.broadcast(np.empty(a), np.empty(b)).shape


def broadcast_shapes_in_place(a, b):
    """Overwrites a list of the longer shape from its end."""
    longer, shorter = (list(a), list(b)) if len(a) >= len(b) else (list(b), list(a))
    for axis in range(-1, -len(shorter) - 1, -1):
        if longer[axis] == 1:
            longer[axis] = shorter[axis]
        if shorter[axis] not in (1, longer[axis]):
            raise ValueError(f"axis {axis}: {longer[axis]} meets {shorter[axis]}")
    return tuple(longer)


EXERCISE = Spec(
    name="tensors/broadcast_shapes",
    function="broadcast_shapes",
    parameters=("a", "b"),
    returns=("shape",),
    title="The shape in which two shapes meet",
    why="Most of the errors you will meet are shapes that do not fit, or worse, shapes that fit by accident.",
    minutes=10,
    difficulty=2,
    weights={"dtype": 0.5, "values": 2.5, "edge cases": 1.0},
    ours=broadcast_shapes,
    use=Use(probe="shapes"),
    inputs=("a", "b", "fits"),
    rounding=lambda a, b, fits: 0.0,
    cases=broadcast_shapes_cases,
    misconceptions=(
        Misconception(
            "aligned at the left",
            "You line the shapes up at their first axes. Broadcasting lines them up at the last axes: a missing "
            "axis is missing at the front.",
            _aligned_at_the_left,
        ),
        Misconception(
            "drops the extra axes",
            "The axes that both shapes have are right. Those that only the longer one has belong to the result too, "
            "in front: `zip` stops at the shorter of the two.",
            _drops_the_extra_axes,
        ),
        Misconception(
            "keeps the ones",
            "Where a 1 meets another size you keep the 1. It is the other way round: the axis of size 1 is stretched "
            "to the other size.",
            _keeps_the_ones,
        ),
        Misconception(
            "takes the larger shape",
            "You return one of the two shapes as it is. Both can be stretched, each along another axis: (3, 1) and "
            "(1, 4) meet in (3, 4). Decide axis by axis.",
            _takes_the_larger_shape,
        ),
        Misconception(
            "never complains",
            "The shapes that fit are right. Two sizes that differ, and neither of which is 1, do not fit: raise "
            "ValueError.",
            _never_complains,
        ),
        Misconception(
            "larger size wins",
            "Nearly: an axis of size 1 takes the other size, which is not always the larger. Next to an empty axis, "
            "of size 0, it becomes 0.",
            _larger_size_wins,
        ),
        Misconception(
            "returns None",
            "Where two shapes do not fit, there is nothing to return: stop with `raise ValueError(\"...\")`.",
            _returns_none,
        ),
        Misconception(
            "turned around",
            "All sizes are there, from the last axis to the first. You walked from the back: turn the list around at "
            "the end, `result[::-1]`.",
            _turned_around,
        ),
        Misconception(
            "axes of a alone",
            "You walk along the axes of `a`. `b` may have more of them, or fewer: give the shorter shape ones in front "
            "first, then both have as many.",
            _axes_of_a_alone,
        ),
    ),
    half_right=(_only_as_many_axes, _drops_the_extra_axes),
    honest=(
        broadcast_shapes_of_pairs,
        broadcast_shapes_from_the_right,
        broadcast_shapes_with_sets,
        broadcast_shapes_by_recursion,
        broadcast_shapes_in_an_array,
        broadcast_shapes_by_trying,
        broadcast_shapes_in_place,
    ),
    shortcuts=(
        "import engine\n\ndef broadcast_shapes(a, b):\n    return tuple(engine.broadcast_shapes(a, b))",
        "import torch\n\ndef broadcast_shapes(a, b):\n    return tuple(torch.broadcast_shapes(a, b))",
    ),
    hints=(
        "Write the two shapes below each other, lined up at the right. What may stand above what?",
        "Give the shorter shape ones at its left until both have as many axes. Then each pair of sizes decides for "
        "itself: equal, or one of them is 1, or an error.",
        "`a = (1,) * (len(b) - len(a)) + a`, the same for `b`; then for each pair `left, right`: if `left == 1` take "
        "`right`; if `right in (1, left)` take `left`; else `raise ValueError`.",
    ),
)
