"""Pictures of wrong images: drawn where they help, true to the numbers, and said in words too."""

import numpy as np
import pytest

import cards
from autograders.compare import Expected
from autograders.mosaic import BAR, FRAME, INFINITE, MARGIN, NAN, Sequential
from autograders.pictures import MOST_CELLS, picture
from autograders.relations import relation
from autograders.session import LocalSession
from autograders.spec import load
from test_png import decode

RNG = np.random.default_rng(0)
RIGHT = RNG.standard_normal((8, 8)).astype(np.float32)


def draw(yours, right=RIGHT, kind="auto"):
    right = np.asarray(right)
    return picture(
        np.asarray(yours), Expected(right.astype(np.float64), np.dtype(np.float32), np.ones(right.shape)), kind
    )


def changed(*index, by=1.0):
    yours = RIGHT.copy()
    yours[index] += by
    return yours


@pytest.mark.parametrize("shape, kind, drawn", [
    ((6, 6), "auto", True),
    ((5, 20), "auto", False),
    ((36,), "auto", False),
    ((3, 8, 8), "auto", True),
    ((2, 3, 8, 8), "auto", True),
    ((2, 2, 2, 8, 8), "auto", False),
    ((2, 0, 8, 8), "auto", False),
    ((2, 3), "image", True),
    ((1, 8), "image", False),
    ((8, 8), "none", False),
])  # fmt: skip
def test_the_shape_and_the_spec_decide_what_is_an_image(shape, kind, drawn):
    assert (draw(np.zeros(shape), np.ones(shape), kind) is not None) == drawn


def test_a_spec_says_how_to_draw_or_is_refused():
    with pytest.raises(ValueError, match="picture must be one of"):
        type(cards.CORRELATE)(**{**vars(cards.CORRELATE), "picture": "yes"})
    assert load("autograd/unbroadcast").picture == "auto"


def test_each_number_has_its_square():
    """The middle of each square of `yours` has the colour that its number's place on the colour bar has."""
    drawn = draw(changed(2, 5))
    dots = decode(drawn.png)
    column = dots.shape[1] // 3
    scale = dots[-BAR // 2 - FRAME, MARGIN + FRAME : column - MARGIN - FRAME].astype(int)
    low, high = RIGHT.min(), max(RIGHT.max(), changed(2, 5).max())
    side = (column - 2 * MARGIN - 2 * FRAME) // 8
    for row, line in enumerate(changed(2, 5)):
        for place, number in enumerate(line):
            found = dots[FRAME + row * side + side // 2, MARGIN + FRAME + place * side + side // 2].astype(int)
            wanted = scale[round((number - low) / (high - low) * (len(scale) - 1))]
            assert np.abs(found - wanted).max() <= 8, (row, place)


def test_the_difference_is_white_where_they_agree_and_outlined_where_not():
    dots = decode(draw(changed(2, 5)).png)
    column = dots.shape[1] // 3
    side = (column - 2 * MARGIN - 2 * FRAME) // 8
    panel = dots[FRAME : FRAME + 8 * side, 2 * column + MARGIN + FRAME :][:, : 8 * side].astype(int)
    off = panel[2 * side : 3 * side, 5 * side : 6 * side]
    agreeing = panel.copy()
    agreeing[2 * side : 3 * side, 5 * side : 6 * side] = panel[0, 0]
    assert panel[0, 0].min() > 240 and np.all(agreeing == panel[0, 0])
    assert off[side // 2, side // 2, 0] > off[side // 2, side // 2, 2] + 100, "orange: yours is more"
    assert off[0].max() == off[0, 0, 3] and off[0, :, :3].max() < 60, "a dark outline"


def test_nan_and_infinity_have_patterns_and_words():
    yours = changed(0, 0)
    yours[1, 1], yours[2, 2] = np.nan, -np.inf
    drawn = draw(yours)
    assert "1 nan, 1 infinite; expected" in drawn.alt and "differ in 3 of 64 places" in drawn.alt
    assert drawn.legend == "Outlined: where they differ. Hatched, nan (not a number); checkered, infinite."
    assert drawn.relation == ""
    codes = Sequential(yours[None, None].astype(float), 0, 1).indices()
    assert codes[0, 0, 1, 1] == NAN and codes[0, 0, 2, 2] == INFINITE


def test_rounding_is_no_difference():
    yours = changed(3, 3)
    yours[0, 0] = np.nextafter(yours[0, 0], np.float32(9))
    assert "differ in 1 of 64 places: row 3, column 3." in draw(yours).alt


@pytest.mark.parametrize("by", [1e30, -1e30])
def test_one_enormous_number_leaves_the_others_visible(by):
    drawn = draw(changed(0, 0, by=by))
    assert all(abs(float(end)) < 10 for end in (drawn.panels[0].low, drawn.panels[0].high))
    assert f"Yours goes beyond the scale, to {by:g}." in drawn.legend


def test_infinity_that_is_right_is_no_difference():
    right, yours = RIGHT.copy(), changed(4, 4)
    right[0, 0] = yours[0, 0] = np.inf
    dots = decode(draw(yours, right).png)
    assert dots[20:30, -MARGIN - FRAME - 340 : -MARGIN - FRAME - 330, :3].min() > 240, "white"
    assert "differ in 1 of 64 places" in draw(yours, right).alt


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("extreme", [np.full((8, 8), np.nan), np.full((8, 8), np.inf), np.full((8, 8), 1.7e308)])
def test_numbers_without_a_range_are_drawn_all_the_same(extreme):
    assert draw(extreme).png and draw(np.ones((8, 8)), np.zeros((8, 8))).png
    assert draw(-extreme, extreme) is None if np.isnan(extreme).all() else draw(-extreme, extreme).png


def test_of_a_big_batch_the_images_that_differ_are_shown():
    right = RNG.standard_normal((9, 7, 100, 10))
    yours = right.copy()
    yours[6, 4, 90, 3] += 1
    drawn = draw(yours, right)
    assert "image 6, channel 4, row 90, column 3" in drawn.alt
    shown = drawn.legend.split("Shown: ")[1]
    assert "6" in shown.split(", channel")[0] and "rows 36 to 99 of 100" in shown
    assert drawn.sketched == "image 6, channel 4, rows 89 to 91, columns 2 to 4; two rows a line"


def test_an_image_of_any_size_makes_a_small_picture():
    """A learner's array of a million numbers does not become a page of a million dots."""
    huge = draw(RNG.standard_normal((1, 1, 1000, 1000)), np.zeros((1, 1, 1000, 1000)))
    assert huge.width < 1200 and len(huge.png) < 100_000
    wide = draw(np.zeros((4, 4, 6, 5000)), np.ones((1, 1, 6, 6)))
    assert wide.width < 1200 and f"columns 0 to {MOST_CELLS - 1} of 5000" in wide.legend


def test_an_enormous_array_is_not_looked_at():
    """The grader's memory is not the learner's to fill: each step would copy the array as float64."""
    assert draw(np.broadcast_to(np.int8(1), (3000, 3000))) is None


def test_two_shapes_are_drawn_without_a_difference():
    drawn = draw(RIGHT[1:-1, 1:-1])
    assert [panel.title for panel in drawn.panels] == ["yours", "expected"]
    assert "yours, 6 rows by 6 columns, and the expected one, 8 rows by 8 columns" in drawn.alt
    assert drawn.sketch == ""


def test_the_sketch_has_two_rows_a_line():
    yours = RIGHT.copy()
    yours[2, 2:4] += 1
    yours[3, 3] += 1
    assert draw(yours).sketched == "rows 1 to 4, columns 1 to 4; two rows a line"
    assert draw(yours).sketch.split("\n") == ["·▄▄·", "··▀·"]


def test_equal_numbers_make_equal_bytes():
    """Grading twice gives the same feedback."""
    assert draw(changed(1, 1)) == draw(changed(1, 1))


CHANGES = [
    (lambda image: image[::-1], "upside down"),
    (lambda image: image[:, ::-1], "mirrored left to right"),
    (lambda image: image[::-1, ::-1], "turned by 180 degrees"),
    (lambda image: image.T, "with rows and columns swapped"),
    (lambda image: -image, "with the opposite sign"),
    (lambda image: np.roll(image, 1, axis=0), "moved one row down"),
    (lambda image: np.roll(image, -1, axis=0), "moved one row up"),
    (lambda image: np.roll(image, 1, axis=1), "moved one column right"),
    (lambda image: np.roll(image, -1, axis=1), "moved one column left"),
]


@pytest.mark.parametrize("change, words", CHANGES, ids=[words for _, words in CHANGES])
def test_one_slip_is_named(change, words):
    assert draw(change(RIGHT)).relation == f"Yours is the expected picture {words}."


def test_other_simple_relations_are_named():
    assert draw(RIGHT * np.float32(0.5)).relation == "Yours is 0.5 times the expected picture."
    assert draw(RIGHT + np.float32(2)).relation == "Yours is the expected picture with 2 added everywhere."
    assert draw(np.zeros_like(RIGHT)).relation == "Yours is 0 everywhere."
    batch = RNG.standard_normal((3, 8, 8))
    assert draw(batch[::-1], batch).relation == "Yours is the expected picture with the pictures in reverse order."


def test_no_relation_is_made_up():
    """One number that is otherwise breaks the rule; an even picture is not called moved."""
    for change, _ in CHANGES[:5]:
        yours = change(RIGHT).copy()
        yours[4, 4] += 0.5
        assert draw(yours).relation == ""
    even = np.zeros((8, 8))
    even[0] = 1
    assert relation(np.zeros((8, 8)) + 0.25 * np.eye(8), even, 1e-6) == ""
    last = np.zeros((8, 8))
    last[-1] = 5
    assert relation(last, even, 1e-6) == ""
    assert draw(RNG.standard_normal((8, 8))).relation == ""


def test_the_judge_gives_wrong_images_a_picture_and_others_none():
    kinds = cards.every_kind()
    with_picture = {name for name, report in kinds.items() if report.failure and report.failure.picture}
    assert with_picture == {"picture", "picture-outlined", "picture-of-two-sizes", "picture-with-nan"}


def test_only_wrong_numbers_are_drawn():
    """A wrong dtype or a changed input is no matter of how the result looks; None has no picture."""
    right = cards.CORRELATE.reference
    in_double = cards.judged(cards.CORRELATE, lambda image, kernel: right(image, kernel).astype(np.float64))
    assert in_double.failure.stage == "dtype" and in_double.failure.picture is None
    wrong_too = cards.judged(cards.CORRELATE, lambda image, kernel: 1.0 + right(image, kernel).astype(np.float64))
    assert wrong_too.failure.stage == "dtype" and wrong_too.failure.picture is None
    assert cards.judged(cards.CORRELATE, lambda image, kernel: None).failure.picture is None

    def spoils(image, kernel):
        result = right(image, kernel)
        image[...] = 0
        return result

    spoilt = cards.judged(cards.CORRELATE, spoils)
    assert spoilt.failure.stage == "inputs unmutated" and spoilt.failure.picture is None


def test_an_array_that_is_none_is_never_looked_into():
    class Liar(np.ndarray):
        """An array in name."""

    report = cards.judge(cards.CORRELATE, LocalSession(lambda image, kernel: np.ones((10, 10)).view(Liar)), seed=1)
    assert report.failure.picture is None
