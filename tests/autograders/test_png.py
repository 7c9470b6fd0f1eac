"""PNG files as the standard has them, so that any reader shows the dots that were meant."""

import struct
import zlib

import numpy as np
import pytest

from autograders import png

PALETTE = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 0, 255, 128]], np.uint8)


def chunks(data):
    """[(name, content)] of a PNG file, its checksums checked."""
    assert data.startswith(png.SIGNATURE)
    found, place = [], len(png.SIGNATURE)
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        name, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(name + content)
        found.append((name, content))
        place += 12 + length
    return found


def decode(data):
    """The colours of a PNG file's dots, (height, width, 4): what a reader makes of it."""
    parts = dict(chunks(data))
    width, height, depth, kind = struct.unpack(">IIBB", parts[b"IHDR"][:10])
    assert (depth, kind) == (8, 3)
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    colours = np.frombuffer(parts[b"PLTE"], np.uint8).reshape(-1, 3)
    opacity = np.frombuffer(parts[b"tRNS"], np.uint8)
    return np.concatenate([colours[lines[:, 1:]], opacity[lines[:, 1:], None]], axis=2)


def test_what_is_written_is_what_is_read():
    indices = np.array([[0, 1, 2], [2, 2, 1]])
    data = png.encode(indices, PALETTE)
    assert np.array_equal(decode(data), PALETTE[indices])
    assert [name for name, _ in chunks(data)] == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]


def test_another_library_reads_the_same(tmp_path):
    images = pytest.importorskip("PIL.Image", reason="reads the file as others do")
    indices = np.arange(12).reshape(3, 4) % 3
    path = tmp_path / "dots.png"
    path.write_bytes(png.encode(indices, PALETTE))
    assert np.array_equal(np.asarray(images.open(path).convert("RGBA")), PALETTE[indices])


def test_what_makes_no_picture_is_refused_by_name():
    dots = np.zeros((2, 2), int)
    for palette in (PALETTE[:, :3], PALETTE.astype(int), PALETTE[:0], np.zeros((257, 4), np.uint8)):
        with pytest.raises(ValueError, match=r"palette: expected uint8 \(1 to 256, 4\), got"):
            png.encode(dots, palette)
    for indices in (np.zeros((0, 3), int), np.zeros(3, int)):
        with pytest.raises(ValueError, match="indices: expected an array"):
            png.encode(indices, PALETTE)
    for wrong in (3, -1):
        with pytest.raises(ValueError, match="indices: expected 0 to 2, got"):
            png.encode(dots + wrong, PALETTE)
