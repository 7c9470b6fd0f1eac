"""What a learner does in JupyterLab, as steps for the tests: find a chapter, a heading, a cell; write; change theme."""

import json
import re
from pathlib import Path


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


def cell_with(page, text):
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea-editor", has_text=text)).first


def write_into(page, cell, source):
    """Replace the cell's source as by pasting, then run it."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")


def run(page, cell):
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")


def dress(machine, theme):
    """Choose a theme, as the learner's settings keep it."""
    settings = Path(machine.environment["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "themes.jupyterlab-settings").write_text(json.dumps({"theme": f"JupyterLab {theme}"}))
