"""An epoch of a `DataLoader`, moment by moment: as it is planned from what things cost, and as it went in a real run.

Costs and times are milliseconds, counted from where the trainer asks for the first batch. Costs are played by sleeping,
as one waits for a disk or for a device: so four workers do not need four processors.
"""

import typing
from time import perf_counter, sleep

import numpy as np

from engine.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler, get_worker_info


class Batch(typing.NamedTuple):
    """What happened to one batch: who made it, when each of its samples was read, when the trainer had it."""

    worker: int  # 0 as well where there is none
    begins: np.ndarray
    ends: np.ndarray
    taken: float
    done: float

    @property
    def ready(self):
        """When its last sample had been read."""
        return float(self.ends[-1])


class Epoch:
    """The batches of an epoch, in order, and what follows from their times."""

    def __init__(self, batches, num_workers):
        self.batches, self.num_workers = batches, num_workers

    @property
    def duration(self):
        """When the last step was done."""
        return self.batches[-1].done

    @property
    def waits(self):
        """When the trainer had nothing to do: a pair (from, to) before each batch."""
        return [(before, batch.taken) for before, batch in zip([0.0, *self.ends], self.batches)]

    @property
    def ends(self):
        """When each step was done."""
        return [batch.done for batch in self.batches]

    @property
    def waiting(self):
        """The share of the time in which the trainer waits, 0 to 1."""
        return sum(until - since for since, until in self.waits) / self.duration

    @property
    def per_second(self):
        """Samples a second."""
        return 1000 * sum(len(batch.begins) for batch in self.batches) / self.duration

    @property
    def stock(self):
        """How many batches lie ready: arrays (times, counts), from each time on so many. Without workers none does."""
        kept = [batch for batch in self.batches if self.num_workers and batch.ready < batch.taken]
        moves = sorted([(0.0, 0), *((batch.ready, 1) for batch in kept), *((batch.taken, -1) for batch in kept)])
        times, changes = np.array(moves).T
        return times, np.cumsum(changes).astype(int)

    @property
    def most_ready(self):
        """How many batches lie ready at most."""
        return int(self.stock[1].max())


def planned(costs, step, batch_size, num_workers=0, prefetch_factor=2):
    """The epoch as it must go if nothing else costs anything.

    costs: array (n,), of each sample. step: the cost of a training step. The rest as in `DataLoader`, whose rule it is
    that the workers take turns, and that one is asked for another batch when a batch of its is taken.
    """
    costs = np.asarray(costs, dtype=float)
    ahead, free, trainer, batches = num_workers * prefetch_factor, [0.0] * max(num_workers, 1), 0.0, []
    for number, indices in enumerate(BatchSampler(SequentialSampler(costs), batch_size, False)):
        worker = number % len(free)
        asked = trainer if not num_workers else batches[number - ahead].taken if number >= ahead else 0.0
        ends = max(asked, free[worker]) + np.cumsum(costs[indices])
        taken = max(trainer, float(ends[-1]))
        free[worker], trainer = float(ends[-1]), taken + step
        batches.append(Batch(worker, ends - costs[indices], ends, taken, trainer))
    return Epoch(batches, num_workers)


class Sleeping(Dataset):
    """Samples that take as long to read as `costs` says; each tells which worker read it, from when to when."""

    def __init__(self, costs):
        self.costs = costs

    def __len__(self):
        return len(self.costs)

    def __getitem__(self, index):
        begin = perf_counter()
        sleep(self.costs[index] / 1000)
        info = get_worker_info()
        return info.id if info else 0, begin, perf_counter()


def measured(costs, step, batch_size, num_workers=0, prefetch_factor=2):
    """(epoch, start): how it went in a `DataLoader`, and the milliseconds that its workers took to start.

    The arguments are those of `planned`. Workers are kept for a second epoch, which is the one that is told; start is
    how long the first one waited for a worker's first sign of life (0.0 without workers).
    """
    options = {"num_workers": num_workers, "prefetch_factor": prefetch_factor, "persistent_workers": True}
    loader = DataLoader(Sleeping(costs), batch_size, **options if num_workers else {})
    start = 0.0
    if num_workers:
        begun = perf_counter()
        first_signs = [begins[0].item() for _, begins, _ in loader]
        start = 1000 * (first_signs[0] - begun)
    batches, begun = [], perf_counter()

    def since(moments):
        return 1000 * (moments - begun)

    for worker, begins, ends in loader:
        taken = since(perf_counter())
        sleep(step / 1000)
        done = since(perf_counter())
        batches.append(Batch(worker[0].item(), since(begins.numpy()), since(ends.numpy()), taken, done))
    return Epoch(batches, num_workers), start
