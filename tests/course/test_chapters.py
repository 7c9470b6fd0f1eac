"""Every chapter of the course: it runs with its solutions, reaches its result, fits its length, and says the same in PyTorch."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

for library in ("jupytext", "nbclient", "ipykernel"):
    pytest.importorskip(library, reason=f"reading and running chapters needs {library}")

import jupytext  # noqa: E402
import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

from course import builder, classroom  # noqa: E402

CHAPTERS = sorted(classroom.CHAPTERS.glob("*.md"))
REPOSITORY = Path(__file__).resolve().parents[2]
MOST_WORDS = 2500
SECONDS = 180  # of computing, for a whole chapter on a laptop's CPU
LONGEST_CODE_LINE = 115  # what a notebook shows without scrolling
RESULT = {
    "03-autograd-on-tensors": (r"([\d.]+)% of the 599 held-out digits are read correctly", 94.0),
    "05-data": (r"([\d.]+)% of the held-out digits are read correctly", 90.0),
}

by_name = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def cells(chapter, kind):
    return [cell for cell in jupytext.reads(chapter.read_text("utf-8"), fmt="md:myst").cells if cell.cell_type == kind]


def executed(chapter, seed=0):
    """The chapter with its solutions, run from top to bottom as nbgrader's source, its data drawn with `seed`."""
    notebook = nbformat.reads(builder.render(chapter).decode(), as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("default_rng(0).permutation", f"default_rng({seed}).permutation")
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(REPOSITORY)}}).execute()
    return notebook


def texts(notebook):
    """All that the cells printed or returned, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


@by_name
def test_a_chapter_is_short_enough_to_be_read(chapter):
    words = sum(len(cell.source.split()) for cell in cells(chapter, "markdown"))
    assert words <= MOST_WORDS
    assert [
        line for cell in cells(chapter, "code") for line in cell.source.splitlines() if len(line) > LONGEST_CODE_LINE
    ] == []


@by_name
def test_a_chapter_closes_with_pytorch_questions_and_the_engine(chapter):
    """The shape that COURSE asks of each chapter."""
    headings = re.findall(r"^## (.+)$", "\n\n".join(cell.source for cell in cells(chapter, "markdown")), re.MULTILINE)
    assert headings[-3:] == [
        "The same in PyTorch",
        "Three questions to check yourself",
        "Where to read the engine's own version",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@by_name
def test_a_chapter_runs_with_its_solutions_and_reaches_its_result(chapter, seed):
    notebook = executed(chapter, seed)
    said = texts(notebook)
    exercises = [
        cell.metadata["chainrule"]["exercise"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]
    for name in exercises:
        assert f"{name}: passed" in said
    assert "using the engine's" not in said, "the chapter's own solutions carry it"
    pattern, least = RESULT[chapter.stem]
    found = [float(value) for value in re.findall(pattern, said)]
    assert found and min(found) >= least
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert "image/png" not in output.get("data", {}), "a picture without a text; use labs.show(fig, alt)"
            for image in re.findall(r"<img[^>]*>", output.get("data", {}).get("text/html", "")):
                assert re.search(r'alt="[^"]+"', image)


def run_listing(source, folder):
    (folder / "listing.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "listing.py"],
        cwd=folder,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@by_name
def test_the_same_in_pytorch_prints_the_same(chapter, tmp_path):
    """The listing under the engine, and with its first line changed under torch: the same numbers to three digits."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    (listing,) = [cell.source for cell in cells(chapter, "code") if "same-in-pytorch" in cell.metadata.get("tags", [])]
    assert listing.startswith("import engine as torch\n")
    ours = run_listing(listing, tmp_path)
    theirs = run_listing(listing.replace("import engine as torch", "import torch", 1), tmp_path)
    numbers = [[float(each) for each in re.findall(r"\d+\.\d+", text)] for text in (ours, theirs)]
    assert numbers[0] == pytest.approx(numbers[1], abs=2e-3) and len(numbers[0]) >= 2
