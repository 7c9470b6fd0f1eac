"""`import engine` loads what it needs and no more. How long that takes is measured by benchmarks/import_time.py."""

import json
import subprocess
import sys

# Of the standard library, what takes long to load and is wanted only by some: saving, downloads, worker processes.
WANTED_LATER = {
    "asyncio", "concurrent.futures", "difflib", "hashlib", "http", "logging", "multiprocessing", "secrets", "shutil",
    "socket", "sqlite3", "ssl", "tarfile", "tempfile", "unittest", "urllib.request", "xml", "zipfile"}


def modules_of_import(*imports):
    """The modules that `import engine` adds to those of numpy and these imports."""
    code = f"import json, sys, {', '.join(['numpy', *imports])}; before = set(sys.modules); import engine; "
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(found.stdout))


def test_import_pulls_in_nothing_but_numpy():
    """No cupy, matplotlib, IPython, Pillow or ml_dtypes before they are wanted."""
    packages = {name.split(".")[0] for name in modules_of_import()} - set(sys.stdlib_module_names)
    assert packages == {"engine"}


def test_pictures_and_vision_wait():
    """Of the engine itself, what only some programs use is loaded when its name is first used."""
    loaded = modules_of_import()
    assert "engine.tensor" in loaded and "engine.nn.rnn" in loaded
    assert not {name for name in loaded if name.startswith(("engine.viz", "engine.vision"))}
    code = "import sys, engine; engine.vision, engine.viz; print({'engine.viz', 'engine.vision'} <= set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


def test_the_standard_library_waits():
    """Modules that take longer to load than most of the engine are loaded by the functions that want them."""
    assert not modules_of_import() & WANTED_LATER


def test_random_numbers_wait():
    """numpy.random, a tenth of numpy's own time, comes with the first draw; the seed is there before."""
    code = "import sys, engine; before = 'numpy.random' in sys.modules; first = engine.rand(3); "
    code += "engine.manual_seed(engine.initial_seed()); print(before, engine.equal(first, engine.rand(3)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "False True\n"
