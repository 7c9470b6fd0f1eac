"""Peers run one workload in turns: each in a process of its own, round by round, so that all meet the same machine.

A busy machine slows the steps of one moment, not of one peer; ratios of the same round hold still where times do not.
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
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Raced(NamedTuple):
    """What one peer needed: seconds of a step (median), by how much ours differs (ratios of the rounds), first losses."""

    seconds: float
    ratios: list[float]  # our seconds / the peer's, one a round
    losses: list[float]

    @property
    def ratio(self):
        return statistics.median(self.ratios)


class Runner:
    """A worker process for one peer, started, at its first steps."""

    def __init__(self, peer, workload, sizes):
        command = [sys.executable, "-m", "benchmarks.worker", peer, workload, json.dumps(sizes)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.losses, self.steps = [], 1

    def warm_up(self):
        """Wait for the first steps, and find how many make a round."""
        self.losses = self._read()["losses"]
        self.steps = max(1, round(ROUND / self.seconds(1)))

    def seconds(self, steps=None):
        """Seconds of one step, of a round of so many."""
        self.process.stdin.write(f"{steps or self.steps}\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with status {self.process.wait()}: {' '.join(self.process.args)}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def environment(threads=THREADS):
    """The workers': as many threads for each peer, its compiled files and kernels as in this process."""
    count = str(min(threads, os.cpu_count() or 1))
    return {**os.environ, **dict.fromkeys(VARIABLES, count), "PYTHONPATH": str(ROOT) + os.pathsep + os.environ.get("PYTHONPATH", "")}


def race(workload, peers, repeats, sizes=None):
    """{peer: Raced} of so many rounds."""
    runners = {}
    try:
        for peer in peers:
            runners[peer] = Runner(peer, workload, sizes or {})
        for runner in runners.values():
            runner.warm_up()
        rounds = []
        for number in range(repeats):
            order = list(runners)[:: 1 if number % 2 else -1]  # nobody is always first
            rounds.append({peer: runners[peer].seconds() for peer in order})
        losses = {peer: runner.losses for peer, runner in runners.items()}
    finally:
        for runner in runners.values():
            runner.close()
    return {
        peer: Raced(
            statistics.median(each[peer] for each in rounds),
            [each[OURS] / each[peer] for each in rounds],
            losses[peer],
        )
        for peer in peers
    }
