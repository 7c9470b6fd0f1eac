"""Which level of isolation answers are graded at: the best one that really starts on this machine.

A level is a module with
    NAME        how the ledger and the doctor call it;
    LACKS       what it does not promise that a better one does, in a line;
    IN_TURN     whether answers use its sandboxes in turn: then the worker is started with `first_process.py`;
    start       (packages, limits, requests, replies) -> Jail: a worker that has these `contents.Package`s and speaks
                over the two descriptors (IN_TURN: follows the orders of one socket), or SandboxUnavailable with the
                reason and what to do about it.
CHAINRULE_SANDBOX=name allows that level alone. Where none works nothing is graded.
"""

import functools
import os
import types

from autograders.sandbox import bubblewrap, cgroup, container, contents, landlock
from autograders.sandbox.in_turn import Sandboxes
from autograders.sandbox.limits import Limits
from autograders.sandbox.unavailable import SandboxUnavailable, need_linux

LEVELS = (cgroup, bubblewrap, landlock, container)  # the best first
FORCE = "CHAINRULE_SANDBOX"


def choose() -> types.ModuleType:
    """The level to grade at. Raises SandboxUnavailable, in one line, where there is none or not the one asked for."""
    need_linux()
    forced = os.environ.get(FORCE, "")
    if forced:
        level = _named(forced)
        if problem(level):
            raise SandboxUnavailable(f"{FORCE}={forced} does not work here: {problem(level)}")
        return level
    for level in LEVELS:
        if not problem(level):
            return level
    reasons = "; ".join(f"{level.NAME}: {problem(level)}" for level in LEVELS)
    raise SandboxUnavailable(f"no sandbox works here ({reasons}); `python -m autograders doctor` says more")


@functools.cache
def problem(level: types.ModuleType) -> str:
    """Why the level does not work here, and the fix; an empty text if it does. A worker is started to find out."""
    try:
        with Sandboxes() as sandboxes:
            sandboxes.process(level, (contents.package("numpy"),), Limits()).close()
    except SandboxUnavailable as error:
        return str(error)
    return ""


def _named(name: str) -> types.ModuleType:
    for level in LEVELS:
        if level.NAME == name:
            return level
    names = ", ".join(level.NAME for level in LEVELS)
    raise SandboxUnavailable(f"{FORCE}={name} names no sandbox; there are: {names}")
