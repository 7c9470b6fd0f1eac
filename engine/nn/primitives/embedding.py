"""Rows looked up in a table of weights, and gradients added up where rows came from."""

import numpy as np

from engine import backend
from engine.ops.table import primitive


def _add_rows(g, index, *, rows):
    """Zeros (rows, width) with each row of `g` added at its index."""
    g, index = g.reshape(-1, g.shape[-1]), index.reshape(-1)
    whole = backend.module_of(g).zeros((rows, g.shape[1]), dtype=g.dtype)
    if not backend.is_on_cpu(g):
        backend.add_at(whole, (index,), g)
    elif index.size:  # rows of the same index brought together, then summed stretch by stretch
        order = np.argsort(index, kind="stable")
        found, starts = np.unique(index[order], return_index=True)
        whole[found] = np.add.reduceat(g[order], starts, axis=0)
    return whole


embedding = primitive(
    "embedding", "weight index", lambda weight, index: weight[index],
    [lambda g, weight_shape, index: add_rows(g, index, rows=weight_shape[0]), None],
    example=lambda random: ((random(4, 3), np.array([[0, 2, 2], [3, 0, 2]])), {}))
add_rows = primitive(
    "embedding_back", "g index", _add_rows, [lambda g, index: embedding(g, index), None],
    example=lambda random: ((random(2, 3, 3), np.array([[0, 2, 2], [3, 0, 2]])), {"rows": 4}))
