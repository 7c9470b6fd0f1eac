"""Samples into a batch: `default_collate` stacks what nested samples hold, `default_convert` only makes it tensors."""

import collections.abc
import copy

import numpy as np

from engine import dtypes
from engine.creation import as_tensor, tensor
from engine.functions import stack
from engine.tensor import Tensor

__all__ = ["default_collate", "default_convert"]


def default_convert(data):
    """`data` with every numpy array and number in it, however deeply nested, as a tensor; what is no array stays."""
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind in "biufc":
        return as_tensor(data)
    if isinstance(data, (collections.abc.Mapping, collections.abc.Sequence)) and not isinstance(data, (str, bytes)):
        return _like(data, lambda key: default_convert(data[key]))
    return data


def default_collate(batch):
    """A list of samples as one batch, in which everything has a new first dimension, of the size of the batch.

    Tensors, numpy arrays and numbers are stacked to tensors (floats to float64); strings and bytes stay a list; a dict
    of samples' values gives a dict of batches, a named tuple the same named tuple, other sequences a list. RuntimeError
    for tensors of different shapes or sequences of different lengths, TypeError for anything else.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, np.ndarray):
        return _stacked([_tensor_of(each) for each in batch])
    if isinstance(first, (bool, int, float, np.number, np.bool_)):
        return tensor(batch, dtype=dtypes.float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, collections.abc.Mapping):
        return _like(first, lambda key: default_collate([each[key] for each in batch]))
    if isinstance(first, collections.abc.Sequence):
        _check_lengths(batch)
        return _like(first, lambda position: default_collate(tuple(each[position] for each in batch)))
    raise _unknown(type(first))


def _stacked(tensors):
    """stack(tensors), by numpy at once where they are plain arrays of one kind, as they nearly always are."""
    if all(isinstance(each, Tensor) and not each.is_cuda and not each.requires_grad for each in tensors):
        if len({(each.array.shape, each.array.dtype) for each in tensors}) == 1:
            return Tensor(np.stack([each.array for each in tensors]))
    return stack(tensors)


def _tensor_of(array):
    if array.dtype.kind not in "biufc":
        raise _unknown(array.dtype)
    return as_tensor(array)


def _check_lengths(batch):
    for position, each in enumerate(batch):
        if len(each) != len(batch[0]):
            sizes = f"{len(batch[0])} at entry 0 and {len(each)} at entry {position}"
            raise RuntimeError(f"samples in a batch should be of equal size, but have {sizes}")


def _unknown(kind):
    return TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}")


def _like(container, value_at):
    """A container of the same kind with value_at(key) in each place; a dict or list where that kind cannot be made."""
    is_mapping = isinstance(container, collections.abc.Mapping)
    keys = container if is_mapping else range(len(container))
    values = {key: value_at(key) for key in keys}
    plain = values if is_mapping else list(values.values())
    if type(container) is tuple:
        return plain
    if hasattr(container, "_fields"):
        return type(container)(*plain)
    try:
        if not hasattr(container, "__setitem__"):
            return type(container)(plain)
        made = copy.copy(container)
        for key, value in values.items():
            made[key] = value
        return made
    except TypeError:
        return plain
