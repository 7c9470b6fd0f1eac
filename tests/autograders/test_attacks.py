"""The attack corpus against every level of isolation on this machine, through the same two steps as real grading.

For each attack: no point that was not honestly earned, no secret in anything that came back, nothing written outside,
no process left, and a learner who is graded meanwhile gets what they always get.
"""

import copy
import dataclasses
import json
import os
import random
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nbgrader", reason="the plugin plugs into nbgrader")

from nbformat import from_dict  # noqa: E402
from nbformat.v4 import new_code_cell, new_notebook  # noqa: E402
from nbgrader.utils import determine_grade  # noqa: E402
from traitlets.config import Config  # noqa: E402

import attacks  # noqa: E402
import engine  # noqa: E402
from autograders import nbgrader_plugin as plugin  # noqa: E402
from autograders import marking, sandbox, spec  # noqa: E402
from autograders.judge import judge  # noqa: E402
from autograders.sandbox import bubblewrap, container, contents, filters, landlock, levels  # noqa: E402
from sandboxed import HERE, weaker_first_process  # noqa: E402

pytestmark = [pytest.mark.slow]

EXERCISE = "autograd/unbroadcast"
NAMES = {"assignment": "03", "notebook": "03", "student": "eve"}
HURRIED = {"seconds_per_call": 0.6, "seconds_total": 2.0}  # for what does not end by itself
AT_ONCE = {"seconds_per_call": 2.0, "seconds_total": 2.0}  # for what is to be stopped once, wherever it is then
PATIENT = {}  # what does end is given the usual time: how it ends must not depend on how busy the machine is
SECONDS_TO_SPARE = 30.0  # for starting and ending sandboxes on a busy machine, several of which run at once
HONEST = attacks.PRELUDE.format(planted={}) + "def unbroadcast(gradient, shape):\n    return right(gradient, shape)"


LIMITS = sandbox.Limits


@pytest.fixture(scope="module", params=HERE, ids=lambda level: level.NAME)
def level(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(levels.FORCE, request.param.NAME)
        yield request.param.NAME


class World:
    """A classroom, a home and a network with something to steal or to break, and the means to see whether it was."""

    def __init__(self, folder: Path):
        self.room, self.home = folder / "classroom", folder / "home"
        self.word = "planted-secret-" + random.randbytes(8).hex()
        self.name = "planted-name-" + random.randbytes(8).hex()
        for path, text in self._files().items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for path in (folder, *folder.rglob("*")):  # nobody is stopped by permissions: the sandbox has to
            path.chmod(0o777 if path.is_dir() else 0o666)
        (self.room / ".secret").write_bytes((self.word + "x" * 32)[:32].encode())
        book = sqlite3.connect(self.room / "gradebook.db")
        book.execute("create table grade (points, note)")
        book.execute("insert into grade values (1.5, ?)", (self.word,))
        book.commit()
        book.close()
        self.connections = []
        self._listen()
        self._before = self._digest()

    def _files(self):
        learner = self.room / "submitted" / "ada" / "03" / "03.ipynb"
        return {
            self.room / "source" / "03" / "03.ipynb": f'{{"solution": "{self.word}"}}',
            self.room / "release" / "03" / "03.ipynb": json.dumps(released()),
            self.room / "ledger.jsonl": f'{{"note": "{self.word}"}}\n',
            learner: f'{{"answer": "{self.word}"}}',
            self.home / "planted_key": self.word,
        }

    def planted(self):
        """Where everything is, for the attacker."""
        return {
            "room": str(self.room),
            "home": str(self.home),
            "project": str(Path(engine.__file__).parents[1]),
            "reference": str(Path(engine.__file__).parent / "autograd" / "graph.py"),
            "key": str(self.room / ".secret"),
            "gradebook": str(self.room / "gradebook.db"),
            "submission": str(self.room / "submitted" / "ada" / "03" / "03.ipynb"),
            "solution": str(self.room / "source" / "03" / "03.ipynb"),
            "ledger": str(self.room / "ledger.jsonl"),
            "home_file": str(self.home / "planted_key"),
            "pid": os.getpid(),
            "port": self.servers[0].getsockname()[1],
            "socket": str(self.room / "socket"),
            "name": self.name,
        }

    def _listen(self):
        self.servers = [socket.create_server(("127.0.0.1", 0))]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(self.servers[0].getsockname())
        for address in (str(self.room / "socket"), f"\0{self.name}"):
            server = socket.socket(socket.AF_UNIX)
            server.bind(address)
            server.listen()
            self.servers.append(server)
        (self.room / "socket").chmod(0o777)
        self.servers.append(udp)
        for server in self.servers:
            server.setblocking(False)

    def reached(self):
        """Which of the servers heard from anyone."""
        heard = []
        for server in self.servers:
            try:
                heard.append(server.recv(10) if server.type == socket.SOCK_DGRAM else server.accept())
            except BlockingIOError:
                pass
        return heard

    def _digest(self):
        engine_files = [Path(self.planted()["reference"])]
        files = [path for path in (*self.room.rglob("*"), *self.home.rglob("*"), *engine_files) if path.is_file()]
        kept = [path for path in files if path.name != "ledger.jsonl"]
        return {path: (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in kept}

    def changes(self):
        """What was written outside: files of the classroom and of home that differ, and files planted elsewhere."""
        now = self._digest()
        changed = [path for path in {*now, *self._before} if now.get(path) != self._before.get(path)]
        places = ["/tmp", "/var/tmp", "/dev/shm", "/", "/run", os.getcwd()]
        places += [Path(np.__file__).parent, Path(os.__file__).parent]
        return changed + [place for place in places if Path(place, self.name).exists()]

    def close(self):
        for server in self.servers:
            server.close()


def released():
    """The released notebook: a setup cell, the cell for the answer, the check."""
    name, ours = EXERCISE.replace("/", "-"), {"exercise": EXERCISE}
    nbgrader = {"grade_id": name, "grade": False, "solution": True, "locked": False, "schema_version": 3}
    check = {**nbgrader, "grade_id": f"{name}-check", "grade": True, "solution": False, "locked": True, "points": 4}
    metadata = [{"nbgrader": each, "chainrule": ours} for each in (nbgrader, check)]
    stub = "def unbroadcast(gradient, shape):\n    pass"
    return new_notebook(
        cells=[
            new_code_cell("import numpy as np", id="setup", metadata={"tags": ["setup"]}),
            new_code_cell(stub, id=name, metadata=metadata[0]),
            new_code_cell("check()", id=f"{name}-check", metadata=metadata[1]),
        ]
    )


@pytest.fixture
def world(tmp_path, monkeypatch):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o755)
    made = World(tmp_path)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setenv("PLANTED_TOKEN", made.word)
    yield made
    made.close()


def grade(world, notebook):
    """The share of points that nbgrader would record, all text that comes back, and the report as a page."""
    config = Config({"CourseDirectory": {"root": str(world.room)}})
    nb, _ = plugin.Rebuild(config=config).preprocess(notebook, {"nbgrader": NAMES})
    nb, _ = plugin.Judge(config=config).preprocess(nb, {"nbgrader": NAMES})
    (check,) = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    points, most = determine_grade(check)
    with open(world.room / "ledger.jsonl") as file:
        record = file.read().splitlines()[1:]
    page = check.outputs[0].data["text/html"]
    return points / most, json.dumps([check.outputs, nb.metadata, nb.cells[0].source, record]), page


def submission(text):
    nb = released()
    nb.cells[1].source = text
    return nb


def honest():
    """What a learner with a right answer gets."""
    exercise = spec.load(EXERCISE)
    with sandbox.open_session([("answer", HONEST)], exercise.function, limits=LIMITS(seconds_total=600.0)) as session:
        report = judge(exercise, session, 7)
    return report.text(), report.points


@pytest.fixture(scope="module")
def what_they_always_get(level):
    text, points = honest()
    assert points == spec.load(EXERCISE).points
    return text, points


class Gradings:
    """The gradings of one test: their limits, and for each a number that stands in its processes' command lines."""

    def __init__(self):
        self.marks = []
        self.seconds = PATIENT

    def limits(self, **options):
        seconds = self.seconds
        made = LIMITS(**{**options, "megabytes": 512, "disk_megabytes": 4, "reply_megabytes": 4, **seconds})
        made = dataclasses.replace(made, seconds_total=made.seconds_total + random.random() / 1000)
        self.marks.append(repr(made.seconds_total))
        return made


@pytest.fixture
def gradings(monkeypatch):
    made = Gradings()
    monkeypatch.setattr(sandbox, "Limits", made.limits)
    return made


def alive(marks):
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_text(errors="replace")
        except OSError:  # it has just ended
            continue
        found += [text] if any(mark in text for mark in marks) else []
    return found


def withstands(world, gradings, notebook, earns, what_they_always_get):
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(honest)
        begin = time.monotonic()
        share, text, page = grade(world, notebook)
        took = time.monotonic() - begin
        assert other.result() == what_they_always_get
    assert share == earns
    assert world.word not in text and world.word[:32] not in text and "planted script" not in text
    assert "out of the sandbox" not in text
    assert "axis < added or" not in text, "a line of the reference"
    assert "<script" not in page and "\\u001b" not in text
    assert world.changes() == []
    assert world.reached() == []
    assert gradings.marks and alive([*gradings.marks, world.name]) == []
    if "seconds_total" in gradings.seconds:
        assert took < gradings.seconds["seconds_total"] + SECONDS_TO_SPARE, "it was not stopped in time"


@pytest.mark.parametrize("attack", attacks.ANSWERS, ids=lambda attack: attack.name)
def test_a_hostile_answer(level, world, gradings, attack, what_they_always_get):
    text = attacks.PRELUDE.format(planted=world.planted()) + attack.text
    gradings.seconds = HURRIED if attack.hangs else PATIENT
    withstands(world, gradings, submission(text), attack.earns, what_they_always_get)


@pytest.mark.parametrize("attack", attacks.NOTEBOOKS, ids=lambda attack: attack.name)
def test_a_hostile_notebook(level, world, gradings, attack, what_they_always_get):
    notebook = json.loads(json.dumps(released()))
    attack.change(notebook)
    withstands(world, gradings, from_dict(copy.deepcopy(notebook)), attack.earns, what_they_always_get)


# Attacks on the learner's other answers, which may be judged in the same sandbox

OBSERVES = """
import hashlib, os, resource, signal, socket, stat, sys
import numpy as np
def alive(number):
    try:
        os.kill(number, 0)
    except OSError as error:
        return error.errno == 1
    return number not in (os.getpid(), os.getppid())
def looked_at(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return type(error).__name__
def unbroadcast(gradient, shape):
    seen = {
        "limits": [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")],
        "processes": [number for number in range(1, 500) if alive(number)],
        "files": [looked_at(os.listdir, "/tmp"), looked_at(lambda: stat.filemode(os.stat("/tmp").st_mode))],
        "open": [number for number in range(64) if looked_at(os.fstat, number) != "OSError"],
        "modules": sorted(sys.modules), "path": sys.path, "environment": dict(os.environ), "folder": os.getcwd(),
        "left": [name for name, module in sys.modules.items() if hasattr(module, "left")],
        "priority": [looked_at(os.getpriority, os.PRIO_PROCESS, 0), looked_at(os.sched_getscheduler, 0)],
        "signals": [str(signal.getsignal(number)) for number in range(1, 32)],
        "socket": looked_at(lambda: socket.socket(socket.AF_UNIX).connect("\\0left")),
        "errors": np.geterr(), "umask": os.umask(0),
    }
    told = repr(seen)
    raise ValueError(hashlib.sha256(told.encode()).hexdigest()[:16] + " " + told[-400:])
"""


@pytest.fixture
def same_limits(gradings, monkeypatch):
    """One sandbox can only be shared by answers with the same limits."""

    def fix(seconds):
        gradings.seconds = seconds
        made = gradings.limits()
        monkeypatch.setattr(sandbox, "Limits", lambda **_: made)

    return fix


@pytest.fixture
def taking_turns(level):
    if not {each.NAME: each for each in levels.LEVELS}[level].IN_TURN:
        pytest.skip("at this level each answer has a sandbox to itself")


def tasks_of(*texts):
    return [{"exercise": EXERCISE, "sources": [["answer", text]], "seed": 7} for text in texts]


@pytest.mark.usefixtures("taking_turns")
@pytest.mark.parametrize("attack", attacks.ANSWERS, ids=lambda attack: attack.name)
def test_a_hostile_answer_between_others_of_its_learner(world, same_limits, gradings, attack):
    """Each verdict is to the byte what it is in a sandbox of its own: the hostile one's, and its neighbours'."""
    same_limits(AT_ONCE if attack.hangs else PATIENT)
    verdicts_are_their_own(world, attack)
    assert alive([*gradings.marks, world.name]) == []


def verdicts_are_their_own(world, attack):
    text = attacks.PRELUDE.format(planted=world.planted()) + attack.text
    in_turn = tasks_of(OBSERVES, text, OBSERVES, HONEST)
    together = marking.mark_all(in_turn)
    alone = {task["sources"][0][1]: marking.mark(task) for task in in_turn}
    assert "ValueError" in together[0]["text"] and together[3]["points"] == together[3]["max_points"]
    for task, verdict in zip(in_turn, together):
        assert verdict == alone[task["sources"][0][1]]


WITHOUT = {  # a precaution of the first process's, and who gets through without it
    "the kill": ("waits_for_its_neighbour", "        kill_all()\n", ""),
    "the look at tmp": ("leaves_files", 'touched("/tmp") == untouched', "True"),
}


@pytest.mark.usefixtures("taking_turns")
@pytest.mark.parametrize("name, line, instead", WITHOUT.values(), ids=WITHOUT)
def test_it_is_seen_without(world, same_limits, monkeypatch, tmp_path, name, line, instead):
    weaker_first_process(monkeypatch, tmp_path, line, instead)
    same_limits(PATIENT)
    with pytest.raises(AssertionError):
        verdicts_are_their_own(world, corpus(name))


@pytest.mark.usefixtures("taking_turns")
@pytest.mark.parametrize("name", ["bounds_who_starts_the_next", "slows_who_starts_the_next"])
def test_it_is_seen_without_the_filter_for_the_first_process(world, same_limits, monkeypatch, name):
    everything = filters.step(filters.RETURN, filters.ALLOW)
    monkeypatch.setattr(filters, "nothing_unbounded", lambda: everything)
    same_limits(PATIENT)
    with pytest.raises(AssertionError):
        verdicts_are_their_own(world, corpus(name))


# The corpus is known to be able to fail: with one wall taken down, an attack gets through and is seen


def corpus(name):
    return next(attack for attack in attacks.ANSWERS if attack.name == name)


def gets_through(world, gradings, name, what_they_always_get):
    text = attacks.PRELUDE.format(planted=world.planted()) + corpus(name).text
    with pytest.raises(AssertionError):
        withstands(world, gradings, submission(text), 0.0, what_they_always_get)


def with_options(monkeypatch, *more):
    """bubblewrap gets more options, behind its own, and no network namespace."""
    original = bubblewrap.command

    def command(path, options, *others):
        argv = original(path, [each for each in options if each != "--unshare-net"], *others)
        end = argv.index("--chdir") - 2  # before the root is made read-only
        return [*argv[:end], *more, *argv[end:]]

    monkeypatch.setattr(bubblewrap, "command", command)


def in_bubblewrap(level):
    if not level.startswith("bubblewrap"):
        pytest.skip("a wall of bubblewrap's")


def in_landlock(level):
    if level != "landlock":
        pytest.skip("a wall of Landlock's")


def in_container(level):
    if level != "container":
        pytest.skip("a wall of a container's")


def with_other_options(monkeypatch, *more, network="none"):
    """The container gets more options, in front of its own, and another network."""
    original = container.command

    def command(*arguments):
        argv = original(*arguments)
        argv[argv.index("--network") + 1] = network
        return [*argv[:2], *more, *argv[2:]]

    monkeypatch.setattr(container, "command", command)


def test_a_container_on_the_hosts_network(level, world, gradings, monkeypatch, what_they_always_get):
    in_container(level)
    with_other_options(monkeypatch, network="host")
    gets_through(world, gradings, "connects_by_tcp", what_they_always_get)


def test_a_container_with_the_classroom_inside(level, world, gradings, monkeypatch, what_they_always_get):
    in_container(level)
    with_other_options(monkeypatch, "--mount", f"type=bind,source={world.room},destination={world.room}")
    gets_through(world, gradings, "reads_key", what_they_always_get)
    gets_through(world, gradings, "deletes", what_they_always_get)


def test_a_container_without_filters(level, world, gradings, monkeypatch, tmp_path, what_they_always_get):
    """Ours and the engine's; recent engines' refuse the same call."""
    in_container(level)
    file = tmp_path / "filters.py"
    everything = "\n\ndef nothing_unbounded():\n    return step(RETURN, ALLOW)\n"
    file.write_text(Path(filters.__file__).read_text() + everything)
    bind = container._bind
    ours = {contents.HERE / "filters.py": file}
    monkeypatch.setattr(container, "_bind", lambda source, inside: bind(ours.get(source, source), inside))
    with_other_options(monkeypatch, "--security-opt", "seccomp=unconfined")
    gets_through(world, gradings, "asynchronous_system_calls", what_they_always_get)


def test_without_a_network_namespace(level, world, gradings, monkeypatch, what_they_always_get):
    in_bubblewrap(level)
    with_options(monkeypatch, *([] if os.geteuid() == 0 else ["--share-net"]))
    gets_through(world, gradings, "connects_by_tcp", what_they_always_get)


def test_with_the_classroom_inside(level, world, gradings, monkeypatch, what_they_always_get):
    in_bubblewrap(level)
    with_options(monkeypatch, "--bind", str(world.room), str(world.room))
    gets_through(world, gradings, "reads_key", what_they_always_get)
    gets_through(world, gradings, "deletes", what_they_always_get)


def test_without_the_filter_of_system_calls(level, world, gradings, monkeypatch, what_they_always_get):
    in_bubblewrap(level)
    everything = filters.step(filters.RETURN, filters.ALLOW)
    monkeypatch.setattr(filters, "nothing_unbounded", lambda: everything)
    gets_through(world, gradings, "asynchronous_system_calls", what_they_always_get)


def test_with_the_environment(level, world, gradings, monkeypatch, what_they_always_get):
    environment = contents.environment
    monkeypatch.setattr(contents, "environment", lambda home: {**environment(home), "PLANTED": world.word})
    gets_through(world, gradings, "environment", what_they_always_get)


def test_with_a_rule_for_the_classroom(level, world, gradings, monkeypatch, what_they_always_get):
    in_landlock(level)
    readable = landlock._readable
    monkeypatch.setattr(landlock, "_readable", lambda packages: [*readable(packages), world.room])
    gets_through(world, gradings, "reads_key", what_they_always_get)


def test_without_landlocks_filter(level, world, gradings, monkeypatch, tmp_path, what_they_always_get):
    """What Landlock does not know of, datagrams and file modes, only the filter of system calls keeps away."""
    in_landlock(level)
    for name in ("confine.py", "filters.py"):
        text = (contents.HERE / name).read_text()
        (tmp_path / name).write_text(text.replace("    filter_system_calls(program)\n", ""))
    monkeypatch.setattr(landlock, "CONFINE", tmp_path / "confine.py")
    gets_through(world, gradings, "connects_by_udp", what_they_always_get)
    gets_through(world, gradings, "changes_permissions", what_they_always_get)
