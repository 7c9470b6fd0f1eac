"""What a judge talks to: a session that holds one answer and calls it.

A session has `describe()`, which says what the answer looks like from outside, and `call(*arguments)`, which
runs it once. Whatever happens inside comes back as one of the small records below, never as an exception, so a
judge reads the same whether the answer ran in this process (`LocalSession`) or in a sandbox.
"""

import ast
import contextlib
import inspect
import io
import linecache
import textwrap
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LONGEST_MESSAGE = 500  # characters of an exception's message that are kept


@dataclass(frozen=True)
class Described:
    """The answer is a function. `blank`: its body holds nothing but a docstring, `pass` or `...`."""

    parameters: tuple[str, ...]
    blank: bool = False


@dataclass(frozen=True)
class Missing:
    """There is no function of that name; `found` is the type of what stands there instead, if anything does."""

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


class LocalSession:
    """Calls a function in this process, on copies of the arguments, with its prints and warnings kept quiet.

    For the learner's own notebook, where a verdict is advice. It stops nothing and hides nothing.
    """

    def __init__(self, function: Callable):
        self.function = function

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def describe(self) -> Described | Missing | Raised:
        """The function's parameters, or why there is no function to speak of."""
        if not callable(self.function):
            return Missing("the answer", found=type(self.function).__name__)
        try:
            parameters = tuple(inspect.signature(self.function).parameters)
        except (TypeError, ValueError) as error:
            return _raised(error, self.function)
        return Described(parameters, blank=_is_blank_function(self.function))

    def call(self, *arguments) -> Outcome:
        """Call the function on copies of `arguments`; KeyboardInterrupt alone passes through."""
        inputs = tuple(_copy(argument) for argument in arguments)
        try:
            with _quiet():
                value = self.function(*inputs)
            return Returned(crossing(value), inputs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a learner's exit() must not end their notebook
            return _raised(error, self.function)


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
    """Whether the first function in `source` has a body of nothing but a docstring, `pass` or `...`."""
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        if isinstance(node, ast.FunctionDef):
            return all(_says_nothing(statement) for statement in node.body)
    return False


def _says_nothing(statement: ast.stmt) -> bool:
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def _is_blank_function(function) -> bool:
    try:
        return is_blank(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError):  # no source to be had, or half a line of it: a lambda, a builtin
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


def _raised(error: BaseException, function) -> Raised:
    try:
        message = str(error)
    except Exception:  # the learner's own exception class, whose __str__ fails in turn
        message = ""
    line, source = _where(error, function)
    return Raised(type(error).__name__, message[:LONGEST_MESSAGE], line, source)


def _where(error: BaseException, function) -> tuple[int | None, str | None]:
    """The last line of the learner's own file that the exception passed through."""
    code = getattr(function, "__code__", None)
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if code is not None and frame.f_code.co_filename == code.co_filename:
            return line, linecache.getline(code.co_filename, line).strip() or None
    return None, None
