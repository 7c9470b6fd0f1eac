"""Writes docs/honest.md: how far off honest answers are, on two kinds of BLAS kernels, with one thread and with two.

    python docs/make_honest.py

Takes a minute or two.
"""

import sys
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "autograders")]

from autograders.spec import load, names  # noqa: E402
from honest_corpus import in_a_process, kernels  # noqa: E402

OUT = Path(__file__).with_name("honest.md")
SEEDS = tuple(range(1, 6))
HEAD = """# How far off honest answers are

Made by `python docs/make_honest.py`: {variants} right answers in other styles (loops, einsum, in place, computed in
float64, another formula ...) for {exercises} exercises, each judged with {seeds} seeds, with OpenBLAS's kernels {kernels},
with 1 thread and with 2 (numpy {numpy}). **False failures: {failures}.**

The columns say how far the worst of them was from the float64 reference, as a share of what its spec allows; how the
allowance is derived stands with each spec's `rounding`. A share near 1 would be a tolerance that luck alone meets; a
tiny one is a bound that is far from what happens, and the tests see to it that none would swallow an error of 5 %.
An empty cell: nothing is allowed, the result is right or wrong.

"""


def main():
    """Write the page."""
    found = [in_a_process(kernel, threads, SEEDS) for kernel in kernels() for threads in (1, 2)]
    text = HEAD.format(
        variants=found[0]["variants"], exercises=len(names()), seeds=len(SEEDS), kernels=" and ".join(kernels()),
        numpy=np.__version__, failures=sum(len(each["failures"]) for each in found))
    text += "| exercise | honest variants | float32 | float64 | integers and measured |\n| --- | --- | --- | --- | --- |\n"
    for name in names():
        spec = load(name)
        shares = {}
        for each in found:
            for dtype, share in each["shares"][name].items():
                kind = dtype if dtype in ("float32", "float64") and spec.measure is None else "other"
                shares[kind] = max(share, shares.get(kind, 0.0))
        cells = [f"{shares[kind]:.2g}" if kind in shares else "" for kind in ("float32", "float64", "other")]
        text += f"| `{name}` | {len(spec.honest)} | {' | '.join(cells)} |\n"
    OUT.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
