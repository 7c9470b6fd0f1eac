"""`python -m autograders stats ASSIGNMENT`: what the ledger and the submissions tell, as text and as a page."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from autograders.batch import alike
from autograders.batch.command import Refused, add_assignment, told


@dataclass(frozen=True)
class Stage:
    """How an exercise's stage went: the fraction of answers with all of its credit, and the mean credit (0 to 1)."""

    exercise: str
    name: str
    passed: float
    credit: float


@dataclass(frozen=True)
class Statistics:
    """An assignment in numbers. `scores` is {student: points}, `exercises` {name: [points of each answer]}.

    `misconceptions` are (exercise, sentence, how many), commonest first; `alike` are (exercise, names), largest first.
    """

    assignment: str
    handed_in: int
    scores: dict
    most: float
    exercises: dict
    stages: list
    misconceptions: list
    alike: list
    unreadable: dict


def add_arguments(parser):
    add_assignment(parser)
    parser.add_argument("--out", metavar="FILE", type=Path, help="the page (default: stats/ASSIGNMENT.html in there)")


def run(options):
    """Print the statistics and write the page; returns the exit status."""
    return told(_run, options)


def _run(options):
    from autograders.batch.database import readable
    from autograders.batch.page import page
    from autograders.batch.room import Room
    from engine.files import write_atomically

    room = Room(options.classroom, options.assignment, readable(options.db))
    statistics = gather(room)
    print(as_text(statistics))
    out = options.out or room.folder / "stats" / f"{options.assignment}.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, page(statistics).encode())
    print(f"\nThe page is {out}")
    return 0


def gather(room):
    """The Statistics of a room's assignment. Raises Refused if nothing is graded yet."""
    from autograders import ledger

    latest = ledger.latest(ledger.read(room.ledger), room.assignment)
    records = [record for student in latest.values() for record in student.values()]
    if not records:
        raise Refused(f"nothing of {room.assignment} is in the ledger yet: run `grade` first")
    answers, unreadable = _answers(room)
    exercises = {}
    for record in records:
        exercises.setdefault(record["exercise"], []).append(record["points"])
    sentences = Counter(
        (record["exercise"], record["misconception"]) for record in records if record.get("misconception")
    )
    return Statistics(
        assignment=room.assignment,
        handed_in=len(room.students()),
        scores={name: sum(each["points"] for each in latest[name].values()) for name in sorted(latest)},
        most=_most(room),
        exercises=dict(sorted(exercises.items())),
        stages=_stages(records),
        misconceptions=[(*place, count) for place, count in sentences.most_common()],
        alike=[(name, group) for name, theirs in sorted(answers.items()) for group in alike.groups(theirs)],
        unreadable=unreadable,
    )


def as_text(statistics):
    """The statistics in plain words."""
    scores = list(statistics.scores.values())
    lines = [
        f"{statistics.assignment}: {statistics.handed_in} handed in, {len(scores)} graded, "
        f"of {statistics.most:g} points mean {fmean(scores):.2f}, median {median(scores):.2f}, "
        f"lowest {min(scores):g}, highest {max(scores):g}",
        "",
        "Hardest stages (answers with all of its credit):",
        *(f"  {stage.passed:4.0%}  {stage.exercise}, {stage.name}" for stage in statistics.stages[:8]),
    ]
    if statistics.misconceptions:
        lines += ["", "Commonest misconceptions:"]
        lines += [f"  {count:4}  {exercise}: {words}" for exercise, words, count in statistics.misconceptions[:8]]
    if statistics.alike:
        lines += ["", "The same but for names and constants:"]
        lines += [f"  {exercise}: {', '.join(names)}" for exercise, names in statistics.alike]
    if statistics.unreadable:
        lines += ["", "Not readable:", *(f"  {name}: {words}" for name, words in statistics.unreadable.items())]
    return "\n".join(lines)


def _stages(records):
    """Every stage of every exercise, the hardest first; those that everyone passed are left out."""
    credits = {}
    for record in records:
        for stage in record["stages"]:
            credits.setdefault((record["exercise"], stage["name"]), []).append(stage["credit"])
    stages = [
        Stage(exercise, name, fmean(credit == 1 for credit in found), fmean(found))
        for (exercise, name), found in credits.items()
    ]
    return sorted((stage for stage in stages if stage.passed < 1), key=lambda stage: stage.passed)


def _most(room):
    from nbgrader.utils import is_grade

    cells = [cell for template in room.templates.values() for cell in template.cells]
    return sum(float(cell.metadata["nbgrader"]["points"]) for cell in cells if is_grade(cell))


def _answers(room):
    """{exercise: {student: source}} of what was written, and {student: why it cannot be read}."""
    from autograders.batch.room import Unreadable

    stubs = {exercise: source for template in room.templates.values() for exercise, source in _solutions(template)}
    answers, unreadable = {}, {}
    for student in room.students():
        try:
            notebooks = room.submission(student).notebooks.values()
        except Unreadable as error:
            unreadable[student] = str(error)
            continue
        for nb in notebooks:
            for exercise, source in _solutions(nb):
                if source.strip() != stubs[exercise].strip():
                    answers.setdefault(exercise, {})[student] = source
    return answers, unreadable


def _solutions(nb):
    from nbgrader.utils import is_solution

    from autograders.rebuild import exercise_of

    return [(exercise_of(cell), cell.source) for cell in nb.cells if is_solution(cell) and cell.cell_type == "code"]
