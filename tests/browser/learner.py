"""What a learner does in JupyterLab, as steps for the tests: find a chapter, a heading, a cell; write; change theme."""

import json
import re
from pathlib import Path

SECONDS_TO_RUN = 400  # for all cells of a chapter, on a busy machine


def solution(chapter, name):
    """The own answer of a chapter to the exercise whose cell is called `name`, from its text."""
    from course import builder, classroom

    source = json.loads(builder.render(classroom.CHAPTERS / f"{chapter}.md"))
    return next("".join(cell["source"]) for cell in source["cells"] if cell["id"] == name)


def chapter_at(address, name):
    """The address of the chapter `name` in a learner's JupyterLab, which by itself opens the first one."""
    return re.sub(r"/tree/[^?]*", f"/tree/{name}/{name}.ipynb", address)


def menu(page, name, item):
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def scroll_to(page, heading):
    """Bring the section with this heading into view (JupyterLab draws only what is near it)."""
    panel = page.locator(".jp-WindowedPanel-outer")
    panel.evaluate("outer => outer.scrollTop = 0")
    for _ in range(200):
        found = page.locator(".jp-RenderedMarkdown :is(h1, h2, h3)", has_text=re.compile(heading, re.IGNORECASE))
        if found.count() and found.first.is_visible():
            found.first.scroll_into_view_if_needed()
            return found.first
        panel.evaluate("outer => outer.scrollTop += 400")
        page.wait_for_timeout(50)
    raise AssertionError(f"no heading {heading!r} came into view")


def bring_into_view(picture):
    """Scroll to a picture that a widget may be about to replace with its next one: Playwright's own way fails then."""
    picture.evaluate("image => image.scrollIntoView({ block: 'center' })")


def do_until(page, act, is_done, seconds, again_after, failure):
    """Do it until it shows, and again after so many seconds: JupyterLab, when it has only just come up, may miss it."""
    for wait in range(10 * seconds):
        if wait % (10 * again_after) == 0:
            act()
        if is_done():
            return
        page.wait_for_timeout(100)
    raise AssertionError(failure)


def press(page, slider, key, times=1):
    """Press an arrow key on a slider until it has moved so many places."""

    def act():
        slider.focus()
        page.keyboard.press(key)

    for _ in range(times):
        before = slider.get_attribute("aria-valuetext")
        do_until(page, act, lambda: slider.get_attribute("aria-valuetext") != before, seconds=10, again_after=5,
                 failure=f"{key} does not move the slider, which is at {before}")


def run_all_cells(page):
    """Choose this until a prompt shows that it was taken.

    Twice would be too often: the second run would replace what a test has already begun to use.
    """
    taken = page.locator(".jp-InputPrompt", has_text=re.compile(r"[\d*]"))
    do_until(page, lambda: menu(page, "Run", "Run All Cells"), taken.count, SECONDS_TO_RUN, again_after=20,
             failure="JupyterLab runs no cell")


def run_all(page, address, last):
    """Open the notebook at `address` and run all of its cells, until `last`, a pattern, stands in an output.

    last: what the last cell with code prints, so that all before it has run.
    """
    page.goto(address)
    page.locator(".jp-NotebookPanel").wait_for()
    idle = page.get_by_text("Python 3 (ipykernel) | Idle")
    idle.wait_for()
    done = page.get_by_text(re.compile(last))
    run_all_cells(page)
    for _ in range(SECONDS_TO_RUN):
        scroll_to(page, "three questions to check")  # again and again: outputs that arrive above push it away
        if done.count() and idle.count():
            return
        page.wait_for_timeout(1000)
    raise AssertionError("the chapter's last cell gave no result")


def outputs_without_errors(page, machine, name):
    """Save the open chapter; its outputs, after a look that every cell with code has run and none has failed."""
    page.keyboard.press("Control+s")
    for _ in range(60):
        page.wait_for_timeout(1500)
        saved = json.loads((machine.workspace / name / f"{name}.ipynb").read_text())
        have_run = all(cell.get("execution_count") for cell in saved["cells"] if cell["cell_type"] == "code")
        if have_run:
            break
    outputs = [output for cell in saved["cells"] for output in cell.get("outputs", [])]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert have_run
    return outputs


def cell_with(page, text):
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea-editor", has_text=text)).first


def write_into(page, cell, source):
    """Replace the cell's source as by pasting, then run it."""
    cell = cell.element_handle()  # one that was found by its text will not be found by it any more
    cell.query_selector(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    _run(page, cell)


def run(page, cell):
    """Run a cell, until its prompt shows that JupyterLab has taken it."""
    _run(page, cell.element_handle())


def _run(page, cell):
    def act():
        cell.query_selector(".cm-content").click()
        page.keyboard.press("Control+Enter")

    def prompt():
        return cell.query_selector(".jp-InputPrompt").inner_text()

    before = prompt()
    do_until(page, act, lambda: prompt() != before, seconds=30, again_after=5,
             failure=f"the cell does not run, its prompt is {before}")


def dress(machine, theme):
    """Choose a theme, as the learner's settings keep it."""
    settings = Path(machine.environment["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme}"}))
