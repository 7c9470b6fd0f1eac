"""Graphs in a real notebook kernel: names, lines of cells, and the picture of a mistake beside its traceback."""

import pytest

pytestmark = pytest.mark.slow

for library in ("nbclient", "nbformat", "ipykernel"):
    pytest.importorskip(library, reason=f"runs a notebook, which needs {library}: pip install 'chainrule[course,test]'")

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

CELLS = [
    "import engine as torch\nfrom engine import viz\nW, x = torch.ones(3, 4, requires_grad=True), torch.ones(5, 3)",
    "with viz.capture() as graph:\n    hidden = (x @ W).tanh()\n    loss = hidden @ torch.ones(3, 2)",
    "graph.nodes[-1].line, [(source.file, source.lines) for source in graph.sources]",
    "viz.graph((x @ W).mean())",
]


@pytest.fixture(scope="module")
def outputs():
    """What each cell gave."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_mistake_is_drawn_above_its_traceback(outputs):
    picture, error = outputs[1]
    assert (picture.output_type, error.output_type, error.ename) == ("display_data", "error", "RuntimeError")
    assert "mat1 and mat2 shapes cannot be multiplied" in picture.data["text/plain"]
    assert "mat1 and mat2 shapes" in picture.data["image/svg+xml"] and "<script" in picture.data["text/html"]


def test_a_mistake_leads_to_its_line_in_the_cell(outputs):
    line, sources = eval(outputs[2][0].data["text/plain"])
    file, lines = sources[line[0]]
    assert file == "notebook" and lines[line[1] - 1] == "    loss = hidden @ torch.ones(3, 2)"


def test_a_graph_speaks_in_the_notebook_s_names(outputs):
    text = outputs[3][0].data["text/plain"]
    assert "x: input" in text and "W: parameter" in text
