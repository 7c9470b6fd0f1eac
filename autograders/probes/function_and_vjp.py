"""Probe of an answer that computes a value and hands out its vector-Jacobian product: `(value, vjp)`."""

from . import Unusable


def probe(answer, gradient, *arguments):
    """The value of `answer(*arguments)`, and what its `vjp` makes of `gradient`.

    gradient: array, shaped like the value. arguments: what the answer takes. Returns (value, gradient of the only
    input) or, where the vjp answers for several inputs, (value, gradient of the first, of the second, ...).
    """
    pair = answer(*arguments)
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not callable(pair[1]):
        raise Unusable("Two things should come back, `value, vjp`: an array, and a function still to be called.")
    value, vjp = pair
    gradients = vjp(gradient)
    if not isinstance(gradients, (tuple, list)):
        return value, gradients
    if len(gradients) == 1:
        raise Unusable("`vjp` should return the gradient itself, an array; yours returns it within a tuple or list.")
    return value, *gradients
