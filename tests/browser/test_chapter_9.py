"""Chapter 9 in JupyterLab: no cell fails with exercises to do; the gate movie is moved by keyboard, and plays.

The steps share one page and come in order.
"""

import re

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "09-sequences"
LAST = r"^loss \d\.\d+, norm \d\.\d+, cell"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """What is not written yet is lent by the engine, and the LSTM adds up all the same."""
    outputs = outputs_without_errors(notebook, machine, NAME)
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert float(re.search(r"the LSTM explains ([\d.]+)% of the variance", said)[1]) >= 88
    assert "--- temperature 0.5\nThe class " in said


def test_the_lab_follows_the_keyboard(notebook, screenshots):
    """Arrow keys take the LSTM back a step and on to another sequence; picture and words follow."""
    scroll_to(notebook, "the lab: an lstm's gates")
    picture = notebook.locator(".widget-html img[alt^='sequence']")
    picture.wait_for()
    bring_into_view(picture)
    assert "sequence 0, step 49" in picture.get_attribute("alt")
    step, sequence = (notebook.locator(".widget-hslider [role=slider]").nth(place) for place in (0, 1))
    press(notebook, step, "ArrowLeft", 4)
    press(notebook, sequence, "ArrowRight")
    moved = notebook.locator(".widget-html img[alt^='sequence 1, step 45']")
    moved.wait_for()
    said = moved.get_attribute("alt")
    expect(notebook.locator(".widget-html code").first).to_contain_text(said)
    lstm, rnn = (float(re.search(rf"{name} (\d\.\de[+-]\d\d)", said)[1]) for name in ("LSTM", "RNN"))
    assert lstm > 100 * rnn, "the LSTM's gradient reaches back, the RNN's does not"
    bring_into_view(moved)
    notebook.screenshot(path=screenshots / "chapter-9-lab.png")
