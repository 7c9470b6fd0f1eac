"""`python -m course`: which folders, which options, and problems as one line instead of a traceback."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("jupytext", reason="needs the extra `course`")
pytest.importorskip("course.builder")

from course import __main__ as command  # noqa: E402 (it needs what is asked for above)
from course import builder, contents, launcher, nbgrader_config  # noqa: E402


@pytest.fixture
def launched(tmp_path, monkeypatch):
    """Folders of their own, and a JupyterLab that only notes how it would be started."""
    monkeypatch.setattr(command, "home", lambda: tmp_path)
    monkeypatch.setenv("CHAINRULE_WORKSPACE", str(tmp_path / "my workspace"))
    monkeypatch.setenv("CHAINRULE_CLASSROOM", str(tmp_path / "my classroom"))
    calls = []
    monkeypatch.setattr(launcher, "run", lambda *arguments: calls.append(arguments) or 0)
    return calls


def test_lab_opens_the_index_in_the_workspace(launched, tmp_path):
    """With the learner's settings, and every option that is not ours passed on."""
    assert command.main(["lab", "--port", "9000", "--no-browser", "--ip=0.0.0.0"]) == 0
    folder, port, browser, others, config, notebook = launched[0]
    assert (folder, port, browser, others) == (tmp_path / "my workspace", 9000, False, ["--ip=0.0.0.0"])
    assert notebook == Path("index.ipynb") and (folder / notebook).is_file()
    assert list(folder.glob("*/*.ipynb")), "the chapters that it leads to"
    assert config.is_dir() and config.is_relative_to(folder)


def test_teach_opens_the_classroom_with_nbgraders_settings(launched, tmp_path):
    """nbgrader reads nbgrader_config.py where JupyterLab starts."""
    assert command.main(["teach"]) == 0
    folder, port, browser, others, config = launched[0]
    assert (folder, port, browser, others) == (tmp_path / "my classroom", None, True, [])
    assert config.is_dir() and config.is_relative_to(folder)
    assert (nbgrader_config.classroom_folder() / "nbgrader_config.py").is_file()


def test_build_takes_no_other_options(launched, capsys):
    with pytest.raises(SystemExit):
        command.main(["build", "--fast"])
    assert "build does not know --fast" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, line",
    [
        (builder.BuildError("03-x.md: no title"), "03-x.md: no title"),
        (contents.HeaderError("03-x.md: its header needs"), "03-x.md: its header needs"),
        (launcher.LaunchError("Port 1 is taken"), "Port 1 is taken"),
        (OSError(28, "No space left on device", "/some/file"), "/some/file: No space left on device."),
    ],
)
def test_problems_are_one_line(launched, monkeypatch, capsys, error, line):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(builder, "build", fail)
    assert command.main(["lab"]) == 1
    assert capsys.readouterr().err == line + "\n"


def test_without_the_courses_packages_one_line_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyter_core.paths", None)
    monkeypatch.delitem(sys.modules, "course.launcher")
    monkeypatch.delattr("course.launcher")
    assert command.main(["lab"]) == 1
    assert (
        capsys.readouterr().err == "jupyter_core.paths is not installed here; `make lab` installs all that is needed.\n"
    )


def test_the_home_is_the_repository():
    assert command.home() == Path(__file__).resolve().parents[2]
