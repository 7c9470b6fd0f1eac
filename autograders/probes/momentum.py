"""Uses a class `Momentum`, an optimizer: the ways of two parameters and of their velocities, step by step."""

from .optimizers import trajectories


def probe(answer, weight, bias, weight_gradients, bias_gradients, happens, lr, momentum):
    """(weight, bias, velocity of weight, velocity of bias), each (steps, ...); see `trajectories`."""
    states = [("weight", "momentum_buffer"), ("bias", "momentum_buffer")]
    return trajectories(
        answer, weight, bias, weight_gradients, bias_gradients, happens, (lr, momentum), states
    )
