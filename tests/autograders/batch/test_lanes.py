"""The fast and the full lane: nobody waits for a hostile answer's minute, and no verdict depends on the lane."""

import dataclasses
import json
import threading
import time

import pytest

pytest.importorskip("distributed", reason="the crew is a Dask cluster")

from classrooms import ANSWERS, RIGHT  # noqa: E402
from distributed import LocalCluster  # noqa: E402

from autograders import marking, sandbox, spec  # noqa: E402
from autograders.batch import crew, lanes  # noqa: E402
from autograders.marking import package_digest  # noqa: E402

VERSIONS = {name: package_digest(name) for name in crew.PACKAGES}
WORKS, WHY_NOT = sandbox.available()

ENDLESS = "def unbroadcast(gradient, shape):\n    while True:\n        pass\n"
NEVER_READY = f"import time\ntime.sleep(4)\n{RIGHT}"  # twice, for there are two cells
SLOW = f"import time\n{RIGHT}".replace("    added", "    time.sleep(0.35)\n    added", 1)
TELLS_WHAT_IT_SEES = """
import hashlib, os, resource, sys
limits = [(name, resource.getrlimit(getattr(resource, name))) for name in dir(resource) if name.startswith("RLIMIT_")]
seen = [limits, sys.argv, dict(os.environ), os.sched_getaffinity(0), os.getpriority(0, 0), sorted(sys.modules)]
seen += [os.getcwd()]
told = [hashlib.sha256(repr(each).encode()).hexdigest()[:16] for each in seen]  # whole, it would be cut off
def unbroadcast(gradient, shape):
    raise ValueError(f"RLIMIT_CPU {resource.getrlimit(resource.RLIMIT_CPU)}, told: {told}")
"""
HOARDS = "def unbroadcast(gradient, shape):\n    kept = []\n    while True:\n        kept.append(b'x' * 2**19)\n"
ALL = (*filter(None, ANSWERS), ENDLESS, NEVER_READY, SLOW, TELLS_WHAT_IT_SEES, HOARDS)


# ---------------------------------------------------------------- what is next


def test_the_full_lane_waits_for_the_whole_fast_lane():
    """Nobody in the fast lane, not even one whose machine failed, has a slow submission before them."""
    both = lanes.Lanes([("a", ["tasks"]), ("b", [])])
    first, second = both.take(), both.take()
    assert (first.given, first.is_fast, second.given, both.take()) == ("a", True, "b", None)
    both.put_off(first, 3.0)
    assert both.take() is None, "b still runs"
    both.try_again(second)
    assert both.take() is second and second.is_fast
    both.done(second, 0.1)
    again = both.take()
    assert (again.given, again.tasks, again.is_fast, both.seconds(again)) == ("a", ["tasks"], False, None)
    assert both.take() is None


def test_a_submission_given_up_holds_nobody_back():
    both = lanes.Lanes([("a", []), ("b", [])])
    first, second = both.take(), both.take()
    both.put_off(first, 3.0)
    both.done(second)
    assert both.take().given == "a"


def test_the_fast_lane_gives_a_few_times_what_is_usual():
    """It learns from who is done, whether in time or not: an estimate that is too short cannot stay so."""
    both = lanes.Lanes((number, []) for number in range(100))
    jobs = [both.take() for _ in range(60)]
    assert both.seconds(jobs[0]) == lanes.SECONDS_AT_FIRST
    for job in jobs[:4]:
        both.put_off(job, lanes.SECONDS_AT_FIRST)
    assert both.seconds(jobs[4]) == lanes.TIMES_THE_USUAL * lanes.SECONDS_AT_FIRST
    for job in jobs[4:50]:
        both.done(job, 0.5)
    assert both.seconds(jobs[50]) == lanes.TIMES_THE_USUAL * 0.5, "four of fifty do not stretch it"


def test_one_that_hands_in_nothing_is_no_measure():
    """Empty answers take no time; where most are empty, the others must not all be put off."""
    both = lanes.Lanes((number, []) for number in range(100))
    jobs = [both.take() for _ in range(100)]
    for number, job in enumerate(jobs[:-1]):
        both.done(job, 1.0 if number % 3 == 0 else 0.1)
    assert both.seconds(jobs[-1]) == lanes.TIMES_THE_USUAL * 1.0


# ---------------------------------------------------------------- the crew


@pytest.fixture(scope="module")
def address():
    """A scheduler whose two workers are threads of this process, so that stand-ins reach them."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, host="127.0.0.1", dashboard_address=None, protocol="tcp"
    ) as cluster:
        yield cluster.scheduler_address


def test_slow_ones_are_judged_last_and_once(address, monkeypatch):
    """A stand-in that needs more than the fast lane gives is put off: its next run begins once all others ended."""
    happened, lock = [], threading.Lock()

    def mark_all(tasks, until):
        (task,) = tasks
        with lock:
            happened.append(("begins", task["name"], until))
        if task["name"].startswith("slow") and until < float("inf"):
            raise sandbox.WaitedLongEnough
        time.sleep(0.02)
        with lock:
            happened.append(("ends", task["name"], until))
        return [{"name": task["name"], **VERSIONS}]

    monkeypatch.setattr(marking, "mark_all", mark_all)
    monkeypatch.setattr(sandbox, "available", lambda: (True, ""))
    names = ["slow-1", "slow-2", *(str(number) for number in range(20))]
    with crew.Crew(address) as workers:
        found = [given for given, _ in workers.judge((name, [{"name": name}]) for name in names)]
    assert sorted(found) == sorted(names) and set(found[-2:]) == {"slow-1", "slow-2"}
    assert workers.put_off == 2 and workers.retried == 0
    last_fast = max(place for place, (what, name, _) in enumerate(happened) if not name.startswith("slow"))
    full = [place for place, (what, _, until) in enumerate(happened) if until == float("inf")]
    assert len(full) == 4 and min(full) > last_fast


@pytest.mark.slow
@pytest.mark.skipif(not WORKS, reason=f"no sandbox here: {WHY_NOT}")
def test_verdicts_are_the_same_with_and_without_lanes(address, monkeypatch):
    """To the byte, for right, wrong, slow and endless answers, and for one that looks around for its lane."""
    exercise = spec.load("autograd/unbroadcast")
    hasty = dataclasses.replace(exercise, limits=exercise.limits._replace(seconds=6.0, megabytes=512))
    monkeypatch.setattr(spec, "load", lambda name: hasty)
    monkeypatch.setattr(lanes, "SECONDS_AT_FIRST", 2.0)
    monkeypatch.setattr(lanes, "ENOUGH_TO_KNOW", 1 + len(ALL))  # so a busy machine's pace does not stretch them
    tasks = {
        number: [{"exercise": exercise.name, "sources": [["first", source], ["second", source]], "seed": number}]
        for number, source in enumerate(ALL)
    }
    verdicts = {}
    for use in (True, False):
        with crew.Crew(address, use_fast_lane=use) as workers:
            verdicts[use] = {given: json.dumps(outcome) for given, outcome in workers.judge(tasks.items())}
        assert workers.put_off >= 3 if use else workers.put_off == 0, "endless, never ready, slow; more, if it is busy"
    assert verdicts[True] == verdicts[False]
    points = {number: json.loads(verdict)[0]["points"] for number, verdict in verdicts[True].items()}
    assert points[ALL.index(RIGHT)] == points[ALL.index(SLOW)] == 4.0
    assert points[ALL.index(ENDLESS)] == points[ALL.index(NEVER_READY)] == 0.0
    assert "RLIMIT_CPU" in verdicts[True][ALL.index(TELLS_WHAT_IT_SEES)], "it told"


# ---------------------------------------------------------------- how long others wait


def finish(submissions, use_fast=True, workers=2):
    """When the last honest one is done, by a clock of its own: judging takes the seconds that stand in place of tasks.

    As in a crew, `AHEAD` jobs for each worker are handed out, and begun in that order by whoever is free.
    """
    both = lanes.Lanes(submissions, use_fast)
    waiting, running, now, last = [], [], 0.0, 0.0
    while True:
        while len(waiting) + len(running) < crew.AHEAD * workers and (job := both.take()):
            waiting.append((job, both.seconds(job)))
        while waiting and len(running) < workers:
            job, most = waiting.pop(0)
            took = job.tasks if most is None else min(job.tasks, most)
            running.append((now + took, took, job))
        if not running:
            return last
        ends = min(running, key=lambda each: each[0])
        running.remove(ends)
        now, took, job = ends
        if took < job.tasks:
            both.put_off(job, took)
        else:
            both.done(job, took)
            last = now if job.given == "honest" else last


@pytest.mark.parametrize("place", [0, 500, 999])
@pytest.mark.parametrize("seconds", [0.4, 3.5])
def test_one_hostile_learner_delays_a_thousand_by_less_than_a_hundredth(place, seconds):
    """By a clock of its own, so of the schedule alone: 0.4 s is what chapter 3 takes; 3.5 s, more than it has at first.

    The hostile one uses a minute for each of three exercises. Without lanes, that is seen in the same figure.
    """
    honest = [("honest", seconds)] * 1000
    hostile = [*honest[:place], ("hostile", 180.0), *honest[place:]]
    assert 1 <= finish(hostile) / finish(honest) < 1.01
    if place == 999:
        return  # nobody but its neighbour on the other worker comes after it
    assert finish(hostile, use_fast=False) / finish(honest, use_fast=False) > 1.01


def test_lanes_cost_honest_learners_next_to_nothing():
    """An estimate that was too short at first is mended within a few submissions."""
    honest = [("honest", 3.5)] * 1000
    assert finish(honest) / finish(honest, use_fast=False) < 1.02
