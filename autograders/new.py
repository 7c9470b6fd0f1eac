"""`python -m autograders new chapter/exercise`: begin an exercise. Its spec is written, ready to be filled in.

What only an author can know (inputs, wrong answers, hints ...) is left empty, so the tests of the grader fail for the
new exercise until it is there, each saying what is missing.
"""

import keyword
import re
from pathlib import Path

from autograders import spec as exercises
from autograders import specs
from engine.files import write_atomically

FUNCTION = '''"""{call}: what it computes, in a line."""

from autograders.spec import EDGE, Case, Misconception, Spec, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


def {function}({parameters}):
    """The engine's own."""
    raise NotImplementedError("compute the right result with the engine, as plain arrays")


def {function}_cases(rng):
    """Inputs in both dtypes, the smallest first; what is unusual belongs to the stage EDGE."""
    yield from ()  # Case((normal(rng, (2, 3)), ...), "what this input is about"), at EDGE: Case(..., "...", EDGE)


EXERCISE = Spec(
    name="{name}",
    function="{function}",
    parameters=({names}),
    returns=("result",),
    title="",  # what the learner does, as a heading
    why="",  # why it matters, in a sentence
    minutes=10,
    difficulty=2,  # of 5
    weights=WEIGHTS,
    reference={function},
    rounding=multilinear_rounding({function}),  # holds for products and sums; else derive a bound, and say how
    cases={function}_cases,
    misconceptions=(),  # at least three: Misconception("its name", "The sentence to read.", wrong_function)
    half_right=(),  # functions that earn about half
    honest=(),  # at least three right answers in other styles, the first being the solution to show
    hints=(),  # three, the last nearly the answer
)
'''

CLASS = '''"""{call}: what it is for, in a line."""

from autograders.spec import EDGE, Case, Misconception, Spec, Use, exact, multilinear_rounding
from autograders.specs.common import DOUBLE, SINGLE, WEIGHTS, normal


class {function}:
    """Stands for the engine's own, until the spec below names that."""

    def __init__(self, {parameters}):
        raise NotImplementedError("name the engine's own class in the spec")


def {probe}_cases(rng):
    """Inputs in both dtypes, the smallest first; what is unusual belongs to the stage EDGE."""
    yield from ()  # Case((normal(rng, (2, 3)), ...), "what this input is about"), at EDGE: Case(..., "...", EDGE)


EXERCISE = Spec(
    name="{name}",
    function="{function}",
    use=Use("class", probe="{probe}"),
    parameters=({names}),
    inputs=(),  # what the arguments of a case, and of the probe, are called
    returns=(),  # what the arrays are called that the probe gives
    title="",  # what the learner does, as a heading
    why="",  # why it matters, in a sentence
    minutes=10,
    difficulty=2,  # of 5
    weights=WEIGHTS,
    ours={function},  # the engine's own class, in its place
    rounding=None,  # a function of a case's arguments: see multilinear_rounding, exact, Absolute
    cases={probe}_cases,
    packages=("numpy", "engine"),
    withheld=(),  # dotted names of the engine's own parts, as their files are called: "engine.nn.linear.Linear"
    shortcuts=(),  # sources of cells that would take them all the same
    misconceptions=(),  # at least three: Misconception("its name", "The sentence to read.", WrongClass)
    half_right=(),  # classes that earn about half
    honest=(),  # at least three right answers in other styles, the first being the solution to show
    hints=(),  # three, the last nearly the answer
)
'''

PROBE = '''"""Uses a class `{function}`: what is done with it, in a line."""

from . import Unusable


def probe(answer, *arguments):
    """One array, or a tuple of them. `answer` is the class; Unusable says in a sentence why it cannot be used."""
    raise Unusable("nothing is probed yet")
'''

CELL = '''```{{code-cell}} ipython3
:exercise: {name}

{stub}
    ### BEGIN SOLUTION
    ### END SOLUTION
```'''


class Refused(Exception):
    """The exercise cannot be begun; the message says why."""


def add_arguments(parser):
    """The command's arguments."""
    parser.add_argument("name", help="chapter/exercise, such as modules/linear")
    parser.add_argument("--class", dest="is_class", action="store_true", help="the answer is a class, not a function")
    parser.add_argument(
        "--parameters", nargs="*", default=["x"], metavar="NAME", help="what the answer takes (default: x)"
    )


def run(options):
    """Write the files and say what to do next; returns the exit status."""
    try:
        print(begin(options.name, options.parameters, options.is_class))
    except Refused as error:
        print(f"new: {error}")
        return 2
    return 0


def begin(name, parameters=("x",), is_class=False, folder=None):
    """Begin the exercise `name`, "chapter/exercise"; returns what to do next, as text.

    Writes to the packages `specs` and `probes` in `folder`, this package's unless given. Raises Refused for a name or
    parameter that isn't one, and for an exercise or a probe that is there already.
    """
    folder = Path(specs.__file__).parents[1] if folder is None else Path(folder)
    chapter, exercise = _checked(name, parameters)
    words = exercise.split("_")
    function = "".join(word.capitalize() for word in words) if is_class else exercise
    text = {
        "name": name,
        "function": function,
        "probe": exercise,
        "call": f"{function}({', '.join(parameters)})",
        "parameters": ", ".join(parameters),
        "names": "".join(f'"{parameter}", ' for parameter in parameters).rstrip(" "),
    }
    files = {folder / "specs" / chapter / f"{exercise}.py": (CLASS if is_class else FUNCTION).format(**text)}
    if is_class:
        files[folder / "probes" / f"{exercise}.py"] = PROBE.format(**text)
    for file in files:
        if file.exists():
            raise Refused(f"{file} is there already")
    package = folder / "specs" / chapter / "__init__.py"
    if not package.exists():
        files = {package: f'"""{chapter.capitalize()}: what its exercises are about, in a line."""\n', **files}
    for file, content in files.items():
        file.parent.mkdir(exist_ok=True)
        write_atomically(file, content.encode())
    return _what_next(text, list(files), is_class)


def _checked(name, parameters):
    match = re.fullmatch(r"([a-z][a-z0-9_]*)/([a-z][a-z0-9]*(?:_[a-z0-9]+)*)", name)
    if match is None:
        raise Refused(f"an exercise is called chapter/exercise, in small letters, digits and _, not {name!r}")
    if name in exercises.names():
        raise Refused(f"there is an exercise {name!r} already")
    for each in (*match.groups(), *parameters):
        if not each.isidentifier() or keyword.iskeyword(each):
            raise Refused(f"{each!r} cannot be a name in Python")
    return match[1], match[2]


def _what_next(text, files, is_class):
    stub = f"class {text['function']}:" if is_class else f"def {text['call']}:"
    stub += '\n    """What it does, with the shapes."""'
    written = "\n".join(f"  {file}" for file in files)
    cell = CELL.format(name=text["name"], stub=stub)
    return (
        f"Begun:\n{written}\n\nFill in what is empty there; until then the tests say what is missing:\n"
        f"  pytest tests/autograders/test_specs.py -k {text['name']}\n\nIn the chapter's text:\n\n{cell}"
    )
