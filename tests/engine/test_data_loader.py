"""Orders of samples, and the loader without workers, of any dataset. Parity is in test_parity_data.py."""

import collections
import itertools

import numpy as np
import pytest

import engine
from engine.utils.data import (
    BatchSampler, ConcatDataset, DataLoader, IterableDataset, RandomSampler, StackDataset, Subset, SubsetRandomSampler,
    TensorDataset, WeightedRandomSampler, default_convert, random_split)

# ---- orders ---------------------------------------------------------------------------------------------


def epochs(count, seed=None, **how):
    """The orders of ten numbers in several epochs."""
    if seed is not None:
        engine.manual_seed(seed)
    loader = DataLoader(range(10), **how)
    return [[x for batch in loader for x in batch.tolist()] for _ in range(count)]


def test_shuffling_is_seeded():
    """A new order each epoch; all of them again after manual_seed, or from a Generator of the same seed."""
    first, second = epochs(2, seed=1, shuffle=True, batch_size=4)
    assert sorted(first) == sorted(second) == list(range(10)) and first != second
    assert epochs(2, seed=1, shuffle=True, batch_size=4) == [first, second] != epochs(2, seed=2, shuffle=True)
    own = [epochs(2, seed, shuffle=True, generator=engine.Generator().manual_seed(5)) for seed in (1, 2)]
    assert own[0] == own[1]


def test_every_order_is_as_likely():
    """Of 1,200 shuffles of three samples each of the six orders comes about 200 times."""
    engine.manual_seed(0)
    sampler = RandomSampler(range(3))
    counts = collections.Counter(tuple(sampler) for _ in range(1200))
    assert len(counts) == 6 and min(counts.values()) > 140


def test_random_sampler():
    """Fewer, more, and with replacement."""
    assert len(set(RandomSampler(range(10), num_samples=4))) == 4
    drawn = list(RandomSampler(range(10), num_samples=25))
    assert sorted(drawn[:10]) == sorted(drawn[10:20]) == list(range(10)) and len(set(drawn[20:])) == 5
    counts = collections.Counter(RandomSampler(range(4), replacement=True, num_samples=4000))
    assert set(counts) == {0, 1, 2, 3} and min(counts.values()) > 850


def test_subset_random_sampler():
    """Each of the indices once, of any kind; seeded by its generator."""
    orders = [list(SubsetRandomSampler("abcdefgh", engine.Generator().manual_seed(2))) for _ in range(2)]
    assert orders[0] == orders[1] != list("abcdefgh") and sorted(orders[0]) == list("abcdefgh")


def test_weighted_random_sampler():
    """In proportion to the weights; without replacement each once, and a weight of 0 last."""
    counts = collections.Counter(WeightedRandomSampler([1, 0, 3], 4000, generator=engine.Generator().manual_seed(1)))
    assert set(counts) == {0, 2} and 2.6 < counts[2] / counts[0] < 3.4
    order = list(WeightedRandomSampler([1, 0, 3], 3, replacement=False))
    assert sorted(order) == [0, 1, 2] and order[-1] == 1


SAMPLERS = {
    "RandomSampler": lambda generator: RandomSampler(range(50), generator=generator),
    "with replacement": lambda generator: RandomSampler(range(50), True, 70, generator),
    "SubsetRandomSampler": lambda generator: SubsetRandomSampler(range(50), generator),
    "WeightedRandomSampler": lambda generator: WeightedRandomSampler([1.0] * 50, 30, generator=generator),
    "random_split": lambda generator: random_split(range(50), [40, 10], generator)[0],
}


@pytest.mark.parametrize("kind", SAMPLERS)
def test_draws_come_from_the_generator_that_was_given(kind):
    """The same seed gives the same draws, another seed others, and the default generator has no part in it."""
    before = engine.get_rng_state()
    draws = [list(SAMPLERS[kind](engine.Generator().manual_seed(seed))) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert engine.equal(engine.get_rng_state(), before)


def test_batch_sampler_of_anything():
    """Of an iterator that can be read once; the loader takes a list of lists as well."""
    assert list(BatchSampler(iter(range(5)), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert [batch.tolist() for batch in DataLoader(range(9), batch_sampler=[[8, 0], [4]])] == [[8, 0], [4]]


def test_random_split():
    """Parts without a sample in common, by lengths or by fractions, the same for the same generator."""
    parts = random_split(range(10), [0.5, 0.3, 0.2], engine.Generator().manual_seed(4))
    assert [len(part) for part in parts] == [5, 3, 2]
    assert sorted(sample for part in parts for sample in part) == list(range(10))
    again = random_split(range(10), [0.5, 0.3, 0.2], engine.Generator().manual_seed(4))
    assert [list(part) for part in again] == [list(part) for part in parts]
    with pytest.raises(ValueError, match=r"lengths are \[3, 3\], the dataset has 10"):
        random_split(range(10), [3, 3])


# ---- the loader -----------------------------------------------------------------------------------------


class Counting(IterableDataset):
    def __init__(self, stop):
        self.stop = stop

    def __iter__(self):
        yield from range(self.stop)


def test_iterable_datasets():
    """In batches, one by one, and again in the next epoch; no length unless the dataset has one."""
    loader = DataLoader(Counting(5), batch_size=2)
    for _ in range(2):
        assert [batch.tolist() for batch in loader] == [[0, 1], [2, 3], [4]]
    assert list(DataLoader(Counting(3), batch_size=None)) == [0, 1, 2]
    assert [batch.tolist() for batch in DataLoader(Counting(5), batch_size=2, drop_last=True)] == [[0, 1], [2, 3]]
    with pytest.raises(TypeError, match="no len"):
        len(loader)


def test_an_iterator_that_starts_over_ends_the_epoch():
    """What `next` gives after the end does not come into a second epoch of its own."""

    class Restarting(IterableDataset):
        def __iter__(self):
            self.numbers = iter(range(3))
            return self

        def __next__(self):
            try:
                return next(self.numbers)
            except StopIteration:
                self.numbers = iter(range(3))
                raise

    batches = itertools.islice(DataLoader(Restarting(), batch_size=2), 5)
    assert [batch.tolist() for batch in batches] == [[0, 1], [2]]


def test_a_wrong_length_is_noticed():
    """After len(loader) was asked, more batches than that come with a warning."""

    class Boasting(Counting):
        def __len__(self):
            return 2

    loader = DataLoader(Boasting(3), batch_size=None)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match=r"reported to be 2 .* but 3 samples"):
        assert list(loader) == [0, 1, 2]


def test_batches_after_an_exception():
    """A sample that fails costs its batch alone."""

    class Failing(list):
        def __getitem__(self, index):
            if index == 2:
                raise ValueError("bad sample")
            return index

    batches = iter(DataLoader(Failing(range(6)), batch_size=2))
    assert next(batches).tolist() == [0, 1]
    with pytest.raises(ValueError, match="bad sample"):
        next(batches)
    assert [batch.tolist() for batch in batches] == [[4, 5]]


def test_samples_asked_for_at_once():
    """`__getitems__` is preferred, through a Subset too."""

    class AtOnce:
        def __len__(self):
            return 6

        def __getitems__(self, indices):
            return [index * 10 for index in indices]

    assert [batch.tolist() for batch in DataLoader(AtOnce(), batch_size=4)] == [[0, 10, 20, 30], [40, 50]]
    assert next(iter(DataLoader(Subset(AtOnce(), [5, 1]), batch_size=2))).tolist() == [50, 10]


def test_joined_datasets():
    """One after the other, or side by side; indices from the end."""
    both = ConcatDataset([range(3), [], "ab"])
    assert list(both) == [0, 1, 2, "a", "b"] and both[-1] == "b" and both[-5] == 0
    assert (TensorDataset(engine.arange(2)) + "ab")[3] == "b"
    assert list(Counting(2) + Counting(3)) == [0, 1, 0, 1, 2]
    assert StackDataset(range(3), "abc")[1] == (1, "b") and StackDataset(a=range(3), b="abc")[1] == {"a": 1, "b": "b"}


@pytest.mark.parametrize("name", ["in_order", "pin_memory_device"])
def test_what_is_not_supported_raises(name):
    """Nothing is ignored."""
    with pytest.raises(ValueError, match=f"'{name}' is not supported"):
        DataLoader(range(3), **{name: False if name == "in_order" else "cuda"})


def test_pin_memory_warns():
    """Programs for the GPU ask for it as a matter of course; it changes no result."""
    with pytest.warns(UserWarning, match="pin_memory"):
        assert len(list(DataLoader(range(3), pin_memory=True))) == 3


def test_default_convert_shares_memory():
    """Arrays become tensors in the same memory; the rest stays."""
    array = np.arange(3)
    converted = default_convert({"a": [array, "text", 3]})
    array[0] = 7
    assert converted["a"][0].tolist() == [7, 1, 2] and converted["a"][1:] == ["text", 3]
