"""Work shared out among threads of the engine's own: results, errors, and nothing left changed."""

import os
import threading

import numpy as np
import pytest

import engine as torch
from engine import blas, threads, unpacked


@pytest.fixture(autouse=True)
def three(monkeypatch):
    """Three threads, and products of a few numbers are worth sharing."""
    monkeypatch.setattr(threads, "_most", [3])
    monkeypatch.setattr(threads, "WORTH_SHARING", 2)


SHAPES = [
    ((7, 4), (4, 5)), ((5, 4), (4, 9)), ((1, 4), (4, 1)), ((6, 2, 3), (6, 3, 4)), ((1, 2, 3), (5, 3, 4)),
    ((2, 3), (5, 3, 4)), ((2, 3, 5, 4), (2, 3, 4, 6)), ((4, 5), (5,)), ((4, 1), (1, 5)), ((5, 4, 1), (1, 3)),
    ((4, 1), (1,))]


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int64"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_are_numpys(shapes, dtype):
    random = np.random.default_rng(0)
    a, b = [(random.standard_normal(shape) * 9).astype(dtype) for shape in shapes]
    for left in (a, np.asfortranarray(a)):
        np.testing.assert_allclose(threads.matmul(left, b), np.matmul(left, b), rtol=1e-5, atol=1e-4)


def test_a_product_is_the_same_each_time():
    random = np.random.default_rng(0)
    a, b = random.standard_normal((300, 70)), random.standard_normal((70, 30))
    assert all(np.array_equal(threads.matmul(a, b), threads.matmul(a, b)) for _ in range(5))


ORDERS = {
    "row-major": lambda a: a, "batch last": lambda a: np.ascontiguousarray(a.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2),
    "sliced": lambda a: np.repeat(a, 2, axis=1)[:, ::2], "small": lambda a: a[:1, :2, :1, :1], "empty": lambda a: a[:0],
    "a number": lambda a: a[0, 0, 0, 0].reshape(())}


@pytest.mark.parametrize("at_once", [None, 4])
@pytest.mark.parametrize("order", ORDERS)
def test_elements_are_the_same_in_parts(order, at_once, monkeypatch):
    """To the bit, in whatever order they lie; an array of ones in its shape goes to each part whole."""
    monkeypatch.setattr(threads, "WORTH_PARTING", 2)
    random, seen = np.random.default_rng(0), []
    a, b = [ORDERS[order](random.standard_normal((5, 4, 3, 2))) for _ in range(2)]
    rows = random.standard_normal((1, a.shape[1], 1, 1)) if a.ndim else np.ones(())

    def compute(a, b, rows, out):
        seen.append(out.size)
        np.multiply(a, b, out=out)
        out += rows

    result = threads.elementwise(compute, a, b, rows, np.empty_like(a), at_once=at_once)
    assert np.array_equal(result, a * b + rows) and result.strides == np.empty_like(a).strides
    assert sum(seen) == a.size and (len(seen) >= 3 or a.size < 3)


def blas_threads():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="comes with scikit-learn")
    return [each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"]


def test_blas_and_cores_are_left_as_they_were():
    """Also where the work raises. While it is done, numpy's own library has one thread."""
    before = blas_threads(), os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    seen = []

    def work(items):
        seen.append(blas_threads())
        if 2 in items:
            raise KeyError(items)

    threads.share(lambda items: seen.append(blas_threads()), [0, 1, 2])
    with pytest.raises(KeyError):
        threads.share(work, [0, 1, 2])
    assert len(seen) == 6 and all(1 in each for each in seen)
    assert before == (blas_threads(), os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None)


def test_shared_work_may_share_work():
    """A helper that asks for help gets other helpers; nobody waits for himself."""
    inner = threads.share(lambda items: threads.share(sum, [items[0], 10, 20]), [1, 2, 3])
    assert inner == [[each, 10, 20] for each in (1, 2, 3)]


def test_two_callers_at_once():
    outcomes = {}

    def ask(number):
        outcomes[number] = [threads.share(sum, [number, number, number]) for _ in range(50)]

    callers = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    [each.start() for each in callers], [each.join() for each in callers]
    assert outcomes == {number: [[number] * 3] * 50 for number in range(4)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_process_that_was_forked_off_has_helpers_of_its_own():
    threads.share(sum, [1, 2, 3])
    child = os.fork()
    if child == 0:
        os._exit(0 if threads.share(sum, [1, 2, 3]) == [1, 2, 3] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_where_the_system_does_not_tell_of_cores(monkeypatch):
    """As on macOS and Windows: work is shared, nobody is moved."""
    monkeypatch.setattr(threads, "_idle", [])
    monkeypatch.setattr(blas.libraries(), "core", lambda: None)
    assert threads.share(sum, [1, 2, 3]) == [1, 2, 3]


def test_openblas_s_threads_rest_while_ours_work(monkeypatch):
    """A product too small for ours may be OpenBLAS's to share, unless ours have worked not long before."""
    alone = []

    class Libraries(blas.Libraries):
        def __enter__(self):
            alone.append("one thread")
            super().__enter__()

    libraries = Libraries()
    monkeypatch.setattr(blas, "libraries", lambda: libraries)
    monkeypatch.setattr(threads, "WORTH_SHARING", 10**9)
    monkeypatch.setattr(threads, "_products", [threads.FAR_APART])
    a, little = np.ones((100, 100)), np.ones((2, 2))
    threads.matmul(a, a)
    assert alone == []
    threads.share(sum, [1, 2, 3])
    threads.matmul(a, a)
    assert alone == ["one thread"] * 2
    for _ in range(threads.FAR_APART):
        threads.matmul(little, little)
    threads.matmul(a, a)
    assert alone == ["one thread"] * 2


def test_a_seed_makes_all_that_follows_the_same(monkeypatch):
    """Products of OpenBLAS may differ in their last bits by its number of threads, so a seed forgets what was shared."""
    monkeypatch.setattr(threads, "WORTH_SHARING", 10**9)
    monkeypatch.setattr(threads, "_most", [2])
    monkeypatch.setattr(unpacked, "most", lambda: 0)  # products in pieces are nobody's to share
    random = np.random.default_rng(0)
    a, b = [torch.tensor(random.standard_normal((90, 700)), dtype=torch.float32) for _ in range(2)]
    torch.manual_seed(0)
    first = a @ b.T
    threads.share(sum, [1, 2, 3])
    torch.manual_seed(0)
    assert threads._products == [threads.FAR_APART] and torch.equal(a @ b.T, first)
