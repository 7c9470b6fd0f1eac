"""Two steps in nbgrader's autograde that make its grades trustworthy: `Rebuild`, then `Judge`.

Stock nbgrader runs the learner's notebook and believes its outputs. Here the notebook is made anew from
the released one, with nothing of the learner's but the text of their answers; the answers run in a sandbox,
and this process judges what comes out and writes the outputs that nbgrader turns into a grade.
Everything else in nbgrader (gradebook, formgrader, feedback, export) stays as it is.
"""

import datetime
import functools
import hashlib
import hmac
import importlib.util
import json
import os
import secrets
from collections import defaultdict
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell, new_output
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors.base import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Integer

from autograders import sandbox, spec
from autograders.judge import judge

SETUP_TAG = "setup"
NOTES_ID = "notes-from-the-grader"
NOTES = """\
## Notes from the grader

Only your answers were taken from your notebook. They ran in a sandbox, after the cells with imports that the
chapter marks as its setup. The other cells were not run and stand here without results.
"""


class GradingStopped(Exception):
    """Grading cannot go on for a reason that is not the learner's; no grade was written."""


# Step 1: rebuild


class Rebuild(NbGraderPreprocessor):
    """Put the learner's answers into a fresh copy of the released notebook; leave everything else of theirs behind.

    Cells are found by nbgrader's grade_id. What was lost, doubled or changed by accident is told in a Markdown
    cell at the top. Raises GradingStopped if the assignment was never released.
    """

    largest_answer = Integer(200_000, help="Answers longer than this many characters are not graded.").tag(config=True)

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        course = CourseDirectory(parent=self)
        folder = course.format_path(course.release_directory, ".", names["assignment"])
        rebuilt = _read_template(Path(folder, f"{names['notebook']}.ipynb"), names["assignment"])
        submitted = _cells_by_grade_id(nb)
        notes = []
        for cell in rebuilt.cells:
            if is_solution(cell):
                cell.source = self._answer(cell, submitted[_grade_id(cell)], notes)
            elif is_grade(cell):
                _compare_check(cell, submitted[_grade_id(cell)], notes)
        text = NOTES + "".join(f"\n- {note}" for note in notes)
        rebuilt.cells.insert(0, new_markdown_cell(text, id=NOTES_ID))
        rebuilt.metadata.setdefault("chainrule", {})["graded"] = False
        return rebuilt, resources

    def _answer(self, cell, candidates, notes):
        """The source that counts as the learner's answer to the released `cell`."""
        name, stub = _exercise(cell), cell.source
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
        if len(chosen["source"]) > self.largest_answer:
            notes.append(
                f"Your answer to `{name}` has {len(chosen['source']):,} characters; up to {self.largest_answer:,} are "
                "graded, so it counts as not answered."
            )
            return stub
        if chosen["cell_type"] != cell.cell_type:
            notes.append(f"The cell for `{name}` had become another kind of cell; it was read as {cell.cell_type}.")
        storable = chosen["source"].encode("utf-8", errors="replace").decode("utf-8")
        if storable != chosen["source"]:
            notes.append(f"Your answer to `{name}` had characters that cannot be stored; they became question marks.")
        return storable


def _read_template(path, assignment):
    if not path.is_file():
        raise GradingStopped(
            f"{assignment} cannot be graded: its released notebook {path} is missing; "
            f"run `nbgrader generate_assignment {assignment}` first"
        )
    return nbformat.read(path, as_version=4)


def _cells_by_grade_id(nb):
    """The submission's cells that carry a grade_id and a text, by that id. Nothing in them is trusted."""
    found = defaultdict(list)
    for cell in nb.cells:
        metadata = cell.get("metadata")
        nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
        if isinstance(grade_id, str) and isinstance(cell.get("source"), str):
            found[grade_id].append(cell)
    return found


def _compare_check(cell, candidates, notes):
    if not candidates:
        notes.append(f"The check of `{_exercise(cell)}` was not in your notebook; it was put back.")
    elif any(candidate["source"] != cell.source for candidate in candidates):
        notes.append(f"The check of `{_exercise(cell)}` was changed in your notebook; the original one counts.")


def _grade_id(cell):
    return cell.metadata["nbgrader"]["grade_id"]


def _exercise(cell):
    """The name of the exercise a released cell belongs to, or its grade_id if it is none of the course's."""
    return cell.metadata.get("chainrule", {}).get("exercise", _grade_id(cell))


# Step 2: judge


class Judge(NbGraderPreprocessor):
    """Judge each answer of a rebuilt notebook and write the outputs of its check cell. Takes the place of Execute.

    The first output is the report; the last one is the earned points, which nbgrader reads as the grade.
    Raises GradingStopped, before anything is written, if there is no sandbox or a cell cannot be judged.
    """

    def preprocess(self, nb, resources):
        root = Path(CourseDirectory(parent=self).root)
        key = _secret(root / ".secret")
        submission = _digest_of_answers(nb)
        sources, records = [], []
        for cell in nb.cells:
            if cell.cell_type != "code":
                continue
            if is_solution(cell) or SETUP_TAG in cell.metadata.get("tags", []):
                sources.append((cell.id, cell.source))
            elif is_grade(cell):
                exercise = spec.load(_exercise_to_judge(cell))
                seed = _seed(key, submission, exercise.name)
                report, level = _judge(exercise, sources, seed)
                points = _in_cells_points(report, cell)
                cell.outputs = _outputs(report, points, seed, level)
                records.append(_record(resources["nbgrader"], submission, exercise, seed, level, report, points))
        _append(root / "ledger.jsonl", records)
        nb.metadata.setdefault("chainrule", {})["graded"] = True
        return nb, resources


def _exercise_to_judge(cell):
    if "chainrule" not in cell.metadata:
        raise GradingStopped(f"the cell {_grade_id(cell)!r} belongs to no exercise, so nothing can judge it")
    return _exercise(cell)


def _judge(exercise, sources, seed):
    """The report on one answer, which runs in a sandbox of its own, and the name of that sandbox's level."""
    limits = sandbox.Limits(seconds_per_call=exercise.limits.seconds, megabytes=exercise.limits.megabytes)
    try:
        with sandbox.open_session(
            sources, exercise.function, packages=exercise.packages, withheld=exercise.withheld, limits=limits
        ) as session:
            return judge(exercise, session, seed), session.level
    except sandbox.SandboxUnavailable as error:
        raise GradingStopped(f"nothing was graded: {error}") from error


def _in_cells_points(report, cell):
    """The earned points, should the instructor have given the cell other points in the gradebook."""
    return float(report.points) * float(cell.metadata["nbgrader"]["points"]) / float(report.max_points)


def _outputs(report, points, seed, level):
    seen = f"Graded with seed {seed} in a sandbox of the level {level}."
    return [
        new_output("display_data", data={"text/plain": report.text(), "text/html": report.html()}),
        new_output("display_data", data={"text/plain": seen}),
        new_output("execute_result", data={"text/plain": repr(points)}),
    ]


# Seeds


def _digest_of_answers(nb):
    """A digest of all answers in a rebuilt notebook: equal answers are graded with equal seeds."""
    answers = [[_grade_id(cell), cell.source] for cell in nb.cells if is_solution(cell)]
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()


def _seed(key, submission, name):
    """A seed that a learner cannot foresee and a rerun repeats."""
    message = f"{submission} {name}".encode()
    return int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big")


def _secret(path):
    """The classroom's secret key, 32 bytes that only its owner can read; made on first use."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
        try:
            _write_once(temporary, secrets.token_bytes(32))
            os.link(temporary, path)
        except FileExistsError:
            pass  # another process was first: its key counts
        finally:
            temporary.unlink(missing_ok=True)
    key = path.read_bytes()
    if len(key) != 32:
        raise GradingStopped(f"{path} should hold the classroom's key of 32 bytes, it has {len(key)}")
    return key


def _write_once(path, data):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


# The ledger


def _record(names, submission, exercise, seed, level, report, points):
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "assignment": names["assignment"],
        "student": names["student"],
        "exercise": exercise.name,
        "submission": submission,
        "autograders": _package_digest("autograders"),
        "engine": _package_digest("engine"),
        "seed": seed,
        "sandbox": level,
        "stages": [{"name": stage.name, "weight": stage.weight, "credit": stage.credit} for stage in report.stages],
        "points": points,
    }


def _append(path, records):
    """Add a line for each record to the ledger, all with one write, so that lines of two graders never mix."""
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        if os.write(descriptor, lines) != len(lines):
            raise OSError(f"{path}: the disk took only a part of what was to be written")
    finally:
        os.close(descriptor)


@functools.cache
def _package_digest(name):
    """A digest of a package's Python files: the version of the specs and the judge, or of the engine."""
    folder = Path(importlib.util.find_spec(name).submodule_search_locations[0])
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        whole.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return whole.hexdigest()
