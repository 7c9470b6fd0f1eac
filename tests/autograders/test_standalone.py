"""What is saved of an answer runs by itself and does what the answer did, or there is a plain reason why not."""

import linecache
import subprocess
import sys

import numpy as np
import pytest

from autograders.spec import load, names
from autograders.standalone import CannotStandAlone, text_of


def notebook(source, **given):
    """The names that a notebook's cell with this source leaves behind, its source within reach as a notebook's is."""
    filename = f"<cell {hash(source)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"__name__": "__main__", **given}
    exec(compile(source, filename, "exec"), namespace)
    return namespace


def saved(source, name="answer", **given):
    return text_of(notebook(source, **given)[name], name, lambda value: None)


def run_alone(text, call):
    """What the call prints in a new process that has nothing but the text."""
    done = subprocess.run([sys.executable, "-c", f"{text}\nprint({call})"], capture_output=True, text=True)
    assert done.returncode == 0, text + done.stderr
    return done.stdout.strip()


def test_imports_helpers_and_constants_come_along():
    source = '''
import math
import numpy as np
import engine as torch
from engine.nn import functional as F
from numpy import exp
from math import pi as half_turn

EPS, NAME, SHAPE, NOTHING, ODD, FAR = 1e-8, "it's", (2, (3, "x")), None, -2 + 3j, float("inf")

def helper(x):
    return inner(x) + EPS

def inner(x):
    return np.sum(x) + half_turn

class Counter:
    """Counts."""
    STEP = 1

    def __init__(self, start=EPS):
        self.count = start

    def step(self):
        self.count += self.STEP
        return self.count

def answer(x, scale=EPS):
    total = [helper(each) for each in x]
    words = (NAME, SHAPE, NOTHING, ODD, FAR)
    assert torch.tensor([1.0]).sum().item() == 1 and F.relu is not None
    return float(exp(0) + sum(total) * scale + math.floor(2.5)), words, len(str(Counter().step())) > 0
'''
    text = saved(source)
    assert text.startswith("import math\nimport engine as torch\nimport engine.nn.functional as F\n")
    assert "from numpy import exp\n" in text and f"half_turn = {np.pi}\n" in text
    expected = str(notebook(source)["answer"]([np.ones(2)], scale=2.0))
    assert run_alone(text, "answer([np.ones(2)], scale=2.0)") == expected
    assert text.index("EPS = 1e-08") < text.index("def inner") < text.index("def helper") < text.index("def answer")


def test_what_is_not_named_stays_away():
    text = saved("import os\nunused = 3\ndef other(): return 1\ndef answer(other):\n    return other\n")
    assert text == "def answer(other):\n    return other\n"


def test_recursion_and_decorators():
    source = '''
import functools

@functools.cache
def answer(n):
    return 1 if n < 2 else n * answer(n - 1)

def even(n):
    return n == 0 or odd(n - 1)

def odd(n):
    return n > 0 and even(n - 1)
'''
    assert run_alone(saved(source.replace("@functools.cache\n", "")), "answer(5)") == "120"
    assert run_alone(saved(source, "even"), "even(10)") == "True"


def test_an_answer_of_another_name_gets_the_right_one():
    function = notebook("def mine(x):\n    return x + 1\n")["mine"]
    assert text_of(function, "answer", lambda value: None) == "def mine(x):\n    return x + 1\n\n\nanswer = mine\n"


def test_a_class_is_saved_with_its_base():
    text = saved("from engine import nn\nclass Base(nn.Module):\n    def forward(self, x):\n        return x * 2\n\n"
                 "class Answer(Base):\n    '''Mine.'''\n    def extra_repr(self):\n        return 'mine'\n", "Answer")
    assert run_alone(text, "Answer()(3), Answer()") == "6 Answer(mine)"


def test_other_answers_are_imported():
    source = "def other(x):\n    return x\n\ndef answer(x):\n    return other(x)\n"
    names = notebook(source)
    text = text_of(names["answer"], "answer", lambda value: "my_engine.room.other" if value is names["other"] else None)
    assert text == "from my_engine.room.other import other\n\n\ndef answer(x):\n    return other(x)\n"


def test_nothing_is_executed():
    """Reading runs no line of the answer's, not even of its decorators or of what it names."""
    source = '''
runs = []

class Loud:
    def __getattr__(self, name):
        runs.append(name)
        raise AttributeError(name)

    def __repr__(self):
        runs.append("repr")
        return ""

loud = Loud()

def answer(x):
    runs_later = loud
    return runs_later
'''
    names = notebook(source)
    with pytest.raises(CannotStandAlone, match="it uses `loud`, a Loud that exists in your notebook alone"):
        text_of(names["answer"], "answer", lambda value: None)
    assert "repr" not in names["runs"]


REASONS = [
    ("table = [1, 2]\ndef answer(x):\n    return table\n", "it uses `table`, a list that exists in your notebook"),
    ("import numpy as np\na = np.ones(2)\ndef answer(x):\n    return a\n", "it uses `a`, an ndarray that exists"),
    ("t = (1, [2])\ndef answer(x):\n    return t\n", "it uses `t`, a tuple that"),
    ("def answer(x):\n    return missing(x)\n", "it uses `missing`, which is not defined"),
    ("n = 0\ndef answer(x):\n    global n\n    n += 1\n    return n\n", "it changes `n`, which stands outside of it"),
    ("def f(x):\n    return x\ng = f\ndef answer(x):\n    return g(x)\n", "it uses `g`, another name of `f`, that"),
    ("answer = lambda x: x\n", "is not defined by `def`"),
    ("import functools\nanswer = functools.partial(print)\n", "is not defined by `def` or `class`"),
    ("def make(k):\n    def f(x):\n        return k\n    return f\nanswer = make(2)\n", "`f` uses `k` of the function"),
    ("import types\nm = types.ModuleType('m')\ndef answer(x):\n    return m\n", "`m`, a module that cannot be"),
    ("class C: pass\nanswer = C\n", "the text of `C` is not to be had"),
]


@pytest.mark.parametrize("source, reason", REASONS, ids=[reason for _, reason in REASONS])
def test_what_cannot_be_saved_has_a_reason(source, reason):
    with pytest.raises(CannotStandAlone) as caught:
        saved(source)
    assert reason in str(caught.value) and "\n" not in str(caught.value)


def test_without_its_text_there_is_nothing_to_save():
    names = {}
    exec("def answer(x):\n    return x\n", names)
    with pytest.raises(CannotStandAlone, match="the text of `answer` is not to be had"):
        text_of(names["answer"], "answer", lambda value: None)


@pytest.mark.parametrize("name", names())
def test_every_honest_variant_stands_alone(name):
    """Answers in all the styles that the specs know pass as text what they pass as functions and classes."""
    from autograders.judge import judge
    from autograders.session import LocalSession

    spec = load(name)
    for answer in spec.honest:
        text = text_of(answer, spec.function, lambda value: None)
        alone = {"__name__": "alone"}
        exec(compile(text, "<alone>", "exec"), alone)
        assert judge(spec, LocalSession(alone[spec.function], spec.use), seed=1).passed, text
