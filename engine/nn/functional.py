"""torch.nn.functional: activations and losses, composed from the table."""

from engine import backend, dtypes
from engine.functions import arguments, log_softmax, relu, shape, sigmoid, softmax, tanh
from engine.functions import elementwise as choice
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


@arguments.reads
def linear(input, weight, bias=None):
    """input @ weight.T + bias. input: (..., in), weight: (out, in), bias: (out) or None; result: (..., out)."""
    product = input @ weight.T
    return product if bias is None else product + bias


@arguments.reads
def one_hot(tensor, num_classes=-1):
    """int64 tensor (...) of classes -> int64 tensor (..., num_classes) with a 1 at each class. -1: as many as needed."""
    if tensor.dtype is not dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    count = int(tensor.array.max()) + 1 if num_classes == -1 else num_classes
    if tensor.numel() and not 0 <= int(tensor.array.min()) <= int(tensor.array.max()) < count:
        raise RuntimeError(f"Class values must be between 0 and num_classes - 1 = {count - 1}")
    classes = backend.module_of(tensor.array).arange(count)
    return type(tensor)((tensor.array[..., None] == classes).astype("int64"))


@arguments.reads
def mse_loss(input, target, reduction="mean"):
    """The squared difference: its mean, its "sum", or each element ("none")."""
    if input.shape != target.shape:
        raise ValueError(
            f"mse_loss: input has shape {list(input.shape)}, target {list(target.shape)}; they must be equal (broadcasting here hides mistakes)"
        )
    return _reduce((input - target) ** 2, reduction)


@arguments.reads
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """−input[n, target[n]]: the loss of log-probabilities (N, C, ...) or (C) for int64 classes (N, ...) or ().

    weight: (C), how much each class counts; targets equal to ignore_index do not count. reduction: "mean" (by weight),
    "sum" or "none"; size_average and reduce are torch's older way to say it.
    """
    reduction = _reduction(size_average, reduce, reduction)
    return _loss_of_classes(input, target, weight, ignore_index, reduction)


@arguments.reads
def cross_entropy(
    input,
    target,
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
):
    """nll_loss of log_softmax(input), for logits (N, C, ...) or (C).

    target may also hold a probability for each class, in the shape of input. label_smoothing: the part of the target
    that is spread evenly over all classes.
    """
    reduction = _reduction(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    logs = log_softmax(input, 1 if input.ndim > 1 else 0)
    if target.shape != input.shape:
        return _loss_of_classes(logs, target, weight, ignore_index, reduction, label_smoothing)
    if not target.dtype.is_floating_point:
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {target.dtype}")
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    return _loss_of_probabilities(logs, target, weight, reduction, label_smoothing)


def _loss_of_probabilities(logs, target, weight, reduction, smoothing):
    """−Σ target · logs over the classes; both (N, C, ...) or (C)."""
    logs, target = _classes_last(logs), _classes_last(target)
    count = logs.shape[-1]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / count
    if weight is not None:
        _check_weight(weight, count)
        target = target * weight
    losses = -(logs * target).sum(-1)
    return losses.sum() * count / logs.numel() if reduction == "mean" else _reduce(losses, reduction)


def _loss_of_classes(logs, target, weight, ignore_index, reduction, smoothing=0.0):
    """As nll_loss; `smoothing` of each target is spread evenly over all classes."""
    if logs.ndim == 1 and target.ndim == 1:
        if len(target) != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {len(target)}")
        target = target.reshape(())
    _check_classes(logs, target, ignore_index)
    logs = _classes_last(logs)
    count = logs.shape[-1]
    rows, classes = logs if logs.ndim == 2 else logs.reshape(target.numel(), count), target.reshape(-1)
    counts = classes != ignore_index
    if weight is None and not smoothing and (target.ndim == 1 or reduction != "none") and bool(counts.all()):
        return table.nll_loss(rows, classes, reduction=reduction)
    classes = choice.where(counts, classes, 0)
    if weight is None:
        share = counts.to(logs.dtype)
    else:
        _check_weight(weight, count)
        share = choice.where(counts, weight[classes], 0)
    losses = share * table.nll_loss(rows, classes, reduction="none")
    if smoothing:
        evenly = -(rows if weight is None else rows * weight).sum(1)
        losses = (1 - smoothing) * losses + smoothing / count * evenly
    losses = choice.where(counts, losses, 0)
    if reduction == "mean":
        return losses.sum() / share.sum()
    return _reduce(losses.reshape(target.shape), reduction)


def _classes_last(tensor):
    """(N, C, ...) as (N, ..., C)."""
    return tensor if tensor.ndim < 3 else shape.movedim(tensor, 1, -1)


def _check_classes(input, target, ignore_index):
    """An error unless `target` names a class of `input` for each of its places."""
    if not input.ndim:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    expected = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    if input.ndim > 1 and target.ndim and target.shape[0] != input.shape[0]:
        raise ValueError(
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
        )
    if tuple(target.shape) != expected:
        raise RuntimeError(
            f"Expected target size {list(expected)} for input of size {list(input.shape)}, got {list(target.shape)}"
        )
    if target.dtype not in (dtypes.int64, dtypes.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype}")
    count = input.shape[1 if input.ndim > 1 else 0]
    is_wrong = (target.array != ignore_index) & ((target.array < 0) | (target.array >= count))
    if is_wrong.any():
        raise IndexError(f"Target {int(target.array[is_wrong][0])} is out of bounds.")


def _check_weight(weight, count):
    if tuple(weight.shape) != (count,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {count} classes or no classes but got weight tensor of "
            f"shape: {list(weight.shape)}"
        )


def _reduction(size_average, reduce, reduction):
    """What torch's older arguments mean, if one of them is given; else `reduction`."""
    if size_average is None and reduce is None:
        _check_reduction(reduction)
        return reduction
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def _check_reduction(reduction):
    if not isinstance(reduction, str) or reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'mean', 'sum' or 'none'")


def _reduce(losses, reduction):
    _check_reduction(reduction)
    return losses if reduction == "none" else getattr(losses, reduction)()
