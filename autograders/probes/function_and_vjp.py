"""Probe of an answer that computes a value and hands out its vector-Jacobian product: `(value, vjp)`."""


def probe(answer, gradient, *arguments):
    """The value of `answer(*arguments)`, and what its `vjp` makes of `gradient`.

    gradient: array, shaped like the value. arguments: what the answer takes. Returns (value, gradient of the only
    input) or, where the vjp answers for several inputs, (value, gradient of the first, of the second, ...).
    """
    value, vjp = answer(*arguments)
    gradients = vjp(gradient)
    if isinstance(gradients, (tuple, list)):
        return value, *gradients
    return value, gradients
