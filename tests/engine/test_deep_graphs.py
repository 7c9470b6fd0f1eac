"""Graphs of 100,000 nodes: no recursion, no cyclic garbage, memory back where it was, whatever happens in backward."""

import gc
import os
import tracemalloc
import types
import warnings
import weakref

import numpy as np
import pytest

import engine as torch
from engine.autograd import Function

DEPTH = 100_000
FOLDER = os.path.dirname(torch.__file__) + os.sep


def chain(x, depth):
    for _ in range(depth // 2):
        x = x * 1.0 + 0.0
    return x


def start():
    return torch.ones(1, dtype=torch.float64, requires_grad=True)


@pytest.fixture
def no_cycles():
    """The garbage collector is off during the test, and has nothing of the engine's to collect afterwards.

    Other threads of the process (a browser's driver, a cluster of another test) may leave garbage of their own.
    """
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    found = [each for each in gc.garbage if is_ours(each)]
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
    assert found == []


def is_ours(thing):
    """Whether an object is the engine's, an array, or a frame or function of the engine or of this file."""
    if isinstance(thing, (types.FrameType, types.FunctionType)):
        code = thing.f_code if isinstance(thing, types.FrameType) else thing.__code__
        return code.co_filename.startswith((FOLDER, __file__))
    return isinstance(thing, np.ndarray) or type(thing).__module__.partition(".")[0] in ("engine", __name__)


def test_forward_backward_and_freeing(no_cycles):
    x = start()
    y = chain(x, DEPTH)
    last = weakref.ref(y.grad_fn)
    y.backward()
    assert x.grad.item() == 1.0
    del y
    assert last() is None


def test_freeing_a_graph_that_was_never_used(no_cycles):
    y = chain(start(), DEPTH)
    last = weakref.ref(y.grad_fn)
    del y
    assert last() is None


@pytest.mark.parametrize("depth", [DEPTH // 10, pytest.param(DEPTH, marks=pytest.mark.slow)])
def test_a_recorded_backward_and_one_through_it(depth, no_cycles):
    x = start()
    y = x
    for _ in range(depth):
        y = y * x
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(slope, x)
    assert (slope.item(), second.item()) == (depth + 1, depth * (depth + 1))


def test_grad_of_a_value_in_the_middle(no_cycles):
    x = start()
    middle = chain(x, DEPTH)
    assert torch.autograd.grad(chain(middle, DEPTH), middle)[0].item() == 1.0


def hook_fails(x):
    y = chain(x, 20)
    y.register_hook(lambda g: 1 / 0)
    return chain(y, 20)


def hooks_of_every_kind(x):
    y = chain(x, 20)
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.grad_fn.register_hook(lambda into, out: None)
    y.grad_fn.register_prehook(lambda out: None)
    x.register_post_accumulate_grad_hook(lambda p: None)
    return chain(y, 20)


class Fails(Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(x, result)
        return result, x * 2

    @staticmethod
    def backward(ctx, *gradients):
        ctx.saved_tensors
        raise ValueError("on purpose")


def function_fails(x):
    first, second = Fails.apply(chain(x, 20))
    return chain(first + second, 20)


def saved_value_changed(x):
    y = x.exp()
    z = chain(y, 20)
    with torch.no_grad():
        y.zero_()
    return z


def views_changed_in_place(x):
    y = chain(x, 20).reshape(1, 1)
    y[0].mul_(2)
    return y[0] + chain(x, 20)


@pytest.mark.parametrize(
    "build", [hook_fails, hooks_of_every_kind, function_fails, saved_value_changed, views_changed_in_place]
)
@pytest.mark.parametrize("detecting", [False, True], ids=["", "anomaly"])
def test_no_cycles_after_backward_whether_or_not_it_failed(build, detecting, no_cycles):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.autograd.set_detect_anomaly(detecting):
            y = build(start())
            try:
                y.sum().backward()
            except (ZeroDivisionError, ValueError, RuntimeError):
                pass
            y = build(start())
            try:
                torch.autograd.grad(y.sum(), y, create_graph=True)
            except (ZeroDivisionError, ValueError, RuntimeError):
                pass
            del y


def test_memory_comes_back(no_cycles):
    """Of the about 4 MB of a graph, less than 0.5 MB stay: Python itself keeps 2,000 freed tuples of each length."""

    def once(depth):
        x = start()
        chain(x, depth).backward()

    once(1000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    once(DEPTH // 5)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before > 3e6 and after - before < 0.5e6


def test_backward_frees_as_it_goes():
    """The arrays that were saved are gone before the pass has come to the leaf."""
    x = start()
    seen = []
    x.register_hook(lambda g: seen.append([saved() is None for saved in middle]))
    y, middle = x, []
    for _ in range(10):
        y = y.exp() * 0.1
        middle.append(weakref.ref(y.grad_fn.inputs[0].saved[0]))
    y.backward()
    assert seen == [[True] * 10]
