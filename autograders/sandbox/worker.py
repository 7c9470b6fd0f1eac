"""Runs inside the sandbox: executes the learner's cells, then uses one function or class of theirs for the parent.

It is started with its limits and the modules it may load as JSON, and speaks with the parent over the descriptors it
was given as stdin and stdout, which it hides first: what the learner prints goes to /dev/null, and costs nothing. It
needs numpy and `wire.py`. Where `first_process.py` is among the modules, this process stays clean, and what follows
the imports happens in one forked for each answer. Nothing here protects the parent, who trusts no byte of it: by the
first call, the learner owns the process.
"""

import ast
import codeop
import copy
import importlib.machinery
import importlib.util
import inspect
import json
import os
import re
import resource
import sys
import traceback
import types


def main():
    requests, replies = private_descriptors()
    begin = json.loads(sys.argv[1])
    set_limits(begin["limits"])
    sys.meta_path.append(Modules(begin["modules"]))
    for name in begin["modules"]:  # numpy among them, which must already live within the limits
        importlib.import_module(name)
    wire = sys.modules["wire"]
    if "first_process" in begin["modules"]:
        requests, replies = sys.modules["first_process"].serve(requests)
    use_answer(requests, replies, wire)


def use_answer(requests, replies, wire):
    """Run the cells that the parent sends, and use the answer in them for as long as it asks."""
    send(replies, wire.pack({"ready": True}))
    header, _ = receive(requests, wire)
    probe = importlib.import_module(f"probes.{header['probe']}").probe if header["probe"] else call
    answer = Answer(header["name"], header["kind"], header["method"], header["withheld"])
    answer.run(header["cells"])
    send(replies, wire.pack(answer.describe()))
    while True:
        _, arguments = receive(requests, wire)
        send(replies, reply_to_call(answer, probe, arguments, wire))


def call(answer, *arguments):
    return answer(*arguments)


def private_descriptors():
    """Move the protocol away from where prints go, and give input() nothing to wait for."""
    os.closerange(3, 1024)  # what bubblewrap may have left open
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return requests, replies


def set_limits(limits):
    """Hard limits of this process and its children; the parent bounds their time as well."""
    for name, most in {
        "AS": limits["megabytes"] * 2**20,
        "FSIZE": limits["disk_megabytes"] * 2**20,
        "CPU": limits["cpu_seconds"],
        "NPROC": limits.get("processes"),
        "NOFILE": limits["open_files"],
        "CORE": 0,
    }.items():
        if most is None:  # the level has set it itself
            continue
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def receive(requests, wire):
    header, body = wire.lengths(read_exactly(requests, wire.PREFIX.size), sys.maxsize, sys.maxsize)
    return wire.unpack(read_exactly(requests, header), read_exactly(requests, body))


def read_exactly(descriptor, count):
    parts = bytearray()
    while len(parts) < count:
        part = os.read(descriptor, min(count - len(parts), 2**20))
        if not part:
            sys.exit()  # the parent is gone
        parts += part
    return bytes(parts)


def send(descriptor, data):
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def reply_to_call(answer, probe, arguments, wire):
    try:
        value = probe(answer.find(), *arguments)
        return wire.pack({"outcome": "returned"}, [value, *arguments])
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: an answer must not end the session
        return wire.pack({"outcome": "raised", **answer.tell(error)})


class Answer:
    """The learner's cells, run as a notebook would run them, and the function or class `name` that they define."""

    def __init__(self, name, kind, method, withheld):
        self.name = name
        self.kind = kind
        self.method = method
        self.module = types.ModuleType("__main__")
        self.module.display = print  # a notebook offers it without an import
        self.namespace = vars(self.module)
        self.sources = {}
        self.statements = []
        self.failures = []
        sys.modules["__main__"] = self.module
        sys.meta_path.insert(0, WithheldPackages(withheld))

    def run(self, cells):
        """Run every cell; one that fails does not keep the later ones from running."""
        compiler = codeop.Compile()  # remembers `from __future__` from one statement to the next
        for number, (cell_id, source) in enumerate(cells, 1):
            name = f"<cell {number}: {cell_id}>"
            self.sources[name] = source
            try:
                for statement in parse(source, name).body:
                    self.statements.append(statement)
                    self.execute(statement, name, compiler)
            except BaseException as error:
                self.failures.append((source, self.tell(error)))

    def execute(self, statement, name, compiler):
        is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
        if not is_import or getattr(statement, "module", None) == "__future__":
            exec(compiler(ast.Module([statement], []), name, "exec"), self.namespace)
            return
        for alias in statement.names:
            one = copy.copy(statement)
            one.names = [alias]
            try:
                exec(compiler(ast.Module([one], []), name, "exec"), self.namespace)
            except ImportError as error:
                # a setup cell imports what pictures and checks need, which is not here; that matters once it is used
                bound = alias.asname or alias.name.partition(".")[0]
                if alias.asname or bound not in self.namespace:
                    absent = isinstance(error, ModuleNotFoundError)
                    reason = f"`{error.name}` is not here while answers are graded" if absent else str(error)
                    self.namespace[bound] = Unavailable(reason)

    def find(self):
        if self.name not in self.namespace:
            raise NameError(f"name {self.name!r} is not defined")
        return self.namespace[self.name]

    def describe(self):
        """The answer's parameters; or why it is missing: the error of the cell that should have defined it."""
        if self.name not in self.namespace:
            names_it = re.compile(rf"\b{re.escape(self.name)}\b")
            blamed = [failure for source, failure in self.failures if names_it.search(source)]
            return {"outcome": "raised", **blamed[-1]} if blamed else {"outcome": "missing", "found": None}
        answer = self.find()
        if type(answer).__name__ in ("Unavailable", "Withheld"):
            try:
                answer()
            except BaseException as error:
                return {"outcome": "raised", **self.tell(error)}
        if not callable(answer) or (self.kind == "class" and not isinstance(answer, type)):
            return {"outcome": "missing", "found": type(answer).__name__}
        try:
            described = getattr(answer, self.method) if self.method else answer
            parameters = inspect.signature(described).parameters
        except BaseException as error:
            return {"outcome": "raised", **self.tell(error)}
        required = sum(map(is_required, parameters.values()))
        return {
            "outcome": "described", "parameters": list(parameters), "required": required, "blank": self.is_blank()}

    def is_blank(self):
        """Whether the function, or every method of the class, holds nothing but a docstring, `pass` or `...`."""
        kinds = ast.FunctionDef if self.kind == "function" else ast.ClassDef
        nodes = [node for statement in self.statements for node in ast.walk(statement)]
        named = [node for node in nodes if isinstance(node, kinds) and node.name == self.name]
        return bool(named) and is_blank(named[-1])

    def tell(self, error):
        """What there is to say of an exception: its kind, its message, and the learner's line that it came from."""
        try:
            message = str(error)[:2000]
        except BaseException:  # the learner's own exception class, whose __str__ fails in turn
            message = ""
        line, text = None, None
        if isinstance(error, SyntaxError) and error.filename in self.sources:
            message, line = str(error.msg)[:2000], error.lineno
            text = self.line(error.filename, line)
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename in self.sources:
                line, text = number, self.line(frame.f_code.co_filename, number)
        return {"kind": type(error).__name__, "message": message, "line": line, "text": text}

    def line(self, name, number):
        lines = self.sources[name].splitlines()
        return lines[number - 1].strip()[:500] if number is not None and 0 < number <= len(lines) else None


def parse(source, name):
    """The cell's statements. Notebook commands (`%timeit`, `!ls`) are no Python, and are left out."""
    try:
        return ast.parse(source, name)
    except SyntaxError:
        plain = re.sub(r"^([ \t]*)[%!].*", r"\1pass", source, flags=re.MULTILINE)
        if plain == source:
            raise
        return ast.parse(plain, name)


def is_required(parameter):
    any_number = (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and parameter.kind not in any_number


def is_blank(definition):
    if isinstance(definition, ast.ClassDef):
        methods = [node for node in definition.body if isinstance(node, ast.FunctionDef)]
        return all(map(is_blank, methods)) if methods else all(map(says_nothing, definition.body))
    return all(map(says_nothing, definition.body))


def says_nothing(statement):
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


class Modules:
    """An import hook: finds the few modules that are there by their files, in whatever folders those lie."""

    def __init__(self, files):
        self.files = files

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_file_location(name, self.files[name]) if name in self.files else None


class Unavailable:
    """Stands for what a cell could not import, and says so when it is used."""

    def __init__(self, reason):
        self.reason = reason

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        raise ImportError(self.reason)

    def __call__(self, *arguments, **options):
        raise ImportError(self.reason)

    def __mro_entries__(self, bases):  # a class that derives from it
        raise ImportError(self.reason)


class WithheldPackages:
    """An import hook: `import engine` works, since setup cells say it, but nothing can be had from it."""

    def __init__(self, reasons):
        self.reasons = reasons

    def find_spec(self, name, path=None, target=None):
        root, _, below = name.partition(".")
        if root not in self.reasons:
            return None
        if below:
            raise ImportError(self.reasons[root], name=name)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return WithheldPackage(spec.name, self.reasons[spec.name])

    def exec_module(self, module):
        pass


class WithheldPackage(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        raise ImportError(self.__doc__, name=self.__name__)


if __name__ == "__main__":
    main()
