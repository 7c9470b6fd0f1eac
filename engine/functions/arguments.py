"""Reading arguments as torch reads them: tensors, numbers, dimensions, shapes; and which functions are methods."""

import builtins
import operator

import numpy as np

from engine.autograd.graph import TensorBase

METHODS = []


def method(function):
    """Make the function a method of Tensor as well."""
    METHODS.append(function)
    return function


def check_tensor(value, function, argument="input", position=1):
    """TypeError in torch's words unless `value` is a Tensor."""
    if not isinstance(value, TensorBase):
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {type(value).__name__}"
        )


def check_dim(dim, ndim):
    """`dim` as a number in [0, ndim); IndexError outside of [-ndim, ndim). A 0-d tensor counts as having one."""
    dim = operator.index(dim)
    limit = ndim if ndim else 1
    if not -limit <= dim < limit:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got {dim})")
    return dim % limit


def check_dims(dim, ndim):
    """None, a number or several as numpy wants it: None or a tuple without repetition."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return None
    dims = [check_dim(each, ndim) for each in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    for each in dims:
        if dims.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return tuple(dims) if ndim else None


def as_shape(sizes):
    """(2, 3), ((2, 3),) and ([2, 3],) all mean the shape (2, 3)."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    try:
        return tuple(operator.index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"a shape must consist of integers, got {sizes!r}") from None


def operand(value, function, position, argument=None):
    """A tensor, or a Python number; numpy's scalars become one. argument: its name unless it is "input" or "other"."""
    if isinstance(value, (TensorBase, builtins.bool, builtins.int, builtins.float, builtins.complex)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    argument = argument or ("input", "other")[position - 1]
    raise TypeError(
        f"{function}(): argument '{argument}' (position {position}) must be Tensor or a number, "
        f"not {type(value).__name__}"
    )
