"""A submitted notebook made anew: the released one, with nothing of the learner's but the text of their answers."""

import re
from collections import defaultdict

from nbformat.v4 import new_markdown_cell
from nbgrader.utils import is_grade, is_solution

NOTES_ID = "notes-from-the-grader"
NOTES = """\
## Notes from the grader

Only your answers were taken from your notebook. They ran in a sandbox, after the cells with imports that the
chapter marks as its setup. The other cells were not run and stand here without results.
"""
LARGEST_ANSWER = 200_000  # characters
SEEN = re.compile(r"^The solution was seen on (\d{4}-\d{2}-\d{2})\.", re.MULTILINE)  # a report's words


def rebuild(template, submitted, largest_answer=LARGEST_ANSWER):
    """Put the answers of the notebook `submitted` into `template`, a released notebook, which is changed and returned.

    Cells are found by nbgrader's grade_id. What was lost, doubled or changed by accident is told in a Markdown
    cell at the top, and which solutions had been seen, as far as the submitted notebook says so itself. Answers longer
    than `largest_answer` characters count as not given.
    """
    candidates = _cells_by_grade_id(submitted)
    notes, seen = [], _solutions_seen(submitted)
    for cell in template.cells:
        if is_solution(cell):
            cell.source = _answer(cell, candidates[grade_id(cell)], notes, largest_answer)
        elif is_grade(cell):
            _compare_check(cell, candidates[grade_id(cell)], notes)
            _tell_if_seen(cell, seen, notes)
    text = NOTES + "".join(f"\n- {note}" for note in notes)
    template.cells.insert(0, new_markdown_cell(text, id=NOTES_ID))
    template.metadata.setdefault("chainrule", {})["graded"] = False
    return template


def grade_id(cell):
    """nbgrader's name for a released cell."""
    return cell.metadata["nbgrader"]["grade_id"]


def exercise_of(cell):
    """The name of the exercise a released cell belongs to, or its grade_id if it is none of the course's."""
    return cell.metadata.get("chainrule", {}).get("exercise", grade_id(cell))


def _cells_by_grade_id(nb):
    """The submission's cells that carry a grade_id and a text, by that id. Nothing in them is trusted."""
    found = defaultdict(list)
    for cell in nb.cells:
        metadata = cell.get("metadata")
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        name = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        if isinstance(name, str) and isinstance(cell.get("source"), str):
            found[name].append(cell)
    return found


def _answer(cell, candidates, notes, largest_answer):
    """The source that counts as the learner's answer to the released `cell`."""
    name, stub = exercise_of(cell), cell.source
    if not candidates:
        notes.append(f"The cell for `{name}` was not in your notebook, so it counts as not answered.")
        return stub
    changed = [candidate for candidate in candidates if candidate["source"].strip() != stub.strip()]
    chosen = (changed or candidates)[-1]
    if len(candidates) > 1:
        notes.append(
            f"There were {len(candidates)} cells for `{name}`. Only the last one that you had written in was "
            "graded; if your answer was spread over them, put it into one cell."
        )
    if len(chosen["source"]) > largest_answer:
        notes.append(
            f"Your answer to `{name}` has {len(chosen['source']):,} characters; up to {largest_answer:,} are "
            "graded, so it counts as not answered."
        )
        return stub
    if chosen["cell_type"] != cell.cell_type:
        notes.append(f"The cell for `{name}` had become another kind of cell; it was read as {cell.cell_type}.")
    storable = chosen["source"].encode("utf-8", errors="replace").decode("utf-8")
    if storable != chosen["source"]:
        notes.append(f"Your answer to `{name}` had characters that cannot be stored; they became question marks.")
    return storable


def _solutions_seen(nb):
    """{exercise: date} of the solutions that were seen, as the checks' outputs in a submitted notebook tell.

    It is the learner's own word: outputs can be deleted, and nothing but a date is taken from them.
    """
    found = {}
    for cell in nb.cells:
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():
            data = output.get("data") if isinstance(output, dict) else None
            text = data.get("text/plain") if isinstance(data, dict) else None
            date = SEEN.search(text) if isinstance(text, str) else None
            if date:
                found[text.partition(":")[0]] = date[1]
    return found


def _tell_if_seen(cell, seen, notes):
    name = exercise_of(cell)
    if name in seen:
        notes.append(
            f"The solution of `{name}` was seen on {seen[name]}, as the outputs in your notebook say. That costs no "
            "points."
        )


def _compare_check(cell, candidates, notes):
    if not candidates:
        notes.append(f"The check of `{exercise_of(cell)}` was not in your notebook; it was put back.")
    elif any(candidate["source"] != cell.source for candidate in candidates):
        notes.append(f"The check of `{exercise_of(cell)}` was changed in your notebook; the original one counts.")
