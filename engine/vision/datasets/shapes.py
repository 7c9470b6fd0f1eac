"""Shapes32: coloured shapes on busy backgrounds, drawn when they are asked for, in CIFAR-10's layout.

Each shape is a function that says how far a point lies outside of it, in units of its radius; what colour a pixel has
follows from that. The same pictures come out on every machine: random numbers are PCG64's own bits, whose order numpy
promises, and the arithmetic keeps to what IEEE 754 rounds in one way only (+ - * / and the square root; no sine, no sum
of floats).
"""

import numpy as np

from engine.vision.datasets.vision import LabelledPictures

__all__ = ["Shapes32"]

SIZE = 32
SEEDS = {True: 32, False: 3232}  # of the pictures for training and for testing
EACH = {True: 500, False: 100}  # pictures of each class


class Shapes32(LabelledPictures):
    """Ten shapes, turned, scaled, coloured, with noise and clutter: 5,000 pictures for training, 1,000 for testing.

    A network of three convolutions gets above 90 % of them right.

    root and download are taken, as by other datasets, and not needed: the pictures are drawn, in a few seconds. `data`:
    a uint8 array (N, 32, 32, 3), `targets`: a list of ints. `dataset[i]` is (a PIL picture, or what `transform` makes
    of it; an int).
    """

    classes = ["arrow", "circle", "crescent", "cross", "heart", "pentagon", "ring", "square", "star", "triangle"]

    def _load(self):
        draw = _Draws(SEEDS[self.train])
        pictures = np.concatenate([_pictures(SHAPES[name], EACH[self.train], draw) for name in self.classes])
        targets = np.repeat(np.arange(len(self.classes)), EACH[self.train])
        order = np.argsort(draw(len(targets)), kind="stable")
        return pictures[order], targets[order].tolist()


class _Draws:
    """Uniform numbers from PCG64's bits."""

    def __init__(self, seed):
        self.bits = np.random.PCG64(seed)

    def __call__(self, *shape, low=0.0, high=1.0):
        words = self.bits.random_raw(int(np.prod(shape))).reshape(shape)
        return low + (high - low) * ((words >> np.uint64(11)) * 2.0**-53)

    def noise(self, *shape):
        """Nearly normal numbers of standard deviation 1: four bytes each, added."""
        count = int(np.prod(shape))
        words = self.bits.random_raw(-(-count // 2)).astype("<u8")
        summed = words.view(np.uint8).reshape(-1, 4).astype(np.int32).sum(axis=1)[:count]
        return (summed.reshape(shape) - 510) / 147.8


# ---- the shapes: how far (u, v) lies outside, in radii --------------------------------------------------


def _from_centre(u, v):
    return np.sqrt(u * u + v * v)


def _polygon(*corners):
    def distance(u, v):
        nearest, is_inside = np.full_like(u, 1e9), np.zeros(u.shape, bool)
        for (au, av), (bu, bv) in zip(corners, corners[1:] + corners[:1]):
            du, dv, pu, pv = bu - au, bv - av, u - au, v - av
            along = np.clip((pu * du + pv * dv) / (du * du + dv * dv), 0, 1)
            eu, ev = pu - along * du, pv - along * dv
            nearest = np.minimum(nearest, eu * eu + ev * ev)
            if dv:  # does a ray to the right cross this side?
                is_inside ^= ((av > v) != (bv > v)) & (pu < pv * (du / dv))
        return np.where(is_inside, -1, 1) * np.sqrt(nearest)

    return distance


def _turned(corner, cosine, sine, times):
    """A corner and where it comes to lie when turned once, twice, ..."""
    corners = [corner]
    for _ in range(times - 1):
        u, v = corners[-1]
        corners.append((u * cosine - v * sine, u * sine + v * cosine))
    return corners


def _box(u, v, width, height):
    return np.maximum(np.abs(u) - width, np.abs(v) - height)


def _heart(u, v):
    v = v - 0.1
    tip = (np.abs(u) + np.abs(v) - 0.85) * 0.5**0.5
    return np.minimum(tip, _from_centre(np.abs(u) - 0.425, v + 0.425) - 0.6)


_FIFTH = (5**0.5 - 1) / 4, (10 + 2 * 5**0.5) ** 0.5 / 4  # cosine and sine of a fifth of a turn
_tips, _notches = _turned((0.0, -1.12), *_FIFTH, 5), _turned((0.0, 0.46), *_FIFTH, 5)

SHAPES = {
    "arrow": _polygon((-1.0, -0.3), (0.1, -0.3), (0.1, -0.85), (1.05, 0.0), (0.1, 0.85), (0.1, 0.3), (-1.0, 0.3)),
    "circle": lambda u, v: _from_centre(u, v) - 0.88,
    "crescent": lambda u, v: np.maximum(_from_centre(u, v) - 0.98, 0.82 - _from_centre(u - 0.5, v)),
    "cross": lambda u, v: np.minimum(_box(u, v, 1.0, 0.32), _box(u, v, 0.32, 1.0)),
    "heart": _heart,
    "pentagon": _polygon(*_turned((0.0, -1.0), *_FIFTH, 5)),
    "ring": lambda u, v: np.abs(_from_centre(u, v) - 0.72) - 0.24,
    "square": lambda u, v: _box(u, v, 0.76, 0.76),
    "star": _polygon(*(corner for k in range(5) for corner in (_tips[k], _notches[(k + 3) % 5]))),
    "triangle": _polygon(*_turned((0.0, -1.1), -0.5, 0.75**0.5, 3))}


# ---- the pictures ---------------------------------------------------------------------------------------


def _pictures(shape, count, draw):
    """`count` pictures of one shape, a uint8 array (count, 32, 32, 3)."""
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    back, fore = _colours(count, draw)
    canvas = _background(back, rows, columns, draw)
    _scatter(canvas, 5, rows, columns, draw)

    radius = draw(count, 1, 1, low=8.0, high=13.0)
    room = np.maximum(SIZE / 2 - 1.02 * radius, 0)
    x, y = (SIZE / 2 + room * draw(count, 1, 1, low=-1.0) for _ in range(2))
    cosine, sine = _turn(draw(count, 1, 1, low=-0.35, high=0.35))  # up to 39 degrees either way
    stretch = draw(count, 1, 1, low=0.9, high=1.1)

    def outside(dx, dy):
        """How many pixels each pixel lies outside of the shape, moved by (dx, dy)."""
        u, v = (columns - x - dx) / radius, (rows - y - dy) / radius
        return shape((u * cosine + v * sine) * stretch, (v * cosine - u * sine) / stretch) * radius

    _paint(canvas, np.zeros(3), 0.4 * np.clip(0.6 - outside(1.3, 1.7) / 3, 0, 1))  # its shadow
    distance = outside(0, 0)
    light = 1 + ((x - columns) + (y - rows)) / radius * draw(count, 1, 1, high=0.13)  # from the upper left
    rim = draw(count, 1, 1, low=-0.35, high=0.2) * np.clip(1.6 - np.abs(distance + 1), 0, 1)
    _paint(canvas, fore[:, None, None] * (light + rim)[..., None], np.clip(0.5 - distance, 0, 1))

    _scatter(canvas, 1, rows, columns, draw)
    canvas += draw.noise(*canvas.shape) * draw(count, 1, 1, 1, low=0.01, high=0.05)
    return (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)


def _paint(canvas, colour, cover):
    canvas += (colour - canvas) * cover[..., None]


def _turn(tangent):
    """Cosine and sine of the angles whose halves have this tangent."""
    squared = tangent * tangent
    return (1 - squared) / (1 + squared), 2 * tangent / (1 + squared)


def _direction(count, draw):
    """Cosine and sine of any angles, each (count, 1, 1)."""
    cosine, sine = _turn(draw(count, 1, 1, low=-1.0))
    sign = np.where(draw(count, 1, 1) < 0.5, -1.0, 1.0)
    return sign * cosine, sign * sine


def _rgb(hue, saturation, value):
    """Red, green and blue along a new last dimension."""
    steps = [np.clip(np.abs((hue * 6 + shift) % 6 - 3) - 1, 0, 1) for shift in (0, 4, 2)]
    return np.stack([value * (1 - saturation * (1 - step)) for step in steps], axis=-1)


def _colours(count, draw):
    """A colour for the background and one for the shape, each (count, 3): of five, that which differs most."""
    back = _rgb(draw(count), draw(count, low=0.1, high=0.65), draw(count, low=0.2, high=0.95))
    offered = _rgb(draw(count, 5), draw(count, 5, low=0.45), draw(count, 5, low=0.35))
    red, green, blue = np.moveaxis(np.abs(offered - back[:, None]), -1, 0)
    return back, offered[np.arange(count), np.argmax(red + green + blue, axis=1)]


def _background(colour, rows, columns, draw):
    """A slope from the colour to a lighter or darker one, across it soft stripes; (count, 32, 32, 3)."""
    count = len(colour)
    cosine, sine = _direction(count, draw)
    along = (columns * cosine + rows * sine) / SIZE
    slope = (along - 0.5) * draw(count, 1, 1, low=-0.5, high=0.5)
    across = ((rows * cosine - columns * sine) / draw(count, 1, 1, low=5, high=14) + draw(count, 1, 1)) % 1
    stripes = (np.abs(across - 0.5) - 0.25) * draw(count, 1, 1, high=0.5)
    return colour[:, None, None] * (1 + slope + stripes)[..., None]


def _scatter(canvas, times, rows, columns, draw):
    """Clutter: dots and strokes in any colour, more or less opaque, each on half of the pictures."""
    count = len(canvas)
    for _ in range(times):
        x, y = draw(count, 1, 1, high=SIZE), draw(count, 1, 1, high=SIZE)
        cosine, sine = _direction(count, draw)
        u, v = (columns - x) * cosine + (rows - y) * sine, (rows - y) * cosine - (columns - x) * sine
        half = draw(count, 1, 1, low=0.0, high=5.0)
        beyond = np.maximum(np.abs(u) - half, 0)
        distance = np.sqrt(beyond * beyond + v * v) - draw(count, 1, 1, low=0.4, high=1.5)
        opaque = draw(count, 1, 1, low=0.3, high=0.95) * (draw(count, 1, 1) < 0.5)
        colour = _rgb(draw(count, 1, 1), draw(count, 1, 1, low=0.2), draw(count, 1, 1, low=0.2))
        _paint(canvas, colour, opaque * np.clip(0.5 - distance, 0, 1))
