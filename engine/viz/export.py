"""Saves a graph's document as a file: what kind of file, its name's ending says."""

import json
from pathlib import Path

from ..files import write_atomically
from . import pdf, png, svg
from .page import drawing_of, page


def save(document, path, scale=2):
    """Write the picture of a document to `path`; the file is there whole or not at all.

    path: ends in .svg, .pdf or .png (a picture), .html (to step through in any browser, without a network) or .json
        (the document itself, see docs/graphs.md).
    scale: of a .png, dots for each pixel along either side; other files have no use for it.

    Raises ValueError for another ending or a scale that is no positive number, FileNotFoundError when the folder does
    not exist, ModuleNotFoundError for a .png without matplotlib.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in WRITERS:
        raise ValueError(f"save(path): got {str(path)!r}, expected a name that ends in one of {', '.join(WRITERS)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save(path): the folder {str(path.parent)!r} does not exist")
    write_atomically(path, WRITERS[ending](document, scale))


WRITERS = {  # ending: function of a document and the scale that gives the file's bytes
    ".svg": lambda document, scale: svg.write(drawing_of(document)).encode("utf-8"),
    ".pdf": lambda document, scale: pdf.write(drawing_of(document)),
    ".png": lambda document, scale: png.paint(drawing_of(document), scale),
    ".html": lambda document, scale: page(document).encode("utf-8"),
    ".json": lambda document, scale: json.dumps(document, indent=1, allow_nan=False).encode("ascii"),
}
