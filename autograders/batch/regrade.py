"""`python -m autograders regrade ASSIGNMENT`: judge again with the seeds in the ledger, and show what would change.

If neither the answers nor the specs, the judge or the engine changed, the graded notebooks come out byte for byte.
"""

import sys
from dataclasses import dataclass

from autograders.batch.command import add_assignment, add_cluster, told


@dataclass
class Again:
    """A submission judged again. `changes` are lines about its points, `same_bytes`: its notebooks are as stored."""

    submission: object
    verdicts: dict
    changes: list
    same_bytes: bool


def add_arguments(parser):
    add_assignment(parser)
    add_cluster(parser)
    parser.add_argument("--write", action="store_true", help="after showing what changes, store the new grades")


def run(options):
    """Judge again and print the changes; returns 0 if every recorded grade could be looked at."""
    return told(_run, options)


def _run(options):
    from autograders.batch.crew import Crew
    from autograders.batch.database import readable
    from autograders.batch.room import Room
    from autograders.batch.writer import Writer

    room = Room(options.classroom, options.assignment, readable(options.db))
    with Writer(room) as writer:
        with Crew(options.scheduler, options.workers) as crew:
            done, left_out = regrade(room, writer, crew)
        for student, words in sorted(left_out.items()):
            print(f"Left out: {student}: {words}", file=sys.stderr)
        print(report(options.assignment, done))
        to_write = [each for each in done if not each.same_bytes or each.changes]
        if options.write:
            for each in to_write:
                writer.store(each.submission, each.verdicts)
            print(f"{len(to_write)} written.")
        elif to_write:
            print("Nothing was written; --write stores the new grades.")
    return 1 if left_out else 0


def regrade(room, writer, crew):
    """([Again], {student: why they were left out}) of all submissions in the ledger. Nothing is written."""
    from autograders.batch.crew import GaveUp
    from autograders.batch.grade import by_notebook
    from autograders.batch.progress import Progress

    students, done, left_out = room.students(), [], {}
    with Progress(len(students)) as progress:
        for submission, verdicts in crew.judge(_recorded(room, writer, students, left_out, progress)):
            if isinstance(verdicts, GaveUp):
                left_out[submission.student] = str(verdicts)
            else:
                done.append(_compare(room, writer, submission, by_notebook(submission, verdicts)))
            progress.step()
    return sorted(done, key=lambda each: each.submission.student), left_out


def report(assignment, done):
    """What changes, line by line, and a summary."""
    changed = [each for each in done if each.changes]
    words = [each for each in done if not each.changes and not each.same_bytes]
    same = len(done) - len(changed) - len(words)
    lines = [line for each in changed for line in each.changes]
    counts = f"{same} the same to the byte, {len(changed)} with other points, {len(words)} with other words only"
    return "\n".join([*lines, f"{assignment}: {len(done)} graded again: {counts}"])


def _recorded(room, writer, students, left_out, progress):
    """(Submission, tasks) with the recorded seeds, of those that are graded as they stand."""
    from autograders.batch.grade import all_tasks
    from autograders.batch.room import Unreadable
    from autograders.grading import digest_of_answers

    for student in students:
        records = writer.recorded(student)
        try:
            if not records:
                raise Unreadable("is not in the ledger: `grade` has not graded it yet")
            submission = room.submission(student)
            for name, tasks in submission.tasks.items():
                answers = digest_of_answers(submission.notebooks[name])
                for task in tasks:
                    record = records.get((name, task["exercise"]))
                    if record is None or record["submission"] != answers:
                        raise Unreadable("has other answers than those that were graded: run `grade`")
                    task["seed"] = record["seed"]
        except Unreadable as error:
            left_out[student] = str(error)
            progress.step()
        else:
            yield submission, all_tasks(submission)


def _compare(room, writer, submission, verdicts):
    texts, records = room.graded(submission, verdicts)
    known = writer.recorded(submission.student)
    changes = [_change(known[record["notebook"], record["exercise"]], record) for record in records]
    folder = room.destination(submission.student)
    paths = {folder / f"{name}.ipynb": text.encode() for name, text in texts.items()}
    same = all(path.is_file() and path.read_bytes() == content for path, content in paths.items())
    return Again(submission, verdicts, list(filter(None, changes)), same)


def _change(old, new):
    """One line about an answer whose points or stages are not as recorded, else ""."""
    before = {stage["name"]: stage["credit"] for stage in old["stages"]}
    after = {stage["name"]: stage["credit"] for stage in new["stages"]}
    if old["points"] == new["points"] and before == after:
        return ""
    stages = [
        f"{name} {before.get(name, 0):.3g} -> {after.get(name, 0):.3g}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]
    where = ", ".join(stages) or "points of the cell"
    return f"{new['student']}  {new['exercise']}  {old['points']:g} -> {new['points']:g} points  ({where})"
