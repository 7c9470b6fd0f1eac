"""Tensor: an array on a device with a place in the computation graph.

The arithmetic is the table's, the methods are `engine.functions`; what is written here is what only a
tensor can do: say what it is, be indexed, be changed in place, and start the backward pass.
"""

import copy
import numbers
import warnings

import numpy as np

from engine import autograd, backend, bounds, dtypes, functions
from engine.autograd import graph, hooks
from engine.autograd.graph import TensorBase, setting
from engine.devices import CPU, array_on, device
from engine.functions.arguments import BOOL, METHODS, OPERAND, check_dim, number_in, reads
from engine.functions.indexing import as_index, check_written_type
from engine.inplace import assign, in_place_methods
from engine.ops import elementwise, indexing
from engine.ops.table import primitive
from engine.printing import tensor_text
from engine.size import Size


# What Tensor.type() calls the dtypes.
_TYPE_NAMES = {
    "float16": "Half", "float32": "Float", "float64": "Double", "bfloat16": "BFloat16", "int8": "Char",
    "int16": "Short", "int32": "Int", "int64": "Long", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat",
    "complex128": "ComplexDouble"}


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

    ndimension = dim

    def numel(self):
        """The number of elements."""
        return self.array.size

    nelement = numel

    def stride(self, dim=None):
        """How many elements apart neighbours along each dimension are in memory."""
        steps = tuple(step // self.array.itemsize for step in self.settle().array.strides)
        return steps if dim is None else steps[check_dim(dim, self.ndim)]

    def storage_offset(self):
        """How many elements this tensor begins after the start of its memory."""
        return backend.offset_in_memory(self.array)

    def is_contiguous(self):
        """True if the elements lie in memory in row-major order."""
        return bool(self.settle().array.flags.c_contiguous)

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

    @reads(requires_grad=BOOL)
    def requires_grad_(self, requires_grad=True):
        """Record operations on this tensor from now on (or no longer); RuntimeError if it cannot have a gradient."""
        if requires_grad and self.is_inference() and not setting.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if requires_grad and not (self.dtype.is_floating_point or self.dtype.is_complex):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if not requires_grad and not self.is_leaf:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables; detach() gives one without a history")
        self.requires_grad_flag = bool(requires_grad)
        return self

    @property
    def _version(self):
        if self.is_inference():
            raise RuntimeError("Inference tensors do not track version counter.")
        return self.storage.version

    @property
    def data(self):
        """The same memory without a history; what is written through it does not count as a change.

        Assigning a tensor gives this one another memory, and its shape and type, but keeps its place in the graph.
        """
        return Tensor(self.settle().array)

    @data.setter
    def data(self, tensor):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(tensor).__name__}")
        if self.requires_grad and tensor.dtype.category < dtypes.FLOAT:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        if tensor.settle().array is not self.array:
            self.array, self.storage, self.view_of = tensor.array, graph.new_storage(), None

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support deepcopy")
        copied = Tensor(self.array.copy()).requires_grad_(self.requires_grad)
        copied.grad = copy.deepcopy(self.grad, memo)
        return copied

    def __len__(self):
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self):
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind())

    def __contains__(self, value):
        return bool((self == value).any())

    __hash__ = object.__hash__

    def __repr__(self):
        return tensor_text(self)

    def __format__(self, specification):
        return format(self.item(), specification) if not self.ndim else object.__format__(self, specification)

    def _repr_mimebundle_(self, include=None, exclude=None):
        """In a notebook: the text and, for the result of recorded operations, its computation graph."""
        bundle = {"text/plain": repr(self)}
        if self.grad_fn is not None:
            from engine import viz

            bundle |= viz.notebook_bundle(self, title=repr(self))
        return bundle

    def __getattr__(self, name):
        from engine.names import MissingName

        raise MissingName("Tensor", name, lambda: dir(type(self)))

    # ---- out of the tensor ----

    def item(self):
        """The one element as a Python number; RuntimeError if there are more."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self._seen().item()

    def _seen(self):
        """The array, when its elements are about to be looked at: what they were computed from was in range."""
        if bounds.waiting:
            bounds.settle()
        return self.array

    def tolist(self):
        """The elements as (nested) Python lists of numbers."""
        return self._seen().tolist()

    def numpy(self, *, force=False):
        """The elements as a numpy array that shares their memory; only for tensors on the CPU that need no gradient.

        force: of any tensor, as detach().cpu().numpy().
        """
        if force:
            return self.detach().cpu().array
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        if self.is_cuda:
            raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() first.")
        return self.settle().array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        return np.array(array, dtype=dtype) if copy or (dtype is not None and dtype != array.dtype) else array

    def __bool__(self):
        if self.array.size != 1:
            how_many = "more than one value" if self.array.size else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {how_many} is ambiguous")
        return bool(self.item())

    def _number(self):
        if self.array.size != 1:
            raise ValueError(f"only one element tensors can be converted to Python scalars, not {self.array.size}")
        return self._seen().item()

    def __float__(self):
        return float(self._number())

    def __int__(self):
        return int(self._number())

    def __complex__(self):
        return complex(self._number())

    def __index__(self):
        if self.array.size != 1 or self.dtype.category > dtypes.INTEGER:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._seen().item())

    # ---- type and device ----

    def to(self, *arguments, dtype=None, device=None, non_blocking=False, copy=False):
        """With another dtype and/or on another device: to(float64), to("cuda"), to(device, dtype), to(other tensor).

        non_blocking, here and below: leave not to wait for a transfer; it is waited for all the same.
        copy: a new tensor even where nothing changes. Both may follow by position.
        """
        flags = [each for each in arguments if isinstance(each, bool)]
        if len(flags) > 2:
            raise TypeError(f"to() takes two bools, non_blocking and copy, but got {len(flags)}")
        copy = flags[1] if len(flags) == 2 else copy
        for argument in arguments:
            if isinstance(argument, Tensor):
                device, dtype = argument.device, argument.dtype
            elif isinstance(argument, (dtypes.dtype, np.dtype, type)):
                dtype = argument
            elif not isinstance(argument, bool):
                device = argument
        result = self
        if dtype is not None:
            numpy_type = dtype if isinstance(dtype, np.dtype) else dtypes.check_dtype(dtype).numpy
            if numpy_type != self.array.dtype:
                result = elementwise.to(result, dtype=numpy_type)
        if device is not None and array_on(result.array, device) is not result.array:
            result = move(result, destination=str(device), source=str(result.device))
        return result.clone() if copy and result is self else result

    def cpu(self):
        """On the CPU (itself if it is there)."""
        return self.to("cpu")

    def cuda(self, device=None, non_blocking=False):
        """On the GPU (the first, or number `device`)."""
        if isinstance(device, (Tensor, bool)):
            raise TypeError(f"cuda(): argument 'device' must be torch.device, not {type(device).__name__}")
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

    def type(self, dtype=None, non_blocking=False):
        """The name of the tensor's type, such as "torch.FloatTensor"; with a dtype or such a name, the tensor in it."""
        if dtype is None:
            return f"torch.{'cuda.' if self.is_cuda else ''}{_TYPE_NAMES[self.dtype.name]}Tensor"
        if isinstance(dtype, dtypes.dtype):
            return self.to(dtype)
        if not isinstance(dtype, str):
            raise TypeError("dtype must be a type, str, or dtype object")
        for name, word in _TYPE_NAMES.items():
            for prefix, where in (("torch.", "cpu"), ("torch.cuda.", "cuda")):
                if dtype == f"{prefix}{word}Tensor":
                    return self.to(where, getattr(dtypes, name) if name != "bfloat16" else dtypes.bfloat16())
        raise ValueError(f"invalid type: {dtype!r}")

    def contiguous(self):
        """Itself, or a copy in row-major order."""
        return self if self.is_contiguous() else self.clone()

    @property
    def T(self):
        """The dimensions in reverse order; meant for matrices."""
        if self.ndim != 2:
            warnings.warn(
                "The use of `x.T` on tensors of dimension other than 2 is deprecated. Consider `x.mT`.", stacklevel=2)
        return self.permute(tuple(reversed(range(self.ndim))))

    @property
    def mT(self):
        """Each matrix transposed."""
        if self.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
        return self.transpose(-2, -1)

    @property
    def H(self):
        """A matrix transposed and conjugated."""
        if self.ndim != 2:
            raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.")
        return self.mH

    @property
    def mH(self):
        """Each matrix transposed and conjugated."""
        return self.mT.conj() if self.dtype.is_complex else self.mT

    # ---- autograd ----

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Add to the `.grad` of every leaf (or of `inputs`) the derivative of this tensor, weighted with `gradient`
        (1 for a scalar)."""
        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self):
        """The same memory, outside the graph."""
        return Tensor(self.settle().array, self.storage)

    @property
    def grad(self):
        """The gradient that backward has left: of a leaf, or where retain_grad was called. None if there is none."""
        if self._grad is None and self._grad_fn is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you want it to be, call .retain_grad() on it.",
                stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, gradient):
        if not isinstance(gradient, (Tensor, type(None))):
            kind = type(gradient).__name__
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type '{kind}'")
        for name in ("dtype", "device", "shape") if gradient is not None else ():
            if (its := getattr(gradient, name)) != (wanted := getattr(self, name)):
                raise RuntimeError(f"assigned grad has {name} {its}, but the tensor has {wanted}")
        self._grad = gradient

    @grad.deleter
    def grad(self):
        self._grad = None

    def detach_(self):
        """Forget where this tensor came from; RuntimeError for a view."""
        if self.view_of is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._grad_fn, self.requires_grad_flag = None, False
        return self

    def retain_grad(self):
        """Keep the gradient of this non-leaf tensor in its `.grad` too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None:
            hooks.retain(self)

    @property
    def retains_grad(self):
        """Whether retain_grad was called on this non-leaf tensor."""
        return self.grad_fn is not None and hooks.retains(self)

    def register_hook(self, hook):
        """Call hook(gradient) when this tensor's gradient is complete; what it returns, if anything, takes its place.

        Returns a handle whose remove() ends that.
        """
        return self._hooks_or_error().add(hooks.TENSOR, hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Call hook(tensor) when the `.grad` of this leaf has received a gradient. Returns a handle to remove it."""
        if not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        return self._hooks_or_error().add(hooks.ACCUMULATED, hook)

    def _hooks_or_error(self):
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return hooks.hooks_of(graph.edge_of(self))

    # ---- indexing ----

    def __getitem__(self, index):
        return indexing.getitem(self, index=as_index(index, self))

    def __setitem__(self, index, value):
        index = as_index(index, self)
        if isinstance(value, Tensor):
            while value.ndim and value.shape[0] == 1:  # sizes of 1 in front never matter
                value = value[0]
            check_written_type(self, index, value)
            value = value.to(self.dtype)
        elif isinstance(value, (bool, int, float, complex, np.generic)):
            value = number_in(value, self.dtype)
        else:
            raise TypeError(f"can't assign a {type(value).__name__} to a tensor of type {self.dtype}")
        assign(self, index, value)

    # ---- changing in place ----

    def copy_(self, other, non_blocking=False):
        """Overwrite the elements with those of `other` (a tensor that broadcasts)."""
        other = OPERAND.read(other, "copy_", "other", 1)
        self[...] = other.to(self.device) if isinstance(other, Tensor) else other
        return self

    def fill_(self, value):
        """Overwrite every element with a number or a 0-d tensor."""
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(f"fill_ only supports a 0-dimensional value tensor, but got {value.ndim} dimensions.")
        self[...] = value
        return self

    def zero_(self):
        """Overwrite every element with 0."""
        return self.fill_(0)


# ---- the copy between devices: the one op that needs tensors' devices --------------------------------

move = primitive(
    "move", "a", lambda a, *, destination, source: array_on(a, destination),
    [lambda g, destination, source: move(g, destination=source, source=destination)], label="device")

# ---- methods and operators --------------------------------------------------------------------------

for _function in (*METHODS, *in_place_methods(METHODS)):
    setattr(Tensor, _function.__name__, _function)


def _operator(name, function, takes=(Tensor, numbers.Number), is_reflected=False):
    """The method of an operator; for operands other than these it leaves the answer to them."""

    def operate(self, other):
        if not isinstance(other, takes):
            return NotImplemented
        return function(other, self) if is_reflected else function(self, other)

    operate.__name__ = operate.__qualname__ = f"__{name}__"
    setattr(Tensor, operate.__name__, operate)


def _invert(self):
    if self.dtype.category > dtypes.INTEGER:
        raise TypeError(f"~ (operator.invert) is implemented only for integer and Boolean tensors, got {self.dtype}")
    return functions.bitwise_not(self)


for _name, _sign in {
        "add": "add", "sub": "sub", "mul": "mul", "div": "truediv", "floor_divide": "floordiv", "remainder": "mod",
        "pow": "pow", "bitwise_and": "and", "bitwise_or": "or", "bitwise_xor": "xor"}.items():
    setattr(Tensor, f"__{_sign}__", getattr(functions, _name))
    _operator(f"r{_sign}", getattr(functions, _name), is_reflected=True)
    setattr(Tensor, f"__i{_sign}__", getattr(Tensor, f"{_name}_"))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _operator(_name, getattr(functions, _name))
_operator("rmatmul", functions.matmul, Tensor, is_reflected=True)
Tensor.__matmul__ = functions.matmul
Tensor.__neg__ = functions.neg
Tensor.__pos__ = lambda self: self
Tensor.__abs__ = functions.abs
Tensor.__invert__ = _invert
Tensor.real = property(functions.real)
Tensor.imag = property(functions.imag)

graph.make_tensors_of(Tensor)
