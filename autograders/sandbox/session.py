"""A session with a learner's answer in the sandbox: the counterpart of `autograders.session.LocalSession`.

Everything in a reply is the learner's claim; only its form is checked here. The judge, who compares the values, must
believe no more of it than that they came back.
"""

import math
import time

from autograders.sandbox import contents, levels, wire
from autograders.sandbox.in_turn import Sandboxes
from autograders.sandbox.limits import Limits
from autograders.sandbox.process import Ended, TooSlow
from autograders.session import Described, Missing, Opaque, Outcome, Raised, Returned, Stopped, Use

MOST_STARTS = 4
LONGEST_MESSAGE = 500  # characters
MOST_PARAMETERS = 64


class WaitedLongEnough(Exception):
    """The caller's time was over before the answer's own: there is nothing to say of the answer yet."""


class SandboxSession:
    """Runs the cells in a sandbox and uses what they call `name` there. Use it in a `with` statement, from one thread.

    An answer that had to be stopped gets a fresh sandbox for its next call, three times at most. A session that raised
    WaitedLongEnough is of no more use. With `sandboxes` one that it leaves as new serves the next session.
    """

    def __init__(
        self,
        cells: list[tuple[str, str]],
        name: str,
        use: Use,
        packages: tuple[contents.Package, ...],
        withheld: dict[str, str],
        limits: Limits,
        until: float = math.inf,
        sandboxes: Sandboxes | None = None,
    ):
        self._begin = wire.pack({"cells": cells, "name": name, "withheld": withheld, **use._asdict()})
        self._name = name
        self._packages = packages
        self._limits = limits
        self._seconds_left = limits.seconds_total
        self._until = until
        self._starts_left = MOST_STARTS
        self._sandboxes = sandboxes or Sandboxes()
        self._closes_sandboxes = sandboxes is None
        self._process = None
        self._description = None
        self._level = None

    @property
    def level(self) -> str:
        """The name of the level of isolation that the answer runs at; known once the session was entered."""
        return self._level.NAME

    def __enter__(self):
        self._level = levels.choose()
        self._start()
        return self

    def __exit__(self, exception, *about):
        self._end(orderly=exception is None)
        if self._closes_sandboxes:
            self._sandboxes.close()

    def describe(self) -> Described | Missing | Raised | Stopped:
        """The answer's parameters; or the error of the cell that should have defined it; or that it is missing."""
        return self._description

    def call(self, *arguments) -> Outcome:
        """Use the answer once. Raises TypeError for an argument that cannot cross."""
        request = wire.pack({}, arguments, strict=True)
        if self._process is None and self._seconds_left > 0 and not isinstance(self._description, Stopped):
            self._start()
        if isinstance(self._description, (Stopped, Raised)):
            return self._description
        try:
            header, values = self._exchange(request)
            return self._outcome(header, values, len(arguments))
        except Ended as error:
            self._end()
            return Stopped(str(error))
        except BaseException:  # an interrupt between question and answer: the next call must not get this one's reply
            self._end()
            raise

    def _start(self) -> None:
        if self._starts_left == 0:
            self._description = Stopped(f"had to be stopped {MOST_STARTS} times")
            return
        self._starts_left -= 1
        self._process = self._sandboxes.process(self._level, self._packages, self._limits)
        try:
            header, _ = self._exchange(self._begin)
            self._description = self._read_description(header)
        except Ended as error:
            self._end()
            self._description = Stopped(f"{error} when the cells were run")
        except BaseException:
            self._end()
            raise

    def _end(self, orderly: bool = False) -> None:
        if self._process is not None:
            self._process.close(orderly)
            self._process = None

    def _exchange(self, message: bytes) -> tuple[dict, tuple]:
        in_all = TooSlow(f"took longer than {self._limits.seconds_total:g} s in all")
        if self._seconds_left <= 0:
            raise in_all
        seconds = min(self._limits.seconds_per_call, self._seconds_left)
        begin = time.monotonic()
        patience = self._until - begin
        try:
            return self._process.exchange(message, min(seconds, patience), Opaque)
        except TooSlow as error:
            if patience < seconds:
                raise WaitedLongEnough from error
            if seconds == self._limits.seconds_per_call:
                raise
            raise in_all from error
        finally:
            self._seconds_left -= time.monotonic() - begin

    def _read_description(self, header: dict):
        match header.get("outcome"):
            case "described":
                names = header.get("parameters")
                if type(names) is not list or len(names) > MOST_PARAMETERS or not all(type(n) is str for n in names):
                    raise Ended("sent back a description without parameters")
                required = header.get("required")
                required = required if type(required) is int else len(names)
                parameters = tuple(wire.printable(name, 100) for name in names)
                return Described(parameters, required, blank=header.get("blank") is True)
            case "missing":
                return Missing(self._name, _text(header, "found", 100))
        return self._outcome(header, (), 0)

    def _outcome(self, header: dict, values: tuple, arguments: int) -> Outcome:
        match header.get("outcome"):
            case "returned" if len(values) == 1 + arguments:
                return Returned(values[0], values[1:])
            case "raised":
                return self._raised(header)
        raise Ended("sent back neither a value nor an error")

    def _raised(self, header: dict) -> Raised | Stopped:
        kind = _text(header, "kind", 100) or "Exception"
        if kind in ("MemoryError", "_ArrayMemoryError"):
            return Stopped(f"used more than {self._limits.megabytes} MB of memory")
        line = header.get("line")
        return Raised(
            kind,
            _text(header, "message", LONGEST_MESSAGE) or "",
            line if type(line) is int and 0 < line < 10**6 else None,
            _text(header, "text", LONGEST_MESSAGE),
        )


def _text(header: dict, key: str, longest: int) -> str | None:
    value = header.get(key)
    return wire.printable(value, longest) if type(value) is str else None
