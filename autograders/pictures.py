"""Two images that should be the same, as one picture: yours, expected, and the difference of the two.

Whatever the learner's code made gets in as numbers only. What the picture shows is also said in words (`alt`), and
sketched in letters for where there are no pictures (`sketch`).
"""

from dataclasses import dataclass

import numpy as np

from autograders import mosaic
from autograders.compare import Expected, as_array
from autograders.problems import WRONG, Problem, parts_of
from autograders.relations import relation
from autograders.spec import Spec

SMALLEST = {"auto": 6, "image": 2}  # rows and columns from which on an array is drawn
MOST_NUMBERS = 2**22  # in arrays that are looked at: a wrong answer may be as big as its limits allow
MOST_CELLS = 64  # rows and columns drawn of one image
ROOM = 132  # rows and columns of all the images of a panel together
MOST_TILES = 4  # images along a side of a panel


@dataclass(frozen=True)
class Panel:
    """One part of a picture: its title, and what the ends and perhaps the middle of its colour bar stand for."""

    title: str
    low: str
    high: str
    middle: str = ""


@dataclass(frozen=True)
class Picture:
    """A PNG file, the panels in it from left to right, and the same in words.

    `alt` describes it to who doesn't see it, `legend` says what its marks mean. `ranges` sums up the numbers of both.
    `relation` says how yours comes from the expected one, if it does in a simple way. `sketch` draws in letters what
    `sketched` names: where the two differ.
    """

    png: bytes
    width: int
    panels: tuple[Panel, ...]
    alt: str
    ranges: str
    relation: str = ""
    legend: str = ""
    sketched: str = ""
    sketch: str = ""


def picture_of(spec: Spec, problem: Problem) -> Picture | None:
    """The picture of what a problem is about; None if that is no wrong image."""
    values = parts_of(spec, problem.trial.outcome)
    yours = as_array(values[problem.part]) if values is not None else None
    if problem.stage not in WRONG or yours is None:
        return None
    expected = problem.trial.expected[problem.part]
    return picture(yours, expected, spec.picture)


@np.errstate(invalid="ignore", over="ignore")  # inf - inf; differences too big to be numbers
def picture(yours: np.ndarray, expected: Expected, kind: str = "auto") -> Picture | None:
    """Yours beside the expected array, or None if they are no images or don't differ.

    Images are arrays (H, W), (N, H, W) or (N, C, H, W); with `kind` "auto" of at least 6 rows and columns, with "image"
    of 2, and with "none" never. Arrays of more than 4 million numbers are not drawn. Of two shapes there is no
    difference to draw.
    """
    if kind == "none" or not (_is_image(yours, kind) and _is_image(expected.array, kind)):
        return None
    allowed = np.broadcast_to(expected.allowed(yours.dtype), expected.array.shape)
    mine, right = yours.astype(np.float64), expected.array.astype(np.float64)
    if mine.shape != right.shape:
        return _of_two_shapes(mine, right)
    gap = mine - right
    equal = (np.abs(gap) <= allowed) | (mine == right) | (np.isnan(mine) & np.isnan(right))
    if equal.all():
        return None
    return _of_one_shape(mine, right, np.where(equal, 0.0, gap), ~equal, float(allowed.max(initial=0.0)))


def _is_image(array: np.ndarray, kind: str) -> bool:
    return 2 <= array.ndim <= 4 and 0 < array.size <= MOST_NUMBERS and min(array.shape[-2:]) >= SMALLEST[kind]


def _of_one_shape(mine, right, gap, off, allowed) -> Picture:
    view = View.around(_four(off))
    shown = [view.of(_four(array)) for array in (mine, right, gap, off)]
    low, high = _scale(shown[0], shown[1])
    limit = _largest(shown[2])
    panels = (Panel("yours", _short(low), _short(high)), Panel("expected", _short(low), _short(high)))
    panels += (Panel("yours - expected", _short(-limit) if limit else "", _short(limit) if limit else "", "0"),)
    png, width = mosaic.paint(
        [mosaic.Sequential(shown[0], low, high), mosaic.Sequential(shown[1], low, high)],
        mosaic.Diverging(shown[2], limit or 1.0, shown[3].astype(bool)),
    )
    ranges = _ranges(mine, right)
    where = f"They differ in {np.count_nonzero(off)} of {off.size} places: {_place(off)}."
    alt = f"Three pictures side by side, {_size(mine)}: yours, expected, and their difference. {ranges} {where}"
    outline = "" if np.all(shown[3]) else "Outlined: where they differ."
    legend = _sentences(view.words, _beyond(shown[0], low, high), outline, _marks(shown))
    return Picture(png, width, panels, alt, ranges, relation(mine, right, allowed), legend, *_sketch(off))


def _of_two_shapes(mine, right) -> Picture:
    views = [View.around(np.zeros(_four(array).shape, bool)) for array in (mine, right)]
    shown = [view.of(_four(array)) for view, array in zip(views, (mine, right))]
    low, high = _scale(*shown)
    panels = (Panel("yours", _short(low), _short(high)), Panel("expected", _short(low), _short(high)))
    png, width = mosaic.paint([mosaic.Sequential(array, low, high) for array in shown])
    ranges = _ranges(mine, right)
    alt = f"Two pictures side by side: yours, {_size(mine)}, and the expected one, {_size(right)}. {ranges}"
    legend = _sentences(*(view.words for view in views), _beyond(shown[0], low, high), _marks(shown))
    return Picture(png, width, panels, alt, ranges, legend=legend)


# what part of big arrays is drawn


def _four(array: np.ndarray) -> np.ndarray:
    """As (N, C, H, W)."""
    return array.reshape((1,) * (4 - array.ndim) + array.shape) if array.ndim != 3 else array[:, None]


@dataclass(frozen=True)
class View:
    """The images, channels, rows and columns of an array (N, C, H, W) that are drawn; `words` say so if not all are."""

    axes: tuple[np.ndarray, ...]
    words: str

    @classmethod
    def around(cls, off: np.ndarray) -> "View":
        """A view of the places that differ, as far as there is room for them."""
        rows, columns = (_window(off, axis) for axis in (2, 3))
        tiles = [min(MOST_TILES, max(1, ROOM // (len(window) + 1))) for window in (rows, columns)]
        images, channels = _chosen(off, 0, tiles[0]), _chosen(off, 1, tiles[1])
        axes = (images, channels, rows, columns)
        names = ("image", "channel", "row", "column")
        parts = [
            f"{name}{'' if len(kept) == 1 else 's'} {_listed(kept)} of {size}"
            for name, kept, size in zip(names, axes, off.shape)
            if len(kept) < size
        ]
        return cls(axes, f"Shown: {', '.join(parts)}." if parts else "")

    def of(self, array: np.ndarray) -> np.ndarray:
        """That part of an array (N, C, H, W)."""
        return array[np.ix_(*self.axes)]


def _window(off: np.ndarray, axis: int) -> np.ndarray:
    """At most MOST_CELLS neighbouring places along an axis, the first that differs among them."""
    size = off.shape[axis]
    first = int(_along(off, axis).argmax())
    start = max(0, min(first - 4, size - MOST_CELLS))
    return np.arange(start, min(size, start + MOST_CELLS))


def _chosen(off: np.ndarray, axis: int, count: int) -> np.ndarray:
    """`count` places along an axis: those that differ first, in their order."""
    order = np.argsort(~_along(off, axis), kind="stable")
    return np.sort(order[:count])


def _along(off: np.ndarray, axis: int) -> np.ndarray:
    return off.any(axis=tuple(other for other in range(off.ndim) if other != axis))


# numbers


def _scale(mine: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """What the darkest and the lightest colour stand for: all numbers, up to three times the right ones' range."""
    right, mine = right[np.isfinite(right)], mine[np.isfinite(mine)]
    if right.size == 0:
        right = mine if mine.size else np.zeros(1)
    low, high = right.min(), right.max()
    reach = (high - low) or abs(high) or 1.0
    low, high = max(low - reach, mine.min(initial=low)), min(high + reach, mine.max(initial=high))
    return (float(low), float(high)) if low < high else (float(low), float(low + reach))


def _largest(gap: np.ndarray) -> float:
    return float(np.abs(gap[np.isfinite(gap)]).max(initial=0.0))


def _short(number: float) -> str:
    return f"{number:.3g}"


# words


def _sentences(*sentences: str) -> str:
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))


def _size(array: np.ndarray) -> str:
    height, width = array.shape[-2:]
    rows_and_columns = f"{height} rows by {width} columns"
    if array.ndim == 2:
        return rows_and_columns
    return f"{' x '.join(str(size) for size in array.shape[:-2])} images of {rows_and_columns}"


def _ranges(mine: np.ndarray, right: np.ndarray) -> str:
    return f"Yours has {_range(mine)}; expected are {_range(right)}."


def _range(array: np.ndarray) -> str:
    finite = array[np.isfinite(array)]
    words = f"numbers from {_short(finite.min())} to {_short(finite.max())}" if finite.size else "no finite numbers"
    return ", ".join([words, *(f"{count} {name}" for name, count in _odd(array).items() if count)])


def _odd(array: np.ndarray) -> dict[str, int]:
    return {"nan": int(np.isnan(array).sum()), "infinite": int(np.isinf(array).sum())}


def _place(off: np.ndarray) -> str:
    """Where they differ, as the smallest box that holds it all."""
    if off.all():
        return "everywhere"
    names = ("image", "channel")[: off.ndim - 2] + ("row", "column")
    parts = []
    for axis, name in enumerate(names):
        where = np.nonzero(_along(off, axis))[0]
        parts.append(f"{name}{'' if len(where) == 1 else 's'} {_listed(where)}")
    return ", ".join(parts)


def _listed(places: np.ndarray) -> str:
    """0 to 3, or 0 and 2, or, of many with gaps, the first and the last."""
    if len(places) == 1:
        return str(places[0])
    if len(places) == places[-1] - places[0] + 1 or len(places) > MOST_TILES:
        return f"{places[0]} to {places[-1]}"
    return f"{', '.join(map(str, places[:-1]))} and {places[-1]}"


def _beyond(mine: np.ndarray, low: float, high: float) -> str:
    finite = mine[np.isfinite(mine)]
    ends = [f"{_short(end)}" for end in (finite.min(initial=low), finite.max(initial=high)) if not low <= end <= high]
    return f"Yours goes beyond the scale, to {' and '.join(ends)}." if ends else ""


def _marks(arrays: list[np.ndarray]) -> str:
    has_nan, has_infinity = (any(test(array).any() for array in arrays) for test in (np.isnan, np.isinf))
    marks = ["hatched, nan (not a number)"] * has_nan + ["checkered, infinite"] * has_infinity
    return f"{'; '.join(marks).capitalize()}." if marks else ""


# the sketch

HALVES = {(False, False): "·", (True, False): "▀", (False, True): "▄", (True, True): "█"}  # two rows in one line


def _sketch(off: np.ndarray) -> tuple[str, str]:
    """What is sketched, and where in it the first image that is off differs: filled, or half filled, where it does."""
    if off.all():
        return "", ""
    tiles = _four(off)
    image = tuple(int(index) for index in np.argwhere(tiles.any(axis=(2, 3)))[0])
    rows, columns = (_stretch(tiles[image], axis) for axis in (0, 1))
    cells = tiles[image][np.ix_(rows, columns)]
    cells = np.pad(cells, ((0, len(cells) % 2), (0, 0)))
    lines = [
        "".join(HALVES[bool(above), bool(below)] for above, below in zip(*two)) for two in zip(cells[::2], cells[1::2])
    ]
    place = {2: "", 3: f"image {image[0]}, ", 4: f"image {image[0]}, channel {image[1]}, "}[off.ndim]
    return f"{place}rows {_listed(rows)}, columns {_listed(columns)}; two rows a line", "\n".join(lines)


def _stretch(tile: np.ndarray, axis: int) -> np.ndarray:
    """The places along an axis from the first that differs to the last, with a neighbour to either side."""
    where = np.nonzero(tile.any(axis=1 - axis))[0]
    first, last = max(0, where[0] - 1), min(tile.shape[axis] - 1, where[-1] + 1)
    return np.arange(first, last + 1)[:MOST_CELLS]
