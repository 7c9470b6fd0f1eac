"""LocalSession: calls on copies, keeps quiet, and lets nothing but plain values out."""

import sys
import warnings

import numpy as np
import pytest

from autograders.session import (
    Described, LocalSession, Missing, Opaque, Raised, Returned, crossing, is_blank, source_of)


def test_the_callers_arrays_stay_as_they_are_and_the_change_is_seen():
    def fills(a, b):
        a[...] = 7
        return b

    mine = np.zeros((2, 3)).T
    outcome = LocalSession(fills).call(mine, 5)
    assert outcome.value == 5 and np.all(mine == 0) and np.all(outcome.inputs[0] == 7)
    assert outcome.inputs[0].strides == mine.strides, "a transposed array must reach the answer transposed"


def test_a_result_that_is_a_view_of_an_input_is_cut_loose():
    outcome = LocalSession(lambda a: a[:2]).call(np.zeros(3))
    assert not np.shares_memory(outcome.value, outcome.inputs[0])


def test_prints_and_warnings_are_kept_quiet(capsys, recwarn):
    def loud(a):
        print("out")
        print("err", file=sys.stderr)
        warnings.warn("careful")
        return np.log(a)

    assert isinstance(LocalSession(loud).call(np.zeros(1)), Returned)
    assert capsys.readouterr() == ("", "") and not recwarn.list


def test_an_exception_comes_with_the_learners_own_line():
    def divides(a):
        return np.array([a / 0 for a in [1]])

    raised = LocalSession(divides).call(np.zeros(1))
    assert (raised.kind, raised.message) == ("ZeroDivisionError", "division by zero")
    assert raised.source == "return np.array([a / 0 for a in [1]])"


def test_an_exception_that_cannot_be_printed_is_still_reported():
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    def fails():
        raise Mute

    assert LocalSession(fails).call().kind == "Mute"


def test_a_list_that_holds_itself_is_an_error_and_no_crash():
    def circular():
        knot = []
        knot.append(knot)
        return knot

    assert isinstance(LocalSession(circular).call(), Raised)


def test_describe():
    assert LocalSession(lambda gradient, shape: 0).describe() == Described(("gradient", "shape"), required=2)
    assert LocalSession(3).describe() == Missing("the answer", found="int")


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value, crossed",
    [
        (np.ones(2).view(Subclass), Opaque("Subclass")),
        (np.array([{}]), Opaque("array of object")),
        (np.array(["a"]), Opaque("array of <U1")),
        ({1: 2}, Opaque("dict")),
        (True, True),
        ("text", "text"),
        (None, None),
        ((1, [2.0, {3}]), (1, [2.0, Opaque("set")])),
    ],
)
def test_only_plain_values_cross(value, crossed):
    assert crossing(value) == crossed


def test_a_numpy_number_crosses_as_an_array_of_no_axes():
    crossed = crossing(np.float32(2))
    assert type(crossed) is np.ndarray and crossed.shape == () and crossed.dtype == np.float32


@pytest.mark.parametrize(
    "source, blank",
    [
        ("def f(a):\n    pass", True),
        ("def f(a):\n    ...", True),
        ('def f(a):\n    """Words."""', True),
        ('    def f(a):\n        """Words."""\n        pass', True),
        ("def f(a):\n    return None", False),
        ("def f(a):\n    a = 1", False),
        ("def f(a):\n    raise NotImplementedError()", False),
        ("x = 1", False),
    ],
)
def test_is_blank(source, blank):
    assert is_blank(source) is blank


def test_what_a_decorator_put_around_a_method_does_not_hide_its_source():
    """`Optimizer` puts its hooks around each subclass's `step`, `no_grad` itself around what it decorates."""
    import engine as torch

    class Climbing(torch.optim.Optimizer):
        @torch.no_grad()
        def step(self):
            raise ValueError("no way up")

    assert source_of(Climbing).startswith("class Climbing") and "no way up" in source_of(Climbing)
