"""torch's functions that pick elements by index."""

from engine import dtypes
from engine.functions.arguments import check_dim, check_tensor, method
from engine.ops import indexing

__all__ = [
    "gather",
]


@method
def gather(input, dim, index):
    """out[i][j] = input[index[i][j]][j] for dim 0, and so on: one pick for each entry of the int64 tensor `index`."""
    check_tensor(input, "gather")
    check_tensor(index, "gather", "index", 3)
    if index.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(f"gather(): Expected dtype int32/int64 for index, got {index.dtype}")
    if index.ndim != input.ndim:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    return indexing.gather(input, index, dim=check_dim(dim, input.ndim))
