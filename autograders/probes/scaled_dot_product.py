"""Calls a function `scaled_dot_product` with tensors, and goes back through its output."""

from .tensors import as_tensor, checked, gradients, leaf, pair


def probe(answer, q, k, v, mask, gradient):
    """Attention and its gradients.

    q: (..., L, d), k: (..., S, d), v: (..., S, e), mask: bools (L, S) or None, gradient: from above, (..., L, e).
    Returns the output (..., L, e), the weights (..., L, S), and the gradients of q, k and v.
    """
    leaves = [leaf(array) for array in (q, k, v)]
    output, weights = pair(answer(*leaves, as_tensor(mask)), "output, weights")
    output, weights = checked(output, "the output"), checked(weights, "the weights")
    return output.detach().numpy(), weights.detach().numpy(), *gradients(output, gradient, leaves)
