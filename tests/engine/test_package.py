"""`import engine` needs numpy alone and stays quick to load."""

import ast
import os
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


def test_import_is_quick():
    """Under 0.2 s on top of numpy, in the processor's time, which a busy machine hardly lengthens; the best of five.

    With one thread for BLAS: others, waiting busily, would count as time that the import took.
    """
    code = "import time, numpy; start = time.process_time(); import engine; print(time.process_time() - start)"
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True, env=alone) for _ in range(5)]
    assert min(float(each.stdout) for each in runs) < 0.2
