"""Chapter 11 in JupyterLab: no cell fails with exercises to do; the lab's plane is clicked, painted on, moved by keyboard.

The steps share one page and come in order.
"""

import re

import pytest

from learner import bring_into_view, outputs_without_errors, press, scroll_to
from waiting import expect

pytestmark = pytest.mark.slow

NAME = "11-autoencoders"
LAST = r"^an image costs \d+\.\d{3} nats to draw"  # printed by the last cell with code


def test_no_cell_of_the_released_chapter_fails(notebook, machine):
    """What is not written yet is lent by the engine, and the map is drawn all the same."""
    outputs = outputs_without_errors(notebook, machine, NAME)
    said = "".join("".join(output.get("text", "")) for output in outputs)
    assert float(re.search(r"on the map ([\d.]+)% of the ten nearest neighbours", said)[1]) >= 65
    assert said.count("using the engine's until yours passes") == 4


def numbers(picture):
    """The plane's name, and the numbers of the picture's text: where, how far, how long, how far at most."""
    said = picture.get_attribute("alt").replace("−", "-")
    name, *found = re.search(
        r"(\w+), at \((-?[\d.]+), (-?[\d.]+)\).*is ([\d.]+) from.*, ([\d.]+) long,.*at most ([\d.]+) away", said).groups()
    return name, *map(float, found)


def test_the_lab_follows_mouse_and_keyboard(notebook, screenshots):
    """A click goes straight there, a stroke is followed, an arrow key is a small step, the slider another plane."""
    from course.labs.latent_plane import BOTTOM, HEIGHT, LEFT, SIDE, WIDTH

    scroll_to(notebook, "the lab: paint on the plane")
    notebook.locator("[role=application] img").first.wait_for()
    bring_into_view(notebook.locator("[role=application] img").first)
    plane = notebook.locator(".widget-hslider [role=slider]").first
    press(notebook, plane, "ArrowRight")
    picture = notebook.locator("[role=application] img[alt^='VAE']")
    picture.wait_for()
    bring_into_view(picture)

    box = picture.bounding_box()

    def at(across, up):
        """Where on the page a share of the plane is; the picture stays in its place while it is painted on."""
        return (box["x"] + box["width"] * (LEFT + across * SIDE),
                box["y"] + box["height"] * (1 - BOTTOM - up * SIDE * WIDTH / HEIGHT))

    def changed(before):
        """The text once it is another one than before."""
        notebook.wait_for_function(
            "before => document.querySelector('[role=application] img')?.alt !== before", arg=before)
        return picture.get_attribute("alt")

    said = picture.get_attribute("alt")
    notebook.mouse.click(*at(0.5, 0.5))
    said = changed(said)
    _, x, y, *_ = numbers(picture)
    notebook.keyboard.press("ArrowUp")
    said = changed(said)
    _, right_x, higher_y, *_ = numbers(picture)
    assert right_x == x and higher_y > y

    notebook.mouse.move(*at(0.2, 0.5))
    notebook.mouse.down()
    for step in range(1, 21):
        notebook.mouse.move(*at(0.2 + 0.03 * step, 0.5 + 0.015 * step))
        notebook.wait_for_timeout(30)
    notebook.mouse.up()
    said = None
    while said != (said := picture.get_attribute("alt")):  # the kernel comes after
        notebook.wait_for_timeout(1500)
    name, end_x, end_y, far, length, most = numbers(picture)
    assert name == "VAE" and end_x > x and end_y > y and far <= most
    assert length == pytest.approx(abs(end_x - x) * 2 * (1 + 0.5**2) ** 0.5, rel=0.03), "the stroke, from 0.2 to 0.8 across"
    assert picture.bounding_box() == box
    expect(notebook.locator(".widget-html code").first).to_contain_text(picture.get_attribute("alt"))
    notebook.screenshot(path=screenshots / "chapter-11-lab.png")
