"""Answers that are alike are found whatever was renamed; answers that differ are not."""

import pytest

from autograders.batch.alike import groups

FIRST = '''
def unbroadcast(gradient, shape):
    """Mine."""
    added = gradient.ndim - len(shape)
    for axis in range(added):
        gradient = gradient.sum(axis=0)
    return gradient.reshape(shape)
'''
RENAMED = """
def unbroadcast(grad, target):  # all by myself

    extra = grad.ndim - len(target)
    for step in range(extra):
        grad = grad.sum(axis=1)
    return grad.reshape(target)
"""
SWAPPED = FIRST.replace("gradient.ndim - len(shape)", "len(shape) - gradient.ndim")
OTHER_CALL = FIRST.replace(".sum(", ".mean(")
OTHER_ORDER = FIRST.replace("len(shape)", "len(gradient)")


def test_names_constants_comments_and_docstrings_do_not_count():
    assert groups({"ben": RENAMED, "ada": FIRST}) == [["ada", "ben"]]


@pytest.mark.parametrize("other", [SWAPPED, OTHER_CALL, OTHER_ORDER])
def test_another_computation_is_not_alike(other):
    assert groups({"ada": FIRST, "ben": other}) == []


def test_the_largest_group_comes_first():
    answers = {"a": SWAPPED, "b": FIRST, "c": RENAMED, "d": FIRST, "e": SWAPPED}
    assert groups(answers) == [["b", "c", "d"], ["a", "e"]]


@pytest.mark.parametrize(
    "source",
    ["def f(x): return x", "def f(:", "x = '\0'", "(" * 5000 + ")" * 5000, "-" * 100_000 + "1", "x" + ".y" * 50_000],
)
def test_what_is_short_or_no_python_is_left_out(source):
    """Whatever a stranger's text makes of the parser, the statistics go on."""
    assert groups({"ada": source, "ben": source}) == []
