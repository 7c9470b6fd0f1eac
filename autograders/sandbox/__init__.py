"""The sandbox: runs a learner's cells with nothing in reach, and lets the parent call one function in them.

    with open_session([("cell-1", source)], "unbroadcast") as session:
        session.describe()          # Described(parameters=("gradient", "shape"))
        session.call(array, (3,))   # Returned(value, inputs), or Raised, or Stopped

Read in this order: `limits.py`, `wire.py` (what crosses), `worker.py` (runs inside), `contents.py` (what it can read),
the levels of isolation, each a module with the same `start` (`cgroup.py`, `bubblewrap.py`, `landlock.py`,
`container.py`), `levels.py` (chooses among them), `process.py` (one sandboxed process), `session.py`.
"""

from collections.abc import Iterable, Sequence

from autograders.sandbox import levels
from autograders.sandbox.limits import Limits
from autograders.sandbox.session import SandboxSession
from autograders.sandbox.unavailable import SandboxUnavailable

__all__ = ["Limits", "SandboxSession", "SandboxUnavailable", "available", "open_session"]

OUR_OWN = ("autograders", "course")  # never inside, whatever an exercise allows


def open_session(
    sources: Iterable[tuple[str, str]],
    function: str,
    *,
    packages: Sequence[str] = ("numpy",),
    withheld: Sequence[str] = ("engine",),
    reason: str = "the exercise asks you to write a part of it yourself",
    limits: Limits = Limits(),
) -> SandboxSession:
    """A session, to be used in a `with` statement, in which `function` of the learner's cells can be called.

    `sources` are (cell id, source) pairs, run in order, each on its own: one that raises does not stop the later
    ones. Of installed packages only `packages` are there. `withheld` ones can be imported but not used; the
    ImportError says `reason`. Entering it raises SandboxUnavailable where this machine has no sandbox, and nothing
    was run.
    """
    cells = [(str(cell_id), str(source)) for cell_id, source in sources]
    if not function.isidentifier():
        raise ValueError(f"function must be the name of a function, but is {function!r}")
    if not set(packages).isdisjoint({*withheld, *OUR_OWN}):
        raise ValueError(f"packages {tuple(packages)} name what is withheld: {(*withheld, *OUR_OWN)}")
    reasons = {name: f"`{name}` is not here while answers are graded" for name in OUR_OWN}
    reasons |= {name: f"`{name}` is withheld while this exercise is graded: {reason}" for name in withheld}
    return SandboxSession(cells, function, packages, reasons, limits)


def available() -> tuple[bool, str]:
    """Whether a sandbox starts on this machine, and if not, why and what to do about it. Tried once a process."""
    try:
        levels.choose()
    except SandboxUnavailable as error:
        return False, str(error)
    return True, ""
