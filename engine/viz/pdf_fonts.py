"""A text in the fonts that every PDF reader brings: which letters stand in which font, and how wide they are.

Helvetica holds what Windows' Latin alphabet (cp1252) holds, Symbol the Greek letters and the signs of mathematics,
Dingbats a few marks; raised and lowered letters (ᵀ, ², ₁) are set small. No font that all readers bring holds anything
else, and none is embedded: so any other letter (Chinese, an emoji) is shown as the box □. Widths are those of Adobe's
metrics for the standard 14 fonts, in thousandths of the font size.
"""

from dataclasses import dataclass, replace
from unicodedata import combining, normalize

REGULAR, BOLD, SYMBOL, DINGBATS = "Helvetica", "Helvetica-Bold", "Symbol", "ZapfDingbats"
BOX, BOX_WIDTH = b"n", 761  # Dingbats' filled square, of which only the outline is drawn
SMALL, RAISED, LOWERED = 0.7, 0.35, -0.15  # of the font size

# From the space to the tilde, in the order of ASCII.
_ASCII = "".join(map(chr, range(32, 127)))
_REGULAR = """
278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584
584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278
278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500
500 334 260 334 584"""
_BOLD = """
278 333 474 556 556 889 722 238 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 333 333 584 584
584 611 975 722 722 722 722 667 611 778 722 278 556 722 611 833 722 778 667 778 722 667 611 722 667 944 667 667 611 333
278 333 584 556 333 556 611 556 611 556 333 611 611 278 278 556 278 889 611 611 611 611 389 556 333 611 556 778 556 556
500 389 280 389 584"""
# What cp1252 holds besides, by (width, width when bold); other accented letters are as wide as their plain ones.
_LATIN = {
    (222, 278): "‚‘’", (260, 280): "¦", (278, 278): "\xa0·ìíîï", (333, 333): "ˆ‹˜›¡¨\xad¯´¸", (333, 500): "„“”",
    (350, 350): "•", (365, 365): "º", (370, 370): "ª", (400, 400): "°", (537, 556): "¶", (556, 556): "€ƒ†‡–¢£¤¥§«»",
    (556, 611): "µðþ",
    (584, 584): "¬±×÷", (611, 611): "¿ßø", (667, 667): "Þ", (722, 722): "Ð", (737, 737): "©®", (778, 778): "Ø",
    (834, 834): "¼½¾", (889, 889): "æ", (944, 944): "œ", (1000, 1000): "…‰Œ—™Æ",
}  # fmt: skip
_SYMBOLS = {  # letter: (its code in Symbol, width)
    **{
        letter: (ord(code), width)
        for letter, code, width in zip(
            "ΑΒΧΔΕΦΓΗΙΚΛΜΝΟΠΘΡΣΤΥΩΞΨΖαβχδεφγηικλμνοπθρστυωξψζς",
            "ABCDEFGHIKLMNOPQRSTUWXYZabcdefghiklmnopqrstuwxyzV",
            [722, 667, 722, 612, 611, 763, 603, 722, 333, 722, 686, 889, 722, 722, 768, 741, 556, 592, 611, 690, 768,
             645, 795, 611, 631, 549, 549, 494, 439, 521, 411, 603, 329, 549, 549, 576, 521, 549, 549, 521, 549, 603,
             439, 576, 686, 493, 686, 494, 439],
        )
    },
    "−": (0x2D, 549), "∗": (0x2A, 500), "≤": (0xA3, 549), "∞": (0xA5, 713), "←": (0xAC, 987), "↑": (0xAD, 603),
    "→": (0xAE, 987), "↓": (0xAF, 603), "≥": (0xB3, 549), "∝": (0xB5, 713), "∂": (0xB6, 494), "≠": (0xB9, 549),
    "≡": (0xBA, 549), "≈": (0xBB, 549), "⊗": (0xC4, 768), "⊕": (0xC5, 768), "∈": (0xCE, 713), "∇": (0xD1, 713),
    "∏": (0xD5, 823), "√": (0xD6, 549), "⋅": (0xD7, 250), "∧": (0xD9, 603), "∨": (0xDA, 603), "∑": (0xE5, 713),
    "∫": (0xF2, 274), "ϕ": (0x6A, 603),
}  # fmt: skip
_DINGBATS = {"✎": (0x2E, 911), "✓": (0x33, 755), "■": (0x6E, 761), "▲": (0x73, 892), "▼": (0x74, 892), "●": (0x6C, 791)}
_RAISED = dict(zip("ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", "T0123456789+−()ni"))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙᵢ", "0123456789+−()ni"))


def _widths(of_ascii, bold):
    widths = dict(zip(_ASCII, map(int, of_ascii.split()), strict=True))
    return widths | {letter: pair[bold] for pair, letters in _LATIN.items() for letter in letters}


_WIDTHS = {REGULAR: _widths(_REGULAR, bold=False), BOLD: _widths(_BOLD, bold=True)}


@dataclass(frozen=True)
class Run:
    """Letters in one font: their bytes in its encoding; width, scale and rise in units of the text's size.

    missing: they stand for letters that no font has, and only their outline is to be drawn.
    """

    font: str
    code: bytes
    width: float
    scale: float = 1.0
    rise: float = 0.0
    missing: bool = False


def runs(text, bold=False):
    """The text as a list of `Run`, neighbours of one kind joined."""
    found = []
    for letter in normalize("NFC", text):
        run = _run(letter, BOLD if bold else REGULAR)
        last = found[-1] if found else None
        if last and replace(last, code=b"", width=0) == replace(run, code=b"", width=0):
            found[-1] = replace(run, code=last.code + run.code, width=last.width + run.width)
        else:
            found.append(run)
    return found


def _run(letter, font):
    for small, rise in ((_RAISED, RAISED), (_LOWERED, LOWERED)):
        if letter in small:
            run = _run(small[letter], font)
            return replace(run, width=run.width * SMALL, scale=SMALL, rise=rise)
    for own_font, letters in ((SYMBOL, _SYMBOLS), (DINGBATS, _DINGBATS)):
        if letter in letters:
            code, width = letters[letter]
            return Run(own_font, bytes([code]), width / 1000)
    width = _WIDTHS[font].get(letter) or _WIDTHS[font].get(normalize("NFD", letter)[0])
    code = letter.encode("cp1252", "ignore")
    if width and code:
        return Run(font, code, width / 1000)
    return Run(font, b"", 0.0) if combining(letter) else Run(DINGBATS, BOX, BOX_WIDTH / 1000, missing=True)
