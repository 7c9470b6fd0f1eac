"""One sandbox for several answers of one learner, in turn: each has a fresh process there, and none outlives its turn.

Starting a sandbox and importing numpy in it costs more than most answers. `first_process.py`, inside, does it once and
forks. An answer that has its turn finds what it would find in a sandbox of its own: packages as they were imported, no
other process, and a /tmp that nobody touched. A sandbox of which this is not sure is ended, and the next answer gets a
new one: after an answer that had to be stopped, sent what it should not, or left anything behind.
"""

import json
import select
import socket
import time

from autograders.sandbox import contents
from autograders.sandbox.connection import Connection, wait
from autograders.sandbox.jail import SECONDS_TO_END
from autograders.sandbox.limits import Limits
from autograders.sandbox.process import OnlyProcess, Process, starting

LONGEST_REPLY = 1024  # bytes


class Sandboxes:
    """Where sessions have their processes from, for the answers of one learner alone. Use it in a `with` statement.

    One sandbox is kept at most, for the next answer that needs the same; so it pays to sort them by what they need.
    """

    def __init__(self):
        self._kept = None
        self._needs = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def process(self, level, packages: tuple[contents.Package, ...], limits: Limits) -> Process:
        """A process for one answer, to be closed before the next is asked for. Raises SandboxUnavailable."""
        if not level.IN_TURN:
            return OnlyProcess(level, packages, limits)
        needs = (level, packages, limits)
        if self._kept is not None and self._kept.is_as_new and self._needs == needs:
            try:
                return ProcessInTurn(self._kept, limits)
            except (OSError, EOFError):  # the kernel ended it, for want of memory perhaps, while no answer was in it
                pass
        self.close()
        self._kept, self._needs = Sandbox(level, packages, limits), needs
        with starting(self._kept.jail, self._kept.close):
            process = ProcessInTurn(self._kept, limits)
            self._kept.jail.ready()
        return process

    def close(self) -> None:
        """End what is kept."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class Sandbox:
    """A started sandbox. `is_as_new`: no answer is in it, and none left a trace."""

    def __init__(self, level, packages: tuple[contents.Package, ...], limits: Limits):
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self.jail = level.start(packages, limits, theirs.fileno(), theirs.fileno())
        except BaseException:
            self._control.close()
            raise
        self.is_as_new = True
        self._is_closed = False

    def begin(self, connection: Connection) -> None:
        """Have a process made that has the other ends of the connection. Raises EOFError if the sandbox is gone."""
        self.is_as_new = False
        try:
            socket.send_fds(self._control, [b"0"], [connection.requests, connection.replies])
        except (BrokenPipeError, ConnectionResetError) as error:
            raise EOFError from error

    def end(self, seconds: float) -> int | None:
        """Let the answer go on for so long, then kill all that is left of it; its exit status if it ended by itself."""
        said = self._order(seconds)
        status = said.get("status")
        self.is_as_new = said.get("left_alone") is True and self.jail.is_as_new()
        if not self.is_as_new:
            self.close()
        return status if type(status) is int else None

    def _order(self, seconds: float) -> dict:
        """What the first process says; nothing, if it is gone, or cannot get rid of what it should end."""
        try:
            self._control.send(json.dumps(seconds).encode())
            wait(self._control.fileno(), select.POLLIN, time.monotonic() + seconds + SECONDS_TO_END)
            return json.loads(self._control.recv(LONGEST_REPLY))
        except (OSError, ValueError):
            return {}

    def close(self) -> None:
        """End it with all that runs in it, and wait until that is gone."""
        if self._is_closed:
            return
        self._is_closed, self.is_as_new = True, False
        self.jail.kill()
        self._control.close()
        self.jail.collect()


class ProcessInTurn(Process):
    """A fresh process in a sandbox where others were before; EOFError or OSError where there is none to be had."""

    def __init__(self, sandbox: Sandbox, limits: Limits):
        super().__init__(limits)
        self._sandbox = sandbox
        try:
            try:
                sandbox.begin(self._connection)
            finally:
                self._connection.handed_over()
            self._wait_until_ready()
        except BaseException:
            self._connection.close()
            raise

    def close(self, orderly: bool = False) -> None:
        self._connection.close()
        if orderly:
            self._sandbox.end(0.0)
        else:
            self._sandbox.close()

    def _how_it_ended(self) -> str:
        status = self._sandbox.end(SECONDS_TO_END)
        return self._sandbox.jail.how_it_ended(status) if status is not None else "closed the connection to the grader"
