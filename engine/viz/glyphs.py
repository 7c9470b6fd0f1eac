"""How wide a text will be, without a font: average widths of a sans-serif face by kind of letter.

The numbers are a little generous, so that a text fits its box in any of the usual system fonts. They are hundredths
of the font size, whole numbers, so that js/glyphs.js comes to the same widths.
"""

from bisect import bisect_right
from functools import lru_cache

WIDTHS = [
    ("ijl|!.,:;'`", 30),
    ('ftrI()[]{}/\\-" ', 42),
    ("ABCDEFGHJKLNOPQRSTUVXYZ&", 72),
    ("mwMW", 95),
    ("@%…—", 100),
    ("+×÷=<>−~^#", 84),
]
OTHER, WIDE, BOLD = 64, 100, 108
# First and last code points of letters without a width of their own (accents and joiners that go with the letter
# before them), and of wide ones (East Asian scripts, emoji).
COMBINING_RANGES = [
    (0x300, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x610, 0x61A), (0x64B, 0x65F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF),
    (0x200B, 0x200F), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),
]  # fmt: skip
WIDE_RANGES = [
    (0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0xA4CF), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
    (0xFE30, 0xFE6F), (0xFF00, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1FAFF), (0x20000, 0x3FFFD),
]  # fmt: skip

_WIDTH_OF = {letter: width for letters, width in WIDTHS for letter in letters}
_RANGES = sorted([(*each, 0) for each in COMBINING_RANGES] + [(*each, WIDE) for each in WIDE_RANGES])
_STARTS = [first for first, _, _ in _RANGES]


@lru_cache(maxsize=4096)  # labels and shapes come again and again
def text_width(text, size, bold=False):
    """Width of `text` in pixels at font size `size` pixels (a whole number)."""
    hundredths = sum(map(_letter_width, text)) * size
    return hundredths * BOLD / 10000 if bold else hundredths / 100


def _letter_width(letter):
    code = ord(letter)
    if code >= 0x300:
        index = bisect_right(_STARTS, code) - 1
        if code <= _RANGES[index][1]:
            return _RANGES[index][2]
    return _WIDTH_OF.get(letter, OTHER)


def shortened(text, length):
    """`text`, cut in its middle to at most `length` characters."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[head + len(text) - length + 1 :]}"
