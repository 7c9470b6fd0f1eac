"""What each level of isolation promises: hostile code gets, breaks and leaves behind nothing."""

import dataclasses
import os
import platform
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

import autograders.sandbox.session as sandbox_session
from autograders.sandbox import Limits, bubblewrap, cgroup, container, landlock, levels
from autograders.session import Opaque, Returned, Stopped
from sandboxed import HASTY, HERE, SMALL, call, inside, session


@pytest.fixture(scope="module", params=HERE, ids=lambda level: level.NAME)
def level(request):
    """Every test runs at each level that works on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(levels.FORCE, request.param.NAME)
        yield request.param


@pytest.fixture
def in_namespaces(level):
    if level is landlock:
        pytest.skip("Landlock does not promise this, see its LACKS")


pytestmark = pytest.mark.usefixtures("level")
namespaces = pytest.mark.usefixtures("in_namespaces")


# ---------------------------------------------------------------- answers that misbehave


def test_an_endless_loop_is_stopped_and_the_next_call_works():
    with session("def f(x):\n    while x: pass\n    return 1", limits=HASTY) as answer:
        assert answer.call(True) == Stopped("took longer than 2 s")
        assert answer.call(False).value == 1


def test_an_endless_loop_among_the_cells_is_waited_for_once(monkeypatch):
    with session("def f(): pass\nwhile True: pass", limits=HASTY) as answer:
        assert answer.describe() == Stopped("took longer than 2 s when the cells were run")
        monkeypatch.setattr(sandbox_session.Sandboxes, "process", None)
        assert answer.call() == answer.describe()


def test_time_is_limited_in_all_as_well():
    limits = Limits(seconds_per_call=5.0, seconds_total=2.0)
    with session("import time\ndef f():\n    time.sleep(0.9)", limits=limits) as answer:
        outcomes = [answer.call() for _ in range(5)]
    assert isinstance(outcomes[0], Returned)
    assert outcomes[-1] == Stopped("took longer than 2 s in all")


def test_an_answer_is_not_started_for_ever():
    with session("import os\ndef f():\n    os._exit(3)") as answer:
        outcomes = [answer.call() for _ in range(6)]
    assert outcomes[0] == Stopped("ended its process (exit status 3)")
    assert outcomes[-1] == Stopped("had to be stopped 4 times")


@pytest.mark.parametrize("body", ["return np.ones(10**9)", "return bytearray(10**9)", "x = [0]\n    while 1: x += x"])
def test_a_memory_bomb(body):
    assert call(f"import numpy as np\ndef f():\n    {body}") == Stopped("used more than 512 MB of memory")


@pytest.mark.slow
def test_memory_of_all_processes_together(level):
    """A cgroup counts all of them and ends all; in a container's the kernel ends the largest; without one each is
    bounded by itself; Landlock's process has no children."""
    source = """
        import os, time
        def f():
            reading, writing = os.pipe()
            for _ in range(4):
                if os.fork() == 0:
                    kept = bytearray(b"x") * (200 * 2**20)
                    os.write(writing, b"x")
                    time.sleep(100)
            os.set_blocking(reading, False)
            ready = b""
            while len(ready) < 4:
                child, status = os.waitpid(-1, os.WNOHANG)
                if child:
                    return os.waitstatus_to_exitcode(status)
                try:
                    ready += os.read(reading, 4)
                except BlockingIOError:
                    time.sleep(0.01)
            return "all have their memory"
    """
    outcome = call(source, limits=dataclasses.replace(SMALL, seconds_per_call=60.0))
    if level is cgroup:
        assert outcome == Stopped("used more than 512 MB of memory in all its processes")
        assert not [folder for folder in cgroup._find_parent().iterdir() if folder.name.startswith("chainrule-")]
    elif level is container:
        assert outcome.value == -signal.SIGKILL
    elif level is bubblewrap:
        assert outcome.value == "all have their memory"
    else:
        assert outcome.kind == "BlockingIOError"


def test_a_fork_bomb():
    """The limit on processes holds, for root too, and none survives."""
    source = """
        import os, time
        def f():
            for count in range(100):
                try:
                    if os.fork() == 0:
                        time.sleep(100)
                except BlockingIOError:
                    return count
            return count
    """
    with session(source, limits=Limits(processes=10)) as answer:
        assert answer.call().value < 10


def test_it_keeps_to_the_core_of_its_grader():
    """A grader of many keeps to one core, so that a hostile answer with all its processes is in no other's way."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        assert inside("sorted(os.sched_getaffinity(0))") == [max(cores)]
        assert inside(f"os.sched_setaffinity(0, {cores})") == "PermissionError"
    finally:
        os.sched_setaffinity(0, cores)


@pytest.mark.parametrize(
    "statement, reason",
    [
        ("os._exit(0)", "ended its process (exit status 0)"),
        ("os.kill(os.getpid(), 9)", "ended its process (killed)"),
        ("os.closerange(0, 100)", "ended its process (exit status 120)"),
        ("ctypes.string_at(0)", "ended its process (segmentation fault)"),
        ("os._exit(255)", "ended its process (exit status 255)"),
    ],
)
def test_an_answer_that_ends_itself(statement, reason):
    assert call(f"import os, ctypes\ndef f():\n    {statement}\n") == Stopped(reason)


def test_threads_left_running_delay_nobody():
    source = """
        import threading
        def spin():
            while True:
                pass
        def f():
            for _ in range(3):
                threading.Thread(target=spin).start()
            return 1
    """
    assert call(source).value == 1


def test_endless_printing_is_just_an_endless_loop():
    assert call("def f():\n    while True: print('x' * 10_000)", limits=HASTY) == Stopped("took longer than 2 s")


def test_a_huge_return():
    outcome = call("import numpy as np\ndef f():\n    return np.zeros(10**6)")
    assert outcome == Stopped("sent back a message of 8 MB, more than may cross")
    outcome = call("def f():\n    return ['x' * 1000] * 10_000")
    assert outcome == Stopped("sent back a message of 10 MB, more than may cross")


def test_deep_and_endless_lists_arrive_as_far_as_they_may():
    value = call("def f():\n    x = []\n    x.append(x)\n    return x").value
    while isinstance(value, list):
        (value,) = value
    assert value == Opaque("a very deep list")


# ---------------------------------------------------------------- nothing in reach


@pytest.fixture
def secret(tmp_path):
    tmp_path.chmod(0o755)
    file = tmp_path / "secret.txt"
    file.write_text("the reference answer")
    return file


HOSTS = ("/etc/passwd", "/etc/hostname", "/etc/resolv.conf", f"/proc/{os.getpid()}/cmdline", "/sys/kernel", "/home")


@pytest.mark.parametrize("path", [*HOSTS, __file__], ids=[*HOSTS[:3], "/proc", *HOSTS[4:], "this test"])
def test_files_of_the_host_cannot_be_opened(level, path):
    opened = inside(f"os.listdir({path!r}) if os.path.isdir({path!r}) else open({path!r}).read(1)")
    assert opened in ("FileNotFoundError", "PermissionError") or (level is container and opened == "")


@namespaces
def test_files_of_the_host_are_not_there(level):
    there = inside("[path for path in ('/etc/passwd', '/proc', '/sys', '/home') if os.path.exists(path)]")
    assert there == (["/etc/passwd", "/proc", "/sys"] if level is container else [])


def test_a_containers_own_files_hold_nothing_of_the_hosts(level, monkeypatch):
    """An engine cannot do without /proc, makes files in /etc, hands on a proxy's password: all is empty or its own."""
    if level is not container:
        pytest.skip("at this level there are none")
    monkeypatch.setenv("HTTP_PROXY", "http://ada:the-password@proxy")
    environments = "''.join(open(f'/proc/{n}/environ').read() for n in os.listdir('/proc') if n.isdigit())"
    assert inside(environments) == "PermissionError"  # of the first process
    assert "the-password" not in inside("open('/proc/self/environ').read()")
    processes = inside("[open(f'/proc/{n}/cmdline').read() for n in os.listdir('/proc') if n.isdigit()]")
    assert len(processes) == 2 and "container_init.py" in processes[0] and "worker.py" in processes[1]
    assert inside("os.listdir('/sys')") in ([], ["fs"])  # below it the cgroups, where Docker is the engine
    made = "[open(name).read() for name in %r]" % (container.MADE_BY_ENGINES,)
    assert inside(made) == [""] * len(container.MADE_BY_ENGINES)


def test_secrets_cannot_be_read_not_even_behind_links(secret):
    assert inside(f"open({str(secret)!r}).read()") in ("FileNotFoundError", "PermissionError")
    assert inside("open('link').read()", f"os.symlink({str(secret)!r}, 'link')") in (
        "FileNotFoundError",
        "PermissionError",
    )
    assert inside("os.listdir('/tmp')") in ([], "PermissionError")


def test_neither_the_project_nor_other_packages_are_there():
    find_spec = "from importlib.util import find_spec"
    names = inside("[n for n in ('autograders', 'engine', 'pytest', 'pip') if find_spec(n)]", find_spec)
    assert names == ["autograders", "engine"]  # the stand-ins, which hold nothing
    found = inside(
        "found",
        "found = [os.path.join(top, name) for top, folders, files in os.walk('/') for name in folders + files",
        "         if name in ('autograders', 'specs', 'gradebook.db', 'nbgrader') or name.endswith('-packages')",
        "         and os.listdir(os.path.join(top, name))]",
    )
    assert found == []


def test_nowhere_to_write_but_a_small_tmp(level):
    source = """
        import os
        def f():
            written = []
            for top, folders, files in os.walk("/", followlinks=False):
                try:
                    open(os.path.join(top, "planted"), "w").close()
                    written.append(top)
                except OSError:
                    pass
            return written
    """
    assert call(source).value == ([] if level is landlock else ["/tmp"])
    assert inside("os.chmod('/dev/null', 0o600)") == "PermissionError"
    assert inside(f"os.chmod({__file__!r}, 0o777)") in ("FileNotFoundError", "PermissionError")
    assert inside("open(os.__file__, 'w')") in ("OSError", "PermissionError")


@namespaces
def test_tmp_is_small():
    write = "for i in range(99): open(f'/tmp/{i}', 'wb').write(b'x' * 2**20)"
    assert inside("0", write) == "OSError"
    assert inside("0", "open('/tmp/big', 'wb').truncate(2**30)") == "OSError"


def test_the_environment_is_not_seen(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "the token")
    names = set(inside("list(os.environ)"))
    assert "SECRET_TOKEN" not in names and "PATH" not in names
    assert "the token" not in inside("repr(os.environ) + repr(sys.argv)")


UNREACHABLE = ("ConnectionRefusedError", "OSError", "PermissionError")


def test_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert inside("socket.create_connection(%r, 1)" % (address,)) in UNREACHABLE


@namespaces
def test_no_name_of_the_host():
    assert inside("socket.gethostname()") == "sandbox"


def test_sockets_of_the_host_are_out_of_reach():
    name = f"\0{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        reach = "socket.socket(socket.AF_UNIX).connect(%r)" % name
        assert inside(reach) in UNREACHABLE


NO_SIGNAL = ("ProcessLookupError", "PermissionError")


def test_the_learner_is_nobody_with_no_privileges():
    assert inside("os.getuid() == 0 or os.geteuid() == 0") is False
    assert inside("os.setuid(0)") in ("PermissionError", "OSError")
    assert inside("os.kill(-1, 9)") in NO_SIGNAL  # not even bubblewrap's own process
    libc = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)"
    assert inside("libc.unshare(0x10000000)", libc) == -1  # a user namespace of its own
    if platform.machine() == "x86_64":
        assert inside("libc.syscall(56, 0x10000011, 0, 0, 0, 0)", libc) == -1  # the same by clone
    assert inside("libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)", libc) == -1
    assert inside("subprocess.run(['/bin/sh'])") in ("FileNotFoundError", "BlockingIOError")
    assert inside("os.execv('/bin/sh', ['sh'])") in ("FileNotFoundError", "PermissionError")
    assert inside("os.kill(%d, 0)" % os.getpid()) in NO_SIGNAL


def test_no_descriptor_but_its_own_is_open():
    count = "sum(1 for n in range(32) if not exists(n))"
    exists = "def exists(n):\n        try: os.fstat(n)\n        except OSError: return True"
    assert inside(count, exists) == 5  # three standard ones, requests, replies


# ---------------------------------------------------------------- nothing survives

LEAVER = """
import os, signal, sys, time
def f():
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            for number in range(1, 32):
                if number not in (9, 19):
                    signal.signal(number, signal.SIG_IGN)
            os.execv(sys.executable, ["python", "-I", "-S", "-c", "import time; time.sleep(1000)", "{marker}"])
    time.sleep({seconds})
"""


def alive(marker):
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [file] if marker.encode() in file.read_bytes() else []
        except OSError:  # it has just ended
            continue
    return found


@namespaces
@pytest.mark.parametrize("seconds", [0.2, 1000])
def test_no_process_survives(seconds):
    """Children in sessions of their own that ignore signals are gone when the session is, and so are zombies."""
    marker = str(uuid.uuid4())
    before = set(children())
    with session(LEAVER.format(marker=marker, seconds=seconds), limits=SMALL if seconds < 1 else HASTY) as answer:
        outcome = answer.call()
        assert isinstance(outcome, Returned if seconds < 1 else Stopped)
        assert bool(alive(marker)) == isinstance(outcome, Returned)
        for process in alive(marker):  # should memory run out, these go before anything of the host's
            assert (process.parent / "oom_score_adj").read_text() == "1000\n"
    assert alive(marker) == []
    assert set(children()) == before


def test_a_process_that_cannot_have_children(level):
    """Landlock's level cannot end children that left, so there are none: nobody but the worker, and it ends."""
    if level is not landlock:
        pytest.skip("at this level there may be children")
    fork = "import os\ndef f():\n    {}"
    for attempt in ("os.fork()", "os.posix_spawn('/bin/true', ['true'], {})", "os.forkpty()"):
        assert call(fork.format(attempt)).kind in ("BlockingIOError", "PermissionError", "OSError")
    clone = "import ctypes\ndef f():\n    return ctypes.CDLL(None).syscall(56, {}, 0, 0, 0, 0)"
    as_fork, as_vfork, as_namespace = 17, 17 | 0x4100, 0x10010000  # flags; all three want what makes a process
    for flags in (as_fork, as_vfork, as_namespace):
        assert call(clone.format(flags)).value == -1
    marker = str(uuid.uuid4())
    with session(BECOMES_ANOTHER.format(marker=marker), limits=HASTY) as answer:
        assert answer.call() == Stopped("took longer than 2 s")
    assert alive(marker) == []


BECOMES_ANOTHER = """
import os, sys
def f():
    for descriptor in range(3, 10):  # so that the grader sees no end of them
        try:
            os.set_inheritable(descriptor, True)
        except OSError:
            pass
    os.execv(sys.executable, ["python", "-I", "-S", "-c", "import time; time.sleep(1000)", "{marker}"])
"""


def children():
    return Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


def test_descriptors_are_closed_again():
    before = len(os.listdir("/proc/self/fd"))
    assert call("import os\ndef f():\n    os._exit(0)") == Stopped("ended its process (exit status 0)")
    with session("def f(): pass"):
        pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_killed_grader_leaves_nothing_behind():
    """`kill -9` of the grading process ends the sandbox with it."""
    marker = str(uuid.uuid4())
    program = f"""
from autograders.sandbox import open_session
with open_session([("a", {BECOMES_ANOTHER.format(marker=marker)!r})], "f") as answer:
    answer.call()
"""
    root = Path(__file__).parents[2]
    grader = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdin=subprocess.DEVNULL)
    assert wait_until(lambda: len(alive(marker)) > 1)  # the grader's own command line has the marker too
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    assert wait_until(lambda: alive(marker) == [])


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()
