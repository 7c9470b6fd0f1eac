"""Module: something with parameters, buffers and modules inside it that computes an output from its inputs.

Assigning a Parameter, a Buffer or a Module as an attribute is what registers it; everything else here walks over what
was registered: to find it by name, move it, save it, load it and print it.
"""

import collections
import functools

from engine import autograd, dtypes
from engine.autograd.function import Function
from engine.autograd.hooks import RemovableHandle
from engine.nn.parameter import Buffer, Parameter
from engine.tensor import Tensor
from engine.devices import device as as_device

__all__ = ["Module"]


class _IncompatibleKeys(collections.namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What load_state_dict returns: the names that the state lacked and those that the module has not."""

    __slots__ = ()

    def __repr__(self):
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class Module:
    """Base class of all neural network modules: call super().__init__() in `__init__`, and define `forward`.

    training: whether the module is in training mode (`train`, `eval`), which dropout and batch norm ask.
    """

    _version = 1  # of what the state dict holds
    training: bool

    def __init__(self):
        self.__dict__.update(
            training=True, _parameters={}, _buffers={}, _non_persistent_buffers_set=set(), _modules={},
            _forward_hooks={}, _forward_pre_hooks={}, _backward_hooks={}, _backward_pre_hooks={}, _state_dict_hooks={},
            _state_dict_pre_hooks={}, _load_state_dict_pre_hooks={}, _load_state_dict_post_hooks={})

    # ---- calling ----

    def forward(self, *input):
        """Compute the output; a subclass says how."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        if self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args, kwargs):
        for hook in list(self._forward_pre_hooks.values()):
            args, kwargs = hook(self, args, kwargs)
        boundary = None
        if self._backward_hooks or self._backward_pre_hooks:
            boundary = _Boundary(self)
            args = boundary.around_inputs(args)
        result = self.forward(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            replaced = hook(self, args, kwargs, result)
            result = result if replaced is None else replaced
        return result if boundary is None else boundary.around_outputs(result)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call hook(module, args) before `forward`; what it returns, if anything, takes the place of args.

        with_kwargs: hook(module, args, kwargs), which returns None or both. prepend: before the hooks there are.
        """
        return _add_hook(self._forward_pre_hooks, _pre_hook(hook, with_kwargs), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call hook(module, args, output) after `forward`; what it returns, if anything, takes the place of output.

        with_kwargs: hook(module, args, kwargs, output). prepend: before the hooks there are.
        """
        if always_call:
            raise NotImplementedError("register_forward_hook(): always_call=True is not supported")
        calling = hook if with_kwargs else lambda module, args, kwargs, output: hook(module, args, output)
        return _add_hook(self._forward_hooks, calling, prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call hook(module, grad_output) when the gradients of the outputs are known; it may return others."""
        return _add_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call hook(module, grad_input, grad_output) when the gradients of the inputs are known; it may return other
        grad_input. Both are tuples, None where an argument has no gradient."""
        return _add_hook(self._backward_hooks, hook, prepend)

    # ---- registering ----

    def register_parameter(self, name, param):
        """Keep `param`, a Parameter or None, under this name."""
        self._check_new_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            given = _type_name(param)
            raise TypeError(
                f"cannot assign '{given}' object to parameter '{name}' (torch.nn.Parameter or None required)")
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Keep `tensor`, or None, under this name; persistent: in the state dict too."""
        self._check_new_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name, module):
        """Keep `module`, a Module or None, under this name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        self._check_new_name(name, "module", self._modules)
        self._modules[name] = module

    def register_module(self, name, module):
        """The same as add_module."""
        self.add_module(name, module)

    def _check_new_name(self, name, kind, place):
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in place and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    # ---- attributes ----

    def __getattr__(self, name):  # called for what is not in __dict__
        for kind in ("_parameters", "_buffers", "_modules"):
            place = self.__dict__.get(kind)
            if place is not None and name in place:
                return place[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __setattr__(self, name, value):
        for kind, (place, its_class, expected) in _KINDS.items():
            registered = self.__dict__.get(place)
            if isinstance(value, its_class):
                if registered is None:
                    what = "parameters" if kind == "parameter" else kind
                    raise AttributeError(f"cannot assign {what} before Module.__init__() call")
                self._forget(name, besides=place)
                self._register(kind, name, value)
                return
            if registered is not None and name in registered:
                if value is not None and not (kind == "buffer" and isinstance(value, Tensor)):
                    kind = "child module" if kind == "module" else kind
                    raise TypeError(f"cannot assign '{_type_name(value)}' as {kind} '{name}' ({expected} expected)")
                registered[name] = value
                return
        object.__setattr__(self, name, value)

    def _register(self, kind, name, value):
        if kind == "parameter":
            self.register_parameter(name, value)
        elif kind == "buffer":
            self.register_buffer(name, value, value.persistent)
        else:
            self.add_module(name, value)

    def _forget(self, name, besides):
        """Let go of anything else that has this name."""
        self.__dict__.pop(name, None)
        for place, *_ in _KINDS.values():
            if place != besides:
                self.__dict__[place].pop(name, None)

    def __delattr__(self, name):
        for place, *_ in _KINDS.values():
            if name in self.__dict__[place]:
                del self.__dict__[place][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    # ---- finding ----

    def get_submodule(self, target):
        """The module at a dotted name, "" for this one; AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Put `module` at a dotted name; strict: only in the place of another."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        parent.add_module(name, module)

    def get_parameter(self, target):
        """The Parameter at a dotted name; AttributeError if there is none."""
        return self._found(target, lambda owner, name, value: isinstance(value, Parameter), "an nn.Parameter")

    def get_buffer(self, target):
        """The buffer at a dotted name; AttributeError if there is none."""
        return self._found(target, lambda owner, name, value: name in owner._buffers, "a buffer")

    def _found(self, target, is_it, kind):
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        if not hasattr(owner, name):
            raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
        value = getattr(owner, name)
        if not is_it(owner, name, value):
            raise AttributeError(f"`{name}` is not {kind}")
        return value

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """(dotted name, module) of this module, whose name is `prefix`, and of all modules within."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """This module and all modules within; one that is there twice comes once."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def named_children(self):
        """(name, module) of the modules directly within."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The modules directly within."""
        return (module for _, module in self.named_children())

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(dotted name, Parameter) of each parameter; recurse: also those of the modules within."""
        return self._named_members(lambda module: module._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """The parameters: what an optimizer wants."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(dotted name, tensor) of each buffer; recurse: also those of the modules within."""
        return self._named_members(lambda module: module._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """The buffers."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _named_members(self, members, prefix, recurse, remove_duplicate):
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in members(module):
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield (f"{path}.{name}" if path else name), member

    # ---- changing all ----

    def apply(self, fn):
        """Call fn on every module within and then on this one; returns it."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        """Put fn(tensor) into each parameter, its gradient and each buffer; returns the module."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for parameter in self._parameters.values():
            if parameter is not None:
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad = fn(parameter.grad.detach()).requires_grad_(parameter.grad.requires_grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args, dtype=None, device=None, non_blocking=False):
        """Move all parameters and buffers: to(device), to(dtype), to(device, dtype), to(tensor), in place.

        A dtype is for those of floating point or complex type only, and must be one; TypeError otherwise.
        """
        for argument in args:
            if isinstance(argument, Tensor):
                device, dtype = argument.device, argument.dtype
            elif isinstance(argument, (dtypes.dtype, type)):
                dtype = argument
            elif not isinstance(argument, bool):
                device = argument
        device = None if device is None else as_device(device)
        if dtype is not None:
            dtype = dtypes.check_dtype(dtype)
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        return self._apply(lambda tensor: tensor.to(dtype=dtype if _is_inexact(tensor) else None, device=device))

    def type(self, dst_type):
        """Cast all parameters and buffers to the dtype."""
        return self._apply(lambda tensor: tensor.to(dst_type))

    def _cast_floats(self, dtype):
        return self._apply(lambda tensor: tensor.to(dtype) if tensor.dtype.is_floating_point else tensor)

    def float(self):
        """Cast floating point parameters and buffers to float32."""
        return self._cast_floats(dtypes.float32)

    def double(self):
        """Cast floating point parameters and buffers to float64."""
        return self._cast_floats(dtypes.float64)

    def half(self):
        """Cast floating point parameters and buffers to float16."""
        return self._cast_floats(dtypes.float16)

    def bfloat16(self):
        """Cast floating point parameters and buffers to bfloat16."""
        return self._cast_floats(dtypes.bfloat16())

    def cpu(self):
        """Move all parameters and buffers to the CPU."""
        return self._apply(lambda tensor: tensor.cpu())

    def cuda(self, device=None):
        """Move all parameters and buffers to the GPU."""
        return self._apply(lambda tensor: tensor.cuda(device))

    def train(self, mode=True):
        """Put this module and all within into training mode (or out of it)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Put this module and all within into evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Record operations on the parameters from now on (or no longer, to freeze them)."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = None if set_to_none else parameter.grad.detach().zero_()

    # ---- saving and loading ----

    def get_extra_state(self):
        """What else belongs into the state dict; for a subclass to define, together with `set_extra_state`."""
        raise RuntimeError("get_extra_state() is for a subclass to define")

    def set_extra_state(self, state):
        """Take over what `get_extra_state` returned."""
        raise RuntimeError("set_extra_state() is for a subclass to define")

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """An ordered dict from dotted names to parameters and persistent buffers, which share their memory.

        keep_vars: the parameters themselves instead of detached tensors.
        """
        given = dict(zip(("destination", "prefix", "keep_vars"), args))
        destination, prefix = given.get("destination", destination), given.get("prefix", prefix)
        keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = collections.OrderedDict()
            destination._metadata = collections.OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, local_metadata)
            destination = destination if replaced is None else replaced
        return destination

    def _persistent(self):
        """name -> parameter or buffer of this module alone that belongs into the state dict."""
        buffers = {n: each for n, each in self._buffers.items() if n not in self._non_persistent_buffers_set}
        return {name: each for name, each in (self._parameters | buffers).items() if each is not None}

    def _has_extra_state(self):
        return type(self).get_extra_state is not Module.get_extra_state

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, tensor in self._persistent().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if self._has_extra_state():
            destination[prefix + "_extra_state"] = self.get_extra_state()

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy the tensors of a state dict into the parameters and buffers of the same names.

        strict: RuntimeError that lists all missing and unexpected names. assign: put the tensors themselves in their
        places. Tensors of the wrong shape are an error either way. Returns (missing_keys, unexpected_keys).
        """
        if not isinstance(state_dict, collections.abc.Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        state = collections.OrderedDict(state_dict)
        _load(self, state, "", metadata, strict, assign, (missing, unexpected, errors))
        if strict:
            lists = (("Missing", missing), ("Unexpected", unexpected))
            told = [
                "{} key(s) in state_dict: {}. ".format(kind, ", ".join(f'"{key}"' for key in keys))
                for kind, keys in lists if keys]
            errors = told + errors
        if errors:
            report = "\n\t".join([f"Error(s) in loading state_dict for {type(self).__name__}:", *errors])
            raise RuntimeError(report)
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
            self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        """Take this module's own tensors from the state dict; what is amiss is added to the three lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._persistent()
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                problem = self._load_tensor(name, tensor, key, state_dict[key], local_metadata.get("assign", False))
                error_msgs += [] if problem is None else [problem]
            elif strict:
                missing_keys.append(key)
        extra = prefix + "_extra_state"
        if self._has_extra_state() and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif strict and self._has_extra_state() != (extra in state_dict):
            (missing_keys if self._has_extra_state() else unexpected_keys).append(extra)
        if strict:
            known = {*own, *self._modules, "_extra_state"}
            for key in state_dict:
                name, dot, rest = key[len(prefix) :].partition(".")
                if key.startswith(prefix) and (name not in known or (dot and name not in self._modules)):
                    unexpected_keys.append(key)

    def _load_tensor(self, name, tensor, key, given, assign):
        """Copy (or assign) what was given for a parameter or buffer; returns what is wrong, or None."""
        if not isinstance(given, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from '
                f"checkpoint but received {type(given)}")
        if not tensor.ndim and given.ndim == 1:  # as very old files have it
            given = given[0]
        if given.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in "
                f"current model is {tensor.shape}.")
        with autograd.no_grad():
            if not assign:
                tensor.copy_(given)
            elif isinstance(tensor, Parameter):
                is_one = isinstance(given, Parameter)
                setattr(self, name, given if is_one else Parameter(given, requires_grad=tensor.requires_grad))
            else:
                setattr(self, name, given)
        return None

    def register_state_dict_pre_hook(self, hook):
        """Call hook(module, prefix, keep_vars) before `state_dict` collects."""
        return _add_hook(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call hook(module, state_dict, prefix, local_metadata) when `state_dict` is done; it may change the dict."""

        def returning_none(*arguments):
            if hook(*arguments) is not None:
                raise RuntimeError("state_dict post-hook must return None")

        return _add_hook(self._state_dict_hooks, returning_none)

    def _register_state_dict_hook(self, hook):
        """As register_state_dict_post_hook; what the hook returns takes the place of the dict."""
        return _add_hook(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Call hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        before the module takes its tensors."""
        return _add_hook(self._load_state_dict_pre_hooks, functools.partial(hook, self))

    def register_load_state_dict_post_hook(self, hook):
        """Call hook(module, incompatible_keys) when the module and all within are loaded; it may change the lists."""
        return _add_hook(self._load_state_dict_post_hooks, hook)

    # ---- printing ----

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the brackets of the module's text; for a subclass to define."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"


# kind -> (where it is kept, its class, what may be assigned in its place)
_KINDS = {
    "parameter": ("_parameters", Parameter, "torch.nn.Parameter or None"),
    "module": ("_modules", Module, "torch.nn.Module or None"),
    "buffer": ("_buffers", Buffer, "torch.nn.Buffer, torch.Tensor or None")}


def _type_name(value):
    """The type as torch names it, a tensor's by its elements."""
    if isinstance(value, Tensor):
        return "torch." + _TENSOR_TYPES.get(str(value.dtype), "Tensor")
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


_TENSOR_TYPES = {
    "torch.float32": "FloatTensor", "torch.float64": "DoubleTensor", "torch.float16": "HalfTensor",
    "torch.bfloat16": "BFloat16Tensor", "torch.int64": "LongTensor", "torch.int32": "IntTensor",
    "torch.int16": "ShortTensor", "torch.int8": "CharTensor", "torch.uint8": "ByteTensor", "torch.bool": "BoolTensor"}


def _is_inexact(tensor):
    return tensor.dtype.is_floating_point or tensor.dtype.is_complex


def _add_hook(hooks, hook, prepend=False):
    """Add the hook at the end, or at the front; the handle's remove() takes it away."""
    key = object()
    later = dict(hooks) if prepend else {}
    for each in later:
        del hooks[each]
    hooks[key] = hook
    hooks.update(later)
    return RemovableHandle(hooks, key)


def _pre_hook(hook, with_kwargs):
    """hook as a function of (module, args, kwargs) that returns args and kwargs."""

    def calling(module, args, kwargs):
        replaced = hook(module, args, kwargs) if with_kwargs else hook(module, args)
        if replaced is None:
            return args, kwargs
        if not with_kwargs:
            return (replaced if isinstance(replaced, tuple) else (replaced,)), kwargs
        if not (isinstance(replaced, tuple) and len(replaced) == 2):
            expected = "None or a tuple of (new_args, new_kwargs)"
            raise RuntimeError(f"forward pre-hook must return {expected}, but got {replaced}.")
        return replaced

    return calling


def _load(module, state, prefix, metadata, strict, assign, amiss):
    """Load this module and all within, then let its hooks look at what is amiss: (missing, unexpected, errors)."""
    local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
    if assign:
        local_metadata = {**local_metadata, "assign": True}
    module._load_from_state_dict(state, prefix, local_metadata, True, *amiss)
    for name, child in module._modules.items():
        if child is not None:
            path = f"{prefix}{name}."
            its_state = {key: value for key, value in state.items() if key.startswith(path)}
            _load(child, its_state, path, metadata, strict, assign, amiss)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, _IncompatibleKeys(*amiss[:2])) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, "
                "if incompatible_keys need to be modified, it should be done inplace.")


# ---- backward hooks ---------------------------------------------------------------------------------


class _Passing(Function):
    """Hands tensors on, and their gradients to a function that may return others."""

    @staticmethod
    def forward(ctx, function, *tensors):
        ctx.function = function
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx, *gradients):
        return None, *ctx.function(gradients)


class _Boundary:
    """Stands around one call of a module, where gradients enter and leave it, and calls the module's hooks."""

    def __init__(self, module):
        self.module = module
        self.grad_output = None
        self.count, self.places = 0, []  # how many inputs there are, and which of them need a gradient

    def around_inputs(self, args):
        self.count, self.places = len(args), _needing(args)
        if not self.places:
            return args
        return _replaced(args, self.places, _Passing.apply(self.leaving, *[args[place] for place in self.places]))

    def around_outputs(self, result):
        results = result if isinstance(result, tuple) else (result,)
        places = _needing(results)
        if not places:
            return result
        entering = functools.partial(self.entering, len(results), places)
        results = _replaced(results, places, _Passing.apply(entering, *[results[place] for place in places]))
        return results if isinstance(result, tuple) else results[0]

    def entering(self, count, places, gradients):
        """The gradients of the outputs have come."""
        self.grad_output = _replaced((None,) * count, places, gradients)
        for hook in list(self.module._backward_pre_hooks.values()):
            self.grad_output = _or_replaced(self.grad_output, hook(self.module, self.grad_output))
        if not self.places:  # nothing will come out at the other end
            nothing = (None,) * self.count
            for hook in list(self.module._backward_hooks.values()):
                hook(self.module, nothing, self.grad_output)
        return tuple(self.grad_output[place] for place in places)

    def leaving(self, gradients):
        """The gradients of the inputs have come."""
        grad_input = _replaced((None,) * self.count, self.places, gradients)
        for hook in list(self.module._backward_hooks.values()):
            grad_input = _or_replaced(grad_input, hook(self.module, grad_input, self.grad_output))
        self.grad_output = None
        return tuple(grad_input[place] for place in self.places)


def _needing(values):
    """The places of the tensors that need a gradient."""
    if not autograd.is_grad_enabled():
        return []
    return [place for place, each in enumerate(values) if isinstance(each, Tensor) and each.requires_grad]


def _replaced(values, places, new):
    values = list(values)
    for place, each in zip(places, new):
        values[place] = each
    return tuple(values)


def _or_replaced(gradients, returned):
    """What a backward hook returned, if anything, in place of the gradients; RuntimeError unless there are as many."""
    if returned is None:
        return gradients
    returned = returned if isinstance(returned, tuple) else (returned,)
    if len(returned) != len(gradients):
        raise RuntimeError(
            f"Backward hook returned an invalid number of grad_input, got {len(returned)}, "
            f"but expected {len(gradients)}")
    return returned
