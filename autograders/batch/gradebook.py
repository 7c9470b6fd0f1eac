"""nbgrader's gradebook, written as `nbgrader autograde` writes it, but each submission in one transaction.

nbgrader commits after every cell, so a crash can leave half a grade, which its export shows as a low score. Here its
own functions run within a transaction that they cannot end: a submission's grades are stored together or not at all.
"""

import contextlib
import time
import warnings

from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from sqlalchemy.exc import OperationalError, SAWarning

from autograders.batch.command import Refused

RETRIES = 3
SECONDS_BETWEEN = 2.0


class Book:
    """The gradebook of an opened room; use it in a `with` statement."""

    def __init__(self, room):
        self._room = room

    def __enter__(self):
        course = self._room.course
        self._gradebook = Gradebook(course.db_url, course.course_id)
        return self

    def __exit__(self, *exception):
        self._gradebook.close()

    def store(self, submission, notebooks):
        """Store what the graded `notebooks`, {name: notebook}, of a Submission say.

        A database that is locked or away is asked again, three times; then Refused is raised, and nothing was stored.
        """
        for tried in range(RETRIES + 1):
            try:
                with warnings.catch_warnings(action="ignore", category=SAWarning), self._transaction():
                    self._store(submission, notebooks)
                return
            except OperationalError as error:
                if tried == RETRIES:
                    said = " ".join(str(error.orig).split())
                    raise Refused(f"the gradebook does not answer ({said}); run the command again to go on") from error
                time.sleep(SECONDS_BETWEEN)

    @contextlib.contextmanager
    def _transaction(self):
        """A block in which nbgrader's `commit` writes to a transaction, and only the block's end commits it."""
        session = self._gradebook.db
        session.remove()
        try:
            with self._gradebook.engine.begin() as connection:
                session.configure(bind=connection, join_transaction_mode="rollback_only")
                yield
                session.flush()
        finally:
            session.remove()

    def _store(self, submission, notebooks):
        room, gradebook = self._room, self._gradebook
        gradebook.update_or_create_student(submission.student)
        when = {"timestamp": submission.timestamp} if submission.timestamp else {}
        gradebook.update_or_create_submission(room.assignment, submission.student, **when)
        for name in room.templates:
            if name in notebooks:
                self._store_notebook(submission.student, name, notebooks[name])
            else:
                self._store_zero(submission.student, name)

    def _store_notebook(self, student, name, nb):
        resources = self._room.resources(student, name)
        saving = SaveAutoGrades(parent=self._room.converter.exporter)
        saving.gradebook, saving.notebook_id = self._gradebook, name
        saving.assignment_id, saving.student_id = self._room.assignment, student
        for position, cell in enumerate(nb.cells):
            saving.preprocess_cell(cell, resources, position)
        self._store_lateness(student, name)

    def _store_lateness(self, student, name):
        step = AssignLatePenalties(parent=self._room.converter.exporter)
        if not step.enabled or AssignLatePenalties not in self._room.converter.autograde_preprocessors:
            return
        step.init_plugin()
        whole = self._gradebook.find_submission(self._room.assignment, student)
        notebook = self._gradebook.find_submission_notebook(name, self._room.assignment, student)
        notebook.late_submission_penalty = None
        if whole.total_seconds_late > 0:
            penalty = step.plugin_inst.late_submission_penalty(student, notebook.score, whole.total_seconds_late)
            if penalty is not None:
                notebook.late_submission_penalty = step._check_late_penalty(notebook, penalty)
        self._gradebook.db.commit()

    def _store_zero(self, student, name):
        """As nbgrader does with a notebook that was not handed in."""
        for grade in self._gradebook.find_submission_notebook(name, self._room.assignment, student).grades:
            grade.auto_score = 0
            grade.needs_manual_grade = False
        self._gradebook.db.commit()
