"""Parameters that are computed from others each time they are used: `module.weight` becomes f(original weight).

The module gets a class of its own, in which the name is a property; what it is computed from is a parameter of
`module.parametrizations`.
"""

import contextlib

from engine import autograd
from engine.nn.containers import ModuleDict, ModuleList
from engine.nn.parameter import Parameter
from engine.tensor import Tensor

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization", "remove_parametrizations"]

_cache = None  # within `cached`: (id of a ParametrizationList) -> its result


@contextlib.contextmanager
def cached():
    """Within this context each parametrized tensor is computed once, when it is first used."""
    global _cache
    outer = _cache
    _cache = {} if outer is None else outer
    try:
        yield
    finally:
        _cache = outer


class ParametrizationList(ModuleList):
    """The functions, modules, that a parametrized tensor goes through, and what it starts from: `original`, or
    `original0`, `original1`, ... if the first function takes several tensors."""

    def __init__(self, modules, original, unsafe=False):
        super().__init__(modules)
        self.unsafe = unsafe
        values = self._inverted(original)
        self.is_tensor = isinstance(values, Tensor)
        if self.is_tensor:
            with autograd.no_grad():
                original.data = values.detach()
            self._keep("original", original)
        else:
            self.ntensors = len(values)
            for position, value in enumerate(values):
                is_learned = isinstance(original, Parameter)
                self._keep(f"original{position}", Parameter(value, original.requires_grad) if is_learned else value)
        if not unsafe:
            with autograd.no_grad():
                _check_kept(original, self())

    def _keep(self, name, tensor):
        if isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)

    def _inverted(self, value):
        """What the functions make this value of: a tensor, or several; the value itself if one cannot tell."""
        with autograd.no_grad():
            try:
                for module in reversed(list(self)):
                    if hasattr(module, "right_inverse"):
                        value = module.right_inverse(value)
            except NotImplementedError:
                pass
        if not isinstance(value, (Tensor, tuple, list)):
            found = type(value).__name__
            raise ValueError(
                f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got {found}")
        return value

    def originals(self):
        """What the tensor is computed from."""
        names = ["original"] if self.is_tensor else [f"original{position}" for position in range(self.ntensors)]
        return [getattr(self, name) for name in names]

    def right_inverse(self, value):
        """Set the originals so that the tensor becomes `value`, as well as the functions can tell."""
        values = self._inverted(value)
        values = [values] if isinstance(values, Tensor) else values
        with autograd.no_grad():
            for original, each in zip(self.originals(), values, strict=True):
                original.data = each.to(original.dtype).clone()

    def forward(self):
        """The tensor."""
        first, *others = self
        value = first(*self.originals())
        for module in others:
            value = module(value)
        return value


def _check_kept(before, after):
    """ValueError unless type and shape are the same."""
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    for what in ("dtype", "shape"):
        if getattr(after, what) != getattr(before, what):
            raise ValueError(
                f"Registering a parametrization may not change the {what} of the tensor, unless the `unsafe` flag is "
                f"enabled: it was {getattr(before, what)}, and is {getattr(after, what)} then")


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Let module's parameter or buffer of this name be parametrization(what it is now); returns the module.

    parametrization: a Module; with a method right_inverse(value) it says what to start from. unsafe: do not check that
    type and shape stay. A tensor that is parametrized already goes through this one too.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        functions = module.parametrizations[tensor_name]
        if not unsafe:
            with autograd.no_grad():
                before = functions()
                _check_kept(before, parametrization(before))
        functions.append(parametrization)
        functions.unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        functions = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.parametrizations = ModuleDict()
        module.parametrizations[tensor_name] = functions
        _renew_class(module)
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element with name "
            f"'{tensor_name}'")
    return module


def is_parametrized(module, tensor_name=None):
    """Whether the module has a parametrized tensor, of this name if one is given."""
    parametrizations = getattr(module, "parametrizations", None)
    if not isinstance(parametrizations, ModuleDict):
        return False
    return len(parametrizations) > 0 if tensor_name is None else tensor_name in parametrizations


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Let the tensor be a parameter or buffer again: as it was computed last, or what it was computed from; returns the
    module."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = module.parametrizations[tensor_name]
    if not functions.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a "
            "sequence of tensors.")
    original = functions.originals()[0]
    with autograd.no_grad():
        computed = functions().detach()
    if functions.is_tensor and leave_parametrized:
        original.data = computed
    elif not functions.is_tensor:
        original = Parameter(computed) if isinstance(original, Parameter) else computed
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
    _renew_class(module)
    if isinstance(original, Parameter):
        module.register_parameter(tensor_name, original)
    else:
        module.register_buffer(tensor_name, original)
    return module


# ---- the module's own class -------------------------------------------------------------------------


def _renew_class(module):
    """Give the module a class with a property for each parametrized tensor, or the class that it had at first."""
    base = getattr(type(module), "_before_parametrizations", type(module))
    names = list(module.parametrizations) if is_parametrized(module) else []
    properties = {name: _property(name) for name in names} | {"_before_parametrizations": base}
    module.__class__ = type(f"Parametrized{base.__name__}", (base,), properties) if names else base


def _property(name):
    def get(self):
        functions = self.parametrizations[name]
        if _cache is None:
            return functions()
        if id(functions) not in _cache:
            _cache[id(functions)] = functions, functions()  # held, so that its id stays its own
        return _cache[id(functions)][1]

    def set(self, value):
        self.parametrizations[name].right_inverse(value)

    return property(get, set)
