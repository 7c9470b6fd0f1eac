"""ImageFolder: pictures of one's own, a folder for each class."""

import os
import pathlib

from engine.vision.datasets.vision import VisionDataset
from engine.vision.pillow import pillow

__all__ = ["DatasetFolder", "IMG_EXTENSIONS", "ImageFolder", "default_loader"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def default_loader(path):
    """The picture in the file, in colours (RGB)."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


class DatasetFolder(VisionDataset):
    """Files in `root/<class>/...`, at any depth; classes and files in alphabetical order.

    loader: reads a file, given its path. extensions: of the files that belong to it; or is_valid_file: says that of a
    path (exactly one of these two; ValueError otherwise). allow_empty: whether a class may be without files. `samples`:
    a list of (path, label), `targets`: the labels, `classes`, `class_to_idx`. FileNotFoundError if there are no
    classes, or one is empty.
    """

    def __init__(self, root, loader, extensions=None, transform=None, target_transform=None, is_valid_file=None,
                 allow_empty=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [label for _, label in self.samples]

    def find_classes(self, directory):
        """(the names of the folders in it, {name: label})."""
        classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: label for label, name in enumerate(classes)}

    @staticmethod
    def make_dataset(directory, class_to_idx, extensions=None, is_valid_file=None, allow_empty=False):
        """The list of (path, label)."""
        if (extensions is None) == (is_valid_file is None):
            raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
        if is_valid_file is None:
            ends = (extensions,) if isinstance(extensions, str) else tuple(extensions)

            def is_valid_file(path):
                return path.lower().endswith(ends)

        samples, empty = [], []
        for name, label in sorted(class_to_idx.items()):
            paths = sorted(str(path) for path in pathlib.Path(directory, name).rglob("*") if path.is_file())
            paths = [path for path in paths if is_valid_file(path)]
            samples += [(path, label) for path in paths]
            empty += [] if paths else [name]
        if empty and not allow_empty:
            supported = f" Supported extensions are: {', '.join(ends)}" if extensions is not None else ""
            raise FileNotFoundError(f"Found no valid file for the classes {', '.join(empty)}.{supported}")
        return samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        """(what the loader reads, or what `transform` makes of it; its label, an int)."""
        path, target = self.samples[index]
        return self._transformed(self.loader(path), target)


class ImageFolder(DatasetFolder):
    """Pictures in `root/<class>/...`, at any depth, as PIL's in RGB; needs Pillow. Arguments as DatasetFolder's."""

    def __init__(self, root, transform=None, target_transform=None, loader=default_loader, is_valid_file=None,
                 allow_empty=False):
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
