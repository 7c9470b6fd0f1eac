"""Who takes part, and what each peer can run.

The engine and PyTorch run the workloads as they are. Each other peer has a file here, with a function for each workload
that it can run, named like it and written as that peer's users write; the file's CANNOT says why the rest is missing.
"""

import importlib
import importlib.metadata
import importlib.util
import os
import shutil

from benchmarks import workloads

OURS, TORCH = "engine", "torch"
NAMES = (OURS, TORCH, "tinygrad", "autograd", "dezero", "scalars")
PACKAGES = {TORCH: "torch", "tinygrad": "tinygrad", "autograd": "autograd", "dezero": "dezero"}  # the others are here
LABELS = {
    OURS: "Chainrule", TORCH: "PyTorch eager", "tinygrad": "tinygrad", "autograd": "HIPS/autograd", "dezero": "DeZero",
    "scalars": "micrograd-style numbers"}


def build(peer, workload, **sizes):
    """A function that makes one training step and returns its loss."""
    if peer in (OURS, TORCH):
        return workloads.load(workload).step(importlib.import_module(peer), **sizes)
    return getattr(importlib.import_module(f"{__name__}.with_{peer}"), workload)(**sizes)


def absent(peer):
    """Why a peer takes no part on this machine, or None."""
    package = PACKAGES.get(peer)
    if package and importlib.util.find_spec(package) is None:
        return f"the package {package} is not installed (pip install -e '.[parity,bench]')"
    if peer == "tinygrad" and shutil.which(os.environ.get("CC", "clang")) is None:
        return "its CPU device compiles with clang, which is not installed"
    return None


def cannot(peer, workload):
    """Why a peer does not run a workload, or None."""
    if peer in (OURS, TORCH):
        return None
    return importlib.import_module(f"{__name__}.with_{peer}").CANNOT.get(workload)


def versions():
    """{package: version} of numpy and of the peers that are installed."""
    installed = ["numpy", *(package for peer, package in PACKAGES.items() if not absent(peer))]
    return {package: importlib.metadata.version(package) for package in installed}
