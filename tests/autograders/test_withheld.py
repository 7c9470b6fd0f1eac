"""Parts of a package that an exercise asks for are not in the sandbox: no import, no file and no subclass has them."""

import importlib.util
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograders import sandbox
from autograders.sandbox import contents
from autograders.sandbox.unavailable import SandboxUnavailable
from autograders.sandbox.withheld import without
from sandboxed import HERE, call

PARTS = ("toy.layers.Dense", "toy.functions", "toy.inner.deep.secret")


@pytest.fixture
def toy(tmp_path):
    """A package whose other files import, derive from and call what is withheld."""
    files = {
        "__init__.py": "from toy import layers\nfrom toy.layers import *\nfrom toy.functions import scale, SIZE\n",
        "functions.py": '"""Doc."""\n__all__ = ["scale"]\nSIZE = 3\n\n\ndef scale(x):\n    return 7 * x\n',
        "layers.py": "import functools\nfrom toy import functions\n__all__ = ['Dense', 'Thin']\n\n\n"
        "@functools.total_ordering\nclass Dense:\n    def __lt__(self, other): return 'the secret of Dense'\n\n\n\n"
        "class Thin(Dense):\n    pass\n\n\ndef other():\n    raise ValueError('line 17')\n",
        "inner/__init__.py": "",
        "inner/deep.py": "secret = 5\nopen_to_all = secret if isinstance(secret, int) else 0\n",
    }
    folder = tmp_path / "toy"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return contents.package_in(folder)


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def run(package, code):
    """What Python prints when it runs `code` with the copied package within reach; its exception's last line if any."""
    done = subprocess.run([sys.executable, "-c", code], cwd=package.file.parent.parent, capture_output=True, text=True)
    return (done.stdout or done.stderr.strip().splitlines()[-1]).strip()


def test_other_files_go_on_and_withheld_parts_say_why(toy):
    copy = without(toy, PARTS, "is withheld: write it yourself")
    assert run(copy, "import toy; print(toy.inner if hasattr(toy, 'inner') else 'imports')") == "imports"
    for use, part in {
        "toy.scale(3)": "toy.functions.scale",
        "toy.layers.Dense()": "toy.layers.Dense",
        "toy.layers.Dense.__new__; toy.layers.Dense.anything": "toy.layers.Dense",
        "toy.Thin()": "toy.layers.Dense",
        "from toy.inner import deep; deep.secret.x": "toy.inner.deep.secret",
    }.items():
        said = run(copy, f"import toy\n{use}")
        assert said in (f"ImportError: `{part}` is withheld: write it yourself", "AttributeError: __new__"), said
    assert run(copy, "import toy.inner.deep as deep; print(deep.open_to_all)") == "0"


def test_no_file_of_the_copy_has_them_and_lines_stay_where_they_are(toy):
    copy = without(toy, PARTS, "is withheld")
    texts = {path: path.read_bytes() for path in copy.file.parent.rglob("*") if path.is_file()}
    assert texts and not any(b"the secret of Dense" in text or b"7 * x" in text for text in texts.values())
    traceback = subprocess.run(
        [sys.executable, "-c", "import toy.layers; toy.layers.other()"],
        cwd=copy.file.parent.parent, capture_output=True, text=True,
    ).stderr
    assert 'layers.py", line 17' in traceback


def test_a_part_that_is_not_there_is_refused(toy):
    for part in ("toy.layers.Dens", "toy.nothing.at_all", "other.layers", "toy"):
        with pytest.raises(ValueError, match=part.split(".")[-1]):
            without(toy, (part,), "is withheld")


def test_a_copy_is_made_once_and_again_if_a_part_of_it_is_gone(toy):
    first = without(toy, PARTS, "is withheld")
    made = first.file.stat().st_ino
    assert without(toy, PARTS, "is withheld") == first and first.file.stat().st_ino == made
    (first.file.parent / "layers.py").unlink()
    assert without(toy, PARTS, "is withheld") == first and (first.file.parent / "layers.py").exists()
    assert without(toy, PARTS, "is withheld for another reason") != first
    assert without(toy, PARTS[:1], "is withheld") != first


def test_several_graders_at_once_share_one_copy(toy):
    """Each finds a whole one at any moment, whoever made it, and nothing is left beside it."""
    def grader(number):
        return [without(toy, PARTS, f"is withheld, {turn}") for turn in range(5)]

    with ThreadPoolExecutor(8) as graders:
        first, *others = graders.map(grader, range(8))
    assert all(each == first for each in others)
    for copy in first:
        assert run(copy, "import toy; print('imports')") == "imports"
        assert [path.name for path in copy.file.parent.parent.iterdir()] == ["toy"]


def test_what_python_compiled_is_used(toy):
    """In the sandbox nothing can be written, so each start would compile the package anew."""
    folder = without(toy, PARTS, "is withheld").file.parent
    said = run(contents.package_in(folder), "import toy; print(toy.layers.__cached__)")
    assert (folder / "__pycache__") in Path(said).parents
    for source in folder.rglob("*.py"):
        cached = Path(importlib.util.cache_from_source(str(source)))
        stamp = int.from_bytes(cached.read_bytes()[8:12], "little")
        assert stamp == int(source.stat().st_mtime), "Python takes it for what its source says"


def test_a_folder_that_others_can_write_to_is_refused(toy, own_temporary_folder):
    folder = own_temporary_folder / f"chainrule-{os.getuid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with pytest.raises(SandboxUnavailable, match="this user alone"):
        without(toy, PARTS, "is withheld")
    folder.rmdir()
    folder.symlink_to(own_temporary_folder)
    with pytest.raises(SandboxUnavailable, match="this user alone"):
        without(toy, PARTS, "is withheld")


def test_a_sandboxs_user_can_read_the_copy(toy):
    """Even if the grader's files are for nobody else's eyes."""
    before = os.umask(0o077)
    try:
        without(toy, PARTS, "is withheld")
    finally:
        os.umask(before)
    copy = without(toy, PARTS, "is withheld").file.parent
    for path in (copy.parent.parent, copy.parent, copy, *copy.rglob("*")):
        assert path.stat().st_mode & (stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)), path


@pytest.mark.parametrize("level", HERE, ids=lambda level: level.NAME)
def test_the_engine_without_a_part_works_in_the_sandbox(level, monkeypatch):
    """All of it but what is withheld, which can be had neither by name nor from its file."""
    monkeypatch.setenv("CHAINRULE_SANDBOX", level.NAME)
    sandbox._package.cache_clear()
    source = """
        import engine as torch
        from engine import nn

        def f(x):
            layer = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten())
            found = []
            for use in (lambda: nn.Linear(2, 3), lambda: nn.functional.linear(x, x), lambda: nn.Bilinear(2, 2, 2)):
                try:
                    use()
                except ImportError as error:
                    found.append(str(error))
            text = open(nn.linear.__file__).read() if hasattr(nn, "linear") else ""
            return layer(torch.tensor(x)).detach().numpy(), found, "in_features=" in text
    """
    import numpy as np

    withheld = ("engine.nn.linear.Linear", "engine.nn.linear.Bilinear", "engine.nn.functional.linear")
    outcome = call(source, np.ones((1, 1, 5, 5), np.float32), packages=("numpy", "engine"), withheld=withheld)
    result, found, is_there = outcome.value
    assert result.shape == (1, 18) and not is_there
    assert len(found) == 3 and all("withheld while this exercise is graded" in each for each in found)
