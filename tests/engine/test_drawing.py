"""A document and its layout become plain shapes: all is drawn, inside of the picture, and told apart without colour."""

import pathlib
import re
from random import Random

import documents
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import viz
from engine.viz import looks
from engine.viz.drawing import draw
from engine.viz.fold import fold
from engine.viz.layout import layout
from engine.viz.page import drawing_of
from engine.viz.pdf_fonts import runs
from engine.viz.shapes import Part, Path, Rectangle, Text, outline


def texts(drawn):
    """The texts of a drawing or of a part of one."""
    shapes = drawn.shapes if isinstance(drawn, Part) else drawn.shapes()
    return [shape.text for shape in shapes if isinstance(shape, Text)]


def one(kind="op", label="@", **known):
    """The drawing of a graph with one node."""
    return drawing_of(documents.document([{"kind": kind, "label": label, **known}], []))


def extent(shape):
    """(left, top, right, bottom) of a shape; of a text as wide as Helvetica is."""
    if isinstance(shape, Text):
        width = sum(run.width for run in runs(shape.text, shape.bold)) * shape.size
        left = shape.x - width * {"start": 0, "middle": 0.5, "end": 1}[shape.anchor]
        return left, shape.y - shape.size, left + width, shape.y + shape.size * 0.25
    pieces = outline(shape) if isinstance(shape, Rectangle) else shape.pieces
    numbers = [piece[1:] for piece in pieces]
    xs, ys = [x for each in numbers for x in each[::2]], [y for each in numbers for y in each[1::2]]
    return min(xs), min(ys), max(xs), max(ys)


MODELS = {
    "mlp": documents.mlp().document(),
    "rnn": documents.rnn().document(),
    "residual": documents.residual().document(opened=["blocks.0", "first"]),
    "transformer": documents.transformer().document(opened=[]),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_box_and_line_of_the_layout_is_drawn(name):
    document = MODELS[name]
    arranged = layout(fold(document, document["open"]))
    drawing = draw(document, arranged)
    written = texts(drawing)
    for box in arranged["boxes"]:
        assert box["label"] in written and (not box["detail"] or box["detail"] in written)
    paths = [shape for shape in drawing.shapes() if isinstance(shape, Path)]
    heads = [path for path in paths if path.pieces[-1] == ("Z",) and not path.stroke]
    assert len(heads) == len(arranged["lines"])


def assert_inside(drawing):
    for shape in drawing.shapes():
        left, top, right, bottom = extent(shape)
        assert 0 <= left and 0 <= top and right <= drawing.width and bottom <= drawing.height, shape


@pytest.mark.parametrize("name", MODELS)
def test_nothing_lies_outside_of_the_picture(name):
    assert_inside(drawing_of(MODELS[name]))


@settings(deadline=None)
@given(st.integers(0, 100_000))
def test_no_graph_breaks_the_drawing_and_nothing_lies_outside(seed):
    document = documents.random_document(Random(seed))
    for number, node in enumerate(document["nodes"]):
        node["badges"] = [f"grad: {badge}" for badge in looks.BADGES][: number % (len(looks.BADGES) + 1)]
    drawing = drawing_of(document)
    assert_inside(drawing)
    for part in drawing.parts:
        assert part.shapes


@pytest.mark.parametrize("name", MODELS)
def test_words_fit_into_their_boxes(name):
    """Measured in Helvetica's true widths, which the layout does not know."""
    drawing = drawing_of(MODELS[name])
    for part in drawing.parts:
        boxes = [extent(shape) for shape in part.shapes if not isinstance(shape, Text)]
        for text in [extent(shape) for shape in part.shapes if isinstance(shape, Text)] if part.title else []:
            assert min(box[0] for box in boxes) <= text[0] and text[2] <= max(box[2] for box in boxes), part.title


def test_the_empty_graph_and_a_single_node_are_drawn():
    assert_inside(drawing_of(documents.document([], [])))
    assert texts(one(label="W", shape=None)) == ["W"]


def form(drawing):
    """What is left of a box in a picture without colours: its parts' forms, round or not, dashed or not."""
    (box,) = [part for part in drawing.parts if part.title]
    return [
        (type(shape).__name__, getattr(shape, "radius", len(getattr(shape, "pieces", ()))), shape.dashed)
        for shape in box.shapes
        if not isinstance(shape, Text)
    ]


def test_kinds_differ_by_form_so_that_colour_is_not_needed():
    error = {"kind": "RuntimeError", "message": "no", "shapes": []}
    kinds = ["parameter", "input", "op", "output", "more", "failed"]
    forms = [form(one(kind, error=error if kind == "failed" else None)) for kind in kinds]
    for index, each in enumerate(forms):
        assert each not in forms[:index], kinds[index]


def test_the_viewer_has_the_same_colours():
    """A picture that comes to life must not change its colours."""
    light = pathlib.Path(viz.__file__).with_name("js").joinpath("style.js").read_text("utf-8").partition("const DARK")[0]
    for kind, look in looks.LOOKS.items():
        for part in ("fill", "frame", "ink"):
            (color,) = re.findall(rf"--{kind}-{part}: (#\w+);", light)
            ours = getattr(look, part)
            assert color in (ours, f"#{ours[1]}{ours[3]}{ours[5]}"), (kind, part)


def test_a_closed_group_is_a_stack_of_cards_and_an_open_one_a_frame_with_its_title():
    group = {"id": 0, "kind": "repeat", "label": "Block × 12", "count": 12}
    nodes = [{"label": "@", "group": 0}, {"label": "relu", "group": 0}]
    closed = drawing_of(documents.document(nodes, [(0, 1)], [group], []))
    assert texts(closed)[0] == "Block × 12" and "@" not in texts(closed)
    assert [kind for kind, *_ in form(closed)] == ["Rectangle"] * 3
    opened = drawing_of(documents.document(nodes, [(0, 1)], [group], [0]))
    assert {"Block × 12", "@", "relu"} <= set(texts(opened))


def test_badges_have_a_letter_and_words():
    drawing = one(label="cross_entropy", badges=["value: nan", "grad: zero"])
    assert {"NaN", "all 0"} <= set(texts(drawing))
    assert "value: nan, grad: zero" in drawing.parts[-1].title
    assert "grad: zero" in drawing.description


def test_a_small_box_has_short_marks_and_says_that_there_are_more():
    everything = [f"grad: {badge}" for badge in looks.BADGES]
    assert texts(one(label="log_softmax", name="hidden", badges=everything))[2:] == ["NaN", "∞", "▲", "▼", "0", "✎"]
    assert texts(one(label="@", badges=everything, shape=None))[1:] == ["NaN", "…"]


def test_a_closed_group_has_the_marks_of_what_is_in_it():
    """What is wrong shows from outside, so that one knows which group to open."""
    nodes = [{"label": "@", "group": 0, "badges": ["value: inf"]}, {"label": "relu", "group": 0}]
    assert "∞" in texts(drawing_of(documents.document(nodes, [(0, 1)], [{"id": 0}], [])))
    nodes[0]["group"] = nodes[1]["group"] = 1
    assert "∞" in texts(drawing_of(documents.document(nodes, [(0, 1)], [{"id": 0}, {"id": 1, "parent": 0}], [])))


def match(status, first=(), value_difference=None, grad_difference=None):
    return {
        "status": status, "value": None, "grad": None, "first": list(first), "value_difference": value_difference,
        "grad_difference": grad_difference}  # fmt: skip


def test_a_comparison_marks_what_differs_and_what_differs_first():
    nodes = [
        {"label": "a", "match": match("same")},
        {"label": "b", "name": "hidden", "match": match("differs", ["value"], 0.5)},
        {"label": "c", "match": match("differs", [], 0.25, 3)},
        {"label": "d", "match": match("extra")},
        {"label": "e", "kind": "missing", "match": match("missing")},
    ]
    drawing = drawing_of(documents.document(nodes, []))
    boxes = {part.title[0]: texts(part) for part in drawing.parts if part.title}
    assert [boxes[label][2:] for label in "abcde"] == [[], ["≠ first value"], ["≠"], ["+"], ["−"]]
    assert "the first value that differs, by up to 0.5" in drawing.description
    assert "value that differs, by up to 0.25 and grad that differs, by up to 3" in drawing.description


def test_an_error_is_told_with_the_dimensions_under_each_other_and_the_line():
    shapes = [["hidden", [8, 32, 64]], ["bias", [10]], ["s", []]]
    error = {"kind": "RuntimeError", "message": "sizes 64 and 10 differ", "shapes": shapes}
    failed = {"kind": "failed", "label": "+", "error": error, "line": {"source": 0, "number": 13}}
    document = documents.document([failed], [])
    document["sources"] = [{"file": "model.py", "first": 12, "lines": ["def f():", "    y = hidden + bias"]}]
    drawing = drawing_of(document)
    written = {shape.text: shape for shape in drawing.shapes() if isinstance(shape, Text)}
    assert "RuntimeError: sizes 64 and 10 differ" in written and "model.py, line 13:  y = hidden + bias" in written
    assert written["64"].x == written["10"].x > written["32"].x > written["8"].x > written["hidden"].x
    assert {written[size].anchor for size in ("8", "32", "64", "10")} == {"end"}
    table = ["hidden", "8", "32", "64"], ["bias", "10"], ["s", "scalar"]
    rows = [{written[word].y for word in words} for words in table]
    assert all(len(row) == 1 for row in rows)
    assert max(rows[0]) < max(rows[1]) < max(rows[2])
    assert_inside(drawing)


def test_notes_stand_above_the_picture_in_lines_that_fit():
    note = "The values that backward needs were freed, so gradients are unknown. " * 4
    document = documents.document(["relu"], [])
    document["notes"] = [note]
    drawing = drawing_of(document)
    lines = [shape for shape in drawing.shapes() if isinstance(shape, Text) and shape.anchor == "start"]
    assert len(lines) > 1 and " ".join(line.text for line in lines).split() == note.split()
    (label,) = [shape for shape in drawing.shapes() if isinstance(shape, Text) and shape.text == "relu"]
    assert max(line.y for line in lines) < label.y
    assert_inside(drawing)


def test_a_line_s_words_say_the_way_back_with_shapes_and_numbers():
    document = documents.document(["x", "×"], [(0, 1)])
    document["edges"][0] |= {"text": "∂loss/∂x = g × w", "shapes": "(2,) × (2,) → (2,)", "summed": [0]}
    document["edges"][0]["numbers"] = "3 × 0.5 = 1.5"
    titles = [part.title for part in drawing_of(document).parts]
    back = "back: ∂loss/∂x = g × w, summed over dim 0\nshapes: (2,) × (2,) → (2,)\nnumbers: 3 × 0.5 = 1.5"
    assert f"x (32, 10) → ×\n{back}" in titles


def test_the_text_of_a_long_graph_is_cut_in_its_middle():
    """A screen reader is not made to read thousands of lines; the picture's own table has them."""
    description = drawing_of(documents.document(["+"] * 1000, [])).description
    assert len(description.splitlines()) == 202 and "… 800 more …" in description


def test_the_text_lists_the_boxes_that_are_seen():
    """Numbers are the boxes'; a closed group is one of them, an open one has what is in it set in under its name."""
    groups = [{"id": 0, "label": "fc1", "type": "Linear"}, {"id": 1, "label": "fc2", "type": "Linear"}]
    nodes = [
        {"kind": "input", "label": "x"},
        {"label": "@", "group": 0},
        {"label": "+", "group": 0, "constants": 1},
        {"label": "linear", "group": 1},
        {"label": "×"},
    ]
    made = documents.document(nodes, [(0, 1), (1, 2), (2, 3), (3, 4), (3, 4)], groups, [1], title="Graph of ×")
    assert drawing_of(made).description.splitlines() == [
        "Graph of ×",
        "1. x: input, (32, 10), torch.float32",
        "2. fc1 of 1: Linear · 2 operations",
        "fc2, Linear:",
        "  3. linear of 2: (32, 10), torch.float32",
        "4. × of 3 and 3: (32, 10), torch.float32",
    ]
