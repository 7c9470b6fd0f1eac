"""Uses a class `AdamW`, an optimizer: the ways of two parameters and of one's two averages, step by step."""

from .optimizers import trajectories


def probe(answer, weight, bias, weight_gradients, bias_gradients, happens, lr, betas, eps, weight_decay):
    """(weight, bias, average of weight's gradient, of its square), each (steps, ...); see `trajectories`."""
    states = [("weight", "exp_avg"), ("weight", "exp_avg_sq")]
    settings = (lr, betas, eps, weight_decay)
    return trajectories(answer, weight, bias, weight_gradients, bias_gradients, happens, settings, states)
