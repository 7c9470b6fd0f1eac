"""Starts JupyterLab in a folder, says its address once it really answers, and ends it with us.

JupyterLab's own words go to a log file beside the notebooks; only its errors come to the screen.
"""

import errno
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from jupyter_core.paths import jupyter_runtime_dir

FIRST_PORT, PORTS_TO_TRY = 8888, 100
SECONDS_TO_END = 10
LOG = Path(".chainrule", "jupyter.log")


class LaunchError(Exception):
    """JupyterLab could not be started; the message says why and what to do, in one line."""


def run(folder, port=None, browser=True, options=(), config=None, notebook=None):
    """Run JupyterLab in `folder` until it ends or we are told to; returns the exit status.

    `port`: the one to use; None for 8888 or the next free one. `browser`: open one, if there is a screen.
    `options`: passed on to JupyterLab. `config`: a folder of Jupyter settings that come before the user's own.
    `notebook`: the one to open at first, relative to `folder`. Raises LaunchError.
    """
    folder = Path(folder).absolute()
    running = _running_in(folder)
    if running:
        print(f"JupyterLab is running here already: {_address(running, notebook)}")
        return 0
    log = folder / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    command = _command(folder, choose_port(port), port is not None, browser and has_screen(), notebook)
    print("Starting JupyterLab ...", flush=True)
    with open(log, "w") as output, open(log, errors="replace") as written:
        process = _start([*command, *options], folder, _variables(config), output)
        try:
            with _signals_as_interrupt():
                server = _wait_until_ready(process, written, log)
                print(f"JupyterLab is ready: {_address(server, notebook)}")
                print(f"Ctrl-C ends it. What it says is in {log}.", flush=True)
                return _follow(process, written)
        except KeyboardInterrupt:
            print("\nEnding JupyterLab ...", flush=True)
            return 0
        finally:
            _end(process)


# How JupyterLab is started


def choose_port(wanted=None):
    """The port to use. Raises LaunchError if it is taken, naming a free one."""
    if wanted is not None and not 1 <= wanted <= 65535:
        raise LaunchError(f"A port is a number from 1 to 65535, not {wanted}.")
    if wanted is not None and is_free(wanted):
        return wanted
    first = wanted or FIRST_PORT
    free = next((port for port in range(first, min(first + PORTS_TO_TRY, 65536)) if is_free(port)), None)
    if wanted is not None:
        instead = f"{free} is free: --port {free}" if free else "choose another one"
        raise LaunchError(f"Port {wanted} is taken by another program; {instead}")
    if free is None:
        raise LaunchError(f"All ports from {first} to {first + PORTS_TO_TRY - 1} are taken; choose one with --port.")
    if free != first:
        print(f"Port {first} is taken by another program, so JupyterLab gets {free}.")
    return free


def is_free(port):
    """Whether nobody listens on this port of this machine. Raises LaunchError if we may not listen there."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as listener:
                if os.name != "nt":  # there it would mean: share the port with whoever has it
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host, port))
        except PermissionError as error:
            raise LaunchError(f"You may not use port {port}; those from 1024 up are for everyone.") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            if family == socket.AF_INET:  # a machine without IPv6 is no problem
                raise LaunchError(f"Port {port} cannot be used: {error.strerror}.") from error
    return True


def has_screen():
    """Whether a browser that is opened here would be seen by someone."""
    if os.environ.get("CI"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _command(folder, port, only_this_port, browser, notebook):
    # -P: a file random.py of the learner's, in the folder where it starts, is no module of JupyterLab's.
    command = [sys.executable, "-P", "-m", "jupyterlab"]
    command += [f"--ServerApp.root_dir={folder}", f"--ServerApp.port={port}"]
    command.append(f"--LabApp.default_url={_page(notebook)}")
    # No network is needed, and no pop-up asks a newcomer about news of JupyterLab.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if only_this_port:
        command.append("--ServerApp.port_retries=0")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print("You are root, so JupyterLab is started with --allow-root.")
        command.append("--allow-root")
    return command


def _variables(config):
    """The environment of JupyterLab: our settings first, our programs first, and a token that it does not log."""
    variables = dict(os.environ)
    if config is not None:
        others = variables.get("JUPYTER_CONFIG_PATH")
        variables["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(config), *([others] if others else [])])
    programs = str(Path(sys.executable).parent)
    variables["PATH"] = os.pathsep.join([programs, variables.get("PATH", os.defpath)])
    variables.setdefault("JUPYTER_TOKEN", secrets.token_hex(24))
    return variables


def _start(command, folder, variables, output):
    """Start it out of reach of the terminal's Ctrl-C, which is for us: we end it in order."""
    apart = {"start_new_session": True}
    if os.name == "nt":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(
        command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **apart
    )


# While it runs


def _wait_until_ready(process, written, log):
    """What the server has written about itself, as soon as it answers. Raises LaunchError if it ends before."""
    while process.poll() is None:
        server = _server_info(process.pid)
        if server is not None and _status(server) is not None:
            return server
        time.sleep(0.05)
    errors = _errors(written.read())
    why = errors[-1] if errors else f"it ended with status {process.returncode}."
    raise LaunchError(f"JupyterLab did not start: {why} What it said is in {log}.")


def _follow(process, written):
    """Show its errors as they come, until it ends; returns the exit status."""
    while True:
        ended = process.poll() is not None  # asked first, so that its last words are read too
        for line in _errors(written.read()):
            print(f"JupyterLab says: {line}", flush=True)
        if ended:
            print("JupyterLab has ended.")
            return process.returncode
        time.sleep(0.5)


def _errors(text):
    """The errors in JupyterLab's log, a line each, without the time."""
    return re.findall(r"^\[[EC] \S+ \S+ \S+\] (.+)$", text, re.MULTILINE)


def _server_info(pid):
    """What the server with this process id has written about itself (url, token, ...), or None if it has not yet."""
    try:
        return json.loads(Path(jupyter_runtime_dir(), f"jpserver-{pid}.json").read_bytes())
    except (OSError, ValueError):
        return None


def _status(server):
    """The HTTP status with which this server answers, None if it does not. Never through a proxy."""
    url = urllib.parse.urljoin(server["url"], "api/status")
    request = urllib.request.Request(url, headers={"Authorization": f"token {server['token']}"})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def _running_in(folder):
    """What a JupyterLab that serves this folder already has written about itself, or None."""
    for file in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        server = _server_info(file.stem.removeprefix("jpserver-"))
        if server and server["root_dir"] == str(folder) and _status(server) == 200:
            return server
    return None


def _address(server, notebook):
    token = f"?token={server['token']}" if server["token"] else ""
    return f"{server['url'].rstrip('/')}{_page(notebook)}{token}"


def _page(notebook):
    return "/lab" if notebook is None else "/lab/tree/" + urllib.parse.quote(Path(notebook).as_posix())


# When it ends


class _signals_as_interrupt:
    """Being told to end (kill, a closed terminal) is the same as Ctrl-C, so that JupyterLab ends with us."""

    def __enter__(self):
        names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        self.before = {name: signal.signal(getattr(signal, name), signal.default_int_handler) for name in names}

    def __exit__(self, *error):
        for name, handler in self.before.items():
            signal.signal(getattr(signal, name), handler)


def _end(process):
    """End JupyterLab, which ends its kernels, and wait. If it does not listen, or on a second Ctrl-C, it is killed."""
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.kill()
        process.wait()
