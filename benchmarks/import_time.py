"""How long `import engine` takes on top of numpy, beside `import numpy` itself: python benchmarks/import_time.py

Each run is a new interpreter that imports numpy, then the engine, in processor time and with one thread for BLAS (others,
waiting busily, would count). The median of several runs is printed: with compiled bytecode on disk, as after any first
import, and without it, as where nothing may be written; numpy's modules are then compiled anew too.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

RUNS = 9
ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = """
import time
start = time.process_time()
import numpy
between = time.process_time()
import engine
print(between - start, time.process_time() - between)
"""


def measure(environment):
    """(numpy, the engine), seconds in one new interpreter."""
    command = [sys.executable, "-c", PROGRAM]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT).stdout
    return [float(each) for each in output.split()]


def report(name, environment):
    """Print the medians and their ratio."""
    runs = [measure(environment) for _ in range(RUNS)]
    of_numpy, of_engine = [statistics.median(times) for times in zip(*runs)]
    print(
        f"{name}: numpy {of_numpy * 1000:4.0f} ms, the engine {of_engine * 1000:4.0f} ms more "
        f"({of_engine / of_numpy:.2f} of numpy's)")


def main():
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder:
        cached = environment | {"PYTHONPYCACHEPREFIX": folder}
        measure(cached)
        report("with bytecode   ", cached)
        empty = str(pathlib.Path(folder) / "empty")
        report("without bytecode", environment | {"PYTHONPYCACHEPREFIX": empty, "PYTHONDONTWRITEBYTECODE": "1"})


if __name__ == "__main__":
    main()
