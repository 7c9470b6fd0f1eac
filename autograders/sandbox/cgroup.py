"""The level `bubblewrap+cgroup`: bubblewrap, and memory, processes and processor time bounded for all of it together.

Each sandbox gets a folder of its own in the cgroup v2 tree, below the nearest folder around the grader that may be
written to and hands the controllers `memory` and `pids` to its children. Where it hands on `cpu` too, a sandbox gets
one core's time, however many processes share it. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
"""

import contextlib
import os
import re
import secrets
import shutil
import time
from pathlib import Path

from autograders.sandbox import bubblewrap, contents, identity
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable, need_linux

NAME = "bubblewrap+cgroup"
IN_TURN = True
LACKS = "the time on a core is bounded only where the cgroup hands on `cpu`"

NEEDED = {"memory", "pids"}
OUTSIDE = 1  # bubblewrap's process outside of the sandbox is counted as well
MICROSECONDS = 100_000  # of one core, in as many of wall-clock time
SECONDS_TO_EMPTY = 5.0
ENTER = 'echo $$ > "$0" && exec "$@"'
FOLDER = re.compile(r"chainrule-(\d+)-[0-9a-f]+")


def start(
    packages: tuple[contents.Package, ...], limits: Limits, requests: int, replies: int
) -> bubblewrap.Namespaces:
    """A worker that reads the descriptor `requests` and writes to `replies`."""
    need_linux()
    folder = _make_folder(_find_parent(), limits)
    enter = ["/bin/sh", "-c", ENTER, str(folder / "cgroup.procs"), *_as_nobody()]
    try:
        # root enters the folder as root, and becomes nobody then
        launched = bubblewrap.launch(packages, limits, requests, replies, enter, start_as={})
    except BaseException:
        folder.rmdir()
        raise
    return Together(*launched, folder, limits)


class Together(bubblewrap.Namespaces):
    """The sandbox's processes, killed by their cgroup, so all at once."""

    def __init__(self, process, about: int, folder: Path, limits: Limits):
        super().__init__(process, about)
        self._folder = folder
        self._limits = limits

    def kill(self) -> None:
        try:
            (self._folder / "cgroup.kill").write_text("1")
        except FileNotFoundError:  # Linux before 5.14
            super().kill()

    def is_as_new(self) -> bool:
        return super().is_as_new() and not self._ran_out_of_memory()

    def how_it_ended(self, status: int) -> str:
        if self._ran_out_of_memory():
            return f"used more than {self._limits.megabytes} MB of memory in all its processes"
        return super().how_it_ended(status)

    def _ran_out_of_memory(self) -> bool:
        events = dict(line.split() for line in (self._folder / "memory.events").read_text().splitlines())
        return int(events["oom_kill"]) > 0

    def release(self) -> None:
        super().release()
        deadline = time.monotonic() + SECONDS_TO_EMPTY
        while True:
            try:
                return self._folder.rmdir()
            except OSError:  # the kernel is still clearing the killed processes away
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.002)


def _as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SandboxUnavailable("the command `setpriv` is not installed: apt-get install util-linux")
    return [setpriv, f"--reuid={identity.NOBODY}", f"--regid={identity.NOBODY}", "--clear-groups", "--"]


def _find_parent() -> Path:
    """The nearest folder around this process in which cgroups with the needed controllers can be made."""
    mounted, own = _place()
    for folder in (own, *own.parents):
        if not folder.is_relative_to(mounted):
            break
        if NEEDED <= _words(folder / "cgroup.subtree_control") and _may_use(folder):
            return folder
    if not NEEDED <= _words(mounted / "cgroup.controllers"):
        raise SandboxUnavailable(
            f"cgroup v2 has no {' and '.join(sorted(NEEDED - _words(mounted / 'cgroup.controllers')))} controller here "
            "(version 1 holds it): boot with systemd.unified_cgroup_hierarchy=1"
        )
    raise SandboxUnavailable(
        "no cgroup v2 folder around this process is writable and hands on memory and pids: start the grader with "
        "systemd-run --user --scope (in a container: mount /sys/fs/cgroup writable)"
    )


def _place() -> tuple[Path, Path]:
    """Where cgroup v2 is mounted, and this process's folder there."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            root, mounted = fields[3], Path(fields[4])
            break
    else:
        raise SandboxUnavailable("cgroup v2 is not mounted: mount -t cgroup2 none /sys/fs/cgroup")
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    below = os.path.relpath(own, root) if root != "/" else own.lstrip("/")
    return mounted, Path(os.path.normpath(mounted / below))


def _words(file: Path) -> set[str]:
    try:
        return set(file.read_text().split())
    except OSError:  # not there, or not ours to read
        return set()


def _may_use(folder: Path) -> bool:
    # to move a process one must be allowed to write both where it goes and to the common folder
    return os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)


def _make_folder(parent: Path, limits: Limits) -> Path:
    _clear(parent)
    folder = parent / f"chainrule-{os.getpid()}-{secrets.token_hex(6)}"
    bounds = {
        "memory.max": (limits.megabytes + limits.disk_megabytes) * 2**20,  # files in /tmp count as memory
        "memory.swap.max": 0,
        "memory.oom.group": 1,
        "pids.max": limits.processes + OUTSIDE,
        "cpu.max": f"{MICROSECONDS} {MICROSECONDS}",
    }
    try:
        folder.mkdir()
        for name, value in bounds.items():
            if (folder / name).exists() or name in ("memory.max", "pids.max"):
                (folder / name).write_text(str(value))
    except OSError as error:
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise SandboxUnavailable(f"a cgroup could not be made: {error}") from error
    return folder


def _clear(parent: Path) -> None:
    """Remove the empty folders that graders left who were killed."""
    for folder in parent.iterdir():
        name = FOLDER.fullmatch(folder.name)
        if name and not Path("/proc", name[1]).exists():
            with contextlib.suppress(OSError):  # another grader was first
                folder.rmdir()
