"""Element types and torch's rules for mixing them.

torch's promotion differs from numpy's: an integer tensor with a float tensor takes the float's type
(int64 + float32 is float32), Python numbers and 0-d tensors are weak within their category, and
floats made from nothing are float32.
"""

import builtins

import numpy as np

__all__ = [
    "bool", "cdouble", "cfloat", "complex128", "complex64", "double", "dtype", "float", "float16", "float32", "float64",
    "get_default_dtype", "half", "int", "int16", "int32", "int64", "int8", "long", "promote_types", "result_type",
    "set_default_dtype", "short", "uint8",
]

BOOL, INTEGER, FLOAT, COMPLEX = range(4)
_CATEGORY = {"b": BOOL, "i": INTEGER, "u": INTEGER, "f": FLOAT, "c": COMPLEX}


class dtype:
    """The type of a tensor's elements, e.g. `engine.float32`; prints as torch's."""

    __slots__ = ("name", "numpy", "category")

    def __init__(self, name, numpy_type):
        self.name = name
        self.numpy = np.dtype(numpy_type)
        self.category = _CATEGORY[self.numpy.kind]

    is_floating_point = property(lambda self: self.category == FLOAT)
    is_complex = property(lambda self: self.category == COMPLEX)
    itemsize = property(lambda self: self.numpy.itemsize)

    def __repr__(self):
        return f"torch.{self.name}"


float16 = half = dtype("float16", np.float16)
float32 = float = dtype("float32", np.float32)
float64 = double = dtype("float64", np.float64)
int8 = dtype("int8", np.int8)
int16 = short = dtype("int16", np.int16)
int32 = int = dtype("int32", np.int32)
int64 = long = dtype("int64", np.int64)
uint8 = dtype("uint8", np.uint8)
bool = dtype("bool", np.bool_)
complex64 = cfloat = dtype("complex64", np.complex64)
complex128 = cdouble = dtype("complex128", np.complex128)

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, bool, complex64, complex128)
FROM_NUMPY = {each.numpy: each for each in ALL}

_default = [float32]


def get_default_dtype():
    """The float type of tensors made from Python floats (float32 unless set)."""
    return _default[0]


def set_default_dtype(d):
    """Set it to float16, float32 or float64; TypeError for anything else."""
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default[0] = d


def from_numpy(numpy_type):
    """The engine's dtype for a numpy one; TypeError for a type that tensors cannot hold."""
    try:
        return FROM_NUMPY[np.dtype(numpy_type)]
    except KeyError:
        names = ", ".join(each.name for each in ALL)
        raise TypeError(
            f"can't convert an array of type {np.dtype(numpy_type)}. The supported types are: {names}."
        ) from None


def check_dtype(value, name="dtype"):
    """The argument itself if it is a dtype; TypeError in torch's words otherwise."""
    if not isinstance(value, dtype):
        raise TypeError(f"argument '{name}' must be torch.dtype, not {type(value).__name__}")
    return value


def of_number(value):
    """The dtype that a Python number would take as a tensor."""
    if isinstance(value, builtins.bool):
        return bool
    if isinstance(value, builtins.int):
        return int64
    if isinstance(value, builtins.float):
        return get_default_dtype()
    if isinstance(value, builtins.complex):
        return complex128 if get_default_dtype() is float64 else complex64
    raise TypeError(f"expected a number, got {type(value).__name__}")


def promote_types(type1, type2):
    """The type that holds both, by torch's lattice."""
    if type1.category == type2.category or {type1.category, type2.category} == {FLOAT, COMPLEX}:
        return from_numpy(np.promote_types(type1.numpy, type2.numpy))
    return type1 if type1.category > type2.category else type2


def result_type(*operands):
    """The type of an operation between tensors and Python numbers.

    Tensors with dimensions decide; a 0-d tensor, and after it a Python number, only counts when its
    category (bool < integer < float < complex) is higher.
    """
    ranks = {0: None, 1: None, 2: None}
    for operand in operands:
        rank, its_type = _rank_and_type(operand)
        held = ranks[rank]
        ranks[rank] = its_type if held is None else promote_types(held, its_type)
    result = None
    for rank in (0, 1, 2):
        weaker = ranks[rank]
        if weaker is None:
            continue
        if result is None:
            result = weaker
        elif weaker.category > result.category:
            result = promote_types(result, weaker)
    return result


def _rank_and_type(operand):
    """(0, type) for a tensor with dimensions, (1, type) for a 0-d tensor, (2, type) for a number."""
    if hasattr(operand, "ndim"):
        its_type = FROM_NUMPY[operand.dtype] if isinstance(operand.dtype, np.dtype) else operand.dtype
        return (0 if operand.ndim else 1), its_type
    return 2, of_number(operand)
