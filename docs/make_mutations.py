"""Writes docs/mutations.md: which stage of the grader catches which wrong answer, for all exercises.

    python docs/make_mutations.py

The wrong answers are the misconceptions of each spec, and mutants of its solution (tests/autograders/mutants.py).
Takes about a minute.
"""

import contextlib
import signal
import sys
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "autograders")]

from autograders.judge import judge  # noqa: E402
from autograders.session import LocalSession  # noqa: E402
from autograders.spec import STAGES, load, names  # noqa: E402
from mutants import mutants  # noqa: E402

OUT = Path(__file__).with_name("mutations.md")
SECONDS = 20
HEAD = """# What the grader catches

Made by `python docs/make_mutations.py`. For each exercise, its solution was changed in one place at a time, as a typing
error or a slip of thought would change it: an operator, a comparison, a number, an axis, a transposition, a statement
left out (`tests/autograders/mutants.py`). Each mutant was judged. The columns count at which stage its first failure
was; *alive* ones passed. A mutant that passes either computes the same (the list below shows the lines, so that you can
see for yourself), or is a hole in the spec.

"""


def judged(spec, answer, seed=1):
    """The report on an answer, which may take 20 seconds in all; a mutant may well not end by itself."""
    def stop(*_):
        raise TimeoutError("took too long")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS, 1.0)
    try:
        with contextlib.suppress(TimeoutError):
            return judge(spec, LocalSession(answer, spec.use), seed)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return None


def solution(spec):
    """The answer that the mutants are made of."""
    return spec.honest[0]


def survey(spec):
    """(how many mutants failed first at each stage, the lines of those that passed)."""
    caught, alive = Counter(), []
    for number, before, after, mutant in mutants(solution(spec)):
        report = judged(spec, mutant)
        if report is None or report.failure is not None:
            caught[report.failure.stage if report else "time"] += 1
        else:
            alive.append((number, before, after))
    return caught, alive


def main():
    """Write the page."""
    stages = [*STAGES, "time"]
    rows, living, misconceptions = [], [], []
    for name in names():
        spec = load(name)
        caught, alive = survey(spec)
        total = sum(caught.values()) + len(alive)
        rows.append([f"`{name}`", str(total), *(str(caught[stage] or "") for stage in stages), str(len(alive) or "")])
        living += [(name, *each) for each in alive]
        for each in spec.misconceptions:
            report = judged(spec, each.answer)
            kept = f"{report.points:g} of {spec.points:g}"
            misconceptions.append([f"`{name}`", each.name, report.failure.stage, kept])
    text = HEAD + table(["exercise", "mutants", *stages, "alive"], rows)
    text += "\n## Those that passed\n\n"
    text += table(["exercise", "line", "before", "after"], [
        [f"`{name}`", str(line), code(before), code(after)] for name, line, before, after in living])
    text += "\n## Misconceptions\n\nEach is told its own sentence, whatever the seed; the points are what it keeps.\n\n"
    text += table(["exercise", "misconception", "first failure", "points"], misconceptions)
    OUT.write_text(text, "utf-8")
    print(f"{len(rows)} exercises, {sum(int(row[1]) for row in rows)} mutants, {len(living)} alive")


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def code(text):
    return "`" + text.replace("|", "\\|").replace("`", "'") + "`" if text else "(left out)"


if __name__ == "__main__":
    main()
