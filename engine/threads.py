"""How many threads numpy's linear algebra may use, and work shared out among as many of our own.

numpy lets other Python threads run while it computes. Its libraries are asked through threadpoolctl.
"""

import math
import os

from engine import backend

__all__ = ["get_num_threads", "set_num_threads"]

_kept = []  # threadpoolctl's controller: finding the libraries takes milliseconds


def _controller():
    if not _kept:
        try:
            import threadpoolctl
        except ImportError:
            raise RuntimeError(
                "the number of numpy's threads is known to the package threadpoolctl (pip install threadpoolctl); "
                "without it, set OPENBLAS_NUM_THREADS or MKL_NUM_THREADS before Python starts"
            ) from None
        _kept.append(threadpoolctl.ThreadpoolController())
    return _kept[0]


def get_num_threads():
    """The most threads that one of numpy's libraries uses; RuntimeError without threadpoolctl."""
    return max((library["num_threads"] for library in _controller().info()), default=1)


def set_num_threads(number):
    """Let each use that many from now on; RuntimeError for anything but a positive int, or without threadpoolctl."""
    if not isinstance(number, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(number).__name__}")
    if number < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _controller().limit(limits=number)
    _helpers.most = number
    _helpers.forget()


# ---- threads of our own ---------------------------------------------------------------------------------


def _allowed():
    """What the environment allows BLAS, else a thread for each core that this process may use."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return max(int(os.environ[name]), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Helpers:
    """The threads that help the one that asks: started when first needed, anew in a process that was forked off."""

    def __init__(self):
        self.most, self.pool = _allowed(), None

    def submit(self, *call):
        if self.pool is None:
            import concurrent.futures

            self.pool = concurrent.futures.ThreadPoolExecutor(max(self.most - 1, 1), "engine")
        return self.pool.submit(*call)

    def forget(self):
        self.pool = None


_helpers = _Helpers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.forget)


def share(function, items, is_worth_it=True):
    """[function(some of the items), ...]: consecutive items, a stretch for each thread, in their order.

    The stretches depend on the number of threads alone, so that sums of the results are the same every time.
    """
    count = min(_helpers.most, len(items)) if is_worth_it else 1
    if count <= 1:
        return [function(items)]
    size = math.ceil(len(items) / count)
    stretches = [items[start : start + size] for start in range(0, len(items), size)]
    others = [_helpers.submit(backend.quietly, function, (each,), {}) for each in stretches[1:]]
    try:
        first = function(stretches[0])
    finally:  # nobody may go on while a helper still writes
        for each in others:
            each.exception()
    return [first, *(each.result() for each in others)]
