"""What the probes of modules share: parameters set by name, one pass forward and backward, all as arrays."""

import engine as torch

from . import Unusable


def with_parameters(module, arrays):
    """Set the module's parameters to `arrays` {name: array}, in their dtype. Unusable unless it has just these."""
    name = type(module).__name__
    if not isinstance(module, torch.nn.Module):
        raise Unusable(f"`{name}` should be a module: `class {name}(nn.Module)`, and call `super().__init__()`.")
    parameters = dict(module.named_parameters())
    if set(parameters) != set(arrays):
        found = ", ".join(f"`{each}`" for each in parameters) or "none"
        wanted = ", ".join(f"`{each}`" for each in arrays)
        raise Unusable(f"The parameters of `{name}` should be called {wanted}; yours are: {found}.")
    for each, array in arrays.items():
        if tuple(parameters[each].shape) != array.shape:
            raise Unusable(
                f"The parameter `{each}` of `{name}` has shape {tuple(parameters[each].shape)}, expected {array.shape}."
            )
    module.to(torch.from_numpy(next(iter(arrays.values()))).dtype)
    module.load_state_dict({each: torch.tensor(array) for each, array in arrays.items()}, strict=False)
    return module


def forward_and_backward(module, x, gradient):
    """(output, gradient of x, {name of a parameter: its gradient}) of `module(x)`, with `gradient` from above."""
    given = torch.from_numpy(x).requires_grad_()
    output = module(given)
    if not isinstance(output, torch.Tensor):
        raise Unusable(f"`forward` should return a tensor; yours returned something of type `{type(output).__name__}`.")
    if tuple(output.shape) != gradient.shape:
        return output.detach().numpy(), None, {}
    output.backward(torch.tensor(gradient))
    return output.detach().numpy(), array_or_none(given.grad), {
        name: array_or_none(parameter.grad) for name, parameter in module.named_parameters()
    }


def array_or_none(tensor):
    """A tensor's array; None stays None, as the gradient of what took no part."""
    return None if tensor is None else tensor.numpy()
