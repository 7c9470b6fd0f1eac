"""Memory is used again: making an array like the last one asks the system for next to no pages."""

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
import engine

def make():
    return np.ones(2**19, np.float32) + np.ones(2**19, np.float32)  # 2 MB each, 512 pages; from 4 MB on they are huge

make()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    make()
print(engine.memory.keep(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(**environment):
    done = subprocess.run(
        [sys.executable, "-c", FAULTS], env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    return kept == "True", int(faults)


is_gnu = "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", ())


@pytest.mark.skipif(not is_gnu, reason="the C library here is not GNU's")
def test_pages_are_asked_for_once():
    kept, faults = run()
    assert kept and faults < 1000


@pytest.mark.skipif(not is_gnu, reason="the C library here is not GNU's")
def test_the_environment_decides():
    """Whoever wants memory to go back at once gets that: each array's pages are new."""
    kept, faults = run(MALLOC_TRIM_THRESHOLD_="131072", MALLOC_MMAP_THRESHOLD_="131072")
    assert not kept and faults > 5000
