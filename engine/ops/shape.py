"""Operations that only move, repeat or join elements. All but `cat` hand out views where numpy can."""

import numpy as np

from engine.ops.indexing import getitem
from engine.ops.table import primitive


def _matrix(random):
    return (random(2, 6),), {"shape": (3, 4)}


def _inverse(dims):
    """The permutation that undoes `dims`."""
    return tuple(dims.index(position) for position in range(len(dims)))


def _explain_reshape(arrays, metadata):
    return RuntimeError(f"shape '{list(metadata['shape'])}' is invalid for input of size {arrays[0].size}")


def _explain_expand(arrays, metadata):
    return RuntimeError(
        f"The expanded size of the tensor must match the existing size at every dimension that is not 1.  "
        f"Target sizes: {list(metadata['shape'])}.  Tensor sizes: {list(arrays[0].shape)}"
    )


reshape = primitive(
    "reshape",
    "a",
    lambda a, *, shape: a.reshape(shape),
    [lambda g, a_shape: reshape(g, shape=a_shape)],
    is_view=True,
    explain=_explain_reshape,
    example=_matrix,
)
permute = primitive(
    "permute",
    "a",
    lambda a, *, dims: np.transpose(a, dims),
    [lambda g, dims: permute(g, dims=_inverse(dims))],
    is_view=True,
    example=lambda random: ((random(2, 3, 4),), {"dims": (2, 0, 1)}),
)
transpose = primitive(
    "transpose",
    "a",
    lambda a, *, dim0, dim1: np.swapaxes(a, dim0, dim1),
    [lambda g, dim0, dim1: transpose(g, dim0=dim0, dim1=dim1)],
    label="ᵀ",
    is_view=True,
    example=lambda random: ((random(2, 3, 4),), {"dim0": 0, "dim1": -1}),
)
expand = primitive(
    "expand",
    "a",
    lambda a, *, shape: np.broadcast_to(a, shape),
    [lambda g: g],  # the edge sums over what was stretched
    is_view=True,
    explain=_explain_expand,
    example=lambda random: ((random(3, 1),), {"shape": (2, 3, 4)}),
)

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
    "cat",
    "*tensors",
    lambda *arrays, dim: np.concatenate(arrays, axis=dim),
    [_cat_vjp],
    types="promote",
    explain=_explain_cat,
    example=lambda random: ((random(2, 3), random(1, 3)), {"dim": 0}),
)
