"""Entries that do a layer in one step equal what they are composed of, also where threads share the work."""

import numpy as np
import pytest

import engine
from engine import nn
from engine.autograd import graph, short
from engine.autograd.graph import record
from engine.autograd.short import record_one, record_two
from engine.nn.functional.attention import composed_attention
from engine.nn.functional.normalization import composed_layer_norm
from engine.ops import TABLE, quick

ATTENTION = [((5, 4), (6, 4), (6, 3)), ((2, 5, 4), (2, 6, 4), (2, 6, 3)), ((2, 3, 7, 4), (2, 3, 4, 4), (2, 3, 4, 5)),
             ((5, 2, 90, 8), (5, 2, 80, 8), (5, 2, 80, 4))]


def gradients(function, inputs, device):
    """The result and the gradients of a scalar that depends on each element of it in another way."""
    leaves = [engine.tensor(each, device=device, requires_grad=True) for each in inputs]
    result = function(*leaves)
    weights = np.random.default_rng(1).standard_normal(tuple(result.shape)).astype(inputs[0].dtype)
    (result * engine.tensor(weights, device=device)).sum().backward()
    return [each.detach().cpu().numpy() for each in (result, *[leaf.grad for leaf in leaves])]


def check_equal(one, other, inputs, device, tolerance=1e-11):
    for found, expected in zip(gradients(one, inputs, device), gradients(other, inputs, device)):
        assert found.shape == expected.shape and found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("shapes", ATTENTION, ids=str)
def test_attention_equals_the_composed_one(shapes, is_causal, device):
    """The last shapes are large enough for several threads."""
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal(shape) for shape in shapes]
    fused = nn.functional.scaled_dot_product_attention
    check_equal(
        lambda *each: fused(*each, is_causal=is_causal), lambda *each: composed_attention(*each, is_causal=is_causal),
        inputs, device)


def test_heads_join_without_a_copy(device):
    """The result of (B, H, L, E) lies in memory as (B, L, H, E), what the next layer wants."""
    q, k, v = [engine.randn(2, 3, 5, 4, device=device) for _ in range(3)]
    joined = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
    assert joined.is_contiguous()


@pytest.mark.parametrize("shape, last", [((4, 5), (5,)), ((2, 3, 4), (3, 4)), ((7,), (7,)), ((3, 1), (1,))], ids=str)
def test_layer_norm_equals_the_composed_one(shape, last, device):
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal(each) for each in (shape, last, last)]
    check_equal(
        lambda *each: nn.functional.layer_norm(each[0], last, *each[1:], eps=1e-2),
        lambda *each: composed_layer_norm(*each, eps=1e-2), inputs, device)


@pytest.mark.parametrize("shape", [(4, 3, 5), (4, 3, 2, 5), (2, 3, 2, 2, 2), (3, 1, 2, 2)], ids=str)
@pytest.mark.parametrize("is_batch_last", [False, True])
def test_batch_norm_equals_the_composed_one(shape, is_batch_last, device):
    """In both orders of memory; under create_graph too, and with the running statistics."""
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal(each) for each in (shape, shape[1:2], shape[1:2])]
    running = [[engine.zeros(shape[1], device=device, dtype=engine.float64) for _ in range(2)] for _ in range(2)]

    def prepared(x):
        if is_batch_last and len(shape) == 4:  # as a convolution leaves it
            kernel = engine.ones(shape[1], 1, 1, 1, device=device, dtype=engine.float64)
            kernel = kernel * engine.eye(shape[1], device=device, dtype=engine.float64)[:, :, None, None]
            x = nn.functional.conv2d(x, kernel)
        return x

    def composed(x, weight, bias):
        x, by_channel = prepared(x), (-1, *[1] * (len(shape) - 2))
        dims = (0, *range(2, len(shape)))
        for old, new in zip(running[1], (x.mean(dims), x.var(dims))):
            old.copy_(old * 0.7 + new.detach() * 0.3)
        standard = (x - x.mean(dims, keepdim=True)) / (x.var(dims, correction=0, keepdim=True) + 1e-2).sqrt()
        return standard * weight.reshape(by_channel) + bias.reshape(by_channel)

    check_equal(
        lambda x, weight, bias: nn.functional.batch_norm(
            prepared(x), *running[0], weight, bias, training=True, momentum=0.3, eps=1e-2), composed, inputs, device)
    for one, other in zip(*running):
        np.testing.assert_allclose(one.cpu().numpy(), other.cpu().numpy(), rtol=1e-12)
    leaves = [engine.tensor(each, requires_grad=True) for each in inputs]
    assert engine.autograd.gradgradcheck(
        lambda x, weight, bias: nn.functional.batch_norm(x, None, None, weight, bias, training=True, eps=1e-2), leaves)


def test_results_may_be_changed_in_place(device):
    """Neither entry wants its own result for the way back, as in torch."""
    x = engine.randn(2, 3, 4, 5, device=device, requires_grad=True)
    weight, bias = [engine.ones(5, device=device, requires_grad=True) for _ in range(2)]
    expected = None
    for change in (lambda y: y * 2, lambda y: y.mul_(2)):
        normal = change(nn.functional.layer_norm(x, (5,), weight, bias))
        change(nn.functional.scaled_dot_product_attention(normal, x, x)).sum().backward()
        found, x.grad = x.grad.tolist(), None
        assert expected in (None, found)
        expected = found


@pytest.mark.parametrize("count", [1, 100, 70_000])
def test_gelu_of_float32_is_as_exact_as_its_type(count, device):
    """Within 5e-6 of float64 everywhere, value and slope, however many parts and threads it takes."""
    x = np.linspace(-12, 12, count)
    found, expected = [gradients(nn.functional.gelu, [x.astype(dtype)], device) for dtype in ("float32", "float64")]
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, atol=5e-6, rtol=1e-6)


OPERANDS = {
    "leaf": lambda x: x.requires_grad_(), "constant": lambda x: x, "result": lambda x: x.requires_grad_() * 2,
    "view": lambda x: (x.requires_grad_() * 2)[0], "integers": lambda x: x.long(), "number": lambda x: 1.5,
    "double": lambda x: x.double().requires_grad_()}


@pytest.mark.parametrize("second", OPERANDS)
@pytest.mark.parametrize("first", OPERANDS)
@pytest.mark.parametrize("name", ["add", "mul", "div", "maximum"])
def test_the_short_ways_record_what_the_long_one_does(name, first, second, device):
    """record_one and record_two make the same results, nodes, edges and saved values as record."""
    if first == second == "number":
        return
    ways = []
    for way in (lambda op, *inputs: record(op, inputs, {}), record_two):
        a, b = [OPERANDS[each](engine.full((2, 3), 3.0, device=device)) for each in (first, second)]
        ways.append((way(TABLE[name], a, b), (a, b)))
    (long, _), (short, _) = ways
    check_alike(long, short)


@pytest.mark.parametrize("first", [each for each in OPERANDS if each != "number"])
@pytest.mark.parametrize("name", ["exp", "relu", "isnan", "clone"])
def test_the_short_way_of_one_input(name, first, device):
    x = OPERANDS[first](engine.full((2, 3), 3.0, device=device))
    check_alike(record(TABLE[name], (x,), {}), record_one(TABLE[name], x))


def test_the_short_way_asks_for_no_history_where_nothing_is_recorded(device):
    """A view whose history is unknown may be used within no_grad; only outside that is an error."""
    base = engine.ones(3, device=device, requires_grad=True) * 1
    with engine.no_grad():
        view = base[:2]
    base.mul_(2)
    with engine.no_grad():
        assert (view * view + 1).tolist() == [5, 5]
    with pytest.raises(RuntimeError, match="no_grad"):
        view * view


def check_alike(long, short):
    assert short.dtype is long.dtype and short.shape == long.shape and short.device == long.device
    assert short.tolist() == long.tolist() and short.requires_grad == long.requires_grad
    one, other = long.grad_fn, short.grad_fn
    assert (one is None) == (other is None)
    if one is not None:
        assert one.name() == other.name() and one.plan is other.plan and one.shape == other.shape
        assert [each and each.name() for each in one.inputs] == [each and each.name() for each in other.inputs]
        assert len(one.saved) == len(other.saved) and len(one.versions) == len(other.versions)


# ---- entries in fewer passes ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [7, 2 * quick.MANY])
@pytest.mark.parametrize("name", sorted(quick.PLAIN))
def test_quick_entries_equal_the_plain_ones(name, count, monkeypatch, device):
    """Results and gradients, zeros among the inputs; batches with the batch last too."""
    op, inputs = TABLE[name], np.random.default_rng(0).standard_normal((3, count)).round(1)
    how = {"dim": 1} if name == "log_softmax" else {}
    found = gradients(lambda x: op(x, **how), [inputs], device)
    plain = gradients(lambda x: op(x.transpose(0, 1), **(how and {"dim": 0})).transpose(0, 1), [inputs], device)
    monkeypatch.setattr(op, "forward", quick.PLAIN[name][0])
    monkeypatch.setattr(op, "vjps", [quick.PLAIN[name][1]])
    monkeypatch.setattr(op, "plans", {})
    expected = gradients(lambda x: op(x, **how), [inputs], device)
    for one, other, third in zip(found, plain, expected):
        np.testing.assert_allclose(one, third, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(other, third, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("slope", [0.2, 1.0, 0.0, -0.5, 3.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaky_relu_by_any_slope(slope, dtype, device):
    """The usual slopes by a maximum, others by a choice: the same."""
    x = np.array([-2, -0.5, 0, 0.5, 2], dtype)
    found, gradient = gradients(lambda x: nn.functional.leaky_relu(x, slope), [x], device)
    weights = np.random.default_rng(1).standard_normal(5).astype(dtype)
    np.testing.assert_allclose(found, np.where(x > 0, x, slope * x), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.where(x > 0, weights, weights * slope), rtol=1e-6)


# ---- shorter ways back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("shape", [(300, 40), (3, 100, 40), (7, 40)], ids=str)
def test_a_long_linear_layer_s_way_back_is_the_plain_one(shape, with_bias, monkeypatch, device):
    """Rows shared out among threads, and too few rows: the same gradients, also where only some are wanted."""
    monkeypatch.setattr(engine.threads, "WORTH_SHARING", 1)
    random = np.random.default_rng(0).standard_normal
    inputs = [random(shape), random((50, 40)), *([random(50)] if with_bias else [])]
    layer = nn.functional.linear
    found = gradients(layer, inputs, device)
    x, *others = [engine.tensor(each, device=device, requires_grad=True) for each in inputs]
    (alone,) = engine.autograd.grad(layer(x, *others).sum(), x)
    np.testing.assert_allclose(
        alone.cpu().numpy(), np.broadcast_to(inputs[1].sum(0), shape), rtol=1e-11, atol=1e-11)
    monkeypatch.setattr(short, "AT_ONCE", {})
    for one, other in zip(found, gradients(layer, inputs, device)):
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("frozen", [(), (0,), (1,), (2,), (0, 2), (0, 1)], ids=str)
@pytest.mark.parametrize("shape", [(300, 40), (7, 40), (40,)], ids=str)
def test_a_linear_layer_of_which_some_inputs_are_frozen(shape, frozen, monkeypatch, device):
    """The first layer of a network, whose input is data, and one that is not trained: as the plain way."""
    random, found = np.random.default_rng(0).standard_normal, []
    arrays = [random(shape), random((50, 40)), random(50)]
    for ways in (short.AT_ONCE, {}):
        monkeypatch.setattr(short, "AT_ONCE", ways)
        leaves = [engine.tensor(each, device=device) for each in arrays]
        [leaf.requires_grad_(number not in frozen) for number, leaf in enumerate(leaves)]
        (nn.functional.linear(*leaves) ** 2).sum().backward()
        found.append([leaf.grad if leaf.grad is None else leaf.grad.cpu().numpy() for leaf in leaves])
    for number, (one, other) in enumerate(zip(*found)):
        assert (one is None) == (other is None) == (number in frozen)
        assert one is None or np.allclose(one, other, rtol=1e-11, atol=1e-11)


def test_gradients_of_parts_meet_in_one_array(monkeypatch):
    """A sequence taken step by step, some steps twice and by arrays, makes one array of zeros, not one for each."""
    from engine.ops import indexing

    made, forward = [], indexing.put_add.forward
    monkeypatch.setattr(indexing.put_add, "forward", lambda g, **how: made.append("whole" in how) or forward(g, **how))
    x = np.random.default_rng(0).standard_normal((9, 4))

    def walk(x):
        steps = [x[at] * (at + 1) for at in range(9)]
        return sum(steps) + x[[0, 3, 3]].sum(0) + x[1:8:2].sum(0) + x[2]

    found = gradients(walk, [x], "cpu")
    assert sorted(made) == [False] + [True] * 11
    monkeypatch.setattr(short, "INTO", {})
    expected = gradients(walk, [x], "cpu")
    assert made[12:] == [False] * 12
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_a_gradient_that_somebody_else_holds_is_not_added_to():
    """What arrived at x from elsewhere is also the gradient of another tensor: it stays as it is."""
    x, y = [engine.ones(3, requires_grad=True) for _ in range(2)]
    a, b = x * 1, y * 1
    (a[0] * 5 + (a + b).sum()).backward()
    assert x.grad.tolist() == [6, 1, 1] and y.grad.tolist() == [1, 1, 1]


# ---- the plain pass back ----------------------------------------------------------------------------------


def test_the_plain_pass_leaves_what_the_general_one_does(device):
    """Twice, so that gradients are added to others too."""
    found = []
    for backward in (short.backward, graph.backward):
        engine.manual_seed(0)
        leaves = [engine.randn(3, 3, device=device, requires_grad=True) for _ in range(3)]
        for _ in range(2):
            result = many_ways_of(leaves)
            backward([result], [engine.ones_like(result).array], False)
        found.append([each.grad.tolist() for each in leaves])
    assert found[0] == found[1]


def many_ways_of(leaves):
    """A scalar in which they are used once and twice, as views, by entries of one, two and three inputs."""
    a, b, c = leaves
    y = nn.functional.linear((a + b).relu() * a, b, c[0]) + c.t() + (a - 1)
    y = y + nn.functional.log_softmax(y * 2, 1).exp() + y[:1] + b
    return (y * y).sum()


def test_a_gradient_that_somebody_holds_is_copied(device):
    """One that goes to two leaves, was given by the caller, is kept by a hook or by a graph that is retained: each leaf
    can be changed without the other's notice."""
    a, b = [engine.randn(3, device=device, requires_grad=True) for _ in range(2)]
    given = engine.ones(3, device=device)
    (a + b).backward(given)
    a.grad.zero_()
    assert b.grad.tolist() == given.tolist() == [1, 1, 1]

    seen = []
    a.grad = b.grad = None
    product = a * 1
    product.register_hook(seen.append)
    product.sum().backward()
    a.grad.mul_(5)
    assert seen[0].tolist() == [1, 1, 1]

    a.grad = None
    weighted = (a * given).sum()
    for _ in range(2):
        weighted.backward(retain_graph=True)
    assert a.grad.tolist() == [2, 2, 2] and given.tolist() == [1, 1, 1]


def test_a_gradient_that_nobody_holds_is_not_copied(monkeypatch):
    """The product of a linear layer's weight arrives and stays; in another order it would be copied."""
    made = []
    weight = engine.randn(4, 3, requires_grad=True)
    monkeypatch.setattr(graph.order, "copied", lambda gradient, like: made.append(gradient) or gradient.copy())
    nn.functional.linear(engine.randn(5, 3), weight).sum().backward()
    assert not made and weight.grad.shape == (4, 3)
    (weight.t() * 2).sum().backward(engine.tensor(1.0))
    weight.grad = None
    (weight.t() * 2).sum().backward()
    assert len(made) == 1
