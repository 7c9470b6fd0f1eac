"""Batches: samples stacked by default_collate or looked up at once, on both backends."""

import collections

import numpy as np
import pytest

import engine
from engine.utils.data import DataLoader, Subset, TensorDataset, default_collate

Point = collections.namedtuple("Point", "x y")


def tensors(device, length=7):
    """A TensorDataset of (a row of three numbers, its number)."""
    rows = engine.arange(3.0 * length, device=device).reshape(length, 3)
    return TensorDataset(rows, engine.arange(length, device=device))


def test_a_tensor_dataset_in_batches(device):
    """Values, types and device; whole rows of tensors looked up at once are what stacking the samples gives."""
    dataset = tensors(device)
    for loader in (DataLoader(dataset, batch_size=3), DataLoader(Plain(dataset), batch_size=3)):
        batches = list(loader)
        assert [type(batch) for batch in batches] == [list] * 3
        assert [labels.tolist() for _, labels in batches] == [[0, 1, 2], [3, 4, 5], [6]]
        assert batches[1][0].tolist() == [[9, 10, 11], [12, 13, 14], [15, 16, 17]]
        assert batches[1][0].dtype is engine.float32 and batches[1][1].dtype is engine.int64
        assert all(each.device.type == device for batch in batches for each in batch)


class Plain(TensorDataset):
    """Whose samples are looked up one by one."""

    def __init__(self, dataset):
        super().__init__(*dataset.tensors)


def test_a_tensor_dataset_that_changes_its_samples(device):
    """A subclass's own `__getitem__` is asked for each of them."""

    class Negated(TensorDataset):
        def __getitem__(self, index):
            return -self.tensors[1][index]

    assert [batch.tolist() for batch in DataLoader(Negated(*tensors(device).tensors), batch_size=4)] == [
        [0, -1, -2, -3], [-4, -5, -6]]


def test_subsets_of_a_tensor_dataset_in_batches(device):
    """Indices through two subsets, the inner one of numpy's integers."""
    inner = Subset(tensors(device), np.array([6, 5, 3, 1]))
    (rows, labels), last = DataLoader(Subset(inner, [3, 0, 2]), batch_size=2)
    assert labels.tolist() == [1, 6] and last[1].tolist() == [3]
    assert rows.tolist() == [[3, 4, 5], [18, 19, 20]]


def test_gradients_pass_through_batches(device):
    """To a tensor of the dataset, whichever way its batch was made."""
    for make in (lambda weights: TensorDataset(weights), lambda weights: list(weights)):
        weights = engine.ones(4, device=device, requires_grad=True)
        for batch in DataLoader(make(weights), batch_size=3):
            batch = batch[0] if isinstance(batch, list) else batch
            (batch * 2).sum().backward(retain_graph=True)
        assert weights.grad.tolist() == [2] * 4


def test_collate_nests(device):
    """Each container as its kind, each leaf as a tensor with a new first dimension."""

    def sample(number):
        return {"image": engine.full((2,), float(number), device=device), "at": Point(number, (number / 2, "text")),
                "flag": number > 0}

    batch = default_collate([sample(0), sample(1), sample(2)])
    assert list(batch) == ["image", "at", "flag"]
    assert batch["image"].tolist() == [[0, 0], [1, 1], [2, 2]] and batch["image"].device.type == device
    assert isinstance(batch["at"], Point) and batch["at"].x.tolist() == [0, 1, 2]
    assert batch["at"].y[0].dtype is engine.float64 and batch["at"].y[1] == ("text", "text", "text")
    assert batch["flag"].dtype is engine.bool


def test_collate_says_which_sample_does_not_fit(device):
    """Both shapes, and the number of the first sample that has another one."""
    samples = [engine.zeros(2, 3, device=device)] * 2 + [engine.zeros(2, 4, device=device)]
    with pytest.raises(RuntimeError, match=r"\[2, 3\] at entry 0 and \[2, 4\] at entry 2"):
        default_collate(samples)
    with pytest.raises(RuntimeError, match="2 at entry 0 and 3 at entry 1"):
        default_collate([(1, 2), (1, 2, 3)])
    with pytest.raises(TypeError, match="found <class 'NoneType'>"):
        default_collate([{"a": (1, None)}])


def test_collate_mixed_types(device):
    """Tensors of several types are brought together; one that needs a gradient keeps it."""
    one, two = engine.ones(2, dtype=engine.int64, device=device), engine.ones(2, device=device, requires_grad=True)
    batch = default_collate([one, two])
    assert batch.dtype is engine.float32 and batch.requires_grad
