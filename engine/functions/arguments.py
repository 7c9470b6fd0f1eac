"""Reading arguments as torch reads them: tensors, numbers, dimensions, shapes; and which functions are methods.

In torch a parameter's name says what it takes: `dim` is an int, `keepdim` a bool, `mask` a Tensor. `reads` goes by
these names (`_KIND_OF`), so that a function looks at what its arguments mean, not at whether they are of that type.
"""

import builtins
import functools
import inspect
import operator

import numpy as np

from engine import dtypes
from engine.autograd.graph import TensorBase

METHODS = []  # the functions that are also methods of Tensor

# While some thread is inside amp.autocast, what to ask about each call: given the function's name and its arguments,
# the way to call it with other types, or None.
autocasting = []

# ---- what an argument may be ------------------------------------------------------------------------


class Kind:
    """What a parameter takes: instances of `classes` as they are, and what `convert` makes of anything else.

    name: in torch's words, for messages. convert: raises TypeError for what it cannot make anything of.
    """

    def __init__(self, name, *classes, convert=None):
        self.name = name
        self.classes = classes
        self.convert = convert

    def read(self, value, function, argument, position=None):
        """The value, converted if need be; TypeError in torch's words if an argument of this kind cannot be that."""
        if isinstance(value, self.classes) and (builtins.bool in self.classes or not isinstance(value, builtins.bool)):
            return value
        try:
            if self.convert is not None:
                return self.convert(value)
        except TypeError:
            pass
        place = f" (position {position})" if position else ""
        raise TypeError(f"{function}(): argument '{argument}'{place} must be {self.name}, not {_type_name(value)}")


def as_int(value):
    """The integer that an int, numpy's integer or a 0-d integer tensor is; TypeError for anything else, bools too."""
    if type(value) is builtins.int:
        return value
    if isinstance(value, (builtins.bool, np.ndarray)) or (isinstance(value, TensorBase) and value.ndim):
        raise TypeError(f"must be int, not {_type_name(value)}")
    return operator.index(value)


def _as_number(value):
    if isinstance(value, np.generic) or (isinstance(value, TensorBase) and not value.ndim and not value.requires_grad):
        return value.item()
    raise TypeError


def _as_float(value):
    value = _as_number(value)
    if isinstance(value, builtins.complex):
        raise TypeError
    return value


def _as_int_or_ints(value):
    if not isinstance(value, (tuple, list)):
        return as_int(value)
    return tuple([each if type(each) is builtins.int else as_int(each) for each in value])


def _as_ints(value):
    if not isinstance(value, (tuple, list)):
        raise TypeError
    return _as_int_or_ints(value)


def _as_tensors(value):
    if not isinstance(value, (tuple, list)):
        raise TypeError
    for each in value:
        if not isinstance(each, TensorBase):
            raise TypeError
    return value


TENSOR = Kind("Tensor", TensorBase)
NUMBER = Kind("Number", builtins.bool, builtins.int, builtins.float, builtins.complex, convert=_as_number)
OPERAND = Kind("Tensor or a number", TensorBase, *NUMBER.classes, convert=_as_number)
NUMBER_OR_STR = Kind("Number or str", *NUMBER.classes, str, convert=_as_number)
FLOAT = Kind("float", builtins.bool, builtins.int, builtins.float, convert=_as_float)
INT = Kind("int", builtins.int, convert=as_int)
BOOL = Kind("bool", builtins.bool)
STR = Kind("str", str)
DIMS = Kind("int or tuple of ints", builtins.int, convert=_as_int_or_ints)
INTS = Kind("tuple of ints", convert=_as_ints)
TENSORS = Kind("tuple of Tensors", convert=_as_tensors)
DTYPE = Kind("torch.dtype", dtypes.dtype, convert=dtypes.check_dtype)
ANY = Kind("anything", convert=lambda value: value)


def optional(kind):
    """The kind, or None."""
    return Kind(kind.name, *kind.classes, type(None), convert=kind.convert)


# What a parameter of this name takes, unless the function says otherwise.
_KIND_OF = {
    name: kind
    for kind, names in {
        TENSOR: "A B a attn_mask b batch1 batch2 bias condition index input input1 input2 key mask mat mat1 mat2 "
        "new_state other pos_weight query running_mean running_var self source src target tensor tensor1 tensor2 "
        "values vec vec1 vec2 weight weights x x1 x2 y",
        INT: "axis0 axis1 chunks col decimals diagonal dim dim0 dim1 dim2 dimension divisor_override downscale_factor "
        "edgeitems end_dim groups ignore_index k length linewidth m minlength n num_classes num_groups num_samples "
        "offset output_size padding_idx precision row sections split_size start_dim step steps upscale_factor",
        BOOL: "accumulate align_corners antialias as_tuple ceil_mode count_include_pad descending enable_gqa equal_nan "
        "full_matrices inplace is_causal keepdim largest left log_target recompute_scale_factor replacement "
        "return_counts return_indices return_inverse scale_grad_by_freq sci_mode size_average sorted sparse "
        "sparse_grad training unbiased upper use_input_stats",
        optional(BOOL): "requires_grad stable",
        NUMBER: "alpha beta correction fill_value max_val min_val negative_slope",
        FLOAT: "atol base delta dropout_p eps from_ label_smoothing max_norm momentum nan neginf norm_type p posinf "
        "rtol scale threshold to",
        STR: "UPLO approximate indexing mode profile reduce rounding_mode",
        DIMS: "destination dilation dims kernel_size output_padding padding shifts stride",
        INTS: "normalized_shape pad",
        DTYPE: "dtype",
        TENSORS: "tensors",
    }.items()
    for name in names.split()}
_OTHER_NAMES = {"axis": "dim", "keepdims": "keepdim"}  # numpy's, which torch takes too


class _Parameter:
    """A parameter of one function, and the types whose values it takes without another look."""

    def __init__(self, name, kind, takes_none):
        self.name, self.kind = name, kind
        self.types = {*kind.classes, type(None)} if takes_none else {*kind.classes}

    def read(self, value, function, position=None):
        """The value as its kind reads it; where any will do, and for Tensor's subclasses, the type is remembered."""
        if type(value) in self.types:
            return value
        if self.kind is ANY or (isinstance(value, TensorBase) and isinstance(value, self.kind.classes)):
            self.types.add(type(value))
        return self.kind.read(value, function, self.name, position)


def _type_name(value):
    if not isinstance(value, (tuple, list)):
        return type(value).__name__
    inside = sorted({type(each).__name__ for each in value})
    return f"{type(value).__name__} of {', '.join(inside)}" if inside else f"empty {type(value).__name__}"


def reads(function=None, **kinds):
    """Have the function's arguments read before it is called, each as its name says or as `kinds` says.

    By its name a parameter whose default is None also takes None. `axis` and `keepdims`, numpy's, mean `dim` and
    `keepdim`, as in torch.
    """
    if function is None:
        return functools.partial(reads, **kinds)
    name, in_order, by_name = function.__name__, [], {}
    for parameter, default, has_place in _parameters(function):
        takes_none = default is None and parameter not in kinds
        each = _Parameter(parameter, kinds.get(parameter) or _KIND_OF.get(parameter, ANY), takes_none)
        if has_place:
            in_order.append(each)
        by_name[parameter] = each
    if kinds.keys() - by_name.keys():
        raise TypeError(f"{name}() has no parameters {kinds.keys() - by_name.keys()}")

    @functools.wraps(function)
    def reading(*arguments, **keywords):
        if autocasting and (call := autocasting[0](name, arguments, keywords)):
            return call(reading)
        for value, parameter in zip(arguments, in_order):
            if type(value) not in parameter.types:
                arguments = _read_by_place(name, in_order, arguments)
                break
        for key, value in keywords.items():
            if key not in by_name or type(value) not in by_name[key].types:
                keywords = _read_keywords(name, by_name, keywords)
                break
        return function(*arguments, **keywords)

    return reading


def _parameters(function):
    """(name, default or a mark that there is none, whether it may be given by position) of each, but for `*these`.

    As inspect.signature says, read from the code itself: for hundreds of functions, that is what importing takes.
    """
    function = inspect.unwrap(function)
    code, missing = function.__code__, object()
    count = code.co_argcount
    names, by_name = code.co_varnames[:count], code.co_varnames[count : count + code.co_kwonlyargcount]
    defaults = dict(zip(names[::-1], (function.__defaults__ or ())[::-1])) | (function.__kwdefaults__ or {})
    return [(name, defaults.get(name, missing), name in names) for name in names + by_name]


def autocasts(function, name=None):
    """The function, whose calls amp.autocast sees under that name (its own unless given); where `reads` is not."""
    name = name or function.__name__

    @functools.wraps(function, updated=())
    def seen(*arguments, **keywords):
        if autocasting and (call := autocasting[0](name, arguments, keywords)):
            return call(function)
        return function(*arguments, **keywords)

    return seen


def method(function=None, **kinds):
    """As `reads`, of a function that is also a method of Tensor."""
    return functools.partial(method, **kinds) if function is None else quick_method(reads(function, **kinds))


def quick_method(function):
    """Make the function, which reads its arguments by hand to save time, a method of Tensor as well."""
    METHODS.append(function)
    return function


def _read_by_place(function, parameters, arguments):
    read = list(arguments)
    for place, (value, parameter) in enumerate(zip(arguments, parameters)):
        if type(value) not in parameter.types:
            read[place] = parameter.read(value, function, place + 1)
    return read


def _read_keywords(function, parameters, keywords):
    read = {}
    for given, value in keywords.items():
        name = given if given in parameters else _OTHER_NAMES.get(given, given)
        if name in read or (name != given and name in keywords):
            raise TypeError(f"{function}() received both {name!r} and {given!r}, which mean the same")
        read[name] = parameters[name].read(value, function) if name in parameters else value
    return read


# ---- reading by hand: where there is no time for the above, or one argument depends on another ----------


def check_tensor(value, function, argument="input", position=1):
    """TypeError in torch's words unless `value` is a Tensor."""
    if not isinstance(value, TensorBase):
        TENSOR.read(value, function, argument, position)


def check_dim(dim, ndim):
    """`dim` as a number in [0, ndim); IndexError outside of [-ndim, ndim). A 0-d tensor counts as having one."""
    if type(dim) is not builtins.int:
        dim = as_int(dim)
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
    if not sizes:
        raise TypeError("missing 1 required argument: a tuple of ints")
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    try:
        return tuple([size if type(size) is builtins.int else as_int(size) for size in sizes])
    except TypeError:
        raise TypeError(f"a shape must be a tuple of ints, not {_type_name(sizes)}") from None


def operand(value, function, position, argument=None):
    """A tensor, or a Python number; numpy's scalars become one. argument: its name unless it is "input" or "other"."""
    return OPERAND.read(value, function, argument or ("input", "other")[position - 1], position)


def number_in(value, dtype):
    """The Python number as `dtype` holds it; RuntimeError where it does not fit, ValueError beyond int64, as torch."""
    if isinstance(value, builtins.int) and not -(2**63) <= value < 2**63:
        raise ValueError("Overflow when unpacking long long")
    return dtypes.fitting(value, dtype)
