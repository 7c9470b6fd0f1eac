"""The page of statistics: nothing of a learner's reaches it unescaped, and it needs nothing else."""

import re
import shutil

import pytest

pytest.importorskip("matplotlib", reason="the page has pictures")

from autograders.batch.page import page  # noqa: E402
from autograders.batch.stats import Stage, Statistics, as_text  # noqa: E402

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def statistics(**changes):
    whole = {
        "assignment": "03-autograd",
        "handed_in": 3,
        "scores": {"ada": 4.0, "ben": 1.5},
        "most": 4.0,
        "exercises": {"autograd/unbroadcast": [4.0, 1.5]},
        "stages": [Stage("autograd/unbroadcast", "values", 0.5, 0.7)],
        "misconceptions": [("autograd/unbroadcast", "Sum along it as well.", 1)],
        "alike": [("autograd/unbroadcast", ["ada", "ben"])],
        "unreadable": {"cy": "x.ipynb is not a notebook"},
    }
    return Statistics(**{**whole, **changes})


def test_whatever_comes_from_outside_is_escaped():
    text = page(
        statistics(
            assignment=EVIL,
            scores={EVIL: 1.0},
            exercises={EVIL: [1.0]},
            stages=[Stage(EVIL, EVIL, 0.5, 0.5)],
            misconceptions=[(EVIL, EVIL, 1)],
            alike=[(EVIL, [EVIL, EVIL])],
            unreadable={EVIL: EVIL},
        )
    )
    assert "&lt;script&gt;" in text
    assert "<script" not in text and "<img src=x" not in text
    assert len(re.findall("<img ", text)) == 2, "our two pictures"


def test_it_needs_nothing_else():
    """No script, nothing from elsewhere; and a browser is told to allow none."""
    text = page(statistics())
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "default-src 'none'" in text
    assert all(re.findall(r'<img [^>]*alt="([^"]+)"', text))


def test_the_same_grades_give_the_same_page():
    assert page(statistics()) == page(statistics())


@pytest.mark.parametrize(
    "changes",
    [
        {"scores": {"ada": 0.0}, "exercises": {"a/b": [0.0]}},
        {"scores": {"ada": 4.0}, "stages": [], "misconceptions": [], "alike": [], "unreadable": {}},
        {"scores": {"ada": 500.0}, "most": 500.0},
        {"scores": {"ada": 1 / 3}, "most": 1.0},
        {"scores": {"ada": 5.0}, "most": 4.0},
    ],
    ids=["all zero", "all right", "many points", "few points", "more than all"],
)
def test_every_classroom_has_a_page(changes):
    assert page(statistics(**changes)).endswith("</html>\n")
    assert as_text(statistics(**changes)).startswith("03-autograd: 3 handed in, 1 graded")


def test_the_text_says_the_same():
    said = as_text(statistics())
    assert "mean 2.75, median 2.75, lowest 1.5, highest 4" in said
    assert "50%  autograd/unbroadcast, values" in said
    assert "1  autograd/unbroadcast: Sum along it as well." in said
    assert "autograd/unbroadcast: ada, ben" in said


@pytest.mark.slow
def test_a_browser_shows_the_pictures_and_runs_nothing(tmp_path):
    """In a real Chromium: both pictures are drawn, at any width, and what a learner wrote is text."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs chromium: apt-get install chromium")
    file = tmp_path / "page.html"
    file.write_text(page(statistics(unreadable={EVIL: EVIL}, misconceptions=[(EVIL, EVIL, 1)])), "utf-8")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 400, "height": 700})
        dialogs, complaints = [], []
        shown.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        shown.on("console", lambda message: complaints.append(message.text))
        shown.goto(file.as_uri())
        widths = shown.eval_on_selector_all("img", "images => images.map(image => image.naturalWidth)")
        assert len(widths) == 2 and all(widths)
        assert shown.locator("body").inner_text().count("<script>alert(1)</script>") == 4
        assert shown.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert not dialogs and not complaints
        browser.close()
