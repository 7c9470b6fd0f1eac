"""On what was measured: processor, cores, threads, and which kernels numpy's BLAS runs."""

import os
import pathlib
import platform

import numpy  # noqa: F401 (threadpoolctl knows the libraries that are loaded)

from benchmarks.race import THREADS


def describe():
    """{what: text or number}; two machines are of one kind if all of it is the same."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "threads": min(THREADS, os.cpu_count() or 1),
        "BLAS": blas(),
    }


def processor():
    """Its name, with what tells generations apart where the system hides the name."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    fields = {}
    for line in text.split("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        fields[name.strip()] = value.strip()
    wide = " with AVX-512" if "avx512f" in fields.get("flags", "").split() else ""
    return fields.get("model name", platform.machine()) + wide


def blas():
    """Such as "openblas 0.3.31 SkylakeX": numpy's library and the kernels that it chose."""
    import threadpoolctl

    found = [each for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]
    numpys = [each for each in found if "numpy" in each["filepath"]] or found  # scipy brings its own
    return ", ".join(
        " ".join(filter(None, (each["internal_api"], each["version"], each.get("architecture")))) for each in numpys)
