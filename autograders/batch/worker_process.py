"""What a worker of our own cluster loads first: Ctrl-C is for the command alone, which then ends its workers."""

import signal


def dask_setup(worker):
    """Called by Dask in the worker's main thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
