"""Draw a graph at its layout as the text of an SVG file.

Only presentation attributes: no script, style sheet, font file or id, so that it looks the same in a
notebook, a file and on paper, and two pictures on one page cannot disturb each other. It brings its own
light ground, which reads on light and dark pages. What a box is shows in its shape as well as its
colour: parameters are rectangles, operations have round ends, the output has a double frame.
"""

from dataclasses import dataclass
from xml.sax.saxutils import escape

from .layout import ARROW, DETAIL_SIZE, LABEL_SIZE, PADDING

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif"
GROUND, GROUND_EDGE, DETAIL_INK = "#fafbfd", "#d3d8e1", "#495263"


@dataclass(frozen=True)
class Look:
    """Colours of a kind of node, and of the lines that leave it."""

    fill: str
    frame: str
    ink: str
    line: str


LOOKS = {
    "parameter": Look(fill="#dcecfa", frame="#0a62a8", ink="#083f6e", line="#4d8fc4"),
    "op": Look(fill="#ffffff", frame="#6d7789", ink="#1b2230", line="#8790a0"),
    "output": Look(fill="#ffedcc", frame="#b35500", ink="#6b3300", line="#8790a0"),
    "more": Look(fill="#eef0f4", frame="#6d7789", ink="#495263", line="#8790a0"),
}


def draw(graph, layout):
    """The SVG text for `graph` (its words) at `layout` (its places)."""
    width, height = _number(layout.width), _number(layout.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="{FONT}" text-anchor="middle">',
        f"<title>{_escaped(graph.title())}</title>",
        f"<desc>{_escaped(graph.text())}</desc>",
        f'<rect x="0.5" y="0.5" width="{_number(layout.width - 1)}" height="{_number(layout.height - 1)}" '
        f'rx="10" fill="{GROUND}" stroke="{GROUND_EDGE}"/>',
    ]
    parts += [_line(graph, line, layout.rightwards) for line in layout.lines]
    parts += [_box(graph.nodes[box.node], box, layout.rightwards) for box in layout.boxes]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _line(graph, line, rightwards):
    """A curve that stops short of the box, and its arrow head."""
    edge = graph.edges[line.edge]
    source = graph.nodes[edge.source]
    *points, last = line.points
    (x, y), half = last, ARROW / 2
    if rightwards:
        points.append((x - ARROW, y))
        head = [(x, y), (x - ARROW, y - half), (x - ARROW, y + half)]
    else:
        points.append((x, y - ARROW))
        head = [(x, y), (x - half, y - ARROW), (x + half, y - ARROW)]
    color = LOOKS[source.kind].line
    words = f"{source.name or source.label} {source.shape_text} → {graph.nodes[edge.target].label}"
    if edge.rule:
        words += f"\nback: {edge.rule_text()}, where g is the gradient at {graph.nodes[edge.target].label}"
    return (
        f"<g><title>{_escaped(words)}</title>"
        f'<path d="{_curve(points, rightwards)}" fill="none" stroke="{color}" stroke-width="1.6"/>'
        f'<path d="M{" L".join(map(_pair, head))} Z" fill="{color}"/></g>'
    )


def _curve(points, rightwards):
    """Straight along the flow; an S, level at both ends, where it also has to move across."""
    commands = [f"M{_pair(points[0])}"]
    for (x, y), (next_x, next_y) in zip(points, points[1:]):
        if (y == next_y) if rightwards else (x == next_x):
            commands.append(f"L{_pair((next_x, next_y))}")
        elif rightwards:
            middle = (x + next_x) / 2
            commands.append(f"C{_pair((middle, y))} {_pair((middle, next_y))} {_pair((next_x, next_y))}")
        else:
            middle = (y + next_y) / 2
            commands.append(f"C{_pair((x, middle))} {_pair((next_x, middle))} {_pair((next_x, next_y))}")
    return " ".join(commands)


def _box(node, box, rightwards):
    look = LOOKS[node.kind]
    radius = min(20, box.height / 2) if node.kind in ("op", "more") else 6
    parts = [_frame(box, 0, radius, look.fill, look.frame, dashed=node.kind == "more")]
    if node.kind == "output":
        parts.append(_frame(box, 3, radius - 3, "none", look.frame))
    return f"<g><title>{_escaped(node.text())}</title>{''.join(parts)}{_words(box, look, rightwards)}</g>"


def _frame(box, inset, radius, fill, stroke, dashed=False):
    x, y = _number(box.x + inset), _number(box.y + inset)
    width, height = _number(box.width - 2 * inset), _number(box.height - 2 * inset)
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{_number(radius)}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="1.4"{dashes}/>'
    )


def _words(box, look, rightwards):
    """The label with its detail: below it, or beside it in the same text."""
    label = f'font-size="{LABEL_SIZE}" font-weight="600" fill="{look.ink}"'
    detail = f'font-size="{DETAIL_SIZE}" fill="{DETAIL_INK}"'
    x, middle = _number(box.x + box.width / 2), box.y + box.height / 2
    line = f'<text x="{x}" y="{_number(middle + 5)}"'
    if not box.detail:
        return f"{line} {label}>{_escaped(box.label)}</text>"
    if rightwards:
        return (
            f'<text x="{x}" y="{_number(middle - 3)}" {label}>{_escaped(box.label)}</text>'
            f'<text x="{x}" y="{_number(middle + 13)}" {detail}>{_escaped(box.detail)}</text>'
        )
    beside = f'<tspan dx="{PADDING}" font-weight="400" {detail}>{_escaped(box.detail)}</tspan>'
    return f"{line} {label}>{_escaped(box.label)}{beside}</text>"


def _pair(point):
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value):
    """At most one decimal, and none where it would be 0."""
    return f"{value:.1f}".removesuffix(".0")


def _escaped(text):
    """Text for XML: markup escaped, and what XML cannot hold (control characters) replaced."""
    return escape("".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text))
