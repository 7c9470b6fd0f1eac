"""What a real cupy accepts, read from cupy_signatures.txt: the stand-in asks here before it computes.

`make_cupy_signatures.py` writes that file from an installed cupy; test_strict_cupy.py compares the two.
"""

import functools
import inspect
import pathlib
import re

import numpy as np

FILE = pathlib.Path(__file__).parent / "cupy_signatures.txt"


@functools.cache
def table():
    """(kind, name) -> inspect.Signature for functions and methods, a list of loops for ufuncs, None for attributes."""
    found = {}
    for line in FILE.read_text("utf-8").splitlines()[1:]:
        kind, _, rest = line.partition(" ")
        name = re.match(r"[\w.]+", rest).group()
        found[kind, name] = _content(kind, rest[len(name) :])
    return found


def _content(kind, rest):
    if kind == "ufunc":
        return [tuple(loop.split("->")) for loop in rest.split()]
    if kind == "attribute":
        return None
    parameters = re.sub(r"=", "=None", rest.strip()[1:-1])
    return inspect.signature(eval(f"lambda {parameters}: None"))


def check_call(name, arguments, keywords):
    """TypeError unless the real function of that name takes these arguments."""
    signature = table().get(("function", name))
    if signature is None:
        raise TypeError(f"cupy has no function {name}")
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        raise TypeError(f"cupy.{name}{signature} does not take this call: {error}") from None


def is_ufunc(name):
    return ("ufunc", name) in table()


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "neg": "negative", "abs": "absolute", "invert": "invert", "and_": "bitwise_and",
    "or_": "bitwise_or", "xor": "bitwise_xor", "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal",
    "gt": "greater", "ge": "greater_equal",
}  # fmt: skip


def check_operator(function, inputs, result):
    """The same for an operator on arrays."""
    if function.__name__ in _OPERATORS:
        check_ufunc(_OPERATORS[function.__name__], inputs, {}, result)


def check_ufunc(name, inputs, keywords, result):
    """TypeError unless cupy's ufunc takes these keywords and types, and gives a result of the type that numpy gave."""
    unknown = set(keywords) - {"out", "dtype", "casting"}
    if unknown:
        raise TypeError(f"cupy.{name} does not take {sorted(unknown)}")
    if "dtype" in keywords or "casting" in keywords or not isinstance(result, (np.ndarray, np.generic)):
        return
    arrays = [(place, value.dtype) for place, value in enumerate(inputs) if isinstance(value, (np.ndarray, np.generic))]
    numbers = [np.dtype(type(value)) for value in inputs if type(value) in (bool, int, float, complex)]
    if any(_KINDS[number.kind] > max(_KINDS[dtype.kind] for _, dtype in arrays) for number in numbers):
        return  # a Python number of a higher kind decides, in both
    loop = next((each for each in table()["ufunc", name] if _takes(each[0], arrays)), None)
    if loop is None:
        raise TypeError(f"cupy.{name} has no loop for {[str(dtype) for _, dtype in arrays]}")
    if np.dtype(loop[1][0]) != result.dtype:
        raise TypeError(f"cupy.{name} gives {np.dtype(loop[1][0])} where numpy gives {result.dtype}")


def _takes(characters, arrays):
    """Whether the loop takes the arrays' types without loss."""
    return all(np.can_cast(dtype, characters[place], "safe") for place, dtype in arrays)


_KINDS = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3, "V": 4}
