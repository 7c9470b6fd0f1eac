"""Write a drawing as a PDF file of one page, for print and for LaTeX (nbconvert takes it from a notebook's outputs).

As little of ISO 32000-1 as a picture needs: a catalog, a page, one compressed stream of drawing operators, and the
fonts that every reader brings (see pdf_fonts.py, also for which letters those hold). Nothing in it depends on the time
or the machine: the same drawing gives the same bytes.
"""

import zlib

from .pdf_fonts import BOLD, DINGBATS, REGULAR, SYMBOL, runs
from .shapes import Rectangle, Text, outline
from .words import printable

POINTS = 0.75  # in a pixel: 72 of the one and 96 of the other make an inch
LARGEST = 14_400  # points that a side of a page may have (ISO 32000-1, annex C); larger drawings are made smaller
FONTS = {REGULAR: "F1", BOLD: "F2", SYMBOL: "F3", DINGBATS: "F4"}
PEN = 0.04  # how thick an outline is, in units of the font size: of a missing letter's box, and of Symbol made bold
FILLED, OUTLINED, BOTH = 0, 1, 2  # how letters can be drawn


def write(drawing):
    """The bytes of the PDF file."""
    points = min(POINTS, LARGEST / max(drawing.width, drawing.height))
    width, height = _numbers(drawing.width * points, drawing.height * points).split()
    to_points = f"{points:.6f} 0 0 -{points:.6f} 0 {height} cm"  # from here on pixels, y downwards
    operators = [to_points, "1 j", *(_drawn(shape) for shape in drawing.shapes())]
    stream = zlib.compress("\n".join(operators).encode("ascii"), 9)
    fonts = " ".join(f"/{short} {number} 0 R" for number, short in enumerate(FONTS.values(), 6))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R "
        f"/Resources << /Font << {fonts} >> >> >>".encode("ascii"),
        f"<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode("ascii") + stream + b"\nendstream",
        b"<< /Title <" + printable(drawing.title).encode("utf-16").hex().encode("ascii") + b"> >>",
        *(_font(name) for name in FONTS),
    ]
    return _file(objects)


def _font(name):
    encoding = " /Encoding /WinAnsiEncoding" if name in (REGULAR, BOLD) else ""
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name}{encoding} >>".encode("ascii")


def _file(objects):
    """The objects, numbered from 1, with the table that says at which byte each starts."""
    content = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"  # four bytes that are no text: so programs see that the file is none
    starts = []
    for number, each in enumerate(objects, 1):
        starts.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def _drawn(shape):
    if isinstance(shape, Text):
        return _text(shape)
    pieces = outline(shape) if isinstance(shape, Rectangle) else shape.pieces
    operators = {"M": "m", "L": "l", "C": "c", "Z": "h"}
    path = " ".join(f"{_numbers(*numbers)} {operators[letter]}".strip() for letter, *numbers in pieces)
    return f"{_paint(shape)} {path} {_finish(shape)}"


def _paint(shape):
    """Colours, thickness and dashes of a rectangle or path."""
    words = [f"{_color(shape.fill)} rg"] if shape.fill else []
    if shape.stroke:
        dashes = "5 4" if shape.dashed else ""
        words += [f"{_color(shape.stroke)} RG", f"{_numbers(shape.thickness)} w", f"[{dashes}] 0 d"]
    return " ".join(words)


def _finish(shape):
    return {(True, True): "B", (True, False): "f", (False, True): "S"}[bool(shape.fill), bool(shape.stroke)]


def _text(shape):
    """Each run at its own place, because raised letters are smaller; y is turned back so that letters stand upright."""
    pieces = runs(shape.text, shape.bold)
    size = shape.size
    x = shape.x - sum(run.width for run in pieces) * size * {"start": 0, "middle": 0.5, "end": 1}[shape.anchor]
    words = [f"BT {_color(shape.color)} rg {_color(shape.color)} RG {_numbers(PEN * size)} w [] 0 d"]
    for run in pieces:
        if run.code:
            font, y = f"/{FONTS[run.font]} {_numbers(size * run.scale)} Tf", shape.y - run.rise * size
            mode = OUTLINED if run.missing else BOTH if run.font == SYMBOL and shape.bold else FILLED
            words.append(f"{font} {mode} Tr 1 0 0 -1 {_numbers(x, y)} Tm <{run.code.hex()}> Tj")
        x += run.width * size
    return " ".join([*words, "ET"])


def _color(color):
    return _numbers(*(int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)))


def _numbers(*values):
    """As PDF writes numbers: at most three decimals, no exponent."""
    return " ".join(f"{value:.3f}".rstrip("0").rstrip(".") for value in values)
