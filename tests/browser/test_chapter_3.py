"""A learner's way through chapter 3 in JupyterLab: run all, the graph, the lab, a wrong and a right answer, Validate.

The steps share one page and come in order; each looks at what a learner would see.
"""

import re

import pytest

from learner import bring_into_view, cell_with, outputs_without_errors, press, run, scroll_to, solution, write_into
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "03-autograd-on-tensors"
LAST = r"^loss 0\.\d+, accuracy 0\.9\d+"  # printed by the last cell with code
WRONG = """def unbroadcast(gradient, shape):
    return gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))"""


def test_no_cell_of_the_released_chapter_fails(notebook, machine, screenshots):
    """Exercises not done yet are lent by the engine, so the learner can run everything and look around."""
    outputs_without_errors(notebook, machine, NAME)
    assert not notebook.get_by_text("Jupyter news").count(), "a pop-up greets the newcomer"
    scroll_to(notebook, "3 · autograd on tensors")
    notebook.screenshot(path=screenshots / "chapter-3-top.png")


def test_the_loss_shows_its_graph(notebook, screenshots):
    scroll_to(notebook, "why: one walk back")
    graph = notebook.locator(".jp-OutputArea img[src^='data:image/svg+xml']").first
    graph.scroll_into_view_if_needed()
    assert graph.evaluate("image => image.complete && image.naturalWidth > 300")
    for word in ("W", "b", "log_softmax", "nll_loss", "loss"):
        assert word in graph.get_attribute("alt")
    notebook.screenshot(path=screenshots / "chapter-3-graph.png")


def test_the_lab_follows_its_slider_with_the_engine_s_numbers(notebook, screenshots):
    """Moved by keyboard; the numbers are those of the engine on the same images."""
    import numpy as np
    from sklearn.datasets import load_digits

    from course.labs.gradient_flow import GradientFlow

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))[:1198]
    own = GradientFlow((digits.data[order] / 16).astype(np.float32), digits.target[order])

    scroll_to(notebook, "the lab: where the gradient goes")
    slider = notebook.get_by_role("slider").first
    slider.scroll_into_view_if_needed()
    press(notebook, slider, "ArrowRight", 12)
    own.step = 12
    picture = notebook.locator(f".widget-html img[alt='{own.describe()}']")
    picture.wait_for()
    expect(notebook.locator(".widget-html code")).to_have_text(own.describe())
    bring_into_view(picture)
    notebook.screenshot(path=screenshots / "chapter-3-lab.png")


def test_a_wrong_answer_is_told_why(notebook, screenshots):
    scroll_to(notebook, "undo a broadcast")
    write_into(notebook, cell_with(notebook, "Add up the gradients of all uses"), WRONG)
    check = cell_with(notebook, 'check("autograd/unbroadcast"')
    run(notebook, check)
    reason = check.get_by_text("An axis of size 1 in")
    reason.wait_for()
    expect(check.locator(".jp-OutputArea")).to_contain_text("not yet")
    reason.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-3-wrong.png")


def test_the_right_answer_passes_and_is_saved(notebook, machine, screenshots):
    scroll_to(notebook, "undo a broadcast")
    wrong = cell_with(notebook, "gradient.sum(axis=tuple(range(gradient.ndim")
    write_into(notebook, wrong, solution(NAME, "autograd-unbroadcast"))
    check = cell_with(notebook, 'check("autograd/unbroadcast"')
    run(notebook, check)
    check.get_by_text("autograd/unbroadcast: passed, 4 of 4 points").wait_for()
    check.get_by_text("Saved into your own engine as").wait_for()
    assert (machine.workspace / "my_engine" / "autograd" / "unbroadcast.py").is_file()
    notebook.screenshot(path=screenshots / "chapter-3-right.png")


def test_the_engine_runs_on_the_saved_answer(notebook, screenshots):
    """The badge names the one part that is the learner's by now."""
    scroll_to(notebook, "once more, on your own engine")
    training = cell_with(notebook, "torch.use(mine())")
    run(notebook, training)
    training.get_by_text("Running on your own: autograd.unbroadcast. engine.use(None) goes back.").wait_for()
    badge = training.get_by_text("autograd.unbroadcast · yours")
    badge.wait_for()
    assert training.get_by_text("all else · the engine’s").count() == 1
    badge.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-3-own-engine.png")


def test_validate_says_what_is_left(notebook, screenshots):
    """One exercise is done, two are not: the dialog names those two, in words."""
    notebook.get_by_role("button", name="Validate").click()
    dialog = notebook.get_by_role("dialog")
    dialog.get_by_text(re.compile("Not attempted yet")).first.wait_for()
    said = dialog.inner_text()
    assert "autograd/matmul_vjp: not yet" in said and "autograd/cross_entropy_vjp: not yet" in said
    assert "autograd/unbroadcast: not yet" not in said and "Traceback" not in said
    notebook.screenshot(path=screenshots / "chapter-3-validate.png")
