"""The most memory that training takes: python -m benchmarks.memory PEER WORKLOAD prints its bytes.

Measured alike for every peer, from outside: by how much the process's resident memory grows at its highest, from before
the model is built until a few steps are done. A small model of the same kind trains first, so that libraries are loaded
and set up. Linux alone can forget an earlier peak (`/proc/self/clear_refs`, see proc(5)).
"""

import ctypes
import gc
import json
import pathlib
import subprocess
import sys

from benchmarks import peers, race, workloads

STEPS = 5
SMALL = {"batch": 2, "length": 8}


def peak(peer, workload, sizes=None):
    """Bytes, measured in a process of its own; None where the system does not tell."""
    if sys.platform != "linux":
        return None
    command = [sys.executable, "-m", "benchmarks.memory", peer, workload, json.dumps(sizes or {})]
    settings = {"cwd": race.ROOT, "env": race.environment(), "text": True, "check": True}
    return int(subprocess.run(command, stdout=subprocess.PIPE, **settings).stdout)


def main(peer, workload, sizes="{}"):
    train(peer, workload, {size: SMALL[size] for size in workloads.sizes(workload) if size in SMALL})
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # so that what was freed counts as free
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    train(peer, workload, json.loads(sizes))
    print(status("VmHWM") - before)


def train(peer, workload, sizes):
    step = peers.build(peer, workload, **sizes)
    for _ in range(STEPS):
        step()


def status(field):
    """Bytes of a field of /proc/self/status."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


if __name__ == "__main__":
    main(*sys.argv[1:])
