"""Calls a function `kl_to_normal` with tensors, and goes back through its output."""

from .tensors import checked, gradients, leaf


def probe(answer, mean, log_variance, gradient):
    """mean, log_variance: (N, d); gradient: from above, (N,). Returns the output (N,) and the gradients of both."""
    leaves = leaf(mean), leaf(log_variance)
    output = checked(answer(*leaves))
    return output.detach().numpy(), *gradients(output, gradient, leaves)
