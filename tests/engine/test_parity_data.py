"""torch.utils.data: the same line gives the same under PyTorch: batches, lengths, kinds of error, with workers too."""

import collections
import collections.abc
import importlib
import inspect
import types
import warnings

import numpy as np
import pytest

import engine

pytestmark = pytest.mark.slow

torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")

Point = collections.namedtuple("Point", "x y")


def names_for(library):
    """What a line may name: the library's utils.data, datasets made from it, some samples."""
    data = importlib.import_module(f"{library.__name__}.utils.data")

    class Stream(data.IterableDataset):
        """Worker k gives 10 k, 10 k + 1, ..., and two more than the one before."""

        def __iter__(self):
            info = data.get_worker_info()
            number = 0 if info is None else info.id
            return iter([number * 10 + each for each in range(5 + 2 * number)])

    class Sized(Stream):
        def __len__(self):
            return 3

    class Failing(data.Dataset):
        """Index 3 raises `error`."""

        def __init__(self, error):
            self.error = error

        def __getitem__(self, index):
            if index == 3:
                raise self.error
            return index

        def __len__(self):
            return 8

    class Endless(data.Dataset):
        def __getitem__(self, index):
            return index

    T = library.tensor
    numbers = list(range(10))
    pairs = data.TensorDataset(library.arange(10.0).reshape(5, 2), library.arange(5))
    return {**vars(data), "T": T, "torch": library, "np": np, "collections": collections, "Point": Point, "ds": numbers,
            "in_order": data.SequentialSampler(numbers), "pairs": pairs, "Stream": Stream, "Sized": Sized,
            "Failing": Failing, "Endless": Endless}


def outcome(line, library):
    """What the line gives, or the kind of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return described(eval(line, names_for(library)))
        except Exception as error:
            return type(error).__name__


def described(value):
    """The value with each tensor as its type and numbers, each container with its kind."""
    if isinstance(value, (torch.Tensor, engine.Tensor)):
        return str(value.dtype), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value).__name__, {key: described(each) for key, each in value.items()}
    if isinstance(value, collections.abc.Sequence) and not isinstance(value, (str, bytes)):
        return type(value).__name__, [described(each) for each in value]
    is_plain = isinstance(value, (str, bytes, int, float, np.ndarray, type(None)))
    return repr(value) if is_plain else type(value).__name__


LINES = """
    list(DataLoader(ds, batch_size=3))
    list(DataLoader(ds, batch_size=3, drop_last=True))
    list(DataLoader(ds, batch_size=None))
    list(DataLoader(ds, batch_size=4, sampler=[4, 3, 1, 7, 9]))
    list(DataLoader(ds, batch_sampler=[[0, 1], [4], [9, 9, 9]]))
    list(DataLoader(ds, batch_sampler=[[0], []]))
    list(DataLoader(ds, batch_sampler=[[0, 1], [11]]))
    list(DataLoader([], batch_size=2))
    list(DataLoader({0: 1, 1: 2}, batch_size=2))
    list(DataLoader(pairs, batch_size=2))
    list(DataLoader(pairs, batch_size=None))
    list(DataLoader(Subset(pairs, [4, 0, 2]), batch_size=2))
    list(DataLoader(Subset(Subset(pairs, [4, 0, 2]), [2, 1]), batch_size=2))
    list(DataLoader(pairs, batch_size=2, sampler=[-1, T(2), np.int64(1)]))
    list(DataLoader(pairs, batch_size=2, sampler=[5]))
    list(DataLoader(pairs, batch_size=2, collate_fn=len))
    list(DataLoader(np.arange(6).reshape(3, 2), batch_size=2))
    list(DataLoader(T([[1.0], [2.0]]), batch_size=2))
    list(DataLoader(ds, batch_size=None, collate_fn=str))
    list(DataLoader([np.ones(2), np.zeros(2)], batch_size=None))
    list(DataLoader(Stream(), batch_size=2))
    list(DataLoader(Stream(), batch_size=2, drop_last=True))
    list(DataLoader(Stream(), batch_size=None))
    list(DataLoader(Stream(), batch_size=2, num_workers=2))
    list(DataLoader(Stream(), batch_size=2, num_workers=2, drop_last=True))
    list(DataLoader(Stream(), batch_size=None, num_workers=3))
    list(DataLoader(Stream(), batch_size=3, num_workers=2, prefetch_factor=1, persistent_workers=True))
    list(DataLoader(Stream(), num_workers=2, worker_init_fn=lambda number: number / number))
    list(DataLoader(pairs, batch_size=2, num_workers=2))
    list(DataLoader(ds, batch_size=3, num_workers=3, drop_last=True))
    list(DataLoader(Failing(IndexError("no"))))
    list(DataLoader(Failing(IndexError("no")), num_workers=1))
    list(DataLoader(Failing(KeyError("no")), num_workers=2))
    list(DataLoader(Failing(UnicodeDecodeError("utf8", b"a", 0, 1, "no")), num_workers=1))
    list(DataLoader(Endless(), batch_size=2, sampler=[1, 2, 3]))
    next(iter(DataLoader(Endless())))
    DataLoader(Endless())
    DataLoader(Endless(), shuffle=True)
    DataLoader([], shuffle=True)
    [len(DataLoader(ds, batch_size=n, drop_last=drop)) for n in (1, 3, 10, 11) for drop in (True, False)]
    [len(DataLoader(Sized(), batch_size=n, drop_last=drop)) for n in (1, 2, 3, 4) for drop in (True, False)]
    len(DataLoader(ds, batch_size=None))
    len(DataLoader(ds, batch_sampler=[[0, 1], [4]]))
    len(DataLoader(Stream()))
    len(DataLoader(Endless()))
    len(iter(DataLoader(ds, batch_size=3)))
    DataLoader(ds, batch_sampler=[[0, 1], [4]]).batch_size
    DataLoader(ds, num_workers=1).prefetch_factor
    DataLoader(ds).prefetch_factor
    [getattr(DataLoader(ds), name) for name in "batch_size num_workers drop_last pin_memory timeout in_order".split()]
    [type(getattr(DataLoader(ds, shuffle=True), name)).__name__ for name in ("sampler", "batch_sampler")]
    DataLoader(ds, num_workers=-1)
    DataLoader(ds, num_workers="a")
    DataLoader(ds, timeout=-1)
    DataLoader(ds, prefetch_factor=2)
    DataLoader(ds, num_workers=1, prefetch_factor=-1)
    DataLoader(ds, persistent_workers=True)
    DataLoader(Stream(), shuffle=True)
    DataLoader(Stream(), shuffle=False)
    DataLoader(Stream(), sampler=in_order)
    DataLoader(Stream(), batch_sampler=in_order)
    DataLoader(ds, sampler=in_order, shuffle=True)
    DataLoader(ds, batch_sampler=[[0]], batch_size=3)
    DataLoader(ds, batch_sampler=[[0]], shuffle=True)
    DataLoader(ds, batch_sampler=[[0]], sampler=in_order)
    DataLoader(ds, batch_sampler=[[0]], drop_last=True)
    DataLoader(ds, batch_size=None, drop_last=True)
    DataLoader(ds, batch_size=None, shuffle=True)
    DataLoader(ds, batch_size=0)
    DataLoader(ds, batch_size=2.0)
    DataLoader(ds, batch_size=True)
    DataLoader(ds, drop_last=1)
    DataLoader(ds, multiprocessing_context="fork")
    DataLoader(ds, num_workers=1, multiprocessing_context="bogus")
    DataLoader(ds, num_workers=1, multiprocessing_context=3)
    next(iter(DataLoader(ds, generator=3, shuffle=True)))
    setattr(DataLoader(ds), "batch_size", 3)
    setattr(DataLoader(ds), "sampler", 3)
    setattr(DataLoader(ds), "dataset", 3)
    setattr(DataLoader(ds), "num_workers", 3)
    get_worker_info()
    len(SequentialSampler(5))
    list(SequentialSampler("abc"))
    RandomSampler(ds, replacement=1)
    RandomSampler(ds, num_samples=0)
    RandomSampler(ds, num_samples=2.5)
    RandomSampler([])
    RandomSampler(5)
    list(RandomSampler(ds, generator=3))
    len(RandomSampler(ds, num_samples=25))
    sorted(RandomSampler(ds, num_samples=20))
    len(list(RandomSampler(ds, replacement=True, num_samples=35)))
    sorted(SubsetRandomSampler([4, 2, 9]))
    list(SubsetRandomSampler([]))
    WeightedRandomSampler([1, 2], 0)
    WeightedRandomSampler([1, 2], 2.0)
    WeightedRandomSampler([1, 2], True)
    WeightedRandomSampler([1, 2], 2, replacement=1)
    WeightedRandomSampler([[1, 2]], 2)
    WeightedRandomSampler(3, 2)
    list(WeightedRandomSampler([1, -2], 2))
    list(WeightedRandomSampler([0, 0], 2))
    list(WeightedRandomSampler([1, 2], 3, replacement=False))
    list(WeightedRandomSampler([0, 1, 0], 3))
    sorted(WeightedRandomSampler([1, 1, 1], 3, replacement=False))
    WeightedRandomSampler([0, 1, 0], 3).weights
    BatchSampler(in_order, 0, False)
    BatchSampler(in_order, True, False)
    BatchSampler(in_order, 2, 1)
    [list(BatchSampler(in_order, n, drop)) for n in (3, 5, 20) for drop in (True, False)]
    [len(BatchSampler(in_order, n, drop)) for n in (3, 5, 20) for drop in (True, False)]
    list(BatchSampler(iter(range(5)), 3, True))
    list(BatchSampler("abcde", 2, False))
    Sampler(ds)
    list(Sampler())
    len(Sampler())
    Dataset()[0]
    len(Dataset())
    IterableDataset()
    TensorDataset(T([1, 2]), T([1]))
    TensorDataset(T(3))
    [pairs[0], pairs[-1], pairs[1:3], pairs[[0, 2]], len(pairs)]
    pairs[5]
    ConcatDataset([])
    ConcatDataset([Stream()])
    ConcatDataset(5)
    list(ConcatDataset([ds, [], [7, 8]]))
    [ConcatDataset([ds, [7, 8]])[index] for index in (-1, -12, 9, 10)]
    ConcatDataset([ds, [7, 8]])[12]
    ConcatDataset([ds, [7, 8]])[-13]
    ConcatDataset([[], ds, [7, 8]]).cumulative_sizes
    list(Failing(0) + Failing(0))
    len(pairs + ds)
    list(Stream() + Sized())
    len(Sized() + Sized())
    len(Stream() + Sized())
    list(Stream() + ds)
    [Subset(ds, [3, 4])[1], Subset(ds, [3, 4])[-1], len(Subset(ds, [3, 4]))]
    Subset(ds, [3, 4])[2]
    Subset(pairs, [3, 4])[[0, 1]]
    Subset(ds, [3, 4])[[0, 1]]
    Subset(ds, [3, 4]).__getitems__([0, 1])
    StackDataset()
    StackDataset(ds, a=ds)
    StackDataset(ds, [1])
    StackDataset(a=ds, b=[1])
    [StackDataset(ds, pairs.tensors[1][[0] * 10])[1], len(StackDataset(ds, ds))]
    [StackDataset(a=ds, b=ds)[1], len(StackDataset(a=ds, b=ds))]
    [[len(part) for part in random_split(range(n), [0.33, 0.33, 0.34])] for n in range(3, 30)]
    [len(part) for part in random_split(range(7), [1 / 3, 1 / 3, 1 / 3])]
    [len(part) for part in random_split(ds, [3, 7, 0])]
    [len(part) for part in random_split(ds, [0.0, 1.0])]
    [len(part) for part in random_split(ds, [1])]
    random_split(ds, [0.3, 0.3])
    random_split(ds, [3, 3])
    random_split(ds, [0.5, 1.5])
    random_split(ds, [0.5, -0.5])
    random_split(ds, [5.0, 5.0])
    random_split(Stream(), [5, 5])
    random_split(ds, [5, 5], generator=3)
    random_split(ds, 5)
    sorted(sample for part in random_split(ds, [5, 5]) for sample in part)
    default_collate([1, 2])
    default_collate([1.5, 2])
    default_collate([1, 2.5])
    default_collate([True, False])
    default_collate([1j])
    default_collate(["a", "b"])
    default_collate([b"a", b"b"])
    default_collate([np.float32(1), np.float32(2)])
    default_collate([np.float64(1), np.float64(2)])
    default_collate([np.int16(1), np.int16(3)])
    default_collate([np.bool_(True)])
    default_collate([np.array(1.0), np.array(2.0)])
    default_collate([np.arange(3), np.arange(3)])
    default_collate([np.arange(4)[::2], np.arange(4)[1::2]])
    default_collate([np.arange(3), np.arange(4)])
    default_collate([np.array(["a"])])
    default_collate([np.array([None])])
    default_collate([np.str_("a"), np.str_("b")])
    default_collate([None, None])
    default_collate([])
    default_collate([{"a": 1, "b": T([1, 2])}, {"a": 2, "b": T([3, 4])}])
    default_collate([{"a": 1}, {"b": 2}])
    default_collate([{"a": 1}, {"a": 2, "b": 2}])
    default_collate([collections.OrderedDict(a=1)])
    default_collate([collections.defaultdict(int, a=1)])
    default_collate([collections.UserDict(a=1)])
    default_collate([Point(1, 2), Point(3, 4)])
    default_collate([(1, 2), (3, 4)])
    default_collate([[1, "a"], [3, "b"]])
    default_collate([(1, 2), (3, 4, 5)])
    default_collate([((1, "a"), 2), ((3, "b"), 4)])
    default_collate([(), ()])
    default_collate([{}, {}])
    default_collate([{1}])
    default_collate([object()])
    default_collate([range(2), range(2)])
    default_collate([collections.deque([1, 2]), collections.deque([3, 4])])
    default_collate([T([1]), T([2])])
    default_collate([T(1), T(2)])
    default_collate([T([]), T([])])
    default_collate([T([1]), T([2.0])])
    default_collate([T([1.0]), T([2.0, 3])])
    default_collate([T([1.0]), 3])
    default_collate([3, T([1.0])])
    default_collate("ab")
    default_collate(3)
    default_collate([10**30])
    default_convert(np.arange(3))
    default_convert(np.float32(1))
    default_convert({"a": np.arange(2), "b": "text"})
    default_convert((np.arange(2), 1))
    default_convert([np.arange(2), 1])
    default_convert(Point(np.arange(2), 1))
    default_convert(np.array("a"))
    default_convert([3, "a", b"a", None])
""".strip().splitlines()


@pytest.mark.parametrize("line", [line.strip() for line in LINES])
def test_lines(line):
    """The same value, types included, or the same kind of error."""
    assert outcome(line, engine) == outcome(line, torch)


# Where ours refuses, or says in another way, what PyTorch lets pass: (line, PyTorch's outcome, ours, reason).
DIFFERENT = [
    ("default_collate([np.arange(2)[::-1]])", "ValueError", "torch.int64", "PyTorch has no negative strides"),
    ("random_split(ds, [11, -1])", "list", "ValueError", "PyTorch makes a part of negative length empty"),
    ("RandomSampler(ds, num_samples=True)", "RandomSampler", "ValueError", "as WeightedRandomSampler does, there too"),
    ("TensorDataset([1, 2])", "AttributeError", "TypeError", "says what was given"),
    ("DataLoader(ds, collate_fn=3)", "DataLoader", "TypeError", "PyTorch notices at the first batch"),
    ("DataLoader(ds, num_workers=1, prefetch_factor=0)", "DataLoader", "ValueError", "no batch would ever come"),
    ("DataLoader(ds, in_order=False)", "DataLoader", "ValueError", "not supported"),
    ("len(list(DataLoader(Failing(StopIteration()))))", "3", "RuntimeError", "samples would be missing without a word"),
    ("len(list(DataLoader(Failing(StopIteration()), num_workers=1)))", "3", "RuntimeError", "the same"),
]


@pytest.mark.parametrize("line, theirs, ours, reason", DIFFERENT)
def test_what_differs_with_a_reason(line, theirs, ours, reason):
    """Both sides are held, so that a change of either is seen."""
    found = outcome(line, torch), outcome(line, engine)
    assert tuple(each[0] if isinstance(each, tuple) else each for each in found) == (theirs, ours), reason


@pytest.mark.parametrize("name", sorted(
    name for name, value in vars(engine.utils.data).items()
    if not name.startswith("_") and not isinstance(value, types.ModuleType)))
def test_names_and_parameters(name):
    """Each public name is PyTorch's, with its parameters in its order, their kinds and defaults."""
    from torch.utils import data

    ours, theirs = [inspect.signature(getattr(each, name)).parameters.values() for each in (engine.utils.data, data)]
    assert [shape_of(each) for each in ours] == [shape_of(each) for each in theirs]


def shape_of(parameter):
    is_plain = isinstance(parameter.default, (str, int, float, type(None), type))
    return parameter.name, parameter.kind, parameter.default if is_plain else "an object"


def test_failures_read_as_torch_s():
    """The first lines of a worker's exception and the last one; only the places in the files differ."""
    texts = []
    for library in (engine, torch):
        names = names_for(library)
        with pytest.raises(KeyError) as caught:
            list(names["DataLoader"](names["Failing"](KeyError("bad sample")), num_workers=1))
        lines = str(caught.value).splitlines()
        texts.append((lines[:2], [line for line in lines if line.strip()][-1]))
    assert texts[0] == texts[1]
