"""Chapter 6 in JupyterLab: no cell fails with exercises to do; the lab is moved by keyboard, its numbers the engine's.

The steps share one page and come in order.
"""

import json
import re

import pytest

from learner import chapter_at, menu, scroll_to

pytestmark = pytest.mark.slow

NAME = "06-optimizers"


@pytest.fixture(scope="module")
def lab(machine):
    """The address of the chapter in the learner's JupyterLab."""
    with machine.course("lab") as address:
        yield chapter_at(address, NAME)


@pytest.fixture(scope="module")
def notebook(lab, page):
    """The page with the chapter open and all of its cells run."""
    page.goto(lab)
    page.locator(".jp-NotebookPanel").wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    # the last code cell is the PyTorch listing: its output says that all before it has run
    done = page.get_by_text(re.compile(r"^loss 0\.\d+, last norm 0\.\d+, accuracy 0\.9\d+"))
    for second in range(240):
        if second % 120 == 0:  # a kernel that has only just connected may miss the first call
            menu(page, "Run", "Run All Cells")
        scroll_to(page, "three questions to check")  # again and again: outputs that arrive above push it away
        if done.count():
            return page
        page.wait_for_timeout(1000)
    raise AssertionError("the chapter's last cell gave no result")


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """The optimizers that are not written yet are lent by the engine."""
    notebook.keyboard.press("Control+s")
    notebook.wait_for_timeout(1500)
    saved = json.loads((machine.workspace / NAME / f"{NAME}.ipynb").read_text())
    errors = [
        output for cell in saved["cells"] for output in cell.get("outputs", []) if output["output_type"] == "error"
    ]
    assert errors == []
    assert all(cell.get("execution_count") for cell in saved["cells"] if cell["cell_type"] == "code")


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
    rate.focus()
    notebook.keyboard.press("ArrowRight")
    own.rate = RATES[RATES.index(own.rate) + 1]
    notebook.locator(f".widget-html img[alt='{own.describe()}']").wait_for()
    momentum.focus()
    for _ in range(10):
        notebook.keyboard.press("ArrowRight")
    own.momentum = 0.9
    notebook.locator(f".widget-html img[alt='{own.describe()}']").wait_for()
    surface.focus()
    notebook.keyboard.press("ArrowRight")
    own.surface = "two valleys"
    picture = notebook.locator(f".widget-html img[alt='{own.describe()}']")
    picture.wait_for()
    assert notebook.locator(".widget-html code").inner_text() == own.describe()
    picture.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-6-lab.png")
