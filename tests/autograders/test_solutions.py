"""The solution that is shown: an answer that passes, with all it needs, under the names of the notebook."""

import dataclasses
import linecache

import numpy as np
import pytest

import cards
from autograders.judge import judge
from autograders.session import LocalSession
from autograders.solutions import solution_of
from autograders.spec import load, names
from autograders.specs.common import normal

SPECS = [load(name) for name in names()]
each_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


def notebook(spec, source):
    """What a notebook holds after the solution was run where the other exercises have been solved."""
    held = {"np": np} | {other.function: other.honest[0] for other in SPECS if other.name != spec.name}
    filename = f"<solution of {spec.name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), held)
    return held


@each_spec
def test_the_solution_of_every_exercise_passes_it(spec):
    report = judge(spec, LocalSession(notebook(spec, solution_of(spec))[spec.function], spec.use), seed=1)
    assert report.passed, report


@each_spec
def test_every_honest_answer_could_be_the_solution(spec):
    for answer in spec.honest:
        source = solution_of(dataclasses.replace(spec, solution=answer))
        assert judge(spec, LocalSession(notebook(spec, source)[spec.function], spec.use), seed=1).passed, source


def test_an_answer_is_called_as_its_exercise_is():
    source = solution_of(load("autograd/matmul_vjp"))
    assert source.startswith("def matmul_vjp(gradient, a, b):\n")
    assert "unbroadcast(grad_a, a.shape)" in source and "step_by_step" not in source and "def unbroadcast" not in source


def test_a_class_comes_with_its_imports():
    source = solution_of(load("modules/linear"))
    assert source.startswith("import engine as torch\nfrom engine import nn\n\n\nclass Linear(nn.Module):\n")


def noise(image, kernel):
    """Uses what another file of the specs defines."""
    return image + normal(np.random.default_rng(0), image.shape)


def test_what_comes_from_another_file_of_the_specs_is_shown_itself():
    source = solution_of(dataclasses.replace(cards.CORRELATE, solution=noise))
    assert "autograders" not in source and "def normal(rng, shape, dtype=SINGLE):" in source
    assert source.startswith("SINGLE, DOUBLE = ") and source.index("def normal") < source.index("def correlate")


def test_a_spec_may_choose_its_solution():
    spec = load("autograd/unbroadcast")
    assert "while gradient.ndim" in solution_of(spec)
    assert "np.einsum" in solution_of(dataclasses.replace(spec, solution=spec.honest[2]))
    assert "np.ndindex" in solution_of(dataclasses.replace(spec, solution=None))


def test_what_an_answer_needs_stands_above_it_once():
    spec = load("autograd/cross_entropy_vjp")
    source = solution_of(dataclasses.replace(spec, solution=spec.honest[3]))
    assert source.startswith("import sys\n\n\ndef _softmax")
    assert source.count("def _softmax") == source.count("def _one_hot") == 1
    assert "import numpy" not in source


SIZE, unused = 3, 4


class Tripled:
    """Three times Tripled's `Tripled`."""

    def __call__(self, image, kernel):  # Tripled here stays
        return SIZE * image + len(Tripled.__name__)


def test_a_class_can_be_a_solution():
    """Its name is changed where it is a name, and left alone in texts and comments."""
    source = solution_of(dataclasses.replace(cards.CORRELATE, function="Scaled", solution=Tripled))
    assert source.startswith("SIZE, unused = 3, 4\n\n\nclass Scaled:\n")
    assert "Three times Tripled's `Tripled`." in source and "# Tripled here stays" in source
    assert "len(Scaled.__name__)" in source


def test_an_answer_may_stand_on_another_of_the_same_exercise():
    def chosen():
        """Not at the top of its file."""

    spec = dataclasses.replace(cards.CORRELATE, function="correlate", solution=cards.turns_the_kernel)
    assert "def correlate(image, kernel)" in solution_of(spec)
    with pytest.raises(ValueError, match="chosen has no definition of its own to show as a solution"):
        solution_of(dataclasses.replace(spec, solution=chosen))
    with pytest.raises(ValueError, match="no function or class of a file"):
        solution_of(dataclasses.replace(spec, solution=3))
