"""Optimizer: what all optimizers share, groups of parameters with their settings, a state for each parameter, saving.

A subclass says in `_update` what one step does to one parameter; everything else is here.
"""

import collections
import copy
import functools
import itertools
import warnings

import numpy as np

from engine import autograd, backend
from engine.autograd.hooks import RemovableHandle
from engine.optim.together import SMALL, Together
from engine.tensor import Tensor

__all__ = ["Optimizer"]

PLAIN = {float, int, bool, type(None)}  # what a setting is mostly


def _with_hooks(step):
    """`step` with the optimizer's hooks before and after it, once also where a subclass's step calls its base's."""

    @functools.wraps(step)
    def hooked(*args, **kwargs):
        self = args[0]  # hooks see it among the arguments
        if self._is_stepping:
            return step(*args, **kwargs)
        for hook in list(self._pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
                args, kwargs = changed
        self._is_stepping = True
        try:
            result = step(*args, **kwargs)
        finally:
            self._is_stepping = False
        for hook in list(self._post_hooks.values()):
            hook(self, args, kwargs)
        return result

    return hooked


class Optimizer:
    """Base class of all optimizers.

    params: the tensors to optimize (or (name, tensor) pairs), or dicts {"params": tensors, "lr": ...}, groups with
    settings of their own. defaults: the settings of groups that say nothing else.

    param_groups: a list of dicts, each with "params" and its settings. state: {parameter: dict}.
    TypeError for a single tensor or for what is no tensor, ValueError for an empty list or a tensor that is no leaf.
    """

    def __init__(self, params, defaults):
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got Tensor")
        self.defaults = defaults
        self.state = collections.defaultdict(dict)
        self.param_groups = []
        self._pre_hooks, self._post_hooks, self._is_stepping = {}, {}, False
        self._together = {}  # the first of some small parameters -> Together
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ---- groups ----

    def add_param_group(self, param_group):
        """Add a dict {"params": a tensor or several, setting: value, ...}; settings not in it are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        group = dict(param_group)
        given = group["params"]
        if isinstance(given, set):
            raise TypeError("optimizer parameters need to be in an ordered collection, a list for one; a set is not")
        given = [given] if isinstance(given, Tensor) else list(given)
        self._check_names(given)
        if given and isinstance(given[0], tuple):
            group["param_names"] = [name for name, _ in given]
            given = [parameter for _, parameter in given]
        group["params"] = given
        self._check_params(given)
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        if isinstance(group.get("lr"), Tensor) and group["lr"].numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        self.param_groups.append(group)

    def _check_names(self, given):
        named = {isinstance(each, tuple) for each in given}
        if len(named) > 1:
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if self.param_groups and named and named != {"param_names" in self.param_groups[0]}:
            kind = "names" if True in named else "no names"
            raise ValueError(
                f"all optimizer param groups should be with/without names. cannot add param group with {kind} to the "
                "optimizer")

    def _check_params(self, parameters):
        for parameter in parameters:
            if not isinstance(parameter, Tensor):
                kind = type(parameter).__name__
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {kind}")
            if not (parameter.is_leaf or parameter.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
            if parameter.dtype.is_complex:
                raise NotImplementedError(f"{type(self).__name__} does not support complex parameters")
        taken = {each for group in self.param_groups for each in group["params"]}
        if len(set(parameters)) < len(parameters):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error",
                stacklevel=4)
        if not taken.isdisjoint(parameters):
            raise ValueError("some parameters appear in more than one parameter group")

    # ---- a step ----

    def __init_subclass__(cls, **keywords):
        super().__init_subclass__(**keywords)
        if "step" in vars(cls):
            cls.step = _with_hooks(cls.step)

    @_with_hooks
    def step(self, closure=None):
        """Change every parameter that has a `.grad` once. closure: computes the loss anew, gradients included, first.

        Returns the closure's loss, or None.
        """
        loss = None
        if closure is not None:
            with autograd.enable_grad():
                loss = closure()
        with backend.quiet():
            for group in self.param_groups:
                numbers = {name: value if type(value) in PLAIN else _number(value) for name, value in group.items()}
                ready = [each for each in group["params"] if each._grad is not None]
                small = [each for each in ready if each.array.size <= SMALL] if self._is_elementwise() else []
                if len(small) > 1 and self._step_together(small, numbers):
                    ready = [each for each in ready if each.array.size > SMALL]
                for parameter in ready:
                    state = self.state.get(parameter, {})
                    self._update(parameter.array, parameter._grad.array, state, numbers)
                    parameter.storage.written()
                    if state:
                        self.state[parameter] = state
        return loss

    def _is_elementwise(self):
        return getattr(self._update, "is_elementwise", False)

    def _step_together(self, parameters, numbers):
        """One step of these parameters as one; False, and nothing is done, where that cannot be."""
        states = [self.state.get(each, {}) for each in parameters]
        together = self._together.get(parameters[0])
        if together is None or not together.still_holds(parameters, states):
            if not Together.is_possible(parameters, states):
                return False
            together = self._together[parameters[0]] = Together(parameters, states)
        together.step(self._update, numbers)
        for parameter, state in zip(parameters, together.states):
            if state:
                self.state[parameter] = state
        return True

    def _update(self, value, grad, state, group):
        """One step of one parameter: `value`, an array, is changed in place, `grad` is not. `state`: a dict."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a step is: define _update or step")

    def zero_grad(self, set_to_none=True):
        """Forget all gradients, or fill them with zeros."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter._grad is not None:
                    parameter.grad = None if set_to_none else parameter.grad.detach().zero_()

    def register_step_pre_hook(self, hook):
        """Call hook(optimizer, args, kwargs) before each step; it may return other (args, kwargs). Returns a handle.

        args begins with the optimizer itself.
        """
        return _add(self._pre_hooks, hook)

    def register_step_post_hook(self, hook):
        """Call hook(optimizer, args, kwargs) after each step. Returns a handle whose remove() ends that."""
        return _add(self._post_hooks, hook)

    # ---- saving and loading ----

    def state_dict(self):
        """{"state": {number: state}, "param_groups": [...]}, parameters numbered in the order of the groups."""
        number = {each: place for place, each in enumerate(self._parameters())}
        groups = [{**group, "params": [number[each] for each in group["params"]]} for group in self.param_groups]
        return {"state": {number[each]: dict(kept) for each, kept in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Take over what another optimizer of the same parameters, in the same groups, had as its state_dict.

        ValueError if groups or their sizes differ.
        """
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(new["params"]) != len(old["params"]) for new, old in zip(groups, self.param_groups)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group")
        numbers = itertools.chain.from_iterable(group["params"] for group in groups)
        parameter = dict(zip(numbers, self._parameters()))
        self.param_groups = [
            {**copy.deepcopy({name: value for name, value in new.items() if name != "params"}), "params": old["params"]}
            for new, old in zip(groups, self.param_groups)]
        self.state = collections.defaultdict(dict)
        for key, kept in state_dict["state"].items():
            if key in parameter:
                its = parameter[key]
                self.state[its] = {name: _taken_over(name, value, its) for name, value in kept.items()}
            else:
                self.state[key] = copy.deepcopy(kept)

    def _parameters(self):
        return [each for group in self.param_groups for each in group["params"]]

    def __repr__(self):
        parts = []
        for number, group in enumerate(self.param_groups):
            lines = [f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params"]
            parts.append(f"\nParameter Group {number}\n{''.join(lines)}")
        return f"{type(self).__name__} ({''.join(parts)})"


def _number(value):
    """A setting as a number: those that are tensors of one element are read anew at each step."""
    if isinstance(value, Tensor):
        return value.item()
    return tuple(_number(each) for each in value) if isinstance(value, tuple) else value


def _add(hooks, hook):
    key = object()
    hooks[key] = hook
    return RemovableHandle(hooks, key)


def _taken_over(name, value, parameter):
    """A value of a loaded state, tensors as copies in the parameter's type and on its device; but for step counts."""
    if isinstance(value, (list, tuple)):
        return type(value)(_taken_over(name, each, parameter) for each in value)
    if not isinstance(value, Tensor):
        return copy.deepcopy(value)
    if name == "step":
        return value.detach().clone()
    return value.detach().clone().to(parameter.device, parameter.dtype if value.dtype.is_floating_point else None)


# ---- settings -----------------------------------------------------------------------------------------

_AT_LEAST_ZERO = (
    "lr", "eps", "weight_decay", "momentum", "alpha", "lr_decay", "momentum_decay", "initial_accumulator_value")


def settings(arguments):
    """The arguments of an optimizer, its `locals()`, without itself and its parameters, checked.

    ValueError for a negative number, betas outside of [0, 1) or rho outside of [0, 1], in torch's words.
    NotImplementedError for a choice between implementations of the same step that changes what can be done with it;
    foreach and fused give the same numbers in torch, and are hints without an effect here.
    """
    chosen = {name: value for name, value in arguments.items() if name not in ("self", "params", "__class__")}
    for name in _AT_LEAST_ZERO:
        _check_at_least_zero(name, chosen.get(name, 0))
    if "betas" in chosen:
        _check_betas(chosen["betas"])
    if not 0 <= chosen.get("rho", 0) <= 1:
        raise ValueError(f"Invalid rho value: {chosen['rho']}")
    for choice in ("capturable", "differentiable"):
        if chosen.get(choice):
            raise NotImplementedError(f"{type(arguments['self']).__name__}: {choice}=True is not supported")
    return chosen


def _check_at_least_zero(name, number):
    if isinstance(number, Tensor) and number.numel() != 1:
        raise ValueError(f"Tensor {name} must be 1-element")
    if not number >= 0:
        words = {"lr": "learning rate", "eps": "epsilon value"}.get(name, f"{name} value")
        raise ValueError(f"Invalid {words}: {number}")


def _check_betas(betas):
    """ValueError unless both are numbers, or both tensors of one element, in [0, 1)."""
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ValueError("betas must be either both floats or both Tensors")
    for index, beta in enumerate(betas):
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{index}] must be 1-element")
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {index}: {beta}")


# ---- what steps are made of ---------------------------------------------------------------------------


def directed(grad, value, group):
    """The gradient to go against: up instead of down for `maximize`, with the weight decay (an L2 penalty) added."""
    grad = -grad if group["maximize"] else grad
    return grad + group["weight_decay"] * value if group["weight_decay"] else grad


def step_of(state):
    """The number of this step, from 1; kept in the state as torch keeps it, a float32 tensor."""
    if "step" not in state:
        state["step"] = Tensor(np.zeros((), np.float32))
    state["step"].array += 1
    return int(state["step"].array)


def kept(state, name, like):
    """The array that the state keeps under this name; zeros, in the shape of `like`, at first."""
    if name not in state:
        state[name] = Tensor(np.zeros_like(like))
    return state[name].array


def move_towards(average, value, share):
    """average ← average + share · (value − average), in place."""
    difference = value - average
    difference *= share
    average += difference
