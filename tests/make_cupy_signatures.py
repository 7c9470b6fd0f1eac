"""Writes tests/cupy_signatures.txt: which functions and methods a real cupy offers, with which parameters and types.

    python tests/make_cupy_signatures.py        (where cupy is installed; needs no GPU)

The stand-in refuses what is not in the file. Lines: `function sum(a, axis=, ...)`, `method sum(...)`, `attribute shape`
and, for an elementwise function, `ufunc add ??->? bb->b ...` with its loops in the order in which cupy tries them.
"""

import inspect
import pathlib
import re

FILE = pathlib.Path(__file__).parent / "cupy_signatures.txt"
MODULES = ["", "linalg.", "lib.stride_tricks."]


def lines():
    import cupy

    yield f"# cupy {cupy.__version__}"
    for prefix in MODULES:
        module = cupy
        for part in prefix.split(".")[:-1]:
            module = getattr(module, part)
        for name in sorted(dir(module)):
            value = getattr(module, name)
            if name.startswith("_") or isinstance(value, type) or not callable(value):
                continue
            if isinstance(value, cupy.ufunc):
                loops = [each for each in value.types if "E" not in each]  # bfloat16's are there only beside ml_dtypes
                yield f"ufunc {prefix}{name} {' '.join(loops)}"
            else:
                yield f"function {prefix}{name}{parameters(value)}"
    for name in sorted(dir(cupy.ndarray)):
        value = getattr(cupy.ndarray, name)
        if not name.startswith("_"):
            own = parameters(value).replace("(self, ", "(") if callable(value) else None
            yield f"method {name}{own}" if own else f"attribute {name}"


def parameters(function):
    """(a, axis=, *more): names and which have defaults; of what is compiled, as its docstring says."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return _from_docstring(function)
    parts, starred = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        parts.append(star + parameter.name + ("" if parameter.default is parameter.empty else "="))
    return f"({', '.join(parts)})"


def _from_docstring(function):
    """Cython writes `_ndarray_base.sum(self, axis=None, Py_ssize_t n=0) -> _ndarray_base` into the first line."""
    inside = re.search(r"\((.*)\)", (function.__doc__ or "(*args, **kwargs)").splitlines()[0]).group(1)
    parts = []
    for part in filter(None, (each.strip() for each in inside.split(","))):
        name, equals, _ = part.partition("=")
        parts.append(name.split(":")[0].split()[-1] + equals)
    return f"({', '.join(part for part in parts if part != 'self')})"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n", encoding="utf-8")
