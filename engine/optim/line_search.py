"""A step length that satisfies the strong Wolfe conditions (Nocedal and Wright, 2006, algorithms 3.5 and 3.6)."""

import dataclasses
import math
import typing

import numpy as np

ENOUGH_DOWN, FLAT_ENOUGH = 1e-4, 0.9  # c1: of the slope, how far down it must go; c2: how much of it may be left


@dataclasses.dataclass
class _Point:
    """A length that was tried, the loss there, the gradient and the slope along the direction."""

    length: float
    loss: float
    gradient: typing.Any
    slope: float


def strong_wolfe(at, length, direction, loss, gradient, slope, most=25, tolerance_change=1e-9):
    """(loss, gradient, length, evaluations) at a length along `direction` with enough descent and little slope.

    at(length): (loss, gradient) there. loss, gradient, slope: at length 0. length: the first to try, `most`: how many
    after it.
    """
    scale = float(np.abs(direction).max())
    start = _Point(0.0, loss, gradient, slope)
    tried = 0

    def evaluate(length):
        nonlocal tried
        tried += 1
        its_loss, its_gradient = at(length)
        return _Point(length, its_loss, its_gradient.copy(), float(its_gradient @ direction))

    def descends(point):
        return point.loss <= loss + ENOUGH_DOWN * point.length * slope

    previous, new = start, evaluate(length)
    bracket, done = None, False
    for iteration in range(most):
        if not descends(new) or (iteration > 1 and new.loss >= previous.loss):
            bracket = [previous, new]
            break
        if abs(new.slope) <= -FLAT_ENOUGH * slope:
            bracket, done = [new], True
            break
        if new.slope >= 0:
            bracket = [previous, new]
            break
        low, high = new.length + 0.01 * (new.length - previous.length), new.length * 10
        following = _cubic_minimum(previous, new, (low, high))
        previous, new = new, evaluate(following)
    else:
        bracket = [start, new]
    stuck = False
    low, high = (0, 0) if done else (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    while not done and tried <= most:
        if abs(bracket[1].length - bracket[0].length) * scale < tolerance_change:
            break
        lengths = [point.length for point in bracket]
        length = _cubic_minimum(*bracket)
        margin = 0.1 * (max(lengths) - min(lengths))
        if min(max(lengths) - length, length - min(lengths)) < margin:
            if stuck or length >= max(lengths) or length <= min(lengths):
                nearer_top = abs(length - max(lengths)) < abs(length - min(lengths))
                length = max(lengths) - margin if nearer_top else min(lengths) + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = evaluate(length)
        if not descends(new) or new.loss >= bracket[low].loss:
            bracket[high] = new
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        done = abs(new.slope) <= -FLAT_ENOUGH * slope
        if not done and new.slope * (bracket[high].length - bracket[low].length) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
    best = bracket[low]
    return best.loss, best.gradient, best.length, tried


def _cubic_minimum(first, second, bounds=None):
    """Where the cubic through two points with these slopes is lowest, within bounds; or their middle."""
    low, high = bounds or sorted((first.length, second.length))
    if first.length == second.length:
        return (low + high) / 2
    d1 = first.slope + second.slope - 3 * (first.loss - second.loss) / (first.length - second.length)
    square = d1 * d1 - first.slope * second.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    left, right = sorted((first, second), key=lambda point: point.length)
    part = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    place = right.length - (right.length - left.length) * part
    return min(max(place, low), high)
