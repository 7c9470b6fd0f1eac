"""Probe of a scalar engine: runs a little program on the answer's own values, and walks back from the result."""

import numpy as np

LEAVES = "abcd"


def probe(answer, program, values):
    """The gradients of the program's `y` with respect to a, b, c and d.

    answer: a class whose instances hold one number each. program: Python over the leaves a, b, c, d, such as
    "b = a + a; y = b + b". values: array (4,), what a, b, c, d are. Returns an array (4,) of the leaves' `grad`.
    """
    leaves = [answer(value) for value in values.tolist()]
    variables = dict(zip(LEAVES, leaves))
    exec(program, variables)  # noqa: S102 (the spec's own text)
    variables["y"].backward()
    return np.array([leaf.grad for leaf in leaves])
