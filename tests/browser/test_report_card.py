"""Cards of every kind as people meet them: in JupyterLab, light and dark, and in nbgrader's feedback, narrow and wide.

The screenshots go to build/screenshots/card-*.png.
"""

import json
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "autograders"))

import cards  # noqa: E402
from learner import dress, run_all_cells  # noqa: E402

pytestmark = pytest.mark.slow

KINDS = cards.every_kind()
WIDTHS = (400, 1200)
NOTEBOOK = f"""\
import sys
sys.path.insert(0, {str(TESTS / "autograders")!r})
import cards
kinds = cards.every_kind()
"""


def facts(card):
    """What the browser made of a card: sizes in pixels, and whether its picture is there."""
    return card.evaluate(
        """card => {
            const box = element => element.getBoundingClientRect()
            const bar = card.querySelector('div[aria-hidden]')
            const image = card.querySelector('img')
            const sticksOut = [...card.querySelectorAll('*')].filter(
                each => !each.closest('pre') && box(each).right > box(card).right + 1)
            return {
                width: box(card).width,
                segments: [...bar.children].map(segment => box(segment).width),
                filled: [...bar.children].map(segment => {
                    const first = segment.firstElementChild
                    return getComputedStyle(first).backgroundColor === 'rgb(0, 114, 178)' ? box(first).width : 0
                }),
                image: image && [image.complete && image.naturalWidth, box(image).width],
                sticksOut: sticksOut.map(each => each.outerHTML.slice(0, 200)),
            }
        }"""
    )


def require_good(card, report):
    found = facts(card)
    weights = [stage.weight for stage in report.stages if stage.weight]
    credits = [stage.credit for stage in report.stages if stage.weight]
    assert found["sticksOut"] == []
    assert [width / sum(found["segments"]) for width in found["segments"]] == pytest.approx(
        [weight / sum(weights) for weight in weights], abs=0.02
    )
    assert [filled / width for filled, width in zip(found["filled"], found["segments"])] == pytest.approx(
        credits, abs=0.06
    )
    has_picture = report.failure is not None and report.failure.picture is not None
    assert (found["image"] is not None) == has_picture
    if has_picture:
        natural, shown = found["image"]
        assert natural == 2 * report.failure.picture.width and shown > 200


# nbgrader's feedback


def feedback_page(reports):
    """The reports as outputs of graded cells, through the template that `nbgrader generate_feedback` uses."""
    pytest.importorskip("nbgrader", reason="makes the feedback: pip install 'chainrule[course]'")
    from nbconvert.exporters import HTMLExporter
    from nbformat.v4 import new_code_cell, new_notebook, new_output
    from nbgrader.converters import GenerateFeedback

    cells = []
    for report in reports:
        verdict = new_output("display_data", data=report._repr_mimebundle_())
        cells.append(new_code_cell(f'check("{report.spec_name}", {report.function})', outputs=[verdict]))
    exporter = HTMLExporter(config=GenerateFeedback().config)
    names = {"notebook": "chapter", "student": "ada", "score": 1.0, "max_score": 2.0, "late_penalty": 0.0}
    return exporter.from_notebook_node(new_notebook(cells=cells), resources={"nbgrader": names})[0]


@pytest.mark.parametrize("width", WIDTHS)
def test_nbgrader_s_feedback_shows_every_kind_of_card(page, screenshots, tmp_path, width):
    path = tmp_path / "feedback.html"
    path.write_text(feedback_page(KINDS.values()), encoding="utf-8")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path.as_uri())
    found = page.locator(".output_html > div")
    assert found.count() == len(KINDS)
    for position, (kind, report) in enumerate(KINDS.items()):
        found.nth(position).screenshot(path=screenshots / f"card-feedback-{kind}-{width}.png")
        require_good(found.nth(position), report)


# JupyterLab


@pytest.fixture(scope="module")
def lab(machine):
    """The address of a learner's JupyterLab with a notebook that shows all cards."""
    codes = [NOTEBOOK, *(f"kinds[{kind!r}]" for kind in KINDS)]
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": code,
        }
        for number, code in enumerate(codes)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    with machine.course("lab") as address:
        notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
        (machine.workspace / "cards.ipynb").write_text(json.dumps(notebook))
        yield address


def open_cards(page, lab):
    start, _, token = lab.partition("?")
    page.set_viewport_size({"width": 1400, "height": 2000})  # for a whole card on each screenshot
    page.goto(f"{start.split('/lab')[0]}/lab/tree/cards.ipynb?{token}")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def squeeze(card, width):
    """Give the card's output that many pixels."""
    card.evaluate("(card, width) => { card.parentElement.style.cssText = `flex: none; width: ${width}px` }", width)
    assert facts(card)["width"] <= width


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_jupyterlab_shows_every_kind_of_card(lab, machine, page, screenshots, theme):
    dress(machine, theme)
    open_cards(page, lab)
    page.locator(f"body[data-jp-theme-name='JupyterLab {theme}']").wait_for(state="attached")
    run_all_cells(page)
    page.locator(".jp-OutputArea-output div[style*='border-left: 6px']").first.wait_for()
    for kind, report in KINDS.items():
        cell = page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea-editor", has_text=f"kinds['{kind}']"))
        for _ in range(60):
            if cell.count() and cell.locator(".jp-RenderedHTMLCommon > div").count():
                break
            page.locator(".jp-WindowedPanel-outer").evaluate("outer => outer.scrollTop += 300")
            page.wait_for_timeout(100)
        card = cell.locator(".jp-RenderedHTMLCommon > div").first
        for width in WIDTHS:
            squeeze(card, width)
            card.screenshot(path=screenshots / f"card-lab-{theme.lower()}-{kind}-{width}.png")
            require_good(card, report)


def test_a_screen_reader_meets_words_for_every_symbol_and_picture(page, tmp_path):
    path = tmp_path / "card.html"
    path.write_text(f"<meta charset='utf-8'>{KINDS['picture-with-nan'].html()}", encoding="utf-8")
    page.goto(path.as_uri())
    heard = page.locator("body").aria_snapshot()
    order = [
        "not yet, 0 of 4 points",
        '"earned:"',
        "attempted",
        '"not earned:"',
        "values 0 of 2",
        "holds nan",
        "Three pictures",
    ]
    assert [heard.index(part) for part in order] == sorted(heard.index(part) for part in order)
    assert heard.count("list") >= 2 and "-3.04" in heard.split("Three pictures")[1], "the scale is in the words"


def test_hints_open_one_after_the_other_by_keyboard(page, tmp_path):
    path = tmp_path / "card.html"
    report = KINDS["misconception"]
    path.write_text(f"<meta charset='utf-8'>{report.html()}", encoding="utf-8")
    page.goto(path.as_uri())
    way = page.get_by_text("solution=True")
    for number, hint in enumerate(report.hints, start=1):
        summary = page.get_by_text(f"Hint {number} of 3")
        assert summary.is_visible() and not way.is_visible()
        assert number == 3 or not page.get_by_text(f"Hint {number + 1} of 3").is_visible()
        summary.focus()
        page.keyboard.press("Enter")
        assert page.get_by_text(hint.split("`")[0].strip()).last.is_visible()
    assert way.is_visible()
