"""How long something takes, for the benchmarks beside this file."""

import statistics
import time

REPEATS = 7


def seconds(function, repeats=REPEATS):
    """The median of several calls."""
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)
