"""nbgrader's panels in a running JupyterLab: what the instructor and the learner have there, asked over HTTP."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

for library in ("jupyterlab", "nbgrader", "jupytext"):
    pytest.importorskip(library, reason=f"this test starts JupyterLab with nbgrader and needs {library}")

from course import builder, classroom, workspace  # noqa: E402

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
CHAPTERS = Path(__file__).parent / "data"
NAME = "03-small"
TOKEN = "only-for-this-test"
SECONDS_TO_START = 60


@contextlib.contextmanager
def jupyterlab(folder, tmp_path, **environment):
    """A JupyterLab started in `folder`, as a function that asks it for a path and returns the body as text."""
    home = tmp_path / "home"
    (home / "runtime").mkdir(parents=True)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
        "HOME": str(home),
        "PYTHONPATH": str(REPOSITORY),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "IPYTHONDIR": str(home / "ipython"),
        **environment,
    }
    options = ["--no-browser", "--allow-root", "--port=0", f"--IdentityProvider.token={TOKEN}"]
    with open(home / "log", "wb") as log:
        command = [sys.executable, "-m", "jupyterlab", *options]
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        address = wait_for_address(home, server)

        def ask(path, /, **data):
            request = urllib.request.Request(address + path, data=json.dumps(data).encode() if data else None)
            request.add_header("Authorization", f"token {TOKEN}")
            with urllib.request.urlopen(request, timeout=120) as reply:
                return reply.read().decode()

        yield ask
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for_address(home, server):
    """The server's address, once it answers there."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        for file in (home / "runtime").glob("jpserver-*.json"):
            with contextlib.suppress(OSError, ValueError):
                address = json.loads(file.read_text())["url"].rstrip("/")
                urllib.request.urlopen(f"{address}/api", timeout=5).close()
                return address
        time.sleep(0.2)
    raise AssertionError((home / "log").read_text())


def test_the_instructors_formgrader_lists_the_chapter(tmp_path):
    room = tmp_path / "classroom"
    classroom.prepare(room, CHAPTERS)
    with jupyterlab(room, tmp_path) as ask:
        (assignment,) = json.loads(ask("/formgrader/api/assignments"))
        assert (assignment["name"], assignment["status"]) == (NAME, "draft")
        made = json.loads(ask(f"/formgrader/api/assignment/{NAME}/assign", force=True))
        assert made["success"], made
        (assignment,) = json.loads(ask("/formgrader/api/assignments"))
        assert assignment["max_score"] > 0
    assert (room / "release" / NAME / f"{NAME}.ipynb").is_file()


def test_the_learner_has_assignments_and_validate_and_no_formgrader(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_CLASSROOM", str(tmp_path / "classroom"))
    monkeypatch.delenv("CHAINRULE_EXCHANGE", raising=False)
    home = tmp_path / "workspace"
    builder.build(CHAPTERS, tmp_path / "build")
    builder.release(tmp_path / "build")
    workspace.update(tmp_path / "build", home)
    places = {
        "CHAINRULE_CLASSROOM": str(tmp_path / "classroom"),
        "JUPYTER_CONFIG_PATH": str(home / workspace.JUPYTER_CONFIG),
    }
    with jupyterlab(home, tmp_path, **places) as ask:
        assert json.loads(ask("/assignments?course_id=chainrule")) == {"success": True, "value": []}
        result = json.loads(ask("/assignments/validate", path=f"{NAME}/{NAME}.ipynb"))
        assert result["success"], result
        assert len(result["value"]["failed"]) == 3, "nothing is answered yet"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            ask("/formgrader/api/assignments")
        disabled = re.search(r'"disabledExtensions": *(\[[^]]*\])', ask("/lab"))[1]
        assert {"@jupyter/nbgrader:formgrader", "@jupyter/nbgrader:create-assignment"} <= set(json.loads(disabled))
