"""A learner's way through chapter 5 in JupyterLab: run all, the conveyor by keyboard, a wrong and a right answer.

The steps share one page and come in order; each looks at what a learner would see.
"""

import base64
import re

import pytest

from learner import (
    bring_into_view, cell_with, dress, outputs_without_errors, press, run, scroll_to, solution, write_into)
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "05-data"
LAST = r"^11 batches, loss 0\.\d+, accuracy 0\.9\d+"  # printed by the last cell with code
WRONG = """def stratified_split(labels, fraction, rng):
    order = rng.permutation(len(labels))
    count = round(fraction * len(labels))
    return order[count:], order[:count]"""


def test_no_cell_of_the_released_chapter_fails(notebook, machine, screenshots):
    """Exercises not done yet are lent, so the learner can run everything and look around."""
    outputs_without_errors(notebook, machine, NAME)
    scroll_to(notebook, "the result: how fast is the folder")
    notebook.get_by_alt_text(re.compile("^Images per second over the batch size")).scroll_into_view_if_needed()
    notebook.wait_for_timeout(500)
    notebook.screenshot(path=screenshots / "chapter-5-result.png")


def test_the_conveyor_follows_its_sliders_with_the_plan(notebook, screenshots):
    """By keyboard alone: two workers more, batches of twice the size; the numbers are those of the plan."""
    from course.labs.conveyor import Conveyor

    own = Conveyor()
    scroll_to(notebook, "the lab: a conveyor of batches")
    picture = notebook.locator(".widget-html img")
    picture.wait_for()
    assert picture.get_attribute("alt") == own.describe()
    workers, size = (notebook.locator(".jp-OutputArea .widget-hslider [role=slider]").nth(place) for place in range(2))
    press(notebook, workers, "ArrowRight", 2)
    press(notebook, size, "ArrowRight")
    own.settings |= {"num_workers": 2, "batch_size": 16}
    picture = notebook.locator(f".widget-html img[alt='{own.describe()}']")
    picture.wait_for()
    expect(notebook.locator(".widget-html code")).to_have_text(own.describe())
    bring_into_view(picture)
    notebook.screenshot(path=screenshots / "chapter-5-lab.png")


def test_a_run_is_started_by_keyboard_and_measured(notebook, screenshots):
    """What the engine's loader did in the learner's kernel stands below the plan, and is not ahead of it."""
    from course.labs.conveyor import Conveyor

    own = Conveyor()
    own.settings |= {"num_workers": 2, "batch_size": 16}
    button = notebook.get_by_role("button", name="Run it")
    button.focus()
    notebook.keyboard.press("Space")
    picture = notebook.locator(f".widget-html img[alt^='{own.describe()} Run: ']")
    picture.wait_for()
    duration, waiting, speed = re.search(
        r"Run: (\d+) ms, the trainer waits (\d+)%, (\d+) samples a second", picture.get_attribute("alt")
    ).groups()
    plan = own.look()["plan"]
    assert int(duration) >= int(plan.duration) and int(speed) <= round(plan.per_second)
    assert int(speed) == pytest.approx(64_000 / int(duration), rel=0.01)
    assert int(waiting) <= 100 - 100 * 4 * 20 / int(duration) + 1, "no less than four steps of 20 ms"
    bring_into_view(picture)
    notebook.screenshot(path=screenshots / "chapter-5-run.png")


def test_a_wrong_split_is_told_why(notebook, screenshots):
    scroll_to(notebook, "a split that keeps the classes. shares")
    write_into(notebook, cell_with(notebook, "Indices for training and for the test"), WRONG)
    check = cell_with(notebook, 'check("data/stratified_split"')
    run(notebook, check)
    reason = check.get_by_text("You split all samples together, so chance decides")
    reason.wait_for()
    reason.scroll_into_view_if_needed()
    notebook.screenshot(path=screenshots / "chapter-5-wrong.png")


def test_the_right_split_passes(notebook, screenshots):
    scroll_to(notebook, "a split that keeps the classes. shares")
    wrong = cell_with(notebook, "order = rng.permutation(len(labels))")
    write_into(notebook, wrong, solution(NAME, "data-stratified_split"))
    check = cell_with(notebook, 'check("data/stratified_split"')
    run(notebook, check)
    check.get_by_text(re.compile(r"data/stratified_split: passed, (\d) of \1 points")).wait_for()
    notebook.screenshot(path=screenshots / "chapter-5-right.png")


def test_the_lab_reads_on_a_dark_page(notebook, machine, screenshots):
    """Its picture brings its own white ground, and the words around it have the page's colours."""
    notebook.keyboard.press("Control+s")
    notebook.wait_for_timeout(1500)
    dress(machine, "Dark")
    notebook.reload()
    notebook.locator("body[data-jp-theme-name='JupyterLab Dark']").wait_for(state="attached")
    notebook.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    scroll_to(notebook, "the lab: a conveyor of batches")
    run(notebook, cell_with(notebook, "lab = labs.conveyor()"))
    picture = notebook.locator(".widget-html img")
    bring_into_view(picture)
    assert 'fill="white"' in base64.b64decode(picture.get_attribute("src").split(",")[1]).decode()
    colours = [notebook.locator(place).first.evaluate("each => getComputedStyle(each).color")
               for place in (".widget-html code", ".widget-label")]
    assert all(min(map(int, re.findall(r"\d+", colour)[:3])) > 150 for colour in colours), colours
    notebook.wait_for_timeout(500)
    notebook.screenshot(path=screenshots / "chapter-5-dark.png")
