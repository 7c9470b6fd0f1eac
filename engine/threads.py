"""How many threads numpy's linear algebra may use, and work shared out among as many of our own.

numpy lets other Python threads run while it computes. Its libraries are asked through threadpoolctl.
"""

import itertools
import math
import os
import queue
import threading

import numpy as np

from engine import backend, blas, unpacked

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
    _most[0] = number


# ---- threads of our own ---------------------------------------------------------------------------------


def _allowed():
    """What the environment allows BLAS, else a thread for each core that this process may use."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return max(int(os.environ[name]), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Helper:
    """A thread that computes what it is given, on another core than who gives it.

    Linux likes to wake a thread on the core of who wakes it, all the more while BLAS's own threads wait for work in a
    loop on the others. The two would take turns for some milliseconds, which is all that the work takes.
    """

    def __init__(self):
        self._given, self._done, self._core = queue.SimpleQueue(), queue.SimpleQueue(), None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)
        self._thread.start()

    def give(self, function, items):
        core = blas.libraries().core()
        if core != self._core:
            self._core = core
            self._move_to(os.sched_getaffinity(0) - {core})
        self._given.put((function, items))

    def outcome(self):
        """(what the function gave, None) or (None, what it raised), when it is done."""
        return self._done.get()

    def _move_to(self, cores):
        try:
            os.sched_setaffinity(self._thread.native_id, cores)  # of this thread alone
        except OSError:  # there is no other core, or a sandbox forbids it
            pass

    def _work(self):
        while True:
            function, items = self._given.get()
            try:
                outcome = backend.quietly(function, (items,)), None
            except BaseException as error:  # raised again where the outcome is wanted
                outcome = None, error
            del function, items  # what they hold must not wait for the next
            self._done.put(outcome)
            del outcome


WORTH_SHARING = 8 * 10**6  # multiplications of a product: it takes 50 to 100 µs until another thread has begun
WORTH_PARTING = 2**20  # elements that a pass over memory goes over: about 150 µs
WAKES = 2 * 10**5  # multiplications from which on OpenBLAS wakes its threads, or nearly so
WAKES_FOR_VECTORS = 9000  # where one of both is a vector
FAR_APART = 200  # products: after so many in which nothing was shared, the next ones may be OpenBLAS's to share
_most = [_allowed()]
_products = [FAR_APART]  # since threads of ours last worked
_idle = []  # helpers


def begin_anew():
    """Choose who shares a product as in a new process: what ran before could change the last bits of its result."""
    _products[0] = FAR_APART


def _forget():
    """In a process that was forked off: threads stay behind, and so does who would have put OpenBLAS's number back."""
    _idle.clear()
    if blas.libraries.cache_info().currsize:
        blas.libraries().put_back()
        blas.libraries.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _helper():
    try:
        return _idle.pop()
    except IndexError:
        return _Helper()


def share(function, items, is_worth_it=True):
    """[function(some of the items), ...]: consecutive items, a stretch for each thread, in their order.

    The stretches depend on the number of threads alone, so that sums of the results are the same every time.
    """
    count = min(_most[0], len(items)) if is_worth_it else 1
    if count <= 1:
        return [function(items)]
    size = math.ceil(len(items) / count)
    stretches = [items[start : start + size] for start in range(0, len(items), size)]
    _products[0] = 0
    with blas.libraries():
        helpers = [_helper() for _ in stretches[1:]]
        for helper, each in zip(helpers, stretches[1:]):
            helper.give(function, each)
        try:
            first = function(stretches[0])
        finally:  # nobody may go on while a helper still writes
            outcomes = [helper.outcome() for helper in helpers]
            _idle.extend(helpers)
    for _, error in outcomes:
        if error is not None:
            raise error
    return [first, *(each for each, _ in outcomes)]


def matmul(a, b):
    """numpy's matmul; of a large product each thread computes some of the matrices, of the rows, or of the columns.

    What is shared, and how, depends on the shapes, the number of threads and what was shared before. Products too small
    for our threads are computed in pieces (`unpacked`), or where they cannot be cut, left to OpenBLAS's own threads,
    unless ours have just worked, as they do in each step of some models.
    """
    if a.ndim == b.ndim == 2 and 1 < a.shape[1] and a.size * b.shape[1] < WAKES:  # most of a small model's
        _products[0] += 1
        return np.matmul(a, b)
    of_vectors = min(a.ndim, b.ndim) < 2
    if not of_vectors and a.shape[-1] == b.shape[-2] == 1:
        return a * b  # an outer product: nothing is added up, and BLAS takes ten times as long for it
    work = a.size if b.ndim < 2 else a.size * b.shape[-1]
    along = None if of_vectors or work <= min(unpacked.MOST, WORTH_SHARING) else _dimension_to_share(a, b)
    is_shared = work >= WORTH_SHARING and _most[0] > 1
    if along is None or not (is_shared or unpacked.cuts(a, b)):
        return _by_blas(np.matmul, a, b, work >= (WAKES_FOR_VECTORS if of_vectors else WAKES))
    result = np.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
    if not is_shared:
        return unpacked.multiply(a, b, result)
    places = [slice(None)] * (-1 - along)

    def compute(pieces):
        for piece in pieces:
            where = (..., piece, *places)
            unpacked.multiply(a if along == -1 else a[where], b if along == -2 else b[where], out=result[where])

    share(compute, _pieces(result.shape[along], min(_most[0], 2 * work // WORTH_SHARING)))
    return result


def vecdot(a, b):
    """numpy's vecdot: sums of products along the last dimension."""
    return _by_blas(np.vecdot, a, b, a.size >= WAKES_FOR_VECTORS)


def _by_blas(function, a, b, wakes):
    """function(a, b); with one thread of OpenBLAS if it would wake the others, which then wait for work in a loop for 25
    ms, and threads of ours have just worked, which would meet them."""
    _products[0] += 1
    if not wakes or _products[0] > FAR_APART or _most[0] == 1 or type(a) is not np.ndarray:
        return function(a, b)
    with blas.libraries():
        return function(a, b)


def elementwise(function, *arrays, passes=1, at_once=None):
    """function(*arrays), which fills the last of them element by element; of large ones each thread takes a part.

    The parts are stretches of that array's memory, whatever its order, and the same places of the others: all have as
    many dimensions, of the same sizes or of 1. passes: how often the function goes over memory. at_once: how many
    elements a part should have at most, for who makes temporaries. Gives the last array.
    """
    result = arrays[-1]
    is_shared = type(result) is np.ndarray and _most[0] > 1 and result.size * passes >= WORTH_PARTING
    count = _most[0] if is_shared else 1
    if at_once and type(result) is np.ndarray:
        count *= max(math.ceil(result.size / at_once / count), 1)
    if count == 1:
        function(*arrays)
        return result
    along = max(range(result.ndim), key=lambda each: (result.shape[each] > 1, result.strides[each]))
    size, before = result.shape[along], [slice(None)] * along

    def compute(pieces):
        for piece in pieces:
            function(*[each[(*before, piece)] if each.shape[along] == size else each for each in arrays])

    share(compute, _pieces(size, min(count, size)), is_shared)
    return result


def _dimension_to_share(a, b):
    """A dimension of the product, counted from its end; None if it is not one of plain matrices."""
    if type(a) is not np.ndarray or a.dtype != b.dtype or a.dtype.kind not in "fc":
        return None
    if a.ndim == b.ndim == 2:
        return -2 if len(a) >= b.shape[1] else -1
    return -a.ndim if a.ndim == b.ndim and a.shape[:-2] == b.shape[:-2] else None


def _pieces(size, count):
    """range(size) in so many slices of about the same length."""
    edges = [size * each // count for each in range(count + 1)]
    return [slice(*each) for each in itertools.pairwise(edges)]
