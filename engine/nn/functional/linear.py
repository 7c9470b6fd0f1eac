"""Weighted sums of inputs, and rows looked up in a table of weights."""

from engine import backend, dtypes
from engine.functions import arguments

__all__ = ["linear", "one_hot"]


def linear(input, weight, bias=None):
    """input @ weight.T + bias. input: (..., in), weight: (out, in), bias: (out) or None; result: (..., out)."""
    product = input @ weight.T
    return product if bias is None else product + bias


def one_hot(tensor, num_classes=-1):
    """int64 tensor (...) of classes -> int64 tensor (..., num_classes) with a 1 at each class. -1: as many as needed."""
    arguments.check_tensor(tensor, "one_hot")
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    count = int(tensor.array.max()) + 1 if num_classes == -1 else num_classes
    if tensor.numel() and not 0 <= int(tensor.array.min()) <= int(tensor.array.max()) < count:
        raise RuntimeError(f"Class values must be between 0 and num_classes - 1 = {count - 1}")
    classes = backend.module_of(tensor.array).arange(count)
    return type(tensor)((tensor.array[..., None] == classes).astype("int64"))
