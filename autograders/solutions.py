"""The solution that an exercise shows: the source of one of its honest answers, as a learner would have written it.

What the answer needs of the specs stands above it; answers to other exercises are called by those exercises' names, as
in a notebook where they were solved before.
"""

import ast
import functools
import inspect
import io
import sys
import textwrap
import tokenize
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import NamedTuple

from autograders import spec
from autograders.spec import Spec

AT_HAND = ("np", "numpy")  # every notebook with exercises has them
OURS = "autograders."  # what is imported from here is shown itself, not its import


class Definition(NamedTuple):
    """A statement at the top of a file that gives a name."""

    statement: ast.stmt
    text: str

    @property
    def is_import(self) -> bool:
        return isinstance(self.statement, (ast.Import, ast.ImportFrom))

    @property
    def is_block(self) -> bool:
        """Whether it is a function or a class."""
        return isinstance(self.statement, (ast.FunctionDef, ast.ClassDef))


def solution_of(exercise: Spec) -> str:
    """The source of the exercise's solution: of `exercise.solution`, else of its first honest answer.

    Raises ValueError if there is no source to be had.
    """
    return _source(exercise.solution or exercise.honest[0], exercise.function)


@functools.cache
def _source(answer: Callable, function: str) -> str:
    module, name = inspect.getmodule(answer), getattr(answer, "__name__", None)
    if module is None or name is None:
        raise ValueError(f"{answer!r} is no function or class of a file, so it cannot be shown as a solution")
    if name not in _definitions(module):
        raise ValueError(f"{module.__name__}.{name} has no definition of its own to show as a solution")
    search = _Search(_answers_to_others(function))
    search.visit(module, name)
    aside = {function: f"_{function}"}  # an honest answer may stand on another that has the exercise's own name
    return _renamed(_joined(search.found), {**aside, **search.renamed, name: function})


def _answers_to_others(function: str) -> dict[int, str]:
    """What each honest answer, by its identity, is called in a notebook, if it solves another exercise."""
    others = [each for each in map(spec.load, spec.names()) if each.function != function]
    return {id(answer): each.function for each in others for answer in (*each.honest, each.solution) if answer}


class _Search:
    """Finds what a definition stands on, each part before what uses it."""

    def __init__(self, others: dict[int, str]):
        self.others = others
        self.found: list[Definition] = []
        self.renamed: dict[str, str] = {}

    def visit(self, module: ModuleType, name: str) -> None:
        definition = _definitions(module)[name]
        for used in _names_used(definition.statement):
            if used != name and used not in AT_HAND and used in _definitions(module):
                self._follow(module, used)
        if definition not in self.found:
            self.found.append(definition)

    def _follow(self, module: ModuleType, name: str) -> None:
        value, definition = vars(module)[name], _definitions(module)[name]
        if id(value) in self.others:
            self.renamed[name] = self.others[id(value)]
        elif definition.is_import and getattr(definition.statement, "module", "").startswith(OURS):
            self.visit(sys.modules[definition.statement.module], name)
        elif definition not in self.found:
            self.visit(module, name)


@functools.cache
def _definitions(module: ModuleType) -> dict[str, Definition]:
    """The statement at the top of a module that gives each of its names."""
    text = inspect.getsource(module)
    found = {}
    for statement in ast.parse(text).body:
        decorators = [each.lineno for each in getattr(statement, "decorator_list", ())]
        lines = text.splitlines()[min([statement.lineno, *decorators]) - 1 : statement.end_lineno]
        for name in _names_given(statement):
            found[name] = Definition(statement, "\n".join(lines))
    return found


def _names_given(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    nodes = [node for target in targets if target is not None for node in ast.walk(target)]
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _names_used(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _joined(definitions: list[Definition]) -> str:
    """The text: imports first, then constants, then functions and classes, as in any file."""
    imports = sorted((each.text for each in definitions if each.is_import), key=lambda text: text.startswith("from"))
    constants = [each.text for each in definitions if not each.is_import and not each.is_block]
    blocks = [textwrap.dedent(each.text) for each in definitions if each.is_block]
    head = ["\n".join(lines) for lines in (imports, constants) if lines]
    return "\n\n\n".join((["\n\n".join(head)] if head else []) + blocks) + "\n"


def _renamed(source: str, names: dict[str, str]) -> str:
    """The source with other names; texts and comments are left alone, and what stands after a dot."""
    lines = source.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for before, token in reversed(list(zip([tokens[-1], *tokens], tokens))):
        if token.type == tokenize.NAME and token.string in names and before.string != ".":
            row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = lines[row][:start] + names[token.string] + lines[row][end:]
    return "".join(lines).rstrip()
