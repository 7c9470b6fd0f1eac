"""The benchmarks' training steps: right numbers, no waiting for a GPU within a step, no memory that grows."""

import gc
import sys
import traceback
import tracemalloc

import pytest

import engine
from benchmarks import race, workloads

SMALL = {"batch": 2, "length": 8, "width": 8, "depth": 1}


def small_step(torch, name, **changed):
    sizes = {size: SMALL[size] for size in workloads.sizes(name)}
    return workloads.load(name).step(torch, **sizes | changed)


@pytest.mark.parametrize("name", workloads.NAMES)
def test_a_step_trains(name, device):
    """Under the engine each workload runs, on each device, and its losses are those of other numbers every time."""
    step = small_step(engine, name, device=device)
    losses = [step().item() for _ in range(3)]
    assert all(0 < loss < 100 for loss in losses)
    if name != "chain":  # which has no optimizer
        assert losses[2] < losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", workloads.NAMES)
def test_losses_are_pytorchs(name):
    """The same data, weights and steps give the same losses: what is raced is the same computation."""
    torch = pytest.importorskip("torch", reason="needs the extra `parity`")
    ours, theirs = small_step(engine, name), small_step(torch, name)
    assert race.agree([ours().item() for _ in range(3)], [theirs().item() for _ in range(3)])


class Conversions:
    """Where the stand-in for cupy hands a value to the host, which a real GPU would make everyone wait for."""

    METHODS = ("get", "item", "tolist", "__bool__", "__int__", "__float__")

    def __init__(self, monkeypatch):
        import strict_cupy

        self.places = []
        for name in self.METHODS:
            monkeypatch.setattr(strict_cupy.ndarray, name, self.counted(getattr(strict_cupy.ndarray, name)))

    def counted(self, method):
        def call(*arguments, **keywords):
            stack = traceback.extract_stack(sys._getframe(1), limit=4)
            self.places.append("".join(traceback.format_list(stack)))
            return method(*arguments, **keywords)

        return call


@pytest.mark.parametrize("name", workloads.NAMES)
def test_a_step_does_not_wait_for_the_gpu(name, strict_cupy, monkeypatch):
    """Within a step no value comes to the host, until the script asks for one."""
    monkeypatch.delenv("CUDA_LAUNCH_BLOCKING")
    step = small_step(engine, name, device="cuda")
    step()
    conversions = Conversions(monkeypatch)
    loss = step()
    assert conversions.places == [], f"{len(conversions.places)} waits, the first one at\n{conversions.places[0]}"
    loss.item()
    assert conversions.places  # so they are counted


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny_mlp", "cnn", "lstm", "chain"])
def test_memory_does_not_grow(name):
    """1,000 steps leave less than one object or 32 bytes each; Python and numpy keep a few freed ones at hand."""
    step, steps = small_step(engine, name), 1000
    tracemalloc.start()
    try:
        before = in_use(step, 100)
        after = in_use(step, steps)
    finally:
        tracemalloc.stop()
    grown = [now - earlier for now, earlier in zip(after, before)]
    assert grown[0] < 32 * steps and grown[1] < steps, f"{grown[0]} bytes and {grown[1]} objects after {steps} steps"


def in_use(step, count):
    """(bytes, objects) after so many steps."""
    for _ in range(count):
        step()
    gc.collect()
    return tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()
