"""What an exercise asks: one `Spec` holds everything that the check, the grader and their tests know about it.

The specs themselves live in `autograders/specs/`, a folder a chapter (`autograd`), a file an exercise, each ending in
`EXERCISE = Spec(...)`.
"""

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from autograders.session import Use, probe

ORDINARY, EDGE, SPEED = "values", "edge cases", "speed"
STAGES = ("attempted", "signature", "shape", "dtype", "inputs unmutated", ORDINARY, EDGE, SPEED)
GATES = ("attempted", "signature")  # whoever fails one of these gets 0
PICTURES = ("auto", "image", "none")
WEIGHTED = ("dtype", "inputs unmutated", ORDINARY, EDGE, SPEED)  # a right shape alone earns nothing: np.zeros has it


@dataclass(frozen=True)
class Case:
    """One input. `group` says in a learner's words what it is about; a group earns its share if all of it is right."""

    arguments: tuple
    group: str
    stage: str = ORDINARY

    @property
    def size(self) -> int:
        """How many numbers a reader would have to look at."""
        return sum(map(_size, self.arguments))


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that people give (a function, or a class), and the sentence that they should read."""

    name: str
    sentence: str
    answer: Callable


class Absolute(NamedTuple):
    """A rounding that is no multiple of the dtype's eps: how far off a measured number may be, for whatever reason."""

    allowance: np.ndarray


@dataclass(frozen=True)
class Speed:
    """On the case that `case` draws, an answer has to be at least `times` as fast as `slow`, a plain loop.

    Both are timed in the same run, the answer at its best on two draws. `slow` takes the case's arguments, and
    should take about 0.2 s.
    """

    case: Callable[[np.random.Generator], Case]
    slow: Callable
    times: float = 5.0


class Limits(NamedTuple):
    """What one answer may use when it is graded: seconds for each call, megabytes of memory."""

    seconds: float = 10.0
    megabytes: int = 1024


@dataclass(frozen=True)
class Spec:
    """An exercise.

    The answer is called `function`; it is a function or, if `use` says so, a class, and it has `parameters`. A case's
    arguments are called `inputs`, which are the parameters unless `use` names a probe, trusted code that uses the
    answer and gives back arrays (see `autograders.probes`).
    `ours` is the engine's own answer, or a right one on top of the engine. `reference` computes in its arguments' dtype
    and returns plain arrays: one, or a tuple as named by `returns`; unless given, it is what `ours` gives.
    `rounding(*arguments)` has the same structure and says how much rounding an honest answer may show, in units of
    the dtype's eps (see `multilinear_rounding`), or is `Absolute`; for integers see `exact`.
    Where many answers are right, `measure(case, *arrays)` makes of what came back the arrays called `measured` that are
    compared in its place; it runs with the judge, and gets real-valued arrays of any shape and dtype. Samples of the
    answer are compared with samples of the reference, so both are off by chance.
    `cases` yields `Case`s from a numpy Generator. `weights` gives points to the stages in `WEIGHTED`; the points of a
    stage are shared by its groups. Of `packages` the parts in `withheld` are not there while an answer is graded.
    Four fields keep the grader itself honest, in its tests: each of `misconceptions` loses points and is told its
    sentence, each of `half_right` earns about half, each of `honest` (right answers in other styles) earns all, and
    none of `shortcuts` (sources of cells that avoid the exercise) anything.
    Two say how to show things: `picture` is "auto" (a wrong array that looks like images is drawn, from 6 by 6 on),
    "image" (from 2 by 2 on) or "none"; `solution` is the function or class whose source is shown to who asks for a
    solution, the first of `honest` if not given.
    `part` names the part of the engine that an answer can take the place of, as `engine.use` names it ("" if none);
    `as_part(answer)` makes of it what stands there, where the two are called differently.
    """

    name: str
    function: str
    parameters: tuple[str, ...]
    returns: tuple[str, ...]
    title: str
    why: str
    minutes: int
    difficulty: int
    weights: Mapping[str, float]
    rounding: Callable
    cases: Callable[[np.random.Generator], Iterable[Case]]
    misconceptions: tuple[Misconception, ...]
    half_right: tuple[Callable, ...]
    honest: tuple[Callable, ...]
    hints: tuple[str, ...]
    reference: Callable | None = None
    ours: Callable | None = None
    use: Use = Use()
    inputs: tuple[str, ...] = ()
    measure: Callable | None = None
    measured: tuple[str, ...] = ()
    speed: Speed | None = None
    packages: tuple[str, ...] = ("numpy",)
    withheld: tuple[str, ...] = ("engine",)
    shortcuts: tuple[str, ...] = ()
    limits: Limits = Limits()
    picture: str = "auto"
    solution: Callable | None = None
    part: str = ""
    as_part: Callable[[Callable], Callable] | None = None

    def __post_init__(self):
        unknown = set(self.weights) - set(WEIGHTED)
        if unknown:
            raise ValueError(f"{self.name}: weights may be given to {WEIGHTED}, got {sorted(unknown)}")
        if not 1 <= self.difficulty <= 5:
            raise ValueError(f"{self.name}: difficulty must be 1 to 5, got {self.difficulty}")
        if self.picture not in PICTURES:
            raise ValueError(f"{self.name}: picture must be one of {PICTURES}, got {self.picture!r}")
        if self.reference is None and self.ours is None:
            raise ValueError(f"{self.name}: reference or ours must be given")
        if (self.speed is None) != (SPEED not in self.weights):
            raise ValueError(f"{self.name}: speed and its weight must be given together")
        if (self.measure is None) == bool(self.measured):
            raise ValueError(f"{self.name}: measure and measured must be given together")

    @property
    def points(self) -> float:
        """What a right answer earns."""
        return float(sum(self.weights.values()))

    @property
    def grade_id(self) -> str:
        """nbgrader's name for the answer's cell."""
        return self.name.replace("/", "-")

    @property
    def check_id(self) -> str:
        """nbgrader's name for the cell that is graded."""
        return f"{self.grade_id}-check"

    @property
    def call(self) -> str:
        """How the answer is called, as text: `unbroadcast(gradient, shape)`."""
        return self.call_with(self.parameters)

    def call_with(self, parameters: Iterable[str]) -> str:
        """How an answer with these parameters is called, as text."""
        method = f".{self.use.method}" if self.use.method else ""
        return f"{self.function}{method}({', '.join(parameters)})"

    @property
    def right_answer(self) -> Callable:
        """An answer that is right, to be used as the learner's would be."""
        return self.ours or self.reference

    @property
    def input_names(self) -> tuple[str, ...]:
        """What a case's arguments are called."""
        return self.inputs or self.parameters

    @property
    def compared(self) -> tuple[str, ...]:
        """What the arrays are called that are compared."""
        return self.measured or self.returns

    def results(self, *arguments):
        """What should come back for a case's arguments, in their dtype."""
        return self.reference(*arguments) if self.reference else probe(self.use)(self.ours, *arguments)

    def cases_for(self, seed: int) -> list[Case]:
        """The cases that `seed` draws: ordinary ones first, the smallest of each kind leading, timed ones last."""
        rng = np.random.default_rng(seed)
        cases = sorted(self.cases(rng), key=lambda case: (STAGES.index(case.stage), case.size))
        timed = [replace(self.speed.case(rng), stage=SPEED) for _ in range(2)] if self.speed else []
        return cases + timed


class UnknownExercise(KeyError):
    """No exercise has that name."""

    def __str__(self):  # KeyError would print the sentence in quotes
        return self.args[0]


def names() -> list[str]:
    """The names of all exercises, such as "autograd/unbroadcast", room by room."""
    return list(exercises())


def load(name: str) -> Spec:
    """The exercise called `name`; raises UnknownExercise, naming the nearest, if there is none."""
    found = exercises()
    if name not in found:
        nearest = difflib.get_close_matches(str(name), found, n=1, cutoff=0.0)
        raise UnknownExercise(f"there is no exercise {name!r}; the nearest is {nearest[0]!r}")
    return found[name]


@functools.cache  # a search through files, which grading would do several times for each answer
def exercises() -> Mapping[str, Spec]:
    """All exercises by their names."""
    from autograders import specs

    files = pkgutil.walk_packages(specs.__path__, f"{specs.__name__}.")
    modules = [importlib.import_module(file.name) for file in files if not file.ispkg]
    found = [module.EXERCISE for module in modules if hasattr(module, "EXERCISE")]
    return MappingProxyType({spec.name: spec for spec in found})


def multilinear_rounding(reference: Callable) -> Callable:
    """The rounding of a function that only multiplies its arrays and adds up.

    A sum of n terms, in whatever order, is off by at most (n - 1) * eps / 2 * sum(|term|), and each term carries
    the rounding of its own product. Ones in place of the numbers make `reference` count the terms, absolute values
    make it add their sizes; (n + 1) * sum(|term|) in units of eps is at least twice the bound.
    """

    def rounding(*arguments):
        terms = _parts(reference(*(_on_arrays(np.ones_like, argument) for argument in arguments)))
        totals = _parts(reference(*(_on_arrays(np.abs, argument) for argument in arguments)))
        bounds = tuple((count + 1) * total for count, total in zip(terms, totals))
        return bounds if len(bounds) > 1 else bounds[0]

    return rounding


def exact(reference: Callable) -> Callable:
    """The rounding of a function whose results are right or wrong: integers, copies, an order."""

    def rounding(*arguments):
        nothing = tuple(np.zeros(np.shape(part)) for part in _parts(reference(*arguments)))
        return nothing if len(nothing) > 1 else nothing[0]

    return rounding


def _size(argument) -> int:
    return sum(map(_size, argument)) if isinstance(argument, (tuple, list)) else np.size(argument)


def _on_arrays(change: Callable, argument):
    return change(argument) if isinstance(argument, np.ndarray) else argument


def _parts(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)
