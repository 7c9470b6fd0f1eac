"""cached_attention(q, k, v, cache, heads): new positions attend to all, and only their own keys and values are new."""

import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.attention.causal_mask import causal_mask_by_comparing, causal_mask_row_by_row
from autograders.specs.attention.multi_head import (
    multi_head, multi_head_head_by_head, multi_head_reshaped, multi_head_rounding, multi_head_with_einsum)
from autograders.specs.attention.scaled_dot_product import WITHHELD
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def cached_attention(q, k, v, cache, heads):
    """With the engine's own attention."""
    if cache is not None:
        k, v = torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1)
    return multi_head(q, k, v, heads, _mask(q, k)), (k, v)


def _mask(q, k):
    queries, keys = q.shape[1], k.shape[1]
    return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


def cached_attention_rounding(q, k, v, past_keys, past_values, heads):
    """That of attention for the output; the cache is copied."""
    if past_keys is not None:
        k, v = np.concatenate([past_keys, k], axis=1), np.concatenate([past_values, v], axis=1)
    mask = np.tri(q.shape[1], k.shape[1], k.shape[1] - q.shape[1], dtype=bool)
    output = multi_head_rounding(q, k, v, heads, mask, np.zeros_like(q))[0]
    return output, np.abs(k), np.abs(v)


def cached_attention_cases(rng):
    """(N, L, width) of new positions, after a past of some length."""
    one, batch, several = "one more position", "a batch", "several positions at once"
    for (n, new, past, width), heads, dtype, group in [
        ((1, 1, 2, 2), 1, SINGLE, one),
        ((1, 1, 4, 4), 2, DOUBLE, one),
        ((2, 1, 2, 2), 1, SINGLE, batch),
        ((3, 1, 3, 4), 2, DOUBLE, batch),
        ((1, 2, 2, 2), 1, SINGLE, several),
        ((2, 3, 2, 6), 3, DOUBLE, several),
    ]:
        yield _case(rng, (n, new, past, width), heads, group, dtype)
    yield _case(rng, (2, 1, 0, 4), 2, "the first position: nothing is cached yet", SINGLE, EDGE)
    yield _case(rng, (1, 4, 0, 4), 2, "a whole text at once: nothing is cached yet", SINGLE, EDGE)
    yield _case(rng, (1, 1, 9, 4), 2, "a long past", SINGLE, EDGE)


def _case(rng, sizes, heads, group, dtype, *stage):
    n, new, past, width = sizes
    q, k, v = (normal(rng, (n, new, width), dtype) for _ in range(3))
    q, k = q + np.sign(q) * dtype(0.5), k + np.sign(k) * dtype(0.5)
    keys, values = (normal(rng, (n, past, width), dtype) if past else None for _ in range(2))
    return Case((q, k, v, keys, values, heads), group, *stage)


def _longer(k, v, cache):
    return (k, v) if cache is None else (torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1))


def _forgets_the_past(q, k, v, cache, heads):
    return multi_head_reshaped(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), _longer(k, v, cache)


def _keeps_only_the_new(q, k, v, cache, heads):
    return cached_attention_reshaped(q, k, v, cache, heads)[0], (k, v)


def _never_grows(q, k, v, cache, heads):
    return cached_attention_reshaped(q, k, v, cache, heads)[0], ((k, v) if cache is None else cache)


def _looks_back_only(q, k, v, cache, heads):
    if cache is None:
        return cached_attention_reshaped(q, k, v, cache, heads)
    return multi_head_reshaped(q, *cache, heads, None), _longer(k, v, cache)


def _new_in_front(q, k, v, cache, heads):
    output, (keys, values) = cached_attention_reshaped(q, k, v, cache, heads)
    if cache is not None:
        keys, values = torch.cat([k, cache[0]], dim=1), torch.cat([v, cache[1]], dim=1)
    return output, (keys, values)


def _changes_places(q, k, v, cache, heads):
    output, (keys, values) = cached_attention_reshaped(q, k, v, cache, heads)
    return output, (values, keys)


def _without_a_mask(q, k, v, cache, heads):
    k, v = _longer(k, v, cache)
    return multi_head_reshaped(q, k, v, heads, None), (k, v)


def _mask_at_the_start(q, k, v, cache, heads):
    k, v = _longer(k, v, cache)
    mask = torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril()
    return multi_head_reshaped(q, k, v, heads, mask), (k, v)


def _caches_the_output(q, k, v, cache, heads):
    output, (keys, _) = cached_attention_reshaped(q, k, v, cache, heads)
    return output, (keys, output if cache is None else torch.cat([cache[1], output], dim=1))


def _caches_queries(q, k, v, cache, heads):
    output, (_, values) = cached_attention_reshaped(q, k, v, cache, heads)
    return output, (q if cache is None else torch.cat([cache[0], q], dim=1), values)


def _ignores_the_cache(q, k, v, cache, heads):
    return cached_attention_reshaped(q, k, v, None, heads)


def _mask_of_the_new(q, k, v, cache, heads):
    k, v = _longer(k, v, cache)
    return multi_head_reshaped(q, k, v, heads, causal_mask_row_by_row(q.shape[1], q.shape[1])), (k, v)


def _joined_along(dim, attend):
    """An answer that joins old and new along another dimension. Where it then fails depends on how heads are split."""

    def cached_attention(q, k, v, cache, heads):
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=dim), torch.cat([cache[1], v], dim=dim)
        return attend(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), (k, v)

    return cached_attention


_along_the_batch = _joined_along(0, multi_head_reshaped)
_along_the_batch_head_by_head = _joined_along(0, multi_head_head_by_head)
_along_the_width = _joined_along(-1, multi_head_reshaped)
_along_the_width_head_by_head = _joined_along(-1, multi_head_head_by_head)


def _values_of_now(q, k, v, cache, heads):
    k, _ = _longer(k, v, cache)
    return multi_head_reshaped(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), (k, v)


def _values_of_now_head_by_head(q, k, v, cache, heads):
    k, _ = _longer(k, v, cache)
    return multi_head_head_by_head(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), (k, v)


def _always_a_cache(q, k, v, cache, heads):
    k, v = torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1)
    return multi_head_reshaped(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), (k, v)


def _one_head(q, k, v, cache, heads):
    return cached_attention_reshaped(q, k, v, cache, 1)


def _not_themselves(q, k, v, cache, heads):
    k, v = _longer(k, v, cache)
    mask = causal_mask_row_by_row(q.shape[1], k.shape[1]) if q.shape[1] == 1 else (
        causal_mask_row_by_row(q.shape[1] + 1, k.shape[1])[:-1])
    return multi_head_reshaped(q, k, v, heads, mask), (k, v)


def _past_twice(q, k, v, cache, heads):
    k, v = _longer(*_longer(k, v, cache), cache)
    return multi_head_reshaped(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), (k, v)


def _one_at_a_time(q, k, v, cache, heads):
    """Right for one more position of one sequence."""
    if len(q) > 1 or q.shape[1] > 1:
        return _forgets_the_past(q, k, v, cache, heads)[0], (k, v)
    return cached_attention_reshaped(q, k, v, cache, heads)


def cached_attention_reshaped(q, k, v, cache, heads):
    """Longer keys and values, and the mask for the last of them."""
    if cache is not None:
        k, v = torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1)
    return multi_head_reshaped(q, k, v, heads, causal_mask_row_by_row(q.shape[1], k.shape[1])), (k, v)


def cached_attention_with_an_empty_past(q, k, v, cache, heads):
    """A past of no positions, if there is none."""
    keys, values = (k[:, :0], v[:, :0]) if cache is None else cache
    keys, values = torch.concat((keys, k), 1), torch.concat((values, v), 1)
    mask = causal_mask_by_comparing(q.shape[1], keys.shape[1])
    return multi_head_with_einsum(q, keys, values, heads, mask), [keys, values]


def cached_attention_position_by_position(q, k, v, cache, heads):
    """Each new position by itself, so that no mask is needed; warns on stderr."""
    print("with" if cache else "without", "a past", file=sys.stderr)
    outputs = []
    for place in range(q.shape[1]):
        new = k[:, place : place + 1], v[:, place : place + 1]
        cache = new if cache is None else tuple(torch.cat(both, dim=1) for both in zip(cache, new))
        outputs.append(multi_head_reshaped(q[:, place : place + 1], *cache, heads, None))
    return torch.cat(outputs, dim=1), cache


def cached_attention_without_a_needless_mask(q, k, v, cache, heads):
    """One new position sees all there is."""
    if cache is not None:
        past_keys, past_values = cache
        k, v = torch.cat((past_keys, k), dim=-2), torch.cat((past_values, v), dim=-2)
    mask = causal_mask_by_comparing(q.shape[-2], k.shape[-2]) if q.shape[-2] > 1 else None
    return multi_head_head_by_head(q, k, v, heads, mask), (k, v)


EXERCISE = Spec(
    name="attention/kv_cache",
    function="cached_attention",
    use=Use(probe="kv_cache"),
    parameters=("q", "k", "v", "cache", "heads"),
    inputs=("q", "k", "v", "past_keys", "past_values", "heads"),
    returns=("output", "keys", "values"),
    title="Remember keys and values",
    why="Every chat model answers this way: what was read once is not computed again for each new word.",
    minutes=15,
    difficulty=3,
    weights=WEIGHTS,
    ours=cached_attention,
    rounding=cached_attention_rounding,
    cases=cached_attention_cases,
    picture="none",
    packages=("numpy", "engine"),
    withheld=WITHHELD,
    shortcuts=(
        "import engine as torch\n"
        "def cached_attention(q, k, v, cache, heads):\n"
        "    if cache is not None:\n"
        "        k, v = torch.cat([cache[0], k], dim=1), torch.cat([cache[1], v], dim=1)\n"
        "    split = [x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v)]\n"
        "    output = torch.nn.functional.scaled_dot_product_attention(*split)\n"
        "    return output.transpose(1, 2).flatten(-2), (k, v)\n",
    ),
    misconceptions=(
        Misconception(
            "forgets the past",
            "The cache is right, but the new positions attend to each other only. Attend with the longer keys and "
            "values, of the cache and of now.",
            _forgets_the_past,
        ),
        Misconception(
            "keeps only the new",
            "The output is right. The new cache should hold the old keys and values as well, or the next step will "
            "not see them.",
            _keeps_only_the_new,
        ),
        Misconception(
            "never grows",
            "The output is right, but the cache comes back as it was: the new keys and values belong into it.",
            _never_grows,
        ),
        Misconception(
            "looks back only",
            "Your new positions look at the cache and not at themselves. A position attends to its own key, too: first "
            "make the keys and values longer, then attend.",
            _looks_back_only,
        ),
        Misconception(
            "the new in front",
            "The output is right, but in the cache the new ones stand in front. They come last: "
            "`torch.cat([old, new], dim=1)`.",
            _new_in_front,
        ),
        Misconception(
            "keys and values changed places",
            "The output is right; in the cache keys and values have changed places: `(keys, values)`.",
            _changes_places,
        ),
        Misconception(
            "without a mask",
            "Right for one new position. Of several at once each sees the ones after it: a mask is needed, "
            "`causal_mask(queries, keys)`.",
            _without_a_mask,
        ),
        Misconception(
            "the mask of the first positions",
            "Your mask treats the new positions as the first ones. They are the last: the past is seen by all of them.",
            _mask_at_the_start,
        ),
        Misconception(
            "caches the output",
            "In the cache the outputs stand where the values should.",
            _caches_the_output,
        ),
        Misconception(
            "caches the queries",
            "In the cache the queries stand where the keys should. Nobody asks for an old query again.",
            _caches_queries,
        ),
        Misconception(
            "ignores the cache",
            "The cache plays no part: the new positions see each other only, and what was remembered is lost. Put its "
            "keys and values in front of the new ones.",
            _ignores_the_cache,
        ),
        Misconception(
            "mask of the new alone",
            "Your mask is as wide as there are new positions. Keys are all there are, the past included: "
            "`causal_mask(q.shape[1], k.shape[1])` with the longer k.",
            _mask_of_the_new,
        ),
        Misconception(
            "along the batch",
            "Along axis 0 are the sequences of the batch. Positions are axis 1: `torch.cat([old, new], dim=1)`.",
            _along_the_batch,
        ),
        Misconception(
            "along the batch, head by head",
            "Along axis 0 are the sequences of the batch. Positions are axis 1: `torch.cat([old, new], dim=1)`.",
            _along_the_batch_head_by_head,
        ),
        Misconception(
            "along the width",
            "The last axis is the width of each position. Positions are axis 1: `torch.cat([old, new], dim=1)`.",
            _along_the_width,
        ),
        Misconception(
            "along the width, head by head",
            "The last axis is the width of each position. Positions are axis 1: `torch.cat([old, new], dim=1)`.",
            _along_the_width_head_by_head,
        ),
        Misconception(
            "values of now",
            "The keys are continued, the values are not. Each key has a value: `torch.cat` for both.",
            _values_of_now,
        ),
        Misconception(
            "values of now, head by head",
            "The keys are continued, the values are not. Each key has a value: `torch.cat` for both.",
            _values_of_now_head_by_head,
        ),
        Misconception(
            "always a cache",
            "At the start `cache` is None, and there is nothing in front of the new keys and values: `if cache is not "
            "None`.",
            _always_a_cache,
        ),
        Misconception(
            "one head",
            "You attend with the whole width at once. Hand `heads` on to `multi_head`.",
            _one_head,
        ),
        Misconception(
            "not themselves",
            "With several new positions yours do not see their own keys. The last one sees all: `causal_mask(queries, "
            "keys)`.",
            _not_themselves,
        ),
        Misconception(
            "the past twice",
            "What is in the cache comes in twice. The new cache is the old one with the new positions behind, once.",
            _past_twice,
        ),
    ),
    half_right=(_one_at_a_time,),
    honest=(
        cached_attention_reshaped,
        cached_attention_with_an_empty_past,
        cached_attention_position_by_position,
        cached_attention_without_a_needless_mask,
    ),
    hints=(
        "Which keys and values does the new position's query need, and which of them are new?",
        "`torch.cat([cache[0], k], dim=1)` are all the keys, the same for the values; without a cache they are k and v.",
        "Then `multi_head(q, k, v, heads, causal_mask(q.shape[1], k.shape[1]))`, with the longer k and v, and these "
        "two as the new cache.",
    ),
)
