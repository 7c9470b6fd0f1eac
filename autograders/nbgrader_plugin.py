"""Two steps in nbgrader's autograde that make its grades trustworthy: `Rebuild`, then `Judge`.

Stock nbgrader runs the learner's notebook and believes its outputs. Here the notebook is made anew from
the released one, with nothing of the learner's but the text of their answers; the answers run in a sandbox,
and this process judges what comes out and writes the outputs that nbgrader turns into a grade.
Everything else in nbgrader (gradebook, formgrader, feedback, export) stays as it is.
"""

from pathlib import Path

import nbformat
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors.base import NbGraderPreprocessor
from traitlets import Integer

from autograders import grading, ledger, marking, sandbox
from autograders.grading import GradingStopped
from autograders.rebuild import LARGEST_ANSWER, rebuild


class Rebuild(NbGraderPreprocessor):
    """Put the learner's answers into a fresh copy of the released notebook; leave everything else of theirs behind.

    See `rebuild.rebuild`. Raises GradingStopped if the assignment was never released.
    """

    largest_answer = Integer(LARGEST_ANSWER, help="Answers longer than this many characters are not graded.").tag(
        config=True
    )

    def preprocess(self, nb, resources):
        names = resources["nbgrader"]
        template = read_template(CourseDirectory(parent=self), names["assignment"], names["notebook"])
        return rebuild(template, nb, self.largest_answer), resources


class Judge(NbGraderPreprocessor):
    """Judge each answer of a rebuilt notebook and write the outputs of its check cell. Takes the place of Execute.

    Raises GradingStopped, before anything is written, if there is no sandbox or a cell cannot be judged.
    """

    def preprocess(self, nb, resources):
        root = Path(CourseDirectory(parent=self).root)
        tasks = grading.tasks_of(nb, ledger.secret_key(root / ledger.SECRET))
        try:
            verdicts = marking.mark_all(tasks)
        except sandbox.SandboxUnavailable as error:
            raise GradingStopped(f"nothing was graded: {error}") from error
        points = grading.write_verdicts(nb, verdicts)
        names, submission = resources["nbgrader"], grading.digest_of_answers(nb)
        records = [ledger.record(names, submission, *each) for each in zip(verdicts, points)]
        ledger.append(root / ledger.LEDGER, records)
        return nb, resources


def read_template(course, assignment, notebook):
    """The released notebook; raises GradingStopped if there is none. `course` is nbgrader's CourseDirectory."""
    path = Path(course.format_path(course.release_directory, ".", assignment), f"{notebook}.ipynb")
    if not path.is_file():
        raise GradingStopped(
            f"{assignment} cannot be graded: its released notebook {path} is missing; "
            f"run `nbgrader generate_assignment {assignment}` first"
        )
    return nbformat.read(path, as_version=4)
