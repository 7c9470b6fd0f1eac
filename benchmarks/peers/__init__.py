"""Who takes part. `build` gives a peer's training step of a workload; each peer's own way is a file here.

The engine and PyTorch run the workloads as they are. What the others cannot run, or not in any useful time, is in `CANNOT`, with
the reason; everything else is a function with the workload's name in the peer's file.
"""

import importlib
import importlib.metadata

from benchmarks import workloads

OURS, TORCH = "engine", "torch"
NAMES = (OURS, TORCH)


def build(peer, workload, **sizes):
    """A function that makes one training step and returns its loss."""
    return workloads.load(workload).step(importlib.import_module(peer), **sizes)


def version(peer):
    return "" if peer == OURS else importlib.metadata.version(peer)
