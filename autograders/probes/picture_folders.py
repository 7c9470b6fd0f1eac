"""Uses a class `PictureFolders`: asks for its length, and for pictures by number, also by numbers that are none."""

import numpy as np

from . import Unusable


def probe(answer, pictures, sizes, indices, shifts):
    """How long the dataset is, and what it gives for each index.

    pictures: (n, height, width), first those of folder 0, then of folder 1 ...; sizes: (k,), how many are in each;
    indices: (m,); shifts: (m,), what the transform adds, at its first call the first; empty for no transform.
    Returns (length, pictures (m, height, width), labels (m,)). Where an index beyond either end was refused with an
    IndexError, the picture is zeros and the label -1.
    """
    folders = np.split(pictures, np.cumsum(sizes)[:-1])
    dataset = answer(folders, _added_in_turn(shifts) if len(shifts) else None)
    found, labels = np.zeros((len(indices), *pictures.shape[1:]), pictures.dtype), []
    length = len(dataset)
    for place, index in enumerate(indices.tolist()):
        try:
            picture, label = _pair(dataset[index])
        except IndexError:
            if -len(pictures) <= index < len(pictures):
                raise
            labels.append(-1)
            continue
        if np.shape(picture) != found.shape[1:]:
            raise Unusable(f"`dataset[{index}]` gave a picture of shape {np.shape(picture)}, not {found.shape[1:]}.")
        found = found.astype(np.result_type(found, picture))
        found[place] = picture
        labels.append(int(label))
    return np.array(length), found, np.array(labels)


def _added_in_turn(shifts):
    """A transform that is different at each call, as an augmentation is."""
    calls = []

    def transform(picture):
        calls.append(picture)
        return picture + shifts[(len(calls) - 1) % len(shifts)]

    return transform


def _pair(item):
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise Unusable(f"`dataset[index]` should give a pair, (picture, label); yours gave a {type(item).__name__}.")
    return item
