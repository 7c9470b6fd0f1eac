"""Chapter 7 in JupyterLab: no cell fails with exercises to do; the lab is clicked and moved by keyboard.

The steps share one page and come in order.
"""

import re

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "07-convolution"
LAST = r"^training loss \d\.\d+, test loss \d\.\d+"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """What is not written yet is lent by the engine, and the network reads the digits all the same."""
    outputs = outputs_without_errors(notebook, machine, NAME)
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert float(re.search(r"([\d.]+)% of the 599 held-out digits", said)[1]) >= 98


def test_the_lab_follows_mouse_and_keyboard(notebook, screenshots):
    """A click chooses the pixel under the mouse, an arrow key its neighbour, a slider another layer."""
    scroll_to(notebook, "the lab: click a pixel")
    picture = notebook.locator("[role=application] img")
    picture.wait_for()
    bring_into_view(picture)
    assert "convolution 1, channel 0, row 3, column 3" in picture.get_attribute("alt")

    from course.labs.receptive_field import HEIGHT, LEFTS, SIDE, TOP, WIDTH

    box, side = picture.bounding_box(), SIDE / 8
    place = {  # row 5, column 2
        "x": box["width"] * (LEFTS[1] + 2.5 * side),
        "y": box["height"] * (1 - TOP - SIDE * WIDTH / HEIGHT + 5.5 * side * WIDTH / HEIGHT)}
    picture.click(position=place)
    notebook.locator("[role=application] img[alt*='row 5, column 2']").wait_for()
    for key in ("Right", "Up", "Up", "Down", "Right", "Left"):  # faster than it draws, and none is lost
        notebook.keyboard.press(f"Arrow{key}")
    notebook.locator("[role=application] img[alt*='row 4, column 3']").wait_for()
    layer = notebook.locator(".widget-hslider [role=slider]").first
    press(notebook, layer, "ArrowRight", 2)
    deeper = notebook.locator("[role=application] img[alt*='convolution 2']")
    deeper.wait_for()
    said = deeper.get_attribute("alt")
    assert "It sees 8 by 8 pixels" in said
    expect(notebook.locator(".widget-html code").first).to_contain_text(said)
    products, bias, value = (float(each) for each in re.search(
        r"those of all 16 to (-?[\d.]+), plus the bias (-?[\d.]+): (-?[\d.]+)\.", said).groups())
    assert abs(products + bias - value) < 0.002
    bring_into_view(deeper)
    notebook.screenshot(path=screenshots / "chapter-7-lab.png")
