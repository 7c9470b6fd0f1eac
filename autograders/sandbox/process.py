"""One sandboxed process: start it, exchange messages with it before a deadline, end it with all its children.

Its first message comes before any code of the learner's has run, so until then a failure is this machine's
(SandboxUnavailable), and afterwards it is the learner's (Ended). The process dies with the thread that started it.
"""

import math
import os
import select
import subprocess
import time
import warnings

from autograders.sandbox import contents, wire
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable

SECONDS_TO_START = 30.0
SECONDS_TO_END = 5.0
CHUNK = 2**20  # bytes


class Ended(Exception):
    """The process is of no more use: it took too long, sent what is no message, or is gone. Says so in words."""


class TooSlow(Ended):
    """The process did not reply in time."""


class Process:
    """A worker in a sandbox of the given level (a module: see `levels.py`), ready for messages.

    Raises SandboxUnavailable where it cannot be started.
    """

    def __init__(self, level, packages: tuple[contents.Package, ...], limits: Limits):
        self._limits = limits
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        for descriptor in (self._requests, self._replies):
            os.set_blocking(descriptor, False)
        try:
            self._jail = level.start(packages, limits, requests, replies)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            os.close(requests)
            os.close(replies)
        self._process = self._jail.process
        self._wait_until_ready()

    def exchange(self, message: bytes, seconds: float, opaque=None) -> tuple[dict, tuple]:
        """Send one message and return the reply's header and values; Ended unless all is done in `seconds`."""
        deadline = time.monotonic() + seconds
        largest = self._limits.reply_megabytes * 2**20 + len(message)  # the inputs come back beside the value
        try:
            self._write(message, deadline)
            return self._read_message(deadline, largest, opaque)
        except TimeoutError as error:
            raise TooSlow(f"took longer than {seconds:g} s") from error
        except wire.Malformed as error:
            raise Ended(f"sent back {error}") from error
        except (BrokenPipeError, EOFError) as error:
            raise Ended(self._how_it_ended()) from error

    def close(self) -> None:
        """End the process and everything it started, and wait until they are gone."""
        self._jail.kill()
        try:
            self._read_to_the_end(time.monotonic() + SECONDS_TO_END)
            self._process.wait(SECONDS_TO_END)
        except (TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
            warnings.warn("a sandbox did not end in time; its processes may still run", RuntimeWarning, stacklevel=2)
        finally:
            self._process.stderr.close()
            self._close_pipes()
            self._jail.release()

    def _wait_until_ready(self) -> None:
        try:
            self._read_message(time.monotonic() + SECONDS_TO_START, CHUNK)
            self._jail.ready()
        except EOFError as error:
            self._process.wait()
            complaint = self._process.stderr.read(10_000).decode(errors="replace")
            self.close()
            raise self._jail.explain(complaint) from error
        except TimeoutError as error:
            self.close()
            raise SandboxUnavailable(f"the sandbox did not start within {SECONDS_TO_START:g} s") from error
        except BaseException:
            self.close()
            raise

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            _wait(self._requests, select.POLLOUT, deadline)
            view = view[os.write(self._requests, view[:CHUNK]) :]

    def _read_message(self, deadline: float, largest: int, opaque=None) -> tuple[dict, tuple]:
        prefix = self._read(wire.PREFIX.size, deadline)
        header, body = wire.lengths(prefix, largest)
        return wire.unpack(self._read(header, deadline), self._read(body, deadline), opaque)

    def _read(self, count: int, deadline: float) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            _wait(self._replies, select.POLLIN, deadline)
            part = os.read(self._replies, min(count - len(parts), CHUNK))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _read_to_the_end(self, deadline: float) -> None:
        """The pipe ends once the last process that holds it is gone; the sandbox's first process does until its end."""
        part = b"more"
        while part:
            _wait(self._replies, select.POLLIN, deadline)
            part = os.read(self._replies, CHUNK)

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(timeout=SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return "closed the connection to the grader"
        return self._jail.how_it_ended(status)

    def _close_pipes(self) -> None:
        for descriptor in (self._requests, self._replies):
            os.close(descriptor)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(math.ceil(left * 1000)):
        raise TimeoutError

