"""Products in pieces that OpenBLAS need not pack: the numbers of the whole, whatever its kernels do."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import blas, unpacked

sizes = st.one_of(st.integers(1, 40), st.sampled_from([64, 96, 97, 128, 384, 1100]))
with_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(autouse=True, params=[0, 10**4, unpacked.MOST], ids=["packs always", "few", "as OpenBLAS"])
def most(request, monkeypatch):
    """How many multiplications a product may have without being packed."""
    monkeypatch.setattr(unpacked, "most", lambda: request.param)
    return request.param


def matrices(random, stack, rows, columns, dtype, is_turned):
    if is_turned:
        return matrices(random, stack, columns, rows, dtype, False).swapaxes(-1, -2)
    return random.standard_normal((*stack, rows, columns)).astype(dtype)


@with_fixture
@given(
    st.tuples(sizes, sizes, sizes), st.tuples(st.booleans(), st.booleans()), st.sampled_from(["float32", "float64"]),
    st.sampled_from([((), ()), ((), (3,)), ((3,), (3,)), ((2, 2), (2, 2))]))
def test_products_are_numpys(shape, are_turned, dtype, stacks):
    """Of matrices and stacks of them, either of which may lie transposed."""
    (rows, common, columns), random = shape, np.random.default_rng(0)
    a = matrices(random, stacks[0], rows, common, dtype, are_turned[0])
    b = matrices(random, stacks[1], common, columns, dtype, are_turned[1])
    out = np.full((*stacks[1], rows, columns + 3), np.nan, dtype)[..., :columns]  # rows that lie apart
    assert unpacked.multiply(a, b, out) is out
    np.testing.assert_allclose(out, np.matmul(a, b), rtol=0, atol=common * 10 * np.finfo(dtype).eps)


@with_fixture
@given(shape=st.tuples(sizes, sizes, sizes), is_turned=st.booleans())
def test_pieces_fill_the_result_and_are_small(most, shape, is_turned):
    rows, common, columns = shape
    cut = unpacked.cuts(np.empty((rows, common)), matrices(np.random.default_rng(0), (), common, columns, "f8", is_turned))
    if cut is None:
        return
    height, width = cut
    assert rows % height == columns % width == 0 and height * width * common <= most
    assert not is_turned or 1 in (common, columns) or height * width <= unpacked.MOST_TURNED


def test_what_is_cut(most):
    """The products of a small network are, on the way there and back; those of primes are not."""
    x, weight, g = np.empty((64, 784), "f"), np.empty((128, 784), "f"), np.empty((64, 128), "f")
    found = [unpacked.cuts(*each) for each in ((x, weight.T), (g.T, x), (g, weight), (g[:61, :127], weight[:127, :773]))]
    wanted = [(16, 64), (128, 16), (64, 16), None] if most == unpacked.MOST else [None] * 4
    assert found == wanted or most == 10**4


def test_the_kernels_are_known():
    """By the name that threadpoolctl knows them by, too; other libraries than OpenBLAS have none."""
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="comes with scikit-learn")
    found = {each.get("architecture", "").lower() for each in threadpoolctl.threadpool_info()}
    assert blas.libraries().kernels().lower() in found | {""}
