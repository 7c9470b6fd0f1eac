"""Optimizer: what all optimizers have in common. One of them is then its paper's update of one parameter.

Parameters stand in groups with settings of their own; `state` holds what an optimizer remembers of each parameter.
Arrays are changed in place and outside the graph; each change is counted, so backward notices values that are stale.
"""

import copy
import functools
import warnings
from collections import defaultdict

import numpy as np

from engine import backend, dtypes
from engine.autograd.grad_mode import enable_grad, no_grad
from engine.autograd.hooks import RemovableHandle
from engine.tensor import Tensor

__all__ = ["Optimizer"]


def _with_hooks(step):
    """`step`, with the optimizer's hooks called before and after it."""

    @functools.wraps(step)
    def hooked(self, *arguments, **keywords):
        for hook in list(self._step_pre_hooks.values()):
            changed = hook(self, arguments, keywords)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
                arguments, keywords = changed
        result = step(self, *arguments, **keywords)
        self._steps_taken += 1
        for hook in list(self._step_post_hooks.values()):
            hook(self, arguments, keywords)
        return result

    return hooked


class Optimizer:
    """The base of all optimizers. A subclass gives its settings as `defaults` and an `_update`, or a `step` of its own.

    params: tensors, (name, tensor) pairs, or dicts of a group's "params" and of the settings in which it differs.
    `foreach` and `fused` are hints: here every parameter is updated alone, to the same result. `capturable=True` (for
    CUDA graphs) and `differentiable=True` are refused, as are complex parameters.
    """

    def __init__(self, params, defaults):
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._step_pre_hooks, self._step_post_hooks, self._steps_taken = {}, {}, 0
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(dict(group) if isinstance(group, dict) else group)

    def __init_subclass__(cls):
        super().__init_subclass__()
        if "step" in vars(cls):
            cls.step = _with_hooks(cls.step)

    # ---- parameters ----

    def add_param_group(self, param_group):
        """Optimize the tensors in param_group["params"] too; settings that the dict leaves out are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError("optimizer parameters need to be in an ordered collection: a set's order changes. Use a list.")
        given = [given] if isinstance(given, Tensor) else list(given)
        names = [each[0] for each in given if isinstance(each, tuple)]
        if names and len(names) != len(given):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        params = param_group["params"] = [each[1] if isinstance(each, tuple) else each for each in given]
        if names:
            param_group["param_names"] = names
        for each in params:
            _check_parameter(each)
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        for name in ("capturable", "differentiable"):
            if param_group.get(name):
                raise NotImplementedError(f"{type(self).__name__}: {name}=True is not supported")
        if len({id(each) for each in params}) < len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error",
                stacklevel=3,
            )
        held = {id(each) for group in self.param_groups for each in group["params"]}
        if not held.isdisjoint(id(each) for each in params):
            raise ValueError("some parameters appear in more than one parameter group")
        if self.param_groups and ("param_names" in self.param_groups[0]) != bool(names):
            kind = "names" if names else "no names"
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group with "
                f"{kind} to the optimizer"
            )
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters: `.grad` becomes None, or zeros if set_to_none is False."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if set_to_none:
                    parameter.grad = None
                elif parameter.grad is not None:
                    parameter.grad = parameter.grad.detach()
                    parameter.grad.zero_()

    # ---- a step ----

    @_with_hooks
    def step(self, closure=None):
        """Update every parameter that has a gradient. closure: computes the loss (and gradients) anew; it is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad(), backend.quiet():
            for group in self.param_groups:
                settings = {name: as_number(value) for name, value in group.items() if name != "params"}
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step_of(parameter, settings)
        return loss

    def _step_of(self, parameter, settings):
        gradient = parameter.grad.array
        if settings["maximize"]:
            gradient = -gradient
        self._update(parameter, gradient, settings)
        parameter.storage.written()

    def _update(self, parameter, gradient, settings):
        """Change parameter.array by one step. gradient: an array (not to be changed); settings: the group's numbers."""
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def _zeros(self, parameter, *names):
        """The parameter's state; at its first step, the number of steps and zeros in its shape under each name."""
        state = self.state[parameter]
        if not state:
            state["step"] = number_tensor(0.0)
            for name in names:
                state[name] = Tensor(np.zeros_like(parameter.array))
        return state

    # ---- state ----

    def state_dict(self):
        """{"state": what is remembered, "param_groups": settings}, where a number stands for each parameter."""
        numbers = {}
        for group in self.param_groups:
            for parameter in group["params"]:
                numbers.setdefault(id(parameter), len(numbers))
        state = {numbers[id(parameter)]: dict(held) for parameter, held in self.state.items()}
        groups = [{name: value for name, value in group.items() if name != "params"} for group in self.param_groups]
        for packed, group in zip(groups, self.param_groups):
            packed["params"] = [numbers[id(parameter)] for parameter in group["params"]]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Go on from a state_dict, in the types and on the devices of the parameters; its tensors are copied."""
        saved = copy.deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        parameters = {}
        for group, its_saved in zip(self.param_groups, saved):
            if len(group["params"]) != len(its_saved["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                )
            parameters.update(zip(its_saved["params"], group["params"]))
            its_saved["params"] = group["params"]
        self.state = defaultdict(dict)
        for number, held in state_dict["state"].items():
            parameter = parameters.get(number, number)
            self.state[parameter] = {name: _beside(parameter, name, value) for name, value in held.items()}
        self.param_groups = saved

    # ---- hooks, text ----

    def register_step_pre_hook(self, hook):
        """Call hook(optimizer, args, kwargs) before each step; it may return other (args, kwargs). Returns a handle."""
        return _registered(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call hook(optimizer, args, kwargs) after each step. Returns a handle with remove()."""
        return _registered(self._step_post_hooks, hook)

    def __repr__(self):
        lines = [f"{type(self).__name__} ("]
        for position, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {position}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return "\n".join([*lines, ")"])


def _registered(hooks, hook):
    key = object()
    hooks[key] = hook
    return RemovableHandle(hooks, key)


def _check_parameter(parameter):
    if not isinstance(parameter, Tensor):
        raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(parameter).__name__}")
    if not (parameter.is_leaf or parameter.retains_grad):
        raise ValueError("can't optimize a non-leaf Tensor")
    if parameter.dtype.is_complex:
        raise NotImplementedError("complex parameters are not supported: optimize the real and imaginary parts")


def _beside(parameter, name, value):
    """A copy of a state's value, on the parameter's device and, if that is floating, in its type; steps as they are."""
    if isinstance(value, Tensor):
        if name == "step" or not isinstance(parameter, Tensor):
            return value.detach().clone()
        dtype = parameter.dtype if parameter.dtype.is_floating_point else value.dtype
        return value.detach().to(parameter.device, dtype, copy=True)
    if isinstance(value, dict):
        return {key: _beside(parameter, key, each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_beside(parameter, name, each) for each in value)
    return value


# ---- what the optimizers use ------------------------------------------------------------------------


def as_number(value):
    """A setting as Python numbers: those of tensors with one element."""
    if isinstance(value, Tensor):
        return value.item()
    return tuple(as_number(each) for each in value) if isinstance(value, tuple) else value


def number_tensor(value):
    """A number in a state: a 0-d float tensor on the CPU, as PyTorch keeps it (float64 where that is the default)."""
    is_double = dtypes.get_default_dtype() is dtypes.float64
    return Tensor(np.array(value, np.float64 if is_double else np.float32))


def next_step(state):
    """Count one more step in the state; how many that makes."""
    state["step"].array += 1
    return state["step"].array.item()


def move_average(average, value, decay):
    """average = decay · average + (1 − decay) · value, in place; arrays."""
    change = value - average
    change *= 1 - decay
    average += change


def move_average_of_squares(average, value, decay):
    """average = decay · average + (1 − decay) · value², in place; arrays."""
    square = value * value
    square *= 1 - decay
    average *= decay
    average += square


def with_decay(gradient, parameter, weight_decay):
    """The gradient of the loss plus ½ · weight_decay · parameter²; arrays."""
    return gradient + weight_decay * parameter.array if weight_decay else gradient


def check_settings(lr, betas=(), **at_least_zero):
    """ValueError, in torch's words, for a negative setting, a beta outside of [0, 1) or a learning rate of several."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not as_number(lr) >= 0:
        raise ValueError(f"Invalid learning rate: {lr}")
    for position, beta in enumerate(betas):
        if not 0 <= as_number(beta) < 1:
            raise ValueError(f"Invalid beta parameter at index {position}: {beta}")
    for name, value in at_least_zero.items():
        if not as_number(value) >= 0:
            raise ValueError(f"Invalid {'epsilon' if name == 'eps' else name} value: {value}")


def check_hints(foreach, fused=None, **tensors):
    """RuntimeError for two hints at once; ValueError for tensors as settings beside foreach, as torch."""
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    for name, value in tensors.items():
        if foreach and isinstance(value, Tensor):
            raise ValueError(f"{name} as a Tensor is not supported for capturable=False and foreach=True")
