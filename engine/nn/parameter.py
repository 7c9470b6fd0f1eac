"""Parameter and Buffer: tensors that a Module keeps by their names; a Parameter is learned, a Buffer is not."""

from engine import creation
from engine.autograd.graph import TensorBase
from engine.tensor import Tensor

__all__ = ["Buffer", "Parameter"]


def _checked(data, kind):
    """The tensor to wrap; an empty one for None."""
    if data is None:
        return creation.empty(0)
    if not isinstance(data, TensorBase):
        raise AttributeError(f"{kind}(): argument 'data' must be a Tensor, not {type(data).__name__}")
    return data


class Parameter(Tensor):
    """A tensor that a Module learns: assigned as its attribute, it appears in `parameters()`.

    data: a tensor, whose memory is shared and whose history is left behind (default: an empty one).
    """

    def __init__(self, data=None, requires_grad=True):
        data = _checked(data, "Parameter")
        super().__init__(data.settle().array, data.storage)
        self.requires_grad_(requires_grad)

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo):
        return type(self)(Tensor(self.array.copy()), self.requires_grad)


class Buffer(Tensor):
    """A tensor that belongs to a Module's state but is not learned, such as a running mean.

    persistent: whether it is part of the `state_dict`.
    """

    def __init__(self, data=None, *, persistent=True):
        data = _checked(data, "Buffer")
        super().__init__(data.settle().array, data.storage)
        self.requires_grad_(data.requires_grad)
        self.persistent = persistent
