"""Weighted sums of inputs, and rows looked up in a table of weights."""

from engine import backend, bounds, dtypes
from engine.autograd.graph import set_recording
from engine.autograd.short import record_several
from engine.functions import einsum, where
from engine.functions.arguments import reads
from engine.linalg import vector_norm
from engine.nn.functional.arguments import in_float32
from engine.nn.primitives import embedding as table
from engine.nn.primitives import linear as layer

__all__ = ["bilinear", "embedding", "linear", "one_hot"]


@reads
@in_float32
def linear(input, weight, bias=None):
    """input @ weight.T + bias. input: (..., in), weight: (out, in), bias: (out) or None; result: (..., out)."""
    shape = weight.array.shape
    if len(shape) > 2:
        raise RuntimeError(f"linear: expected a weight of at most 2 dimensions, but got {list(weight.shape)}")
    if bias is None and len(shape) == 2:
        return record_several(layer.linear, (input, weight), {})
    if len(shape) < 2 or bias.array.shape != shape[:1]:
        product = input @ weight.T if weight.ndim == 2 else input @ weight
        return product if bias is None else product + bias
    if bias.array.dtype != weight.array.dtype:
        raise RuntimeError(f"linear: expected a bias of type {weight.dtype}, but got {bias.dtype}")
    return record_several(layer.linear, (input, weight, bias), {})


@reads
@in_float32
def bilinear(input1, input2, weight, bias=None):
    """For each output: the sum of all products of an element of input1, one of input2 and their weight; plus bias.

    input1: (..., in1), input2: (..., in2), weight: (out, in1, in2), bias: (out) or None; result: (..., out).
    """
    if input1.ndim != input2.ndim or input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): input batch dimensions do not match: got {list(input1.shape)} and {list(input2.shape)}")
    if tuple(weight.shape[1:]) != (*input1.shape[-1:], *input2.shape[-1:]):
        raise RuntimeError(
            f"bilinear(): weight {list(weight.shape)} does not fit {list(input1.shape)} and {list(input2.shape)}")
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        raise RuntimeError(f"bilinear(): bias size does not match weight size: got {list(bias.shape)}")
    product = einsum("...i,oij,...j->...o", input1, weight, input2)
    return product if bias is None else product + bias


@reads
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` (rows, width) that the integer tensor `input` names: (..., width).

    padding_idx: a row that receives no gradient. max_norm: rows that are looked up and longer (by the norm_type-norm)
    are first shortened to it, in place. scale_grad_by_freq and sparse are not supported.
    """
    if scale_grad_by_freq or sparse:
        raise NotImplementedError("embedding: scale_grad_by_freq=True and sparse=True are not supported")
    if input.dtype not in (dtypes.int64, dtypes.int32):
        raise RuntimeError(f"Expected indices of type Long or Int; but got {input.dtype} instead")
    if weight.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, got {list(weight.shape)}")
    rows = weight.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(f"Padding_idx must be within num_embeddings, got {padding_idx} for {rows} rows")
        padding_idx %= rows
    bounds.check_bounds(input.array, rows, 0, IndexError, lowest=0)
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    found = table.embedding(weight, input)
    if padding_idx is None or not found.requires_grad:
        return found
    return where((input == padding_idx).unsqueeze(-1), found.detach(), found)


def _shorten(weight, input, max_norm, norm_type):
    """Bring the rows of `weight` that `input` names to at most this norm, in place."""
    with set_recording(False):
        rows = input.reshape(-1).unique()
        picked = weight.detach()[rows]
        norms = vector_norm(picked, norm_type, dim=1, keepdim=True)
        weight.detach()[rows] = where(norms > max_norm, picked * (max_norm / (norms + 1e-7)), picked)


@reads
def one_hot(tensor, num_classes=-1):
    """int64 tensor (...) of classes -> int64 tensor (..., num_classes) with a 1 at each class. -1: the fewest."""
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not tensor.numel() and num_classes < 1:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if num_classes < 1 and num_classes != -1:
        raise RuntimeError(f"num_classes should be positive, got {num_classes}")
    if tensor.numel() and int(tensor.array.min()) < 0:
        raise RuntimeError(f"Class values must be non-negative, got {int(tensor.array.min())}")
    largest = int(tensor.array.max()) if tensor.numel() else -1
    count = largest + 1 if num_classes == -1 else num_classes
    if largest >= count:
        raise RuntimeError(f"Class values must be smaller than num_classes: got {largest} for {count} classes")
    classes = backend.module_of(tensor.array).arange(count)
    return type(tensor)((tensor.array[..., None] == classes).astype("int64"))
