"""How wide a text will be, without a font: average widths of a sans-serif face by kind of letter.

The numbers are a little generous, so that a text fits its box in any of the usual system fonts.
"""

from unicodedata import combining, east_asian_width

_EM = {}  # width of a letter in units of the font size
for _letters, _width in [
    ("ijl|!.,:;'`", 0.30),
    ('ftrI()[]{}/\\-" ', 0.42),
    ("ABCDEFGHJKLNOPQRSTUVXYZ&", 0.72),
    ("mwMW", 0.95),
    ("@%…—", 1.0),
    ("+×÷=<>−~^#", 0.84),
]:
    _EM.update(dict.fromkeys(_letters, _width))
_OTHER = 0.64
_BOLD = 1.08


def text_width(text, size, bold=False):
    """Width of `text` in pixels at font size `size` pixels."""
    width = sum(map(_letter_width, text)) * size
    return width * _BOLD if bold else width


def _letter_width(letter):
    if combining(letter):
        return 0.0
    if east_asian_width(letter) in "WF":
        return 1.0
    return _EM.get(letter, _OTHER)


def shortened(text, length):
    """`text`, cut in its middle to at most `length` characters."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}…{text[head + len(text) - length + 1 :]}"
