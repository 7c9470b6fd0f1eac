"""JavaScript folds and lays out graphs as Python does, to the last number: what comes to life must not jump."""

import json
import random
from pathlib import Path

import documents
import pytest

from engine import viz
from engine.viz.fold import fold
from engine.viz.layout import layout

pytestmark = pytest.mark.slow

MODULES = Path(viz.__file__).parent / "js"
ADDRESS = "http://modules.test"  # never asked: the page's requests are answered from the folder
PAGE = """async (given) => {
  const { fold } = await import("/fold.js");
  const { layout } = await import("/layout.js");
  const [documents, opened, directions] = JSON.parse(given);
  return JSON.stringify(documents.map((document, index) => {
    const scene = fold(document, opened[index]);
    return [scene, ...directions.map((direction) => layout(fold(document, opened[index]), direction))];
  }));
}"""
DIRECTIONS = [None, True, False]
RANDOM, AT_ONCE = 300, 50


@pytest.fixture(scope="module")
def in_browser(page):
    """Function of documents and of lists of open groups, that gives scenes and layouts as the browser makes them."""

    def answer(route):
        name = route.request.url.removeprefix(f"{ADDRESS}/")
        if not name:
            route.fulfill(content_type="text/html", body="<!doctype html><title>modules</title>")
        else:
            route.fulfill(content_type="text/javascript", body=(MODULES / name).read_text(encoding="utf-8"))

    page.route(f"{ADDRESS}/**", answer)
    page.goto(f"{ADDRESS}/")
    return lambda given, opened: json.loads(page.evaluate(PAGE, json.dumps([given, opened, DIRECTIONS])))


def in_python(document, opened):
    scene = fold(document, opened)
    return json.loads(json.dumps([scene, *(layout(scene, direction) for direction in DIRECTIONS)]))


def assert_equal(in_browser, given, opened):
    for document, groups, found in zip(given, opened, in_browser(given, opened), strict=True):
        assert found == in_python(document, groups)


@pytest.mark.parametrize("start", range(0, RANDOM, AT_ONCE))
def test_random_documents(in_browser, start):
    given = [documents.random_document(random.Random(seed), 80, 15) for seed in range(start, start + AT_ONCE)]
    assert any(each["open"] for each in given) and any(len(each["nodes"]) > 50 for each in given)
    assert_equal(in_browser, given, [each["open"] for each in given])


@pytest.mark.parametrize(
    "model",
    [documents.mlp, lambda: documents.rnn(8), lambda: documents.residual(6), lambda: documents.transformer(12)],
    ids=["MLP", "unrolled RNN", "residual net", "transformer of 12 layers"],
)
def test_models_closed_and_open(in_browser, model):
    given = model().document()
    assert_equal(in_browser, [given] * 3, [[], given["open"][:3], given["open"]])


def test_nothing_and_a_single_node(in_browser):
    given = [documents.document([], []), documents.document(["+"], [])]
    assert_equal(in_browser, given, [[], []])


def test_every_letter_has_the_same_width(in_browser):
    """Labels of all code points that a font may have, the edges of the wide and the combining ranges among them."""
    letters = [chr(code) for code in range(0x20, 0x3400) if not 0xD800 <= code < 0xE000]
    edges = 0xA4CF, 0xA4D0, 0xAC00, 0xD7A3, 0xD7A4, 0xFE0F, 0xFE30, 0xFF60, 0xFF61, 0x1F300, 0x1FB00, 0x20000
    letters += map(chr, edges)
    labels = ["".join(letters[start : start + 9]) * 3 for start in range(0, len(letters), 9)]
    assert_equal(in_browser, [documents.document(labels, [])], [[]])


def test_long_chains_and_deep_nests(in_browser):
    """10,000 nodes in a row, and groups in each other so deep as JSON can say."""
    drawing = documents.Drawing()
    number = drawing.op("+")
    for level in range(200):
        drawing.within(f"level {level}").__enter__()
        number = drawing.op("+", number)
    nest = drawing.document()
    assert_equal(in_browser, [documents.chain(10_000), nest], [[], nest["open"]])


def test_a_nest_2_000_deep_needs_no_recursion(page, in_browser):
    document = documents.document(
        [{"label": "+", "group": level} for level in range(2_000)],
        [(level, level + 1) for level in range(1_999)],
        [{"id": level, "parent": level - 1 if level else None} for level in range(2_000)],
    )
    count = """async (given) => {
      const [{ fold }, { layout }] = [await import("/fold.js"), await import("/layout.js")];
      const document = JSON.parse(given);
      return layout(fold(document, document.groups.map((group) => group.id))).boxes.length;
    }"""
    assert page.evaluate(count, json.dumps(document)) == 4_000


def test_lines_that_run_in_a_circle_are_refused(in_browser):
    given = documents.document(
        [{"label": "+", "group": group} for group in (0, 1, 0)], [(0, 1), (1, 2)], [{"id": 0}, {"id": 1}]
    )
    with pytest.raises(Exception, match="expected data to flow one way"):
        in_browser([given], [[]])
