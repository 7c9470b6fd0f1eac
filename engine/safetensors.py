"""The safetensors format (huggingface.co/docs/safetensors): eight bytes that say how long the header is, the header in
JSON, then the numbers of all tensors, one after the other."""

import json
import math

import numpy as np

from engine import dtypes
from engine.backend import to_numpy
from engine.tensor import Tensor

NAMES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool", "C64": "complex64"}
CODES = {name: code for code, name in NAMES.items()}
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit


def encoded(tensors):
    """A flat dict {name: Tensor} as the content of a file; TypeError for anything else."""
    if not isinstance(tensors, dict):
        raise TypeError(f"save(): a .safetensors file holds a dict of tensors, not a {type(tensors).__name__}")
    header, parts, start = {}, [], 0
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise TypeError(
                f"save(): a .safetensors file holds tensors by name, but obj[{name!r}] is of type "
                f"{type(tensor).__name__}; any other ending of the path can hold nested objects")
        if tensor.dtype.name not in CODES:
            raise TypeError(f"save(): obj[{name!r}] is {tensor.dtype}, which the safetensors format does not know")
        parts.append(np.ascontiguousarray(to_numpy(tensor.array)).tobytes())
        stop = start + len(parts[-1])
        header[name] = {"dtype": CODES[tensor.dtype.name], "shape": list(tensor.shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of eight
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def decoded(content):
    """{name: array} of such a file's content; ValueError if it is none."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or length > min(LONGEST_HEADER, len(content) - 8) or content[8:9] != b"{":
        raise ValueError("it begins like none of the formats known here")
    header, numbers = json.loads(content[8 : 8 + length]), memoryview(content)[8 + length :]
    header.pop("__metadata__", None)
    arrays, expected = {}, 0
    for name, said in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape, (start, stop) = dtype_named(NAMES[said["dtype"]]).numpy, said["shape"], said["data_offsets"]
        if not all(type(size) is int and size >= 0 for size in [*shape, start, stop]) or start != expected:
            raise ValueError(f"{name!r} has a wrong shape or place")
        if stop > len(numbers) or stop - start != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name!r} has not the numbers that it claims")
        arrays[name] = np.frombuffer(numbers[start:stop], dtype).reshape(shape).copy()
        expected = stop
    if expected != len(numbers):
        raise ValueError("there is more in it than the header says")
    return {name: arrays[name] for name in header}


def dtype_named(name):
    """The dtype of this name; ValueError if there is none."""
    if name == "bfloat16":
        return dtypes.bfloat16()
    for each in dtypes.ALL:
        if each.name == name:
            return each
    raise ValueError(f"{name!r} is no dtype")
