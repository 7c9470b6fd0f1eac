"""The messages between the parent and the sandbox: a JSON header, then arrays as .npy, and nothing else.

Both sides use this file, so it needs numpy alone. What the parent reads was written by a learner's process, so every
length, type and shape is checked before anything is made of it. `Malformed` says in words what was wrong.

A frame is two lengths (4 bytes for the header, 8 for the arrays, big-endian), the header in JSON, and the arrays' .npy
files one after the other. The header's "values" are JSON values, or objects with one key: {"tuple": [...]},
{"list": [...]}, {"array": number of the .npy file}, {"opaque": name of a type that does not cross}.
"""

import io
import json
import math
import re
import struct

import numpy as np

PREFIX = struct.Struct(">IQ")
LARGEST_HEADER = 4 * 2**20  # bytes
LONGEST_TEXT = 10_000  # characters
LARGEST_INTEGER = 2**1024
MOST_DIMENSIONS = 32
DEEPEST = 16  # lists within lists

NPY_MAGIC = b"\x93NUMPY\x01\x00"
NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|=]?[a-zA-Z][0-9]{0,6})', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,300})\), \}\s*"
)
CROSSING_KINDS = "biufc"


class Malformed(ValueError):
    """Bytes that are no message, or a message with something in it that does not cross."""


def crosses(dtype: np.dtype) -> bool:
    """Whether arrays of this dtype cross: booleans, integers, floats and complex numbers do."""
    return dtype.kind in CROSSING_KINDS


def pack(header: dict, values: tuple | list = (), strict: bool = False) -> bytes:
    """The frame of `header` (JSON values) and `values`. What cannot cross becomes its type's name, or TypeError."""
    arrays = []
    trees = [_encode(value, arrays, DEEPEST) for value in values]
    if strict and _opaque(trees):
        raise TypeError(f"a value of this type cannot cross: {_opaque(trees)}")
    files = [_npy(array) for array in arrays]
    text = json.dumps({**header, "values": trees, "npy": [len(file) for file in files]}).encode()
    return b"".join([PREFIX.pack(len(text), sum(map(len, files))), text, *files])


def lengths(prefix: bytes, largest_body: int, largest_header: int = LARGEST_HEADER) -> tuple[int, int]:
    """The lengths in bytes of header and arrays that the frame's first bytes announce, if they are in bounds."""
    header, body = PREFIX.unpack(prefix)
    if header > largest_header or body > largest_body:
        raise Malformed(f"a message of {(header + body) / 2**20:,.0f} MB, more than may cross")
    return header, body


def unpack(text: bytes, body: bytes, opaque=None) -> tuple[dict, tuple]:
    """The header and the values of a frame. `opaque(type_name)` makes the stand-in for a value that does not cross."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"a header that is not JSON: {type(error).__name__}") from error
    if not isinstance(header, dict):
        raise Malformed("a header that is not an object")
    trees, sizes = header.pop("values", None), header.pop("npy", None)
    if not isinstance(trees, list) or not isinstance(sizes, list):
        raise Malformed("a header without values")
    decoder = _Decoder(_split(body, sizes), opaque)
    values = tuple(decoder.decode(tree, DEEPEST) for tree in trees)
    if decoder.files:
        raise Malformed("arrays that no value names")
    return header, values


def read_npy(file: memoryview) -> np.ndarray:
    """The array of one .npy file. Its dtype, shape and size are checked before any memory is taken."""
    start = len(NPY_MAGIC) + 2
    if bytes(file[: len(NPY_MAGIC)]) != NPY_MAGIC or len(file) < start:
        raise Malformed("an array that is not a .npy file of version 1.0")
    data = start + int.from_bytes(file[start - 2 : start], "little")
    match = NPY_HEADER.fullmatch(bytes(file[start : min(data, len(file))])) if data - start <= 1000 else None
    if match is None:
        raise Malformed("an array with an unusual .npy header")
    dtype = _dtype(match[1].decode())
    shape = _shape(match[3].decode())
    if math.prod(shape) * dtype.itemsize != len(file) - data:
        raise Malformed(f"an array of shape {shape} and dtype {dtype} with {len(file) - data} bytes of data")
    array = np.frombuffer(file[data:], dtype).reshape(shape, order="F" if match[2] == b"True" else "C")
    if dtype.kind == "b" and array.view(np.uint8).max(initial=0) > 1:
        raise Malformed("a boolean that is neither true nor false")
    return array.copy(order="K")


def _dtype(name: str) -> np.dtype:
    try:
        dtype = np.dtype(name) if name.lstrip("<>|=")[0] in CROSSING_KINDS else None
    except TypeError as error:
        raise Malformed(f"an array of the unknown dtype {name!r}") from error
    if dtype is None or not crosses(dtype):  # a letter without a size can mean another kind
        raise Malformed(f"an array of dtype {name!r}; only booleans, integers, floats and complex numbers cross")
    return dtype


def _shape(text: str) -> tuple[int, ...]:
    sizes = [part.strip() for part in text.split(",")]
    if sizes[-1] == "":  # (3,) and ()
        sizes.pop()
    if len(sizes) > MOST_DIMENSIONS:
        raise Malformed(f"an array of {len(sizes)} dimensions; at most {MOST_DIMENSIONS} cross")
    if not all(size.isdigit() and len(size) < 12 for size in sizes):
        raise Malformed(f"an array of shape ({text})")
    return tuple(map(int, sizes))


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def _encode(value, arrays: list, depth: int):
    """`value` as JSON; exact types only, so that no object of the learner's can pose as an array or a number."""
    kind = type(value)
    if kind in (bool, float, type(None)):
        return value
    if kind is int and abs(value) < LARGEST_INTEGER:
        return value
    if kind is str and len(value) <= LONGEST_TEXT:
        return value
    if kind in (tuple, list) and depth > 0:
        return {kind.__name__: [_encode(item, arrays, depth - 1) for item in value]}
    is_number = issubclass(kind, np.generic) and kind.__module__ == "numpy"
    if (kind is np.ndarray or is_number) and crosses(value.dtype) and value.ndim <= MOST_DIMENSIONS:
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    return {"opaque": _type_name(value)}


def _opaque(trees: list) -> str | None:
    """The name of the first type among encoded values that did not cross."""
    for tree in trees:
        if type(tree) is dict:
            ((form, content),) = tree.items()
            found = content if form == "opaque" else _opaque(content) if form != "array" else None
            if found:
                return found
    return None


def _type_name(value) -> str:
    kind = type(value)
    if kind is np.ndarray:
        return f"array of {value.dtype}"[:100]
    size = {int: "a huge ", str: "a very long ", list: "a very deep ", tuple: "a very deep "}.get(kind, "")
    return size + kind.__name__[:100]


def _split(body: bytes, sizes: list) -> list[memoryview]:
    if not all(type(size) is int and 0 <= size <= len(body) for size in sizes) or sum(sizes) != len(body):
        raise Malformed("arrays whose lengths do not add up")
    view, files, start = memoryview(body), [], 0
    for size in sizes:
        files.append(view[start : start + size])
        start += size
    return files


class _Decoder:
    """Makes values of JSON trees, taking each array once and in order."""

    def __init__(self, files: list[memoryview], opaque):
        self.files = files[::-1]
        self.count = len(files)
        self.opaque = opaque

    def decode(self, tree, depth: int):
        if tree is None or type(tree) in (bool, int, float):
            return tree
        if type(tree) is str:
            return clean(tree, LONGEST_TEXT)
        if type(tree) is not dict or len(tree) != 1:
            raise Malformed("a value of an unknown form")
        ((form, content),) = tree.items()
        if form in ("tuple", "list") and type(content) is list and depth > 0:
            items = [self.decode(item, depth - 1) for item in content]
            return tuple(items) if form == "tuple" else items
        if form == "array" and self.files and content == self.count - len(self.files):
            return read_npy(self.files.pop())
        if form == "opaque" and type(content) is str and self.opaque is not None:
            return self.opaque(printable(content, 200))
        raise Malformed("a value of an unknown form")


def clean(text: str, longest: int) -> str:
    """`text` as valid Unicode, cut to `longest` characters."""
    return text[:longest].encode("utf-8", "replace").decode()


def printable(text: str, longest: int) -> str:
    """`clean` text that does nothing to a terminal: control characters other than new line and tab become '?'."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "?" for letter in clean(text, longest)
    )
