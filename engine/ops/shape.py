"""Operations that only move, repeat or join elements; they hand out views where torch does."""

import numpy as np

from engine import backend
from engine.ops.indexing import getitem
from engine.ops.table import primitive, sample


def _inverse(dims):
    """The permutation that undoes `dims`."""
    return tuple(dims.index(position) for position in range(len(dims)))


def _explain_reshape(arrays, metadata):
    return RuntimeError(f"shape '{list(metadata['shape'])}' is invalid for input of size {arrays[0].size}")


def _explain_expand(arrays, metadata):
    return RuntimeError(
        f"The expanded size of the tensor must match the existing size at every dimension that is not 1.  "
        f"Target sizes: {list(metadata['shape'])}.  Tensor sizes: {list(arrays[0].shape)}")


reshape = primitive(
    "reshape", "a", lambda a, *, shape: a.reshape(shape), [lambda g, a_shape: reshape(g, shape=a_shape)], is_view=True,
    explain=_explain_reshape, example=sample((2, 6), shape=(3, 4)))
permute = primitive(
    "permute", "a", lambda a, *, dims: np.transpose(a, dims), [lambda g, dims: permute(g, dims=_inverse(dims))],
    is_view=True, example=sample((2, 3, 4), dims=(2, 0, 1)))
transpose = primitive(
    "transpose", "a", lambda a, *, dim0, dim1: np.swapaxes(a, dim0, dim1),
    [lambda g, dim0, dim1: transpose(g, dim0=dim0, dim1=dim1)], label="ᵀ", is_view=True,
    example=sample((2, 3, 4), dim0=0, dim1=-1))
expand = primitive(  # the edge sums over what was stretched
    "expand", "a", lambda a, *, shape: backend.stretched(a, shape), [lambda g: g], is_view=True,
    explain=_explain_expand, example=sample((3, 1), shape=(2, 3, 4)))


def _diagonal_put(g, *, shape, offset, dim1, dim2):
    """Zeros of `shape` with `g` on its diagonals."""
    whole = backend.module_of(g).zeros(shape, dtype=g.dtype)
    backend.diagonal(whole, offset, dim1, dim2)[...] = g
    return whole


def _fold_windows(g, *, shape, dim, size, step):
    """Zeros of `shape` with each window's `g` added where the window lay."""
    whole = backend.module_of(g).zeros(shape, dtype=g.dtype)
    for place in range(size):
        stop = place + (g.shape[dim] - 1) * step + 1
        whole[(slice(None),) * dim + (slice(place, stop, step),)] += g[..., place]
    return whole


diagonal = primitive(
    "diagonal", "a", lambda a, *, offset, dim1, dim2: backend.diagonal(a, offset, dim1, dim2),
    [lambda g, a_shape, offset, dim1, dim2: diagonal_put(g, shape=a_shape, offset=offset, dim1=dim1, dim2=dim2)],
    is_view=True, example=sample((3, 2, 4), offset=1, dim1=0, dim2=2))
diagonal_put = primitive(
    "diagonal_put", "g", _diagonal_put,
    [lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2)],
    example=sample((2, 3), shape=(3, 2, 4), offset=1, dim1=0, dim2=2))
unfold = primitive(
    "unfold", "a", lambda a, *, dim, size, step: backend.windows(a, dim, size, step),
    [lambda g, a_shape, dim, size, step: fold_windows(g, shape=a_shape, dim=dim, size=size, step=step)], is_view=True,
    example=sample((2, 6, 2), dim=1, size=3, step=2))
fold_windows = primitive(
    "fold_windows", "g", _fold_windows, [lambda g, dim, size, step: unfold(g, dim=dim, size=size, step=step)],
    example=sample((2, 2, 2, 3), shape=(2, 6, 2), dim=1, size=3, step=2))

# ---- copies in another order, or with zeros in a corner ------------------------------------------------

flip = primitive(  # a copy: tensors have no negative strides
    "flip", "a", lambda a, *, dims: np.flip(a, dims).copy(), [lambda g, dims: flip(g, dims=dims)],
    example=sample((2, 3), dims=(0, 1)))
roll = primitive(
    "roll", "a", lambda a, *, shifts, dims: np.roll(a, shifts, dims),
    [lambda g, shifts, dims: roll(g, shifts=tuple(-shift for shift in shifts), dims=dims)],
    example=sample((2, 3), shifts=(1, -2), dims=(0, 1)))
tril = primitive(
    "tril", "a", lambda a, *, diagonal: np.tril(a, diagonal), [lambda g, diagonal: tril(g, diagonal=diagonal)],
    example=sample((2, 3, 3), diagonal=-1))
triu = primitive(
    "triu", "a", lambda a, *, diagonal: np.triu(a, diagonal), [lambda g, diagonal: triu(g, diagonal=diagonal)],
    example=sample((2, 3, 3), diagonal=1))

# ---- joining ----------------------------------------------------------------------------------------


def _cat_vjp(g, position, shapes, dim):
    """The stretch of `g` along `dim` that came from the tensor at `position`."""
    start = sum(shape[dim] for shape in shapes[:position])
    stop = start + shapes[position][dim]
    return getitem(g, index=(slice(None),) * dim + (slice(start, stop),))


def _explain_cat(arrays, metadata):
    shapes = ", ".join(str(list(array.shape)) for array in arrays)
    return RuntimeError(f"Sizes of tensors must match except in dimension {metadata['dim']}. Got shapes {shapes}")


cat = primitive(
    "cat", "*tensors", lambda *arrays, dim: np.concatenate(arrays, axis=dim), [_cat_vjp], types="promote",
    explain=_explain_cat, example=sample((2, 3), (1, 3), dim=0))
