"""From the indices of a batch to the batch: what the loader does itself, and what its workers do."""

import itertools

import numpy as np

from engine.utils.data.collate import default_collate
from engine.utils.data.dataset import IterableDataset, Subset, TensorDataset, fetch_items


class Exhausted(Exception):
    """An iterable dataset has no more samples."""


def fetcher(dataset, is_batched, collate_fn, drop_last):
    """A function from a list of indices to their batch; unless `is_batched`, from one index to its sample.

    Of an iterable dataset, which has no indices, it gives the next samples, as many as there are places in the list.
    """
    # unlike some iterators, a chain that has ended stays so
    samples = itertools.chain(iter(dataset)) if isinstance(dataset, IterableDataset) else None

    def next_ones(wanted):
        found = list(itertools.islice(samples, wanted))
        if not found or (drop_last and len(found) < wanted):
            raise Exhausted
        return found

    def chosen(indices):
        if samples is None:
            return fetch_items(dataset, indices) if is_batched else dataset[indices]
        return next_ones(len(indices)) if is_batched else next_ones(1)[0]

    def fetch(indices):
        try:
            whole = _looked_up(dataset, indices) if is_batched and collate_fn is default_collate else None
            return collate_fn(chosen(indices)) if whole is None else whole
        except StopIteration as error:  # it would end a for loop without a word
            raise RuntimeError("the dataset, or collate_fn, raised StopIteration") from error

    return fetch


def _looked_up(dataset, indices):
    """The batch that default_collate would make of a TensorDataset's samples, looked up at once; None for others."""
    while type(dataset) is Subset:
        indices, dataset = [dataset.indices[each] for each in indices], dataset.dataset
    are_numbers = indices and {type(each) for each in indices} <= {int, np.int64}
    return list(dataset[indices]) if are_numbers and type(dataset) is TensorDataset else None
