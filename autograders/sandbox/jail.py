"""What a level's `start` returns: one process, and how to end it with all that it started.

This one is right for a process that cannot have children. Levels whose processes can have some derive from it.
"""

import signal
import subprocess
import warnings

from autograders.sandbox.unavailable import SandboxUnavailable

SECONDS_TO_END = 5.0


class Jail:
    """A started worker. `process` is the child of ours that ends when the worker does; its stderr is a pipe."""

    def __init__(self, process: subprocess.Popen):
        self.process = process

    def explain(self, complaint: str) -> SandboxUnavailable:
        """The error for a worker that did not start, from what it said on stderr."""
        said = " ".join(complaint.split())[-300:] or f"it said nothing (exit status {self.process.returncode})"
        return SandboxUnavailable(f"the sandbox did not start: {said}")

    def ready(self) -> None:
        """The worker runs, and no code of the learner's has run yet."""

    def is_as_new(self) -> bool:
        """Whether nothing of an answer can be left in it once its processes are gone and its files untouched."""
        return False

    def kill(self) -> None:
        """Kill all processes in it. They may take a moment to end."""
        self.process.kill()

    def collect(self) -> None:
        """Wait until what was killed is gone, and give back what was held for it."""
        try:
            self.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            warnings.warn("a sandbox did not end in time; its processes may still run", RuntimeWarning, stacklevel=2)
        finally:
            self.process.stderr.close()
            self.release()

    def end_in_words(self) -> str:
        """How it ended, for one that no longer speaks."""
        try:
            status = self.process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return "closed the connection to the grader"
        return self.how_it_ended(status)

    def how_it_ended(self, status: int) -> str:
        """`status`, as Popen gives it, in words."""
        number = -status if status < 0 else status - 128  # bubblewrap's way to tell of a signal is 128 + its number
        if number in signal.valid_signals():
            name = signal.strsignal(number) or f"signal {number}"
            return f"ended its process ({name.lower()})"
        return f"ended its process (exit status {status})"

    def release(self) -> None:
        """Give back what was held for it outside. Called once, after its processes were killed."""
