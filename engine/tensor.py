"""Tensor: an array on a device with a place in the computation graph.

The arithmetic is the table's, the methods are `engine.functions`; what is written here is what only a
tensor can do: say what it is, be indexed, be changed in place, and start the backward pass.
"""

import math
import numbers

import numpy as np

from engine import backend, dtypes, functions
from engine.autograd import graph
from engine.autograd.graph import TensorBase
from engine.functions.arguments import METHODS, check_dim, check_tensor
from engine.inplace import assign, in_place_methods
from engine.ops import elementwise, indexing
from engine.ops.table import primitive
from engine.printing import tensor_text


class Size(tuple):
    """A shape: a tuple that prints as torch's and can count its elements."""

    __slots__ = ()

    def __new__(cls, sizes=()):
        sizes = tuple(sizes)
        for position, size in enumerate(sizes):
            if not hasattr(size, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {position} is {type(size).__name__!r})")
        return tuple.__new__(cls, sizes)

    def numel(self):
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __getitem__(self, index):
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other):
        return Size(tuple.__add__(self, other))

    def __radd__(self, other):
        return Size(other + tuple(self))

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    def __repr__(self):
        return f"torch.Size({list(self)})"


class device:
    """Where a tensor lives: device("cpu"), device("cuda"), device("cuda:1") or device("cuda", 1)."""

    __slots__ = ("type", "index")

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, colon, number = type.partition(":")
        if name not in ("cpu", "cuda") or (colon and not number.isdigit()):
            raise RuntimeError(f"Expected one of cpu, cuda, cuda:<number> as device, got: {type!r}")
        self.type = name
        self.index = int(number) if colon else index

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self):
        return (
            f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"
        )


CPU = device("cpu")


def array_on(array, where):
    """The array on that device (None: where it is)."""
    if where is None:
        return array
    where = device(where)
    return backend.to_numpy(array) if where.type == "cpu" else backend.to_cuda(array, where.index or 0)


def device_index(where):
    """The number of a GPU; None for the CPU, which is also what None means."""
    where = CPU if where is None else device(where)
    return None if where.type == "cpu" else where.index or 0


class Tensor(TensorBase):
    """A multi-dimensional array of one type whose operations can be differentiated. Make one with `engine.tensor`."""

    __slots__ = ()
    __array_priority__ = 1000  # so that `array * tensor` asks the tensor

    # ---- what it is ----

    @property
    def shape(self):
        return tuple.__new__(Size, self.array.shape)

    def size(self, dim=None):
        """The shape, or the size of one dimension."""
        return self.shape if dim is None else self.array.shape[check_dim(dim, self.ndim)]

    ndim = property(lambda self: self.array.ndim)
    dtype = property(lambda self: dtypes.FROM_NUMPY[self.array.dtype])
    itemsize = property(lambda self: self.array.itemsize)

    def dim(self):
        """The number of dimensions."""
        return self.array.ndim

    def numel(self):
        """The number of elements."""
        return self.array.size

    def stride(self, dim=None):
        """How many elements apart neighbours along each dimension are in memory."""
        steps = tuple(step // self.array.itemsize for step in self.array.strides)
        return steps if dim is None else steps[check_dim(dim, self.ndim)]

    def is_contiguous(self):
        """True if the elements lie in memory in row-major order."""
        return bool(self.array.flags.c_contiguous)

    @property
    def device(self):
        index = backend.cuda_index(self.array)
        return CPU if index is None else device("cuda", index)

    @property
    def is_cuda(self):
        return backend.cuda_index(self.array) is not None

    @TensorBase.requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad=True):
        """Record operations on this tensor from now on (or no longer); RuntimeError if it cannot have a gradient."""
        if requires_grad and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. Use tensor.detach() for a tensor without a history."
            )
        self.requires_grad_flag = bool(requires_grad)
        return self

    @property
    def _version(self):
        return self.storage.version

    @property
    def data(self):
        """The same memory without a history; torch's old name for detach()."""
        return self.detach()

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[position] for position in range(len(self)))

    def __contains__(self, value):
        return bool((self == value).any())

    __hash__ = object.__hash__

    def __repr__(self):
        return tensor_text(self)

    def __format__(self, specification):
        return format(self.item() if not self.ndim and specification else str(self), specification)

    def _repr_mimebundle_(self, include=None, exclude=None):
        """In a notebook: the text and, for the result of recorded operations, its computation graph."""
        bundle = {"text/plain": repr(self)}
        if self.grad_fn is not None:
            from engine import viz

            bundle |= viz.notebook_bundle(self, title=repr(self))
        return bundle

    def __getattr__(self, name):
        from engine.names import missing

        raise missing("Tensor", name, dir(type(self)))

    # ---- out of the tensor ----

    def item(self):
        """The one element as a Python number; RuntimeError if there are more."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self.array.item()

    def tolist(self):
        """The elements as (nested) Python lists of numbers."""
        return self.array.tolist()

    def numpy(self):
        """The elements as a numpy array that shares their memory; only for tensors on the CPU that need no gradient."""
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.is_cuda:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return self.array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        return np.array(array, dtype=dtype) if copy or (dtype is not None and dtype != array.dtype) else array

    def _number(self):
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to a number; which one?")
        return self.array.item()

    def __bool__(self):
        if self.array.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        return bool(self._number())

    def __float__(self):
        return float(self._number())

    def __int__(self):
        return int(self._number())

    def __index__(self):
        if self.dtype.category > dtypes.INTEGER:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._number())

    # ---- type and device ----

    def to(self, *arguments, dtype=None, device=None):
        """With another dtype and/or on another device: to(float64), to("cuda"), to(device, dtype), to(other tensor)."""
        for argument in arguments:
            if isinstance(argument, Tensor):
                device, dtype = argument.device, argument.dtype
            elif isinstance(argument, (dtypes.dtype, np.dtype, type)):
                dtype = argument
            else:
                device = argument
        result = self
        if dtype is not None:
            numpy_type = dtype if isinstance(dtype, np.dtype) else dtypes.check_dtype(dtype).numpy
            if numpy_type != self.array.dtype:
                result = elementwise.to(result, dtype=numpy_type)
        if device is not None and array_on(result.array, device) is not result.array:
            result = move(result, destination=str(device), source=str(result.device))
        return result

    def cpu(self):
        """On the CPU (itself if it is there)."""
        return self.to("cpu")

    def cuda(self, device=None):
        """On the GPU (the first, or number `device`)."""
        return self.to("cuda" if device is None else f"cuda:{device}" if isinstance(device, int) else device)

    def double(self):
        return self.to(dtypes.float64)

    def float(self):
        return self.to(dtypes.float32)

    def half(self):
        return self.to(dtypes.float16)

    def bfloat16(self):
        return self.to(dtypes.bfloat16())

    def long(self):
        return self.to(dtypes.int64)

    def int(self):
        return self.to(dtypes.int32)

    def bool(self):
        return self.to(dtypes.bool)

    def contiguous(self):
        """Itself, or a copy in row-major order."""
        return self if self.is_contiguous() else self.clone()

    def view(self, *sizes):
        """reshape that never copies: RuntimeError where the memory's order does not allow a view."""
        result = self.reshape(*sizes)
        if self.numel() and not backend.share_memory(result.array, self.array):
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
                "contiguous subspaces). Use .reshape(...) instead."
            )
        return result

    @property
    def T(self):
        return self.permute(*reversed(range(self.ndim)))

    @property
    def mT(self):
        return self.transpose(-2, -1)

    # ---- autograd ----

    def backward(self, gradient=None, retain_graph=None, create_graph=False):
        """Add to the `.grad` of every leaf the derivative of this tensor, weighted with `gradient` (1 for a scalar)."""
        from engine import autograd

        autograd.backward(self, gradient, retain_graph, create_graph)

    def detach(self):
        """The same memory, outside the graph."""
        return Tensor(self.array, self.storage)

    def retain_grad(self):
        """Keep the gradient of this non-leaf tensor in its `.grad` too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None:
            self.grad_fn.retaining = graph.weakref.ref(self)

    def register_hook(self, hook):
        """Call hook(gradient) whenever this tensor's gradient is complete; what it returns, if anything, takes its place.

        Returns a handle whose remove() ends that.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        owner, slot = (self, "_hooks") if self.is_leaf else (self.grad_fn, "hooks")
        hooks = getattr(owner, slot)
        if hooks is None:
            hooks = {}
            setattr(owner, slot, hooks)
        handle = RemovableHandle(hooks)
        hooks[handle] = hook
        return handle

    # ---- indexing ----

    def __getitem__(self, index):
        return indexing.getitem(self, index=as_index(index, self))

    def __setitem__(self, index, value):
        if not isinstance(value, Tensor):
            value = Tensor(backend.module_of(self.array).asarray(value))
        assign(self, as_index(index, self), value.to(self.dtype))

    # ---- changing in place ----

    def copy_(self, source):
        """Overwrite the elements with those of `source` (a tensor that broadcasts)."""
        check_tensor(source, "copy_", "src")
        if source.device != self.device:
            source = source.to(self.device)
        self[...] = source
        return self

    def fill_(self, value):
        """Overwrite every element with a number."""
        self[...] = value
        return self

    def zero_(self):
        """Overwrite every element with 0."""
        return self.fill_(0)


class RemovableHandle:
    """What register_hook returns: remove() takes the hook away."""

    def __init__(self, hooks):
        self._hooks = hooks

    def remove(self):
        self._hooks.pop(self, None)


def as_index(index, tensor):
    """An index as numpy takes it, always a tuple: tensors and lists as arrays on the tensor's device.

    Ends in an Ellipsis where that makes numpy hand out a view also of a single element.
    """
    parts = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, Tensor):
            if part.dtype.category > dtypes.INTEGER:
                raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, got {part.dtype}")
            part = array_on(part.array, tensor.device)
        elif isinstance(part, (list, np.ndarray)):
            part = backend.as_array(np.asarray(part, dtype=None if len(part) else np.int64), like=tensor.array)
        elif not (part is None or part is Ellipsis or isinstance(part, (int, slice, np.integer))):
            raise TypeError(f"indices must be integers, slices, ..., None, tensors or lists, got {type(part).__name__}")
        parts.append(part)
    if not any(part is Ellipsis or hasattr(part, "ndim") for part in parts):
        parts.append(Ellipsis)
    return tuple(parts)


# ---- the copy between devices: the one op that needs tensors' devices --------------------------------

move = primitive(
    "move",
    "a",
    lambda a, *, destination, source: array_on(a, destination),
    [lambda g, destination, source: move(g, destination=source, source=destination)],
    label="device",
)

# ---- methods and operators --------------------------------------------------------------------------

for _function in METHODS:
    setattr(Tensor, _function.__name__, _function)


for _method in in_place_methods(METHODS):
    setattr(Tensor, _method.__name__, _method)
for _name, _sign in {
    "add": "iadd",
    "sub": "isub",
    "mul": "imul",
    "div": "itruediv",
    "floor_divide": "ifloordiv",
    "remainder": "imod",
    "pow": "ipow",
    "bitwise_and": "iand",
    "bitwise_or": "ior",
    "bitwise_xor": "ixor",
}.items():
    setattr(Tensor, f"__{_sign}__", getattr(Tensor, f"{_name}_"))


def _reflected(function):
    return lambda self, other: function(other, self)


def _comparison(function):
    def compare(self, other):
        return function(self, other) if isinstance(other, (Tensor, numbers.Number)) else NotImplemented

    return compare


def _invert(self):
    if self.dtype.category > dtypes.INTEGER:
        raise TypeError(f"~ (operator.invert) is only implemented on integer and Boolean-type tensors, got {self.dtype}")
    return functions.bitwise_not(self)


for _name, _function in {
    "add": functions.add,
    "sub": functions.sub,
    "mul": functions.mul,
    "truediv": functions.div,
    "floordiv": functions.floor_divide,
    "mod": functions.remainder,
    "pow": functions.pow,
    "matmul": functions.matmul,
    "and": functions.bitwise_and,
    "or": functions.bitwise_or,
    "xor": functions.bitwise_xor,
}.items():
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tensor, f"__{_name}__", _comparison(getattr(functions, _name)))
Tensor.__neg__ = functions.neg
Tensor.__pos__ = lambda self: self
Tensor.__abs__ = functions.abs
Tensor.__invert__ = _invert
Tensor.real = property(functions.real)
Tensor.imag = property(functions.imag)

graph.make_tensors_of(Tensor)
