"""A stand-in for cupy, backed by numpy, that is strict where cupy differs from numpy.

Its arrays refuse to become numpy arrays by accident and refuse to be mixed with them, reductions give 0-d
arrays instead of scalars, only functions that the real cupy exposes exist, and integer indices out of range
wrap around without a word. Code that passes on it has a fair chance on a real GPU; `pytest -m gpu` has the
last word there.
"""

import contextlib
import operator
import types

import cupy_signatures
import numpy as np
import strict_fusion

# The functions of cupy's namespace that the engine may call. Each exists in cupy 13 and 14
# (tests/engine/test_strict_cupy.py compares with a real cupy where one is installed).
FUNCTIONS = """
abs absolute add all amax amin any arange arccos arcsin arctan arctan2 argmax argmin argsort array asarray
ascontiguousarray asnumpy bincount bitwise_and bitwise_or bitwise_xor broadcast_to ceil clip concatenate conj
conjugate copyto cos cosh cumprod cumsum diagonal divide empty empty_like equal exp expm1 eye flip floor floor_divide fmod full
full_like greater greater_equal imag invert isfinite isinf isnan less less_equal log log10 log1p log2 logaddexp
logical_and logical_not logical_or logical_xor matmul max maximum may_share_memory mean min minimum multiply
nan_to_num negative nonzero not_equal ones ones_like power prod real remainder roll round searchsorted sign sin sinh
sqrt squeeze stack subtract sum swapaxes take_along_axis tan tanh transpose tril triu true_divide trunc unique where
zeros zeros_like
""".split()

LINALG = "cholesky det eigh inv qr slogdet solve svd".split()


# What a GPU does not compute: memory that is taken or looked at otherwise.
FREE = "broadcast_to diagonal empty empty_like expand_dims may_share_memory squeeze swapaxes transpose".split()
_watching = []


@contextlib.contextmanager
def launches():
    """A list of the names of all that a GPU would be told to compute within: each is a kernel, at least."""
    names = []
    _watching.append(names)
    try:
        yield names
    finally:
        _watching.remove(names)


def _launched(name):
    for names in _watching:
        names.append(name)


class ndarray:
    """An array "on the GPU": a numpy array behind a wall."""

    __array_priority__ = 100

    def __init__(self, array):
        self._hidden = np.asarray(array)
        self.device = types.SimpleNamespace(id=_Device.current)

    # -- what may be known without a copy --
    shape = property(lambda self: self._hidden.shape)
    dtype = property(lambda self: self._hidden.dtype)
    ndim = property(lambda self: self._hidden.ndim)
    size = property(lambda self: self._hidden.size)
    itemsize = property(lambda self: self._hidden.itemsize)
    strides = property(lambda self: self._hidden.strides)
    base = property(lambda self: None if self._hidden.base is None else ndarray(self._hidden.base))
    __cuda_array_interface__ = property(lambda self: self._hidden.__array_interface__ | {"version": 3})

    @property
    def flags(self):
        # cupy's flags have no `writeable`: broadcast views can be written to, to everybody's harm
        return types.SimpleNamespace(c_contiguous=self._hidden.flags.c_contiguous, owndata=self._hidden.flags.owndata)

    @property
    def real(self):
        return ndarray(self._hidden.real)

    @property
    def imag(self):
        return ndarray(self._hidden.imag)

    @property
    def T(self):
        return ndarray(self._hidden.T)

    # -- refusals --
    def __array__(self, *arguments, **keywords):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, ufunc, how, *inputs, **keywords):
        if ufunc.__name__ not in FUNCTIONS or how != "__call__":
            return NotImplemented
        return getattr(_module, ufunc.__name__)(*inputs, **keywords)

    def __array_function__(self, function, kinds, arguments, keywords):
        own = _module
        for part in (*function.__module__.split(".")[1:], function.__name__):  # numpy.linalg.inv -> cupy.linalg.inv
            own = getattr(own, part, None)
        if own is None:
            return NotImplemented
        return own(*arguments, **keywords)

    # -- methods that cupy's arrays have too --
    def get(self):
        return self._hidden.copy()

    def item(self):
        return self._hidden.item()

    def tolist(self):
        return self._hidden.tolist()

    def copy(self):
        _launched("copy")
        return ndarray(self._hidden.copy())

    def astype(self, dtype, copy=True):
        if not copy and self.dtype == dtype:
            return self
        _launched("astype")
        return ndarray(self._hidden.astype(dtype))

    def view(self, dtype):
        return ndarray(self._hidden.view(dtype))

    def conj(self):
        _launched("conj")
        return ndarray(self._hidden.conj())

    def any(self, axis=None, keepdims=False):
        _launched("any")
        return ndarray(self._hidden.any(axis=axis, keepdims=keepdims))

    def reshape(self, *shape):
        return ndarray(self._hidden.reshape(*shape))

    def transpose(self, *axes):
        return ndarray(self._hidden.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return ndarray(self._hidden.swapaxes(axis1, axis2))

    def ravel(self):
        return ndarray(self._hidden.ravel())

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        _launched("sum")
        return ndarray(self._hidden.sum(axis=axis, dtype=dtype, keepdims=keepdims))

    def max(self, axis=None, keepdims=False):
        _launched("max")
        return ndarray(self._hidden.max(axis=axis, keepdims=keepdims))

    def min(self, axis=None, keepdims=False):
        _launched("min")
        return ndarray(self._hidden.min(axis=axis, keepdims=keepdims))

    def __getitem__(self, index):
        index = self._index(index)
        return ndarray(self._hidden[index])

    def __setitem__(self, index, value):
        _launched("setitem")
        self._hidden[self._index(index)] = _open(value)

    def _index(self, index):
        """The index opened, and wrapped around as cupy does for integer arrays."""
        parts = index if isinstance(index, tuple) else (index,)
        opened, dim = [], 0
        for part in parts:
            if isinstance(part, np.ndarray):
                raise TypeError("Unsupported type <class 'numpy.ndarray'>")
            if isinstance(part, ndarray) and part.dtype.kind in "iu":
                opened.append(part._hidden % max(self.shape[dim], 1))
            else:
                opened.append(_open(part))
            if part is Ellipsis:
                dim = self.ndim - sum(
                    each is not None and each is not Ellipsis for each in parts[parts.index(Ellipsis) + 1 :]
                )
            elif part is not None:
                dim += 1
        return tuple(opened)

    def __len__(self):
        return len(self._hidden)

    def __bool__(self):
        return bool(self._hidden)

    def __int__(self):
        return int(self._hidden)

    def __float__(self):
        return float(self._hidden)

    def __repr__(self):
        return f"strict_cupy.{self._hidden!r}"


def _open(value):
    if isinstance(value, ndarray):
        return value._hidden
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, (tuple, list)):
        return type(value)(_open(each) for each in value)
    return value


def _wrapped(result):
    if isinstance(result, tuple):
        return tuple(_wrapped(each) for each in result)
    return ndarray(result) if isinstance(result, (np.ndarray, np.generic)) else result


def _guarded(function, name=None):
    """numpy's function on the hidden arrays; numpy arrays as arguments are refused, results are wrapped."""

    def call(*arguments, **keywords):
        if strict_fusion.is_fusing(arguments):
            return strict_fusion.call(name, function, arguments, keywords)
        if name not in FREE:
            _launched(name)
        cupy_signatures.check_call(name, arguments, keywords)
        return _wrapped(
            function(*[_open(each) for each in arguments], **{key: _open(value) for key, value in keywords.items()})
        )

    name = call.__name__ = name or function.__name__
    return call


class _Ufunc:
    """A function with `at`, as cupy's ufuncs have it."""

    def __init__(self, function):
        self._function = function
        self.__name__ = function.__name__

    def __call__(self, *arguments, **keywords):
        name = self.__name__
        if not cupy_signatures.is_ufunc(name):  # matmul
            return _guarded(self._function)(*arguments, **keywords)
        if strict_fusion.is_fusing(arguments):
            return strict_fusion.call(name, self._function, arguments, keywords)
        _launched(name)
        arguments = [_open(each) for each in arguments]
        keywords = {key: _open(value) for key, value in keywords.items()}
        result = self._function(*arguments, **keywords)
        cupy_signatures.check_ufunc(name, arguments, keywords, result)
        return _wrapped(result)

    def at(self, target, index, values):
        _launched(f"{self.__name__}.at")
        if target.dtype.name not in ("int32", "uint32", "uint64", "float16", "float32", "float64"):
            raise TypeError(f"scatter_add does not support {target.dtype}")
        self._function.at(target._hidden, target._index(index), _open(values))


def _binary(function, reflected=False):
    def method(self, other):
        if not isinstance(other, (ndarray, bool, int, float, complex, np.generic)):
            return NotImplemented
        _launched(function.__name__)
        pair = (_open(other), self._hidden) if reflected else (self._hidden, _open(other))
        result = function(*pair)
        cupy_signatures.check_operator(function, pair, result)
        return _wrapped(result)

    return method


def _in_place(function):
    def method(self, other):
        _launched(function.__name__)
        function(self._hidden, _open(other), out=self._hidden, casting="same_kind")
        return self

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(ndarray, f"__{_name}__", _binary(getattr(operator, _name)))
    setattr(ndarray, f"__r{_name}__", _binary(getattr(operator, _name), reflected=True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_"):
    setattr(ndarray, f"__{_name.strip('_')}__", _binary(getattr(operator, _name)))
for _name in ("and_", "or_"):
    setattr(ndarray, f"__r{_name.strip('_')}__", _binary(getattr(operator, _name), reflected=True))
for _name, _function in (("iadd", np.add), ("isub", np.subtract), ("imul", np.multiply), ("itruediv", np.true_divide)):
    setattr(ndarray, f"__{_name}__", _in_place(_function))
ndarray.__neg__ = lambda self: _module.negative(self)
ndarray.__abs__ = lambda self: _module.absolute(self)
ndarray.__hash__ = None


class _Device:
    current = 0

    def __init__(self, index):
        self.id = index

    def use(self):
        _Device.current = self.id

    def synchronize(self):
        return None

    def __enter__(self):
        self.before = _Device.current
        self.use()
        return self

    def __exit__(self, *exception):
        _Device.current = self.before


class _MemoryHook:
    """Called at each piece of memory that is taken and given back; `entered` holds those that are in use."""

    entered = []

    def __enter__(self):
        self.entered.append(self)
        return self

    def __exit__(self, *exception):
        self.entered.remove(self)


class _MemoryPool:
    def used_bytes(self):
        return 4096

    def total_bytes(self):
        return 8192

    def free_all_blocks(self, stream=None):
        return None


_PROPERTIES = {"name": b"Stand-in", "major": 9, "minor": 0, "totalGlobalMem": 2**30, "multiProcessorCount": 4}


class _Ogrid:
    """cupy has ogrid too."""

    def __getitem__(self, key):
        return [ndarray(each) for each in np.ogrid[key]]


def _asarray(value, dtype=None):
    if isinstance(value, ndarray):
        return value if dtype is None else value.astype(dtype, copy=False)
    return ndarray(np.array(value, dtype=dtype))  # from the host: always a copy


def _broadcast_to(array, shape):
    view = np.broadcast_to(array._hidden, shape)
    view.flags.writeable = array._hidden.flags.writeable  # cupy has no read-only arrays
    return ndarray(view)


def _take_along_axis(array, indices, axis):
    """By cupy's indexing, which wraps around."""
    return _wrapped(np.take_along_axis(_open(array), _open(indices) % max(array.shape[axis], 1), axis))


def _array(value, dtype=None, copy=True):
    return ndarray(np.array(_open(value) if isinstance(value, ndarray) else value, dtype=dtype))


def _asnumpy(value):
    return value.get() if isinstance(value, ndarray) else np.asarray(value)


def _as_strided(array, shape=None, strides=None):
    return ndarray(np.lib.stride_tricks.as_strided(array._hidden, shape, strides))


def _diagonal(array, offset=0, axis1=0, axis2=1):
    view = np.diagonal(array._hidden, offset, axis1, axis2)
    view.flags.writeable = array._hidden.flags.writeable  # cupy has no read-only arrays
    return ndarray(view)


def _fuse(kernel_name):
    return strict_fusion.fuse(kernel_name, lambda value: isinstance(value, ndarray), ndarray, _launched)


def as_module(device_count=1):
    """The stand-in as a module to put at sys.modules["cupy"]."""
    module = types.ModuleType("cupy")
    module.ndarray = ndarray
    for name in FUNCTIONS:
        function = getattr(np, name, None)
        if isinstance(function, np.ufunc):
            setattr(module, name, _Ufunc(function))
        elif function is not None:
            setattr(module, name, _guarded(function))
    module.broadcast_to = _broadcast_to
    module.asarray, module.array, module.asnumpy, module.ogrid = _asarray, _array, _asnumpy, _Ogrid()
    module.diagonal, module.take_along_axis, module.fuse = _diagonal, _take_along_axis, _fuse
    module.lib = types.SimpleNamespace(stride_tricks=types.SimpleNamespace(as_strided=_as_strided))
    module.linalg = types.SimpleNamespace(
        **{name: _guarded(getattr(np.linalg, name), f"linalg.{name}") for name in LINALG}
    )
    module.cuda = types.SimpleNamespace(
        Device=_Device,
        runtime=types.SimpleNamespace(
            getDeviceCount=lambda: device_count,
            getDevice=lambda: _Device.current,
            getDeviceProperties=lambda index: _PROPERTIES,
            memGetInfo=lambda: (2**29, 2**30),
            CUDARuntimeError=RuntimeError,
        ),
        MemoryHook=_MemoryHook,
    )
    module.get_default_memory_pool = _MemoryPool
    return module


def _erf(array):
    from engine import backend

    if isinstance(array, strict_fusion.Variable):
        return strict_fusion.Variable(backend.erf(array._hidden), True)
    _launched("erf")
    return ndarray(backend.erf(array._hidden))


def as_cupyx():
    """What the engine uses of cupyx, as modules for sys.modules."""
    special = types.SimpleNamespace(erf=_erf)
    scipy = types.SimpleNamespace(special=special)
    return {"cupyx": types.SimpleNamespace(scipy=scipy), "cupyx.scipy": scipy, "cupyx.scipy.special": special}


_module = as_module()
