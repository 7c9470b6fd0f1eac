"""The texts around a picture: notes above it; below it, what went wrong at an operation that failed.

Both are lists of shapes whose place (0, 0) is their own top left corner, with their width and height.
"""

from .glyphs import text_width
from .looks import DETAIL_INK, INK, RED
from .shapes import Text

SIZE, LINE = 12, 17  # pixels: of letters, and from line to line
COLUMN_GAP = 14


def notes(sentences, width):
    """(shapes, width, height) of sentences, each on its own lines, broken to be at most `width` pixels wide."""
    lines = [line for sentence in sentences for line in broken(sentence, width)]
    shapes = [Text(0, LINE * index + SIZE, line, SIZE, DETAIL_INK, anchor="start") for index, line in enumerate(lines)]
    return shapes, max((text_width(line, SIZE) for line in lines), default=0), LINE * len(lines)


def error(document, node, width):
    """(shapes, width, height) of why a node failed: the error, the shapes aligned by dimension, the line."""
    failure = node["error"]
    lines = broken(f"{failure['kind']}: {failure['message']}", width)
    places = [LINE * index + SIZE for index in range(len(lines))]
    shapes = [Text(0, y, line, SIZE, RED, bold=True, anchor="start") for y, line in zip(places, lines)]
    widest = max(text_width(line, SIZE, bold=True) for line in lines)
    height = LINE * len(lines) + 4
    table, table_width = _shapes_aligned(failure["shapes"], height)
    height += LINE * len(failure["shapes"])
    place = _code(document, node["line"])
    for line in place:
        shapes.append(Text(0, height + SIZE + 4, line, SIZE, DETAIL_INK, anchor="start"))
        height += LINE
    return shapes + table, max(widest, table_width, *(text_width(line, SIZE) for line in place), 0), height + 4


def _shapes_aligned(named_shapes, top):
    """Names on the left, then a column for each dimension, the last ones under each other; and the table's width."""
    if not named_shapes:
        return [], 0
    most = max(len(shape) for _, shape in named_shapes)
    columns = [[str(shape[dim]) for _, shape in named_shapes if len(shape) >= -dim] for dim in range(-most, 0)]
    right = max(text_width(name, SIZE, bold=True) for name, _ in named_shapes)
    ends, first = [], right + COLUMN_GAP
    for column in columns:
        right += COLUMN_GAP + max(text_width(size, SIZE) for size in column)
        ends.append(right)
    texts = []
    for row, (name, shape) in enumerate(named_shapes):
        y = top + LINE * row + SIZE
        texts.append(Text(0, y, name, SIZE, INK, bold=True, anchor="start"))
        places = ends[most - len(shape) :]
        texts += [Text(end, y, str(size), SIZE, INK, anchor="end") for end, size in zip(places, shape)]
        if not shape:
            texts.append(Text(first, y, "scalar", SIZE, DETAIL_INK, anchor="start"))
    return texts, max(right, first + text_width("scalar", SIZE))


def _code(document, line):
    """["file.py, line 12:  y = x @ W"], or [] where the code is not known."""
    if line is None:
        return []
    source = document["sources"][line["source"]]
    index = line["number"] - source["first"]
    code = f":  {source['lines'][index].strip()}" if 0 <= index < len(source["lines"]) else ""
    return [f"{source['file']}, line {line['number']}{code}"]


def broken(sentence, width):
    """The sentence in lines of at most `width` pixels; a word that is wider than that has a line of its own."""
    lines = []
    for word in " ".join(sentence.split()).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, SIZE, bold=True) > width:
            lines.append(word)
        else:
            lines[-1:] = [longer]
    return lines
