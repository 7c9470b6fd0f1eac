"""DataLoader: batches of a dataset, in an order, made here or by worker processes (workers.py)."""

import itertools
import math
import types
import warnings

from engine.random import randint
from engine.utils.data.collate import default_collate, default_convert
from engine.utils.data.dataset import IterableDataset
from engine.utils.data.fetch import Exhausted, fetcher
from engine.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader"]

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader:
    """Iterating over it gives the dataset's samples in batches; each iteration is an epoch.

    batch_size: None gives single samples. shuffle: in a new random order each epoch, drawn from `generator` (None: the
    default one), so that `manual_seed` repeats it. sampler: what says the order of indices instead. batch_sampler: what
    gives lists of indices; takes the place of batch_size, shuffle, sampler and drop_last. drop_last: leave out a last
    batch that is shorter. collate_fn: makes a batch from a list of samples (`default_collate`; for single samples
    `default_convert`).

    num_workers: processes that make batches ahead of time; 0 makes them here. They work on a copy of the dataset and
    send what they make back: plain data or tensors on the CPU. prefetch_factor (2): batches that each makes in advance.
    timeout: seconds to wait for a batch, 0 for ever. worker_init_fn: called with each worker's number, after seeding.
    multiprocessing_context: "fork", "spawn", "forkserver" or such a context. persistent_workers: keep them between
    epochs.
    in_order=False and pin_memory_device are not supported; pin_memory only warns, as there is no pinned memory here.
    """

    __class_getitem__ = classmethod(types.GenericAlias)
    _is_ready = False

    def __init__(
            self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None,
            pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None,
            generator=None, *, prefetch_factor=None, persistent_workers=False, pin_memory_device="", in_order=True):
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        _check_order(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last)
        _check_callable(collate_fn, "collate_fn")
        _check_callable(worker_init_fn, "worker_init_fn")
        for name, is_given in (("in_order", not in_order), ("pin_memory_device", pin_memory_device)):
            if is_given:
                raise ValueError(f"DataLoader(): the argument '{name}' is not supported")
        self.dataset, self.generator = dataset, generator
        if sampler is None:
            sampler = _sampler_of(dataset, shuffle, generator)
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self.batch_size, self.drop_last = batch_size, drop_last
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if prefetch_factor is None and num_workers else prefetch_factor
        self.persistent_workers, self.multiprocessing_context = persistent_workers, multiprocessing_context
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self._iterator, self._said_length = None, math.inf
        self._is_ready = True

    def __setattr__(self, name, value):
        if self._is_ready and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self):
        """How workers are started; None is Python's own way on this system."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context):
        self._multiprocessing_context = None if context is None else _checked_context(context, self.num_workers)

    @property
    def _indices(self):
        """What gives the indices of each batch or, if there are no batches, of each sample."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __len__(self):
        """The number of batches in an epoch; TypeError where the dataset, or the sampler, has no length."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._indices)
        length = len(self.dataset)
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)
        self._said_length = length
        return length

    def __iter__(self):
        if self.pin_memory:
            warnings.warn("'pin_memory' is set, but there is no pinned memory: it makes no difference.", stacklevel=2)
        if not self.num_workers:
            return _Here(self)
        from engine.utils.data.workers import ByWorkers

        if not self.persistent_workers:
            return ByWorkers(self)
        if self._iterator is None or self._iterator.is_closed:
            self._iterator = ByWorkers(self)
        else:
            self._iterator.restart(self)
        return self._iterator


class Batches:
    """The batches of one epoch: an iterator over them."""

    def __init__(self, loader):
        self._begin(loader)

    def _begin(self, loader):
        self._sampler, self._indices = loader._indices, iter(loader._indices)
        self._dataset, self._said_length, self._count = loader.dataset, loader._said_length, 0
        self._seed = randint(2**63 - 1, (), generator=loader.generator).item()  # of the workers; drawn without them too

    def __iter__(self):
        return self

    def __len__(self):
        return len(self._sampler)

    def __next__(self):
        batch = self._next_batch()
        self._count += 1
        if self._count > self._said_length:
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {self._said_length} (when accessing "
                f"len(dataloader)), but {self._count} samples have been fetched. With several workers, does each of "
                "them take a part of its own (get_worker_info)?", stacklevel=2)
        return batch


class _Here(Batches):
    """Made in this process."""

    def __init__(self, loader):
        super().__init__(loader)
        self._fetch = fetcher(loader.dataset, loader.batch_sampler is not None, loader.collate_fn, loader.drop_last)

    def _next_batch(self):
        indices = next(self._indices)
        try:
            return self._fetch(indices)
        except Exhausted:
            raise StopIteration from None


class _NoIndices(Sampler):
    """In place of an order of samples, for an IterableDataset, which has its own."""

    def __iter__(self):
        return itertools.repeat(None)


def _sampler_of(dataset, shuffle, generator):
    if isinstance(dataset, IterableDataset):
        return _NoIndices()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


# ---- arguments ----------------------------------------------------------------------------------------


def _check_workers(num_workers, timeout, prefetch_factor, persistent_workers):
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing, "
                         f"got {num_workers}")
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, got {timeout}")
    if prefetch_factor is not None and not num_workers:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing: let num_workers > 0 to "
                         "enable multiprocessing, otherwise set prefetch_factor to None")
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(f"prefetch_factor option should be positive, got {prefetch_factor}")
    if persistent_workers and not num_workers:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_order(dataset, batch_size, shuffle, sampler, batch_sampler, drop_last):
    if isinstance(dataset, IterableDataset):
        for name, value in (("shuffle", shuffle or None), ("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
    if batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


def _check_callable(function, name):
    if function is not None and not callable(function):
        raise TypeError(f"DataLoader(): argument '{name}' must be callable, not {type(function).__name__}")


def _checked_context(context, num_workers):
    """`context` as one of multiprocessing's."""
    import multiprocessing.context

    if not num_workers:
        raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > 0), but "
                         f"got num_workers={num_workers}")
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(f"multiprocessing_context option should specify a valid start method in {methods}, but "
                             f"got multiprocessing_context={context!r}")
        return multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError("multiprocessing_context option should be a valid context object or a string specifying the "
                        f"start method, but got multiprocessing_context={context!r}")
    return context
