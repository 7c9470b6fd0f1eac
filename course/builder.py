"""Text in, notebooks out: a chapter's Markdown becomes nbgrader's source notebook, then the learner's.

A chapter is `NN-name.md` in jupytext's MyST Markdown. Its exercise cells say only which exercise they
answer (`:exercise: autograd/unbroadcast`); everything that nbgrader wants to know is added here, from
the exercise's spec. The same text always gives the same bytes.
"""

import ast
import copy
import importlib.metadata
import json
import logging
import re
import tempfile
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupytext.myst import MystMetadataParsingError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograders import spec as specs
from course import index
from course.files import digest, write_atomically

UNREADABLE = (ValueError, yaml.YAMLError, MystMetadataParsingError, nbformat.ValidationError)
CELL_METADATA = {"exercise", "tags", "jupyter"}
DIFFICULTY = {1: "gentle", 2: "easy", 3: "medium", 4: "hard", 5: "very hard"}
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "pygments_lexer": "ipython3"},
}


class BuildError(Exception):
    """A chapter cannot be built; the message names the file, the cell and what to change."""


def build(chapters, root):
    """Make `root/source/NN-name/NN-name.ipynb` for each `NN-name.md` in the folder `chapters`.

    All chapters are read before any notebook is written. A notebook that someone changed by hand since
    it was built is first copied to `root/set-aside/`; one whose chapter is gone is removed.
    Returns the notebooks' paths in order. Raises BuildError for a chapter that cannot be built.
    """
    chapters, source = Path(chapters), Path(root) / "source"
    files = sorted(chapters.glob("*.md"))
    if not files:
        raise BuildError(f"{chapters}: there are no chapters here (files named like 03-name.md)")
    used = {}
    notebooks = {file.stem: render(file, used) for file in files}
    _remove_stale(source, notebooks)
    paths = []
    for name, data in notebooks.items():
        path = source / name / f"{name}.ipynb"
        _set_aside(path, data, Path(root) / "set-aside")
        write_atomically(path, data)
        paths.append(path)
    return paths


def render(file, used=None):
    """The bytes of the source notebook (solutions included) for the chapter `file`.

    `used` maps exercise names to the chapter that has them; it is added to, so that an exercise in
    two chapters is noticed. Raises BuildError.
    """
    file = Path(file)
    used = {} if used is None else used
    if not re.fullmatch(r"\d\d-[a-z0-9]+(-[a-z0-9]+)*", file.stem):
        raise BuildError(f"{file.name}: a chapter's file is named like 03-name-of-it.md")
    cells, exercises, occurrences = [], 0, Counter()
    for cell in _cells_of(file):
        name = cell.metadata.get("exercise")
        if name is None:
            cells.append(_plain_cell(file, cell, occurrences))
        else:
            spec = _spec(file, cell, name, used)
            exercises += 1
            cells += [_header(spec), _answer(file, cell, spec), _check(spec)]
    if exercises:
        _require_check(file, cells)
    return _written(cells, {"chapter": file.stem, "digest": _cells_digest(cells)})


def build_index(root, file=index.TEXT):
    """Make `root/index.ipynb` from the text `file`; returns its path. Raises BuildError.

    It is no assignment, so nbgrader's folders have none of it.
    """
    file, occurrences = Path(file), Counter()
    cells = [_plain_cell(file, cell, occurrences) for cell in _cells_of(file)]
    path = Path(root) / index.NAME
    write_atomically(path, _written(cells, {"index": index.cells_digest(cells)}))
    return path


def release(root):
    """Make the learner's notebooks, `root/release/NN-name/NN-name.ipynb`, with nbgrader, without its database.

    Only what changed since the last time is made again. Returns the learner's notebooks' paths in order.
    Raises BuildError with nbgrader's message if it refuses a notebook.
    """
    root = Path(root)
    record_path = root / "release" / ".made-from.json"
    made_from = _read_record(record_path)
    sources = {path.stem: path for path in sorted(root.glob("source/*/*.ipynb"))}
    new, released = {}, []
    for name, source in sources.items():
        target = root / "release" / name / source.name
        key = digest(importlib.metadata.version("nbgrader").encode() + source.read_bytes())
        if not (target.is_file() and made_from.get(name) == [key, digest(target.read_bytes())]):
            write_atomically(target, _generate(name, source))
        new[name] = [key, digest(target.read_bytes())]
        released.append(target)
    for stale in set(root.glob("release/*/*.ipynb")) - set(released):
        stale.unlink()
    write_atomically(record_path, json.dumps(new, indent=1, sort_keys=True).encode())
    return released


# From text to cells, and from cells to a notebook


def _cells_of(file):
    """The cells of a text, which begin with a title and have no metadata that we don't know."""
    try:
        cells = jupytext.reads(file.read_text(encoding="utf-8"), fmt="md:myst").cells
    except UNREADABLE as error:
        raise BuildError(f"{file.name}: not readable as MyST Markdown: {error}") from error
    _require_title(file, cells)
    for cell in cells:
        _require_known_metadata(file, cell)
    return cells


def _written(cells, about):
    """The bytes of a notebook with these cells, and `about` as our own metadata."""
    notebook = new_notebook(cells=cells, metadata=dict(NOTEBOOK_METADATA))
    notebook.metadata["chainrule"] = about
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, version=4) + "\n").encode("utf-8")


# What a chapter's cells become


def _plain_cell(file, cell, occurrences):
    """A cell that is no exercise, with an id from its chapter, its source and which of equal cells it is."""
    occurrences[cell.cell_type, cell.source] += 1
    identity = [file.stem, cell.cell_type, cell.source, occurrences[cell.cell_type, cell.source]]
    new_cell = {"code": new_code_cell, "markdown": new_markdown_cell}[cell.cell_type]
    return new_cell(cell.source, id=digest(json.dumps(identity).encode())[:12], metadata=cell.metadata)


def _header(spec):
    """The Markdown above an exercise: what it is, why, how long, how hard, for how many points."""
    dots = "●" * spec.difficulty + "○" * (5 - spec.difficulty)
    points = "1 point" if spec.points == 1 else f"{spec.points:g} points"
    source = (
        f"### Exercise: {spec.title}\n\n{spec.why}\n\n"
        f"About {spec.minutes:g} minutes · difficulty {dots} ({DIFFICULTY[spec.difficulty]}, "
        f"{spec.difficulty} of 5) · {points}"
    )
    return new_markdown_cell(source, id=f"{spec.grade_id}-header")


def _answer(file, cell, spec):
    """nbgrader's solution cell: the learner sees it without what stands between solution markers."""
    _require_answer(file, cell, spec)
    metadata = {name: value for name, value in cell.metadata.items() if name != "exercise"}
    metadata["chainrule"] = {"exercise": spec.name}
    metadata["nbgrader"] = _nbgrader_metadata(spec.grade_id, grade=False)
    return new_code_cell(cell.source, id=spec.grade_id, metadata=metadata)


def _check(spec):
    """nbgrader's locked grade cell, which calls the check."""
    metadata = {"chainrule": {"exercise": spec.name}, "nbgrader": _nbgrader_metadata(spec.check_id, grade=True)}
    metadata["nbgrader"]["points"] = int(spec.points) if spec.points == int(spec.points) else spec.points
    return new_code_cell(f'check("{spec.name}", {spec.function})', id=spec.check_id, metadata=metadata)


def _nbgrader_metadata(grade_id, grade):
    return {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "solution": not grade,
        "locked": grade,
        "task": False,
    }


def _cells_digest(cells):
    return digest(json.dumps(cells, sort_keys=True).encode())[:16]


# What a chapter must satisfy


def _problem(file, cell, message):
    first_line = next((line.strip() for line in cell.source.splitlines() if line.strip()), "(an empty cell)")
    return BuildError(f"{file.name}: in the cell that begins `{first_line[:70]}`: {message}")


def _require_title(file, cells):
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.lstrip().startswith("# "):
        raise BuildError(f"{file.name}: a chapter begins with its title, a line `# title`")


def _require_known_metadata(file, cell):
    if cell.cell_type not in ("code", "markdown"):
        raise _problem(file, cell, f"a chapter has code and Markdown cells only, this is a {cell.cell_type} cell")
    unknown = sorted(cell.metadata.keys() - CELL_METADATA)
    if unknown:
        known = ", ".join(sorted(CELL_METADATA))
        raise _problem(file, cell, f"unknown metadata {', '.join(unknown)}; a cell may have: {known}")


def _spec(file, cell, name, used):
    if cell.cell_type != "code":
        raise _problem(file, cell, "only a code cell can be an exercise")
    if not isinstance(name, str):
        raise _problem(file, cell, f"an exercise's name is a text like room/exercise, not {name!r}")
    try:
        spec = specs.load(name)
    except KeyError as error:
        raise _problem(file, cell, error.args[0]) from error
    if name in used:
        raise _problem(file, cell, f"exercise {name!r} is already used in {used[name]}")
    used[name] = file.name
    return spec


def _require_answer(file, cell, spec):
    """The cell, and what is left of it for the learner, defines what the exercise asks for."""
    _require_pairs(file, cell)
    wanted = tuple(spec.parameters)
    parameters = _parameters(file, cell, spec)
    if parameters[: len(wanted)] != wanted:  # the judge, too, allows more of them
        given, wanted = ", ".join(parameters), ", ".join(wanted)
        raise _problem(file, cell, f"`{_called(spec)}` has the parameters ({given}), its exercise says ({wanted})")
    left = copy.deepcopy(cell)
    left.source = _without_solutions(cell.source)
    try:
        is_left = _parameters(file, left, spec) == parameters
    except BuildError:
        is_left = False
    if not is_left:
        raise _problem(file, cell, f"without its solutions the cell has to be Python, with `{_called(spec)}` in it")
    if _runs_at_once(_parse(file, left)):
        raise _problem(file, cell, "a solution stands within a function or a method, not beside it")


def _require_pairs(file, cell):
    lines = [line.strip() for line in cell.source.splitlines()]
    markers = [line for line in lines if BEGIN_SOLUTION in line or END_SOLUTION in line]
    pair = [BEGIN_SOLUTION, END_SOLUTION]
    if not markers or markers != pair * (len(markers) // 2):
        raise _problem(
            file, cell, f"each solution stands between a line `{BEGIN_SOLUTION}` and a line `{END_SOLUTION}`"
        )


def _without_solutions(source):
    """What nbgrader leaves of a cell: each solution replaced by one indented line."""
    lines, is_solution = [], False
    for line in source.splitlines():
        if line.strip() == BEGIN_SOLUTION:
            lines.append(line.replace(BEGIN_SOLUTION, "raise NotImplementedError()"))
            is_solution = True
        elif line.strip() == END_SOLUTION:
            is_solution = False
        elif not is_solution:
            lines.append(line)
    return "\n".join(lines)


def _runs_at_once(tree):
    """Whether the line that stands for a solution would already run, and raise, as the cell is run."""
    return any(isinstance(statement, ast.Raise) for node in _classes_and_module(tree) for statement in node.body)


def _classes_and_module(tree):
    return [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]


def _parameters(file, cell, spec):
    """The parameters of the answer in the cell: of a function, of a class's method, or of how a class is called."""
    kind = {"function": ast.FunctionDef, "class": ast.ClassDef}[spec.use.kind]
    found = [node for node in _parse(file, cell).body if isinstance(node, kind) and node.name == spec.function]
    if not found:
        raise _problem(file, cell, f"exercise {spec.name!r} needs a {spec.use.kind} `{spec.function}` here")
    if spec.use.kind == "function":
        return _names_of_arguments(found[-1])
    name = spec.use.method or "__init__"
    methods = [node for node in found[-1].body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not methods and (spec.use.method or spec.parameters):
        raise _problem(file, cell, f"exercise {spec.name!r} needs a method `{spec.function}.{name}` here")
    if not methods:
        return ()
    names = _names_of_arguments(methods[-1])
    return names if spec.use.method else names[1:]


def _names_of_arguments(function):
    arguments = function.args
    return tuple(argument.arg for argument in arguments.posonlyargs + arguments.args + arguments.kwonlyargs)


def _called(spec):
    return f"{spec.function}.{spec.use.method}" if spec.use.method else spec.function


def _require_check(file, cells):
    """A chapter with exercises imports `check`, which the cells made here call."""
    trees = [_parse(file, cell) for cell in cells if cell.cell_type == "code" and not _has_magic(cell)]
    if not any(module == "autograders" and "check" in names for tree in trees for module, names in _imports(tree)):
        raise BuildError(f"{file.name}: a cell has to say `from autograders import check`")


def _has_magic(cell):
    return re.search(r"^\s*[%!]", cell.source, re.MULTILINE) is not None


def _imports(tree):
    """Each `from module import names` in `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module, [alias.asname or alias.name for alias in node.names]


def _parse(file, cell):
    try:
        return ast.parse(cell.source)
    except SyntaxError as error:
        raise _problem(file, cell, f"not Python: {error.msg} in line {error.lineno}") from error


# What stands in the way of a build's files


def _is_as_built(path):
    """Whether the notebook is exactly what some earlier build made: its cells still have the digest it carries."""
    try:
        notebook = json.loads(path.read_bytes())
        return notebook["metadata"]["chainrule"]["digest"] == _cells_digest(_as_written(notebook["cells"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _as_written(cells):
    """Cells of a notebook file as nbformat has them in memory: a source is one string, not lines."""
    return [{**cell, "source": "".join(cell["source"])} for cell in cells]


def _remove_stale(source, notebooks):
    """Remove built notebooks whose chapter is gone, unless someone changed them by hand."""
    for folder in sorted(source.glob("*")):
        stale = folder / f"{folder.name}.ipynb"
        if folder.name not in notebooks and _is_as_built(stale):
            stale.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()


def _set_aside(path, data, folder):
    """Keep a copy of a notebook that was changed by hand and is about to be replaced by `data`."""
    if path.is_file() and path.read_bytes() != data and not _is_as_built(path):
        changed = path.read_bytes()
        write_atomically(folder / f"{path.stem} {digest(changed)[:8]}.ipynb", changed)


# nbgrader's learner version


def _read_record(path):
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _generate(name, source):
    """The bytes of the learner's version of one source notebook, made by nbgrader in a folder of its own."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    messages = []
    log = logging.Logger("nbgrader", level=logging.ERROR)
    log.addHandler(_Collect(messages))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder).resolve()
        write_atomically(folder / "source" / name / source.name, source.read_bytes())
        config = Config()
        config.SaveCells.enabled = False
        course = CourseDirectory(root=str(folder), assignment_id=name, config=config, log=log)
        generator = GenerateAssignment(coursedir=course, no_database=True, config=config, log=log)
        try:
            generator.start()
        except NbGraderException as error:
            reason = "\n".join(messages) or str(error)
            raise BuildError(f"{source.name}: nbgrader could not make the learner's version:\n{reason}") from error
        return (folder / "release" / name / source.name).read_bytes()


class _Collect(logging.Handler):
    """A log handler that keeps the messages in a list."""

    def __init__(self, messages):
        super().__init__()
        self.messages = messages

    def emit(self, record):
        self.messages.append(record.getMessage())
