"""`python -m autograders grade ASSIGNMENT`: judge every submission not graded yet, store each as it is ready."""

import sys
import time
from dataclasses import dataclass, field

from autograders.batch.command import add_assignment, add_cluster, told


@dataclass
class Summary:
    """What became of the submissions. `failed` and `remarks` are {student: words}; `seconds` is wall-clock time.

    `slow` ones took several times the usual time, so they were judged last.
    """

    graded: int = 0
    unchanged: int = 0
    retried: int = 0
    slow: int = 0
    seconds: float = 0.0
    failed: dict = field(default_factory=dict)
    remarks: dict = field(default_factory=dict)

    def __str__(self):
        counts = f"{self.graded} graded, {self.unchanged} unchanged, {len(self.failed)} failed, {self.retried} retried"
        each = f", {self.seconds / self.graded:.2f} seconds per submission" if self.graded else ""
        last = f"; {self.slow} took long and came last" if self.slow else ""
        return f"{counts}{last}; {self.seconds:.1f} seconds{each}"


def add_arguments(parser):
    add_assignment(parser)
    add_cluster(parser)


def run(options):
    """Grade; returns 0 if every submission has its grade, else 1."""
    return told(_run, options)


def _run(options):
    from autograders.batch.crew import Crew
    from autograders.batch.database import readable
    from autograders.batch.room import Room
    from autograders.batch.writer import Writer

    room = Room(options.classroom, options.assignment, readable(options.db))
    room.students()  # there are some, before a cluster is started for them
    with Writer(room) as writer, Crew(options.scheduler, options.workers) as crew:
        summary = grade(room, writer, crew)
    for title, lines in (("Not graded", summary.failed), ("Graded, but", summary.remarks)):
        for student, words in sorted(lines.items()):
            print(f"{title}: {student}: {words}", file=sys.stderr)
    print(f"{options.assignment}: {summary}")
    return 1 if summary.failed else 0


def grade(room, writer, crew):
    """Grade all submissions in `room` that are not yet, and return a Summary."""
    from autograders.batch.crew import GaveUp
    from autograders.batch.progress import Progress

    begun, summary, students = time.monotonic(), Summary(), room.students()
    with Progress(len(students)) as progress:
        for submission, verdicts in crew.judge(_to_judge(room, writer, students, summary, progress)):
            if isinstance(verdicts, GaveUp):
                summary.failed[submission.student] = str(verdicts)
            else:
                writer.store(submission, by_notebook(submission, verdicts))
                summary.graded += 1
            progress.step()
    summary.retried, summary.slow, summary.seconds = crew.retried, crew.put_off, time.monotonic() - begun
    return summary


def _to_judge(room, writer, students, summary, progress):
    """(Submission, tasks) of all that are readable and not graded yet."""
    from autograders.batch.room import Unreadable

    for student in students:
        try:
            submission = room.submission(student)
        except Unreadable as error:
            summary.failed[student] = str(error)
            progress.step()
            continue
        if submission.remarks:
            summary.remarks[student] = "; ".join(submission.remarks)
        if writer.is_done(submission):
            summary.unchanged += 1
            progress.step()
        else:
            yield submission, all_tasks(submission)


def all_tasks(submission):
    """The tasks of all notebooks in a row."""
    return [task for tasks in submission.tasks.values() for task in tasks]


def by_notebook(submission, verdicts):
    """What `all_tasks` put in a row, taken apart again: {notebook: verdicts}."""
    rest = iter(verdicts)
    return {name: [next(rest) for _ in tasks] for name, tasks in submission.tasks.items()}
