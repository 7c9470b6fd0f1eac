"""The text of a function that runs by itself: its source with the imports, helpers and constants that it names.

Everything is found by reading: sources are parsed and names looked up in the function's module, nothing is executed.
"""

import ast
import builtins
import inspect
import math
import symtable
import sys
import textwrap
import types
from collections.abc import Callable

from autograders.session import source_of

PLAIN = (bool, int, float, complex, str, bytes, type(None))


class CannotStandAlone(Exception):
    """Why there is no such text, as the end of a sentence."""


def text_of(answer: Callable, name: str, saved: Callable[[object], str | None]) -> str:
    """The text of a module that has the function or class `answer` under `name`.

    What `answer` names is imported if it is a module or stands in one, written down if it is a number, a text, None or
    a tuple of these, and embedded if it is a function or class that was defined beside it. `saved(value)` gives the
    name of the module in which a value is saved already, to be imported from there, or None. Raises CannotStandAlone
    for anything else.
    """
    gathered = _Gathered(answer, saved)
    gathered.define(answer)
    parts = ["\n".join(sorted(gathered.imports, key=_order)), "\n".join(gathered.constants), *gathered.definitions]
    if answer.__name__ != name:
        parts.append(f"{name} = {answer.__name__}")
    return "\n\n\n".join(part for part in parts if part) + "\n"


class _Gathered:
    """What a function needs, found so far."""

    def __init__(self, answer, saved):
        self.saved = saved
        self.imports, self.constants, self.definitions = set(), [], []
        self.seen = set()
        self.home = _namespace(answer)

    def define(self, value):
        """Add the source of a function or class, after that of all that it names."""
        source = _source(value)
        self.seen.add(value.__name__)
        for name in _names_from_outside(source):
            self.bring(name)
        self.definitions.append(source)

    def bring(self, name):
        """See to it that the name will mean what it means now."""
        if name in self.seen or (name not in self.home and hasattr(builtins, name)):
            return
        self.seen.add(name)
        if name not in self.home:
            raise CannotStandAlone(f"it uses `{name}`, which is not defined")
        value = self.home[name]
        module = self.saved(value)
        if isinstance(value, types.ModuleType):
            self.imports.add(_import_of(value, name))
        elif module is not None:
            self.imports.add(_import_from(module, value.__name__, name))
        elif _is_plain(value):
            self.constants.append(f"{name} = {_written(value)}")
        elif _is_of(value, self.home) and value.__name__ == name:
            self.define(value)
        elif (module := _module_with(value, name)) is not None:
            self.imports.add(_import_from(*module, name))
        else:
            raise CannotStandAlone(f"it uses `{name}`, {_described(value)} that exists in your notebook alone")


# ---- sources ---------------------------------------------------------------------------------------------------


def _namespace(value):
    """The names of the module in which a function or class was defined."""
    functions = [inspect.unwrap(value)] if not isinstance(value, type) else _methods(value)
    if functions and inspect.isfunction(functions[0]):
        return functions[0].__globals__
    return vars(sys.modules.get(getattr(value, "__module__", None), builtins))


def _methods(value):
    """The functions in a class's body, static ones too, as they were written: without what decorators put around."""
    found = [inspect.unwrap(getattr(each, "__func__", each)) for each in vars(value).values()]
    return [each for each in found if inspect.isfunction(each) and each.__module__ == value.__module__]


def _source(value):
    """The text of a definition, from its decorators on."""
    if not isinstance(value, type) and not inspect.isfunction(value):
        raise CannotStandAlone(f"`{getattr(value, '__name__', value)}` is not defined by `def` or `class`")
    if getattr(inspect.unwrap(value), "__closure__", None):
        outside = "`, `".join(inspect.unwrap(value).__code__.co_freevars)
        raise CannotStandAlone(f"`{value.__name__}` uses `{outside}` of the function around it")
    try:
        source = textwrap.dedent(source_of(value))
        definition = ast.parse(source).body[0]
    except (OSError, TypeError, ValueError, SyntaxError):  # SyntaxError: a part of a line, as of a lambda
        raise CannotStandAlone(f"the text of `{value.__name__}` is not to be had") from None
    if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        raise CannotStandAlone(f"`{value.__name__}` is not defined by `def`")
    return source.rstrip()


def _names_from_outside(source):
    """The names that a definition takes from its module, sorted."""
    top = symtable.symtable(source, "<answer>", "exec")
    names = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    tables = list(top.get_children())
    for table in tables:  # the list grows while it is walked
        tables += table.get_children()
        for each in table.get_symbols():
            if each.is_declared_global() and each.is_assigned():
                raise CannotStandAlone(f"it changes `{each.get_name()}`, which stands outside of it")
            if each.is_global() and each.is_referenced():
                names.add(each.get_name())
    return sorted(names)


# ---- imports and constants ----------------------------------------------------------------------------------------


def _order(line):
    """Imports of the standard library first; modules before what is taken from one."""
    return line.split()[1].split(".")[0] not in sys.stdlib_module_names, line.startswith("from"), line


def _import_of(module, name):
    if getattr(module, "__spec__", None) is None or sys.modules.get(module.__name__) is not module:
        raise CannotStandAlone(f"it uses `{name}`, a module that cannot be imported elsewhere")
    return f"import {module.__name__}" if module.__name__ == name else f"import {module.__name__} as {name}"


def _import_from(module, name, alias):
    return f"from {module} import {name}" if name == alias else f"from {module} import {name} as {alias}"


def _module_with(value, name):
    """(module, name) from which the value can be imported; None if there is none."""
    own_name = getattr(value, "__name__", name)
    for module in (getattr(value, "__module__", None), "numpy"):  # numpy's ufuncs do not say where they are from
        found = sys.modules.get(module)
        if getattr(found, "__spec__", None) is None:  # __main__ of a notebook
            continue
        for each in (own_name, name):
            if getattr(found, str(each), None) is value:
                return module, each
    return None


def _is_of(value, namespace):
    """Whether the value is a function or class that was defined in the module with these names."""
    if inspect.isfunction(value):
        return value.__globals__ is namespace
    return isinstance(value, type) and value.__module__ == namespace.get("__name__")


def _is_plain(value):
    return type(value) in PLAIN or (type(value) is tuple and all(map(_is_plain, value)))


def _written(value):
    """A plain value as Python writes it; repr, but for what repr writes as a name."""
    if type(value) is tuple:
        return f"({', '.join(map(_written, value))}{',' if len(value) == 1 else ''})"
    if type(value) is float and not math.isfinite(value):
        return f'float("{value!r}")'
    if type(value) is complex:
        return f"complex({_written(value.real)}, {_written(value.imag)})"
    return repr(value)


def _described(value):
    kind = type(value).__name__
    if inspect.isfunction(value) or isinstance(value, type):
        return f"another name of `{value.__name__}`,"
    return f"{'an' if kind == 'ndarray' or kind[0] in 'aeiou' else 'a'} {kind}"
