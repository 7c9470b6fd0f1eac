"""Classrooms with solved notebooks of chapter 3 handed in, for the benchmarks beside this file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "03-autograd-on-tensors"


def prepare(folder):
    """A classroom with the chapter generated, nothing handed in."""
    from course import classroom

    room = Path(folder, "classroom")
    classroom.prepare(room)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", NAME]
    subprocess.run(command, cwd=room, env=environment(room), check=True, capture_output=True)
    return room


def environment(room):
    """Of a command in a classroom. The level is bubblewrap alone, whose processes stay in the cgroup of the command."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    ours = {"PYTHONPATH": str(ROOT), "CHAINRULE_CLASSROOM": str(room), "CHAINRULE_SANDBOX": "bubblewrap"}
    return {**os.environ, **threads, **ours}


def filled(made, folder, count, settings=""):
    """A copy of a prepared classroom with so many solved notebooks, each a text of its own."""
    room = Path(shutil.copytree(made, Path(folder, "classroom")))
    with open(room / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(settings)
    for number in range(count):
        hand_in(room, f"learner-{number:04}", lambda name, source, number=number: f"{source}\n# {number}\n")
    return room


def hand_in(room, student, answer):
    """Hand in the notebook with `answer(name of the cell, its solution)` in each answer's cell."""
    whole = json.loads((room / "source" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    solutions = {cell["id"]: "".join(cell["source"]) for cell in whole["cells"] if _is_answer(cell)}
    notebook = json.loads((room / "release" / NAME / f"{NAME}.ipynb").read_text("utf-8"))
    for cell in notebook["cells"]:
        if _is_answer(cell):
            cell["source"] = answer(cell["id"], solutions[cell["id"]])
    folder = room / "submitted" / student / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), "utf-8")


def _is_answer(cell):
    return cell["metadata"].get("nbgrader", {}).get("solution", False)
