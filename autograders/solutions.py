"""The solution that an exercise shows: the source of one of its honest answers, as a learner would have written it.

What the answer needs from its room stands above it; answers to other exercises are called by those exercises' names,
as in a notebook where they were solved before.
"""

import ast
import functools
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable
from types import ModuleType

from autograders import spec
from autograders.spec import Spec

AT_HAND = ("np", "numpy")  # every notebook with exercises has them


def solution_of(exercise: Spec) -> str:
    """The source of the exercise's solution: of `exercise.solution`, else of its first honest answer.

    Raises ValueError if there is no source to be had.
    """
    return _source(exercise.solution or exercise.honest[0], exercise.function)


@functools.cache
def _source(answer: Callable, name: str) -> str:
    definitions = _definitions(_module_of(answer))
    if answer.__name__ not in definitions:
        raise ValueError(f"{answer.__module__}.{answer.__name__} has no definition of its own to show as a solution")
    others = _answers_to_others(answer.__module__, name)
    wanted = _needed(answer.__name__, definitions, others)
    source = "\n\n".join(_joined(wanted, definitions))
    return _renamed(source, {**others, answer.__name__: name})


def _module_of(answer: Callable) -> ModuleType:
    module = inspect.getmodule(answer)
    if module is None or not hasattr(answer, "__name__"):
        raise ValueError(f"{answer!r} is no function or class of a file, so it cannot be shown as a solution")
    return module


def _definitions(module: ModuleType) -> dict[str, tuple[ast.stmt, str]]:
    """The statement at the top of a module that gives each of its names, with its text."""
    text = inspect.getsource(module)
    found = {}
    for statement in ast.parse(text).body:
        lines = [*(decorator.lineno for decorator in getattr(statement, "decorator_list", ())), statement.lineno]
        source = "\n".join(text.splitlines()[min(lines) - 1 : statement.end_lineno])
        for name in _names_given(statement):
            found[name] = statement, source
    return found


def _names_given(statement: ast.stmt) -> list[str]:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [
        node.id for target in targets if target is not None for node in ast.walk(target) if isinstance(node, ast.Name)
    ]


def _answers_to_others(module: str, function: str) -> dict[str, str]:
    """What each honest answer of a room is called in a notebook, where it solves another exercise than `function`."""
    others = [each for each in map(spec.load, spec.names()) if each.function != function]
    answers = [(answer, each.function) for each in others for answer in (*each.honest, each.solution)]
    return {answer.__name__: called for answer, called in answers if getattr(answer, "__module__", None) == module}


def _needed(name: str, definitions: dict, others: dict[str, str]) -> list[str]:
    """The names that the definition of `name` stands on, each before what uses it, `name` last."""
    order: list[str] = []

    def visit(current: str) -> None:
        statement, _ = definitions[current]
        for node in ast.walk(statement):
            used = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) else None
            if used in definitions and used not in (current, *AT_HAND) and used not in order and used not in others:
                visit(used)
        if current not in order:
            order.append(current)

    visit(name)
    return order


def _joined(names: list[str], definitions: dict) -> list[str]:
    """The text of each statement once: imports and constants first, as in any file."""
    texts = list(dict.fromkeys(definitions[name][1] for name in names))
    is_definition = {
        text: isinstance(statement, (ast.FunctionDef, ast.ClassDef)) for statement, text in definitions.values()
    }
    above = [text for text in texts if not is_definition[text]]
    blocks = [textwrap.dedent(text) + "\n" for text in texts if is_definition[text]]
    return (["\n".join(above) + "\n"] if above else []) + blocks


def _renamed(source: str, names: dict[str, str]) -> str:
    """The source with other names; what stands in texts and comments is left alone."""
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type == tokenize.NAME and token.string in names:
            row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = lines[row][:start] + names[token.string] + lines[row][end:]
    return "".join(lines).rstrip()
