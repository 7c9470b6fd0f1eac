"""Losses of two parameters: some to walk on, the ways that optimizers take over them, and pictures of both."""


import functools

import numpy as np

import engine as torch
from course.labs.pictures import GREY, ORANGE, PURPLE, figure, show

HEIGHTS = "Greys"
LEVELS = 14
# told apart by line and mark as well as by colour
STYLES = ((ORANGE, "-", "o"), (PURPLE, "--", "s"), (GREY, ":", "^"), ("#1b7837", "-.", "D"))


class Surface:
    """A loss of two parameters: `loss(point)` of a tensor (2,), the part of the plane that is shown, where to begin.

    limits: ((lowest x, highest x), (lowest y, highest y)).
    """

    def __init__(self, loss, limits, start):
        self.loss, self.limits, self.start = loss, limits, start

    def heights(self, points=(121, 81)):
        """(x, y, loss) on a grid, each an array of shape points[::-1]; computed by the engine in one go."""
        x, y = np.meshgrid(*(np.linspace(*limits, count) for limits, count in zip(self.limits, points)))
        with torch.no_grad():
            return x, y, self.loss(torch.tensor(np.stack([x, y]))).numpy()

    @functools.cached_property
    def lowest(self):
        """The lowest height: from the lowest of the grid on downhill, with momentum."""
        x, y, height = self.heights()
        start = x.ravel()[height.argmin()], y.ravel()[height.argmin()]
        return walk(lambda params: torch.optim.SGD(params, 0.01, 0.9), 400, self, start)[1].min()


def _ravine(point):
    return 0.5 * (point[0] ** 2 + 100 * point[1] ** 2)


def _two_valleys(point):
    return (point[0] ** 2 - 1) ** 2 + 0.3 * point[0] + 2 * point[1] ** 2


def _bend(point):
    return 0.25 * (1 - point[0]) ** 2 + 2.5 * (point[1] - point[0] ** 2) ** 2


SURFACES = {
    "ravine": Surface(_ravine, ((-2.2, 2.2), (-0.55, 0.55)), (-2.0, 0.4)),
    "two valleys": Surface(_two_valleys, ((-1.8, 1.8), (-1.0, 1.0)), (1.6, 0.8)),
    "bend": Surface(_bend, ((-1.6, 1.6), (-0.6, 2.0)), (-1.4, 1.6)),
}


def walk(make_optimizer, steps, surface, start=None, noise=None):
    """Where an optimizer goes: (points, losses), arrays (steps + 1, 2) and (steps + 1,).

    make_optimizer: called with a list of one parameter. noise: an array (steps, 2), added to the gradients, or None.
    From where a number is no longer finite the walk stays.
    """
    point = torch.nn.Parameter(torch.tensor(np.array(surface.start if start is None else start)))
    optimizer = make_optimizer([point])
    points, losses = [], []
    for step in range(steps + 1):
        optimizer.zero_grad()
        loss = surface.loss(point)
        loss.backward()
        points.append(point.detach().numpy().copy())
        losses.append(loss.item())
        if not np.isfinite(losses[-1]):
            break
        if noise is not None and step < steps:
            point.grad += torch.tensor(noise[step])
        optimizer.step()
    missing = steps + 1 - len(points)
    return np.array(points + points[-1:] * missing), np.array(losses + losses[-1:] * missing)


def draw_heights(axes, surface):
    """The surface from above, dark where it is high; levels in equal steps of the root, so that valleys show."""
    x, y, height = surface.heights()
    levels = height.min() + np.linspace(0, np.ptp(height) ** 0.5, LEVELS) ** 2
    axes.contourf(x, y, height, levels, cmap=HEIGHTS, alpha=0.5)
    axes.contour(x, y, height, levels, colors=GREY, linewidths=0.4)
    axes.set_xlim(surface.limits[0])
    axes.set_ylim(surface.limits[1])


def show_walks(loss, walks, alt, limits=SURFACES["ravine"].limits):
    """Show the ways of several optimizers over a loss of two parameters.

    loss(point): the loss of a tensor (2,). walks: {name: array (steps + 1, 2)}. alt: what it shows, a sentence.
    """
    fig = figure(8.0, 3.9)
    axes = fig.add_axes((0.10, 0.14, 0.88, 0.76))
    draw_heights(axes, Surface(loss, limits, None))
    for (name, points), (colour, dashes, mark) in zip(walks.items(), STYLES):
        axes.plot(*points.T, dashes, color=colour, marker=mark, markersize=4, linewidth=1.5, label=name)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(walks))
    axes.set_xlabel("first parameter")
    axes.set_ylabel("second parameter")
    show(fig, alt)
