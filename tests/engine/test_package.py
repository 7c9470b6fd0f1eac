"""`import engine` needs numpy alone and stays quick to load."""

import ast
import subprocess
import sys


def test_import_pulls_in_numpy_and_nothing_else():
    """No cupy, matplotlib, IPython or pictures before they are wanted."""
    code = (
        "import sys, numpy; before = set(sys.modules); import engine; "
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)), 'engine.viz' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    modules, pictures_loaded = found.rsplit(" ", 1)
    others = [name for name in ast.literal_eval(modules) if "cython" not in name]  # numpy.random's own
    assert others in (["engine"], ["engine", "numpy"]) and pictures_loaded == "False"
