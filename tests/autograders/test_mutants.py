"""Right answers with one small thing changed do not pass; and the page that says so is of today's exercises."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from autograders.spec import load, names
from mutants import mutants

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mutations.md"
SAME = {"autoencoders/reparameterise": 1}  # mutants that no one could tell apart: noise taken away is noise added


def half_of_the_larger(a, b=1):
    """What the mutants below are made of."""
    scale = 0.5
    scale *= -1
    if a.T[0] < b:
        return a, b
    return np.sum(a, axis=0) * scale


class Doubler:
    def run(self, x):
        return x + x


def test_each_kind_of_change_is_made():
    changes = {(before, after) for _, before, after, _ in mutants(half_of_the_larger)}
    for expected in [
        ("scale = 0.5", "scale = 1.5"), ("scale *= -1", "scale /= -1"), ("scale *= -1", "scale *= +1"),
        ("scale *= -1", "pass"), ("if a.T[0] < b:", "if a.T[0] <= b:"), ("if a.T[0] < b:", "if a[0] < b:"),
        ("if a.T[0] < b:", "if not a.T[0] < b:"), ("return (a, b)", "return (b, a)"),
        ("return np.sum(a, axis=0) * scale", "return np.mean(a, axis=0) * scale"),
        ("return np.sum(a, axis=0) * scale", "return np.sum(a) * scale"),
        ("return np.sum(a, axis=0) * scale", "return np.sum(a, axis=1) * scale"),
        ("return np.sum(a, axis=0) * scale", "return np.sum(a, axis=0) / scale"),
    ]:
        assert expected in changes
    for _, before, after, mutant in mutants(half_of_the_larger):
        assert before != after and callable(mutant)


def test_a_mutant_of_a_class_is_a_class():
    ((_, _, _, mutant),) = mutants(Doubler)
    assert mutant().run(3) == 0


def test_the_page_has_all_exercises():
    text = PAGE.read_text("utf-8")
    assert all(text.count(f"| `{name}` |") > len(load(name).misconceptions) for name in names()), "make it anew"


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_nine_mutants_in_ten_are_caught(name):
    """Those that pass compute the same: docs/mutations.md shows them."""
    specification = importlib.util.spec_from_file_location("make_mutations", PAGE.with_name("make_mutations.py"))
    recipe = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(recipe)
    caught, alive = recipe.survey(load(name))
    assert len(alive) - SAME.get(name, 0) <= 0.1 * (sum(caught.values()) + len(alive)), alive
