"""Samples into a batch: `default_collate` stacks what it finds in nested samples, `default_convert` only makes it tensors."""

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
    return _rebuilt(data, lambda key: default_convert(data[key]))


def default_collate(batch):
    """A list of samples as one batch, in which everything has a new first dimension, of the size of the batch.

    Tensors, numpy arrays and numbers are stacked to tensors (floats to float64); strings and bytes stay a list; a dict
    of samples' values gives a dict of batches, a named tuple the same named tuple, other sequences a list. RuntimeError for
    tensors of different shapes or sequences of different lengths, TypeError for anything else.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray):
        return stack([_tensor_of(each) for each in batch])
    if isinstance(first, (bool, int, float, np.number, np.bool_)):
        return tensor(batch, dtype=dtypes.float64 if isinstance(first, float) else None)
    if isinstance(first, collections.abc.Sequence) and not isinstance(first, (str, bytes)):
        _check_lengths(batch)
    elif not isinstance(first, (str, bytes, collections.abc.Mapping)):
        raise _unknown(type(first))
    return batch if isinstance(first, (str, bytes)) else _rebuilt(first, lambda key: default_collate([each[key] for each in batch]))
