"""Chapter 10's checkpoint: it is the chapter's model, small, and as good as the page says."""

import importlib.util
import math
import re
from pathlib import Path

import pytest

import engine as torch
from course.checkpoints import path_of

pytest.importorskip("jupytext", reason="reads the chapter")

ROOT = Path(__file__).resolve().parents[2]


def recipe():
    """docs/make_checkpoint.py."""
    spec = importlib.util.spec_from_file_location("make_checkpoint", ROOT / "docs" / "make_checkpoint.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def chapter():
    """What the recipe trains with: the names of the chapter's own cells."""
    return recipe().chapter_until_training()


def test_the_checkpoint_is_the_chapter_s_model_and_small(chapter):
    tensors = torch.load(path_of("transformer"))
    expected = {name: tuple(tensor.shape) for name, tensor in chapter["model"].state_dict().items()}
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected
    assert path_of("transformer").stat().st_size <= 1_000_000


def test_it_is_better_than_the_page_s_own_training_on_text_it_never_saw(chapter):
    """Python's documentation differs a little from version to version, and with it the loss; 1.9 is what was promised."""
    model = chapter["Transformer"]()
    model.load_state_dict(torch.load(path_of("transformer")))
    loss = chapter["held_out"](model)
    assert loss < 1.9
    before = chapter["held_out"](chapter["model"])
    assert before == pytest.approx(math.log(96), abs=0.5), "untrained, it knows nothing"


def test_the_recipe_and_the_page_name_the_same_steps():
    page = (ROOT / "course" / "chapters" / "10-attention.md").read_text("utf-8")
    steps = recipe().STEPS
    assert f"STEPS = {steps}`" in page and f"# {steps} take about five minutes" in page and f"{steps:,} steps" in page
    assert int(re.search(r"^STEPS = (\d+)", page, re.MULTILINE)[1]) * 10 == steps, "trained ten times as long"


def test_a_step_of_the_recipe_is_a_step_of_the_page(chapter):
    """From the same beginning the first steps give the same loss as they are repeated."""
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        model = chapter["Transformer"]()
        chapter["Training"](model, 3).run()
        losses.append(chapter["held_out"](model))
    assert losses[0] == losses[1]
