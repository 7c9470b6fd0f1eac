"""causal_mask(queries, keys): where each of the last positions may look, none of them ahead."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use, exact


def causal_mask(queries, keys):
    """Ones up to the diagonal that ends in the last corner."""
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


def _as_array(queries, keys):
    return np.tri(queries, keys, keys - queries, dtype=bool)


def causal_mask_cases(rng):
    """As many queries as keys; fewer queries, which are the last of the positions; one of either."""
    square, last = "as many queries as keys", "queries that are the last of the keys"
    sizes = rng.permutation(np.arange(2, 8))
    for size in sizes[:3]:
        yield Case((int(size), int(size)), square)
    for size in sizes[3:]:
        yield Case((int(size), int(size + rng.integers(1, 4))), last)
    yield Case((1, int(rng.integers(3, 7))), "one query, the newest", EDGE)
    yield Case((1, 1), "a single position", EDGE)


def _square(queries, keys):
    """Right for as many queries as keys."""
    return torch.ones(queries, keys, dtype=torch.bool).tril()


def _ahead(queries, keys):
    return ~_shifted(queries, keys, 0)


def _shifted(queries, keys, by):
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries + by)


def _sees_the_next(queries, keys):
    return _shifted(queries, keys, 1)


def _not_itself(queries, keys):
    return _shifted(queries, keys, -1)


def _upper(queries, keys):
    return torch.ones(queries, keys, dtype=torch.bool).triu()


def _everything(queries, keys):
    return torch.ones(queries, keys, dtype=torch.bool)


def _only_itself(queries, keys):
    return _shifted(queries, keys, 0) & ~_shifted(queries, keys, -1)


def _for_scores(queries, keys):
    return torch.where(_shifted(queries, keys, 0), 0.0, -torch.inf)


def _upper_to_the_corner(queries, keys):
    return torch.ones(queries, keys, dtype=torch.bool).triu(keys - queries)


def _shifted_to_the_left(queries, keys):
    return torch.ones(queries, keys, dtype=torch.bool).tril(queries - keys)


def _for_all_positions(queries, keys):
    return torch.ones(keys, keys, dtype=torch.bool).tril()


def _keys_as_rows(queries, keys):
    return _shifted(queries, keys, 0).T


def _as_far_back_as_queries(queries, keys):
    return _shifted(queries, keys, 0) & ~_shifted(queries, keys, -queries)


def _as_many_rows_as_keys(queries, keys):
    return torch.ones(keys, queries, dtype=torch.bool).tril(keys - queries)


def causal_mask_by_comparing(queries, keys):
    """The place of each query among the keys, against the keys' places."""
    places = torch.arange(keys - queries, keys).unsqueeze(1)
    return torch.arange(keys) <= places


def causal_mask_with_numpy(queries, keys):
    """numpy's triangle, from a line below which ones stand; warns on stderr."""
    print("a mask for", queries, "queries", file=sys.stderr)
    return torch.tensor(np.tri(queries, keys, keys - queries, dtype=bool))


def causal_mask_row_by_row(queries, keys):
    """The slow specification."""
    mask = torch.zeros(queries, keys, dtype=torch.bool)
    for row in range(queries):
        mask[row, : keys - queries + row + 1] = True
    return mask


def causal_mask_cut_out(queries, keys):
    """The last rows of the mask for all positions."""
    return ~torch.ones(keys, keys, dtype=torch.bool).triu(1)[keys - queries :]


EXERCISE = Spec(
    name="attention/causal_mask",
    function="causal_mask",
    use=Use(probe="causal_mask"),
    parameters=("queries", "keys"),
    returns=("mask",),
    title="Hide what comes later",
    why="A model that is to say what comes next must not be able to look it up.",
    minutes=10,
    difficulty=2,
    weights={"dtype": 1.0, "values": 2.0, "edge cases": 1.0},
    ours=causal_mask,
    rounding=exact(_as_array),
    cases=causal_mask_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=("engine.nn.functional.attention", "engine.nn.attention", "engine.nn.transformer"),
    shortcuts=(
        "from engine.nn import Transformer\n"
        "def causal_mask(queries, keys):\n"
        "    return Transformer.generate_square_subsequent_mask(keys)[keys - queries:] == 0\n",
    ),
    misconceptions=(
        Misconception(
            "the first of the keys",
            "Right for as many queries as keys. If there are fewer, they are the last positions: the last query sees "
            "every key, so the diagonal starts at `keys - queries`.",
            _square,
        ),
        Misconception(
            "the other way round",
            "True and False have changed places: True means that the query may look.",
            _ahead,
        ),
        Misconception(
            "sees the next",
            "Each of your queries sees one key too many: the very one that it is to predict.",
            _sees_the_next,
        ),
        Misconception(
            "not itself",
            "Your queries do not see their own position. They may: what is predicted is the position after it.",
            _not_itself,
        ),
        Misconception(
            "the upper triangle",
            "Your queries look at themselves and ahead. A row is a query, so what came earlier is on its left: `tril`.",
            _upper,
        ),
        Misconception(
            "everything",
            "Every query sees every key. The first of as many queries as keys should see one only.",
            _everything,
        ),
        Misconception(
            "only itself",
            "Each query sees its own position and nothing else. It may look at all that came before, too.",
            _only_itself,
        ),
        Misconception(
            "a mask to be added",
            "These are numbers to add to the scores: 0 and -inf. Here a mask says True or False: `dtype=torch.bool`.",
            _for_scores,
        ),
        Misconception(
            "the upper triangle, shifted",
            "Your queries look at themselves and ahead. What came earlier is on the left of a row: `tril`, with the "
            "shift that you have.",
            _upper_to_the_corner,
        ),
        Misconception(
            "shifted to the left",
            "You shift the diagonal the wrong way: each of the `keys - queries` positions before the first query is "
            "one more that it sees, so the shift is `keys - queries`.",
            _shifted_to_the_left,
        ),
        Misconception(
            "for all positions",
            "There is a row for each position. Rows are queries, and only the last `queries` positions ask: the last "
            "rows of this.",
            _for_all_positions,
        ),
        Misconception(
            "keys as rows",
            "Your rows are keys. A row is a query, a column a key: (queries, keys).",
            _keys_as_rows,
        ),
        Misconception(
            "as far back as queries",
            "Your queries look back a few keys only. All that came before may be seen, however long ago.",
            _as_far_back_as_queries,
        ),
        Misconception(
            "as many rows as keys",
            "Rows and columns have changed places: a row is a query, a column a key, `torch.ones(queries, keys, "
            "...)`.",
            _as_many_rows_as_keys,
        ),
    ),
    half_right=(_square,),
    honest=(
        causal_mask_by_comparing,
        causal_mask_with_numpy,
        causal_mask_row_by_row,
        causal_mask_cut_out,
    ),
    solution=causal_mask,
    hints=(
        "Draw it for 3 queries and 5 keys: the queries are the positions 2, 3 and 4. Which keys does each see?",
        "Query i stands at the position keys - queries + i, and sees the keys up to there.",
        "`torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)`: the second number says where the "
        "diagonal starts.",
    ),
)
