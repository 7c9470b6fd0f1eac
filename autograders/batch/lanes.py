"""Who is judged next: first everyone in the fast lane, and once they are all done, in the full lane, who was too slow.

In the fast lane a submission may take a few times as long as submissions usually do. One that would take longer is put
off: nothing of that run is kept, and it is judged anew in the full lane, with all the time that its exercises allow. So
an endless loop costs the others the time of a few submissions, and not a minute and more.

No verdict depends on the lane. The limits that an answer runs under, and can see, are the same in both. What differs is
how long the judge waits before it throws a run away; a run that it did not throw away is the run that it would have
been without lanes. An answer can provoke a second run by dawdling, but it learns no more in two than in one: it sees
the same inputs, and never whether they were answered rightly.
"""

import collections
import statistics
from dataclasses import dataclass

SECONDS_AT_FIRST = 3.0  # in the fast lane, before it is known how long submissions take
TIMES_THE_USUAL = 4
ENOUGH_TO_KNOW = 4  # submissions
REMEMBERED = 200  # submissions: a classroom, or the machine, may change its pace


@dataclass(eq=False)
class Job:
    """A submission on its way: `given` is whatever stands for it, `tried` how often a machine failed it."""

    given: object
    tasks: list
    is_fast: bool
    tried: int = 0


class Lanes:
    """Hands out jobs for submissions, (anything, its tasks) pairs, of which no more is taken than is asked for.

    The usual time is the third quartile: it is honest while fewer than a quarter of the submissions are put off, and
    where most hand in nothing, it is that of the others. A submission put off counts with the time that it used, so
    if the first estimate was too short, the next is four times as long. With `use_fast=False` all are in the full lane.
    """

    def __init__(self, submissions, use_fast=True):
        self._coming = iter(submissions)
        self._use_fast = use_fast
        self._again, self._put_off = collections.deque(), collections.deque()
        self._in_fast_lane = 0
        self._took = collections.deque(maxlen=REMEMBERED)

    def take(self):
        """The next Job; None if there is none, or none until jobs in the fast lane are done."""
        if self._again:
            return self._again.popleft()
        for given, tasks in self._coming:
            self._in_fast_lane += self._use_fast
            return Job(given, tasks, self._use_fast)
        if self._put_off and not self._in_fast_lane:
            return self._put_off.popleft()
        return None

    def seconds(self, job):
        """How long to wait for a job before it is put off; None for as long as its exercises allow."""
        if not job.is_fast:
            return None
        if len(self._took) < ENOUGH_TO_KNOW:
            return SECONDS_AT_FIRST
        return TIMES_THE_USUAL * statistics.quantiles(self._took, n=4)[-1]

    def done(self, job, seconds=None):
        """The job has its verdicts, after so many seconds on its worker, or was given up."""
        self._in_fast_lane -= job.is_fast
        if job.is_fast and seconds is not None:
            self._took.append(seconds)

    def try_again(self, job):
        """A machine failed the job: it is next."""
        job.tried += 1
        self._again.append(job)

    def put_off(self, job, seconds):
        """The job, in the fast lane, would have taken longer than the seconds that it had."""
        self.done(job, seconds)
        self._put_off.append(Job(job.given, job.tasks, is_fast=False))
