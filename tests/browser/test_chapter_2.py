"""A learner's way through chapter 2 in JupyterLab: run all, walk back in the lab, a wrong and a right answer.

The steps share one page and come in order; each looks at what a learner would see.
"""

import re

import pytest

from learner import cell_with, outputs_without_errors, run, scroll_to, solution, write_into
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "02-autograd-by-hand"
LAST = r"^c = a \+ a \+ a \+ a has the slope 4"  # printed by the last cell with code
VISITS_AGAIN = """def topological_order(output):
    return [node for source in output.inputs for node in topological_order(source)] + [output]"""
LAB = "labs.value_graph(loss)"


def test_no_cell_of_the_released_chapter_fails(notebook, machine, screenshots):
    """Exercises not done yet are lent, so the learner can run everything, train and look around."""
    outputs_without_errors(notebook, machine, NAME)
    scroll_to(notebook, "the result: a curve")
    notebook.get_by_alt_text(re.compile("^After training a curve")).scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-2-curve.png")


def viewer_of(notebook):
    """The lab's output, brought into view."""
    scroll_to(notebook, "the lab: walk back")
    viewer = cell_with(notebook, LAB).locator(".jp-OutputArea")
    viewer.get_by_role("button", name="Next step").scroll_into_view_if_needed()
    return viewer


def test_the_lab_walks_back_with_the_engine_s_numbers(notebook, screenshots):
    """By keyboard, a prediction first, then to the leaves: what is written on the lines is what the engine computes."""
    import engine as torch

    numbers = torch.tensor([-0.4, 2.0, 0.3, -0.5], dtype=torch.float64)
    w, x, b, minus_target = (number.clone().requires_grad_() for number in numbers)
    total = w * x + b
    error = total.tanh() + minus_target
    for tensor in (total, error):
        tensor.retain_grad()
    (error * error).backward()

    viewer = viewer_of(notebook)
    viewer.get_by_text("All 9 gradients agree with the engine's.").first.wait_for()
    viewer.get_by_label("Predict first").check()
    slider = viewer.get_by_role("slider", name="Step")
    slider.focus()
    notebook.keyboard.press("ArrowRight")
    viewer.get_by_label("The number").fill("1")
    notebook.keyboard.press("Enter")
    viewer.get_by_text("✓ Right: it is 1.").first.wait_for()
    viewer.get_by_label("Predict first").uncheck()
    slider.focus()
    for _ in range(5):
        notebook.keyboard.press("ArrowRight")
    viewer.get_by_text("6 / 6").wait_for()
    rule = f"({total.grad.item():.4g}) × 2 = {w.grad.item():.4g}".replace("-", "−")
    viewer.get_by_text(rule).first.wait_for()
    notebook.screenshot(path=screenshots / "chapter-2-lab.png")


def test_a_wrong_order_is_told_why(notebook, screenshots):
    scroll_to(notebook, "in which order to walk")
    write_into(notebook, cell_with(notebook, "All nodes from which"), VISITS_AGAIN)
    check = cell_with(notebook, 'check("chain_rule/topological_order"')
    run(notebook, check)
    reason = check.get_by_text("a node that is used twice stands in your list twice")
    reason.wait_for()
    expect(check.locator(".jp-OutputArea")).to_contain_text("y = a + a")
    reason.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-2-wrong.png")


def test_the_right_answers_pass_and_the_lab_shows_the_learner_s_own_engine(notebook):
    """From here on the numbers of the lab come from the answers in the notebook."""
    for heading, text, name, exercise in [
        ("in which order to walk", VISITS_AGAIN.splitlines()[1].strip(), "topological_order", "topological_order"),
        ("walk back through any graph", "A number that remembers where it came from", "backward", "backward"),
    ]:
        scroll_to(notebook, heading)
        write_into(notebook, cell_with(notebook, text), solution(NAME, f"chain_rule-{name}"))
        check = cell_with(notebook, f'check("chain_rule/{exercise}"')
        run(notebook, check)
        check.get_by_text(f"chain_rule/{exercise}: passed, 4 of 4 points").wait_for()


def test_the_lab_names_the_first_value_that_a_broken_engine_gets_wrong(notebook, screenshots):
    """What the text asks the learner to try: = in place of +=."""
    scroll_to(notebook, "walk back through any graph")
    broken = solution(NAME, "chain_rule-backward").replace("source.grad += gradient", "source.grad = gradient")
    write_into(notebook, cell_with(notebook, "A number that remembers where it came from"), broken)
    scroll_to(notebook, "the lab: walk back")
    run(notebook, cell_with(notebook, LAB))
    told = notebook.get_by_text("Your gradient of error is −0.962117; the engine says −1.92423.")
    told.wait_for()
    notebook.screenshot(path=screenshots / "chapter-2-broken.png")
