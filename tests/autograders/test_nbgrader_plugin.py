"""Rebuild and Judge by themselves: what is taken from a submission, what becomes of it, what is recorded.

The sandbox and the judge are stand-ins here; tests/course/test_round_trip.py has the real ones.
"""

import contextlib
import json
import stat
from types import SimpleNamespace

import pytest

pytest.importorskip("nbgrader", reason="the plugin plugs into nbgrader")

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output  # noqa: E402
from nbgrader.utils import determine_grade  # noqa: E402
from traitlets.config import Config  # noqa: E402

from autograders import grading, marking, sandbox  # noqa: E402
from autograders import report as reports  # noqa: E402
from autograders import nbgrader_plugin as plugin  # noqa: E402
from autograders.rebuild import NOTES  # noqa: E402
from autograders.session import Use  # noqa: E402

STUB = "def {}():\n    raise NotImplementedError()"
NAMES = {"assignment": "03-small", "notebook": "03-small", "student": "ada"}


def solution(name, source=None):
    nbgrader = {"grade_id": f"room-{name}", "grade": False, "solution": True, "locked": False, "schema_version": 3}
    metadata = {"nbgrader": nbgrader, "chainrule": {"exercise": f"room/{name}"}}
    return new_code_cell(source or STUB.format(name), id=f"room-{name}", metadata=metadata)


def check(name, points=4):
    nbgrader = {"grade_id": f"room-{name}-check", "grade": True, "solution": False, "locked": True, "points": points}
    metadata = {"nbgrader": nbgrader, "chainrule": {"exercise": f"room/{name}"}}
    return new_code_cell(f'check("room/{name}", {name})', id=f"room-{name}-check", metadata=metadata)


def template():
    return new_notebook(
        cells=[
            new_markdown_cell("# Ours", id="title"),
            new_code_cell("import numpy as np", id="setup", metadata={"tags": ["setup"]}),
            new_code_cell("print(1)", id="play"),
            solution("one"),
            check("one"),
            solution("two"),
            check("two"),
        ]
    )


@pytest.fixture
def config(tmp_path):
    """A classroom in which the template was released."""
    folder = tmp_path / "release" / "03-small"
    folder.mkdir(parents=True)
    (folder / "03-small.ipynb").write_text(json.dumps(template()), encoding="utf-8")
    return Config({"CourseDirectory": {"root": str(tmp_path)}})


def rebuild(config, submitted):
    nb, _ = plugin.Rebuild(config=config).preprocess(submitted, {"nbgrader": NAMES})
    return nb, nb.cells[0].source


def answers(nb):
    return {cell.id: cell.source for cell in nb.cells if cell.id in ("room-one", "room-two")}


def submission(**sources):
    nb = template()
    for cell in nb.cells:
        if cell.id.removeprefix("room-") in sources:
            cell.source = sources[cell.id.removeprefix("room-")]
    return nb


# Rebuild


def test_only_answers_are_taken(config):
    """Tags, outputs, metadata, other cells and changed checks of the submission are nowhere in the rebuilt notebook."""
    nb = submission(one="def one(): return 1")
    nb.metadata["evil"] = "EVIL"
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution", "EVIL"]
        cell.metadata.get("nbgrader", {}).update(points=50, checksum="EVIL")
        if cell.cell_type == "code":
            cell.outputs = [new_output("execute_result", data={"text/plain": "EVIL"})]
    nb.cells[0].source = nb.cells[2].source = "EVIL"
    nb.cells[1].source = "import EVIL"
    nb.cells[4].source = "2.0 # EVIL"
    nb.cells.append(new_markdown_cell("<script>EVIL</script>"))
    nb.cells.reverse()
    rebuilt, notes = rebuild(config, nb)
    assert "EVIL" not in json.dumps(rebuilt)
    assert [cell.id for cell in rebuilt.cells[1:]] == [cell.id for cell in template().cells]
    assert answers(rebuilt) == {"room-one": "def one(): return 1", "room-two": STUB.format("two")}
    assert "The check of `room/one` was changed in your notebook" in notes


def test_an_untouched_notebook_needs_no_remarks(config):
    _, notes = rebuild(config, submission(one="1"))
    assert notes.strip() == NOTES.strip()


def test_a_lost_answer_is_told_and_counts_as_not_answered(config):
    nb = submission(two="def two(): return 2")
    del nb.cells[3:5]
    rebuilt, notes = rebuild(config, nb)
    assert answers(rebuilt) == {"room-one": STUB.format("one"), "room-two": "def two(): return 2"}
    assert "The cell for `room/one` was not in your notebook" in notes
    assert "The check of `room/one` was not in your notebook; it was put back" in notes


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_of_doubled_cells_the_last_one_written_in_counts(config, order):
    copies = [solution("one"), solution("one", "first"), solution("one", "second")]
    nb = submission()
    nb.cells[3:4] = [copies[index] for index in order]
    rebuilt, notes = rebuild(config, nb)
    expected = [copies[index].source for index in order if index != 0][-1]
    assert answers(rebuilt)["room-one"] == expected
    assert "There were 3 cells for `room/one`" in notes


def test_a_retyped_answer_is_still_read(config):
    nb = submission()
    nb.cells[3] = new_markdown_cell("def one(): return 1", metadata=nb.cells[3].metadata)
    rebuilt, notes = rebuild(config, nb)
    assert answers(rebuilt)["room-one"] == "def one(): return 1"
    assert rebuilt.cells[4].cell_type == "code"
    assert "another kind of cell" in notes


def test_a_huge_answer_is_refused_kindly(config):
    rebuilt, notes = rebuild(config, submission(one="#" * 200_001))
    assert answers(rebuilt)["room-one"] == STUB.format("one")
    assert "200,001 characters; up to 200,000" in notes


def test_a_solution_that_was_seen_is_told_if_the_notebook_says_so(config):
    """From a real report's words, of this exercise alone, and nothing but the date; what is no output is passed over."""
    nb = submission(one="1")
    report = reports.Report("room/one", (), 4.0, 4.0, passed=True, seen="2026-11-29")
    more = f"{report.text()}\nEVIL"
    nb.cells[2].outputs = [new_output("display_data", data={"text/plain": more, "text/html": "EVIL"})]
    nb.cells.append({**new_code_cell(""), "outputs": [None, {"data": []}, {"data": {"text/plain": {}}}]})
    nb.cells.append({**new_code_cell(""), "outputs": "EVIL"})
    rebuilt, notes = rebuild(config, nb)
    assert "The solution of `room/one` was seen on 2026-11-29, as the outputs in your notebook say" in notes
    assert "room/two" not in notes and "EVIL" not in json.dumps(rebuilt)


def test_surrogates_do_not_break_the_file(config):
    rebuilt, notes = rebuild(config, submission(one="x = '\ud800'"))
    assert answers(rebuilt)["room-one"] == "x = '?'"
    assert "question marks" in notes


@pytest.mark.parametrize("junk", [None, [], "x", 1, {"grade_id": []}, {"grade_id": {}}, {"grade_id": None}])
def test_nonsense_in_metadata_is_passed_over(config, junk):
    nb = submission(one="1")
    nb.cells.append(new_code_cell("junk"))
    nb.cells[-1].metadata = {"nbgrader": junk}
    nb.cells.append({"cell_type": "code", "metadata": junk})
    rebuilt, _ = rebuild(config, nb)
    assert answers(rebuilt)["room-one"] == "1"


def test_without_a_release_it_says_what_to_do(config, tmp_path):
    (tmp_path / "release" / "03-small" / "03-small.ipynb").unlink()
    with pytest.raises(grading.GradingStopped, match="run `nbgrader generate_assignment 03-small` first"):
        rebuild(config, submission())


# Judge


class Report(SimpleNamespace):
    def text(self):
        return "the words"

    def html(self):
        return "<p>the words</p>"


@pytest.fixture
def opened(monkeypatch):
    """Stand-ins: each answer earns 1.5 of 4 points; what would have run in the sandbox is collected."""
    sessions = []

    @contextlib.contextmanager
    def open_session(sources, function, **limits):
        sessions.append((list(sources), function))
        yield SimpleNamespace(level="the-level")

    def load(name):
        limits = SimpleNamespace(seconds=10.0, megabytes=512)
        function = name.split("/")[1]
        inside = {"packages": ("numpy",), "withheld": ("engine",)}
        return SimpleNamespace(name=name, function=function, use=Use(), limits=limits, **inside)

    stage = SimpleNamespace(name="values", weight=4.0, credit=0.375)
    monkeypatch.setattr(sandbox, "open_session", open_session)
    monkeypatch.setattr(marking.spec, "load", load)
    monkeypatch.setattr(
        marking, "judge", lambda spec, session, seed: Report(points=1.5, max_points=4.0, stages=[stage], failure=None)
    )
    return sessions


def graded(config, nb):
    nb, _ = plugin.Judge(config=config).preprocess(nb, {"nbgrader": NAMES})
    return {cell.id: cell for cell in nb.cells}


def ledger(config):
    with open(f"{config.CourseDirectory.root}/ledger.jsonl", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_nbgrader_reads_the_points_from_the_outputs(config, opened):
    cells = graded(config, submission(one="1"))
    assert determine_grade(cells["room-one-check"]) == (1.5, 4.0)
    report, seed, result = cells["room-one-check"].outputs
    assert report.data == {"text/plain": "the words", "text/html": "<p>the words</p>"}
    seen = f"Graded with seed {ledger(config)[0]['seed']} in a sandbox of the level the-level."
    assert seed.data["text/plain"] == seen
    assert not cells["play"].outputs, "other cells are not run"


def test_a_rebuilt_notebook_counts_as_graded_only_after_judging(config, opened):
    """What a crash leaves between the two steps can be told from a finished grading."""
    rebuilt, _ = rebuild(config, submission())
    assert rebuilt.metadata["chainrule"]["graded"] is False
    judged, _ = plugin.Judge(config=config).preprocess(rebuilt, {"nbgrader": NAMES})
    assert judged.metadata["chainrule"]["graded"] is True


def test_points_that_the_instructor_changed_are_scaled(config, opened):
    nb = submission()
    nb.cells[4] = check("one", points=8)
    assert determine_grade(graded(config, nb)["room-one-check"]) == (3.0, 8.0)


def test_an_answer_runs_after_setup_and_the_answers_before_it(config, opened):
    graded(config, submission(one="1", two="2"))
    assert opened == [
        ([("setup", "import numpy as np"), ("room-one", "1")], "one"),
        ([("setup", "import numpy as np"), ("room-one", "1"), ("room-two", "2")], "two"),
    ]


def test_seeds_repeat_for_equal_answers_and_differ_else(config, opened):
    for one in ("1", "1", "2"):
        graded(config, submission(one=one))
    first, second, third = (ledger(config)[start : start + 2] for start in (0, 2, 4))
    assert [line["seed"] for line in first] == [line["seed"] for line in second]
    assert len({line["seed"] for line in first + third}) == 4


def test_another_classroom_has_other_seeds(config, opened, tmp_path):
    graded(config, submission())
    (tmp_path / ".secret").unlink()
    graded(config, submission())
    assert ledger(config)[0]["seed"] != ledger(config)[2]["seed"]


def test_the_secret_is_its_owners_alone(config, opened, tmp_path):
    graded(config, submission())
    secret = tmp_path / ".secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_bytes()) == 32
    assert not list(tmp_path.glob("*.part"))
    secret.chmod(0o600)
    secret.write_bytes(b"short")
    with pytest.raises(grading.GradingStopped, match="32 bytes"):
        graded(config, submission())


def test_the_ledger_has_one_line_for_each_answer(config, opened):
    graded(config, submission(one="1"))
    one, two = ledger(config)
    assert (one["exercise"], two["exercise"]) == ("room/one", "room/two")
    assert one["student"] == "ada" and one["points"] == 1.5 and one["sandbox"] == "the-level"
    assert one["stages"] == [{"name": "values", "weight": 4.0, "credit": 0.375}]
    assert len(one["submission"]) == len(one["autograders"]) == len(one["engine"]) == 64


def test_no_sandbox_no_grade(config, opened, monkeypatch, tmp_path):
    def unavailable(*_, **__):
        raise sandbox.SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr(sandbox, "open_session", unavailable)
    with pytest.raises(grading.GradingStopped, match="nothing was graded: bubblewrap is not installed"):
        graded(config, submission())
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_grading_that_stops_midway_is_not_in_the_ledger(config, opened, monkeypatch, tmp_path):
    open_session = sandbox.open_session

    def only_one(sources, function, **limits):
        if function == "two":
            raise sandbox.SandboxUnavailable("gone")
        return open_session(sources, function, **limits)

    monkeypatch.setattr(sandbox, "open_session", only_one)
    with pytest.raises(grading.GradingStopped, match="gone"):
        graded(config, submission())
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_cell_that_nothing_can_judge_is_no_full_mark(config, opened):
    nb = submission()
    del nb.cells[4].metadata["chainrule"]
    with pytest.raises(grading.GradingStopped, match="'room-one-check' belongs to no exercise"):
        graded(config, nb)
