"""scaled_dot_product(q, k, v, mask): what each query takes from the values, and with which weights."""

import math
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.attention.bounds import attention_bounds
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal

WITHHELD = ("engine.nn.functional.attention", "engine.nn.attention", "engine.nn.simple", "engine.nn.transformer")


def scaled_dot_product(q, k, v, mask):
    """With the engine's own weights."""
    from engine.nn.functional.attention import as_scores, attention_weights

    weights = attention_weights(q, k, None if mask is None else as_scores(mask, q.dtype))
    return weights @ v, weights


def as_attention(answer):
    """F.scaled_dot_product_attention on `answer`, for what the exercise is about; the rest is left to the engine.

    That is dropout, another scale, shared heads, a mask that adds other numbers than 0 and -inf, or has more than two
    dimensions, and queries that may look nowhere.
    """
    import functools

    from engine.nn import functional as F

    @functools.wraps(answer)
    def scaled_dot_product_attention(
            query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, *, scale=None, enable_gqa=False):
        mask = attn_mask
        if is_causal and mask is None:
            mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device).tril()
        elif mask is not None and mask.dtype is not torch.bool and ((mask == 0) | (mask == -math.inf)).all():
            mask = mask == 0
        if dropout_p or scale is not None or enable_gqa or not _is_plain(query, key, value, mask):
            return F.scaled_dot_product_attention(
                query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
        return answer(query, key, value, mask)[0]

    return scaled_dot_product_attention


def _is_plain(query, key, value, mask):
    """Whether these are what the exercise says: of the same leading dimensions, with nothing empty, and such a mask."""
    leading = {tuple(each.shape[:-2]) for each in (query, key, value)}
    if len(leading) > 1 or any(each.ndim < 2 or not each.numel() for each in (query, key, value)):
        return False
    if mask is None:
        return True
    return mask.dtype is torch.bool and mask.shape == (query.shape[-2], key.shape[-2]) and bool(mask.any(-1).all())


def scaled_dot_product_rounding(q, k, v, mask, gradient):
    """That of attention, in the order of the results."""
    return tuple(attention_bounds(q, k, v, mask, gradient))


def scaled_dot_product_cases(rng):
    """Queries (..., L, d), keys (..., S, d), values (..., S, e); then a mask, a batch, and what lies at the edge."""
    single, several, masked, batch = "one query", "several queries", "with a mask", "a batch with heads"
    for before, (queries, keys, width, wide), is_masked, dtype, group in [
        ((), (1, 2, 2, 2), False, SINGLE, single),
        ((), (1, 4, 3, 2), False, DOUBLE, single),
        ((), (2, 3, 2, 2), False, SINGLE, several),
        ((), (3, 5, 4, 2), False, DOUBLE, several),
        ((), (2, 4, 2, 2), True, SINGLE, masked),
        ((), (4, 5, 3, 4), True, DOUBLE, masked),
        ((2, 2), (3, 4, 3, 2), True, SINGLE, batch),
        ((3, 2), (4, 4, 3, 3), False, DOUBLE, batch),
    ]:
        shapes = (*before, queries, width), (*before, keys, width), (*before, keys, wide)
        yield _case(rng, shapes, _mask(rng, queries, keys) if is_masked else None, group, dtype)
    yield _big_scores(rng)
    yield _case(rng, ((2, 3), (1, 3), (1, 2)), None, "a single key", SINGLE, EDGE)
    only_one = np.array([[True, False, False], [False, False, True]])
    yield _case(rng, ((2, 2), (3, 2), (3, 2)), only_one, "a mask that leaves one key to each query", SINGLE, EDGE)


def _case(rng, shapes, mask, group, dtype, *stage):
    q, k, v = (normal(rng, shape, dtype) for shape in shapes)
    q, k = q + np.sign(q) * dtype(0.5), k + np.sign(k) * dtype(0.5)  # no score so small that its scale is not seen
    gradient = normal(rng, (*shapes[0][:-1], shapes[2][-1]), dtype)
    return Case((q, k, v, mask, gradient), group, *stage)


def _mask(rng, queries, keys):
    """Each query may look at least at two keys, and not at all of them."""
    allowed = np.zeros((queries, keys), bool)
    for row in allowed:
        row[rng.permutation(keys)[: rng.integers(2, keys)]] = True
    return allowed


def _big_scores(rng):
    """Scores of about 200, where exp overflows in float32, close enough to each other that every weight counts."""
    q, k = 70 + normal(rng, (2, 2)), 2 + SINGLE(0.02) * normal(rng, (4, 2))
    return Case((q, k, normal(rng, (4, 2)), None, np.zeros((2, 2), SINGLE)), "scores that exp cannot take", EDGE)


def _attention(q, k, v, mask, scale=None, dim=-1):
    scores = q @ k.mT / (math.sqrt(q.shape[-1]) if scale is None else scale)
    weights = (scores if mask is None else scores.masked_fill(~mask, -math.inf)).softmax(dim)
    return weights @ v, weights


def _forgets_the_scale(q, k, v, mask):
    return _attention(q, k, v, mask, scale=1.0)


def _divides_by_the_width(q, k, v, mask):
    return _attention(q, k, v, mask, scale=q.shape[-1])


def _scales_by_the_keys(q, k, v, mask):
    return _attention(q, k, v, mask, scale=math.sqrt(k.shape[-2]) + 1e-3)


def _softmax_over_the_queries(q, k, v, mask):
    return _attention(q, k, v, mask, dim=-2)


def _looks_where_it_may_not(q, k, v, mask):
    return _attention(q, k, v, None if mask is None else ~mask)


def _ignores_the_mask(q, k, v, mask):
    return _attention(q, k, v, None)


def _masks_with_zero(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    weights = (scores if mask is None else scores * mask).softmax(-1)
    return weights @ v, weights


def _masks_afterwards(q, k, v, mask):
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ v, weights


def _overflows(q, k, v, mask):
    exponentials = (q @ k.mT / math.sqrt(q.shape[-1])).exp()
    if mask is not None:
        exponentials = exponentials * mask
    weights = exponentials / exponentials.sum(-1, keepdim=True)
    return weights @ v, weights


def _returns_scores(q, k, v, mask):
    return _attention(q, k, v, mask)[0], q @ k.mT / math.sqrt(q.shape[-1])


def _detached_weights(q, k, v, mask):
    weights = _attention(q, k, v, mask)[1].detach()
    return weights @ v, weights


def _scores_as_weights(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    scores = scores if mask is None else scores * mask
    return scores @ v, scores


def _multiplies_by_the_root(q, k, v, mask):
    return _attention(q, k, v, mask, scale=1 / math.sqrt(q.shape[-1]))


def _root_of_the_values_width(q, k, v, mask):
    return _attention(q, k, v, mask, scale=math.sqrt(v.shape[-1]))


def _root_of_the_second_axis(q, k, v, mask):
    return _attention(q, k, v, mask, scale=math.sqrt(q.shape[1]))


def _by_scores(scores, v, mask, hidden=-math.inf, dim=-1):
    weights = (scores if mask is None else scores.masked_fill(~mask, hidden)).softmax(dim)
    return weights @ v, weights


def _turns_all_axes(q, k, v, mask):
    return _by_scores(q @ k.T / math.sqrt(q.shape[-1]), v, mask)


def _turns_the_first_axes(q, k, v, mask):
    return _by_scores(q @ k.transpose(0, 1) / math.sqrt(q.shape[-1]), v, mask)


def _softmax_over_the_first_axis(q, k, v, mask):
    return _by_scores(q @ k.mT / math.sqrt(q.shape[-1]), v, mask, dim=0)


def _softmax_over_the_second_axis(q, k, v, mask):
    return _by_scores(q @ k.mT / math.sqrt(q.shape[-1]), v, mask, dim=1)


def _hides_with_minus_a_hundred(q, k, v, mask):
    return _by_scores(q @ k.mT / math.sqrt(q.shape[-1]), v, mask, hidden=-100.0)


def _infinity_times_zero(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return _by_scores(scores if mask is None else scores + (~mask) * -math.inf, v, None)


def _always_a_mask(q, k, v, mask):
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~mask, -math.inf).softmax(-1)
    return weights @ v, weights


def _sum_without_keepdim(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    weights = scores.exp() / scores.exp().sum(-1)
    return weights @ v, weights


def _shares_of_the_scores(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
    weights = scores / scores.sum(-1, keepdim=True)
    return weights @ v, weights


def _weights_first(q, k, v, mask):
    return _attention(q, k, v, mask)[::-1]


def _keys_for_values(q, k, v, mask):
    weights = _attention(q, k, v, mask)[1]
    return weights @ k, weights


def _returns_masked_scores(q, k, v, mask):
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    return _attention(q, k, v, mask)[0], scores if mask is None else scores.masked_fill(~mask, -math.inf)


def _half_the_story(q, k, v, mask):
    """Right without a mask, for scores that exp can take."""
    return _overflows(q, k, v, None) if len(q) == 1 or mask is None else _masks_with_zero(q, k, v, mask)


def scaled_dot_product_filled(q, k, v, mask):
    """-inf where a query may not look."""
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.softmax(scores, dim=-1)
    return weights @ v, weights


def scaled_dot_product_by_hand(q, k, v, mask):
    """The softmax written out, with the largest score taken away first."""
    scores = torch.matmul(q, k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    exponentials = torch.exp(scores - scores.detach().amax(-1, keepdim=True))
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, -math.inf))
        exponentials = torch.exp(scores - scores.detach().amax(-1, keepdim=True))
    weights = exponentials / exponentials.sum(-1, keepdim=True)
    return torch.matmul(weights, v), weights


def scaled_dot_product_with_a_penalty(q, k, v, mask):
    """What may not be seen loses a billion; warns on stderr."""
    print("attention over", k.shape[-2], "keys", file=sys.stderr)
    scores = (q / math.sqrt(q.shape[-1])) @ k.mT
    if mask is not None:
        scores = scores - 1e9 * (~mask).to(scores.dtype)
    weights = scores.log_softmax(-1).exp()
    return torch.einsum("...ls,...sv->...lv", weights, v), weights


def scaled_dot_product_in_double(q, k, v, mask):
    """Computes in float64, query by query, and rounds once at the end."""
    rows = []
    for number in range(q.shape[-2]):
        scores = (k.double() * q[..., number : number + 1, :].double()).sum(-1) / math.sqrt(q.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask[number], -math.inf)
        rows.append(scores.softmax(-1))
    weights = torch.stack(rows, dim=-2)
    return (weights @ v.double()).to(v.dtype), weights.to(v.dtype)


EXERCISE = Spec(
    name="attention/scaled_dot_product",
    function="scaled_dot_product",
    use=Use(probe="scaled_dot_product"),
    parameters=("q", "k", "v", "mask"),
    inputs=("q", "k", "v", "mask", "gradient"),
    returns=("output", "weights", "grad_q", "grad_k", "grad_v"),
    title="Look up by similarity",
    why="These three lines are the whole of attention. All else in a transformer is linear layers.",
    minutes=15,
    difficulty=3,
    weights=WEIGHTS,
    ours=scaled_dot_product,
    part="nn.functional.scaled_dot_product_attention",
    as_part=as_attention,
    rounding=scaled_dot_product_rounding,
    cases=scaled_dot_product_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=WITHHELD,
    shortcuts=(
        "from engine.nn.functional import scaled_dot_product_attention\n"
        "def scaled_dot_product(q, k, v, mask):\n"
        "    return scaled_dot_product_attention(q, k, v, mask), None\n",
        "from engine.nn.functional.attention import attention_weights\n"
        "def scaled_dot_product(q, k, v, mask):\n"
        "    weights = attention_weights(q, k, mask)\n    return weights @ v, weights\n",
    ),
    misconceptions=(
        Misconception(
            "forgets the scale",
            "Your scores are not divided by √d. Sums of d products grow with d, and softmax of large scores looks at "
            "one key only.",
            _forgets_the_scale,
        ),
        Misconception(
            "divides by d",
            "You divide the scores by d. It is √d: a sum of d products of random numbers has a spread of √d, not d.",
            _divides_by_the_width,
        ),
        Misconception(
            "scales by the number of keys",
            "You divide by the root of the number of keys. The d in √d is the width of a query, `q.shape[-1]`: over so "
            "many products each score is summed.",
            _scales_by_the_keys,
        ),
        Misconception(
            "softmax over the queries",
            "Your softmax runs over the queries. Each query shares a weight of 1 among the keys: the last dimension.",
            _softmax_over_the_queries,
        ),
        Misconception(
            "mask the other way round",
            "Your mask hides what should be seen. True means that this query may look at this key, as in torch.",
            _looks_where_it_may_not,
        ),
        Misconception(
            "ignores the mask",
            "Without a mask this is right. With one, a key that a query may not look at has to get the weight 0.",
            _ignores_the_mask,
        ),
        Misconception(
            "hides with a zero",
            "You set hidden scores to 0, but exp(0) is 1: they still get a weight. Only -inf becomes 0.",
            _masks_with_zero,
        ),
        Misconception(
            "masks after the softmax",
            "You take weights away after the softmax, so what is left no longer adds up to 1. Mask the scores instead.",
            _masks_afterwards,
        ),
        Misconception(
            "overflows",
            "Right for ordinary scores, but `exp` of large ones is inf, and inf / inf is nan. Subtract each query's "
            "largest score first, or use `softmax`, which does.",
            _overflows,
        ),
        Misconception(
            "returns the scores",
            "The output is right. The second result should be the weights, after the softmax; yours are the scores.",
            _returns_scores,
        ),
        Misconception(
            "no softmax",
            "You mix the values by the scores themselves. The softmax makes weights of them: positive, with a sum of 1.",
            _scores_as_weights,
        ),
        Misconception(
            "detached weights",
            "The output is right, but no gradient comes back to q and k: the weights have left the graph. Stay with "
            "tensors, without `detach` or `numpy`.",
            _detached_weights,
        ),
        Misconception(
            "multiplies by the root",
            "You multiply by √d. Sums of d products are large already: divide.",
            _multiplies_by_the_root,
        ),
        Misconception(
            "root of the values' width",
            "The d in √d is the width of queries and keys, over which a score is summed: `q.shape[-1]`. Values may be "
            "wider or narrower.",
            _root_of_the_values_width,
        ),
        Misconception(
            "root of the second axis",
            "Right for matrices. With a batch or heads in front `shape[1]` is another axis; the width is always the "
            "last, `q.shape[-1]`.",
            _root_of_the_second_axis,
        ),
        Misconception(
            "turns all axes",
            "Right for matrices. `k.T` turns all axes round, also those of the batch and the heads: `k.transpose(-2, "
            "-1)`, or `k.mT`.",
            _turns_all_axes,
        ),
        Misconception(
            "turns the first axes",
            "Right for matrices. With more axes in front `transpose(0, 1)` exchanges those; keys and width are the "
            "last two: `k.transpose(-2, -1)`.",
            _turns_the_first_axes,
        ),
        Misconception(
            "softmax over the first axis",
            "Your softmax runs over axis 0, queries or the batch. Each query shares a weight of 1 among the keys: "
            "`dim=-1`.",
            _softmax_over_the_first_axis,
        ),
        Misconception(
            "softmax over the second axis",
            "Right for matrices. With a batch or heads in front axis 1 is another one; the keys are always the last: "
            "`dim=-1`.",
            _softmax_over_the_second_axis,
        ),
        Misconception(
            "hides with -100",
            "You set hidden scores to a number that is small, but not small enough: they keep a little weight. -inf "
            "leaves none.",
            _hides_with_minus_a_hundred,
        ),
        Misconception(
            "infinity times zero",
            "Where a query may look you add 0 · inf, and that is nan. Put -inf in where it may not, and leave the "
            "rest: `scores.masked_fill(~mask, -math.inf)`.",
            _infinity_times_zero,
        ),
        Misconception(
            "always a mask",
            "`mask` may be None, and then there is nothing to hide: `if mask is not None`.",
            _always_a_mask,
        ),
        Misconception(
            "a sum without keepdim",
            "`sum(-1)` takes the axis of the keys away, so the sums meet the wrong axis, or none: `sum(-1, "
            "keepdim=True)`, or `softmax(-1)`.",
            _sum_without_keepdim,
        ),
        Misconception(
            "shares of the scores",
            "You divide the scores by their sum, which may be negative or near 0. The softmax takes `exp` of them "
            "first, so that all weights are positive.",
            _shares_of_the_scores,
        ),
        Misconception(
            "weights first",
            "Two things come back, in this order: the output, then the weights. Yours come the other way round.",
            _weights_first,
        ),
        Misconception(
            "keys for values",
            "You mix the keys with the weights. Keys are for being found; what is taken are the values: `weights @ "
            "v`.",
            _keys_for_values,
        ),
        Misconception(
            "returns the masked scores",
            "The output is right. The second result should be the weights, which the softmax makes of your scores.",
            _returns_masked_scores,
        ),
    ),
    half_right=(_half_the_story,),
    honest=(
        scaled_dot_product_filled,
        scaled_dot_product_by_hand,
        scaled_dot_product_with_a_penalty,
        scaled_dot_product_in_double,
    ),
    hints=(
        "All the scores are one matrix product: row i holds the query i times each key. How must k be turned?",
        "`scores = q @ k.mT / math.sqrt(d)`; with a mask, `scores.masked_fill(~mask, -math.inf)`; then a softmax over "
        "the last dimension.",
        "`weights = scores.softmax(-1)`, and the output is `weights @ v`. Return both.",
    ),
)
