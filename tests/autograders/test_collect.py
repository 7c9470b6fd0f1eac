"""Collecting takes what a learner wrote and nothing that they pointed at; what one hands in stops no other."""

import os
from pathlib import Path

import pytest

pytest.importorskip("nbgrader", reason="it is a part of nbgrader that is replaced")

from nbgrader.coursedir import CourseDirectory  # noqa: E402
from nbgrader.exchange.default import ExchangeCollect  # noqa: E402
from traitlets.config import Config  # noqa: E402

from autograders.collect import CollectPlainFiles  # noqa: E402

pytestmark = pytest.mark.skipif(not hasattr(os, "fwalk"), reason="on Windows making links is a privilege")


@pytest.fixture
def submission(tmp_path):
    """A submission with an honest notebook, and the solutions outside of it."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "03.ipynb").write_text("the solution")
    folder = tmp_path / "inbound" / "eve"
    (folder / "data").mkdir(parents=True)
    (folder / "notes.ipynb").write_text("mine")
    (folder / "data" / "numbers.txt").write_text("1 2 3")
    return folder


def collected(collector, submission, **limits):
    """What is there after collecting: the text of each file by its place."""
    root = submission.parents[1]
    config = Config({"CourseDirectory": {"root": str(root), **limits}})
    made = collector(coursedir=CourseDirectory(config=config), config=config)
    target = root / "submitted"
    made.do_copy(str(submission), str(target))
    return {str(path.relative_to(target)): path.read_text() for path in target.rglob("*") if path.is_file()}


HONEST = {"notes.ipynb": "mine", "data/numbers.txt": "1 2 3"}


def test_plain_files_are_collected_as_ever(submission):
    assert collected(CollectPlainFiles, submission) == HONEST


def link_to_a_file(submission):
    (submission / "03.ipynb").symlink_to(submission.parents[1] / "source" / "03.ipynb")


def link_to_a_folder(submission):
    (submission / "more").symlink_to(submission.parents[1] / "source")


@pytest.mark.parametrize("link", [link_to_a_file, link_to_a_folder])
def test_links_are_left_out(submission, link):
    link(submission)
    assert collected(CollectPlainFiles, submission) == HONEST


@pytest.mark.parametrize("link", [link_to_a_file, link_to_a_folder])
def test_stock_nbgrader_follows_them(submission, link):
    """The reason for all this; should it ever fail, nbgrader has learned it."""
    link(submission)
    assert "the solution" in collected(ExchangeCollect, submission).values()


def test_a_submission_that_is_itself_a_link(submission):
    link = submission.parent / "mallory"
    link.symlink_to(submission.parents[1] / "source")
    assert collected(CollectPlainFiles, link) == {}


def test_a_pipe_is_not_waited_for(submission):
    os.mkfifo(submission / "03.ipynb")
    assert collected(CollectPlainFiles, submission) == HONEST


def test_a_submission_that_is_too_big_is_left_out_without_an_error(submission):
    (submission / "big").write_bytes(bytes(5000))
    assert collected(CollectPlainFiles, submission, max_dir_size=4) == {}


def test_the_classroom_collects_this_way(tmp_path):
    from nbgrader.exchange import ExchangeFactory

    from course.nbgrader_config import configure

    config = Config()
    configure(config, Path(tmp_path))
    assert ExchangeFactory(config=config).collect is CollectPlainFiles
