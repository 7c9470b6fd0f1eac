"""First values: distributions of torch.nn.init, what is written in place, and what each layer starts from."""

import math
import warnings

import numpy as np
import pytest

import engine
from engine import nn
from engine.nn import init


@pytest.fixture
def seeded():
    engine.manual_seed(0)


def drawn(function, *arguments, shape=(200, 300), device="cpu", dtype=engine.float64, **keywords):
    """The numbers that an initialiser writes into a tensor."""
    tensor = engine.zeros(shape, device=device, dtype=dtype)
    assert function(tensor, *arguments, **keywords) is tensor
    assert tensor._version and not tensor.requires_grad
    return tensor.cpu().numpy()


def is_uniform(numbers, low, high):
    """Kolmogorov's distance between the numbers and the uniform distribution, against its 0.1 % limit."""
    ordered = (np.sort(numbers, axis=None) - low) / (high - low)
    steps = np.arange(ordered.size + 1) / ordered.size
    distance = max(np.abs(ordered - steps[1:]).max(), np.abs(ordered - steps[:-1]).max())
    return ordered[0] >= 0 and ordered[-1] <= 1 and distance < 1.95 / math.sqrt(ordered.size)


def is_normal(numbers, mean, std, low=-math.inf, high=math.inf):
    """The same for the normal distribution, cut at low and high."""
    below = np.vectorize(lambda each: math.erf((each - mean) / std / math.sqrt(2)))
    first, last = below(low), below(high)
    return is_uniform((below(numbers) - first) / (last - first), 0, 1)


def test_the_test_of_distributions_sees_what_is_wrong():
    """Numbers of another spread (5 %) or kind are told apart."""
    source = np.random.default_rng(0)
    assert is_uniform(source.random(50000), 0, 1) and is_normal(source.standard_normal(50000), 0, 1)
    assert not is_uniform(source.random(50000) * 0.98, 0, 1)
    assert not is_uniform(source.random(50000) * 1.001, 0, 1)
    assert not is_normal(source.standard_normal(50000) * 1.05, 0, 1)
    assert not is_normal(source.uniform(-1.7, 1.7, 50000), 0, 1)


def test_uniform_and_normal(seeded, device):
    assert is_uniform(drawn(init.uniform_, device=device), 0, 1)
    assert is_uniform(drawn(init.uniform_, -2, 5, device=device), -2, 5)
    assert is_normal(drawn(init.normal_, device=device), 0, 1)
    assert is_normal(drawn(init.normal_, 3, 0.5, device=device), 3, 0.5)


@pytest.mark.parametrize(
    "mean, std, low, high",
    [
        (0, 1, -2, 2), (1, 2, -1, 0.5), (0, 1, 3, 9), (0, 1, -0.1, 0.1), (5, 1, -2, 2), (0, 1, -math.inf, 1),
        (0, 1, 4, math.inf),
    ],
)  # fmt: skip
def test_trunc_normal(seeded, mean, std, low, high, device):
    """Also where nearly all proposals of a plain normal would fall outside."""
    numbers = drawn(init.trunc_normal_, mean, std, low, high, device=device)
    assert numbers.min() >= low and numbers.max() <= high
    if low > 2:  # by the distance from the end, as erf has no digits left there
        assert abs(np.mean(numbers - low) - tail_mean(low, high)) < 0.01
    else:
        assert is_normal(numbers, mean, std, low, high)


def tail_mean(low, high):
    """The mean distance from `low` of a standard normal between low and high, by a sum."""
    places = np.linspace(low, min(high, low + 8), 200001)
    weights = np.exp((low**2 - places**2) / 2)
    return ((places - low) * weights).sum() / weights.sum()


def test_xavier_and_kaiming(seeded, device):
    """The variance by the fans, (out, in, *kernel) of weights of 6 x 50 x 3 x 4 and of others."""
    shape, fan_in, fan_out = (60, 50, 3, 4), 600, 720
    bound = 3 * math.sqrt(6 / (fan_in + fan_out))
    assert is_uniform(drawn(init.xavier_uniform_, 3, shape=shape, device=device), -bound, bound)
    assert is_normal(drawn(init.xavier_normal_, shape=shape, device=device), 0, math.sqrt(2 / (fan_in + fan_out)))
    bound = math.sqrt(6 / fan_in / (1 + 0.3**2))
    assert is_uniform(drawn(init.kaiming_uniform_, 0.3, shape=shape, device=device), -bound, bound)
    keywords = {"mode": "fan_out", "nonlinearity": "relu", "shape": shape, "device": device}
    assert is_normal(drawn(init.kaiming_normal_, **keywords), 0, math.sqrt(2 / fan_out))
    keywords["nonlinearity"] = "tanh"
    assert is_normal(drawn(init.kaiming_normal_, **keywords), 0, 5 / 3 / math.sqrt(fan_out))


@pytest.mark.parametrize("shape", [(20, 30), (30, 20), (8, 3, 2, 2), (5, 5)])
def test_orthogonal(seeded, shape, device):
    """Rows (or columns, if there are fewer) of length gain at right angles."""
    matrix = drawn(init.orthogonal_, 2, shape=shape, device=device).reshape(shape[0], -1)
    matrix = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(matrix @ matrix.T, 4 * np.eye(len(matrix)), atol=1e-12)


def test_orthogonal_prefers_no_direction(seeded, device):
    """The mean over many draws is 0: the signs of the decomposition are random."""
    mean = np.mean([drawn(init.orthogonal_, shape=(3, 3), device=device) for _ in range(2000)], axis=0)
    assert np.abs(mean).max() < 4 / math.sqrt(3 * 2000)


def test_sparse(seeded, device):
    """In each column the same number of zeros, in changing places."""
    numbers = drawn(init.sparse_, 0.25, 2.0, shape=(101, 400), device=device)
    assert ((numbers == 0).sum(0) == 26).all()
    assert (numbers == 0).any(1).all()
    assert is_normal(numbers[numbers != 0], 0, 2)


def test_constants(device):
    assert (drawn(init.constant_, 2.5, device=device) == 2.5).all()
    assert (drawn(init.ones_, device=device) == 1).all()
    assert (drawn(init.zeros_, device=device) == 0).all()
    np.testing.assert_array_equal(drawn(init.eye_, shape=(2, 3), device=device), np.eye(2, 3))


def test_dirac(device):
    """A convolution's weight whose middle hands each channel on, group by group."""
    weight = drawn(init.dirac_, 2, shape=(4, 3, 3, 5), device=device)
    expected = np.zeros((4, 3, 3, 5))
    for out, channel in ((0, 0), (1, 1), (2, 0), (3, 1)):
        expected[out, channel, 1, 2] = 1
    np.testing.assert_array_equal(weight, expected)


def test_draws_repeat_with_a_generator_and_with_the_seed(device):
    """The same numbers from the same seed; the default generator is left alone when another is given."""
    plain = [init.uniform_, init.normal_, init.trunc_normal_]
    for draw in [*plain, init.xavier_normal_, init.kaiming_uniform_, init.orthogonal_]:
        engine.manual_seed(1)
        first, again = [drawn(draw, shape=(3, 4), device=device, generator=engine.Generator()) for _ in range(2)]
        np.testing.assert_array_equal(first, again)
        untouched = engine.rand(3)
        engine.manual_seed(1)
        assert engine.equal(engine.rand(3), untouched)


def test_types_are_kept(seeded, device):
    """float32 and float16 tensors stay what they are."""
    for function in (init.normal_, init.trunc_normal_, init.orthogonal_, init.kaiming_uniform_):
        for dtype in (engine.float32, engine.float16):
            assert drawn(function, shape=(3, 4), device=device, dtype=dtype).dtype == dtype.numpy


def test_parameters_are_written_without_a_record(device):
    """A leaf that requires a gradient may be initialised, and stays a leaf."""
    weight = nn.Parameter(engine.zeros(3, 4, device=device))
    for function in (init.ones_, init.xavier_normal_, init.eye_, init.orthogonal_, init.trunc_normal_):
        assert function(weight).is_leaf and weight.requires_grad
    assert init.sparse_(weight, 0.5).is_leaf


def test_an_empty_tensor_is_left_alone_with_a_warning(device):
    with pytest.warns(UserWarning, match="zero-element"):
        assert init.kaiming_normal_(engine.zeros(0, 3, device=device)).shape == (0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        init.orthogonal_(engine.zeros(0, 3, device=device))


MISTAKES = [
    (lambda: init.eye_(engine.zeros(2)), ValueError, "2 dimensions"),
    (lambda: init.dirac_(engine.zeros(4, 2)), ValueError, "3, 4, or 5"),
    (lambda: init.dirac_(engine.zeros(4, 2, 3), 3), ValueError, "divisible by groups"),
    (lambda: init.xavier_uniform_(engine.zeros(3)), ValueError, "fewer than 2"),
    (lambda: init.kaiming_normal_(engine.zeros(3, 3), mode="fan"), ValueError, "Mode fan not supported"),
    (lambda: init.kaiming_normal_(engine.zeros(3, 3), nonlinearity="x"), ValueError, "Unsupported nonlinearity x"),
    (lambda: init.calculate_gain("leaky_relu", "x"), ValueError, "not a valid number"),
    (lambda: init.orthogonal_(engine.zeros(3)), ValueError, "2 or more"),
    (lambda: init.sparse_(engine.zeros(3), 0.1), ValueError, "2 dimensions"),
    (lambda: init.trunc_normal_(engine.zeros(3), a=2, b=1), RuntimeError, "a <= b"),
    (lambda: init.uniform_(engine.zeros(3), 2, 1), RuntimeError, "from=2 > to=1"),
    (lambda: init.normal_(engine.zeros(3), std=-1), RuntimeError, "std"),
]


@pytest.mark.parametrize("mistake, kind, words", MISTAKES)
def test_mistakes_are_explained(mistake, kind, words):
    with pytest.raises(kind, match=words):
        mistake()


def test_gains():
    """Of the table in torch's documentation."""
    gains = {"linear": 1, "conv2d": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    assert {name: init.calculate_gain(name) for name in gains} == gains
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("leaky_relu", 1) == 1


LAYERS = [
    (lambda: nn.Linear(300, 200), {"weight": 1 / math.sqrt(300), "bias": 1 / math.sqrt(300)}),
    (lambda: nn.Bilinear(40, 20, 60), {"weight": 1 / math.sqrt(40), "bias": 1 / math.sqrt(40)}),
    (lambda: nn.Conv1d(30, 200, 5), {"weight": 1 / math.sqrt(150), "bias": 1 / math.sqrt(150)}),
    (lambda: nn.Conv2d(32, 200, (3, 2), groups=2), {"weight": 1 / math.sqrt(96), "bias": 1 / math.sqrt(96)}),
    (lambda: nn.ConvTranspose1d(30, 200, 5), {"weight": 1 / math.sqrt(1000), "bias": 1 / math.sqrt(1000)}),
    (lambda: nn.ConvTranspose2d(32, 200, 3, groups=2), {"weight": 1 / math.sqrt(900), "bias": 1 / math.sqrt(900)}),
]


@pytest.mark.parametrize("make, bounds", LAYERS)
def test_layers_start_uniform_within_torch_s_bounds(seeded, make, bounds):
    layer = make()
    assert {name for name, _ in layer.named_parameters()} == {"weight", "bias"}
    for name, parameter in layer.named_parameters():
        assert is_uniform(parameter.detach().numpy(), -bounds[name], bounds[name]), name


def test_embeddings_start_normal_and_the_padding_zero(seeded):
    weight = nn.Embedding(300, 200, padding_idx=3).weight.detach().numpy()
    assert (weight[3] == 0).all() and is_normal(np.delete(weight, 3, axis=0), 0, 1)


def test_a_seed_gives_the_same_layers():
    engine.manual_seed(3)
    first = nn.Linear(3, 4)
    engine.manual_seed(3)
    assert engine.equal(nn.Linear(3, 4).weight, first.weight)
