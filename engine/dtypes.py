"""Element types and torch's rules for mixing them.

torch's promotion differs from numpy's: an integer tensor with a float tensor takes the float's type
(int64 + float32 is float32), Python numbers and 0-d tensors are weak within their category, and
floats made from nothing are float32.
"""

import builtins

import numpy as np

__all__ = [
    "bool", "can_cast", "cdouble", "cfloat", "complex128", "complex64", "double", "dtype", "finfo", "float", "float16",
    "float32", "float64", "get_default_dtype", "half", "iinfo", "int", "int16", "int32", "int64", "int8", "long",
    "promote_types", "set_default_dtype", "short", "uint8"]

BOOL, INTEGER, FLOAT, COMPLEX = range(4)
_CATEGORY = {"b": BOOL, "i": INTEGER, "u": INTEGER, "f": FLOAT, "c": COMPLEX}


class dtype:
    """The type of a tensor's elements, e.g. `engine.float32`; prints as torch's."""

    __slots__ = ("name", "numpy", "category")

    def __init__(self, name, numpy_type):
        self.name = name
        self.numpy = np.dtype(numpy_type)
        self.category = _CATEGORY.get(self.numpy.kind, FLOAT)  # numpy knows no kind for bfloat16

    is_floating_point = property(lambda self: self.category == FLOAT)
    is_complex = property(lambda self: self.category == COMPLEX)
    is_signed = property(lambda self: self.numpy.kind not in "bu")
    itemsize = property(lambda self: self.numpy.itemsize)

    def to_real(self):
        """The type of a complex number's parts; itself if it is not complex."""
        return {complex64: float32, complex128: float64}.get(self, self)

    def to_complex(self):
        """The complex type with parts of this type: complex64, or complex128 for float64."""
        if self.category < FLOAT:
            raise RuntimeError(f"there is no complex type with parts of type {self}")
        return self if self.is_complex else complex128 if self is float64 else complex64

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name  # a copy, here or in another process, is this very one


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

ALL = [float16, float32, float64, int8, int16, int32, int64, uint8, bool, complex64, complex128]
FROM_NUMPY = {each.numpy: each for each in ALL}

_OF_PYTHON = {builtins.bool: bool, builtins.int: int64, builtins.float: float64, builtins.complex: complex128}
_default = [float32]
loaded_bfloat16 = []  # the type, once somebody has asked for it


def bfloat16():
    """The type of 8 bits of exponent and 8 of precision, which ml_dtypes adds to numpy; AttributeError without it."""
    if not loaded_bfloat16:
        try:
            import ml_dtypes
        except ImportError:
            raise AttributeError(
                "engine.bfloat16 needs the package ml_dtypes (pip install ml_dtypes); float16 is there without it"
            ) from None
        loaded_bfloat16.append(dtype("bfloat16", ml_dtypes.bfloat16))
        ALL.append(loaded_bfloat16[0])
        FROM_NUMPY[loaded_bfloat16[0].numpy] = loaded_bfloat16[0]
    return loaded_bfloat16[0]


def has_bfloat16(arrays):
    """Whether one of the arrays (or numbers) is of that type."""
    return any(getattr(each, "dtype", None) == loaded_bfloat16[0].numpy for each in arrays)


def get_default_dtype():
    """The float type of tensors made from Python floats (float32 unless set)."""
    return _default[0]


def set_default_dtype(d):
    """Set it to a float type; TypeError for anything else."""
    if not (isinstance(d, dtype) and d.is_floating_point):
        raise TypeError(f"only floating-point types are supported as the default type, got {d!r}")
    _default[0] = d


def from_numpy(numpy_type):
    """The engine's dtype for a numpy one; TypeError for a type that tensors cannot hold."""
    numpy_type = np.dtype(numpy_type)
    if numpy_type.name == "bfloat16":
        bfloat16()
    try:
        return FROM_NUMPY[numpy_type]
    except KeyError:
        names = ", ".join(each.name for each in ALL)
        raise TypeError(f"can't convert an array of type {numpy_type}. The supported types are: {names}.") from None


def check_dtype(value, name="dtype"):
    """The argument if it is a dtype, or the one that Python's type stands for; TypeError in torch's words otherwise."""
    if not isinstance(value, dtype):
        if isinstance(value, type) and value in _OF_PYTHON:
            return _OF_PYTHON[value]
        raise TypeError(f"argument '{name}' must be torch.dtype, not {type(value).__name__}")
    return value


def of_number(value):
    """The dtype that a Python number would take as a tensor."""
    if isinstance(value, builtins.int):
        return bool if isinstance(value, builtins.bool) else int64
    if isinstance(value, builtins.float):
        return get_default_dtype()
    if isinstance(value, builtins.complex):
        return get_default_dtype().to_complex()
    raise TypeError(f"expected a number, got {type(value).__name__}")


def fitting(value, its_dtype):
    """The Python number as one of the type, cut to a whole number or wrapped to unsigned; RuntimeError if too large."""
    error = RuntimeError(f"value cannot be converted to type {its_dtype} without overflow: {value}")
    if isinstance(value, builtins.complex):
        if its_dtype.is_complex:
            return value
        if value.imag:
            raise error
        value = value.real
    if its_dtype is bool:
        return builtins.bool(value)
    if its_dtype.category == INTEGER:
        limits = np.iinfo(its_dtype.numpy)
        low = -limits.max if limits.min == 0 else limits.min
        if not low <= value <= limits.max:  # also for NaN
            raise error
        return builtins.int(value) % (limits.max + 1) if limits.min == 0 else builtins.int(value)
    if abs(value) != np.inf and abs(value) > finfo(its_dtype).max:
        raise error
    return value


# ---- promotion --------------------------------------------------------------------------------------


def promote_types(type1, type2):
    """The type that holds both, by torch's lattice."""
    type1, type2 = check_dtype(type1, "type1"), check_dtype(type2, "type2")
    if type1 is type2:
        return type1
    if type1.category != type2.category and {type1.category, type2.category} != {FLOAT, COMPLEX}:
        return type1 if type1.category > type2.category else type2
    if loaded_bfloat16 and loaded_bfloat16[0] in (type1, type2):  # counts as float16, but mixes with that to float32
        type1, type2 = [float16 if each is loaded_bfloat16[0] else each for each in (type1, type2)]
        return float32 if type1 is type2 else promote_types(type1, type2)
    return from_numpy(np.promote_types(type1.numpy, type2.numpy))


def result_type(*operands):
    """The type of an operation between tensors and Python numbers.

    Tensors with dimensions decide; a 0-d tensor, and after it a Python number, only counts when its
    category (bool < integer < float < complex) is higher. Floats that a complex number joins keep their precision.
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
            result = result.to_complex() if result.category == FLOAT else promote_types(result, weaker)
    return result


def _rank_and_type(operand):
    """(0, type) for a tensor with dimensions, (1, type) for a 0-d tensor, (2, type) for a number."""
    if hasattr(operand, "ndim"):
        its_type = FROM_NUMPY[operand.dtype] if isinstance(operand.dtype, np.dtype) else operand.dtype
        return (0 if operand.ndim else 1), its_type
    return 2, of_number(operand)


def can_cast(from_, to):
    """Whether torch turns a result of the first type into the second unasked: never to a lower category."""
    return check_dtype(to, "to").category >= check_dtype(from_, "from_").category


# ---- limits -----------------------------------------------------------------------------------------


class finfo:
    """The limits of a float type (the default one if none is given): bits, eps, max, min, tiny, resolution."""

    def __init__(self, type=None):
        type = check_dtype(get_default_dtype() if type is None else type, "type")
        if type.category < FLOAT:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, got {type}. Use torch.iinfo for integers.")
        limits = _numpy_finfo(type.to_real())
        self.dtype = type.to_real().name
        self.bits = type.to_real().itemsize * 8
        self.eps, self.max, self.min = (builtins.float(each) for each in (limits.eps, limits.max, limits.min))
        self.tiny = self.smallest_normal = builtins.float(limits.tiny)
        self.resolution = builtins.float(f"1e{-limits.precision}")

    def __repr__(self):
        numbers = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        shown = ", ".join(f"{name}={getattr(self, name):g}" for name in numbers)
        return f"finfo({shown}, dtype={self.dtype})"


def _numpy_finfo(type):
    if type.numpy.kind == "f":
        return np.finfo(type.numpy)
    import ml_dtypes

    return ml_dtypes.finfo(type.numpy)


class iinfo:
    """The limits of an integer type: bits, max, min."""

    def __init__(self, type):
        if check_dtype(type, "type").category != INTEGER:
            raise TypeError(f"torch.iinfo() requires an integer input type, got {type}. Use torch.finfo for floats.")
        limits = np.iinfo(type.numpy)
        self.dtype, self.bits, self.max, self.min = (
            type.name, limits.bits, builtins.int(limits.max), builtins.int(limits.min))

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
