"""torch's functions of linear algebra: products of vectors and matrices. Decompositions are in engine.linalg."""

import math

from engine import dtypes, return_types
from engine.functions.arguments import ANY, autocasting, check_dims, check_tensor, method, quick_method, reads
from engine.functions.shape import broadcast_to, permute, reshape
from engine.ops import elementwise, linear

__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "det", "dot", "inner", "inverse", "kron", "logdet", "matmul",
    "matrix_power", "mm", "mv", "outer", "slogdet", "tensordot", "trace", "vdot"]


@quick_method
def matmul(input, other):
    """The matrix product. A vector is a row (left) or a column (right); batch dimensions in front broadcast."""
    if autocasting and (call := autocasting[0]("matmul", (input, other), {})):
        return call(matmul)
    check_tensor(input, "matmul")
    check_tensor(other, "matmul", "other", 2)
    if not input.ndim or not other.ndim:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and {other.ndim}D")
    return linear.matmul(input, other)


@method
def mm(input, mat2):
    """(n, m) x (m, k) -> (n, k); RuntimeError unless both are matrices."""
    _check_ndim("self must be a matrix", input, 2)
    _check_ndim("mat2 must be a matrix", mat2, 2)
    return linear.matmul(input, mat2)


@method
def bmm(input, mat2):
    """(b, n, m) x (b, m, k) -> (b, n, k), without broadcasting."""
    _check_ndim("batch1 must be a 3D tensor", input, 3)
    _check_ndim("batch2 must be a 3D tensor", mat2, 3)
    expected = [input.shape[0], input.shape[2]]
    if list(mat2.shape[:2]) != expected:
        raise RuntimeError(f"Expected first two sizes of batch2 to be {expected} but got: {list(mat2.shape[:2])}.")
    return linear.matmul(input, mat2)


@method
def mv(input, vec):
    """(n, m) x (m) -> (n)."""
    if (input.ndim, vec.ndim) != (2, 1):
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({len(input)}), mat ({_times(input)}), vec ({len(vec)})")
    return linear.matmul(input, vec)


@method
def dot(input, tensor):
    """The sum of the products of two vectors of one length; 0-d."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype} and {tensor.dtype}")
    if len(input) != len(tensor):
        raise RuntimeError(f"inconsistent tensor size: dot of vectors with {len(input)} and {len(tensor)} elements")
    return linear.matmul(input, tensor)


@method
def vdot(input, other):
    """dot of the first vector's conjugate and the second."""
    return dot(input.conj(), other)


@method
def outer(input, vec2):
    """(n) and (m) -> (n, m): every product of an element of the one with an element of the other."""
    _check_ndim(f"outer: Expected 1-D argument self, but got {input.ndim}-D", input, 1)
    _check_ndim(f"outer: Expected 1-D argument vec2, but got {vec2.ndim}-D", vec2, 1)
    return elementwise.mul(reshape(input, -1, 1), vec2)


@method
def inner(input, other):
    """The sums of products over the last dimension of both: (..., n) and (***, n) -> (..., ***)."""
    if not input.ndim or not other.ndim:
        return elementwise.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner(): the last dimensions must match but got {list(input.shape)} and {list(other.shape)}")
    return tensordot(input, other, ([-1], [-1]))


# ---- a product, added to something ------------------------------------------------------------------------


@method
def addmm(input, mat1, mat2, *, beta=1, alpha=1):
    """beta · input + alpha · (mat1 @ mat2), for matrices; `input` broadcasts to the product's shape."""
    return _plus("addmm", input, beta, mm(mat1, mat2), alpha)


@method
def addmv(input, mat, vec, *, beta=1, alpha=1):
    """beta · input + alpha · (mat @ vec); `input` broadcasts to the product's shape."""
    return _plus("addmv", input, beta, mv(mat, vec), alpha)


@method
def addr(input, vec1, vec2, *, beta=1, alpha=1):
    """beta · input + alpha · outer(vec1, vec2); `input` broadcasts to the product's shape."""
    return _plus("addr", input, beta, outer(vec1, vec2), alpha, same_type=False)


@method
def baddbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta · input + alpha · bmm(batch1, batch2); `input` broadcasts to the product's shape."""
    return _plus("baddbmm", input, beta, bmm(batch1, batch2), alpha)


@method
def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    """beta · input + alpha · the sum of bmm(batch1, batch2) over the batch; `input` broadcasts to its shape."""
    return _plus("addbmm", input, beta, bmm(batch1, batch2).sum(0, dtype=batch1.dtype), alpha)


def _plus(function, input, beta, product, alpha, same_type=True):
    """beta · input + alpha · product, in the product's shape; with beta 0, NaN in `input` does not count."""
    if same_type and input.dtype is not product.dtype:
        raise RuntimeError(
            f"{function}: input and the product must have the same dtype, but got {input.dtype} and {product.dtype}")
    input = broadcast_to(input, product.shape)
    if product.dtype.category <= dtypes.INTEGER:
        whole = bool if product.dtype is dtypes.bool else int
        beta, alpha = whole(beta), whole(alpha)
    scaled = product if alpha == 1 else product * alpha
    if beta == 0:
        return scaled
    return (input if beta == 1 else input * beta) + scaled


# ---- products over chosen dimensions -------------------------------------------------------------------------


@reads(dims=ANY)
def tensordot(a, b, dims=2):
    """The sums of products over dimensions of a and as many of b.

    dims: how many (the last of a with the first of b), or a pair of lists, those of a and those of b.
    The result has the other dimensions of a, then those of b.
    """
    of_a, of_b = _tensordot_dims(a, b, dims)
    for dim_a, dim_b in zip(of_a, of_b):
        if a.shape[dim_a] != b.shape[dim_b] and 1 not in (a.shape[dim_a], b.shape[dim_b]):
            raise RuntimeError(
                f"contracted dimensions need to match: {a.shape[dim_a]} in dim {dim_a}, {b.shape[dim_b]} in {dim_b}")
        if a.shape[dim_a] != b.shape[dim_b]:  # one of them is stretched: the other can be summed right away
            a = a if a.shape[dim_a] == 1 else a.sum(dim_a, keepdim=True, dtype=a.dtype)
            b = b if b.shape[dim_b] == 1 else b.sum(dim_b, keepdim=True, dtype=b.dtype)
    rest_a = [dim for dim in range(a.ndim) if dim not in of_a]
    rest_b = [dim for dim in range(b.ndim) if dim not in of_b]
    shape = [a.shape[dim] for dim in rest_a] + [b.shape[dim] for dim in rest_b]
    left = reshape(permute(a, (*rest_a, *of_a)), _size(a, rest_a), _size(a, of_a))
    right = reshape(permute(b, (*of_b, *rest_b)), _size(b, of_b), _size(b, rest_b))
    product = linear.matmul if math.prod(shape) == 1 else matmul  # autocast leaves a dot product alone
    return reshape(product(left, right), shape)


def _size(tensor, dims):
    return math.prod(tensor.shape[dim] for dim in dims)


def _tensordot_dims(a, b, dims):
    if hasattr(dims, "tolist"):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        return list(range(a.ndim - dims, a.ndim)), list(range(dims))
    if not isinstance(dims, (tuple, list)) or len(dims) != 2:
        raise RuntimeError(f"tensordot expects dims to be an int or a pair of lists of ints, but got {dims!r}")
    of_a, of_b = dims
    for name, each in (("dims_self", of_a), ("dims_other", of_b)):
        if not isinstance(each, (tuple, list)):
            raise TypeError(f"tensordot(): argument '{name}' must be tuple of ints, not {type(each).__name__}")
    if len(of_a) != len(of_b):
        raise RuntimeError("both dimension lists should have same length")
    return check_dims(of_a, a.ndim) or (), check_dims(of_b, b.ndim) or ()


@method
def kron(input, other):
    """The Kronecker product: `other` once for each element of `input`, multiplied with it, laid out as blocks."""
    ndim = max(input.ndim, other.ndim)
    outer_sizes = [1] * (ndim - input.ndim) + list(input.shape)
    inner_sizes = [1] * (ndim - other.ndim) + list(other.shape)
    blocks = reshape(input, [each for size in outer_sizes for each in (size, 1)])
    inside = reshape(other, [each for size in inner_sizes for each in (1, size)])
    return reshape(elementwise.mul(blocks, inside), [m * n for m, n in zip(outer_sizes, inner_sizes)])


@method
def trace(input):
    """The sum of a matrix's diagonal."""
    _check_ndim(f"trace: expected a matrix, but got tensor with dim {input.ndim}", input, 2)
    if input.dtype is dtypes.bool:
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return diagonal_of_first_two(input).sum()


def diagonal_of_first_two(tensor):
    """(m, n, ...) -> (min(m, n), ...): the elements whose first two indices are equal."""
    places = list(range(min(tensor.shape[:2])))
    return tensor[places, places]


# ---- what torch.linalg has under these names too (it stands on this file, so it is imported late) --------------


@method
def inverse(input):
    """linalg.inv."""
    from engine import linalg

    return linalg.inv(input)


@method
def det(input):
    """linalg.det."""
    from engine import linalg

    return linalg.det(input)


@method
def slogdet(input):
    """linalg.slogdet."""
    from engine import linalg

    return return_types.slogdet(*linalg.slogdet(input))


@method
def logdet(input):
    """The logarithms of the determinants; NaN where a real one is negative."""
    sign, logabsdet = slogdet(input)
    if input.dtype.is_complex:
        return elementwise.log(sign) + logabsdet
    return elementwise.where(sign < 0, math.nan, logabsdet)


@method
def matrix_power(input, n):
    """linalg.matrix_power."""
    from engine import linalg

    return linalg.matrix_power(input, n)


def _check_ndim(message, value, ndim):
    if value.ndim != ndim:
        raise RuntimeError(message)


def _times(matrix):
    return f"{matrix.shape[0]}x{matrix.shape[1]}"
