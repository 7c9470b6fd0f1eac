"""Worker processes: each makes every n-th batch, ahead of time; the parent takes them in turn, so they come in order.

Each worker has one socket to its parent. In the worker, one thread receives tasks and one sends batches, so neither
side ever waits for the other to listen. A socket that ends says that the other side is gone: to the parent, that the
worker died; to the worker, that it is no longer wanted, however its parent came to an end. What goes through is packed
by multiprocessing itself, for processes of one program; the memory of large arrays goes as it is.
"""

import contextlib
import io
import os
import queue
import random
import signal
import socket
import struct
import threading
import time
import traceback
import weakref
from collections import deque
from multiprocessing import get_context
from multiprocessing.reduction import ForkingPickler

import numpy as np

from engine.nn.parameter import Buffer, Parameter
from engine.random import manual_seed
from engine.tensor import Tensor
from engine.threads import set_num_threads
from engine.utils.data.dataloader import Batches
from engine.utils.data.fetch import Exhausted, fetcher
from engine.utils.data.worker_info import WorkerInfo, set_worker_info

GRACE = 5  # seconds that a worker has to finish the batch it is at when it is no longer wanted

# ---- what goes between the processes ------------------------------------------------------------------

_IN_PLACE = 4096  # bytes up to which an array is packed with the rest


def _packed(message):
    """The message as bytes, and the memory of its large arrays."""
    parts, stream = [], io.BytesIO()

    def is_small(buffer):
        memory = buffer.raw()
        if memory.nbytes > _IN_PLACE:
            parts.append(memory)
        return memory.nbytes <= _IN_PLACE

    ForkingPickler(stream, 5, True, is_small).dump(message)
    return [stream.getbuffer(), *parts]


def _send(wire, parts):
    wire.sendall(struct.pack(f"!{len(parts) + 1}Q", len(parts), *[part.nbytes for part in parts]))
    for part in parts:
        wire.sendall(part)


def _receive(wire):
    """The parts of the next message; EOFError, or another OSError, where the other side has gone."""
    (count,) = struct.unpack("!Q", _exactly(wire, 8))
    sizes = struct.unpack(f"!{count}Q", _exactly(wire, 8 * count))
    return [_exactly(wire, size) for size in sizes]


def _unpacked(parts):
    return ForkingPickler.loads(parts[0], buffers=parts[1:])


def _exactly(wire, size):
    """So many bytes, as an array that can be written to."""
    whole = np.empty(size, np.uint8)
    rest = memoryview(whole)
    while rest:
        count = wire.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return whole


def _reduced(tensor):
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError("a tensor with a history cannot be sent to another process; send tensor.detach().")
    attributes = None if type(tensor) is Tensor else tensor.__dict__ or None
    return _rebuilt, (type(tensor), tensor.array, tensor.requires_grad), attributes


def _rebuilt(kind, array, requires_grad):
    made = kind.__new__(kind)
    Tensor.__init__(made, array)
    return made.requires_grad_(requires_grad)


for _kind in (Tensor, Parameter, Buffer):
    ForkingPickler.register(_kind, _reduced)

# ---- in the worker ------------------------------------------------------------------------------------


class _Failure:
    """An exception on its way to the parent, with the traceback as text."""

    def __init__(self, error, number):
        self.kind = type(error)
        self.text = (f"Caught {self.kind.__name__} in DataLoader worker process {number}.\n"
                     f"Original {''.join(traceback.format_exception(error))}")

    def exception(self):
        """One of the same kind where that takes a text alone, else a RuntimeError."""
        text = _Text(self.text) if self.kind is KeyError else self.text
        with contextlib.suppress(Exception):
            return self.kind(text)
        return RuntimeError(text)


class _Text(str):
    """Text that is its own repr: a KeyError shows the repr of what it is given."""

    __repr__ = str.__str__


class _Worker:
    """The work of one process: to answer each task with a batch, a _Failure, or Exhausted itself."""

    def __init__(self, wire, info, worker_init_fn, recipe):
        self.wire, self.info, self.worker_init_fn, self.recipe = wire, info, worker_init_fn, recipe
        self.tasks, self.answers, self.is_wanted = queue.SimpleQueue(), queue.SimpleQueue(), True

    def run(self):
        for work in (self._receive_tasks, self._send_answers):
            threading.Thread(target=work, daemon=True).start()
        failure = self._prepare()
        while True:
            kind, indices = self.tasks.get()
            if not self.is_wanted:
                return
            if kind == "begin":
                fetch = failure or self._attempt(fetcher, *self.recipe)
            else:
                self.answers.put(fetch if isinstance(fetch, _Failure) else self._attempt(fetch, indices))

    def _prepare(self):
        """Seed what draws random numbers, and call worker_init_fn; a _Failure if that fails."""
        random.seed(self.info.seed)
        manual_seed(self.info.seed)
        np.random.seed(np.frombuffer(struct.pack("Q", self.info.seed), np.uint32))  # a dataset may draw from it
        with contextlib.suppress(RuntimeError):  # only threadpoolctl knows how
            set_num_threads(1)
        result = self._attempt(self.worker_init_fn, self.info.id) if self.worker_init_fn else None
        return result if isinstance(result, _Failure) else None

    def _attempt(self, function, *arguments):
        try:
            return function(*arguments)
        except Exhausted:
            return Exhausted
        except Exception as error:
            return _Failure(error, self.info.id)

    def _receive_tasks(self):
        with contextlib.suppress(OSError, EOFError):
            while True:
                self.tasks.put(_unpacked(_receive(self.wire)))
        self.is_wanted = False
        self.tasks.put((None, None))
        time.sleep(GRACE)
        os._exit(1)

    def _send_answers(self):
        with contextlib.suppress(OSError):
            while True:
                _send(self.wire, self._packed(self.answers.get()))

    def _packed(self, answer):
        try:
            return _packed(answer)
        except Exception as error:
            failure = answer if isinstance(answer, _Failure) else _Failure(error, self.info.id)
            failure.kind = RuntimeError  # its own may be what cannot be packed
            return _packed(failure)


def _main(wire, info, worker_init_fn, recipe):
    """What a worker process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; it reaches all processes of a terminal
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _mask("SIG_UNBLOCK")
    for each in list(_ends_in_parent):  # copies that fork made, which would hide the parent's end from this one
        each.close()
    set_worker_info(info)
    _Worker(wire, info, worker_init_fn, recipe).run()


# ---- in the parent ------------------------------------------------------------------------------------

_ends_in_parent = weakref.WeakSet()


class ByWorkers(Batches):
    """The batches of an epoch, made by worker processes; with persistent_workers, `restart` begins another."""

    def __init__(self, loader):
        super().__init__(loader)
        self._workers, self._is_persistent = [], loader.persistent_workers
        self._timeout, self._ahead = loader.timeout, loader.prefetch_factor
        self._end = weakref.finalize(self, _end, self._workers, os.getpid())
        self._end.atexit = False  # multiprocessing ends its daemons then
        with self._ended_by_exceptions():
            for number in range(loader.num_workers):
                _start(self._workers, number, self._seed, loader)
            self._begin_epoch()

    @property
    def is_closed(self):
        """Whether the workers are gone."""
        return not self._end.alive

    def restart(self, loader):
        """Begin another epoch with the same workers."""
        with self._ended_by_exceptions():
            while self._owed:
                self._receive_from(self._owed.popleft())
            self._begin(loader)
            self._begin_epoch()

    def _begin_epoch(self):
        self._turns, self._owed = deque(self._workers), deque()  # whose turn the next task is, and the next batches
        for worker in self._workers:
            _tell(worker, "begin")
        for _ in range(self._ahead * len(self._workers)):
            self._ask()

    def _next_batch(self):
        with self._ended_by_exceptions():
            answer = self._next_answer()
        if isinstance(answer, _Failure):
            raise answer.exception()
        if answer is not Exhausted:
            return answer
        if not self._is_persistent:
            self._end()
        raise StopIteration

    def _next_answer(self):
        """A batch or a _Failure; Exhausted when there are no more."""
        while self._owed:
            worker = self._owed.popleft()
            answer = self._receive_from(worker)
            if answer is Exhausted and worker in self._turns:
                self._turns.remove(worker)
            self._ask()
            if answer is not Exhausted:
                return answer
        return Exhausted

    def _ask(self):
        """Give the next indices to the worker whose turn it is."""
        indices = next(self._indices, Exhausted) if self._turns else Exhausted
        if indices is not Exhausted:
            _tell(self._turns[0], "fetch", indices)
            self._owed.append(self._turns[0])
            self._turns.rotate(-1)

    def _receive_from(self, worker):
        process, wire = worker
        try:
            parts = _receive(wire)
        except TimeoutError:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds") from None
        except (EOFError, OSError):
            process.join(GRACE)
            raise RuntimeError(f"DataLoader worker (pid {process.pid}) {_how_it_ended(process.exitcode)}") from None
        return _unpacked(parts)

    @contextlib.contextmanager
    def _ended_by_exceptions(self):
        """Whatever happens inside, Ctrl-C too, ends the workers: it may have come in the middle of a message."""
        try:
            yield
        except BaseException:
            self._turns = self._owed = ()
            self._end()
            raise


def _start(workers, number, seed, loader):
    """Start a process and add (process, wire) to the workers; Ctrl-C waits until it is there."""
    context = loader.multiprocessing_context or get_context()
    ours, theirs = socket.socketpair()
    _ends_in_parent.add(ours)
    ours.settimeout(loader.timeout or None)
    info = WorkerInfo(number, loader.num_workers, seed + number, loader.dataset)
    recipe = loader.dataset, loader.batch_sampler is not None, loader.collate_fn, loader.drop_last
    process = context.Process(target=_main, args=(theirs, info, loader.worker_init_fn, recipe), daemon=True)
    before = _mask("SIG_BLOCK")
    try:
        process.start()
        workers.append((process, ours))
    finally:
        theirs.close()
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _mask(how):
    """Block or unblock SIGINT in this thread; the mask as it was, or None where the system has no such thing."""
    return signal.pthread_sigmask(getattr(signal, how), {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None


def _tell(worker, kind, indices=None):
    with contextlib.suppress(ConnectionError):  # a worker that died is noticed when its batch is due
        _send(worker[1], _packed((kind, indices)))


def _how_it_ended(exitcode):
    if exitcode is None or exitcode >= 0:
        return f"exited unexpectedly, with exit code {exitcode}"
    hint = " (by the system, if memory ran out)" if -exitcode == getattr(signal, "SIGKILL", None) else ""
    return f"is killed by signal: {signal.strsignal(-exitcode)}{hint}"


def _end(workers, owner):
    """Let the workers go: they finish the batch they are at, if that takes less than GRACE seconds."""
    if os.getpid() != owner:  # a copy that fork made
        return
    for _, wire in workers:
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)
    last_moment = time.monotonic() + GRACE
    try:
        for process, _ in workers:
            process.join(max(0, last_moment - time.monotonic()))
    finally:
        for process, wire in workers:
            process.kill()
            process.join()
            wire.close()
        workers.clear()
