"""The stand-in's `cupy.fuse`: it computes on numpy, and refuses what would not be one kernel.

The real one notes what a function does with variables and compiles that. What it cannot note it hands to a second way
of fusing, which makes several kernels without a word; what it notes wrongly (numbers computed with numbers, arrays of
fewer elements written to) it computes wrongly. Here both are errors. Read in cupy 13.6 and 14.2, _core/fusion.pyx.
"""

import functools
import operator

import cupy_signatures
import numpy as np

CHOICES = "where clip".split()  # the functions besides ufuncs that are noted


class Variable:
    """An argument, or what was computed of some: knows its values, but gives away only what cupy's knows."""

    def __init__(self, hidden, is_array):
        self._hidden, self._is_array = hidden, is_array
        self.ndim = np.ndim(hidden) if is_array else -1
        self.dtype = np.dtype(type(hidden)) if not is_array else hidden.dtype

    def __bool__(self):
        raise TypeError("Can't cast to bool: one kernel has no `if`")

    def __setitem__(self, index, value):
        if index is not Ellipsis and not (isinstance(index, slice) and index == slice(None)):
            raise ValueError("The fusion supports `[...]` or `[:]`.")
        _write(self, opened(value))

    def astype(self, dtype, copy=True):
        if not self._is_array:
            raise TypeError("cupy 14 takes a number through float16 on its way to another type")
        return self if not copy and self.dtype == dtype else Variable(self._hidden.astype(dtype), True)


def opened(value):
    if isinstance(value, Variable):
        return value._hidden
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def is_fusing(arguments):
    return any(isinstance(each, Variable) for each in arguments)


def call(name, function, arguments, keywords):
    """cupy's function of that name on variables and numbers; the ufuncs take `out` by position or by name."""
    is_ufunc = cupy_signatures.is_ufunc(name)
    if not is_ufunc and name not in CHOICES:
        raise TypeError(f"cupy.{name} cannot be fused")
    count = function.nin if is_ufunc else 3
    inputs, out = arguments[:count], list(arguments[count:])
    if "out" in keywords:
        out.append(keywords.pop("out"))
    if keywords:
        raise TypeError(f"Wrong arguments {keywords}")
    if not any(isinstance(each, Variable) and each._is_array for each in inputs):
        raise TypeError(f"cupy.{name} of numbers alone: cupy makes it a float64 that the arrays follow")
    values = [opened(each) for each in inputs]
    result = np.asarray(function(*values))
    if is_ufunc:
        cupy_signatures.check_ufunc(name, values, {}, result)
    if not out:
        return Variable(result, True)
    _write(out[0], result)
    return out[0]


def _write(variable, value):
    if not isinstance(variable, Variable) or not variable._is_array:
        raise TypeError("return arrays must be of ArrayType")
    if np.ndim(value) > variable.ndim:
        raise ValueError("non-broadcastable output operand")
    np.copyto(variable._hidden, value, casting="same_kind")
    variable._is_written = True


for _name in "add sub mul truediv floordiv mod pow lt le eq ne gt ge".split():
    _ufunc = cupy_signatures._OPERATORS[_name]

    def _operator(self, other, name=_ufunc):
        return call(name, getattr(np, name), (self, other), {})

    def _reflected(self, other, name=_ufunc):
        return call(name, getattr(np, name), (other, self), {})

    def _in_place(self, other, name=_ufunc):
        return call(name, getattr(np, name), (self, other, self), {})

    setattr(Variable, f"__{_name}__", _operator)
    if hasattr(operator, f"i{_name}"):
        setattr(Variable, f"__r{_name}__", _reflected)
        setattr(Variable, f"__i{_name}__", _in_place)
Variable.__neg__ = lambda self: call("negative", np.negative, (self,), {})
Variable.__hash__ = None


def fuse(kernel_name, is_array, wrapped, launched):
    """The decorator; is_array, wrapped and launched: what the stand-in knows of its arrays and of calls."""

    def decorate(function):
        def kernel(*arguments):
            arrays = [each for each in arguments if is_array(each)]
            if not arrays:
                raise TypeError("no array among the arguments")
            variables = [_variable(each, is_array) for each in arguments]
            launched(kernel_name)
            result = function(*variables)
            shape = np.broadcast_shapes(*[each.shape for each in arrays])
            _check_written([each for each in variables if each is not None and each._is_array], shape)
            if isinstance(result, tuple):
                return tuple(_result(each, shape, wrapped) for each in result)
            return _result(result, shape, wrapped)

        return functools.wraps(function)(kernel)

    return decorate


def _variable(value, is_array):
    if value is None:
        return None
    if is_array(value):
        return Variable(value._hidden, True)
    if isinstance(value, np.generic):
        return Variable(value, False)
    raise TypeError(f"{type(value)}: cupy knows it as well, but 13 computes in float64 with Python's numbers")


def _result(value, shape, wrapped):
    if value is None:
        return None
    if not isinstance(value, Variable):
        raise TypeError(f"Fusion function can't return {type(value)}")
    if value._hidden.shape != shape:
        raise TypeError(f"cupy gives an array of the shape of all, {shape}, not of {value._hidden.shape}")
    return wrapped(value._hidden.copy())


def _check_written(variables, shape):
    """What is written to has a place for each element, and shares none with another argument's other element."""
    for place, one in enumerate(variables):
        if not getattr(one, "_is_written", False):
            continue
        if one._hidden.shape != shape:
            raise ValueError(f"{one._hidden.shape} was written to where all have {shape}: elements meet in one place")
        for other in variables[:place] + variables[place + 1 :]:
            if _where(one) != _where(other) and np.shares_memory(one._hidden, other._hidden):
                raise ValueError("two arguments share memory as different elements, and one was written to")


def _where(variable):
    array = variable._hidden
    return array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
