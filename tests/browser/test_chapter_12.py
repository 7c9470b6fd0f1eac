"""Chapter 12 in JupyterLab: no cell fails with exercises to do; the lab goes from update to update by keyboard.

The steps share one page and come in order.
"""

import re

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "12-gan"
LAST = r"^losses \d\.\d+ and \d\.\d+, penalty \d\.\d+"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """What is not written yet is lent by the engine, and the digits are drawn all the same."""
    outputs = outputs_without_errors(notebook, machine, NAME)
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert "with the penalty: 8 of 8 modes" in said and "10 of 10 digits" in said
    assert float(re.search(r"pixel Fréchet distance ([\d.]+):", said)[1]) < 3


def test_the_lab_follows_the_keyboard(notebook, screenshots):
    """The slider goes to the first update and on; other trainings are chosen, and the counts agree."""
    scroll_to(notebook, "the lab: update by update")

    def shown(words):
        found = notebook.locator(f".widget-html img[alt^='{words}']")
        found.wait_for()
        return found.get_attribute("alt")

    shown("penalty, step 1590, the generator has moved: 8 of 8 modes")
    slider, training = (notebook.locator(".widget-hslider [role=slider]").nth(number) for number in (0, 1))
    slider.focus()
    notebook.keyboard.press("Home")
    shown("penalty, step 0, the discriminator has moved: 0 of 8 modes")
    press(notebook, slider, "ArrowRight")
    said = shown("penalty, step 0, the generator has moved: 0 of 8 modes")
    expect(notebook.locator(".widget-html code").first).to_contain_text(said)
    press(notebook, training, "ArrowRight")
    shown("no penalty, step 0, the generator has moved")
    press(notebook, training, "ArrowRight")
    shown("collapsed, step 0, the generator has moved")
    slider.focus()
    notebook.keyboard.press("End")
    shown("collapsed, step 990, the generator has moved")
    press(notebook, training, "ArrowLeft")
    shown("no penalty, step")
    press(notebook, training, "ArrowLeft")
    shown("penalty, step")  # it is longer, and so is the slider from now on
    slider.focus()
    notebook.keyboard.press("End")
    said = shown("penalty, step 1590, the generator has moved: 8 of 8 modes")
    assert int(re.search(r"(\d+) of 300 samples are near one", said)[1]) >= 8 * 6, "a covered mode has six at least"
    bring_into_view(notebook.locator(".widget-html img").first)
    notebook.screenshot(path=screenshots / "chapter-12-lab.png")
