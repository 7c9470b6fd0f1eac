"""Answers of one learner in one sandbox, in turn: what the one before did is nothing to the next.

Whether a hostile answer changes its neighbours' verdicts is in test_attacks.py, attack by attack.
"""

import dataclasses
import gc
import os
import platform
import re
import time
from pathlib import Path

import pytest

from autograders.sandbox import Sandboxes, WaitedLongEnough, bubblewrap, levels
from autograders.session import Raised, Returned, Stopped
from sandboxed import HASTY, HERE, SMALL, session, weaker_first_process

LEVELS = [level for level in HERE if level.IN_TURN]
HONEST = "def f(x):\n    return x + 1"
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="in turn only where system calls are filtered")
pytestmark = on_x86


@pytest.fixture(params=HERE, ids=lambda level: level.NAME)
def any_level(request, monkeypatch):
    monkeypatch.setenv(levels.FORCE, request.param.NAME)
    return request.param


@pytest.fixture(params=LEVELS, ids=lambda level: level.NAME)
def level(request, monkeypatch):
    monkeypatch.setenv(levels.FORCE, request.param.NAME)
    return request.param


@pytest.fixture
def starts(any_level, monkeypatch):
    return counted(any_level, monkeypatch)


def counted(level, monkeypatch):
    """A list that grows with each sandbox that is started."""
    found, start = [], level.start

    def counting(*arguments):
        found.append(arguments)
        return start(*arguments)

    monkeypatch.setattr(level, "start", counting)
    return found


def ask(sandboxes, source, *arguments, **options):
    options = {"limits": SMALL, **options}
    with session(source, sandboxes=sandboxes, **options) as answer:
        return answer.call(*arguments)


# ---------------------------------------------------------------- which answers share one


def test_honest_answers_that_need_the_same_use_one_sandbox(any_level, starts):
    with Sandboxes() as sandboxes:
        assert [ask(sandboxes, HONEST, number).value for number in range(3)] == [1, 2, 3]
        assert ask(sandboxes, "def f(x):\n    return x.nonsense", 1).kind == "AttributeError"
        assert ask(sandboxes, "def g(): pass", 1).kind == "NameError"
        assert ask(sandboxes, HONEST, 1).value == 2
    assert len(starts) == (1 if any_level.IN_TURN else 6)


def test_other_packages_or_limits_mean_another_sandbox(any_level, starts):
    other = dataclasses.replace(SMALL, megabytes=SMALL.megabytes + 1)
    with_engine = {"packages": ("numpy", "engine"), "withheld": ("engine.nn.linear.Linear",)}
    without_loss = {"packages": ("numpy", "engine"), "withheld": ("engine.nn.loss",)}
    with Sandboxes() as sandboxes:
        for options in ({}, {"limits": other}, with_engine, without_loss, {}):
            assert ask(sandboxes, HONEST, 1, **options).value == 2
    assert len(starts) == 5


def test_what_one_exercise_withholds_is_not_within_reach_of_its_other_answers(level):
    """Not even of an answer whose neighbour may use it: the copies of the package are different sandboxes'."""
    find = """
        import os
        def f(word):
            found = []
            for top, folders, files in os.walk("/packages"):
                for name in files:
                    if name.endswith(".py") and word in open(os.path.join(top, name), errors="replace").read():
                        found.append(name)
            return found
    """
    word = "class " + "Linear(Module)"
    with Sandboxes() as sandboxes:
        whole = ask(sandboxes, find, word, packages=("numpy", "engine"), withheld=())
        without = ask(sandboxes, find, word, packages=("numpy", "engine"), withheld=("engine.nn.linear.Linear",))
        alone = ask(sandboxes, find, word)
    assert (whole.value, without.value, alone.value) == (["linear.py"], [], [])


def test_an_answer_without_sandboxes_to_share_has_one_to_itself(any_level, starts):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2):
        with session(HONEST, limits=SMALL) as answer:
            assert answer.call(1).value == 2
    assert len(starts) == 2
    assert len(os.listdir("/proc/self/fd")) == before


# ---------------------------------------------------------------- nothing is left for the next

PATCHES = """
    import builtins, json, sys
    import numpy as np
    np.add = np.zeros = builtins.sorted = json.dump = lambda *a, **k: "mine"
    sys.modules["wire"].left = sys.modules["first_process"].left = sys.modules["numpy"].left = "mine"
    sys.path.insert(0, "/mine")
    sys.settrace(lambda *a: None)
    sys.setrecursionlimit(77)
    import os, signal
    os.umask(0o777)
    os.environ["LEFT"] = "mine"
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    def f(x):
        sys.settrace(None)
        return x + 1
"""
LOOKS = """
    import builtins, json, os, signal, sys
    import numpy as np
    def f(x):
        left = [name for name in ("wire", "first_process", "numpy") if hasattr(sys.modules[name], "left")]
        kinds = [type(each).__name__ for each in (np.add, np.zeros, builtins.sorted, json.dump)]
        state = [sys.path[:1], sys.getrecursionlimit(), os.umask(0), os.getcwd(), os.environ.get("LEFT")]
        return [left, kinds, state, signal.getsignal(signal.SIGTERM) == signal.SIG_DFL]
"""


def test_what_an_answer_changed_in_its_process_is_not_so_in_the_next(level, monkeypatch):
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        before = ask(sandboxes, LOOKS, 1).value
        assert ask(sandboxes, PATCHES, 1).value == 2
        assert ask(sandboxes, LOOKS, 1).value == before
    assert len(starts) == 1, "it was the same sandbox"
    assert before[0] == [] and before[1][0] == "ufunc" and before[3]


TOUCHES = {
    "a file": "open('/tmp/numpy.py', 'w').write('x')",
    "a file that is gone again": "open('/tmp/x', 'w'); os.unlink('/tmp/x')",
    "a folder for itself alone": "os.mkdir('/tmp/x', 0)",
    "its mode": "os.chmod('/tmp', 0o500)",
    "its times, as they were": "os.utime('/tmp', ns=(0, os.stat('/tmp').st_mtime_ns))",
    "a name of another": "os.symlink('/tmp', '/tmp/y'); os.rename('/tmp/y', '/tmp/z'); os.unlink('/tmp/z')",
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_after_an_answer_that_touched_the_only_files_the_next_has_another_sandbox(level, monkeypatch, touch):
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        assert isinstance(ask(sandboxes, f"import os\ndef f():\n    {touch}"), Returned)
        look = "import os\ndef f():\n    return os.listdir('/tmp'), oct(os.stat('/tmp').st_mode)"
        assert ask(sandboxes, look).value == ([], "0o40700")
    assert len(starts) == 2


UNFIT = {
    "ended its process": "os._exit(0)",
    "killed": "os.kill(os.getpid(), 9)",
    "killed with its group": "os.killpg(0, 9)",
    "too slow": "while True: pass",
    "stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
    "not a reply": "os.write(4, b'x' * 100)",
    "silent": "os.closerange(0, 100); time.sleep(100)",
}


@pytest.mark.parametrize("body", UNFIT.values(), ids=UNFIT)
def test_after_an_answer_that_had_to_be_stopped_the_next_has_another_sandbox(level, monkeypatch, body):
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        assert isinstance(ask(sandboxes, f"import os, signal, time\ndef f():\n    {body}", limits=HASTY), Stopped)
        assert ask(sandboxes, HONEST, 1, limits=HASTY).value == 2
    assert len(starts) == 2


def test_after_a_judge_that_went_away_the_next_has_another_sandbox(level, monkeypatch):
    """An interrupt or an end of patience may leave half a message in the pipes, and an answer at work."""
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        with pytest.raises(WaitedLongEnough):
            ask(sandboxes, "import time\ndef f():\n    time.sleep(9)", until=time.monotonic() + 1.0)
        with pytest.raises(KeyboardInterrupt), session(HONEST, limits=SMALL, sandboxes=sandboxes):
            raise KeyboardInterrupt
        assert ask(sandboxes, HONEST, 1).value == 2
    assert len(starts) == 3


def test_a_sandbox_that_ended_while_nothing_was_in_it_is_replaced(level, monkeypatch):
    """That is no fault of the next answer's."""
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        assert ask(sandboxes, HONEST, 1).value == 2
        sandboxes._kept.jail.kill()
        sandboxes._kept.jail.process.wait()
        assert ask(sandboxes, HONEST, 1).value == 2
    assert len(starts) == 2


@pytest.mark.parametrize("machine, count", [("x86_64", 1), ("aarch64", 2)])
def test_without_a_filter_for_its_processor_no_sandbox_is_used_again(level, monkeypatch, machine, count):
    """Shared memory that outlives all processes could be left there."""
    starts = counted(level, monkeypatch)
    monkeypatch.setattr(bubblewrap.platform, "machine", lambda: machine)
    with Sandboxes() as sandboxes:
        assert [ask(sandboxes, HONEST, 1).value for _ in range(2)] == [2, 2]
    assert len(starts) == count


# ---------------------------------------------------------------- processes

LEAVES = """
    import ctypes, os, signal, sys, time
    def f():
        reading, writing = os.pipe()
        for kind in range(3):
            child = os.fork() if kind < 2 else ctypes.CDLL(None).syscall(56, 0x8000 | 17, 0, 0, 0, 0)  # CLONE_PARENT
            if child == 0:
                if kind:
                    os.setsid()
                for number in range(1, 32):
                    try:
                        signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError):
                        pass
                os.write(writing, b"x")
                time.sleep(1000)
        return len(os.read(reading, 1) + os.read(reading, 1) + os.read(reading, 1))
"""
ALIVE = """
    import os
    def f():
        found = []
        for number in range(1, 300):
            try:
                os.kill(number, 0)
                found.append(number)
            except ProcessLookupError:
                pass
        return found == [1, os.getpid()]
"""


def test_nobody_waits_for_a_neighbour(level, monkeypatch):
    """What an answer leaves running is gone when the next begins: also in other sessions, also not its own children."""
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        for _ in range(2):
            assert ask(sandboxes, LEAVES).value == 3
            assert ask(sandboxes, ALIVE).value is True
    assert len(starts) == 1


def test_it_can_fail_without_the_kill(level, monkeypatch, tmp_path):
    weaker_first_process(monkeypatch, tmp_path, "        kill_all()\n", "")
    with Sandboxes() as sandboxes:
        assert ask(sandboxes, LEAVES).value == 3
        assert ask(sandboxes, ALIVE).value is False


def test_it_can_fail_without_the_look_at_tmp(level, monkeypatch, tmp_path):
    weaker_first_process(monkeypatch, tmp_path, 'touched("/tmp") == untouched', "True")
    with Sandboxes() as sandboxes:
        ask(sandboxes, "def f():\n    open('/tmp/x', 'w')")
        assert ask(sandboxes, "import os\ndef f():\n    return os.listdir('/tmp')").value == ["x"]


def test_processes_that_lost_their_parents_are_collected_at_once(level):
    """They would count against the limit on processes."""
    source = """
        import os, time
        def f():
            for _ in range(50):
                if os.fork() == 0:
                    os.fork()
                    os._exit(0)
                os.wait()
                time.sleep(0.01)
            return "no limit was met"
    """
    with Sandboxes() as sandboxes:
        assert ask(sandboxes, source).value == "no limit was met"


# ---------------------------------------------------------------- the first process

REACHES = {
    "kill it": "[os.kill(1, number) for number in range(1, 65) if number not in (32, 33)]",
    "signal it by descriptor": "kernel(424, kernel(434, 1, 0), 9, 0, 0)",
    "trace it": "kernel(101, 16, 1, 0, 0)",
    "seize it": "kernel(101, 0x4206, 1, 0, 0)",
    "read its memory": "kernel(310, 1, iovec, 1, iovec, 1, 0)",
    "write its memory": "kernel(311, 1, iovec, 1, iovec, 1, 0)",
    "take its descriptors": "[kernel(438, kernel(434, 1, 0), number, 0) for number in range(10)]",
    "bound its processes": "kernel(302, 1, resource.RLIMIT_NPROC, struct.pack('QQ', 1, 1), 0)",
    "bound its time": "kernel(302, 1, resource.RLIMIT_CPU, struct.pack('QQ', 1, 1), 0)",
    "bound its memory": "resource.prlimit(1, resource.RLIMIT_AS, (2**20, 2**20))",
    "slow it down": "os.setpriority(os.PRIO_PROCESS, 1, 19)",
    "slow its group down": "os.setpriority(os.PRIO_PGRP, 0, 19)",
    "make it idle": "os.sched_setscheduler(1, os.SCHED_IDLE, os.sched_param(0))",
    "make it a batch": "kernel(314, 1, struct.pack('IIQIIQQQ', 48, 3, 0, 0, 0, 0, 0, 0), 0)",
    "bind it to a core": "kernel(203, 1, 8, struct.pack('Q', 1))",
    "put its files last": "kernel(251, 1, 1, 3 << 13)",
    "move its memory": "kernel(256, 1, 8, struct.pack('Q', 1), struct.pack('Q', 1))",
    "move it to another group": "os.setpgid(1, 0)",
    "leave shared memory": "kernel(29, 0x1234, 4096, 0o1666)",
    "leave a semaphore": "kernel(64, 0x1234, 1, 0o1666)",
    "leave a message queue": "kernel(68, 0x1234, 0o1666)",
    "leave a named queue": "kernel(240, b'/queue', 0o102, 0o666, None)",
    "leave a key": "kernel(248, b'user', b'k', b'v', 1, -3)",
}
SIGNALS = ("[os.kill(", "kernel(424")
REACHING = """
    import ctypes, os, resource, struct
    buffer = ctypes.create_string_buffer(64)
    iovec = struct.pack("QQ", ctypes.addressof(buffer), 8)
    libc = ctypes.CDLL(None, use_errno=True)
    def kernel(*arguments):
        result = libc.syscall(*arguments)
        if result < 0:
            raise OSError(ctypes.get_errno(), "refused")
        return result
    def f():
        {}
"""
SEES = """
    import os, resource, signal
    def f():
        limits = [resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")]
        who = [os.getppid(), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), len(os.sched_getaffinity(0))]
        open_files = []
        for number in range(64):
            try:
                os.fstat(number)
                open_files.append(number)
            except OSError:
                pass
        return [limits, who, open_files, [str(signal.getsignal(n)) for n in range(1, 32)]]
"""


@pytest.mark.parametrize("reach", REACHES.values(), ids=REACHES)
def test_an_answer_cannot_reach_the_process_that_starts_the_next(level, monkeypatch, reach):
    """It is their parent and has their user; still all is refused, or dropped (signals), and the next is as ever."""
    starts = counted(level, monkeypatch)
    with Sandboxes() as sandboxes:
        before = ask(sandboxes, SEES).value
        outcome = ask(sandboxes, REACHING.format(reach))
        if not reach.startswith(SIGNALS):
            assert isinstance(outcome, Raised) and outcome.kind in ("PermissionError", "OSError", "ProcessLookupError")
        assert ask(sandboxes, SEES).value == before
    assert len(starts) == 1, "it is the same sandbox"
    assert before[1][0] == 1 and before[2] == [0, 1, 2, 3, 4]


def test_the_first_process_shares_no_memory(level):
    """What one that it forked writes to memory stays there: no mapping is shared and can be written."""
    with Sandboxes() as sandboxes:
        assert ask(sandboxes, HONEST, 1).value == 2
        maps = Path(f"/proc/{first_of(sandboxes)}/maps")
        try:
            lines = maps.read_text().splitlines()
        except PermissionError:
            pytest.skip("only root may look at its memory")
    assert len(lines) > 50
    assert [line for line in lines if re.match(r"\S+ .w.s", line)] == []


def first_of(sandboxes):
    """The number, outside, of a sandbox's first process: bubblewrap's only child."""
    process = sandboxes._kept.jail.process.pid
    (first,) = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(first)


def test_a_session_gives_back_its_sandbox_as_soon_as_it_ends(level):
    """And the sandbox is gone when whoever shares it is done, without waiting for the garbage to be collected."""
    gc.disable()
    try:
        with Sandboxes() as sandboxes:
            ask(sandboxes, HONEST, 1)
            first = first_of(sandboxes)
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            assert children == [], "no answer is in it between two"
        assert not Path(f"/proc/{first}").exists()
    finally:
        gc.enable()
