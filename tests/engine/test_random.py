"""Random tensors: repeatable by seed, the same on every device, with the distributions they are named for."""

import numpy as np
import pytest

import engine as torch

DRAWS = {
    "rand": lambda **more: torch.rand(3, **more),
    "randn": lambda **more: torch.randn(3, **more),
    "randint": lambda **more: torch.randint(1000, (3,), **more),
    "randperm": lambda **more: torch.randperm(9, **more),
    "normal": lambda **more: torch.normal(1.0, 2.0, (3,), **more),
    "complex": lambda **more: torch.randn(3, dtype=torch.complex64, **more),
    "half": lambda **more: torch.rand(3, dtype=torch.float16, **more),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_repeats_the_draws_on_every_device(name, device):
    torch.manual_seed(7)
    here = DRAWS[name]()
    torch.manual_seed(7)
    np.random.seed(0)  # numpy's global state has no part in it
    there = DRAWS[name](device=device)
    assert there.device.type == device and torch.equal(there.cpu(), here)
    assert not torch.equal(DRAWS[name](), here), "the next draw differs"


@pytest.mark.parametrize("name", DRAWS)
def test_a_generator_of_ones_own(name):
    first, second = (DRAWS[name](generator=torch.Generator().manual_seed(3)) for _ in range(2))
    torch.manual_seed(5)
    expected = DRAWS["rand"]()
    torch.manual_seed(5)
    DRAWS[name](generator=torch.Generator())
    assert torch.equal(first, second) and torch.equal(DRAWS["rand"](), expected), "and leaves the common one alone"


def test_numpy_s_global_state_is_left_alone():
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    for draw in DRAWS.values():
        draw()
    assert np.random.random() == expected


def test_the_state_can_be_kept_and_put_back():
    generator = torch.Generator().manual_seed(2)
    torch.rand(5, generator=generator)
    state = generator.get_state()
    expected = torch.rand(3, generator=generator)
    other = torch.Generator()
    other.set_state(state)
    assert torch.equal(torch.rand(3, generator=other), expected) and other.initial_seed() == 2
    common = torch.get_rng_state()
    expected = torch.rand(2)
    torch.set_rng_state(common)
    assert torch.equal(torch.rand(2), expected) and state.dtype is torch.uint8


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_rand_never_reaches_1(kind):
    """Numbers drawn in double and rounded would."""
    drawn = torch.rand(200_000, dtype=getattr(torch, kind), generator=torch.Generator().manual_seed(0)).numpy()
    assert drawn.min() >= 0 and drawn.max() < 1 and drawn.dtype == kind
    assert abs(drawn.astype(np.float64).mean() - 0.5) < 0.01


def test_moments():
    torch.manual_seed(0)
    normal = torch.randn(200_000).numpy()
    assert abs(normal.mean()) < 0.01 and abs(normal.std() - 1) < 0.01
    pairs = torch.randn(200_000, dtype=torch.complex128).numpy()
    assert abs((np.abs(pairs) ** 2).mean() - 1) < 0.01
    whole = torch.randint(-2, 3, (100_000,)).numpy()
    assert set(whole) == {-2, -1, 0, 1, 2} and abs(whole.mean()) < 0.02
    mean, std = torch.tensor([0.0, 100.0]), torch.tensor([1.0, 0.1])
    drawn = torch.normal(mean.expand(50_000, 2), std).numpy()
    np.testing.assert_allclose(drawn.mean(0), [0, 100], atol=0.02)
    np.testing.assert_allclose(drawn.std(0), [1, 0.1], rtol=0.02)
    chances = torch.tensor([0.1, 0.9]).expand(50_000, 2)
    np.testing.assert_allclose(torch.bernoulli(chances).numpy().mean(0), [0.1, 0.9], atol=0.01)
    uniform = torch.empty(100_000).uniform_(2, 4).numpy()
    assert 2 <= uniform.min() and uniform.max() < 4 and abs(uniform.mean() - 3) < 0.01


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_draws_in_proportion(replacement, device):
    torch.manual_seed(0)
    weights = torch.tensor([[1.0, 0.0, 3.0], [2.0, 2.0, 0.0]], device=device)
    drawn = torch.multinomial(weights, 1, replacement)
    assert drawn.device.type == device and drawn.shape == (2, 1)
    many = torch.multinomial(weights[0].expand(20_000, 3), 1, replacement).cpu().numpy()
    np.testing.assert_allclose(np.bincount(many[:, 0], minlength=3) / 20_000, [0.25, 0, 0.75], atol=0.02)


def test_multinomial_without_replacement_repeats_nothing():
    drawn = torch.multinomial(torch.ones(50, 6), 6).numpy()
    assert (np.sort(drawn, axis=1) == np.arange(6)).all()
    assert torch.multinomial(torch.tensor([0.0, 0.0, 2.0]), 3).tolist()[0] == 2, "weight 0 comes last"


def test_draws_in_place_are_recorded_and_pass_no_gradient():
    a = torch.ones(3, requires_grad=True)
    b = a * torch.tensor([1.0, float("inf"), 1.0])
    before = b.array
    b.normal_(generator=torch.Generator())
    b.sum().backward()
    assert b.array is before and np.isfinite(b.detach().numpy()).all() and a.grad[0].item() == 0
    with pytest.raises(RuntimeError, match="leaf Variable"):
        a.uniform_()


def test_a_seed_that_nobody_knows():
    """seed() begins anew with another one each time, and says it: from it the same draws come again."""
    generator = torch.Generator()
    seeds = {generator.seed() for _ in range(3)}
    assert len(seeds) == 3 and generator.initial_seed() in seeds
    drawn = torch.rand(4, generator=generator)
    assert torch.equal(drawn, torch.rand(4, generator=torch.Generator().manual_seed(generator.initial_seed())))
