"""A learner's JupyterLab, started as `make lab` starts it, and a headless Chromium that looks at it."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from learner import chapter_at, run_all

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS_TO_START = 180


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium on this machine; skips where there is none."""
    path = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.skip(f"no browser here: none of {', '.join(CHROMIUM_NAMES)} was found (apt-get install chromium)")
    return path


@pytest.fixture(scope="session")
def screenshots():
    """Where pictures of what the browser saw are put: build/screenshots."""
    folder = REPOSITORY / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


OPEN = []  # the page that the tests look at now, if there is one
WHAT_IS_SHOWN = """() => ({
    address: location.pathname,
    words: document.body.innerText.slice(0, 300),
    focus: document.activeElement.outerHTML.slice(0, 300),
    sliders: [...document.querySelectorAll('[role=slider]')].map(each => each.getAttribute('aria-valuetext')),
    pictures: [...document.querySelectorAll('img[alt], svg[aria-label]')].map(
        each => [each.getBoundingClientRect().top, (each.alt || each.getAttribute('aria-label')).slice(0, 200)]),
})"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure tells what its page showed then, in words and as a screenshot: it may not come again."""
    report = yield
    if report.failed and OPEN:
        report.sections.append(("what the page showed", _what_is_shown(OPEN[0], item.name)))
    return report


def _what_is_shown(page, name):
    """In words; as a picture, it is put to the screenshots."""
    from playwright.sync_api import Error

    name = re.sub(r"\W+", "-", f"failed-{name}").strip("-")
    try:
        page.screenshot(path=REPOSITORY / "build" / "screenshots" / f"{name}.png")
        return json.dumps(page.evaluate(WHAT_IS_SHOWN), indent=1)
    except Error as error:  # it has crashed, or is closed
        return f"nothing, it cannot be looked at: {error}"


class Learning:
    """One machine with a learner's and an instructor's place on it, and what `python -m course` starts there."""

    def __init__(self, folder):
        self.folder = folder
        self.workspace = folder / "workspace"
        self.classroom = folder / "classroom"
        self.environment = os.environ | {
            "CHAINRULE_WORKSPACE": str(self.workspace),
            "CHAINRULE_CLASSROOM": str(self.classroom),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),  # or two would open each other's notebooks
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
        }

    @contextlib.contextmanager
    def course(self, command):
        """The address of the JupyterLab that `python -m course <command>` starts; ended by Ctrl-C."""
        output = self.folder / f"{command}.txt"
        words = [sys.executable, "-m", "course", command, "--no-browser"]
        with open(output, "w") as written:
            process = subprocess.Popen(
                words, cwd=self.folder, env=self.environment, stdout=written, stderr=subprocess.STDOUT
            )
        try:
            yield _address(process, output)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=120)

    def nbgrader(self, *words):
        """Run one of nbgrader's commands in the classroom."""
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *words],
            cwd=self.classroom, env=self.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    for library in ("jupyterlab", "nbgrader"):
        pytest.importorskip(
            library, reason=f"this test starts JupyterLab with {library}: pip install 'chainrule[course]'"
        )
    return Learning(tmp_path_factory.mktemp("machine"))


def _address(process, output):
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"JupyterLab is ready: (\S+)", output.read_text())
        if found:
            return found[1]
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{output.read_text()}")


@pytest.fixture(scope="module")
def page(chromium):
    """An empty page in a headless browser that reaches nothing but this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="drives the browser: pip install 'chainrule[test]'")
    from waiting import MILLISECONDS

    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(MILLISECONDS)
        OPEN[:] = [page]
        yield page
        OPEN.clear()
        browser.close()


@pytest.fixture(scope="module")
def notebook(request, machine, page):
    """The page with the chapter that the test file is about, `NAME`, open and all of its cells run, up to `LAST`."""
    with machine.course("lab") as address:
        run_all(page, chapter_at(address, request.module.NAME), request.module.LAST)
        yield page
