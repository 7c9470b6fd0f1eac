"""torch.nn.functional: activations and losses, composed from the table."""

from engine import backend, dtypes
from engine.functions import arguments, log_softmax, relu, sigmoid, softmax, tanh
from engine.ops import reduction as table

__all__ = [
    "cross_entropy",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "softmax",
    "tanh",
]


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


def mse_loss(input, target, reduction="mean"):
    """The squared difference: its mean, its "sum", or each element ("none")."""
    if input.shape != target.shape:
        raise ValueError(
            f"mse_loss: input has shape {list(input.shape)}, target {list(target.shape)}; they must be equal (broadcasting here hides mistakes)"
        )
    return _reduce((input - target) ** 2, reduction)


def nll_loss(input, target, reduction="mean"):
    """−input[n, target[n]]: the loss of log-probabilities (N, C) for classes (N,), int64. reduction: "mean", "sum" or "none"."""
    arguments.check_tensor(target, "nll_loss", "target", 2)
    if input.ndim != 2 or tuple(target.shape) != (input.shape[0],):
        raise ValueError(
            f"nll_loss expects input (N, C) and target (N,), got {list(input.shape)} and {list(target.shape)}"
        )
    if target.dtype is not dtypes.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype}")
    for extreme in (target.array.min(), target.array.max()) if target.numel() else ():
        if not 0 <= int(extreme) < input.shape[1]:
            raise IndexError(f"Target {int(extreme)} is out of bounds.")
    _check_reduction(reduction)
    return table.nll_loss(input, target, reduction=reduction)


def cross_entropy(input, target, reduction="mean"):
    """The loss of logits (N, C) for classes (N,): −log softmax(input)[n, target[n]], averaged over the batch."""
    arguments.check_tensor(input, "cross_entropy")
    return nll_loss(log_softmax(input, 1), target, reduction)


def _check_reduction(reduction):
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'mean', 'sum' or 'none'")


def _reduce(losses, reduction):
    _check_reduction(reduction)
    return losses if reduction == "none" else getattr(losses, reduction)()
