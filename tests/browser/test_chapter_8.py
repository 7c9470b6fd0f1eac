"""Chapter 8 in JupyterLab: no cell fails with exercises to do; the microscope is moved by keyboard, and finds the bugs.

The steps share one page and come in order.
"""

import re

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "08-deep-networks"
LAST = r"^loss \d\.\d+, largest number of the maps"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """What is not written yet is lent by the engine, and both networks name the shapes all the same."""
    outputs = outputs_without_errors(notebook, machine, NAME)
    said = "".join("".join(output.get("text", "")) for output in outputs)
    named = re.findall(r"([\d.]+)% of the 1000 held-out shapes", said)
    assert len(named) == 2 and min(map(float, named)) >= 90
    assert "nothing is trained here" in said, "CIFAR-10 is not there, and nobody fetched it"


def look_at(notebook, network, layer):
    """Take the sliders to a network and a layer with the arrow keys; what the picture then says."""
    sliders = notebook.locator(".widget-hslider [role=slider]")
    for place, key, times in (0, "ArrowRight", "ABCDE".index(network)), (1, "ArrowUp", layer):
        sliders.nth(place).focus()
        notebook.keyboard.press("Home")
        press(notebook, sliders.nth(place), key, times)
    picture = notebook.locator(f".widget-html img[alt^='network {network}, step 0'][alt*='layer {layer}:']")
    picture.wait_for()
    return picture


def test_the_microscope_finds_the_planted_bugs(notebook, screenshots):
    """Where each answer says that something is broken, the picture shows it, and a layer before it does not."""
    scroll_to(notebook, "the lab: a microscope")
    picture = notebook.locator(".widget-html img[alt^='network A, step 0']")
    picture.wait_for(timeout=180_000)
    bring_into_view(picture)
    answers = notebook.locator("details", has_text="Which bug is where").last
    told = dict(answer.split(": ", 1) for answer in answers.locator("li").all_text_contents())
    assert len(told) == 5 and "healthy" in told.values()
    shows = {
        "has dead ReLUs": lambda said: "100% of them 0" in said,
        "lacks its activation": lambda said: ", 0% below 0" not in said,
        "is faint": lambda said: float(re.search(r"± ([\d.e-]+),", said)[1]) < 0.15}
    seen = 0
    for network, text in told.items():
        for sign, is_shown in shows.items():
            if sign in text:
                layer = int(re.search(r"layer (\d+)", text)[1])
                found = look_at(notebook, network, layer)
                said = found.get_attribute("alt")
                assert is_shown(said)
                expect(notebook.locator(".widget-html code").first).to_contain_text(said)
                assert not is_shown(look_at(notebook, network, layer - 1).get_attribute("alt"))
                seen += 1
        if "detached" in text:
            layer = int(re.search(r"layer (\d+)", text)[1])
            assert "nothing comes back" not in look_at(notebook, network, layer).get_attribute("alt")
            found = look_at(notebook, network, layer - 1)
            assert "nothing comes back" in found.get_attribute("alt")
            bring_into_view(found)
            notebook.screenshot(path=screenshots / "chapter-8-lab.png")
            seen += 1
    assert seen == 4
