"""Reading arguments as torch reads them: tensors, numbers, dimensions, shapes; and which functions are methods."""

import builtins
import functools
import operator

import numpy as np

from engine import dtypes
from engine.autograd.graph import TensorBase

METHODS = []


def method(function):
    """Make the function a method of Tensor as well."""
    METHODS.append(function)
    return function


def numpy_names(function):
    """Let the function take numpy's names `axis` and `keepdims` for `dim` and `keepdim`, as torch does."""

    @functools.wraps(function)
    def renaming(*arguments, **keywords):
        for its, ours in (("axis", "dim"), ("keepdims", "keepdim")) if keywords else ():
            if its in keywords:
                if ours in keywords:
                    raise TypeError(f"{function.__name__}() received both {ours!r} and {its!r}, which mean the same")
                keywords[ours] = keywords.pop(its)
        return function(*arguments, **keywords)

    return renaming


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


def one_or_several(dims, dim):
    """f(0), f(0, 1), f((0, 1)) and f(dim=0): what was given by position, or else by keyword."""
    if not dims:
        return dim
    if dim is not None:
        raise TypeError("dim was given twice, by position and by keyword")
    return dims[0] if len(dims) == 1 else dims


def as_shape(sizes, keyword=None):
    """(2, 3), ((2, 3),) and ([2, 3],) all mean the shape (2, 3); so does what was given by keyword."""
    if keyword is not None:
        sizes = (*sizes, keyword)
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


def number_in(value, dtype):
    """The Python number as `dtype` holds it; RuntimeError where it does not fit, ValueError beyond int64, as torch."""
    if isinstance(value, builtins.int) and not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return dtypes.fitting(value, dtype)
