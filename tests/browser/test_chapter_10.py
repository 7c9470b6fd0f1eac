"""Chapter 10 in JupyterLab: no cell fails with exercises to do; a number and the mask are changed in the lab.

The steps share one page and come in order.
"""

import math
import re

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "10-attention"
LAST = r"a layer: loss \d\.\d+, output \d\.\d+"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """What is not written yet is lent by the engine, and the transformer learns all the same."""
    outputs = outputs_without_errors(notebook, machine, NAME)
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert float(re.search(r"([\d.]+)% of the held-out nats are saved", said)[1]) >= 58.4
    assert "the same text: True" in said


def test_the_lab_follows_mouse_and_keyboard(notebook, screenshots):
    """A click chooses a number, an arrow key the next, the slider sets it, a click on the mask hides a word."""
    from course.labs.attention import BIG_HEIGHT, BIG_WIDTH, _centres

    scroll_to(notebook, "the lab: attention")
    picture = notebook.locator("[role=application] img")
    picture.wait_for()
    bring_into_view(picture)
    assert "Q[2, 0] of “sat” is 3.0" in picture.get_attribute("alt")

    def click(cell):
        box, (x, y) = picture.bounding_box(), _centres()[cell]
        picture.click(position={"x": box["width"] * x / BIG_WIDTH, "y": box["height"] * y / BIG_HEIGHT})

    def shown(words):
        found = notebook.locator(f"[role=application] img[alt*='{words}']")
        found.wait_for()
        return found.get_attribute("alt")

    click(("Q", 0, 0))
    shown("Q[0, 0] of “the” is 1.0")
    notebook.keyboard.press("ArrowDown")
    notebook.keyboard.press("ArrowRight")
    shown("Q[1, 1] of “cat” is 1.0")
    slider = notebook.locator(".widget-hslider [role=slider]").first
    press(notebook, slider, "ArrowRight")
    said = shown("Q[1, 1] of “cat” is 1.1")
    shares = [float(each) for each in re.search(r"the ([\d.]+), cat ([\d.]+), sat ([\d.]+), down ([\d.]+)", said).groups()]
    grown = [math.exp(1.1 * key / math.sqrt(2)) for key in (0, 0, 2, 1)]
    assert shares == pytest.approx([each / sum(grown) for each in grown], abs=0.006), "the softmax, computed here"
    click(("mask", 1, 2))
    said = shown("“cat” looking at “sat” is hidden")
    assert "sat 0.00" in said
    expect(notebook.locator(".widget-html code").first).to_contain_text(said)
    notebook.get_by_label("causal mask").check()
    shown("sat 0.00, down 0.00")
    bring_into_view(picture)
    notebook.screenshot(path=screenshots / "chapter-10-lab.png")
