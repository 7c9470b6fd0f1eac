"""Linear maps, lookup tables, and what only changes the shape."""

import math

from engine import autograd, creation
from engine.nn import functional, init
from engine.nn.module import Module
from engine.nn.parameter import Parameter

__all__ = ["Bilinear", "Embedding", "Flatten", "Identity", "Linear", "Unflatten"]


class Identity(Module):
    """Its input is its output; arguments are there to stand in another module's place."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        """The input."""
        return input


class Linear(Module):
    """input @ weight.T + bias: (..., in_features) -> (..., out_features).

    weight: (out_features, in_features), bias: (out_features); both uniform within ±1/√in_features at first.
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(creation.empty((out_features, in_features), device=device, dtype=dtype))
        _add_bias(self, out_features if bias else None, device, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        draw_bias(self.bias, self.weight)

    def forward(self, input):
        """input: (..., in_features)."""
        return functional.linear(input, self.weight, self.bias)

    def extra_repr(self):
        """Sizes."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def _add_bias(module, size, device, dtype):
    """A bias of that size, or none for None."""
    empty = None if size is None else Parameter(creation.empty(size, device=device, dtype=dtype))
    module.register_parameter("bias", empty)


def draw_bias(bias, weight):
    """Uniform within ±1/√fan_in of the weight (out, in, *kernel); a missing bias, or one of no inputs, stays."""
    fan_in, _ = init._calculate_fan_in_and_fan_out(weight)
    if bias is not None and fan_in > 0:
        init.uniform_(bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))


class Bilinear(Module):
    """input1 @ weight[k] @ input2 + bias[k]: (..., in1_features), (..., in2_features) -> (..., out_features).

    weight: (out_features, in1_features, in2_features), bias: (out_features); uniform within ±1/√in1_features at first.
    """

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        sizes = (out_features, in1_features, in2_features)
        self.weight = Parameter(creation.empty(sizes, device=device, dtype=dtype))
        _add_bias(self, out_features if bias else None, device, dtype)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, input1, input2):
        """input1: (..., in1_features), input2: (..., in2_features)."""
        return functional.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        """Sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}")


class Embedding(Module):
    """A vector for each integer below num_embeddings: int64 (...) -> (..., embedding_dim).

    weight: (num_embeddings, embedding_dim), standard normal at first. padding_idx: a row that is zero at first and
    receives no gradient. max_norm: longer vectors, in norm_type, are shortened to it when they are used.
    scale_grad_by_freq and sparse must be False.
    """

    def __init__(
            self, num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0,
            scale_grad_by_freq=False, sparse=False, _weight=None, _freeze=False, device=None, dtype=None):
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError("Padding_idx must be within num_embeddings")
            padding_idx %= num_embeddings
        if scale_grad_by_freq or sparse:
            raise NotImplementedError("Embedding(): scale_grad_by_freq=True and sparse=True are not supported")
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.sparse = sparse
        if _weight is None:
            empty = creation.empty((num_embeddings, embedding_dim), device=device, dtype=dtype)
            self.weight = Parameter(empty, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            if list(_weight.shape) != [num_embeddings, embedding_dim]:
                raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    @classmethod
    def from_pretrained(
            cls, embeddings, freeze=True, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
            sparse=False):
        """An Embedding with these vectors, (num_embeddings, embedding_dim); freeze: which are not learned."""
        if embeddings.ndim != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        options = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        return cls(*embeddings.shape, *options, _weight=embeddings, _freeze=freeze)

    def reset_parameters(self):
        """Draw the vectors anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with autograd.no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input):
        """input: integers (...)."""
        options = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
        return functional.embedding(input, self.weight, *options)

    def extra_repr(self):
        """Sizes, and options other than the defaults."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2}
        changed = (name for name, default in defaults.items() if getattr(self, name) != default)
        return ", ".join([text, *(f"{name}={getattr(self, name)}" for name in changed)])


class Flatten(Module):
    """The dimensions from start_dim to end_dim become one; the first, the batch, stays by default."""

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input):
        """input: any shape."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self):
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The dimension `dim` becomes several, of these sizes."""

    def __init__(self, dim, unflattened_size):
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"dim must be an int (dimensions have no names here), but found type {type(dim).__name__}")
        if not isinstance(unflattened_size, (tuple, list)):
            found = type(unflattened_size).__name__
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {found}")
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                found = f"element of type {type(size).__name__} at pos {position}"
                raise TypeError(f"unflattened_size must be tuple of ints, but found {found}")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input):
        """input: any shape that has this dimension."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self):
        """The dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
