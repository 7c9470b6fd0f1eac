"""A classroom made once, from which each test takes a copy of its own."""

import pytest
from classrooms import Classroom


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A prepared classroom. Late submissions lose all points, and a grader may set a deadline."""
    folder = tmp_path_factory.mktemp("made")
    return Classroom(folder).prepare('get_config().LateSubmissionPlugin.penalty_method = "zero"  # noqa: F821\n')


@pytest.fixture
def classroom(made, tmp_path):
    """A fresh copy of it."""
    return made.copy(tmp_path)
