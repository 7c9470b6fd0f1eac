"""The sandbox: runs a learner's cells with nothing in reach, and lets the parent use one answer in them.

    with open_session([("cell-1", source)], "unbroadcast") as session:
        session.describe()          # Described(parameters=("gradient", "shape"))
        session.call(array, (3,))   # Returned(value, inputs), or Raised, or Stopped

Read in this order: `limits.py`, `wire.py` (what crosses), `worker.py` (runs inside), `contents.py` (what it can read),
`withheld.py` (and what not), the levels of isolation, each a module with the same `start` (`cgroup.py`,
`bubblewrap.py`, `landlock.py`, `container.py`), `levels.py` (chooses among them), `process.py` (one sandboxed process),
`in_turn.py` with `first_process.py` (one sandbox for several answers of one learner), `session.py`.
"""

import functools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from autograders.sandbox import contents, levels
from autograders.sandbox.in_turn import Sandboxes
from autograders.sandbox.limits import Limits
from autograders.sandbox.session import SandboxSession, WaitedLongEnough
from autograders.sandbox.unavailable import SandboxUnavailable
from autograders.sandbox.withheld import without
from autograders.session import Use

__all__ = [
    "Limits", "SandboxSession", "SandboxUnavailable", "Sandboxes", "WaitedLongEnough", "available", "open_session"]

OUR_OWN = ("autograders", "course")  # never inside, whatever an exercise allows
PROBES = Path(__file__).parent.parent / "probes"  # but for these, which know no answer


def open_session(
    sources: Iterable[tuple[str, str]],
    answer: str,
    *,
    use: Use = Use(),
    packages: Sequence[str] = ("numpy",),
    withheld: Sequence[str] = ("engine",),
    reason: str = "the exercise asks you to write a part of it yourself",
    limits: Limits = Limits(),
    until: float = math.inf,
    sandboxes: Sandboxes | None = None,
) -> SandboxSession:
    """A session, to be used in a `with` statement, in which `answer` of the learner's cells can be used.

    `sources` are (cell id, source) pairs, run in order, each on its own: one that raises does not stop the later
    ones. `use` says whether it is a function or a class, and which probe uses it. Of installed packages only
    `packages` are there. What is `withheld`, other packages or dotted names of parts of these, can be imported but
    not used; the ImportError says `reason`. Entering it raises SandboxUnavailable where this machine has no sandbox,
    and nothing was run. Entering it, and calls, raise WaitedLongEnough if the answer is not ready by `until`, in
    `time.monotonic()`'s seconds, and had not used up its own limits; nothing inside knows of `until`. `sandboxes` are the same learner's:
    other answers may use a sandbox before and after it. Without them it has one to itself.
    """
    cells = [(str(cell_id), str(source)) for cell_id, source in sources]
    if not answer.isidentifier():
        raise ValueError(f"answer must be the name of a function or class, but is {answer!r}")
    if not set(packages).isdisjoint({*withheld, *OUR_OWN}):
        raise ValueError(f"packages {tuple(packages)} name what is withheld: {(*withheld, *OUR_OWN)}")
    parts = tuple(part for part in withheld if "." in part)
    if not {part.partition(".")[0] for part in parts} <= set(packages):
        raise ValueError(f"withheld {parts} must be parts of the packages {tuple(packages)}")
    why = f"is withheld while this exercise is graded: {reason}"
    reasons = {name: f"`{name}` is not here while answers are graded" for name in OUR_OWN}
    reasons |= {name: f"`{name}` {why}" for name in withheld if name not in parts}
    # the probes are there for all, so that those that need no other packages can use one sandbox
    inside = (*(_package(name, parts, why) for name in packages), contents.package_in(PROBES))
    return SandboxSession(cells, answer, use, inside, reasons, limits, until, sandboxes)


@functools.cache
def _package(name: str, parts: tuple[str, ...], why: str) -> contents.Package:
    """An installed package without those of the withheld parts that are its own."""
    whole, own = contents.package(name), tuple(part for part in parts if part.startswith(f"{name}."))
    return without(whole, own, why) if own else whole


def available() -> tuple[bool, str]:
    """Whether a sandbox starts on this machine, and if not, why and what to do about it. Tried once a process."""
    try:
        levels.choose()
    except SandboxUnavailable as error:
        return False, str(error)
    return True, ""
