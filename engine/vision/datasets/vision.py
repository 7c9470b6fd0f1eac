"""What all datasets of images share: a folder, what is done to each sample, and how they print."""

import pathlib

from engine.utils.data import Dataset

__all__ = ["VisionDataset"]


class VisionDataset(Dataset):
    """Pictures with labels, by number. A subclass says `__getitem__(index)` and `__len__()`.

    root: the folder with the files. transform, target_transform: functions of the picture and of the label; transforms:
    one function of both in their place (ValueError if both are given).
    """

    def __init__(self, root=None, transforms=None, transform=None, target_transform=None):
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root = pathlib.Path(root).expanduser() if isinstance(root, str) else root
        self.transform, self.target_transform = transform, target_transform
        if transforms is None and (transform is not None or target_transform is not None):
            transforms = StandardTransform(transform, target_transform)
        self.transforms = transforms

    def __getitem__(self, index):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError

    def _transformed(self, image, target):
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def extra_repr(self):
        """More lines for the text of a dataset; a subclass says them."""
        return ""

    def __repr__(self):
        lines = [f"Number of datapoints: {len(self)}"]
        lines += [] if self.root is None else [f"Root location: {self.root}"]
        lines += self.extra_repr().splitlines()
        lines += [] if self.transforms is None else [repr(self.transforms)]
        return "\n    ".join([f"Dataset {type(self).__name__}", *lines])


class StandardTransform:
    """One function of the picture, one of the label."""

    def __init__(self, transform=None, target_transform=None):
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, input, target):
        input = input if self.transform is None else self.transform(input)
        return input, target if self.target_transform is None else self.target_transform(target)

    def __repr__(self):
        parts = {"Transform: ": self.transform, "Target transform: ": self.target_transform}
        lines = [head + repr(part).replace("\n", "\n" + " " * len(head))
                 for head, part in parts.items() if part is not None]
        return "\n".join(["StandardTransform", *lines])


class LabelledPictures(VisionDataset):
    """Pictures in memory: `data`, `targets`, `classes`; a subclass says `_load()`, which returns (data, targets).

    train: the training part, or that for testing.
    """

    classes = []

    def __init__(self, root=None, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        self.data, self.targets = self._load()

    @property
    def class_to_idx(self):
        """{name of a class: its label}."""
        return {name: label for label, name in enumerate(self.classes)}

    def download(self):
        """Bring the files unless they are there. Datasets without files have nothing to do."""

    def _load(self):
        raise NotImplementedError

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        """(the picture as PIL's, or what `transform` makes of it; its label, an int)."""
        from engine.vision.pillow import as_picture

        return self._transformed(as_picture(self._pixels(index)), int(self.targets[index]))

    def _pixels(self, index):
        """The numbers of one picture, a uint8 array (H, W) or (H, W, 3)."""
        return self.data[index]

    def extra_repr(self):
        return f"Split: {'Train' if self.train else 'Test'}"
