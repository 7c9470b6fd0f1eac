"""Dropout: while training, elements (or whole channels) are zeroed at random (Srivastava et al., 2014)."""

import warnings

from engine.functions.arguments import reads
from engine.inplace import change
from engine.random import rand

__all__ = ["dropout", "dropout1d", "dropout2d"]


@reads
def dropout(input, p=0.5, training=True, inplace=False):
    """Each element becomes 0 with probability p; the others are divided by 1 - p, so that the mean stays."""
    return _drop("dropout", input, p, training, inplace, lambda shape: shape)


@reads
def dropout1d(input, p=0.5, training=True, inplace=False):
    """As dropout, but whole channels of (N, C, L) or (C, L) at once."""
    if input.ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input.")
    return _drop("dropout1d", input, p, training, inplace, lambda shape: (*shape[:-1], 1))


@reads
def dropout2d(input, p=0.5, training=True, inplace=False):
    """As dropout, but whole channels of (N, C, H, W) at once. Of (N, C, L), too, with torch's warning."""
    if input.ndim != 4:
        warnings.warn(
            f"dropout2d: Received a {input.ndim}D input; its first two dimensions count as batch and channels. For an "
            "input (C, H, W) add a dimension, for (N, C, L) use dropout1d.",
            stacklevel=3)
    return _drop("dropout2d", input, p, training, inplace, _shape_of_channels)


def _shape_of_channels(shape):
    if len(shape) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return *shape[:2], *[1] * (len(shape) - 2)


def _drop(function, input, p, training, inplace, mask_shape):
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or not input.numel():
        return input
    if input.array.dtype.kind not in "fVc":
        raise RuntimeError(f"{function}: result type Float can't be cast to the output type {input.dtype}")
    is_kept = rand(size=mask_shape(tuple(input.shape)), device=input.device) >= p
    scaled = is_kept.to(input.dtype.to_real()) / (1 - p) if p < 1 else is_kept.to(input.dtype.to_real())
    return change(input, lambda before: before * scaled) if inplace else input * scaled
