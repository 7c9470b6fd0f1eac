"""Losses: how far a model's answer is from what it should be.

Each is computed element by element and then reduced: "mean", "sum" or "none". `size_average` and `reduce` are torch's
older way to say the same.
"""

import warnings

import numpy as np

from engine import bounds, dtypes
from engine.autograd.short import record_several
from engine.functions import shape
from engine.functions.arguments import BOOL, optional, reads
from engine.functions.elementwise import where
from engine.functions.reduction import log_softmax
from engine.nn.functional.arguments import check_constant, in_float32
from engine.nn.primitives import loss as table
from engine.nn.primitives.activation import log_sigmoid
from engine.ops import reduction as softmaxes

__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "huber_loss", "kl_div", "l1_loss",
    "mse_loss", "nll_loss", "smooth_l1_loss"]

_reads = reads(reduce=optional(BOOL))  # elsewhere `reduce` names an operation

# ---- of numbers -----------------------------------------------------------------------------------------


@_reads
@in_float32
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The squared difference. weight: how much each element counts, also in the mean."""
    reduction = _reduction(size_average, reduce, reduction)
    _check_numbers("mse_loss", input, target)
    return _reduce_weighted((input - target) ** 2, weight, input, reduction)


@_reads
@in_float32
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """The size of the difference. weight: how much each element counts, also in the mean."""
    reduction = _reduction(size_average, reduce, reduction)
    _check_numbers("l1_loss", input, target, takes_integers=True)
    return _reduce_weighted((input - target).abs(), weight, input, reduction)


@_reads
@in_float32
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """difference² / (2·beta) where the difference d is smaller than `beta`, |d| - beta / 2 elsewhere."""
    reduction = _reduction(size_average, reduce, reduction)
    _check_numbers("smooth_l1_loss", input, target, takes_integers=beta == 0)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return _reduce((input - target).abs(), reduction)
    difference = input - target
    size = difference.abs()
    return _reduce(where(size < beta, difference * difference * (0.5 / beta), size - 0.5 * beta), reduction)


@reads
@in_float32
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """difference² / 2 where the difference d is at most `delta`, delta·(|d| - delta / 2) elsewhere (Huber, 1964).

    weight: a factor for each element; the mean is over all elements.
    """
    _check_reduction(reduction)
    _check_numbers("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    difference = input - target
    size = difference.abs()
    losses = where(size <= delta, difference * difference * 0.5, (size - 0.5 * delta) * delta)
    if weight is not None:
        _check_same_size(weight, input)
        losses = losses * weight
    return _reduce(losses, reduction)


def _check_numbers(function, input, target, takes_integers=False):
    if target.shape != input.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=5)
    if not takes_integers and max(input.dtype.category, target.dtype.category) < dtypes.FLOAT:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')


def _reduce_weighted(losses, weight, input, reduction):
    if weight is None:
        return _reduce(losses, reduction)
    _check_same_size(weight, input)
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else _reduce(losses, reduction)


def _check_same_size(weight, input):
    if weight.shape != input.shape:
        raise ValueError(f"Weights and input must have the same size, got {weight.shape} and {input.shape}.")


# ---- of probabilities for yes or no ---------------------------------------------------------------------


@_reads
@in_float32
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-(target·log(input) + (1 - target)·log(1 - input)) for probabilities; no logarithm counts as less than -100.

    weight: a factor for each element, broadcasts to the input; the mean is over all elements.
    """
    reduction = _reduction(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            "Please ensure they have the same size.")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"binary_cross_entropy" not implemented for {input.dtype}')
    if target.dtype is not input.dtype:
        raise RuntimeError(f"Found dtype {target.dtype} but expected {input.dtype}")
    if input.numel() and not np.all((input.array >= 0) & (input.array <= 1)):
        raise RuntimeError("all elements of input should be between 0 and 1")
    check_constant("binary_cross_entropy", weight=weight)
    losses = table.binary_cross_entropy(input, target)
    return _reduce(losses if weight is None else losses * weight.expand(input.shape), reduction)


@_reads
@in_float32
def binary_cross_entropy_with_logits(
        input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    """binary_cross_entropy of sigmoid(input), without overflow.

    weight: a factor for each element. pos_weight: a factor for the targets' side alone; both broadcast.
    """
    reduction = _reduction(size_average, reduce, reduction)
    function = "binary_cross_entropy_with_logits"
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"{function}" not implemented for {input.dtype}')
    if not target.dtype.is_floating_point:
        raise RuntimeError(f"result type {input.dtype} can't be cast to the desired output type {target.dtype}")
    check_constant(function, weight=weight, pos_weight=pos_weight)
    share = 1 if pos_weight is None else (pos_weight - 1) * target + 1
    losses = (1 - target) * input - share * log_sigmoid(input)
    return _reduce(losses if weight is None else losses * weight, reduction)


# ---- of log-probabilities for classes ---------------------------------------------------------------------


@_reads
@in_float32
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """−input[n, target[n]]: the loss of log-probabilities (N, C, ...) or (C) for int64 classes (N, ...) or ().

    weight: (C), how much each class counts, also in the mean; targets equal to ignore_index do not count.
    """
    reduction = _reduction(size_average, reduce, reduction)
    return _loss_of_classes(input, target, weight, ignore_index, reduction)


@_reads
@in_float32
def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
):
    """nll_loss of log_softmax(input), for logits (N, C, ...) or (C).

    target may also hold a probability for each class, in the shape of input. label_smoothing: the part of the target
    that is spread evenly over all classes.
    """
    reduction = _reduction(size_average, reduce, reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f'"log_softmax" not implemented for {input.dtype}')
    if weight is None and not label_smoothing and reduction != "none" and _is_usual(input, target, ignore_index):
        logs = record_several(softmaxes.log_softmax, (input,), {"dim": 1})
        return record_several(table.nll_loss, (logs, target), {"reduction": reduction, "ignore_index": None})
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
    return losses.sum() * count / logs.numel() if reduction == "mean" and logs.numel() else _reduce(losses, reduction)


def _loss_of_classes(logs, target, weight, ignore_index, reduction, smoothing=0.0):
    """As nll_loss; `smoothing` of each target is spread evenly over all classes."""
    if logs.ndim == target.ndim == 1:
        if target.numel() != 1:
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {target.numel()}")
        target = target.squeeze(0)
    _check_classes(logs, target, ignore_index)
    logs = _classes_last(logs)
    count = logs.shape[-1]
    rows, classes = logs if logs.ndim == 2 else logs.reshape(target.numel(), count), target.reshape(-1)
    if weight is None and not smoothing and (target.ndim == 1 or reduction != "none"):
        return table.nll_loss(rows, classes, reduction=reduction, ignore_index=ignore_index)
    counts = classes != ignore_index
    classes = where(counts, classes, 0)
    if weight is None:
        share = counts.to(logs.dtype)
    else:
        _check_weight(weight, count)
        check_constant("nll_loss", weight=weight)
        share = where(counts, weight[classes.long()], 0)
    losses = share * table.nll_loss(rows, classes, reduction="none", ignore_index=None)
    if smoothing:
        evenly = -(rows if weight is None else rows * weight).sum(1)
        losses = (1 - smoothing) * losses + smoothing / count * evenly
    losses = where(counts, losses, 0)
    if reduction == "mean":
        return losses.sum() / share.sum()
    return _reduce(losses.reshape(target.shape), reduction)


def _is_usual(input, target, ignore_index):
    """Whether these are logits (N, C) in main memory and a class for each row, none of which is ignored: at one look,
    where the general way takes ten."""
    logits, classes = input.array, target.array
    return (
        type(logits) is np.ndarray and type(classes) is np.ndarray and logits.ndim == 2 and classes.dtype == np.int64
        and classes.shape == logits.shape[:1] and logits.size > 0 and not 0 <= ignore_index < logits.shape[1]
        and bool(classes.view(np.uint64).max() < logits.shape[1]))  # as unsigned, negative ones are large


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
            f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]}).")
    if tuple(target.shape) != expected:
        raise RuntimeError(
            f"Expected target size {list(expected)} for input of size {list(input.shape)}, got {list(target.shape)}")
    if target.dtype not in (dtypes.int64, dtypes.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype}")
    count = input.shape[1 if input.ndim > 1 else 0]
    classes = np.where(target.array == ignore_index, 0, target.array)
    bounds.check(classes, count, lambda entry: IndexError(f"Target {entry} is out of bounds."))


def _check_weight(weight, count):
    if tuple(weight.shape) != (count,):
        raise RuntimeError(
            f"weight must have an element for each of {count} classes but has the shape {list(weight.shape)}")


# ---- of distributions -------------------------------------------------------------------------------------


@_reads
@in_float32
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """target·(log(target) - input): how far the log-probabilities `input` are from the probabilities `target`.

    log_target: `target` holds logarithms too. reduction: also "batchmean", the sum divided by the size of dimension 0,
    which is the divergence of Kullback and Leibler; "mean" divides by the number of elements.
    """
    is_new = size_average is None and reduce is None
    reduction = _reduction(size_average, reduce, reduction, "batchmean")
    if is_new and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition.",
            stacklevel=4)
    if min(input.dtype.category, target.dtype.category) < dtypes.FLOAT:
        raise RuntimeError("kl_div: Integral inputs not supported.")
    if log_target:
        losses = target.exp() * (target - input)
    else:
        losses = where(target == 0, 0, target * where(target == 0, 1, target).log()) - target * input
    if reduction == "batchmean":
        return losses.sum() / (input.shape[0] if input.ndim else 1)
    return _reduce(losses, reduction)


# ---- what they share --------------------------------------------------------------------------------------


def _reduction(size_average, reduce, reduction, *more):
    """What torch's older arguments mean, if one of them is given; else `reduction`."""
    if size_average is None and reduce is None:
        _check_reduction(reduction, *more)
        return reduction
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{meant}' instead.", stacklevel=5)
    return meant


def _check_reduction(reduction, *more):
    if not isinstance(reduction, str) or reduction not in ("none", "mean", "sum", *more):
        raise ValueError(f"{reduction} is not a valid value for reduction: use 'mean', 'sum' or 'none'")


def _reduce(losses, reduction):
    return losses if reduction == "none" else getattr(losses, reduction)()
