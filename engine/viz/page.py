"""A graph for a notebook and for an .html file: a static picture, and a script that puts the viewer in its place.

Where no script may run (a notebook that is not trusted, a page that shows notebooks, a mail) the picture stays. Nothing
is loaded from anywhere. The same document gives the same text.
"""

import base64
import gzip
import hashlib
import json
from html import escape

from . import pdf, svg
from .drawing import draw
from .fold import fold
from .layout import layout
from .lighten import LIMIT, as_json, lightened
from .script import script
from .words import printable, text


def bundle(document):
    """The MIME bundle by which a notebook shows a graph: HTML (see `fragment`), SVG, PDF (for LaTeX) and text.

    A large document is lightened first, so that a notebook's file does not grow by more than about 1.5 MB.
    """
    drawing = drawing_of(document)
    picture = svg.write(drawing)
    return {
        "text/html": fragment(lightened(document), picture),
        "image/svg+xml": picture,
        "application/pdf": base64.b64encode(pdf.write(drawing)).decode("ascii"),
        "text/plain": text(document),
    }


def drawing_of(document):
    """The `Drawing` of a document with the groups open that are open at first."""
    return draw(document, layout(fold(document, document["open"])))


def fragment(document, picture):
    """HTML to stand in a page: the picture (the text of an SVG file) with the graph in words as its alternative.

    The script finds its element by a key made from the content, because a module does not know where it stands, and
    because the same output may be there twice.
    """
    content = as_json(document)
    packed = json.dumps(_compressed(content)) if len(content) > LIMIT else content.replace("<", "\\u003c")
    key = hashlib.sha256(f"{content}\n{picture}".encode("utf-8")).hexdigest()[:16]
    return (
        f'<div data-chainrule="{key}">{image(document, picture)}</div>\n<script type="module">\n'
        f'{_for_script(script())}\nreplacePictures("{key}", {packed});\n</script>'
    )


def image(document, picture):
    """An <img> of the picture, with the graph in words as its alternative; it stays where a notebook is not trusted."""
    data = base64.b64encode(picture.encode("utf-8")).decode("ascii")
    words = escape(printable(text(document)))
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{words}" style="max-width:100%">'


def page(document):
    """A whole HTML page, to be opened from a file, without a network."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(printable(document["title"]))}</title>
</head>
<body style="margin: 16px; font-family: system-ui, sans-serif">
{fragment(document, svg.write(drawing_of(document)))}
</body>
</html>
"""


def _for_script(code):
    """JavaScript without what an HTML parser would take for its end, or for a comment in it."""
    return code.replace("</", "<\\/").replace("<!--", "<\\!--")


def _compressed(content):
    """gzip in base64; without a time in it."""
    return base64.b64encode(gzip.compress(content.encode("ascii"), mtime=0)).decode("ascii")
