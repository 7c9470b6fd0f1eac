"""Numbers painted as panels of little squares, side by side in one PNG, each panel above its colour bar.

The ground is transparent and every frame grey, so that the picture stands on light and dark pages alike.
"""

import math
from dataclasses import dataclass

import numpy as np

from autograders import colours, png

SIDE = 352  # dots along a panel, about; half as many on the page, so that screens with fine dots show sharp edges
MARGIN = 16  # dots to either side of a panel
SPACE, BAR = 14, 18  # dots above a colour bar, and of the bar
FRAME = 2  # dots of a frame or an outline
WIDEST_STRIPE = 8  # dots of a stripe, or of a square of a checker board, in big cells

CLEAR, GREY, PALE, DARK = range(4)
STEPS = 121  # an odd number: the middle of the diverging colours is zero
FIRST_SEQUENTIAL, FIRST_DIVERGING = 4, 4 + STEPS
NAN, INFINITE = -1, -2  # cells that have a pattern instead of a colour


@dataclass(frozen=True)
class Sequential:
    """Numbers (N, C, H, W), from `low`, dark, to `high`, light; what lies beyond has the colour of that end."""

    cells: np.ndarray
    low: float
    high: float

    def indices(self) -> np.ndarray:
        return _indices(self.cells, self.low, self.high, FIRST_SEQUENTIAL)

    def outlined(self) -> np.ndarray:
        return np.zeros(self.cells.shape, bool)


@dataclass(frozen=True)
class Diverging:
    """Numbers (N, C, H, W) from `-limit`, purple, over zero, white, to `limit`, orange; `off` ones are outlined."""

    cells: np.ndarray
    limit: float
    off: np.ndarray

    def indices(self) -> np.ndarray:
        return _indices(self.cells, -self.limit, self.limit, FIRST_DIVERGING)

    def outlined(self) -> np.ndarray:
        return self.off


def paint(panels: list[Sequential], difference: Diverging | None = None) -> tuple[bytes, int]:
    """The PNG and the width in pixels at which it is meant to be shown; every panel gets an equal share of it."""
    everything = [*panels, difference] if difference is not None else panels
    longest = max(
        max(_grid(panel.cells)[axis] * panel.cells.shape[2 + axis] for axis in (0, 1)) for panel in everything
    )
    dots = max(2, SIDE // longest // 2 * 2)  # along a cell; even, because it is shown at half its size
    painted = [_panel(panel, dots) for panel in everything]
    width = max(SIDE, *(each.shape[1] for each in painted)) + 2 * MARGIN
    height = max(each.shape[0] for each in painted)
    columns = []
    for panel, each in zip(everything, painted):
        first = FIRST_DIVERGING if panel is difference else FIRST_SEQUENTIAL
        bar = _framed(np.tile(_ramp(width - 2 * MARGIN - 2 * FRAME) + first, (BAR, 1)))
        columns.append(
            np.vstack([_centred(each, height, width), np.zeros((SPACE, width), int), _centred(bar, len(bar), width)])
        )
    whole = np.hstack(columns)
    return png.encode(whole, _palette()), whole.shape[1] // 2


def _palette() -> np.ndarray:
    own = np.array([[0, 0, 0], [128, 128, 128], [222, 222, 222], [40, 40, 40]], np.uint8)
    shades = np.concatenate([own, colours.sequential(STEPS), colours.diverging(STEPS)])
    opacity = np.full((len(shades), 1), 255, np.uint8)
    opacity[CLEAR] = 0
    return np.hstack([shades, opacity])


def _indices(cells: np.ndarray, low: float, high: float, first: int) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        along = np.clip(
            (cells / 2 - low / 2) / (high / 2 - low / 2), 0, 1
        )  # halves: high - low may be too big a number
    steps = np.rint(np.where(np.isfinite(cells), along, 0) * (STEPS - 1)).astype(int)
    return np.where(np.isnan(cells), NAN, np.where(np.isinf(cells), INFINITE, first + steps))


def _ramp(width: int) -> np.ndarray:
    return np.rint(np.linspace(0, STEPS - 1, width)).astype(int)


def _grid(cells: np.ndarray) -> tuple[int, int]:
    """Rows and columns of images in a panel: channels side by side, or images alone in nearly a square."""
    images, channels = cells.shape[:2]
    if channels > 1:
        return images, channels
    columns = math.ceil(math.sqrt(images))
    return math.ceil(images / columns), columns


def _panel(panel: Sequential | Diverging, dots: int) -> np.ndarray:
    rows, columns = _grid(panel.cells)
    tiles = [
        _framed(_tile(cells, off, dots))
        for cells, off in zip(_flat(panel.indices()), _flat(panel.outlined()), strict=True)
    ]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (rows * columns - len(tiles))
    lines = [_beside(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    return _beside(lines, axis=0)


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(-1, *array.shape[2:])


def _beside(parts: list[np.ndarray], axis: int) -> np.ndarray:
    """Joined along an axis, a gap between them."""
    gap = np.zeros((MARGIN // 2, parts[0].shape[1]) if axis == 0 else (parts[0].shape[0], MARGIN // 2), int)
    joined = parts[0]
    for part in parts[1:]:
        joined = np.concatenate([joined, gap, part], axis=axis)
    return joined


def _tile(cells: np.ndarray, off: np.ndarray, dots: int) -> np.ndarray:
    """One image: a square for each number, patterns where it is not finite, an outline around what is off."""
    squares = _enlarged(cells, dots)
    down, right = np.indices(squares.shape)
    stripe = max(1, min(WIDEST_STRIPE, dots // 3))
    stripes, board = (down + right) // stripe % 2, (down // stripe + right // stripe) % 2
    squares = np.where(squares == NAN, np.where(stripes == 0, PALE, DARK), squares)
    squares = np.where(squares == INFINITE, np.where(board == 0, PALE, DARK), squares)
    if off.all():  # an outline would only be a second frame
        return squares
    inside = _enlarged(off, dots)
    return np.where(inside & ~_shrunk(inside), DARK, squares)


def _enlarged(cells: np.ndarray, dots: int) -> np.ndarray:
    return cells.repeat(dots, axis=0).repeat(dots, axis=1)


def _shrunk(mask: np.ndarray) -> np.ndarray:
    """The mask without a rim of FRAME dots."""
    padded = np.pad(mask, FRAME)
    height, width = mask.shape
    steps = range(2 * FRAME + 1)
    shifted = [padded[down : down + height, right : right + width] for down in steps for right in steps]
    return np.logical_and.reduce(shifted)


def _framed(dots: np.ndarray) -> np.ndarray:
    return np.pad(dots, FRAME, constant_values=GREY)


def _centred(dots: np.ndarray, height: int, width: int) -> np.ndarray:
    whole = np.zeros((height, width), int)
    top, left = (height - dots.shape[0]) // 2, (width - dots.shape[1]) // 2
    whole[top : top + dots.shape[0], left : left + dots.shape[1]] = dots
    return whole
