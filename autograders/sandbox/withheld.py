"""A package without the parts that an exercise asks for: a copy of its files in which those are gone.

The copy lies in the folder for temporary files, is made once, and is shared by all graders of one user: its name is a
digest of all that went into it. What used to be a definition becomes a `Withheld`, which other files may still import
and derive from, and which says why it is not there as soon as it is used.
"""

import ast
import hashlib
import os
import py_compile
import stat
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from autograders.sandbox.contents import Package
from autograders.sandbox.unavailable import SandboxUnavailable

PLACEHOLDER = "withheld_parts"  # the module, in the copy, that says why
PLACEHOLDERS = '''"""Stand-ins for the parts of this package that the exercise asks for."""


class Withheld:
    def __init__(self, name):
        self.__dict__["name"] = name

    def refuse(self):
        raise ImportError(f"`{self.name}` " + REASON, name=self.name)

    def __call__(self, *arguments, **options):
        self.refuse()

    def __getattr__(self, attribute):
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)
        self.refuse()

    def __mro_entries__(self, bases):
        refuse = self.refuse
        return (type("Withheld", (), {"__init__": lambda self, *arguments, **options: refuse()}),)


REASON = '''


def without(package: Package, parts: tuple[str, ...], reason: str) -> Package:
    """A copy of `package` without `parts`: dotted names of modules, or of what is defined at the top of one.

    Raises ValueError for a part that the package does not have, SandboxUnavailable where no copy can be made.
    """
    folder = package.file.parent
    texts = {str(file): (folder / file).read_text("utf-8") for file in _sources(folder)}
    for file, names in _files_of(package.name, texts, parts).items():
        texts[file] = _taken_out(package.name, file, texts[file], names)
    texts[f"{PLACEHOLDER}.py"] = f"{PLACEHOLDERS}{reason!r}\n"
    copy = _own_folder() / _digest(package.name, texts) / package.name
    if not _is_whole(copy, texts):
        _make(copy, texts)
    return Package(package.name, copy / package.file.name, (copy, *package.paths[1:]))


def _sources(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*.py") if path.is_file())


# what is taken out


def _files_of(package: str, files, parts: tuple[str, ...]) -> dict[str, set | None]:
    """The files that hold `parts`, each with the names to take out of it; None for all that it defines."""
    found = defaultdict(set)
    for part in parts:
        file, name = _find(package, files, part)
        if name is None or found[file] is None:
            found[file] = None
        else:
            found[file].add(name)
    return found


def _find(package: str, files, part: str) -> tuple[str, str | None]:
    above, *names = part.split(".")
    if above == package and names:
        for module, name in ((names, None), (names[:-1], names[-1])):
            for file in ("/".join([*module, "__init__.py"]), "/".join(module) + ".py"):
                if file in files:
                    return file, name
    raise ValueError(f"withheld: {part!r} is no module of {package!r}, nor a name in one")


def _taken_out(package: str, file: str, text: str, names: set | None) -> str:
    """The text of a file in which the definitions of `names` are placeholders, all others on the lines they were on."""
    lines, gone = text.split("\n"), set()
    module = ".".join([package, *Path(file).with_suffix("").parts])
    for node in ast.parse(text).body[::-1]:
        defined = _defined(node) if names is None else _defined(node) & names
        if defined:
            gone |= defined
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
            stand_ins = [f"{name} = Withheld({f'{module}.{name}'!r})" for name in sorted(defined)]
            line = "; ".join([f"from {package}.{PLACEHOLDER} import Withheld", *stand_ins])
            lines[first - 1 : node.end_lineno] = [line, *[""] * (node.end_lineno - first)]
    if names is not None and names - gone:
        raise ValueError(f"withheld: {file} of {package!r} defines no {', '.join(sorted(names - gone))}")
    return "\n".join(lines)


def _defined(node: ast.stmt) -> set[str]:
    """What a statement at the top of a module defines; `__all__` and the like do not count."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, ast.Assign):
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return {name for name in names if not name.startswith("__")}
    return set()


# where the copy lies


def _own_folder() -> Path:
    """A folder that only this user can write to, and that a sandbox's user can read."""
    folder = Path(tempfile.gettempdir()) / f"chainrule-{os.getuid()}"
    try:
        folder.mkdir(exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise SandboxUnavailable(f"no copy of a package can be made in {folder}: {error}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise SandboxUnavailable(f"{folder} is not a folder that this user alone can write to: remove it")
    folder.chmod(0o755)
    return folder


def _digest(name: str, texts: dict[str, str]) -> str:
    whole = hashlib.sha256(f"{name} {sys.implementation.cache_tag}".encode())
    for file, text in sorted(texts.items()):
        whole.update(f"\n{file} {len(text)}\n{text}".encode())
    return whole.hexdigest()[:20]


def _is_whole(copy: Path, texts: dict[str, str]) -> bool:
    """Whether all files are there: what cleans up a folder for temporary files may have taken some."""
    return all((copy / file).is_file() for file in texts)


def _make(copy: Path, texts: dict[str, str]) -> None:
    """Write the copy, with what Python compiles of it, beside its place, and move it there in one step."""
    copy.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent) as beside:
        made = Path(beside) / copy.name
        for file, text in texts.items():
            path = made / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            py_compile.compile(str(path), dfile=str(copy / file), doraise=True)
        for path in (copy.parent, made, *made.rglob("*")):  # a sandbox's user may be another, and a umask strict
            path.chmod(0o755 if path.is_dir() else 0o644)
        if copy.exists() and not _is_whole(copy, texts):
            copy.rename(Path(beside) / "broken")
        try:
            made.rename(copy)
        except OSError:  # another process was faster
            if not _is_whole(copy, texts):
                raise
