"""Judging on many processes: a Dask cluster, of this machine or any other, that is given tasks and gives verdicts.

A worker gets plain data and returns plain data: it sees answers and seeds, no name of a learner, no gradebook, no
secret key. (Dask itself sends the function to call as a pickle; its scheduler and workers trust each other and must
stand in a network that you trust. No byte that a learner's code made is ever unpickled.) What went wrong with a
machine is tried again, three times; what a learner's code did is in the verdict, and final.
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import math
import os
import time

from autograders import marking, sandbox
from autograders.batch.command import Refused, missing_extra
from autograders.batch.lanes import Lanes
from autograders.marking import package_digest

RETRIES = 3
SECONDS_FOR_WORKERS = 30
SECONDS_WITHOUT_WORKERS = 120
AHEAD = 4  # submissions waiting for each worker, so that none is idle while results are written
PACKAGES = ("autograders", "engine")
LOST = "the connection to the Dask scheduler was lost; run the command again to go on"


def judge_all(tasks, seconds=None):
    """On a worker: what became of a submission's tasks. All of it is JSON.

    `took` is in seconds, and one of these says how it ended: `verdicts`; `put_off`, if they would have taken longer
    than `seconds`; `fault`, of this machine, in words; `error`, of the grader, in words. No exception leaves it, so
    whatever the command's process catches in its place befell the worker or the way to it.
    """
    begun = time.monotonic()
    until = math.inf if seconds is None else begun + seconds
    try:
        outcome = {"verdicts": marking.mark_all(tasks, until)}
    except sandbox.WaitedLongEnough:
        outcome = {"put_off": True}
    except sandbox.SandboxUnavailable as error:
        outcome = {"fault": str(error)}
    except (OSError, MemoryError) as error:  # no process, no memory, no descriptor to be had
        outcome = {"fault": _named(error)}
    except Exception as error:
        outcome = {"error": _named(error)}
    return {**outcome, "took": time.monotonic() - begun}


def inspect_worker():
    """On a worker: import what judging takes, and say whether it can be done there, and with which versions."""
    works, reason = sandbox.available()
    return {"reason": "" if works else reason, **{name: package_digest(name) for name in PACKAGES}}


class MachineFault(Exception):
    """A machine failed, which another try may mend."""


class ProgramFault(Exception):
    """The grader failed, which another try would not mend."""


class GaveUp(Exception):
    """A submission could not be judged, for no fault of its learner. Says why."""


class Crew:
    """The workers, started once there is something to judge. Use it in a `with` statement, which ends them.

    `retried` counts tries after a machine's fault, `put_off` the submissions that were judged at the end because they
    are slow (see `lanes.py`); with `use_fast_lane=False` all are judged in their turn, however long they take.
    """

    def __init__(self, scheduler=None, workers=None, use_fast_lane=True):
        self._address = scheduler
        self._use_fast_lane = use_fast_lane
        self._count = workers or len(os.sched_getaffinity(0))
        self._stack = contextlib.ExitStack()
        self.retried = 0
        self.put_off = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def _start(self):
        with missing_extra():
            import cryptography  # noqa: F401 (for distributed's TLS)
            import distributed
        with contextlib.ExitStack() as stack:
            self._client = stack.enter_context(self._connect(distributed, stack))
            self._inspect(self._ask_workers())
            self._stack = stack.pop_all()

    @property
    def size(self):
        """How many workers there are now."""
        with _scheduler_answers():
            return max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def judge(self, submissions):
        """Yield (what was given, verdicts or the GaveUp) for (anything, its tasks) pairs, in the order of completion.

        `submissions` may be a generator: no more of it is taken than keeps the workers busy. Raises Refused, before
        the first is judged, where the workers cannot judge.
        """
        lanes = Lanes(submissions, self._use_fast_lane)
        first = lanes.take()
        if first is None:
            return
        self._start()
        from distributed import as_completed

        running = as_completed(raise_errors=False)
        jobs = {}  # by their futures
        self._submit(first, lanes, running, jobs)
        self._fill(lanes, running, jobs)
        for future in running:
            job = jobs.pop(future)
            outcome = self._outcome(job, future, lanes)
            self._fill(lanes, running, jobs)
            if outcome is not None:
                yield job.given, outcome

    def _outcome(self, job, future, lanes):
        """A finished job's verdicts or GaveUp; None if it is to be judged another time, which the lanes then know."""
        try:
            result = self._result(future)
        except MachineFault as fault:
            if job.tried < RETRIES:
                self.retried += 1
                return lanes.try_again(job)
            lanes.done(job)
            return GaveUp(f"{fault} (tried {job.tried + 1} times)")
        except ProgramFault as fault:
            lanes.done(job)
            return GaveUp(str(fault))
        if "put_off" in result:
            self.put_off += 1
            return lanes.put_off(job, result["took"])
        lanes.done(job, result["took"])
        return result["verdicts"]

    def _fill(self, lanes, running, jobs):
        while len(jobs) < AHEAD * self.size:
            job = lanes.take()
            if job is None:
                return
            self._submit(job, lanes, running, jobs)

    def _submit(self, job, lanes, running, jobs):
        # a name for each job and try, and not for the tasks alone: two futures of one name would be one
        name = f"submission-{_digest([job.tasks, job.is_fast, job.tried])[:16]}-{id(job):x}"
        future = self._client.submit(judge_all, job.tasks, lanes.seconds(job), key=name, pure=False)
        jobs[future] = job
        running.add(future)

    def _result(self, future):
        """What `judge_all` gave. Raises MachineFault, ProgramFault, or Refused if the scheduler is gone."""
        from distributed import CancelledError, KilledWorker

        try:
            result = future.result()  # asked once: a worker may die at any moment, even after it has answered
        except (CancelledError, asyncio.CancelledError) as error:
            raise Refused(LOST) from error
        except KilledWorker as error:
            raise MachineFault("the worker died") from error
        except Exception as error:
            raise MachineFault(f"no verdict arrived from the worker ({_named(error)})") from error
        if "error" in result:
            raise ProgramFault(f"the grader itself failed ({result['error']})")
        if "fault" in result:
            raise MachineFault(result["fault"])
        for verdict in result.get("verdicts", ()):
            for name in PACKAGES:
                if verdict[name] != package_digest(name):
                    raise MachineFault(f"a worker has another version of `{name}` than this process")
        return result

    def _connect(self, distributed, stack):
        if self._address is not None:
            try:
                return distributed.Client(self._address, timeout=20)
            except (OSError, ValueError) as error:
                raise Refused(f"no Dask scheduler answers at {self._address!r} ({error})") from error
        works, reason = sandbox.available()
        if not works:
            raise Refused(f"nothing was graded: {reason}")
        return distributed.Client(stack.enter_context(self._own_cluster(distributed)))

    def _own_cluster(self, distributed):
        import dask

        # should no worker ever come back, what waits for one fails, instead of waiting for ever
        patience = {"distributed.scheduler.no-workers-timeout": f"{SECONDS_WITHOUT_WORKERS} s"}
        try:
            with dask.config.set(patience):
                return distributed.LocalCluster(
                    n_workers=self._count,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    security=True,  # TLS with certificates for this run: others on this machine cannot give it orders
                    dashboard_address="127.0.0.1:0",
                    memory_limit=None,  # learners' memory is bounded by the sandbox
                    scheduler_kwargs={
                        "allowed_failures": 0,
                        "dashboard": False,
                    },  # a worker's death is told at once, and counted here
                    preload="autograders.batch.worker_process",
                    silence_logs=logging.CRITICAL,
                )
        except (OSError, RuntimeError) as error:
            words = f"the workers did not start ({_named(error)}); run the command again"
            raise Refused(f"nothing was graded: {words}") from error

    def _ask_workers(self):
        """{address: what `inspect_worker` gave there}. A worker that dies over it is replaced, or left out."""
        for _ in range(1 + RETRIES):
            self._wait_for_workers()
            with _scheduler_answers():
                found = self._client.run(inspect_worker, on_error="return")
            failed = {address: error for address, error in found.items() if isinstance(error, Exception)}
            if found and not failed:
                return found
            time.sleep(1)
        for address, error in failed.items():
            raise Refused(f"nothing was graded: the worker {address} could not be asked ({_named(error)})") from error
        raise Refused("nothing was graded: the workers ended before they could be asked whether they can judge")

    def _wait_for_workers(self):
        from distributed import TimeoutError

        where = "here" if self._address is None else f"for the Dask scheduler at {self._address!r}"
        with _scheduler_answers():
            try:
                self._client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
            except TimeoutError as error:
                raise Refused(f"nothing was graded: there are no workers {where}") from error

    def _inspect(self, found):
        """Refuse unless every worker can judge, with our versions. `found` is {address: what inspect_worker gave}."""
        for address, worker in sorted(found.items()):
            if worker["reason"]:
                raise Refused(f"nothing was graded: on {address}, {worker['reason']}")
            for name in PACKAGES:
                if worker[name] != package_digest(name):
                    raise Refused(f"nothing was graded: {address} has another version of `{name}` than this process")


@contextlib.contextmanager
def _scheduler_answers():
    """Around a question to the scheduler: Refused if it is gone."""
    from distributed import CancelledError
    from distributed.client import ClosedClientError

    try:
        yield
    except (OSError, CancelledError, asyncio.CancelledError, ClosedClientError) as error:
        raise Refused(LOST) from error


def _named(error):
    return f"{type(error).__name__}: {error}"


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
