"""All parameters as one vector, and back: what methods of second order and averages of models work on."""

from engine import functions
from engine.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """The elements of all parameters, one after the other, as a 1-d tensor; gradients flow through it."""
    parameters = list(parameters)
    _check_devices(parameters)
    return functions.cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec, parameters):
    """Let the elements of the vector be those of the parameters, whose memory is the vector's from then on."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    _check_devices(parameters)
    begin = 0
    for each in parameters:
        end = begin + each.numel()
        each.data = vec[begin:end].reshape(each.shape).data
        begin = end


def _check_devices(parameters):
    if len({each.device for each in parameters}) > 1:
        raise TypeError("Found two parameters on different devices, this is currently not supported.")
