"""reparameterise(mean, log_variance): a sample that gradients can pass. Judged by its statistics, and by its gradients."""

import random
import sys

import numpy as np

import engine as torch
from autograders.spec import EDGE, ORDINARY, Absolute, Case, Misconception, Spec, Use
from autograders.specs.common import SINGLE, normal

DRAWS = 8000  # numbers of whose noise statistics are taken


def reparameterise_cases(rng):
    """Each number has a mean and a deviation of its own; 8000 of them, in few columns and in many."""
    yield _case(rng, (DRAWS, 1), (-1.5, 1.5), "one number a row")
    yield _case(rng, (DRAWS // 2, 2), (-2.0, 2.0), "two numbers a row")
    yield _case(rng, (DRAWS // 8, 8), (-3.0, -1.0), "variances below 1")
    yield _case(rng, (DRAWS // 2, 2), (0.0, 0.0), "log-variances of 0", EDGE)
    yield _case(rng, (DRAWS // 2, 2), (-14.0, -12.0), "hardly any variance", EDGE)
    yield _case(rng, (1, DRAWS), (2.0, 4.0), "a single row, large variances", EDGE)


def _case(rng, shape, within, group, stage=ORDINARY):
    mean, log_variance = rng.uniform(-3, 3, shape), rng.uniform(*within, shape)
    arrays = (np.asarray(each, SINGLE) for each in (mean, log_variance))
    return Case((*arrays, normal(rng, shape), int(rng.integers(2**31))), group, stage)


def reparameterise_statistics(case, drawn, again, for_mean, for_log_variance):
    """What is true of the noise in any right answer, and of the gradients that come back."""
    mean, log_variance, gradient, _ = (np.asarray(each, np.float64) for each in case.arguments)
    is_drawn = all(each.shape == mean.shape and np.isfinite(each).all() for each in (drawn, again))
    if not is_drawn:
        return np.full(3, np.nan), np.full(3, np.nan), np.nan, np.nan
    if np.all(drawn == mean):  # what is not random has gradients that are easily right
        return np.array([0.0, 0.0, 1.0]), np.full(3, np.nan), np.nan, np.nan
    noise, other = ((each - mean) / np.exp(log_variance / 2) for each in (drawn.astype(float), again.astype(float)))
    moments = [noise.mean(), np.mean(noise**2), np.mean(np.abs(noise) < 1)]
    alike = [_product(noise[0:-1:2], noise[1::2]), _product(noise[:, 0:-1:2], noise[:, 1::2]), _product(noise, other)]
    return np.array(moments), np.array(alike), *_passed(mean, log_variance, gradient, drawn, for_mean, for_log_variance)


def _product(one, other):
    """The mean product of two noises, 0 if they are independent, 1 if they are the same; 0 where there are none."""
    return np.mean(one * other) if one.size else 0.0


def _passed(mean, log_variance, gradient, drawn, for_mean, for_log_variance):
    """The part of the numbers that have the right gradient for the mean, and for the log-variance.

    With drawn = mean + sigma noise the first is `gradient` itself. The second is gradient * (drawn - mean) / 2. In
    float32 `drawn` is off by eps / 2 of its own size and of the mean's, and sigma, its noise and their products by a few
    eps, one more for each unit of the log-variance, whose half goes into exp. All of it is granted twice.
    """
    eps, step = np.finfo(SINGLE).eps, drawn - mean
    off = eps * (np.abs(drawn) + np.abs(mean) + (8 + np.abs(log_variance)) * np.abs(step))
    right = np.abs(for_log_variance - gradient * step / 2) <= np.abs(gradient) * off
    return np.mean(for_mean == gradient), np.mean(right)


def reparameterise_allowances(mean, log_variance, gradient, seed):
    """How far two right answers may be apart: six standard deviations of what is counted.

    Of n independent normal numbers the mean has the variance 1 / n, the mean square 2 / n, and the part within one
    deviation, q = 0.683, has q (1 - q) / n. The mean product of n independent pairs has the variance 1 / n; pairs of
    neighbours do not overlap. The reference is a sample too, and the difference of two has twice the variance. Six
    standard deviations are exceeded once in 5e8 numbers; a mean square, which leans to the right, gets 36 / n more.
    Gradients are right or wrong.
    """
    rows, columns = mean.shape
    n, q = rows * columns, 0.6827
    moments = 6 * np.sqrt(2 * np.array([1, 2, q * (1 - q)]) / n) + np.array([0, 36 / n, 0])
    pairs = np.array([rows // 2 * columns, rows * (columns // 2), n])
    alike = np.where(pairs > 0, 6 * np.sqrt(2 / np.maximum(pairs, 1)), 0.0)
    return Absolute(moments), Absolute(alike), Absolute(np.array(0.0)), Absolute(np.array(0.0))


def reparameterise_in_one_line(mean, log_variance):
    """The mean, and the deviation times noise."""
    return mean + (log_variance / 2).exp() * torch.randn_like(mean)


def _does_not_draw(mean, log_variance):
    return mean + 0 * log_variance


def _variance_for_deviation(mean, log_variance):
    return mean + log_variance.exp() * torch.randn_like(mean)


def _logarithm_for_deviation(mean, log_variance):
    return mean + log_variance * torch.randn_like(mean)


def _logarithm_for_variance(mean, log_variance):
    return mean + log_variance.sqrt() * torch.randn_like(mean)


def _takes_it_for_the_log_deviation(mean, log_variance):
    return mean + (2 * log_variance).exp() * torch.randn_like(mean)


def _uniform(mean, log_variance):
    return mean + (log_variance / 2).exp() * torch.rand_like(mean)


def _the_same_noise_for_all_rows(mean, log_variance):
    return mean + (log_variance / 2).exp() * torch.randn(mean.shape[1])


def _the_same_noise_in_a_row(mean, log_variance):
    return mean + (log_variance / 2).exp() * torch.randn(len(mean), 1)


def _one_noise_for_all(mean, log_variance):
    return mean + (log_variance / 2).exp() * torch.randn(1)


def _noise_for_ever(mean, log_variance):
    rng = np.random.default_rng(0)
    return mean + (log_variance / 2).exp() * torch.tensor(rng.standard_normal(tuple(mean.shape))).to(mean.dtype)


def _draws_outside_the_graph(mean, log_variance):
    return torch.normal(mean.detach(), (log_variance.detach() / 2).exp()) + 0 * mean.detach()


def _the_deviation_learns_nothing(mean, log_variance):
    return mean + (log_variance.detach() / 2).exp() * torch.randn_like(mean)


def _standard_noise(mean, log_variance):
    return mean + torch.randn_like(mean) + 0 * log_variance


def _noise_times_the_mean(mean, log_variance):
    return (log_variance / 2).exp() + mean * torch.randn_like(mean)


def _half_outside(mean, log_variance):
    return mean + log_variance.exp() / 2 * torch.randn_like(mean)


def _uniform_around_0(mean, log_variance):
    return mean + (log_variance / 2).exp() * (2 * torch.rand_like(mean) - 1)


def _adds_the_deviation(mean, log_variance):
    return mean + (log_variance / 2).exp()


def _noise_times_both(mean, log_variance):
    return (mean + (log_variance / 2).exp()) * torch.randn_like(mean)


def _one_over_the_deviation(mean, log_variance):
    return mean + (-log_variance / 2).exp() * torch.randn_like(mean)


def _exp_of_numpy_s(mean, log_variance):
    return mean + np.exp(log_variance / 2) * torch.randn_like(mean)


def _absolute_noise(mean, log_variance):
    return mean + (log_variance / 2).exp() * torch.randn_like(mean).abs()


def _powers_of_2(mean, log_variance):
    return mean + 2 ** (log_variance / 2) * torch.randn_like(mean)


def _the_mean_learns_nothing(mean, log_variance):
    return mean.detach() + (log_variance / 2).exp() * torch.randn_like(mean)


def _around_0(mean, log_variance):
    return (log_variance / 2).exp() * torch.randn_like(mean)


def _noise_alone(mean, log_variance):
    return torch.randn_like(mean)


def reparameterise_with_square_root(mean, log_variance):
    """The variance first, then its root."""
    return torch.randn(*mean.shape, dtype=mean.dtype) * torch.sqrt(torch.exp(log_variance)) + mean


def reparameterise_with_power(mean, log_variance):
    """The variance to the power of a half; draws for each row by itself."""
    noise = torch.stack([torch.randn(mean.shape[1]) for _ in range(len(mean))])
    return mean + noise.to(mean.dtype) * log_variance.exp() ** 0.5


def reparameterise_with_numpy_s_noise(mean, log_variance):
    """Noise of numpy's, with a generator of its own; says on stderr what it does."""
    print("drawing", tuple(mean.shape), file=sys.stderr)
    noise = torch.from_numpy(np.random.default_rng().standard_normal(tuple(mean.shape)))
    return mean + torch.exp(0.5 * log_variance) * noise.to(mean.dtype)


def reparameterise_with_python_s_noise(mean, log_variance):
    """Noise of Python's, a list a row."""
    noise = torch.tensor([[random.gauss(0, 1) for _ in row] for row in mean.tolist()], dtype=mean.dtype)
    return torch.addcmul(mean, log_variance.mul(0.5).exp(), noise)


def reparameterise_with_normal(mean, log_variance):
    """Noise from torch.normal, which has no gradient and needs none."""
    noise = torch.normal(torch.zeros_like(mean).detach(), torch.ones_like(mean).detach())
    return noise * (log_variance * 0.5).exp() + mean


EXERCISE = Spec(
    name="autoencoders/reparameterise",
    function="reparameterise",
    use=Use(probe="reparameterise"),
    parameters=("mean", "log_variance"),
    inputs=("mean", "log_variance", "gradient", "seed"),
    returns=("sampled", "sampled_again", "grad_mean", "grad_log_variance"),
    measure=reparameterise_statistics,
    measured=(
        "the noise, (sample - mean) / sigma: its mean, its mean square, the part of it within 1",
        "mean product of two noises: neighbours down, neighbours across, one number in two calls",
        "part of the numbers whose gradient reaches the mean",
        "part of the numbers whose gradient reaches the log-variance",
    ),
    title="A sample that gradients can pass",
    why="Nothing can be learned through a die. Keep the die outside, and mean and deviation can be learned.",
    minutes=12,
    difficulty=3,
    weights={"values": 3.0, "edge cases": 1.0},
    ours=reparameterise_in_one_line,
    rounding=reparameterise_allowances,
    cases=reparameterise_cases,
    packages=("numpy", "engine"),
    withheld=(),
    misconceptions=(
        Misconception(
            "does not draw",
            "You return the mean: there is no noise in it. That is a plain autoencoder, whose plane has holes.",
            _does_not_draw,
        ),
        Misconception(
            "variance for deviation",
            "Your noise is multiplied by the variance, `exp(log_variance)`. The deviation is its root: "
            "`exp(log_variance / 2)`.",
            _variance_for_deviation,
        ),
        Misconception(
            "logarithm for deviation",
            "You use the log-variance as if it were the deviation. It may be negative; `exp(log_variance / 2)` never is.",
            _logarithm_for_deviation,
        ),
        Misconception(
            "logarithm for variance",
            "A log-variance may be negative, and a root or a logarithm of that is nan. Undo the logarithm with `exp` "
            "first, then take the root.",
            _logarithm_for_variance,
        ),
        Misconception(
            "log-variance taken for log σ",
            "You double `log_variance` on its way to the deviation. It is log σ², so σ is `exp(log_variance / 2)`.",
            _takes_it_for_the_log_deviation,
        ),
        Misconception(
            "uniform noise",
            "Your noise lies between 0 and 1: that is `torch.rand`. The standard normal one is `torch.randn`.",
            _uniform,
        ),
        Misconception(
            "the same noise for all rows",
            "All rows get the same noise. Draw a number for each element: `torch.randn_like(mean)`.",
            _the_same_noise_for_all_rows,
        ),
        Misconception(
            "the same noise in a row",
            "All numbers of a row get the same noise. Draw one for each element: `torch.randn_like(mean)`.",
            _the_same_noise_in_a_row,
        ),
        Misconception(
            "one noise for all",
            "A single number is drawn for the whole batch. Draw one for each element: `torch.randn_like(mean)`.",
            _one_noise_for_all,
        ),
        Misconception(
            "the same noise in each call",
            "Each call makes the same noise. Do not set a seed inside: the network would learn that noise by heart.",
            _noise_for_ever,
        ),
        Misconception(
            "outside the graph",
            "The samples are right, but no gradient comes back from them: `torch.normal`, `detach` and `no_grad` end "
            "the graph, and so does numpy. Sample standard noise, and let `mean` and the deviation be an ordinary sum "
            "and product.",
            _draws_outside_the_graph,
        ),
        Misconception(
            "the deviation learns nothing",
            "The mean gets its gradient, the log-variance none: it has left the graph. Multiply the noise by a deviation "
            "that is still in it.",
            _the_deviation_learns_nothing,
        ),
        Misconception(
            "a deviation of 1 for all",
            "Your noise has a deviation of 1 everywhere. Multiply it by `exp(log_variance / 2)`.",
            _standard_noise,
        ),
        Misconception(
            "noise times the mean",
            "Mean and deviation have changed places: the noise is multiplied by the deviation, and the mean added.",
            _noise_times_the_mean,
        ),
        Misconception(
            "half outside",
            "Your clouds are mostly too narrow, much as if you halved after `exp`: σ² / 2. The half belongs inside, "
            "where it takes the root: `exp(log_variance / 2)`.",
            _half_outside,
        ),
        Misconception(
            "uniform noise around 0",
            "Your noise lies between -1 and 1, and has a deviation of 0.58. The standard normal one has 1, and now "
            "and then goes far out: `torch.randn_like(mean)`.",
            _uniform_around_0,
        ),
        Misconception(
            "adds the deviation",
            "You add σ itself, so each code lies one deviation above its mean, always in the same place. Multiply σ "
            "by noise first.",
            _adds_the_deviation,
        ),
        Misconception(
            "noise times both",
            "You multiply the mean by noise as well, so the cloud lies around 0 and no longer around its mean. Only "
            "the deviation is multiplied.",
            _noise_times_both,
        ),
        Misconception(
            "one over the deviation",
            "`exp(-log_variance / 2)` is 1 / σ: what should be narrow is wide. Leave out the minus.",
            _one_over_the_deviation,
        ),
        Misconception(
            "numpy's functions",
            "numpy's functions know arrays, and an array has no graph. Don't detach, or nothing is learned: a tensor "
            "has its own, `(log_variance / 2).exp()` and `torch.randn_like(mean)`.",
            _exp_of_numpy_s,
        ),
        Misconception(
            "absolute noise",
            "All your noise is above 0, so the cloud lies on one side of its mean. Standard noise is as often below.",
            _absolute_noise,
        ),
        Misconception(
            "powers of 2",
            "The logarithm is the natural one. What undoes it is `exp`, not a power of 2.",
            _powers_of_2,
        ),
        Misconception(
            "the mean learns nothing",
            "The log-variance gets its gradient, the mean none: it has left the graph. Add the mean as it came in.",
            _the_mean_learns_nothing,
        ),
        Misconception(
            "around 0",
            "The mean is missing: all your clouds lie around 0, whatever the image. Add it.",
            _around_0,
        ),
        Misconception(
            "noise alone",
            "You return standard noise as it is. Bring it to its place: times σ, plus the mean.",
            _noise_alone,
        ),
    ),
    half_right=(_draws_outside_the_graph,),
    honest=(
        reparameterise_in_one_line,
        reparameterise_with_square_root,
        reparameterise_with_power,
        reparameterise_with_numpy_s_noise,
        reparameterise_with_python_s_noise,
        reparameterise_with_normal,
    ),
    hints=(
        "Noise with mean 0 and deviation 1 becomes noise with mean μ and deviation σ by one product and one sum.",
        "`torch.randn_like(mean)` is the noise. σ is the root of the variance, and the variance is "
        "`log_variance.exp()`.",
        "`mean + (log_variance / 2).exp() * torch.randn_like(mean)`",
    ),
)
