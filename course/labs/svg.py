"""Pictures of boxes and text, written as SVG: quicker than a plot, and sharp at any size. Lengths are pixels."""

import base64
import html

BOX = '<rect x="{:g}" y="{:g}" width="{:g}" height="{:g}" fill="{}" stroke="{}" stroke-width="{}"{}/>'
TEXT = '<text x="{:g}" y="{:g}" font-size="{}" fill="{}" text-anchor="{}"{}>{}</text>'


def box(x, y, width, height, fill, stroke, stroke_width=1, more=""):
    """A rectangle; `more`: further attributes, with a space before them."""
    return BOX.format(x, y, width, height, fill, stroke, stroke_width, more)


def text(x, y, words, size=13, colour="black", anchor="start", bold=False):
    """One line of text on the baseline y; anchor: which part of it stands at x, "start", "middle" or "end"."""
    return TEXT.format(x, y, size, colour, anchor, ' font-weight="bold"' * bold, html.escape(str(words)))


def drawing(width, height, parts):
    """The whole picture, as SVG text, on a white ground, so that it reads on dark pages too."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="white"/>'
        f'{"".join(parts)}</svg>'
    )


def image(picture, alt):
    """SVG text as an <img> with its picture inside and `alt` as its text."""
    source = f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode('ascii')}"
    return f'<img alt="{html.escape(alt)}" src="{source}" style="max-width: 100%">'
