"""Calls a function `multi_head` with tensors, and goes back through its output."""

from .tensors import as_tensor, checked, gradients, leaf


def probe(answer, q, k, v, heads, mask, gradient):
    """Attention in several heads, and its gradients.

    q: (N, L, width), k and v: (N, S, width), heads: a number, mask: bools (L, S) or None, gradient: from above,
    (N, L, width). Returns the output (N, L, width) and the gradients of q, k and v.
    """
    leaves = [leaf(array) for array in (q, k, v)]
    output = checked(answer(*leaves, heads, as_tensor(mask)), "the output")
    return output.detach().numpy(), *gradients(output, gradient, leaves)
