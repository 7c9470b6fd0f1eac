"""Hooks: functions that are called when a gradient is complete, and may put another in its place.

They hang on a node, or on a leaf for its AccumulateGrad, which does not live long.
"""

import weakref

from engine.autograd.graph import AccumulateGrad, TensorBase, as_tensor

TENSOR, BEFORE, AFTER, ACCUMULATED = range(4)


class Hooks:
    """What is called when the gradient of a node (or a leaf) is complete: first the tensor's hooks in the order of
    their registration, then its `.grad` is kept where retain_grad asked, then the node's own before and after."""

    __slots__ = ("of_kind", "retaining")

    def __init__(self):
        self.of_kind = {}, {}, {}, {}
        self.retaining = None  # a weak reference to the tensor that keeps its gradient

    after = property(lambda self: self.of_kind[AFTER])

    def add(self, kind, hook):
        key = object()
        self.of_kind[kind][key] = hook
        return RemovableHandle(self.of_kind[kind], key)

    def on_gradient(self, gradient):
        """The complete gradient, as the tensor's hooks leave it."""
        for hook in list(self.of_kind[TENSOR].values()):
            gradient = _replaced(gradient, hook(as_tensor(gradient)), hook)
        tensor = self.retaining and self.retaining()
        if tensor is not None:
            kept = as_tensor(gradient)
            tensor._grad = kept.clone() if tensor._grad is None else tensor._grad + kept
        return gradient

    def before(self, gradient):
        """The gradient that the node works with, as its own hooks leave it."""
        for hook in list(self.of_kind[BEFORE].values()):
            replaced = hook((as_tensor(gradient),))
            gradient = _replaced(gradient, replaced[0] if isinstance(replaced, tuple) else replaced, hook)
        return gradient

    def on_passed(self, passed_on, gradient):
        """What goes on along the edges, as the node's hooks leave it."""
        for hook in list(self.after.values()):
            given = tuple(each if each is None else as_tensor(each) for each in passed_on)
            replaced = hook(given, (as_tensor(gradient),))
            if replaced is not None:
                replaced = replaced if isinstance(replaced, tuple) else (replaced,)
                passed_on = [_replaced(old, new, hook) for old, new in zip(passed_on, replaced)]
        return passed_on

    def on_accumulated(self, leaf):
        for hook in list(self.of_kind[ACCUMULATED].values()):
            hook(leaf)


def _replaced(gradient, new, hook):
    """`new` in the kind of `gradient` (array or tensor), if the hook returned something; errors unless it fits."""
    if new is None:
        return gradient
    if not isinstance(new, TensorBase):
        raise TypeError(f"expected Variable, but hook returned '{type(new).__name__}'")
    name = getattr(hook, "__name__", type(hook).__name__)
    if tuple(new.shape) != tuple(gradient.shape):
        raise RuntimeError(f"hook '{name}' has changed the size of value")
    if new.array.dtype != as_tensor(gradient).array.dtype:
        raise RuntimeError(f"hook '{name}' has changed the type of value")
    return new if isinstance(gradient, TensorBase) else new.array


class RemovableHandle:
    """What registering a hook returns: remove(), or leaving it as a context manager, takes the hook away."""

    __slots__ = ("_hooks", "_key")

    def __init__(self, hooks, key):
        self._hooks, self._key = hooks, key

    def remove(self):
        """Take the hook away, if it is still there."""
        self._hooks.pop(self._key, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


def retain(tensor):
    """Keep the gradient of this non-leaf tensor in its `.grad`."""
    hooks_of(tensor.grad_fn).retaining = weakref.ref(tensor)


def retains(tensor):
    """Whether `retain` was called for this tensor, and is in force for its present history."""
    held = tensor._grad_fn is not None and tensor._grad_fn.hooks
    return bool(held and held.retaining and held.retaining() is tensor)


def hooks_of(owner):
    """The Hooks of a node, made if it has none; those of an AccumulateGrad are its leaf's."""
    place, slot = (owner.variable, "_hooks") if type(owner) is AccumulateGrad else (owner, "hooks")
    if getattr(place, slot) is None:
        setattr(place, slot, Hooks())
    return getattr(place, slot)
