"""How far vectors are apart, and vectors of length 1."""

from engine import dtypes
from engine.functions import result_type
from engine.functions.arguments import DIMS, optional, reads
from engine.linalg import vector_norm
from engine.nn.functional.arguments import in_float32

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


@reads
@in_float32
def cosine_similarity(x1, x2, dim=1, eps=1e-08):
    """The cosine of the angle between vectors along `dim`; the two broadcast. Lengths count as at least `eps`."""
    if eps < 0:
        raise RuntimeError(f"eps must be non-negative, got: {eps}")
    common = result_type(x1, x2)
    if common.category < dtypes.FLOAT:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {common}")
    x1, x2 = x1.to(common), x2.to(common)
    shape = (x1 + x2).shape if x1.shape != x2.shape else x1.shape
    x1, x2 = x1.broadcast_to(shape), x2.broadcast_to(shape)
    lengths = [vector_norm(each, 2, dim, keepdim=True).clamp_min(eps) for each in (x1, x2)]
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


@reads(dim=optional(DIMS))
@in_float32
def normalize(input, p=2.0, dim=1, eps=1e-12):
    """The input divided by its p-norm along `dim`, which counts as at least `eps`."""
    return input / vector_norm(input, p, dim, keepdim=True).clamp_min(eps)


@reads
@in_float32
def pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False):
    """The p-norm of x1 - x2 + eps along the last dimension; the two broadcast."""
    return vector_norm(x1 - x2 + eps, p, -1, keepdim=keepdim)
