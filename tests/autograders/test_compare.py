"""Comparing: no order of adding up is ever called wrong, and differences are told exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograders.compare import Expected, close, difference, kind_of, show
from autograders.spec import multilinear_rounding


def total(values):
    return values.sum()


rounding_of_total = multilinear_rounding(total)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.floats(-6, 6), st.booleans())
def test_a_float32_sum_in_any_order_is_right(seed, count, exponent, cancelling):
    rng = np.random.default_rng(seed)
    values = (rng.standard_normal(count) * 10.0**exponent).astype(np.float32)
    if cancelling:  # nearly nothing is left of the sum, all of its rounding is
        values = np.concatenate([values, -values])
    running = np.float32(0)
    for value in rng.permutation(values):
        running = np.float32(running + value)
    exact = values.astype(np.float64)
    expected = Expected(np.asarray(total(exact)), np.dtype(np.float32), rounding_of_total(exact))
    assert close(np.asarray(running), expected.array, expected.allowed(running.dtype))


def test_rounding_counts_terms_and_adds_their_sizes():
    a, b = np.full((2, 3), -2.0), np.full((3, 2), 5.0)
    rounding = multilinear_rounding(lambda a, b: a @ b)(a, b)
    np.testing.assert_array_equal(rounding, (3 + 1) * 30 * np.ones((2, 2)))


def test_a_float32_result_of_float64_inputs_is_allowed_float32s_rounding():
    expected = Expected(np.asarray(1.0), np.dtype(np.float64), np.asarray(1.0))
    assert expected.allowed(np.dtype(np.float32)) == np.finfo(np.float32).eps
    assert expected.allowed(np.dtype(np.float64)) == np.finfo(np.float64).eps
    assert expected.allowed(np.dtype(np.float16)) == np.finfo(np.float64).eps


@pytest.mark.parametrize(
    "yours, right",
    [([1.0, 2.0], True), ([1.0, 2.1], False), ([1.0, np.nan], False), ([1.0, np.inf], False), ([[1.0, 2.0]], False)],
)
def test_close(yours, right):
    assert close(np.array(yours), np.array([1.0, 2.0]), np.full(2, 1e-9)) is right


def test_nan_and_inf_agree_with_themselves_alone():
    wild = np.array([np.nan, np.inf, -np.inf])
    assert close(wild, wild, np.zeros(3))
    assert not close(wild, -wild, np.ones(3))


def test_small_arrays_are_printed_and_big_ones_described():
    assert show(np.array([1.5, 2.0])) == "[1.5, 2. ]  shape (2,), float64"
    assert show(np.zeros((100, 100))) == "array of shape (100, 100), float64"
    assert show(np.zeros((0, 3))) == "array of shape (0, 3), float64"


def test_a_difference_names_the_first_place_and_the_largest_distance():
    yours, expected = np.zeros((10, 10)), np.zeros((10, 10))
    yours[3, 4], yours[5, 6] = 0.25, -2
    words = difference(yours, expected, np.zeros((10, 10)))
    assert words == "first at [3, 4]: yours 0.25, expected 0\n2 of 100 differ; the largest difference is 2"


@pytest.mark.parametrize(
    "value, words",
    [(None, "None"), ([1], "a list"), (1, "an int"), ((1,), "a tuple of 1 result"), ((1, 2), "a tuple of 2 results")],
)
def test_kinds_are_called_by_name(value, words):
    assert kind_of(value) == words
