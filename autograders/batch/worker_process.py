"""What a worker of our own cluster loads first: it leaves Ctrl-C to the command, and keeps to one core.

Ctrl-C is for the command alone, which then ends its workers. A core is what a hostile answer may use up: its sandbox
inherits the worker's, and may choose no other, so however many processes it starts they are in its own worker's way
and in no other's.
"""

import contextlib
import os
import signal


def dask_setup(worker):
    """Called by Dask in the worker's main thread. The worker's name is its number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_to_core(worker.name)


def keep_to_core(number):
    """Run all threads of this process, and processes that it starts, on the `number`-th core that it may use."""
    cores = sorted(os.sched_getaffinity(0))
    for thread in os.listdir("/proc/self/task"):  # each has its own, which those that it starts inherit
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(int(thread), {cores[number % len(cores)]})
