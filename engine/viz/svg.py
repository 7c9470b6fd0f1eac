"""Write a drawing as the text of an SVG file.

Only presentation attributes: no script, style sheet, font file or id, so that it looks the same in a notebook, a file
and on paper, and two pictures on one page cannot disturb each other.
"""

from xml.sax.saxutils import escape

from .shapes import Rectangle, Text
from .words import printable

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"


def write(drawing):
    """The SVG text. The same drawing gives the same text."""
    width, height = _number(drawing.width), _number(drawing.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="{FONT}" text-anchor="middle">',
        f"<title>{_escaped(drawing.title)}</title>",
        f"<desc>{_escaped(drawing.description)}</desc>",
        *map(_part, drawing.parts),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _part(part):
    shapes = "".join(map(_shape, part.shapes))
    return f"<g><title>{_escaped(part.title)}</title>{shapes}</g>" if part.title else shapes


def _shape(shape):
    if isinstance(shape, Text):
        return _text(shape)
    if isinstance(shape, Rectangle):
        radius = f' rx="{_number(shape.radius)}"' if shape.radius else ""
        place = {name: _number(getattr(shape, name)) for name in ("x", "y", "width", "height")}
        return f"<rect{_attributes(place)}{radius}{_paint(shape)}/>"
    way = " ".join(f"{letter}{' '.join(map(_number, numbers))}" for letter, *numbers in shape.pieces)
    return f'<path d="{way}"{_paint(shape)}/>'


def _paint(shape):
    paint = {"fill": shape.fill or "none"}
    if shape.stroke:
        paint |= {"stroke": shape.stroke, "stroke-width": _number(shape.thickness)}
        paint |= {"stroke-dasharray": "5 4"} if shape.dashed else {}
    return _attributes(paint)


def _text(shape):
    words = {"x": _number(shape.x), "y": _number(shape.y), "font-size": _number(shape.size)}
    words |= {"font-weight": "600"} if shape.bold else {}
    words |= {"text-anchor": shape.anchor} if shape.anchor != "middle" else {}
    return f"<text{_attributes(words | {'fill': shape.color})}>{_escaped(shape.text)}</text>"


def _attributes(values):
    return "".join(f' {name}="{value}"' for name, value in values.items())


def _number(value):
    """At most one decimal, and none where it would be 0."""
    return f"{value:.1f}".removesuffix(".0")


def _escaped(text):
    return escape(printable(text))
