"""matmul_vjp(gradient, a, b): what a matrix product sends back to each of its two sides."""

import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.autograd.unbroadcast import (
    unbroadcast_step_by_step,
    unbroadcast_with_einsum,
    unbroadcast_with_loops,
)
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def matmul_vjp(gradient, a, b):
    """The engine's own."""
    import engine

    left, right = engine.tensor(a, requires_grad=True), engine.tensor(b, requires_grad=True)
    (left @ right).backward(engine.tensor(gradient))
    return left.grad.numpy(), right.grad.numpy()


def matmul_cases(rng):
    """Pairs of matrices, alone and in batches, with a gradient shaped like their product."""
    different, square, batch = "two matrices", "two square matrices", "a batch of matrices"
    for a_shape, b_shape, dtype, group in [
        ((2, 3), (3, 4), SINGLE, different),
        ((4, 2), (2, 3), DOUBLE, different),
        ((2, 2), (2, 2), SINGLE, square),
        ((3, 3), (3, 3), DOUBLE, square),
        ((2, 2, 3), (2, 3, 4), SINGLE, batch),
        ((3, 2, 4, 2), (3, 2, 2, 3), DOUBLE, batch),
    ]:
        yield _matmul_case(rng, a_shape, b_shape, group, dtype=dtype)
    for a_shape, b_shape, group in [
        ((1, 3), (3, 1), "one row times one column"),
        ((2, 0), (0, 3), "empty arrays"),
        ((2, 2, 3), (3, 4), "a batch times one matrix, which was broadcast"),
        ((1, 2, 3), (2, 3, 2), "a batch times one matrix, which was broadcast"),
    ]:
        yield _matmul_case(rng, a_shape, b_shape, group, stage=EDGE)
    gradient, a, b = normal(rng, (2, 4)), normal(rng, (3, 2)).T, normal(rng, (4, 3)).T
    yield Case((gradient, a, b), "transposed views", EDGE)


def _matmul_case(rng, a_shape, b_shape, group, dtype=SINGLE, **where):
    a, b = normal(rng, a_shape, dtype), normal(rng, b_shape, dtype)
    return Case((normal(rng, (a @ b).shape, dtype), a, b), group, **where)


def _transposed(matrices):
    return np.swapaxes(matrices, -1, -2)


def _no_transposes(gradient, a, b):
    return gradient @ b, a @ gradient


def _order_swapped(gradient, a, b):
    return _transposed(b) @ gradient, gradient @ _transposed(a)


def _results_swapped(gradient, a, b):
    grad_a, grad_b = matmul_vjp_with_swapaxes(gradient, a, b)
    return grad_b, grad_a


def _elementwise(gradient, a, b):
    return gradient * b, gradient * a


def _turns_every_axis(gradient, a, b):
    return gradient @ b.T, a.T @ gradient


def _forgets_to_unbroadcast(gradient, a, b):
    return gradient @ _transposed(b), _transposed(a) @ gradient


def _only_grad_a(gradient, a, b):
    return matmul_vjp_with_swapaxes(gradient, a, b)[0], np.zeros_like(b)


def _only_grad_b(gradient, a, b):
    return None, matmul_vjp_with_swapaxes(gradient, a, b)[1]


def matmul_vjp_with_swapaxes(gradient, a, b):
    """As one would write it with `unbroadcast` at hand."""
    grad_a = gradient @ np.swapaxes(b, -1, -2)
    grad_b = np.swapaxes(a, -1, -2) @ gradient
    return unbroadcast_step_by_step(grad_a, a.shape), unbroadcast_step_by_step(grad_b, b.shape)


def matmul_vjp_with_einsum(gradient, a, b):
    """Index by index, in a list rather than a tuple."""
    grad_a = np.einsum("...ij,...kj->...ik", gradient, b)
    grad_b = np.einsum("...ik,...ij->...kj", a, gradient)
    return [unbroadcast_with_einsum(grad_a, a.shape), unbroadcast_with_einsum(grad_b, b.shape)]


def matmul_vjp_with_loops(gradient, a, b):
    """The slow specification: `product[i, j]` used `a[i, k]` times `b[k, j]`."""
    batch = gradient.shape[:-2]
    wide_a, wide_b = np.broadcast_to(a, batch + a.shape[-2:]), np.broadcast_to(b, batch + b.shape[-2:])
    grad_a, grad_b = np.zeros_like(wide_a), np.zeros_like(wide_b)
    for *place, i, j in np.ndindex(gradient.shape):
        for k in range(a.shape[-1]):
            grad_a[*place, i, k] += gradient[*place, i, j] * wide_b[*place, k, j]
            grad_b[*place, k, j] += gradient[*place, i, j] * wide_a[*place, i, k]
    return unbroadcast_with_loops(grad_a, a.shape), unbroadcast_with_loops(grad_b, b.shape)


def matmul_vjp_in_double(gradient, a, b):
    """Multiplies in float64, warns on stderr, and rounds once at the end."""
    print("multiplying", a.shape, b.shape, file=sys.stderr)
    grads = matmul_vjp_with_swapaxes(gradient.astype(np.float64), a.astype(np.float64), b.astype(np.float64))
    return tuple(grad.astype(gradient.dtype) for grad in grads)


EXERCISE = Spec(
    name="autograd/matmul_vjp",
    function="matmul_vjp",
    parameters=("gradient", "a", "b"),
    returns=("grad_a", "grad_b"),
    title="Differentiate a matrix product",
    why="Every linear layer is a matrix product; its two gradients are where training spends most of its time.",
    minutes=15,
    difficulty=3,
    weights=WEIGHTS,
    reference=matmul_vjp,
    rounding=multilinear_rounding(matmul_vjp),
    cases=matmul_cases,
    misconceptions=(
        Misconception(
            "transposes missing",
            "The right matrices, without their transposes. Square matrices hide it, others don't fit: the gradient "
            "has the product's shape, so `b` has to be turned to lead back to `a`'s shape, and `a` to `b`'s.",
            _no_transposes,
        ),
        Misconception(
            "order swapped",
            "The right matrices in the wrong order. `b` stood on the right in `a @ b`, so its transpose stays on the "
            "right: `gradient @ b` transposed. The transpose of `a` stays on the left.",
            _order_swapped,
        ),
        Misconception(
            "results swapped",
            "Both gradients are right, but they come in the wrong order: first the one for `a`, then the one for `b`.",
            _results_swapped,
        ),
        Misconception(
            "elementwise",
            "You multiply number by number, as for `a * b`. In `a @ b` each number of `a` meets a whole row of `b`, "
            "so its gradient is a sum of products: use `@`.",
            _elementwise,
        ),
        Misconception(
            "turns every axis",
            "For single matrices this is right. In a batch `.T` turns all the axes around; only the last two should "
            "change places: `np.swapaxes(b, -1, -2)`.",
            _turns_every_axis,
        ),
        Misconception(
            "forgets to unbroadcast",
            "This is right as long as nothing was broadcast. One matrix that met a whole batch was used many times: "
            "bring its gradient back to its own shape with your `unbroadcast`.",
            _forgets_to_unbroadcast,
        ),
    ),
    half_right=(_only_grad_a, _only_grad_b),
    honest=(
        matmul_vjp_with_swapaxes,
        matmul_vjp_with_einsum,
        matmul_vjp_with_loops,
        matmul_vjp_in_double,
    ),
    part="matmul.vjp",
    hints=(
        "Write down the shapes: gradient (n, m), a (n, k), b (k, m). Which product of gradient and b has a's shape?",
        "`product[i, j]` uses `a[i, k]` with the factor `b[k, j]`. Sum gradient[i, j] * b[k, j] over j.",
        "For matrices grad_a is `gradient @ b.T` and grad_b is `a.T @ gradient`. In a batch swap the last two axes "
        "only, then `unbroadcast` each result to the shape of what it belongs to.",
    ),
)
