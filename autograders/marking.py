"""Answers judged in a sandbox: plain data in, plain data out, so that it can happen on any machine.

A *task* is what is to be judged: `{"exercise": name, "sources": [[cell id, source], ...], "seed": number}`. A
*verdict* is what came out of it, with the report's words in it. Both are JSON; neither knows of a notebook, a
learner's name or a gradebook.
"""

import dataclasses
import functools
import hashlib
import importlib.util
import math
from pathlib import Path

from autograders import sandbox, spec
from autograders.judge import judge

# Of this package: what brings answers here, and decides no grade.
ROUND_ABOUT = ("batch", "__main__.py", "collect.py", "doctor.py")


def mark_all(tasks: list[dict], until: float = math.inf) -> list[dict]:
    """The verdicts on the answers of one learner, in the order of the tasks; raises as `mark` does.

    Answers that need the same in their sandbox use one in turn, where the level can keep them apart.
    """
    verdicts = {}
    with sandbox.Sandboxes() as sandboxes:
        for number in sorted(range(len(tasks)), key=lambda number: _needs(tasks[number])):
            verdicts[number] = mark(tasks[number], until, sandboxes)
    return [verdicts[number] for number in range(len(tasks))]


def _needs(task: dict) -> list:
    """What its sandbox holds and allows, to sort by."""
    exercise = spec.load(task["exercise"])
    parts = [part for part in exercise.withheld if "." in part]
    return [exercise.packages, parts, exercise.limits.seconds, exercise.limits.megabytes]


def mark(task: dict, until: float = math.inf, sandboxes: sandbox.Sandboxes | None = None) -> dict:
    """The verdict on one answer, in a sandbox of its own or in one of `sandboxes`, which are one learner's.

    Raises SandboxUnavailable where this machine has no sandbox, and WaitedLongEnough if there is no verdict by `until`,
    in `time.monotonic()`'s seconds. Whenever there is one, it is the same as without `until`.
    """
    exercise = spec.load(task["exercise"])
    limits = sandbox.Limits(seconds_per_call=exercise.limits.seconds, megabytes=exercise.limits.megabytes)
    sources = [tuple(source) for source in task["sources"]]
    with sandbox.open_session(
        sources,
        exercise.function,
        use=exercise.use,
        packages=exercise.packages,
        withheld=exercise.withheld,
        limits=limits,
        until=until,
        sandboxes=sandboxes,
    ) as session:
        report, level = judge(exercise, session, task["seed"]), session.level
    return {
        "exercise": exercise.name,
        "seed": task["seed"],
        "points": float(report.points),
        "max_points": float(report.max_points),
        "stages": [{"name": stage.name, "weight": stage.weight, "credit": stage.credit} for stage in report.stages],
        "failed_at": report.failure.stage if report.failure else None,
        "misconception": report.failure.misconception if report.failure else "",
        "text": report.text(),
        "html": report.html(),
        "sandbox": level,
        "limits": dataclasses.asdict(limits),
        "autograders": package_digest("autograders"),
        "engine": package_digest("engine"),
    }


@functools.cache
def package_digest(name: str) -> str:
    """A digest of a package's Python files: the version of the specs and the judge, or of the engine."""
    folder = Path(importlib.util.find_spec(name).submodule_search_locations[0])
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        if path.relative_to(folder).parts[0] in ROUND_ABOUT:
            continue
        whole.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return whole.hexdigest()
