"""The sandbox: honest code works in it as in a notebook; hostile code gets, breaks and leaves behind nothing."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

import autograders.sandbox.session as sandbox_session
from autograders.sandbox import Limits, SandboxUnavailable, levels, open_session
from autograders.session import Described, Missing, Opaque, Raised, Returned, Stopped



@pytest.fixture(scope="module", params=levels.LEVELS, ids=lambda level: level.NAME, autouse=True)
def level(request):
    """Every test runs at each level that works on this machine."""
    problem = levels.problem(request.param)
    if problem:
        pytest.skip(f"{request.param.NAME} does not work here: {problem}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(levels.FORCE, request.param.NAME)
        yield request.param.NAME



SMALL = Limits(megabytes=512, disk_megabytes=4, reply_megabytes=4)
HASTY = dataclasses.replace(SMALL, seconds_per_call=1.0)  # for what takes for ever


def session(source, function="f", **options):
    cells = source if isinstance(source, list) else [("answer", textwrap.dedent(source))]
    return open_session(cells, function, **options)


def call(source, *arguments, **options):
    """The outcome of one call of `f`, and of `f` alone: a fresh sandbox."""
    options.setdefault("limits", SMALL)
    with session(source, **options) as answer:
        return answer.call(*arguments)


def inside(expression, *statements):
    """The value of an expression in the sandbox, or the name of the exception that it raised."""
    body = textwrap.indent("\n".join([*statements, f"return {expression}"]), "    ")
    outcome = call(f"import os, sys, socket, subprocess\ndef f():\n{body}")
    return outcome.kind if isinstance(outcome, Raised) else outcome.value


# ---------------------------------------------------------------- honest answers

VALUES = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6, dtype=np.int32).reshape(2, 3).T,
    np.arange(24, dtype=np.float32).reshape(2, 3, 4)[:, ::2],
    np.array(3.5),
    np.zeros((0, 3)),
    np.array([True, False]),
    np.array([1 + 2j, np.nan]),
    np.array([np.inf, -np.inf, np.nan], dtype=np.float16),
    np.array([1, 2], dtype=">i8"),
    np.array([2**63], dtype=np.uint64),
    np.ones(2, dtype=np.longdouble),
    (1, -2.5, True, None, "text \N{SNOWMAN}"),
    [(), [], (np.ones(2), [np.zeros(1)])],
    10**30,
    float("inf"),
]


@pytest.fixture(scope="module")
def echo():
    with session("def f(x):\n    return x") as answer:
        yield answer


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_cross_both_ways_unchanged(echo, value):
    """What a judge sends arrives as it was sent, and comes back so."""
    outcome = echo.call(value)
    assert isinstance(outcome, Returned)
    same(outcome.value, value)
    same(outcome.inputs, (value,))


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype and one.shape == other.shape
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            same(left, right)
    else:
        assert one == other


def test_changing_an_input_is_seen():
    """The judge can tell that an answer wrote into its inputs, and the judge's own arrays stay as they are."""
    x = np.zeros(3)
    outcome = call("def f(x):\n    x += 1", x)
    assert outcome.value is None
    np.testing.assert_array_equal(outcome.inputs[0], np.ones(3))
    np.testing.assert_array_equal(x, np.zeros(3))


def test_the_function_is_described():
    with session("def f(gradient, shape=None):\n    return gradient") as answer:
        assert answer.describe() == Described(("gradient", "shape"))


@pytest.mark.parametrize("body", ["pass", "...", "'''What to do.'''"])
def test_a_blank_function_is_told_apart(body):
    with session(f"def f(x):\n    {body}") as answer:
        assert answer.describe() == Described(("x",), blank=True)


def test_values_that_do_not_cross_arrive_as_the_name_of_their_type():
    """No object of the learner's reaches the judge: not one that compares equal to everything, not one in an array."""
    source = """
        import numpy as np
        class Liar(np.ndarray):
            __eq__ = lambda self, other: True
        class Number(float):
            pass
        def f():
            return [np.ones(2).view(Liar), Number(1), np.array([None]), np.array(["a"]), {"a": 1}, 1j, f, 10**400]
    """
    kinds = ["Liar", "Number", "array of object", "array of <U1", "dict", "complex", "function", "a huge int"]
    assert call(source).value == [Opaque(kind) for kind in kinds]


def test_numpy_numbers_arrive_as_arrays_without_dimensions():
    value = call("import numpy as np\ndef f():\n    return np.float32(1.5)").value
    same(value, np.array(1.5, dtype=np.float32))


def test_cells_share_a_notebook_and_one_that_fails_stops_no_other():
    cells = [
        ("setup", "from __future__ import annotations\nimport numpy as np"),
        ("broken", "def ("),
        ("raises", "display(1)\n1 / 0"),
        ("helper", "%matplotlib inline\n!ls\ndef helper(x: Nonsense):\n    return np.sum(x)"),
        ("answer", "if __name__ == '__main__':\n    def f(x):\n        return helper(x) + 1"),
    ]
    with session(cells) as answer:
        assert answer.call(np.ones(3)).value == 4.0


def test_a_missing_function():
    with session("def g():\n    pass\n1 / 0") as answer:
        assert answer.describe() == Missing("f")
        assert answer.call().kind == "NameError"


def test_a_value_in_the_place_of_the_function():
    with session("f = 3") as answer:
        assert answer.describe() == Missing("f", found="int")


def test_the_error_of_the_cell_that_should_have_defined_it():
    with session([("a", "1 / 0"), ("b", "x = 1\ndef f(x)\n    return x"), ("c", "nonsense")]) as answer:
        assert answer.describe() == Raised("SyntaxError", "expected ':'", 2, "def f(x)")


def test_an_exception_names_the_learners_own_line():
    source = """\
        import numpy as np
        def f(x):
            y = x + 1
            return np.reshape(y, (7, 7))
    """
    outcome = call(source, np.zeros(3))
    assert (outcome.kind, outcome.line, outcome.source) == ("ValueError", 4, "return np.reshape(y, (7, 7))")
    assert "cannot reshape" in outcome.message


@pytest.mark.parametrize(
    "body, kind",
    [
        ("import sys; sys.exit(0)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("return f()", "RecursionError"),
        ("raise type('Odd', (Exception,), {'__str__': lambda self: 1})()", "Odd"),
        ("raise ValueError('\\ud800' * 10_000)", "ValueError"),
        ("input()", "EOFError"),
    ],
)
def test_exceptions_of_every_sort_leave_the_session_usable(body, kind):
    with session(f"def f():\n    {body}") as answer:
        for _ in range(2):
            outcome = answer.call()
            assert outcome.kind == kind
            outcome.message.encode()


def test_printing_costs_nothing_and_goes_nowhere(capfd):
    source = """
        import sys, os
        print("loud")
        def f():
            print("x" * 10_000_000)
            print("warning", file=sys.stderr)
            os.write(1, b"raw"), os.write(2, b"raw")
            return 1
    """
    assert call(source).value == 1
    assert capfd.readouterr() == ("", "")


def test_an_argument_that_cannot_cross_is_the_callers_error(echo):
    with pytest.raises(TypeError, match="dict"):
        echo.call((1, {"a": 1}))


def test_names_are_checked_before_anything_starts():
    with pytest.raises(ValueError, match="function must be"):
        open_session([], "not a name")
    with pytest.raises(ValueError, match="withheld"):
        open_session([], "f", packages=("numpy", "engine"))
    with pytest.raises(ValueError, match="megabytes"):
        Limits(megabytes=0)


# ---------------------------------------------------------------- what an exercise withholds

SETUP = """\
import numpy as np, matplotlib.pyplot as plt
import engine
import engine as torch
import engine.nn.functional as F
from autograders import check, yours_or_ours
from course.labs import widget
"""


@pytest.mark.parametrize(
    "line",
    [
        "return engine.tensor([1.0])",
        "return torch.nn",
        "from engine.nn.functional import conv2d",
        "import engine.autograd",
        "return F.conv2d(x, x)",
    ],
)
def test_the_engine_is_withheld_in_plain_words(line):
    outcome = call(f"{SETUP}def f(x):\n    {line}", 1, reason="you write the convolution")
    assert (outcome.kind, outcome.line) == ("ImportError", 8)
    assert outcome.message == "`engine` is withheld while this exercise is graded: you write the convolution"


def test_an_answer_that_is_the_engines_own_is_explained():
    with session("from engine.nn.functional import conv2d as f") as answer:
        assert "withheld" in answer.describe().message


def test_a_setup_cell_costs_nothing_until_what_it_imports_is_used():
    source = f"{SETUP}def f(x):\n    return np.sum(x)\ndef g():\n    plt.plot()\ndef h():\n    check('a', f)"
    assert call(source, 2).value == 2
    assert call(source, function="g").message == "`matplotlib` is not here while answers are graded"
    assert call(source, function="h").message == "`autograders` is not here while answers are graded"


def test_an_answer_may_look_whether_a_package_is_there():
    source = "def f():\n    try:\n        import scipy\n    except ImportError:\n        return 'none'"
    assert call(source).value == "none"


def test_an_exercise_that_needs_a_package_that_is_not_installed():
    with pytest.raises(SandboxUnavailable, match="no_such_package"):
        with session("", packages=("no_such_package",)):
            pass


# ---------------------------------------------------------------- answers that misbehave


def test_an_endless_loop_is_stopped_and_the_next_call_works():
    with session("def f(x):\n    while x: pass\n    return 1", limits=HASTY) as answer:
        assert answer.call(True) == Stopped("took longer than 1 s")
        assert answer.call(False).value == 1


def test_an_endless_loop_among_the_cells_is_waited_for_once(monkeypatch):
    with session("def f(): pass\nwhile True: pass", limits=HASTY) as answer:
        assert answer.describe() == Stopped("running the cells took longer than 1 s")
        monkeypatch.setattr(sandbox_session, "Process", None)
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
    assert call("def f():\n    while True: print('x' * 10_000)", limits=HASTY) == Stopped("took longer than 1 s")


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


# ---------------------------------------------------------------- forged replies

FORGE = """
import io, json, os, struct, sys
import numpy as np

def forge(header, *files, text=None, sizes=None, prefix=None):
    text = json.dumps({{"npy": [len(file) for file in files], **header}}).encode() if text is None else text
    prefix = struct.pack(">IQ", len(text), sum(map(len, files))) if prefix is None else prefix
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, prefix + text + b"".join(files))
        except OSError:
            pass

def npy(description, data=b"12345678", magic=b"\\x93NUMPY\\x01\\x00"):
    return magic + struct.pack("<H", len(description)) + description + data

RETURNED = {{"outcome": "returned", "values": [{{"array": 0}}]}}

def f():
    {}
"""

HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"


@pytest.mark.parametrize(
    "forgery, reason",
    [
        ("forge({}, text=b'nonsense')", "a header that is not JSON"),
        ("forge({}, text=b'[' * 100_000)", "a header that is not JSON"),
        ("forge({}, text=b'1' * 10_000)", "a header that is not JSON"),
        ("forge({}, text=b'[]')", "not an object"),
        ("forge({})", "without values"),
        ("forge({}, prefix=b'\\xff' * 12)", "more than may cross"),
        ("forge({'values': []})", "sent back neither a value nor an error"),
        ("forge({'outcome': 'returned', 'values': []})", "neither a value nor an error"),
        ("forge({'outcome': 'returned', 'values': [{'pickle': 'x'}]})", "an unknown form"),
        ("forge({'outcome': 'returned', 'values': [{'array': 0}]})", "an unknown form"),
        ("forge({'outcome': 'returned', 'values': [{'array': [0]}]})", "an unknown form"),
        ("x = 1\n    for _ in range(50): x = {'list': [x]}\n    forge({'outcome': 'returned', 'values': [x]})", "form"),
        ("forge({**RETURNED, 'npy': [10**9]}, b'x')", "do not add up"),
        ("forge({**RETURNED, 'npy': [-1, 2]}, b'x')", "do not add up"),
        ("forge({**RETURNED, 'npy': ['1']}, b'x')", "do not add up"),
        ("forge({**RETURNED, 'npy': [1]}, b'xx')", "do not add up"),
        ("forge({'outcome': 'returned', 'values': [{'array': 7}]}, b'x')", "an unknown form"),
        ("forge({**RETURNED, 'values': []}, b'x')", "arrays that no value names"),
        ("forge(RETURNED, b'PK')", "not a .npy file"),
        (f"forge(RETURNED, npy({HEADER!r}, magic=b'\\x93NUMPY\\x03\\x00'))", "not a .npy file"),
        ("forge(RETURNED, npy(b'__import__(1)'))", "an unusual .npy header"),
        ("forge(RETURNED, npy(b'(' * 50_000))", "an unusual .npy header"),
        ("forge(RETURNED, npy(b'{' * 65_000, data=b''))", "an unusual .npy header"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'|O')!r}))", "dtype '|O'"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'<U2')!r}))", "dtype '<U2'"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'<M8')!r}))", "dtype '<M8'"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'|V8')!r}))", "dtype '|V8'"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'|c').replace(b'1,', b'8,')!r}))", "dtype '|c'"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'<f7')!r}))", "unknown dtype"),
        (f"forge(RETURNED, npy({HEADER.replace(b'1,', b'2,')!r}))", "with 8 bytes"),
        (f"forge(RETURNED, npy({HEADER.replace(b'1,', b'99999999999, 99999999999')!r}))", "with 8 bytes"),
        (f"forge(RETURNED, npy({HEADER.replace(b'1,', b'0, 9999999999999')!r}))", "an array of shape"),
        (f"forge(RETURNED, npy({HEADER.replace(b'1,', b'1, ' * 60)!r}))", "60 dimensions"),
        (f"forge(RETURNED, npy({HEADER.replace(b'1,', b'-1,')!r}))", "an unusual .npy header"),
        (f"forge(RETURNED, npy({HEADER.replace(b'<f8', b'|b1').replace(b'1,', b'8,')!r}))", "neither true nor false"),
        ("forge({'outcome': 'raised', 'kind': 'MemoryError', 'values': []})", "used more than 512 MB"),
    ],
)
def test_forged_replies_are_refused_in_words(forgery, reason):
    """Bytes that the learner's own code writes to the grader are checked before anything is made of them."""
    outcome = call(FORGE.format(forgery))
    assert isinstance(outcome, Stopped)
    assert reason in outcome.reason


def test_forged_text_is_cut_and_made_valid():
    header = {"outcome": "raised", "kind": "K" * 999, "message": "\x1b\\ud800" + "m" * 99_999, "line": "1", "text": 5}
    outcome = call(FORGE.format(f"forge({{**{header!r}, 'values': []}})".replace("\\\\ud800", "\\ud800")))
    assert isinstance(outcome, Raised)
    assert (len(outcome.kind), len(outcome.message), outcome.line, outcome.source) == (100, 500, None, None)
    assert outcome.message.startswith("??mmm")


def test_a_reply_in_drops_does_not_escape_the_deadline():
    forgery = "import time\n    while True:\n        forge({}, text=b' ', prefix=b'')\n        time.sleep(0.01)"
    assert call(FORGE.format("os.write(4, struct.pack('>IQ', 2**22, 0))\n    " + forgery), limits=HASTY).reason in (
        "took longer than 1 s",
        "sent back a message of 8 MB, more than may cross",
    )


# ---------------------------------------------------------------- nothing in reach


@pytest.fixture
def secret(tmp_path):
    tmp_path.chmod(0o755)
    file = tmp_path / "secret.txt"
    file.write_text("the reference answer")
    return file


@pytest.mark.parametrize("path", ["/etc/passwd", "/etc/hostname", "/proc/1/cmdline", "/sys/kernel", __file__, "/home"])
def test_files_of_the_host_are_not_there(path):
    assert inside(f"os.path.exists({path!r})") is False


def test_secrets_are_not_there_not_even_behind_links(secret):
    assert inside(f"open({str(secret)!r}).read()") == "FileNotFoundError"
    assert inside("open('link').read()", f"os.symlink({str(secret)!r}, 'link')") == "FileNotFoundError"
    assert inside("os.listdir('/tmp')") == []


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


def test_nowhere_to_write_but_a_small_tmp():
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
    assert call(source).value == ["/tmp"]
    assert inside("os.chmod('/dev/null', 0o600)") == "PermissionError"
    write = "for i in range(99): open(f'/tmp/{i}', 'wb').write(b'x' * 2**20)"
    assert inside("0", write) == "OSError"
    assert inside("0", "open('/tmp/big', 'wb').truncate(2**30)") == "OSError"


def test_the_environment_is_not_seen(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "the token")
    names = set(inside("list(os.environ)"))
    assert "SECRET_TOKEN" not in names and "PATH" not in names
    assert "the token" not in inside("repr(os.environ) + repr(sys.argv)")


def test_no_network_and_no_name_of_the_host():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        assert inside("socket.create_connection(%r, 1)" % (address,)) in ("ConnectionRefusedError", "OSError")
    assert inside("socket.gethostname()") == "sandbox"


def test_sockets_of_the_host_are_out_of_reach():
    name = f"\0{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        reach = "socket.socket(socket.AF_UNIX).connect(%r)" % name
        assert inside(reach) == "ConnectionRefusedError"


def test_the_learner_is_nobody_with_no_privileges():
    assert inside("os.getuid() == 0 or os.geteuid() == 0") is False
    assert inside("os.setuid(0)") in ("PermissionError", "OSError")
    assert inside("os.kill(-1, 9)") == "ProcessLookupError"  # not even bubblewrap's own process
    libc = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)"
    assert inside("libc.unshare(0x10000000)", libc) == -1  # a user namespace of its own
    assert inside("libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)", libc) == -1
    assert inside("subprocess.run(['/bin/sh'])") == "FileNotFoundError"
    assert inside("os.kill(%d, 0)" % os.getpid()) == "ProcessLookupError"


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
with open_session([("a", {LEAVER.format(marker=marker, seconds=1000)!r})], "f") as answer:
    answer.call()
"""
    root = Path(__file__).parents[2]
    grader = subprocess.Popen([sys.executable, "-c", program], cwd=root, stdin=subprocess.DEVNULL)
    assert wait_until(lambda: len(alive(marker)) > 5)  # the grader's own command line has the marker too
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    assert wait_until(lambda: alive(marker) == [])


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()
