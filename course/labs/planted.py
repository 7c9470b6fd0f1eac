"""Networks with a bug in one of their layers, to be found with the microscope."""

import copy

import numpy as np

import engine as torch
from engine import nn


class _Detached(nn.Module):
    """Lets numbers through, and no gradient."""

    def forward(self, x):
        return x.detach()


def _dead(layer):
    """Biases so far below 0 that the ReLU never opens."""
    with torch.no_grad():
        layer[0].bias -= 20


def _faint(layer):
    """First weights a twentieth of what they should be."""
    with torch.no_grad():
        layer[0].weight *= 0.05


def _detached(layer):
    """The input is cut off from what it was computed from."""
    layer.insert(0, _Detached())


def _linear(layer):
    """No activation."""
    layer[1] = nn.Identity()


KINDS = {
    "has dead ReLUs: biases of -20, and no number gets through": _dead,
    "is faint: its first weights are 20 times too small": _faint,
    "gets its input detached: no gradient goes further back": _detached,
    "lacks its activation: all of its numbers go on as they are": _linear,
    "": None}


def planted(network, seed):
    """{"A": a network, ...}: five copies of `network`, all but one with a bug in a layer drawn with `seed`.

    network: an nn.Sequential that begins with several layers of the form Sequential(convolution, ReLU). Which network
    has which bug is drawn too; `reveal` tells.
    """
    count = _layers(network)
    if count < 4:
        raise ValueError(
            "planted: expected a network that begins with at least 4 layers Sequential(convolution, ReLU), "
            f"got {count}")
    rng, patients = np.random.default_rng(seed), {}
    for letter, number in zip("ABCDE", rng.permutation(len(KINDS))):
        text, plant = list(KINDS.items())[number]
        patient, place = copy.deepcopy(network), int(rng.integers(1, count - 1))
        if plant:
            plant(patient[place])
        patient.diagnosis = f"layer {place} {text}" if plant else "healthy"
        patients[letter] = patient
    return patients


def reveal(patients):
    """Show what `planted` did, folded away until it is asked for."""
    from IPython.display import HTML, display

    items = "".join(f"<li>{letter}: {patient.diagnosis}</li>" for letter, patient in patients.items())
    display(HTML(f"<details><summary>Which bug is where</summary><ul>{items}</ul></details>"))


def _layers(network):
    """How many layers Sequential(convolution, ReLU) there are at the beginning."""
    for number, layer in enumerate(network):
        if not (isinstance(layer, nn.Sequential) and len(layer) == 2
                and isinstance(layer[0], nn.Conv2d) and isinstance(layer[1], nn.ReLU)):
            return number
    return len(network)
