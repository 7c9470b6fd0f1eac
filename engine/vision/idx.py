"""The IDX format, in which MNIST comes: a magic number that says type and dimensions, the sizes, the numbers.

http://yann.lecun.com/exdb/mnist describes it. Files may be compressed with gzip. A header is believed only as far as
the file bears it out: nothing is allocated for sizes that a header alone claims, and a compressed file is unpacked no
further than its header says.
"""

import gzip
import math
import pathlib
import zlib

import numpy as np

__all__ = ["read_idx"]

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_BYTES = 1 << 30  # that a file may hold: twenty times MNIST
BLOCK = 1 << 20


def read_idx(path, ndim=None, dtype=None):
    """The array in an IDX file, in the machine's own byte order. path: the file, or the same compressed with gzip.

    ndim, dtype: what the array must be, if given. ValueError says what is wrong with a file that is none.
    """
    path = pathlib.Path(path)
    with open(path, "rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if is_packed else open(path, "rb") as file:
            return _read(file, path.name, ndim, dtype)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None


def _read(file, name, ndim, dtype):
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
        raise ValueError(f"{name} is no IDX file: it begins with {magic.hex(' ') or 'nothing'}")
    numpy_type = np.dtype(TYPES[magic[2]])
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise ValueError(f"{name} breaks off in its header")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4"))
    if ndim not in (None, len(shape)) or (dtype is not None and numpy_type.newbyteorder("=") != np.dtype(dtype)):
        raise ValueError(f"{name} holds {numpy_type.name} of {len(shape)} dimensions, expected "
                         f"{np.dtype(dtype or numpy_type)} of {len(shape) if ndim is None else ndim}")
    count = math.prod(shape) * numpy_type.itemsize
    if count > MOST_BYTES:
        raise ValueError(f"{name} claims a shape of {shape}: {count:,} bytes, more than the {MOST_BYTES:,} "
                         "that are read")
    content = _read_all(file, count + 1)
    if len(content) != count:
        much = "more" if len(content) > count else "fewer"
        raise ValueError(f"{name} has {much} than the {count:,} bytes of its shape {shape}")
    return np.frombuffer(content, numpy_type).reshape(shape).astype(numpy_type.newbyteorder("="))


def _read_all(file, most):
    """Up to `most` bytes, block by block: no more memory than the file has content."""
    content = bytearray()
    while len(content) < most and (block := file.read(min(BLOCK, most - len(content)))):
        content += block
    return content
