"""How much rounding attention may show: its forward and backward pass, each step with the error it takes over."""

from typing import NamedTuple

import numpy as np


class Bounds(NamedTuple):
    """In units of eps, for the results of attention and the gradients of its inputs."""

    output: np.ndarray
    weights: np.ndarray
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray


def attention_bounds(q, k, v, mask, gradient):
    """The bounds for softmax(q kᵀ / √d) v, where `gradient` comes back from above.

    A sum of n products is off by at most (n + 1) eps / 2 of its terms' sizes; eps for eps / 2 grants that twice. A
    score's error, and its rounding once the largest is subtracted, are relative errors of exp; a sum of S of them and
    the division add S + 8. From there each product takes over both factors' errors. A score's gradient is
    w (g - sum(w g)), with the errors of w in three places.
    """
    q, k, v, gradient = (array.astype(np.float64) for array in (q, k, v, gradient))
    width, keys, queries = q.shape[-1], k.shape[-2], q.shape[-2]
    allowed = np.ones((queries, keys), bool) if mask is None else mask
    scores = q @ _t(k) / np.sqrt(width)
    of_scores = (width + 3) * (np.abs(q) @ _t(np.abs(k))) / np.sqrt(width)
    shifted = np.where(allowed, scores, -np.inf)
    w = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    w /= w.sum(axis=-1, keepdims=True)
    relative = 2 * np.where(allowed, of_scores + np.abs(scores), 0).max(axis=-1, keepdims=True) + keys + 8
    of_w = w * relative

    output = of_w @ np.abs(v) + (keys + 1) * (w @ np.abs(v))
    for_v = _t(of_w) @ np.abs(gradient) + (queries + 1) * (_t(w) @ np.abs(gradient))
    size = np.abs(gradient) @ _t(np.abs(v))  # of a weight's gradient
    bracket = size + (w * size).sum(axis=-1, keepdims=True)
    of_s = w * bracket * (3 * relative + v.shape[-1] + keys + 8)
    for_q = (of_s + (keys + 3) * w * bracket) @ np.abs(k) / np.sqrt(width)
    for_k = _t(of_s + (queries + 3) * w * bracket) @ np.abs(q) / np.sqrt(width)
    return Bounds(output, of_w, for_q, for_k, for_v)


def _t(array):
    return np.swapaxes(array, -1, -2)
