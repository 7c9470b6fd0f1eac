"""MNIST and FashionMNIST: 70,000 grey pictures of 28 x 28, from IDX files."""

from engine.tensor import Tensor
from engine.vision.datasets.vision import LabelledPictures
from engine.vision.download import fetch
from engine.vision.idx import read_idx

__all__ = ["FashionMNIST", "MNIST"]


class MNIST(LabelledPictures):
    """Handwritten digits: 60,000 for training, 10,000 for testing (LeCun, Cortes & Burges).

    root: the folder that has (or with download=True is to have) `MNIST/raw/train-images-idx3-ubyte.gz` and so on,
    compressed or not. `data`: a uint8 tensor (N, 28, 28), `targets`: an int64 tensor (N,). `dataset[i]` is (a PIL
    picture, or what `transform` makes of it; an int). RuntimeError if files are missing, ValueError if one is damaged.
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"]
    resources = {  # md5 and bytes
        "train-images-idx3-ubyte.gz": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
        "train-labels-idx1-ubyte.gz": ("d53e105ee54ea40749a09fcbcd1e9432", 28_881),
        "t10k-images-idx3-ubyte.gz": ("9fb629c4189551a2d022fa330f9573f3", 1_648_877),
        "t10k-labels-idx1-ubyte.gz": ("ec29112dd5afa0611ce80d1b7f02629c", 4_542)}
    classes = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven",
               "8 - eight", "9 - nine"]

    def __init__(self, root, train=True, transform=None, target_transform=None, download=False):
        super().__init__(root, train, transform, target_transform, download)

    @property
    def raw_folder(self):
        """Where the files lie."""
        return self.root / type(self).__name__ / "raw"

    def _place(self, name):
        """The file `name` as it is there, unpacked or packed; None if it is not."""
        places = self.raw_folder / name.removesuffix(".gz"), self.raw_folder / name
        return next((place for place in places if place.is_file()), None)

    def download(self):
        """Bring the files that are not there."""
        for name, (md5, size) in self.resources.items():
            if self._place(name) is None:
                fetch(name, self.raw_folder, self.mirrors, md5, size)

    def _load(self):
        kind = "train" if self.train else "t10k"
        images, labels = self._read(f"{kind}-images-idx3-ubyte.gz", 3), self._read(f"{kind}-labels-idx1-ubyte.gz", 1)
        if len(images) != len(labels) or (labels.size and labels.max() >= len(self.classes)):
            raise ValueError(f"{len(images)} pictures and {len(labels)} labels up to {labels.max(initial=0)}: these "
                             f"files in {self.raw_folder} do not belong together")
        return Tensor(images), Tensor(labels.astype("int64"))

    def _read(self, name, ndim):
        place = self._place(name)
        if place is None:
            raise RuntimeError("Dataset not found. You can use download=True to download it, or put this file there by "
                               f"hand: {(self.raw_folder / name).absolute()}")
        return read_idx(place, ndim, "uint8")

    def _pixels(self, index):
        return self.data[index].numpy()


class FashionMNIST(MNIST):
    """Pictures of clothes in MNIST's format and number (Xiao, Rasul & Vollgraf 2017). Arguments as MNIST's."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
               "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"]
    resources = {
        "train-images-idx3-ubyte.gz": ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        "train-labels-idx1-ubyte.gz": ("25c81989df183df01b3e8a0aad5dffbe", 29_515),
        "t10k-images-idx3-ubyte.gz": ("bef4ecab320f06d8554ea6380940ec79", 4_422_102),
        "t10k-labels-idx1-ubyte.gz": ("bb300cfdad3c16e7a12a480ee83cd310", 5_148)}
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
