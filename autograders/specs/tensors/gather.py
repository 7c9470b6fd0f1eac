"""gather(values, index): in each row, the numbers at the places that index names."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from autograders.specs.tensors.one_hot import one_hot_with_eye


def gather(values, index):
    """The engine's own, along the last axis."""
    import engine

    return engine.gather(engine.tensor(values), -1, engine.tensor(index)).numpy()


def gather_rounding(values, index):
    """A copy is exact. What is granted is one rounding, which a copy in another dtype shows."""
    return np.abs(gather(values, index))


def gather_cases(rng):
    """Tables of numbers with places to pick in each row."""
    one, several = "one place in each row", "several places in each row"
    tables, batches = "a batch of tables", "a batch of batches"
    for rows, columns, picked, dtype, group in [
        (2, 3, 1, SINGLE, one),
        (4, 3, 1, DOUBLE, one),
        (3, 3, 3, SINGLE, several),
        (2, 4, 3, DOUBLE, several),
        (3, 2, 5, SINGLE, several),
    ]:
        yield _gather_case(rng, (rows, columns), picked, dtype, group)
    yield _gather_case(rng, (2, 3, 4), 2, SINGLE, tables)
    yield _gather_case(rng, (2, 2, 3), 1, DOUBLE, tables)
    yield _gather_case(rng, (2, 2, 2, 3), 2, DOUBLE, batches)
    yield _gather_case(rng, (4,), 2, SINGLE, "a single row", EDGE)
    yield _gather_case(rng, (0, 3), 2, SINGLE, "no rows", EDGE)
    values = normal(rng, (3, 4))
    places = np.argsort(rng.random((3, 4)), axis=1)
    np.put_along_axis(values, places[:, 2:], SINGLE(-np.inf), axis=1)
    yield Case((values, places[:, :2]), "infinity in places that are not picked", EDGE)
    transposed = normal(rng, (4, 3)).T
    yield Case((transposed, rng.integers(4, size=(3, 2)).astype(np.int32)), "a transposed view, an int32 index", EDGE)


def _gather_case(rng, shape, picked, dtype, group, *stage):
    index = rng.integers(shape[-1], size=(*shape[:-1], picked))
    if len(index) > 1 and np.all(index == index[:1]):
        index = (index + np.arange(len(index)).reshape(-1, *[1] * (index.ndim - 1))) % shape[-1]  # rows must differ
    return Case((normal(rng, shape, dtype), index), group, *stage)


def _same_places_in_every_row(values, index):
    return values[..., index[(0,) * (index.ndim - 1)]]


def _every_row_with_every_index(values, index):
    return values[..., index]


def _picks_rows(values, index):
    return values[index]


def _in_flat_memory(values, index):
    return values.ravel()[index]


def _along_the_first_axis(values, index):
    return np.take_along_axis(values, index % len(values), axis=0)


def _one_hot_product(values, index):
    return (one_hot_with_eye(index, values.shape[-1]).astype(values.dtype) * values[..., None, :]).sum(axis=-1)


def _counts_places_from_one(values, index):
    return np.take_along_axis(values, index.astype(np.intp) - 1, axis=-1)


def _matrices_only(values, index):
    return values[np.arange(values.shape[0])[:, None], index]


def _a_list_of_rows(values, index):
    return np.array([[row[place] for place in places] for row, places in zip(values, index)])


def _rows_in_a_loop(values, index):
    result = np.zeros(index.shape, values.dtype)
    for row in range(len(values)):
        for place in range(index.shape[1]):
            result[row, place] = values[row, index[row, place]]
    return result


def _first_place_only(values, index):
    return values[np.arange(len(values)), index[:, 0]]


def gather_with_take_along_axis(values, index):
    """numpy has a function for it."""
    return np.take_along_axis(values, index.astype(np.intp), axis=-1)


def gather_with_loops(values, index):
    """The slow specification; talks on stderr."""
    print("gathering", index.shape, file=sys.stderr)
    result = np.empty(index.shape, values.dtype)
    for place in np.ndindex(index.shape):
        result[place] = values[place[:-1] + (index[place],)]
    return result


def gather_with_row_numbers(values, index):
    """Flattens all leading axes into rows; row numbers as a column broadcast against the index."""
    rows = values.reshape(-1, values.shape[-1])
    places = index.reshape(len(rows), index.shape[-1])
    return rows[np.arange(len(rows))[:, None], places].reshape(index.shape)


def gather_with_an_open_mesh(values, index):
    """One index array for each leading axis, as numpy's ix_ would make them."""
    leading = np.ogrid[tuple(slice(size) for size in index.shape)][:-1] if index.ndim > 1 else []
    return values[(*leading, index)]


def gather_in_flat_memory(values, index):
    """Strides by hand: row number times row length plus place."""
    columns = values.shape[-1]
    rows = np.arange(values.size // columns).reshape(*values.shape[:-1], 1)
    return values.ravel()[rows * columns + index]


def gather_by_choosing(values, index):
    """A one-hot mask that chooses instead of multiplying, so infinity does no harm."""
    chosen = index[..., None] == np.arange(values.shape[-1])
    return np.where(chosen, values[..., None, :], values.dtype.type(0)).sum(axis=-1)


def gather_row_by_row(values, index):
    """A list of rows, each picked with plain indexing, stacked at the end."""
    rows = zip(values.reshape(-1, values.shape[-1]), index.reshape(-1, index.shape[-1]))
    return np.array([row[places] for row, places in rows]).astype(values.dtype).reshape(index.shape)


EXERCISE = Spec(
    name="tensors/gather",
    function="gather",
    parameters=("values", "index"),
    returns=("result",),
    title="Gather",
    why="A loss asks each row for the score of its own right class: another place in every row.",
    minutes=10,
    difficulty=2,
    weights=WEIGHTS,
    reference=gather,
    rounding=gather_rounding,
    cases=gather_cases,
    misconceptions=(
        Misconception(
            "the same places in every row",
            "You use the places of the first row for all rows. Each row has places of its own in `index`.",
            _same_places_in_every_row,
        ),
        Misconception(
            "every row with every index",
            "`values[:, index]` takes the whole index for each of the rows. Row n is to meet row n of the index only: "
            "say both, the rows as a column of numbers and the places, `values[rows, index]`.",
            _every_row_with_every_index,
        ),
        Misconception(
            "picks rows",
            "`values[index]` picks whole rows. The index says places within the rows, on the last axis.",
            _picks_rows,
        ),
        Misconception(
            "in flat memory",
            "You pick from the flattened array, where place 2 is always in the first row. Row n begins n rows further "
            "on.",
            _in_flat_memory,
        ),
        Misconception(
            "along the first axis",
            "You pick along the first axis. The index names places on the last one.",
            _along_the_first_axis,
        ),
        Misconception(
            "one-hot product",
            "Multiplying by a one-hot mask is right for ordinary numbers. But 0 times infinity is nan, and scores that "
            "are switched off are often -inf: pick the numbers, or choose with `np.where`.",
            _one_hot_product,
        ),
        Misconception(
            "counts places from one",
            "Each number comes from one place too far to the left: places are counted from 0.",
            _counts_places_from_one,
        ),
        Misconception(
            "rows in a loop",
            "Right for tables. There may be more axes in front of the last one, or none at all: "
            "`np.ndindex(index.shape)` meets every place, `np.take_along_axis` needs no loop.",
            _rows_in_a_loop,
        ),
        Misconception(
            "tables only",
            "Right for tables. There may be more axes in front: flatten them to rows with `reshape(-1, n)` first, or "
            "use `np.take_along_axis(values, index, axis=-1)`.",
            _matrices_only,
        ),
        Misconception(
            "first place only",
            "You pick one number in each row, and lose an axis. `index` may name several places in a row: the result "
            "has the shape of `index`.",
            _first_place_only,
        ),
    ),
    half_right=(_matrices_only, _a_list_of_rows),
    honest=(
        gather_in_flat_memory,
        gather_with_row_numbers,
        gather_with_take_along_axis,
        gather_with_loops,
        gather_with_an_open_mesh,
        gather_by_choosing,
        gather_row_by_row,
    ),
    shortcuts=(
        "import engine\n\ndef gather(values, index):\n"
        "    return engine.gather(engine.tensor(values), -1, engine.tensor(index)).numpy()",
    ),
    hints=(
        "For one row it is `row[places]`. Every row has another one: which two numbers say where a result comes from?",
        "A row number and a place. As arrays: `np.arange(len(values))[:, None]`, a column, broadcasts against `index`.",
        "For tables: `values[np.arange(len(values))[:, None], index]`. For any number of axes flatten the leading ones "
        "first with `reshape(-1, values.shape[-1])`, or use `np.take_along_axis(values, index, axis=-1)`.",
    ),
)
