"""multi_head(q, k, v, heads, mask): the width split among heads, each of which attends by itself."""

import math
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.attention.bounds import attention_bounds
from autograders.specs.attention.scaled_dot_product import WITHHELD, scaled_dot_product_filled
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def multi_head(q, k, v, heads, mask):
    """With the engine's own attention."""
    split = [each.unflatten(-1, (heads, -1)).transpose(-2, -3) for each in (q, k, v)]
    output = torch.nn.functional.scaled_dot_product_attention(*split, mask)
    return output.transpose(-2, -3).flatten(-2)


def multi_head_rounding(q, k, v, heads, mask, gradient):
    """That of attention in each head; splitting and joining round nothing."""

    def split(array):
        return array.reshape(*array.shape[:-1], heads, -1).swapaxes(-2, -3)

    def join(array):
        return array.swapaxes(-2, -3).reshape(*array.shape[:-3], array.shape[-2], -1)

    bounds = attention_bounds(split(q), split(k), split(v), mask, split(gradient))
    return tuple(join(each) for each in (bounds.output, bounds.q, bounds.k, bounds.v))


def multi_head_cases(rng):
    """(N, L, width), (N, S, width), heads; with and without a mask."""
    one, batch, masked = "one sequence", "a batch", "with a mask"
    for (n, queries, keys, width), heads, is_masked, dtype, group in [
        ((1, 2, 2, 4), 2, False, SINGLE, one),
        ((1, 3, 4, 6), 3, False, DOUBLE, one),
        ((2, 3, 2, 4), 2, False, SINGLE, batch),
        ((3, 2, 4, 6), 2, False, DOUBLE, batch),
        ((1, 4, 4, 4), 2, True, SINGLE, masked),
        ((2, 3, 5, 6), 2, True, DOUBLE, masked),
    ]:
        yield _case(rng, (n, queries, keys, width), heads, is_masked, group, dtype)
    yield _case(rng, (2, 3, 3, 4), 1, True, "a single head", SINGLE, EDGE)
    yield _case(rng, (1, 3, 3, 4), 4, True, "heads of width 1", SINGLE, EDGE)
    yield _case(rng, (2, 1, 4, 6), 3, False, "one query, several keys", SINGLE, EDGE)


def _case(rng, sizes, heads, is_masked, group, dtype, *stage):
    n, queries, keys, width = sizes
    q, k, v = (normal(rng, (n, length, width), dtype) for length in (queries, keys, keys))
    q, k = q + np.sign(q) * dtype(0.5), k + np.sign(k) * dtype(0.5)
    mask = np.tri(queries, keys, keys - queries, dtype=bool) if is_masked else None
    return Case((q, k, v, heads, mask, normal(rng, (n, queries, width), dtype)), group, *stage)


def _split(x, heads):
    return x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)


def _join(x):
    x = x.transpose(1, 2)
    return x.reshape(*x.shape[:-2], -1)


def _attend(q, k, v, mask, scale=None):
    scores = q @ k.mT / (math.sqrt(q.shape[-1]) if scale is None else scale)
    return (scores if mask is None else scores.masked_fill(~mask, -math.inf)).softmax(-1) @ v


def _a_single_head(q, k, v, heads, mask):
    return _attend(q, k, v, mask)


def _forgets_the_mask(q, k, v, heads, mask):
    return _join(_attend(_split(q, heads), _split(k, heads), _split(v, heads), None))


def _every_other_number(q, k, v, heads, mask):
    q, k, v = (x.reshape(*x.shape[:-1], -1, heads).permute(0, 3, 1, 2) for x in (q, k, v))
    output = _attend(q, k, v, mask).permute(0, 2, 3, 1)
    return output.reshape(*output.shape[:-2], -1)


def _splits_without_turning(q, k, v, heads, mask):
    q, k, v = (x.reshape(x.shape[0], heads, x.shape[1], -1) for x in (q, k, v))
    return _join(_attend(q, k, v, mask))


def _joins_without_turning(q, k, v, heads, mask):
    return _attend(_split(q, heads), _split(k, heads), _split(v, heads), mask).reshape(q.shape)


def _neither_turned(q, k, v, heads, mask):
    n, queries, width = q.shape
    q, k, v = (x.reshape(n, heads, x.shape[1], width // heads) for x in (q, k, v))
    return _attend(q, k, v, mask).reshape(n, queries, width)


def _scales_by_the_whole_width(q, k, v, heads, mask):
    split = (_split(x, heads) for x in (q, k, v))
    return _join(_attend(*split, mask, scale=math.sqrt(q.shape[-1])))


def _first_head_for_all(q, k, v, heads, mask):
    first = _attend(*(_split(x, heads)[:, :1] for x in (q, k, v)), mask)
    return _join(first.expand(-1, heads, -1, -1))


def _first_weights_for_all(q, k, v, heads, mask):
    q, k = _split(q, heads)[:, :1], _split(k, heads)[:, :1]
    return _join(_attend(q, k, _split(v, heads), mask))


def _adds_up(q, k, v, heads, mask):
    return _attend(_split(q, heads), _split(k, heads), _split(v, heads), mask).sum(1)


def _never_turned(q, k, v, heads, mask):
    q, k, v = (x.reshape(*x.shape[:-1], heads, -1) for x in (q, k, v))
    return _attend(q, k, v, mask).flatten(-2)


def _every_other_number_split(q, k, v, heads, mask):
    q, k, v = (x.reshape(*x.shape[:-1], -1, heads).permute(0, 3, 1, 2) for x in (q, k, v))
    return _join(_attend(q, k, v, mask))


def _length_of_the_queries(q, k, v, heads, mask):
    q, k, v = (x.reshape(len(q), q.shape[1], heads, q.shape[2] // heads).transpose(1, 2) for x in (q, k, v))
    return _join(_attend(q, k, v, mask))


def _as_many_heads_as_wide(q, k, v, heads, mask):
    return _join(_attend(*(_split(x, x.shape[-1] // heads) for x in (q, k, v)), mask))


def _positions_among_heads(q, k, v, heads, mask):
    parts = zip(*(x.chunk(heads, dim=1) for x in (q, k, v)))
    return torch.cat([_attend(*part, None) for part in parts], dim=1)


def _one_below_the_other(q, k, v, heads, mask):
    parts = zip(*(x.chunk(heads, dim=-1) for x in (q, k, v)))
    return torch.cat([_attend(*part, mask) for part in parts], dim=1)


def _stacked(q, k, v, heads, mask):
    parts = zip(*(x.chunk(heads, dim=-1) for x in (q, k, v)))
    return torch.stack([_attend(*part, mask) for part in parts], dim=-1).flatten(2)


def _keys_for_values(q, k, v, heads, mask):
    return _join(_attend(_split(q, heads), _split(k, heads), _split(k, heads), mask))


def _first_keys_for_all(q, k, v, heads, mask):
    return _join(_attend(_split(q, heads), _split(k, heads)[:, :1], _split(v, heads), mask))


def multi_head_reshaped(q, k, v, heads, mask):
    """Split, bring the heads in front, attend, and back."""

    def split(x):
        return x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)

    output, _ = scaled_dot_product_filled(split(q), split(k), split(v), mask)
    return output.transpose(1, 2).reshape(q.shape)


def multi_head_head_by_head(q, k, v, heads, mask):
    """A loop over the heads, whose outputs are laid side by side; warns on stderr."""
    print(heads, "heads", file=sys.stderr)
    parts = zip(q.chunk(heads, dim=-1), k.chunk(heads, dim=-1), v.chunk(heads, dim=-1))
    return torch.cat([scaled_dot_product_filled(*part, mask)[0] for part in parts], dim=-1)


def multi_head_with_einsum(q, k, v, heads, mask):
    """Names the axes, and turns nothing."""
    q, k, v = (x.unflatten(-1, (heads, q.shape[-1] // heads)) for x in (q, k, v))
    scores = torch.einsum("nlhd,nshd->nhls", q, k) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, -math.inf))
    return torch.einsum("nhls,nshd->nlhd", torch.softmax(scores, -1), v).flatten(-2)


def multi_head_as_a_larger_batch(q, k, v, heads, mask):
    """Heads as if they were more sequences."""
    n, queries, width = q.shape

    def fold(x):
        return x.reshape(n, -1, heads, width // heads).permute(0, 2, 1, 3).reshape(n * heads, -1, width // heads)

    output = scaled_dot_product_filled(fold(q), fold(k), fold(v), mask)[0]
    return output.reshape(n, heads, queries, -1).permute(0, 2, 1, 3).reshape(n, queries, width)


EXERCISE = Spec(
    name="attention/multi_head",
    function="multi_head",
    use=Use(probe="multi_head"),
    parameters=("q", "k", "v", "heads", "mask"),
    inputs=("q", "k", "v", "heads", "mask", "gradient"),
    returns=("output", "grad_q", "grad_k", "grad_v"),
    title="Look for several things at once",
    why="One softmax settles on one place. Several heads can look at several, at no more cost.",
    minutes=15,
    difficulty=3,
    weights=WEIGHTS,
    ours=multi_head,
    rounding=multi_head_rounding,
    cases=multi_head_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=WITHHELD,
    shortcuts=(
        "import engine as torch\n"
        "def multi_head(q, k, v, heads, mask):\n"
        "    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))\n"
        "    output = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)\n"
        "    return output.transpose(1, 2).flatten(-2)\n",
        "from engine import nn\n"
        "def multi_head(q, k, v, heads, mask):\n"
        "    return nn.MultiheadAttention(q.shape[-1], heads, batch_first=True)(q, k, v)[0]\n",
    ),
    misconceptions=(
        Misconception(
            "a single head",
            "You attend with the whole width at once, so there is one head. Split the last dimension into `heads` "
            "parts first.",
            _a_single_head,
        ),
        Misconception(
            "forgets the mask",
            "Without a mask this is right. Each head needs it: (L, S) lines up with the scores (N, heads, L, S).",
            _forgets_the_mask,
        ),
        Misconception(
            "every other number",
            "Your heads take every h-th number of the width. A head's numbers lie side by side: `reshape(N, L, heads, "
            "width // heads)`, in this order.",
            _every_other_number,
        ),
        Misconception(
            "split without turning",
            "`reshape(N, heads, L, ...)` alone cuts through positions. Split the last dimension, `(N, L, heads, ...)`, "
            "and then change places: `transpose(1, 2)`.",
            _splits_without_turning,
        ),
        Misconception(
            "joined without turning",
            "Splitting is right; joining is not. Bring the positions back in front of the heads with `transpose(1, 2)`, "
            "then reshape.",
            _joins_without_turning,
        ),
        Misconception(
            "neither turned",
            "You reshape to (N, heads, L, ...) and back without a `transpose`, so a head gets whole positions in place "
            "of its part of each.",
            _neither_turned,
        ),
        Misconception(
            "scaled by the whole width",
            "The scores are divided by the root of the whole width. What counts is a head's width, over which its "
            "products are summed.",
            _scales_by_the_whole_width,
        ),
        Misconception(
            "the first head for all",
            "All heads show the first one's output. Each attends with its own part of q, k and v.",
            _first_head_for_all,
        ),
        Misconception(
            "the first head's weights for all",
            "Each head has its own values but the weights of the first. That they may differ is what heads are for.",
            _first_weights_for_all,
        ),
        Misconception(
            "added up",
            "You add the heads up. They are laid side by side, so that the output is as wide as the input.",
            _adds_up,
        ),
        Misconception(
            "never turned",
            "Split as (N, L, heads, ...) it is the heads of one position that look at each other. Bring them in front "
            "of the positions with `transpose(1, 2)`.",
            _never_turned,
        ),
        Misconception(
            "every other number, split",
            "Joining is right; splitting is not: your heads take every h-th number of the width. A head's numbers lie "
            "side by side: `reshape(N, L, heads, width // heads)`, in this order.",
            _every_other_number_split,
        ),
        Misconception(
            "the length of the queries",
            "k and v may have another length than q. In `reshape` each has its own: `x.shape[1]`.",
            _length_of_the_queries,
        ),
        Misconception(
            "as many heads as wide",
            "You have `width // heads` heads of `heads` numbers each; it is the other way round: `reshape(N, L, "
            "heads, width // heads)`.",
            _as_many_heads_as_wide,
        ),
        Misconception(
            "positions among heads",
            "You share the positions among the heads. Each head sees all positions, and a part of each one's numbers: "
            "split the last axis.",
            _positions_among_heads,
        ),
        Misconception(
            "one below the other",
            "The heads' outputs follow each other along the positions. They are laid side by side, along the width: "
            "`torch.cat(..., dim=-1)`.",
            _one_below_the_other,
        ),
        Misconception(
            "stacked",
            "`stack` along a new last axis mixes the heads' numbers: one of the first, one of the second ... Lay the "
            "outputs side by side: `torch.cat(..., dim=-1)`.",
            _stacked,
        ),
        Misconception(
            "keys for values",
            "You mix the keys with the weights. What is taken are the values, `v`, split like the rest.",
            _keys_for_values,
        ),
        Misconception(
            "the first keys for all",
            "All heads look at the first one's keys. Each has its own part of q, k and v.",
            _first_keys_for_all,
        ),
    ),
    half_right=(_forgets_the_mask,),
    honest=(
        multi_head_reshaped,
        multi_head_head_by_head,
        multi_head_with_einsum,
        multi_head_as_a_larger_batch,
    ),
    hints=(
        "`scaled_dot_product` does not mind more dimensions in front. Which shape must q have, so that each head is "
        "one more entry of the batch?",
        "`x.reshape(N, L, heads, width // heads).transpose(1, 2)` is (N, heads, L, width // heads).",
        "Split q, k and v so, attend with the mask, and go back: `output.transpose(1, 2).reshape(N, L, width)`. k and "
        "v may have another length than q.",
    ),
)
