"""docs/gallery.md and its pictures are what docs/make_gallery.py makes of today's engine."""

import importlib.util
import pathlib
from xml.etree import ElementTree

import pytest

DOCS = pathlib.Path(__file__).parents[2] / "docs"
MOST_BYTES = 30_000  # of a picture: the repository keeps every version of it


@pytest.fixture(scope="module")
def recipe():
    specification = importlib.util.spec_from_file_location("make_gallery", DOCS / "make_gallery.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pictures(recipe):
    return recipe.pictures()


def test_the_page_and_its_pictures_are_current(recipe, pictures):
    """Run python docs/make_gallery.py after changing what a graph knows or how it is drawn."""
    assert recipe.PAGE.read_text("utf-8") == recipe.page(), "run: python docs/make_gallery.py"
    for name, picture in pictures.items():
        assert (recipe.PICTURES / name).read_text("utf-8") == picture, f"{name}: run: python docs/make_gallery.py"
    assert {path.name for path in recipe.PICTURES.iterdir()} == set(pictures), "a picture that no example makes"


def test_the_pictures_are_small(pictures):
    sizes = {name: len(picture.encode("utf-8")) for name, picture in pictures.items()}
    assert max(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mlp", ["model", "Sequential", "relu", "nll_loss"]),
        ("rnn", ["tanh", "W", "inputs[2]"]),
        ("residual", ["Residual", "+"]),
        ("transformer", ["TransformerEncoderLayer × 12"]),
        ("error", ["b", "error.py, line 8:  logits = images @ W + b"]),
        ("comparison", ["÷", "≠ 1st", "≠ 1st ∂"]),
    ],
)
def test_each_picture_shows_what_it_is_there_for(pictures, name, words):
    root = ElementTree.fromstring(pictures[f"{name}.svg"])
    assert set(words) <= {element.text for element in root.iter() if element.tag.endswith("}text")}
