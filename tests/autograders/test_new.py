"""`python -m autograders new`: what it writes loads, and is not taken for a whole exercise by the grader's tests."""

import ast

import pytest

from autograders.__main__ import main
from autograders.new import Refused, begin
from autograders.session import Use
from autograders.spec import Spec


@pytest.fixture
def folder(tmp_path):
    for name in ("specs", "probes"):
        (tmp_path / name).mkdir()
    return tmp_path


def loaded(path):
    namespace = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace["EXERCISE"]


def test_a_new_exercise_loads_and_says_what_it_lacks(folder):
    said = begin("pooling/max_pool", ("x", "size"), folder=folder)
    spec = loaded(folder / "specs" / "pooling" / "max_pool.py")
    assert isinstance(spec, Spec) and (spec.name, spec.function) == ("pooling/max_pool", "max_pool")
    assert spec.parameters == ("x", "size") and spec.use == Use()
    assert not (spec.misconceptions or spec.honest or spec.hints or spec.cases_for(1)), "left to the author"
    with pytest.raises(NotImplementedError):
        spec.reference(1, 2)
    assert "pytest tests/autograders/test_specs.py -k pooling/max_pool" in said
    assert ":exercise: pooling/max_pool\n\ndef max_pool(x, size):" in said


def test_a_class_gets_a_probe(folder):
    begin("pooling/max_pool", ("size",), is_class=True, folder=folder)
    spec = loaded(folder / "specs" / "pooling" / "max_pool.py")
    assert spec.function == "MaxPool" and spec.use == Use("class", probe="max_pool")
    probe = folder / "probes" / "max_pool.py"
    assert [node.name for node in ast.parse(probe.read_text()).body if isinstance(node, ast.FunctionDef)] == ["probe"]
    with pytest.raises(Refused, match="there already"):
        begin("padding/max_pool", ("size",), is_class=True, folder=folder)
    assert not (folder / "specs" / "padding").exists(), "all or nothing"


def test_a_chapter_keeps_what_it_has(folder):
    begin("pooling/max_pool", folder=folder)
    chapter = folder / "specs" / "pooling"
    (chapter / "__init__.py").write_text('"""Pooling, in our words."""\n')
    before = {path: path.read_text() for path in chapter.iterdir()}
    begin("pooling/mean_pool", is_class=True, folder=folder)
    with pytest.raises(Refused, match="there already"):
        begin("pooling/max_pool", folder=folder)
    assert {path: path.read_text() for path in before} == before
    assert loaded(chapter / "mean_pool.py").name == "pooling/mean_pool"


@pytest.mark.parametrize("name", ["pooling", "Pooling/max", "a/max/two", "a/", "pooling/for", "../a/b", "a/1"])
def test_bad_names_are_refused(name, folder):
    with pytest.raises(Refused):
        begin(name, folder=folder)
    assert not list(folder.rglob("*.py"))


def test_an_exercise_that_exists_is_left_alone(capsys):
    assert main(["new", "autograd/unbroadcast"]) == 2
    assert "there is an exercise 'autograd/unbroadcast' already" in capsys.readouterr().out
    with pytest.raises(Refused, match="'lambda' cannot be a name"):
        begin("autograd/another", ("lambda",))
