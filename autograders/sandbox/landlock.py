"""The level `landlock`: one process that has given up everything else, for machines without user namespaces.

Landlock limits what it can open to Python, its standard library and the exercise's packages, all for reading alone;
seccomp limits what it can ask of the kernel to a list of calls that computing needs: no network, no processes, no
signals to others, no tracing, no mounts. Since it cannot start a process, memory is bounded for all it does, and
killing it ends everything. For root a number that no user has becomes its user.

Beside what `LACKS` says: there is nowhere to write, not even a temporary folder; the host's name, its number of
processes, and which files exist (their names and sizes, not what is in them) can be found out; where an ordinary user
grades, Python's own process limit counts the user's other processes. Needs Linux 6.2 (Landlock 3) on x86-64.
`confine.py` is the child's side.
"""

import functools
import json
import os
import platform
import subprocess
from pathlib import Path

from autograders.sandbox import contents
from autograders.sandbox.jail import Jail
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable, need_linux

NAME = "landlock"
IN_TURN = False
LACKS = "names and sizes of files, the host's name and number of processes can be seen; nothing can be written"

CONFINE = contents.HERE / "confine.py"
LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1")


def start(packages: tuple[contents.Package, ...], limits: Limits, requests: int, replies: int) -> Jail:
    """A worker that reads the descriptor `requests` and writes to `replies`."""
    need_linux()
    if platform.machine() != "x86_64":
        raise SandboxUnavailable(f"its list of system calls is for x86-64, this machine is {platform.machine()}")
    confine = [str(contents.interpreter()), *contents.PYTHON_OPTIONS, str(CONFINE)]
    process = subprocess.Popen(
        [*confine, json.dumps(_plan(packages, limits))],
        stdin=requests,
        stdout=replies,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        env={},
    )
    return Jail(process)


def _plan(packages: tuple[contents.Package, ...], limits: Limits) -> dict:
    python, worker = str(contents.interpreter()), str(contents.HERE / "worker.py")
    modules = {"wire": str(contents.HERE / "wire.py"), **{package.name: str(package.file) for package in packages}}
    return {
        "parent": os.getpid(),
        "read": [str(path) for path in _readable(packages)],
        "list": [str(contents.standard_library())],
        "run": [python, *(loader for loader in LOADERS if os.path.exists(loader))],
        "devices": [device for device in contents.DEVICES if os.path.exists(device)],
        "processes": limits.processes,
        "command": [python, *contents.PYTHON_OPTIONS, worker],
        "argument": limits.for_worker(modules),
        "environment": contents.environment("/"),
    }


@functools.cache  # thousands of system files are looked at
def _readable(packages: tuple[contents.Package, ...]) -> tuple[Path, ...]:
    """Files, and folders with all in them, that may be read. Landlock cannot take out a part of a folder."""
    paths = [contents.HERE / name for name in contents.OUR_FILES]
    for part in contents.system_parts():
        paths += _without_packages(part)
    for package in packages:
        paths += package.paths
    return tuple(sorted({path.resolve() for path in paths}))


def _without_packages(path: Path) -> list[Path]:
    """`path`; or, if it is a folder that holds others' packages, those of its entries that hold none."""
    folders = contents.installed_packages([path]) if path.is_dir() else []
    if not folders:
        return [path]
    kept = []
    for entry in path.iterdir():
        if entry not in folders and not entry.is_symlink():
            kept += _without_packages(entry) if any(entry in folder.parents for folder in folders) else [entry]
    return kept
