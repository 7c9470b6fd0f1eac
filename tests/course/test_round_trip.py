"""The whole round trip with nbgrader's own commands: release, fetch, validate, submit, grade, feedback, export.

Three learners: `right` has everything right, `half` what one often sees half-way, `clumsy` the right answers in
a notebook in which things went wrong by accident, with warnings on stderr and HTML in comments and text.
"""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

for library in ("nbgrader", "jupytext", "ipykernel"):
    pytest.importorskip(library, reason=f"the round trip needs {library}")

from autograders import sandbox, spec  # noqa: E402
from course import builder, classroom, workspace  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = classroom.CHAPTERS / "03-autograd-on-tensors.md"
CHAPTER = REAL if REAL.exists() else Path(__file__).parent / "data" / "03-small.md"
NAME = CHAPTER.stem
NOTEBOOK = f"{NAME}/{NAME}.ipynb"
UNBROADCAST, MATMUL, CROSS_ENTROPY = "autograd/unbroadcast", "autograd/matmul_vjp", "autograd/cross_entropy_vjp"
LEFT_OUT = ("autograd/getitem", "autograd/checkpoint")  # by the other two learners
LEARNERS = ("right", "half", "clumsy")

LEADING_AXES_ONLY = """\
def unbroadcast(gradient, shape):
    return gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
"""
ONE_SIDE = """\
def matmul_vjp(gradient, a, b):
    grad_a = gradient @ np.swapaxes(b, -1, -2)
    while grad_a.ndim > a.ndim:
        grad_a = grad_a.sum(axis=0)
    for axis, size in enumerate(a.shape):
        if size == 1:
            grad_a = grad_a.sum(axis=axis, keepdims=True)
    return grad_a, None  # the other side is still to do
"""
NOISE = """
import sys, warnings
print("<script>alert('comment')</script>", file=sys.stderr)
warnings.warn("careful")
# <script>alert('source')</script>
"""

available, reason = sandbox.available()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not available, reason=f"no sandbox here: {reason}")]


class Room:
    """A classroom, the learners' workspaces, and nbgrader's commands in them."""

    def __init__(self, folder):
        self.folder = folder
        self.classroom = folder / "classroom"
        chapters = folder / "chapters"
        chapters.mkdir()
        (chapters / CHAPTER.name).write_bytes(CHAPTER.read_bytes())
        self.chapters = chapters
        self.said = {}

    def workspace(self, learner):
        return self.folder / learner

    def environment(self, person):
        """A person's own folders, and nothing of the machine's: nbgrader's `alembic` has to be found without PATH."""
        home = self.folder / "homes" / person
        home.mkdir(parents=True, exist_ok=True)
        folders = ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
        return {
            **{name: value for name, value in os.environ.items() if name == "CHAINRULE_SANDBOX"},
            "PATH": os.defpath,
            "HOME": str(home),
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CHAINRULE_CLASSROOM": str(self.classroom),
            **{folder: str(home / folder.lower()) for folder in folders},
        }

    def nbgrader(self, person, *arguments, fails=False):
        """Run one of nbgrader's commands where that person works; returns what it said."""
        folder = self.classroom if person == "instructor" else self.workspace(person)
        command = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=self.environment(person), capture_output=True, text=True, timeout=300
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        self.said[person, arguments[0]] = done.stdout + done.stderr
        return done.stdout + done.stderr


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write(path, notebook):
    path.write_text(json.dumps(notebook), encoding="utf-8")


def answer(notebook, name, source):
    """Write an answer into a learner's notebook."""
    cell = next(cell for cell in notebook["cells"] if cell["id"] == spec.load(name).grade_id)
    cell["source"] = source
    return cell


def solve(room):
    """Each of the three learners works in their notebook."""
    solutions = {cell["id"]: "".join(cell["source"]) for cell in read(room.classroom / "source" / NOTEBOOK)["cells"]}
    solved = {
        name: solutions[spec.load(name).grade_id] for name in (UNBROADCAST, MATMUL, CROSS_ENTROPY, *LEFT_OUT)}

    right = read(room.workspace("right") / NOTEBOOK)
    for name, source in solved.items():
        answer(right, name, source)
    write(room.workspace("right") / NOTEBOOK, right)

    half = read(room.workspace("half") / NOTEBOOK)
    answer(half, UNBROADCAST, LEADING_AXES_ONLY)
    answer(half, MATMUL, ONE_SIDE)
    write(room.workspace("half") / NOTEBOOK, half)

    clumsy = read(room.workspace("clumsy") / NOTEBOOK)
    first = answer(clumsy, UNBROADCAST, "1 / 0  # an early attempt")
    position = clumsy["cells"].index(first)
    clumsy["cells"].insert(position + 1, {**first, "id": "copied", "source": solved[UNBROADCAST] + NOISE})
    answer(clumsy, MATMUL, solved[MATMUL] + NOISE)
    lost = answer(clumsy, CROSS_ENTROPY, "lost")
    clumsy["cells"].remove(lost)
    text = {"cell_type": "markdown", "id": "mine", "metadata": {}, "source": "<script>alert('text')</script>"}
    clumsy["cells"].append(text)
    write(room.workspace("clumsy") / NOTEBOOK, clumsy)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The whole trip, once; the tests look at what it left."""
    room = Room(tmp_path_factory.mktemp("room"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAINRULE_CLASSROOM", str(room.classroom))
        patch.delenv("CHAINRULE_EXCHANGE", raising=False)
        classroom.prepare(room.classroom, room.chapters)
        builder.build(room.chapters, room.folder / "build")
        builder.release(room.folder / "build")
        workspace.update(room.folder / "build", room.workspace("right"))
        for learner in ("half", "clumsy"):
            workspace.update(room.folder / "no-build", room.workspace(learner))
    room.nbgrader("instructor", "generate_assignment", NAME)
    room.nbgrader("instructor", "release_assignment", NAME)
    room.nbgrader("half", "fetch_assignment", NAME)
    room.nbgrader("clumsy", "fetch_assignment", NAME)
    solve(room)
    for learner in ("right", "half"):
        room.nbgrader(learner, "validate", NOTEBOOK)
    for learner in LEARNERS:
        room.nbgrader(learner, "submit", NAME, f"--student={learner}")
    room.nbgrader("instructor", "collect", NAME)
    room.nbgrader("instructor", "autograde", NAME)
    room.nbgrader("instructor", "generate_feedback", NAME)
    room.nbgrader("instructor", "release_feedback", NAME)
    for learner in LEARNERS:
        room.nbgrader(learner, "fetch_feedback", NAME)
    room.nbgrader("instructor", "export")
    return room


def points(learner):
    """What each exercise should give that learner."""
    whole = {name: spec.load(name).points for name in (UNBROADCAST, MATMUL, CROSS_ENTROPY, *LEFT_OUT)}
    nothing = dict.fromkeys(LEFT_OUT, 0.0)
    if learner == "half":
        # of five kinds of ordinary case the leading axes are two: 2/5 of values, dtype and unmutated; 3 of 4 edge cases
        return {UNBROADCAST: 0.4 * 3 + 0.75, MATMUL: whole[MATMUL] / 2, CROSS_ENTROPY: 0.0, **nothing}
    if learner == "clumsy":
        return {**whole, CROSS_ENTROPY: 0.0, **nothing}
    return whole


def gradebook(room, learner):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{room.classroom / 'gradebook.db'}", "chainrule") as book:
        submission = book.find_submission_notebook(NAME, NAME, learner)
        assert not submission.needs_manual_grade
        return {grade.name: grade.score for grade in submission.grades}


def feedback(room, learner):
    """The page that came back to the learner."""
    (page,) = (room.workspace(learner) / NAME).glob("feedback/*/*.html")
    return page.read_text(encoding="utf-8")


def test_both_ways_to_a_chapter_give_the_same_notebook(room):
    """`make lab` and nbgrader's fetch hand out identical bytes."""
    by_lab = room.folder / "build" / "release" / NOTEBOOK
    assert by_lab.read_bytes() == (room.classroom / "release" / NOTEBOOK).read_bytes()


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_gradebook_has_the_right_points(room, learner):
    scores = gradebook(room, learner)
    for name, expected in points(learner).items():
        assert scores[spec.load(name).check_id] == pytest.approx(expected), name


@pytest.mark.parametrize("learner", LEARNERS)
def test_feedback_and_export_say_the_same(room, learner):
    total = sum(gradebook(room, learner).values())
    (shown, whole) = re.search(r"\(Score: ([\d.]+) / ([\d.]+)\)", feedback(room, learner)).groups()
    assert float(shown) == pytest.approx(total)
    with open(room.classroom / "grades.csv", newline="", encoding="utf-8") as file:
        row = next(row for row in csv.DictReader(file) if row["student_id"] == learner)
    assert float(row["score"]) == pytest.approx(total)
    assert float(row["max_score"]) == float(whole)


def test_feedback_says_what_was_wrong_and_with_which_seed(room):
    page = feedback(room, "half")
    assert f"{UNBROADCAST}: not yet" in page
    seeds = [json.loads(line) for line in (room.classroom / "ledger.jsonl").read_text().splitlines()]
    for line in seeds:
        if line["student"] == "half":
            assert f"Graded with seed {line['seed']}" in page


def test_accidents_are_told(room):
    page = feedback(room, "clumsy")
    assert "Notes from the grader" in page
    assert f"There were 2 cells for <code>{UNBROADCAST}</code>" in page
    assert f"The cell for <code>{CROSS_ENTROPY}</code> was not in your notebook" in page


def test_a_learners_html_does_not_reach_the_page(room):
    page = feedback(room, "clumsy")
    assert "alert(" in page, "the comment is shown"
    assert "<script>alert" not in page
    assert "alert('text')" not in page


def test_validate_says_in_words_what_is_wrong(room):
    assert "Success! Your notebook passes all the tests." in room.said["right", "validate"]
    said = room.said["half", "validate"]
    assert "VALIDATION FAILED" in said
    assert f"{UNBROADCAST}: not yet" in said
    assert "Traceback" not in said


def test_a_second_grading_gives_the_same(room):
    """Forced to grade again, nbgrader writes the same bytes."""
    path = room.classroom / "autograded" / "half" / NAME / f"{NAME}.ipynb"
    before = path.read_bytes()
    room.nbgrader("instructor", "autograde", NAME, "--force", "--student=half")
    assert path.read_bytes() == before


def test_without_a_sandbox_there_is_no_grade_and_no_folder(room, monkeypatch):
    """nbgrader says why in one line, leaves nothing half-written, and grades once there is one."""
    folder = room.classroom / "autograded" / "right" / NAME
    whole = room.environment("instructor")
    broken = {**whole, "PATH": "/nowhere", "CHAINRULE_SANDBOX": "bubblewrap"}
    monkeypatch.setattr(room, "environment", lambda person: broken)
    said = room.nbgrader("instructor", "autograde", NAME, "--force", "--student=right", fails=True)
    refusal = "CHAINRULE_SANDBOX=bubblewrap does not work here: bubblewrap is not installed"
    assert f"GradingStopped: nothing was graded: {refusal}" in said
    assert not folder.exists()
    monkeypatch.setattr(room, "environment", lambda person: whole)
    room.nbgrader("instructor", "autograde", NAME, "--student=right")
    assert folder.exists()
    assert sum(gradebook(room, "right").values()) == pytest.approx(sum(points("right").values()))


def test_a_grading_cut_short_is_done_again(room):
    """What a kill left in autograded/ would make nbgrader skip the learner; preparing the classroom clears it."""
    from nbformat import read as read_notebook
    from nbformat import write as write_notebook

    path = room.classroom / "autograded" / "half" / NAME / f"{NAME}.ipynb"
    rebuilt = read_notebook(path, as_version=4)
    rebuilt.metadata["chainrule"]["graded"] = False
    path.chmod(0o644)
    write_notebook(rebuilt, path)
    (message,) = classroom.prepare(room.classroom, room.chapters)
    assert message.kind == "regrade" and "half" in message.text
    assert not path.exists()
    room.nbgrader("instructor", "autograde", NAME)
    assert path.exists()
