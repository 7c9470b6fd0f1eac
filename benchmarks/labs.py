"""How long a lab takes to redraw after a slider has moved: python benchmarks/labs.py

In processor time, the median of several redraws, each with other numbers than the one before.
"""

import statistics
import time

import numpy as np

import engine as torch
from course.labs.gradient_flow import GradientFlow
from course.labs.momentum import RATES, MomentumLab
from course.labs.surfaces import SURFACES

REDRAWS = 15


def milliseconds(lab, change):
    """The median redraw; `change(number)` moves a slider."""
    taken = []
    for number in range(REDRAWS):
        change(number)
        begun = time.process_time()
        lab.to_html()
        taken.append((time.process_time() - begun) * 1000)
    return statistics.median(taken)


def main():
    """Print a line for each lab."""
    rng = np.random.default_rng(0)
    flow = GradientFlow(rng.random((50, 64)).astype(np.float32), rng.integers(0, 10, 50))
    print(f"gradient_flow: {milliseconds(flow, lambda number: setattr(flow, 'step', number)):.0f} ms")
    ball = MomentumLab(torch.optim.SGD)
    for ball.surface in SURFACES:
        print(f"momentum, {ball.surface}: {milliseconds(ball, lambda n: setattr(ball, 'rate', RATES[n])):.0f} ms")


if __name__ == "__main__":
    main()
