"""What a judge talks to: a session that holds one answer and calls it.

A session has `describe()`, which says what the answer looks like from outside, and `call(*arguments)`, which
uses it once. Whatever happens inside comes back as one of the small records below, never as an exception, so a
judge reads the same whether the answer ran in this process (`LocalSession`) or in a sandbox.
"""

import ast
import contextlib
import importlib
import inspect
import io
import linecache
import textwrap
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LONGEST_MESSAGE = 500  # characters of an exception's message that are kept


@dataclass(frozen=True)
class Described:
    """The answer is what it should be. `blank`: it holds nothing but docstrings, `pass` or `...`."""

    parameters: tuple[str, ...]
    required: int = 0  # how many of them have no default
    blank: bool = False


@dataclass(frozen=True)
class Missing:
    """Nothing of that name and kind is there; `found` is the type of what stands there instead, if anything does."""

    name: str
    found: str | None = None


@dataclass(frozen=True)
class Returned:
    """The call came back. `inputs` are the arguments as they are after the call."""

    value: object
    inputs: tuple


@dataclass(frozen=True)
class Raised:
    """The learner's code raised. `line` counts from 1 within their cell or file; `source` is that line's text."""

    kind: str
    message: str
    line: int | None = None
    source: str | None = None


@dataclass(frozen=True)
class Stopped:
    """The session ended the answer; `reason` says why in words, such as "took longer than 10 s"."""

    reason: str


@dataclass(frozen=True)
class Opaque:
    """A returned value of a kind that does not cross: only its type's name is known."""

    type_name: str


Outcome = Returned | Raised | Stopped


class Use(NamedTuple):
    """How an answer is used: it is a "function" or a "class" (`kind`).

    Its parameters are those of `method`, where one is named. `probe` names the module of `autograders.probes` that uses
    it; without one it is called.
    """

    kind: str = "function"
    method: str = ""
    probe: str = ""


class LocalSession:
    """Uses an answer in this process, on copies of the arguments, with its prints and warnings kept quiet.

    For the learner's own notebook, where a verdict is advice. It stops nothing and hides nothing.
    """

    def __init__(self, answer: Callable, use: Use = Use()):
        self.answer = answer
        self.use = use

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def describe(self) -> Described | Missing | Raised:
        """The answer's parameters, or why there is no answer to speak of."""
        answer, method = self.answer, self.use.method
        if not callable(answer) or (self.use.kind == "class" and not isinstance(answer, type)):
            return Missing("the answer", found=type(answer).__name__)
        try:
            parameters = inspect.signature(getattr(answer, method) if method else answer).parameters
        except (AttributeError, TypeError, ValueError) as error:
            return _raised(error, answer)
        required = sum(map(is_required, parameters.values()))
        return Described(tuple(parameters), required, blank=_has_blank_source(answer))

    def call(self, *arguments) -> Outcome:
        """Use the answer on copies of `arguments`; KeyboardInterrupt alone passes through."""
        inputs = tuple(_copy(argument) for argument in arguments)
        try:
            with _quiet():
                value = probe(self.use)(self.answer, *inputs)
            return Returned(crossing(value), inputs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a learner's exit() must not end their notebook
            return _raised(error, self.answer)


def is_required(parameter: inspect.Parameter) -> bool:
    """Whether a call has to give it."""
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )


def probe(use: Use) -> Callable:
    """The function that uses an answer: called with it and with the arguments of a case."""
    if not use.probe:
        return lambda answer, *arguments: answer(*arguments)
    return importlib.import_module(f"autograders.probes.{use.probe}").probe


def crossing(value):
    """`value` as it may cross to a judge: plain arrays, numbers, strings, None, and tuples and lists of these.

    Exact types only. A subclass of ndarray, or an object that would answer `__array__` or `__eq__` to its own
    advantage, becomes `Opaque`.
    """
    kind = type(value)
    if kind is np.ndarray and value.dtype.kind in "biufc":
        return value.copy()
    if kind in (bool, int, float, str, type(None)):
        return value
    if issubclass(kind, np.generic) and kind.__module__ == "numpy" and value.dtype.kind in "biufc":
        return np.array(value)
    if kind in (tuple, list):
        return kind(crossing(item) for item in value)
    if kind is np.ndarray:
        return Opaque(f"array of {value.dtype}")
    return Opaque(kind.__name__)


def is_blank(source: str) -> bool:
    """Whether the first function or class in `source` holds nothing but docstrings, `pass` and `...`."""
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return _is_blank(node)
    return False


def _is_blank(definition) -> bool:
    if isinstance(definition, ast.ClassDef):
        methods = [node for node in definition.body if isinstance(node, ast.FunctionDef)]
        return all(map(_is_blank, methods)) if methods else all(map(_says_nothing, definition.body))
    return all(map(_says_nothing, definition.body))


def _says_nothing(statement: ast.stmt) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def source_of(answer) -> str:
    """The text of a function or class, also of a class in a notebook's cell, which inspect does not find.

    Raises OSError, TypeError or SyntaxError where no source is to be had: of a lambda in half a line, of a builtin.
    """
    if not isinstance(answer, type):
        return inspect.getsource(answer)
    for code in _codes(answer):
        lines = linecache.getlines(code.co_filename)
        classes = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.ClassDef)]
        named = [node for node in classes if node.name == answer.__name__]
        if named:
            first = min([named[-1].lineno, *(each.lineno for each in named[-1].decorator_list)])
            return textwrap.dedent("".join(lines[first - 1 : named[-1].end_lineno]))
    raise OSError(f"the source of {answer.__name__} is not known")


def _codes(answer) -> list:
    """The code of a function, or of each method of a class."""
    functions = vars(answer).values() if isinstance(answer, type) else [answer]
    codes = [getattr(_undecorated(function), "__code__", None) for function in functions]
    return [code for code in codes if code is not None]


def _undecorated(function):
    """The function as it was written: not what a decorator, or `Optimizer` for the method `step`, put around it."""
    return inspect.unwrap(getattr(function, "__func__", function))


def _has_blank_source(answer) -> bool:
    try:
        return is_blank(source_of(answer))
    except (OSError, TypeError, SyntaxError):
        return False


def _copy(argument):
    # order "K" keeps a transposed array transposed, so a case about memory layout stays one
    return np.array(argument, order="K") if isinstance(argument, np.ndarray) else argument


@contextlib.contextmanager
def _quiet():
    # what an answer prints is no part of it, and nbgrader reads any text on stderr as a failure
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        with warnings.catch_warnings(action="ignore"):
            yield


def _raised(error: BaseException, answer) -> Raised:
    try:
        message = str(error)
    except Exception:  # the learner's own exception class, whose __str__ fails in turn
        message = ""
    line, source = _where(error, answer)
    return Raised(type(error).__name__, message[:LONGEST_MESSAGE], line, source)


def _where(error: BaseException, answer) -> tuple[int | None, str | None]:
    """The last line of the learner's own files that the exception passed through."""
    files = {code.co_filename for code in _codes(answer)}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = frame.f_code.co_filename
        if name in files:
            return line, linecache.getline(name, line).strip() or None
    return None, None
