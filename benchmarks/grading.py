"""What grading costs, beside nbgrader's own autograde on the same notebooks: python benchmarks/grading.py [SUBMISSIONS]

Each submission is chapter 3 with its three exercises solved, each a text of its own. Four ways: nbgrader as it comes
(the notebook runs in a kernel, nothing is isolated, nothing outside judges), nbgrader with our two steps (in a
sandbox, one after the other), and `python -m autograders grade` with 1 and 2 workers. "Each" is what one submission
more costs: the difference of a large and a small classroom, so without the command's own start. The ways take turns,
ROUNDS times, and each figure is a median.
"""

import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from handed_in import NAME, environment, filled, prepare  # noqa: E402
from processor import measure  # noqa: E402

ROUNDS = 3
STOCK = "from nbgrader.converters import Autograde as A\nget_config().Autograde.sanitize_preprocessors = "
STOCK += "A.sanitize_preprocessors.default()\nget_config().Autograde.autograde_preprocessors = "
STOCK += "A.autograde_preprocessors.default()\nget_config().ExecutePreprocessor.timeout = 600\n"
AUTOGRADE, GRADE = ["-m", "nbgrader", "autograde", NAME], ["-m", "autograders", "grade", NAME]
WAYS = {  # name: arguments of Python, settings of nbgrader
    "nbgrader as it comes": (AUTOGRADE, STOCK),
    "nbgrader with our steps": (AUTOGRADE, ""),
    "grade, 1 worker": ([*GRADE, "--workers", "1"], ""),
    "grade, 2 workers": ([*GRADE, "--workers", "2"], ""),
}


def main():
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    few = max(2, many // 4)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {many} and {few} submissions of {NAME}")
    found = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        made = prepare(Path(scratch, "made"))
        for _ in range(ROUNDS):
            for name, way in WAYS.items():
                found[name].append(each(made, scratch, many, few, *way))
    print(f"{'one more submission':24}  wall s  processor s  submissions per core-second")
    for name, rounds in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*rounds))
        print(f"{name:24}  {wall:6.2f}  {cpu:11.2f}  {1 / cpu:27.2f}")
    ours = found["grade, 2 workers"]
    for name in ("nbgrader as it comes", "nbgrader with our steps"):
        print(f"{ratio(found[name], ours, 1)} the submissions per core-second of {name}")
    print(f"from 1 worker to 2: {ratio(found['grade, 1 worker'], ours, 0)} as fast")


def ratio(others, ours, column):
    """The median over the rounds, and the least and the greatest."""
    ratios = sorted(other[column] / our[column] for other, our in zip(others, ours))
    return f"{statistics.median(ratios):.1f} times ({ratios[0]:.1f} to {ratios[-1]:.1f})"


def each(made, scratch, many, few, command, settings):
    """(wall seconds, processor seconds) of one submission more."""
    (wall, cpu), (wall_few, cpu_few) = (graded(made, scratch, count, command, settings) for count in (many, few))
    return (wall - wall_few) / (many - few), (cpu - cpu_few) / (many - few)


def graded(made, scratch, count, command, settings):
    """(wall seconds, processor seconds) of a command in a classroom with so many submissions."""
    room = filled(made, Path(scratch, "filled"), count, settings)
    measured = measure([sys.executable, *command], cwd=room, env=environment(room))
    found = len(list(room.glob(f"autograded/*/{NAME}/{NAME}.ipynb")))
    assert found == count, f"{found} of {count} graded"
    shutil.rmtree(room.parent)
    return measured


if __name__ == "__main__":
    main()
