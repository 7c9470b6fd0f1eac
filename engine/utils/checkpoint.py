"""checkpoint: memory for time. What a part of the forward pass saved is dropped, and computed again in backward.

The part is recorded as usual, but each of its nodes gets a `_Dropped` in place of its saved values. The first of them
that is asked runs the part again, and takes for each node what the corresponding new node saves.
"""

import threading

from engine import random
from engine.autograd.grad_mode import enable_grad
from engine.autograd.graph import TensorBase, watchers

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """Running a checkpointed function again recorded something else than the first time."""


def checkpoint(
    function,
    *args,
    use_reentrant=None,
    context_fn=None,
    determinism_check="default",
    debug=False,
    early_stop=True,
    preserve_rng_state=True,
    **kwargs,
):
    """function(*args, **kwargs), without keeping what its operations saved: backward runs it once more.

    The function must do the same again. preserve_rng_state: random draws from the default generator are repeated.
    early_stop: the second run ends as soon as it has everything.
    Only torch's use_reentrant=False exists here (None means it too); context_fn, debug and other checks do not.
    """
    if use_reentrant:
        raise ValueError("checkpoint(): use_reentrant=True is not supported, only use_reentrant=False is")
    for name, given in (("context_fn", context_fn), ("debug", debug)):
        if given:
            raise ValueError(f"checkpoint(): the argument '{name}' is not supported")
    if determinism_check != "default":
        raise ValueError(f"checkpoint(): determinism_check={determinism_check!r} is not supported, only 'default' is")
    with _Part(function, args, kwargs, preserve_rng_state, early_stop):
        return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, preserve_rng_state=True):
    """The functions (or modules) one after the other, cut into `segments` parts, all but the last checkpointed."""
    functions = list(functions)
    length = max(len(functions) // segments, 1)
    starts = list(range(0, len(functions), length))[:segments]
    for start, stop in zip(starts, starts[1:]):
        how = {"use_reentrant": use_reentrant, "preserve_rng_state": preserve_rng_state}
        input = checkpoint(_chain(functions[start:stop]), input, **how)
    return _chain(functions[starts[-1] :])(input)


def _chain(functions):
    def run(value):
        for function in functions:
            value = function(value)
        return value

    return run


class _Part:
    """One checkpointed call: watches the nodes that it records, and can run again to get what they saved."""

    def __init__(self, function, args, kwargs, preserve_rng_state, early_stop):
        self.function, self.args, self.kwargs, self.early_stop = function, args, kwargs, early_stop
        self.random_state = _random_state() if preserve_rng_state else None
        self.versions = [
            (each.storage, each.storage.version) for each in _tensors((args, kwargs)) if not each.is_inference()
        ]
        self.nodes = []  # what each node that saved something was: its op, the shape of its result
        self.found = {}  # which of them -> what it saves, after running again

    def __enter__(self):
        self.thread = threading.get_ident()
        watchers.append(self)

    def __exit__(self, *exception):
        watchers.remove(self)

    def recorded(self, node):
        if node.saves_arrays():
            node.saved = _Dropped(self, len(self.nodes))
            self.nodes.append((node.name(), node.shape))

    def saved_by(self, number):
        if number not in self.found:
            self.run_again()
        return self.found.pop(number)

    def run_again(self):
        for storage, version in self.versions:
            if storage.version != version:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an inplace operation: "
                    f"an argument of a checkpointed function is at version {storage.version}; expected version "
                    f"{version} instead."
                )
        before = _random_state()
        if self.random_state is not None:
            _set_random_state(self.random_state)
        try:
            with enable_grad(), _Again(len(self.nodes) if self.early_stop else None) as again:
                self.function(*self.args, **self.kwargs)
        except _Enough:
            pass
        finally:
            if self.random_state is not None:
                _set_random_state(before)
        if again.nodes != self.nodes:
            raise CheckpointError(_difference(self.nodes, again.nodes))
        self.found = dict(enumerate(again.saved))


class _Again:
    """Watches the second run: collects what its nodes save, and ends it after `enough` of them."""

    def __init__(self, enough):
        self.nodes, self.saved, self.enough = [], [], enough

    def __enter__(self):
        self.thread = threading.get_ident()
        watchers.append(self)
        return self

    def __exit__(self, *exception):
        watchers.remove(self)

    def recorded(self, node):
        if node.saves_arrays():
            self.nodes.append((node.name(), node.shape))
            self.saved.append(node.saved)
            if len(self.saved) == self.enough:
                raise _Enough


class _Enough(BaseException):
    """Ends the second run; not an Exception, so that the function does not catch it."""


class _Dropped:
    """In place of a node's saved values."""

    __slots__ = ("part", "number")

    def __init__(self, part, number):
        self.part, self.number = part, number

    def unpacked(self):
        saved = self.part.saved_by(self.number)
        return saved if type(saved) is tuple else saved.unpacked()  # dropped by a checkpoint inside of this one


def _difference(first, second):
    if len(first) != len(second):
        return (
            "checkpoint: A different number of tensors was saved during the original forward and recomputation: by "
            f"{len(first)} operations during forward, by {len(second)} during recomputation."
        )
    number = next(position for position, pair in enumerate(zip(first, second)) if pair[0] != pair[1])
    described = [f"{name} of shape {list(shape)}" for name, shape in (first[number], second[number])]
    return (
        "checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass. "
        f"Operation {number} that saves something was {described[0]}, recomputed it is {described[1]}."
    )


def _tensors(value):
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(value, TensorBase):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for each in value for tensor in _tensors(each)] if isinstance(value, (tuple, list)) else []


def _random_state():
    return random.default_generator.numpy.bit_generator.state


def _set_random_state(state):
    random.default_generator.numpy.bit_generator.state = state
