"""What a picture is made of: rectangles, paths and texts in pixels, y downwards, listed from back to front.

svg.py, pdf.py and png.py each know these three and nothing of graphs; so they draw the same picture.
"""

from dataclasses import dataclass

CORNER = 0.5523  # how far the handles of a cubic lie from its ends, in radii, to come nearest to a quarter circle


@dataclass(frozen=True)
class Rectangle:
    """(x, y) is its top left corner; radius rounds its corners; fill and stroke are "#rrggbb" or None."""

    x: float
    y: float
    width: float
    height: float
    radius: float = 0
    fill: str | None = None
    stroke: str | None = None
    thickness: float = 1.4
    dashed: bool = False


@dataclass(frozen=True)
class Path:
    """pieces: ("M", x, y) starts, ("L", x, y) goes straight, ("C", x1, y1, x2, y2, x, y) is a cubic, ("Z",) closes."""

    pieces: tuple[tuple, ...]
    fill: str | None = None
    stroke: str | None = None
    thickness: float = 1.4
    dashed: bool = False


@dataclass(frozen=True)
class Text:
    """One line; (x, y) is on its base line, at its start, middle or end as `anchor` says; size in pixels."""

    x: float
    y: float
    text: str
    size: float
    color: str
    bold: bool = False
    anchor: str = "middle"


@dataclass(frozen=True)
class Part:
    """Shapes that belong together, and the words that a pointer resting on them brings up."""

    title: str
    shapes: tuple


@dataclass(frozen=True)
class Drawing:
    """title and description say in words what is drawn, for those who don't see it."""

    width: float
    height: float
    title: str
    description: str
    parts: tuple[Part, ...]

    def shapes(self):
        """All shapes from back to front."""
        return [shape for part in self.parts for shape in part.shapes]


def polygon(*points):
    """Pieces of a closed path with straight sides."""
    first, *others = points
    return (("M", *first), *(("L", *point) for point in others), ("Z",))


def outline(rectangle):
    """A rectangle's border as pieces of a path, for what knows no rounded corners of its own."""
    left, top = rectangle.x, rectangle.y
    right, bottom = left + rectangle.width, top + rectangle.height
    radius = min(rectangle.radius, rectangle.width / 2, rectangle.height / 2)
    if not radius:
        return polygon((left, top), (right, top), (right, bottom), (left, bottom))
    near = radius * (1 - CORNER)
    return (
        ("M", left + radius, top),
        ("L", right - radius, top),
        ("C", right - near, top, right, top + near, right, top + radius),
        ("L", right, bottom - radius),
        ("C", right, bottom - near, right - near, bottom, right - radius, bottom),
        ("L", left + radius, bottom),
        ("C", left + near, bottom, left, bottom - near, left, bottom - radius),
        ("L", left, top + radius),
        ("C", left, top + near, left + near, top, left + radius, top),
        ("Z",),
    )
