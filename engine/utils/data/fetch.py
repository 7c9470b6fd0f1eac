"""From the indices of a batch to the batch: what the loader does itself, and what its workers do."""

import itertools

from engine.utils.data.dataset import IterableDataset, fetch_items


class Exhausted(Exception):
    """An iterable dataset has no more samples."""


def fetcher(dataset, is_batched, collate_fn, drop_last):
    """A function from a list of indices to their batch; unless `is_batched`, from one index to its sample.

    Of an iterable dataset, which has no indices, it gives the next samples, as many as there are places in the list.
    """
    if isinstance(dataset, IterableDataset):
        return _of_iterable(iter(dataset), is_batched, collate_fn, drop_last)

    def fetch(indices):
        try:
            return collate_fn(fetch_items(dataset, indices) if is_batched else dataset[indices])
        except StopIteration as error:  # which would end a for loop without a word
            raise RuntimeError("the dataset, or collate_fn, raised StopIteration") from error

    return fetch


def _of_iterable(samples, is_batched, collate_fn, drop_last):
    def fetch(places):
        wanted = len(places) if is_batched else 1
        found = list(itertools.islice(samples, wanted))
        if not found or (drop_last and len(found) < wanted):
            raise Exhausted
        return collate_fn(found if is_batched else found[0])

    return fetch
