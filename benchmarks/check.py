"""How long a learner waits for a check: python benchmarks/check.py [REPEATS]

Every answer that the specs know, to every exercise: right ones in several styles, half right ones, each misconception,
and none. A call counts from `check(...)` until the card and the text are made. The target: 95 of 100 calls
under a second. Processor time stands beside it, because a busy machine makes everyone wait. Then the first call of a new
process, which loads the exercises and the engine too.
"""

import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.pop("NBGRADER_EXECUTION", None)  # there a check that fails raises

from autograders import check  # noqa: E402
from autograders.spec import Spec, load, names  # noqa: E402

TARGET = 1.0  # seconds, for 95 of 100 calls
REPEATS = 3
SLOWEST = 5
FIRST = """
import time
begun = time.perf_counter()
from autograders import check
from autograders.spec import load
imported = time.perf_counter()
report = check({name!r}, load({name!r}).honest[0])
report.html()
print(imported - begun, time.perf_counter() - begun, time.process_time())
"""


class Call(NamedTuple):
    """One check: of which exercise, which kind of answer, which one; seconds that it took, and of the processor's."""

    exercise: str
    kind: str
    answer: str
    seconds: float
    processor: float


def main():
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    calls = [call for _ in range(repeats) for name in names() for call in calls_of(load(name))]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(names())} exercises, {len(calls)} calls")
    print(f"{'':16}  calls  p50 ms  p95 ms  most ms  p95 ms of processor")
    for kind in dict.fromkeys(call.kind for call in calls):
        print(line(kind, [call for call in calls if call.kind == kind]))
    print(line("all", calls))
    p95 = percentile([call.seconds for call in calls], 95)
    print(f"p95 is {p95:.2f} s, the target {TARGET:g} s")
    print("slowest:")
    for call in sorted(calls, key=lambda call: -call.seconds)[:SLOWEST]:
        print(f"  {1000 * call.seconds:6.0f} ms  {call.exercise}, {call.kind}: {call.answer}")
    for name in names()[:1]:
        imported, whole, busy = first_call(name)
        print(
            f"first call of a new process, {name}: {whole:.2f} s, of which `import autograders` {imported:.2f} s; "
            f"the process took {busy:.2f} s of processor"
        )


def calls_of(spec: Spec) -> list[Call]:
    """Every answer to one exercise, checked once."""
    answers = [("right", answer.__name__, answer) for answer in spec.honest]
    answers += [("half right", answer.__name__, answer) for answer in spec.half_right]
    answers += [("misconception", wrong.name, wrong.answer) for wrong in spec.misconceptions]
    answers += [("no answer", "None", None)]
    return [Call(spec.name, kind, called, *seconds(spec.name, answer)) for kind, called, answer in answers]


def seconds(name: str, answer: Callable | None) -> tuple[float, float]:
    """How long one check takes, and how long processors were busy with it."""
    begun, worked = time.perf_counter(), time.process_time()
    report = check(name, answer)
    report.html(), report.text()
    return time.perf_counter() - begun, time.process_time() - worked


def line(kind: str, calls: list[Call]) -> str:
    taken, busy = [call.seconds for call in calls], [call.processor for call in calls]
    figures = statistics.median(taken), percentile(taken, 95), max(taken), percentile(busy, 95)
    p50, p95, most, worked = (1000 * each for each in figures)
    return f"{kind:16}  {len(calls):5}  {p50:6.1f}  {p95:6.1f}  {most:7.1f}  {worked:19.1f}"


def percentile(taken: list[float], share: float) -> float:
    """The smallest time that is at least as long as `share` percent of all."""
    return sorted(taken)[math.ceil(len(taken) * share / 100) - 1]


def first_call(name: str) -> list[float]:
    """(import, import and first check, processor time of it all), in seconds, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FIRST.format(name=name)]
    return [float(word) for word in subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout.split()]  # fmt: skip


if __name__ == "__main__":
    main()
