"""Processor time of a command and all that it starts, those too that are killed, for the benchmarks beside this file.

The kernel adds a child's time to its parent's when the parent waits for it. It does so for none of a sandbox's
processes, which end by a signal to the first of them; so `resource.getrusage` misses most of what grading costs. A
cgroup (version 2) counts everything that ever ran in it. Source: the kernel's
Documentation/admin-guide/cgroup-v2.rst, cpu.stat.
"""

import os
import subprocess
import sys
import time

from autograders.sandbox import SandboxUnavailable, cgroup

SECONDS_TO_END = 30.0
ENTER = 'echo $$ > "$0" && exec "$@"'


def measure(command, **options):
    """(wall seconds, processor seconds) of a command, which must succeed; `options` are those of `subprocess.run`."""
    folder = _own_folder() / f"chainrule-benchmark-{os.getpid()}"
    try:
        folder.mkdir()
        try:
            begun = time.monotonic()
            enter = ["/bin/sh", "-c", ENTER, str(folder / "cgroup.procs")]
            done = subprocess.run([*enter, *command], capture_output=True, text=True, check=False, **options)
            wall = time.monotonic() - begun
            if done.returncode != 0:
                sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
            counted = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
        finally:
            _remove(folder)
    except OSError as error:
        sys.exit(f"Processor time is counted by a cgroup, and none can be made ({error}): systemd-run --user --scope")
    return wall, int(counted["usage_usec"]) / 1e6


def _remove(folder):
    """Once the last process in it has ended: a kernel may outlive the command that used it for a moment."""
    deadline = time.monotonic() + SECONDS_TO_END
    while (folder / "cgroup.procs").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    folder.rmdir()


def _own_folder():
    try:
        return cgroup._place()[1]
    except SandboxUnavailable as error:
        sys.exit(str(error))
