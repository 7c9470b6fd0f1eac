"""The instructor's folder: made in one call, refreshed without losing what the instructor did."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("jupytext", reason="the builder needs jupytext")
pytest.importorskip("nbgrader", reason="the classroom is nbgrader's")

from traitlets.config import Config  # noqa: E402
from traitlets.config.loader import PyFileConfigLoader  # noqa: E402

from autograders.session import Use  # noqa: E402
from course import builder, nbgrader_config  # noqa: E402
from course.classroom import prepare  # noqa: E402


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    """A chapter with one exercise and without."""
    spec = SimpleNamespace(
        name="room/double",
        function="double",
        parameters=("number",),
        use=Use(),
        title="Double",
        why="It is short.",
        minutes=1,
        difficulty=1,
        points=1.0,
        grade_id="room-double",
        check_id="room-double-check",
    )
    monkeypatch.setattr(builder, "specs", SimpleNamespace(load=lambda name: spec))
    monkeypatch.delenv("CHAINRULE_EXCHANGE", raising=False)
    folder = tmp_path / "chapters"
    folder.mkdir()
    (folder / "01-one.md").write_text(
        "# One\n\n```{code-cell}\nfrom autograders import check\n```\n\n```{code-cell}\n:exercise: room/double\n\n"
        "def double(number):\n    ### BEGIN SOLUTION\n    return 2 * number\n    ### END SOLUTION\n```\n",
        encoding="utf-8",
    )
    return folder


def test_it_is_a_course_directory_with_an_exchange(chapters, tmp_path):
    room = tmp_path / "room"
    assert prepare(room, chapters) == []
    assert (room / "source" / "01-one" / "01-one.ipynb").is_file()
    assert (room / "exchange").stat().st_mode & 0o777 == 0o777
    config = PyFileConfigLoader("nbgrader_config.py", path=str(room)).load_config()
    assert config.CourseDirectory.root == str(room)
    assert config.CourseDirectory.course_id == "chainrule"
    assert config.Exchange.root == str(room / "exchange")


def test_a_second_time_changes_nothing(chapters, tmp_path):
    prepare(tmp_path / "room", chapters)
    (tmp_path / "room" / "nbgrader_config.py").write_text("# mine", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "room").rglob("*") if path.is_file()}
    assert prepare(tmp_path / "room", chapters) == []
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "room").rglob("*") if path.is_file()}


def test_work_in_a_source_notebook_is_kept_and_told(chapters, tmp_path):
    prepare(tmp_path, chapters)
    source = tmp_path / "source" / "01-one" / "01-one.ipynb"
    source.write_bytes(source.read_bytes().replace(b"# One", b"# Uno"))
    (message,) = prepare(tmp_path, chapters)
    assert message.kind == "set-aside"
    (kept,) = (tmp_path / "set-aside").iterdir()
    assert b"# Uno" in kept.read_bytes() and str(kept) in message.text


@pytest.mark.parametrize("left", [None, '{"metadata": {"chainr', '{"metadata": {"chainrule": {"graded": false}}}'])
def test_a_grading_cut_short_is_cleared_and_a_finished_one_stays(chapters, tmp_path, left):
    finished = tmp_path / "autograded" / "ada" / "01-one"
    finished.mkdir(parents=True)
    (finished / "01-one.ipynb").write_text('{"metadata": {"chainrule": {"graded": true}}}')
    short = tmp_path / "autograded" / "bob" / "01-one"
    shutil.copytree(finished, short)
    (short / "01-one.ipynb").unlink()
    if left is not None:
        (short / "01-one.ipynb").write_text(left)
    (message,) = prepare(tmp_path, chapters)
    assert message.kind == "regrade" and "bob" in message.text
    assert finished.exists() and not short.exists()


def test_grades_come_from_the_judge_and_never_from_running_the_notebook(tmp_path):
    config = Config()
    nbgrader_config.configure(config, tmp_path)
    assert config.Autograde.sanitize_preprocessors[0] == "autograders.nbgrader_plugin.Rebuild"
    steps = [getattr(step, "__name__", step) for step in config.Autograde.autograde_preprocessors]
    assert steps[0] == "autograders.nbgrader_plugin.Judge"
    assert "SaveAutoGrades" in steps and "Execute" not in steps


def test_places_can_be_named_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CLASSROOM", str(tmp_path / "room"))
    monkeypatch.delenv("CHAINRULE_EXCHANGE", raising=False)
    assert nbgrader_config.exchange_folder() == tmp_path / "room" / "exchange"
    monkeypatch.setenv("CHAINRULE_EXCHANGE", str(tmp_path / "shared"))
    assert nbgrader_config.exchange_folder() == tmp_path / "shared"
    nbgrader_config.ensure_exchange()
    assert not (tmp_path / "shared").exists(), "a named exchange is its owner's to make"
    monkeypatch.delenv("CHAINRULE_CLASSROOM")
    monkeypatch.delenv("CHAINRULE_EXCHANGE")
    assert nbgrader_config.exchange_folder() == Path(__file__).resolve().parents[2] / "classroom" / "exchange"
