"""The level `bubblewrap`: a machine that holds Python, numpy and nothing else, in Linux namespaces.

There is no network, no home, no /etc, no /proc (which a container could not mount, and which tells of the host) and
no program but the interpreter. The only place to write is a small /tmp in memory. Of /usr just the shared
libraries and the standard library are there, never the whole: an nbgrader exchange may live below it.
What a learner's code starts is in a process namespace of its own, so all of it ends with the first process. On
x86-64 a filter refuses the system calls whose memory no limit counts and those that computing never needs.
"""

import contextlib
import functools
import json
import os
import platform
import signal
import subprocess
from collections.abc import Iterator, Sequence

from autograders.sandbox import contents, filters, identity, unavailable
from autograders.sandbox.jail import Jail
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable, find_bubblewrap

NAME = "bubblewrap"
IN_TURN = True
LACKS = "memory is bounded for each of its few processes, not for all together; they may use the grader's cores"

# Memory is bounded for each process, not for all of them together: should the host run out, these go first.
EASY_TO_KILL = 'echo 1000 2> /dev/null > /proc/self/oom_score_adj; exec "$@"'
MOST_ABOUT = 2**16  # bytes of what bubblewrap says of itself
FIRST_PROCESS = contents.HERE / "first_process.py"


def start(packages: tuple[contents.Package, ...], limits: Limits, requests: int, replies: int) -> Jail:
    """A worker that reads the descriptor `requests` and writes to `replies`."""
    return Namespaces(*launch(packages, limits, requests, replies, (), identity.start_as()))


def launch(packages, limits, requests: int, replies: int, enter: Sequence[str], start_as: dict) -> tuple:
    """Start bubblewrap behind the command `enter`; returns its Popen and the descriptor where it tells of itself."""
    path = find_bubblewrap()
    reading, about = os.pipe()
    try:
        with identity.arguments(path) as (who, opened), _filter() as (calls, filter_opened):
            isolated = command(path, [*who, *calls], about, packages, limits)
            process = subprocess.Popen(
                [*enter, *isolated, limits.for_worker(_modules(packages))],
                stdin=requests,
                stdout=replies,
                stderr=subprocess.PIPE,
                pass_fds=(*opened, *filter_opened, about),
                start_new_session=True,
                cwd="/",
                env={},
                **start_as,
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(about)
    return process, reading


@contextlib.contextmanager
def _filter() -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """bubblewrap's arguments for the filter of system calls, and the descriptor they name, open within the block."""
    if platform.machine() != "x86_64":
        yield [], ()
        return
    reading, writing = os.pipe()
    try:
        os.write(writing, filters.nothing_unbounded())
        os.close(writing)
        yield ["--seccomp", str(reading)], (reading,)
    finally:
        os.close(reading)


class Namespaces(Jail):
    """All others die with the sandbox's first process, and bubblewrap outside collects it and ends."""

    def __init__(self, process: subprocess.Popen, about: int):
        super().__init__(process)
        self._about = about
        self._first = None

    def explain(self, complaint: str) -> SandboxUnavailable:
        return unavailable.explain(complaint)

    def ready(self) -> None:
        first = json.loads(os.read(self._about, MOST_ABOUT))["child-pid"]
        self._first = os.pidfd_open(first)  # a number alone might be another process's by the time it is used

    def is_as_new(self) -> bool:
        return platform.machine() == "x86_64"  # elsewhere nothing refuses memory that outlives all processes

    def kill(self) -> None:
        if self._first is None:
            self.process.kill()
        else:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                signal.pidfd_send_signal(self._first, signal.SIGKILL)

    def release(self) -> None:
        for descriptor in (self._about, self._first):
            if descriptor is not None:
                os.close(descriptor)


def command(
    bubblewrap: str, options: list[str], about: int, packages: tuple[contents.Package, ...], limits: Limits
) -> list[str]:
    """The argv that starts the worker.

    `options` are those for the user and the filter; to the descriptor `about` bubblewrap writes the number of the
    sandbox's first process.
    """
    arguments = ["/bin/sh", "-c", EASY_TO_KILL, "sh", bubblewrap, *options, "--info-fd", str(about)]
    arguments += ["--as-pid-1", "--new-session", "--die-with-parent", "--cap-drop", "ALL"]
    arguments += ["--hostname", "sandbox", "--clearenv"]
    for name, value in contents.environment("/tmp").items():
        arguments += ["--setenv", name, value]
    arguments += ["--perms", "0700", "--size", str(limits.disk_megabytes * 2**20), "--tmpfs", "/tmp"]
    arguments += _mounts(packages)
    for device in contents.DEVICES:
        arguments += ["--dev-bind", device, device]
    arguments += ["--remount-ro", "/", "--chdir", "/tmp", "--"]
    return [*arguments, str(contents.interpreter()), *contents.PYTHON_OPTIONS, f"{contents.SANDBOX}/worker.py"]


def _modules(packages: tuple[contents.Package, ...]) -> dict[str, str]:
    return {**contents.modules_inside(packages), "first_process": f"{contents.SANDBOX}/{FIRST_PROCESS.name}"}


def _mounts(packages: tuple[contents.Package, ...]) -> list[str]:
    arguments = [*_mounts_of_system()]
    for package in packages:
        for path in package.paths:
            arguments += ["--ro-bind", str(path), f"{contents.PACKAGES}/{path.name}"]
    for path in (*(contents.HERE / name for name in contents.OUR_FILES), FIRST_PROCESS):
        arguments += ["--ro-bind", str(path), f"{contents.SANDBOX}/{path.name}"]
    return arguments


@functools.cache  # to look into thousands of system files takes longer than to start bubblewrap
def _mounts_of_system() -> tuple[str, ...]:
    arguments = []
    folders = []
    for path in contents.system_parts():
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), str(path)]
        elif not any(path.is_relative_to(folder) for folder in folders):
            arguments += ["--ro-bind", str(path), str(path)]
            folders.append(path)
    for installed in contents.installed_packages(folders):
        # its own packages are the host's business: an empty folder stands in their place
        arguments += ["--size", "4096", "--tmpfs", str(installed), "--remount-ro", str(installed)]
    return tuple(arguments)
