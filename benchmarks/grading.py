"""What grading costs, beside nbgrader's own autograde on the same notebooks: python benchmarks/grading.py [SUBMISSIONS]

Each submission is chapter 3 with its three exercises solved, each a text of its own. Three ways: nbgrader as it comes
(the notebook runs in a kernel, nothing is isolated, nothing outside judges), nbgrader with our two steps (in a
sandbox, one after the other), and `python -m autograders grade` with 1 and 2 workers. Processor time is that of all
processes that a command started, its own start included; "each" is what one submission more costs: the difference of
a large and a small classroom. Then: how long one learner's endless loop holds up the others, with 2 workers.
"""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from course import classroom  # noqa: E402

NAME = "03-autograd-on-tensors"
LOOP = "while True:\n    pass\n"
STOCK = "from nbgrader.converters import Autograde as A\nget_config().Autograde.sanitize_preprocessors = "
STOCK += "A.sanitize_preprocessors.default()\nget_config().Autograde.autograde_preprocessors = "
STOCK += "A.autograde_preprocessors.default()\n"


def main():
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    few = max(2, many // 4)
    with tempfile.TemporaryDirectory() as scratch:
        made = prepare(Path(scratch, "made"))
        autograde = ["-m", "nbgrader", "autograde", NAME]
        grade = ["-m", "autograders", "grade", NAME]
        ways = {
            "nbgrader as it comes": (autograde, STOCK),
            "nbgrader with our steps": (autograde, ""),
            "grade, 1 worker": ([*grade, "--workers", "1"], ""),
            "grade, 2 workers": ([*grade, "--workers", "2"], ""),
        }
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {many} and {few} submissions of {NAME}")
        print(f"{'':24}  wall s  processor s  processor s each  submissions per core-second")
        measured = {}
        for name, (command, settings) in ways.items():
            wall, cpu = measure(made, Path(scratch, "many"), many, command, settings)
            wall_few, cpu_few = measure(made, Path(scratch, "few"), few, command, settings)
            each = (cpu - cpu_few) / (many - few)
            measured[name] = wall, each, (wall - wall_few) / (many - few)
            print(f"{name:24}  {wall:6.1f}  {cpu:11.1f}  {each:16.2f}  {1 / each:27.2f}", flush=True)
        ours = measured["grade, 2 workers"]
        for name in ("nbgrader as it comes", "nbgrader with our steps"):
            print(f"{measured[name][1] / ours[1]:.1f} x the submissions per core-second of {name}")
        one = measured["grade, 1 worker"]
        print(f"a submission more takes {one[2]:.2f} s with 1 worker, {ours[2]:.2f} s with 2: {one[2] / ours[2]:.2f} x")
        hostile(made, Path(scratch, "hostile"), many, grade, ours[0])


def hostile(made, folder, count, grade, without):
    """When the last honest grade is stored, with one endless loop among them."""
    room = filled(made, folder, count, "")
    hand_in(room, "learner-000-loop", LOOP, 0)
    begun, quiet = time.monotonic(), subprocess.DEVNULL
    process = subprocess.Popen(
        [sys.executable, *grade, "--workers", "2"], cwd=room, env=environment(room), stdout=quiet, stderr=quiet
    )
    last = 0.0
    while process.poll() is None:
        if honest(room) == count and not last:
            last = time.monotonic() - begun
        time.sleep(0.05)
    whole = time.monotonic() - begun
    print(
        f"one endless loop among {count}: the last other grade after {last:.1f} s (without it: {without:.1f} s in all),"
    )
    print(f"its own after {whole:.1f} s: it is stopped for each exercise, and holds one worker until then")


def honest(room):
    path = room / "ledger.jsonl"
    if not path.exists():
        return 0
    students = re.findall(rb'"student": "(learner-\d+)"', path.read_bytes())
    return len(set(students))


def measure(made, folder, count, command, settings):
    """(wall seconds, processor seconds) of a command in a classroom with so many submissions."""
    room = filled(made, folder, count, settings)
    before, begun = used(), time.monotonic()
    subprocess.run([sys.executable, *command], cwd=room, env=environment(room), check=True, capture_output=True)
    wall, cpu = time.monotonic() - begun, used() - before
    graded = len(list(room.glob(f"autograded/*/{NAME}/{NAME}.ipynb")))
    assert graded == count, f"{graded} of {count} graded"
    shutil.rmtree(folder)
    return wall, cpu


def used():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def filled(made, folder, count, settings):
    room = Path(shutil.copytree(made, folder / "classroom"))
    with open(room / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(settings)
    for number in range(count):
        hand_in(room, f"learner-{number:03}", "", number)
    return room


def hand_in(room, student, before, number):
    """A solved notebook; `before` stands in front of each answer."""
    whole = json.loads((room / "source" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    solutions = {cell["id"]: cell["source"] for cell in whole["cells"] if is_answer(cell)}
    notebook = json.loads((room / "release" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        if is_answer(cell):
            cell["source"] = before + "".join(solutions[cell["id"]]) + f"\n# {number}\n"
    folder = room / "submitted" / student / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), "utf-8")


def is_answer(cell):
    return cell["metadata"].get("nbgrader", {}).get("solution", False)


def prepare(folder):
    """A classroom with the chapter generated, nothing handed in."""
    room = folder / "classroom"
    classroom.prepare(room)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", NAME]
    subprocess.run(command, cwd=room, env=environment(room), check=True, capture_output=True)
    return room


def environment(room):
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {**os.environ, **threads, "PYTHONPATH": str(ROOT), "CHAINRULE_CLASSROOM": str(room)}


if __name__ == "__main__":
    main()
