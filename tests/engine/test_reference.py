"""docs/reference.md is what docs/make_reference.py makes of today's engine, and everything public explains itself."""

import importlib.util
import pathlib

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def recipe():
    specification = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_is_current(recipe):
    """Run python docs/make_reference.py after changing a public name, a signature or an entry of the table."""
    assert recipe.PAGE.read_text("utf-8") == recipe.page(), "run: python docs/make_reference.py"


def test_every_public_function_says_what_it_does(recipe):
    """A row without words is a function without a docstring."""
    silent = [line for line in recipe.page().split("## Tensor\n")[0].splitlines() if line.endswith("|  |")]
    assert silent == [], "\n".join(silent)
