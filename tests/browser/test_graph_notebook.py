"""A graph in JupyterLab: live, as a widget, reopened without a kernel, reopened untrusted, and exported.

The steps share one notebook and come in order; the numbers that the page shows are compared with the engine's own,
which this process computes from the same lines.
"""

import json
import re
import shutil
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import pytest

from learner import run_all_cells
from waiting import expect

pytestmark = pytest.mark.slow

MODEL = """import engine as torch
import engine.nn.functional as F
from engine import nn, viz

torch.manual_seed(0)
x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
with viz.capture() as g:
    loss = F.cross_entropy(model(x), y)
    loss.backward()
"""
CUBE = "cube = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()\nviz.graph(cube.sum()).widget()"
CELLS = [f"{MODEL}g", "g", "w = g.widget()\nw", "print('traits:', w.selected, w.step, w.opened)", CUBE]
BOXES = 12  # of the model and its loss, and the open group's frame


@pytest.fixture(scope="module")
def lab(machine):
    """A function from a notebook's name to its address in the learner's JupyterLab."""
    with machine.course("lab") as address:
        parts = urlsplit(address)
        query = f"{parts.query}&reset".strip("&")  # without what JupyterLab remembers of its last windows
        yield lambda name: urlunsplit(parts._replace(path=f"/lab/tree/{name}.ipynb", query=query))


@pytest.fixture(scope="module")
def notebook(lab, machine, page):
    """The page with the notebook open and all of its cells run."""
    write(machine, "graph", CELLS)
    open_notebook(page, lab("graph"))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    run_all_cells(page)
    page.get_by_text("traits: None -1 [0]").first.wait_for(state="attached")
    return page


def write(machine, name, cells):
    nbformat = pytest.importorskip("nbformat", reason="writes the notebook: pip install 'chainrule[course]'")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(made, machine.workspace / f"{name}.ipynb")


def open_notebook(page, address):
    page.goto(address)
    page.locator(".jp-NotebookPanel:visible").wait_for()


def viewer(page, number):
    """The interactive picture in the output of the cell with this number, from 0, brought into view."""
    found = output(page, number).locator("section.viewer")
    found.wait_for()
    found.scroll_into_view_if_needed()
    return found


def output(page, number):
    return page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(number).locator(".jp-OutputArea")


def button(viewer, name):
    return viewer.get_by_role("button", name=name, exact=True)


def assert_interactive(viewer):
    """It steps: at the end of the backward pass its table has the engine's numbers; and it opens and closes a group."""
    button(viewer, "To the end").click()
    button(viewer, "Table").click()
    rows = viewer.locator("tbody tr").all_inner_texts()
    assert len(rows) == BOXES
    namespace = {}
    exec(MODEL, namespace)
    model, loss = namespace["model"], namespace["loss"]
    assert cells_of(rows, "loss")[-3:-1] == [short(loss.item()), "1"]
    for name, parameter in model.named_parameters():
        value, gradient = cells_of(rows, name)[-3:-1]
        assert value == f"{short(parameter.min().item())} … {short(parameter.max().item())}"
        assert gradient == f"{short(parameter.grad.min().item())} … {short(parameter.grad.max().item())}"
    button(viewer, "Picture").click()

    assert viewer.locator(".box").count() == BOXES + 1
    button(viewer, "Close all").click()
    viewer.locator(".box").nth(BOXES).wait_for(state="detached")
    assert viewer.locator(".box").count() < BOXES
    button(viewer, "Open all").click()
    viewer.locator(".box").nth(BOXES).wait_for()
    button(viewer, "To the start").click()


def cells_of(rows, name):
    (row,) = [row.split("\t") for row in rows if re.match(rf"\d+\. {re.escape(name)}\t", row)]
    return row


def short(number):
    """As the viewer writes it: three significant digits, a true minus sign."""
    return str(json.loads(f"{number:.3g}")).removesuffix(".0").replace("-", "−")


def test_the_output_is_interactive_and_shows_the_engine_s_numbers(notebook, screenshots):
    shown = viewer(notebook, 0)
    button(shown, "Next step").click()
    expect(shown).to_contain_text("1 / 6")
    notebook.screenshot(path=screenshots / "graph-notebook.png")
    assert_interactive(shown)


def test_the_same_graph_shown_twice_works_twice(notebook):
    """Each of the two steps by itself."""
    first, second = viewer(notebook, 0), viewer(notebook, 1)
    button(second, "Next step").click()
    expect(second).to_contain_text("1 / 6")
    expect(first).to_contain_text("0 / 6")
    assert not notebook.locator(".jp-OutputArea img:visible").count(), "the still pictures gave way"


def test_a_click_chooses_a_box_and_its_number_is_the_engine_s(notebook):
    namespace = {}
    exec(MODEL, namespace)
    shown = viewer(notebook, 1)
    button(shown, "To the end").click()
    button(shown, "Fit the picture (0)").click()
    shown.get_by_role("button", name=re.compile("^loss, output")).click()
    inside = shown.get_by_role("complementary")
    expect(inside).to_contain_text("loss")
    button(inside, "Value").click()
    assert f"{namespace['loss'].item():.6g}" in inside.inner_text().splitlines()


def traits(page):
    """What the kernel says the widget's traits are."""
    cell = page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(3)
    before = cell.locator(".jp-InputPrompt").inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "([cell, before]) => /\\d/.test(cell.querySelector('.jp-InputPrompt').innerText) && "
        "cell.querySelector('.jp-InputPrompt').innerText !== before",
        arg=[cell.element_handle(), before],
    )
    return re.search(r"traits: (.*)", output(page, 3).inner_text())[1]


def test_the_kernel_reads_what_was_clicked_in_the_widget(notebook, screenshots):
    shown = viewer(notebook, 2)
    assert_interactive(shown)
    button(shown, "Next step").click()
    button(shown, "Next step").click()
    shown.get_by_role("button", name=re.compile("^relu, op")).click()
    assert traits(notebook) == "4 1 [0]"
    button(viewer(notebook, 2), "Close all").click()
    assert traits(notebook).endswith(" []")
    viewer(notebook, 2)
    notebook.screenshot(path=screenshots / "graph-widget.png")


def test_the_widget_follows_the_kernel(notebook):
    """Set in Python, seen in the browser."""
    notebook.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(3).locator(".cm-content").click()
    notebook.keyboard.press("Control+A")
    notebook.keyboard.insert_text(f"w.opened, w.step, w.selected = [0], 4, 1\n{CELLS[3]}")
    assert traits(notebook) == "1 4 [0]"
    shown = viewer(notebook, 2)
    shown.get_by_text("5 / 6").wait_for()
    assert shown.locator(".box").count() == BOXES + 1
    expect(shown.get_by_role("complementary")).to_contain_text("0.weight")


def test_the_widget_asks_the_kernel_for_the_slice_that_is_looked_at(notebook):
    """What the document holds of a (2, 3, 4) tensor is its first slice; and a place that is not there is refused."""
    shown = viewer(notebook, 4)
    shown.get_by_role("button", name=re.compile("^cube, parameter")).click()
    inside = shown.get_by_role("complementary")
    button(inside, "Value").click()
    inside.get_by_text("11", exact=True).wait_for()
    assert not inside.get_by_text("17", exact=True).count()
    index = inside.get_by_label("index of dim 0, 0 to 1")
    index.fill("1")
    index.press("Tab")
    inside.get_by_text("17", exact=True).wait_for()
    index.fill("2")
    index.press("Tab")
    inside.get_by_text("No answer:").wait_for()


def save(page):
    page.keyboard.press("Control+s")
    page.locator(".jp-NotebookPanel:visible").wait_for()
    page.locator(".lm-TabBar-tab.jp-mod-dirty").first.wait_for(state="detached")


def copied(machine, name):
    """The saved notebook under another name, with other metadata, so that a signature is its own."""
    saved = json.loads((machine.workspace / "graph.ipynb").read_text("utf-8"))
    saved["metadata"]["copy"] = name
    path = machine.workspace / f"{name}.ipynb"
    path.write_text(json.dumps(saved), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def saved(notebook, machine):
    notebook.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(3).click()
    save(notebook)
    outputs = [cell["outputs"] for cell in json.loads((machine.workspace / "graph.ipynb").read_text("utf-8"))["cells"]]
    assert {"text/html", "image/svg+xml", "application/pdf", "text/plain"} <= set(outputs[0][0]["data"])
    return notebook


@pytest.fixture
def without_kernel(page):
    """The page in a JupyterLab that can start no kernel."""
    refuse = lambda route: route.abort() if route.request.method == "POST" else route.continue_()  # noqa: E731
    page.route("**/api/sessions**", refuse)
    yield page
    page.unroute("**/api/sessions**", refuse)


def open_without_kernel(page, address):
    open_notebook(page, address)
    page.locator(".jp-Dialog", has_text="Error Starting Kernel").get_by_role("button", name="Ok").click()
    page.locator(".jp-Dialog", has_text="Select Kernel").get_by_role("button", name="No Kernel").click()
    page.locator(".jp-NotebookPanel:visible").get_by_text("No Kernel").wait_for()


def test_reopened_without_a_kernel_it_is_interactive(saved, machine, lab, without_kernel, screenshots):
    path = copied(machine, "trusted")
    trust = [sys.executable, "-m", "jupyter", "trust", path]
    signed = subprocess.run(trust, env=machine.environment, capture_output=True, text=True)
    assert signed.returncode == 0, signed.stderr
    open_without_kernel(without_kernel, lab("trusted"))
    assert_interactive(viewer(without_kernel, 0))
    without_kernel.screenshot(path=screenshots / "graph-without-kernel.png")


def test_reopened_untrusted_it_is_a_picture_and_no_script_has_run(saved, machine, lab, without_kernel, screenshots):
    """Of the widget, too."""
    copied(machine, "untrusted")
    open_without_kernel(without_kernel, lab("untrusted"))
    for number in (0, 1, 2):
        image = output(without_kernel, number).locator("img[src^='data:image/svg+xml']")
        image.wait_for()
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.complete && image.naturalWidth > 300")
        assert "0.weight: parameter, (5, 4)" in image.get_attribute("alt")
    without_kernel.screenshot(path=screenshots / "graph-untrusted.png")
    panel = without_kernel.locator(".jp-NotebookPanel:visible")
    assert not panel.locator("section.viewer").count() and not panel.locator(".jp-OutputArea script").count()


def test_exported_as_html_it_is_interactive_from_a_file(saved, machine, page, screenshots):
    """Offline: what else nbconvert's page wants from the network it does not get. The widget is there as a graph."""
    convert(machine, "html")
    page.context.set_offline(True)
    try:
        page.goto((machine.workspace / "graph.html").as_uri())
        viewers = page.locator("section.viewer")
        viewers.nth(2).wait_for()
        for number in (0, 2):
            viewers.nth(number).scroll_into_view_if_needed()
            assert_interactive(viewers.nth(number))
        page.screenshot(path=screenshots / "graph-exported.png")
    finally:
        page.context.set_offline(False)


def test_exported_to_latex_it_is_the_pdf(saved, machine):
    convert(machine, "latex")
    included = re.findall(r"\{(graph_files/[^}]+\.pdf)\}", (machine.workspace / "graph.tex").read_text("utf-8"))
    assert len(included) == 4
    for each in included:
        assert (machine.workspace / each).read_bytes().startswith(b"%PDF-1.4")
        if shutil.which("pdftotext"):
            words = subprocess.run(["pdftotext", each, "-"], cwd=machine.workspace, capture_output=True, text=True)
            assert ("log_softmax" in words.stdout or "cube" in words.stdout) and not words.stderr


def convert(machine, kind):
    command = [sys.executable, "-m", "nbconvert", "--to", kind, machine.workspace / "graph.ipynb"]
    done = subprocess.run(command, env=machine.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_saved_as_a_page_it_is_interactive_from_a_file_in_light_and_dark(page, tmp_path, screenshots):
    namespace = {}
    exec(MODEL, namespace)
    namespace["g"].save(tmp_path / "loss.html")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto((tmp_path / "loss.html").as_uri())
        assert_interactive(page.locator("section.viewer"))
        page.screenshot(path=screenshots / f"graph-page-{scheme}.png")
    page.emulate_media(color_scheme="light")


def test_on_paper_it_is_the_still_picture(page, tmp_path):
    """Whole, where the viewer would be cut off; from a dark page too."""
    namespace = {}
    exec(MODEL, namespace)
    namespace["g"].save(tmp_path / "loss.html")
    page.goto((tmp_path / "loss.html").as_uri())
    page.locator("section.viewer").wait_for()
    page.emulate_media(media="print")
    assert page.locator("img").is_visible() and not page.locator("section.viewer").is_visible()
    page.emulate_media(media="screen")
    assert not page.locator("img").is_visible() and page.locator("section.viewer").is_visible()


def test_a_packed_document_is_unpacked_in_the_browser(page, tmp_path, monkeypatch):
    """As large ones are."""
    namespace = {}
    exec(MODEL, namespace)
    monkeypatch.setattr("engine.viz.page.LIMIT", 100)
    namespace["g"].save(tmp_path / "loss.html")
    assert '"nodes"' not in (tmp_path / "loss.html").read_text("utf-8")
    page.goto((tmp_path / "loss.html").as_uri())
    assert_interactive(page.locator("section.viewer"))


def test_the_picture_stays_where_the_viewer_cannot_start(page, tmp_path):
    """A document of a later version, say, or a browser that lacks something."""
    namespace = {}
    exec(MODEL, namespace)
    namespace["g"].save(tmp_path / "loss.html")
    broken = (tmp_path / "loss.html").read_text("utf-8").replace('"backward":[', '"backwards":[')
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    with page.expect_event("pageerror"):
        page.goto((tmp_path / "broken.html").as_uri())
    image = page.locator("img[src^='data:image/svg+xml']")
    assert image.is_visible() and image.evaluate("image => image.complete && image.naturalWidth > 300")
    assert not page.locator("section.viewer").count()
