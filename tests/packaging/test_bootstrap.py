"""`make lab` and `make test` on somebody's machine: which Python, what is installed already, and what went wrong."""

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from course import bootstrap, installer, pip_output

ROOT = Path(__file__).resolve().parents[2]
BOOTSTRAP = ROOT / "course" / "bootstrap.py"
posix = pytest.mark.skipif(os.name == "nt", reason="uses shell scripts as stand-ins for Pythons")


# Which Python


def old_pythons():
    """Interpreters that are too old and happen to be on this machine."""
    root = os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")
    found = sorted(Path(root).glob("versions/*/bin/python")) + [Path("/usr/bin/python2.7")]
    return [path for path in found if (0, 0) < bootstrap.version_of(str(path)) < bootstrap.OLDEST]


def test_an_old_python_gets_one_clear_line(tmp_path):
    """Even Python 2.7 can read the file, and says what it is and what is needed."""
    pythons = old_pythons()
    if not pythons:
        pytest.skip("no Python older than 3.11 on this machine")
    for python in pythons:
        result = subprocess.run(
            [python, BOOTSTRAP, "lab"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, cwd=tmp_path
        )
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("Chainrule needs Python 3.11 or newer. This is Python ")


def fake_python(path, answer):
    path.write_text(f"#!/bin/sh\n{answer}\n")
    path.chmod(0o755)


@posix
def test_the_newest_python_that_runs_is_taken(tmp_path):
    """Shims that fail, folders, and names that promise more than they are, are passed over."""
    fake_python(tmp_path / "python3.14", "echo 'no such version' >&2; exit 127")
    fake_python(tmp_path / "python3.13", "echo 3 9")
    fake_python(tmp_path / "python3.11", "echo 3 11")
    (tmp_path / "python3.15").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    fake_python(other / "python3.12", "echo 3 12")
    path = os.pathsep.join(["/no/such/folder", str(tmp_path), str(other)])
    assert bootstrap.find_python(path) == str(other / "python3.12")
    assert bootstrap.find_python(str(tmp_path)) == str(tmp_path / "python3.11")
    assert bootstrap.find_python("/no/such/folder") is None


@pytest.mark.parametrize("arguments, status", [([], 2), (["lob"], 2), (["--help"], 0)])
def test_usage(arguments, status, capsys):
    assert bootstrap.main(arguments) == status
    assert "{bench,build,lab,teach,test}" in capsys.readouterr().out


# What is installed already


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An Environment in a folder with a space whose steps only note what they would run."""
    root = tmp_path / "a folder"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    environment = installer.Environment(root)
    steps = []

    def step(self, command, progress):
        steps.append(command)
        if "venv" in command:
            self.python.parent.mkdir(parents=True, exist_ok=True)
            self.python.symlink_to(sys.executable)

    monkeypatch.setattr(installer.Environment, "step", step)
    monkeypatch.setattr(installer, "GIGABYTES_FOR_NEW", 0)
    monkeypatch.setattr(installer, "GIGABYTES_TO_ADD", 0)
    environment.steps = steps
    return environment


@posix
def test_the_second_run_installs_nothing(environment):
    for _ in range(2):
        assert installer.install(environment.root, ["course"]) == str(environment.python)
    made, installed = environment.steps
    assert "venv" in made and installed[-1] == ".[course]"


@posix
def test_extras_are_added_to_those_there(environment):
    """`make test` after `make lab` adds; `make lab` after that has nothing to do and takes nothing away."""
    installer.install(environment.root, ["course"])
    installer.install(environment.root, ["course", "test"])
    installer.install(environment.root, ["course"])
    assert [command[-1] for command in environment.steps[1:]] == [".[course]", ".[course,test]"]


@posix
def test_changed_dependencies_are_installed(environment):
    installer.install(environment.root, ["course", "test"])
    (environment.root / "pyproject.toml").write_text("[project]\nchanged = true\n")
    installer.install(environment.root, ["course"])
    assert [command[-1] for command in environment.steps[1:]] == [".[course,test]"] * 2


@posix
def test_an_interrupted_installation_is_repeated(environment, monkeypatch):
    """No stamp is left by a run that did not finish, also not the one from before."""
    installer.install(environment.root, ["course"])
    working = installer.Environment.step

    def interrupted(self, command, progress):
        raise KeyboardInterrupt

    monkeypatch.setattr(installer.Environment, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        installer.install(environment.root, ["test"])
    monkeypatch.setattr(installer.Environment, "step", working)
    installer.install(environment.root, ["course"])
    assert len(environment.steps) == 3


@posix
@pytest.mark.parametrize("stamp", [b"", b"[]", b'{"key": 3, "extras": []}', b'{"key": null, "extras": 3}', b"\xff"])
def test_a_damaged_stamp_is_not_believed(environment, stamp):
    installer.install(environment.root, ["course"])
    environment.stamp.write_bytes(stamp)
    assert environment.missing(["course"]) == ["course"]
    installer.install(environment.root, ["course"])
    assert environment.missing(["course"]) == []


@posix
def test_a_moved_project_gets_a_new_environment(environment):
    """An environment has its own path inside, so in another folder it is made anew."""
    installer.install(environment.root, ["course"])
    moved = environment.root.rename(environment.root.parent / "elsewhere")
    installer.install(moved, ["course"])
    assert ["venv" in command for command in environment.steps] == [True, False, True, False]


@posix
def test_a_folder_that_is_not_ours_is_left_alone(environment):
    environment.folder.mkdir()
    (environment.folder / "thesis.txt").write_text("mine")
    with pytest.raises(installer.Problem, match="was not made by this program"):
        installer.install(environment.root, ["course"])
    assert (environment.folder / "thesis.txt").read_text() == "mine"


@posix
def test_two_runs_at_once_install_once(environment, capsys):
    """The second waits, says so, and then finds everything there."""
    environment.lock.parent.mkdir()
    with installer._only_one(environment.lock):
        second = threading.Thread(target=installer.install, args=(environment.root, ["course"]))
        second.start()
        while "waiting for it" not in capsys.readouterr().out:
            time.sleep(0.01)
        environment.install(["course"])
    second.join()
    assert len(environment.steps) == 2


# What went wrong


def test_a_full_disk_is_seen_beforehand(environment, monkeypatch):
    monkeypatch.setattr(installer, "GIGABYTES_FOR_NEW", 1e9)
    with pytest.raises(installer.Problem, match="need about .* GB, and there are .* GB free"):
        installer.install(environment.root, ["course"])
    assert environment.steps == []


def test_a_python_without_venv_gets_the_package_to_install(environment, monkeypatch):
    """Debian's python3 has neither venv nor ensurepip until python3-venv is installed."""
    monkeypatch.setattr(installer.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(installer.Problem, match="apt install python3-venv"):
        installer.install(environment.root, ["course"])


@pytest.mark.parametrize(
    "number, words", [(13, "You may not write there"), (30, "cannot be written"), (28, "disk is full")]
)
def test_errors_of_the_file_system_are_put_in_words(environment, monkeypatch, number, words):
    def fail(self, extras):
        raise OSError(number, os.strerror(number), "/some/folder")

    monkeypatch.setattr(installer.Environment, "install", fail)
    with pytest.raises(installer.Problem, match=f"/some/folder.*{words}"):
        installer.install(environment.root, ["course"])


RETRY = (
    "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection "
    "broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f26>: Failed to "
    "establish a new connection: [Errno -2] Name or service not known')': /simple/numpy/\n"
)
NO_ANSWER = "ERROR: Could not find a version that satisfies the requirement numpy>=99 (from versions: none)\n"
NOTHING_FOUND = (
    "ERROR: Could not find a version that satisfies the requirement numpy>=99 (from versions: 1.3.0, 1.4.1)\n"
    "ERROR: No matching distribution found for numpy>=99\n"
)
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(
    "text, words",
    [
        (RETRY * 5 + NO_ANSWER, "the network is away"),
        (NO_ANSWER, "did not answer"),
        (RETRY.replace("NewConn", "ProxyError('Cannot connect to proxy.', NewConn") + NO_ANSWER, "proxy"),
        (NOTHING_FOUND, "there is no version of numpy>=99 for this Python"),
        (RETRY + FULL, "the disk is full"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied\n", "may not be written"),
        ("Fetching\nERROR: Failed building wheel for pyzmq\n", "Failed building wheel for pyzmq."),
        ("", "without saying why"),
    ],
)
def test_pips_failures_are_put_in_words(text, words):
    """Texts as pip 23 to 26 print them."""
    assert words in pip_output.explain(text, free=1e12)


def test_a_program_that_died_on_a_full_disk_is_understood():
    """venv says only that a command failed, when the disk is full."""
    text = "Error: Command '[...]' returned non-zero exit status 1."
    assert "the disk is full" in pip_output.explain(text, free=4096)


def test_a_failing_step_is_one_line_with_its_reason_and_the_log(tmp_path):
    environment = installer.Environment(tmp_path)
    environment.folder.mkdir()
    code = f"print({NOTHING_FOUND!r}); raise SystemExit(1)"
    with pytest.raises(installer.Problem) as caught:
        environment.step([sys.executable, "-c", code], pip_output.Progress(environment.folder, "", io.StringIO()))
    message = str(caught.value)
    assert "no version of numpy>=99" in message and str(environment.log) in message and "\n" not in message


def test_progress_says_which_package_and_how_far(tmp_path):
    """Through pip's three phases: finding, downloading, installing."""
    progress = pip_output.Progress(tmp_path, "preparing", io.StringIO())
    assert progress.where() == "preparing"
    progress("Collecting jupyterlab>=4.4 (from chainrule==0.1.0)\n")
    progress("  Downloading jupyterlab-4.6.6-py3-none-any.whl.metadata (1")
    assert "jupyterlab" in progress.where() and "1 of about 125" in progress.where()
    progress("6 kB)\nProcessing /some/where/argon2_cffi-25.1.0-py3-none-any.whl (from x)\n")
    assert "2 of about 125" in progress.where() and "argon2_cffi" in progress.where()
    progress("  Downloading jupyterlab-4.6.6-py3-none-any.whl (17.3 MB)\n")
    assert "downloading jupyterlab (17.3 MB)" in progress.where()
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    (packages / "pip-26.3.dist-info").mkdir(parents=True)
    progress("Installing collected packages: six, numpy, jupyterlab\n")
    (packages / "numpy-2.4.6.dist-info").mkdir()
    assert progress.where() == "installed 1 of 3 packages, at numpy"


@pytest.mark.slow
@posix
def test_without_a_network_a_fresh_clone_says_so(tmp_path):
    """The real thing: a real environment in a folder with a space, a real pip, and an index that does not answer."""
    root = tmp_path / "a clone"
    (root / "course").mkdir(parents=True)
    for name in ("__init__.py", "bootstrap.py", "installer.py", "pip_output.py"):
        (root / "course" / name).write_bytes((ROOT / "course" / name).read_bytes())
    (root / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, str(root / "course" / "bootstrap.py"), "lab"]
    result = subprocess.run(command, env=keep | nowhere, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.startswith("Installing failed: the network is away.") and result.stderr.count("\n") == 1
    assert not (root / ".venv" / "chainrule.json").exists()
    assert "127.0.0.1" in (root / ".venv" / "install.log").read_text()
