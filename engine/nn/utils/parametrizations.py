"""Parametrizations of weights: by length and direction, and by the largest singular value."""

from engine import autograd, functions, linalg, random
from engine.nn.convolution import _Transposed
from engine.nn.module import Module
from engine.nn.utils.parametrize import register_parametrization
from engine.tensor import Tensor

__all__ = ["spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """g · v / ‖v‖, with norms over all dimensions but `dim` (None: over all)."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = dim

    def _lengths(self, weight):
        if self.dim in (None, -1):  # -1 means all, as in torch
            return linalg.vector_norm(weight)
        dims = [each for each in range(weight.ndim) if each != self.dim]
        return linalg.vector_norm(weight, dim=dims, keepdim=True) if dims else weight.abs()

    def forward(self, weight_g, weight_v):
        """The lengths and the directions."""
        return weight_v * (weight_g / self._lengths(weight_v))

    def right_inverse(self, weight):
        """(lengths, directions) of a weight."""
        return self._lengths(weight), weight


def weight_norm(module, name="weight", dim=0):
    """Learn the length (original0) and the direction (original1) of a weight separately (Salimans and Kingma, 2016).

    dim: a length for each index of this dimension; None (or -1): one for the whole weight. Returns the module.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    """weight / σ, σ its largest singular value as a matrix of `dim` by all other dimensions: uᵀ W v, with the vectors
    of that value brought closer by power iterations in training mode."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            span = f"[-{weight.ndim}, {weight.ndim - 1}]"
            raise IndexError(f"Dimension out of range (expected to be in range of {span} but got {dim})")
        if n_power_iterations <= 0:
            found = f"n_power_iterations={n_power_iterations}"
            raise ValueError(f"Expected n_power_iterations to be positive, but got {found}")
        self.dim, self.n_power_iterations, self.eps = dim % weight.ndim, n_power_iterations, eps
        if weight.ndim > 1:
            matrix = self._matrix(weight)
            for vector, size in zip(("_u", "_v"), matrix.shape):
                drawn = random.randn(size, dtype=weight.dtype, device=weight.device)
                self.register_buffer(vector, self._unit(drawn))
            self._iterate(matrix, 15)

    def _matrix(self, weight):
        return weight.movedim(self.dim, 0).flatten(1)

    def _unit(self, vector):
        return vector / functions.clamp(linalg.vector_norm(vector), min=self.eps)

    @autograd.no_grad()
    def _iterate(self, matrix, count):
        for _ in range(count):
            self._u.copy_(self._unit(matrix @ self._v))
            self._v.copy_(self._unit(matrix.T @ self._u))

    def forward(self, weight):
        """The weight, scaled."""
        if weight.ndim == 1:
            return self._unit(weight)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        return weight / (self._u.clone() @ (matrix @ self._v.clone()))

    def right_inverse(self, value):
        """The weight itself."""
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight by its largest singular value, so that the layer stretches nothing (Miyato et al., 2018).

    n_power_iterations: each time the weight is used in training mode. eps: the least length to divide by. dim: the
    outputs' dimension (1 for transposed convolutions, else 0). Returns the module.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = (1 if isinstance(module, _Transposed) else 0) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))

