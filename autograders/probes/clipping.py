"""Uses a function `clip_gradients`: parameters get gradients, which are to be scaled in place."""

import numpy as np

import engine as torch

from .modules import array_or_none

PLAIN = "nothing else happens"
GENERATOR = "the parameters come from a generator, as model.parameters() gives them"
NO_GRADIENT = "a third parameter has no gradient"


def probe(answer, first, second, max_norm, happens):
    """(gradient of the first parameter, of the second, the norm that was returned, in the gradients' dtype)."""
    parameters = [torch.nn.Parameter(torch.from_numpy(np.ones_like(gradient))) for gradient in (first, second)]
    for parameter, gradient in zip(parameters, (first, second)):
        parameter.grad = torch.tensor(gradient)
    given = list(parameters)
    if happens == NO_GRADIENT:
        given.insert(1, torch.nn.Parameter(torch.from_numpy(np.ones_like(first))))
    norm = answer(iter(given) if happens == GENERATOR else given, max_norm)
    return *(array_or_none(parameter.grad) for parameter in parameters), _number(norm, first.dtype)


def _number(value, dtype):
    """A number, or a tensor with one, as an array; anything else as it is."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, (int, float, np.generic)) and not isinstance(value, bool):
        return np.asarray(value, dtype)
    return value.astype(dtype) if isinstance(value, np.ndarray) and value.shape == () else value
