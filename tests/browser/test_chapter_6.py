"""Chapter 6 in JupyterLab: no cell fails with exercises to do; the lab is moved by keyboard, its numbers the engine's.

The steps share one page and come in order.
"""

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "06-optimizers"
LAST = r"^loss 0\.\d+, last norm 0\.\d+, accuracy 0\.9\d+"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """The optimizers that are not written yet are lent by the engine."""
    outputs_without_errors(notebook, machine, NAME)


def test_the_lab_follows_its_controls_with_the_engine_s_numbers(notebook, screenshots):
    """Moved by keyboard alone: learning rate, momentum and surface; the numbers are those of the engine."""
    import engine as torch
    from course.labs.momentum import RATES, MomentumLab

    own = MomentumLab(torch.optim.SGD)
    scroll_to(notebook, "the lab: a ball on a surface")
    picture = notebook.locator(".widget-html img").first
    picture.wait_for()
    assert picture.get_attribute("alt") == own.describe()

    surface, rate, momentum = (notebook.get_by_role("slider").nth(place) for place in range(3))
    press(notebook, rate, "ArrowRight")
    own.rate = RATES[RATES.index(own.rate) + 1]
    notebook.locator(f".widget-html img[alt='{own.describe()}']").wait_for()
    press(notebook, momentum, "ArrowRight", 10)
    own.momentum = 0.9
    notebook.locator(f".widget-html img[alt='{own.describe()}']").wait_for()
    press(notebook, surface, "ArrowRight")
    own.surface = "two valleys"
    picture = notebook.locator(f".widget-html img[alt='{own.describe()}']")
    picture.wait_for()
    expect(notebook.locator(".widget-html code")).to_have_text(own.describe())
    bring_into_view(picture)
    notebook.screenshot(path=screenshots / "chapter-6-lab.png")
