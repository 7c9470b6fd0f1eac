"""Datasets: what is read from files, whole, damaged or hostile; what is drawn; samples and texts."""

import gzip
import hashlib
import io
import os
import pathlib
import struct
import subprocess
import sys
import tarfile

import numpy as np
import pytest

import engine
from engine.vision import datasets, transforms
from engine.vision.idx import read_idx

Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")

ROOT = pathlib.Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "mnist"


# ---- IDX ------------------------------------------------------------------------------------------------


def idx(array, code=8):
    return struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("code, kind", [(8, "u1"), (9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 3)])
def test_idx_files_of_each_type(code, kind, pack, shape, tmp_path):
    """Numbers, shape and type come back, in this machine's byte order."""
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind)
    (tmp_path / "file").write_bytes(pack(idx(array, code)))
    read = read_idx(tmp_path / "file")
    assert read.dtype == np.dtype(kind).newbyteorder("=") and read.shape == shape and (read == array).all()
    read[...] = 0  # it can be written to


GOOD = idx(np.zeros((2, 3), np.uint8))
DAMAGED = {
    "empty": (b"", "begins with nothing"),
    "magic": (b"\x01" + GOOD[1:], "begins with 01 00 08 02"),
    "type": (b"\0\0\x07\x02" + GOOD[4:], "no IDX file"),
    "dimensions": (b"\0\0\x08\0", "no IDX file"),
    "header": (GOOD[:9], "breaks off in its header"),
    "cut": (GOOD[:-1], "fewer than the 6 bytes"),
    "longer": (GOOD + b"x", "more than the 6 bytes"),
    "huge": (b"\0\0\x08\x03" + b"\xff" * 12 + b"x", "more than the 1,073,741,824"),
    "claims": (b"\0\0\x08\x01" + struct.pack(">I", 1 << 29) + b"x", "fewer than the 536,870,912 bytes"),
    "packed cut": (gzip.compress(GOOD)[:-9], "damaged"),
    "packed spoilt": (gzip.compress(GOOD)[:-6] + b"xxxxxx", "damaged"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_idx_files_are_refused(name, tmp_path):
    content, text = DAMAGED[name]
    (tmp_path / "file.idx").write_bytes(content)
    with pytest.raises(ValueError, match=text) as caught:
        read_idx(tmp_path / "file.idx")
    assert "file.idx" in str(caught.value)


def test_other_numbers_than_expected_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(GOOD)
    for arguments in ((3, "uint8"), (2, "float32")):
        with pytest.raises(ValueError, match="holds uint8 of 2 dimensions"):
            read_idx(tmp_path / "file", *arguments)


def test_a_gzip_bomb_is_unpacked_no_further_than_its_header_says(tmp_path):
    """A gigabyte of zeros in a megabyte: refused after two megabytes of memory."""
    header = struct.pack(">BBBBI", 0, 0, 8, 1, 1000)
    with gzip.open(tmp_path / "bomb", "wb", 1) as file:
        file.write(header)
        for _ in range(100):
            file.write(bytes(1 << 20))
    code = ("import resource, sys; from engine.vision.idx import read_idx\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "try: read_idx(sys.argv[1])\nexcept ValueError as error: print(error)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)")  # fmt: skip
    command = [sys.executable, "-c", code, str(tmp_path / "bomb")]
    text, grown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "more than the 1,000 bytes" in text and int(grown) < 20_000  # kilobytes


# ---- MNIST ----------------------------------------------------------------------------------------------


@pytest.fixture
def mnist(tmp_path):
    """A folder with five pictures for testing, and these."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.uint8)
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(pictures)))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array([3, 1, 4, 1, 9], np.uint8)))
    return tmp_path, pictures


def test_mnist_from_files(mnist):
    """Packed or not; pictures are PIL's, labels ints."""
    root, pictures = mnist
    dataset = datasets.MNIST(root, train=False)
    assert len(dataset) == 5 and dataset.data.shape == (5, 28, 28) and dataset.data.dtype is engine.uint8
    assert dataset.targets.tolist() == [3, 1, 4, 1, 9] and dataset.targets.dtype is engine.int64
    picture, label = dataset[2]
    assert picture.mode == "L" and (np.asarray(picture) == pictures[2]).all() and label == 4 and type(label) is int
    assert dataset.classes[4] == "4 - four" and dataset.class_to_idx["4 - four"] == 4
    assert dataset[-1][1] == 9
    with pytest.raises(IndexError):
        dataset[5]


def test_transforms_are_applied(mnist):
    root, pictures = mnist
    dataset = datasets.MNIST(str(root), False, transforms.ToTensor(), lambda label: label + 10)
    image, label = dataset[0]
    assert image.shape == (1, 28, 28) and label == 13
    np.testing.assert_allclose(image.numpy()[0], pictures[0] / 255, rtol=1e-6)


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True") as caught:
        datasets.MNIST(tmp_path)
    assert str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz") in str(caught.value)


def test_files_that_do_not_belong_together_are_refused(mnist):
    for labels in ([1, 2], [1, 2, 3, 4, 10]):
        (mnist[0] / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").write_bytes(idx(np.array(labels, np.uint8)))
        with pytest.raises(ValueError, match="do not belong together"):
            datasets.MNIST(mnist[0], train=False)


def test_offline_the_error_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(RuntimeError, match="could not download train-images-idx3-ubyte.gz") as caught:
        datasets.MNIST(tmp_path, download=True)
    assert str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz") in str(caught.value)


def test_what_is_there_is_not_downloaded(mnist, monkeypatch):
    """Files put there by hand are good enough."""
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    raw = mnist[0] / "MNIST" / "raw"
    for name in ("images-idx3-ubyte.gz", "labels-idx1-ubyte"):
        (raw / f"train-{name}").write_bytes((raw / f"t10k-{name}").read_bytes())
    assert len(datasets.MNIST(mnist[0], download=True)) == 5


def test_texts(mnist):
    """As torchvision prints them."""
    plain = datasets.MNIST(mnist[0], train=False)
    assert repr(plain) == f"Dataset MNIST\n    Number of datapoints: 5\n    Root location: {mnist[0]}\n    Split: Test"
    both = datasets.MNIST(mnist[0], False, transforms.Compose([transforms.ToTensor()]), transforms.Lambda(str))
    assert repr(both) == repr(plain) + (
        "\n    StandardTransform\nTransform: Compose(\n               ToTensor()\n           )\n"
        "Target transform: Lambda()")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not there: ../shared/data/mnist")
def test_the_real_test_pictures_of_mnist(tmp_path):
    """10,000 of them; what their mean, deviation and labels are is well known."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in REAL.glob("t10k-*"):
        os.symlink(path, raw / path.name)
    dataset = datasets.MNIST(tmp_path, train=False, transform=transforms.ToTensor())
    data = dataset.data.numpy() / 255
    assert data.shape == (10_000, 28, 28) and dataset.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert abs(data.mean() - 0.1325) < 1e-4 and abs(data.std() - 0.3105) < 1e-4
    assert np.bincount(dataset.targets.numpy()).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    image, label = dataset[0]
    assert label == 7 and float(image.max()) == 1.0


# ---- CIFAR-10 -------------------------------------------------------------------------------------------

EACH = 3


def records(seed):
    return np.random.default_rng(seed).integers(0, 10, (EACH, 3073)).astype(np.uint8)


def archive(path, contents, extra=()):
    """A tar of {name: bytes} and of further (TarInfo, bytes); returns its md5."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info, content in extra:
            tar.addfile(info, io.BytesIO(content) if content else None)
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """cifar(extra) makes an archive of six files with three pictures each in tmp_path / "root", and expects it."""
    monkeypatch.setattr(datasets.CIFAR10, "pictures_each", EACH)
    (tmp_path / "root").mkdir()
    names = [*datasets.CIFAR10.train_list, *datasets.CIFAR10.test_list]

    def make(extra=(), leave_out=()):
        contents = {f"cifar-10-batches-bin/{name}": records(k).tobytes()
                    for k, name in enumerate(names) if name not in leave_out}  # fmt: skip
        md5 = archive(tmp_path / "root" / "cifar-10-binary.tar.gz", contents, extra)
        monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5)
        return tmp_path / "root"

    return make


def test_cifar10_from_its_archive(cifar):
    """Red, green and blue come last; the second time nothing is unpacked."""
    root = cifar()
    train, test = datasets.CIFAR10(root), datasets.CIFAR10(root, train=False)
    assert train.data.shape == (15, 32, 32, 3) and train.data.dtype == np.uint8 and len(test) == 3
    expected = records(1)[2]
    assert train.targets[5] == expected[0] and type(train.targets[5]) is int
    assert (train.data[5].transpose(2, 0, 1).reshape(-1) == expected[1:]).all()
    picture, label = train[5]
    assert picture.mode == "RGB" and picture.size == (32, 32) and label == expected[0]
    (root / "cifar-10-binary.tar.gz").unlink()
    assert (datasets.CIFAR10(root, download=True).data == train.data).all()
    assert train.class_to_idx["truck"] == 9


def member(name, size=0, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info, bytes(size)


def test_a_hostile_archive_writes_nothing_elsewhere(cifar, tmp_path):
    """Paths upwards, absolute paths, links, devices and unknown names are passed over."""
    wanted = "cifar-10-batches-bin/data_batch_1.bin"
    extra = [*(member(name, EACH * 3073) for name in ("../evil.bin", str(tmp_path / "evil.bin"), "more.bin")),
             member("cifar-10-batches-bin/link", kind=tarfile.SYMTYPE, target="/etc"), member(wanted, 10),
             member("cifar-10-batches-bin/pipe", kind=tarfile.FIFOTYPE)]  # fmt: skip
    root = cifar(extra)
    assert len(datasets.CIFAR10(root)) == 15
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if not path.is_dir()}
    files = {f"root/cifar-10-batches-bin/{name}" for name in datasets.CIFAR10.train_list + datasets.CIFAR10.test_list}
    assert found == files | {"root/cifar-10-binary.tar.gz"}


def test_archives_that_are_not_whole_are_refused(cifar):
    with pytest.raises(RuntimeError, match="lacks cifar-10-batches-bin/data_batch_2.bin"):
        datasets.CIFAR10(cifar(leave_out=["data_batch_2.bin"]))
    link, _ = member("cifar-10-batches-bin/data_batch_2.bin", EACH * 3073, tarfile.SYMTYPE, "data_batch_1.bin")
    with pytest.raises(RuntimeError, match="lacks cifar-10-batches-bin/data_batch_2.bin"):
        datasets.CIFAR10(cifar([(link, b"")], ["data_batch_2.bin"]))
    root = cifar()
    with open(root / "cifar-10-binary.tar.gz", "ab") as file:
        file.write(b"x")
    with pytest.raises(RuntimeError, match="is damaged or incomplete"):
        datasets.CIFAR10(root)


def test_cifar10_missing_or_with_foreign_labels(cifar, tmp_path):
    with pytest.raises(RuntimeError, match="Dataset not found") as caught:
        datasets.CIFAR10(tmp_path / "root")
    assert str(tmp_path / "root" / "cifar-10-binary.tar.gz") in str(caught.value)
    datasets.CIFAR10(cifar())
    (tmp_path / "root" / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(bytes([10]) * (EACH * 3073))
    with pytest.raises(RuntimeError, match="holds a label 10"):
        datasets.CIFAR10(tmp_path / "root", train=False)


# ---- folders --------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for name, color in (("cats/b.png", "red"), ("cats/deep/a.JPG", "blue"), ("ants/z.png", "lime")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), color).save(tmp_path / name)
    (tmp_path / "cats" / "notes.txt").write_text("no picture")
    (tmp_path / "stray.png").write_bytes(b"belongs to no class")
    return tmp_path


def test_an_image_folder(folder):
    """Classes and files in alphabetical order, at any depth, pictures in RGB."""
    Image.new("L", (4, 3), 7).save(folder / "ants" / "grey.png")
    dataset = datasets.ImageFolder(folder, transform=transforms.PILToTensor())
    names = [(pathlib.Path(path).relative_to(folder).as_posix(), label) for path, label in dataset.samples]
    assert names == [("ants/grey.png", 0), ("ants/z.png", 0), ("cats/b.png", 1), ("cats/deep/a.JPG", 1)]
    assert dataset.classes == ["ants", "cats"] and dataset.class_to_idx == {"ants": 0, "cats": 1}
    assert dataset.targets == [0, 0, 1, 1] and dataset.imgs is dataset.samples and len(dataset) == 4
    assert dataset[0][0].shape == (3, 3, 4) and dataset[1][0][:, 0, 0].tolist() == [0, 255, 0] and dataset[2][1] == 1
    assert repr(dataset).startswith(f"Dataset ImageFolder\n    Number of datapoints: 4\n    Root location: {folder}\n")


def test_a_folder_s_own_choice_of_files(folder):
    options = {"is_valid_file": lambda path: "b." in path or "z." in path}
    dataset = datasets.DatasetFolder(folder, lambda path: pathlib.Path(path).name, **options)
    assert [dataset[k] for k in range(2)] == [("z.png", 0), ("b.png", 1)]
    assert [label for _, label in datasets.DatasetFolder(folder, str, ".png")] == [0, 1]
    for both in ({}, {"extensions": (".png",), "is_valid_file": bool}):
        with pytest.raises(ValueError, match="extensions and is_valid_file"):
            datasets.DatasetFolder(folder, str, **both)


def test_folders_without_pictures(folder, tmp_path_factory):
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="Found no valid file for the classes empty. Supported extensions are"):
        datasets.ImageFolder(folder)
    assert datasets.ImageFolder(folder, allow_empty=True).classes == ["ants", "cats", "empty"]
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        datasets.ImageFolder(tmp_path_factory.mktemp("nothing"))


# ---- what needs no files --------------------------------------------------------------------------------


def test_digits():
    """scikit-learn's, in two parts that are its whole."""
    sklearn = pytest.importorskip("sklearn.datasets", reason="Digits come with scikit-learn")
    train, test = datasets.Digits(), datasets.Digits(train=False, transform=transforms.ToTensor())
    digits = sklearn.load_digits()
    data = np.concatenate([train.data.numpy(), test.data.numpy()])
    assert (len(train), len(test)) == (1437, 360)
    np.testing.assert_allclose(data / 255, digits.images / 16, atol=0.002)
    assert (np.concatenate([train.targets.numpy(), test.targets.numpy()]) == digits.target).all()
    assert train[0][0].size == (8, 8) and test[0][0].shape == (1, 8, 8) and train.classes[3] == "3"
    assert repr(train) == "Dataset Digits\n    Number of datapoints: 1437\n    Split: Train"


def test_shapes32_are_the_same_everywhere():
    """The pictures' checksum: they must not change from one machine, or one version of numpy, to another."""
    test = datasets.Shapes32(train=False)
    assert test.data.shape == (1000, 32, 32, 3) and test.data.dtype == np.uint8
    assert np.bincount(test.targets).tolist() == [100] * 10 and len(set(test.targets[:30])) > 5
    assert hashlib.sha256(test.data.tobytes()).hexdigest().startswith("7e17f2f075098ade")
    picture, label = test[0]
    assert picture.mode == "RGB" and picture.size == (32, 32) and label == test.targets[0] and len(test.classes) == 10


@pytest.mark.slow
def test_a_small_network_learns_shapes32():
    """90 % of the test pictures after six passes over the others, which share none with them."""
    train, test = datasets.Shapes32(), datasets.Shapes32(train=False)
    assert hashlib.sha256(train.data.tobytes()).hexdigest().startswith("35c9dc71ace99fa2")
    assert not {each.tobytes() for each in train.data} & {each.tobytes() for each in test.data}
    assert accuracy_after(train, test, epochs=6) > 0.9


def accuracy_after(train, test, epochs):
    """Of a network of three convolutions."""
    from engine import nn

    engine.manual_seed(0)
    network = nn.Sequential(
        *(layer for before, after, window in ((3, 16, 2), (16, 32, 2), (32, 64, 8))
          for layer in (nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(),
                        nn.MaxPool2d(window))),
        nn.Flatten(), nn.Linear(64, 10))
    (x, y), (x_test, y_test) = (
        (engine.tensor(each.data.transpose(0, 3, 1, 2) / 255 - 0.5, dtype=engine.float32), engine.tensor(each.targets))
        for each in (train, test))
    steps = epochs * -(-len(x) // 100)
    optimizer = engine.optim.Adam(network.parameters(), 2e-3)
    scheduler = engine.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=steps)
    for _ in range(epochs):
        for batch in engine.randperm(len(x)).split(100):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
            scheduler.step()
    network.eval()
    with engine.no_grad():
        return float((network(x_test).argmax(1) == y_test).float().mean())
