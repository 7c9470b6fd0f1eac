"""Convolution in memory with the batch last: equal to the general way; nobody gets to see the order of memory."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import order, threads
from engine.nn.primitives import batch_last, convolution
from engine.nn.primitives.convolution import How


@st.composite
def problems(draw):
    """(input, weight, bias, bias of the transposed one, how, a generator) of a convolution that has a place to be."""
    dims = draw(st.integers(1, 2))
    several = lambda low, high: tuple(draw(st.lists(st.integers(low, high), min_size=dims, max_size=dims)))
    kernel, stride, padding, more = several(1, 4), several(1, 3), several(0, 3), several(0, 8)
    size = tuple(max(each - 2 * side, 1) + extra for each, side, extra in zip(kernel, padding, more))
    n, channels, out = draw(st.integers(1, 70)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    shapes = (n, channels, *size), (out, channels, *kernel), (out,), (channels,)
    arrays = [random.standard_normal(shape) for shape in shapes]
    if draw(st.booleans()):
        arrays[0] = np.moveaxis(np.ascontiguousarray(np.moveaxis(arrays[0], 0, -1)), -1, 0)
    if draw(st.booleans()):
        arrays[0] = np.repeat(arrays[0], 2, 0)[::2]
    return *arrays, How(stride, padding, (1,) * dims, 1), random


@settings(max_examples=60, deadline=None)
@given(problems(), st.sampled_from([2**9, 2**13, 2**20]))
def test_it_equals_the_general_way(problem, tile):
    """Forward and both gradients, for tiles from a few numbers to all of them."""
    a, weight, bias, other_bias, how, random = problem
    before, batch_last.TILE = batch_last.TILE, tile
    try:
        assert batch_last.suits(a, weight, how)
        output = batch_last.convolution(a, weight, bias, how)
        g = random.standard_normal(output.shape)
        back = batch_last.convolution_transposed(g, weight, other_bias, a.shape[2:], how)
        to_weight = batch_last.convolution_weight(a, g, weight.shape[2:], how)
    finally:
        batch_last.TILE = before
    np.testing.assert_allclose(output, convolution.by_columns(a, weight, bias, how=how), atol=1e-10)
    np.testing.assert_allclose(
        back, convolution.by_columns_transposed(g, weight, other_bias, size=a.shape[2:], how=how), atol=1e-10)
    np.testing.assert_allclose(
        to_weight, convolution.by_columns_weight(a, g, kernel=weight.shape[2:], how=how), atol=1e-9)


@pytest.mark.parametrize("change", [
    {"dilation": (2, 1)}, {"groups": 2}, {"dtype": "complex64"}, {"dtype": "int64"}, {"n": 0}], ids=str)
def test_what_it_leaves_to_the_general_way(change):
    dtype, groups = change.get("dtype", "float32"), change.get("groups", 1)
    a, weight = np.zeros((change.get("n", 2), 4, 8, 8), dtype), np.zeros((4, 4 // groups, 3, 3), dtype)
    assert not batch_last.suits(a, weight, How((1, 1), (0, 0), change.get("dilation", (1, 1)), groups))


def output_of(n=3):
    x = engine.randn(n, 2, 5, 6)
    return engine.nn.functional.conv2d(x, engine.randn(4, 2, 3, 3), padding=1)


def test_the_batch_is_last_until_somebody_looks():
    output = output_of()
    assert order.is_batch_last(output.array)
    assert order.is_batch_last(output.relu().array), "elementwise functions keep the order"
    assert order.is_batch_last(engine.nn.functional.max_pool2d(output, 2).array)
    values = output.tolist()
    assert output.stride() == (120, 30, 6, 1) and output.is_contiguous()
    assert output.tolist() == values


LOOKS = {
    "view": lambda y: y.view(-1), "getitem": lambda y: y[0].view(-1), "slice": lambda y: y[:2].view(-1),
    "merged": lambda y: y.view(12, 30), "flatten": lambda y: y.flatten(1).view(-1),
    "detach": lambda y: y.detach().view(-1), "data": lambda y: y.data.view(-1),
    "unbind": lambda y: y.unbind(0)[1].view(-1),
    "transpose": lambda y: y.transpose(0, 1).transpose(0, 1).view(-1)}


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_views_are_views(look):
    """None raises, and what is written through them arrives."""
    output = output_of()
    view = LOOKS[look](output)
    view.fill_(7)
    assert (output.numpy() == 7).sum() == view.numel()


def test_numpy_shares_the_memory():
    output = output_of()
    output.numpy()[...] = 3
    assert (output == 3).all() and output.numpy().flags.c_contiguous


def test_memory_that_numpy_owns_stays_where_it_is():
    """Even in the same order: the tensor and the array go on sharing it."""
    array = np.empty_like(np.moveaxis(np.empty((2, 3, 4, 5)), -1, 0))
    array[...] = 0
    assert order.is_batch_last(array)
    for make in (engine.from_numpy, engine.as_tensor):
        tensor = make(array)
        assert not tensor.is_contiguous()
        tensor[0].fill_(1)
        assert (array[0] == 1).all()
        array[...] = 0


def test_a_change_in_place_after_the_look_is_noticed():
    x = engine.randn(2, 2, 4, 4).requires_grad_()
    output = engine.nn.functional.conv2d(x, engine.randn(3, 2, 3, 3)).sigmoid()
    loss = (output * output).sum()
    output.stride()
    output.view(-1).detach().mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_threads_do_not_disturb_each_other(monkeypatch):
    """Two threads that convolve at once, each with helpers, get what each gets alone; twice the same, to the bit."""
    monkeypatch.setattr(threads, "_most", [3])
    monkeypatch.setattr(batch_last, "WORTH_A_THREAD", 0)
    monkeypatch.setattr(batch_last, "TILE", 2**14)
    random, how = np.random.default_rng(0), How((1, 1), (1, 1), (1, 1), 1)
    inputs = [random.standard_normal((8, 4, 9, 9)).astype(np.float32) for _ in range(2)]
    weight = random.standard_normal((6, 4, 3, 3)).astype(np.float32)
    alone = [batch_last.convolution(each, weight, None, how).copy() for each in inputs]
    wrong = []

    def work(number):
        for _ in range(30):
            if not np.array_equal(batch_last.convolution(inputs[number], weight, None, how), alone[number]):
                wrong.append(number)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    [each.start() for each in workers]
    [each.join() for each in workers]
    assert not wrong


def test_shared_work_keeps_its_order_and_its_errors(monkeypatch):
    monkeypatch.setattr(threads, "_most", [3])
    assert threads.share(list, [1, 2, 3, 4, 5]) == [[1, 2], [3, 4], [5]]
    assert threads.share(list, [1, 2, 3], is_worth_it=False) == [[1, 2, 3]]

    def broken(items):
        raise KeyError(items[0])

    with pytest.raises(KeyError):
        threads.share(lambda items: broken(items) if 5 in items else items, [1, 2, 3, 4, 5])


def test_a_batch_too_large_for_a_tile_and_steps_leave_gaps_between_columns():
    """Where columns of the output do not lie in one piece, products go through memory of their own."""
    random, how = np.random.default_rng(0), How((1, 1), (1, 1), (1, 1), 1)
    a, weight = random.standard_normal((520, 2, 5, 6)), random.standard_normal((3, 2, 3, 3))
    np.testing.assert_allclose(
        batch_last.convolution(a, weight, np.ones(3), how), convolution.by_columns(a, weight, np.ones(3), how=how),
        atol=1e-10)


@pytest.mark.parametrize("rows, columns, common", [(144, 16, 1024), (27, 32, 512), (1024, 128, 448), (30, 10, 96)])
def test_products_of_pieces_are_the_whole(rows, columns, common):
    """The gradient to the weights, cut small for BLAS: each block in its place."""
    random = np.random.default_rng(0)
    left, right = random.standard_normal((2, rows, common)), random.standard_normal((2, columns, common))
    expected = np.einsum("nrk,nck->rc", left, right, optimize=True)
    np.testing.assert_allclose(batch_last._add_products(left, right), expected, atol=1e-10)


@pytest.mark.parametrize("rows, common, columns", [(16, 144, 512), (128, 1024, 96), (1, 30, 50)])
def test_products_in_pieces_or_packed(rows, common, columns):
    random = np.random.default_rng(0)
    left, right = random.standard_normal((rows, common)), random.standard_normal((2, common, columns))
    out = np.empty((2, rows, columns))
    batch_last._multiply(left, right, out)
    np.testing.assert_allclose(out, left @ right, atol=1e-10)


def test_odd_sizes_are_halved():
    """7 x 7 places: 25 for the one thread and 24 for the other; each tile once."""
    tiles = batch_last._tiles(7, 7, 64, batch_last.TILE // 49)
    halves = batch_last._in_halves(tiles, batch_last._cells)
    cells = [batch_last._cells(tile) for tile in halves]
    assert set(map(str, halves)) == set(map(str, tiles)) and len(halves) == len(tiles)
    half = -(-len(cells) // 2)
    assert sum(cells) == 49 * 64 and abs(sum(cells[:half]) - sum(cells[half:])) <= 0.1 * sum(cells), cells


# ---- what is computed from such memory, and who else holds it ---------------------------------------------

CHANNELS = np.linspace(-1, 1, 4, dtype=np.float32)[:, None, None]

RESULTS = {
    "sum": lambda y: y.sum(1), "mean": lambda y: y.mean((2, 3)), "max": lambda y: y.max(1).values,
    "argmax": lambda y: y.argmax(1), "logsumexp": lambda y: y.logsumexp(1), "var": lambda y: y.var(1),
    "any": lambda y: (y > 0).any(1), "cumsum": lambda y: y.cumsum(1), "sort": lambda y: y.sort(1).values,
    "with channels": lambda y: y + engine.tensor(CHANNELS), "with row-major": lambda y: engine.ones(3, 4, 5, 6) * y,
    "with pictures": lambda y: y + engine.ones(3, 1, 5, 6), "with five": lambda y: y + engine.ones(2, 1, 1, 1, 1),
    "where": lambda y: engine.where(y > 0, y, engine.ones(5, 6)), "cat": lambda y: engine.cat([y, y], 1),
    "interpolate": lambda y: engine.nn.functional.interpolate(y, scale_factor=2, mode="bilinear"),
    "softmax": lambda y: y.softmax(1), "matmul": lambda y: y @ engine.ones(6, 2),
    "zeros_like": lambda y: engine.zeros_like(y), "empty_like": lambda y: engine.empty_like(y),
    "tensor": lambda y: engine.tensor(y), "clone": lambda y: y.clone(), "to": lambda y: y.to(engine.float64),
    "as integers": lambda y: y.view(engine.int32)}


@pytest.mark.parametrize("name", RESULTS, ids=str)
def test_what_is_computed_of_it_is_row_major(name):
    """As in torch: view() raises for none of them, and the values are those from a row-major input."""
    output = output_of()
    plain = engine.from_numpy(np.ascontiguousarray(output.array))
    result, expected = RESULTS[name](output), RESULTS[name](plain)
    assert result.is_contiguous() and result.stride() == expected.stride()
    assert np.allclose(result.view(-1).numpy(), expected.view(-1).numpy(), atol=1e-5)


@pytest.mark.parametrize("x, weight", [
    ((1, 2, 5, 6), (4, 2, 3, 3)), ((3, 2, 3, 3), (1, 2, 3, 3)), ((3, 2, 3, 3), (4, 2, 3, 3)), ((3, 2, 9), (4, 2, 3)),
    ((1, 2, 9), (4, 2, 3)), ((3, 2, 3), (4, 2, 3))], ids=str)
def test_strides_where_sizes_are_one_and_in_one_dimension(x, weight):
    """Forward and the gradient to the input, whose memory is an array like any other."""
    x = engine.ones(*x, requires_grad=True)
    output = getattr(engine.nn.functional, f"conv{x.ndim - 2}d")(x, engine.ones(*weight))
    output.square().sum().backward()
    for each in (output, output.exp(), x.grad):
        assert each.stride() == engine.zeros(*each.shape).stride()


ALIASES = {
    "Parameter": engine.nn.Parameter, "Buffer": engine.nn.Buffer, "detach": lambda y: y.detach(),
    "data": lambda y: y.data, "integers": lambda y: y.view(engine.int32), "Variable": engine.autograd.Variable}


@pytest.mark.parametrize("name", ALIASES, ids=str)
def test_tensors_of_one_memory_keep_it_in_common(name):
    """Whichever of the two is looked at first."""
    output = output_of()
    alias = ALIASES[name](output)
    output.stride(), alias.stride()
    alias.data.fill_(0)
    assert (output == 0).all()


def test_assigned_data_is_one_memory_with_what_was_assigned():
    output, parameter = output_of(), engine.zeros(3, 4, 5, 6)
    parameter.data = output
    assert output.is_contiguous() and parameter.is_contiguous()
    parameter.fill_(2)
    assert (output == 2).all()


def test_what_a_function_saves_is_the_memory_of_the_tensor():
    class Square(engine.autograd.Function):
        @staticmethod
        def forward(ctx, y):
            ctx.save_for_backward(y)
            return y * y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            assert np.shares_memory(y.view(-1).detach().numpy(), kept[0].detach().numpy())
            return g.view(-1).view(g.shape) * 2 * y

    x = engine.randn(3, 2, 5, 6).requires_grad_()
    kept = [engine.nn.functional.conv2d(x, engine.randn(4, 2, 3, 3))]
    (Square.apply(kept[0]) * engine.ones(4, 1, 1)).sum().backward()
    assert x.grad.is_contiguous()


def test_gradients_that_are_handed_out_are_row_major():
    """To a leaf, by grad(), to a hook and by retain_grad(); also where it is a sum over pictures with the batch last."""
    scale = engine.randn(3, 4, requires_grad=True)
    x = engine.randn(3, 2, 5, 6).requires_grad_()
    seen = []

    def loss():
        output = engine.nn.functional.conv2d(x, engine.ones(4, 2, 3, 3)) * engine.from_numpy(CHANNELS)
        output.register_hook(lambda g: seen.append(g.view(-1)))
        output.retain_grad()
        seen.append(output)
        return (output.sigmoid() * scale[:, :, None, None] * engine.ones(3, 1, 3, 4)).square().sum()

    for gradient in engine.autograd.grad(loss(), [scale, x]):
        gradient.view(-1)
    loss().backward()
    for each in (scale, x, seen[2]):
        each.grad.view(-1)


def test_a_hook_may_change_what_it_is_given():
    """After a look at it, too: the change goes on."""
    def doubled(gradient):
        gradient.view(-1).mul_(2)

    gradients = []
    for hook in (lambda gradient: None, doubled):
        x = engine.ones(3, 2, 5, 6, requires_grad=True)
        output = engine.nn.functional.conv2d(x, engine.ones(4, 2, 3, 3)).sigmoid()
        output.register_hook(hook)
        (output * engine.nn.functional.conv2d(x.detach(), engine.ones(4, 2, 3, 3))).sum().backward()
        gradients.append(x.grad)
    assert (gradients[1] == gradients[0] * 2).all()


def test_it_is_saved_and_loaded_row_major(tmp_path):
    output = output_of()
    engine.save({"plain": output, "view": output[0]}, tmp_path / "outputs")
    loaded = engine.load(tmp_path / "outputs")
    assert loaded["plain"].is_contiguous() and loaded["view"].is_contiguous()
    assert (loaded["plain"] == output).all()
