"""What most layers are: a function of torch.nn.functional with its options fixed."""

from engine.nn import functional
from engine.nn.module import Module
from engine.tensor import Tensor

__all__ = []

TENSORS = ("weight", "pos_weight")  # options that move with the module, as buffers


class FunctionLayer(Module):
    """A layer that hands its inputs and its options to the function of this name.

    The options are attributes, so that a change of one counts from the next call on.
    """

    _function = ""  # its name in torch.nn.functional
    _shown = None  # the options that the text shows as name=value; None: all, but inplace only where it is True

    def __init__(self, **options):
        super().__init__()
        self._options = tuple(options)
        for name, value in options.items():
            if name in TENSORS or isinstance(value, Tensor):
                self.register_buffer(name, value)
            else:
                setattr(self, name, value)

    def forward(self, *inputs):
        """The function of the inputs."""
        function = getattr(functional, self._function)
        return function(*inputs, **{name: getattr(self, name) for name in self._options})

    def extra_repr(self):
        """The options."""
        names = self._options if self._shown is None else self._shown
        return ", ".join(f"{name}={getattr(self, name)}" for name in names if name != "inplace" or self.inplace)


def several(value, count):
    """One number for each of `count` dimensions: a sequence as it is, a number repeated."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * count
