"""200 submissions, while workers and the writer are killed at random: nothing lost, nothing twice, no silent zero."""

import glob
import os
import random
import signal
import time

import pytest

for library in ("distributed", "nbgrader", "jupytext"):
    pytest.importorskip(library, reason=f"grading many needs {library}")

from classrooms import ANSWERS, NAME  # noqa: E402

from autograders import sandbox  # noqa: E402

available, reason = sandbox.available()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not available, reason=f"no sandbox here: {reason}")]

SUBMISSIONS = 200
POINTS = (4.0, 1.95, 0.0, 0.0, 0.0)  # of ANSWERS
MOST_RUNS = 10
MOST_KILLS = [5, 2]  # of workers, of the writer, in one grading


def points(number):
    return POINTS[number % len(POINTS)]


def children(process):
    """The processes that any thread of a process started, by Linux's own account."""
    found = []
    for path in glob.glob(f"/proc/{process}/task/*/children"):
        try:
            with open(path) as file:
                found += [int(child) for child in file.read().split()]
        except OSError:  # it has ended
            continue
    return found


def workers(process):
    """The Dask workers of a grading: its children but for multiprocessing's resource tracker."""
    return [child for child in children(process) if b"spawn_main" in command_line(child)]


def command_line(process):
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def grade_under_fire(classroom, seed):
    """Grade until a run ends by itself with nothing left to do; returns (kills of workers, kills of the writer)."""
    chance, killed = random.Random(seed), [0, 0]
    for _ in range(MOST_RUNS):
        grading = classroom.start("grade", NAME, "--workers", "2")
        recorded = lines(classroom)
        shots = 0
        while grading.poll() is None:
            time.sleep(chance.uniform(0.3, 1.5))
            if lines(classroom) == recorded or killed == MOST_KILLS:
                continue  # wait until it is at work; and let it end once there was enough
            shots += 1
            if shots > 2 and killed[1] < MOST_KILLS[1]:
                grading.kill()
                killed[1] += 1
            elif killed[0] < MOST_KILLS[0] and (victims := workers(grading.pid)):
                os.kill(chance.choice(victims), signal.SIGKILL)
                killed[0] += 1
        said = grading.communicate()[0]
        if grading.returncode == 0:
            return killed
        assert grading.returncode == -signal.SIGKILL, said
    raise AssertionError(f"not done after {MOST_RUNS} runs")


def lines(classroom):
    path = classroom.folder / "ledger.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_two_gradings_under_fire_are_the_same(made, tmp_path):
    """Killed at other moments, two gradings end with the same bytes; every learner has just the points they earned."""
    first = made.copy(tmp_path / "first")
    for number in range(SUBMISSIONS):
        answer = ANSWERS[number % len(ANSWERS)]
        first.submit(f"learner-{number:03}", answer and f"{answer}# {number}\n")
    second = first.copy(tmp_path / "second")
    for seed, classroom in enumerate((first, second)):
        assert grade_under_fire(classroom, seed) == MOST_KILLS, "it was under fire"
        scores = {name: each["scores"] for name, each in classroom.scores().items()}
        assert scores == {
            f"learner-{number:03}": {"autograd-unbroadcast-check": (points(number), False)}
            for number in range(SUBMISSIONS)
        }
        assert [(line["student"], line["points"]) for line in classroom.ledger()] == [
            (f"learner-{number:03}", points(number)) for number in range(SUBMISSIONS)
        ], "nothing twice, nothing lost"
        assert len(classroom.graded()) == SUBMISSIONS, "and no half-written file"
    assert first.graded() == second.graded()
    assert first.ledger() == second.ledger()
    for process in os.listdir("/proc"):
        assert str(tmp_path).encode() not in command_line(process), "no process is left"
