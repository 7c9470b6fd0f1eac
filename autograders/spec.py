"""What an exercise asks: one `Spec` holds everything that the check, the grader and their tests know about it.

The specs themselves live in `autograders/specs/`, one file a room (`autograd`), each ending in a tuple `EXERCISES`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ORDINARY, EDGE = "values", "edge cases"
STAGES = ("attempted", "signature", "shape", "dtype", "inputs unmutated", ORDINARY, EDGE)
GATES = ("attempted", "signature")  # whoever fails one of these gets 0
WEIGHTED = ("dtype", "inputs unmutated", ORDINARY, EDGE)  # a right shape alone earns nothing: np.zeros has it


@dataclass(frozen=True)
class Case:
    """One input. `group` says in a learner's words what it is about; a group earns its share if all of it is right."""

    arguments: tuple
    group: str
    stage: str = ORDINARY

    @property
    def size(self) -> int:
        """How many numbers a reader would have to look at."""
        return sum(np.size(argument) for argument in self.arguments)


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that people give, and the sentence that someone who gave it should read."""

    name: str
    sentence: str
    function: Callable


class Limits(NamedTuple):
    """What one answer may use when it is graded: seconds for each call, megabytes of memory."""

    seconds: float = 10.0
    megabytes: int = 1024


@dataclass(frozen=True)
class Spec:
    """An exercise.

    `reference` computes in its arguments' dtype and returns plain arrays: one, or a tuple as named by `returns`.
    `rounding(*arguments)` has the same structure and says how much rounding an honest answer may show, in units of
    the dtype's eps (see `multilinear_rounding`). `cases` yields `Case`s from a numpy Generator. `weights` gives
    points to the stages in `WEIGHTED`; the points of a stage are shared by its groups. Three fields keep the
    grader itself honest, in its tests: each of `misconceptions` loses points and is told its sentence, each of
    `half_right` earns about half, each of `honest` (right answers in other styles) earns all. `part` names the part of
    the engine that an answer can take the place of, as `engine.use` names it ("" if none); `as_part(answer)` makes of
    it what stands there, where the two are called differently.
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
    reference: Callable
    rounding: Callable
    cases: Callable[[np.random.Generator], Iterable[Case]]
    misconceptions: tuple[Misconception, ...]
    half_right: tuple[Callable, ...]
    honest: tuple[Callable, ...]
    hints: tuple[str, ...]
    packages: tuple[str, ...] = ("numpy",)
    withheld: tuple[str, ...] = ("engine",)
    limits: Limits = Limits()
    part: str = ""
    as_part: Callable[[Callable], Callable] | None = None

    def __post_init__(self):
        unknown = set(self.weights) - set(WEIGHTED)
        if unknown:
            raise ValueError(f"{self.name}: weights may be given to {WEIGHTED}, got {sorted(unknown)}")
        if not 1 <= self.difficulty <= 5:
            raise ValueError(f"{self.name}: difficulty must be 1 to 5, got {self.difficulty}")

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
        """How the function is called, as text: `unbroadcast(gradient, shape)`."""
        return f"{self.function}({', '.join(self.parameters)})"

    def cases_for(self, seed: int) -> list[Case]:
        """The cases that `seed` draws: ordinary ones first, the smallest of each kind leading."""
        cases = self.cases(np.random.default_rng(seed))
        return sorted(cases, key=lambda case: (STAGES.index(case.stage), case.size))


class UnknownExercise(KeyError):
    """No exercise has that name."""

    def __str__(self):  # KeyError would print the sentence in quotes
        return self.args[0]


def names() -> list[str]:
    """The names of all exercises, such as "autograd/unbroadcast", room by room."""
    return list(_exercises())


def load(name: str) -> Spec:
    """The exercise called `name`; raises UnknownExercise, naming the nearest, if there is none."""
    exercises = _exercises()
    if name not in exercises:
        nearest = difflib.get_close_matches(str(name), exercises, n=1, cutoff=0.0)
        raise UnknownExercise(f"there is no exercise {name!r}; the nearest is {nearest[0]!r}")
    return exercises[name]


def _exercises() -> dict[str, Spec]:
    from autograders import specs

    rooms = [importlib.import_module(f"{specs.__name__}.{room.name}") for room in pkgutil.iter_modules(specs.__path__)]
    return {spec.name: spec for room in rooms for spec in room.EXERCISES}


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


def _on_arrays(change: Callable, argument):
    return change(argument) if isinstance(argument, np.ndarray) else argument


def _parts(value) -> tuple:
    return value if isinstance(value, tuple) else (value,)
