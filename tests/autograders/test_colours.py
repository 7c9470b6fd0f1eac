"""The colour maps: equal steps to the eye, and nothing that hangs on telling red from green."""

import numpy as np
import pytest

from autograders import colours

COUNT = 121
# What dichromats see, in linear light (Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation
# of Color Vision Deficiency, 2009, severity 1)
BLIND = {
    "red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(shades):
    shares = shades / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def oklab(light):
    """The way back, by solving: what `to_bytes` must undo."""
    roots = np.cbrt(np.linalg.solve(colours._TO_LINEAR, np.clip(light, 0, 1).T))
    return np.linalg.solve(colours._TO_ROOTS, roots).T


def test_white_and_black_are_what_they_are():
    """The matrices are OKLab's: grey has no colour, and lightness goes from 0 to 1."""
    assert colours.to_bytes(np.array([[0.0, 0, 0], [1, 0, 0]])).tolist() == [[0, 0, 0], [255, 255, 255]]
    assert np.ptp(colours.to_bytes(np.array([[0.5, 0.0, 0.0]]))) == 0


def test_equal_steps_of_a_number_are_equal_steps_of_lightness():
    lightness = oklab(linear(colours.sequential(COUNT)))[:, 0]
    steps = np.diff(lightness[::10])  # ten at a time: a single one is as small as the rounding to 256 shades
    assert np.diff(lightness).min() > 0 and np.ptp(steps) < 0.15 * steps.mean()
    assert np.ptp(lightness) > 0.7
    both = oklab(linear(colours.diverging(COUNT)))[:, 0]
    assert np.all(np.diff(both[: COUNT // 2 + 1]) > 0) and np.all(np.diff(both[COUNT // 2 :]) < 0)


def test_zero_is_white():
    assert np.ptp(colours.diverging(COUNT)[COUNT // 2].astype(int)) <= 1
    assert colours.diverging(COUNT)[COUNT // 2].min() > 240


@pytest.mark.parametrize("kind", [*BLIND, None])
def test_the_two_sides_of_zero_look_different_to_everyone(kind):
    """Half-way out on either side, the colours are further apart than a step that anyone would notice (0.02)."""
    matrix = np.array(BLIND[kind]) if kind else np.eye(3)
    seen = oklab(linear(colours.diverging(COUNT)) @ matrix.T)
    for out in (15, 30, 60):
        assert np.linalg.norm(seen[COUNT // 2 + out] - seen[COUNT // 2 - out]) > 0.04


@pytest.mark.parametrize("kind", BLIND)
def test_the_order_of_numbers_is_the_order_of_lightness_for_everyone(kind):
    seen = oklab(linear(colours.sequential(COUNT)) @ np.array(BLIND[kind]).T)[:, 0]
    assert np.all(np.diff(seen[::4]) > 0)
