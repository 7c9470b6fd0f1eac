"""torch.autograd's functions: start a backward pass, ask for gradients, switch recording off."""

import functools

from engine import backend
from engine.autograd import graph
from engine.autograd.graph import TensorBase, set_recording, setting, unbroadcast

__all__ = [
    "backward",
    "grad",
    "no_grad",
    "enable_grad",
    "set_grad_enabled",
    "is_grad_enabled",
    "unbroadcast",
    "Variable",
]


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False):
    """Add to each leaf's `.grad` the derivative of `tensors`, weighted with `grad_tensors`.

    tensors: a Tensor or several. grad_tensors: of the same shapes; None means 1, for tensors of one element.
    retain_graph: keep what was saved for another backward (default: as create_graph). create_graph: record
    this pass too, so that the gradients can be differentiated.
    RuntimeError: a tensor that needs no gradient, a missing weight for a tensor with several elements, a graph
    already freed, a saved value changed in place.
    """
    roots = _as_list(tensors)
    weights = _weights(roots, grad_tensors, create_graph)
    graph.backward(roots, weights, create_graph if retain_graph is None else retain_graph, create_graph)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False):
    """The derivatives of `outputs` with respect to each of `inputs`, as a tuple; no `.grad` is touched.

    Arguments as for `backward`. An input that the outputs do not depend on raises RuntimeError, or gives None
    with allow_unused.
    """
    roots, sources = _as_list(outputs), _as_list(inputs)
    for source in sources:
        if not source.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    weights = _weights(roots, grad_outputs, create_graph)
    nodes = [graph.edge_of(source) for source in sources]
    found = graph.backward(
        roots, weights, create_graph if retain_graph is None else retain_graph, create_graph, set(nodes)
    )
    if not allow_unused and any(node not in found for node in nodes):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."
        )
    return tuple(graph._as_tensor(found[node]) if node in found else None for node in nodes)


def _as_list(tensors):
    return [tensors] if isinstance(tensors, TensorBase) else list(tensors)


def _weights(roots, given, create_graph):
    """For each root the gradient to start with: an array, or a tensor if the pass is to be recorded."""
    given = [None] * len(roots) if given is None else _as_list(given)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    weights = []
    for root, weight in zip(roots, given):
        if not root.requires_grad:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
        if weight is None:
            if root.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            weight = setting.tensor_class(backend.module_of(root.array).ones_like(root.array))
        if weight.shape != root.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[0] has a shape of {weight.shape} and output[0] has a shape of {root.shape}."
            )
        weights.append(weight if create_graph else weight.array)
    return weights


class set_grad_enabled(set_recording):
    """Recording on or off: at once, and as a context manager or decorator until it ends."""

    def __init__(self, mode):
        self.mode = bool(mode)
        self.before = setting.record
        setting.record = self.mode

    def __enter__(self):
        setting.record = self.mode

    def __call__(self, function):
        mode = self.mode
        setting.record = self.before

        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            with set_recording(mode):
                return function(*arguments, **keywords)

        return wrapped


class _Switch(set_recording):
    def __init__(self):
        super().__init__(self.switch_to)

    def __call__(self, function):
        @functools.wraps(function)
        def wrapped(*arguments, **keywords):
            with set_recording(self.switch_to):
                return function(*arguments, **keywords)

        return wrapped


class no_grad(_Switch):
    """Context manager and decorator: operations inside are not recorded."""

    switch_to = False


class enable_grad(_Switch):
    """Context manager and decorator: operations inside are recorded, also within no_grad."""

    switch_to = True


def is_grad_enabled():
    """Whether operations are being recorded now."""
    return setting.record


def Variable(data, requires_grad=False):
    """torch's old wrapper, which has long since returned a plain Tensor sharing `data`'s memory."""
    result = data.detach()
    return result.requires_grad_() if requires_grad else result
