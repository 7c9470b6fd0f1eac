"""torch's functions of linear algebra."""

from engine.functions.arguments import check_tensor, method
from engine.functions.shape import squeeze, unsqueeze
from engine.ops import linear

__all__ = [
    "matmul",
    "mm",
]


@method
def matmul(input, other):
    """The matrix product. Vectors are treated as a row (left) or a column (right); batch dimensions in front broadcast."""
    check_tensor(input, "matmul")
    check_tensor(other, "matmul", "other", 2)
    if not input.ndim or not other.ndim:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D"
        )
    row, column = input.ndim == 1, other.ndim == 1
    product = linear.matmul(unsqueeze(input, 0) if row else input, unsqueeze(other, 1) if column else other)
    if column:
        product = squeeze(product, -1)
    return squeeze(product, -1 if column else -2) if row else product


@method
def mm(input, mat2):
    """The product of two matrices; RuntimeError unless both have two dimensions."""
    for name, each in (("self", input), ("mat2", mat2)):
        if each.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {each.ndim} dimension(s)")
    return matmul(input, mat2)
