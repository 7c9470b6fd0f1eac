"""python -m benchmarks [WORKLOAD ...] [--repeats N]: our time beside PyTorch's, the same steps, in turns."""

import argparse
import math
import statistics

from benchmarks import workloads
from benchmarks.peers import OURS, TORCH
from benchmarks.race import race


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(workloads.NAMES))
    parser.add_argument("--repeats", type=int, default=7, help="rounds (7)")
    options = parser.parse_args()
    ratios = []
    for name in options.workloads or workloads.NAMES:
        raced = race(name, (OURS, TORCH), options.repeats)
        ours, torch = raced[OURS], raced[TORCH]
        ratios.append(torch.ratio)
        spread = f"({min(torch.ratios):.2f} to {max(torch.ratios):.2f})"
        off = max(abs(a - b) / abs(b) for a, b in zip(ours.losses, torch.losses))
        agree = "" if off < 0.01 else f"  LOSSES DIFFER: {ours.losses} and {torch.losses}"
        print(f"{name:12} ours {1000 * ours.seconds:8.2f} ms  torch {1000 * torch.seconds:8.2f} ms  "
              f"ratio {torch.ratio:5.2f} {spread}{agree}", flush=True)  # fmt: skip
    if len(ratios) > 1:
        print(f"geometric mean {math.exp(statistics.fmean(map(math.log, ratios))):.2f}")


if __name__ == "__main__":
    main()
