"""Uses a class `RMSprop`, an optimizer: the ways of two parameters and of their squares' averages, step by step."""

from .optimizers import trajectories


def probe(answer, weight, bias, weight_gradients, bias_gradients, happens, lr, alpha, eps):
    """(weight, bias, average square of weight, of bias), each (steps, ...); see `trajectories`."""
    states = [("weight", "square_avg"), ("bias", "square_avg")]
    return trajectories(
        answer, weight, bias, weight_gradients, bias_gradients, happens, (lr, alpha, eps), states
    )
