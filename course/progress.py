"""Where a learner stands: which checks have passed, what of the engine is their own, and the next step.

    from course.progress import progress

    progress()    # in the index notebook: the map of the course with marks, and links

Everything is read from the workspace (`.chainrule/passed.json`, `seen.json`, the files of `my_engine/`); nothing is run
or written. `progress_page` says how it looks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from autograders import marks
from autograders import spec as specs
from autograders.own_engine import PACKAGE, answers_in
from autograders.workspace import KEPT, workspace
from course.contents import Chapter, chapters

PASSED, BEGUN, OPEN = "passed", "begun", "open"
NO_WORKSPACE = (
    "Checks that pass are noted in a workspace, the folder that `make lab` opens, and this notebook is in none."
)


@dataclass(frozen=True)
class State:
    """How far a learner is with a chapter. `kind`: PASSED, BEGUN or OPEN; `next`: whether the next step is in it."""

    kind: str
    done: int
    of: int
    next: bool = False

    @property
    def words(self):
        """As a reader sees it: "passed", "2 of 5 passed, next"."""
        words = {PASSED: "passed", BEGUN: f"{self.done} of {self.of} passed", OPEN: "not begun"}[self.kind]
        return f"{words}, next" if self.next else words


@dataclass(frozen=True)
class Step:
    """An exercise to do; at the start of a chapter (`begins`) the way leads to the chapter's first line."""

    chapter: Chapter
    exercise: specs.Spec
    begins: bool = False


@dataclass(frozen=True)
class Progress:
    """What a learner has done. Prints as plain text, shows in a notebook as map, table and lists.

    `passed` and `seen`: {exercise: date}; `own`: {exercise: whether its file in `my_engine/` is as it was saved}.
    `problems`: sentences about what could not be read.
    """

    chapters: tuple[Chapter, ...]
    passed: Mapping[str, str]
    seen: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, bool] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @cached_property
    def exercises(self):
        """{chapter's number: the specs of its exercises}, in their order."""
        known = specs.exercises()
        return {chapter.number: [known[name] for name in chapter.exercises] for chapter in self.chapters}

    @cached_property
    def _open(self):
        """(steps that are open before the last exercise that passed, in the course's order, steps that are open after
        it)."""
        before, after = [], []
        for chapter in self.chapters:
            begins = not any(name in self.passed for name in chapter.exercises)
            for exercise in self.exercises[chapter.number]:
                if exercise.name in self.passed:
                    before, after = before + after, []
                else:
                    after.append(Step(chapter, exercise, begins and exercise is self.exercises[chapter.number][0]))
        return before, after

    @property
    def next(self):
        """The next Step, None if all is done: what follows the last exercise that passed. Who left one out before had
        a reason; it comes again at the end."""
        before, after = self._open
        return (after or before or [None])[0]

    @property
    def left_out(self):
        """The steps that were left out on the way, but for the next one."""
        before, after = self._open
        return before if after else before[1:]

    @property
    def count(self):
        """How many exercises passed, and how many there are."""
        names = [name for chapter in self.chapters for name in chapter.exercises]
        return sum(name in self.passed for name in names), len(names)

    @property
    def states(self):
        """{chapter's number: State}."""
        return {chapter.number: self._state(chapter) for chapter in self.chapters}

    def _state(self, chapter):
        done, of = sum(name in self.passed for name in chapter.exercises), len(chapter.exercises)
        kind = PASSED if done == of else BEGUN if done else OPEN
        return State(kind, done, of, self.next is not None and self.next.chapter is chapter)

    def __repr__(self):
        from course.progress_page import text

        return text(self)

    def _repr_html_(self):
        from course.progress_page import html

        return html(self)


def progress():
    """The Progress of the learner in whose workspace the current folder lies; elsewhere that of who begins."""
    return progress_in(workspace())


def progress_in(root):
    """The Progress in the workspace `root`, a folder; None for that of who begins. Raises HeaderError."""
    if root is None:
        return Progress(chapters(), {}, problems=(NO_WORKSPACE,))
    problems = []
    passed = _kept(marks.passed, root, "which checks passed", problems)
    seen = _kept(marks.seen, root, "which solutions were seen", problems)
    try:
        own = answers_in(Path(root))
    except OSError as error:
        own = {}
        problems.append(f"`{PACKAGE}/` cannot be read ({error}), so it is not known what is in it.")
    return Progress(chapters(), passed, seen, own, tuple(problems))


def _kept(kind, root, what, problems):
    try:
        return kind.kept(Path(root))
    except (OSError, ValueError) as error:
        file = (KEPT / kind.file).as_posix()
        problems.append(
            f"`{file}` cannot be read ({error}), so it is not known {what}. The file stays as it is. If you move it "
            "away, a new one begins with your next check that passes."
        )
        return {}
