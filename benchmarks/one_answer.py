"""Where the time of one judged answer goes: python benchmarks/one_answer.py

Processor and wall milliseconds of an answer more: the difference of many and few in one process, so without the
grader's own start, over the number. "An answer more" has its turn in a sandbox that is there already. The other rows
contain each other: judging holds starting and ending a sandbox, which holds starting Python and importing numpy in it.
The steps take turns, ROUNDS times, and each figure is a median.
"""

import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from processor import measure  # noqa: E402

MANY, FEW, ROUNDS = 12, 4, 3
LOOP = "import sys\nsys.path.insert(0, {root!r})\n{before}\nfor _ in range({count}):\n    {each}\n"
RUN = "import os, subprocess\nfrom autograders.sandbox import contents\n"
RUN += "python = [str(contents.interpreter()), *contents.PYTHON_OPTIONS, '-c']\n"
NUMPY = f"import sys; sys.path.append({str(Path(np.__file__).parents[1])!r}); import numpy"
ANSWER = "def unbroadcast(gradient, shape):\n    added = gradient.ndim - len(shape)\n"
ANSWER += "    stretched = [axis + added for axis, length in enumerate(shape) if length == 1]\n"
ANSWER += "    return gradient.sum(axis=(*range(added), *stretched), keepdims=True).reshape(shape)\n"
TASK = {"exercise": "autograd/unbroadcast", "sources": [["answer", ANSWER]], "seed": 1}
STEPS = {  # name: what is imported once, what is done each time
    "an answer more in a sandbox": (
        "from autograders import marking, sandbox\nshared = sandbox.Sandboxes()",
        f"assert marking.mark({TASK}, sandboxes=shared)['points'] == 4.0",
    ),
    "an answer judged": ("from autograders import marking", f"assert marking.mark({TASK})['points'] == 4.0"),
    "- sandbox started and ended": (
        "from autograders.sandbox import Limits, Sandboxes, contents, levels\nlevel = levels.choose()\n"
        "packages = (contents.package('numpy'),)",
        "with Sandboxes() as fresh: fresh.process(level, packages, Limits()).close()",
    ),
    "-- Python with numpy, no sandbox": (
        RUN,
        f"subprocess.run([*python, {NUMPY!r}], env=contents.environment('/tmp'), check=True)",
    ),
    "--- Python alone": (RUN, "subprocess.run([*python, 'pass'], env={}, check=True)"),
}


def main():
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}; milliseconds")
    found = {name: [] for name in STEPS}
    for _ in range(ROUNDS):
        for name, (before, each) in STEPS.items():
            (wall, cpu), (wall_few, cpu_few) = (loop(before, each, count) for count in (MANY, FEW))
            found[name].append((1000 * (cpu - cpu_few) / (MANY - FEW), 1000 * (wall - wall_few) / (MANY - FEW)))
    print(f"{'':34}  processor   wall")
    for name, rounds in found.items():
        cpu, wall = (statistics.median(column) for column in zip(*rounds))
        print(f"{name:34}  {cpu:9.0f}  {wall:5.0f}")


def loop(before, each, count):
    program = LOOP.format(root=str(ROOT), before=before, each=each, count=count)
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = {**os.environ, **one_thread, "CHAINRULE_SANDBOX": "bubblewrap"}
    return measure([sys.executable, "-c", program], env=environment)


if __name__ == "__main__":
    main()
