"""Datasets: samples by number (`Dataset`) or one after the other (`IterableDataset`); what combines and splits them."""

import bisect
import collections.abc
import itertools
import math
import types
import warnings

from engine.random import default_generator, randperm
from engine.tensor import Tensor

__all__ = [
    "ChainDataset", "ConcatDataset", "Dataset", "IterableDataset", "StackDataset", "Subset", "TensorDataset",
    "random_split"]


class Dataset:
    """Samples by number: a subclass says `__getitem__(index)` and, as a rule, `__len__()`.

    `__getitems__(indices)`, where it is defined, gives a batch's samples at once, as a list. Two are joined by `+`.
    """

    __class_getitem__ = classmethod(types.GenericAlias)

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset, collections.abc.Iterable):
    """Samples one after the other: a subclass says `__iter__()`; `__len__()` is optional.

    With several workers each has a copy of the dataset: `get_worker_info()` tells which part is its own.
    """

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Sample i is (tensors[0][i], tensors[1][i], ...).

    TypeError for anything but tensors, AssertionError unless all have the same size in their first dimension.
    """

    def __init__(self, *tensors):
        for position, each in enumerate(tensors):
            if not isinstance(each, Tensor):
                raise TypeError(f"TensorDataset(): argument {position} must be Tensor, not {type(each).__name__}")
            if not each.ndim:
                raise IndexError(f"TensorDataset(): argument {position} is 0-d: it has no dimension of samples")
        sizes = [len(each) for each in tensors]
        if any(size != sizes[0] for size in sizes):
            raise AssertionError(f"Size mismatch between tensors: their first dimensions are {sizes}")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(each[index] for each in self.tensors)

    def __len__(self):
        return len(self.tensors[0])


class StackDataset(Dataset):
    """Sample i is the tuple of each dataset's sample i, or, for datasets given by keyword, the dict of them."""

    def __init__(self, *args, **kwargs):
        if args and kwargs:
            raise ValueError("StackDataset takes datasets by position, for tuples, or by keyword, for dicts, not both")
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        sizes = [len(each) for each in args or kwargs.values()]
        if any(size != sizes[0] for size in sizes):
            raise ValueError(f"Size mismatch between datasets: their lengths are {sizes}")

    def __getitem__(self, index):
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple(each[index] for each in self.datasets)

    def __len__(self):
        return len(self.datasets[0] if isinstance(self.datasets, tuple) else next(iter(self.datasets.values())))


class ConcatDataset(Dataset):
    """The samples of one dataset after those of another; AssertionError for none at all or for an IterableDataset."""

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(each, IterableDataset) for each in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(each) for each in self.datasets))

    def __getitem__(self, index):
        if index < 0:
            if -index > len(self):
                raise ValueError(f"index {index} is out of range: the datasets together have {len(self)} samples")
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        if which == len(self.datasets):
            raise IndexError(f"index {index} is out of range: the datasets together have {len(self)} samples")
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self):
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset):
    """The samples of one IterableDataset after those of another."""

    def __init__(self, datasets):
        self.datasets = datasets

    def __iter__(self):
        for each in self._checked():
            yield from each

    def __len__(self):
        return sum(len(each) for each in self._checked())

    def _checked(self):
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset, got {type(each).__name__}")
            yield each


class Subset(Dataset):
    """The samples dataset[indices[0]], dataset[indices[1]], ..."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index):
        if isinstance(index, list):
            return self.dataset[[self.indices[each] for each in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices):
        chosen = [self.indices[each] for each in indices]
        return fetch_items(self.dataset, chosen)

    def __len__(self):
        return len(self.indices)


def fetch_items(dataset, indices):
    """The list of these samples: asked for at once where the dataset has `__getitems__`."""
    if getattr(dataset, "__getitems__", None):
        return dataset.__getitems__(indices)
    return [dataset[index] for index in indices]


def random_split(dataset, lengths, generator=default_generator):
    """Subsets without a sample in common, of the lengths given or, where these sum to 1, of these fractions.

    What remains after rounding the fractions' lengths down goes one by one to the first subsets. ValueError unless the
    lengths add up to the dataset's, or if one is negative.
    """
    lengths = list(lengths)
    if all(0 <= each <= 1 for each in lengths) and math.isclose(sum(lengths), 1):
        lengths = _lengths_of(lengths, len(dataset))
    if sum(lengths) != len(dataset) or min(lengths) < 0:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset! "
                         f"The lengths are {lengths}, the dataset has {len(dataset)} samples")
    for each in lengths:
        if not isinstance(each, int):
            raise TypeError(f"lengths must be integers, or fractions that sum to 1, got {lengths}")
    order = iter(randperm(sum(lengths), generator=generator).tolist())
    return [Subset(dataset, list(itertools.islice(order, length))) for length in lengths]


def _lengths_of(fractions, total):
    lengths = [math.floor(total * each) for each in fractions]
    for position in range(total - sum(lengths)):
        lengths[position % len(lengths)] += 1
    for position, length in enumerate(lengths):
        if not length:
            warnings.warn(f"Length of split at index {position} is 0. This might result in an empty dataset.",
                          stacklevel=3)
    return lengths
