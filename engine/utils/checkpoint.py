"""checkpoint: memory for time. What a part of the forward pass saved is dropped, and computed again in backward.

With use_reentrant=False the part is recorded as usual, but each of its nodes gets a `_Dropped` in place of its saved
values. The first of them that is asked runs the part again, and takes for each node what the corresponding new node
saves. With use_reentrant=True the part is one Function, whose backward records it anew and goes back through it.
"""

import contextlib
import warnings

from engine import random
from engine.amp.autocast_mode import autocast_as_now
from engine.autograd import Function, backward
from engine.autograd.grad_mode import enable_grad
from engine.autograd.graph import TensorBase
from engine.autograd.saving import Watcher

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """Running a checkpointed function again recorded something else than the first time."""


def checkpoint(
        function, *args, use_reentrant=None, context_fn=None, determinism_check="default", debug=False, early_stop=True,
        preserve_rng_state=True, **kwargs):
    """function(*args, **kwargs), without keeping what its operations saved: backward runs it once more.

    The function must do the same again. preserve_rng_state: random draws from the default generator are repeated.
    early_stop: the second run ends as soon as it has everything.
    use_reentrant=True refuses keywords, autograd.grad and backward(inputs=...); None means it too, with a warning.
    context_fn, debug and other checks than the default one are not supported.
    """
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
                      "use_reentrant=False is recommended; as in PyTorch, True is the default.", stacklevel=2)
        use_reentrant = True
    for name, given in (("context_fn", context_fn), ("debug", debug)):
        if given:
            raise ValueError(f"checkpoint(): the argument '{name}' is not supported")
    if determinism_check != "default":
        raise ValueError(f"checkpoint(): determinism_check={determinism_check!r} is not supported, only 'default' is")
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
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


class CheckpointFunction(Function):
    """The reentrant way: one operation of its own, whose backward records the function and goes back through it."""

    @staticmethod
    def forward(ctx, function, preserve_rng_state, *args):
        is_tensor = [isinstance(each, TensorBase) for each in args]
        if not any(ctx.needs_input_grad):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=4)
        ctx.function, ctx.random_state = function, _random_state() if preserve_rng_state else None
        ctx.autocast = autocast_as_now()
        ctx.args = [None if tensor else each for each, tensor in zip(args, is_tensor)]
        ctx.places = [place for place, tensor in enumerate(is_tensor) if tensor]
        ctx.save_for_backward(*[args[place] for place in ctx.places])
        return function(*args)

    @staticmethod
    def backward(ctx, *gradients):
        if ctx._only_some:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). Set use_reentrant=False, or call .backward() without `inputs`.")
        args = list(ctx.args)
        for place, tensor in zip(ctx.places, ctx.saved_tensors):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        with _drawing_again(ctx.random_state), enable_grad(), ctx.autocast():
            outputs = ctx.function(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [pair for pair in zip(outputs, gradients) if isinstance(pair[0], TensorBase) and pair[0].requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        backward(*zip(*pairs))
        return None, None, *[each.grad if isinstance(each, TensorBase) else None for each in args]


class _Part(Watcher):
    """One checkpointed call: watches the nodes that it records, and can run again to get what they saved."""

    def __init__(self, function, args, kwargs, preserve_rng_state, early_stop):
        self.function, self.args, self.kwargs, self.early_stop = function, args, kwargs, early_stop
        self.random_state = _random_state() if preserve_rng_state else None
        self.autocast = autocast_as_now()
        self.versions = [
            (each.storage, each.storage.version) for each in _tensors((args, kwargs)) if not each.is_inference()]
        self.nodes = []  # what each node that saved something was: its op, the shape of its result
        self.found = {}  # which of them -> what it saves, after running again

    def recorded(self, node, inputs, result):
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
                    f"{version} instead.")
        with contextlib.suppress(_Enough), _drawing_again(self.random_state):
            with enable_grad(), self.autocast(), _Again(len(self.nodes) if self.early_stop else None) as again:
                self.function(*self.args, **self.kwargs)
        if again.nodes != self.nodes:
            raise CheckpointError(_difference(self.nodes, again.nodes))
        self.found = dict(enumerate(again.saved))


class _Again(Watcher):
    """Watches the second run: collects what its nodes save, and ends it after `enough` of them."""

    def __init__(self, enough):
        self.nodes, self.saved, self.enough = [], [], enough

    def recorded(self, node, inputs, result):
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
            f"{len(first)} operations during forward, by {len(second)} during recomputation.")
    number = next(position for position, pair in enumerate(zip(first, second)) if pair[0] != pair[1])
    described = [f"{name} of shape {list(shape)}" for name, shape in (first[number], second[number])]
    return (
        "checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass. "
        f"Operation {number} that saves something was {described[0]}, recomputed it is {described[1]}.")


def _tensors(value):
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(value, TensorBase):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [tensor for each in value for tensor in _tensors(each)] if isinstance(value, (tuple, list)) else []


def _random_state():
    return random.default_generator.numpy.bit_generator.state


@contextlib.contextmanager
def _drawing_again(state):
    """Inside, the default generator draws from `state` on, afterwards from where it was. None: it just goes on."""
    generator = random.default_generator.numpy.bit_generator
    before = generator.state
    if state is not None:
        generator.state = state
    try:
        yield
    finally:
        if state is not None:
            generator.state = before
