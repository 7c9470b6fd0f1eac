"""Entries whose gradients are worth finding together: a layer in one step, with its derivative by hand.

What they compute is what `compose` says in ordinary operations, and under create_graph that is what is differentiated.
"""

import functools
import inspect

from engine import autograd
from engine.autograd.graph import TensorBase
from engine.ops.shape import reshape
from engine.ops.table import Op, Plan


class FusedOp(Op):
    """An entry whose VJPs share one walk back.

    forward(*inputs, kept, **metadata) leaves in the dict `kept`, new for each call, what walk_back(g, inputs, kept,
    **metadata) wants to find again; that gives a gradient for each input. The result is not kept: as with torch, who
    gets it may change it. compose(*inputs, **metadata): the same as forward, in tensor operations. metadata: the names
    of the keywords.
    """

    def __init__(self, name, inputs, forward, walk_back, compose, metadata=(), **options):
        self.walk_back, self.compose, self.metadata = walk_back, compose, metadata
        names = inputs.split()
        signature = inspect.Signature([
            inspect.Parameter(each, inspect.Parameter.POSITIONAL_ONLY)
            for each in ("g", *names, "kept", *metadata)])
        vjps = [functools.partial(self._vjp, position) for position in range(len(names))]
        for each in vjps:
            each.__signature__ = signature
        super().__init__(name, inputs, forward, vjps, **options)

    def __call__(self, *inputs, **metadata):
        return super().__call__(*inputs, **metadata, kept={})

    def plan(self, needed, count):
        """As every entry's; the VJPs of one backward pass share what they find."""
        if (needed, count) not in self.plans:
            plan = Plan(self, needed, count)
            plan.vjps = _Sharing(plan.vjps)
            self.plans[needed, count] = plan
        return self.plans[needed, count]

    def _vjp(self, position, g, *values, shared):
        """The gradient of the input at that position."""
        if not shared:
            inputs, (kept, *metadata) = values[: len(self.inputs)], values[len(self.inputs) :]
            metadata = dict(zip(self.metadata, metadata))
            if isinstance(g, TensorBase):
                shared.update(self._composed_gradients(g, inputs, metadata))
            else:
                shared.update(enumerate(self.walk_back(g, inputs, kept, **metadata)))
        return shared[position]

    def _composed_gradients(self, g, inputs, metadata):
        """The gradients of all inputs as tensors with a history. Each input is looked at anew, or a gradient of one
        that was computed from another input would count for both."""
        fresh = [reshape(each, shape=each.array.shape) for each in inputs]
        leaves = {position: each for position, each in enumerate(fresh) if each.requires_grad}
        result = self.compose(*fresh, **metadata)
        return dict(zip(leaves, autograd.grad(result, list(leaves.values()), g, create_graph=True)))


class _Sharing:
    """The VJPs of a plan, with a dict for what they have in common: a new one for each pass that goes through them."""

    def __init__(self, vjps):
        self.vjps = vjps

    def __iter__(self):
        shared = {}
        return ((position, functools.partial(vjp, shared=shared), picks) for position, vjp, picks in self.vjps)
