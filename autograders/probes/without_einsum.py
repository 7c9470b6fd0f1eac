"""Calls a learner's own einsum with arrays for which numpy's refuses, since that would be the whole answer."""

import numpy as np


class Array(np.ndarray):
    """An array like any other, but for one function of numpy's."""

    def __array_function__(self, function, types, arguments, options):
        if function is np.einsum:
            raise ImportError("`np.einsum` is withheld: it is what the exercise asks you to write.")
        return super().__array_function__(function, types, arguments, options)


def probe(answer, subscripts, a, b):
    """What the answer returns, as a plain array again."""
    result = answer(subscripts, a.view(Array), b.view(Array))
    return result.view(np.ndarray) if type(result) is Array else result
