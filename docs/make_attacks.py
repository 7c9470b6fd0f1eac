"""Writes docs/attacks.md: what stock nbgrader gives for hostile notebooks of the corpus, beside what they get here.

    python docs/make_attacks.py

Stock nbgrader runs the learner's code with the rights of whoever calls it. So only attacks that read and lie are run
under it, in a temporary classroom; none that kills, fills, forks or reaches out. Takes a few minutes.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbgrader
from nbformat import from_dict
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook, MissingEntry

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "autograders")]

import attacks  # noqa: E402
import test_attacks as ours  # noqa: E402
from autograders import sandbox  # noqa: E402
from autograders.sandbox import levels  # noqa: E402

OUT = Path(__file__).with_name("attacks.md")
HARMLESS = (
    "equal_to_everything", "array_that_lies", "array_that_converts_itself", "number_that_lies",
    "objects_in_an_array", "patched_numpy_comparisons", "patched_builtins", "patched_json", "inputs_made_to_fit",
    "notebook_hooks", "displayhook", "exits_as_if_all_were_well", "leaves_by_exception", "trace_function",
    "engine_imported", "path_to_the_project", "module_from_its_file", "reads_reference", "reads_key",
    "reads_submission", "reads_solution", "reads_gradebook", "reads_home_file", "environment",
    "database_of_the_grades", "script_in_a_message", "right_but_at_exit",
)  # fmt: skip
TOO_BIG = ("huge_answer", "many_cells")
CHECK = """\
gradient = np.arange(6.0).reshape(2, 3)
assert np.allclose(unbroadcast(gradient, (3,)), [3, 5, 7])
assert np.allclose(unbroadcast(gradient, (2, 1)), [[3], [12]])"""
SETTINGS = "c = get_config()\nc.CourseDirectory.course_id = 'attacked'\n"
TITLE = """\
# Hostile notebooks

Made by `python docs/make_attacks.py`; do not edit. Each line is a notebook of the attack corpus
(`tests/autograders/attacks.py`) whose answer is wrong, or right where it says so. nbgrader {version} alone ran it with
a check cell of two assertions; here it was graded at the level `{level}`. Points are out of 4. "Secret" says whether
planted text (the key, a solution, another learner's answer, the gradebook, a token in the environment, the reference)
came back to the learner. Only attacks that are harmless outside of a sandbox were run under stock nbgrader: {count} of
{whole}. `pytest -m slow tests/autograders/test_attacks.py` runs all of them, at every level of the machine.

**nbgrader alone: {alone}. Here: {here}.**

| notebook | nbgrader alone | secret | here | secret |
|---|---|---|---|---|
"""


def main():
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as course:
        for path in (Path(folder), Path(course)):
            path.chmod(0o755)
        world = ours.World(Path(folder))
        programs = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]  # nbgrader starts `alembic`
        os.environ |= {"HOME": str(world.home), "PLANTED_TOKEN": world.word, "PATH": programs}
        chosen = [attack for attack in attacks.ANSWERS if attack.name in HARMLESS]
        chosen += [attack for attack in attacks.NOTEBOOKS if attack.name not in TOO_BIG]
        stock = under_stock_nbgrader(Path(course), chosen, world)
        rows = [(attack.name.replace("_", " "), stock[attack.name], here(attack, world)) for attack in chosen]
        world.close()
    earned = {attack.name.replace("_", " ") for attack in chosen if attack.earns}
    wrong = [row for row in rows if row[0] not in earned]
    told = {
        "version": nbgrader.__version__,
        "level": levels.choose().NAME,
        "count": len(chosen),
        "whole": len(attacks.ANSWERS) + len(attacks.NOTEBOOKS),
        "alone": summary(wrong, 1),
        "here": summary(wrong, 2),
    }
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    OUT.write_text(TITLE.format(**told) + table, encoding="utf-8")


def summary(rows, side):
    """How many of the wrong answers got points, and how many secrets came back."""
    results = [row[side].split(" | ") for row in rows]
    points = sum(given not in ("0", "not graded") for given, _ in results)
    return f"points for {points} of {len(results)} wrong answers, {sum('yes' in found for _, found in results)} secrets"


def submitted(attack, released, world):
    """The notebook that the attacker hands in, made of the released one."""
    notebook = json.loads(json.dumps(released))
    if isinstance(attack, attacks.Notebook):
        attack.change(notebook)
    else:
        (solution,) = attacks.cells(notebook, "solution")
        solution["source"] = attacks.PRELUDE.format(planted=world.planted()) + attack.text
    return notebook


def here(attack, world):
    sandbox.Limits = ours.Gradings().limits
    try:
        share, text, _ = ours.grade(world, from_dict(submitted(attack, ours.released(), world)))
    finally:
        sandbox.Limits = ours.LIMITS
    return f"{4 * share:g} | {secret(text, world)}"


def secret(text, world):
    found = world.word in text or world.word[:32] in text or "axis < added or" in text
    return "**yes**" if found else "no"


def under_stock_nbgrader(course, chosen, world):
    """For each attack's name what nbgrader made of it: points and whether a secret came back."""
    assignment = course / "source" / "03"
    assignment.mkdir(parents=True)
    (course / "nbgrader_config.py").write_text(SETTINGS)
    (assignment / "03.ipynb").write_text(json.dumps(source()))
    run(course, "generate_assignment", "03")
    released = json.loads((course / "release" / "03" / "03.ipynb").read_text())
    for attack in chosen:
        folder = course / "submitted" / attack.name / "03"
        folder.mkdir(parents=True)
        (folder / "03.ipynb").write_text(json.dumps(submitted(attack, released, world)))
        run(course, "autograde", "03", f"--student={attack.name}")  # one at a time: some abort all that come after
    return {attack.name: verdict(course, attack.name, world) for attack in chosen}


def source():
    nb = ours.released()
    nb.cells[1].source = "### BEGIN SOLUTION\ndef unbroadcast(gradient, shape):\n    return 0\n### END SOLUTION"
    nb.cells[2].source = CHECK
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(cell.source, id=cell.id, metadata=cell.metadata) for cell in nb.cells]
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def run(course, *command):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=course, env=environment, capture_output=True, text=True
    )
    if done.returncode and command[0] != "autograde":  # it returns 1 if any learner's notebook could not be graded
        raise RuntimeError(done.stderr)


def verdict(course, name, world):
    graded = course / "autograded" / name / "03" / "03.ipynb"
    came_back = json.dumps(outputs(graded)) if graded.exists() else ""
    try:
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
            points = f"{book.find_submission('03', name).score:g}" if graded.exists() else "not graded"
    except MissingEntry:
        points = "not graded"
    return f"{points} | {secret(came_back, world)}"


def outputs(path):
    return [cell.get("outputs") for cell in json.loads(path.read_text())["cells"]]


if __name__ == "__main__":
    main()
