"""PictureFolders(folders, transform): a dataset over several folders of pictures, whose numbers are their labels."""

import bisect
import sys

import numpy as np

from autograders.spec import EDGE, Case, Misconception, Spec, Use
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal
from engine.utils.data import Dataset


def picture_folders_cases(rng):
    """Two to five folders, some pictures of which are asked for."""
    plain, changed = "as the pictures are", "with a transform that is random"
    for sizes, indices, dtype in [
        ((2, 1), [0, 1, 2], SINGLE),
        ((3, 2, 4), [8, 0, 3, 5, 2], DOUBLE),
        ((1, 4, 2, 3, 1), [10, 0, 1, 4, 5, 9, 6], SINGLE),
    ]:
        yield _case(rng, sizes, indices, dtype, False, plain)
        yield _case(rng, sizes, indices, dtype, True, changed)
    yield _case(rng, (2, 3), [-1, -3, -4, -5], SINGLE, False, "negative indices count from the end", EDGE)
    yield _case(rng, (2, 3), [4, 5, 6, 10], SINGLE, False, "past the end there is an IndexError", EDGE)
    yield _case(rng, (2, 3), [-5, -6, -7, -11], SINGLE, False, "before the beginning there is an IndexError", EDGE)
    yield _case(rng, (2, 0, 3, 0), [1, 2, 4], SINGLE, True, "empty folders", EDGE)
    yield _case(rng, (2, 2), [3, 3, 1], SINGLE, True, "the same index twice", EDGE)


def _case(rng, sizes, indices, dtype, changes, *where):
    pictures = normal(rng, (sum(sizes), 2, 2), dtype)
    shifts = normal(rng, len(indices) if changes else 0, dtype)
    return Case((pictures, np.array(sizes), np.array(indices), shifts), *where)


def picture_folders_rounding(pictures, sizes, indices, shifts):
    """Numbers are right or wrong; a picture shows the rounding of the one sum in its transform, or of a cast."""
    shape = (len(indices), *pictures.shape[1:])
    largest = np.abs(pictures).max() + np.abs(shifts).max(initial=0.0)
    return np.zeros(()), np.full(shape, largest), np.zeros(len(indices))


class _Folders(Dataset):
    """What most answers keep, and how many pictures there are."""

    def __init__(self, folders, transform=None):
        self.folders, self.transform = folders, transform

    def __len__(self):
        return sum(len(folder) for folder in self.folders)

    def changed(self, picture):
        """The picture, or what the transform makes of it."""
        return picture if self.transform is None else self.transform(picture)


class FoldersByWalking(_Folders):
    """Walks through the folders until the index falls into one. Some answers below are this one, changed."""

    def __getitem__(self, index):
        if index < 0:
            index += len(self)
        if index < 0:
            raise IndexError("before the first picture")
        for label, folder in enumerate(self.folders):
            if index < len(folder):
                return self.changed(folder[index]), label
            index -= len(folder)
        raise IndexError("past the last picture")


class _WithoutNegative(_Folders):
    def __getitem__(self, index):
        for label, folder in enumerate(self.folders):
            if index < len(folder):
                return self.changed(folder[index]), label
            index -= len(folder)
        raise IndexError(index)


class _BeginsAnew(_Folders):
    def __getitem__(self, index):
        index %= len(self)
        for label, folder in enumerate(self.folders):
            if index < len(folder):
                return self.changed(folder[index]), label
            index -= len(folder)


class _WrapsBelow(_Folders):
    def __getitem__(self, index):
        if index < 0:
            index += len(self)
        for label, folder in enumerate(self.folders):
            if index < len(folder):
                return self.changed(folder[index]), label
            index -= len(folder)
        raise IndexError(index)


class _NoEnd(_Folders):
    def __getitem__(self, index):
        index = index + len(self) if index < 0 else index
        label = 0
        while label < len(self.folders) - 1 and index >= len(self.folders[label]):
            index -= len(self.folders[label])
            label += 1
        folder = self.folders[label]
        return self.changed(folder[min(max(index, 0), len(folder) - 1)] if len(folder) else folder), label


class _NotTransformed(FoldersByWalking):
    def changed(self, picture):
        return picture


class _TransformedOnce(FoldersByWalking):
    def __init__(self, folders, transform=None):
        super().__init__(folders)
        if transform is not None:
            self.folders = [np.array([transform(each) for each in folder]) for folder in folders]


class _NumberOfFolders(FoldersByWalking):
    def __len__(self):
        return len(self.folders)

    def __getitem__(self, index):
        if index < 0:
            index += sum(map(len, self.folders))
        return super().__getitem__(index) if index >= 0 else super().__getitem__(-(10**9))


class _OneTooFar(_Folders):
    def __getitem__(self, index):
        index = index + len(self) if index < 0 else index
        if index < 0:
            raise IndexError(index)
        for label, folder in enumerate(self.folders):
            if index <= len(folder):
                return self.changed(folder[index]), label
            index -= len(folder)
        raise IndexError(index)


class _PictureAlone(FoldersByWalking):
    def __getitem__(self, index):
        return super().__getitem__(index)[0]


class _FirstLabelAndNoTransform(_NotTransformed):
    def __getitem__(self, index):
        return super().__getitem__(index)[0], 0


class _ForgetsToRaise(_Folders):
    def __getitem__(self, index):
        if index < 0:
            index += len(self)
        for label, folder in enumerate(self.folders):
            if index < len(folder):
                return self.changed(folder[index]), label
            index -= len(folder)


class _CallsNone(FoldersByWalking):
    def changed(self, picture):
        return self.transform(picture)


class _LabelFirst(FoldersByWalking):
    def __getitem__(self, index):
        return super().__getitem__(index)[::-1]


class _WholeFolders(_Folders):
    def __len__(self):
        return len(self.folders)

    def __getitem__(self, index):
        return self.changed(self.folders[index]), index


class FoldersWithBounds(_Folders):
    """Adds up the sizes once, and finds the folder by bisection."""

    def __init__(self, folders, transform=None):
        super().__init__(folders, transform)
        self.ends = np.cumsum([len(folder) for folder in folders])

    def __getitem__(self, index):
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"index {index} is out of range for {count} pictures")
        label = int(np.searchsorted(self.ends, index % count, side="right"))
        return self.changed(self.folders[label][index % count - self.ends[label]]), label


class FoldersInAList(_Folders):
    """A list of all (picture, label): a list knows of negative indices, and of its end."""

    def __init__(self, folders, transform=None):
        self.items = [(picture, label) for label, folder in enumerate(folders) for picture in folder]
        self.transform = transform

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        picture, label = self.items[index]
        if self.transform:
            picture = self.transform(picture)
        return picture, label


class FoldersJoined:
    """One array of pictures and one of labels; derives from nothing, and says what it does on stderr."""

    def __init__(self, folders, transform=None):
        print("joining", len(folders), "folders", file=sys.stderr)
        self.pictures = np.concatenate(folders)
        self.labels = np.repeat(np.arange(len(folders)), [len(folder) for folder in folders])
        self.transform = transform or (lambda picture: picture)

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.transform(self.pictures[index]), self.labels[index]


class FoldersByPlaces(_Folders):
    """A list of places, (label, position), as one has them of files: nothing is read before it is asked for."""

    def __init__(self, folders, transform=None):
        super().__init__(folders, transform)
        self.places = [(label, place) for label, folder in enumerate(folders) for place in range(len(folder))]

    def __len__(self):
        return len(self.places)

    def __getitem__(self, index):
        label, place = self.places[index]
        return [self.changed(self.folders[label][place]), label]


class FoldersWithBisect(_Folders):
    """Python's own bisect, on where each folder begins."""

    def __init__(self, folders, transform=None):
        super().__init__(folders, transform)
        self.begins = [sum(len(each) for each in folders[:label]) for label in range(len(folders))]

    def __getitem__(self, index):
        index = range(len(self))[index]
        label = bisect.bisect_right(self.begins, index) - 1
        return self.changed(self.folders[label][index - self.begins[label]]), label


class FoldersInADict:
    """A dict from numbers to pictures and labels; what is not in it is turned into an IndexError."""

    def __init__(self, folders, transform=None):
        pairs = ((picture, label) for label, folder in enumerate(folders) for picture in folder)
        self.at, self.transform = dict(enumerate(pairs)), transform

    def __len__(self):
        return len(self.at)

    def __getitem__(self, index):
        try:
            picture, label = self.at[index + len(self.at) if index < 0 else index]
        except KeyError:
            raise IndexError(f"there is no picture {index}") from None
        return (picture if self.transform is None else self.transform(picture), label)


class FoldersFromTheEnd(_Folders):
    """Walks backwards from the last folder, with negative indices throughout."""

    def __getitem__(self, index):
        index = index if index < 0 else index - len(self)
        for label in reversed(range(len(self.folders))):
            folder = self.folders[label]
            if -len(folder) <= index < 0:
                return self.changed(folder[index].copy()), np.int64(label)
            index += len(folder)
        raise IndexError("there is no such picture")


EXERCISE = Spec(
    name="data/picture_folders",
    function="PictureFolders",
    use=Use("class", probe="picture_folders"),
    parameters=("folders", "transform"),
    inputs=("pictures", "sizes", "indices", "shifts"),
    returns=("length", "pictures", "labels"),
    title="A dataset of your own",
    why="A DataLoader reads whatever has a length and gives items by number: with two methods, any data of yours.",
    minutes=15,
    difficulty=2,
    weights=WEIGHTS,
    ours=FoldersByWalking,
    rounding=picture_folders_rounding,
    cases=picture_folders_cases,
    packages=("numpy", "engine"),
    withheld=(
        "engine.utils.data.dataset.ConcatDataset",
        "engine.utils.data.dataset.TensorDataset",
        "engine.utils.data.dataset.StackDataset",
        "engine.vision.datasets.folder",
    ),
    shortcuts=(
        "from engine.vision.datasets import ImageFolder as PictureFolders",
        "from engine.utils.data import ConcatDataset, Dataset\nclass PictureFolders(Dataset):\n"
        "    def __init__(self, folders, transform=None):\n"
        "        self.all = ConcatDataset([[(p, c) for p in f] for c, f in enumerate(folders)])\n"
        "        self.transform = transform or (lambda picture: picture)\n"
        "    def __len__(self):\n        return len(self.all)\n"
        "    def __getitem__(self, index):\n        picture, label = self.all[index]\n"
        "        return self.transform(picture), label\n",
        "import torchvision\nPictureFolders = torchvision.datasets.ImageFolder",
    ),
    misconceptions=(
        Misconception(
            "transform forgotten",
            "The transform is never called. Where one was given, `__getitem__` should return what it makes of the "
            "picture.",
            _NotTransformed,
        ),
        Misconception(
            "transformed once",
            "You call the transform in `__init__`, once for each picture. A random transform then gives the same "
            "picture in every epoch: call it in `__getitem__`, each time that a picture is asked for.",
            _TransformedOnce,
        ),
        Misconception(
            "number of folders",
            "`len` should say how many pictures there are in all; yours counts the folders.",
            _NumberOfFolders,
        ),
        Misconception(
            "one too far",
            "A folder of n pictures has the indices 0 to n - 1: index n is the first of the next folder. Ask for "
            "`index < len(folder)`.",
            _OneTooFar,
        ),
        Misconception(
            "picture alone",
            "An item is a pair, the picture and its label; the label is missing.",
            _PictureAlone,
        ),
        Misconception(
            "negative indices",
            "A negative index counts from the end of the whole dataset, not of a folder: add `len(self)` to it first.",
            _WithoutNegative,
        ),
        Misconception(
            "begins anew",
            "Past the end, yours begins anew. Raise an IndexError there: that is how a `for` loop over the dataset "
            "notices that it is done.",
            _BeginsAnew,
        ),
        Misconception(
            "no end",
            "Past the end, yours gives the last picture for ever. Raise an IndexError there: that is how a `for` loop "
            "over the dataset notices that it is done.",
            _NoEnd,
        ),
        Misconception(
            "wraps below",
            "Past the end there is an IndexError, before the beginning there is none: an index that is still negative "
            "after you have added the length is none of yours.",
            _WrapsBelow,
        ),
        Misconception(
            "forgets to raise",
            "Past the end your method comes to its own end, and so returns None. Raise an IndexError there: that is "
            "how a `for` loop over the dataset notices that it is done.",
            _ForgetsToRaise,
        ),
        Misconception(
            "calls None",
            "Without a transform, `self.transform` is None, which nobody can call: ask first, `if self.transform is "
            "not None`.",
            _CallsNone,
        ),
        Misconception(
            "label first",
            "An item is (picture, label), in this order; yours begins with the label.",
            _LabelFirst,
        ),
        Misconception(
            "whole folders",
            "`dataset[i]` is one picture, not a folder of them: go through the folders, and count down how many "
            "pictures lie before the one that is asked for.",
            _WholeFolders,
        ),
    ),
    half_right=(_FirstLabelAndNoTransform,),
    honest=(
        FoldersByWalking,
        FoldersWithBounds,
        FoldersInAList,
        FoldersJoined,
        FoldersByPlaces,
        FoldersWithBisect,
        FoldersInADict,
        FoldersFromTheEnd,
    ),
    hints=(
        "Folder 0 has the first indices, folder 1 the next ones. Could you prepare a list in `__init__` that says for "
        "each index where its picture lies? Lists know negative indices and raise IndexErrors.",
        "In `__init__`: `self.places = [(label, place) for label, folder in enumerate(folders) for place in "
        "range(len(folder))]`. Its length is the dataset's.",
        "In `__getitem__`: `label, place = self.places[index]`, then `picture = self.folders[label][place]`, then the "
        "transform unless it is None; return `picture, label`.",
    ),
)
