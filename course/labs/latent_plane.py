"""Lab: paint on the plane of codes, and see what the decoder draws there.

On the left the plane, with a numeral where each held-out digit lies. On the right what the decoder draws at the point,
and the real digit that comes nearest to it. Below, what it draws along the path that was painted, and how the pixels of
the path's two ends would fade into each other. The decoders are the learner's.
"""

import html

import numpy as np

import engine as torch
from course.labs.clickable import clickable
from course.labs.pictures import GREY, Ground, figure

WIDTH, HEIGHT = 9.0, 6.6  # inches
LEFT, BOTTOM, SIDE = 0.05, 0.36, 0.42  # of the plane: where it stands, and its width, as shares
FRAMES, SQUARE = 9, 8  # images along a path; pixels of a side
STEPS = 50  # arrow keys from one side of the plane to the other
BLUE = "#0072b2"
COLOURS = "#000000", "#b35806", "#542788", "#666666", "#0072b2"  # numerals tell the digits, colours only keep them apart


def latent_plane(planes, labels, images):
    """Show the lab.

    planes: {name: (decoder, codes)}. decoder: a function of codes, a tensor (N, 2), that gives images, a tensor (N, 64)
    from 0 to 1. codes: where held-out digits lie, (M, 2). labels: their digits, (M,), integers. images: real digits to
    compare with, (K, 64). Tensors or arrays. Returns the `LatentPlane`, whose `plane` and `path`, a list of points, can
    be set from code.
    """
    lab = LatentPlane(planes, labels, images)
    lab.show()
    return lab


class LatentPlane:
    """The lab's state: which plane, and the path on it, at the end of which is the point that is looked at."""

    def __init__(self, planes, labels, images):
        self.decoders = {name: decoder for name, (decoder, _) in planes.items()}
        self.codes = {name: _array(codes) for name, (_, codes) in planes.items()}
        self.labels, self.images = _array(labels), _array(images)
        if not planes:
            raise ValueError("latent_plane: expected at least one plane, {name: (decoder, codes)}")
        for name, codes in self.codes.items():
            if codes.shape != (len(self.labels), 2):
                raise ValueError(
                    f"latent_plane: codes of {name!r} should be ({len(self.labels)}, 2), a row for each label, got shape "
                    f"{codes.shape}")
        if self.images.ndim != 2 or self.images.shape[1] != SQUARE * SQUARE:
            raise ValueError(f"latent_plane: expected images (K, 64), got shape {self.images.shape}")
        self.bounds = {name: _bounds(codes) for name, codes in self.codes.items()}
        self._is_clicked = False
        self._pictures = {
            name: Picture(codes, self.labels, *self.bounds[name]) for name, codes in self.codes.items()}
        self.choose(next(iter(planes)))

    def choose(self, plane):
        """Go to another plane; the path begins anew, between the first digit and the first one of another kind."""
        self.plane = plane
        other = int(np.argmax(self.labels != self.labels[0]))
        self.path = [tuple(map(float, self.codes[plane][number])) for number in (0, other)]

    def point(self, x, y):
        """A path from where the last one ended straight to (x, y)."""
        self.path = [self.path[-1], self._inside(x, y)]
        self._is_clicked = True

    def paint(self, x, y):
        """The path goes on to (x, y); right after `point` it begins there."""
        self.path = [*(self.path[-1:] if self._is_clicked else self.path), self._inside(x, y)]
        self._is_clicked = False

    def move(self, down, right):
        """The path goes on by a small step."""
        x, y = self.path[-1]
        self._is_clicked = False
        step = 2 * self.bounds[self.plane][1] / STEPS
        self.paint(x + right * step, y - down * step)

    def begin(self):
        """The path begins where it ended."""
        self.path = [self.path[-1]]

    def _inside(self, x, y):
        (middle_x, middle_y), reach = self.bounds[self.plane]
        inside = np.clip([x - middle_x, y - middle_y], -reach, reach)
        return float(inside[0] + middle_x), float(inside[1] + middle_y)

    def look(self):
        """All numbers of the picture.

        `places` (9, 2) along the path, what is `drawn` there (9, 64), its ends `faded` into each other (9, 64), how far
        both are from the nearest real digit (root mean square of a pixel), and that digit for the last, `nearest`.
        """
        places = _along(np.array(self.path, np.float32), FRAMES)
        with torch.no_grad():
            drawn = self.decoders[self.plane](torch.tensor(places)).numpy()
        share = np.linspace(0, 1, FRAMES, dtype=np.float32)[:, None]
        faded = (1 - share) * drawn[0] + share * drawn[-1]
        (far, nearest), (faded_far, _) = self._nearest(drawn), self._nearest(faded)
        return {
            "places": places, "drawn": drawn, "faded": faded, "far": far, "faded_far": faded_far,
            "nearest": self.images[nearest[-1]]}

    def _nearest(self, images):
        """(distances (N,), which of the real digits (N,)) of what is nearest to each image."""
        squares = (images**2).sum(1)[:, None] + (self.images**2).sum(1) - 2 * images @ self.images.T
        nearest = squares.argmin(axis=1)
        apart = images - self.images[nearest]  # once more, since small differences of large squares are rounded
        return np.sqrt((apart**2).mean(axis=1)), nearest

    def describe(self, seen=None):
        """The picture in one line of text."""
        seen = seen or self.look()
        x, y = self.path[-1]
        length = np.linalg.norm(np.diff(self.path, axis=0), axis=1).sum() if len(self.path) > 1 else 0.0
        words = (
            f"{self.plane}, at ({x:.2f}, {y:.2f}): the digit drawn there is {seen['far'][-1]:.3f} from the nearest real "
            f"one. On the path so far, {length:.2f} long, drawn digits are at most {seen['far'].max():.3f} away; faded "
            f"pixels {seen['faded_far'].max():.3f}.")
        return words.replace("-", "−")

    def to_html(self, seen=None):
        """The picture of what is chosen, with its line of text as the alternative."""
        seen = seen or self.look()
        return self._pictures[self.plane].draw(seen, np.array(self.path), self.describe(seen))

    def show(self):
        """A still picture, folded away, and the controls (without a kernel only the first is left)."""
        from IPython.display import HTML, display

        seen = self.look()
        said = html.escape(self.describe(seen))
        display(HTML(f"<details><summary>The lab as a still picture. {said}</summary>{self.to_html(seen)}</details>"))
        display(self.widget())

    def widget(self):
        """The controls, and below them the picture, on which the path is painted."""
        import ipywidgets

        wide = ipywidgets.Layout(width="24em")
        plane = ipywidgets.SelectionSlider(
            options=list(self.decoders), value=self.plane, description="plane", layout=wide)
        begin = ipywidgets.Button(description="begin a path here", tooltip="The path begins at the point")
        said = ipywidgets.HTML()

        def on_the_plane(action):
            def act(x, y):
                place = _place(x, y, *self.bounds[self.plane])
                if place:
                    action(*place)
                    redraw()
            return act

        def move(down, right):
            self.move(down, right)
            redraw()

        def chosen(change):
            self.choose(change["new"])
            redraw()

        def anew(_):
            self.begin()
            redraw()

        def redraw():
            seen = self.look()
            said.value = f"<code>{html.escape(self.describe(seen))}</code>"
            picture.picture = self.to_html(seen)

        label = "Click on the plane, paint with the button held down, or move with the arrow keys."
        picture = clickable(label, on_the_plane(self.point), move, on_the_plane(self.paint))
        plane.observe(chosen, "value")
        begin.on_click(anew)
        redraw()
        below = [picture, said]  # the text below, since the picture must not move while one paints on it
        return ipywidgets.VBox([ipywidgets.HBox([plane, begin]), *below])


def _array(numbers):
    return np.asarray(numbers.detach().numpy() if isinstance(numbers, torch.Tensor) else numbers)


def _bounds(codes):
    """((x, y) of the middle, how far the plane reaches from there to each side): all codes, and a little more."""
    low, high = codes.min(axis=0), codes.max(axis=0)
    return tuple(map(float, (low + high) / 2)), 1.06 * float((high - low).max()) / 2


def _along(path, count):
    """`count` places (count, 2) on a path of straight pieces (n, 2), as far apart as each other along it."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    at = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(at, lengths, path[:, axis]) for axis in (0, 1)], axis=1).astype(np.float32)


def _place(x, y, middle, reach):
    """The point of the plane at a place of the picture, given as shares of its width and height; None beside it."""
    across, up = (x - LEFT) / SIDE, (1 - y - BOTTOM) / (SIDE * WIDTH / HEIGHT)
    if not (0 <= across <= 1 and 0 <= up <= 1):
        return None
    return middle[0] + (2 * across - 1) * reach, middle[1] + (2 * up - 1) * reach


class Picture:
    """The figure of a plane: numerals, axes and words are drawn once, and what moves above them (see Ground)."""

    def __init__(self, codes, labels, middle, reach):
        self.figure = figure(WIDTH, HEIGHT)
        moving = self._plane(codes, labels, middle, reach) + self._digits() + self._strips()
        self.ground = Ground(self.figure, moving)

    def _plane(self, codes, labels, middle, reach):
        axes = self.figure.add_axes((LEFT, BOTTOM, SIDE, SIDE * WIDTH / HEIGHT))
        axes.set(xlim=(middle[0] - reach, middle[0] + reach), ylim=(middle[1] - reach, middle[1] + reach))
        axes.tick_params(labelsize=8, colors=GREY)
        axes.set_title("the plane of codes: click, paint, or use the arrow keys", fontsize=10, loc="left")
        for digit in np.unique(labels):
            x, y = codes[labels == digit].T
            colour = COLOURS[int(digit) % len(COLOURS)]
            axes.scatter(x, y, marker=f"${digit}$", s=26, color=colour, alpha=0.6, linewidths=0)
        (self.line,) = axes.plot([], [], color=BLUE, linewidth=2.5)
        (self.places,) = axes.plot([], [], "o", color="white", markeredgecolor=BLUE, markersize=5)
        (self.here,) = axes.plot([], [], "o", color=BLUE, markeredgecolor="white", markersize=11)
        return [self.line, self.places, self.here]

    def _digits(self):
        self.drawn = self._sheet((0.53, 0.50, 0.22, 0.30), "drawn at the point")
        self.nearest = self._sheet((0.77, 0.50, 0.22, 0.30), "the nearest real digit")
        self.far = self.figure.text(0.76, 0.44, "", fontsize=11, ha="center")
        return [self.drawn, self.nearest, self.far]

    def _strips(self):
        self.along = self._sheet((LEFT, 0.165, 0.94, 0.11), "drawn along the path, from its beginning to the point")
        self.faded = self._sheet((LEFT, 0.01, 0.94, 0.11), "the pixels of its two ends, faded into each other")
        return [self.along, self.faded]

    def _sheet(self, where, title):
        axes = self.figure.add_axes(where)
        axes.set_title(title, fontsize=10, loc="left" if where[0] == LEFT else "center", pad=4)
        axes.set_axis_off()
        blank = np.zeros((SQUARE, _strip_width()) if where[0] == LEFT else (SQUARE, SQUARE))
        return axes.imshow(blank, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")

    def draw(self, seen, path, alt):
        """The <img> for these numbers."""
        self.line.set_data(*path.T)
        self.places.set_data(*seen["places"].T)
        self.here.set_data(*path[-1:].T)
        self.drawn.set_data(seen["drawn"][-1].reshape(SQUARE, SQUARE))
        self.nearest.set_data(seen["nearest"].reshape(SQUARE, SQUARE))
        self.far.set_text(f"{seen['far'][-1]:.3f} apart, root mean square of a pixel")
        self.along.set_data(_strip(seen["drawn"]))
        self.faded.set_data(_strip(seen["faded"]))
        return self.ground.draw(alt)


def _strip_width():
    """Pixels of a row of images with a gap of two between them."""
    return FRAMES * (SQUARE + 2) - 2


def _strip(images):
    """Images (9, 64) side by side, (8, 88)."""
    sheet = np.zeros((SQUARE, _strip_width()), np.float32)
    for number, one in enumerate(images):
        left = number * (SQUARE + 2)
        sheet[:, left : left + SQUARE] = one.reshape(SQUARE, SQUARE)
    return sheet
