"""One answer's process in a sandbox: exchange messages with it before a deadline, end it with all its children.

Before it is handed out, no code of the learner's has run in its sandbox, or none that left a trace there. So until then
a failure is this machine's (SandboxUnavailable), and afterwards it is the learner's (Ended). It dies with the thread
that started it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from autograders.sandbox import contents, wire
from autograders.sandbox.connection import CHUNK, Connection
from autograders.sandbox.jail import SECONDS_TO_END, Jail
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable

SECONDS_TO_START = 30.0


class Ended(Exception):
    """The process is of no more use: it took too long, sent what is no message, or is gone. Says so in words."""


class TooSlow(Ended):
    """The process did not reply in time."""


class Process:
    """What the kinds have in common. They differ in how they start, and in what becomes of their sandbox."""

    def __init__(self, limits: Limits):
        self._connection = Connection()
        self._limits = limits

    def exchange(self, message: bytes, seconds: float, opaque=None) -> tuple[dict, tuple]:
        """Send one message and return the reply's header and values; Ended unless all is done in `seconds`."""
        deadline = time.monotonic() + seconds
        largest = self._limits.reply_megabytes * 2**20 + len(message)  # the inputs come back beside the value
        try:
            self._connection.write(message, deadline)
            return self._connection.read_message(deadline, largest, opaque)
        except TimeoutError as error:
            raise TooSlow(f"took longer than {seconds:g} s") from error
        except wire.Malformed as error:
            raise Ended(f"sent back {error}") from error
        except (BrokenPipeError, EOFError) as error:
            raise Ended(self._how_it_ended()) from error

    def close(self, orderly: bool = False) -> None:
        """End it and everything it started, and wait until they are gone. `orderly`: all that it sent was in order."""
        raise NotImplementedError

    def _how_it_ended(self) -> str:
        raise NotImplementedError

    def _wait_until_ready(self) -> None:
        self._connection.read_message(time.monotonic() + SECONDS_TO_START, CHUNK)


class OnlyProcess(Process):
    """A process that has a sandbox of the given level (a module: see `levels.py`) to itself, ready for messages.

    Raises SandboxUnavailable where it cannot be started.
    """

    def __init__(self, level, packages: tuple[contents.Package, ...], limits: Limits):
        super().__init__(limits)
        try:
            self._jail = level.start(packages, limits, self._connection.requests, self._connection.replies)
        except BaseException:
            self._connection.close()
            raise
        finally:
            self._connection.handed_over()
        with starting(self._jail, self.close):
            self._wait_until_ready()
            self._jail.ready()

    def close(self, orderly: bool = False) -> None:
        self._jail.kill()
        # the pipe ends once the last process that holds it is gone, and the sandbox's first one does until its end
        with contextlib.suppress(TimeoutError):
            self._connection.read_to_the_end(time.monotonic() + SECONDS_TO_END)
        self._connection.close()
        self._jail.collect()

    def _how_it_ended(self) -> str:
        return self._jail.end_in_words()


@contextlib.contextmanager
def starting(jail: Jail, close: Callable[[], None]) -> Iterator[None]:
    """Around the wait for a new sandbox: one that is not ready is closed, and SandboxUnavailable says why."""
    try:
        yield
    except EOFError as error:
        jail.process.wait()
        complaint = jail.process.stderr.read(10_000).decode(errors="replace")
        close()
        raise jail.explain(complaint) from error
    except TimeoutError as error:
        close()
        raise SandboxUnavailable(f"the sandbox did not start within {SECONDS_TO_START:g} s") from error
    except BaseException:
        close()
        raise
