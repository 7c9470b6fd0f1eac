"""A learner's way through chapter 1 in JupyterLab: run all, the lab by keyboard, a wrong and a right answer.

The steps share one page and come in order; each looks at what a learner would see.
"""

import json
import re

import pytest

from learner import bring_into_view, cell_with, outputs_without_errors, press, run, scroll_to, write_into
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "01-tensors"
LAST = r"^read correctly: 0\.9\d+"  # printed by the last cell with code
WRONG = """def broadcast_shapes(a, b):
    axes = max(len(a), len(b))
    a, b = tuple(a) + (1,) * (axes - len(a)), tuple(b) + (1,) * (axes - len(b))
    if any(x != y and 1 not in (x, y) for x, y in zip(a, b)):
        raise ValueError("they do not fit")
    return tuple(y if x == 1 else x for x, y in zip(a, b))"""


def test_no_cell_of_the_released_chapter_fails(notebook, machine, screenshots):
    """Exercises not done yet are lent, so the learner can run everything and look around."""
    outputs_without_errors(notebook, machine, NAME)
    scroll_to(notebook, "the result")
    notebook.get_by_alt_text(re.compile("^599 digits, sorted by how they were read")).scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-1-mosaic.png")


def test_the_lab_follows_its_sliders_with_the_engine_s_numbers(notebook, screenshots):
    """Moved by keyboard alone: six steps through the result, then the shape of b one to the left and back."""
    from course.labs.broadcasting import Broadcasting

    own = Broadcasting()
    scroll_to(notebook, "the lab: where each number comes from")
    code = notebook.locator(".widget-html code")
    sliders = notebook.locator(".jp-OutputArea .widget-hslider [role=slider]")
    sliders.first.scroll_into_view_if_needed()
    expect(code).to_have_text(own.describe())
    for slider, key, times, change in [
        (2, "ArrowRight", 6, {"element": 6}),
        (1, "ArrowLeft", 1, {"b": (), "element": 2}),
        (1, "ArrowRight", 1, {"b": (4,), "element": 2}),
    ]:
        press(notebook, sliders.nth(slider), key, times)
        for name, value in change.items():
            setattr(own, name, value)
        notebook.wait_for_function(
            "said => document.querySelector('.widget-html code').innerText === said", arg=own.describe()
        )
        picture = notebook.locator(".widget-html img")
        assert picture.get_attribute("alt") == own.describe()
        assert picture.evaluate("image => image.complete && image.naturalWidth > 800")
    bring_into_view(notebook.locator(".widget-html img"))
    notebook.screenshot(path=screenshots / "chapter-1-lab.png")


def test_a_wrong_answer_is_told_why(notebook, screenshots):
    scroll_to(notebook, "the shape in which two shapes meet")
    write_into(notebook, cell_with(notebook, "The shape in which two shapes meet."), WRONG)
    check = cell_with(notebook, 'check("tensors/broadcast_shapes"')
    run(notebook, check)
    reason = check.get_by_text("You line the shapes up at their first axes.")
    reason.wait_for()
    reason.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-1-wrong.png")


def test_the_right_answer_passes(notebook):
    from course import builder, classroom

    source = json.loads(builder.render(classroom.CHAPTERS / f"{NAME}.md"))
    solution = next("".join(cell["source"]) for cell in source["cells"] if cell["id"] == "tensors-broadcast_shapes")
    write_into(notebook, cell_with(notebook, "they do not fit"), solution)
    check = cell_with(notebook, 'check("tensors/broadcast_shapes"')
    run(notebook, check)
    check.get_by_text("tensors/broadcast_shapes: passed, 4 of 4 points").wait_for()
