"""torch.autograd's functions: start a backward pass, ask for gradients. More of it is in the files beside this one."""

import warnings

from engine import backend
from engine.autograd import graph
from engine.autograd.anomaly_mode import (
    detect_anomaly, is_anomaly_check_nan_enabled, is_anomaly_enabled, set_detect_anomaly)
from engine.autograd.function import Function
from engine.autograd.grad_mode import (
    enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled)
from engine.autograd.graph import TensorBase, as_dtype, as_tensor, setting, unbroadcast
from engine.autograd.saving import saved_tensors_hooks

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "function", "functional", "grad", "gradcheck",
    "gradgradcheck", "graph", "inference_mode", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "is_grad_enabled",
    "is_inference_mode_enabled", "no_grad", "set_detect_anomaly", "set_grad_enabled", "unbroadcast"]

graph.saved_tensors_hooks = saved_tensors_hooks  # where torch has it


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Add to each leaf's `.grad` the derivative of `tensors`, weighted with `grad_tensors`.

    tensors: a Tensor or several. grad_tensors: of the same shapes; None means 1, for tensors of one element.
    retain_graph: keep what was saved for another backward (default: as create_graph). create_graph: record
    this pass too, so that the gradients can be differentiated. inputs: the tensors, leaves or not, whose `.grad` is
    wanted (default: all leaves). grad_variables: an old name of grad_tensors.
    RuntimeError: a tensor that needs no gradient, a missing weight for a tensor with several elements, a graph
    already freed, a saved value changed in place.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`.")
        grad_tensors = grad_variables
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and its "
            "gradient. Use autograd.grad, or set the .grad fields of your parameters to None afterwards.", stacklevel=2)
    roots = _as_list(tensors)
    weights = _weights(roots, grad_tensors, create_graph)
    retain_graph = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        if create_graph or graph.observers:
            graph.backward(roots, weights, retain_graph, create_graph)
        else:
            short.backward(roots, weights, retain_graph)
        return
    sources = _sources(inputs, "backward")
    for source in sources:
        if not source.requires_grad:
            raise RuntimeError("One of the `inputs` of backward() does not require grad")
    found = graph.backward(roots, weights, retain_graph, create_graph, {graph.edge_of(source) for source in sources})
    for source in sources:
        gradient = found.get(graph.edge_of(source))
        if gradient is not None:
            graph.accumulate(source, gradient, create_graph)


def grad(
        outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None,
        is_grads_batched=False, materialize_grads=False):
    """The derivatives of `outputs` with respect to each of `inputs`, as a tuple; no `.grad` is touched.

    Arguments as for `backward`; inputs may also be a dict, and so is the result then. An input that the outputs do not
    depend on raises RuntimeError, or gives None with allow_unused, zeros with materialize_grads.
    """
    if is_grads_batched or not only_inputs:
        raise NotImplementedError("grad(): is_grads_batched=True and only_inputs=False are not supported")
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if isinstance(inputs, dict):
        how = (grad_outputs, retain_graph, create_graph, True, allow_unused, False, materialize_grads)
        return dict(zip(inputs, grad(outputs, list(inputs.values()), *how)))
    roots, sources = _as_list(outputs), _sources(inputs, "grad")
    for source in sources:
        if not source.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    weights = _weights(roots, grad_outputs, create_graph)
    nodes = [graph.edge_of(source) for source in sources]
    retain_graph = create_graph if retain_graph is None else retain_graph
    found = graph.backward(roots, weights, retain_graph, create_graph, set(nodes))
    gradients = []
    for position, (source, node) in enumerate(zip(sources, nodes)):
        gradient = found.get(node)
        if gradient is None and materialize_grads:
            gradient = backend.module_of(source.array).zeros_like(source.array)
        elif gradient is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {position} was not used in the graph; see allow_unused=True")
        gradients.append(gradient if gradient is None else as_tensor(gradient))
    return tuple(gradients)


def _as_list(tensors):
    return [tensors] if isinstance(tensors, TensorBase) else list(tensors)


def _sources(inputs, function):
    sources = list(inputs.values()) if isinstance(inputs, dict) else _as_list(inputs)
    if not sources:
        raise RuntimeError(f"`inputs` argument to `{function}()` cannot be empty.")
    for source in sources:
        if not isinstance(source, TensorBase):
            raise RuntimeError(f"all inputs have to be Tensors, but got {type(source).__name__}")
    return sources


def _weights(roots, given, create_graph):
    """For each root the gradient to start with: an array, or a tensor if the pass is to be recorded."""
    given = [None] * len(roots) if given is None else _as_list(given)
    for each in given:
        if each is not None and not isinstance(each, TensorBase):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(each).__name__}")
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    return [_weight(position, *pair, create_graph) for position, pair in enumerate(zip(roots, given))]


def _weight(position, root, weight, create_graph):
    if not isinstance(root, TensorBase):
        raise TypeError(f"expected a Tensor to differentiate, but got {type(root).__name__}")
    if not root.requires_grad:
        raise RuntimeError(f"element {position} of tensors does not require grad and does not have a grad_fn")
    if weight is None:
        if root.numel() != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if root.dtype.is_complex:
            raise RuntimeError(f"grad can be implicitly created only for real scalar outputs but got {root.dtype}")
        weight = backend.module_of(root.array).ones_like(root.array)
        return setting.tensor_class(weight) if create_graph else weight
    if weight.shape != root.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has {weight.shape}, output[{position}] has {root.shape}")
    return as_dtype(weight if create_graph else weight.array, root.array.dtype)


def Variable(data, requires_grad=False):
    """torch's old wrapper, which has long since returned a plain Tensor sharing `data`'s memory."""
    result = data.detach()
    return result.requires_grad_() if requires_grad else result


from engine.autograd import function, functional, short  # noqa: E402, F401 (these stand on the functions above)
from engine.autograd.gradcheck import gradcheck, gradgradcheck  # noqa: E402
