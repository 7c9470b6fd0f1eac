"""PNG files of few colours, written with the standard library alone (W3C, Portable Network Graphics, third edition)."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_COLOURS = 256


def encode(indices: np.ndarray, palette: np.ndarray) -> bytes:
    """A PNG file. `indices` (height, width) says which row of `palette` each dot has.

    `palette` is an array of uint8, (colours, 4): red, green, blue and opacity from 0 to 255. Equal input gives equal
    bytes. Raises ValueError for a palette of another shape, no dots, or an index that the palette does not have.
    """
    if palette.dtype != np.uint8 or palette.ndim != 2 or palette.shape[1] != 4 or not 1 <= len(palette) <= MOST_COLOURS:
        raise ValueError(f"palette: expected uint8 (1 to 256, 4), got {palette.dtype} {palette.shape}")
    if indices.ndim != 2 or indices.size == 0:
        raise ValueError(f"indices: expected an array (height, width) with dots in it, got shape {indices.shape}")
    if indices.min() < 0 or indices.max() >= len(palette):
        raise ValueError(f"indices: expected 0 to {len(palette) - 1}, got {indices.min()} to {indices.max()}")
    height, width = indices.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits a dot, colours from the palette
    lines = np.zeros((height, width + 1), np.uint8)  # each line begins with 0: its dots are stored as they are
    lines[:, 1:] = indices
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette[:, :3].tobytes()),
        (b"tRNS", palette[:, 3].tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    )
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
