"""Picking elements and putting gradients back where they were picked from."""

import numpy as np

from engine import backend
from engine.ops.table import primitive, shape_of


def _getitem(a, *, index):
    check_index(index, a.shape)
    return a[index]


def _put_add(g, *, index, shape):
    """Zeros of `shape` with `g` added at `index`; an element picked twice receives twice."""
    whole = backend.module_of(g).zeros(shape, dtype=g.dtype)
    if any(hasattr(each, "dtype") for each in index):
        backend.add_at(whole, index, g)
    else:
        whole[index] = g  # slices and integers pick each element at most once
    return whole


def check_index(index, shape):
    """IndexError for integer arrays out of range (cupy would wrap them around without a word)."""
    dim = 0
    for each in index:
        if each is Ellipsis:
            dim = len(shape) - sum(_consumes(rest) for rest in index[index.index(Ellipsis) + 1 :])
        elif hasattr(each, "dtype") and each.dtype.kind in "iu" and dim < len(shape):
            backend.check_bounds(each, shape[dim], dim)
        dim += _consumes(each)


def _consumes(each):
    """How many dimensions one part of an index takes up."""
    if each is None or each is Ellipsis:
        return 0
    return each.ndim if hasattr(each, "dtype") and each.dtype.kind == "b" else 1


def _some_rows(random):
    return (random(4, 3),), {"index": (np.array([0, 2, 2]), slice(1, None))}


def _some_rows_back(random):
    return (random(3, 2),), {"index": (np.array([0, 2, 2]), slice(1, None)), "shape": (4, 3)}


getitem = primitive(
    "index",
    "a",
    _getitem,
    [lambda g, a_shape, index: put_add(g, index=index, shape=a_shape)],
    label="[ ]",
    is_view=True,
    example=_some_rows,
)
put_add = primitive(
    "index_put_add", "g", _put_add, [lambda g, index: getitem(g, index=index)], label="[ ] +=", example=_some_rows_back
)


def _index_put(a, values, *, index):
    changed = a.copy()
    put(changed, values, index)
    return changed


def put(a, values, index):
    """a[index] = values, with torch's errors for an index or a shape that does not fit."""
    check_index(index, a.shape)
    try:
        a[index] = values
    except ValueError as error:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(shape_of(values))} cannot be broadcast to indexing result "
            f"of shape {list(a[index].shape)}"
        ) from error


index_put = primitive(
    "index_put",
    "a values",
    _index_put,
    [lambda g, index: index_put(g, 0, index=index), lambda g, index: getitem(g, index=index)],
    label="[ ] =",
    example=lambda random: ((random(4, 3), random(2, 3)), {"index": (slice(1, 3),)}),
)

# ---- one element for each position along a dimension ---------------------------------------------------


def _gather(a, index, *, dim):
    backend.check_bounds(index, a.shape[dim], dim, RuntimeError)
    inside = tuple(slice(0, size) if d != dim % a.ndim else slice(None) for d, size in enumerate(index.shape))
    return np.take_along_axis(a[inside], index, axis=dim)


def _scatter_add(g, index, *, dim, shape):
    """Zeros of `shape` with g[i, j] added at [index[i, j], j] (for dim 0), and so on for other dims."""
    module = backend.module_of(g)
    whole = module.zeros(shape, dtype=g.dtype)
    places = list(module.ogrid[tuple(slice(0, size) for size in index.shape)])
    places[dim] = index
    backend.add_at(whole, tuple(places), g)
    return whole


def _picked(random):
    return (random(3, 4), np.array([[0, 1], [3, 3], [2, 0]])), {"dim": 1}


def _picked_back(random):
    return (random(3, 2), np.array([[0, 1], [3, 3], [2, 0]])), {"dim": 1, "shape": (3, 4)}


gather = primitive(
    "gather",
    "a index",
    _gather,
    [lambda g, a_shape, index, dim: scatter_add_zeros(g, index, dim=dim, shape=a_shape), None],
    example=_picked,
)
scatter_add_zeros = primitive(
    "scatter_add_zeros",
    "g index",
    _scatter_add,
    [lambda g, index, dim: gather(g, index, dim=dim), None],
    example=_picked_back,
)
