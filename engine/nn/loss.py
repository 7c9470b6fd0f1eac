"""Losses: how far an input is from a target. reduction: "mean", "sum" or "none"; size_average and reduce are torch's
older way to say it."""

import warnings

from engine.nn.layer import FunctionLayer

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CosineSimilarity", "CrossEntropyLoss", "HuberLoss", "KLDivLoss", "L1Loss",
    "MSELoss", "NLLLoss", "PairwiseDistance", "SmoothL1Loss"]


class _Loss(FunctionLayer):
    _shown = ()

    def __init__(self, size_average, reduce, reduction, **options):
        super().__init__(reduction=_reduction(size_average, reduce, reduction), **options)


def _reduction(size_average, reduce, reduction):
    """What the older arguments mean, with a warning, if one of them is given; else `reduction`."""
    if size_average is None and reduce is None:
        return reduction
    meant = "none" if reduce is False else "sum" if size_average is False else "mean"
    warnings.warn(f"size_average and reduce are deprecated: use reduction={meant!r} instead", stacklevel=4)
    return meant


class L1Loss(_Loss):
    """|input − target|, both of one shape."""

    _function = "l1_loss"

    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)


class MSELoss(_Loss):
    """(input − target)², both of one shape."""

    _function = "mse_loss"

    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)


class SmoothL1Loss(_Loss):
    """The square of the difference, over 2 beta, where it is less than beta; further out its size less beta / 2."""

    _function = "smooth_l1_loss"

    def __init__(self, size_average=None, reduce=None, reduction="mean", beta=1.0):
        super().__init__(size_average, reduce, reduction, beta=beta)


class HuberLoss(_Loss):
    """Half the square of the difference where it is less than delta; further out delta · (its size − delta / 2)."""

    _function = "huber_loss"

    def __init__(self, reduction="mean", delta=1.0):
        if not isinstance(delta, (int, float)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        super().__init__(None, None, reduction, delta=delta)


class CrossEntropyLoss(_Loss):
    """−log softmax(input)[target], for logits (N, C, ...) or (C) and classes (N, ...) or () or probabilities as input.

    weight: (C), how much each class counts. ignore_index: targets that do not count. label_smoothing: the part of the
    target that is spread evenly over all classes.
    """

    _function = "cross_entropy"

    def __init__(
            self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
            label_smoothing=0.0):
        options = {"ignore_index": ignore_index, "label_smoothing": label_smoothing}
        super().__init__(size_average, reduce, reduction, weight=weight, **options)


class NLLLoss(_Loss):
    """−input[target], for log-probabilities (N, C, ...) or (C) and classes (N, ...) or (); weight: (C)."""

    _function = "nll_loss"

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction, weight=weight, ignore_index=ignore_index)


class BCELoss(_Loss):
    """−target · log(input) − (1 − target) · log(1 − input), for probabilities; weight broadcasts to both."""

    _function = "binary_cross_entropy"

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction, weight=weight)


class BCEWithLogitsLoss(_Loss):
    """BCELoss of sigmoid(input), computed so that nothing overflows; pos_weight: how much target = 1 counts."""

    _function = "binary_cross_entropy_with_logits"

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
        super().__init__(size_average, reduce, reduction, weight=weight, pos_weight=pos_weight)


class KLDivLoss(_Loss):
    """target · (log(target) − input), input in logarithms; log_target: target too. reduction may be "batchmean"."""

    _function = "kl_div"

    def __init__(self, size_average=None, reduce=None, reduction="mean", log_target=False):
        super().__init__(size_average, reduce, reduction, log_target=log_target)


class CosineSimilarity(FunctionLayer):
    """The cosine of the angle between two tensors along `dim`; eps: the least product of lengths."""

    _function, _shown = "cosine_similarity", ()

    def __init__(self, dim=1, eps=1e-8):
        super().__init__(dim=dim, eps=eps)


class PairwiseDistance(FunctionLayer):
    """The p-norm of the difference of two tensors along the last dimension; eps is added to each difference."""

    _function, _shown = "pairwise_distance", ()

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__(p=p, eps=eps, keepdim=keepdim)
