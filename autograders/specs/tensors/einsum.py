"""einsum(subscripts, a, b): axes that meet by name."""

import itertools
import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Use, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def einsum(subscripts, a, b):
    """The engine's own."""
    import engine

    return engine.einsum(subscripts, engine.tensor(a), engine.tensor(b)).numpy()


def einsum_cases(rng):
    """Two arrays whose axes have names; each letter's size is drawn, all different."""
    elementwise, outer = "every axis stays", "an outer product"
    summed, batch = "one axis is summed", "an axis both share, and keeps"
    single, order = "an axis that only one has is summed too", "another order of the result's axes"
    for subscripts, dtype, group in [
        ("i,i->i", SINGLE, elementwise),
        ("ij,j->ij", DOUBLE, elementwise),
        ("i,j->ij", SINGLE, outer),
        ("ij,k->ijk", DOUBLE, outer),
        ("i,i->", SINGLE, summed),
        ("ij,jk->ik", DOUBLE, summed),
        ("ij,kj->ik", SINGLE, summed),
        ("bi,bi->b", SINGLE, batch),
        ("bij,bjk->bik", DOUBLE, batch),
        ("ij,k->ik", SINGLE, single),
        ("ijk,kl->il", DOUBLE, single),
        ("i,j->ji", SINGLE, order),
        ("ij,jk->ki", DOUBLE, order),
    ]:
        yield _einsum_case(rng, subscripts, group, dtype)
    yield _einsum_case(rng, ",->", "two single numbers", SINGLE, EDGE)
    yield _einsum_case(rng, "ij,->ij", "two single numbers", SINGLE, EDGE)
    yield _einsum_case(rng, "bij,bjk->bik", "axes of size 1", SINGLE, EDGE, sizes=dict.fromkeys("bijk", 1))
    yield _einsum_case(rng, "ij,jk->ik", "a sum over nothing is 0", DOUBLE, EDGE, sizes={"i": 2, "j": 0, "k": 3})
    a, b = normal(rng, (3, 2)).T, normal(rng, (4, 3)).T
    yield Case(("ij,jk->ik", a, b), "transposed views", EDGE)


def _einsum_case(rng, subscripts, group, dtype, *stage, sizes=None):
    drawn = (int(size) for size in rng.permutation(np.arange(2, 6)))
    sizes = sizes or dict(zip(dict.fromkeys(letter for letter in subscripts if letter.isalpha()), drawn))
    left, right = subscripts.split("->")[0].split(",")
    a, b = (normal(rng, tuple(sizes[letter] for letter in names), dtype) for names in (left, right))
    return Case((subscripts, a, b), group, *stage)


def _names(subscripts):
    """The letters of a, of b and of the result."""
    inputs, result = subscripts.split("->")
    return (*inputs.split(","), result)


def _ignores_the_order(subscripts, a, b):
    left, right, result = _names(subscripts)
    in_order = "".join(letter for letter in dict.fromkeys(left + right) if letter in result)
    return einsum(f"{left},{right}->{in_order}", a, b)


def _sums_all_that_is_shared(subscripts, a, b):
    left, right, result = _names(subscripts)
    kept = "".join(letter for letter in result if letter not in left or letter not in right)
    return einsum(f"{left},{right}->{kept}", a, b)


def _sums_only_what_is_shared(subscripts, a, b):
    left, right, result = _names(subscripts)
    alone = [letter for letter in dict.fromkeys(left + right) if (letter in left) != (letter in right)]
    kept = result + "".join(letter for letter in alone if letter not in result)
    return einsum(f"{left},{right}->{kept}", a, b)


def _sums_nothing(subscripts, a, b):
    left, right, result = _names(subscripts)
    summed = "".join(letter for letter in dict.fromkeys(left + right) if letter not in result)
    return einsum(f"{left},{right}->{result}{summed}", a, b)


def _always_a_matrix_product(subscripts, a, b):
    return a @ b


def _takes_the_mean(subscripts, a, b):
    left, right, result = _names(subscripts)
    sizes = dict(zip(left + right, a.shape + b.shape))
    count = np.prod([sizes[letter] for letter in sizes if letter not in result])
    return einsum(subscripts, a, b) / a.dtype.type(max(1, count))


def _tensordot_alone(subscripts, a, b):
    left, right, result = _names(subscripts)
    shared = [letter for letter in left if letter in right]
    product = np.tensordot(a, b, ([left.index(each) for each in shared], [right.index(each) for each in shared]))
    names = [letter for letter in left + right if letter not in shared]
    return np.transpose(product, [names.index(letter) for letter in result])


def _does_not_turn(subscripts, a, b):
    left, right, result = _names(subscripts)
    order = result + "".join(letter for letter in dict.fromkeys(left + right) if letter not in result)
    spread = [
        array[tuple(slice(None) if letter in names else None for letter in order)]
        for array, names in ((a, left), (b, right))
    ]
    return (spread[0] * spread[1]).sum(axis=tuple(range(len(result), len(order))))


def _lined_up(array, names, order):
    """`array` with its axes in this order of letters, and an axis of size 1 for each letter it hasn't."""
    turned = array.transpose([names.index(letter) for letter in order if letter in names])
    return turned[tuple(slice(None) if letter in names else None for letter in order)]


def einsum_by_broadcasting(subscripts, a, b):
    """The idea of it: line the axes up by name, multiply, sum what the result does not name."""
    left, right, result = _names(subscripts)
    order = result + "".join(sorted(set(left + right) - set(result)))
    product = _lined_up(a, left, order) * _lined_up(b, right, order)
    return product.sum(axis=tuple(range(len(result), len(order))))


def einsum_with_loops(subscripts, a, b):
    """The slow specification: every choice of a number for each letter adds one product."""
    left, right, result = _names(subscripts)
    sizes = dict(zip(left + right, a.shape + b.shape))
    total = np.zeros([sizes[letter] for letter in result], a.dtype)
    for place in itertools.product(*(range(size) for size in sizes.values())):
        at = dict(zip(sizes, place))
        product = a[tuple(at[each] for each in left)] * b[tuple(at[each] for each in right)]
        total[tuple(at[each] for each in result)] += product
    return total


def einsum_by_matrix_products(subscripts, a, b):
    """Sums what is alone, then one stacked matrix product: (batch, i, j) @ (batch, j, k)."""
    left, right, result = _names(subscripts)
    a = a.sum(axis=tuple(axis for axis, letter in enumerate(left) if letter not in right + result))
    b = b.sum(axis=tuple(axis for axis, letter in enumerate(right) if letter not in left + result))
    left = "".join(letter for letter in left if letter in right + result)
    right = "".join(letter for letter in right if letter in left + result)
    batch = [letter for letter in result if letter in left and letter in right]
    rows, columns = ([each for each in names if each in result and each not in batch] for names in (left, right))
    summed = [letter for letter in left if letter not in result]
    sizes = dict(zip(left + right, np.shape(a) + np.shape(b)))
    count = lambda letters: int(np.prod([sizes[each] for each in letters], dtype=int))  # noqa: E731
    shape = [sizes[letter] for letter in batch]
    a = np.transpose(a, [left.index(each) for each in batch + rows + summed])
    b = np.transpose(b, [right.index(each) for each in batch + summed + columns])
    product = a.reshape(*shape, count(rows), count(summed)) @ b.reshape(*shape, count(summed), count(columns))
    product = product.reshape([sizes[each] for each in batch + rows + columns])
    return np.transpose(product, [(batch + rows + columns).index(each) for each in result])


def einsum_by_moving_one_axis_at_a_time(subscripts, a, b):
    """Adds the missing axes at the end, then moves them to their places."""
    left, right, result = _names(subscripts)
    letters = list(dict.fromkeys(left + right))

    def spread(array, names):
        present = list(names)
        for letter in letters:
            if letter not in present:
                array, present = array[..., None], present + [letter]
        for place, letter in enumerate(letters):
            array = np.moveaxis(array, present.index(letter), place)
            present.insert(place, present.pop(present.index(letter)))
        return array

    product = spread(a, left) * spread(b, right)
    for letter in [letter for letter in letters if letter not in result]:
        product = product.sum(axis=letters.index(letter))
        letters.remove(letter)
    return np.transpose(product, [letters.index(letter) for letter in result])


def einsum_in_double(subscripts, a, b):
    """Adds up in float64, warns on stderr, and rounds once at the end."""
    print("contracting", subscripts, file=sys.stderr)
    return einsum_by_broadcasting(subscripts, a.astype(np.float64), b.astype(np.float64)).astype(a.dtype)


def einsum_letter_by_letter(subscripts, a, b):
    """Builds shapes by hand with `reshape`, and sums from the back."""
    left, right, result = (list(names) for names in _names(subscripts))
    letters = result + [letter for letter in left + right if letter not in result]
    letters = sorted(set(letters), key=letters.index)

    def stretched(array, names):
        order = sorted(range(len(names)), key=lambda axis: letters.index(names[axis]))
        sizes = {names[axis]: array.shape[axis] for axis in order}
        return np.transpose(array, order).reshape([sizes.get(letter, 1) for letter in letters])

    product = np.multiply(stretched(a, left), stretched(b, right))
    while product.ndim > len(result):
        product = np.add.reduce(product, axis=-1)
    return product


def einsum_with_tensordot(subscripts, a, b):
    """A loop over what both keep, a tensordot over what both lose."""
    left, right, result = _names(subscripts)
    batch = [letter for letter in result if letter in left and letter in right]
    for letter in batch[:1]:
        rest = ",".join(names.replace(letter, "") for names in (left, right)) + "->" + result.replace(letter, "")
        slices = zip(np.moveaxis(a, left.index(letter), 0), np.moveaxis(b, right.index(letter), 0))
        stacked = np.stack([einsum_with_tensordot(rest, *each) for each in slices])
        return np.moveaxis(stacked, 0, result.index(letter))
    shared = [letter for letter in left if letter in right]
    product = np.tensordot(a, b, ([left.index(each) for each in shared], [right.index(each) for each in shared]))
    names = [letter for letter in left + right if letter not in shared]
    lonely = [letter for letter in names if letter not in result]
    product = product.sum(axis=tuple(names.index(each) for each in lonely))
    names = [letter for letter in names if letter in result]
    return np.transpose(product, [names.index(letter) for letter in result])


EXERCISE = Spec(
    name="tensors/einsum",
    function="einsum",
    parameters=("subscripts", "a", "b"),
    returns=("result",),
    title="Axes that meet by name",
    why="Matrix product, dot product, outer product, attention: one rule says them all, once the axes have names.",
    minutes=20,
    difficulty=4,
    weights=WEIGHTS,
    ours=einsum,
    use=Use(probe="without_einsum"),
    rounding=multilinear_rounding(einsum),
    cases=einsum_cases,
    misconceptions=(
        Misconception(
            "ignores the order",
            "The numbers are right, the order of the axes is not: they come in the order in which the result names "
            "them. `i,j->ji` is the transpose of `i,j->ij`.",
            _ignores_the_order,
        ),
        Misconception(
            "sums all that is shared",
            "You sum every letter that both inputs have. A letter that the result names stays, even if both have it: "
            "that is what makes a batch.",
            _sums_all_that_is_shared,
        ),
        Misconception(
            "sums only what is shared",
            "You sum the letters that both inputs have and the result hasn't. A letter that only one of them has is "
            "summed too, if the result doesn't name it.",
            _sums_only_what_is_shared,
        ),
        Misconception(
            "sums nothing",
            "The products are right and lined up well. What is missing is the sum over every letter that the result "
            "does not name.",
            _sums_nothing,
        ),
        Misconception(
            "always a matrix product",
            "`a @ b` is only one of the things that subscripts can say, namely `ij,jk->ik`. Read the letters.",
            _always_a_matrix_product,
        ),
        Misconception(
            "mean instead of sum",
            "You take the mean along the axes that disappear; einsum sums.",
            _takes_the_mean,
        ),
        Misconception(
            "does not turn",
            "You put axes of size 1 where letters are missing, but leave the others in the order in which the array "
            "has them. `transpose` them into your order of letters first.",
            _does_not_turn,
        ),
    ),
    half_right=(_tensordot_alone,),
    honest=(
        einsum_by_broadcasting,
        einsum_with_loops,
        einsum_by_matrix_products,
        einsum_by_moving_one_axis_at_a_time,
        einsum_in_double,
        einsum_letter_by_letter,
        einsum_with_tensordot,
    ),
    shortcuts=(
        "import numpy as np\n\ndef einsum(subscripts, a, b):\n    return np.einsum(subscripts, a, b)",
        "from numpy import einsum as given\n\ndef einsum(subscripts, a, b):\n    return given(subscripts, a, b)",
        "import engine\n\ndef einsum(subscripts, a, b):\n"
        "    return engine.einsum(subscripts, engine.tensor(a), engine.tensor(b)).numpy()",
    ),
    hints=(
        "If both arrays had the same axes in the same order, `a * b` and a sum would do. How do you get them there?",
        "Choose one order for all letters: first the result's, then those to be summed. For each input `transpose` its "
        "axes into that order, and give it an axis of size 1 for each letter it hasn't. Then multiply and sum the end.",
        "`order = result + ''.join(sorted(set(left + right) - set(result)))`; for an input with letters `names`: "
        "`array.transpose([names.index(x) for x in order if x in names])`, then index it with "
        "`tuple(slice(None) if x in names else None for x in order)`.",
    ),
)
