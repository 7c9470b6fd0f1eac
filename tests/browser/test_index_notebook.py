"""The first thing a learner sees: the index opens with `make lab`, leads to the next exercise, marks what has passed.

The steps share one page and one workspace, and come in order.
"""

import contextlib
import json
import re
from pathlib import Path

import pytest

from autograders import spec
from learner import cell_with, run, solution, write_into
from waiting import expect

pytestmark = pytest.mark.slow

FIRST, SECOND = "tensors/slice_view", "tensors/broadcast_shapes"
NOTEBOOK = ".jp-NotebookPanel:visible"


@pytest.fixture(scope="module")
def server():
    """What ends the JupyterLab that is running."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def lab(machine, server, page):
    """The page on the address that `make lab` prints, and nothing else done."""
    page.goto(server.enter_context(machine.course("lab")))
    page.locator(NOTEBOOK).wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    return page


def next_step(page):
    return page.locator(f"{NOTEBOOK} .jp-OutputArea a", has_text=re.compile("^Next: "))


def require_map(page, *words):
    """The map is there as a picture, and says in words what it shows."""
    picture = page.locator(f"{NOTEBOOK} img[alt^='Map of the course']")
    picture.wait_for()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 300")
    for each in words:
        assert each in picture.get_attribute("alt")


def table(page):
    """The table's rows, each as a list of texts."""
    rows = page.locator(f"{NOTEBOOK} .jp-OutputArea tbody tr")
    return [rows.nth(number).locator("td").all_inner_texts() for number in range(rows.count())]


def test_it_opens_first_and_shows_the_way_before_anything_has_run(lab, screenshots):
    """As it was delivered: JupyterLab trusts nothing of it, and shows everything all the same."""
    assert lab.locator(".jp-NotebookPanel:visible").count() == 1
    assert lab.locator(".lm-TabBar-tab.jp-mod-current", has_text="index.ipynb").count() == 1
    expect(next_step(lab)).to_have_text("Next: begin chapter 1, Tensors", use_inner_text=True)
    require_map(lab, "1 Tensors (not begun, next)", "3 needs 1 and 2")
    rows = table(lab)
    assert rows[0][0] == "1 · Tensors" and rows[0][-1] == "not begun, next"
    assert {row[-1] for row in rows[1:]} == {"not begun"}
    lab.screenshot(path=screenshots / "index-delivered.png")


def test_the_next_step_opens_its_chapter_by_keyboard(lab):
    next_step(lab).focus()
    lab.keyboard.press("Enter")
    lab.locator(f"{NOTEBOOK} h1", has_text="1 · Tensors").wait_for()


def test_a_pass_shows_when_the_index_is_run_again(lab, screenshots):
    lab.locator(f"{NOTEBOOK} .jp-Notebook-ExecutionIndicator[data-status='idle']").wait_for()
    for text in ("from time import perf_counter", "digits = load_digits()"):
        run(lab, find(lab, text))
    write_into(lab, find(lab, "def slice_view"), solution("01-tensors", "tensors-slice_view"))
    check = find(lab, f'check("{FIRST}"')
    run(lab, check)
    check.get_by_text(f"{FIRST}: passed").wait_for()
    lab.keyboard.press("Control+s")

    lab.locator(".lm-TabBar-tab", has_text="index.ipynb").click()
    run(lab, cell_with(lab, "progress()"))
    lab.locator(f"{NOTEBOOK} .jp-OutputArea p", has_text=f"1 of {len(spec.names())} exercises passed.").wait_for()
    follows = re.compile("^Next: go on with chapter 1: The shape in which two shapes")
    expect(next_step(lab)).to_have_text(follows, use_inner_text=True)
    require_map(lab, "1 Tensors (1 of 6 passed, next)")
    assert table(lab)[0][-1] == "1 of 6 passed, next"
    item = lab.locator(f"{NOTEBOOK} .jp-OutputArea li", has_text="The strides of a view")
    assert re.fullmatch(r"✓ The strides of a view: passed on \d{4}-\d\d-\d\d, in your own engine", item.inner_text())
    lab.screenshot(path=screenshots / "index-light.png")


def find(page, text):
    """A cell of the chapter, wherever it is: JupyterLab draws only what is near the view."""
    panel = page.locator(f"{NOTEBOOK} .jp-WindowedPanel-outer")
    for _ in range(100):
        cell = cell_with(page, text)
        if cell.count() and cell.is_visible():
            cell.scroll_into_view_if_needed()
            return cell
        panel.evaluate("outer => outer.scrollTop += 300")
        page.wait_for_timeout(100)
    raise AssertionError(f"no cell with {text!r} came into view")


def test_the_next_step_opens_the_chapter_at_the_exercise(lab, screenshots):
    next_step(lab).click()
    heading = lab.locator(f"{NOTEBOOK} h3", has_text="Exercise: The shape in which two shapes meet")
    heading.wait_for()
    for _ in range(120):  # it scrolls there
        box = heading.bounding_box()
        if box and 0 < box["y"] < 900:
            break
        lab.wait_for_timeout(500)
    assert box and 0 < box["y"] < 900, "the exercise is on the screen"
    lab.screenshot(path=screenshots / "index-leads-to.png")


def test_after_a_restart_it_is_all_there_in_the_dark_too(machine, server, page, screenshots):
    """A new server and a new page, nothing run: what was passed is known."""
    server.close()
    settings = Path(machine.environment["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": "JupyterLab Dark"}))
    with machine.course("lab") as address:
        page.goto(address)
        page.locator("body[data-jp-theme-name='JupyterLab Dark']").wait_for(state="attached")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        expect(next_step(page)).to_have_text(re.compile("^Next: go on with chapter 1"), use_inner_text=True)
        require_map(page, "1 Tensors (1 of 6 passed, next)")
        page.wait_for_timeout(1000)
        page.screenshot(path=screenshots / "index-dark.png")
        page.locator(f"{NOTEBOOK} h2", has_text="How a chapter goes").scroll_into_view_if_needed()
        page.screenshot(path=screenshots / "index-dark-below.png")
