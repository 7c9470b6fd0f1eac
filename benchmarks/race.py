"""Peers run one workload in turns: each in a process of its own, round by round, so that all meet the same machine.

A busy machine slows the steps of one moment, not of one peer; ratios within a round hold still where times do not.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers import OURS

ROOT = Path(__file__).resolve().parents[1]
THREADS = 2
ROUND = 0.2  # seconds that the steps of one round take, about
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CPU_COUNT")  # the last one is tinygrad's
TOLERANCE = 0.01  # by which the first losses may differ, relative; peers have other epsilons and orders of summing


class Raced(NamedTuple):
    """What one peer needed."""

    seconds: float  # of a step, the median
    ratios: list[float]  # our seconds / the peer's, one a round
    losses: list[float]  # of the first steps

    @property
    def ratio(self):
        return statistics.median(self.ratios)


class Runner:
    """A worker process for one peer, just started."""

    def __init__(self, peer, workload, sizes):
        command = [sys.executable, "-m", "benchmarks.worker", peer, workload, json.dumps(sizes)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.losses, self.steps = [], 1

    def warm_up(self):
        """Wait for the first steps, and find how many make a round."""
        self.losses = self._read()
        self.steps = max(1, round(ROUND / self.seconds()))

    def seconds(self):
        """Seconds of one step, measured over a round."""
        self.process.stdin.write(f"{self.steps}\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with status {self.process.wait()}: {' '.join(self.process.args)}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def environment():
    """The workers': as many threads for each peer; all else (such as OPENBLAS_CORETYPE) as in this process."""
    count = str(min(THREADS, os.cpu_count() or 1))
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, **dict.fromkeys(VARIABLES, count), "PYTHONPATH": path}


def race(workload, peers, rounds, sizes=None):
    """{peer: Raced}; `peers` has ours among them. RuntimeError if a peer fails."""
    runners = {}
    try:
        for peer in peers:
            runners[peer] = Runner(peer, workload, sizes or {})
        for runner in runners.values():
            runner.warm_up()
        taken = []
        for number in range(rounds):
            order = list(runners)[:: 1 if number % 2 else -1]  # nobody is always first
            taken.append({peer: runners[peer].seconds() for peer in order})
    finally:
        for runner in runners.values():
            runner.close()
    return {peer: raced(peer, taken, runner.losses) for peer, runner in runners.items()}


def raced(peer, taken, losses):
    seconds = statistics.median(each[peer] for each in taken)
    return Raced(seconds, [each[OURS] / each[peer] for each in taken], losses)


def agree(losses, others):
    """Whether two peers made the same first steps."""
    return all(abs(a - b) <= TOLERANCE * abs(b) for a, b in zip(losses, others, strict=True))
