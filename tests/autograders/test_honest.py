"""No honest answer fails: every variant, in both dtypes, on two kinds of BLAS kernels, with one thread and with two."""

import pytest

pytest.importorskip("threadpoolctl", reason="it tells which kernels BLAS uses")

from autograders.spec import load, names  # noqa: E402
from honest_corpus import errors, in_a_process, kernels  # noqa: E402

SEEDS = (11, 12)


def test_the_corpus_is_large():
    """At least 200 right answers over the exercises, at least three for each."""
    counts = {name: len(load(name).honest) for name in names()}
    assert sum(counts.values()) >= 200 and min(counts.values()) >= 3, counts


@pytest.mark.slow
@pytest.mark.skipif(len(kernels()) < 2, reason="which kernels the processor can run is known on Linux, x86-64")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernel", kernels())
def test_no_honest_answer_fails(kernel, threads):
    found = in_a_process(kernel, threads, SEEDS)
    assert [kernel, threads] in found["blas"] or [kernel.lower(), threads] in found["blas"], found["blas"]
    assert not found["failures"], found["failures"][0][-1]


def test_the_errors_that_are_measured_are_real():
    """A variant that is off by nearly all it may be is seen as such; the exact one as none."""
    spec = load("autograd/unbroadcast")
    shares = dict(errors(spec, spec.honest[0], 1))
    assert set(shares) == {"float32", "float64"} and 0 <= max(shares.values()) < 1

    def coarse(gradient, shape):
        return spec.reference(gradient, shape) * gradient.dtype.type(1.001)

    assert max(share for _, share in errors(spec, coarse, 1)) > 1
