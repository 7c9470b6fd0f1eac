"""JupyterLab starts in the right folder, says its address when it answers, and ends with us."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("jupyter_core", reason="needs the extra `course`")

from course import launcher  # noqa: E402 (it needs what is asked for above)

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="sends POSIX signals")

# A program in JupyterLab's place: it answers after a moment, and does to the launcher what its options say.
STAND_IN = """
    import http.server, json, os, pathlib, signal, sys, time

    options = dict(option.partition("=")[::2] for option in sys.argv[1:])
    if "--refuse" in options:
        print("[C 2026-11-21 07:00:29.142 ServerApp] Cannot start today.", flush=True)
        raise SystemExit(1)

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.headers["Authorization"] == "token " + os.environ["JUPYTER_TOKEN"]
            self.send_response(200 if known else 403)
            self.end_headers()
        def log_message(self, *words):
            pass

    def end(*signal):
        print("Ended in order.", flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    port = int(options["--ServerApp.port"])
    about = {"url": f"http://localhost:{port}/", "token": os.environ["JUPYTER_TOKEN"], "pid": os.getpid(),
             "root_dir": options["--ServerApp.root_dir"], "cwd": os.getcwd(), "options": sys.argv[1:],
             "config": os.environ.get("JUPYTER_CONFIG_PATH"), "programs": os.environ["PATH"].split(os.pathsep)[0]}
    runtime = pathlib.Path(os.environ["JUPYTER_RUNTIME_DIR"], f"jpserver-{os.getpid()}.json")
    runtime.write_text(json.dumps(about))
    time.sleep(0.2)
    server = http.server.HTTPServer(("127.0.0.1", port), Answer)
    server.handle_request()
    print("[E 2026-11-21 07:00:29.142 ServerApp] Something went wrong.", flush=True)
    if "--stop-soon" in options:
        raise SystemExit(0)
    server.serve_forever()
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """A function that starts the launcher in a process of its own; all that it started is ended afterwards."""
    modules, runtime = tmp_path / "modules", tmp_path / "runtime"
    (modules / "jupyterlab").mkdir(parents=True)
    (modules / "jupyterlab" / "__init__.py").touch()
    (modules / "jupyterlab" / "__main__.py").write_text(textwrap.dedent(STAND_IN))
    runtime.mkdir()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(modules), str(ROOT)]))
    monkeypatch.setenv("CI", "1")
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    monkeypatch.delenv("JUPYTER_CONFIG_PATH", raising=False)
    folder = tmp_path / "my work"
    folder.mkdir()
    started = []

    def start_one(arguments="", real=False):
        code = "import sys; from pathlib import Path; from course.launcher import run; "
        code += f"sys.exit(run({str(folder)!r}, {arguments}))"
        variables = dict(os.environ, PYTHONPATH=str(ROOT)) if real else None
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
        )
        started.append(process)
        return process

    start_one.folder, start_one.runtime = folder, runtime
    yield start_one
    for process in started:
        process.terminate()
        process.wait(30)
        process.stdout.close()
        process.stderr.close()


def until_ready(process):
    """What the launcher prints up to the address, and the address."""
    printed = []
    for line in process.stdout:
        printed.append(line)
        address = re.search(r"JupyterLab is ready: (\S+)", line)
        if address:
            return "".join(printed), address[1]
    pytest.fail("".join(printed) + process.stderr.read())


def rest(process):
    """What it prints from here on, on the two channels, until it ends."""
    printed = process.stdout.read(), process.stderr.read()
    process.wait(30)
    return printed


def about(start):
    return json.loads(next(start.runtime.glob("jpserver-*.json")).read_text())


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_the_address_is_said_when_it_answers(start):
    """With the token, the page of the notebook to begin with, and the port that was asked for."""
    port = free_port()
    _, address = until_ready(start(f"{port}, notebook=Path('03-a b', '03-ä.ipynb')"))
    server = about(start)
    assert address == f"http://localhost:{port}/lab/tree/03-a%20b/03-%C3%A4.ipynb?token={server['token']}"
    assert len(server["token"]) >= 32
    assert server["root_dir"] == server["cwd"] == str(start.folder)


def test_settings_come_before_the_users_own(start, monkeypatch):
    """Our settings are put in front of the user's, our programs are found first, and other options are passed on."""
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/their/settings")
    until_ready(start(f"{free_port()}, options=['--theirs=1'], config='/our/settings'"))
    server = about(start)
    assert server["config"] == os.pathsep.join(["/our/settings", "/their/settings"])
    assert server["programs"] == str(Path(sys.executable).parent)
    assert server["options"][-1] == "--theirs=1"
    assert "--no-browser" in server["options"]


def test_the_token_is_nowhere_but_in_the_address(start):
    """Neither in the log nor where other users of the machine can see it, in the command."""
    _, address = until_ready(start(f"{free_port()}"))
    token = about(start)["token"]
    assert token in address
    assert token not in (start.folder / launcher.LOG).read_text()
    assert token not in " ".join(about(start)["options"])


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ending_the_launcher_ends_jupyterlab(start, name):
    """Ctrl-C, kill and a closed terminal: no traceback, and nothing survives."""
    process = start(f"{free_port()}")
    until_ready(process)
    process.send_signal(getattr(signal, name))
    output, errors = rest(process)
    assert process.returncode == 0 and errors == "" and "Ending JupyterLab" in output
    assert not is_alive(about(start)["pid"])
    assert "Ended in order." in (start.folder / launcher.LOG).read_text()


@posix
def test_ending_it_before_it_answers(start):
    process = start(f"{free_port()}")
    assert process.stdout.readline().startswith(("You are root", "Starting"))
    while not list(start.runtime.glob("*.json")):
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert rest(process)[1] == "" and process.returncode == 0


def test_its_errors_come_to_the_screen(start):
    process = start(f"{free_port()}, options=['--stop-soon']")
    until_ready(process)
    output = rest(process)[0]
    assert output.endswith("JupyterLab says: Something went wrong.\nJupyterLab has ended.\n")
    assert process.returncode == 0


def test_a_start_that_fails_says_why(start):
    process = start(f"{free_port()}, options=['--refuse']")
    errors = rest(process)[1]
    assert "LaunchError: JupyterLab did not start: Cannot start today." in errors and str(launcher.LOG) in errors


def test_a_second_start_in_the_same_folder_gives_the_first_ones_address(start):
    """Two servers over the same notebooks could overwrite each other's saves."""
    _, address = until_ready(start(f"{free_port()}"))
    output, errors = rest(start(f"{free_port()}"))
    assert output == f"JupyterLab is running here already: {address}\n" and errors == ""


@pytest.fixture
def taken():
    """A port that another program listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_gets_a_line_with_a_free_one(taken):
    with pytest.raises(launcher.LaunchError, match=rf"Port {taken} is taken .* is free: --port (\d+)") as caught:
        launcher.choose_port(taken)
    assert launcher.is_free(int(re.findall(r"\d+", str(caught.value))[-1]))


def test_the_next_free_port_is_taken_and_said(taken, monkeypatch, capsys):
    monkeypatch.setattr(launcher, "FIRST_PORT", taken)
    port = launcher.choose_port()
    assert port > taken
    assert f"Port {taken} is taken by another program, so JupyterLab gets {port}." in capsys.readouterr().out


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_no_port_at_all(port):
    with pytest.raises(launcher.LaunchError, match="from 1 to 65535"):
        launcher.choose_port(port)


def test_no_browser_without_a_screen(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("CI", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    assert launcher.has_screen()
    monkeypatch.setenv("CI", "true")
    assert not launcher.has_screen()
    monkeypatch.delenv("CI")
    monkeypatch.delenv("DISPLAY")
    assert not launcher.has_screen()


@pytest.mark.slow
@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_real_jupyterlab_and_its_kernels_end_with_us(start, name):
    """A kernel that is running ends too; the log does not have the token; a file random.py here does no harm."""
    pytest.importorskip("jupyterlab", reason="needs the extra `course`")
    (start.folder / "random.py").write_text("raise RuntimeError('this is a file of the learner')\n")
    process = start(f"{free_port()}", real=True)
    until_ready(process)
    server = about(start)
    request = urllib.request.Request(
        f"{server['url']}api/kernels", data=b"{}", headers={"Authorization": f"token {server['token']}"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert answer.status == 201
    children = descendants(server["pid"])
    assert children
    process.send_signal(getattr(signal, name))
    errors = rest(process)[1]
    assert process.returncode == 0 and errors == ""
    assert not [pid for pid in [server["pid"], *children] if is_alive(pid)]
    assert server["token"] not in (start.folder / launcher.LOG).read_text()


def descendants(pid):
    """The processes that `pid` started, and theirs."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listing.splitlines()]
    found = [child for child, parent in parents if parent == pid]
    return found + [grandchild for child in found for grandchild in descendants(child)]
