"""What the tests of the sandbox share: short limits, the levels of this machine, one call of an answer in a sandbox."""

import dataclasses
import textwrap
from pathlib import Path

from autograders.sandbox import Limits, bubblewrap, first_process, levels, open_session
from autograders.session import Raised

HERE = [level for level in levels.LEVELS if not levels.problem(level)]

SMALL = Limits(megabytes=512, disk_megabytes=4, reply_megabytes=4)
HASTY = dataclasses.replace(SMALL, seconds_per_call=2.0)  # for what takes for ever


def session(source, function="f", **options):
    cells = source if isinstance(source, list) else [("answer", textwrap.dedent(source))]
    return open_session(cells, function, **options)


def call(source, *arguments, **options):
    """The outcome of one call of `f`, and of `f` alone: a fresh sandbox."""
    options.setdefault("limits", SMALL)
    with session(source, **options) as answer:
        return answer.call(*arguments)


def weaker_first_process(monkeypatch, tmp_path, line, instead):
    """The process that forks answers does without one of its precautions from now on."""
    text = Path(first_process.__file__).read_text()
    assert text.count(line) == 1
    file = tmp_path / "first_process.py"
    file.write_text(text.replace(line, instead))
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "FIRST_PROCESS", file)


def inside(expression, *statements):
    """The value of an expression in the sandbox, or the name of the exception that it raised."""
    body = textwrap.indent("\n".join([*statements, f"return {expression}"]), "    ")
    outcome = call(f"import os, sys, socket, subprocess\ndef f():\n{body}")
    return outcome.kind if isinstance(outcome, Raised) else outcome.value
