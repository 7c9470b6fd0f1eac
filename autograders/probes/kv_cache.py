"""Calls a function `cached_attention` with tensors and what is in the cache."""

from . import Unusable
from .tensors import as_tensor, checked, pair


def probe(answer, q, k, v, past_keys, past_values, heads):
    """One step of attention that remembers.

    q, k, v: (N, L, width), of the new positions. past_keys, past_values: (N, past, width), both None at the start.
    Returns the output (N, L, width), and the keys and values (N, past + L, width) of the new cache.
    """
    cache = None if past_keys is None else (as_tensor(past_keys), as_tensor(past_values))
    output, new = pair(answer(as_tensor(q), as_tensor(k), as_tensor(v), cache, heads), "output, cache")
    if not isinstance(new, (tuple, list)) or len(new) != 2:
        raise Unusable("The new cache should be a pair, `(keys, values)`.")
    tensors = checked(output, "the output"), checked(new[0], "the keys"), checked(new[1], "the values")
    return tuple(each.detach().numpy() for each in tensors)
