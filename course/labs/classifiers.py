"""Pictures of classifiers: where in the plane one says what, and what it takes for what."""

import numpy as np

import engine as torch
from course.labs.pictures import DIVERGING, GREY, ORANGE, PURPLE, figure, show

MARKERS = (("o", PURPLE), ("^", ORANGE))  # kind 0 and kind 1 differ in shape too
SHADES = {"cmap": DIVERGING, "vmin": -0.8, "vmax": 1.8}  # paler than the points on them
RESOLUTION = 48


def surface(model, extent, resolution=RESOLUTION):
    """The probability that `model` gives to kind 1 on a grid over the plane, as an array (resolution, resolution).

    model: takes a tensor (N, 2) and returns logits (N, 2). extent: (left, right, bottom, top). The first row is the
    bottom. The model is left in evaluation mode.
    """
    left, right, bottom, top = extent
    x, y = np.meshgrid(np.linspace(left, right, resolution), np.linspace(bottom, top, resolution))
    places = torch.tensor(np.stack([x.ravel(), y.ravel()], axis=1), dtype=torch.float32)
    logits = logits_of(model, places)
    return 1 / (1 + np.exp(np.clip(logits[:, 0] - logits[:, 1], -60, 60))).reshape(resolution, resolution)


def logits_of(model, x):
    """What the model answers in evaluation mode, unrecorded, as an array."""
    model.eval()
    with torch.no_grad():
        return model(x).numpy()


def around(points, margin=0.4):
    """(left, right, bottom, top) of a square that holds all points (N, 2)."""
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    reach = float((points.max(axis=0) - points.min(axis=0)).max() / 2 + margin)
    return middle[0] - reach, middle[0] + reach, middle[1] - reach, middle[1] + reach


def show_boundaries(models, x, y):
    """Show side by side what each of `models` {title: model} says in the plane, around points x (N, 2) of kinds y (N,).

    Kinds are 0 and 1; the models return logits (N, 2).
    """
    points, kinds = x.numpy(), y.numpy()
    if points.ndim != 2 or points.shape[1] != 2 or kinds.shape != points.shape[:1]:
        raise ValueError(f"show_boundaries: expected x (N, 2) and y (N,), got {points.shape} and {kinds.shape}")
    extent, said = around(points), []
    fig = figure(4.0 * len(models), 3.8)
    for number, (title, model) in enumerate(models.items()):
        axes = fig.add_axes(((number + 0.04) / len(models), 0.02, 0.92 / len(models), 0.86))
        axes.imshow(surface(model, extent), extent=extent, origin="lower", interpolation="bilinear", **SHADES)
        for kind, (marker, colour) in enumerate(MARKERS):
            axes.plot(*points[kinds == kind].T, marker, color=colour, markersize=5, markeredgecolor="white")
        right = np.mean(logits_of(model, x).argmax(axis=1) == kinds)
        axes.set_title(f"{title}: {right:.0%} right", fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
        said.append(f"{title}, {right:.0%} of the points right")
    show(fig, f"The plane as each model divides it between purple circles and orange triangles: {'; '.join(said)}.")


def show_confusion(counts, names=None):
    """Show a confusion matrix: counts[i, j] examples of class i (a row) were called j (a column).

    names: what the classes are called, if not by their numbers.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"show_confusion: expected a square array, got shape {counts.shape}")
    size = len(counts)
    if names is not None and len(names) != size:
        raise ValueError(f"show_confusion: expected {size} names, got {len(names)}")
    called = list(map(str, range(size) if names is None else names))
    fig = figure(4.6, 4.4) if names is None else figure(5.4, 5.0)
    axes = fig.add_axes((0.12, 0.02, 0.86, 0.86) if names is None else (0.2, 0.02, 0.78, 0.8))
    wrong = counts * (1 - np.eye(size, dtype=int))
    axes.imshow(np.where(np.eye(size) > 0, np.nan, wrong), cmap="Oranges", vmin=0, vmax=max(wrong.max() * 1.6, 1))
    for i, j in np.argwhere(counts):
        axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=9, color=GREY if i == j else "black")
    axes.set_xticks(range(size), called, rotation=0 if names is None else 60)
    axes.set_yticks(range(size), called)
    axes.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("what it was called")
    axes.set_ylabel("what it was")
    for side in axes.spines.values():
        side.set_visible(False)
    i, j = np.unravel_index(wrong.argmax(), wrong.shape)
    most = f"the commonest mistake, {wrong[i, j]} times, is {called[i]} called {called[j]}"
    most = most if wrong.any() else "there are no mistakes"
    show(fig, f"Confusion matrix: {np.trace(counts)} of {counts.sum()} stand on the diagonal, {most}.")
