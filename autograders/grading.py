"""From a rebuilt notebook to the tasks that `marking.mark` does, and from its verdicts back into the notebook."""

import hashlib
import hmac
import json

from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_solution

from autograders.rebuild import exercise_of, grade_id

SETUP_TAG = "setup"


class GradingStopped(Exception):
    """Grading cannot go on for a reason that is not the learner's; no grade was written."""


def tasks_of(nb, key):
    """The tasks of a rebuilt notebook, in order, one for each graded cell.

    Each answer runs after the setup cells and the answers before it. `key` is the classroom's secret: seeds come from
    it and from all answers together. Raises GradingStopped for a cell that belongs to no exercise.
    """
    submission = digest_of_answers(nb)
    sources, tasks = [], []
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        if is_solution(cell) or SETUP_TAG in cell.metadata.get("tags", []):
            sources.append([cell.id, cell.source])
        elif is_grade(cell):
            if "chainrule" not in cell.metadata:
                raise GradingStopped(f"the cell {grade_id(cell)!r} belongs to no exercise, so nothing can judge it")
            name = exercise_of(cell)
            tasks.append({"exercise": name, "sources": list(sources), "seed": seed_for(key, submission, name)})
    return tasks


def write_verdicts(nb, verdicts):
    """Give each graded cell of `nb` its outputs, in order; returns the points that each earned.

    The first output is the report; the last one is the earned points, which nbgrader reads as the grade.
    """
    graded = [cell for cell in nb.cells if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)]
    earned = []
    for cell, verdict in zip(graded, verdicts, strict=True):
        earned.append(_in_cells_points(verdict, cell))
        cell.outputs = _outputs(verdict, earned[-1])
    nb.metadata.setdefault("chainrule", {})["graded"] = True
    return earned


def _in_cells_points(verdict, cell):
    """The earned points, should the instructor have given the cell other points in the gradebook."""
    return verdict["points"] * float(cell.metadata["nbgrader"]["points"]) / verdict["max_points"]


def _outputs(verdict, points):
    seen = f"Graded with seed {verdict['seed']} in a sandbox of the level {verdict['sandbox']}."
    return [
        new_output("display_data", data={"text/plain": verdict["text"], "text/html": verdict["html"]}),
        new_output("display_data", data={"text/plain": seen}),
        new_output("execute_result", data={"text/plain": repr(points)}),
    ]


def digest_of_answers(nb):
    """A digest of all answers in a rebuilt notebook: equal answers are graded with equal seeds."""
    answers = [[grade_id(cell), cell.source] for cell in nb.cells if is_solution(cell)]
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()


def seed_for(key, submission, name):
    """A seed that a learner cannot foresee and a rerun repeats."""
    message = f"{submission} {name}".encode()
    return int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big")
