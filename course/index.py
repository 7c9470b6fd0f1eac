"""The index notebook, the first that a learner sees: built from index.md, delivered with their progress in it.

A run of its cell and a delivery put the same output there, so a learner sees where they are before anything has run. As
long as the cells are those that were built, it is the course's and is brought up to date; one with cells of the
learner's is theirs.
"""

import json
from pathlib import Path

from course.files import digest

NAME = "index.ipynb"
TEXT = Path(__file__).with_name("index.md")


def with_progress(data, progress):
    """The built notebook `data` (bytes) with what its code cell shows for this Progress."""
    notebook = json.loads(data)
    shown = {"text/html": _lines(progress._repr_html_()), "text/plain": _lines(repr(progress))}
    output = {"output_type": "execute_result", "execution_count": None, "data": shown, "metadata": {}}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [output]
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def is_courses(data):
    """Whether the notebook has the cells it was built with, whatever was run in it since."""
    try:
        notebook = json.loads(data)
        return notebook["metadata"]["chainrule"]["index"] == cells_digest(notebook["cells"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def shows_the_same(data, other):
    """Whether two notebooks have the same cells and the same outputs, not counting how often they were run."""
    return _seen(json.loads(data)) == _seen(json.loads(other))


def cells_digest(cells):
    """A digest of what cells say, without outputs and JupyterLab's notes."""
    said = [[cell["cell_type"], cell["id"], "".join(cell["source"])] for cell in cells]
    return digest(json.dumps(said).encode())[:16]


def _seen(notebook):
    outputs = [output.get("data") for cell in notebook["cells"] for output in cell.get("outputs", [])]
    joined = [data and {kind: "".join(lines) for kind, lines in data.items()} for data in outputs]
    return cells_digest(notebook["cells"]), joined


def _lines(text):
    return text.splitlines(keepends=True)
