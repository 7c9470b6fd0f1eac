"""nbgrader's classroom as the batch sees it: an assignment's released notebooks, and what was handed in.

A submission comes from a stranger. Whatever its files provoke concerns that submission alone, and is told in words.
"""

import contextlib
import copy
import hashlib
import json
import logging
import os
import re
import stat
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from nbgrader.utils import find_all_files
from traitlets.utils.importstring import import_item

from autograders import grading, ledger
from autograders.batch.command import Refused
from autograders.grading import GradingStopped
from autograders.marking import package_digest
from autograders.nbgrader_plugin import Judge, Rebuild, read_template
from autograders.rebuild import rebuild

LARGEST_NOTEBOOK = 20 * 2**20  # bytes
STORED_BY_US = (SaveAutoGrades, AssignLatePenalties)  # the steps of nbgrader's that write to the gradebook


class Unreadable(Exception):
    """A submission that cannot be graded as it is; the message says why, for its learner."""


@dataclass
class Submission:
    """One learner's submission: what to judge of it, and what has to be written once it is judged.

    `key` is a digest of all that its grade depends on. `tasks` are those of `marking.mark`, notebook by notebook.
    """

    student: str
    key: str
    notebooks: dict  # name: the rebuilt notebook, not yet judged
    tasks: dict  # name: its tasks
    files: dict  # name: the bytes of what is not a notebook
    timestamp: object  # a datetime in UTC without zone, or None
    remarks: list = field(default_factory=list)


class Room:
    """A classroom opened for one assignment.

    Raises Refused if `folder` is no classroom with our grading steps, GradingStopped if the assignment was not
    released or the gradebook does not know it.
    """

    def __init__(self, folder, assignment, db_url=None):
        self.folder = Path(folder).absolute()
        self.assignment = assignment
        self.converter = _converter(self.folder, db_url)
        self.course = self.converter.coursedir
        sanitize, grade = (
            [import_item(step) if isinstance(step, str) else step for step in steps]
            for steps in (self.converter.sanitize_preprocessors, self.converter.autograde_preprocessors)
        )
        if Rebuild not in sanitize or Judge not in grade:
            raise Refused(
                f"{self.folder / 'nbgrader_config.py'} does not call course.nbgrader_config.configure, so nbgrader and "
                "this command would grade differently"
            )
        self._before = [step for step in sanitize if step is not Rebuild]
        self._after = [step for step in grade if step not in (Judge, *STORED_BY_US)]
        self._key = ledger.secret_key(self.folder / ledger.SECRET)
        self._largest_answer = Rebuild(parent=self.converter).largest_answer
        self.templates = {name: self._template(name) for name in self._notebook_names()}

    @property
    def ledger(self):
        return self.folder / ledger.LEDGER

    def students(self):
        """The names of all who handed in, sorted. Raises Refused if nobody did."""
        pattern = re.compile(self.course.format_path(*self._submitted("(?P<student>[^/]+)"), escape=True) + r"\Z")
        folders = Path("/").glob(self.course.format_path(*self._submitted("*")).lstrip("/"))
        found = (pattern.match(str(path)) for path in folders if path.is_dir())
        excluded = set(filter(None, self.course.student_id_exclude.split(",")))
        students = sorted({match["student"] for match in found if match} - excluded)
        if not students:
            raise Refused(f"nothing was handed in for {self.assignment} in {self.folder}")
        return students

    def submission(self, student):
        """What `student` handed in, as a Submission. Raises Unreadable."""
        folder = Path(self.course.format_path(*self._submitted(student)))
        texts = {name: _read(folder / f"{name}.ipynb") for name in self.templates if _is_there(folder, name)}
        if not texts:
            expected = " or ".join(f"{name}.ipynb" for name in self.templates)
            raise Unreadable(f"has no notebook called {expected}")
        files = self._other_files(folder)
        remarks = [f"{name}.ipynb is not there and counts 0" for name in self.templates if name not in texts]
        notebooks = {name: self._rebuild(name, text) for name, text in texts.items()}
        tasks = {name: grading.tasks_of(nb, self._key) for name, nb in notebooks.items()}
        key = self._digest(texts, files)
        return Submission(student, key, notebooks, tasks, files, self._timestamp(folder), remarks)

    def graded(self, submission, verdicts):
        """The graded notebooks as text, and the ledger's records, from {notebook: its tasks' verdicts}."""
        texts, records = {}, []
        for name, nb in submission.notebooks.items():
            nb, names = copy.deepcopy(nb), self._names(submission.student, name)
            answers = grading.digest_of_answers(nb)
            points = grading.write_verdicts(nb, verdicts[name])
            nb = self._run(self._after, nb, names)
            texts[name] = _as_text(nb)
            digest = hashlib.sha256(texts[name].encode()).hexdigest()
            for verdict, earned in zip(verdicts[name], points, strict=True):
                whole = ledger.record(names, answers, verdict, earned)
                records.append({**whole, "job": submission.key, "graded": digest})
        return texts, records

    def destination(self, student):
        """The folder of a learner's graded notebooks."""
        return Path(self.course.format_path(self.course.autograded_directory, student, self.assignment))

    def resources(self, student, notebook):
        """What nbgrader's steps want to be told."""
        return {"unique_key": notebook, "output_files_dir": "", "nbgrader": self._names(student, notebook)}

    @cached_property
    def _released(self):
        """A digest of the released notebooks as they are graded, the gradebook's points included."""
        return _digest({name: nbformat.writes(nb) for name, nb in self.templates.items()})

    def _digest(self, texts, files):
        contents = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        versions = [package_digest("autograders"), package_digest("engine"), self._largest_answer]
        return _digest([self.assignment, texts, contents, self._released, *versions])

    def _submitted(self, student):
        return self.course.submitted_directory, student, self.assignment

    def _names(self, student, notebook):
        url = self.course.db_url
        return {"assignment": self.assignment, "notebook": notebook, "student": student, "db_url": url}

    def _notebook_names(self):
        with Gradebook(self.course.db_url, self.course.course_id) as gradebook:
            try:
                return sorted(notebook.name for notebook in gradebook.find_assignment(self.assignment).notebooks)
            except MissingEntry as error:
                raise GradingStopped(
                    f"the gradebook knows no assignment {self.assignment!r}; run `nbgrader generate_assignment "
                    f"{self.assignment}` first, with the same database"
                ) from error

    def _template(self, name):
        """The released notebook with what the gradebook says of its cells: points, sources of locked cells."""
        template = read_template(self.course, self.assignment, name)
        template = self._run(self._before, template, self._names("", name))
        grading.tasks_of(template, self._key)  # raises if a cell has no judge: before anything was graded
        return template

    def _run(self, steps, nb, names):
        """The notebook after some of nbgrader's steps, taken as its converter takes them."""
        exporter = self.converter.exporter
        exporter._preprocessors = []
        for step in steps:
            exporter.register_preprocessor(step)
        text, _ = exporter.from_notebook_node(nb, {"unique_key": names["notebook"], "nbgrader": names})
        return nbformat.reads(text, as_version=4)

    def _rebuild(self, name, text):
        try:
            with warnings.catch_warnings(action="ignore"):
                submitted = nbformat.reads(text, as_version=4)
            return rebuild(copy.deepcopy(self.templates[name]), submitted, self._largest_answer)
        except Exception as error:
            said = " ".join(str(error).split())[:200]
            raise Unreadable(f"{name}.ipynb is not a notebook ({type(error).__name__}: {said})") from error

    def _other_files(self, folder):
        """Their other files, and over them those that belong to the assignment, as nbgrader copies them."""
        files = {}
        source = Path(self.course.format_path(self.course.source_directory, ".", self.assignment))
        theirs_to_keep = self.converter.exclude_overwriting.get(self.assignment, [])
        for place in (folder, source):
            for path in sorted(find_all_files(str(place), self.course.ignore + ["*.ipynb"])):
                name = os.path.relpath(path, place)
                if place == folder or name not in theirs_to_keep:
                    files[name] = _read_bytes(Path(path))
        return files

    def _timestamp(self, folder):
        try:
            return self.course.get_existing_timestamp(str(folder))
        except Exception as error:  # nbgrader's own way to say so fails too
            raise Unreadable("timestamp.txt does not hold a time") from error


def _converter(folder, db_url):
    """nbgrader's Autograde with the settings that `nbgrader autograde` would have in `folder`."""
    if not (folder / "nbgrader_config.py").is_file():
        raise Refused(
            f"{folder} is not a classroom: it has no nbgrader_config.py (`make teach` prepares one; name it with "
            "--classroom)"
        )
    app = AutogradeApp()
    with contextlib.chdir(folder):
        app.initialize([])
    app.log.setLevel(logging.CRITICAL)  # what concerns one submission is told in the summary
    if db_url is not None:
        app.coursedir.db_url = db_url
    converter = Autograde(coursedir=app.coursedir, parent=app)
    converter.exporter = converter.exporter_class(parent=converter, config=converter.config)
    return converter


def _is_there(folder, name):
    return os.path.lexists(folder / f"{name}.ipynb")


def _read(path):
    try:
        return _read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path.name} is not a notebook (it is not UTF-8 text)") from error


def _read_bytes(path):
    """A file's content. Links are not followed: they could show what their owner may not read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read ({error.strerror})") from error
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable(f"{path.name} is not a plain file")
        if found.st_size > LARGEST_NOTEBOOK:
            size, most = found.st_size / 2**20, LARGEST_NOTEBOOK // 2**20
            raise Unreadable(f"{path.name} has {size:.0f} MB, up to {most} are read")
        return file.read(LARGEST_NOTEBOOK)


def _as_text(nb):
    """The text of a notebook's file as nbconvert writes it."""
    text = nbformat.writes(nb, version=4)
    return text if text.endswith("\n") else text + "\n"


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
