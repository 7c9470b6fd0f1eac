"""The learner's own engine: answers that passed, kept in the workspace as a package, `my_engine`, for `engine.use`.

    my_engine/
      __init__.py             PARTS = {"matmul.vjp": ..., ...}, made of what is there
      autograd/matmul_vjp.py  the answer, with the imports, helpers and constants that it needs

A file that the learner has changed is never written to. What was written is remembered, as digests, in
`.chainrule/my_engine.json`: a file that has one of them is as it was saved.
"""

import hashlib
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from autograders import spec as specs
from autograders.standalone import CannotStandAlone, text_of
from autograders.workspace import KEPT, workspace

PACKAGE = "my_engine"
RECORD = KEPT / "my_engine.json"
INIT = '''\
"""My own engine: a file for each of my answers that passed its check.

    import engine as torch
    from autograders import mine

    torch.use(mine())    # run on these parts
    torch.use(None)      # go back to the engine's
"""

from autograders.own_engine import parts_of

PARTS = parts_of(__name__, __path__[0])
'''
ROOM = '"""My answers: {}."""\n'


def mine() -> dict[str, Callable]:
    """The parts of the learner's own engine by name, for `engine.use(mine())`, read anew from `my_engine/`.

    Afterwards `import my_engine` works too. Empty, with a line that says so, where nothing is saved. An exception in
    one of the files passes through, and its traceback names the file.
    """
    root = workspace()
    file = root and root / PACKAGE / "__init__.py"
    if not file or not file.exists():
        print("Nothing is saved in your own engine yet: an answer is, once it passes its check in your workspace.")
        return {}
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]
    found = importlib.util.spec_from_file_location(PACKAGE, file, submodule_search_locations=[str(file.parent)])
    module = sys.modules[PACKAGE] = importlib.util.module_from_spec(found)
    importlib.invalidate_caches()
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # which may outlive a change within one second
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[PACKAGE]
        raise
    finally:
        sys.dont_write_bytecode = before
    return dict(module.PARTS)


def parts_of(package: str, folder: str) -> dict[str, Callable]:
    """{part's name: what takes its place} of the answers that there are in the package `package`, in `folder`."""
    parts = {}
    for name, spec in specs.exercises().items():
        if spec.part and Path(folder, f"{name}.py").is_file():
            answer = getattr(importlib.import_module(f"{package}.{name.replace('/', '.')}"), spec.function)
            parts[spec.part] = _adapted(spec, answer) if spec.as_part else answer
    return dict(sorted(parts.items()))


def answers_in(root: Path) -> dict[str, bool]:
    """{exercise: whether its file is as it was saved} of the answers in the workspace `root`; nothing of them is run.

    Every file counts as changed by hand where the record of what was written cannot be read.
    """
    kept = _Kept(root)
    files = {name: root / PACKAGE / f"{name}.py" for name in kept.exercises}
    return {
        name: _digest(file.read_bytes()) in kept.written.get(f"{name}.py", [])
        for name, file in files.items()
        if file.is_file()
    }


def _adapted(spec: specs.Spec, answer: Callable) -> Callable:
    """The answer as the engine calls its part. It says, as the answer does, which of the learner's files it is from."""
    part = spec.as_part(answer)
    part.__module__, part.__qualname__ = answer.__module__, answer.__qualname__
    return part


def save(spec: specs.Spec, answer: Callable) -> str:
    """Save an answer that passed into the learner's own engine; the sentence that says so, or why it is not there.

    "" where there is nothing to say: outside of a workspace, under nbgrader, or for a function that the engine lent.
    """
    root = workspace()
    if root is None or os.environ.get("NBGRADER_EXECUTION") or answer is spec.right_answer:
        return ""
    kept = _Kept(root)
    try:
        text = text_of(answer, spec.function, kept.module_of)
        blank = "\n\n" if text.startswith(("import ", "from ")) else "\n\n\n"
        text = f'"""{spec.title}: my answer to {spec.name}, as it passed its check."""{blank}{text}'
        room = spec.name.partition("/")[0]
        kept.bring("__init__.py", INIT)
        kept.bring(f"{room}/__init__.py", ROOM.format(room))
        if kept.bring(f"{spec.name}.py", text):
            return f"Saved into your own engine as `{spec.name}`."
        beside = kept.bring_beside(f"{spec.name}.py", text)
        return f"Your own engine keeps `{spec.name}` as you changed it by hand. This answer is beside it: `{beside}`."
    except CannotStandAlone as reason:
        return f"Not saved into your own engine: {reason}."
    except OSError as error:
        return f"Not saved into your own engine: {error.strerror or error}."


class _Kept:
    """The files of one learner's own engine, and the record of what was written."""

    def __init__(self, root):
        self.root, self.folder = root, root / PACKAGE
        self.written = self._read()  # {relative path: [digests]}
        self.exercises = specs.exercises()
        self.asked = set()  # names of answers that are being compared: two may name each other

    def module_of(self, value):
        """The name of the module in which this function was saved as an answer, or None."""
        for name, spec in self.exercises.items():
            if getattr(value, "__name__", None) == spec.function and self._holds(name, value):
                return f"{PACKAGE}.{name.replace('/', '.')}"
        return None

    def _holds(self, name, value):
        """Whether the file of that exercise is the text of this function."""
        file = self.folder / f"{name}.py"
        if name in self.asked or not file.is_file():
            return False
        self.asked.add(name)
        try:
            return file.read_bytes().endswith(text_of(value, value.__name__, self.module_of).encode())
        except CannotStandAlone:
            return False
        finally:
            self.asked.discard(name)

    def bring(self, relative, text):
        """Let the file hold the text; False, and nothing done, if the learner has changed it."""
        path, data = self.folder / relative, text.encode()
        known = self.written.get(relative, [])
        if path.exists():
            found = path.read_bytes()
            if found == data:
                return True
            if _digest(found) not in known:
                return False
        self.written[relative] = [*(each for each in known if each != _digest(data)), _digest(data)]
        _write(self.root / RECORD, json.dumps(self.written, indent=1, sort_keys=True).encode())
        _write(path, data)
        return True

    def bring_beside(self, relative, text):
        """Write the text to a file of its own beside that one; its name."""
        path = self.folder / relative
        path = path.with_name(f"{path.stem}_{_digest(text.encode())[:8]}.py")
        if not path.exists():  # or else it has this text, or the learner's changes to it
            _write(path, text.encode())
        return path.name

    def _read(self):
        try:
            record = json.loads((self.root / RECORD).read_bytes())
            return {name: [str(each) for each in digests] for name, digests in record.items()}
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return {}  # unreadable: then every file counts as the learner's


def _write(path, data):
    from engine.files import write_atomically

    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)


def _digest(data):
    return hashlib.sha256(data).hexdigest()
