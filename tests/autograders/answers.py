"""Answers for the tests to judge: functions and classes with a spec's name and parameters, made from source."""

import inspect
import linecache

import numpy as np

from autograders.session import Described, LocalSession


def answer(spec, body: str, parameters: tuple[str, ...] | None = None):
    """What a learner's cell would define, its source within reach as a notebook's is.

    Of a class `body` is that of its only method.
    """
    names = spec.parameters if parameters is None else parameters
    if spec.use.kind == "function":
        source = f"def {spec.function}({', '.join(names)}):\n    {body}\n"
    else:
        method = f"def {spec.use.method}({', '.join(names)})" if spec.use.method else ""
        method = method or f"def __init__({', '.join(['self', *names])})"
        source = f"class {spec.function}:\n    {method}:\n        {body}\n"
    filename = f"<answer {spec.function} {hash(source)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"np": np}
    exec(compile(source, filename, "exec"), namespace)
    return namespace[spec.function]


def changed(spec, change):
    """A function of a case's arguments that gives the right results, each array passed through `change`."""

    def results(*arguments):
        right = spec.results(*arguments)
        return tuple(change(array) for array in right) if isinstance(right, tuple) else change(right)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    results.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in spec.input_names])
    return results


class Giving(LocalSession):
    """A session with an answer of the right form, for which `function` gives what comes back for a case's arguments."""

    def __init__(self, spec, function):
        super().__init__(function)
        self.spec = spec

    def describe(self):
        return Described(self.spec.parameters)
