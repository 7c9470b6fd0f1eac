"""vision.models and vision.utils: shapes, parameters by torchvision's names, learning; grids and files of pictures."""

import subprocess
import sys

import numpy as np
import pytest

import engine
from engine.vision import models, utils

# ---- networks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make, shape, classes", [
    (models.lenet, (2, 1, 28, 28), 10), (models.resnet20, (2, 3, 32, 32), 10),
    (models.resnet18, (2, 3, 40, 48), 1000)])  # fmt: skip
def test_networks_run_forward_and_backward(make, shape, classes, device):
    """Every parameter gets a gradient; in eval mode a sample does not depend on the others."""
    engine.manual_seed(0)
    network = make().to(device)
    x = engine.randn(*shape).to(device)
    out = network(x)
    assert out.shape == (2, classes)
    out.sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in network.parameters())
    network.eval()
    with engine.no_grad():
        assert (network(x)[:1] - network(x[:1])).abs().max().item() < 1e-4


@pytest.mark.parametrize(
    "make, count", [(models.lenet, 61_706), (models.resnet18, 11_689_512), (models.resnet20, 272_474)])
def test_networks_have_as_many_parameters_as_they_should(make, count, device):
    assert sum(each.numel() for each in make().to(device).parameters()) == count


def test_resnet18_has_torchvision_s_names_and_shapes(device):
    """A state dict from there fits: 122 entries."""
    state = models.resnet18().to(device).state_dict()
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    expected = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}
    expected |= {f"bn1.{name}": () if name.startswith("num") else (64,) for name in norm}
    for stage, planes in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            before = planes if block or stage == 1 else planes // 2
            parts = {"conv1": (planes, before, 3, 3), "conv2": (planes, planes, 3, 3)}
            if before != planes:
                parts["downsample.0"] = (planes, before, 1, 1)
            expected |= {f"layer{stage}.{block}.{part}.weight": shape for part, shape in parts.items()}
            norms = ["bn1", "bn2", "downsample.1"][: len(parts)]
            expected |= {f"layer{stage}.{block}.{part}.{name}": () if name.startswith("num") else (planes,)
                         for part in norms for name in norm}  # fmt: skip
    assert {name: tuple(value.shape) for name, value in state.items()} == expected and len(expected) == 122


def test_first_values_are_torchvision_s():
    """Convolutions normal, variance 2 / (outputs x window); normalizations 1 and 0; blocks the identity if asked."""
    engine.manual_seed(0)
    network = models.resnet18(num_classes=7, zero_init_residual=True)
    assert network.fc.out_features == 7
    weight = network.layer3[1].conv2.weight
    assert float(weight.std()) == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.02) and abs(float(weight.mean())) < 1e-3
    assert (network.layer1[0].bn1.weight == 1).all() and (network.layer1[0].bn2.weight == 0).all()
    assert (models.resnet18().layer1[0].bn2.weight == 1).all()


def test_a_seed_gives_the_same_networks():
    states = []
    for _ in range(2):
        engine.manual_seed(5)
        states.append(models.resnet20().state_dict())
    assert all((states[0][name] == states[1][name]).all() for name in states[0])


@pytest.mark.slow
def test_resnet18_computes_what_the_same_layers_do_in_torch(device):
    """The whole network from torch's layers, with our state, in eval mode."""
    torch = pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    network = models.resnet18(num_classes=5).to(device)
    network(engine.randn(2, 3, 64, 64).to(device))  # statistics of the normalizations
    network.eval()
    state = {name: torch.tensor(value.cpu().numpy()) for name, value in network.state_dict().items()}
    F = torch.nn.functional

    def norm(x, name):
        return F.batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    y = F.max_pool2d(norm(F.conv2d(x, state["conv1.weight"], stride=2, padding=3), "bn1").relu(), 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and not block else 1
            z = norm(F.conv2d(y, state[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1").relu()
            z = norm(F.conv2d(z, state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if stride == 2:
                y = norm(F.conv2d(y, state[f"{name}.downsample.0.weight"], stride=2), f"{name}.downsample.1")
            y = (y + z).relu()
    expected = F.linear(y.mean((2, 3)), state["fc.weight"], state["fc.bias"]).numpy()
    with engine.no_grad():
        ours = network(engine.tensor(x.numpy()).to(device))
    np.testing.assert_allclose(ours.cpu().numpy(), expected, rtol=1e-3, atol=1e-4)


# ---- grids and files ------------------------------------------------------------------------------------


def pictures(device, *shape):
    return engine.tensor(np.random.default_rng(0).random(shape).astype("float32")).to(device)


def test_a_grid(device):
    """Row by row, with a border of pad_value around each and nothing but it where pictures are missing."""
    x = pictures(device, 5, 3, 4, 6)
    grid = utils.make_grid(x, nrow=3, padding=1, pad_value=0.25).cpu().numpy()
    assert grid.shape == (3, 11, 22)
    expected = np.full_like(grid, 0.25)
    for number, (top, left) in enumerate([(1, 1), (1, 8), (1, 15), (6, 1), (6, 8)]):
        expected[:, top : top + 4, left : left + 6] = x[number].cpu().numpy()
    assert (grid == expected).all()
    assert (utils.make_grid(list(x), 3, 1, pad_value=0.25).cpu().numpy() == grid).all()
    assert utils.make_grid(x, nrow=1, padding=0).shape == (3, 20, 6)
    assert utils.make_grid(x).shape == (3, 8, 42)


def test_single_and_grey_pictures(device):
    """One picture gets no border; one channel becomes three."""
    for shape in ((4, 6), (1, 4, 6), (1, 1, 4, 6)):
        x = pictures(device, *shape)
        grid = utils.make_grid(x)
        assert grid.shape == (3, 4, 6) and all((each == x.reshape(4, 6)).all() for each in grid)
        grid[0] = 2.0  # its memory is its own
        assert (x < 1).all() and (grid[1] < 1).all()
    assert utils.make_grid(pictures(device, 2, 1, 4, 6)).shape == (3, 8, 18)
    assert utils.make_grid(pictures(device, 3, 4, 6)).shape == (3, 4, 6)


def test_normalized_grids(device):
    """Over all pictures, within a range, or each by itself; what was given stays as it was."""
    x = pictures(device, 2, 3, 2, 2) * engine.tensor([1.0, 10.0]).reshape(2, 1, 1, 1).to(device)
    before, values = x.clone(), x.cpu().numpy()
    options = {"padding": 0, "normalize": True}

    def beside(first, second):
        return np.concatenate([first, second], axis=2)

    together = (values - values.min()) / np.ptp(values)
    np.testing.assert_allclose(utils.make_grid(x, **options).cpu().numpy(), beside(*together), atol=1e-6)
    ranged = (values.clip(0.5, 2) - 0.5) / 1.5
    grid = utils.make_grid(x, value_range=(0.5, 2), **options)
    np.testing.assert_allclose(grid.cpu().numpy(), beside(*ranged), atol=1e-6)
    alone = [(each - each.min()) / np.ptp(each) for each in values]
    np.testing.assert_allclose(utils.make_grid(x, scale_each=True, **options).cpu().numpy(), beside(*alone), atol=1e-6)
    assert (x == before).all()
    flat = utils.make_grid(engine.ones(1, 3, 2, 2).to(device), **options)
    assert (flat == 0).all()


def test_saved_images_come_back(device, tmp_path):
    """As PNG, each value rounded to a byte; a grid of a batch; into an open file too."""
    Image = pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    x = pictures(device, 3, 4, 6)
    utils.save_image(x, tmp_path / "one.png")
    saved = np.asarray(Image.open(tmp_path / "one.png"))
    assert (saved == np.rint(x.cpu().numpy().transpose(1, 2, 0) * 255)).all()
    utils.save_image(pictures(device, 2, 3, 4, 6), str(tmp_path / "grid.bin"), format="PNG", padding=0)
    assert Image.open(tmp_path / "grid.bin").size == (12, 4)
    with open(tmp_path / "open.png", "wb") as file:
        utils.save_image(x * 2 - 0.5, file, format="PNG")
    assert np.asarray(Image.open(tmp_path / "open.png")).min() == 0


def test_an_image_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    pytest.importorskip("PIL.Image", reason="pictures need Pillow")
    (tmp_path / "a.png").write_bytes(b"as it was")
    with pytest.raises(ValueError, match="no such format|unknown file extension|NOPE"):
        utils.save_image(engine.ones(3, 2, 2), tmp_path / "a.nope")
    with pytest.raises(KeyError):
        utils.save_image(engine.ones(3, 2, 2), tmp_path / "a.png", format="NOPE")
    monkeypatch.delattr("os.replace")  # what puts it in its place at once
    with pytest.raises(AttributeError):
        utils.save_image(engine.ones(3, 2, 2), tmp_path / "a.png")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.png": b"as it was"}


@pytest.mark.parametrize("kind, text, call", [
    (TypeError, "tensor or list of tensors expected, got <class 'str'>", lambda: utils.make_grid("x")),
    (TypeError, "tensor or list of tensors expected", lambda: utils.make_grid([engine.ones(2, 2), 3])),
    (TypeError, "value_range has to be a tuple",
     lambda: utils.make_grid(engine.ones(3, 2, 2), normalize=True, value_range=[0, 1])),
    (ValueError, "expected a tensor of shape", lambda: utils.make_grid(engine.ones(2))),
    (ValueError, "batch of 0", lambda: utils.make_grid(engine.ones(0, 3, 2, 2))),
    (NotImplementedError, "weights='DEFAULT' is not supported", lambda: models.resnet18(weights="DEFAULT")),
    (TypeError, "pretrained", lambda: models.resnet18(pretrained=True)),
])  # fmt: skip
def test_mistakes_are_explained(kind, text, call):
    with pytest.raises(kind, match=text):
        call()


def test_vision_is_loaded_when_it_is_wanted():
    """Not with the engine, and without Pillow or scikit-learn before a picture is."""
    code = ("import sys, engine; first = 'engine.vision' in sys.modules; engine.vision.datasets.Shapes32(train=False)\n"
            "print(first, 'PIL' in sys.modules, 'sklearn' in sys.modules)")  # fmt: skip
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"] * 3
