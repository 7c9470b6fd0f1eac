"""A learner's way through chapter 4 in JupyterLab: run all, the playground by keyboard, a wrong and a right class.

The steps share one page and come in order; each looks at what a learner would see.
"""

import re

import pytest

from learner import bring_into_view, cell_with, outputs_without_errors, press, run, scroll_to, solution, write_into

pytestmark = pytest.mark.slow

NAME = "04-modules"
LAST = r"^loss 0\.\d+, accuracy 0\.9\d+"  # printed by the last cell with code
WRONG = """class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x * (torch.rand(*x.shape) >= self.p).to(x.dtype) / (1 - self.p)"""


def test_no_cell_of_the_released_chapter_fails(notebook, machine, screenshots):
    """Exercises not done yet are lent, so the learner can run everything and look around."""
    outputs_without_errors(notebook, machine, NAME)
    scroll_to(notebook, "why: some questions are not straight")
    notebook.get_by_alt_text(re.compile("^The plane as each model divides it")).scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-4-top.png")


def test_the_playground_follows_its_sliders(notebook, screenshots):
    """By keyboard alone: thirty steps of training, then a network of twice the size, which begins at step 0."""
    scroll_to(notebook, "the lab: a playground")
    said = notebook.locator(".widget-html code")
    said.scroll_into_view_if_needed()
    assert said.inner_text().startswith("100 moons, 8 hidden units a layer, step 0 of 300: loss 0.")
    sliders = notebook.locator(".jp-OutputArea .widget-hslider [role=slider]")
    press(notebook, sliders.nth(6), "ArrowRight", 3)
    notebook.get_by_text("100 moons, 8 hidden units a layer, step 30 of 300").wait_for()
    trained = said.inner_text()
    picture = notebook.locator(".widget-html img")
    assert picture.get_attribute("alt") == trained
    notebook.screenshot(path=screenshots / "chapter-4-lab.png")
    press(notebook, sliders.nth(3), "ArrowRight")
    notebook.get_by_text("100 moons, 16 hidden units a layer, step 0 of 300").wait_for()


def test_play_trains_by_itself(notebook, screenshots):
    scroll_to(notebook, "the lab: a playground")
    notebook.locator(".jupyter-widgets.widget-play button").first.click()
    notebook.get_by_text("16 hidden units a layer, step 300 of 300").wait_for()
    bring_into_view(notebook.locator(".widget-html img"))
    notebook.screenshot(path=screenshots / "chapter-4-played.png")


def test_a_wrong_class_is_told_why(notebook, screenshots):
    scroll_to(notebook, "exercise: dropout")
    write_into(notebook, cell_with(notebook, "In training each number becomes 0 with probability p"), WRONG)
    check = cell_with(notebook, 'check("modules/dropout"')
    run(notebook, check)
    reason = check.get_by_text("It drops in evaluation too.")
    reason.wait_for()
    reason.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-4-wrong.png")


def test_the_right_class_passes(notebook, screenshots):
    scroll_to(notebook, "exercise: dropout")
    write_into(notebook, cell_with(notebook, "(torch.rand(*x.shape) >= self.p)"), solution(NAME, "modules-dropout"))
    check = cell_with(notebook, 'check("modules/dropout"')
    run(notebook, check)
    check.get_by_text("modules/dropout: passed, 4 of 4 points").wait_for()
    notebook.screenshot(path=screenshots / "chapter-4-right.png")
