"""How long a lab takes to redraw after a slider has moved: python benchmarks/labs.py

Every slider of every lab is moved from one end to the other, as the widget in the notebook is, and left there. In
processor time of the thread that draws, the median and the longest of the moves; the project asks for less than 100 ms.
(Other threads of a BLAS library wait for work in a loop, which would count as well.) Chapter 2's graph is moved by the
browser itself (benchmarks/graph_viewer.py): here it is how long its cell takes.
"""

import statistics
import time

import numpy as np

import engine as torch
from autograders.spec import load
from autograders.specs.chain_rule.backward import Value
from course.labs.attention import Attention
from course.labs.broadcasting import Broadcasting
from course.labs.conveyor import Conveyor
from course.labs.gan_steps import Film, GanSteps
from course.labs.gate_movie import GateMovie
from course.labs.gradient_flow import GradientFlow
from course.labs.latent_plane import LatentPlane
from course.labs.microscope import Microscope
from course.labs.momentum import MomentumLab
from course.labs.playground import Playground
from course.labs.receptive_field import ReceptiveField
from course.labs.value_graph import value_graph
from engine import nn
from engine.nn import functional as F

MOVES = 20


def sliders(widget):
    """{description: slider} of a widget and all that is in it."""
    found = {}
    for child in getattr(widget, "children", ()):
        found |= sliders(child)
    if (hasattr(widget, "options") or hasattr(widget, "min")) and getattr(widget, "description", ""):
        found[widget.description] = widget
    return found


def places(slider):
    """The values from one end of a slider to the other, a few of them where there are many."""
    if hasattr(slider, "options"):
        values = [option[1] if isinstance(option, tuple) else option for option in slider.options]
    else:
        values = np.arange(slider.min, slider.max + slider.step / 2, slider.step).tolist()
    return values[:: max(1, len(values) // MOVES)]


def milliseconds(slider):
    """What each move took."""
    taken = []
    for value in places(slider):
        if value == slider.value:
            continue
        begun = time.thread_time()
        slider.value = value
        taken.append((time.thread_time() - begun) * 1000)
    return taken


def network(width, p):
    """A network of two hidden layers, as in chapter 4."""
    hidden = [[nn.Linear(size, width), nn.Tanh(), nn.Dropout(p)] for size in (2, width)]
    return nn.Sequential(*hidden[0], *hidden[1], nn.Linear(width, 2))


def two_convolutions():
    """The network of chapter 7, for digits of 8 by 8."""
    blocks = [
        [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
        for inputs, outputs in ((1, 16), (16, 32))]
    return nn.Sequential(*blocks[0], *blocks[1], nn.Flatten(), nn.Linear(32 * 4, 10))


def convolutions(count, channels):
    """A network of convolutions with ReLU on images of 16 by 16, as in chapter 8."""
    inputs = [3] + [channels] * (count - 1)
    layers = [nn.Sequential(nn.Conv2d(each, channels, 3, padding=1), nn.ReLU()) for each in inputs]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * 256, 10))


class Adder(nn.Module):
    """A recurrent layer and a linear one, as in chapter 9."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent, self.readout = recurrent, nn.Linear(recurrent.hidden_size, 1)

    def forward(self, x):
        """A number after each step, (T, B)."""
        return self.readout(self.recurrent(x)[0])[..., 0]


def planes(rng):
    """Planes of codes with decoders as in chapter 11, of 599 held-out digits."""
    codes = rng.standard_normal((599, 2)).astype(np.float32)
    layers = [[nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid()] for _ in range(2)]
    return {name: (nn.Sequential(*each), codes) for name, each in zip(("autoencoder", "VAE"), layers)}


def paint(lab):
    """Milliseconds of each of some places painted on the plane of codes."""
    _, picture, _ = lab.widget().children
    taken = []
    for number in range(1, MOVES + 1):
        begun = time.thread_time()
        picture.painted = [0.1 + 0.015 * number, 0.3, number]
        taken.append((time.thread_time() - begun) * 1000)
    return taken


def train_step(model, loss_function, optimizer, x, y):
    """One step of training."""
    model.train()
    optimizer.zero_grad()
    loss_function(model(x), y).backward()
    optimizer.step()


def gan():
    """Two networks of two hidden layers, as in chapter 12, and the film of 40 of their steps."""
    def network(outputs, activation):
        return nn.Sequential(nn.Linear(2, 64), activation, nn.Linear(64, 64), activation, nn.Linear(64, outputs))

    rng, losses, step = np.random.default_rng(0), load("gan/losses").ours, load("gan/step").ours
    angles = np.arange(8) * np.pi / 4
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    networks = network(2, nn.ReLU()), network(1, nn.LeakyReLU(0.2))
    optimizers = [torch.optim.Adam(each.parameters(), lr=2e-3) for each in networks]
    film = Film(*networks, range(40))
    for number in range(40):
        film.before(number)
        x, z = torch.tensor(centres[rng.integers(0, 8, 128)]), torch.randn(128, 2)
        film.after(number, *step(*networks, losses, *optimizers, x, z))
    count = load("gan/mode_count").reference
    films = {"one": film, "the same": film}
    return GanSteps(films, torch.randn(300, 2), centres, losses, lambda x: count(x, centres, 0.25, 6))


def show_graph():
    """A neuron's squared error in values of chapter 2, as a cell shows it."""
    w, x, b = Value(-0.4), Value(2.0), Value(0.3)
    error = (w * x + b).tanh() + Value(-0.5)
    value_graph(error * error)._repr_mimebundle_()


def labs():
    """{name: lab}."""
    rng = np.random.default_rng(0)
    return {
        "broadcasting": Broadcasting((2, 3, 1), (2, 1, 4)),
        "gradient_flow": GradientFlow(rng.random((50, 64)).astype(np.float32), rng.integers(0, 10, 50)),
        "playground": Playground(network, F.cross_entropy, train_step),
        "conveyor": Conveyor(),
        "momentum": MomentumLab(torch.optim.SGD),
        "receptive_field": ReceptiveField(two_convolutions(), torch.rand(10, 1, 8, 8)),
        "gate_movie": GateMovie(Adder(nn.LSTM(2, 32)), torch.rand(50, 10, 2), Adder(nn.RNN(2, 32))),
        "latent_plane": LatentPlane(planes(rng), rng.integers(0, 10, 599), rng.random((1198, 64), np.float32)),
        "microscope": Microscope(
            {name: convolutions(8, 12) for name in "ABCDE"}, torch.rand(16, 3, 16, 16), torch.arange(16) % 10),
        "attention": Attention(*(load(f"attention/{name}").ours for name in ("scaled_dot_product", "causal_mask"))),
        "gan_steps": gan(),
    }


def tell(name, description, taken):
    """Print a line about the moves of a slider."""
    told = f"median {statistics.median(taken):4.0f} ms, longest {max(taken):4.0f} ms"
    print(f"{name:15} {description:16} {len(taken):3} moves: {told}")


def main():
    """Print a line for each slider."""
    for name, lab in labs().items():
        for description, slider in sliders(lab.widget()).items():
            taken = milliseconds(slider)
            tell(name, description, taken)
        if name == "latent_plane":
            tell(name, "painting", paint(lab))
    begun = time.thread_time()
    show_graph()
    print(f"value_graph    shown once: {(time.thread_time() - begun) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
