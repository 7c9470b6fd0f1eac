"""Classrooms for the tests of grading many: made with nbgrader's own commands, submissions put straight into place."""

import contextlib
import copy
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest import mock

from autograders.__main__ import main

REPOSITORY = Path(__file__).resolve().parents[3]
NAME = "01-tiny"
NOTEBOOK = f"{NAME}.ipynb"
EXERCISE = "autograd-unbroadcast"
CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3 (ipykernel)
  name: python3
---

# A tiny chapter

```{code-cell}
:tags: [setup]

import numpy as np
from autograders import check
```

```{code-cell}
:exercise: autograd/unbroadcast

def unbroadcast(gradient, shape):
    \"\"\"The gradient of an array of shape `shape` that was broadcast to gradient's shape.\"\"\"
    ### BEGIN SOLUTION
    added = gradient.ndim - len(shape)
    stretched = [axis + added for axis, length in enumerate(shape) if length == 1]
    return gradient.sum(axis=(*range(added), *stretched), keepdims=True).reshape(shape)
    ### END SOLUTION
```
"""
RIGHT = """\
def unbroadcast(gradient, shape):
    added = gradient.ndim - len(shape)
    stretched = [axis + added for axis, length in enumerate(shape) if length == 1]
    return gradient.sum(axis=(*range(added), *stretched), keepdims=True).reshape(shape)
"""
LEADING = """\
def unbroadcast(gradient, shape):
    return gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
"""
UNCHANGED = "def unbroadcast(gradient, shape):\n    return gradient\n"
RAISES = "def unbroadcast(gradient, shape):\n    return gradient.reshape(shape).nonsense\n"
ANSWERS = (RIGHT, LEADING, UNCHANGED, RAISES, None)  # None: not answered


def environment(folder, classroom):
    """The environment of an instructor's command: nothing of the machine's own settings."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    places = ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CHAINRULE_CLASSROOM": str(classroom),
        **{place: str(home / place.lower()) for place in places},
    }


class Classroom:
    """A classroom in a folder of its own, and the commands that an instructor gives there."""

    name = NAME

    def __init__(self, folder):
        self.folder = folder / "classroom"
        self.environment = environment(folder, self.folder)

    def prepare(self, settings=""):
        """Make it, with the tiny chapter generated but nothing handed in. Returns itself."""
        from course import classroom

        chapters = self.folder.parent / "chapters"
        chapters.mkdir(parents=True)
        (chapters / f"{NAME}.md").write_text(CHAPTER, encoding="utf-8")
        with without_exchange():
            classroom.prepare(self.folder, chapters)
        (self.folder / ".secret").write_bytes(bytes(range(32)))
        with open(self.folder / "nbgrader_config.py", "a", encoding="utf-8") as file:
            file.write(settings)
        self.nbgrader("generate_assignment", NAME)
        return self

    def copy(self, folder):
        """The same classroom in another folder."""
        shutil.copytree(self.folder, folder / "classroom")
        return Classroom(folder)

    def submit(self, student, answer, others=()):
        """Hand in the released notebook with `answer` in it (source or None); `others` are (name, bytes) of files."""
        notebook = json.loads((self.folder / "release" / self.name / f"{self.name}.ipynb").read_text("utf-8"))
        if answer is not None:
            next(cell for cell in notebook["cells"] if cell["id"] == EXERCISE)["source"] = answer
        self.submit_raw(student, json.dumps(notebook).encode(), others)

    def submit_raw(self, student, content, others=()):
        folder = self.folder / "submitted" / student / self.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in [(f"{self.name}.ipynb", content), *others]:
            (folder / name).write_bytes(data)

    def run(self, *arguments, fails=False):
        """`python -m autograders ...` here, in this process, which has imported everything; returns what it said."""
        said = io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.dict(os.environ, self.environment, clear=True))
            stack.enter_context(contextlib.chdir(self.folder))
            stack.enter_context(contextlib.redirect_stdout(said))
            stack.enter_context(contextlib.redirect_stderr(said))
            status = main(arguments)
        assert (status != 0) == fails, said.getvalue()
        return said.getvalue()

    def nbgrader(self, *arguments):
        """One of nbgrader's commands, in a process of its own as an instructor would give it."""
        command = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=400, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *arguments):
        """`python -m autograders ...` as a process of its own, all that it says in one pipe."""
        command = [sys.executable, "-m", "autograders", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)

    def ledger(self):
        """The ledger's records without times, in an order of their own."""
        lines = (self.folder / "ledger.jsonl").read_text("utf-8").splitlines()
        return sorted(
            ({**json.loads(line), "time": ""} for line in lines), key=lambda line: (line["student"], line["exercise"])
        )

    def graded(self):
        """{file: bytes} of everything in autograded/."""
        root = self.folder / "autograded"
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}

    def scores(self, url=None):
        """{student: {cell: (auto_score, needs_manual_grade, comment of the answer's cell)}} of the gradebook."""
        from nbgrader.api import Gradebook

        found = {}
        with Gradebook(url or f"sqlite:///{self.folder / 'gradebook.db'}", "chainrule") as book:
            for submission in book.assignment_submissions(self.name):
                (notebook,) = submission.notebooks
                comments = {comment.name: comment.auto_comment for comment in notebook.comments}
                found[submission.student_id] = {
                    "scores": {grade.name: (grade.auto_score, grade.needs_manual_grade) for grade in notebook.grades},
                    "comments": copy.deepcopy(comments),
                    "timestamp": submission.timestamp,
                    "penalty": notebook.late_submission_penalty,
                }
        return found


@contextlib.contextmanager
def without_exchange():
    kept = os.environ.pop("CHAINRULE_EXCHANGE", None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ["CHAINRULE_EXCHANGE"] = kept
