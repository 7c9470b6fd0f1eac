"""The learner's workspace: the folder that `make lab` brings chapters to, found from the notebook's own folder."""

from pathlib import Path

KEPT = Path(".chainrule")  # what is remembered about a workspace, and a classroom has such a folder too
DELIVERED = KEPT / "delivered.json"  # which only a workspace has


def workspace() -> Path | None:
    """The learner's workspace that the current folder lies in, or None."""
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed meanwhile
        return None
    return next((folder for folder in (here, *here.parents) if (folder / DELIVERED).is_file()), None)
