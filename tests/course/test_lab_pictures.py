"""A redraw above a kept ground gives, to the last pixel, what the whole figure gives when it is drawn anew."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import engine as torch
from course.labs.gradient_flow import GradientFlow
from course.labs.microscope import Microscope
from course.labs.momentum import MomentumLab
from course.labs.pictures import Ground, as_html, figure
from course.labs.playground import Playground
from engine import nn
from engine.nn import functional as F


def pixels(picture):
    data = base64.b64decode(re.search('base64,([^"]+)', picture)[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def drawn_whole(ground):
    for artist in ground.moving:
        artist.set_animated(False)  # or the figure would leave it out
    return pixels(as_html(ground.canvas.figure, "the whole figure"))


def gradient_flow():
    generator = np.random.default_rng(0)
    lab = GradientFlow(generator.random((50, 64)).astype(np.float32), generator.integers(0, 10, 50))
    for lab.step, lab.image in (0, 0), (30, 4), (60, 1):
        yield lab.to_html(), lab._picture.ground


def momentum():
    lab = MomentumLab(torch.optim.SGD)
    for lab.surface, lab.momentum in ("ravine", 0.5), ("ravine", 0.9), ("bend", 0.0):
        yield lab.to_html(), lab._picture(lab.surface).ground


def playground():
    def train_step(model, loss_function, optimizer, x, y):
        optimizer.zero_grad()
        loss_function(model(x), y).backward()
        optimizer.step()

    lab = Playground(lambda width, p: nn.Linear(2, 2), F.cross_entropy, train_step)
    for lab.step, lab.settings["points"] in (0, "moons"), (20, "moons"), (10, "spirals"):
        yield lab.to_html(), lab._picture.ground


def microscope():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU()), nn.Flatten(), nn.Linear(48, 4))
    lab = Microscope({"A": model}, torch.rand(5, 1, 6, 6), torch.arange(5) % 4, steps=3)
    for lab.layer, lab.step in (0, 0), (1, 2), (0, 1):
        yield lab.to_html(), lab._picture.ground


@pytest.mark.parametrize("lab", [gradient_flow, momentum, playground, microscope], ids=lambda lab: lab.__name__)
def test_a_redraw_is_the_whole_figure(lab):
    seen = []
    for picture, ground in lab():
        seen.append(pixels(picture))
        np.testing.assert_array_equal(seen[-1], drawn_whole(ground))
    assert (seen[0] != seen[1]).any() and (seen[1] != seen[2]).any()


def test_what_is_kept_stays_and_what_moves_leaves_no_trace():
    fig = figure(2, 2)
    axes = fig.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 2), ylim=(0, 2))
    axes.set_axis_off()
    axes.fill([0, 2, 2, 0], [0, 0, 0.5, 0.5], color="black")
    (mark,) = axes.fill([0.5, 0.5, 0.5], [1, 1, 1], color="red")
    ground = Ground(fig, [mark])
    for left in (0.2, 1.2):
        mark.set_xy([(left, 1), (left + 0.5, 1), (left + 0.5, 1.5), (left, 1.5)])
        seen = pixels(ground.draw("a red mark"))
        assert (seen[190, 100] == 0).all(), "black below"
        assert [tuple(seen[75, 100 * column // 100]) for column in (45, 145)] == (
            [(255, 0, 0), (255, 255, 255)] if left == 0.2 else [(255, 255, 255), (255, 0, 0)]
        )
