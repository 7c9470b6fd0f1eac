"""engine.use: parts of the engine exchanged for the learner's own, and the engine exactly as before afterwards."""

import contextlib
import copy
import subprocess
import sys
import threading

import numpy as np
import pytest
from test_table import DIFFERENTIABLE, example, weighted, with_gradients

import engine as torch
from engine import nn
from engine.autograd.graph import Storage
from engine.nn import functional as F
from engine.ops import TABLE

KEEPS = [name for name, op in TABLE.items() if hasattr(op, "walk_back")]  # their VJPs want what their own forward keeps
REFUSED = [("forward", name) for name in KEEPS]


def transposed(matrices):
    return np.swapaxes(matrices, -1, -2)


def summed_to(gradient, shape):
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


def matmul_vjp(gradient, a, b):
    return summed_to(gradient @ transposed(b), a.shape), summed_to(transposed(a) @ gradient, b.shape)


def matmul_with_pullback(a, b):
    return a @ b, lambda gradient: matmul_vjp(gradient, a, b)


MATMUL = {
    "matmul.vjp": {"matmul.vjp": matmul_vjp},
    "matmul.forward": {"matmul.forward": lambda a, b: a @ b},
    "matmul": {"matmul": matmul_with_pullback},
    "both apart": {"matmul.vjp": matmul_vjp, "matmul.forward": lambda a, b: a @ b},
}


@pytest.fixture(autouse=True)
def nothing_is_left_in_use():
    """After each test all that was exchanged stands where it stood: entries, modules and Tensor's methods."""
    before = everything()
    yield
    torch.use(None)
    torch.use.said = ""
    assert torch.used() == {}
    after = everything()
    assert {key for key in before if after[key] is not before[key]} == set()
    assert not [key for key in after.keys() - before.keys() if isinstance(key, tuple) and key[0] in TABLE]


def everything():
    found = {(name, key): value for name, op in TABLE.items() for key, value in vars(op).items()}
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "engine":
            found.update({(module, key): value for key, value in vars(module).items() if callable(value)})
    return found | {("Tensor", key): value for key, value in vars(torch.Tensor).items()}


def digits_like(device):
    torch.manual_seed(0)
    x = torch.randn(40, 8).to(device)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


def curve(device, steps=8):
    """The losses of a small model while it learns, in plain tensors, and its first weights' last gradient."""
    x, y = digits_like(device)
    torch.manual_seed(1)
    W, V = [(torch.randn(*shape) * 0.3).to(device).requires_grad_() for shape in ((8, 6), (6, 3))]
    b = torch.zeros(3).to(device).requires_grad_()
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy((x @ W).tanh() @ V + b, y)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for each in (W, V, b):
                each -= 0.5 * each.grad
                last, each.grad = each.grad, None
    return losses, last.cpu().numpy()


# ---- entries of the table ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", MATMUL)
def test_a_model_trained_on_own_parts_takes_the_same_steps(way, device):
    """Numbers do not change when right functions take the engine's place, and those are really called."""
    expected, last = curve(device)
    calls = []

    def counted(name, function):
        return lambda *arguments: calls.append(name) or function(*arguments)

    with torch.use({name: counted(name, function) for name, function in MATMUL[way].items()}):
        losses, own_last = curve(device)
    assert set(calls) == set(MATMUL[way]) and losses == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(own_last, last, atol=1e-6)
    calls.clear()
    curve(device, steps=1)
    assert calls == []


def own_forward(op):
    return lambda *arrays, **metadata: op.forward(*arrays, **metadata, **({"kept": {}} if op.name in KEEPS else {}))


def own_vjp(op):
    """The entry's VJPs as a learner would write them, one function for all inputs, from inputs and metadata alone."""
    def vjp(gradient, *arrays, **metadata):
        return own_pair(op)(*arrays, **metadata)[1](gradient)

    return vjp


def own_pair(op):
    def pair(*arrays, **metadata):
        assert "kept" not in metadata, "no learner's business"
        metadata = metadata | ({"kept": {}} if op.name in KEEPS else {})
        result = op.run(list(arrays), metadata)
        floats = [at for at, each in enumerate(arrays) if each.dtype.kind in "fc" and (op.is_variadic or op.vjps[at])]

        def pullback(gradient):
            plan = op.plan(sum(1 << at for at in floats), len(arrays))
            saved, _ = plan.collect(arrays, arrays, result, Storage(), metadata)
            given = [None] * len(arrays)
            for at, one, picks in plan.vjps:
                given[at] = one(gradient, *(saved if picks is None else [saved[pick] for pick in picks]))
            return given

        return result, pullback

    return pair


@pytest.mark.parametrize(
    "name, kind",
    [(name, kind) for kind in ("forward", "vjp", "") for name in DIFFERENTIABLE if (kind, name) not in REFUSED])
def test_every_entry_can_be_exchanged(name, kind, device):
    """Whatever an entry takes (numbers, indices, lists of tensors, keywords), a learner's function gets."""
    own = copy.copy(TABLE[name])
    part = {"forward": own_forward, "vjp": own_vjp, "": own_pair}[kind](own)
    tensors, metadata = example(name, device)

    def gradients():
        leaves = with_gradients(tensors)
        weighted(name, leaves, metadata).backward()
        return [leaf.grad.cpu().numpy() for leaf in leaves if leaf.requires_grad]

    expected = gradients()
    with torch.use({f"{name}.{kind}".rstrip("."): part}):
        found = gradients()
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


def test_numbers_arrive_as_arrays(device):
    """In `x * 2` a learner's function finds arrays, with a shape and x's type, for both."""
    seen = []

    def mul_vjp(gradient, a, b):
        seen.append((b.shape, b.dtype))
        return summed_to(gradient * b, a.shape), summed_to(gradient * a, b.shape)

    x = torch.ones(3).to(device).requires_grad_()
    with torch.use({"mul.vjp": mul_vjp}):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2, 2] and seen == [((), np.dtype("float32"))]


def test_a_pass_asks_once_for_all_inputs(device):
    """Two inputs, one call; and again in the next pass over the same graph, with the gradient of that."""
    calls = []
    a, b = [torch.ones(2, 2).to(device).requires_grad_() for _ in range(2)]
    with torch.use({"matmul.vjp": lambda *arguments: calls.append(1) or matmul_vjp(*arguments)}):
        product = a @ b
        product.sum().backward(retain_graph=True)
        assert len(calls) == 1
        (3 * product).sum().backward()
    assert len(calls) == 2 and a.grad.tolist() == [[8, 8], [8, 8]] and b.grad.tolist() == [[8, 8], [8, 8]]


def test_what_was_recorded_goes_back_through_the_part(device):
    """The graph remembers: a part that is no longer in use still answers for what it computed, and only for that."""
    calls = []
    a = torch.ones(2, 2).to(device).requires_grad_()
    before = a @ a
    with torch.use({"matmul": lambda x, y: (x @ y, lambda g: calls.append(1) or matmul_vjp(g, x, y))}):
        inside = a @ a
        before.sum().backward()
        assert calls == []
    inside.sum().backward()
    assert calls == [1] and (a @ a).sum().item() == 8


def test_saved_inputs_are_watched_and_freed(device):
    """Changing an input in place, or going back twice, is noticed as it is for the engine's own."""
    a = torch.ones(2, 2).to(device).requires_grad_()
    with torch.use({"matmul.vjp": matmul_vjp}):
        b = torch.ones(2, 2).to(device)
        product = a @ b
        b.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.sum().backward()
        product = a @ b
        product.sum().backward()
        with pytest.raises(RuntimeError, match="a second time"):
            product.sum().backward()
    with torch.use({"matmul": matmul_with_pullback}):  # whose pullback might hold the result
        product = a @ b
        product.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.sum().backward()


def test_bfloat16_is_computed_in_float32_and_rounded_once():
    """As the engine's own entries do it, forward and backward: numpy knows little of this type."""
    pytest.importorskip("ml_dtypes", reason="bfloat16 needs ml_dtypes: pip install ml_dtypes")
    a = torch.ones(2, 2, dtype=torch.bfloat16).requires_grad_()
    types = []

    def exp(x):
        result = np.exp(x)
        return result, lambda gradient: types.append((x.dtype.name, gradient.dtype.name)) or gradient * result

    for part in {"exp.forward": np.exp}, {"exp.vjp": lambda gradient, x: gradient * np.exp(x)}, {"exp": exp}:
        a.grad = None
        with torch.use(part):
            result = a.exp()
        result.sum().backward()
        assert result.dtype is a.grad.dtype is torch.bfloat16
        assert a.grad.tolist() == [[2.71875, 2.71875]] * 2 == result.tolist()
    assert types == [("float32", "float32")]


# ---- public names -----------------------------------------------------------------------------------------------


def test_a_function_is_exchanged_wherever_it_is_looked_up(device):
    """nn.functional.dropout: by its name, and by the layer that calls it."""
    def nothing_drops(input, p=0.5, training=True, inplace=False):
        return input * 1

    torch.manual_seed(0)  # one time in eight, ten of a hundred are kept
    x = torch.ones(100).to(device)
    layer = nn.Dropout(0.9)
    with torch.use({"nn.functional.dropout": nothing_drops}):
        assert layer(x).sum().item() == 100 and F.dropout(x, 0.9).sum().item() == 100
        assert torch.nn.functional.dropout.__name__ == "nothing_drops"
    assert layer(x).sum().item() != 100


def test_a_method_goes_with_its_function(device):
    """torch.square is Tensor.square as well."""
    x, own = torch.ones(3).to(device), torch.Tensor.square
    with torch.use({"square": lambda input: input * 5}):
        assert torch.square(x).tolist() == x.square().tolist() == [5, 5, 5]
    assert torch.Tensor.square is own and x.square().tolist() == [1, 1, 1]


def test_a_class_is_exchanged_where_the_engine_builds_it(device):
    """nn.Linear inside nn.TransformerEncoderLayer, and optim.SGD."""
    class Linear(nn.Linear):
        pass

    class SGD(torch.optim.SGD):
        pass

    with torch.use({"nn.Linear": Linear, "optim.SGD": SGD}):
        layer = nn.TransformerEncoderLayer(4, 2, 8).to(device)
        assert isinstance(layer.linear1, Linear) and isinstance(nn.Linear(2, 2), Linear)
        assert str(nn.Linear(2, 3)) == "Linear(in_features=2, out_features=3, bias=True)"
        assert isinstance(torch.optim.SGD(layer.parameters(), lr=0.1), SGD)
        with torch.use(None):
            assert isinstance(layer.linear1, nn.Linear), "a subclass of the engine's, as it was written"
        assert isinstance(layer.linear1, nn.Linear), "the same class stands there again"
    assert type(nn.TransformerEncoderLayer(4, 2, 8).linear1) is nn.Linear and type(nn.Linear(1, 1)) is nn.Linear


def test_one_class_of_the_engine_may_take_anothers_place(device):
    """What is put back is what was there, also when the part is itself the engine's."""
    with torch.use({"optim.SGD": torch.optim.Adam, "optim.AdamW": torch.optim.Adam}):
        weight = torch.ones(1).to(device).requires_grad_()
        assert isinstance(torch.optim.SGD([weight]), torch.optim.Adam)
    assert torch.optim.SGD.__name__ == "SGD" and torch.optim.AdamW.__name__ == "AdamW"


def test_unbroadcast_is_the_edges_own(device):
    """autograd.unbroadcast is asked on each edge that a broadcast needs, and held to shape and type."""
    calls = []
    b = torch.ones(3).to(device).requires_grad_()
    x = torch.ones(2, 3).to(device)
    with torch.use({"autograd.unbroadcast": lambda gradient, shape: calls.append(shape) or summed_to(gradient, shape)}):
        (x + b).sum().backward()
        again = torch.autograd.grad((x * b * b).sum(), b, create_graph=True)[0]  # on tensors, which have sum as well
        assert torch.autograd.grad(again.sum(), b)[0].tolist() == [4, 4, 4]
    assert b.grad.tolist() == [2, 2, 2] and (3,) in calls
    for wrong, message in [
        (lambda gradient, shape: gradient, r"your `autograd.unbroadcast` gave shape \(2, 3\), expected \(3,\)"),
        (lambda gradient, shape: None, "your `autograd.unbroadcast` gave None, expected"),
        (lambda gradient, shape: summed_to(gradient, shape).astype("float64"), "gave dtype float64, expected float32"),
    ]:
        with torch.use({"autograd.unbroadcast": wrong}), pytest.raises((TypeError, ValueError), match=message):
            (x + b).sum().backward()


def test_a_module_that_is_loaded_meanwhile_is_put_right_as_well(device):
    """Pictures and vision are imported when first wanted; what they copied then must not stay."""
    code = (
        "import engine as torch\n"
        "class Mine(torch.nn.Module): pass\n"
        "class Conv2d(torch.nn.Conv2d): pass\n"
        "with torch.use({'nn.Conv2d': Conv2d, 'autograd.unbroadcast': lambda g, s: g}):\n"
        "    import engine.vision.models, engine.viz\n"
        "import sys\n"
        "names = [(m.__name__, k) for n, m in list(sys.modules.items()) if n.startswith('engine')\n"
        "         for k, v in vars(m).items() if getattr(v, '__module__', '') == '__main__']\n"
        "print(names)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("[]\n"), done.stdout + done.stderr
    assert torch.ones(1).to(device).item() == 1


# ---- when it holds ----------------------------------------------------------------------------------------------


def test_nested_uses_add_and_none_takes_away(device):
    one, two = {"matmul.vjp": matmul_vjp}, {"exp.forward": np.exp}
    with torch.use(one):
        with torch.use(two):
            assert torch.used() == one | two
            with torch.use(None):
                assert torch.used() == {} and torch.ones(1).to(device).exp().item() > 2
            assert torch.used() == one | two
        assert torch.used() == one
    assert torch.used() == {}


def test_until_none(device):
    torch.use({"matmul.vjp": matmul_vjp})
    torch.use({"exp.forward": np.exp})
    assert set(torch.used()) == {"matmul.vjp", "exp.forward"} and torch.ones(1).to(device).exp().item() > 2
    with torch.use({"matmul": matmul_with_pullback}):  # the later word on an entry counts
        assert set(torch.used()) == {"matmul", "exp.forward"}
    assert set(torch.used()) == {"matmul.vjp", "exp.forward"}
    torch.use(None)
    assert torch.used() == {}


def test_an_exception_ends_a_use(device):
    with contextlib.suppress(ZeroDivisionError), torch.use({"exp.forward": lambda a: 1 / 0}):
        torch.ones(1).to(device).exp()
    assert torch.used() == {} and torch.ones(1).to(device).exp().item() == pytest.approx(np.e)


def test_a_part_that_does_not_fit_changes_nothing(device):
    with pytest.raises(AttributeError):
        torch.use({"matmul.vjp": matmul_vjp, "nn.Lineer": nn.Linear})
    assert torch.used() == {} and "plan" not in vars(TABLE["matmul"]) and torch.ones(1).to(device).item() == 1


def test_threads_that_begin_and_end_in_any_order(device):
    """Each use ends for itself: whoever ends last leaves the engine's own."""
    barrier, errors = threading.Barrier(4), []

    def work(name, function):
        try:
            for _ in range(20):
                barrier.wait(timeout=30)
                with torch.use({name: function}):
                    assert name in torch.used()
                    x = torch.ones(2, 2).to(device).requires_grad_()
                    (x @ x).exp().sum().backward()
                    assert x.grad[0, 0].item() == pytest.approx(4 * np.e**2, rel=1e-5)
        except BaseException as error:
            errors.append(error)
            barrier.abort()

    parts = {"matmul.vjp": matmul_vjp, "exp.forward": np.exp, "exp.vjp": lambda g, a: g * np.exp(a),
             "matmul.forward": lambda a, b: a @ b}
    threads = [threading.Thread(target=work, args=part) for part in parts.items()]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == [] and torch.used() == {}


def test_within_a_part_its_name_leads_to_the_engines_own(device):
    """A part may call what it replaces: to look on, or because it was lent by the engine in the first place."""
    own_unbroadcast, seen = torch.autograd.unbroadcast, []
    x = torch.ones(2, 3).to(device).requires_grad_()

    def by_the_engine(gradient, a, b):
        left, right = [torch.tensor(each, device=device, requires_grad=True) for each in (a, b)]
        seen.append("matmul")
        (left @ right).backward(torch.tensor(gradient, device=device))
        return left.grad.array, right.grad.array

    def looking_on(gradient, shape):
        seen.append(shape)
        return torch.autograd.unbroadcast(gradient, shape)

    with torch.use({"matmul.vjp": by_the_engine, "autograd.unbroadcast": looking_on}):
        ((x @ torch.ones(3, 2).to(device)) * torch.ones(5, 2, 2).to(device)).sum().backward()
    assert x.grad.tolist() == [[10] * 3] * 2 and seen == [(2, 2), "matmul"]
    assert torch.autograd.unbroadcast is own_unbroadcast


# ---- what is said -----------------------------------------------------------------------------------------------

MISTAKES = [
    ({"matmull": matmul_vjp}, AttributeError, "'engine' has no attribute 'matmull'; did you mean 'matmul'?"),
    ({"nll_los.vjp": matmul_vjp}, AttributeError, "did you mean 'nll_loss'?"),
    ({"nn.Lineer": nn.Linear}, AttributeError, "'engine.nn' has no attribute 'Lineer'; did you mean 'Linear'?"),
    ({"optim.SDG": nn.Linear}, AttributeError, "'engine.optim' has no attribute 'SDG'; did you mean 'SGD'?"),
    ({"autograd._weights": matmul_vjp}, AttributeError, "'_weights'"),
    ({"matmul.vpj": matmul_vjp}, ValueError, "'matmul' has the parts 'matmul.vjp' and 'matmul.forward', not"),
    ({"argmax.vjp": matmul_vjp}, ValueError, "argmax has no derivative"),
    ({"lstm.forward": matmul_vjp}, ValueError, "give 'lstm', both"),
    ({"nn.primitives.loss.nll_loss": matmul_vjp}, ValueError, "an entry of the table; its name is 'nll_loss'"),
    ({"nn": matmul_vjp}, ValueError, "'nn' is no function or class of the engine"),
    ({"autograd.warnings.warn": matmul_vjp}, ValueError, "is no function or class of the engine"),
    ({"nn.Linear": matmul_vjp}, TypeError, "'nn.Linear' is a class, and so must be"),
    ({"nn.functional.dropout": nn.Dropout}, TypeError, "'nn.functional.dropout' is a function, and so must be"),
    ({"matmul.vjp": None}, TypeError, "functions and classes by their names, not 'matmul.vjp': None"),
    ({3: matmul_vjp}, TypeError, "by their names, not 3"),
    (3, TypeError, "takes a mapping from names to functions, or what has one as PARTS, not 3"),
]


@pytest.mark.parametrize("parts, kind, message", MISTAKES, ids=[case[2][:40] for case in MISTAKES])
def test_what_is_no_part_is_refused(parts, kind, message):
    with pytest.raises(kind) as caught:
        torch.use(parts)
    assert message in str(caught.value)


WRONG = [
    ("matmul.vjp", lambda g, a, b: None, "your `matmul.vjp` gave None, expected 2: a gradient for each input"),
    ("matmul.vjp", lambda g, a, b: g, "gave 1 gradient(s), expected 2"),
    ("matmul.vjp", lambda g, a, b: (g, g, g), "gave 3 gradient(s), expected 2"),
    ("matmul.vjp", lambda g, a, b: (g, g), "your `matmul.vjp` gave shape (5, 2) for `a`, expected (5, 3)"),
    ("matmul.vjp", lambda g, a, b: (g @ b.T, (a.T @ g).astype("float64")), "dtype float64 for `b`, expected float32"),
    ("matmul.vjp", lambda g, a, b: ([1.0], None), "gave a list for `a`, expected"),
    ("matmul.forward", lambda a, b: None, "your `matmul.forward` gave None, expected"),
    ("matmul.forward", lambda a, b: torch.ones(5, 2), "your `matmul.forward` gave a Tensor, expected"),
    ("matmul.forward", lambda a, b: a, "your `matmul.forward` gave shape (5, 3), expected (5, 2)"),
    ("matmul.forward", lambda a, b: (a @ b).astype("float64"), "gave dtype float64, expected float32"),
    ("matmul", lambda a, b: a @ b, "expected a tuple (result, pullback)"),
    ("matmul", lambda a, b: (a @ b, None), "expected a tuple (result, pullback)"),
    ("matmul", lambda a, b: (a, lambda g: (g, g)), "your `matmul` gave shape (5, 3), expected (5, 2)"),
    ("matmul", lambda a, b: (a @ b, lambda g: g), "your `matmul` gave 1 gradient(s), expected 2"),
    ("sum.vjp", lambda g, a, dim, keepdim: None, "your `sum.vjp` gave None, expected 1"),
    ("cat.vjp", lambda g, *tensors, dim: [g for _ in tensors], "gave shape (10, 2) for `tensors[0]`, expected (5, 2)"),
]


@pytest.mark.parametrize("name, wrong, message", WRONG, ids=[f"{case[0]}: {case[2][:40]}" for case in WRONG])
def test_what_a_part_gives_is_looked_at(name, wrong, message, device):
    """Each error names the part, what it gave and what was expected."""
    a, b = torch.ones(5, 3).to(device), torch.ones(3, 2).to(device).requires_grad_()
    with torch.use({name: wrong}), pytest.raises((TypeError, ValueError)) as caught:
        torch.cat([a @ b, a @ b]).sum().backward()
    assert message in str(caught.value)


def test_an_exception_says_in_whose_part_it_was(device):
    """The learner's own exception, as it was, with a note; where the engine refuses the inputs too, its own words."""
    def stumbles(a, b):
        raise ValueError("mine")

    a = torch.ones(5, 3).to(device)
    with torch.use({"matmul.forward": stumbles}):
        with pytest.raises(ValueError, match="mine") as caught:
            a @ a.T
        (note,) = caught.value.__notes__
        assert note == "This happened in your `matmul.forward`, which engine.use has put into the engine."
        with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
            a @ a


@pytest.mark.parametrize("name, part", [("matmul.vjp", matmul_vjp), ("matmul", matmul_with_pullback)])
def test_create_graph_through_a_part_is_refused(name, part, device):
    """What an array function does cannot be recorded: no silent zero, but the way out."""
    a = torch.ones(2, 2).to(device).requires_grad_()
    with torch.use({name: part}):
        with pytest.raises(RuntimeError, match=rf"your `{name}` computes with arrays.*with engine.use\(None\):"):
            torch.autograd.grad((a @ a).sum(), a, create_graph=True)
        with torch.use(None):
            slope, = torch.autograd.grad((a @ a).sum(), a, create_graph=True)
        assert torch.autograd.grad(slope.sum(), a)[0].tolist() == [[4, 4], [4, 4]]


def test_the_badge_line_comes_once_when_it_begins(capsys):
    parts = {"matmul.vjp": matmul_vjp, "nn.functional.dropout": F.dropout}
    for _ in range(3):
        with torch.use(parts):
            pass
    line = "Running on your own: matmul (vjp), nn.functional.dropout. engine.use(None) goes back.\n"
    assert capsys.readouterr().out == line
    torch.use(None)
    torch.use({})
    assert capsys.readouterr().out == ""
    torch.use(parts)
    assert capsys.readouterr().out == line


def test_the_badge_says_whose_each_part_is():
    own = torch.use({"matmul.vjp": matmul_vjp, "nn.functional.dropout": F.dropout})
    assert repr(own).splitlines() == [
        "  matmul (vjp)                 yours, test_use.matmul_vjp",
        "  nn.functional.dropout        yours, engine.nn.functional.dropout.dropout",
        "  all else                     the engine's"]
    long = torch.use({"nn.functional.scaled_dot_product_attention": F.scaled_dot_product_attention})
    assert len({line.index(whose) for line, whose in zip(repr(long).splitlines(), ("yours", "the engine's"))}) == 1
    page = own._repr_html_()
    assert page.count("<span") == page.count("</span>") == 3 and "matmul (vjp) · yours" in page
    assert "test_use.matmul_vjp" in page and "all else · the engine’s" in page
    assert repr(torch.use(None)) == "All parts are the engine's."
    assert "all parts · the engine’s" in torch.use({})._repr_html_()


def test_names_in_the_badge_are_escaped():
    class Odd:
        __qualname__ = '"><script>'

        def __call__(self, *arguments):
            raise AssertionError("is not called")

    odd = Odd()
    odd.__qualname__ = '"><script>'
    assert "<script>" not in torch.use({"matmul.vjp": odd})._repr_html_()


def test_parts_may_come_from_a_module():
    """Anything with a mapping as its attribute PARTS, as a package of one's own has."""
    class Package:
        PARTS = {"matmul.vjp": matmul_vjp}

    with torch.use(Package):
        assert torch.used() == Package.PARTS


def test_pictures_say_which_part_is_yours(device):
    """A graph captured on own parts: the edge's rule is the part's name, inside the use and after it."""
    a = torch.ones(2, 2).to(device).requires_grad_()
    with torch.use({"matmul.vjp": matmul_vjp}), torch.viz.capture() as graph:
        loss = (a @ a).exp().sum()
        loss.backward()
    rules = {edge.rule for edge in graph.edges}
    assert "your matmul.vjp" in rules and "g × out" in rules
    texts = [edge.text for edge in graph.edges if edge.rule == "your matmul.vjp"]
    assert texts and all(text.startswith("∂loss/∂a += your matmul.vjp") for text in texts), texts
