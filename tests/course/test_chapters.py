"""Every chapter of the course: it reaches its result, fits its length, and says the same in PyTorch.

It is run in three ways, each on data drawn with another seed: as it is written, with its solutions; in a learner's
workspace, where each solution is saved and used; and with no answer given, where the engine lends its own.
"""

import functools
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

for library in ("jupytext", "nbclient", "ipykernel"):
    pytest.importorskip(library, reason=f"reading and running chapters needs {library}")

import jupytext  # noqa: E402
import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

from autograders import sandbox  # noqa: E402
from autograders.grading import tasks_of  # noqa: E402
from autograders.marking import mark  # noqa: E402
from autograders.spec import load  # noqa: E402
from course import builder, classroom  # noqa: E402

CHAPTERS = sorted(classroom.CHAPTERS.glob("*.md"))
REPOSITORY = Path(__file__).resolve().parents[2]
MOST_WORDS = 2500
SECONDS = 180  # of computing, for a whole chapter on a laptop's CPU
PATIENCE = 3  # times as long is waited for it, on a machine that has other work
LONGEST_CODE_LINE = 115  # what a notebook shows without scrolling
READ = r"([\d.]+)% of the 599 held-out digits are read correctly"
SHAPES = r"[\d,]+ numbers to learn: ([\d.]+)% of the 1000 held-out shapes are named correctly"
RESULT = {
    "01-tensors": (READ, 96.0),
    "02-autograd-by-hand": (r"([\d.]+)% of the curve's ups and downs are explained", 98.0),
    "03-autograd-on-tensors": (READ, 94.0),
    "04-modules": (READ, 97.0),
    "05-data": (r"([\d.]+)% of the held-out digits are read correctly", 90.0),
    "06-optimizers": (f"the last one: {READ}", 96.0),
    "07-convolution": (READ, 98.0),
    "08-deep-networks": (rf"residual, {SHAPES}", 90.0),
    "09-sequences": (r"the LSTM explains ([\d.]+)% of the variance", 88.0),
    "10-attention": (r"([\d.]+)% of the held-out nats are saved", 58.4),  # of ln 96: a loss below 1.9 nats
    "11-autoencoders": (r"on the map ([\d.]+)% of the ten nearest neighbours are the same digit", 65.0),
    "12-gan": (r"([\d.]+)% of the mean image's distance is gone", 84.1),  # of 18.8: a pixel Fréchet distance below 3
}
ALSO_REACHED = {"08-deep-networks": [(rf"two convolutions, {SHAPES}", 90.0)]}
ALSO_SAID = {"12-gan": ["with the penalty: 8 of 8 modes", "10 of 10 digits"]}

by_name = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def cells(chapter, kind):
    return [cell for cell in jupytext.reads(chapter.read_text("utf-8"), fmt="md:myst").cells if cell.cell_type == kind]


def executed(chapter, seed, folder=REPOSITORY, change=lambda source: source):
    """The chapter with its solutions, run from top to bottom as nbgrader's source, its data drawn with `seed`.

    It may take SECONDS by the clock, or of a processor's time where others had the machine meanwhile.
    """
    notebook = nbformat.reads(builder.render(chapter).decode(), as_version=4)
    for cell in notebook.cells:
        cell.source = change(cell.source.replace("default_rng(0).permutation", f"default_rng({seed}).permutation"))
    notebook.cells.append(nbformat.v4.new_code_cell("import os\nprint(sum(os.times()[:4]))"))
    begun = time.monotonic()
    end = begun + PATIENCE * SECONDS
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout_func=lambda cell: max(end - time.monotonic(), 1), resources=resources).execute()
    computed = float(notebook.cells.pop().outputs[0].text)
    assert min(time.monotonic() - begun, computed) <= SECONDS
    return notebook


def texts(notebook):
    """All that the cells printed or returned, as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def assert_reached(chapter, said):
    """Each figure that the chapter promises is among what its cells said, and good enough; the words are there too."""
    for pattern, least in (RESULT[chapter.stem], *ALSO_REACHED.get(chapter.stem, ())):
        found = [float(value) for value in re.findall(pattern, said)]
        assert found and min(found) >= least, (pattern, found)
    assert [words for words in ALSO_SAID.get(chapter.stem, []) if words not in said] == []


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
@by_name
def test_a_chapter_runs_with_its_solutions_and_reaches_its_result(chapter):
    notebook = executed(chapter, seed=0)
    said = texts(notebook)
    exercises = [
        cell.metadata["chainrule"]["exercise"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]
    for name in exercises:
        assert f"{name}: passed" in said
    assert "using the engine's" not in said, "the chapter's own solutions carry it"
    assert_reached(chapter, said)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert "image/png" not in output.get("data", {}), "a picture without a text; use labs.show(fig, alt)"
            for image in re.findall(r"<img[^>]*>", output.get("data", {}).get("text/html", "")):
                assert re.search(r'alt="[^"]+"', image)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A chapter's folder in a learner's workspace."""
    (tmp_path / ".chainrule").mkdir()
    (tmp_path / ".chainrule" / "delivered.json").write_text('{"files": {}, "offers": {}}')
    (tmp_path / "chapter").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return tmp_path / "chapter"


def specs_of(chapter):
    """The specs of the chapter's exercises."""
    return [load(cell.metadata["exercise"]) for cell in cells(chapter, "code") if "exercise" in cell.metadata]


def uses_own_engine(chapter):
    """Whether the chapter runs something on the answers that were saved."""
    return "torch.use(mine())" in chapter.read_text("utf-8")


@pytest.mark.slow
@by_name
def test_a_chapter_runs_on_the_engine_that_its_answers_make(chapter, place):
    """In a learner's workspace each solution is saved as it passes; where a chapter uses them, its badge names them."""
    notebook = executed(chapter, seed=1, folder=place)
    said = texts(notebook)
    assert "Not saved" not in said and said.count("Saved into your own engine as") == len(specs_of(chapter))
    badges = [output["data"]["text/html"] for cell in notebook.cells for output in cell.get("outputs", [])
              if "text/html" in output.get("data", {}) and "all else · the engine’s" in output["data"]["text/html"]]
    assert bool(badges) == uses_own_engine(chapter)
    for spec in specs_of(chapter) if badges else ():
        assert not spec.part or f"{spec.part.replace('.vjp', ' (vjp)')} · yours" in badges[-1]
    assert_reached(chapter, said)


@pytest.mark.slow
@by_name
def test_a_chapter_runs_before_any_answer_is_given(chapter, place):
    """Run All Cells on the released notebook: nothing fails, all is lent, and nothing is saved as the learner's."""
    answer = re.compile(r"^( *)### BEGIN SOLUTION.*?### END SOLUTION", re.DOTALL | re.MULTILINE)
    blank = functools.partial(answer.sub, r"\1raise NotImplementedError()")
    said = texts(executed(chapter, seed=2, folder=place, change=blank))
    assert said.count("using the engine's until yours passes") == len(specs_of(chapter))
    for sentence in ("Nothing is saved in your own engine yet", "All parts are the engine's."):
        assert (sentence in said) == uses_own_engine(chapter)
    assert not (place.parent / "my_engine").exists()
    assert_reached(chapter, said)


works, reason = sandbox.available()


@pytest.mark.slow
@pytest.mark.skipif(not works, reason=f"no sandbox here: {reason}")
@by_name
def test_a_chapter_s_own_answers_earn_all_in_the_sandbox(chapter):
    """Where only the setup cells and the answers run, as when learners are graded."""
    notebook = nbformat.reads(builder.render(chapter).decode(), as_version=4)
    for task in tasks_of(notebook, b"a key"):
        verdict = mark(task)
        assert verdict["points"] == verdict["max_points"], verdict["text"]


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


def test_released_notebooks_hold_nothing_of_the_solutions(tmp_path):
    """`check(..., solution=True)` reads them from the installed specs, on request."""
    pytest.importorskip("nbgrader", reason="releases the notebooks")
    sources = builder.build(classroom.CHAPTERS, tmp_path)
    for source, path in zip(sources, builder.release(tmp_path), strict=True):
        written = {cell.id: cell.source for cell in nbformat.read(source, as_version=4).cells}
        notebook = nbformat.read(path, as_version=4)
        assert all(not cell.get("outputs") for cell in notebook.cells)
        answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
        assert answers
        for cell in answers:
            hidden = re.findall(r"### BEGIN SOLUTION(.*?)### END SOLUTION", written[cell.id], re.DOTALL)
            given = re.sub(r"### BEGIN SOLUTION.*?### END SOLUTION", "", written[cell.id], flags=re.DOTALL)
            only_hidden = lines_of("\n".join(hidden)) - lines_of(given)
            assert only_hidden and lines_of(cell.source).isdisjoint(only_hidden), cell.id


def lines_of(text):
    return {line.strip() for line in text.splitlines()}
