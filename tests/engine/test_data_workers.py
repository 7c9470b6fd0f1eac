"""DataLoader's worker processes: the same batches in the same order, failures told, no process left behind."""

import itertools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import engine
import engine.utils.data.workers as workers_module
from engine.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info


class Squares(Dataset):
    """i -> (i², a vector of i); `trouble` maps an index to what happens there."""

    def __init__(self, length=12, trouble=None):
        self.length, self.trouble = length, trouble or {}

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if index in self.trouble:
            self.trouble[index]()
        return index * index, engine.full((3,), float(index))


class Stream(IterableDataset):
    """Worker k of n gives k, k + n, ... below 11."""

    def __iter__(self):
        info = get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(start, 11, step))


class TwoReasons(Exception):
    """Cannot be made from a text alone."""

    def __init__(self, first, second):
        super().__init__(first, second)


def raising(error):
    def happen():
        raise error

    return happen


def values(loader):
    return [[squares.tolist(), vectors.tolist()] for squares, vectors in loader]


def went_by_themselves(workers, count):
    """Whether so many workers ended when they were told, and none had to be killed when its time was up."""
    return [worker.exitcode for worker in workers] == [0] * count


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    """A busy machine is slow, and no test waits for this to be over."""
    monkeypatch.setattr(workers_module, "GRACE", 20)


@pytest.fixture(autouse=True)
def no_process_left():
    """After every test, all workers are gone: at once where the loader is done with, as they all are here."""
    yield
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_same_batches_in_the_same_order(method):
    """As without workers, however the processes are started, though some samples take longer."""
    dataset = Squares(trouble={0: slow, 5: slow})
    wanted = values(DataLoader(Squares(), batch_size=5))
    loader = DataLoader(dataset, batch_size=5, num_workers=2, multiprocessing_context=method)
    assert values(loader) == wanted
    assert len(loader) == 3


def slow():
    time.sleep(0.05)


def test_more_batches_than_are_prefetched():
    """Everything comes, once, for any number of workers and any depth of prefetching."""
    for workers, depth in ((1, 1), (3, 1), (2, 5)):
        loader = DataLoader(range(50), batch_size=3, num_workers=workers, prefetch_factor=depth)
        assert [x for batch in loader for x in batch.tolist()] == list(range(50))


def test_large_tasks_and_large_batches_do_not_block_each_other():
    """100,000 indices go out while a batch of 8 MB, more than any pipe holds, waits to come in."""
    loader = DataLoader(Wide(), batch_size=100_000, num_workers=1, prefetch_factor=4, collate_fn=same)
    assert [batch.sum().item() for batch in loader] == [100_000 * 10] * 5


class Wide(Dataset):
    def __len__(self):
        return 500_000

    def __getitems__(self, indices):
        return np.ones((len(indices), 10))


def test_what_comes_back():
    """Nests, large arrays that can be written to, views, leaves that need a gradient, other things."""
    sent = {"a": [engine.arange(5000), "text", None], "view": engine.arange(10)[2:5], "b": (np.arange(3000), 2.5)}
    sent["leaf"] = engine.ones(2, requires_grad=True)
    sent["type"], sent["parameter"] = engine.float32, engine.nn.Parameter(engine.zeros(3))
    (got,) = DataLoader([sent], batch_size=None, num_workers=1, collate_fn=same)
    assert got["a"][0].tolist() == list(range(5000)) and got["a"][1:] == ["text", None]
    got["a"][0].add_(1)
    got["b"][0][:] = 3
    assert got["view"].tolist() == [2, 3, 4] and got["b"][1] == 2.5
    assert got["leaf"].requires_grad and got["leaf"].is_leaf and got["type"] is engine.float32
    assert type(got["parameter"]) is engine.nn.Parameter and got["parameter"].requires_grad


def same(value):
    return value


def test_what_cannot_be_sent_is_said():
    """A batch with history, or with something that belongs to its process, raises in the parent instead of hanging."""
    with pytest.raises(RuntimeError, match="detach"):
        list(DataLoader([engine.ones(2, requires_grad=True)], num_workers=1))
    with pytest.raises(RuntimeError, match="Caught .* in DataLoader worker process 0(.|\n)*lambda"):
        list(DataLoader([lambda: 1], batch_size=None, num_workers=1))


@pytest.mark.parametrize(
    "error", [ValueError("bad sample"), KeyError("bad sample"), OSError(2, "bad sample"), TwoReasons("bad sample", 2)])
def test_an_exception_comes_out_with_its_traceback(error):
    """Of its own kind where a text is enough to make one; the other batches still come."""
    batches = iter(DataLoader(Squares(trouble={3: raising(error)}), batch_size=2, num_workers=2))
    assert next(batches)[0].tolist() == [0, 1]
    kind = RuntimeError if isinstance(error, TwoReasons) else type(error)
    with pytest.raises(kind) as caught:
        next(batches)
    text = str(caught.value)
    assert text.startswith(f"Caught {type(error).__name__} in DataLoader worker process 1.\nOriginal Traceback")
    assert "in happen\n" in text and "bad sample" in text
    assert [squares.tolist() for squares, _ in batches] == [[16, 25], [36, 49], [64, 81], [100, 121]]


def test_an_exception_that_cannot_be_packed():
    """Its class is local: it comes as RuntimeError, with the text of the first one."""

    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0(.|\n)*Local: bad sample"):
        list(DataLoader(Squares(trouble={0: raising(Local("bad sample"))}), num_workers=1))


def test_stop_iteration_of_a_dataset_does_not_end_the_epoch():
    """It would end a for loop without a word, and the rest of the samples would be missing."""
    for workers in (0, 1):
        with pytest.raises(RuntimeError, match="StopIteration"):
            list(DataLoader(Squares(trouble={3: raising(StopIteration())}), num_workers=workers))


def test_exceptions_before_the_first_batch():
    """In worker_init_fn, or in __iter__ of an iterable dataset."""
    with pytest.raises(ZeroDivisionError, match="in DataLoader worker process"):
        list(DataLoader(Squares(), num_workers=2, worker_init_fn=lambda number: 1 / 0))
    with pytest.raises(NotImplementedError, match="not yet"):
        list(DataLoader(Unfinished(), num_workers=1))


class Unfinished(IterableDataset):
    def __iter__(self):
        raise NotImplementedError("not yet")


@pytest.mark.parametrize(
    "trouble, words",
    [(lambda: os.kill(os.getpid(), signal.SIGKILL), "killed by signal: Killed"),
     (lambda: os._exit(3), "exited unexpectedly, with exit code 3"), (lambda: sys.exit(4), "with exit code 4")])
def test_a_worker_that_dies_is_noticed(trouble, words):
    """Its batches, which will not come, raise; the ones of others before it came; and it is over."""
    batches = iter(DataLoader(Squares(trouble={3: trouble}), num_workers=2, prefetch_factor=1))
    workers = multiprocessing.active_children()
    assert [next(batches)[0].item() for _ in range(3)] == [0, 1, 4]
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid \d+\) .*{words}"):
        next(batches)
    assert [worker.exitcode for worker in workers].count(0) == 1  # the other one went by itself
    assert list(batches) == []


def test_a_worker_killed_from_outside_while_waiting():
    """Killed when all its prefetched batches were made, not while it works."""
    batches = iter(DataLoader(Squares(40), num_workers=1, prefetch_factor=2))
    next(batches)
    (child,) = multiprocessing.active_children()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="is killed by signal"):
        list(batches)


def test_persistent_workers_that_died_are_replaced():
    """A new epoch starts new ones."""
    loader = DataLoader(Squares(4), num_workers=1, persistent_workers=True)
    batches = iter(loader)
    os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="is killed"):
        list(batches)
    assert len(list(loader)) == 4


def test_timeout():
    """A batch that does not come in time raises, and the workers end, the sleeping one as well."""
    loader = DataLoader(Squares(trouble={1: lambda: time.sleep(0.4)}), num_workers=2, timeout=0.1)
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.1 seconds"):
        list(loader)


def test_an_iterator_that_is_not_exhausted_leaves_no_process():
    """Neither when it is dropped at once, nor with batches under way that are larger than any pipe."""
    for taken in (0, 1):
        batches = iter(DataLoader(Wide(), batch_size=100_000, num_workers=2, collate_fn=same))
        for _ in range(taken):
            next(batches)
        workers = multiprocessing.active_children()
        del batches
        assert multiprocessing.active_children() == []
        assert went_by_themselves(workers, 2)


def test_ctrl_c_while_the_iterator_is_held():
    """As in a notebook, which keeps the traceback: the workers end all the same, and so does the epoch."""
    batches = iter(DataLoader(Squares(trouble={1: lambda: time.sleep(0.6)}), num_workers=2))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            for _ in batches:
                pass
    finally:
        signal.signal(signal.SIGALRM, before)
    assert multiprocessing.active_children() == []
    assert list(batches) == []


def test_a_sampler_that_fails_ends_the_epoch():
    """Its exception comes as it is, with nothing left behind."""
    batches = iter(DataLoader(Squares(), sampler=(1 // (5 - each) for each in range(9)), num_workers=2))
    with pytest.raises(ZeroDivisionError):
        list(batches)
    assert multiprocessing.active_children() == []


def test_a_worker_does_not_end_the_workers_of_another_loader():
    """An iterator that fork copied goes in a worker; the one in the parent is not touched."""
    held["batches"] = iter(DataLoader(range(20), num_workers=1))
    assert [each for (each,) in DataLoader(Forgetful(), num_workers=1)] == ["forgotten"] * 2
    assert [batch.item() for batch in held.pop("batches")] == list(range(20))


held = {}


class Forgetful(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        held.clear()
        return "forgotten"


def test_a_start_that_fails_leaves_no_process():
    """Under spawn the dataset is sent: what cannot be, says so."""
    loader = DataLoader(Squares(trouble={0: lambda: 1}), num_workers=2, multiprocessing_context="spawn")
    with pytest.raises(Exception, match="lambda"):
        iter(loader)


def test_iterable_datasets():
    """Each worker gives its part; one that ends early is passed over."""
    batches = itertools.islice(DataLoader(Stream(), batch_size=2, num_workers=2), 20)
    assert [b.tolist() for b in batches] == [[0, 2], [1, 3], [4, 6], [5, 7], [8, 10], [9]]
    assert [b.tolist() for b in DataLoader(Stream(), batch_size=2, num_workers=3, drop_last=True)] == [
        [0, 3], [1, 4], [2, 5], [6, 9], [7, 10]]
    assert list(DataLoader(Stream(), batch_size=None, num_workers=4)) == list(range(11))


def test_persistent_workers():
    """The same processes serve every epoch, also when one was broken off; they go with the loader."""
    loader = DataLoader(Pid(), num_workers=2, persistent_workers=True, batch_size=None)
    first = set(loader)
    batches = iter(loader)
    next(batches)
    assert set(loader) == first and len(first) == 2
    assert iter(loader) is batches
    numbers = DataLoader(range(20), num_workers=2, persistent_workers=True)
    for taken in (1, 7, 20):
        assert [batch.item() for batch, _ in zip(numbers, range(taken))] == list(range(taken))
    stream = DataLoader(Stream(), num_workers=2, batch_size=4, persistent_workers=True)
    assert len({tuple(x for batch in stream for x in batch.tolist()) for _ in range(2)}) == 1


class Pid(Dataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return os.getpid()


def test_two_loaders_at_once():
    """One started while the other runs does not keep the first's workers alive, or the other way round."""
    first, second = [iter(DataLoader(range(9), num_workers=2)) for _ in range(2)]
    for number in range(3):
        assert next(first).item() == next(second).item() == number
    workers = {*multiprocessing.active_children()}
    del first
    left = {*multiprocessing.active_children()}
    assert len(left) == 2 and went_by_themselves(workers - left, 2)
    assert [batch.item() for batch in second] == list(range(3, 9))


class Draws(Dataset):
    """What a worker draws, from each source."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        info = get_worker_info()
        assert engine.initial_seed() == info.seed and len(info.dataset) == 4
        return info.id, info.seed, random.random(), np.random.rand(), engine.rand(()).item()


def test_seeds_of_workers():
    """Different in each worker, and from epoch to epoch; the same again after manual_seed."""

    def epochs():
        engine.manual_seed(3)
        loader = DataLoader(Draws(), batch_size=None, num_workers=2)
        return [sample for _ in range(2) for sample in loader]

    first = epochs()
    assert [each[0] for each in first] == [0, 1, 0, 1] * 2
    assert first[1][1] == first[0][1] + 1
    for source in (2, 3, 4):
        assert len({each[source] for each in first}) == 8
    assert epochs() == first
    assert get_worker_info() is None


def test_the_order_does_not_depend_on_workers():
    """A seeded shuffle is the same with and without them."""

    def order(workers):
        engine.manual_seed(5)
        return [x.item() for x in DataLoader(range(30), shuffle=True, num_workers=workers)]

    assert order(0) == order(2) != list(range(30))


# ---- a program that is interrupted ----------------------------------------------------------------------


def program(body, *arguments):
    """A Python process in a group of its own, as a terminal starts one; it has printed its workers' numbers."""
    imports = "import multiprocessing, time, sys\nfrom engine.utils.data import DataLoader, Dataset\n"
    code = imports + textwrap.dedent(body)
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True)
    return process, [int(pid) for pid in process.stdout.readline().split()]


def are_gone(pids, seconds=10):
    """Whether all the processes end within that time."""
    last_moment = time.monotonic() + seconds
    while time.monotonic() < last_moment:
        if not any(map(is_running, pids)):
            return True
        time.sleep(0.05)
    return False


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


SLEEPING = """
    class Sleeping(Dataset):
        def __len__(self): return 1000
        def __getitem__(self, index):
            time.sleep(float(sys.argv[1]))
            return index
    batches = iter(DataLoader(Sleeping(), num_workers=3))
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    for batch in batches:
        time.sleep(float(sys.argv[2]))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
@pytest.mark.parametrize("naps", [("0.1", "0"), ("0", "60")], ids=["waiting for a batch", "in the loop's body"])
@pytest.mark.parametrize("to_all", [True, False], ids=["whole group", "parent alone"])
def test_ctrl_c(naps, to_all):
    """The parent gets one KeyboardInterrupt, workers say nothing, and all processes end."""
    process, workers = program(SLEEPING, *naps)
    assert len(workers) == 3
    time.sleep(0.3)
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt")
    assert are_gone(workers)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_do_not_outlive_their_parent(how):
    """Not even one that had no chance to tell them."""
    process, workers = program(SLEEPING, "0.05", "60")
    os.kill(process.pid, how)
    process.communicate(timeout=20)
    assert len(workers) == 3 and are_gone(workers)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
def test_busy_workers_do_not_wait_for_each_other():
    """A killed parent's workers, asleep for a minute, give up side by side after two seconds each, though fork gave each
    copies of the others' sockets; one after the other it would take them twelve."""
    setup = "    import engine.utils.data.workers\n    engine.utils.data.workers.GRACE = 2\n"
    process, workers = program(setup + SLEEPING.replace("num_workers=3", "num_workers=6"), "60", "0")
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    assert len(workers) == 6 and are_gone(workers, 9)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks for processes in /proc")
def test_a_program_that_ends_with_an_iterator_open():
    """It says nothing, and leaves nobody."""
    process, workers = program(SLEEPING.split("    for batch")[0] + "    next(batches)\n", "0.05")
    assert process.communicate(timeout=20) == ("", "") and process.returncode == 0
    assert len(workers) == 3 and are_gone(workers)
