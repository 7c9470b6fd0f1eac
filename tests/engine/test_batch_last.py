"""Convolution in memory with the batch last: equal to the general way; nobody gets to see the order of memory."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import backend, threads
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
    assert backend.is_batch_last(output.array)
    assert backend.is_batch_last(output.relu().array), "elementwise functions keep the order"
    assert backend.is_batch_last(engine.nn.functional.max_pool2d(output, 2).array)
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
    assert backend.is_batch_last(array)
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
    monkeypatch.setattr(threads._helpers, "most", 3)
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
    monkeypatch.setattr(threads._helpers, "most", 3)
    assert threads.share(list, [1, 2, 3, 4, 5]) == [[1, 2], [3, 4], [5]]
    assert threads.share(list, [1, 2, 3], is_worth_it=False) == [[1, 2, 3]]

    def broken(items):
        raise KeyError(items[0])

    with pytest.raises(KeyError):
        threads.share(lambda items: broken(items) if 5 in items else items, [1, 2, 3, 4, 5])
