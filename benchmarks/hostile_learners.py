"""How long hostile learners hold up the others: python benchmarks/hostile_learners.py [HONEST [ROUNDS]]

A tenth as many hostile submissions among the honest ones, so that what one of them costs can be told from noise, all
of one kind at a time; two workers. What counts is when the last honest grade is stored, against the same classroom
without them in the same round. The delay by one is a tenth of the tenth's, and is told in seconds, and as so many
honest submissions more. One of a thousand then costs that many thousandths; that figure is computed, not measured.

The last row shows what the fast lane is for: the endless loop, judged in its turn with all the time it may have.
"""

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from handed_in import NAME, environment, filled, hand_in, prepare  # noqa: E402

from autograders import spec  # noqa: E402

KNOWN = 8  # honest ones at the beginning, of which the fast lane learns its pace
GRADE = ["-m", "autograders", "grade", NAME, "--workers", "2"]
WITHOUT_FAST_LANE = """
import math, sys
from autograders.batch import lanes
lanes.SECONDS_AT_FIRST = lanes.ENOUGH_TO_KNOW = math.inf
from autograders.__main__ import main
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""
LOOP = "    while True:\n        pass\n"
HOSTILE = {  # what its functions do once they are called
    "an endless loop": LOOP,
    "processes to the limit": f"""
    import os
    for _ in range(10):
        try:
            if os.fork() == 0:
                break
        except OSError:
            pass
{LOOP}""",
    "threads to the limit": f"""
    import threading
    def spin():
        while True:
            sum(range(1000))
    for _ in range(10):
        try:
            threading.Thread(target=spin).start()
        except RuntimeError:
            pass
{LOOP}""",
    "memory to the limit, again and again": """
    while True:
        kept = []
        try:
            while True:
                kept.append(bytearray(2**24))
        except MemoryError:
            pass
""",
    "endless output": "    while True:\n        print('x' * 10_000)\n",
}


def main():
    honest = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    hostile = max(1, honest // 10)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {honest} honest, {hostile} hostile of a kind")
    kinds = {**{kind: (body, GRADE) for kind, body in HOSTILE.items()}, "the loop, no fast lane": (LOOP, None)}
    delays, each = {kind: [] for kind in kinds}, []
    with tempfile.TemporaryDirectory() as scratch:
        made = prepare(Path(scratch, "made"))
        program = Path(scratch, "without_fast_lane.py")
        program.write_text(WITHOUT_FAST_LANE, "utf-8")
        for _ in range(rounds):
            begun, ended = until_the_honest_are_done(made, scratch, honest, 0, "", GRADE)
            each.append((ended - begun) / (honest - 1))
            for kind, (body, command) in kinds.items():
                count = hostile if command else 1
                command = command or [str(program), *GRADE[2:]]
                _, held_up = until_the_honest_are_done(made, scratch, honest, count, body, command)
                delays[kind].append((held_up - ended) / count)
    print(f"without them: an honest one more takes {statistics.median(each):.2f} s")
    print(f"{'one hostile learner':38}  the others wait, s  that is so many honest ones  of 1,000, computed")
    for kind, found in delays.items():
        more = statistics.median(delay / one for delay, one in zip(found, each))
        print(f"{kind:38}  {statistics.median(found):18.2f}  {more:28.1f}  {more / 1000:17.2%}", flush=True)


def until_the_honest_are_done(made, scratch, honest, hostile, body, command):
    """Seconds from the command's start to its first grade, and to the last grade of an honest learner."""
    room = filled(made, Path(scratch, "filled"), honest)
    for number in range(hostile):
        place = KNOWN + (honest - KNOWN) * number // hostile
        hand_in(room, f"learner-{place:04}-hostile", lambda name, source: attack(name, source, body))
    begun, quiet = time.monotonic(), subprocess.DEVNULL
    command = [sys.executable, *command]
    process = subprocess.Popen(command, cwd=room, env=environment(room), stdout=quiet, stderr=quiet)
    first, done = None, 0
    while done < honest:
        assert process.poll() is None, f"it ended with {done} of {honest} graded"
        time.sleep(0.02)
        done = graded(room)
        first = first or (done and time.monotonic() - begun)
    last = time.monotonic() - begun
    process.send_signal(signal.SIGINT)  # what is left is the hostile ones' own time
    process.wait()
    shutil.rmtree(room.parent)
    return first, last


def attack(cell, source, body):
    """An answer that is right until its function is called."""
    name = next(each.function for each in map(spec.load, spec.names()) if each.grade_id == cell)
    return f"{source}\ndef hostile(*arguments):\n{body}\nimport functools\n{name} = functools.wraps({name})(hostile)\n"


def graded(room):
    """How many honest learners have their grades, which the ledger gets last, all of a submission at once."""
    path = room / "ledger.jsonl"
    if not path.exists():
        return 0
    return len(set(re.findall(rb'"student": "learner-\d+"', path.read_bytes())))


if __name__ == "__main__":
    main()
