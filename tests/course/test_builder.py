"""The builder: what a chapter's text becomes, and what it says about a text that cannot become a chapter."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("jupytext", reason="the builder needs jupytext")
pytest.importorskip("nbgrader", reason="the learner's version is made by nbgrader")

from autograders.session import Use  # noqa: E402
from course import builder  # noqa: E402

SMALL = Path(__file__).parent / "data" / "03-small.md"


@dataclass(frozen=True)
class FakeSpec:
    name: str
    function: str
    parameters: tuple
    title: str = "Sum what was copied"
    why: str = "Every bias needs it."
    minutes: int = 12
    difficulty: int = 2
    points: float = 4.0
    packages: tuple = ("numpy",)
    use: Use = Use()

    @property
    def grade_id(self):
        return self.name.replace("/", "-")

    @property
    def check_id(self):
        return self.grade_id + "-check"


SPECS = [
    FakeSpec("autograd/unbroadcast", "unbroadcast", ("gradient", "shape")),
    FakeSpec("autograd/matmul_vjp", "matmul_vjp", ("gradient", "a", "b"), points=2.5),
    FakeSpec("autograd/cross_entropy_vjp", "cross_entropy_vjp", ("gradient", "logits", "target")),
    FakeSpec("modules/linear", "Linear", ("size",), use=Use("class")),
    FakeSpec("modules/without", "Without", (), use=Use("class")),
    FakeSpec("modules/double", "Double", ("ctx", "x"), use=Use("class", "forward")),
]


def load(name):
    for spec in SPECS:
        if spec.name == name:
            return spec
    raise KeyError(f"there is no exercise {name!r}; the nearest is {SPECS[0].name!r}")


@pytest.fixture(autouse=True)
def fake_specs(monkeypatch):
    monkeypatch.setattr(builder, "specs", SimpleNamespace(load=load))


@pytest.fixture
def chapters(tmp_path):
    folder = tmp_path / "chapters"
    folder.mkdir()
    (folder / SMALL.name).write_bytes(SMALL.read_bytes())
    return folder


def edit(chapters, old, new, name=SMALL.name):
    """Change the chapter's text; the old text has to be there."""
    text = (chapters / name).read_text(encoding="utf-8")
    assert old in text
    (chapters / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def built(chapters, root):
    (path,) = builder.build(chapters, root)
    return json.loads(path.read_bytes())


def cell(notebook, cell_id):
    return next(cell for cell in notebook["cells"] if cell["id"] == cell_id)


def test_an_exercise_becomes_header_answer_and_locked_check(chapters, tmp_path):
    notebook = built(chapters, tmp_path)
    names = [cell["id"] for cell in notebook["cells"]]
    start = names.index("autograd-unbroadcast-header")
    assert names[start : start + 3] == [
        "autograd-unbroadcast-header",
        "autograd-unbroadcast",
        "autograd-unbroadcast-check",
    ]
    header = "".join(notebook["cells"][start]["source"])
    assert header == (
        "### Exercise: Sum what was copied\n\nEvery bias needs it.\n\n"
        "About 12 minutes · difficulty ●●○○○ (easy, 2 of 5) · 4 points"
    )
    answer, check = notebook["cells"][start + 1 : start + 3]
    assert answer["metadata"]["nbgrader"] == {
        "schema_version": 3,
        "grade_id": "autograd-unbroadcast",
        "grade": False,
        "solution": True,
        "locked": False,
        "task": False,
    }
    assert check["metadata"]["nbgrader"]["points"] == 4
    assert check["metadata"]["nbgrader"]["grade"] and check["metadata"]["nbgrader"]["locked"]
    assert check["source"] == ['check("autograd/unbroadcast", unbroadcast)']
    assert cell(notebook, "autograd-matmul_vjp-check")["metadata"]["nbgrader"]["points"] == 2.5


def test_notebook_says_its_chapter_and_kernel(chapters, tmp_path):
    metadata = built(chapters, tmp_path)["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["chainrule"]["chapter"] == "03-small"


def test_two_builds_give_the_same_bytes_and_do_not_write_twice(chapters, tmp_path):
    (first,) = builder.build(chapters, tmp_path / "a")
    (second,) = builder.build(chapters, tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    before = first.stat().st_mtime_ns
    builder.build(chapters, tmp_path / "a")
    assert first.stat().st_mtime_ns == before


def test_editing_one_cell_leaves_the_other_ids_alone(chapters, tmp_path):
    before = [cell["id"] for cell in built(chapters, tmp_path)["cells"]]
    edit(chapters, "Broadcasting copies", "Broadcasting repeats")
    after = [cell["id"] for cell in built(chapters, tmp_path)["cells"]]
    assert len(before) == len(after) == len(set(after))
    assert sum(old != new for old, new in zip(before, after)) == 1


def test_release_hides_solutions_and_makes_only_what_changed(chapters, tmp_path, monkeypatch):
    builder.build(chapters, tmp_path)
    (path,) = builder.release(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "YOUR CODE HERE" in text and "stretched" not in text
    first = path.read_bytes()
    generate = builder._generate
    monkeypatch.setattr(builder, "_generate", lambda *_: pytest.fail("made again although nothing changed"))
    builder.release(tmp_path)
    monkeypatch.setattr(builder, "_generate", generate)
    path.write_bytes(b"damaged")
    builder.release(tmp_path)
    assert path.read_bytes() == first


def test_a_chapter_that_is_gone_takes_its_notebooks_along(chapters, tmp_path):
    builder.build(chapters, tmp_path)
    builder.release(tmp_path)
    (chapters / "03-small.md").rename(chapters / "04-renamed.md")
    builder.build(chapters, tmp_path)
    assert [path.name for path in builder.release(tmp_path)] == ["04-renamed.ipynb"]
    assert not list(tmp_path.glob("*/*/03-small.ipynb"))


def test_a_source_notebook_changed_by_hand_is_kept_aside(chapters, tmp_path):
    (path,) = builder.build(chapters, tmp_path)
    by_hand = path.read_bytes().replace(b"1 + 1", b"1 + 2")
    path.write_bytes(by_hand)
    builder.build(chapters, tmp_path)
    (aside,) = (tmp_path / "set-aside").iterdir()
    assert aside.read_bytes() == by_hand != path.read_bytes()
    edit(chapters, "1 + 1", "2 + 2")
    builder.build(chapters, tmp_path)
    assert len(list((tmp_path / "set-aside").iterdir())) == 1, "what the builder made itself is not kept"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("autograd/unbroadcast", "autograd/unbraodcast", r"`def unbroadcast\(.*nearest is 'autograd/unbroadcast'"),
        ("autograd/matmul_vjp", "autograd/unbroadcast", r"`def matmul_vjp\(.*already used in 03-small.md"),
        ("def unbroadcast(", "def unbrodcast(", r"`def unbrodcast\(.*needs a function `unbroadcast`"),
        ("(gradient, a, b)", "(gradient, b, a)", r"parameters \(gradient, b, a\).*says \(gradient, a, b\)"),
        ("    ### BEGIN SOLUTION\n", "", r"stands between a line `### BEGIN SOLUTION` and a line"),
        ("    ### END SOLUTION\n", "", r"stands between a line"),
        (":tags: [setup]", ":tgas: [setup]", r"`import numpy as np`: unknown metadata tgas; .*exercise, jupyter, tags"),
        ("# A small chapter", "A small chapter", r"begins with its title"),
        ("1 + 1", "1 +", r"`1 \+`: not Python"),
        ("from autograders import check", "import autograders", r"has to say `from autograders import check`"),
        (":exercise: autograd/unbroadcast", ":exercise: [", r"not readable as MyST"),
        (":exercise: autograd/unbroadcast", ":exercise: [1]", r"a text like room/exercise, not \[1\]"),
    ],
)
def test_a_mistake_in_a_chapter_is_named(chapters, tmp_path, old, new, message):
    edit(chapters, old, new)
    with pytest.raises(builder.BuildError, match=rf"(?s)^03-small\.md: .*{message}"):
        builder.build(chapters, tmp_path)
    assert not (tmp_path / "source").exists(), "nothing is written when a chapter is wrong"


def test_an_exercise_in_two_chapters_is_named(chapters, tmp_path):
    (chapters / "04-other.md").write_bytes(SMALL.read_bytes())
    with pytest.raises(builder.BuildError, match=r"^04-other.md: .*already used in 03-small.md"):
        builder.build(chapters, tmp_path)


@pytest.mark.parametrize("name", ["3-small.md", "03 small.md", "notes.md"])
def test_a_chapter_has_a_number_and_a_plain_name(chapters, tmp_path, name):
    (chapters / "03-small.md").rename(chapters / name)
    with pytest.raises(builder.BuildError, match="named like 03-name"):
        builder.build(chapters, tmp_path)


def test_an_empty_folder_is_no_course(tmp_path):
    with pytest.raises(builder.BuildError, match="no chapters here"):
        builder.build(tmp_path, tmp_path)


CLASSES = {
    "modules/linear": '''class Linear(Module):
    """Its own numbers."""

    def __init__(self, size):
        """Makes them."""
        ### BEGIN SOLUTION
        secret = np.ones(size)
        self.numbers = secret
        ### END SOLUTION

    def forward(self, x):
        """x, multiplied."""
        ### BEGIN SOLUTION
        return x * self.numbers
        ### END SOLUTION''',
    "modules/without": '''class Without:
    def forward(self, x):
        ### BEGIN SOLUTION
        return x
        ### END SOLUTION''',
    "modules/double": '''class Double(Function):
    @staticmethod
    def forward(ctx, x):
        ### BEGIN SOLUTION
        return x * 2
        ### END SOLUTION

    @staticmethod
    def backward(ctx, gradient):
        ### BEGIN SOLUTION
        return gradient * 2
        ### END SOLUTION''',
}
BEGIN, END, FORWARD = "### BEGIN SOLUTION", "### END SOLUTION", "def forward(ctx, x):"


@pytest.fixture
def classes(chapters):
    """The small chapter with three classes in it."""
    cells = [f"```{{code-cell}}\n:exercise: {name}\n\n{source}\n```\n" for name, source in CLASSES.items()]
    path = chapters / SMALL.name
    path.write_text(path.read_text("utf-8") + "\n" + "\n".join(cells), encoding="utf-8")
    return chapters


def test_a_class_is_an_answer_and_has_a_solution_in_each_method(classes, tmp_path):
    """What the learner gets is the class with every method still to be written, and the check of the class."""
    builder.build(classes, tmp_path)
    (path,) = builder.release(tmp_path)
    notebook = json.loads(path.read_bytes())
    linear = "".join(cell(notebook, "modules-linear")["source"])
    assert linear.count("raise NotImplementedError()") == 2 and "secret" not in linear and "BEGIN" not in linear
    assert "def forward(self, x):" in linear
    assert cell(notebook, "modules-linear-check")["source"] == ['check("modules/linear", Linear)']


def test_an_answer_may_take_more_than_its_exercise_names(classes, tmp_path):
    """As for the judge: what comes after them is the answer's own affair."""
    edit(classes, "def __init__(self, size)", "def __init__(self, size, name='')")
    assert cell(built(classes, tmp_path), "modules-linear")


@pytest.mark.parametrize("name", CLASSES)
def test_what_the_builder_takes_for_the_learners_version_is_nbgraders(classes, tmp_path, name):
    """The cell that is checked for being Python is the one that nbgrader makes, but for its comment."""
    builder.build(classes, tmp_path)
    (path,) = builder.release(tmp_path)
    released = "".join(cell(json.loads(path.read_bytes()), name.replace("/", "-"))["source"]).splitlines()
    without = builder._without_solutions(CLASSES[name]).split("\n")
    assert [line for line in released if "# YOUR CODE" not in line] == without


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("class Linear(", "class Lineal(", r"needs a class `Linear` here"),
        ("def __init__(self, size)", "def __init__(self, length)", r"`Linear` has the parameters \(length\).*\(size\)"),
        ("def __init__(self, size)", "def __begin__(self, size)", r"needs a method `Linear.__init__` here"),
        ("def forward(ctx, x)", "def forward(ctx, y)", r"`Double.forward` has the parameters \(ctx, y\).*\(ctx, x\)"),
        ("def forward(ctx, x)", "def forwards(ctx, x)", r"needs a method `Double.forward` here"),
        ("= secret\n        ### END", "= secret\n        ### BEGIN", r"each solution stands between"),
        ("class Without:", f"class Without:\n    {BEGIN}\n    {END}", r"within a function or a method"),
        (f"{FORWARD}\n        {BEGIN}", f"{BEGIN}\n    {FORWARD}", r"without its solutions .* `Double.forward` in it"),
    ],
)
def test_a_mistake_in_a_class_is_named(classes, tmp_path, old, new, message):
    edit(classes, old, new)
    with pytest.raises(builder.BuildError, match=rf"(?s)^03-small\.md: .*{message}"):
        builder.build(classes, tmp_path)
