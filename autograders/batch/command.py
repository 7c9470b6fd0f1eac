"""What the commands share: the options that say which classroom is meant, and problems told in one line."""

import contextlib
import os
import sys
from pathlib import Path

from autograders.sandbox import SandboxUnavailable

CLASSROOM = "CHAINRULE_CLASSROOM"


class Refused(Exception):
    """The command cannot begin, or not go on, for a reason that the message says in one line."""


def add_assignment(parser):
    """The arguments that every command takes."""
    parser.add_argument("assignment", metavar="ASSIGNMENT", help="its name, such as 03-autograd-on-tensors")
    parser.add_argument(
        "--classroom",
        metavar="FOLDER",
        type=Path,
        default=Path(os.environ.get(CLASSROOM, ".")),
        help=f"nbgrader's course directory (default: the environment variable {CLASSROOM}, else the current folder)",
    )
    parser.add_argument("--db", metavar="URL", help="the gradebook's database (default: what nbgrader_config.py says)")


def add_cluster(parser):
    """The arguments of commands that judge answers."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="a Dask scheduler, such as tcp://10.0.0.5:8786 (default: a cluster of its own on this machine)",
    )
    parser.add_argument("--workers", metavar="N", type=int, help="processes of a cluster of its own (default: cores)")


@contextlib.contextmanager
def missing_extra():
    """Around an import of what only the extra `teach` installs: its absence is told with what to do about it."""
    try:
        yield
    except ModuleNotFoundError as error:
        advice = 'pip install -e ".[course,teach]" in the project\'s folder'
        raise Refused(f"{error.name} is not installed here, and grading many notebooks needs it: {advice}") from error


def told(function, options):
    """Call `function(options)` and return its exit status; what is no fault of the program comes out as one line."""
    from autograders.grading import GradingStopped

    try:
        return function(options)
    except (Refused, GradingStopped, SandboxUnavailable) as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'The system'}: {error.strerror or error}.", file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. What was graded is stored; run the command again to go on.", file=sys.stderr)
        return 130
    return 1
