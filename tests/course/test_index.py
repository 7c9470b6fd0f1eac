"""The index notebook on its way to the learner: always up to date, and never over what they wrote into it."""

import json

import pytest

pytest.importorskip("jupytext", reason="the builder needs jupytext")

from autograders import marks  # noqa: E402
from course import builder, index, workspace  # noqa: E402
from course.contents import chapters  # noqa: E402

FIRST = chapters()[0].exercises[0]


@pytest.fixture
def build(tmp_path):
    builder.build_index(tmp_path / "build")
    return tmp_path / "build"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CLASSROOM", str(tmp_path / "classroom"))
    monkeypatch.delenv("CHAINRULE_EXCHANGE", raising=False)
    return tmp_path / "home"


def cells(home):
    return json.loads((home / index.NAME).read_bytes())["cells"]


def shown(home):
    """What the delivered notebook shows: the text of its one output."""
    (output,) = [output for cell in cells(home) for output in cell.get("outputs", [])]
    return "".join(output["data"]["text/plain"])


def change(home, what):
    """Do something to the notebook as JupyterLab would; returns its bytes."""
    notebook = json.loads((home / index.NAME).read_bytes())
    what(notebook)
    (home / index.NAME).write_text(json.dumps(notebook))
    return (home / index.NAME).read_bytes()


def run_it(notebook):
    """What JupyterLab saves when the cell was run: a number, another output, notes about the cell and the kernel."""
    notebook["metadata"]["language_info"]["version"] = "3.12.1"
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    code.update(execution_count=7, metadata={"scrolled": True})
    code["outputs"] = [{**code["outputs"][0], "execution_count": 7}]


def pass_one(home):
    (home / ".chainrule" / "passed.json").write_text(json.dumps({FIRST: "2026-01-01"}))


def kinds(messages):
    return [message.kind for message in messages]


def test_two_builds_give_the_same_bytes(build, tmp_path):
    again = builder.build_index(tmp_path / "again")
    assert again.read_bytes() == (build / index.NAME).read_bytes()
    assert index.is_courses(again.read_bytes())


def test_it_is_valid_and_no_assignment(build, home):
    """nbgrader sees nothing to grade in it."""
    nbformat = pytest.importorskip("nbformat", reason="knows what a notebook is")
    workspace.update(build, home)
    nbformat.validate(nbformat.read(home / index.NAME, as_version=4))
    assert not any("nbgrader" in cell["metadata"] for cell in cells(home))
    assert not list(build.glob("source/*")) and not list(build.glob("release/*"))


def test_it_arrives_with_the_first_step_in_it(build, home):
    assert kinds(workspace.update(build, home)) == ["new"]
    assert shown(home).startswith("Next: begin chapter 1, ")
    before = (home / index.NAME).stat().st_mtime_ns
    assert workspace.update(build, home) == []
    assert (home / index.NAME).stat().st_mtime_ns == before


def test_it_is_brought_up_to_date_at_each_start(build, home):
    """Also after it was run and saved: its outputs are nobody's work."""
    workspace.update(build, home)
    change(home, run_it)
    pass_one(home)
    assert workspace.update(build, home) == []
    assert f"1 of {sum(len(chapter.exercises) for chapter in chapters())} exercises passed." in shown(home)


def test_one_that_shows_today_s_progress_is_left_alone(build, home):
    """An open tab would otherwise ask what to do about a file that changed on disk."""
    workspace.update(build, home)
    saved = change(home, run_it)
    assert workspace.update(build, home) == []
    assert (home / index.NAME).read_bytes() == saved


@pytest.mark.parametrize(
    "what",
    [
        lambda notebook: notebook["cells"].append({**notebook["cells"][0], "id": "mine"}),
        lambda notebook: notebook["cells"][0].update(source=["# My course"]),
        lambda notebook: notebook["cells"].pop(),
        lambda notebook: notebook.pop("metadata"),
    ],
    ids=["a cell more", "a cell changed", "a cell less", "not ours"],
)
def test_what_the_learner_wrote_into_it_stays(build, home, tmp_path, what):
    workspace.update(build, home)
    mine = change(home, what)
    pass_one(home)
    assert workspace.update(build, home) == [], "nothing new, nothing to say"
    text = tmp_path / "index.md"
    text.write_text(index.TEXT.read_text("utf-8").replace("# Chainrule", "# Chainrule 2"), encoding="utf-8")
    builder.build_index(build, text)
    (message,) = workspace.update(build, home)
    assert message.kind == "problem" and "rename it" in message.text
    assert workspace.update(build, home) == [], "it is said once"
    assert (home / index.NAME).read_bytes() == mine
    (home / index.NAME).rename(home / "mine.ipynb")
    assert kinds(workspace.update(build, home)) == ["restored"]
    assert cells(home)[0]["source"][0].startswith("# Chainrule 2")


def test_a_new_version_replaces_one_that_was_only_run(build, home, tmp_path):
    workspace.update(build, home)
    change(home, run_it)
    text = tmp_path / "index.md"
    text.write_text(index.TEXT.read_text("utf-8").replace("# Chainrule", "# Chainrule 2"), encoding="utf-8")
    builder.build_index(build, text)
    assert workspace.update(build, home) == []
    assert cells(home)[0]["source"][0].startswith("# Chainrule 2")


@pytest.mark.parametrize("theirs", [b"not json", b"[]", b'{"cells": []}', b""])
def test_a_file_that_was_there_before_is_the_learners(build, home, theirs):
    home.mkdir()
    (home / index.NAME).write_bytes(theirs)
    assert kinds(workspace.update(build, home)) == ["problem"]
    assert (home / index.NAME).read_bytes() == theirs


def test_a_damaged_file_of_marks_shows_in_it_and_stops_nothing(build, home):
    workspace.update(build, home)
    (home / ".chainrule" / marks.passed.file).write_text("{")
    assert workspace.update(build, home) == []
    assert ".chainrule/passed.json cannot be read" in shown(home)
    assert (home / ".chainrule" / marks.passed.file).read_text() == "{"


def test_a_run_shows_what_a_delivery_shows(build, home, monkeypatch):
    """The cell, executed in the workspace, gives the output that was delivered."""
    workspace.update(build, home)
    pass_one(home)
    workspace.update(build, home)
    (code,) = [cell for cell in cells(home) if cell["cell_type"] == "code"]
    monkeypatch.chdir(home)
    *statements, last = "".join(code["source"]).strip().split("\n")
    namespace = {}
    exec("\n".join(statements), namespace)
    value = eval(last, namespace)
    (output,) = code["outputs"]
    assert "".join(output["data"]["text/html"]) == value._repr_html_()
    assert "".join(output["data"]["text/plain"]) == repr(value)
