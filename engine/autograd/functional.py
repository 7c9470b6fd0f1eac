"""torch.autograd.functional: derivatives of functions, rather than of tensors.

Everywhere: `func` takes one or several tensors and returns a tensor or a tuple; `inputs` and `v` are a Tensor or a
tuple of them, results have the same form. create_graph: the results can be differentiated. strict: RuntimeError
where an output does not depend on an input (without it, the derivative there is 0).
"""

from engine.autograd import grad
from engine.autograd.grad_mode import enable_grad
from engine.autograd.graph import TensorBase

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), vᵀ · Jacobian). v: shaped like the output; may be left out for an output of one element."""
    with enable_grad():
        inputs, as_tuple = _leaves(inputs, create_graph, "vjp")
        outputs, output_is_tuple = _outputs(func(*inputs), "vjp", strict)
        if v is None and (len(outputs) > 1 or outputs[0].numel() != 1):
            raise RuntimeError("v can only be None if the function returns a single Tensor with a single element.")
        v = _ones(outputs) if v is None else _vector(v, outputs)
        products = _derivatives(outputs, inputs, v, create_graph, strict and "The output of the user-provided function")
    return _result(outputs, output_is_tuple, create_graph), _result(products, as_tuple, create_graph)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), Jacobian · v), the derivative of vᵀ · Jacobian with respect to v. v: shaped like the inputs; may
    be left out for an input of one element."""
    with enable_grad():
        inputs, as_tuple = _leaves(inputs, create_graph, "jvp")
        v = _vector_of_inputs(v, inputs, as_tuple)
        outputs, output_is_tuple = _outputs(func(*inputs), "jvp", strict)
        weights = [each.detach().clone().zero_().requires_grad_() for each in outputs]
        slopes = _derivatives(outputs, inputs, weights, True, strict and "The output of the user-provided function")
        products = _derivatives(slopes, weights, v, create_graph, False)
    return _result(outputs, output_is_tuple, create_graph), _result(products, output_is_tuple, create_graph)


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), vᵀ · Hessian) of a function with one number as its output. v: shaped like the inputs; may be left
    out for an input of one element."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), Hessian · v): the same as `vhp`, for a Hessian is symmetric."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(name, func, inputs, v, create_graph, strict):
    with enable_grad():
        inputs, as_tuple = _leaves(inputs, create_graph, name)
        v = _vector_of_inputs(v, inputs, as_tuple)
        output = _one_number(func(*inputs), name, strict)
        slopes = _derivatives(output, inputs, None, True, strict and "The output of the user-provided function")
        products = _derivatives(
            slopes, inputs, v, create_graph, strict and "The jacobian of the user-provided function")
    return _result(output, False, create_graph), _result(products, as_tuple, create_graph)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The derivative of each element of the output with respect to each element of the input: (*output, *input).

    Several inputs give a tuple, several outputs a tuple of those. vectorize and strategies other than "reverse-mode"
    are not supported.
    """
    _check_plain("jacobian", vectorize, strategy)
    with enable_grad():
        inputs, as_tuple = _leaves(inputs, create_graph, "jacobian")
        outputs, output_is_tuple = _outputs(func(*inputs), "jacobian", strict)
        rows = []
        for position, output in enumerate(outputs):
            what = strict and f"Output {position} of the user-provided function"
            slopes = [_derivatives([output], inputs, [basis], create_graph, what) for basis in _bases(output)]
            blocks = [_block([each[k] for each in slopes], output, source) for k, source in enumerate(inputs)]
            rows.append(_result(blocks, as_tuple, create_graph))
    return tuple(rows) if output_is_tuple else rows[0]


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The second derivatives of a function with one number as its output: (*input, *input), for several inputs a tuple
    of tuples. vectorize and strategies other than "reverse-mode" are not supported."""
    _check_plain("hessian", vectorize, outer_jacobian_strategy)
    _, as_tuple = _leaves(inputs, False, "hessian")

    def slopes(*sources):
        output = _one_number(func(*sources), "hessian", strict)
        found = _derivatives(output, sources, None, True, strict and "The output of the user-provided function")
        for position, slope in enumerate(found):
            if strict and not slope.requires_grad:
                raise RuntimeError(
                    "While computing the hessian, found that the jacobian of the user-provided function with respect "
                    f"to input {position} is independent of the input. This is not allowed in strict mode.")
        return tuple(found) if as_tuple else found[0]

    return jacobian(slopes, inputs, create_graph, strict)


# ---- derivatives ------------------------------------------------------------------------------------------


def _derivatives(outputs, inputs, weights, create_graph, strict):
    """grad, with zeros where nothing depends on an input; or, if `strict` names the output, an error about it."""
    weights = [None] * len(outputs) if weights is None else weights
    recorded = [(output, weight) for output, weight in zip(outputs, weights) if output.requires_grad]
    found = [None] * len(inputs)
    if recorded:
        outputs, weights = zip(*recorded)
        found = grad(outputs, inputs, weights, retain_graph=True, create_graph=create_graph, allow_unused=True)
    for position, slope in enumerate(found):
        if strict and slope is None:
            raise RuntimeError(f"{strict} is independent of input {position}. This is not allowed in strict mode.")
    return [_zeros(each) if slope is None else slope for each, slope in zip(inputs, found)]


def _bases(output):
    """For each element of the output, a tensor of its shape with 1 there and 0 elsewhere."""
    for position in range(output.numel()):
        basis = _zeros(output)
        basis.reshape(-1)[position] = 1
        yield basis


def _block(slopes, output, source):
    """The derivatives of the output's elements, one after the other, as (*output, *source)."""
    shape = (*output.shape, *source.shape)
    from engine.functions import stack  # stands on this package

    return stack(slopes).reshape(shape) if slopes else _zeros(source).expand((0, *source.shape)).reshape(shape)


def _zeros(tensor):
    return tensor.detach().clone().zero_()


# ---- arguments and results ------------------------------------------------------------------------------------


def _as_tuple(given, what, name):
    """(the tensors in a tuple, whether they came in one); TypeError for anything else."""
    several = given if isinstance(given, tuple) else (given,)
    for position, each in enumerate(several):
        if not isinstance(each, TensorBase):
            which = f"the value at index {position}" if several is given else f"the given {what}"
            raise TypeError(
                f"The {what} given to {name} must be a Tensor or a tuple of Tensors but {which} has type {type(each)}.")
    return several, several is given


def _leaves(inputs, create_graph, name):
    """The inputs as tensors that require gradients: copies, but for those that are to be differentiated further."""
    inputs, as_tuple = _as_tuple(inputs, "inputs", name)
    keep = [create_graph and each.requires_grad for each in inputs]
    return [
        each.reshape(each.shape) if kept else each.detach().requires_grad_() for each, kept in zip(inputs, keep)
    ], as_tuple


def _outputs(outputs, name, strict):
    outputs, is_tuple = _as_tuple(outputs, "outputs of the user-provided function", name)
    for position, output in enumerate(outputs):
        if strict and not output.requires_grad:
            raise RuntimeError(
                f"Output {position} of the user-provided function does not require gradients. The outputs must be "
                "computed in a differentiable manner from the input when running in strict mode.")
    return outputs, is_tuple


def _one_number(output, name, strict):
    outputs, is_tuple = _outputs(output, name, strict)
    if is_tuple:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
    return [outputs[0].reshape(())]


def _vector(v, like):
    """v as a list, checked against what it multiplies."""
    several, v_is_tuple = _as_tuple(v, "v", "the function")
    if len(several) != len(like) == 1:
        raise RuntimeError("The given v should contain a single Tensor.")
    if len(several) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(several)}.")
    for position, (each, other) in enumerate(zip(several, like)):
        if each.shape != other.shape:
            entry = f"Entry {position} in v" if v_is_tuple else "v"
            raise RuntimeError(f"{entry} has invalid size: should be {other.shape} but got {each.shape}.")
    return several


def _vector_of_inputs(v, inputs, as_tuple):
    if v is not None:
        return _vector(v, inputs)
    if as_tuple or inputs[0].numel() != 1:
        raise RuntimeError("v can only be None if the input is a single Tensor with a single element.")
    return _ones(inputs)


def _ones(tensors):
    return [each.detach().clone().fill_(1) for each in tensors]


def _result(tensors, is_tuple, create_graph):
    tensors = tuple(tensors) if create_graph else tuple(each.detach() for each in tensors)
    return tensors if is_tuple else tensors[0]


def _check_plain(name, vectorize, strategy):
    if vectorize:
        raise NotImplementedError(f"{name}(): vectorize=True is not supported, only vectorize=False is")
    if strategy != "reverse-mode":
        raise NotImplementedError(f"{name}(): the strategy {strategy!r} is not supported, only 'reverse-mode' is")
