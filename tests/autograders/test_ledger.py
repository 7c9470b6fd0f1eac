"""The ledger only grows, and whatever a crash left in it is passed over."""

import stat

import pytest

pytest.importorskip("nbgrader", reason="grading goes through nbgrader's notebooks")

from autograders import ledger  # noqa: E402


def test_what_was_appended_is_read_in_order(tmp_path):
    path = tmp_path / "ledger.jsonl"
    assert ledger.read(path) == []
    ledger.append(path, [{"a": 1}, {"a": 2}])
    ledger.append(path, [])
    ledger.append(path, [{"a": 3}])
    assert [record["a"] for record in ledger.read(path)] == [1, 2, 3]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ['{"a": 2', '{"a": 2}', "\0\0\0"])
def test_a_line_without_an_end_does_not_spoil_the_next(tmp_path, left):
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"a": 1}\n' + left)
    ledger.append(path, [{"a": 3}])
    found = [record["a"] for record in ledger.read(path)]
    assert found in ([1, 3], [1, 2, 3])
    assert path.read_text().endswith('\n{"a": 3}\n')


def test_the_latest_of_each_answer_counts():
    """Records of the first version did not name the notebook, which was called as its assignment."""
    old = {"assignment": "one", "student": "ada", "exercise": "a/b", "points": 1}
    new = {**old, "notebook": "one", "points": 2}
    other = {**old, "assignment": "two"}
    assert ledger.latest([old, new, other], "one") == {"ada": {("one", "a/b"): new}}
    assert ledger.latest([new, old], "one") == {"ada": {("one", "a/b"): old}}
