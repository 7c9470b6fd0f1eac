"""Each example runs, keeps to its length, and reaches what its docstring says; the same lines run under PyTorch."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

import engine

pytest.importorskip("sklearn", reason="most examples learn from scikit-learn's data: pip install 'chainrule[course]'")

FOLDER = Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
MNIST = FOLDER.parents[1] / "shared" / "data" / "mnist"
SEEDS = [0, 1]


@pytest.fixture(autouse=True)
def one_thread():
    """As many threads as small products can use; on a busy machine more of them wait for each other."""
    before = engine.get_num_threads()
    engine.set_num_threads(1)
    yield
    engine.set_num_threads(before)


def imported(path, name):
    """A file as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # worker processes look there for its classes
    spec.loader.exec_module(module)
    return module


def example(name):
    return imported(FOLDER / f"{name}.py", f"example_{name}")


def under_torch(name, folder):
    """The example with `engine` replaced by `torch` in its imports; pictures still come from engine.vision, as arrays."""
    lines = (FOLDER / f"{name}.py").read_text("utf-8").splitlines(keepends=True)
    assert "import engine as torch\n" in lines
    for number, line in enumerate(lines):
        if line == "import engine as torch\n":
            lines[number] = "import torch\n"
        elif line.startswith(("from engine import ", "from engine.")) and not line.startswith("from engine.vision"):
            lines[number] = line.replace("engine", "torch", 1)
    path = folder / f"{name}.py"
    path.write_text("".join(lines).replace(".safetensors", ".pt"), "utf-8")  # torch.save does not write that format
    return imported(path, f"torch_example_{name}")


# ---- what each reaches, as its docstring says, with room for other seeds --------------------------------


def reached_linear_regression(figures):
    assert figures["off"] < 1e-4  # from the least squares solution
    assert abs(figures["weight"] - 2) < 0.15 and abs(figures["bias"] - 1) < 0.15 and 0.17 < figures["loss"] < 0.33


def reached_mlp_digits(figures):
    assert figures["accuracy"] > 0.93


def reached_cnn(figures):
    assert figures["accuracy"] > 0.8


def reached_lstm(figures):
    assert figures["error"] < 0.01 and 0.13 < figures["guessing"] < 0.2


def reached_gan(figures):
    assert figures["distance"] < 0.065 and figures["noise"] > 0.1 and figures["kinds"] >= 8


def reached_autoencoder(figures):
    assert figures["error"] < 0.015 < 0.02 < figures["components"] < 0.03


def reached_multi_task(figures):
    assert figures["digit"] > 0.94 and figures["loop"] > 0.95 and figures["ink"] < 0.1


def reached_attention(figures):
    assert figures["Attending"] > 0.95 and 0.08 < figures["Recurrent"] < 0.5


def reached_custom_dataset(figures):
    assert figures["accuracy"] > 0.9 and figures["left_out"] == 36


def reached_save_and_load(figures):
    assert figures["same"] is True and figures["accuracy"] > 0.88


def reached_regularization(figures):
    plain = figures.pop("nothing")
    assert plain["train"] > 0.98 and plain["test"] < 0.84
    for name, cured in figures.items():
        assert cured["test"] > plain["test"] + 0.02 and cured["train"] < plain["train"], name


def reached_learning_rate_schedules(figures):
    constant = figures.pop("constant")
    assert len(figures) == 4 and 0 < max(figures.values()) < constant / 2, figures


def reached_metrics(figures):
    assert figures["accuracy"] > 0.94 and figures["precision"] > 0.9 and figures["recall"] > 0.88
    assert abs(2 / figures["F1"] - 1 / figures["precision"] - 1 / figures["recall"]) < 1e-9 and figures["MSE"] < 0.05


def reached_transfer(figures):
    assert figures["transferred"] > 0.85 and figures["transferred"] > figures["from scratch"] + 0.03


def reached_mixed_precision(figures):
    assert figures["float32"] > 0.89 and abs(figures["mixed"] - figures["float32"]) < 0.03
    assert figures["vanished"] == 0 and figures["scaled"] / 1024 == pytest.approx(1e-8, rel=0.02)


def reached_variable_history(figures):
    assert figures["type"] == "Tensor" and figures["memory"] is True
    assert figures["then"] == [[2, 4], [6, 8]] and figures["added"] == [[4, 6], [8, 10]]
    integers, matrices = figures["refused"]
    assert "floating point" in integers and "scalar outputs" in matrices


# ---- tests --------------------------------------------------------------------------------------------


def test_each_example_has_its_expectation():
    """No example without a figure that is checked, and the other way round."""
    assert NAMES == sorted(name.removeprefix("reached_") for name in globals() if name.startswith("reached_"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_reads_well(name):
    """Under 60 lines, says first what it shows, begins as a PyTorch user would."""
    text = (FOLDER / f"{name}.py").read_text("utf-8")
    assert len(text.splitlines()) < 60 and max(map(len, text.splitlines())) <= 130
    tree = ast.parse(text)
    assert len(ast.get_docstring(tree)) > 100 and "\nimport engine as torch\n" in text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_for_a_moment(name, capsys):
    """One epoch on little data: so that none rots between the slow runs."""
    figures = example(name).main(epochs=1, size=64)
    assert figures and capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NAMES)
def test_an_example_reaches_what_it_says(name, seed):
    globals()[f"reached_{name}"](example(name).main(seed=seed))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_an_example_reaches_it_in_pytorch_too(name, tmp_path):
    """The same lines under `import torch`, with that library's random numbers."""
    pytest.importorskip("torch", reason="torch is the oracle here: pip install 'chainrule[parity]'")
    globals()[f"reached_{name}"](under_torch(name, tmp_path).main())


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_perceptron_reads_mnist(seed, tmp_path):
    """784-128-10 on the real pictures."""
    if not MNIST.is_dir():
        pytest.skip("MNIST's test pictures are not in ../shared/data/mnist")
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in MNIST.iterdir():
        (raw / file.name).symlink_to(file)
    assert example("mlp_digits").main(seed=seed, root=tmp_path)["accuracy"] > 0.92
