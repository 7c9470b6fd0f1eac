"""torch.nn.utils: clip gradients, parameters as one vector, parameters computed from others, sequences padded."""

from engine.nn.utils import parametrizations, parametrize, rnn  # noqa: F401
from engine.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_
from engine.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]
