"""The sandbox at the level this machine is graded at: honest code works as in a notebook; forged replies are refused.

What each level keeps out of reach is in test_isolation.py.
"""

import numpy as np
import pytest

from autograders.sandbox import Limits, SandboxUnavailable, available, open_session
from autograders.session import Described, Missing, Opaque, Raised, Returned, Stopped
from sandboxed import HASTY, call, session

WORKS, WHY_NOT = available()
pytestmark = pytest.mark.skipif(not WORKS, reason=f"no sandbox here: {WHY_NOT}")


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
        assert answer.describe() == Described(("gradient", "shape"), required=1)


@pytest.mark.parametrize("body", ["pass", "...", "'''What to do.'''"])
def test_a_blank_function_is_told_apart(body):
    with session(f"def f(x):\n    {body}") as answer:
        assert answer.describe() == Described(("x",), required=1, blank=True)


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
    with pytest.raises(ValueError, match="answer must be"):
        open_session([], "not a name")
    with pytest.raises(ValueError, match="withheld"):
        open_session([], "f", packages=("numpy", "engine"))
    with pytest.raises(ValueError, match="parts of the packages"):
        open_session([], "f", withheld=("engine.nn.Linear",))
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
    for source in ("from engine.nn.functional import conv2d as f", "from engine.nn import ReLU\nclass f(ReLU): pass"):
        with session(source) as answer:
            assert answer.describe().kind == "ImportError" and "withheld" in answer.describe().message


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
        "took longer than 2 s",
        "sent back a message of 8 MB, more than may cross",
    )
