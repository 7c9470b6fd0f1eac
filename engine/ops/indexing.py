"""Picking elements and putting gradients back where they were picked from."""

import numpy as np

from engine import backend, bounds
from engine.ops.table import primitive, sample, shape_of


def _getitem(a, *, index):
    view, index = _place(a, index)
    return view[index]


def _put_add(g, *, index, shape, whole=None):
    """Zeros of `shape`, or `whole`, with `g` added at `index`; an element picked twice receives twice."""
    whole = backend.module_of(g).zeros(shape, dtype=g.dtype) if whole is None else whole
    view, index = _place(whole, index)
    if any(_is_array(each) and each.dtype.kind != "b" for each in index):
        backend.add_at(view, index, g)
    else:
        view[index] += g  # slices, integers and masks pick each element at most once
    return whole


def _place(a, index):
    """(a view of `a`, what is left to look up in it): `a[index]` as torch means it.

    torch takes integers, slices and None first and then looks up the arrays; numpy would count the integers
    among the arrays, and so put the result's dimensions into another order. A bool is a new dimension of size 1 or 0.
    """
    for each in index:
        if _is_array(each) or each is True or each is False:
            break
    else:
        return a, index
    basic, lookup = [], []
    for each in index:
        if each is True or each is False:
            basic.append(None)
            lookup.append(backend.module_of(a).arange(int(each)))
        elif _is_array(each):
            basic += [slice(None)] * _consumes(each)
            lookup.append(each)
        else:
            basic.append(each)
            if not isinstance(each, int):
                lookup.append(Ellipsis if each is Ellipsis else slice(None))
    view = a[tuple(basic)]
    lookup = _without_ellipsis(lookup, view.ndim)
    while not _is_array(lookup[-1]):
        lookup.pop()  # what follows the last array goes without saying, and numpy is quicker without
    _check_lookup(lookup, view.shape)
    return view, tuple(lookup)


def _without_ellipsis(index, ndim):
    """With as many slices in the Ellipsis's place as it stands for: none at all do not part two arrays."""
    for position, each in enumerate(index):
        if each is Ellipsis:
            rest = index[:position] + index[position + 1 :]
            stands_for = ndim - sum(_consumes(other) for other in rest)
            return index[:position] + [slice(None)] * stands_for + index[position + 1 :]
    return index


def _check_lookup(index, shape):
    """IndexError for arrays out of range (cupy would wrap them around without a word) and masks of another shape."""
    dim = 0
    for position, each in enumerate(index):
        if _is_array(each) and each.dtype.kind == "b":
            if each.shape != shape[dim : dim + each.ndim]:
                raise IndexError(
                    f"mask {position} of shape {list(each.shape)} does not match {list(shape)} at dimension {dim}")
        elif _is_array(each):
            bounds.check_bounds(each, shape[dim], dim)
        dim += _consumes(each)


def _is_array(each):
    return hasattr(each, "dtype")


def _consumes(each):
    """How many dimensions one part of an index takes up."""
    return each.ndim if _is_array(each) and each.dtype.kind == "b" else 1


_some_rows = (np.array([0, 2, 2]), slice(1, None))
getitem = primitive(
    "index", "a", _getitem, [lambda g, a_shape, index: put_add(g, index=index, shape=a_shape)], label="[ ]",
    is_view=True, example=sample((4, 3), index=_some_rows))
put_add = primitive(
    "index_put_add", "g", _put_add, [lambda g, index: getitem(g, index=index)], label="[ ] +=",
    example=sample((3, 2), index=_some_rows, shape=(4, 3)))


def put(a, values, index):
    """a[index] = values in place; RuntimeError if the values do not broadcast to what the index picks."""
    view, index = _place(a, index)
    try:
        view[index] = values
    except ValueError as error:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(shape_of(values))} cannot be broadcast to indexing result "
            f"of shape {list(view[index].shape)}") from error


def _index_put(a, values, *, index):
    changed = backend.as_array(a, like=a).copy()  # a gradient may be a numpy scalar
    put(changed, values, index)
    return changed


index_put = primitive(
    "index_put", "a values", _index_put,
    [lambda g, index: index_put(g, 0, index=index), lambda g, index: getitem(g, index=index)], label="[ ] =",
    example=sample((4, 3), (2, 3), index=(slice(1, 3),)))

# ---- one element for each position along a dimension ---------------------------------------------------


def _places(index, dim, shape):
    """An index of arrays that means [index[i, j], j] for dim 0, [i, index[i, j]] for dim 1, and so on."""
    bounds.check_bounds(index, shape[dim], dim, RuntimeError, lowest=0)
    arange, after = backend.module_of(index).arange, index.ndim - 1
    places = [arange(size).reshape((-1,) + (1,) * (after - d)) for d, size in enumerate(index.shape)]
    places[dim] = index
    return tuple(places)


def _gather(a, index, *, dim):
    return a[_places(index, dim, a.shape)]


def _scatter_add(g, index, *, dim, shape):
    whole = backend.module_of(g).zeros(shape, dtype=g.dtype)
    backend.add_at(whole, _places(index, dim, shape), g)
    return whole


def _scatter(a, index, values, *, dim):
    changed = a.copy()
    changed[_places(index, dim, a.shape)] = values
    return changed


_once, _twice = np.array([[0, 1], [3, 2], [2, 0]]), np.array([[0, 1], [3, 3], [2, 0]])
gather = primitive(
    "gather", "a index", _gather,
    [lambda g, a_shape, index, dim: scatter_add_zeros(g, index, dim=dim, shape=a_shape), None],
    example=sample((3, 4), _twice, dim=1))
scatter_add_zeros = primitive(
    "scatter_add_zeros", "g index", _scatter_add, [lambda g, index, dim: gather(g, index, dim=dim), None],
    example=sample((3, 2), _twice, dim=1, shape=(3, 4)))
scatter = primitive(
    "scatter", "a index values", _scatter,
    [lambda g, index, dim: scatter(g, index, 0, dim=dim), None, lambda g, index, dim: gather(g, index, dim=dim)],
    example=sample((3, 4), _once, (3, 2), dim=1))
