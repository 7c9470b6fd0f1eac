"""What happens to a submission when machines fail: tried again three times, then told; verdicts are final at once."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the crew is a Dask cluster")

from distributed import CancelledError, KilledWorker, LocalCluster  # noqa: E402
from distributed.comm import CommClosedError  # noqa: E402

from autograders import marking, sandbox  # noqa: E402
from autograders.batch import crew  # noqa: E402
from autograders.batch.command import Refused  # noqa: E402
from autograders.marking import package_digest  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
VERSIONS = {name: package_digest(name) for name in crew.PACKAGES}


@pytest.fixture(scope="module")
def address():
    """A scheduler whose two workers are threads of this process, so that stand-ins reach them."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, host="127.0.0.1", dashboard_address=None, protocol="tcp"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def marked(monkeypatch):
    """Tasks are marked by a stand-in: a task {"fails": n} finds no sandbox n times, {"error": text} raises."""
    tried = {}

    def mark_all(tasks, until):
        (task,) = tasks
        tried[task["name"]] = tried.get(task["name"], 0) + 1
        if "error" in task:
            raise ValueError(task["error"])
        if tried[task["name"]] <= task.get("fails", 0):
            raise sandbox.SandboxUnavailable("it did not start")
        return [{"name": task["name"], **VERSIONS, **task.get("versions", {})}]

    monkeypatch.setattr(marking, "mark_all", mark_all)
    monkeypatch.setattr(sandbox, "available", lambda: (True, ""))
    return tried


def judge(address, *tasks):
    """{the task's name: its verdict's name, or why it was given up}, and the crew."""
    with crew.Crew(address) as workers:
        found = {given: outcome for given, outcome in workers.judge((task["name"], [task]) for task in tasks)}
    return {name: str(it) if isinstance(it, crew.GaveUp) else it[0]["name"] for name, it in found.items()}, workers


def test_a_machines_fault_is_tried_again(address, marked):
    found, workers = judge(address, {"name": "a"}, {"name": "b", "fails": 3}, {"name": "c"})
    assert found == {"a": "a", "b": "b", "c": "c"}
    assert workers.retried == 3


def test_it_is_given_up_after_three_retries_and_stops_nobody(address, marked):
    found, workers = judge(address, {"name": "a", "fails": 99}, *({"name": str(number)} for number in range(20)))
    assert found.pop("a") == "it did not start (tried 4 times)"
    assert found == {str(number): str(number) for number in range(20)}
    assert marked["a"] == 4


def test_the_graders_own_fault_is_told_and_not_tried_again(address, marked):
    found, workers = judge(address, {"name": "a", "error": "no such exercise"}, {"name": "b"})
    assert found == {"a": "the grader itself failed (ValueError: no such exercise)", "b": "b"}
    assert workers.retried == 0 and marked["a"] == 1


def test_verdicts_of_another_version_do_not_count(address, marked):
    """A worker that came later may have other specs than the process that writes."""
    found, _ = judge(address, {"name": "a", "versions": {"engine": "other"}})
    assert "another version of `engine`" in found["a"]


def test_equal_tasks_of_two_learners_are_two(address, marked):
    with crew.Crew(address) as workers:
        found = list(workers.judge((name, [{"name": "same"}]) for name in ("ada", "ben")))
    assert sorted(given for given, _ in found) == ["ada", "ben"]


def test_without_a_sandbox_it_refuses_before_it_begins(address, marked, monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: (False, "bubblewrap is not installed"))
    with pytest.raises(Refused, match="nothing was graded: on .*, bubblewrap is not installed"):
        judge(address, {"name": "a"})
    assert not marked


def test_workers_with_other_versions_are_refused(address, marked, monkeypatch):
    monkeypatch.setattr(crew, "inspect_worker", lambda: {"reason": "", **VERSIONS, "autograders": "other"})
    with pytest.raises(Refused, match="another version of `autograders`"):
        judge(address, {"name": "a"})
    assert not marked


@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_worker_and_what_it_starts_keep_to_one_core(number):
    """What a hostile answer may use up is one worker's core; tried in a process of its own, with a second thread."""
    program = f"""
import os, subprocess, sys, threading
from autograders.batch.worker_process import keep_to_core
cores = sorted(os.sched_getaffinity(0))
seen, go = [], threading.Event()
thread = threading.Thread(target=lambda: (go.wait(), seen.append(os.sched_getaffinity(0))))
thread.start()
keep_to_core({number})
go.set()
thread.join()
started = subprocess.run([sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"], capture_output=True)
wanted = {{cores[{number} % len(cores)]}}
assert seen == [wanted], seen
assert eval(started.stdout) == wanted, started.stdout
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_nothing_to_judge_starts_nothing():
    assert judge("tcp://127.0.0.1:1")[0] == {}


class Finished:
    """A future that is done: asked for its result it gives it, or raises; its exception() says that all is well."""

    def __init__(self, outcome):
        self.outcome = outcome

    def exception(self):
        return None

    def cancelled(self):
        return False

    def result(self):
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("outcome", "fault", "words"),
    [
        (KilledWorker("submission-1", None, 0), crew.MachineFault, "the worker died"),
        (CommClosedError("in <TLS>"), crew.MachineFault, r"no verdict arrived .*CommClosedError: in <TLS>"),
        (OSError("Timed out"), crew.MachineFault, "no verdict arrived"),
        (KeyError("submission-1"), crew.MachineFault, "no verdict arrived"),
        (CancelledError("submission-1"), Refused, "connection to the Dask scheduler was lost"),
        (asyncio.CancelledError(), Refused, "connection to the Dask scheduler was lost"),
        ({"fault": "no sandbox"}, crew.MachineFault, "no sandbox"),
        ({"error": "ValueError: x"}, crew.ProgramFault, r"the grader itself failed \(ValueError: x\)"),
    ],
)
def test_whatever_keeps_a_result_away_is_told_apart(outcome, fault, words):
    """A worker may die after it has answered and before the answer is fetched: then result() alone raises."""
    with pytest.raises(fault, match=words):
        crew.Crew()._result(Finished(outcome))


@pytest.mark.parametrize("error", [BlockingIOError(11, "Resource temporarily unavailable"), MemoryError()])
def test_what_a_machine_runs_out_of_is_its_fault(monkeypatch, error):
    """No process or no memory to be had is no fault of the grader, and another try may find some."""

    def mark_all(tasks, until):
        raise error

    monkeypatch.setattr(marking, "mark_all", mark_all)
    assert type(error).__name__ in crew.judge_all([{}])["fault"]


class Scheduler:
    """A client's side of a scheduler whose workers give these answers, one set each time they are asked."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def wait_for_workers(self, count, timeout):
        pass

    def run(self, function, on_error):
        assert on_error == "return"
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def asked(monkeypatch, *answers):
    workers = crew.Crew()
    workers._client = Scheduler(*answers)
    monkeypatch.setattr(crew.time, "sleep", lambda seconds: None)
    return workers._ask_workers()


def test_a_worker_that_dies_when_asked_is_asked_again(monkeypatch):
    """A worker killed at the start is replaced by its nanny; that must not end the command."""
    good = {"tcp://a": {"reason": ""}}
    assert asked(monkeypatch, {"tcp://a": CommClosedError("gone")}, {}, good) == good


@pytest.mark.parametrize(
    ("answer", "words"),
    [({"tcp://a": ModuleNotFoundError("no autograders")}, "tcp://a could not be asked .*no autograders"), ({}, "ended")],
)
def test_workers_that_cannot_be_asked_are_refused(monkeypatch, answer, words):
    with pytest.raises(Refused, match=f"nothing was graded: .*{words}"):
        asked(monkeypatch, answer)


def test_a_scheduler_that_is_gone_is_told_in_a_line(monkeypatch):
    """Whatever is asked of it then raises one of several exceptions; none of them may come out as a traceback."""
    for error in (CommClosedError("gone"), TimeoutError("late"), CancelledError("client closed")):
        with pytest.raises(Refused, match="connection to the Dask scheduler was lost"):
            with crew._scheduler_answers():
                raise error
