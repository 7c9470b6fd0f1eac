"""Make the picture of a check's card in docs/feedback.md: JupyterLab's own styles, in headless Chromium.

    python assets/make_card_screenshot.py

Needs what the browser tests need (the extras course and test, and a Chromium). The exercise is the tests' own.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "autograders")]

import cards  # noqa: E402

PICTURE = Path(__file__).with_name("card.png")
SIZE = {"width": 1080, "height": 900}


def notebook_page():
    """A notebook with one cell, as HTML."""
    report = cards.every_kind()["picture-outlined"]
    output = new_output("display_data", data={"text/html": report.html()})
    cell = new_code_cell(f'check("{report.spec_name}", {report.function})', outputs=[output])
    return HTMLExporter(template_name="lab").from_notebook_node(new_notebook(cells=[cell]))[0]


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = Path(folder, "card.html")
        path.write_text(notebook_page(), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5)
        page.goto(path.as_uri())
        page.locator(".jp-RenderedHTMLCommon > div").screenshot(path=PICTURE)
        browser.close()
    print(f"{PICTURE.relative_to(ROOT)} is new.")


if __name__ == "__main__":
    main()
