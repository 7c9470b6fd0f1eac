"""gradcheck: are the derivatives that backward gives those of the function? Compared with central differences.

Each element of each input is moved by ±eps, and the change of each element of each output is compared with the
derivative that a backward pass from that element gives. Of a complex output, the real and the imaginary part are
looked at one after the other; the derivative by a complex input z = x + iy is ∂/∂x + i ∂/∂y, as everywhere in torch.
"""

import warnings

import numpy as np

from engine import backend
from engine.autograd import grad
from engine.autograd.grad_mode import enable_grad, no_grad
from engine.autograd.graph import TensorBase

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative is wrong: which, what it is and what it should be."""


def gradcheck(
        func, inputs, *, eps=1e-06, atol=1e-05, rtol=0.001, raise_exception=True, nondet_tol=0.0,
        check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False,
        check_forward_ad=False, check_backward_ad=True, fast_mode=False, masked=None):
    """True if the derivatives of func(*inputs) are right, within atol + rtol · |difference quotient|.

    inputs: a Tensor or several arguments; those of float64 or complex128 that require a gradient are checked. With
    raise_exception (the default) GradcheckError tells the argument, the index and both values; without, the result is
    False.
    nondet_tol: how much two backward passes may differ. A backward pass starts from one output at a time, so that
    the others have no gradient (check_undefined_grad). The other checks of torch are not supported.
    ValueError: no input requires a gradient.
    """
    unsupported = {
        "check_batched_grad": check_batched_grad, "check_batched_forward_grad": check_batched_forward_grad,
        "check_forward_ad": check_forward_ad, "fast_mode": fast_mode, "masked": masked}
    _check_supported("gradcheck", unsupported)
    if not check_backward_ad:
        raise ValueError("gradcheck(): check_backward_ad=False leaves nothing to check")
    try:
        inputs = _as_tuple(inputs)
        checked = _checked_inputs(inputs)
        for number in range(len(_outputs(func, inputs))):
            _check_output(func, inputs, checked, number, eps, atol, rtol, nondet_tol, check_grad_dtypes)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
        func, inputs, grad_outputs=None, *, eps=1e-06, atol=1e-05, rtol=0.001, gen_non_contig_grad_outputs=False,
        raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False,
        check_batched_grad=False, check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False, masked=False):
    """`gradcheck` of the derivatives: with respect to the inputs and to grad_outputs (random if not given)."""
    unsupported = {
        "gen_non_contig_grad_outputs": gen_non_contig_grad_outputs, "check_batched_grad": check_batched_grad,
        "check_fwd_over_rev": check_fwd_over_rev, "fast_mode": fast_mode, "masked": masked}
    _check_supported("gradgradcheck", unsupported)
    if not check_rev_over_rev:
        raise ValueError("gradgradcheck(): check_rev_over_rev=False leaves nothing to check")
    inputs = _as_tuple(inputs)
    positions = _checked_inputs(inputs)
    if grad_outputs is None:
        generator = np.random.default_rng(0)
        outputs = _outputs(func, inputs)
        grad_outputs = [_random_like(generator, output).requires_grad_() for output in outputs]
    grad_outputs = _as_tuple(grad_outputs)
    count = len(inputs)

    def slopes(*arguments):
        wanted = [arguments[position] for position in positions]
        outputs = _outputs(func, arguments[:count])
        found = grad(outputs, wanted, arguments[count:], create_graph=True, allow_unused=True)
        return tuple(slope for slope in found if slope is not None and slope.requires_grad) or wanted[0] * 0

    how = {"eps": eps, "atol": atol, "rtol": rtol, "raise_exception": raise_exception, "nondet_tol": nondet_tol}
    return gradcheck(slopes, (*inputs, *grad_outputs), check_grad_dtypes=check_grad_dtypes, **how)


def _check_output(func, inputs, checked, number, eps, atol, rtol, nondet_tol, check_grad_dtypes):
    """GradcheckError unless the derivatives of output `number` with respect to all checked inputs are right."""
    output = _outputs(func, inputs)[number]
    analytic = _analytic(output, [inputs[position] for position in checked], check_grad_dtypes)
    again = _analytic(output, [inputs[position] for position in checked], check_grad_dtypes)
    for position, found, repeated in zip(checked, analytic, again):
        numeric = _numeric(func, inputs, position, number, eps)
        wrong = ~np.isclose(found, numeric, rtol=rtol, atol=atol)
        if wrong.any():
            raise GradcheckError(_mismatch(number, position, inputs[position], output, found, numeric, wrong))
        if not (abs(found - repeated) <= nondet_tol).all():
            raise GradcheckError(
                f"Backward is not reentrant: two passes give derivatives of output {number} with respect to input "
                f"{position} that differ by {abs(found - repeated).max()}, more than nondet_tol = {nondet_tol}")


def _mismatch(number, position, source, output, found, numeric, wrong):
    row, column = [int(each) for each in np.argwhere(wrong)[0]]
    of_input = tuple(int(each) for each in np.unravel_index(row, source.shape))
    of_output = tuple(int(each) for each in np.unravel_index(column % output.numel(), output.shape))
    part = "the imaginary part of " if column >= output.numel() else ""
    return (
        f"Jacobian mismatch for output {number} with respect to input {position},\n"
        f"at {part}element {of_output} of the output and {of_input} of the input: backward gives "
        f"{found[row, column]:.6g}, the difference quotient is {numeric[row, column]:.6g}; so at {wrong.sum()} of "
        f"{wrong.size} places\n"
        f"numerical:{numeric}\nanalytical:{found}")


def _numeric(func, inputs, position, number, eps):
    """The change of each element of the output for each element of the input: (input's size, output's size)."""
    moving = inputs[position]
    directions = (1, 1j) if moving.dtype.is_complex else (1,)
    rows = []
    for place in np.ndindex(*moving.shape):
        slopes = [_slope(func, inputs, moving, place, number, eps * direction) / eps for direction in directions]
        rows.append(slopes[0] + 1j * slopes[1] if len(slopes) == 2 else slopes[0])
    return np.array(rows).reshape(moving.numel(), -1) if rows else np.zeros((0, 0))


def _slope(func, inputs, moving, place, number, step):
    """Half of what output `number` changes by when that element of the input goes from -step to +step."""
    values = []
    for offset in (step, -step):
        array = moving.array.copy()
        array[place] += offset
        moved = type(moving)(array).requires_grad_()
        with no_grad():
            output = _outputs(func, [moved if each is moving else each for each in inputs])[number]
        values.append(_parts(backend.to_numpy(output.array)))
    return (values[0] - values[1]) / 2


def _parts(array):
    """The elements as a float64 vector; of complex ones first all real parts, then all imaginary ones."""
    flat = array.ravel()
    return np.concatenate([flat.real, flat.imag] if flat.dtype.kind == "c" else [flat]).astype(np.float64)


def _analytic(output, sources, check_grad_dtypes):
    """The derivatives by backward, as `_numeric` orders them, with respect to each of the sources."""
    columns = []
    for part in (1, 1j) if output.dtype.is_complex else (1,):
        for place in np.ndindex(*output.shape):
            weight = output.detach().clone().zero_()
            weight[place] = part
            if output.requires_grad:
                columns.append(grad(output, sources, weight, retain_graph=True, allow_unused=True))
            else:
                columns.append([None] * len(sources))
    by_source = zip(*columns) if columns else [()] * len(sources)
    return [_jacobian(source, slopes, check_grad_dtypes) for source, slopes in zip(sources, by_source)]


def _jacobian(source, columns, check_grad_dtypes):
    jacobian = np.zeros((source.numel(), len(columns)), np.complex128 if source.dtype.is_complex else np.float64)
    for number, slope in enumerate(columns):
        if slope is not None:
            if check_grad_dtypes and slope.dtype is not source.dtype:
                raise GradcheckError(f"The gradient of a {source.dtype} input is of type {slope.dtype}")
            jacobian[:, number] = backend.to_numpy(slope.array).ravel()
    return jacobian


def _outputs(func, inputs):
    """The outputs that can have a gradient."""
    with enable_grad():
        outputs = _as_tuple(func(*inputs))
    for output in outputs:
        if not isinstance(output, TensorBase):
            raise TypeError(f"the function to check must return tensors, not {type(output).__name__}")
    return [output for output in outputs if output.dtype.is_floating_point or output.dtype.is_complex]


def _checked_inputs(inputs):
    """The positions of the tensors that require a gradient."""
    positions = [
        position for position, each in enumerate(inputs) if isinstance(each, TensorBase) and each.requires_grad]
    if not positions:
        raise ValueError("gradcheck expects at least one input tensor with requires_grad=True, but there is none.")
    for position in positions:
        if inputs[position].array.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{position} requires gradient and is not a double precision floating point or complex. "
                "This check will likely fail if all the inputs are not of double precision floating point or complex.",
                stacklevel=3)
    return positions


def _check_supported(function, switches):
    for name, value in switches.items():
        if value:
            raise NotImplementedError(f"{function}(): {name}={value!r} is not supported")


def _as_tuple(given):
    return tuple(given) if isinstance(given, (tuple, list)) else (given,)


def _random_like(generator, tensor):
    drawn = generator.standard_normal(tuple(tensor.shape))
    drawn = drawn + 1j * generator.standard_normal(tuple(tensor.shape)) if tensor.dtype.is_complex else drawn
    return type(tensor)(backend.as_array(drawn.astype(tensor.array.dtype), like=tensor.array))
