"""CIFAR-10: 60,000 colour pictures of 32 x 32, from its binary archive: nothing is unpickled."""

import tarfile

import numpy as np

from engine.files import write_atomically
from engine.vision.datasets.vision import LabelledPictures
from engine.vision.download import fetch, has_checksum

__all__ = ["CIFAR10"]

RECORD = 1 + 3 * 32 * 32  # a label, then red, green and blue


class CIFAR10(LabelledPictures):
    """Ten kinds of things and animals: 50,000 pictures for training, 10,000 for testing (Krizhevsky 2009).

    root: the folder that has (or with download=True is to have) `cifar-10-binary.tar.gz` or its
    `cifar-10-batches-bin/`. `data`: a uint8 array (N, 32, 32, 3), `targets`: a list of ints. `dataset[i]` is (a PIL
    picture, or what `transform` makes of it; an int). RuntimeError if files are missing or have the wrong checksum or
    size.
    """

    mirrors = ["https://www.cs.toronto.edu/~kriz/",
               "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
               "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/"]
    filename, tgz_md5, tgz_size = "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171
    base_folder = "cifar-10-batches-bin"
    train_list = [f"data_batch_{number}.bin" for number in range(1, 6)]
    test_list = ["test_batch.bin"]
    pictures_each = 10_000  # in each of these files
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, train, transform, target_transform, download)

    def download(self):
        """Bring the archive unless it, or what it holds, is there."""
        if not self._is_unpacked():
            fetch(self.filename, self.root, self.mirrors, self.tgz_md5, self.tgz_size)

    def _is_unpacked(self):
        places = [self.root / self.base_folder / name for name in self.train_list + self.test_list]
        return all(place.is_file() and place.stat().st_size == self.pictures_each * RECORD for place in places)

    def _load(self):
        if not self._is_unpacked():
            self._unpack()
        names = self.train_list if self.train else self.test_list
        files = [np.fromfile(self.root / self.base_folder / name, np.uint8) for name in names]
        records = np.concatenate(files).reshape(-1, RECORD)
        targets = records[:, 0]
        if targets.max(initial=0) >= len(self.classes):
            raise RuntimeError(f"{self.root / self.base_folder} holds a label {targets.max()}: "
                               "it is not CIFAR-10's; delete it")
        pictures = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(pictures), targets.tolist()

    def _unpack(self):
        """Write the wanted files, and no others, each as a whole; names and sizes in the archive are not trusted."""
        archive = self.root / self.filename
        if not archive.is_file():
            raise RuntimeError("Dataset not found. You can use download=True to download it, or put this file there by "
                               f"hand: {archive.absolute()}")
        if not has_checksum(archive, self.tgz_md5):
            raise RuntimeError(f"{archive.absolute()} is damaged or incomplete: its md5 is not {self.tgz_md5}. "
                               "Delete it")
        folder = self.root / self.base_folder
        folder.mkdir(exist_ok=True)
        missing = {f"{self.base_folder}/{name}": folder / name for name in self.train_list + self.test_list}
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                if member.isreg() and member.size == self.pictures_each * RECORD and member.name in missing:
                    write_atomically(missing.pop(member.name), members.extractfile(member).read())
        if missing:
            raise RuntimeError(f"{archive.absolute()} lacks {', '.join(missing)}")
