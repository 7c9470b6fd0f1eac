"""Answers that passed become parts of the learner's own engine: saved in the workspace, found by `mine`, put to use."""

import json
import linecache
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engine as torch
from autograders import check, mine, own_engine, yours_or_ours
from autograders.spec import load, names
from engine import nn
from engine.nn import functional as F

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = ["autograd.unbroadcast", "matmul.vjp", "nn.functional.cross_entropy"]
CELL = '''
import numpy as np

def unbroadcast(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient

def transposed(a):
    return np.swapaxes(a, -1, -2)

def matmul_vjp(gradient, a, b):
    return unbroadcast(gradient @ transposed(b), a.shape), unbroadcast(transposed(a) @ gradient, b.shape)

def cross_entropy_vjp(gradient, logits, target):
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[np.arange(len(target)), target] -= 1
    return probabilities * (gradient / len(target))
'''


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A learner's workspace, with a chapter's folder as the current one."""
    (tmp_path / ".chainrule").mkdir()
    (tmp_path / ".chainrule" / "delivered.json").write_text('{"files": {}, "offers": {}}')
    (tmp_path / "03-chapter").mkdir()
    monkeypatch.chdir(tmp_path / "03-chapter")
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    yield tmp_path
    torch.use(None)
    for name in [name for name in sys.modules if name.split(".")[0] == "my_engine"]:
        del sys.modules[name]


def cell(source=CELL):
    """What a notebook has after this cell ran."""
    filename = f"<cell {hash(source)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = {"__name__": "__main__"}
    exec(compile(source, filename, "exec"), namespace)
    return namespace


def passed(names=("unbroadcast", "matmul_vjp", "cross_entropy_vjp"), source=CELL):
    """The reports on these answers of the cell."""
    answers = cell(source)
    return [check(f"autograd/{name}", answers[name]) for name in names]


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- saving -----------------------------------------------------------------------------------------------------


def test_a_pass_is_saved_and_says_so(workspace):
    (report,) = passed(["unbroadcast"])
    assert report.saved == "Saved into your own engine as `autograd/unbroadcast`."
    assert report.text().endswith("\n\nSaved into your own engine as `autograd/unbroadcast`.")
    assert "Saved into your own engine as <code>autograd/unbroadcast</code>." in report.html()
    text = (workspace / "my_engine" / "autograd" / "unbroadcast.py").read_text()
    first, *rest = text.split("\n")
    assert first == '"""Undo a broadcast: my answer to autograd/unbroadcast, as it passed its check."""'
    assert rest[:3] == ["", "", "def unbroadcast(gradient, shape):"]


def test_answers_import_each_other(workspace):
    passed()
    text = (workspace / "my_engine" / "autograd" / "matmul_vjp.py").read_text()
    assert "\nimport numpy as np\nfrom my_engine.autograd.unbroadcast import unbroadcast\n\n\ndef transposed(a)" in text
    assert text.count("def ") == 2


def test_what_the_engine_lent_is_imported_and_never_saved_as_the_learners(workspace, capsys):
    answers = cell()
    lent = yours_or_ours("autograd/unbroadcast", lambda gradient, shape: None)
    answers["unbroadcast"] = lent
    assert check("autograd/unbroadcast", lent).saved == ""
    check("autograd/matmul_vjp", answers["matmul_vjp"])
    folder = workspace / "my_engine" / "autograd"
    assert not (folder / "unbroadcast.py").exists()
    assert "from autograders.specs.autograd.unbroadcast import unbroadcast\n" in (folder / "matmul_vjp.py").read_text()
    with torch.use(mine()):
        x = torch.ones(2, 3, requires_grad=True)
        (torch.ones(4, 5, 2) @ x).sum().backward()
    assert x.grad.tolist() == [[20] * 3] * 2


def test_a_second_pass_changes_nothing(workspace):
    passed()
    before = files(workspace)
    times = {path: path.stat().st_mtime_ns for path in workspace.rglob("*.py")}
    assert [report.saved[:5] for report in passed()] == ["Saved"] * 3
    assert files(workspace) == before
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*.py")} == times


def test_a_better_answer_takes_the_place_of_the_last_one(workspace):
    passed()
    better = CELL.replace("gradient = gradient.sum(axis=0)", "gradient = np.sum(gradient, 0)")
    passed(["unbroadcast"], better)
    assert "np.sum(gradient, 0)" in (workspace / "my_engine/autograd/unbroadcast.py").read_text()
    assert mine().keys() == set(PARTS)


def test_a_file_that_was_changed_by_hand_stays(workspace):
    """Also if the record of what was saved is lost; the new answer lies beside it and the report says so."""
    passed()
    path = workspace / "my_engine" / "autograd" / "unbroadcast.py"
    for record_is_lost in (False, True):
        path.write_text(f"# by hand {record_is_lost}\n" + path.read_text())
        by_hand = path.read_text()
        if record_is_lost:
            (workspace / ".chainrule" / "my_engine.json").unlink()
        (report,) = passed(["unbroadcast"])
        assert path.read_text() == by_hand
        beside = path.with_name(report.saved.split("`")[-2])
        assert report.saved == (
            "Your own engine keeps `autograd/unbroadcast` as you changed it by hand. "
            f"This answer is beside it: `{beside.name}`.")
        assert "def unbroadcast" in beside.read_text() and "by hand" not in beside.read_text()
    beside.write_text("# changed as well\n" + beside.read_text())
    passed(["unbroadcast"])
    assert beside.read_text().startswith("# changed as well\n")
    assert mine().keys() == set(PARTS)


def test_a_pass_that_cannot_be_saved_says_why(workspace):
    head = "def unbroadcast(gradient, shape):\n"
    (report,) = passed(["unbroadcast"], CELL.replace(head, f"calls = [0]\n\n{head}    calls[0] += 1\n"))
    assert report.passed and not (workspace / "my_engine").exists()
    assert report.saved == "Not saved into your own engine: it uses `calls`, a list that exists in your notebook alone."


def test_a_full_disk_is_said_and_leaves_the_verdict(workspace, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.files.write_atomically", full)
    (report,) = passed(["unbroadcast"])
    assert report.passed and report.saved.startswith("Not saved into your own engine: No space left on device. ")
    assert "The mark that it passed lasts for this session only" in report.saved


@pytest.mark.parametrize("case", ["a failure", "under nbgrader", "outside of a workspace"])
def test_nothing_is_saved(case, workspace, monkeypatch):
    if case == "under nbgrader":
        monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    if case == "outside of a workspace":  # an instructor's classroom has a .chainrule too
        (workspace / ".chainrule" / "delivered.json").unlink()
    if case == "a failure":
        assert check("autograd/unbroadcast", load("autograd/unbroadcast").misconceptions[0].answer).saved == ""
    else:
        assert [report.saved for report in passed()] == ["", "", ""]
    assert not (workspace / "my_engine").exists()


# ---- using ------------------------------------------------------------------------------------------------------


def test_an_adapted_answer_says_where_it_is_from(workspace):
    """`torch.use` shows the learner's own file, not the function that adapted what is in it."""
    passed(["unbroadcast"])
    own = workspace / "my_engine" / "chain_rule"
    own.mkdir()
    (own / "__init__.py").write_text("")
    (own / "tanh.py").write_text("def tanh(x):\n    return x, lambda gradient: gradient\n")
    assert "yours, my_engine.chain_rule.tanh.tanh" in repr(torch.use(mine()))


def test_mine_is_a_package_that_can_be_used(workspace, capsys):
    passed()
    parts = mine()
    assert list(parts) == PARTS and parts["matmul.vjp"].__module__ == "my_engine.autograd.matmul_vjp"
    own = torch.use(parts)
    assert capsys.readouterr().out == (
        "Running on your own: autograd.unbroadcast, matmul (vjp), nn.functional.cross_entropy. "
        "engine.use(None) goes back.\n")
    assert "yours, my_engine.autograd.cross_entropy_vjp.cross_entropy_vjp" in repr(own)
    import my_engine

    with torch.use(my_engine):
        assert list(torch.used()) == PARTS


def test_the_package_works_without_the_notebook(workspace):
    """A program of the learner's own, in the workspace, imports it as any package."""
    passed()
    code = "import engine, my_engine; engine.use(my_engine); x = engine.ones(2, 2, requires_grad=True); "
    code += "(x @ x).sum().backward(); print(x.grad.tolist())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=workspace, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)})
    assert done.stdout.endswith("[[4.0, 4.0], [4.0, 4.0]]\n"), done.stderr


def test_mine_reads_anew(workspace):
    """What passed, was changed by hand or was deleted since the last time."""
    passed(["unbroadcast"])
    assert list(mine()) == PARTS[:1]
    passed(["matmul_vjp"])
    assert list(mine()) == PARTS[:2]
    path = workspace / "my_engine" / "autograd" / "matmul_vjp.py"
    path.write_text(path.read_text() + "\n\nBY_HAND = True\n")
    mine()
    assert sys.modules["my_engine.autograd.matmul_vjp"].BY_HAND is True
    time = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("BY_HAND = True", "BY_HAND = 1234"))
    os.utime(path, ns=(time, time))  # as many bytes, in the same moment: Python's own cache would not see it
    mine()
    assert sys.modules["my_engine.autograd.matmul_vjp"].BY_HAND == 1234
    path.unlink()
    assert list(mine()) == PARTS[:1]


def test_without_any_pass_the_engine_runs_and_a_line_says_so(workspace, capsys):
    with torch.use(mine()) as own:
        assert torch.used() == {} and repr(own) == "All parts are the engine's."
    assert capsys.readouterr().out == (
        "Nothing is saved in your own engine yet: an answer is, once it passes its check in your workspace.\n")


def test_a_broken_file_is_named(workspace):
    passed()
    path = workspace / "my_engine" / "autograd" / "matmul_vjp.py"
    path.write_text("def matmul_vjp(:\n")
    with pytest.raises(SyntaxError) as caught:
        mine()
    assert caught.value.filename == str(path) and "my_engine" not in sys.modules


def test_a_check_is_not_measured_by_the_part_that_it_checks(workspace):
    """While a wrong part is in use, the reference is still the engine's own."""
    spec = load("autograd/unbroadcast")
    wrong = spec.misconceptions[-1].answer
    with torch.use({"autograd.unbroadcast": wrong}):
        assert not check("autograd/unbroadcast", wrong).passed
        assert check("autograd/unbroadcast", spec.honest[0]).passed
        assert list(torch.used()) == ["autograd.unbroadcast"]


# ---- every part -------------------------------------------------------------------------------------------------


def curve(device):
    """Losses and last weights of a small classifier, trained for a few steps by the engine that is in use."""
    x = torch.tensor(np.random.default_rng(0).standard_normal((30, 5)).astype("float32")).to(device)
    y = torch.tensor([0, 1, 2] * 10).to(device)
    W = torch.zeros(5, 3).to(device).requires_grad_()
    b = torch.zeros(3).to(device).requires_grad_()
    scale, shift = torch.ones(3).to(device).requires_grad_(), torch.zeros(3).to(device).requires_grad_()
    torch.manual_seed(0)
    rnn = nn.RNN(3, 3).to(device)
    losses = []
    for _ in range(5):
        steps = (x @ W + b).tanh().reshape(10, 3, 3)
        read = rnn(steps, F.layer_norm(steps[0], (3,), scale, shift).unsqueeze(0))[0].transpose(0, 1)
        seen = F.scaled_dot_product_attention(read, read, read, is_causal=True).transpose(0, 1)
        loss = F.cross_entropy((steps + seen).reshape(30, 3), y)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for each in (W, b, scale, shift, *rnn.parameters()):
                each -= 0.1 * each.grad
                each.grad = None
    return losses, W.detach().cpu().numpy()


def parts(kind):
    return [name for name in names() if load(name).part and load(name).use.kind == kind]


@pytest.mark.parametrize("name", parts("function"))
def test_right_answers_are_right_parts(name, device):
    """Whatever its style, an answer that passes serves the engine as the engine's own does."""
    spec = load(name)
    expected, weights = curve(device)
    lent = () if spec.as_part else (spec.right_answer,)  # one that is adapted is never the engine's own
    for answer in (*lent, *spec.honest):
        if device == "cuda" and answer is not spec.honest[1 if spec.function == "unbroadcast" else 0]:
            continue  # answers in numpy's own loops do not run on a GPU's arrays
        calls = []

        def counted(*arguments, answer=answer):
            calls.append(1)
            return answer(*arguments)

        with torch.use({spec.part: spec.as_part(counted) if spec.as_part else counted}):
            losses, own_weights = curve(device)
        assert calls and losses == pytest.approx(expected, abs=1e-6)
        np.testing.assert_allclose(own_weights, weights, atol=1e-6)


def way_of_a_network():
    """Losses of a network with BatchNorm and with dropout that is switched off, trained by four optimizers in turn."""
    random = np.random.default_rng(0)
    draw = lambda *shape: torch.tensor(random.standard_normal(shape).astype("float32"))  # noqa: E731
    x, y, losses = draw(30, 5), torch.tensor([0, 1, 2] * 10), []
    start = {"0.weight": draw(4, 5), "0.bias": draw(4), "6.weight": draw(3, 4), "6.bias": draw(3)}
    for make in (
        lambda given: torch.optim.SGD(given, lr=0.1),
        lambda given: torch.optim.SGD(given, lr=0.1, momentum=0.9),
        lambda given: torch.optim.RMSprop(given, lr=0.01),
        lambda given: torch.optim.AdamW(given, lr=0.01),
    ):
        model = nn.Sequential(
            nn.Linear(5, 4), nn.Unflatten(1, (4, 1, 1)), nn.BatchNorm2d(4), nn.Flatten(), nn.Tanh(),
            nn.Dropout(0.5).eval(), nn.Linear(4, 3))
        model.load_state_dict(start, strict=False)
        optimizer = make(model.parameters())
        for _ in range(5):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", parts("class"))
def test_right_classes_are_right_parts(name):
    """Layers and optimizers of the learner's own, in any style, where the engine makes its own."""
    spec, expected = load(name), way_of_a_network()
    for answer in spec.honest:
        made = []

        class Counted(answer):
            def __init__(self, *arguments, **options):
                made.append(1)
                super().__init__(*arguments, **options)

        with torch.use({spec.part: spec.as_part(Counted) if spec.as_part else Counted}):
            assert way_of_a_network() == pytest.approx(expected, abs=1e-5), answer
        assert made


def test_a_layer_that_an_answer_does_not_make_is_the_engines_own():
    """Without a bias, or of another type."""
    spec = load("modules/linear")
    own = nn.Linear
    with torch.use({"nn.Linear": spec.as_part(spec.honest[0])}):
        assert isinstance(nn.Linear(2, 3), spec.honest[0])
        for layer in (nn.Linear(2, 3, bias=False), nn.Linear(2, 3, dtype=torch.float64)):
            assert type(layer) is own
    assert nn.Linear is own


LOSSES = {
    "weights": lambda x, y: F.cross_entropy(x, y, torch.tensor([1.0, 2.0, 3.0])),
    "sum": lambda x, y: F.cross_entropy(x, y, reduction="sum"),
    "smoothing": lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1),
    "an ignored row": lambda x, y: F.cross_entropy(x, torch.tensor([0, -100])),
    "one row": lambda x, y: F.cross_entropy(x[0], y[0]),
    "probabilities": lambda x, y: F.cross_entropy(x, torch.full((2, 3), 1 / 3)),
    "halves": lambda x, y: F.cross_entropy(x.half(), y),
}


@pytest.mark.parametrize("case", LOSSES)
def test_losses_beyond_the_exercise_stay_the_engines(case):
    """The answer knows plain means over rows; other cross-entropies are computed as ever."""
    def refuses(*arguments):
        raise AssertionError("was asked")

    x, y = torch.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]], requires_grad=True), torch.tensor([2, 1])
    expected, = torch.autograd.grad(LOSSES[case](x, y), x)
    with torch.use({"nn.functional.cross_entropy": load("autograd/cross_entropy_vjp").as_part(refuses)}):
        found, = torch.autograd.grad(LOSSES[case](x, y), x)
        assert torch.equal(found, expected)
        with pytest.raises(AssertionError, match="was asked"):
            torch.nn.CrossEntropyLoss()(x, y).backward()
        with pytest.raises(ValueError, match="batch_size"):
            F.cross_entropy(x, y[:1])


LOOKS = {
    "another scale": {"scale": 0.3},
    "numbers to add": {"attn_mask": torch.arange(9.0).reshape(3, 3)},
    "a mask for each head": {"attn_mask": torch.ones(2, 4, 3, 3, dtype=torch.bool).tril()},
    "a query that may look nowhere": {"attn_mask": torch.ones(3, 3, dtype=torch.bool).tril(-1)},
    "shared heads": {"enable_gqa": True},
}


@pytest.mark.parametrize("case", LOOKS)
def test_attention_beyond_the_exercise_stays_the_engines(case):
    def refuses(*arguments):
        raise AssertionError("was asked")

    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 4, 3, 6, requires_grad=True) for _ in range(3))
    expected = torch.autograd.grad(F.scaled_dot_product_attention(q, k, v, **LOOKS[case]).sum(), [q, k, v])
    spec = load("attention/scaled_dot_product")
    with torch.use({spec.part: spec.as_part(refuses)}):
        found = torch.autograd.grad(F.scaled_dot_product_attention(q, k, v, **LOOKS[case]).sum(), [q, k, v])
        assert all(map(torch.equal, found, expected))
        for mask in None, torch.ones(3, 3, dtype=torch.bool).tril(), torch.zeros(3, 3):
            with pytest.raises(AssertionError, match="was asked"):
                F.scaled_dot_product_attention(q, k, v, mask)


@pytest.mark.parametrize("make, part", [
    (lambda: nn.RNN(3, 4, 2, nonlinearity="tanh", bidirectional=True), "sequences/bptt"),
    (lambda: nn.RNN(3, 4, 2, nonlinearity="relu", bidirectional=True), "sequences/bptt"),
    (lambda: nn.LayerNorm((2, 3)), "attention/layer_norm"),
    (lambda: nn.LayerNorm((2, 3), eps=1e-2), "attention/layer_norm"),
], ids=["tanh", "relu", "rows in two dimensions", "another eps"])
def test_parts_also_serve_what_the_exercise_leaves_out(make, part):
    """A first state's gradient, layers on top of each other and in both directions; rows of any shape, any eps."""

    def gradients():
        torch.manual_seed(0)
        layer, given = make(), [torch.randn(5, 2, 3, requires_grad=True)]
        if isinstance(layer, nn.RNN):
            given.append(torch.randn(4, 2, 4, requires_grad=True))
        output = layer(*given)
        (output[0] if isinstance(output, tuple) else output).pow(3).sum().backward()
        return [each.grad.numpy() for each in (*given, *layer.parameters())]

    spec, expected = load(part), gradients()
    with torch.use({spec.part: spec.as_part(spec.honest[0])}):
        for found, right in zip(gradients(), expected, strict=True):
            np.testing.assert_allclose(found, right, atol=1e-4)


def test_odd_files_and_folders_do_not_disturb_a_check(workspace, tmp_path_factory, monkeypatch):
    """A record that is no JSON, a file in another encoding, a current folder that is gone."""
    passed()
    (workspace / ".chainrule" / "my_engine.json").write_text("[1, 2")
    (workspace / "my_engine" / "autograd" / "unbroadcast.py").write_bytes("# café\n".encode("latin-1"))
    assert [report.saved[:5] for report in passed()] == ["Your ", "Your ", "Saved"]
    gone = tmp_path_factory.mktemp("gone")
    monkeypatch.chdir(gone)
    gone.rmdir()
    (report,) = passed(["unbroadcast"])
    assert report.passed and report.saved == ""


def test_the_record_is_plain_data(workspace):
    passed(["unbroadcast"])
    record = json.loads((workspace / ".chainrule" / "my_engine.json").read_text())
    assert list(record) == ["__init__.py", "autograd/__init__.py", "autograd/unbroadcast.py"]
    assert own_engine.workspace() == workspace
