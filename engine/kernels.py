"""A chain of elementwise operations as one kernel on a GPU.

There each call of numpy launches a kernel, some microseconds however few the numbers, and takes its arrays through
memory: the ten calls of an optimizer's step pay both ten times. `cupy.fuse` calls a Python function once for each
combination of types, with variables in the place of arrays and numbers, notes what is done with them and compiles that
as one kernel. Its functions stay numpy, for readers and for the CPU; those of cupy.ElementwiseKernel would be C.

What it fuses (read in cupy 13.6 and 14.2): numpy's elementwise functions, `where`, `clip`, `a += b` and `a[...] = b`.
No shapes, no indices, no `if` on values, no sums: cupy would turn to a slower way without a word.
"""

import functools

import numpy as np

from engine import backend


def is_on_gpu(value):
    """Whether it is an array on a GPU: neither numpy's nor a tensor."""
    return hasattr(type(value), "__cuda_array_interface__")


def one_kernel(function):
    """`function` of arrays, the first of which says where, then numbers, each or none of them None.

    For floats on a GPU it is compiled; for others it is called as it is. It may decide by what is None. What is computed
    from numbers alone belongs to the caller, who has them in float64. It may write to arguments of the shape that all
    have together, which share no memory but as the same elements. What it gives, an array or several or None, has the
    type of the first argument. Numbers may change from call to call: types alone are compiled for.
    """

    @functools.wraps(function)
    def call(first, *others):
        if not is_on_gpu(first) or first.dtype.kind != "f":
            return function(first, *others)
        # Python's numbers would be float64 in the kernel, and in cupy 13 all that they meet would follow; to cast them
        # in there is no way out: cupy 14 takes them through float16
        number = first.dtype.type
        others = [number(each) if isinstance(each, (int, float)) else each for each in others]
        return _fused(backend.cupy(), function)(first, *others)

    return call


@functools.cache
def _fused(cupy, function):
    @cupy.fuse(kernel_name=function.__name__)
    def kernel(*variables):
        dtype = variables[0].dtype
        result = function(*[each if each is None else _Variable(each, dtype) for each in variables])
        own = [_own(each) for each in (result if isinstance(result, tuple) else (result,))]
        own = [each if each is None else each.astype(dtype, copy=False) for each in own]
        return tuple(own) if isinstance(result, tuple) else own[0]

    return kernel


class _Variable(np.lib.mixins.NDArrayOperatorsMixin):
    """cupy's variable in numpy's hands, which hand every call on to cupy's function of that name."""

    def __init__(self, own, dtype):
        self.own, self.dtype = own, dtype

    def __array_ufunc__(self, ufunc, how, *inputs, out=()):
        if how != "__call__":
            raise TypeError(f"np.{ufunc.__name__}.{how} is no elementwise function: one kernel cannot do it")
        return self.__array_function__(ufunc, (), (*inputs, *out), {})

    def __array_function__(self, function, kinds, arguments, keywords):
        own = getattr(backend.cupy(), function.__name__)(*map(_own, arguments), **keywords)
        return _Variable(own, self.dtype)

    def __bool__(self):
        raise TypeError("what a kernel does cannot depend on a value: use np.where")

    def __setitem__(self, index, value):
        self.own[index] = _own(value)

    def astype(self, dtype, copy=True):
        return _Variable(self.own.astype(dtype, copy=copy), self.dtype)


def _own(value):
    return value.own if isinstance(value, _Variable) else value


def erf(array):
    """The error function, in a kernel too."""
    return _Variable(backend.erf(array.own), array.dtype) if isinstance(array, _Variable) else backend.erf(array)
